use proptest::prelude::*;

use super::*;
use crate::interactions::{Fate, Triple};
use crate::unlearn::evidence::{Evidence, Scope};
use crate::unlearn::receipt::{Change, Division, Order, PartitionRecord, Protocol, Receipt};
use crate::unlearn::{Layout, Mode, NO_SHARD, Places, Reach, Request, expected_taints};

/// A carried-out request on small data, with weights that are digests of the shard's rows: all a sub-model may be.
pub struct Forgetting {
    pub before: Interactions,
    pub request: Request,
    pub receipt: Receipt,
}

const SHARDS: u32 = 3;

fn data() -> Interactions {
    let row = |number: u32| Triple {
        user: format!("user {}", number % 17),
        item: format!("item {}", number * 7 % 23),
        value: (number % 5) as f32,
        time: i64::from(number),
        fate: if number.is_multiple_of(6) { Fate::Test } else { Fate::Train },
    };
    Interactions::new((0..200).map(row).collect())
}

fn shards_of(data: &Interactions) -> Vec<u16> {
    let shard = |row: &crate::interactions::Row| {
        let user: u16 = data.users().get(row.user)[5..].parse().unwrap();
        if row.fate == Fate::Test { NO_SHARD } else { user % SHARDS as u16 }
    };
    data.rows().iter().map(shard).collect()
}

/// Stands in for training: a digest of each shard's rows.
fn train(data: &Interactions, shard_of_row: &[u16]) -> Vec<RecomputedShard> {
    let one = |shard: u32| {
        let mut hasher = crate::numerics::digest::Hasher::new("weights");
        let mut rows = 0;
        for (row, _) in data.rows().iter().zip(shard_of_row).filter(|(_, of)| u32::from(**of) == shard) {
            hasher.str(data.users().get(row.user)).str(data.items().get(row.item)).f32(row.value);
            rows += 1;
        }
        let weights = (rows > 0).then(|| hasher.finish());
        RecomputedShard { weights, epochs: 5, stop: weights.map(|_| StopReason::Converged) }
    };
    (0..SHARDS).map(one).collect()
}

fn config() -> Value {
    serde_json::from_str(r#"{"seed": 7, "model": {"name": "wmf", "alpha": 0.6}, "shards": 3}"#).unwrap()
}

fn partition(places: &Places) -> Digest {
    let bytes: Vec<u8> = places.shard_of.iter().flat_map(|shard| shard.to_le_bytes()).collect();
    Digest::of(&bytes)
}

fn issue(before: &Interactions, salt: &Salt, request: &Request, previous: Option<&Receipt>) -> Receipt {
    let found = request.resolve(before);
    let after = found.remaining(before);
    let (of_before, of_after) = (shards_of(before), shards_of(&after));
    let layout_before = Layout { shards: SHARDS, shard_of_row: &of_before };
    let layout_after = Layout { shards: SHARDS, shard_of_row: &of_after };
    let evidence = Evidence {
        request,
        found: &found,
        before,
        layout_before,
        after: &after,
        layout_after,
        salt,
        scope: Scope::Touched,
        known: previous.map(|previous| &previous.data.after),
    };
    let (forgotten, record) = evidence.record().unwrap();
    let (was, is) = (train(before, &of_before), train(&after, &of_after));
    let shard = |shard: usize| ShardRecord {
        shard: shard as u32,
        touched: record.before.shards[shard] != record.after.shards[shard],
        rows_before: record.before.shards[shard].by_user.rows,
        rows_after: record.after.shards[shard].by_user.rows,
        weights: Change { before: was[shard].weights, after: is[shard].weights },
        epochs: is[shard].epochs,
        stop: is[shard].stop,
    };
    let places = |data: &Interactions, layout| Places::of(data, &layout).unwrap();
    let division = |data: &Interactions, layout| {
        let places = places(data, layout);
        Division { digest: partition(&places), places }
    };
    let combiner = |shards: &[RecomputedShard]| shards.iter().find_map(|shard| shard.weights);
    let measured = Interval { mean: 0.4375, low: 0.4, high: 0.1 + 0.2 };
    Receipt {
        format: String::new(),
        version: 0,
        code: crate::unlearn::receipt::code_version(),
        number: previous.map_or(1, |previous| previous.number + 1),
        previous: previous.map(|previous| previous.digest),
        seed: 7,
        config: config(),
        protocol: Protocol { order: Order::OneByOne, mode: Mode::Frozen, slices: 0 },
        request: forgotten,
        shards: (0..SHARDS as usize).map(shard).collect(),
        data: record,
        partition: PartitionRecord {
            method: "obc".into(),
            before: division(before, layout_before),
            after: division(&after, layout_after),
        },
        combiner: Change { before: combiner(&was), after: combiner(&is) },
        metrics: [("unlearned".to_owned(), [("ndcg@20".to_owned(), measured)].into())].into(),
        seconds: [("unlearn".to_owned(), 0.125)].into(),
        taints: expected_taints(&crate::unlearn::Procedure {
            mode: Mode::Frozen,
            partition: Reach::Everybody,
            follows: false,
        }),
        digest: Digest::default(),
    }
    .seal()
    .unwrap()
}

fn a_request() -> Request {
    Request {
        users: vec!["user 3".into(), "nobody".into()],
        items: vec!["item 5".into()],
        interactions: vec![("user 4".into(), "item 13".into()), ("user 4".into(), "item 0".into())],
        confirmed: true,
    }
}

pub fn forgetting() -> Forgetting {
    let (before, request) = (data(), a_request());
    let receipt = issue(&before, &Salt::derive(&before, 7), &request, None);
    assert!(!receipt.request.interactions.is_empty());
    Forgetting { before, request, receipt }
}

fn recompute(receipt: &Receipt, opened: &OpenedReceipt) -> Recomputed {
    Recomputed {
        config: receipt.config.clone(),
        seed: receipt.seed,
        partition: partition(&receipt.partition.after.places),
        shards: train(&opened.rows, &opened.shard_of_row),
        combiner: train(&opened.rows, &opened.shard_of_row).iter().find_map(|shard| shard.weights),
        metrics: receipt.metrics.clone(),
    }
}

/// Everything a holder of receipt and rows does, in order. The place of the first failure, or `None`.
fn verify(text: &str, data: &Interactions) -> Option<String> {
    let receipt = match Receipt::parse(text) {
        Ok(receipt) => receipt,
        Err(error) => return Some(error.code().to_owned()),
    };
    let opened = match receipt.open(data) {
        Ok(opened) => opened,
        Err(error) => return Some(error.code().to_owned()),
    };
    let verdict =
        check_alone(&receipt).and(check_rows(&receipt, &opened)).and(compare(&receipt, &recompute(&receipt, &opened)));
    assert_eq!(verdict.ok, verdict.failures().next().is_none());
    verdict.failures().next().map(|check| format!("{}: {}", check.place, check.name))
}

#[test]
fn a_true_receipt_holds_from_the_rows_before_and_from_the_rows_after() {
    let Forgetting { before, request, receipt } = forgetting();
    let after = request.resolve(&before).remaining(&before);
    let sides = [&before, &after].map(|data| receipt.open(data).unwrap().side);
    assert_eq!(sides, [Side::Before, Side::After]);
    for data in [&before, &after] {
        assert_eq!(receipt.open(data).unwrap().rows, after);
        assert_eq!(verify(&receipt.to_json(), data), None);
    }
}

#[test]
fn one_changed_row_is_refused_with_the_numbers_that_were_expected() {
    let Forgetting { before, receipt, .. } = forgetting();
    for at in 0..before.rows().len() {
        let row = before.rows()[at];
        let missing = before.without(|probe| *probe == row);
        assert_eq!(verify(&receipt.to_json(), &missing), Some("verify.rows".into()));
        let mut rows = before.rows().to_vec();
        rows[at].value += 1.0;
        let changed = Interactions::from_rows(before.users().clone(), before.items().clone(), rows);
        let error = receipt.open(&changed).unwrap_err();
        assert_eq!(error.code(), "verify.rows");
        assert!(error.to_string().contains(&format!("these {} rows", changed.rows().len())), "{error}");
    }
}

#[test]
fn a_chain_holds_and_opens_from_the_very_first_rows() {
    let rows = data();
    let salt = Salt::derive(&rows, 7);
    let requests = [Request::of_users(["user 1"]), a_request(), Request::of_users(["user 9", "user 10"])];
    let (mut receipts, mut now): (Vec<Receipt>, _) = (Vec::new(), rows.clone());
    for request in &requests {
        receipts.push(issue(&now, &salt, request, receipts.last()));
        now = request.resolve(&now).remaining(&now);
        let verdict = check_chain(&receipts);
        assert!(verdict.ok, "{:?}", verdict.failures().collect::<Vec<_>>());
    }
    for data in [&rows, &now] {
        let opened = open_chain(&receipts, data).unwrap().unwrap();
        assert_eq!(opened.rows, now);
    }
    // The last receipt alone cannot be opened with the first rows, and says that earlier ones are needed.
    let error = receipts[2].open(&rows).unwrap_err().to_string();
    assert!(error.contains("earlier receipts are needed"), "{error}");
    // A missing, repeated or exchanged link.
    for broken in [
        vec![receipts[0].clone(), receipts[2].clone()],
        vec![receipts[1].clone(), receipts[0].clone(), receipts[2].clone()],
        vec![receipts[0].clone(), receipts[0].clone()],
        vec![receipts[1].clone()],
    ] {
        assert!(!check_chain(&broken).ok);
    }
    assert!(open_chain(&[], &rows).is_none());
}

/// A change to one field of a receipt, sealed again by someone who can compute digests, and where it must be noticed.
type Forgery = (&'static str, fn(&mut Receipt), &'static str);

const FORGERIES: &[Forgery] = &[
    ("seed", |r| r.seed = 8, "configuration: seed"),
    ("another number of rows", |r| r.request.rows += 1, "verify.request"),
    ("a user less", |r| r.request.users.clear(), "verify.request"),
    ("a salt check", |r| r.data.seals.check.0[0] ^= 1, "verify.rows"),
    ("a root after", |r| r.data.after.shards[0].by_user.digest.0[9] ^= 1, "data: proofs of absence"),
    ("a root before", |r| r.data.before.shards[2].by_user.digest.0[9] ^= 1, "shard 2: rows before"),
    ("a proof", |r| r.data.absent[0].by_user.as_mut().unwrap().leaves[0].key.0[31] ^= 1, "data: proofs of absence"),
    ("no proof", |r| drop(r.data.absent.pop()), "data: proofs of absence"),
    ("weights after", |r| r.shards[1].weights.after = Some(Digest::of(b"x")), "shard 1: weights"),
    ("epochs", |r| r.shards[0].epochs += 1, "shard 0: epochs"),
    ("stop", |r| r.shards[0].stop = Some(StopReason::EpochCap), "shard 0: stop reason"),
    ("touched", |r| r.shards[0].touched ^= true, "shard 0: touched"),
    ("rows after", |r| r.shards[2].rows_after += 1, "shard 2: rows after"),
    ("rows before", |r| r.shards[2].rows_before += 1, "shard 2: rows before"),
    ("shard number", |r| r.shards[2].shard = 1, "shard 2: number"),
    ("a shard less", |r| r.shards.truncate(2), "sub-models: shards"),
    ("partition", |r| r.partition.after.digest.0[0] ^= 1, "partition: partition"),
    ("a user elsewhere", |r| r.partition.after.places.shard_of[0] ^= 1, "shard 0: rows after"),
    ("a user too much", |r| r.partition.after.places.shard_of.push(0), "verify.partition"),
    ("a shard beyond", |r| r.partition.after.places.shard_of[0] = 3, "verify.partition"),
    ("a user elsewhere before", |r| r.partition.before.places.shard_of[0] ^= 1, "shard 0: rows before"),
    ("combiner", |r| r.combiner.after = None, "combiner: combiner"),
];

#[test]
fn forgeries_that_are_sealed_again_are_found_by_training_again() {
    let Forgetting { before, receipt, .. } = forgetting();
    for (name, forge, place) in FORGERIES {
        let mut forged = receipt.clone();
        forge(&mut forged);
        assert!(Receipt::parse(&forged.to_json()).is_err(), "{name}: not sealed again");
        let forged = forged.seal().unwrap();
        let found = verify(&forged.to_json(), &before).unwrap_or("nothing".to_owned());
        // `recompute` here takes seed and settings from the receipt, so those show in weights only.
        assert_eq!(&found, place, "{name}");
    }
}

#[test]
fn settings_and_seed_are_compared_by_value() {
    let Forgetting { before, receipt, .. } = forgetting();
    let honest = recompute(&receipt, &receipt.open(&before).unwrap());
    assert!(compare(&receipt, &honest).ok);
    let places = |recomputed: &Recomputed| -> Vec<String> {
        compare(&receipt, recomputed).failures().map(|check| format!("{}: {}", check.place, check.name)).collect()
    };
    assert_eq!(places(&Recomputed { seed: 8, ..honest.clone() }), ["configuration: seed"]);
    let other: Value =
        serde_json::from_str(r#"{"seed": 7, "model": {"name": "wmf", "alpha": 0.7}, "shards": 3}"#).unwrap();
    assert_eq!(places(&Recomputed { config: other, ..honest.clone() }), ["configuration: settings"]);
    let same: Value =
        serde_json::from_str(r#"{"shards": 3.0, "model": {"alpha": 6e-1, "name": "wmf"}, "seed": 7}"#).unwrap();
    assert!(compare(&receipt, &Recomputed { config: same, ..honest.clone() }).ok);
    let mut measured = honest.clone();
    measured.metrics.get_mut("unlearned").unwrap().get_mut("ndcg@20").unwrap().low += 1e-12;
    assert_eq!(places(&measured), ["figures, unlearned: ndcg@20"]);
}

#[test]
fn the_side_before_is_compared_place_by_place() {
    let Forgetting { before, receipt, .. } = forgetting();
    let shards = train(&before, &shards_of(&before));
    let layout_rows = shards_of(&before);
    let places = Places::of(&before, &Layout { shards: SHARDS, shard_of_row: &layout_rows }).unwrap();
    let honest = Recomputed {
        config: config(),
        seed: 7,
        partition: partition(&places),
        combiner: shards.iter().find_map(|shard| shard.weights),
        shards,
        metrics: BTreeMap::new(),
    };
    assert!(compare_before(&receipt, &honest).ok);
    let mut wrong = honest.clone();
    wrong.shards[2].weights = None;
    wrong.partition.0[0] ^= 1;
    let places: Vec<String> = compare_before(&receipt, &wrong).failures().map(|check| check.place.clone()).collect();
    assert_eq!(places, ["partition", "shard 2"]);
}

proptest! {
    #[test]
    fn any_request_gives_a_receipt_that_holds(
        users in proptest::collection::vec(0..20u32, 0..4), items in proptest::collection::vec(0..25u32, 0..3),
    ) {
        let before = data();
        let request = Request {
            users: users.iter().map(|user| format!("user {user}")).collect(),
            items: items.iter().map(|item| format!("item {item}")).collect(),
            ..Request::default()
        };
        let receipt = issue(&before, &Salt::derive(&before, 1), &request, None);
        prop_assert_eq!(verify(&receipt.to_json(), &before), None);
    }
}
