//! What a receipt says about rows against the rows themselves: seals, roots, names, proofs, who moved.

use super::alone::word;
use super::assignment::Assigned;
use super::change::{Exchange, Named};
use super::evidence::{Roots, State, state};
use super::open::{Opened, OpenedSide};
use super::record::MEASURED;
use super::record::Receipt;
use super::salt::{Moment, Salt};
use super::verdict::{Verdict, show};
use crate::interactions::Row;
use crate::pipeline::NO_SHARD;

/// All that needs rows and no training.
pub(super) fn check_rows(receipt: &Receipt, opened: &Opened) -> Verdict {
    let mut verdict = Verdict::default();
    let (number, data) = (receipt.number, &receipt.data);
    let Some(salt) = &opened.salt else {
        verdict.leave(format!("rows and models of receipt {number}"), "no rows were given that lead to it");
        return verdict;
    };
    verdict.check("bound to its salt", "receipt", receipt.bound, receipt.own_bound(salt));
    verdict.check("salt", "seals", data.seals.check, salt.check());
    let items = !receipt.change.gone.items.is_empty();
    for (moment, side, stated, seal) in [
        (Moment::Before, &opened.before, &data.before, data.seals.before),
        (Moment::After, &opened.after, &data.after, data.seals.after),
    ] {
        let Some(side) = side else {
            let why = format!("the rows {moment} the change of receipt {number} are not given");
            for what in ["seal", "roots", "partition", "sub-models", "combiner"] {
                verdict.leave(format!("{what} {moment}"), &why);
            }
            continue;
        };
        verdict.check(&format!("seal {moment}"), "seals", show(seal), show(salt.lock(number, moment, &side.rows)));
        let found = state(&side.placed(), salt, items);
        compare_states(&mut verdict, &format!("rows {moment}"), stated, &found);
        let assigned = if moment == Moment::Before { &receipt.partition.before } else { &receipt.partition.after };
        let digest = salt.partition(&side.placed().digest());
        verdict.check(&format!("partition's digest {moment}"), "partition", assigned.digest, digest);
        // The same list may be spelled by user and by row.
        verdict.check(
            &format!("list of shards {moment}"),
            "partition",
            word(&assigned),
            word(&Assigned::of(&side.placed(), salt)),
        );
        if !side.trains() {
            let combiner = if moment == Moment::Before { receipt.combiner.before } else { receipt.combiner.after };
            // Nothing to train on: there is no combiner and nothing to measure.
            verdict.check(&format!("combiner {moment}"), "combiner", show(combiner), "none");
            let measured =
                moment == Moment::After && receipt.metrics.get(MEASURED).is_some_and(|found| !found.is_empty());
            verdict.check(&format!("figures {moment}"), MEASURED, false, measured);
        }
    }
    check_names(&mut verdict, receipt, opened, salt);
    verdict
}

fn check_names(verdict: &mut Verdict, receipt: &Receipt, opened: &Opened, salt: &Salt) {
    let (Some(before), Some(after)) = (&opened.before, &opened.after) else {
        let (gone, came) = (&receipt.change.gone, &receipt.change.came);
        let lead = |side: &Option<OpenedSide>, out: &Named, other: &Named| {
            let rows = &side.as_ref().filter(|_| other.rows == 0)?.rows;
            Some((out.rows as usize, out.find(rows, salt).len()))
        };
        // Where one side follows from the other and did not, the names are wrong.
        match lead(&opened.before, gone, came).or_else(|| lead(&opened.after, came, gone)) {
            Some((stated, found)) => verdict.check("rows that the names lead to", "change", stated, found),
            None => verdict.leave("change", "only one of the two sets of rows is given"),
        }
        return;
    };
    let found = Exchange::between(&before.rows, &after.rows, salt);
    verdict.check("what went", "change", word(&receipt.change.gone), word(&found.gone));
    verdict.check("what came", "change", word(&receipt.change.came), word(&found.came));
    let unknown = receipt.request.unknown(&before.rows, salt);
    verdict.check("names that were there", "request", 0, unknown);
    let gone = super::change::missing_rows(&before.rows, &after.rows);
    let asked = receipt.request.find(&before.rows, salt);
    let left = asked.iter().filter(|row| gone.binary_search(row).is_err()).count();
    verdict.check("rows asked for and still there", "request", 0, left);
}

fn compare_states(verdict: &mut Verdict, name: &str, expected: &State, found: &State) {
    for (shard, (expected, found)) in expected.shards.iter().zip(&found.shards).enumerate() {
        roots(verdict, name, &format!("shard {shard}"), expected, found);
    }
    roots(verdict, name, "test rows", &expected.test, &found.test);
}

fn roots(verdict: &mut Verdict, name: &str, place: &str, expected: &Roots, found: &Roots) {
    verdict.check(name, place, expected.by_user.digest, found.by_user.digest);
    verdict.check(&format!("{name}, how many"), place, expected.by_user.rows, found.by_user.rows);
    let item = |roots: &Roots| show(roots.by_item.map(|root| root.digest));
    if expected.by_item.is_some() || found.by_item.is_some() {
        verdict.check(&format!("{name}, by item"), place, item(expected), item(found));
    }
}

/// Where a partition was kept, everybody who stays is where they were.
pub(super) fn check_moves(receipt: &Receipt, opened: &Opened) -> Verdict {
    let mut verdict = Verdict::default();
    if let (false, Some(before), Some(after)) = (receipt.protocol.divided_again, &opened.before, &opened.after) {
        verdict.check("rows that moved", "partition", 0, moved(before, after));
    }
    verdict
}

/// What one receipt says about the rows after it, and the next about the same rows before it.
pub(super) fn check_bridge(earlier: &Opened, later: &Opened) -> Verdict {
    let mut verdict = Verdict::default();
    if let (Some(after), Some(before)) = (&earlier.after, &later.before) {
        verdict.check("the rows of the receipt before", "chain", true, after.rows == before.rows);
        verdict.check("rows in other shards than before", "chain", 0, moved(after, before));
    }
    verdict
}

/// Rows of both sides that are in another shard on the second.
fn moved(before: &OpenedSide, after: &OpenedSide) -> usize {
    let (one, other) = (&before.rows, &after.rows);
    let user_at: Vec<Option<u32>> = one.users().iter().map(|id| other.users().find(id)).collect();
    let item_at: Vec<Option<u32>> = one.items().iter().map(|id| other.items().find(id)).collect();
    let shard_after = |row: &Row| {
        let (user, item) = (user_at[row.user as usize]?, item_at[row.item as usize]?);
        let at = other.rows_of(user).binary_search_by_key(&item, |row| row.item).ok()?;
        Some(after.shard_of_row[other.range_of(user).start + at])
    };
    let rows = one.rows().iter().zip(before.shard_of_row.iter());
    rows.filter(|(row, was)| shard_after(row).is_some_and(|is| is != **was && is != NO_SHARD && **was != NO_SHARD))
        .count()
}
