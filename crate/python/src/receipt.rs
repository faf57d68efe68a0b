//! Receipts, and checking them.

use pyo3::prelude::*;
use ultrare::Digest;
use ultrare::recommender::{RecommenderError, verify_on};
use ultrare::unlearn::receipt::check_head;

use crate::error::{ToPython as _, refused, told};
use crate::remote::Workers;
use crate::rows::Rows;
use crate::values::json;
use crate::watch::watched;

/// The record of a change.
#[pyclass(frozen, module = "ultrare._native")]
pub struct Receipt {
    pub receipt: ultrare::Receipt,
}

impl From<ultrare::Receipt> for Receipt {
    fn from(receipt: ultrare::Receipt) -> Self {
        Receipt { receipt }
    }
}

#[pymethods]
impl Receipt {
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Receipt> {
        Ok(ultrare::Receipt::parse(text).to_python(py)?.into())
    }

    #[getter]
    fn digest(&self) -> String {
        self.receipt.digest.to_string()
    }

    /// The document, byte for byte as every other surface writes it.
    fn to_json(&self) -> String {
        self.receipt.to_json()
    }
}

/// Trains again from the rows and compares every digest; gives the verdict as JSON.
#[pyfunction]
#[pyo3(signature = (receipts, rows, head, threads, executor, progress))]
pub fn verify(
    py: Python<'_>,
    receipts: Vec<PyRef<'_, Receipt>>,
    rows: PyRef<'_, Rows>,
    head: Option<&str>,
    threads: usize,
    executor: Option<Bound<'_, PyAny>>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let receipts: Vec<ultrare::Receipt> = receipts.iter().map(|one| one.receipt.clone()).collect();
    let rows = rows.rows.clone();
    let head = match head.map(|head| Digest::parse(head).ok_or(head)) {
        None => None,
        Some(Ok(head)) => Some(head),
        Some(Err(_)) => {
            return Err(told(py, "python.value", "head is the 64 hexadecimal digits of the last receipt's digest"));
        }
    };
    let workers = Workers::new(threads, executor)?;
    let checked = workers
        .carry(py, |executor| watched(py, progress.as_ref(), |control| verify_on(executor, control, &receipts, &rows)));
    let mut verdict = checked?;
    if let Some(head) = head {
        verdict = verdict.and(check_head(&receipts, &head));
        let first = verdict.failures().next().cloned();
        if let Some(first) = first {
            let first = format!("{}, {}: expected {}, found {}", first.place, first.name, first.expected, first.found);
            let (failed, checks) = (verdict.failures().count(), verdict.checks.len());
            let error = RecommenderError::Refuted { failed, checks, first, verdict: Box::new(verdict) };
            return Err(refused(py, &error.into()));
        }
    }
    json(py, &verdict)
}
