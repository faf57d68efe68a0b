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

/// Settings with every member filled in, checked: those of `base` with what is `given` beside them, where another model, partition
/// or combiner leaves behind what it does not have. Where no combiner was asked for and the usual one cannot work with the
/// model, the mean of scores stands in, as on the command line.
#[pyfunction]
pub fn settings(py: Python<'_>, base: &str, given: &str) -> PyResult<String> {
    let before: Value = parsed(py, "settings", base)?;
    let given: Value = parsed(py, "settings", given)?;
    let settings: Settings = parsed(py, "settings", base)?;
    let choice = |member: &str, tag: &str| Value::clone(&given[member][tag]);
    let settings = settings.choosing(
        parsed(py, "model", &choice("model", "name").to_string())?,
        parsed(py, "partition", &choice("partition", "method").to_string())?,
        parsed(py, "combine", &choice("combine", "method").to_string())?,
    );
    let mut laid: Value = parsed(py, "settings", &json(py, &settings)?)?;
    lay(&mut laid, &given);
    let mut settings: Settings = parsed(py, "settings", &laid.to_string())?;
    let unsaid = [&before, &given].iter().all(|asked| asked["combine"]["method"].is_null());
    if unsaid && !settings.combine.method.works_with(settings.model.name) {
        settings = settings.choosing(None, None, Some(CombineMethod::Mean));
    }
    settings.check().to_python(py)?;
    json(py, &settings)
}

/// Lays the members of `over` on those of `under`, at any depth.
fn lay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                lay(under.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// What there is: models, partitions and combiners with their knobs.
#[pyfunction]
pub fn catalogue(py: Python<'_>) -> PyResult<String> {
    json(py, &(model::catalogue(), partition::catalogue(), combine::catalogue()))
}
