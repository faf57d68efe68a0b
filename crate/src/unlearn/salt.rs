//! Hashes of ids that mean something only to whoever has the rows.
//!
//! A receipt names what was forgotten by hashes under a salt. The salt is not in the receipt: it is *sealed* twice, under
//! a key made of all rows before and under one made of all rows after the request. Whoever has either set of rows opens
//! it and checks everything; the receipt alone shows no id.
//!
//! What this protects: someone who has the receipt only cannot test a guessed id, because the salt has the entropy of the
//! whole file. What it does not: whoever has the rows (the service itself, or anyone where the file is public) can hash
//! candidate ids and find out who was forgotten, as every checkable receipt must allow. Receipts of one chain share the
//! salt, so equal hashes in two of them are the same id. When next to nothing is left afterwards the second seal is as
//! weak as what is left is guessable; when nothing is left there is none.

use serde::{Deserialize, Serialize};

use crate::interactions::{Interactions, Row};
use crate::numerics::digest::{Digest, Hasher};
use crate::numerics::random::Purpose;

use super::merkle::{Leaf, Range};

/// Turns ids into hashes. Keep it beside the rows, never in what is handed out.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salt([u8; 32]);

/// A salt locked with the rows before and the rows after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seals {
    /// The salt, locked with the rows before.
    pub before: Digest,
    /// The salt, locked with the rows after; `None` when no row is left.
    pub after: Option<Digest>,
    /// Tells that the right salt came out.
    pub check: Digest,
}

/// Which rows opened a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Those that still held what was forgotten.
    Before,
    /// Those without it.
    After,
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Salt {
    /// The salt of a chain of requests: from the rows before the first one and the seed, so that the same experiment
    /// gives the same receipts anywhere.
    pub fn derive(data: &Interactions, seed: u64) -> Self {
        let mut hasher = Hasher::new("ultrare salt 1");
        Salt(hasher.u32(Purpose::Salt as u32).u64(seed).digest(&rows_digest(data)).finish().0)
    }

    /// A user's hash.
    pub fn user(&self, id: &str) -> Digest {
        Hasher::new("ultrare user 1").bytes(&self.0).str(id).finish()
    }

    /// An item's hash.
    pub fn item(&self, id: &str) -> Digest {
        Hasher::new("ultrare item 1").bytes(&self.0).str(id).finish()
    }

    /// Hides the ratings in leaves.
    pub(super) fn blind(&self) -> [u8; 8] {
        let mut blind = [0; 8];
        blind.copy_from_slice(&Hasher::new("ultrare blind 1").bytes(&self.0).finish().0[..8]);
        blind
    }

    /// Locks the salt with the rows before and after.
    pub fn seal(&self, before: &Interactions, after: &Interactions) -> Seals {
        let lock = |data: &Interactions| Digest(xor(self.0, pad(data)));
        let after = (!after.rows().is_empty()).then(|| lock(after));
        Seals { before: lock(before), after, check: self.check() }
    }

    fn check(&self) -> Digest {
        Hasher::new("ultrare salt check 1").bytes(&self.0).finish()
    }
}

impl Seals {
    /// The salt, if `data` is one of the two sets of rows it was locked with. One pass over the rows.
    pub fn open(&self, data: &Interactions) -> Option<(Salt, Side)> {
        let pad = pad(data);
        let try_one =
            |sealed: Digest, side| Some((Salt(xor(sealed.0, pad)), side)).filter(|(s, _)| s.check() == self.check);
        try_one(self.before, Side::Before).or_else(|| try_one(self.after?, Side::After))
    }
}

fn xor(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

fn pad(data: &Interactions) -> [u8; 32] {
    Hasher::new("ultrare seal 1").digest(&rows_digest(data)).finish().0
}

/// All rows with their ids, unsalted. Never part of a receipt: it would let rows be guessed.
fn rows_digest(data: &Interactions) -> Digest {
    let mut hasher = Hasher::new("ultrare rows 1");
    for ids in [data.users(), data.items()] {
        hasher.u64(ids.len() as u64);
        ids.iter().for_each(|id| {
            hasher.str(id);
        });
    }
    hasher.u64(data.rows().len() as u64);
    // Rows have one length, so many can go into one piece; small pieces would take longer than the hash itself.
    let mut piece = Vec::with_capacity(4096 * (8 + PAYLOAD));
    for rows in data.rows().chunks(4096) {
        piece.clear();
        for row in rows {
            piece.extend_from_slice(&row.user.to_le_bytes());
            piece.extend_from_slice(&row.item.to_le_bytes());
            piece.extend_from_slice(&payload(row));
        }
        hasher.bytes(&piece);
    }
    hasher.finish()
}

const PAYLOAD: usize = 13;

/// What a row holds besides its ids.
fn payload(row: &Row) -> [u8; PAYLOAD] {
    let mut bytes = [0; PAYLOAD];
    bytes[..4].copy_from_slice(&row.value.to_le_bytes());
    bytes[4..12].copy_from_slice(&row.time.to_le_bytes());
    bytes[12] = row.fate as u8;
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
    use sha2::{Digest as _, Sha256};
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
        let seals = Salt::derive(&data, 1).seal(&data, &none);
        assert_eq!(seals.after, None);
        assert_eq!(seals.open(&none), None);
    }

    #[test]
    fn users_and_items_of_the_same_name_have_different_hashes() {
        let salt = Salt::derive(&names(&[("a", "x")]), 1);
        assert_ne!(salt.user("a"), salt.item("a"));
        assert_ne!(salt.user("a"), Salt::derive(&names(&[("a", "y")]), 1).user("a"));
        assert_ne!(salt.user("a"), Salt::derive(&names(&[("a", "x")]), 2).user("a"));
    }

    proptest! {
        #[test]
        fn only_the_two_sets_of_rows_open_it(data in data_strategy(), gone in any::<prop::sample::Index>()) {
            let gone = data.rows()[gone.index(data.rows().len())];
            let after = data.without(|row| *row == gone);
            let salt = Salt::derive(&data, 5);
            let seals = salt.seal(&data, &after);
            prop_assert_eq!(seals.open(&data), Some((salt, Side::Before)));
            prop_assert_eq!(seals.open(&after).is_some(), !after.rows().is_empty());
            let mut other = data.clone();
            other.assign_fates(|_, row| if *row == gone { crate::interactions::Fate::Validation } else { row.fate });
            if other != data {
                prop_assert_eq!(seals.open(&other), None);
            }
        }
    }
}
