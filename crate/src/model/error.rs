//! What training and loading refuse.

use thiserror::Error;

use crate::knob::tagged::Refusal;

/// Why a sub-model was not trained or not loaded.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// A hyperparameter out of its range.
    #[error("{name} must be {expected}, not {value}")]
    Parameter {
        /// Its name in the configuration.
        name: &'static str,
        /// The range.
        expected: &'static str,
        /// What was given.
        value: String,
    },
    /// A knob that the model does not have.
    #[error("{of} has no knob {name}: it has {has}")]
    Knob {
        /// The model.
        of: &'static str,
        /// The knob.
        name: String,
        /// The model's knobs, in words.
        has: String,
    },
    /// Values stopped being finite.
    #[error("training diverged in epoch {epoch}: {advice}")]
    Diverged {
        /// From 1.
        epoch: u32,
        /// The knob to turn.
        advice: &'static str,
    },
    /// Bytes that are no weights.
    #[error("these bytes are not weights of a sub-model: {reason}")]
    Weights {
        /// Where it went wrong.
        reason: String,
    },
}

impl ModelError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ModelError::Parameter { .. } => "model.parameter",
            ModelError::Knob { .. } => "model.knob",
            ModelError::Diverged { .. } => "model.diverged",
            ModelError::Weights { .. } => "model.weights",
        }
    }
}

impl From<Refusal> for ModelError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Foreign { of, name, has } => ModelError::Knob { of, name, has },
            Refusal::Range { name, expected, value } => ModelError::Parameter { name, expected, value },
        }
    }
}
