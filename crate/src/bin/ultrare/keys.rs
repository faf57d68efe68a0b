//! `ultrare keys`, and reading what it wrote.

use std::fs;
use std::path::Path;

use ultrare::Digest;
use ultrare::unlearn::receipt::sign::{Key, public_key};

use crate::args::Keys;

/// Makes a pair and writes it, never over an older one.
pub fn keys(args: &Keys) -> Result<(), String> {
    let secret = &args.out;
    let mut public = secret.clone().into_os_string();
    public.push(".pub");
    let public = Path::new(&public);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("the machine gives no random numbers: {error}"))?;
    let key = Key::new(seed);
    for (path, text) in [(secret.as_path(), key.secret()), (public, key.public().to_string())] {
        if path.exists() {
            return Err(format!("{} is there already; a key that signed something should not be lost", path.display()));
        }
        fs::write(path, text + "\n").map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        private(path, path == secret).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    say!("public     {}", key.public());
    say!("           hand {} out; keep {} to yourself", public.display(), secret.display());
    Ok(())
}

/// Others may not read a secret.
#[cfg(unix)]
fn private(path: &Path, secret: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if secret { fs::set_permissions(path, fs::Permissions::from_mode(0o600)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn private(_: &Path, _: bool) -> std::io::Result<()> {
    Ok(())
}

/// The secret key in a file.
pub fn read(path: &Path) -> Result<Key, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    Key::parse(&fs::read_to_string(path).map_err(|error| told(&error))?).map_err(|error| told(&error))
}

/// A public key: its digits, or a file with them.
pub fn public(text: &str) -> Result<Digest, String> {
    match fs::read_to_string(text) {
        Ok(digits) => public_key(&digits).map_err(|error| format!("{text}: {error}")),
        Err(_) => public_key(text).map_err(|error| format!("--signed-by: {error}")),
    }
}
