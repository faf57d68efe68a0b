//! Which shard every training row belongs to.

mod error;

pub use error::PartitionError;
use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;

/// What a partition is computed from. Users here are those with at least one training row, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartitionInput {
    /// One embedding per user; empty (0 x 0) for methods that need none.
    pub users: Matrix,
    /// One embedding per item; only `ibp` and `inbp` need it, else 0 x 0.
    pub items: Matrix,
    /// A keyed hash of each user's external id (`Purpose::Partition`): the only trace of ids that comes in here.
    pub user_keys: Vec<u64>,
    /// Where each user's training rows begin; users + 1 values.
    pub starts: Vec<u32>,
    /// Item of each training row.
    pub row_items: Vec<u32>,
    /// Only for `file`: the given shard per user.
    pub given: Vec<u16>,
    /// The experiment's seed.
    pub seed: u64,
}

/// Row -> shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Assignment {
    /// One shard per user: all of a user's rows stay together.
    ByUser(Vec<u16>),
    /// One shard per training row (`ibp`, `inbp`): a user may be in several shards.
    ByRow(Vec<u16>),
}
