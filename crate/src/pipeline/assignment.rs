//! Who, or which row, is in which shard.

use serde::{Deserialize, Serialize};

use crate::interactions::{Fate, Interactions, Row};
use crate::numerics::digest::{Digest, Hasher};
use crate::partition::Division;

use super::{PipelineError, trains};

/// The shard of a row that is in none: test rows.
pub const NO_SHARD: u16 = u16::MAX;

/// Which shard every row belongs to; [`NO_SHARD`] for test rows. Made for one set of rows, and of the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Number of shards, emptied ones included.
    pub shards: u32,
    /// Per row of the interactions.
    pub shard_of_row: Vec<u16>,
}

impl Assignment {
    /// One shard for everything.
    pub fn whole(rows: &Interactions) -> Self {
        let shard_of_row = rows.rows().iter().map(|row| if trains(row) { 0 } else { NO_SHARD }).collect();
        Assignment { shards: 1, shard_of_row }
    }

    /// From what a partition decided about the users with training rows (`active`, ascending), or about the training rows.
    ///
    /// Errors: a list of another length, or with a shard that is not there.
    pub fn of(rows: &Interactions, active: &[u32], shards: u32, division: &Division) -> Result<Self, PipelineError> {
        let (of, expected) = match division {
            Division::ByUser(of) => (of, active.len()),
            Division::ByRow(of) => (of, rows.rows().iter().filter(|row| trains(row)).count()),
        };
        if of.len() != expected || of.iter().any(|&shard| u32::from(shard) >= shards) {
            let reason = "its list of shards is not one of these rows".to_owned();
            return Err(PipelineError::Damaged { what: "a partition", reason });
        }
        let mut shard_of_row = vec![NO_SHARD; rows.rows().len()];
        let training = rows.rows().iter().zip(&mut shard_of_row).filter(|(row, _)| trains(row));
        match division {
            Division::ByUser(of) => {
                let mut by_user = vec![NO_SHARD; rows.users().len()];
                for (&user, &shard) in active.iter().zip(of) {
                    by_user[user as usize] = shard;
                }
                training.for_each(|(row, shard)| *shard = by_user[row.user as usize]);
            }
            Division::ByRow(of) => training.zip(of).for_each(|((_, shard), &of)| *shard = of),
        }
        Ok(Assignment { shards, shard_of_row })
    }

    /// Refuses an assignment that was made for other rows.
    pub fn check(&self, rows: &Interactions) -> Result<(), PipelineError> {
        check_assigned(rows, self.shards, &self.shard_of_row).map_err(|reason| PipelineError::Assignment { reason })
    }

    /// The shard of a row, if it is in one.
    pub fn of_row(&self, row: usize) -> Option<u32> {
        Some(self.shard_of_row[row]).filter(|&shard| shard != NO_SHARD).map(u32::from)
    }

    /// The shards that hold training rows of a user, ascending, each once.
    pub fn shards_of_user(&self, rows: &Interactions, user: u32) -> Vec<u32> {
        let mut shards: Vec<u32> = rows.range_of(user).filter_map(|row| self.of_row(row)).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    /// SHA-256 over who is in which shard.
    pub fn digest(&self, rows: &Interactions) -> Digest {
        assigned_digest(rows, self.shards, &self.shard_of_row)
    }

    /// One shard for each user with training rows where every user's rows are together, else one for each training row; in
    /// the order of ids.
    pub fn compact(&self, rows: &Interactions) -> Division {
        let mut by_user: Vec<u16> = Vec::new();
        let (mut last, mut together) = (None, true);
        for (row, &shard) in rows.rows().iter().zip(&self.shard_of_row).filter(|&(_, &shard)| shard != NO_SHARD) {
            if last == Some(row.user) {
                together &= by_user.last() == Some(&shard);
            } else {
                by_user.push(shard);
                last = Some(row.user);
            }
        }
        if together {
            return Division::ByUser(by_user);
        }
        Division::ByRow(self.shard_of_row.iter().copied().filter(|&shard| shard != NO_SHARD).collect())
    }

    /// The same shards for other rows: who is still there stays, and who or what is new goes to the shard that `place` says.
    /// `place` is asked for each new training row in the order of ids, with the shard of the same user's rows where all of
    /// them are in one.
    pub(crate) fn carried(
        &self,
        before: &Interactions,
        after: &Interactions,
        mut place: impl FnMut(&Row, Option<u16>) -> u16,
    ) -> Self {
        let mut item_before = vec![None; after.items().len()];
        for (item, id) in after.items().iter().enumerate() {
            item_before[item] = before.items().find(id);
        }
        let mut shard_of_row = vec![NO_SHARD; after.rows().len()];
        for user in 0..after.users().len() as u32 {
            let old = before.users().find(after.users().get(user));
            let own: Vec<u16> = old.map_or_else(Vec::new, |old| {
                let shards = self.shard_of_row[before.range_of(old)].iter().copied();
                shards.filter(|&shard| shard != NO_SHARD).collect()
            });
            let together = own.first().copied().filter(|first| own.iter().all(|shard| shard == first));
            for at in after.range_of(user) {
                let row = &after.rows()[at];
                if !trains(row) {
                    continue;
                }
                let kept = old.and_then(|old| {
                    let item = item_before[row.item as usize]?;
                    let at = before.rows_of(old).binary_search_by_key(&item, |row| row.item).ok()?;
                    Some(self.shard_of_row[before.range_of(old).start + at]).filter(|&shard| shard != NO_SHARD)
                });
                shard_of_row[at] = kept.unwrap_or_else(|| place(row, together));
            }
        }
        Assignment { shards: self.shards, shard_of_row }
    }
}

/// Says what does not fit where shards are not of these rows: every training row has one of them, no test row has one.
pub(crate) fn check_assigned(rows: &Interactions, shards: u32, shard_of_row: &[u16]) -> Result<(), String> {
    if shards > u32::from(NO_SHARD) {
        return Err(format!("there cannot be {shards} shards: at most {NO_SHARD} have a number"));
    }
    if shard_of_row.len() != rows.rows().len() {
        let (given, rows) = (shard_of_row.len(), rows.rows().len());
        return Err(format!("{given} rows have a shard, but there are {rows} rows"));
    }
    for (index, (&shard, row)) in shard_of_row.iter().zip(rows.rows()).enumerate() {
        if shard != NO_SHARD && u32::from(shard) >= shards {
            return Err(format!("row {index} is in shard {shard}, but there are {shards} shards"));
        }
        if (shard == NO_SHARD) != (row.fate == Fate::Test) {
            return Err(format!("row {index} is a {:?} row, but its shard is {shard}", row.fate));
        }
    }
    Ok(())
}

/// SHA-256 over who is in which shard: (user id, shard), or (user id, item id, shard) where a user's rows are in several
/// shards. Over ids, so it is the same wherever the same people are in the same shards.
pub(crate) fn assigned_digest(rows: &Interactions, shards: u32, shard_of_row: &[u16]) -> Digest {
    let mut hasher = Hasher::new("ultrare partition 1");
    hasher.u32(shards);
    for user in 0..rows.users().len() as u32 {
        let of_user = rows.range_of(user).filter(|&row| shard_of_row[row] != NO_SHARD);
        let Some(first) = of_user.clone().map(|row| shard_of_row[row]).next() else { continue };
        hasher.str(rows.users().get(user));
        if of_user.clone().all(|row| shard_of_row[row] == first) {
            hasher.u32(1).u32(u32::from(first));
        } else {
            hasher.u32(2).u32(of_user.clone().count() as u32);
            for row in of_user {
                hasher.str(rows.items().get(rows.rows()[row].item)).u32(u32::from(shard_of_row[row]));
            }
        }
    }
    hasher.finish()
}
