//! Sub-models: what is trained on one shard and on nothing else.
//!
//! A sub-model is a function of (its shard's rows in their order, configuration, seed, shard number). Indices here are
//! *local*: users and items are numbered within the shard, in the order of their ids, so nothing that happens in
//! another shard can change a number here.
//!
//! One alone, on (user, item, value) triples of one's own:
//!
//! ```
//! use ultrare::model::{ModelConfig, ShardRows, trainer};
//!
//! // Two tastes: users 0 to 3 take the items 0 to 3, users 4 to 7 the items 4 to 7; each lacks one of them.
//! let taste = |user: u32| (0..4).map(move |item| (user, user / 4 * 4 + item, 1.0));
//! let triples = (0..8).flat_map(taste).filter(|(user, item, _)| user != item);
//! let mut training = trainer(ShardRows::of(triples), &ModelConfig::default(), 1, 0)?;
//! while training.stopped().is_none() {
//!     training.step()?;
//! }
//! let model = training.finish();
//! let mut scores = vec![0.0; model.n_items()];
//! model.score(&model.user(1), &mut scores);
//! assert!(scores[1] > scores[5]);
//! // Somebody who was not there is folded in from rows.
//! model.score(&model.fold_in(&[4, 6], &[1.0, 1.0]), &mut scores);
//! assert!(scores[5] > scores[1]);
//! # Ok::<(), ultrare::model::ModelError>(())
//! ```

mod catalogue;
mod config;
mod entry;
mod error;
mod fold;
mod item_item;
mod knobs;
mod registry;
pub(crate) mod rows;
pub(crate) mod shape;
mod start;
mod sub_model;
mod trainer;
mod training;
pub mod tune;
mod vectors;
mod weights;

pub use catalogue::{ModelCard, catalogue};
pub use config::ModelConfig;
pub use error::ModelError;
pub use item_item::{ItemCounts, MAX_ITEMS, PreviousModel};
pub use registry::ModelName;
pub(crate) use registry::wmf;
pub use rows::ShardRows;
pub use start::{Start, load, trainer, trainer_from};
pub use sub_model::SubModel;
pub use trainer::{Best, EpochReport, SliceCheckpoint, StopReason, Trainer, TrainingExtras, WorkDone};
pub use training::optimiser;
pub use training::{AlsTerms, PairScores, Sliced, StepRule, UpdateTrace};

#[cfg(test)]
mod tests;
