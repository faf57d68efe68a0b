//! Values in and out.

use serde::{Serialize, de::DeserializeOwned};
use serde_wasm_bindgen::Serializer;
use ultrare::Digest;
use wasm_bindgen::JsValue;

use crate::error::refused;

/// A plain object as `JSON.parse` would give it, except that byte strings become `Uint8Array`.
pub fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = Serializer::new().serialize_missing_as_null(true).serialize_maps_as_objects(true);
    value.serialize(&serializer).map_err(|error| refused("binding.encode", &error.to_string()))
}

/// Reads a plain object; `what` names it in the refusal, which says what was expected instead of what.
pub fn from_js<T: DeserializeOwned>(value: JsValue, what: &str) -> Result<T, JsValue> {
    serde_wasm_bindgen::from_value(value).map_err(|error| {
        let error = error.to_string();
        let reason = error.strip_prefix("Error: ").unwrap_or(&error);
        refused("argument", &format!("{what} cannot be used: {reason}"))
    })
}

/// Reads a digest.
pub fn digest(text: &str) -> Result<Digest, JsValue> {
    Digest::parse(text)
        .ok_or_else(|| refused("argument", &format!("expected a digest of 64 hexadecimal digits, not `{text}`")))
}
