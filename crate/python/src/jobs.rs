//! Jobs one by one, for whoever sends them about.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ultrare::pipeline::{Blob, Parcel};

use crate::error::ToPython as _;

/// Runs jobs, and keeps the large inputs that they name. One for each process is enough.
#[pyclass(frozen, module = "ultrare._native")]
pub struct Runner {
    runner: ultrare::pipeline::Runner,
}

#[pymethods]
impl Runner {
    #[new]
    fn new() -> Self {
        Runner { runner: ultrare::pipeline::Runner::new() }
    }

    /// Digests of the inputs that have to be given before the job can run.
    fn lacking(&self, py: Python<'_>, job: &[u8]) -> PyResult<Vec<String>> {
        let parcel = Parcel::from_bytes(job).to_python(py)?;
        Ok(self.runner.lacking(&parcel.inputs).iter().map(ToString::to_string).collect())
    }

    /// Takes an input and gives its digest, which is that of its bytes whatever anybody says.
    fn put(&self, py: Python<'_>, input: &[u8]) -> String {
        let bytes = input.to_vec();
        let blob = py.detach(|| Blob::new(bytes));
        self.runner.put(blob.digest, Arc::clone(&blob.bytes));
        blob.digest.to_string()
    }

    /// Runs a job to its end and gives the outcome.
    fn run<'py>(&self, py: Python<'py>, job: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let parcel = Parcel::from_bytes(job).to_python(py)?;
        let outcome = py.detach(|| self.runner.run(&parcel.body)).to_python(py)?;
        Ok(PyBytes::new(py, &outcome))
    }
}
