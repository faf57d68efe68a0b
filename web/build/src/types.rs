//! The generated TypeScript, put in order.

use std::fs;
use std::path::Path;

use crate::Result;

/// The types are generated from Rust types that do not know how the binding writes `None`: it writes `null`, as JSON does,
/// so that a snapshot is the same object in the page and in the command line's file. The generator assumes `undefined`.
pub fn nulls(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    fs::write(file, text.replace(" | undefined", " | null"))?;
    Ok(())
}
