//! The page that others write verifiers from, against the code: its example is recomputed from the page itself.

use super::json::Value;
use super::merkle::Tree;
use super::salt::{key, leaf, payload, rows_digest};
use super::*;
use crate::interactions::{Consent, Fate, Ids, Interactions, Row};
use crate::model::StopReason;
use crate::numerics::digest::{Digest, Hasher};
use crate::unlearn::{Mode, Reach, expected_taints};

const PAGE: &str = include_str!("../../../docs/receipt.md");

/// The code block with this name.
fn block(name: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n```{name}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// Rows as `ultrare verify --rows` writes them.
fn rows(name: &str) -> Interactions {
    let lines = block(name).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<(String, String, f32, i64, u8, u8)> = lines.collect();
    let users = Ids::new(lines.iter().map(|line| line.0.clone()).collect());
    let items = Ids::new(lines.iter().map(|line| line.1.clone()).collect());
    let row = |(user, item, value, time, fate, consent): &(String, String, f32, i64, u8, u8)| Row {
        user: users.find(user).unwrap(),
        item: items.find(item).unwrap(),
        value: *value,
        time: *time,
        fate: [Fate::Train, Fate::Validation, Fate::Test][usize::from(*fate)],
        consent: [Consent::Unsaid, Consent::No, Consent::Yes][usize::from(*consent)],
    };
    Interactions::from_rows(users.clone(), items.clone(), lines.iter().map(row).collect())
}

fn shards(data: &Interactions) -> Vec<u16> {
    let shard = |row: &Row| match data.users().get(row.user) {
        _ if row.fate == Fate::Test => NO_SHARD,
        "bob" => 1,
        _ => 0,
    };
    data.rows().iter().map(shard).collect()
}

/// As the page says: number, users and items of the shard, and its users' letters.
fn sub_models(data: &Interactions, of_row: &[u16]) -> Vec<Option<SubModel>> {
    let one = |shard: u16| {
        let inside = || data.rows().iter().zip(of_row).filter(move |(_, of)| **of == shard).map(|(row, _)| row);
        let mut users: Vec<u32> = inside().map(|row| row.user).collect();
        users.dedup();
        let mut items: Vec<u32> = inside().map(|row| row.item).collect();
        items.sort_unstable();
        items.dedup();
        let mut hasher = Hasher::new("ultrare sub-model 1");
        hasher.u32(shard.into()).u32(users.len() as u32).u32(items.len() as u32);
        let mut weights = String::new();
        for &user in &users {
            hasher.str(data.users().get(user));
            weights += data.users().get(user);
        }
        items.iter().for_each(|&item| {
            hasher.str(data.items().get(item));
        });
        Some(SubModel { weights: hasher.bytes(weights.as_bytes()).finish(), epochs: 1, stop: StopReason::Closed })
    };
    vec![one(0), one(1)]
}

/// Every value that the page shows, by name.
fn values() -> Vec<(&'static str, String)> {
    let (before, after) = (rows("rows-before"), rows("rows-after"));
    let secret = Secret::derive(&before, 7);
    let salt = secret.salt(1);
    let (of_before, of_after) = (shards(&before), shards(&after));
    let placed = |rows, shard_of_row| Placed { rows, shards: 2, shard_of_row };
    let (was, is) = (placed(&before, &of_before), placed(&after, &of_after));
    let seals = salt.seal(1, &before, &after);
    let first = leaf(key(&salt.user("ann"), &salt.item("x")), salt.blind(), &before.rows()[0]);
    let state = evidence::state(&was, &salt, false);
    let left = evidence::state(&is, &salt, false);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let digests: Vec<(&str, Digest)> = vec![
        ("rows before", rows_digest(&before)),
        ("rows after", rows_digest(&after)),
        ("check", seals.check),
        ("seal before", seals.before.unwrap()),
        ("seal after", seals.after.unwrap()),
        ("user ann", salt.user("ann")),
        ("user bob", salt.user("bob")),
        ("user eve", salt.user("eve")),
        ("item x", salt.item("x")),
        ("key of ann, x", first.key),
        ("content of ann, x", first.content),
        ("root of ann, x alone", Tree::new(vec![first]).root().digest),
        ("root of shard 0 before", state.shards[0].by_user.digest),
        ("root of shard 0 after", left.shards[0].by_user.digest),
        ("root of shard 1", left.shards[1].by_user.digest),
        ("root of the test rows", left.test.by_user.digest),
        ("partition before, over ids", was.digest()),
        ("partition before, blinded", salt.partition(&was.digest())),
        ("sub-model of shard 1", sub_models(&after, &of_after)[1].unwrap().weights),
        (
            "json of {\"a\":[1,0.5,null,true],\"b\":\"x\"} under d",
            json(r#"{"a":[1,0.5,null,true],"b":"x"}"#).digest("d"),
        ),
        ("digest", receipt().digest),
    ];
    let plain = [("payload of bob, z", hex(&payload(&before.rows()[3]))), ("blind", hex(&salt.blind()))];
    let digests = digests.into_iter().map(|(name, digest)| (name, digest.to_string()));
    digests.chain(plain).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn receipt() -> Receipt {
    let (before, after) = (rows("rows-before"), rows("rows-after"));
    let (of_before, of_after) = (shards(&before), shards(&after));
    let (was, is) = (sub_models(&before, &of_before), sub_models(&after, &of_after));
    let side = |rows, shard_of_row, sub_models| Side {
        placed: Placed { rows, shards: 2, shard_of_row },
        sub_models,
        combiner: None,
    };
    let users = ["eve".to_owned()];
    let names = Names { users: &users, ..Names::default() };
    let secret = Secret::derive(&before, 7);
    let draft =
        Draft::new(&side(&before, &of_before, &was), &side(&after, &of_after, &is), &names, &secret, None).unwrap();
    let facts = Facts {
        seed: 7,
        settings: json(r#"{"seed": 7, "partition": {"method": "obc", "shards": 2}}"#),
        reading: json(r#"{"k_core": 0}"#),
        method: "obc".into(),
        mode: Mode::Frozen,
        divided_again: false,
        slices: 0,
        taints: expected_taints(&crate::unlearn::Procedure {
            mode: Mode::Frozen,
            partition: Reach::Everybody,
            follows: false,
        }),
        metrics: Metrics::new(),
        seconds: [("unlearn".to_owned(), 0.25)].into(),
    };
    draft.finish(facts).unwrap()
}

#[test]
fn the_values_on_the_page_are_those_of_its_rows() {
    let expected: String = values().iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    assert_eq!(block("values"), expected.trim_end(), "\n{expected}");
}

#[test]
fn the_receipt_on_the_page_is_that_of_its_rows() {
    let shown = Receipt::parse(block("receipt"));
    assert!(
        shown.as_ref().is_ok_and(|shown| Receipt { signature: None, ..shown.clone() } == receipt()),
        "{:?}",
        shown.err()
    );
    assert!(check_alone(&receipt()).ok);
}

#[cfg(feature = "sign")]
#[test]
fn the_signature_on_the_page_is_that_of_its_key() {
    let signed = sign::Key::new([1; 32]).sign(receipt());
    assert_eq!(block("receipt"), signed.to_json().trim_end(), "\n{}", signed.to_json());
}
