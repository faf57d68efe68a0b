//! Every setting of a pipeline in one value: what a link, a receipt and a saved experiment hold.

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineMethod};
use crate::embedding::EmbeddingConfig;
use crate::error::Result;
use crate::evaluate::EvaluateConfig;
use crate::interactions::SplitConfig;
use crate::model::{ModelConfig, ModelName};
use crate::partition::{Method, PartitionConfig};

/// The settings, one part per stage. A stage's key holds the parts that the stage reads and no others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Everything random follows from it. 32 bits, so that it is the same number in JavaScript.
    pub seed: u32,
    /// Users and items with fewer rows are left out, again and again until none is left that has fewer; 0 and 1 leave out
    /// nobody. Applied anew at every change, so that the rows are those of a file that never held what is gone.
    pub k_core: u32,
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

impl Settings {
    /// Refuses the first setting that is out of its range or that its model, partition or combiner does not have.
    pub fn check(&self) -> Result<()> {
        self.embedding.check()?;
        self.partition.check()?;
        self.model.check()?;
        self.combine.check()?;
        self.evaluate.check()?;
        Ok(())
    }

    /// The same with another model, partition or combiner where one is named. Knobs that both have stay as they are; what the
    /// other does not have is left behind.
    pub fn choosing(
        &self,
        model: Option<ModelName>,
        partition: Option<Method>,
        combine: Option<CombineMethod>,
    ) -> Settings {
        let mut settings = self.clone();
        if let Some(name) = model {
            settings.model = ModelConfig { name, ..settings.model }.own_knobs();
        }
        if let Some(method) = partition {
            settings.partition = PartitionConfig { method, ..settings.partition }.own_knobs();
        }
        if let Some(method) = combine {
            settings.combine = CombineConfig { method, ..settings.combine }.own_knobs();
        }
        settings
    }

    /// Slices per shard; 0 where there are none.
    pub fn slices(&self) -> u32 {
        if self.model.slices > 1 { self.model.slices } else { 0 }
    }
}
