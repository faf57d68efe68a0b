//! The Python binding, `ultrare._native`: decode, call, encode. What people import is `python/ultrare/`, which calls this.
//!
//! Views cross as JSON, lists as ids and bytes that NumPy reads in place. Nothing is decided here.

mod arrow;
mod error;
mod jobs;
mod receipt;
mod recommender;
mod remote;
mod rows;
mod values;
mod watch;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use super::jobs::Runner;
    #[pymodule_export]
    use super::receipt::{Receipt, verify};
    #[pymodule_export]
    use super::recommender::{Accepted, Bill, Recommender};
    #[pymodule_export]
    use super::rows::{Rows, from_frame, from_rows, read, sample};
    #[pymodule_export]
    use super::values::{catalogue, settings};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("VERSION", env!("CARGO_PKG_VERSION"))
    }
}
