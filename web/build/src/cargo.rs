//! Runs cargo for the wasm target.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::Result;

/// Compiles a package for wasm, as the product is compiled, and returns the module's path.
pub fn wasm(root: &Path, package: &str) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args([
        "build",
        "--profile",
        "wasm",
        "--target",
        "wasm32-unknown-unknown",
        "--lib",
        "-p",
        package,
    ]);
    // Panic messages name source files. Shortened, they are the same on every machine and say nothing about this one;
    // the flags are joined to those of .cargo/config.toml.
    let flags: Vec<String> = [(home("CARGO_HOME", ".cargo"), "cargo"), (Some(root.to_owned()), "")]
        .into_iter()
        .filter_map(|(from, to)| Some(format!("\"--remap-path-prefix={}={to}\"", from?.display())))
        .collect();
    command.arg("--config").arg(format!("target.wasm32-unknown-unknown.rustflags=[{}]", flags.join(",")));
    if !command.status().map_err(|error| format!("cargo could not be started: {error}"))?.success() {
        return Err("cargo failed; its message stands above".into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let module = target.join(format!("wasm32-unknown-unknown/wasm/{}.wasm", package.replace('-', "_")));
    fs::metadata(&module).map_err(|_| format!("cargo succeeded but {} is not there", module.display()))?;
    Ok(module)
}

fn home(variable: &str, folder: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(folder)))
}
