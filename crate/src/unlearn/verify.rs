//! Is a receipt true? First what it says about itself, then what the rows say, then what training again says.
//!
//! [`check_alone`] and [`check_chain`] need receipts only. [`Receipt::open`] takes rows, before or after the request,
//! [`check_rows`] compares their roots, and what was opened holds the rows to train again from. Whoever did so hands in what came out ([`Recomputed`]) and [`compare`] says which
//! digest differs, and where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::evidence::{Roots, State, state};
use super::json::Value;
use super::receipt::{Receipt, ShardRecord};
use super::salt::{Salt, Side};
use super::{Layout, Places, RequestError};
use crate::evaluate::Interval;
use crate::interactions::Interactions;
use crate::model::StopReason;
use crate::numerics::digest::Digest;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Check {
    /// What is compared, such as `weights`.
    pub name: String,
    /// Where, such as `shard 3`.
    pub place: String,
    /// What the receipt says.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Are they the same?
    pub ok: bool,
}

/// All comparisons of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Verdict {
    /// Is every check fulfilled?
    pub ok: bool,
    /// The checks, in the order of the pipeline.
    pub checks: Vec<Check>,
}

/// What training again from rows gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Recomputed {
    /// Settings it was trained with.
    pub config: Value,
    /// Seed.
    pub seed: u64,
    /// Digest of the partition.
    pub partition: Digest,
    /// Every shard's sub-model, in order.
    pub shards: Vec<RecomputedShard>,
    /// Digest of the combiner, where there is one.
    pub combiner: Option<Digest>,
    /// Figures that were measured again: arm, then metric. Arms that were not are left out of the comparison.
    pub metrics: BTreeMap<String, BTreeMap<String, Interval>>,
}

/// One sub-model trained again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecomputedShard {
    /// SHA-256 of its weights; `None` where the shard is empty.
    pub weights: Option<Digest>,
    /// Epochs trained.
    pub epochs: u32,
    /// Why training stopped.
    pub stop: Option<StopReason>,
}

/// A receipt together with its rows: what to train again from.
#[derive(Clone, Debug)]
pub struct OpenedReceipt {
    /// Were the rows those before or those after the request?
    pub side: Side,
    /// The chain's salt.
    pub salt: Salt,
    /// The rows after the request.
    pub rows: Interactions,
    /// Shard of each.
    pub shard_of_row: Vec<u16>,
    /// Their roots.
    pub state: State,
    /// The roots before, if these were the rows before.
    pub state_before: Option<State>,
}

/// Why rows and a receipt do not go together.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not the rows it is about.
    #[error(
        "these {found} rows are not the ones the receipt is about: before the request there were {before} rows, after it \
         {after}, and their salt opens with exactly those only. A changed, missing or additional row, or another reading \
         (columns, threshold, split) is enough; for a later request the earlier receipts are needed as well"
    )]
    Rows {
        /// Rows given.
        found: u32,
        /// Rows before, by the receipt.
        before: u32,
        /// Rows after, by the receipt.
        after: u32,
    },
    /// The request hashes do not lead to the stated number of rows.
    #[error("the receipt says that {expected} rows were forgotten, but its hashes lead to {found}")]
    Request {
        /// By the receipt.
        expected: u32,
        /// By its hashes.
        found: u32,
    },
    /// The shards it lists are not of these rows.
    #[error("partition: {0}")]
    Partition(#[from] RequestError),
}

impl VerifyError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            VerifyError::Rows { .. } => "verify.rows",
            VerifyError::Request { .. } => "verify.request",
            VerifyError::Partition(_) => "verify.partition",
        }
    }
}

impl Verdict {
    /// The checks that are not fulfilled.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.ok)
    }

    /// This one, then another.
    pub fn and(mut self, other: Verdict) -> Verdict {
        self.ok &= other.ok;
        self.checks.extend(other.checks);
        self
    }

    fn start() -> Verdict {
        Verdict { ok: true, checks: Vec::new() }
    }

    fn check(&mut self, name: &str, place: &str, expected: impl ToString, found: impl ToString) {
        let (expected, found) = (expected.to_string(), found.to_string());
        let ok = expected == found;
        self.ok &= ok;
        self.checks.push(Check { name: name.to_owned(), place: place.to_owned(), expected, found, ok });
    }
}

/// What needs neither rows nor training: the digest, the proofs of absence, and that its parts agree with each other.
pub fn check_alone(receipt: &Receipt) -> Verdict {
    let mut verdict = Verdict::start();
    verdict.check("digest", "receipt", receipt.digest, receipt.own_digest());
    if let Some(seed) = receipt.config.get("seed") {
        verdict.check("seed", "configuration", receipt.seed, seed.to_json());
    }
    let proofs = receipt.data.check(&receipt.request).map_or_else(|error| error.to_string(), |()| "absent".to_owned());
    verdict.check("proofs of absence", "data", "absent", proofs);
    let (before, after) = (&receipt.data.before, &receipt.data.after);
    verdict.check("rows forgotten", "request", receipt.request.rows, before.rows().saturating_sub(after.rows()));
    verdict.check("shards", "partition", after.shards.len(), receipt.partition.after.places.shards);
    verdict.check("shards before", "partition", before.shards.len(), receipt.partition.before.places.shards);
    verdict.check("shards", "sub-models", after.shards.len(), receipt.shards.len());
    for (number, (record, (was, is))) in receipt.shards.iter().zip(before.shards.iter().zip(&after.shards)).enumerate()
    {
        let place = format!("shard {number}");
        verdict.check("number", &place, number, record.shard);
        verdict.check("rows before", &place, was.by_user.rows, record.rows_before);
        verdict.check("rows after", &place, is.by_user.rows, record.rows_after);
        verdict.check("touched", &place, was != is, record.touched);
        if was == is {
            verdict.check("weights unchanged", &place, show(record.weights.before), show(record.weights.after));
        }
        verdict.check("has a sub-model", &place, record.rows_after > 0, record.weights.after.is_some());
    }
    verdict
}

/// That receipts follow each other: numbers, digests, and each state after is the next one's before.
pub fn check_chain(receipts: &[Receipt]) -> Verdict {
    let mut verdict = Verdict::start();
    for (index, receipt) in receipts.iter().enumerate() {
        let place = format!("receipt {}", index + 1);
        verdict.check("number", &place, index + 1, receipt.number);
        let before = index.checked_sub(1).map(|before| &receipts[before]);
        verdict.check("previous receipt", &place, show(receipt.previous), show(before.map(|before| before.digest)));
        let Some(before) = before else { continue };
        verdict.check("salt", &place, before.data.seals.check, receipt.data.seals.check);
        verdict.check("partition", &place, before.partition.after.digest, receipt.partition.before.digest);
        verdict.check("combiner", &place, show(before.combiner.after), show(receipt.combiner.before));
        verdict.check("shards", &place, before.shards.len(), receipt.shards.len());
        let (is, was) = (before.data.after.orders(), receipt.data.before.orders());
        verdict.check("test rows", &place, is.1.by_user.digest, was.1.by_user.digest);
        for (shard, (is, was)) in is.0.iter().zip(was.0).enumerate() {
            verdict.check("rows", &format!("{place}, shard {shard}"), is.by_user.digest, was.by_user.digest);
        }
        for (old, new) in before.shards.iter().zip(&receipt.shards) {
            let place = format!("{place}, shard {}", old.shard);
            verdict.check("weights", &place, show(old.weights.after), show(new.weights.before));
        }
    }
    verdict
}

/// The receipt's roots against those of the rows: what needs the rows, but no training.
pub fn check_rows(receipt: &Receipt, opened: &OpenedReceipt) -> Verdict {
    let mut verdict = Verdict::start();
    let mut side = |name: &str, expected: &State, found: &State| {
        let (expected, found) = (expected.orders(), found.orders());
        verdict.check("shards", name, expected.0.len(), found.0.len());
        for (shard, (expected, found)) in expected.0.iter().zip(found.0).enumerate() {
            roots(&mut verdict, name, &format!("shard {shard}"), expected, found);
        }
        roots(&mut verdict, name, "test rows", expected.1, found.1);
    };
    if let Some(found) = &opened.state_before {
        side("rows before", &receipt.data.before, found);
    }
    side("rows after", &receipt.data.after, &opened.state);
    verdict
}

fn roots(verdict: &mut Verdict, name: &str, place: &str, expected: &Roots, found: &Roots) {
    verdict.check(name, place, expected.by_user.digest, found.by_user.digest);
    let item = |roots: &Roots| show(roots.by_item.map(|root| root.digest));
    if expected.by_item.is_some() || found.by_item.is_some() {
        verdict.check(&format!("{name}, by item"), place, item(expected), item(found));
    }
}

/// The receipt's digests against those of a pipeline that was trained again.
pub fn compare(receipt: &Receipt, recomputed: &Recomputed) -> Verdict {
    let mut verdict = Verdict::start();
    verdict.check("seed", "configuration", receipt.seed, recomputed.seed);
    let config = |value: &Value| value.digest("ultrare config 1");
    verdict.check("settings", "configuration", config(&receipt.config), config(&recomputed.config));
    verdict.check("partition", "partition", receipt.partition.after.digest, recomputed.partition);
    verdict.check("shards", "sub-models", receipt.shards.len(), recomputed.shards.len());
    for (record, found) in receipt.shards.iter().zip(&recomputed.shards) {
        shard(&mut verdict, record, found);
    }
    verdict.check("combiner", "combiner", show(receipt.combiner.after), show(recomputed.combiner));
    for (arm, metrics) in &recomputed.metrics {
        for (name, found) in metrics {
            let expected = receipt.metrics.get(arm).and_then(|metrics| metrics.get(name));
            let words = |interval: &Interval| format!("{} ({} to {})", interval.mean, interval.low, interval.high);
            let expected = expected.map_or("none".to_owned(), words);
            verdict.check(name, &format!("figures, {arm}"), expected, words(found));
        }
    }
    verdict
}

/// The digests of before the request against those of a pipeline run from the rows before, partition and all.
pub fn compare_before(receipt: &Receipt, recomputed: &Recomputed) -> Verdict {
    let mut verdict = Verdict::start();
    verdict.check("partition before", "partition", receipt.partition.before.digest, recomputed.partition);
    verdict.check("shards before", "sub-models", receipt.shards.len(), recomputed.shards.len());
    for (record, found) in receipt.shards.iter().zip(&recomputed.shards) {
        let place = format!("shard {}", record.shard);
        verdict.check("weights before", &place, show(record.weights.before), show(found.weights));
    }
    verdict.check("combiner before", "combiner", show(receipt.combiner.before), show(recomputed.combiner));
    verdict
}

fn shard(verdict: &mut Verdict, record: &ShardRecord, found: &RecomputedShard) {
    let place = format!("shard {}", record.shard);
    verdict.check("weights", &place, show(record.weights.after), show(found.weights));
    verdict.check("epochs", &place, record.epochs, found.epochs);
    let stop = |stop: Option<StopReason>| stop.map_or("none".to_owned(), |stop| format!("{stop:?}"));
    verdict.check("stop reason", &place, stop(record.stop), stop(found.stop));
}

fn show(digest: Option<Digest>) -> String {
    digest.map_or("none".to_owned(), |digest| digest.to_string())
}

impl Receipt {
    /// Finds out which rows these are and, if they still hold what was forgotten, takes it out by the hashes.
    ///
    /// Errors: [`VerifyError`] when these are neither the rows before nor those after.
    pub fn open(&self, data: &Interactions) -> Result<OpenedReceipt, VerifyError> {
        let (salt, side) = self.data.seals.open(data).ok_or_else(|| VerifyError::Rows {
            found: data.rows().len() as u32,
            before: self.data.before.rows(),
            after: self.data.after.rows(),
        })?;
        let items = !self.request.items.is_empty();
        let roots_of = |rows: &Interactions, places: &Places| -> Result<(Vec<u16>, State), VerifyError> {
            let shard_of_row = places.shard_of_row(rows)?;
            let layout = Layout { shards: places.shards, shard_of_row: &shard_of_row };
            let state = state(rows, &layout, &salt, items)?;
            Ok((shard_of_row, state))
        };
        let (rows, state_before) = match side {
            Side::After => (data.clone(), None),
            Side::Before => {
                let found = self.request.recover(data, &salt).resolve(data);
                if found.rows.len() as u32 != self.request.rows {
                    return Err(VerifyError::Request { expected: self.request.rows, found: found.rows.len() as u32 });
                }
                (found.remaining(data), Some(roots_of(data, &self.partition.before.places)?.1))
            }
        };
        let (shard_of_row, state) = roots_of(&rows, &self.partition.after.places)?;
        Ok(OpenedReceipt { side, salt, rows, shard_of_row, state, state_before })
    }
}

/// Opens the last receipt of a chain from the rows before any of the requests: each receipt in turn takes out its own.
/// From rows of a later day the earlier receipts are passed over.
///
/// Errors: those of [`Receipt::open`] for the last receipt.
pub fn open_chain(receipts: &[Receipt], data: &Interactions) -> Option<Result<OpenedReceipt, VerifyError>> {
    let (last, earlier) = receipts.split_last()?;
    let mut rows = data.clone();
    for receipt in earlier {
        if last.data.seals.open(&rows).is_some() {
            break;
        }
        if let Ok(opened) = receipt.open(&rows) {
            rows = opened.rows;
        }
    }
    Some(last.open(&rows))
}

#[cfg(test)]
#[path = "verify_tests.rs"]
pub(super) mod tests;
