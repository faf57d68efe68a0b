//! Which combiner, and its settings.

use serde::{Deserialize, Serialize};

use super::{CombineError, Ensemble};
use crate::model::ModelName;

/// The combiners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum CombineMethod {
    /// The shards that hold the user's rows, nobody else: what the released peers evaluate. Somebody without a shard is
    /// served by `mean`.
    Own,
    /// The user folded into every shard that knows one of the user's items; scores standardised per shard, averaged.
    Mean,
    /// One fold-in over all shards' item vectors side by side. Needs models with item vectors.
    #[default]
    Joint,
    /// UltraRE's: logistic regression on the shards' standardised scores, trained on validation rows.
    Logistic,
    /// Ours: `joint` with a user's vector held to the coordinates on which the shards' item vectors agree.
    Consensus,
    /// RecEraser's: transferred vectors weighted by attention, trained with Adagrad. Needs models with item vectors.
    Attention,
}

impl CombineMethod {
    /// Can it combine sub-models of this kind? Those that need a vector per item do not work with every model.
    pub fn works_with(self, model: ModelName) -> bool {
        model.has_item_vectors() || !self.needs_item_vectors()
    }

    /// Does it work on one vector per item?
    pub fn needs_item_vectors(self) -> bool {
        matches!(self, CombineMethod::Joint | CombineMethod::Consensus | CombineMethod::Attention)
    }

    /// As written in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            CombineMethod::Own => "own",
            CombineMethod::Mean => "mean",
            CombineMethod::Joint => "joint",
            CombineMethod::Logistic => "logistic",
            CombineMethod::Consensus => "consensus",
            CombineMethod::Attention => "attention",
        }
    }
}

/// Settings of all combiners; each looks at its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct CombineConfig {
    /// Which.
    pub method: CombineMethod,
    /// `joint`, `consensus`: weight of the items that a user has not touched, against 1 for those touched. `None`: the default formula.
    pub alpha: Option<f32>,
    /// `joint`, `consensus`: weight of the user vector's squared length. `None`: the default formula.
    pub lambda: Option<f32>,
    /// `logistic`: sampled untouched items per validation row.
    pub negatives: u32,
    /// `attention`: width of the attention network's hidden layer.
    pub attention: u32,
    /// `attention`: epochs at most.
    pub epochs: u32,
}

impl Default for CombineConfig {
    fn default() -> Self {
        CombineConfig {
            method: CombineMethod::Joint,
            alpha: None,
            lambda: None,
            negatives: 4,
            attention: 16,
            epochs: 16,
        }
    }
}

impl CombineConfig {
    /// The default settings of a method.
    pub fn of(method: CombineMethod) -> Self {
        CombineConfig { method, ..Self::default() }
    }

    /// Refuses what is out of range.
    pub fn check(&self) -> Result<(), CombineError> {
        for (name, value) in [("alpha", self.alpha), ("lambda", self.lambda)] {
            if let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) {
                return Err(CombineError::Parameter { name, expected: "a number above 0", value: value.to_string() });
            }
        }
        let counts = [
            ("negatives", self.negatives, 100, "from 1 to 100"),
            ("attention", self.attention, 256, "from 1 to 256"),
            ("epochs", self.epochs, 1000, "from 1 to 1000"),
        ];
        for (name, value, most, expected) in counts {
            if !(1..=most).contains(&value) {
                return Err(CombineError::Parameter { name, expected, value: value.to_string() });
            }
        }
        Ok(())
    }

    /// alpha and lambda of `joint` and `consensus`: as set, or functions of the ensemble's shape alone, so that serving
    /// depends on no validation rows. Chosen on MovieLens 100K, a tenth of the training rows held out, random shards, `wmf`
    /// of 10 to 64 factors. `joint`: for K = 10, 40 and 94 the figure is flat between 12 and 24, for one sub-model around 48.
    /// `consensus`: best at 100 to 115 from K = 10 on, 160 for K = 5, 400 for one sub-model.
    pub(super) fn joint_strengths(&self, ensemble: &Ensemble) -> (f32, f32) {
        let shards = ensemble.n_shards() as f32;
        let lambda = match self.method {
            CombineMethod::Consensus => 100.0 + 300.0 / shards,
            _ => 16.0 + 32.0 / shards,
        };
        (self.alpha.unwrap_or(1.0), self.lambda.unwrap_or(lambda))
    }
}

/// The rows a combiner may learn from: everybody's training and validation rows, never test rows.
#[derive(Clone, Debug, Default)]
pub struct CombinerRows<'a> {
    /// Users in the order of their ids.
    pub users: Vec<CombinerUser<'a>>,
}

/// One user's part of [`CombinerRows`].
#[derive(Clone, Copy, Debug)]
pub struct CombinerUser<'a> {
    /// Catalogue indices of the training rows, ascending.
    pub items: &'a [u32],
    /// Their values.
    pub values: &'a [f32],
    /// Catalogue indices of the validation rows, ascending.
    pub validation: &'a [u32],
    /// As in [`super::UserRows`].
    pub own: &'a [(u16, u32)],
}
