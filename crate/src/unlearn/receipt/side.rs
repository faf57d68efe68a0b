//! What a receipt is about: the rows, who is in which shard, and what was trained, before a change and after it.

use serde::{Deserialize, Serialize};

use super::error::SideError;
use crate::Digest;
use crate::interactions::Interactions;
use crate::model::StopReason;
use crate::pipeline::{assigned_digest, check_assigned};

/// Rows and the shard of each.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// The rows, with their fates.
    pub rows: &'a Interactions,
    /// Number of shards, empty ones included.
    pub shards: u32,
    /// Shard of each row; `NO_SHARD` for test rows.
    pub shard_of_row: &'a [u16],
}

/// Everything at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Rows and shards.
    pub placed: Placed<'a>,
    /// For every shard its sub-model, where it has rows.
    pub sub_models: &'a [Option<SubModel>],
    /// Digest of the combiner, where there is one.
    pub combiner: Option<Digest>,
}

/// A trained sub-model, as a receipt knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubModel {
    /// SHA-256 of its shard's number, its users and items, and its weights.
    pub weights: Digest,
    /// Epochs trained.
    pub epochs: u32,
    /// Why training stopped.
    pub stop: StopReason,
}

impl Placed<'_> {
    /// SHA-256 over who is in which shard: (user id, shard), or (user id, item id, shard) where a user's rows are in
    /// several shards. Over ids, so it is the same wherever the same people are in the same shards; receipts show it blinded.
    pub fn digest(&self) -> Digest {
        assigned_digest(self.rows, self.shards, self.shard_of_row)
    }

    /// Every training row has one of the shards, no test row has one.
    pub(super) fn check(&self) -> Result<(), SideError> {
        check_assigned(self.rows, self.shards, self.shard_of_row).map_err(SideError)
    }
}
