//! Files in.

use std::cell::OnceCell;
use std::io;

use js_sys::Uint8Array;
use ultrare::interactions::{self, Interactions, ItemTitles, ReadAt, ReadConfig, ReadReport};
use ultrare::unlearn::Change;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, FileReaderSync};

use crate::convert::{from_js, to_js};
use crate::error::refuse_read;

/// Reads one file: bytes that are pushed in pieces of any size, or a file that lies where the browser has it. Given to
/// `Experiment.load`, which frees it.
#[wasm_bindgen]
pub struct Reader(interactions::Reader);

#[wasm_bindgen]
impl Reader {
    /// Has seen nothing yet: for `push`. The filter of the reading settings is one of the experiment's, which applies it anew
    /// at every change, so nothing is filtered here.
    #[wasm_bindgen(constructor)]
    pub fn new(#[wasm_bindgen(unchecked_param_type = "ReadConfig")] config: JsValue) -> Result<Reader, JsValue> {
        let config = ReadConfig { k_core: 0, ..from_js(config, "the reading settings")? };
        Ok(Reader(interactions::Reader::new(config)))
    }

    /// Takes the bytes of a file itself, where it needs them: for `step`. Only in a worker.
    pub fn open(
        file: Blob,
        #[wasm_bindgen(unchecked_param_type = "ReadConfig")] config: JsValue,
    ) -> Result<Reader, JsValue> {
        let config = ReadConfig { k_core: 0, ..from_js(config, "the reading settings")? };
        interactions::Reader::open(Box::new(Lying::new(file)), config).map(Reader).map_err(refuse_read)
    }

    /// The next bytes. Throws as soon as it is certain that the file cannot be used.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        self.0.push(chunk);
        self.0.failed().map_or(Ok(()), |error| Err(refuse_read(error.clone())))
    }

    /// Takes up to so many more bytes. True once all are taken; throws as `push`.
    pub fn step(&mut self, most: u32) -> Result<bool, JsValue> {
        self.0.step(most as usize).map_err(refuse_read)
    }

    /// Takes titles and genres from the text of another file.
    pub fn with_titles(&mut self, text: &[u8]) -> Result<u32, JsValue> {
        self.0.with_titles(text).map_err(refuse_read)
    }

    /// Puts what was read in order, some hundredths of a second at a time; true once that is done. `part`: one of two files.
    /// Whoever takes the rows without it waits for all of it.
    pub fn settle(&mut self, part: bool) -> Result<bool, JsValue> {
        self.0.settle(part).map_err(refuse_read)
    }

    /// Bytes so far.
    pub fn bytes(&self) -> f64 {
        self.0.bytes() as f64
    }

    /// Usable rows so far.
    pub fn rows(&self) -> u32 {
        self.0.rows()
    }
}

impl Reader {
    /// `part`: one of two files.
    pub(crate) fn finish(self, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), JsValue> {
        self.0.finish_with_titles(part).map_err(refuse_read)
    }
}

/// What a reader has read (and is freed by this) as rows to add.
#[wasm_bindgen(unchecked_return_type = "AddedRow[]")]
pub fn added_rows(reader: Reader) -> Result<JsValue, JsValue> {
    to_js(&Change::adding(&reader.finish(true)?.0).add)
}

/// Does a file that begins with these bytes list items with their titles?
#[wasm_bindgen]
pub fn lists_titles(first_bytes: &[u8]) -> bool {
    !interactions::titles_of(first_bytes).is_empty()
}

/// What a reader would make of a file that begins with these bytes; of an archive all of them are needed.
#[wasm_bindgen(unchecked_return_type = "Preview")]
pub fn preview(
    first_bytes: &[u8],
    #[wasm_bindgen(unchecked_param_type = "ReadConfig")] config: JsValue,
) -> Result<JsValue, JsValue> {
    let config = from_js(config, "the reading settings")?;
    to_js(&interactions::preview(first_bytes, &config).map_err(refuse_read)?)
}

/// What a reader would make of a file. Only in a worker.
#[wasm_bindgen(unchecked_return_type = "Preview")]
pub fn preview_file(
    file: Blob,
    #[wasm_bindgen(unchecked_param_type = "ReadConfig")] config: JsValue,
) -> Result<JsValue, JsValue> {
    let config = from_js(config, "the reading settings")?;
    to_js(&interactions::preview_of(&Lying::new(file), &config).map_err(refuse_read)?)
}

/// A file where the browser has it; nothing of it is copied but what is asked for.
struct Lying {
    file: Blob,
    reader: OnceCell<FileReaderSync>,
}

impl Lying {
    fn new(file: Blob) -> Self {
        Lying { file, reader: OnceCell::new() }
    }

    fn slice(&self, offset: u64, length: usize) -> Result<Uint8Array, JsValue> {
        if self.reader.get().is_none() {
            // Another reader in the cell would do as well.
            let _ = self.reader.set(FileReaderSync::new()?);
        }
        let Some(reader) = self.reader.get() else { return Ok(Uint8Array::new_with_length(0)) };
        let end = (offset + length as u64).min(self.size()) as f64;
        let part = self.file.slice_with_f64_and_f64(offset as f64, end)?;
        Ok(Uint8Array::new(&reader.read_as_array_buffer(&part)?.into()))
    }
}

impl ReadAt for Lying {
    fn size(&self) -> u64 {
        self.file.size() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let told = |thrown: JsValue| {
            let message = js_sys::Reflect::get(&thrown, &"message".into()).ok().and_then(|message| message.as_string());
            io::Error::other(
                message.unwrap_or_else(|| "the browser could not read it; was it moved or changed?".to_owned()),
            )
        };
        let part = self.slice(offset, buffer.len()).map_err(told)?;
        let length = (part.length() as usize).min(buffer.len());
        part.copy_to(&mut buffer[..length]);
        Ok(length)
    }
}
