//! One update of a training with the numbers of its formula, for whoever watches slowly.
//!
//! A trace is computed from copies: it reads weights and draws nothing, so a traced training gives the same bits.

use serde::{Deserialize, Serialize};

/// One update of an epoch, in the form of the model's formula. Users and items are numbers within the shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "formula", rename_all = "snake_case")]
pub enum UpdateTrace {
    /// One user's exact solve: minimises missed + alpha * spread + penalty * norm, the items held fixed.
    Als {
        /// Whose vector.
        user: u32,
        /// The user's rows.
        rows: u32,
        /// Weight of the squared score of every item.
        alpha: f32,
        /// What the vector's squared length costs: lambda (rows + alpha items)^nu.
        penalty: f32,
        /// With the vector as the sweep found it; all zero in the first.
        before: AlsTerms,
        /// With the vector that solves.
        after: AlsTerms,
    },
    /// One gradient step on -ln sigma(w.v - w.n) + lambda / 2 (|w|^2 + |v|^2 + |n|^2): the first of the epoch.
    Pairwise {
        /// Whose vector w.
        user: u32,
        /// One of the user's items: v.
        item: u32,
        /// One the user lacks: n.
        negative: u32,
        /// Step size.
        rate: f32,
        /// Strength of the penalty.
        lambda: f32,
        /// How hard the sample pulls: sigma(-(w.v - w.n)), 0 to 1.
        pull: f32,
        /// Scores before the step.
        before: PairScores,
        /// Scores after it.
        after: PairScores,
    },
    /// One optimiser step over all weights for a batch of samples: the first of the epoch.
    Batch {
        /// Samples in the batch.
        samples: u32,
        /// Their mean loss before the step.
        before: f32,
        /// The same samples' mean loss after it.
        after: f32,
        /// How the gradient becomes a step.
        rule: StepRule,
        /// Length of the gradient: of the mean loss, or with momentum of the sum of losses.
        gradient: f32,
        /// Step size.
        rate: f32,
        /// Length of the step over all weights.
        moved: f32,
    },
}

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum StepRule {
    /// Each weight by its own mean slope over that slope's usual size (Kingma and Ba, 2015).
    Adam,
    /// The steps so far, fading, and the slope.
    Momentum,
}

/// What a solve of least squares weighs for one user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct AlsTerms {
    /// Sum over the user's rows of (1 - w.v)^2.
    pub missed: f32,
    /// Sum over all items of (w.v)^2.
    pub spread: f32,
    /// |w|^2.
    pub norm: f32,
}

/// The two scores that a pairwise step compares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct PairScores {
    /// w.v: the item the user has.
    pub item: f32,
    /// w.n: the item the user lacks.
    pub negative: f32,
}
