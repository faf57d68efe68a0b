//! Settings in, views out: JSON both ways.

use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ultrare::combine::CombineMethod;
use ultrare::{Settings, combine, model, partition};

use crate::error::{ToPython as _, told};

/// A view as JSON.
pub fn json(py: Python<'_>, value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| told(py, "python.value", &error.to_string()))
}

/// A value from JSON; what is wrong with it is told as being about `what`.
pub fn parsed<T: DeserializeOwned>(py: Python<'_>, what: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        // Where in a text that nobody wrote is no help.
        let said = said.split(" at line ").next().unwrap_or_default();
        told(py, "python.value", &format!("{what}: {said}"))
    })
}

/// Settings with every member filled in, checked. Where no combiner was asked for and the usual one cannot work with the
/// model, the mean of scores stands in, as on the command line.
#[pyfunction]
pub fn settings(py: Python<'_>, text: &str) -> PyResult<String> {
    let asked: Value = parsed(py, "settings", text)?;
    let mut settings: Settings = parsed(py, "settings", text)?;
    let unsaid = asked.get("combine").and_then(|combine| combine.get("method")).is_none();
    if unsaid && !settings.combine.method.works_with(settings.model.name) {
        settings.combine.method = CombineMethod::Mean;
    }
    settings.check().to_python(py)?;
    json(py, &settings)
}

/// What there is: models, partitions and combiners with their knobs.
#[pyfunction]
pub fn catalogue(py: Python<'_>) -> PyResult<String> {
    json(py, &(model::catalogue(), partition::catalogue(), combine::catalogue()))
}
