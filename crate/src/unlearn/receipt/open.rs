//! From any of the rows that a chain is about to all that follow from them.

use std::sync::Arc;

use super::error::VerifyError;
use super::record::Receipt;
use super::salt::{Moment, Salt};
use super::side::Placed;
use super::verdict::Verdict;
use crate::interactions::Interactions;
use crate::pipeline::NO_SHARD;

/// One receipt with the rows that could be found for it.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// `None` where neither set of rows was there to open the seals: then nothing about the rows can be said.
    pub salt: Option<Salt>,
    pub before: Option<OpenedSide>,
    pub after: Option<OpenedSide>,
}

/// Rows, and the shard of each as the receipt lists them.
#[derive(Clone, Debug)]
pub(super) struct OpenedSide {
    pub rows: Arc<Interactions>,
    pub shards: u32,
    pub shard_of_row: Arc<Vec<u16>>,
}

impl OpenedSide {
    pub fn placed(&self) -> Placed<'_> {
        Placed { rows: &self.rows, shards: self.shards, shard_of_row: &self.shard_of_row }
    }

    /// Is there a row to train on?
    pub fn trains(&self) -> bool {
        self.shard_of_row.iter().any(|&shard| shard != NO_SHARD)
    }
}

/// The rows of one receipt, before shards are looked at.
type Found = (Option<Salt>, [Option<Arc<Interactions>>; 2]);

/// Opens every receipt with the rows given and those that follow from them: forwards where a change only took rows out,
/// backwards where it only added some.
///
/// Errors: nothing opens the last receipt; an assignment of other rows.
pub(super) fn open_all(
    receipts: &[Receipt],
    rows: &[&Interactions],
    so_far: &Verdict,
) -> Result<Vec<Opened>, VerifyError> {
    let mut pool: Vec<Arc<Interactions>> = rows.iter().map(|&rows| Arc::new(rows.clone())).collect();
    let mut found: Vec<Found> = vec![(None, [None, None]); receipts.len()];
    let forwards: Vec<usize> = (0..receipts.len()).collect();
    let backwards = forwards.iter().rev().copied();
    for index in forwards.iter().copied().chain(backwards) {
        look(&receipts[index], &mut pool, &mut found[index]);
    }
    let last = receipts.last().ok_or(VerifyError::Nothing)?;
    if found.last().is_none_or(|(salt, _)| salt.is_none()) {
        return Err(VerifyError::Rows {
            number: last.number,
            found: rows.first().map_or(0, |rows| rows.rows().len() as u32),
            before: last.data.before.rows(),
            after: last.data.after.rows(),
            holds: what_holds(so_far),
        });
    }
    receipts.iter().zip(found).map(|(receipt, found)| finish(receipt, found)).collect()
}

fn look(receipt: &Receipt, pool: &mut Vec<Arc<Interactions>>, (salt, sides): &mut Found) {
    let seals = &receipt.data.seals;
    for at in 0..pool.len() {
        if sides.iter().all(Option::is_some) {
            return;
        }
        let rows = pool[at].clone();
        let Some((opened, moment)) = seals.open(receipt.number, &rows) else { continue };
        *salt = Some(opened);
        let (here, there) = if moment == Moment::Before { (0, 1) } else { (1, 0) };
        if sides[there].is_none()
            && let Some(other) = receipt.change.other_side(&rows, &opened, moment == Moment::Before)
        {
            let other = Arc::new(other);
            pool.push(other.clone());
            sides[there] = Some(other);
        }
        sides[here] = Some(rows);
    }
}

fn finish(receipt: &Receipt, (salt, [before, after]): Found) -> Result<Opened, VerifyError> {
    let Some(salt) = salt else { return Ok(Opened { salt, before: None, after: None }) };
    let side = |rows: Option<Arc<Interactions>>, moment| {
        let Some(rows) = rows else { return Ok(None) };
        let (assigned, state) = match moment {
            Moment::Before => (&receipt.partition.before, &receipt.data.before),
            Moment::After => (&receipt.partition.after, &receipt.data.after),
        };
        let shards = state.shards.len() as u32;
        let refuse = |reason| VerifyError::Assignment { number: receipt.number, moment, reason };
        let shard_of_row = assigned.shard_of_row(&rows, &salt).map_err(refuse)?;
        Placed { rows: &rows, shards, shard_of_row: &shard_of_row }.check().map_err(refuse)?;
        Ok(Some(OpenedSide { rows, shards, shard_of_row: Arc::new(shard_of_row) }))
    };
    Ok(Opened { salt: Some(salt), before: side(before, Moment::Before)?, after: side(after, Moment::After)? })
}

/// What can be said in spite of the wrong rows.
fn what_holds(verdict: &Verdict) -> String {
    let failed = verdict.failures().count();
    let total = verdict.checks.len();
    match verdict.failures().next() {
        None => format!("What needs no rows holds: digest, proofs of absence and chain, {total} checks"),
        Some(check) => {
            format!("Of what needs no rows {failed} of {total} checks fail, first {} ({})", check.name, check.place)
        }
    }
}
