//! A training as its caller sees it: a step at a time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::training::UpdateTrace;
use super::{ModelError, SubModel};
use crate::numerics::crew::Crew;

/// What a sub-model says about itself after an epoch. One event of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct EpochReport {
    /// From 1; starts again in the refit.
    pub epoch: u32,
    /// The objective's value, per training row.
    pub loss: f32,
    /// The shard's own validation metric, where the model stops on one and this epoch measured it.
    pub metric: Option<f32>,
    /// Second fit, on train plus validation rows?
    pub refit: bool,
    /// Updates (or solved rows) in this epoch, for throughput.
    pub updates: u64,
    /// One update of the epoch, where [`Trainer::traced`] asked for it and the model has one to show.
    pub trace: Option<UpdateTrace>,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The objective (or the validation metric) no longer improves.
    Converged,
    /// The cap on epochs was reached first.
    EpochCap,
    /// Closed form: there is nothing to iterate.
    Closed,
    /// The shard has no validation row, so the default number of epochs was run.
    NoValidation,
    /// Trained slice by slice with checkpoints: the number of epochs was fixed beforehand.
    Scheduled,
    /// The weights vanished: what is charged for them outweighs all that they explain.
    Vanished,
}

impl StopReason {
    /// For people: what the training did.
    pub fn words(self) -> &'static str {
        match self {
            StopReason::Converged => "converged",
            StopReason::EpochCap => "reached the cap on epochs first",
            StopReason::Closed => "solved in closed form",
            StopReason::NoValidation => "had no validation row and ran the default number of epochs",
            StopReason::Scheduled => "was trained slice by slice, for a number of epochs fixed beforehand",
            StopReason::Vanished => {
                "learned nothing: its weights vanished under the penalty; lower lambda, or leave it out"
            }
        }
    }
}

/// The epoch that was kept, or that the second fit went up to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// From 1.
    pub epoch: u32,
    /// NDCG@20 on the shard's own validation rows.
    pub metric: f32,
}

/// A sliced training between two rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceCheckpoint {
    /// Rounds that are done.
    pub rounds: u32,
    /// Weights and optimiser state, with marks by which a foreign one is recognised.
    #[serde(with = "serde_bytes")]
    pub state: Vec<u8>,
}

/// How much of a training was done, in rows times passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct WorkDone {
    /// Done here.
    pub done: u64,
    /// What it would have been from the beginning.
    pub whole: u64,
}

/// What a training leaves besides the sub-model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingExtras {
    /// Checkpoints after the rounds that were run.
    pub checkpoints: Vec<SliceCheckpoint>,
    /// Epochs that a checkpoint saved.
    pub epochs_before: u32,
    /// None where there was nothing to save.
    pub work: Option<WorkDone>,
}

/// A training under way. Each `step` is one epoch, so that a caller can pause, show and cancel between them.
pub trait Trainer: Send {
    /// One epoch. An error ends the training.
    fn step(&mut self) -> Result<EpochReport, ModelError>;
    /// Should each epoch report one of its updates? Changes no bit of the outcome; models in closed form have none.
    fn traced(&mut self, _yes: bool) {}
    /// Lends it hands for its steps. Changes no bit of the outcome; most models have nothing to share out.
    fn crew(&mut self, _crew: &Arc<dyn Crew>) {}
    /// Why it ended, once it has; `step` is not called afterwards.
    fn stopped(&self) -> Option<StopReason>;
    /// The best look at the validation rows; none for a model that needs none, or where there are none.
    fn best(&self) -> Option<Best> {
        None
    }
    /// What was chosen from the rows where a knob was left out, and why, in words; none where nothing was.
    fn chosen(&self) -> Option<String> {
        None
    }
    /// About how much is done, 0 to 1.
    fn progress(&self) -> f32;
    /// What it leaves besides the sub-model; to be asked once, when it has ended.
    fn extras(&mut self) -> TrainingExtras {
        TrainingExtras::default()
    }
    /// The sub-model of the best epoch.
    fn finish(self: Box<Self>) -> Box<dyn SubModel>;
}
