//! What everybody may ask without an experiment.

use wasm_bindgen::prelude::*;

use crate::convert::to_js;

/// The version of the library inside.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// What there is to choose from: models, partitions and combiners with their knobs.
#[wasm_bindgen(unchecked_return_type = "Catalogue")]
pub fn catalogue() -> Result<JsValue, JsValue> {
    to_js(&ultrare::pipeline::catalogue())
}

/// SHA-256 of bytes, as 64 hexadecimal digits.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    ultrare::Digest::of(bytes).to_string()
}
