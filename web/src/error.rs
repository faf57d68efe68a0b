//! Errors as JavaScript meets them: `Error` objects with a stable `code` and, where there is more to say, `details`.

use js_sys::Reflect;
use ultrare::Error;
use ultrare::interactions::ReadError;
use wasm_bindgen::JsValue;

/// A refusal by the library.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub fn refuse(error: Error) -> JsValue {
    refused(error.code(), &error.to_string())
}

/// A file that cannot be used.
pub fn refuse_read(error: ReadError) -> JsValue {
    refuse(error.into())
}

/// An `Error` named `UltrareError` with a code.
pub fn refused(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name("UltrareError");
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
