//! How models are trained: by batches or passes, to a stop on validation rows, or slice by slice.

mod batch;
mod defaults;
mod learner;
mod metric;
pub mod optimiser;
mod sampling;
mod sliced;
mod stopping;
mod trace;
mod validated;

#[cfg(test)]
pub(super) use batch::tests as batch_tests;
pub(super) use batch::{Batches, Draw, Objective, Optimiser, Penalty, Sample, push_normal};
pub(super) use defaults::{Defaults, Settings};
pub(super) use learner::{Epoch, Learner, Make, TrainRows, WeightSide, WeightTable, square};
pub(super) use metric::ndcg_of_users;
pub(super) use sampling::Sampler;
pub use sliced::Sliced;
pub(super) use sliced::{RoundTrainer, SlicedTraining};
pub(super) use stopping::Stopping;
pub use trace::{AlsTerms, PairScores, StepRule, UpdateTrace};
pub(super) use validated::Validated;

use super::{ShardRows, Trainer};

/// One training to a stop on validation rows; or, where there are slices, slice by slice. `marks`: what the settings came to for the
/// whole shard; see [`SlicedTraining::new`](sliced::SlicedTraining::new). `why`: what was chosen from the rows, in words.
pub(super) fn start(
    rows: ShardRows,
    sliced: Option<Sliced>,
    stopping: Stopping,
    advice: &'static str,
    marks: Vec<u32>,
    why: Option<String>,
    make: Make,
) -> Box<dyn Trainer> {
    match sliced {
        None => Box::new(Validated::new(rows, stopping, advice, make).because(why)),
        Some(sliced) => sliced::of_learner(rows, sliced, stopping, advice, marks, make),
    }
}
