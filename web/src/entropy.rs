//! The only source of real randomness: everything else follows from a seed.

use wasm_bindgen::prelude::*;

use crate::error::refused;

/// A seed nobody chose, for the "another one" button: 32 bits from the platform's generator.
///
/// # Errors
/// Where the platform has no generator.
#[wasm_bindgen]
pub fn fresh_seed() -> Result<u32, JsValue> {
    getrandom::u32()
        .map_err(|error| refused("binding.entropy", &format!("the platform gave no random number: {error}")))
}
