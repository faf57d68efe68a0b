//! Where a knob is left out: the models that learn by epochs share one shape of defaults, which each fills in its own file,
//! with the data they were chosen on.

use super::stopping::Stopping;
use crate::model::entry::Training;
use crate::model::knobs::Knobs;
use crate::model::rows::ShardRows;
use crate::model::shape::Shape;
use crate::numerics::random::{Purpose, StreamKey};

/// What a model that learns by epochs starts from.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Defaults {
    /// Where rows are many for each user and item, and where they are few: what few rows tell lies in many directions.
    pub factors: (u32, u32),
    pub rate: f32,
    /// By the shape of the rows.
    pub lambda: fn(&Shape) -> f32,
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
#[derive(Clone, Debug)]
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
    /// What was chosen from the rows, in words; none where a person chose.
    pub why: Option<String>,
}

impl Defaults {
    pub(in crate::model) fn under(self, training: &Training<'_>) -> Settings {
        let (config, rows) = (training.knobs, training.rows.items.len());
        let shape = match &training.sliced {
            Some(sliced) => Shape::of_first_slice(&training.rows, sliced),
            None => Shape::of(&training.rows),
        };
        let mut stopping = Stopping::of(config, self.every, self.patience, self.cap, self.without);
        if let Some(pieces) = self.pieces {
            stopping = stopping.warm(rows, pieces);
        }
        let (factors, lambda) = (self.factors(&shape), (self.lambda)(&shape));
        let mut said = Vec::new();
        if config.factors.is_none() {
            said.push(format!("{factors} factors"));
        }
        if config.lambda.is_none() {
            said.push(format!("penalty {lambda}"));
        }
        Settings {
            why: shape.because(&said),
            factors: config.factors.unwrap_or(factors) as usize,
            rate: config.rate.unwrap_or(self.rate),
            lambda: config.lambda.unwrap_or(lambda),
            layers: config.layers.unwrap_or(self.layers),
            negatives: config.negatives.unwrap_or(self.negatives),
            pieces: self.pieces.unwrap_or_default(),
            stopping,
            key: StreamKey::new(training.seed, Purpose::Negatives, training.shard, 0),
        }
    }

    fn factors(self, shape: &Shape) -> u32 {
        if shape.is_sparse() { self.factors.1 } else { self.factors.0 }
    }

    /// Fills in what was left out.
    pub(in crate::model) fn fill(self, config: &mut Knobs, rows: &ShardRows) {
        let shape = Shape::of(rows);
        config.factors.get_or_insert_with(|| self.factors(&shape));
        config.rate.get_or_insert(self.rate);
        config.lambda.get_or_insert_with(|| (self.lambda)(&shape));
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
