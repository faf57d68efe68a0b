//! What is trained, asked: lists, visitors, items that go together, reasons.

use ultrare::serve::{self, Query};
use wasm_bindgen::prelude::*;

use crate::Experiment;
use crate::convert::{from_js, to_js};
use crate::error::refuse;

/// The ensemble that serves now, read back. What is done to the experiment afterwards does not reach it.
#[wasm_bindgen]
pub struct Server(serve::Server);

fn query(value: JsValue) -> Result<Query, JsValue> {
    from_js(value, "the query")
}

fn shown(rows: &[(String, f32)]) -> Vec<(&str, f32)> {
    rows.iter().map(|(item, value)| (item.as_str(), *value)).collect()
}

#[wasm_bindgen]
impl Experiment {
    /// Reads back what serves, to be asked; to be freed.
    pub fn server(&self) -> Result<Server, JsValue> {
        Ok(Server(self.0.server().map_err(refuse)?))
    }
}

#[wasm_bindgen]
impl Server {
    /// The best items of each of these users.
    #[wasm_bindgen(unchecked_return_type = "List[]")]
    pub fn recommend(
        &self,
        users: Vec<String>,
        #[wasm_bindgen(unchecked_param_type = "Partial<Query>")] asked: JsValue,
    ) -> Result<JsValue, JsValue> {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        to_js(&self.0.recommend_all(&users, &query(asked)?).map_err(refuse)?)
    }

    /// The best items of a visitor: pairs of item and value.
    #[wasm_bindgen(unchecked_return_type = "List")]
    pub fn recommend_for(
        &self,
        #[wasm_bindgen(unchecked_param_type = "[string, number][]")] rows: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Partial<Query>")] asked: JsValue,
    ) -> Result<JsValue, JsValue> {
        let rows: Vec<(String, f32)> = from_js(rows, "the visitor's rows")?;
        to_js(&self.0.recommend_for(&shown(&rows), &query(asked)?).map_err(refuse)?)
    }

    /// What goes with an item.
    #[wasm_bindgen(unchecked_return_type = "List")]
    pub fn similar(
        &self,
        item: &str,
        #[wasm_bindgen(unchecked_param_type = "Partial<Query>")] asked: JsValue,
    ) -> Result<JsValue, JsValue> {
        to_js(&self.0.similar(item, &query(asked)?).map_err(refuse)?)
    }

    /// Which rows of a user lead to an item.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub fn explain(&self, user: &str, item: &str) -> Result<JsValue, JsValue> {
        to_js(&self.0.explain(user, item).map_err(refuse)?)
    }

    /// Which rows of a visitor lead to an item.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub fn explain_for(
        &self,
        #[wasm_bindgen(unchecked_param_type = "[string, number][]")] rows: JsValue,
        item: &str,
    ) -> Result<JsValue, JsValue> {
        let rows: Vec<(String, f32)> = from_js(rows, "the visitor's rows")?;
        to_js(&self.0.explain_for(&shown(&rows), item).map_err(refuse)?)
    }
}
