//! Where a knob is left out: the models that learn by epochs share one shape of defaults, which each fills in its own file,
//! with the data they were chosen on.

use super::training::Stopping;
use super::{ModelConfig, ModelName, ShardRows};
use super::{bpr, dmf, ease, gmf, itemknn, lightgcn, mf, neumf, wmf};
use crate::numerics::random::{Purpose, StreamKey};

/// What a model that learns by epochs starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub factors: u32,
    pub rate: f32,
    pub lambda: f32,
    /// Propagation steps or hidden layers; 0 where the model has none.
    pub layers: u32,
    /// Sampled negatives for each row; 0 where the model draws one a row.
    pub negatives: u32,
    /// Steps an epoch and most rows to a step; none where every row is a step.
    pub pieces: Option<(usize, usize)>,
    /// Epochs between two looks at the validation rows.
    pub every: u32,
    /// Looks without improvement.
    pub patience: u32,
    /// Most epochs.
    pub cap: u32,
    /// Epochs where there is no validation row.
    pub without: u32,
}

/// The same under a configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub factors: usize,
    pub rate: f32,
    pub lambda: f32,
    pub layers: u32,
    pub negatives: u32,
    pub pieces: (usize, usize),
    pub stopping: Stopping,
    /// The training's random streams, to be told apart by purpose.
    pub key: StreamKey,
}

impl Defaults {
    pub(super) fn under(self, config: &ModelConfig, rows: usize, seed: u64, shard: u32) -> Settings {
        let mut stopping = Stopping::of(config, self.every, self.patience, self.cap, self.without);
        if let Some(pieces) = self.pieces {
            stopping = stopping.warm(rows, pieces);
        }
        Settings {
            factors: config.factors.unwrap_or(self.factors) as usize,
            rate: config.rate.unwrap_or(self.rate),
            lambda: config.lambda.unwrap_or(self.lambda),
            layers: config.layers.unwrap_or(self.layers),
            negatives: config.negatives.unwrap_or(self.negatives),
            pieces: self.pieces.unwrap_or_default(),
            stopping,
            key: StreamKey::new(seed, Purpose::Negatives, shard, 0),
        }
    }

    fn fill(self, config: &mut ModelConfig) {
        config.factors.get_or_insert(self.factors);
        config.rate.get_or_insert(self.rate);
        config.lambda.get_or_insert(self.lambda);
        config.epochs.get_or_insert(self.cap);
        config.patience.get_or_insert(self.patience);
        if self.layers > 0 {
            config.layers.get_or_insert(self.layers);
        }
        if self.negatives > 0 {
            config.negatives.get_or_insert(self.negatives);
        }
    }
}

impl ModelConfig {
    /// The same with each knob that the model has filled in as training on these rows would fill it.
    pub fn filled(&self, rows: &ShardRows) -> ModelConfig {
        let mut config = self.clone();
        match self.name {
            ModelName::Wmf => {
                let base = wmf::defaults(rows);
                config.factors.get_or_insert(base.factors as u32);
                config.alpha.get_or_insert(base.alpha);
                config.lambda.get_or_insert(base.lambda);
                config.nu.get_or_insert(base.nu);
                config.epochs.get_or_insert(wmf::SWEEPS);
                config.tolerance.get_or_insert(wmf::TOLERANCE);
            }
            ModelName::Bpr => bpr::DEFAULTS.fill(&mut config),
            ModelName::Mf => mf::DEFAULTS.fill(&mut config),
            ModelName::Lightgcn => lightgcn::DEFAULTS.fill(&mut config),
            ModelName::Gmf => gmf::DEFAULTS.fill(&mut config),
            ModelName::Neumf => neumf::DEFAULTS.fill(&mut config),
            ModelName::Dmf => dmf::DEFAULTS.fill(&mut config),
            ModelName::Ease => {
                config.lambda.get_or_insert_with(|| ease::default_lambda(rows));
            }
            ModelName::Itemknn => {
                config.neighbours.get_or_insert(itemknn::NEIGHBOURS);
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::trainer;

    #[test]
    fn what_is_filled_in_trains_to_the_same_bits() {
        let rows = planted(30, 20, 2, 3);
        for name in ModelName::ALL {
            let plain = ModelConfig { epochs: Some(6), ..ModelConfig::of(name) };
            let filled = plain.filled(&rows);
            assert_ne!(plain, filled, "{name:?} has knobs");
            assert_eq!(filled.filled(&rows), filled);
            let bytes = |config| {
                let mut trainer = trainer(rows.clone(), config, 1, 0).unwrap();
                while trainer.stopped().is_none() {
                    trainer.step().unwrap();
                }
                trainer.finish().to_bytes()
            };
            assert_eq!(bytes(&plain), bytes(&filled), "{name:?}");
        }
    }
}
