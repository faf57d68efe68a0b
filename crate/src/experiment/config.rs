//! Every setting of a run, in one value: what a link, a receipt and a saved experiment hold.

use serde::{Deserialize, Serialize};

use crate::combine::CombineConfig;
use crate::embedding::EmbeddingConfig;
use crate::error::Result;
use crate::evaluate::EvaluateConfig;
use crate::interactions::SplitConfig;
use crate::model::ModelConfig;
use crate::partition::PartitionConfig;

use super::Stage;

/// The settings, one part per stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Everything random follows from it. 32 bits, so that it is the same number in JavaScript.
    pub seed: u32,
    /// Train, validation and test.
    pub split: SplitConfig,
    /// The vectors that are clustered.
    pub embedding: EmbeddingConfig,
    /// How users are divided.
    pub partition: PartitionConfig,
    /// What is trained on a shard.
    pub model: ModelConfig,
    /// How sub-models become one recommender.
    pub combine: CombineConfig,
    /// What is measured.
    pub evaluate: EvaluateConfig,
}

impl Config {
    /// Refuses the first setting that is out of its range; each part's ranges stand with its fields.
    pub fn check(&self) -> Result<()> {
        self.embedding.check()?;
        self.partition.check()?;
        self.model.check()?;
        self.combine.check()?;
        self.evaluate.check()?;
        Ok(())
    }

    /// The first stage whose result differs under `other`; everything from there on is stale.
    pub fn first_difference(&self, other: &Config) -> Option<Stage> {
        if self.seed != other.seed || self.split != other.split {
            Some(Stage::Split)
        } else if self.embedding != other.embedding {
            Some(Stage::Embed)
        } else if self.partition != other.partition {
            Some(Stage::Partition)
        } else if self.model != other.model {
            Some(Stage::Train)
        } else if self.combine != other.combine {
            Some(Stage::Combine)
        } else if self.evaluate != other.evaluate {
            Some(Stage::Evaluate)
        } else {
            None
        }
    }
}
