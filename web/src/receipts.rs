//! Receipts out, and receipts to be checked.

use ultrare::experiment::Loaded;
use ultrare::unlearn::{Mode, Receipt, Sequence, scenario};
use wasm_bindgen::prelude::*;

use crate::convert::{from_js, to_js};
use crate::error::refuse;
use crate::{Experiment, Reader};

#[wasm_bindgen]
impl Experiment {
    /// The receipts of the changes that were carried out on these rows, the first first: each a JSON document.
    pub fn receipts(&self) -> Vec<String> {
        self.0.receipts().iter().map(Receipt::to_json).collect()
    }

    /// Begins to check a chain of receipts against what the readers have read (and frees them). Gives the ticket.
    pub fn verify(&mut self, receipts: Vec<String>, rows: Reader, test: Option<Reader>) -> Result<u32, JsValue> {
        let (rows, report, _) = rows.finish(test.is_some())?;
        let test = test.map(|test| test.finish(true)).transpose()?.map(|(rows, ..)| rows);
        self.0.verify(&parsed(&receipts)?, Loaded { test, ..Loaded::of(rows, &report) }).map_err(refuse)
    }

    /// Begins to check a chain of receipts against the rows that are loaded, as they are now. Gives the ticket.
    pub fn verify_loaded(&mut self, receipts: Vec<String>) -> Result<u32, JsValue> {
        self.0.verify_loaded(&parsed(&receipts)?).map_err(refuse)
    }

    /// Begins to check a chain of receipts against a generated sample. Gives the ticket.
    pub fn verify_sample(
        &mut self,
        receipts: Vec<String>,
        #[wasm_bindgen(unchecked_param_type = "Size")] size: JsValue,
        seed: u32,
    ) -> Result<u32, JsValue> {
        self.0.verify_sample(&parsed(&receipts)?, from_js(size, "the size")?, seed).map_err(refuse)
    }
}

#[wasm_bindgen]
impl Experiment {
    /// The requests of a story on the rows in force.
    #[wasm_bindgen(unchecked_return_type = "Sequence")]
    pub fn scenario(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Scenario")] name: JsValue,
    ) -> Result<JsValue, JsValue> {
        to_js(&self.0.scenario(from_js(name, "the story")?).map_err(refuse)?)
    }

    /// The bill of a sequence, before anything changes.
    #[wasm_bindgen(unchecked_return_type = "SequenceBill")]
    pub fn bill(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Sequence")] sequence: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Mode")] mode: JsValue,
    ) -> Result<JsValue, JsValue> {
        let (sequence, mode) = (from_js::<Sequence>(sequence, "the sequence")?, from_js::<Mode>(mode, "the mode")?);
        to_js(&self.0.bill(&sequence, mode).map_err(refuse)?)
    }
}

/// The stories that there are.
#[wasm_bindgen(unchecked_return_type = "ScenarioCard[]")]
pub fn scenarios() -> Result<JsValue, JsValue> {
    to_js(&scenario::catalogue())
}

/// Throws with the reason and, where several were given, with the place of the one that cannot be trusted.
fn parsed(texts: &[String]) -> Result<Vec<Receipt>, JsValue> {
    texts.iter().map(|text| Receipt::parse(text).map_err(|error| refuse(error.into()))).collect()
}

/// What a receipt says, for showing it before it is checked: its document, if it can be trusted as a document.
#[wasm_bindgen(unchecked_return_type = "ReceiptView")]
pub fn read_receipt(text: &str) -> Result<JsValue, JsValue> {
    to_js(&Receipt::parse(text).map_err(|error| refuse(error.into()))?.view())
}

/// Reads a script of changes; see `Sequence::parse` in the library.
#[wasm_bindgen(unchecked_return_type = "Sequence")]
pub fn parse_sequence(script: &str) -> Result<JsValue, JsValue> {
    to_js(&Sequence::parse(script).map_err(|error| refuse(error.into()))?)
}
