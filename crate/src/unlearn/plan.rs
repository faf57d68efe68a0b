//! The bill before commit: shards touched, rows to train again, time, what would be emptied, what would stay tainted.

use serde::{Deserialize, Serialize};

use super::taint::{Mode, Procedure, Taint, expected_taints};
use super::{NO_SHARD, Request, RequestError, Resolved};
use crate::interactions::{Fate, Interactions};

/// Which shard every row is in.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// How many shards, the empty ones included.
    pub shards: u32,
    /// Shard of each of the data's rows; [`NO_SHARD`] for test rows.
    pub shard_of_row: &'a [u16],
}

/// What work has cost so far, for the estimate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Seconds that training each shard took; empty before anything was trained.
    pub seconds_per_shard: Vec<f64>,
    /// Seconds of one full retrain without shards, if it was ever run.
    pub full_seconds: Option<f64>,
    /// Seconds of the combiner, which is made again at every request that touches a shard.
    pub combine_seconds: f64,
    /// Shards trained at a time; 0 counts as 1.
    pub workers: u32,
}

/// One shard that loses rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct TouchedShard {
    /// Its number.
    pub shard: u32,
    /// Users who lose at least one row here.
    pub users: u32,
    /// Rows that go.
    pub rows: u32,
    /// Rows that stay, and are trained on again from initialisation.
    pub rows_after: u32,
}

/// Something to know, or to say yes to, before commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Warning {
    /// A stable name such as `empties_shard`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Is it carried out only when the request is confirmed?
    pub confirm: bool,
}

/// What a request would do. Computing it changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Plan {
    /// Users who lose at least one row.
    pub users: u32,
    /// Users of whom nothing is left.
    pub users_gone: u32,
    /// Items of which nothing is left.
    pub items_gone: u32,
    /// Rows that go, of every fate.
    pub rows: u32,
    /// Those among them that sub-models were trained on.
    pub shard_rows: u32,
    /// Those among them that accuracy is measured on.
    pub test_rows: u32,
    /// Named users that do not occur in the data.
    pub unknown_users: Vec<String>,
    /// Named items that do not occur in the data.
    pub unknown_items: Vec<String>,
    /// Named pairs that are no row of the data.
    pub unknown_interactions: Vec<(String, String)>,
    /// Shards that lose rows, ascending.
    pub touched: Vec<TouchedShard>,
    /// All other shards, ascending: their sub-models keep every bit.
    pub untouched: Vec<u32>,
    /// Rows that will be trained on again: the touched shards' remaining ones.
    pub rows_to_train: u32,
    /// Estimated seconds until the ensemble serves again; `None` while nothing was measured. An upper bound when the
    /// partition is made again.
    pub seconds: Option<f64>,
    /// Seconds of one full retrain without shards, where known.
    pub full_seconds: Option<f64>,
    /// Where checkpoints are kept: share of the touched shards' training that will be done again, 0 to 1.
    pub share: Option<f64>,
    /// The same on average over single users drawn evenly.
    pub expected_share: Option<f64>,
    /// Would nothing be left to train on?
    pub everything: bool,
    /// What to know beforehand.
    pub warnings: Vec<Warning>,
    /// Stages that may still depend on the forgotten rows afterwards.
    pub taints: Vec<Taint>,
}

/// Makes the bill. One pass over the rows.
///
/// A request that holds test rows only touches no shard, trains nothing and taints nothing. With a partition of rows a
/// user may touch several shards.
///
/// Errors: [`RequestError::Layout`] when `layout` is not of these rows.
pub fn plan(
    found: &Resolved,
    data: &Interactions,
    layout: &Layout<'_>,
    rates: &Rates,
    procedure: &Procedure,
) -> Result<Plan, RequestError> {
    layout.check(data)?;
    let mut bill = Plan {
        users: found.users.len() as u32,
        users_gone: found.users_gone.len() as u32,
        items_gone: found.items_gone.len() as u32,
        rows: found.rows.len() as u32,
        unknown_users: found.unknown_users.clone(),
        unknown_items: found.unknown_items.clone(),
        unknown_interactions: found.unknown_interactions.clone(),
        full_seconds: rates.full_seconds,
        ..Plan::default()
    };
    let shards = layout.shards as usize;
    let mut before = vec![0u32; shards];
    for &shard in layout.shard_of_row.iter().filter(|&&shard| shard != NO_SHARD) {
        before[shard as usize] += 1;
    }
    let mut tally: Vec<Tally> = vec![Tally::default(); shards];
    for &index in &found.rows {
        let row = &data.rows()[index as usize];
        bill.test_rows += u32::from(row.fate == Fate::Test);
        if let Some(shard) = layout.of(index) {
            tally[shard as usize].add(row.user);
            bill.shard_rows += 1;
        }
    }
    for (shard, (tally, &rows)) in tally.iter().zip(&before).enumerate() {
        let shard = shard as u32;
        if tally.rows == 0 {
            bill.untouched.push(shard);
        } else {
            let rows_after = rows - tally.rows;
            bill.touched.push(TouchedShard { shard, users: tally.users, rows: tally.rows, rows_after });
            bill.rows_to_train += rows_after;
        }
    }
    let total: u32 = before.iter().sum();
    bill.everything = bill.shard_rows > 0 && bill.shard_rows == total;
    if bill.shard_rows > 0 {
        bill.taints = expected_taints(procedure);
    }
    bill.seconds = estimate(&bill, &before, rates, procedure);
    bill.warnings = warnings(&bill, data, total, procedure);
    Ok(bill)
}

impl Layout<'_> {
    /// The shard of a row, if it is in one.
    fn of(&self, row: u32) -> Option<u16> {
        Some(self.shard_of_row[row as usize]).filter(|&shard| shard != NO_SHARD)
    }

    pub(crate) fn check(&self, data: &Interactions) -> Result<(), RequestError> {
        let refuse = |reason: String| Err(RequestError::Layout { reason });
        if self.shards > u32::from(NO_SHARD) {
            return refuse(format!("there cannot be {} shards: at most {NO_SHARD} have a number", self.shards));
        }
        if self.shard_of_row.len() != data.rows().len() {
            let (given, rows) = (self.shard_of_row.len(), data.rows().len());
            return refuse(format!("{given} rows have a shard, but there are {rows} rows"));
        }
        for (index, (&shard, row)) in self.shard_of_row.iter().zip(data.rows()).enumerate() {
            if shard != NO_SHARD && u32::from(shard) >= self.shards {
                return refuse(format!("row {index} is in shard {shard}, but there are {} shards", self.shards));
            }
            if (shard == NO_SHARD) != (row.fate == Fate::Test) {
                return refuse(format!("row {index} is a {:?} row, but its shard is {shard}", row.fate));
            }
        }
        Ok(())
    }
}

/// What one shard loses. Rows come in the order of their users.
#[derive(Clone, Default)]
struct Tally {
    rows: u32,
    users: u32,
    last_user: Option<u32>,
}

impl Tally {
    fn add(&mut self, user: u32) {
        self.rows += 1;
        self.users += u32::from(self.last_user != Some(user));
        self.last_user = Some(user);
    }
}

/// Measured seconds scaled by the rows that stay (an epoch's cost is linear in them), spread over the workers with
/// the longest first (Graham 1969), plus the combiner. A partition that is made again may change every shard.
fn estimate(bill: &Plan, before: &[u32], rates: &Rates, procedure: &Procedure) -> Option<f64> {
    if bill.touched.is_empty() {
        return Some(0.0);
    }
    if rates.seconds_per_shard.len() != before.len() {
        return None;
    }
    let scaled = |touched: &TouchedShard| {
        let rows = f64::from(before[touched.shard as usize]);
        rates.seconds_per_shard[touched.shard as usize] * f64::from(touched.rows_after) / rows
    };
    let mut jobs: Vec<f64> = bill.touched.iter().map(scaled).collect();
    if procedure.divides_again() {
        jobs.extend(bill.untouched.iter().map(|&shard| rates.seconds_per_shard[shard as usize]));
    }
    tiny_sort::stable::sort_by(&mut jobs, |a, b| b.total_cmp(a));
    let mut busy = vec![0.0f64; rates.workers.clamp(1, 1024) as usize];
    for job in jobs {
        if let Some(least) = busy.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *least += job;
        }
    }
    Some(busy.into_iter().fold(0.0, f64::max) + rates.combine_seconds)
}

fn warnings(bill: &Plan, data: &Interactions, total: u32, procedure: &Procedure) -> Vec<Warning> {
    let mut list = Vec::new();
    let mut warn = |code: &str, confirm: bool, message: String| {
        list.push(Warning { code: code.to_owned(), message, confirm });
    };
    if bill.everything {
        warn("everybody", true, format!("Everybody would be forgotten: no row is left of {total} to train on."));
    }
    if !data.items().is_empty() && bill.items_gone as usize == data.items().len() {
        warn("empties_catalogue", true, "The catalogue would be empty: no item is left to recommend.".to_owned());
    } else if bill.items_gone > 0 {
        let message = format!("{} would lose the last row and leave the catalogue.", plural(bill.items_gone, "item"));
        warn("items_gone", false, message);
    }
    for touched in bill.touched.iter().filter(|touched| touched.rows_after == 0 && !bill.everything) {
        let message =
            format!("Shard {} would be left without a row: its sub-model is dropped and has no vote.", touched.shard);
        warn("empties_shard", true, message);
    }
    let tests = data.rows().iter().filter(|row| row.fate == Fate::Test).count() as u32;
    if tests > 0 && bill.test_rows == tests {
        let message =
            format!("None of {} would be left: accuracy could no longer be measured.", plural(tests, "test row"));
        warn("empties_test", true, message);
    }
    if bill.rows > 0 && bill.touched.is_empty() {
        warn("test_only", false, "Only test rows go: no sub-model has seen them, so none is trained again.".to_owned());
    }
    if !bill.touched.is_empty() && procedure.divides_again() {
        let why = if procedure.mode == Mode::Refit {
            "as asked"
        } else {
            "because an anchor, or somebody who stays, loses rows"
        };
        let message = format!(
            "The partition is made again ({why}): every shard whose members change is trained again, in the worst case all."
        );
        warn("divides_again", false, message);
    } else if !bill.touched.is_empty() && bill.untouched.is_empty() {
        warn("every_shard", false, "Every shard is touched: all sub-models are trained again.".to_owned());
    }
    if let (Some(seconds), Some(full)) = (bill.seconds, bill.full_seconds)
        && seconds >= full
        && !bill.touched.is_empty()
    {
        let message = format!("One full retrain is estimated to be no dearer: {full:.2} s against {seconds:.2} s.");
        warn("full_is_cheaper", false, message);
    }
    let unknown = bill.unknown_users.len() + bill.unknown_items.len() + bill.unknown_interactions.len();
    if unknown > 0 {
        let verb = if unknown == 1 { "does" } else { "do" };
        warn("unknown", false, format!("{} {verb} not occur in the data.", plural(unknown as u32, "name")));
    }
    list
}

fn plural(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

impl Plan {
    /// Does something have to be confirmed first?
    pub fn needs_confirmation(&self) -> bool {
        self.warnings.iter().any(|warning| warning.confirm)
    }

    /// May the request be carried out? To be asked before anything changes. A confirmed request that forgets everybody
    /// is allowed: look at [`Plan::everything`], there is nothing to train afterwards.
    ///
    /// Errors: [`RequestError::Empty`], [`RequestError::Unknown`], [`RequestError::Everybody`],
    /// [`RequestError::Unconfirmed`].
    pub fn check(&self, request: &Request) -> Result<(), RequestError> {
        if request.is_empty() {
            return Err(RequestError::Empty);
        }
        if self.rows == 0 {
            let pair = |(user, item): &(String, String)| format!("({user}, {item})");
            let first = (self.unknown_users.first().or(self.unknown_items.first()).cloned())
                .or_else(|| self.unknown_interactions.first().map(pair))
                .unwrap_or_default();
            let count = self.unknown_users.len() + self.unknown_items.len() + self.unknown_interactions.len();
            return Err(RequestError::Unknown { count: count as u32, first });
        }
        if request.confirmed || !self.needs_confirmation() {
            return Ok(());
        }
        if self.everything {
            return Err(RequestError::Everybody { rows: self.shard_rows });
        }
        let reasons: Vec<&str> = self.warnings.iter().filter(|w| w.confirm).map(|w| w.message.as_str()).collect();
        Err(RequestError::Unconfirmed { reasons: reasons.join(" ") })
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
