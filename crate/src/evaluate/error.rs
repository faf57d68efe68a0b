//! What measuring refuses.

use thiserror::Error;

/// Why nothing was measured.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum EvaluateError {
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
    /// Results that were measured with different cutoffs, or lists of different users.
    #[error("results that do not belong together: {reason}")]
    Mixed {
        /// What differs.
        reason: String,
    },
}

impl EvaluateError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            EvaluateError::Parameter { .. } => "evaluate.parameter",
            EvaluateError::Mixed { .. } => "evaluate.mixed",
        }
    }
}
