//! Long work beside the interpreter: it runs on a thread of its own, without the interpreter's lock, while the thread that
//! asked hears of Ctrl-C and tells how far it is. So a callback is always called from where the call was made.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use ultrare::execute::{Cancel, Control, Progress};

use crate::error::{ToPython as _, told};

/// How long a Ctrl-C may wait, and how often somebody is told at most.
const TICK: Duration = Duration::from_millis(40);

/// Carries out `work`, which heeds its control. What the callback or a signal raises stops it, and is raised again when it
/// has stopped.
pub fn watched<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Control<'_>) -> ultrare::Result<T> + Send,
) -> PyResult<T> {
    let cancel = Cancel::new();
    let told_of: Mutex<VecDeque<Progress>> = Mutex::default();
    let over = AtomicBool::new(false);
    let tell = |progress: &Progress| {
        let mut told = told_of.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody has heard of yet is replaced by what is newer, stage by stage.
        match told.back_mut().filter(|last| last.stage == progress.stage && last.pipeline == progress.pipeline) {
            Some(last) => *last = progress.clone(),
            None => told.push_back(progress.clone()),
        }
    };
    let mut control = Control::new().until(&cancel);
    if progress.is_some() {
        control = control.telling(&tell);
    }
    let hear = || -> PyResult<()> {
        py.check_signals()?;
        let Some(callback) = progress else { return Ok(()) };
        loop {
            let next = told_of.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(Progress { pipeline, stage, jobs, done }) = next else { return Ok(()) };
            callback.call1((pipeline, format!("{stage:?}").to_lowercase(), jobs, done))?;
        }
    };
    let caller = thread::current();
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let result = work(&control);
            over.store(true, Ordering::Release);
            caller.unpark();
            result
        });
        let mut raised = None;
        while !over.load(Ordering::Acquire) && !worker.is_finished() {
            py.detach(|| thread::park_timeout(TICK));
            if raised.is_none()
                && let Err(error) = hear()
            {
                raised = Some(error);
                cancel.cancel();
            }
        }
        let result = py.detach(|| worker.join());
        let result = result.map_err(|_| told(py, "python.defect", "a defect in ultrare: its message stands above"))?;
        match raised {
            Some(error) => Err(error),
            None => {
                hear()?;
                result.to_python(py)
            }
        }
    })
}
