//! Running a job, step by step, anywhere.

mod audit;
mod baseline;
mod cluster;
mod combine;
mod embed;
mod evaluate;
mod runner;
mod served;
mod train;
mod verdicts;

pub use runner::Runner;
pub(crate) use served::Served;

use crate::error::Result;

use super::Event;

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
    /// The outcome's bytes.
    fn finish(self: Box<Self>) -> Result<Vec<u8>>;
}
