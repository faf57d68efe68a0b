//! Files in.

use ultrare::interactions::{self, Interactions, ReadConfig, ReadReport};
use ultrare::unlearn::Change;
use wasm_bindgen::prelude::*;

use crate::convert::{from_js, to_js};
use crate::error::refuse_read;

/// Reads one file that comes in pieces of any size. Given to `Experiment.load`, which frees it.
#[wasm_bindgen]
pub struct Reader(interactions::Reader);

#[wasm_bindgen]
impl Reader {
    /// Has seen nothing yet. The filter of the reading settings is one of the experiment's, which applies it anew at every
    /// change, so nothing is filtered here.
    #[wasm_bindgen(constructor)]
    pub fn new(#[wasm_bindgen(unchecked_param_type = "ReadConfig")] config: JsValue) -> Result<Reader, JsValue> {
        let config = ReadConfig { k_core: 0, ..from_js(config, "the reading settings")? };
        Ok(Reader(interactions::Reader::new(config)))
    }

    /// The next bytes. Throws as soon as it is certain that the file cannot be used.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        self.0.push(chunk);
        self.0.failed().map_or(Ok(()), |error| Err(refuse_read(error.clone())))
    }

    /// Usable rows so far.
    pub fn rows(&self) -> u32 {
        self.0.rows()
    }
}

impl Reader {
    /// A file of its own.
    pub(crate) fn finish(self) -> Result<(Interactions, ReadReport), JsValue> {
        self.0.finish().map_err(refuse_read)
    }

    /// One of two files.
    pub(crate) fn finish_part(self) -> Result<(Interactions, ReadReport), JsValue> {
        self.0.finish_part().map_err(refuse_read)
    }
}

/// What a reader has read (and is freed by this) as rows to add.
#[wasm_bindgen(unchecked_return_type = "AddedRow[]")]
pub fn added_rows(reader: Reader) -> Result<JsValue, JsValue> {
    to_js(&Change::adding(&reader.finish_part()?.0).add)
}

/// What a reader would make of a file that begins with these bytes.
#[wasm_bindgen(unchecked_return_type = "Preview")]
pub fn preview(
    first_bytes: &[u8],
    #[wasm_bindgen(unchecked_param_type = "ReadConfig")] config: JsValue,
) -> Result<JsValue, JsValue> {
    let config = from_js(config, "the reading settings")?;
    to_js(&interactions::preview(first_bytes, &config).map_err(refuse_read)?)
}
