//! Running a job, step by step, anywhere.

mod audit;
mod baseline;
mod cluster;
mod combine;
mod embed;
mod evaluate;
mod train;
mod verdicts;

pub(super) use evaluate::ensemble;

use crate::error::Result;

use super::Event;
use super::job::{Job, decode};

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Is the job done? Then [`Task::finish`] gives the outcome.
    pub done: bool,
    /// About how much is done, 0 to 1.
    pub progress: f32,
    /// What happened.
    pub events: Vec<Event>,
}

/// A job under way. A step is one ALS sweep, one iteration of a clustering, one epoch, or some users of an evaluation:
/// short enough to pause, show and cancel between steps.
pub trait Task: Send {
    /// Goes on. After an error, or when done, the task is not stepped again.
    fn step(&mut self) -> Result<Step>;
    /// The outcome's bytes, for [`super::Experiment::accept`].
    fn finish(self: Box<Self>) -> Result<Vec<u8>>;
}

/// Starts the job in `bytes`. What is wrong with the settings is said here, before any work.
pub fn task(bytes: &[u8]) -> Result<Box<dyn Task>> {
    Ok(match decode::<Job>(bytes, "a job")? {
        Job::Embed(job) => Box::new(embed::Embed::new(job)?),
        Job::Cluster(job) => Box::new(cluster::Cluster::new(job)?),
        Job::Train(job) => Box::new(train::Train::new(job)?),
        Job::Combine(job) => Box::new(combine::Combine::new(job)?),
        Job::Evaluate(job) => Box::new(evaluate::Evaluate::new(job)?),
        Job::Verdicts(job, seed) => Box::new(verdicts::Ask::new(job, seed)?),
        Job::Decompose(job) => Box::new(verdicts::Decompose::new(job)?),
        Job::Baseline(job) => Box::new(baseline::Cheap::new(job)?),
        Job::Audit(job) => Box::new(audit::Audit::new(job)?),
    })
}

/// Runs a job to its end and gives the outcome's bytes.
pub fn run(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut task = task(bytes)?;
    while !task.step()?.done {}
    task.finish()
}
