//! What a person is told when rows cannot be read.

use thiserror::Error;

/// Why rows were refused as a whole. Single bad rows are counted in the report instead.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing usable was found.
    #[error("no usable row: {reason}")]
    NoRows {
        /// What was expected and what was found.
        reason: String,
    },
}

impl ReadError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ReadError::NoRows { .. } => "read.no_rows",
        }
    }
}
