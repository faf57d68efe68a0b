//! Errors as JavaScript meets them: `Error` objects with a stable `code` and, where there is more to say, `details`.

use js_sys::Reflect;
use ultrare::Error;
use wasm_bindgen::JsValue;

/// A refusal by the library.
pub fn from_library(error: &Error) -> JsValue {
    refused(error.code(), &error.to_string())
}

/// An `Error` named `UltrareError` with a code.
pub fn refused(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name("UltrareError");
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
