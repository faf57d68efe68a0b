//! What cannot be answered.

use thiserror::Error;

/// Why a question has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServeError {
    /// Reasons of somebody who is not there.
    #[error("there is no user \"{0}\" in the rows: nothing is known that could be a reason")]
    UnknownUser(String),
    /// An item that nobody has a row of.
    #[error("there is no item \"{0}\" in the rows that were trained on")]
    UnknownItem(String),
    /// Scores that are no sum over the person's rows.
    #[error("{combiner} does not add up to a sum over a person's own rows: joint and consensus do")]
    NotAdditive {
        /// What combines the shards.
        combiner: &'static str,
    },
}

impl ServeError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ServeError::UnknownUser(_) => "serve.unknown_user",
            ServeError::UnknownItem(_) => "serve.unknown_item",
            ServeError::NotAdditive { .. } => "serve.not_additive",
        }
    }
}
