//! What dividing refuses.

use thiserror::Error;

/// Why the users could not be divided.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PartitionError {
    /// A setting out of its range.
    #[error("{name} must be {expected}, not {value}")]
    Parameter {
        /// Its name in the configuration.
        name: &'static str,
        /// The range.
        expected: String,
        /// What was given.
        value: String,
    },
}

impl PartitionError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            PartitionError::Parameter { .. } => "partition.parameter",
        }
    }
}
