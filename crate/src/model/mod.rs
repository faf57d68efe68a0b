//! Sub-models: what is trained on one shard and on nothing else.
//!
//! A sub-model is a function of (its shard's rows in their order, configuration, seed, shard number). Indices here are
//! *local*: users and items are numbered within the shard, in the order of their ids, so nothing that happens in
//! another shard can change a number here.

mod catalogue;
mod config;
mod entry;
mod error;
mod fold;
mod item_item;
mod knobs;
mod registry;
pub(crate) mod rows;
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
