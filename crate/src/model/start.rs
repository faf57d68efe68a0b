//! From rows and a configuration to a training, and from bytes to a sub-model.

use serde::{Deserialize, Serialize};

use super::entry::Training;
use super::{ModelConfig, ModelError, ModelName, PreviousModel, ShardRows, Sliced, SubModel, Trainer, weights};

/// Where a training begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Start {
    /// From initialisation.
    #[default]
    Fresh,
    /// Slice by slice; from initialisation or from a checkpoint.
    Sliced(Sliced),
    /// From counts that a model of counts had when there were more rows: what is gone is subtracted.
    Counts(PreviousModel),
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
/// Errors: those of [`trainer`]; slices for a model that takes none.
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
    let entry = config.name.entry();
    let (sliced, previous) = match &start {
        Start::Fresh => (None, None),
        Start::Sliced(sliced) => {
            if let Err(expected) = entry.slices {
                return Err(ModelError::Parameter { name: "slices", expected, value: sliced.count.to_string() });
            }
            sliced.check(rows.n_users)?;
            (Some(sliced.clone()), None)
        }
        Start::Counts(previous) => (None, Some(previous)),
    };
    (entry.train)(Training { rows, knobs: &config.knobs(), seed, shard, sliced, previous })
}

/// The sub-model that [`SubModel::to_bytes`] wrote: every score comes out with the same bits.
///
/// Errors: bytes that are no weights, or weights that do not hold together or are not finite.
pub fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let code = weights::code(bytes)?;
    let mut entries = ModelName::ALL.into_iter().map(ModelName::entry);
    let entry = entries.find(|entry| entry.code == code);
    (entry.ok_or_else(|| weights::refuse(&format!("model number {code} is not known")))?.load)(bytes)
}
