//! What a model's file tells the rest of the library: one [`ModelEntry`] holds everything that is asked about a model.

use super::knobs::{Axis, Knobs};
use super::{ModelError, PreviousModel, ShardRows, Sliced, SubModel, Trainer};
use crate::knob::Knob;

/// Reads a trained sub-model from its bytes.
pub(super) type Load = fn(&[u8]) -> Result<Box<dyn SubModel>, ModelError>;

/// A model as the registry knows it.
pub(super) struct ModelEntry {
    /// As written in configurations.
    pub name: &'static str,
    /// As a person reads it.
    pub title: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Its number in saved weights: appended, never given again.
    pub code: u8,
    /// Its knobs, with its defaults in words.
    pub knobs: &'static [Knob],
    /// Is it a function of counts, so that forgetting subtracts and needs no shards?
    pub additive: bool,
    /// Can it be trained slice by slice? If not, why: the sentence goes on from "0 for NAME: ".
    pub slices: Result<(), &'static str>,
    /// Has it one vector per item whose inner product with a user's is the score?
    pub item_vectors: bool,
    /// Does it stop on the shard's validation rows?
    pub stops_on_validation: bool,
    /// What a search moves: one knob or two.
    pub search: &'static [Axis],
    /// Fills in what is left out, as training on these rows would.
    pub fill: fn(&mut Knobs, &ShardRows),
    /// Begins a training.
    pub train: fn(Training<'_>) -> Result<Box<dyn Trainer>, ModelError>,
    /// Reads weights that hold this model's code.
    pub load: Load,
}

/// What a training is a function of, and where it may begin. Rows and knobs were checked.
pub(super) struct Training<'a> {
    pub rows: ShardRows,
    pub knobs: &'a Knobs,
    pub seed: u64,
    pub shard: u32,
    /// Only for models that take slices.
    pub sliced: Option<Sliced>,
    /// Only for additive models.
    pub previous: Option<&'a PreviousModel>,
}
