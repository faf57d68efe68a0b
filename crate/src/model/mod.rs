//! Sub-models: what is trained on one shard and on nothing else.
//!
//! A sub-model is a function of (its shard's rows in their order, configuration, seed, shard number). Indices here are
//! *local*: users and items are numbered within the shard, in the order of their ids, so nothing that happens in
//! another shard can change a number here.

mod batch;
mod bpr;
mod config;
mod counts;
mod defaults;
mod dense;
mod dmf;
mod ease;
mod error;
mod fold;
mod gmf;
mod item_item;
mod itemknn;
mod legs;
mod lightgcn;
mod mf;
mod neumf;
pub mod optimiser;
pub(crate) mod rows;
mod sampling;
mod trace;
mod training;
pub mod tune;
mod vectors;
mod weights;
pub(crate) mod wmf;

pub use config::{ModelConfig, ModelName};
pub use counts::{ItemCounts, MAX_ITEMS};
pub use error::ModelError;
pub use item_item::Former;
pub use legs::{Checkpoint, Left, Sliced, Work};
use serde::{Deserialize, Serialize};
pub use trace::{AlsTerms, PairScores, StepRule, UpdateTrace};

use crate::numerics::matrix::Matrix;

/// The rows of one shard, users in order, each user's items ascending: compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShardRows {
    /// Users in the shard.
    pub n_users: u32,
    /// Items that occur in the shard's rows (its catalogue).
    pub n_items: u32,
    /// Where each user's rows begin; `n_users + 1` values.
    pub starts: Vec<u32>,
    /// Item of each row.
    pub items: Vec<u32>,
    /// Rating of each row, or 1.
    pub values: Vec<f32>,
    /// Is the row held out for validation? As long as `items`.
    pub validation: Vec<bool>,
}

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
    /// Trained in legs with checkpoints: the number of epochs was fixed beforehand.
    Scheduled,
}

/// Where a training begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Start {
    /// From initialisation.
    #[default]
    Fresh,
    /// In legs; from initialisation or from a checkpoint.
    Legs(Sliced),
    /// From counts that a model of counts had when there were more rows: what is gone is subtracted.
    Counts(Former),
}

impl StopReason {
    /// For people: what the training did.
    pub fn words(self) -> &'static str {
        match self {
            StopReason::Converged => "converged",
            StopReason::EpochCap => "reached the cap on epochs first",
            StopReason::Closed => "solved in closed form",
            StopReason::NoValidation => "had no validation row and ran the default number of epochs",
            StopReason::Scheduled => "was trained in legs, whose epochs are fixed beforehand",
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

/// A trained sub-model. Scores are comparable within one sub-model only.
pub trait SubModel: Send + Sync {
    /// The configuration's name, such as `wmf`.
    fn name(&self) -> &'static str;
    /// Users it was trained on.
    fn n_users(&self) -> usize;
    /// Items of its catalogue: the length of a score list.
    fn n_items(&self) -> usize;
    /// The representation it learned for a user of its own shard.
    fn user(&self, local_user: u32) -> Vec<f32>;
    /// The representation of any user, from the user's rows (local items, ascending, and their values) and the item
    /// side alone.
    fn fold_in(&self, items: &[u32], values: &[f32]) -> Vec<f32>;
    /// Scores of all local items for a representation; `out` has `n_items` places.
    fn score(&self, user: &[f32], out: &mut [f32]);
    /// One vector per local item whose inner product with a representation is the score; `None` for models that have
    /// no such form.
    fn item_vectors(&self) -> Option<&Matrix>;
    /// All weights; `load` reads them back.
    fn to_bytes(&self) -> Vec<u8>;
}

/// A training under way. Each `step` is one epoch, so that a caller can pause, show and cancel between them.
pub trait Trainer: Send {
    /// One epoch. An error ends the training.
    fn step(&mut self) -> Result<EpochReport, ModelError>;
    /// Should each epoch report one of its updates? Changes no bit of the outcome; models in closed form have none.
    fn traced(&mut self, _yes: bool) {}
    /// Why it ended, once it has; `step` is not called afterwards.
    fn stopped(&self) -> Option<StopReason>;
    /// The best look at the validation rows; none for a model that needs none, or where there are none.
    fn best(&self) -> Option<Best> {
        None
    }
    /// About how much is done, 0 to 1.
    fn progress(&self) -> f32;
    /// What it leaves besides the sub-model; to be asked once, when it has ended.
    fn left(&mut self) -> Left {
        Left::default()
    }
    /// The sub-model of the best epoch.
    fn finish(self: Box<Self>) -> Box<dyn SubModel>;
}

/// A training of one shard. `seed` and `shard` key every random stream; nothing else enters but `rows` and `config`.
///
/// Errors: a knob out of its range, rows that do not hold together, an empty shard.
pub fn trainer(rows: ShardRows, config: &ModelConfig, seed: u64, shard: u32) -> Result<Box<dyn Trainer>, ModelError> {
    trainer_from(rows, config, seed, shard, Start::Fresh)
}

/// [`trainer`] with a beginning. A checkpoint or counts change how much is done, never a bit of the outcome; slices are part
/// of what the sub-model is a function of.
///
/// Errors: those of [`trainer`]; slices for a model that cannot be trained in legs.
pub fn trainer_from(
    rows: ShardRows,
    config: &ModelConfig,
    seed: u64,
    shard: u32,
    start: Start,
) -> Result<Box<dyn Trainer>, ModelError> {
    config.check()?;
    rows.check()?;
    if rows.items.is_empty() {
        return Err(ModelError::Parameter {
            name: "rows",
            expected: "at least one row in each shard (fewer shards, or another partition)",
            value: format!("none in shard {shard}"),
        });
    }
    let (sliced, former) = match start {
        Start::Fresh => (None, None),
        Start::Legs(sliced) => {
            sliced.check(rows.n_users)?;
            (Some(sliced), None)
        }
        Start::Counts(former) => (None, Some(former)),
    };
    match config.name {
        ModelName::Wmf => Ok(wmf::trainer(rows, config, seed, shard, sliced)),
        ModelName::Bpr => Ok(bpr::trainer(rows, config, seed, shard, sliced)),
        ModelName::Mf => Ok(mf::trainer(rows, config, seed, shard, sliced)),
        ModelName::Lightgcn => Ok(lightgcn::trainer(rows, config, seed, shard, sliced)),
        ModelName::Gmf => Ok(gmf::trainer(rows, config, seed, shard, sliced)),
        ModelName::Neumf => Ok(neumf::trainer(rows, config, seed, shard)),
        ModelName::Dmf => Ok(dmf::trainer(rows, config, seed, shard)),
        ModelName::Ease => {
            let lambda = config.lambda.unwrap_or_else(|| ease::default_lambda(&rows));
            item_item::trainer(&rows, item_item::Kind::Ease { lambda }, former.as_ref())
        }
        ModelName::Itemknn => {
            let neighbours = config.neighbours.unwrap_or(itemknn::NEIGHBOURS);
            item_item::trainer(&rows, item_item::Kind::Itemknn { neighbours }, former.as_ref())
        }
    }
}

/// The sub-model that [`SubModel::to_bytes`] wrote: every score comes out with the same bits.
///
/// Errors: bytes that are no weights, or weights that do not hold together or are not finite.
pub fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    match weights::name(bytes)? {
        ModelName::Wmf => Ok(Box::new(wmf::Wmf::load(bytes)?)),
        ModelName::Neumf => Ok(Box::new(neumf::Model::load(bytes)?)),
        ModelName::Ease | ModelName::Itemknn => Ok(Box::new(item_item::ItemItem::load(bytes)?)),
        name => Ok(Box::new(vectors::Vectors::load(name, bytes)?)),
    }
}

#[cfg(test)]
mod tests;
