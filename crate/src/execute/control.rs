//! How far it is, and the word to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::Result;
use crate::pipeline::{JobOut, Stage};

use super::ExecuteError;

/// A word to stop, that any thread may give and that is kept. Clones are the same word.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not given yet.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Stops whatever heeds it at its next step: a sweep, an epoch, some users.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Was it given?
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What the pipeline is called: `original`, `unlearned`, `verify`, ...
    pub pipeline: String,
    /// The stage.
    pub stage: Stage,
    /// Its jobs.
    pub jobs: u32,
    /// About how much of their work is done, 0 to 1.
    pub done: f32,
}

/// Who is told how far it is. Called from whichever thread has taken a step.
type Tell<'a> = &'a (dyn Fn(&Progress) + Sync);

/// What whoever waits has to say: whom to tell, and when to stop.
#[derive(Clone, Default)]
pub struct Control<'a> {
    cancel: Cancel,
    tell: Option<Tell<'a>>,
}

impl<'a> Control<'a> {
    /// Nobody is told and nothing stops it.
    pub fn new() -> Self {
        Control::default()
    }

    /// Tells how far it is.
    pub fn telling(mut self, tell: Tell<'a>) -> Self {
        self.tell = Some(tell);
        self
    }

    /// Stops at the word.
    pub fn until(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Is it to stop?
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Takes down how far these jobs are.
    pub fn meter(&self, jobs: &[JobOut]) -> Meter<'a> {
        let progress = jobs.first().map(|job| Progress {
            pipeline: job.pipeline.clone(),
            stage: job.stage,
            jobs: jobs.len() as u32,
            done: 0.0,
        });
        let weights: Vec<f64> = jobs.iter().map(|job| job.weight.max(f64::MIN_POSITIVE)).collect();
        Meter { control: self.clone(), progress, done: Mutex::new(vec![0.0; weights.len()]), weights }
    }
}

/// How far the jobs of a stage are, taken together by their weights.
pub struct Meter<'a> {
    control: Control<'a>,
    progress: Option<Progress>,
    weights: Vec<f64>,
    done: Mutex<Vec<f32>>,
}

impl Meter<'_> {
    /// The job at `at` is so far, 0 to 1. It never goes back.
    ///
    /// Errors: nobody wants the jobs any more.
    pub fn step(&self, at: usize, done: f32) -> Result<()> {
        if self.control.is_cancelled() {
            return Err(ExecuteError::Cancelled.into());
        }
        let (Some(tell), Some(progress)) = (self.control.tell, &self.progress) else { return Ok(()) };
        let share = {
            // Whoever panicked while telling has left the numbers whole.
            let mut all = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(own) = all.get_mut(at) {
                *own = own.max(done.clamp(0.0, 1.0));
            }
            let weighted: f64 = all.iter().zip(&self.weights).map(|(&done, weight)| f64::from(done) * weight).sum();
            weighted / self.weights.iter().sum::<f64>()
        };
        tell(&Progress { done: share as f32, ..progress.clone() });
        Ok(())
    }
}
