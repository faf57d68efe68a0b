//! What a partition is made from, and what is wrong with it.

use serde::{Deserialize, Serialize};

use super::{Balance, Method, PartitionConfig, PartitionError};
use crate::numerics::matrix::Matrix;

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
    /// Item of each training row; only `ibp` and `inbp` need it.
    pub row_items: Vec<u32>,
    /// Only for `file`: the given shard per user.
    pub given: Vec<u16>,
    /// Only for `anchored`: who the anchors are (a consent column). Empty: a keyed hash chooses.
    pub anchors: Vec<bool>,
    /// The experiment's seed.
    pub seed: u64,
}

/// Row -> shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Division {
    /// One shard per user: all of a user's rows stay together.
    ByUser(Vec<u16>),
    /// One shard per training row (`ibp`, `inbp`): a user may be in several shards.
    ByRow(Vec<u16>),
}

impl PartitionInput {
    /// Number of users.
    pub fn n_users(&self) -> usize {
        self.user_keys.len()
    }

    /// Training rows of each user.
    pub(super) fn rows_of_users(&self) -> Vec<u32> {
        self.starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Is there a vector for every user?
    pub(super) fn has_users(&self) -> bool {
        self.users.rows() == self.n_users() && self.users.cols() > 0
    }

    pub(super) fn check(&self, config: &PartitionConfig) -> Result<(), PartitionError> {
        let n = self.n_users();
        if n == 0 {
            return Err(PartitionError::NoUsers);
        }
        let shape = |name, expected, found, advice| Err(PartitionError::Shape { name, expected, found, advice });
        let ascending = self.starts.windows(2).all(|pair| pair[0] <= pair[1]);
        if self.starts.len() != n + 1 || self.starts[0] != 0 || !ascending {
            let advice = "give where each user's rows begin, ascending from 0, and the number of rows";
            return shape("starts", n + 1, self.starts.len(), advice);
        }
        if config.balance == Balance::Interactions
            && matches!(config.method, Method::Obc | Method::Anchored)
            && let Some(user) = self.starts.windows(2).position(|pair| pair[0] == pair[1])
        {
            return Err(PartitionError::NoRows { user });
        }
        let rows = self.starts[n] as usize;
        let method = config.method;
        let shards = config.shards;
        if (method.needs_users() || self.users.rows() > 0) && !self.has_users() {
            return shape("users", n, self.users.rows(), "give one embedding per user with a training row");
        }
        finite("user", &self.users)?;
        if method.needs_items() {
            if self.row_items.len() != rows {
                return shape("row_items", rows, self.row_items.len(), "give the item of each training row");
            }
            let needed = self.row_items.iter().max().map_or(0, |&item| item as usize + 1);
            if self.items.rows() < needed || self.items.cols() == 0 {
                return shape("items", needed.max(1), self.items.rows(), "give one embedding per item");
            }
            finite("item", &self.items)?;
        }
        let (units, what) = match method {
            Method::Hash | Method::File => (u32::MAX, "users"),
            Method::Ibp => (self.items.rows() as u32, "items"),
            Method::Inbp => (rows as u32, "rows"),
            _ => (n as u32, "users"),
        };
        if shards > units {
            return Err(PartitionError::TooManyShards { shards, units, what });
        }
        if method == Method::File {
            if self.given.len() != n {
                return shape("given", n, self.given.len(), "give a shard for every user with a training row");
            }
            if let Some(user) = self.given.iter().position(|&shard| u32::from(shard) >= shards) {
                return Err(PartitionError::GivenShard { user, shard: self.given[user], last: shards - 1 });
            }
        }
        if method == Method::Anchored && !self.anchors.is_empty() && self.anchors.len() != n {
            return shape("anchors", n, self.anchors.len(), "say of every user whether the user is an anchor");
        }
        Ok(())
    }
}

fn finite(what: &'static str, matrix: &Matrix) -> Result<(), PartitionError> {
    match matrix.data().iter().position(|value| !value.is_finite()) {
        Some(at) => Err(PartitionError::NotFinite { what, index: at / matrix.cols().max(1), value: matrix.data()[at] }),
        None => Ok(()),
    }
}
