//! What a recommender refuses.

use thiserror::Error;

use crate::unlearn::Verdict;

/// Why something was not done; the recommender is as it was.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum RecommenderError {
    /// A file that cannot be opened.
    #[error("{path}: {reason}")]
    File {
        /// Its path.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A row that is none.
    #[error("row {at} is none: {row}. A row has a user and an item that are not empty, and a value that is a number")]
    Row {
        /// From 1.
        at: u64,
        /// As given.
        row: String,
    },
    /// Work that ended without what it was for.
    #[error("{0}")]
    Refused(String),
    /// A receipt that does not bear out.
    #[error("{failed} of {checks} checks failed; the first: {first}")]
    Refuted {
        /// Checks that failed.
        failed: usize,
        /// All checks.
        checks: usize,
        /// In words.
        first: String,
        /// All that was found.
        verdict: Box<Verdict>,
    },
}

impl RecommenderError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            RecommenderError::File { .. } => "recommender.file",
            RecommenderError::Row { .. } => "recommender.row",
            RecommenderError::Refused(_) => "recommender.refused",
            RecommenderError::Refuted { .. } => "recommender.refuted",
        }
    }
}
