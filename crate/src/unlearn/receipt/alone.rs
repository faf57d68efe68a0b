//! What receipts say about themselves and each other: no rows and no training needed.

use super::draft::order;
use super::record::Receipt;
use super::verdict::{Verdict, show};
use crate::numerics::digest::Digest;

/// The digest, the proofs of absence, and that the parts agree with each other.
pub fn check_alone(receipt: &Receipt) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.check("digest", "receipt", receipt.digest, receipt.own_digest());
    verdict.check("stated", "receipt", receipt.stated.join(", "), receipt.what_is_stated().join(", "));
    // A first receipt has none before it, and only a first one.
    verdict.check("first of its chain", "receipt", receipt.number <= 1, receipt.previous.is_none());
    verdict.check("number", "receipt", receipt.number, receipt.number.max(1));
    if let Some(seed) = receipt.settings.get("seed") {
        verdict.check("seed", "settings", receipt.seed, seed.to_json());
    }
    let (change, data) = (&receipt.change, &receipt.data);
    let listed = receipt.request.ordered() && change.gone.ordered() && change.came.ordered();
    verdict.check("ascending names", "change", true, listed);
    let protocol = &receipt.protocol;
    verdict.check("order", "protocol", word(&protocol.order), word(&order(&receipt.request)));
    let proofs = data.check(change).map_or_else(|error| error.to_string(), |()| "absent".to_owned());
    verdict.check("proofs of absence", "data", "absent", proofs);
    let (before, after) = (&data.before, &data.after);
    let expected = u64::from(before.rows()) + u64::from(change.came.rows);
    verdict.check("rows that went and came", "change", expected, u64::from(after.rows()) + u64::from(change.gone.rows));
    for (moment, rows, seal) in
        [("before", before.rows(), data.seals.before), ("after", after.rows(), data.seals.after)]
    {
        verdict.check("has a seal", &format!("rows {moment}"), rows > 0, seal.is_some());
    }
    verdict.check("shards", "sub-models", after.shards.len(), receipt.shards.len());
    for (number, (record, (was, is))) in receipt.shards.iter().zip(before.shards.iter().zip(&after.shards)).enumerate()
    {
        let place = format!("shard {number}");
        verdict.check("number", &place, number, record.shard);
        verdict.check("rows before", &place, was.by_user.rows, record.rows_before);
        verdict.check("rows after", &place, is.by_user.rows, record.rows_after);
        verdict.check("touched", &place, was != is, record.touched);
        if was == is {
            verdict.check("sub-model unchanged", &place, word(&record.before), word(&record.after));
        }
        verdict.check("has a sub-model", &place, record.rows_after > 0, record.after.is_some());
        verdict.check("had a sub-model", &place, record.rows_before > 0, record.before.is_some());
    }
    for what in &receipt.stated {
        verdict.leave(what.clone(), "stated: nothing in rows or settings says it again");
    }
    verdict
}

/// That receipts follow each other: numbers, digests, and each one's models after are the next one's before. That the rows
/// follow too is found when they are opened: no two receipts have one salt, so their roots cannot be compared.
pub fn check_chain(receipts: &[Receipt]) -> Verdict {
    let mut verdict = Verdict::default();
    for pair in receipts.windows(2) {
        let [before, receipt] = pair else { continue };
        let place = format!("receipt {}", receipt.number);
        verdict.check("number", &place, u64::from(before.number) + 1, receipt.number);
        verdict.check("previous receipt", &place, before.digest, show(receipt.previous));
        verdict.check("combiner", &place, show(before.combiner.after), show(receipt.combiner.before));
        verdict.check("rows", &place, before.data.after.rows(), receipt.data.before.rows());
        verdict.check("shards", &place, before.shards.len(), receipt.shards.len());
        for (old, new) in before.shards.iter().zip(&receipt.shards) {
            verdict.check("sub-model", &format!("{place}, shard {}", old.shard), word(&old.after), word(&new.before));
        }
    }
    match (receipts.first(), receipts.last()) {
        (Some(first), Some(last)) => {
            if first.number > 1 {
                verdict
                    .leave("receipts before the first given", "not given; its number and `previous` are its own word");
            }
            let why =
                format!("a chain cannot show its end: compare the head {} with the one kept elsewhere", last.digest);
            verdict.leave("later receipts", &why);
        }
        _ => verdict.leave("everything", "no receipt was given"),
    }
    verdict
}

/// That the last receipt is the one whose digest was kept: nothing was cut off the end.
pub fn check_head(receipts: &[Receipt], head: &Digest) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.check("head", "chain", head, show(receipts.last().map(|receipt| receipt.digest)));
    verdict
}

/// As JSON: everything that serialises has one spelling.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    super::json::Value::of(value).map_or_else(String::new, |value| value.to_json())
}
