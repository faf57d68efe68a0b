//! Is a receipt true? First what it says about itself, then what the rows say, then what training again says.
//!
//! [`Verification::open`] takes receipts and rows; what was opened lists the sides to train again from ([`Todo`]). Whoever
//! trained hands in what came out ([`Recomputed`]), [`Verification::judge`] says which digest differs, and where. Training
//! may happen anywhere and take as long as it does; [`verify`] is the same in one call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alone::word;
use super::change::Exchange;
use super::error::VerifyError;
use super::json::Value;
use super::open::{Opened, open_all};
use super::record::{MEASURED, Receipt};
use super::salt::Moment;
use super::side::SubModel;
use super::verdict::{Verdict, show};
use super::{check_alone, check_chain, rows};
use crate::evaluate::Interval;
use crate::interactions::Interactions;
use crate::numerics::digest::Digest;
use crate::unlearn::Taint;

/// What a verification asks whoever knows the settings, before anything is trained.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The receipt.
    pub receipt: &'a Receipt,
    /// The rows before, where they are known.
    pub before: Option<&'a Interactions>,
    /// The rows after, where they are known.
    pub after: Option<&'a Interactions>,
    /// What went and came.
    pub change: &'a Exchange,
    /// Did any shard's rows change?
    pub touches: bool,
}

/// What follows from a receipt's settings, its mode and the rows: the answer to a [`Question`].
#[derive(Clone, Debug)]
pub struct Rules {
    /// The settings again, as this code resolves and writes them.
    pub settings: Value,
    /// The seed in them.
    pub seed: u64,
    /// The partition's name.
    pub method: String,
    /// Slices per shard, 0 without checkpoints.
    pub slices: u32,
    /// Is the partition made again at this change? `None` where the rows that are known do not tell.
    pub divided_again: Option<bool>,
    /// The taints that this change leaves; `None` where the rows that are known do not tell.
    pub taints: Option<Vec<Taint>>,
    /// Whose say the assignment is.
    pub assignment: AssignmentRule,
}

/// Where a partition's assignment comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentRule {
    /// A row's shard follows from its own ids: it is made again on every side.
    Alone,
    /// It follows from all rows: made again before the first change and where it was divided again, else kept.
    Made,
    /// A person gave it: always taken as listed, and borne out by roots and weights.
    Given,
}

/// One set of rows to train again from.
#[derive(Clone, Debug)]
pub struct Todo {
    /// Which receipts' which sides it is.
    pub claims: Vec<(usize, Moment)>,
    /// The rows, with their fates.
    pub rows: Arc<Interactions>,
    /// The settings.
    pub settings: Value,
    /// The shard of each row and the number of shards, where they are kept; else the partition is made again.
    pub kept: Option<(u32, Arc<Vec<u16>>)>,
}

/// What training again from rows gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Recomputed {
    /// Digest of the partition over ids: [`Placed::digest`](super::Placed::digest).
    pub partition: Digest,
    /// Every shard's sub-model, in order.
    pub sub_models: Vec<Option<SubModel>>,
    /// Digest of the combiner, where there is one.
    pub combiner: Option<Digest>,
    /// What the ensemble is worth on these rows.
    pub metrics: BTreeMap<String, Interval>,
}

/// A verification under way.
#[derive(Clone, Debug)]
pub struct Verification {
    receipts: Vec<Receipt>,
    opened: Vec<Opened>,
    todo: Vec<Todo>,
    verdict: Verdict,
}

impl Verification {
    /// Everything that needs no training. `rows` are any of the sets of rows that the receipts are about, read and split as
    /// their settings say: those before the first change suffice where nothing was added, those after the last where nothing
    /// was forgotten; those of one day check that day's receipt. `rules` answers for the settings.
    ///
    /// Errors: no receipt; rows that do not open the last receipt; shards that do not fit them; settings that `rules` refuses.
    pub fn open(
        receipts: &[Receipt],
        rows: &[&Interactions],
        rules: impl Fn(&Question<'_>) -> Result<Rules, String>,
    ) -> Result<Verification, VerifyError> {
        if receipts.is_empty() {
            return Err(VerifyError::Nothing);
        }
        let chained = receipts.len() > 1;
        let mut verdict = Verdict::default();
        for receipt in receipts {
            verdict = verdict.and(placed(receipt, chained, check_alone(receipt)));
        }
        verdict = verdict.and(check_chain(receipts));
        let opened = open_all(receipts, rows, &verdict)?;
        let mut todo: Vec<Todo> = Vec::new();
        for (index, (receipt, sides)) in receipts.iter().zip(&opened).enumerate() {
            let mut found = rows::check_rows(receipt, sides);
            if let Some(before) = index.checked_sub(1) {
                found = found.and(rows::check_bridge(&opened[before], sides));
            }
            let question = Question {
                receipt,
                before: sides.before.as_ref().map(|side| &*side.rows),
                after: sides.after.as_ref().map(|side| &*side.rows),
                change: &receipt.change,
                touches: receipt.data.before.shards != receipt.data.after.shards,
            };
            let number = receipt.number;
            let answer = rules(&question).map_err(|reason| VerifyError::Settings { number, reason })?;
            found = found.and(check_rules(receipt, &answer)).and(rows::check_moves(receipt, sides));
            verdict = verdict.and(placed(receipt, chained, found));
            plan(&mut todo, index, receipt, sides, &answer);
        }
        Ok(Verification { receipts: receipts.to_vec(), opened, todo, verdict })
    }

    /// The sides to train again from; each once, though two receipts may speak of it.
    pub fn todo(&self) -> &[Todo] {
        &self.todo
    }

    /// Compares what training [`Verification::todo`]`[index]` again gave with what the receipts say.
    pub fn judge(&mut self, index: usize, found: &Recomputed) {
        for &(at, moment) in &self.todo[index].claims {
            let receipt = &self.receipts[at];
            let compared = compare(receipt, &self.opened[at], moment, found);
            let verdict = std::mem::take(&mut self.verdict);
            self.verdict = verdict.and(placed(receipt, self.receipts.len() > 1, compared));
        }
    }

    /// All that was found so far.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// The whole verification in one call: `train` trains a side again.
///
/// Errors: those of [`Verification::open`], and what `train` refuses.
pub fn verify(
    receipts: &[Receipt],
    rows: &[&Interactions],
    rules: impl Fn(&Question<'_>) -> Result<Rules, String>,
    mut train: impl FnMut(&Todo) -> Result<Recomputed, String>,
) -> Result<Verdict, VerifyError> {
    let mut verification = Verification::open(receipts, rows, rules)?;
    for index in 0..verification.todo.len() {
        let todo = &verification.todo[index];
        let number = todo.claims.first().map_or(0, |&(at, _)| receipts[at].number);
        let found = train(todo).map_err(|reason| VerifyError::Settings { number, reason })?;
        verification.judge(index, &found);
    }
    Ok(verification.verdict)
}

/// Says in a chain which receipt it is about.
fn placed(receipt: &Receipt, chained: bool, mut verdict: Verdict) -> Verdict {
    if chained {
        verdict
            .checks
            .iter_mut()
            .for_each(|check| check.place = format!("receipt {}, {}", receipt.number, check.place));
    }
    verdict
}

fn check_rules(receipt: &Receipt, rules: &Rules) -> Verdict {
    let mut verdict = Verdict::default();
    let settings = |value: &Value| value.digest("ultrare settings 2");
    verdict.check("settings", "settings", settings(&receipt.settings), settings(&rules.settings));
    verdict.check("seed", "settings", receipt.seed, rules.seed);
    verdict.check("method", "partition", &receipt.partition.method, &rules.method);
    verdict.check("slices", "protocol", receipt.protocol.slices, rules.slices);
    let why = "the rows before are needed: whether an anchor went cannot be seen without them";
    match rules.divided_again {
        Some(again) => verdict.check("divided again", "protocol", receipt.protocol.divided_again, again),
        None => verdict.leave("protocol.divided_again", why),
    }
    match &rules.taints {
        Some(taints) => verdict.check("taints", "taints", word(&receipt.taints), word(taints)),
        None => verdict.leave("taints", why),
    }
    verdict
}

/// What is to be trained again for one receipt.
fn plan(todo: &mut Vec<Todo>, index: usize, receipt: &Receipt, sides: &Opened, rules: &Rules) {
    for (moment, side) in [(Moment::Before, &sides.before), (Moment::After, &sides.after)] {
        let Some(side) = side.as_ref().filter(|side| side.trains()) else { continue };
        let made = match moment {
            Moment::Before => receipt.number == 1,
            Moment::After => receipt.protocol.divided_again,
        };
        let kept = match rules.assignment {
            AssignmentRule::Alone => None,
            AssignmentRule::Made if made => None,
            _ => Some((side.shards, side.shard_of_row.clone())),
        };
        // The rows after one change are those before the next: what was made there is kept here.
        let same = |other: &&mut Todo| {
            let last = other.claims.last();
            last == Some(&(index.wrapping_sub(1), Moment::After))
                && moment == Moment::Before
                && (Arc::ptr_eq(&other.rows, &side.rows) || other.rows == side.rows)
                && other.settings == receipt.settings
        };
        match todo.iter_mut().find(same) {
            Some(other) => other.claims.push((index, moment)),
            None => todo.push(Todo {
                claims: vec![(index, moment)],
                rows: side.rows.clone(),
                settings: receipt.settings.clone(),
                kept,
            }),
        }
    }
}

/// The receipt's digests of one side against those of a pipeline that was trained again.
fn compare(receipt: &Receipt, sides: &Opened, moment: Moment, found: &Recomputed) -> Verdict {
    let mut verdict = Verdict::default();
    let side = if moment == Moment::Before { " before" } else { "" };
    let name = |what: &str| format!("{what}{side}");
    let assigned = if moment == Moment::Before { &receipt.partition.before } else { &receipt.partition.after };
    let again = sides.salt.map(|salt| salt.partition(&found.partition));
    verdict.check(&name("partition"), "partition", assigned.digest, show(again));
    verdict.check(&name("shards"), "sub-models", receipt.shards.len(), found.sub_models.len());
    for (record, found) in receipt.shards.iter().zip(&found.sub_models) {
        let place = format!("shard {}", record.shard);
        let stated = if moment == Moment::Before { &record.before } else { &record.after };
        let digest = |model: &Option<SubModel>| show(model.as_ref().map(|model| model.weights));
        let epochs = |model: &Option<SubModel>| show(model.as_ref().map(|model| model.epochs));
        let stop = |model: &Option<SubModel>| show(model.as_ref().map(|model| word(&model.stop)));
        verdict.check(&name("weights"), &place, digest(stated), digest(found));
        verdict.check(&name("epochs"), &place, epochs(stated), epochs(found));
        verdict.check(&name("stop reason"), &place, stop(stated), stop(found));
    }
    let combiner = if moment == Moment::Before { receipt.combiner.before } else { receipt.combiner.after };
    verdict.check(&name("combiner"), "combiner", show(combiner), show(found.combiner));
    if moment == Moment::After && !receipt.metrics.contains_key(MEASURED) {
        verdict.leave("figures", "the receipt states none: nothing was measured when it was written");
    } else if moment == Moment::After {
        let stated = receipt.metrics.get(MEASURED).cloned().unwrap_or_default();
        let words = |interval: Option<&Interval>| {
            interval.map_or("none".to_owned(), |one| format!("{} ({} to {})", one.mean, one.low, one.high))
        };
        let finite = |one: &&Interval| [one.mean, one.low, one.high].iter().all(|value| value.is_finite());
        let names: std::collections::BTreeSet<&String> = stated.keys().chain(found.metrics.keys()).collect();
        for metric in names {
            let again = found.metrics.get(metric).filter(finite);
            verdict.check(metric, &format!("figures, {MEASURED}"), words(stated.get(metric)), words(again));
        }
    }
    verdict
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
