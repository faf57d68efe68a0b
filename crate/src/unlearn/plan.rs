//! The bill before commit: shards touched, rows to train again, time, what would be emptied, what would stay tainted.

use serde::{Deserialize, Serialize};

use super::cost::{Rates, cost};
use super::difference::{Difference, Overlap};
use super::taint::{Mode, Moves, Procedure, Taint, expected_taints};
use super::{Request, RequestError, Resolved};

/// One shard that loses or gains rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct TouchedShard {
    /// Its number.
    pub shard: u32,
    /// Users who lose or gain at least one row here.
    pub users: u32,
    /// Rows that go.
    pub rows: u32,
    /// Rows that come.
    pub added: u32,
    /// Rows that are there afterwards, and are trained on again from initialisation.
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

/// What a change would do. Computing it changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Plan {
    /// Users who lose or gain at least one row.
    pub users: u32,
    /// Users of whom nothing is left.
    pub users_gone: u32,
    /// Users who come.
    pub users_new: u32,
    /// Items of which nothing is left.
    pub items_gone: u32,
    /// Rows that go, of every fate.
    pub rows: u32,
    /// Rows that come, of every fate.
    pub added: u32,
    /// Added rows that contradict one that is there: the added one counts.
    pub replaced: u32,
    /// Added rows that are there already and change nothing.
    pub known: u32,
    /// Rows of others that leave or come because the filter counts again, or because another row of the same person is held
    /// out.
    pub followed: u32,
    /// Those among them that sub-models were trained on.
    pub shard_rows: u32,
    /// Those among them that accuracy is measured on.
    pub test_rows: u32,
    /// Named or added rows that the filter leaves out: they leave what was read, or come to it, and no sub-model sees them.
    pub filtered: u32,
    /// Named users that do not occur in the data.
    pub unknown_users: Vec<String>,
    /// Named items that do not occur in the data.
    pub unknown_items: Vec<String>,
    /// Named pairs that are no row of the data.
    pub unknown_interactions: Vec<(String, String)>,
    /// Shards that lose or gain rows, ascending.
    pub touched: Vec<TouchedShard>,
    /// All other shards, ascending: their sub-models keep every bit.
    pub untouched: Vec<u32>,
    /// Rows that will be trained on again: the touched shards' remaining ones.
    pub rows_to_train: u32,
    /// The same at the most: more where the partition is made again, since who moves is known only then.
    pub rows_most: u32,
    /// Rows that making the ensemble again from what remains would train on.
    pub rows_full: u32,
    /// Are the estimates below what it costs at the most, because anybody may move when the partition is made again?
    pub at_most: bool,
    /// Estimated rows times the epochs for which they will be trained on; `None` while nothing was measured.
    pub examples: Option<u64>,
    /// Estimated computing seconds until the ensemble serves again, on however many cores; `None` while nothing was measured.
    pub work: Option<f64>,
    /// Computing seconds of making the same ensemble from what remains instead, where known.
    pub work_full: Option<f64>,
    /// Estimated seconds until the ensemble serves again; `None` while nothing was measured.
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

/// Makes the bill of a change from what it does to the shards where nobody moves.
///
/// A change of test rows only touches no shard, trains nothing and taints nothing. With a partition of rows a user may touch
/// several shards.
pub fn plan(difference: &Difference, rates: &Rates, procedure: &Procedure, moves: Moves) -> Plan {
    let mut bill = Plan {
        users: difference.users,
        users_gone: difference.users_gone,
        users_new: difference.users_new,
        items_gone: difference.items_gone,
        rows: difference.rows_gone,
        added: difference.rows_new,
        shard_rows: difference.training_gone,
        test_rows: difference.test_gone,
        full_seconds: rates.full_seconds,
        ..Plan::default()
    };
    for (shard, change) in (0..).zip(&difference.shards) {
        if change.gone == 0 && change.new == 0 {
            bill.untouched.push(shard);
        } else {
            let (users, rows, added, rows_after) = (change.users, change.gone, change.new, change.after);
            bill.touched.push(TouchedShard { shard, users, rows, added, rows_after });
            bill.rows_to_train += rows_after;
        }
    }
    let left: u32 = difference.shards.iter().map(|shard| shard.after).sum();
    bill.everything = bill.shard_rows > 0 && left == 0;
    if !bill.touched.is_empty() {
        bill.taints = expected_taints(procedure);
    }
    bill.rows_full = left;
    let cost = cost(difference, rates, procedure, moves);
    (bill.rows_most, bill.examples, bill.work, bill.seconds) = (cost.rows_most, cost.examples, cost.work, cost.seconds);
    bill.at_most = moves == Moves::Anybody && !bill.touched.is_empty();
    let before: u32 = difference.shards.iter().map(|shard| shard.before).sum();
    bill.work_full = rates.full_work.map(|seconds| seconds * f64::from(left) / f64::from(before.max(1)));
    bill.warnings = warnings(&bill, difference, procedure, moves);
    bill
}

const ANYBODY: &str =
    "The partition is made again ({}): every shard whose members change is trained again, in the worst case all.";

fn warnings(bill: &Plan, difference: &Difference, procedure: &Procedure, moves: Moves) -> Vec<Warning> {
    let total: u32 = difference.shards.iter().map(|shard| shard.before).sum();
    let mut list = Vec::new();
    let mut warn = |code: &str, confirm: bool, message: String| {
        list.push(Warning { code: code.to_owned(), message, confirm });
    };
    if bill.everything {
        warn("everybody", true, format!("Everybody would be forgotten: no row is left of {total} to train on."));
    }
    if difference.items > 0 && bill.items_gone == difference.items && difference.items_new == 0 {
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
    let tests = difference.test;
    if tests > 0 && bill.test_rows == tests {
        let message =
            format!("None of {} would be left: accuracy could no longer be measured.", plural(tests, "test row"));
        warn("empties_test", true, message);
    }
    if bill.rows + bill.added > 0 && bill.touched.is_empty() {
        warn(
            "test_only",
            false,
            "Only test rows change: no sub-model has seen them, so none is trained again.".to_owned(),
        );
    }
    if !bill.touched.is_empty() && procedure.divides_again() {
        let message = match moves {
            Moves::Anybody if procedure.mode == Mode::Refit => ANYBODY.replace("{}", "as asked"),
            Moves::Anybody => ANYBODY.replace("{}", "because an anchor goes, comes, or loses or gains rows"),
            Moves::People(people) => format!(
                "The shard of {} is found again, from the anchors and the own rows: at most {} more to train again.",
                plural(people, "user"),
                plural(people.min(bill.untouched.len() as u32), "shard")
            ),
            Moves::Nobody => "The partition is made again, and nobody moves: the anchors are who they were.".to_owned(),
        };
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
    list
}

fn plural(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

impl Plan {
    /// Names that were looked for in vain, and added rows that were there already.
    pub(super) fn note_names(&mut self, found: &Resolved, overlap: Overlap) {
        self.unknown_users.clone_from(&found.unknown_users);
        self.unknown_items.clone_from(&found.unknown_items);
        self.unknown_interactions.clone_from(&found.unknown_interactions);
        (self.known, self.replaced) = (overlap.known, overlap.replaced);
        let mut warn = |code: &str, message: String| {
            self.warnings.push(Warning { code: code.to_owned(), message, confirm: false });
        };
        let unknown = found.unknown_users.len() + found.unknown_items.len() + found.unknown_interactions.len();
        if unknown > 0 {
            let verb = if unknown == 1 { "does" } else { "do" };
            warn("unknown", format!("{} {verb} not occur in the data.", plural(unknown as u32, "name")));
        }
        if overlap.known > 0 {
            let rows = plural(overlap.known, "added row");
            warn("known", format!("{rows} with the same value there already: nothing of it changes."));
        }
        if overlap.replaced > 0 {
            let rows = plural(overlap.replaced, "added row");
            let verb = if overlap.replaced == 1 { "contradicts" } else { "contradict" };
            warn("replaced", format!("{rows} {verb} one of the same user and item: the last one counts."));
        }
    }

    /// Rows that go or come beyond those that are named: the filter counts again, and leave-last-out holds out another row. And
    /// named ones, `filtered`, that the filter leaves out anyway.
    pub(super) fn note_filter(&mut self, named: u32, filtered: u32, difference: &Difference) {
        self.filtered = filtered;
        if filtered > 0 {
            let rows = plural(filtered, "named row");
            let message =
                format!("{rows} left out by the filter: no sub-model sees such a row, and what was read changes.");
            self.warnings.push(Warning { code: "filtered".to_owned(), message, confirm: false });
        }
        self.followed = (difference.rows_gone + difference.rows_new).saturating_sub(named + self.replaced);
        if self.followed > 0 {
            let rows = plural(self.followed, "row");
            let message = format!(
                "{rows} beyond those named leave, come or change their part, because k-core counts again or another row of \
                 the same person is held out: the rows are then those of a file that never held what goes."
            );
            self.warnings.push(Warning { code: "followed".to_owned(), message, confirm: false });
        }
    }

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
        if request.is_empty() && self.added + self.known == 0 {
            return Err(RequestError::Empty);
        }
        let nothing = self.rows + self.added + self.filtered == 0;
        if nothing && request.is_empty() {
            return Err(RequestError::Known { rows: self.known });
        }
        if nothing {
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
