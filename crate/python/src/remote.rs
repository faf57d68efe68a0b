//! Who runs the jobs: threads of this process, or whatever a Python object sends them to. That object has three methods:
//! `begin(jobs, give)` takes (job, inputs, weight) of every job and a function from an input's digest to its bytes;
//! `wait(seconds)` gives (number, outcome, seconds) of those that have ended since; `stop()` gives up what is left.
#![allow(clippy::disallowed_types)] // Whoever drives has a clock; what it says enters no outcome.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_bytes::ByteBuf;
use ultrare::Digest;
use ultrare::execute::{Control, ExecuteError, Executor, Inputs, Meter, Outcome, Threads};
use ultrare::pipeline::{JobOut, Parcel, PipelineError};

use crate::error::told;

/// Seconds that nothing may be heard for before somebody looks whether all is still wanted.
const PATIENCE: f64 = 0.1;

/// One of the two.
pub enum Workers {
    Threads(Threads),
    Remote(Remote),
}

impl Workers {
    /// The Python object, or so many threads.
    pub fn new(threads: usize, executor: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(driver) = executor else { return Ok(Workers::Threads(Threads::new(threads))) };
        let workers = driver.getattr("workers")?.extract()?;
        let driver = driver.unbind();
        Ok(Workers::Remote(Remote { driver, workers, began: Instant::now(), raised: Mutex::default() }))
    }

    /// Does something on it. What the Python object raised is the cause of what is raised then.
    pub fn carry<T>(&self, py: Python<'_>, work: impl FnOnce(&(dyn Executor + Sync)) -> PyResult<T>) -> PyResult<T> {
        match self {
            Workers::Threads(threads) => work(threads),
            Workers::Remote(remote) => work(remote).inspect_err(|error| {
                let raised = remote.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(cause) = raised {
                    error.set_cause(py, Some(cause));
                }
            }),
        }
    }
}

/// Jobs through a Python object.
pub struct Remote {
    driver: Py<PyAny>,
    workers: u32,
    began: Instant,
    /// What it raised first.
    raised: Mutex<Option<PyErr>>,
}

impl Executor for Remote {
    fn workers(&self) -> u32 {
        self.workers
    }

    fn clock(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn run(&self, jobs: &[JobOut], inputs: &dyn Inputs, control: &Control<'_>) -> Vec<ultrare::Result<Outcome>> {
        let meter = control.meter(jobs);
        Python::attach(|py| {
            let driver = self.driver.bind(py);
            let outcomes = given(jobs, inputs).and_then(|inputs| match carried(driver, jobs, inputs, &meter) {
                Ok(outcomes) => outcomes,
                Err(raised) => {
                    let message = raised.value(py).to_string();
                    *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
                    Err(ExecuteError::Elsewhere(message).into())
                }
            });
            match outcomes {
                Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                Err(error) => {
                    // It is given up anyway; what else goes wrong now is no news.
                    drop(driver.call_method0("stop"));
                    vec![Err(error); jobs.len()]
                }
            }
        })
    }
}

/// All inputs that these jobs name. Shared, not copied.
fn given(jobs: &[JobOut], inputs: &dyn Inputs) -> ultrare::Result<BTreeMap<String, Arc<ByteBuf>>> {
    let mut given = BTreeMap::new();
    for digest in jobs.iter().flat_map(|job| &job.inputs) {
        let lacking = || PipelineError::Lacking { digest: digest.to_string() };
        given.insert(digest.to_string(), inputs.input(digest).ok_or_else(lacking)?);
    }
    Ok(given)
}

/// Gives bytes of inputs to Python when it asks for them.
#[pyclass(frozen)]
struct Give {
    inputs: BTreeMap<String, Arc<ByteBuf>>,
}

#[pymethods]
impl Give {
    fn __call__<'py>(&self, py: Python<'py>, digest: &str) -> PyResult<Bound<'py, PyBytes>> {
        let unknown = || told(py, "pipeline.lacking", &format!("no job that is out names an input {digest}"));
        Ok(PyBytes::new(py, self.inputs.get(digest).ok_or_else(unknown)?))
    }
}

type Done = (usize, Vec<u8>, f64);

/// The outer result is Python's, the inner one the library's: nobody wants the jobs any more.
fn carried(
    driver: &Bound<'_, PyAny>,
    jobs: &[JobOut],
    inputs: BTreeMap<String, Arc<ByteBuf>>,
    meter: &Meter<'_>,
) -> PyResult<ultrare::Result<Vec<Outcome>>> {
    let py = driver.py();
    let parcel = |job: &JobOut| {
        let names: Vec<String> = job.inputs.iter().map(Digest::to_string).collect();
        (PyBytes::new(py, &Parcel::from(job).to_bytes()), names, job.weight)
    };
    let parcels: Vec<_> = jobs.iter().map(parcel).collect();
    driver.call_method1("begin", (parcels, Bound::new(py, Give { inputs })?))?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; jobs.len()];
    let mut left = jobs.len();
    while left > 0 {
        let done: Vec<Done> = driver.call_method1("wait", (PATIENCE,))?.extract()?;
        for (at, bytes, seconds) in done {
            let place = outcomes
                .get_mut(at)
                .ok_or_else(|| told(py, "python.executor", "an outcome of a job that there is not"))?;
            left -= usize::from(place.is_none());
            *place = Some(Outcome { bytes, seconds });
            if let Err(error) = meter.step(at, 1.0) {
                return Ok(Err(error));
            }
        }
        if let Err(error) = meter.step(jobs.len(), 0.0) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(outcomes.into_iter().flatten().collect()))
}
