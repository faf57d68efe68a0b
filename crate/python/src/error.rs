//! Refusals as Python exceptions: `ultrare.errors` makes them, so that what people catch is ordinary Python.

use pyo3::prelude::*;
use ultrare::Error;
use ultrare::recommender::RecommenderError;

/// The library's own refusal.
pub fn refused(py: Python<'_>, error: &Error) -> PyErr {
    let verdict = match error {
        Error::Recommender(RecommenderError::Refuted { verdict, .. }) => serde_json::to_string(verdict).ok(),
        _ => None,
    };
    raise(py, error.code(), &error.to_string(), verdict)
}

/// A refusal of this binding: something of another kind than is taken here, or not to be had now.
pub fn told(py: Python<'_>, code: &str, message: &str) -> PyErr {
    raise(py, code, message, None)
}

fn raise(py: Python<'_>, code: &str, message: &str, verdict: Option<String>) -> PyErr {
    let made = py.import("ultrare.errors").and_then(|errors| errors.call_method1("make", (code, message, verdict)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// Gives a library's result to Python.
pub trait ToPython<T> {
    /// The value, or the exception.
    fn to_python(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: Into<Error>> ToPython<T> for Result<T, E> {
    fn to_python(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| refused(py, &error.into()))
    }
}
