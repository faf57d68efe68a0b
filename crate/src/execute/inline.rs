//! Jobs one after the other, on the thread that asks.

use crate::error::Result;
use crate::pipeline::{JobOut, Runner};

use super::{Control, Executor, Inputs, Outcome, run_job};

/// Runs jobs here and now. Needs no thread and no clock, so it works everywhere.
#[derive(Default)]
pub struct Inline {
    runner: Runner,
}

impl Inline {
    /// Keeps nothing yet.
    pub fn new() -> Self {
        Inline::default()
    }
}

impl Executor for Inline {
    fn run(&self, jobs: &[JobOut], inputs: &dyn Inputs, control: &Control<'_>) -> Vec<Result<Outcome>> {
        let meter = control.meter(jobs);
        let one = |(at, job): (usize, &JobOut)| {
            Ok(Outcome { bytes: run_job(at, job, inputs, &self.runner, &meter)?, seconds: 0.0 })
        };
        jobs.iter().enumerate().map(one).collect()
    }
}
