//! What a receipt says about the rows: roots before and after, and proofs that what went is in no shard.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::change::Exchange;
use super::merkle::{Leaf, Proof, ProofError, Range, Root, Tree};
use super::salt::{Salt, Seals, key, leaf};
use super::side::Placed;
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
    Forest::grow(placed, salt, items).state()
}

/// The rows' part of a receipt. Hashes all rows twice, once for each side: no two receipts share a salt.
pub(super) fn record(
    before: &Placed<'_>,
    after: &Placed<'_>,
    exchange: &Exchange,
    salt: &Salt,
    number: u32,
) -> DataRecord {
    let items = !exchange.gone.items.is_empty();
    let before_state = state(before, salt, items);
    let forest = Forest::grow(after, salt, items);
    let absent = absences(&forest, &before_state, exchange);
    let seals = salt.seal(number, before.rows, after.rows);
    DataRecord { seals, before: before_state, after: forest.state(), absent }
}

/// Proofs for every tree of `after` that differs from `before`.
fn absences(after: &Forest, before: &State, exchange: &Exchange) -> Vec<Absence> {
    let (by_user, by_item) = exchange.absent();
    let prove = |tree: &Tree, ranges: &[Range]| (!ranges.is_empty()).then(|| tree.prove(ranges));
    let shards = before.shards.len();
    let changed =
        after.trees.iter().zip(before.all()).enumerate().filter(|(_, (trees, was))| Forest::roots(trees) != **was);
    let absence = |(tree, (trees, _)): (usize, (&(Tree, Option<Tree>), &Roots))| Absence {
        shard: (tree < shards).then_some(tree as u32),
        by_user: prove(&trees.0, &by_user),
        by_item: trees.1.as_ref().and_then(|tree| prove(tree, &by_item)),
    };
    changed.map(absence).collect()
}

impl State {
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

/// The trees of all shards, then of the test rows.
pub(super) struct Forest {
    trees: Vec<(Tree, Option<Tree>)>,
}

impl Forest {
    pub(super) fn grow(placed: &Placed<'_>, salt: &Salt, items: bool) -> Forest {
        let data = placed.rows;
        let users: Vec<Digest> = data.users().iter().map(|id| salt.user(id)).collect();
        let item_hashes: Vec<Digest> = data.items().iter().map(|id| salt.item(id)).collect();
        let blind = salt.blind();
        let shards = placed.shards as usize;
        let mut by_user: Vec<Vec<Leaf>> = vec![Vec::new(); shards + 1];
        let mut by_item = by_user.clone();
        for (row, &shard) in data.rows().iter().zip(placed.shard_of_row) {
            let tree = if shard == NO_SHARD { shards } else { usize::from(shard) };
            let (user, item) = (&users[row.user as usize], &item_hashes[row.item as usize]);
            by_user[tree].push(leaf(key(user, item), blind, row));
            if items {
                by_item[tree].push(leaf(key(item, user), blind, row));
            }
        }
        let pair = |(user, item)| (Tree::new(user), items.then(|| Tree::new(item)));
        Forest { trees: by_user.into_iter().zip(by_item).map(pair).collect() }
    }

    pub(super) fn state(&self) -> State {
        let mut roots: Vec<Roots> = self.trees.iter().map(Forest::roots).collect();
        let test = roots.pop().expect("the tree of the test rows is always grown");
        State { shards: roots, test }
    }

    fn roots((by_user, by_item): &(Tree, Option<Tree>)) -> Roots {
        Roots { by_user: by_user.root(), by_item: by_item.as_ref().map(Tree::root) }
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
