//! What forgetting refuses, in words.

use thiserror::Error;

/// Why a selection or a request was not carried out. Nothing has changed when one of these is returned.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// The request names nothing at all.
    #[error("nothing to change: name at least one user, item or interaction to forget, or give rows to add")]
    Empty,
    /// All rows to add are there already.
    #[error("nothing to add: all {rows} rows are there already with the same values; nothing was changed")]
    Known {
        /// How many.
        rows: u32,
    },
    /// A row to add that is none.
    #[error("row {at} of those to add is none: a user, an item and a number are needed, found {row}")]
    Added {
        /// From 1.
        at: u32,
        /// As given.
        row: String,
    },
    /// There are no shards yet.
    #[error("a plan needs a trained ensemble: train and combine the shards first")]
    Untrained,
    /// None of the names occurs in the data.
    #[error("nothing to forget: none of the {count} names occurs in the data (first: {first}); nothing was changed")]
    Unknown {
        /// Names that were looked for.
        count: u32,
        /// One of them, as given.
        first: String,
    },
    /// No row to train on would be left.
    #[error(
        "this would forget everybody: of {rows} training rows none would be left to train on. Confirm it to drop the \
         data, the shards and every sub-model, or leave somebody out"
    )]
    Everybody {
        /// Training rows there are now.
        rows: u32,
    },
    /// Something would be emptied; the person has to say yes first.
    #[error("this needs to be confirmed first: {reasons}")]
    Unconfirmed {
        /// The warnings that ask for it, one sentence each.
        reasons: String,
    },
    /// A share of the users that is none.
    #[error("the percentage of users must be between 0 and 100, not {value}")]
    Percent {
        /// As given.
        value: f64,
    },
    /// Row-to-shard table of another length than the data, or a shard number beyond the shards.
    #[error("the partition does not belong to these rows: {reason}")]
    Layout {
        /// What does not fit, and where.
        reason: String,
    },
}

impl RequestError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            RequestError::Empty => "request.empty",
            RequestError::Known { .. } => "request.known",
            RequestError::Added { .. } => "request.added",
            RequestError::Untrained => "request.untrained",
            RequestError::Unknown { .. } => "request.unknown",
            RequestError::Everybody { .. } => "request.everybody",
            RequestError::Unconfirmed { .. } => "request.unconfirmed",
            RequestError::Percent { .. } => "request.percent",
            RequestError::Layout { .. } => "request.layout",
        }
    }
}
