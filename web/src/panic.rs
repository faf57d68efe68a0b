//! A panic is a defect; what is left of the module after one must not be used. Without this it would reach JavaScript as
//! "RuntimeError: unreachable"; with it, as an error that says what was wrong and where, so that it can be reported.

use std::panic::{self, PanicHookInfo};

use wasm_bindgen::prelude::*;

use crate::error::refused;

#[wasm_bindgen(start)]
fn install() {
    panic::set_hook(Box::new(report));
}

/// Throws out of the hook: the frames above are abandoned as they would be by the trap that follows otherwise. Whoever
/// catches code `panic` drops the whole module (the client replaces the worker).
fn report(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("no message");
    let place = info.location().map_or(String::new(), |place| format!(" ({}:{})", place.file(), place.line()));
    wasm_bindgen::throw_val(refused("panic", &format!("a defect in ultrare: {message}{place}")));
}

/// Panics, so that tests can see what becomes of it.
#[wasm_bindgen]
pub fn panic_for_tests() {
    panic!("asked for by a test");
}
