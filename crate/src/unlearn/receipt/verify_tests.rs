use proptest::prelude::*;

use super::super::json::Value;
use super::super::testing::*;
use super::super::*;
use super::*;
use crate::interactions::{Fate, Triple};
use crate::unlearn::{Mode, Request};

const NONE: [String; 0] = [];

fn triples(data: &Interactions) -> Vec<Triple> {
    let triple = |row: &crate::interactions::Row| Triple {
        user: data.users().get(row.user).to_owned(),
        item: data.items().get(row.item).to_owned(),
        value: row.value,
        time: row.time,
        fate: row.fate,
    };
    data.rows().iter().map(triple).collect()
}

#[test]
fn a_true_receipt_holds_from_the_rows_before_and_from_the_rows_after() {
    for method in ["obc", "hash", "rows"] {
        let (receipt, before, after) = one(method);
        assert!(!receipt.change.gone.interactions.is_empty() && !receipt.change.gone.items.is_empty());
        for rows in [&[&before][..], &[&after], &[&after, &before]] {
            assert_eq!(failures(std::slice::from_ref(&receipt), rows), NONE, "{method}");
        }
    }
}

#[test]
fn what_one_side_cannot_show_is_said() {
    let (receipt, before, after) = one("obc");
    let receipts = [receipt];
    let unchecked = |rows: &Interactions| -> Vec<String> {
        let verdict = verify(&receipts, &[rows], rules, |todo| Ok(again(todo))).unwrap();
        verdict.unchecked.into_iter().map(|one| one.what).collect()
    };
    let (from_before, from_after) = (unchecked(&before), unchecked(&after));
    for what in
        ["code", "metrics.original", "protocol.mode", "reading", "request", "seconds", "settings", "later receipts"]
    {
        assert!(from_before.iter().any(|found| found == what), "{what}: {from_before:?}");
    }
    assert_eq!(from_before.len(), 8);
    for what in ["sub-models before", "roots before", "partition before", "seal before", "change"] {
        assert!(from_after.iter().any(|found| found == what), "{what}: {from_after:?}");
    }
}

#[test]
fn one_changed_row_is_refused_with_the_numbers_that_were_expected_and_what_still_holds() {
    let (receipt, before, _) = one("obc");
    for at in 0..before.rows().len() {
        let row = before.rows()[at];
        let mut changed = triples(&before);
        match at % 4 {
            0 => drop(changed.remove(at)),
            1 => changed[at].value += 1.0,
            2 => changed[at].time += 1,
            _ => changed[at].fate = if row.fate == Fate::Train { Fate::Validation } else { Fate::Train },
        }
        let changed = Interactions::new(changed);
        let error = verify(std::slice::from_ref(&receipt), &[&changed], rules, |todo| Ok(again(todo))).unwrap_err();
        assert_eq!(error.code(), "verify.rows");
        let text = error.to_string();
        assert!(text.contains(&format!("these {} rows", changed.rows().len())), "{text}");
        assert!(text.contains("What needs no rows holds: digest, proofs of absence and chain"), "{text}");
    }
}

fn three_days(method: &str) -> (Vec<Receipt>, Vec<Interactions>) {
    let mut world = World::new(data(), method);
    let mut days = vec![world.rows.clone()];
    for (request, mode) in [
        (Request::of_users(["user 1"]), Mode::Frozen),
        (a_request(), Mode::Refit),
        (Request::of_users(["user 9", "user 10"]), Mode::Frozen),
    ] {
        world.forget(&request, mode);
        days.push(world.rows.clone());
    }
    (world.receipts, days)
}

#[test]
fn a_chain_holds_from_its_first_rows_and_each_receipt_by_itself_from_those_of_its_day() {
    for method in ["obc", "hash", "rows"] {
        let (receipts, days) = three_days(method);
        assert_eq!(failures(&receipts, &[&days[0]]), NONE, "{method}");
        assert_eq!(failures(&receipts, &[&days[3]]), NONE, "{method}, last rows");
        for day in 0..3 {
            for rows in [&days[day], &days[day + 1]] {
                assert_eq!(failures(&receipts[day..=day], &[rows]), NONE, "{method}, receipt {}", day + 1);
            }
        }
        // The last receipt alone cannot be opened with the first rows.
        assert_eq!(failures(&receipts[2..], &[&days[0]]), ["verify.rows"]);
        // A day later there are four sets of rows, not six.
        assert_eq!(Verification::open(&receipts, &[&days[0]], rules).unwrap().todo().len(), 4);
    }
    assert_eq!(failures(&[], &[&data()]), ["verify.nothing"]);
}

#[test]
fn omission_reordering_replay_and_truncation_are_told_apart() {
    let (receipts, days) = three_days("obc");
    let [one, two, three] = [0, 1, 2].map(|at| receipts[at].clone());
    let found = |receipts: &[Receipt], rows: &Interactions| failures(receipts, &[rows]).join(", ");
    let omitted = found(&[one.clone(), three.clone()], &days[3]);
    assert!(omitted.contains("receipt 3: number") && omitted.contains("receipt 3: previous receipt"), "{omitted}");
    let reordered = found(&[two.clone(), one.clone(), three.clone()], &days[3]);
    assert!(reordered.contains("receipt 1: previous receipt"), "{reordered}");
    let replayed = found(&[one.clone(), one.clone()], &days[0]);
    assert!(replayed.contains("receipt 1: number"), "{replayed}");
    // What a chain cannot show by itself, and what a head kept elsewhere shows.
    assert_eq!(found(&[one.clone(), two.clone()], &days[0]), "");
    assert!(!check_head(&[one.clone(), two.clone()], &three.digest).ok && check_head(&receipts, &three.digest).ok);
    // A receipt of another chain with the right number and previous digest.
    let mut foreign = three_days("hash").0[1].clone();
    foreign.previous = Some(one.digest);
    let spliced = found(&[one, foreign.reseal()], &days[0]);
    assert!(spliced == "verify.rows" || spliced.contains("receipt 2, shard 0: sub-model"), "{spliced}");
}

#[test]
fn rows_that_come_in_the_same_change_are_in_the_same_receipt() {
    for method in ["obc", "hash", "rows"] {
        let mut world = World::new(data(), method);
        let before = world.rows.clone();
        let mut after = triples(&before);
        after.retain(|row| row.user != "user 3");
        let row = |user: &str, item: &str| Triple { user: user.into(), item: item.into(), ..after[1].clone() };
        let new = [row("user 99", "item 1"), row("user 99", "item new"), row("user 4", "item newer")];
        after.extend(new);
        // One row that goes and comes back with another rating.
        let at = after.iter().position(|row| row.fate == Fate::Train).unwrap();
        after[at].value += 1.0;
        let after = Interactions::new(after);
        let receipt = world.change(after.clone(), &Request::of_users(["user 3"]), Mode::Frozen).clone();
        assert_eq!((receipt.change.gone.users.len(), receipt.change.gone.interactions.len()), (1, 1));
        let came = &receipt.change.came;
        assert_eq!((came.users.len(), came.items.len(), came.interactions.len(), came.rows), (1, 1, 1, 4));
        let receipts = [receipt];
        assert_eq!(failures(&receipts, &[&before, &after]), NONE, "{method}");
        assert_eq!(failures(&receipts, &[&after]), NONE, "{method}");
        assert_eq!(failures(&receipts, &[&before]), NONE, "{method}");
        // Only what came: the rows after are enough for all of it.
        let mut world = World::new(world.rows, method);
        let before = world.rows.clone();
        let mut more = triples(&before);
        more.push(Triple { user: "user 50".into(), ..more[2].clone() });
        let more = Interactions::new(more);
        let receipt = world.change(more.clone(), &Request::default(), Mode::Frozen).clone();
        let verdict = verify(&[receipt], &[&more], rules, |todo| Ok(again(todo))).unwrap();
        assert!(verdict.ok && !verdict.unchecked.iter().any(|one| one.what == "change"), "{verdict:?}");
    }
}

/// Every leaf of a JSON document: its path.
fn leaves(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| leaves(value, format!("{path}/{name}"), found));
        }
        serde_json::Value::Array(values) if !values.is_empty() => {
            values.iter().enumerate().for_each(|(at, value)| leaves(value, format!("{path}/{at}"), found));
        }
        _ => found.push(path),
    }
}

/// Other values for a leaf, of its own kind and of others.
fn others(value: &serde_json::Value) -> Vec<serde_json::Value> {
    use serde_json::json;
    let mut others = match value {
        serde_json::Value::Null => vec![json!(0), json!("x"), json!("0".repeat(64)), json!(false)],
        serde_json::Value::Bool(value) => vec![json!(!value), json!(null)],
        serde_json::Value::Number(number) => {
            let number = number.as_f64().unwrap();
            vec![
                json!(number + 1.0),
                json!(number * 2.0 + 0.25),
                json!((number + 1.0) as i64),
                json!((number - 1.0).abs() as i64),
            ]
        }
        serde_json::Value::String(text) if text.len() == 64 => {
            let flipped = if text.starts_with('0') { "1" } else { "0" };
            vec![json!(format!("{flipped}{}", &text[1..])), json!("f".repeat(64)), json!(null), json!("x")]
        }
        serde_json::Value::String(text) => vec![json!(format!("{text}x")), json!("hash"), json!("refit"), json!("")],
        serde_json::Value::Array(_) => vec![json!([0]), json!(["0".repeat(64)]), json!(null)],
        serde_json::Value::Object(_) => vec![json!({"x": 1}), json!(null)],
    };
    others.retain(|other| other != value && other.as_f64().zip(value.as_f64()).is_none_or(|(one, two)| one != two));
    others
}

/// Is a path under one of the members that the receipt itself lists as stated?
pub fn is_stated(stated: &[String], path: &str) -> bool {
    let path = path.trim_start_matches('/').replace('/', ".");
    stated.iter().any(|member| path == *member || path.starts_with(&format!("{member}.")))
}

#[test]
fn every_field_changed_and_sealed_again_is_refused_or_stated() {
    let (mut tried, mut refused, mut stated) = (0, 0, 0);
    for method in ["obc", "rows"] {
        let (receipts, days) = three_days(method);
        for (at, receipt) in receipts.iter().enumerate() {
            let document: serde_json::Value = serde_json::from_str(&receipt.to_json()).unwrap();
            let mut paths = Vec::new();
            leaves(&document, String::new(), &mut paths);
            for (number, path) in paths.iter().enumerate() {
                // Long lists: every seventh of their leaves in turn.
                if path.matches('/').count() > 3 && number % 7 != at {
                    continue;
                }
                for other in others(document.pointer(path).unwrap()) {
                    let mut forged = document.clone();
                    *forged.pointer_mut(path).unwrap() = other.clone();
                    tried += 1;
                    let read = |receipt: Receipt| Receipt::parse(&receipt.to_json());
                    let forged = serde_json::from_value::<Receipt>(forged);
                    let Ok(forged) = forged.map_err(|_| ()).and_then(|forged| read(forged.reseal()).map_err(|_| ()))
                    else {
                        refused += 1;
                        continue;
                    };
                    if path == "/digest" || path == "/signature" {
                        // Sealing again puts the digest right; signatures have tests of their own.
                        assert_eq!(&forged, receipt);
                        refused += 1;
                        continue;
                    }
                    // Somebody without the rows can set the digest right and nothing else: found out, whatever it was.
                    let mut chain = receipts.clone();
                    chain[at] = forged.clone().reseal();
                    assert!(!failures(&chain, &[&days[0]]).is_empty(), "{method}, {path}: {other}");
                    // Somebody with the rows also has the salt.
                    let salt = World::new(data(), method).secret.salt(receipt.number);
                    let forged = Receipt { bound: forged.own_bound(&salt), ..forged }.reseal();
                    if path == "/bound" {
                        refused += 1;
                        continue;
                    }
                    chain[at] = forged;
                    // Whoever writes one receipt writes those that follow it as well.
                    for later in at + 1..3 {
                        let previous = Some(chain[later - 1].digest);
                        let salt = World::new(data(), method).secret.salt(chain[later].number);
                        let next = Receipt { previous, ..chain[later].clone() };
                        chain[later] = Receipt { bound: next.own_bound(&salt), ..next }.reseal();
                    }
                    let found = failures(&chain, &[&days[0]]);
                    if found.is_empty() {
                        assert!(
                            is_stated(&receipt.stated, path),
                            "{method}, receipt {}, {path}: {other} is accepted",
                            at + 1
                        );
                        stated += 1;
                    } else {
                        refused += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, refused + stated);
    assert!(refused > 1200 && stated > 100, "{tried} tried, {refused} refused, {stated} stated");
}

#[test]
fn an_obc_receipt_cannot_be_passed_off_as_hash_without_taints() {
    let (receipt, before, after) = one("obc");
    assert_eq!(receipt.taints.len(), 1);
    let salt = Secret::derive(&before, 7).salt(1);
    let mut forged = receipt.clone();
    forged.partition.method = "hash".into();
    forged.taints.clear();
    let small = Receipt { bound: forged.own_bound(&salt), ..forged.clone() }.reseal();
    forged.settings = settings("hash");
    let whole = Receipt { bound: forged.own_bound(&salt), ..forged }.reseal();
    for rows in [&before, &after] {
        assert!(failures(std::slice::from_ref(&small), &[rows]).contains(&"partition: method".to_owned()));
        assert!(failures(std::slice::from_ref(&whole), &[rows]).contains(&"partition: partition".to_owned()));
    }
}

#[test]
fn a_receipt_that_hides_a_forgotten_row_or_a_moved_user_is_refused() {
    // The issuer leaves one row of the forgotten user in, and proves what it can about that state.
    let mut world = World::new(data(), "obc");
    let before = world.rows.clone();
    let request = Request::of_users(["user 3"]);
    let mut left = triples(&request.resolve(&before).remaining(&before));
    left.push(triples(&before).into_iter().find(|row| row.user == "user 3" && row.fate == Fate::Train).unwrap());
    let receipt = world.change(Interactions::new(left), &request, Mode::Frozen).clone();
    let found = failures(&[receipt], &[&before, &world.rows]);
    assert_eq!(found, ["request: rows asked for and still there"]);
    // A partition said to be kept in which somebody moved.
    let mut world = World::new(data(), "obc");
    let mut receipt = world.forget(&Request::of_users(["user 3"]), Mode::Refit).clone();
    receipt.protocol = Protocol { mode: Mode::Frozen, divided_again: false, ..receipt.protocol };
    receipt.taints = one("obc").0.taints;
    let receipt = Receipt { bound: receipt.own_bound(&world.secret.salt(1)), ..receipt }.reseal();
    let found = failures(&[receipt], &[&before]);
    assert_eq!(found, ["partition: rows that moved"]);
}

#[test]
fn names_that_lead_to_no_row_are_refused_even_where_their_proof_holds() {
    let (mut world, before) = (World::new(data(), "obc"), data());
    let receipt = world.forget(&Request::of_users(["user 3"]), Mode::Frozen).clone();
    let salt = world.secret.salt(1);
    let mut holds = 0;
    for byte in 0..=255 {
        let mut forged = receipt.clone();
        forged.change.gone.users[0].0[1] ^= byte;
        forged.request.users.clone_from(&forged.change.gone.users);
        let forged = Receipt { bound: forged.own_bound(&salt), ..forged }.reseal();
        // Between the same two neighbours the same proof shows the absence of another name.
        holds += u32::from(check_alone(&forged).ok);
        assert_eq!(failures(&[forged], &[&before]).is_empty(), byte == 0, "{byte}");
    }
    assert!(holds > 1, "{holds}");
}

#[test]
fn settings_are_compared_by_value() {
    let (receipt, before, _) = one("obc");
    let same: Value = serde_json::from_str(
        r#"{"partition": {"shards": 3.0, "method": "obc"}, "model": {"alpha": 6e-1, "name": "wmf"}, "seed": 7}"#,
    )
    .unwrap();
    let rules = |question: &Question<'_>| Ok(Rules { settings: same.clone(), ..rules(question)? });
    assert!(verify(std::slice::from_ref(&receipt), &[&before], rules, |todo| Ok(again(todo))).unwrap().ok);
    let refuse = |_: &Question<'_>| Err("no such model".to_owned());
    let error = verify(&[receipt], &[&before], refuse, |todo| Ok(again(todo))).unwrap_err();
    assert_eq!(error.to_string(), "receipt 1: no such model");
}

proptest! {
    #[test]
    fn any_request_gives_a_receipt_that_holds(
        users in proptest::collection::vec(0..20u32, 0..4), items in proptest::collection::vec(0..25u32, 0..3),
        method in 0..3usize, refit in any::<bool>(),
    ) {
        let before = data();
        let request = Request {
            users: users.iter().map(|user| format!("user {user}")).collect(),
            items: items.iter().map(|item| format!("item {item}")).collect(),
            ..Request::default()
        };
        let mut world = World::new(before.clone(), ["obc", "hash", "rows"][method]);
        world.forget(&request, if refit { Mode::Refit } else { Mode::Frozen });
        prop_assert_eq!(failures(&world.receipts, &[&before]), NONE);
        prop_assert_eq!(failures(&world.receipts, &[&world.rows]), NONE);
    }
}
