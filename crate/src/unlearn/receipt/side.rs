//! What a receipt is about: the rows, who is in which shard, and what was trained, before a change and after it.

use serde::{Deserialize, Serialize};

use super::error::SideError;
use crate::digest::{Digest, Hasher};
use crate::interactions::{Fate, Interactions};
use crate::model::StopReason;

/// The shard of a row that is in none: test rows.
pub const NO_SHARD: u16 = u16::MAX;

/// Rows and the shard of each.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// The rows, with their fates.
    pub rows: &'a Interactions,
    /// Number of shards, empty ones included.
    pub shards: u32,
    /// Shard of each row; [`NO_SHARD`] for test rows.
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
        let rows = self.rows.rows();
        let mut hasher = Hasher::new("ultrare partition 1");
        hasher.u32(self.shards);
        for user in 0..self.rows.users().len() as u32 {
            let of_user = self.rows.range_of(user).filter(|&row| self.shard_of_row[row] != NO_SHARD);
            let Some(first) = of_user.clone().map(|row| self.shard_of_row[row]).next() else { continue };
            hasher.str(self.rows.users().get(user));
            if of_user.clone().all(|row| self.shard_of_row[row] == first) {
                hasher.u32(1).u32(u32::from(first));
            } else {
                hasher.u32(2).u32(of_user.clone().count() as u32);
                for row in of_user {
                    hasher.str(self.rows.items().get(rows[row].item)).u32(u32::from(self.shard_of_row[row]));
                }
            }
        }
        hasher.finish()
    }

    /// Every training row has one of the shards, no test row has one.
    pub(super) fn check(&self) -> Result<(), SideError> {
        let refuse = |reason: String| Err(SideError(reason));
        if self.shards > u32::from(NO_SHARD) {
            return refuse(format!("there cannot be {} shards: at most {NO_SHARD} have a number", self.shards));
        }
        if self.shard_of_row.len() != self.rows.rows().len() {
            let (given, rows) = (self.shard_of_row.len(), self.rows.rows().len());
            return refuse(format!("{given} rows have a shard, but there are {rows} rows"));
        }
        for (&shard, row) in self.shard_of_row.iter().zip(self.rows.rows()) {
            if shard != NO_SHARD && u32::from(shard) >= self.shards {
                return refuse(format!("a row is in shard {shard}, but there are {} shards", self.shards));
            }
            if (shard == NO_SHARD) != (row.fate == Fate::Test) {
                return refuse(format!("a {:?} row is listed in shard {shard}", row.fate));
            }
        }
        Ok(())
    }
}
