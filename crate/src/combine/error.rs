//! What combining refuses.

use thiserror::Error;

use crate::knob::tagged::Refusal;

/// Why sub-models could not be combined.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum CombineError {
    /// A setting out of its range.
    #[error("{name} must be {expected}, not {value}")]
    Parameter {
        /// Its name in the configuration.
        name: &'static str,
        /// The range.
        expected: &'static str,
        /// What was given.
        value: String,
    },
    /// A knob that the combiner does not have.
    #[error("{of} has no knob {name}: it has {has}")]
    Knob {
        /// The combiner.
        of: &'static str,
        /// The knob.
        name: String,
        /// The combiner's knobs, in words.
        has: String,
    },
    /// A shard's list of items does not fit its sub-model or the catalogue.
    #[error("sub-model {member} (from 0) does not fit the ensemble: {reason}")]
    Member {
        /// From 0, among the ensemble's members: shards without rows have none.
        member: u32,
        /// What was expected and what was found.
        reason: String,
    },
    /// There is nothing to combine.
    #[error("an ensemble needs at least one sub-model")]
    Empty,
    /// The combiner needs one vector per item and this kind of sub-model has none.
    #[error(
        "{method} needs item vectors, and {model} has none (sub-model {member}, from 0); own, mean and logistic work with it"
    )]
    NoItemVectors {
        /// The combiner.
        method: &'static str,
        /// The sub-model's name.
        model: &'static str,
        /// From 0, among the ensemble's members.
        member: u32,
    },
    /// Weights that are no numbers.
    #[error("the item vectors of sub-model {member} (from 0) are not all finite numbers: its training went wrong")]
    NotFinite {
        /// From 0, among the ensemble's members.
        member: u32,
    },
    /// Strengths with which single precision cannot solve the system, whatever is added to it.
    #[error("alpha {alpha} and lambda {lambda} are too far from 1 to be worked with beside these item vectors")]
    Singular {
        /// As used.
        alpha: f32,
        /// As used.
        lambda: f32,
    },
    /// What was prepared belongs to another ensemble.
    #[error("this combiner was prepared for {prepared}, and the ensemble has {found}")]
    Mismatch {
        /// Shards and items then.
        prepared: String,
        /// Shards and items now.
        found: String,
    },
    /// Bytes that hold no prepared combiner.
    #[error("these bytes are not a prepared combiner: {reason}")]
    Bytes {
        /// Where it went wrong.
        reason: String,
    },
}

impl CombineError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            CombineError::Parameter { .. } => "combine.parameter",
            CombineError::Knob { .. } => "combine.knob",
            CombineError::Member { .. } => "combine.member",
            CombineError::Empty => "combine.empty",
            CombineError::NoItemVectors { .. } => "combine.no_item_vectors",
            CombineError::NotFinite { .. } => "combine.not_finite",
            CombineError::Singular { .. } => "combine.singular",
            CombineError::Mismatch { .. } => "combine.mismatch",
            CombineError::Bytes { .. } => "combine.bytes",
        }
    }
}

impl From<Refusal> for CombineError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Foreign { of, name, has } => CombineError::Knob { of, name, has },
            Refusal::Range { name, expected, value } => CombineError::Parameter { name, expected, value },
        }
    }
}
