//! Hashes of ids that mean something only to whoever has the rows.
//!
//! A receipt names what went and what came by hashes under a salt of its own. The salt is not in the receipt: it is
//! *sealed* twice, under a pad made of all rows before and under one made of all rows after the change. Whoever has either
//! set of rows opens it and checks everything; the receipt alone shows no id.
//!
//! What this protects: someone who has the receipt only cannot test a guessed id, because the salt has the entropy of the
//! whole file. What it does not: whoever has the rows (the service itself, or anyone where the file is public) can hash
//! candidate ids and find out who was forgotten, as every checkable receipt must allow. Each receipt of a chain has another
//! salt, made from the chain's secret and the receipt's number, and each pad is of one receipt and side: whoever holds a
//! later day's rows learns nothing about earlier receipts. When next to nothing is left afterwards the second seal is as
//! weak as what is left is guessable; when nothing is left there is none.
//!
//! Byte for byte: `docs/receipt.md`.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::interactions::{Interactions, Row};
use crate::numerics::digest::{Digest, Hasher};

use super::merkle::{Leaf, Range};

/// What a chain's salts are made of. Keep it beside the rows, never in what is handed out.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret([u8; 32]);

/// Turns ids into hashes, for one receipt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

/// A salt locked with the rows before and the rows after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seals {
    /// The salt, locked with the rows before; `None` when there were none.
    pub before: Option<Digest>,
    /// The salt, locked with the rows after; `None` when no row is left.
    pub after: Option<Digest>,
    /// Tells that the right salt came out.
    pub check: Digest,
}

/// One of a change's two sets of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// With what was forgotten, without what was added.
    Before,
    /// Without what was forgotten, with what was added.
    After,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Moment::Before => "before",
            Moment::After => "after",
        })
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Secret {
    /// The secret of a chain: from the rows before its first change and the seed, so that the same experiment gives the
    /// same receipts anywhere.
    pub fn derive(data: &Interactions, seed: u64) -> Self {
        Secret(Hasher::new("ultrare secret 2").u64(seed).digest(&rows_digest(data)).finish().0)
    }

    /// The salt of the receipt with this number.
    pub fn salt(&self, number: u32) -> Salt {
        Salt(Hasher::new("ultrare salt 2").digest(&Digest(self.0)).u32(number).finish().0)
    }
}

impl Salt {
    fn hash(&self, domain: &str) -> Hasher {
        let mut hasher = Hasher::new(domain);
        hasher.digest(&Digest(self.0));
        hasher
    }

    /// A user's hash.
    pub fn user(&self, id: &str) -> Digest {
        self.hash("ultrare user 2").str(id).finish()
    }

    /// An item's hash.
    pub fn item(&self, id: &str) -> Digest {
        self.hash("ultrare item 2").str(id).finish()
    }

    /// Hides the ratings in leaves.
    pub(super) fn blind(&self) -> [u8; 8] {
        let mut blind = [0; 8];
        blind.copy_from_slice(&self.hash("ultrare blind 2").finish().0[..8]);
        blind
    }

    /// A partition's digest under the salt: the digest itself is over ids, so that who has a list of all of them could try
    /// each without one.
    pub fn partition(&self, digest: &Digest) -> Digest {
        self.hash("ultrare blinded partition 2").digest(digest).finish()
    }

    /// Binds a document to the salt: nobody without the rows can change a letter of it unnoticed.
    pub(super) fn bind(&self, content: &Digest) -> Digest {
        self.hash("ultrare bound 2").digest(content).finish()
    }

    /// Locks the salt of the receipt `number` with the rows before and after.
    pub fn seal(&self, number: u32, before: &Interactions, after: &Interactions) -> Seals {
        Seals {
            before: self.lock(number, Moment::Before, before),
            after: self.lock(number, Moment::After, after),
            check: self.check(),
        }
    }

    /// One of the two seals; `None` for no rows.
    pub(super) fn lock(&self, number: u32, moment: Moment, data: &Interactions) -> Option<Digest> {
        (!data.rows().is_empty()).then(|| Digest(xor(self.0, pad(number, moment, &rows_digest(data)))))
    }

    pub(super) fn check(&self) -> Digest {
        self.hash("ultrare check 2").finish()
    }
}

impl Seals {
    /// The salt, if `data` is one of the two sets of rows it was locked with. One pass over the rows.
    pub fn open(&self, number: u32, data: &Interactions) -> Option<(Salt, Moment)> {
        let rows = rows_digest(data);
        let try_one = |sealed: Option<Digest>, moment| {
            Some((Salt(xor(sealed?.0, pad(number, moment, &rows))), moment)).filter(|(s, _)| s.check() == self.check)
        };
        try_one(self.before, Moment::Before).or_else(|| try_one(self.after, Moment::After))
    }
}

fn xor(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

/// One for each receipt and side: rows after one change are the rows before the next, and a pad used twice would tell who
/// has one salt the other.
fn pad(number: u32, moment: Moment, rows: &Digest) -> [u8; 32] {
    Hasher::new("ultrare pad 2").digest(rows).u32(number).u32(moment as u32).finish().0
}

/// All rows with their ids, unsalted. Never part of a receipt: it would let rows be guessed.
pub(super) fn rows_digest(data: &Interactions) -> Digest {
    let mut hasher = Sha256::new();
    let text = |hasher: &mut Sha256, text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    text(&mut hasher, "ultrare rows 2");
    for ids in [data.users(), data.items()] {
        hasher.update((ids.len() as u64).to_le_bytes());
        ids.iter().for_each(|id| text(&mut hasher, id));
    }
    hasher.update((data.rows().len() as u64).to_le_bytes());
    // Rows have one length, so they need none between them; small pieces would take longer than the hash itself.
    let mut piece = Vec::with_capacity(4096 * (8 + PAYLOAD));
    for rows in data.rows().chunks(4096) {
        piece.clear();
        for row in rows {
            piece.extend_from_slice(&row.user.to_le_bytes());
            piece.extend_from_slice(&row.item.to_le_bytes());
            piece.extend_from_slice(&payload(row));
        }
        hasher.update(&piece);
    }
    Digest(hasher.finalize().into())
}

const PAYLOAD: usize = 13;

/// What a row holds besides its ids: value, time, and in one byte its fate and (times 16) its consent.
pub(super) fn payload(row: &Row) -> [u8; PAYLOAD] {
    let mut bytes = [0; PAYLOAD];
    bytes[..4].copy_from_slice(&row.value.to_le_bytes());
    bytes[4..12].copy_from_slice(&row.time.to_le_bytes());
    bytes[12] = row.fate as u8 | (row.consent as u8) << 4;
    bytes
}

/// The key of a row: half of one hash, half of the other. Sorted by user first, so that one pair of neighbours shows
/// the absence of a user; by item first for items.
pub(super) fn key(first: &Digest, second: &Digest) -> Digest {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&first.0[..16]);
    bytes[16..].copy_from_slice(&second.0[..16]);
    Digest(bytes)
}

/// All keys of one user (or item).
pub(super) fn keys_of(hash: &Digest) -> Range {
    let mut prefix = [0; 16];
    prefix.copy_from_slice(&hash.0[..16]);
    Range::prefix(prefix)
}

/// A leaf. The content is blinded, so that a proof does not show the ratings of the neighbours it needs.
pub(super) fn leaf(key: Digest, blind: [u8; 8], row: &Row) -> Leaf {
    let content = Sha256::new().chain_update([3]).chain_update(blind).chain_update(key.0).chain_update(payload(row));
    Leaf { key, content: Digest(content.finalize().into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unlearn::testing::{data_strategy, names};

    #[test]
    fn nothing_left_has_no_second_seal() {
        let data = names(&[("a", "x")]);
        let none = Interactions::default();
        let seals = Secret::derive(&data, 1).salt(1).seal(1, &data, &none);
        assert_eq!(seals.after, None);
        assert_eq!(seals.open(1, &none), None);
    }

    #[test]
    fn the_same_name_has_another_hash_as_an_item_in_other_rows_and_in_the_next_receipt() {
        let secret = Secret::derive(&names(&[("a", "x")]), 1);
        let salt = secret.salt(1);
        assert_ne!(salt.user("a"), salt.item("a"));
        assert_ne!(salt.user("a"), secret.salt(2).user("a"));
        assert_ne!(salt.user("a"), Secret::derive(&names(&[("a", "y")]), 1).salt(1).user("a"));
        assert_ne!(salt.user("a"), Secret::derive(&names(&[("a", "x")]), 2).salt(1).user("a"));
    }

    #[test]
    fn two_seals_of_the_same_rows_share_no_pad() {
        let (first, middle, last) =
            (names(&[("a", "x"), ("b", "x"), ("c", "x")]), names(&[("a", "x"), ("b", "x")]), names(&[("a", "x")]));
        let secret = Secret::derive(&first, 1);
        let (one, two) = (secret.salt(1).seal(1, &first, &middle), secret.salt(2).seal(2, &middle, &last));
        let opened = two.open(2, &last).unwrap().0;
        // Were the pad of the rows between the same in both, the later salt would open the earlier receipt.
        let pad = xor(two.before.unwrap().0, opened.0);
        assert_ne!(Salt(xor(one.after.unwrap().0, pad)).check(), one.check);
    }

    proptest! {
        #[test]
        fn only_the_two_sets_of_rows_open_it(data in data_strategy(), gone in any::<prop::sample::Index>()) {
            let gone = data.rows()[gone.index(data.rows().len())];
            let after = data.without(|row| *row == gone);
            let salt = Secret::derive(&data, 5).salt(1);
            let seals = salt.seal(1, &data, &after);
            prop_assert_eq!(seals.open(1, &data), Some((salt, Moment::Before)));
            prop_assert_eq!(seals.open(2, &data), None);
            prop_assert_eq!(seals.open(1, &after).is_some(), !after.rows().is_empty());
            let mut other = data.clone();
            other.assign_fates(|_, row| if *row == gone { crate::interactions::Fate::Validation } else { row.fate });
            if other != data {
                prop_assert_eq!(seals.open(1, &other), None);
            }
        }
    }
}
