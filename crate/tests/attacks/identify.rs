//! Whose receipt is it? What an attacker learns from a receipt alone, with a list of ids to try, and with the rows after.

use std::collections::BTreeSet;

use ultrare::Digest;
use ultrare::experiment::Experiment;
use ultrare::interactions::{Fate, Interactions};
use ultrare::numerics::random::{Purpose, keyed_fraction};
use ultrare::partition::Method;
use ultrare::unlearn::receipt::Secret;
use ultrare::unlearn::{Mode, NO_SHARD, Receipt, Request};

use crate::world::{ANCHORS, SEED, SHARDS, built, forget};

/// What one attack came to, over many receipts.
#[derive(Debug, Default)]
struct Learned {
    receipts: u32,
    /// How often the first guess was right.
    hits: u32,
    /// What guessing among all users would hit on average.
    chance: f64,
    /// Users that the receipt leaves possible, over users of the shard, in the worst case.
    fewest: f64,
}

/// Shards of a user's rows.
fn shards_of(experiment: &Experiment, user: &str) -> BTreeSet<u16> {
    let rows = experiment.rows().unwrap();
    let of_row = experiment.assignment().unwrap().shard_of_row.clone();
    let user = rows.users().find(user).unwrap();
    of_row[rows.range_of(user)].iter().copied().filter(|&shard| shard != NO_SHARD).collect()
}

/// Members of any of these shards.
fn members(experiment: &Experiment, shards: &BTreeSet<u16>) -> Vec<String> {
    let rows = experiment.rows().unwrap();
    let ids = rows.users().iter().map(str::to_owned);
    ids.filter(|user| !shards_of(experiment, user).is_disjoint(shards)).collect()
}

/// The first version's weakness: the rank of whoever left is the first place where two lists differ. Here against the lists
/// that the receipt has now.
fn by_rank(receipt: &Receipt, ids: &[String]) -> Option<String> {
    let (before, after) = (&receipt.partition.before.shard_of, &receipt.partition.after.shard_of);
    let at = before.iter().zip(after).position(|(was, is)| was != is).unwrap_or(after.len());
    // Lists of rows have more places than there are users: in proportion.
    ids.get(at * ids.len() / before.len().max(1)).cloned()
}

/// Hashing every id under every value that stands in the receipt, as if one were the salt.
fn by_hash(receipt: &Receipt, text: &str, ids: &[String]) -> Option<String> {
    let mut salts: Vec<[u8; 32]> = vec![[0; 32], receipt.digest.0];
    salts.extend(text.split('"').filter_map(Digest::parse).map(|digest| digest.0).take(40));
    let wanted = &receipt.change.gone.users;
    let made = |salt: &[u8; 32], id: &str| {
        let bytes =
            [&14u64.to_le_bytes()[..], b"ultrare user 2", salt, &(id.len() as u64).to_le_bytes(), id.as_bytes()]
                .concat();
        let plain = [salt, id.as_bytes()].concat();
        [Digest::of(&bytes), Digest::of(&plain), Digest::of(id.as_bytes())]
    };
    let tried = salts.iter().flat_map(|salt| ids.iter().map(move |id| (salt, id)));
    tried
        .into_iter()
        .find(|(salt, id)| made(salt, id).iter().any(|hash| wanted.contains(hash)))
        .map(|(_, id)| id.clone())
}

/// Where a shard follows from id and seed (`hash`), a list of ids and the settings give the partition with and without each:
/// does a digest in the receipt say which?
fn by_partition(receipt: &Receipt, text: &str, experiment: &Experiment, ids: &[String]) -> Option<String> {
    let rows = experiment.rows().unwrap();
    let of_row = experiment.assignment().unwrap().shard_of_row.clone();
    let digest = |without: Option<&str>| {
        let trains = |user: &&String| {
            let user = rows.users().find(user).unwrap();
            rows.rows_of(user).iter().any(|row| row.fate != Fate::Test)
        };
        let mut bytes = Vec::new();
        let domain = b"ultrare partition 1";
        bytes.extend((domain.len() as u64).to_le_bytes());
        bytes.extend(domain);
        bytes.extend(SHARDS.to_le_bytes());
        for id in ids.iter().filter(|id| Some(id.as_str()) != without).filter(trains) {
            let user = rows.users().find(id).unwrap();
            let shard = of_row[rows.range_of(user)].iter().find(|&&shard| shard != NO_SHARD).unwrap();
            bytes.extend((id.len() as u64).to_le_bytes());
            bytes.extend(id.as_bytes());
            bytes.extend([1u32, u32::from(*shard)].map(u32::to_le_bytes).concat());
        }
        Digest::of(&bytes)
    };
    // The digest is made as the receipt's is before it is blinded, or the attack would prove nothing.
    assert_eq!(digest(None), experiment.stages().unwrap().partition);
    let _ = receipt;
    ids.iter().find(|id| text.contains(&digest(Some(id)).to_string())).cloned()
}

/// As the anchored partition chooses: by id and seed.
fn is_anchor(id: &str) -> bool {
    keyed_fraction(SEED.into(), Purpose::Anchor, &[id.as_bytes()]) < f64::from(ANCHORS)
}

/// With the rows after the salt opens, and every id on the list can be tested.
fn with_rows(receipt: &Receipt, after: &Interactions, ids: &[String]) -> Vec<String> {
    let Some((salt, _)) = receipt.data.seals.open(receipt.number, after) else { return Vec::new() };
    ids.iter().filter(|id| receipt.change.gone.users.contains(&salt.user(id))).cloned().collect()
}

fn attack(method: Method, count: u32) -> [Learned; 3] {
    let mut learned = [(); 3].map(|()| Learned { fewest: f64::INFINITY, ..Learned::default() });
    let original = built(method, 60, 0, 5);
    let ids: Vec<String> = original.rows().unwrap().users().iter().map(str::to_owned).collect();
    for at in 0..count {
        // Every user in turn, and the same once more from another day, when others have gone.
        let mut experiment = original.clone();
        if at as usize >= ids.len() {
            let other = ids[(at as usize * 7 + at as usize / ids.len()) % ids.len()].clone();
            forget(&mut experiment, Request::of_users([other]), Mode::Frozen);
        }
        let there: Vec<String> = experiment.rows().unwrap().users().iter().map(str::to_owned).collect();
        let person = there[at as usize % there.len()].clone();
        let shards = shards_of(&experiment, &person);
        if shards.is_empty() {
            continue;
        }
        let before = experiment.clone();
        forget(&mut experiment, Request::of_users([person.clone()]), Mode::Frozen);
        let receipt = experiment.receipts().last().unwrap();
        let text = receipt.to_json();
        assert!(!text.contains(&format!("\"{person}\"")), "the id itself is in the receipt");
        let peers = members(&before, &shards);

        // Alone: nothing to compare with but places in lists. Whoever it was, everybody of the shard could have been.
        let guess = by_rank(receipt, &there);
        let candidates = there.len();
        note(&mut learned[0], guess.as_ref() == Some(&person), there.len(), candidates, peers.len());

        // A list of all ids: hashes, digests, and under `hash` whose shard it is.
        let guess = by_hash(receipt, &text, &there).or_else(|| match method {
            Method::Hash => by_partition(receipt, &text, &before, &there),
            _ => None,
        });
        let candidates = match method {
            _ if guess.is_some() => 1,
            Method::Hash => peers.len(),
            // Id and seed tell who the anchors are, and a receipt whether one of them went.
            Method::Anchored => there.iter().filter(|id| is_anchor(id) == receipt.protocol.divided_again).count(),
            _ => there.len(),
        };
        note(&mut learned[1], guess.is_some() && guess == Some(person.clone()), there.len(), candidates, peers.len());

        // The rows after: the ids on the list can be tested, and only those.
        let found = with_rows(receipt, experiment.rows().unwrap(), &there);
        assert_eq!(found, std::slice::from_ref(&person));
        let others: Vec<String> = there.iter().filter(|id| **id != person).cloned().collect();
        assert!(with_rows(receipt, experiment.rows().unwrap(), &others).is_empty());
        // An earlier receipt stays closed.
        if let [earlier, _] = &experiment.receipts()[..] {
            assert!(earlier.data.seals.open(earlier.number, experiment.rows().unwrap()).is_none());
            // Nor does the secret of a chain follow from the rows of a later day.
            let guessed = Secret::derive(experiment.rows().unwrap(), SEED.into()).salt(1);
            assert!(!earlier.change.gone.users.contains(&guessed.user(&ids[0])));
        }
        note(&mut learned[2], true, there.len(), 1, peers.len());
    }
    learned
}

fn note(learned: &mut Learned, hit: bool, all: usize, candidates: usize, shard: usize) {
    learned.receipts += 1;
    learned.hits += u32::from(hit);
    learned.chance += 1.0 / all as f64;
    learned.fewest = learned.fewest.min(candidates as f64 / shard as f64);
}

fn check(method: Method, count: u32) {
    let [alone, list, rows] = attack(method, count);
    for (name, learned) in [("alone", &alone), ("with a list of ids", &list), ("with the rows after", &rows)] {
        println!(
            "{method:?}, {name}: {} receipts, first guess right {} times (chance {:.1}), candidates at least {:.0}% of the shard",
            learned.receipts,
            learned.hits,
            learned.chance,
            learned.fewest * 100.0
        );
    }
    assert!(alone.receipts >= count * 9 / 10);
    for learned in [&alone, &list] {
        let most = learned.chance + 4.0 * learned.chance.sqrt() + 1.0;
        assert!(f64::from(learned.hits) <= most && learned.fewest >= 0.9, "{method:?}: {learned:?}");
    }
    assert_eq!(rows.hits, rows.receipts, "with the rows and a list it is found, as the page says");
}

#[test]
fn nobody_is_identified_from_a_receipt() {
    check(Method::Obc, 12);
    check(Method::Hash, 12);
}

#[test]
#[ignore = "long: a thousand requests"]
fn two_hundred_receipts_of_each_partition_identify_nobody() {
    for method in [Method::Obc, Method::Random, Method::Hash, Method::Ibp, Method::Anchored] {
        check(method, 200);
    }
}
