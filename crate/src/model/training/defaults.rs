//! Where a knob is left out: the models that learn by epochs share one shape of defaults, which each fills in its own file,
//! with the data they were chosen on.

use super::stopping::Stopping;
use crate::model::entry::Training;
use crate::model::knobs::Knobs;
use crate::numerics::random::{Purpose, StreamKey};

/// What a model that learns by epochs starts from.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Defaults {
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
pub(in crate::model) struct Settings {
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
    pub(in crate::model) fn under(self, training: &Training<'_>) -> Settings {
        let (config, rows) = (training.knobs, training.rows.items.len());
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
            key: StreamKey::new(training.seed, Purpose::Negatives, training.shard, 0),
        }
    }

    /// Fills in what was left out.
    pub(in crate::model) fn fill(self, config: &mut Knobs) {
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
