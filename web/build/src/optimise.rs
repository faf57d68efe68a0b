//! wasm-opt, as the npm package `binaryen` ships it: itself wasm, run by node.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::Result;

/// The features the module may use, listed because wasm-bindgen strips the section that would tell. None of them, and no
/// pass of -O3, changes the result of a float operation: `--fast-math` is a flag of its own and is not given.
const OPTIONS: [&str; 6] = [
    "-O3",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
];

/// Optimises `module` in place.
pub fn run(root: &Path, module: &Path) -> Result<()> {
    let script = root.join("node_modules/binaryen/bin/wasm-opt");
    if !script.exists() {
        return Err("node_modules/binaryen is missing: run `npm ci` (or `npm start`, which does)".into());
    }
    let node = env::var_os("NODE").unwrap_or_else(|| "node".into());
    let output = module.with_extension("opt");
    let status = Command::new(node).arg(script).args(OPTIONS).arg(module).arg("-o").arg(&output).status();
    if !status.map_err(|error| format!("node could not be started: {error}"))?.success() {
        return Err("wasm-opt failed; its message stands above".into());
    }
    fs::rename(output, module)?;
    Ok(())
}
