//! What a receipt says about the rows: roots before and after, and proofs that what went is in no shard.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::change::Exchange;
use super::merkle::{Proof, ProofError, Range, Root, Tree};
use super::salt::{Salt, Seals, key, leaf, payload};
use super::side::Placed;
use crate::interactions::{Interactions, Row};
use crate::numerics::digest::Digest;
use crate::pipeline::NO_SHARD;

/// The tree of one shard's rows in two orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// Sorted by user, then item.
    pub by_user: Root,
    /// Sorted by item, then user; only in a receipt in which whole items went.
    pub by_item: Option<Root>,
}

/// Roots of everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Each shard's training and validation rows.
    pub shards: Vec<Roots>,
    /// The test rows.
    pub test: Roots,
}

/// That nothing of what went is in one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The shard; `None` for the test rows.
    pub shard: Option<u32>,
    /// No row of a user who went and no single row that went.
    pub by_user: Option<Proof>,
    /// No row of an item that went.
    pub by_item: Option<Proof>,
}

/// The rows' part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// The salt, locked.
    pub seals: Seals,
    /// The rows before.
    pub before: State,
    /// The rows after.
    pub after: State,
    /// Proofs against the roots after, of every tree that changed.
    pub absent: Vec<Absence>,
}

/// Why the rows' part of a receipt does not hold together, and where.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A proof that does not lead to its root, or that leaves a gap.
    #[error("{place}: {reason}")]
    Proof {
        /// Such as `shard 3, by user`.
        place: String,
        /// What is wrong with it.
        reason: ProofError,
    },
    /// A forgotten row is still there.
    #[error("{place}: a forgotten row is still there, at place {at} of the tree")]
    Present {
        /// Such as `shard 3, by user`.
        place: String,
        /// Its place among the leaves.
        at: u32,
    },
    /// A tree that changed has no proof, a proof belongs to no tree, or sides have different shards.
    #[error("{place}: {reason}")]
    Shape {
        /// Where.
        place: String,
        /// What is missing or too much.
        reason: &'static str,
    },
}

/// The roots of all rows in their shards; `items` asks for the second order too. About five SHA-256 blocks per row and
/// order.
pub(super) fn state(placed: &Placed<'_>, salt: &Salt, items: bool) -> State {
    let grower = Grower::new(placed, salt, items);
    State::of((0..grower.rows.len()).map(|at| grower.trees(at).roots()).collect())
}

/// The rows' part of a receipt. Hashes all rows of the side before, since no two receipts share a salt, and again those of the
/// trees that changed.
pub(super) fn record(
    before: &Placed<'_>,
    after: &Placed<'_>,
    exchange: &Exchange,
    salt: &Salt,
    number: u32,
) -> DataRecord {
    let items = !exchange.gone.items.is_empty();
    let (by_user, by_item) = exchange.absent();
    let prove = |tree: &Tree, ranges: &[Range]| (!ranges.is_empty()).then(|| tree.prove(ranges));
    let (was, is) = (Grower::new(before, salt, items), Grower::new(after, salt, items));
    let (mut before_roots, mut after_roots, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..was.rows.len() {
        before_roots.push(was.trees(at).roots());
        if is.same(&was, at) {
            after_roots.push(before_roots[at]);
            continue;
        }
        // A proof for every tree that is not what it was.
        let trees = is.trees(at);
        after_roots.push(trees.roots());
        if after_roots[at] == before_roots[at] {
            continue;
        }
        absent.push(Absence {
            shard: (at + 1 < was.rows.len()).then_some(at as u32),
            by_user: prove(&trees.by_user, &by_user),
            by_item: trees.by_item.as_ref().and_then(|tree| prove(tree, &by_item)),
        });
    }
    let seals = salt.seal(number, before.rows, after.rows);
    DataRecord { seals, before: State::of(before_roots), after: State::of(after_roots), absent }
}

impl State {
    fn of(mut roots: Vec<Roots>) -> Self {
        let test = roots.pop().expect("the tree of the test rows is always grown");
        State { shards: roots, test }
    }

    /// The shards' roots, then the test rows'.
    pub(super) fn all(&self) -> impl Iterator<Item = &Roots> {
        self.shards.iter().chain([&self.test])
    }

    /// All rows together.
    pub fn rows(&self) -> u32 {
        self.all().map(|roots| roots.by_user.rows).fold(0, u32::saturating_add)
    }
}

impl DataRecord {
    /// Checks what can be checked without a row: every tree that changed has its proofs, every proof leads to its root,
    /// and nothing of what went is in any, unless it came back.
    pub fn check(&self, exchange: &Exchange) -> Result<(), EvidenceError> {
        let shape = |place: String, reason| Err(EvidenceError::Shape { place, reason });
        if self.before.shards.len() != self.after.shards.len() {
            return shape("data".to_owned(), "not the same number of shards before and after");
        }
        let (by_user, by_item) = exchange.absent();
        let mut proofs = self.absent.iter();
        let mut next = proofs.next();
        for (tree, (was, is)) in self.before.all().zip(self.after.all()).enumerate() {
            let shard = (tree < self.after.shards.len()).then_some(tree as u32);
            let place = shard.map_or("test rows".to_owned(), |shard| format!("shard {shard}"));
            if was.by_item.is_some() != is.by_item.is_some() || is.by_item.is_some() == by_item.is_empty() {
                return shape(place, "the tree by item is there exactly when whole items went");
            }
            if [was, is].iter().any(|roots| roots.by_item.is_some_and(|root| root.rows != roots.by_user.rows)) {
                return shape(place, "the two orders do not have the same number of rows");
            }
            match next.filter(|absence| absence.shard == shard) {
                Some(_) if was == is => return shape(place, "a proof of absence, but its rows did not change"),
                Some(absence) => {
                    tree_lacks(absence.by_user.as_ref(), &is.by_user, &by_user, || format!("{place}, by user"))?;
                    if let Some(root) = &is.by_item {
                        tree_lacks(absence.by_item.as_ref(), root, &by_item, || format!("{place}, by item"))?;
                    } else if absence.by_item.is_some() {
                        return shape(place, "a proof about items, but no whole item went");
                    }
                    next = proofs.next();
                }
                None if was != is => return shape(place, "its rows changed, but no proof of absence is given"),
                None => {}
            }
        }
        match next {
            Some(_) => shape("data".to_owned(), "a proof of absence that belongs to no tree, or out of order"),
            None => Ok(()),
        }
    }
}

fn tree_lacks(
    proof: Option<&Proof>,
    root: &Root,
    ranges: &[Range],
    place: impl Fn() -> String,
) -> Result<(), EvidenceError> {
    let proof = match proof {
        Some(proof) if !ranges.is_empty() => proof,
        None if ranges.is_empty() => return Ok(()),
        _ => {
            let reason = "a proof of absence is given exactly when there is something to be absent";
            return Err(EvidenceError::Shape { place: place(), reason });
        }
    };
    let refuse = |reason| EvidenceError::Proof { place: place(), reason };
    let opened = proof.open(root).map_err(refuse)?;
    for range in ranges {
        if let Some(leaf) = opened.within(range).map_err(refuse)?.first() {
            return Err(EvidenceError::Present { place: place(), at: leaf.at });
        }
    }
    Ok(())
}

/// The rows of a shard as a tree, and in the second order as another.
struct Trees {
    by_user: Tree,
    by_item: Option<Tree>,
}

impl Trees {
    fn roots(&self) -> Roots {
        Roots { by_user: self.by_user.root(), by_item: self.by_item.as_ref().map(Tree::root) }
    }
}

/// Grows the trees of all shards, then of the test rows: one at a time, since a tree has 128 bytes for every row.
struct Grower<'a> {
    data: &'a Interactions,
    users: Vec<Digest>,
    items: Vec<Digest>,
    /// Per tree, its rows.
    rows: Vec<Vec<u32>>,
    blind: [u8; 8],
    by_item: bool,
}

impl<'a> Grower<'a> {
    fn new(placed: &Placed<'a>, salt: &Salt, by_item: bool) -> Self {
        let data = placed.rows;
        let test = placed.shards as usize;
        let mut rows = vec![Vec::new(); test + 1];
        for (row, &shard) in placed.shard_of_row.iter().enumerate() {
            rows[if shard == NO_SHARD { test } else { usize::from(shard) }].push(row as u32);
        }
        let users = data.users().iter().map(|id| salt.user(id)).collect();
        let items = data.items().iter().map(|id| salt.item(id)).collect();
        Grower { data, users, items, rows, blind: salt.blind(), by_item }
    }

    fn tree(&self, at: usize, key_of: impl Fn(&Digest, &Digest) -> Digest) -> Tree {
        let leaf_of = |&row: &u32| {
            let row = &self.data.rows()[row as usize];
            leaf(key_of(&self.users[row.user as usize], &self.items[row.item as usize]), self.blind, row)
        };
        Tree::new(self.rows[at].iter().map(leaf_of).collect())
    }

    fn trees(&self, at: usize) -> Trees {
        let by_item = self.by_item.then(|| self.tree(at, |user, item| key(item, user)));
        Trees { by_user: self.tree(at, key), by_item }
    }

    /// Has the tree the same leaves as that of another side under the same salt? Then it need not be hashed again. Rows are in
    /// the order of their ids on both sides.
    fn same(&self, other: &Grower<'_>, at: usize) -> bool {
        let one = self.rows[at].iter().map(|&row| &self.data.rows()[row as usize]);
        let two = other.rows[at].iter().map(|&row| &other.data.rows()[row as usize]);
        let same = |(one, two): (&Row, &Row)| {
            let ids = (self.users[one.user as usize], self.items[one.item as usize]);
            ids == (other.users[two.user as usize], other.items[two.item as usize]) && payload(one) == payload(two)
        };
        one.len() == two.len() && one.zip(two).all(same)
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
