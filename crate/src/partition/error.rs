//! What dividing refuses.

use thiserror::Error;

use super::transport::TransportError;
use crate::knob::tagged::Refusal;

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
    /// A knob that the partition does not have.
    #[error("{of} has no knob {name}: it has {has}")]
    Knob {
        /// The partition.
        of: &'static str,
        /// The knob.
        name: String,
        /// The partition's knobs, in words.
        has: String,
    },
    /// Nobody to divide.
    #[error("there is no user with a training row, so there is nothing to divide")]
    NoUsers,
    /// More shards than things to put into them.
    #[error("{shards} shards cannot be filled by {units} {what}: ask for at most {units}")]
    TooManyShards {
        /// As asked.
        shards: u32,
        /// How many there are.
        units: u32,
        /// Users, anchors, items or rows.
        what: &'static str,
    },
    /// A list whose length does not fit.
    #[error("{name} must have {expected} entries, not {found}: {advice}")]
    Shape {
        /// Which list of the input.
        name: &'static str,
        /// How many it must have.
        expected: usize,
        /// How many it has.
        found: usize,
        /// What to do.
        advice: &'static str,
    },
    /// A vector with a value that is no number.
    #[error("the embedding of {what} {index} holds {value}, which is not finite: retrain it with more regularisation")]
    NotFinite {
        /// User or item.
        what: &'static str,
        /// From 0, in the order of ids.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A given shard outside the range.
    #[error("the given assignment puts user {user} into shard {shard}, but shards go from 0 to {last}")]
    GivenShard {
        /// From 0, in the order of ids.
        user: usize,
        /// What was given.
        shard: u16,
        /// The largest that is allowed.
        last: u32,
    },
    /// A user without a training row, who weighs nothing.
    #[error("user {user} has no training row and cannot be balanced by interactions: leave the user out")]
    NoRows {
        /// From 0, in the order of ids.
        user: usize,
    },
    /// Nobody to fit the partition on.
    #[error("no user is an anchor: {advice}")]
    NoAnchor {
        /// What to do.
        advice: &'static str,
    },
    /// The inner problem was refused.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl PartitionError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            PartitionError::Parameter { .. } => "partition.parameter",
            PartitionError::Knob { .. } => "partition.knob",
            PartitionError::NoUsers => "partition.no_users",
            PartitionError::TooManyShards { .. } => "partition.too_many_shards",
            PartitionError::Shape { .. } => "partition.shape",
            PartitionError::NotFinite { .. } => "partition.not_finite",
            PartitionError::GivenShard { .. } => "partition.given_shard",
            PartitionError::NoRows { .. } => "partition.no_rows",
            PartitionError::NoAnchor { .. } => "partition.no_anchor",
            PartitionError::Transport(error) => error.code(),
        }
    }
}

impl From<Refusal> for PartitionError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Foreign { of, name, has } => PartitionError::Knob { of, name, has },
            Refusal::Range { name, expected, value } => {
                PartitionError::Parameter { name, expected: expected.to_owned(), value }
            }
        }
    }
}
