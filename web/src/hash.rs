//! What everybody may ask without an experiment.

use wasm_bindgen::prelude::*;

/// The version of the library inside.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// SHA-256 of bytes, as 64 hexadecimal digits.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    ultrare::Digest::of(bytes).to_string()
}
