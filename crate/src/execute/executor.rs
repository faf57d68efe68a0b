//! What it takes to run jobs, and what every executor does in the end.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::Result;
use crate::pipeline::{JobOut, PipelineError, Runner};

use super::{Control, Meter};

/// Runs jobs somewhere.
pub trait Executor {
    /// How many run at once, for estimates.
    fn workers(&self) -> u32 {
        1
    }

    /// Seconds on any steady clock, for reports of how long stages took; without one they are 0.
    fn clock(&self) -> f64 {
        0.0
    }

    /// Seconds that processors have worked for all of this so far, where they are counted; else a stage's are the sum of how long
    /// its jobs ran.
    fn computed(&self) -> Option<f64> {
        None
    }

    /// Runs all of these jobs, in any order and any number at once, and gives their outcomes in the order of the jobs. None
    /// waits for another. A job that was lost with its machine is simply run again from its bytes.
    ///
    /// It should tell a [`Meter`] how far each job is, and end with its error when that says that nobody wants them any more.
    fn run(&self, jobs: &[JobOut], inputs: &dyn Inputs, control: &Control<'_>) -> Vec<Result<Outcome>>;
}

/// The large inputs that jobs name by their digests: weights and combiners. They may be sent wherever the jobs are sent, once
/// each.
pub trait Inputs: Sync {
    /// The bytes with this digest, if a job that is out names them.
    fn input(&self, digest: &Digest) -> Option<Arc<ByteBuf>>;
}

/// What a job came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The bytes that [`Runner::run`] gave.
    pub bytes: Vec<u8>,
    /// How long it ran; 0 where nobody measured.
    pub seconds: f64,
}

/// Gives a runner the inputs of a job that it lacks.
///
/// Errors: a job of something that is not under way any more.
pub fn supply(job: &JobOut, inputs: &dyn Inputs, runner: &Runner) -> Result<()> {
    for digest in runner.lacking(&job.inputs) {
        let lacking = || PipelineError::Lacking { digest: digest.to_string() };
        runner.put(digest, inputs.input(&digest).ok_or_else(lacking)?);
    }
    Ok(())
}

/// Runs the job at `at` here, step by step, and gives its outcome's bytes. What every executor does in the end.
///
/// Errors: nobody wants it any more; those of the work itself.
pub(crate) fn run_job(
    at: usize,
    job: &JobOut,
    inputs: &dyn Inputs,
    runner: &Runner,
    meter: &Meter<'_>,
) -> Result<Vec<u8>> {
    meter.step(at, 0.0)?;
    supply(job, inputs, runner)?;
    let mut task = runner.task(&job.body)?;
    loop {
        let step = task.step()?;
        meter.step(at, if step.done { 1.0 } else { step.progress })?;
        if step.done {
            return task.finish();
        }
    }
}
