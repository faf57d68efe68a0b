//! Builds `web/pkg/wasm/`: the wasm module, its JavaScript glue and its TypeScript types.
//!
//! cargo (release, simd128) -> wasm-bindgen as a library -> wasm-opt from the npm package `binaryen` -> sizes against the
//! budget. Nothing is installed globally and nothing is downloaded. When cargo's output did not change, the rest is skipped,
//! so a warm build costs what cargo needs to find that out.
//!
//! Usage: `cargo run --profile tool -p ultrare-build [-- --no-opt]`, anywhere inside the workspace. With `-- --kernels` it
//! builds the benchmark's module instead, with the same flags and passes, and prints where it is.

mod cargo;
mod optimise;
mod sizes;
mod types;

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use wasm_bindgen_cli_support::Bindgen;

/// Anything that stops the build, as one sentence.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The name of the module and its glue: `ultrare_web.js`, `ultrare_web_bg.wasm`, `ultrare_web.d.ts`.
const NAME: &str = "ultrare_web";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("build: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<()> {
    let optimise = !env::args().any(|argument| argument == "--no-opt");
    let root = root()?;
    if env::args().any(|argument| argument == "--kernels") {
        return kernels(&root);
    }
    let pkg = root.join("web/pkg/wasm");
    let raw = cargo::wasm(&root, "ultrare-web")?;

    let stamp = stamp(&raw, optimise)?;
    let stamp_file = pkg.join(".stamp");
    let module = pkg.join(format!("{NAME}_bg.wasm"));
    if module.exists() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        println!("wasm: unchanged");
        return Ok(());
    }

    // Made beside the old one and moved at the end: a build that fails leaves the last good package.
    let fresh = root.join("web/.pkg-new");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh)?;
    Bindgen::new()
        .input_path(&raw)
        .out_name(NAME)
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true) // the client names the module, once, for all workers
        .keep_debug(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&fresh)?;
    let module = fresh.join(format!("{NAME}_bg.wasm"));
    types::tidy(&fresh.join(format!("{NAME}.d.ts")))?;
    if optimise {
        optimise::run(&root, &module)?;
    }
    sizes::check(&fresh, NAME)?;
    fs::write(fresh.join(".stamp"), stamp)?;
    let _ = fs::remove_dir_all(&pkg);
    fs::create_dir_all(root.join("web/pkg"))?;
    fs::rename(&fresh, &pkg)?;
    Ok(())
}

/// `ultrare_kernels.optimised.wasm`, beside what cargo made and newer than it. It needs no glue.
fn kernels(root: &Path) -> Result<()> {
    let raw = cargo::wasm(root, "ultrare-kernels")?;
    let module = raw.with_extension("optimised.wasm");
    let made = |file: &Path| fs::metadata(file).and_then(|file| file.modified());
    if !made(&module).is_ok_and(|made_at| made(&raw).is_ok_and(|raw| made_at > raw)) {
        let fresh = raw.with_extension("copy.wasm");
        fs::copy(&raw, &fresh)?;
        optimise::run(root, &fresh)?;
        fs::rename(&fresh, &module)?;
    }
    println!("{}", module.display());
    Ok(())
}

/// The workspace: the folder above this crate's own.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.ancestors().nth(2).ok_or("the build tool is not inside the workspace")?.to_owned())
}

/// What decides whether the package has to be made again: cargo's output, this tool's version of it, and the options.
fn stamp(raw: &Path, optimise: bool) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(raw)?);
    hasher.write(include_bytes!("main.rs"));
    hasher.write(include_bytes!("optimise.rs"));
    hasher.write(include_bytes!("types.rs"));
    Ok(format!("{:016x} {}", hasher.finish(), if optimise { "optimised" } else { "plain" }))
}
