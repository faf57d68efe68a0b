//! A sorted Merkle tree over a shard's rows, so that the absence of a row can be shown without showing the others.
//!
//! Leaves are sorted by key. `leaf = SHA-256(0x00 | key | content)`, `node = SHA-256(0x01 | left | right)`; the last node
//! of a level with an odd count goes up unchanged (the shape of RFC 6962, section 2.1). The root also holds the number of
//! leaves, `SHA-256(0x02 | count as 8 bytes, little-endian | top)`, top being absent for an empty tree, so that a leaf
//! cannot pass for a node, nor a tree for a smaller one (second preimages).
//!
//! A key is absent when two *adjacent* leaves, one below and one above it, are shown to be in the tree (Laurie and Kasper
//! 2012, "Revocation Transparency"). That argument needs the tree to be sorted, which only whoever has all rows can check;
//! verification with the rows at hand makes the tree again and does.
//!
//! Over rows of one's own:
//!
//! ```
//! use ultrare::Digest;
//! use ultrare::unlearn::receipt::merkle::{Leaf, Range, Tree};
//!
//! let leaf = |row: &str| Leaf { key: Digest::of(row.as_bytes()), content: Digest::of(b"bought") };
//! let tree = Tree::new(["ann tea", "bob tea", "bob jam"].map(|row| leaf(row)).to_vec());
//! let root = tree.root(); // published; the rows are not
//!
//! let (there, gone) = (Range::one(leaf("bob tea").key), Range::one(leaf("eve jam").key));
//! let proof = tree.prove(&[there, gone]);
//! let opened = proof.open(&root)?;
//! assert_eq!(opened.within(&there)?.len(), 1);
//! assert!(opened.within(&gone)?.is_empty());
//! # Ok::<(), ultrare::unlearn::receipt::merkle::ProofError>(())
//! ```

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::numerics::digest::Digest;

/// One leaf: where it sorts, and a hash of what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Sorts the leaves.
    pub key: Digest,
    /// A hash of the rest of the row.
    pub content: Digest,
}

/// What a tree is known by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Number of leaves.
    pub rows: u32,
    /// Hash of the number and of the topmost node.
    #[cfg_attr(feature = "ts", tsify(type = "string"))]
    pub digest: Digest,
}

/// A range of keys, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The lowest key.
    pub low: Digest,
    /// The highest key.
    pub high: Digest,
}

/// A leaf of a proof, and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenLeaf {
    /// Its place among the leaves, from 0.
    pub at: u32,
    /// Its key.
    pub key: Digest,
    /// Its content's hash.
    pub content: Digest,
}

/// Shows that some leaves are in a tree, all at once: their common ancestors are given only once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The leaves, by place.
    pub leaves: Vec<ProvenLeaf>,
    /// The nodes that cannot be computed from them: level by level from the bottom, left to right.
    pub siblings: Vec<Digest>,
}

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// The leaves do not lead to the root.
    #[error("the leaves of the proof do not lead to the root")]
    Root,
    /// Places or keys are not ascending.
    #[error("the leaves of the proof are not in ascending order at place {at}")]
    Order {
        /// Where.
        at: u32,
    },
    /// The neighbours of the range are not shown, so something may hide between them.
    #[error("the proof does not show both neighbours of what it is about")]
    Gap,
}

/// A tree with all its nodes: 32 bytes for each, twice as many as leaves.
#[derive(Clone, Debug)]
pub struct Tree {
    leaves: Vec<Leaf>,
    levels: Vec<Vec<Digest>>,
}

impl Range {
    /// One key.
    pub fn one(key: Digest) -> Self {
        Range { low: key, high: key }
    }

    /// Every key that begins with these 16 bytes.
    pub fn prefix(prefix: [u8; 16]) -> Self {
        let with = |fill: u8| {
            let mut key = [fill; 32];
            key[..16].copy_from_slice(&prefix);
            Digest(key)
        };
        Range { low: with(0), high: with(0xff) }
    }
}

impl Leaf {
    fn hash(&self) -> Digest {
        Digest(Sha256::new().chain_update([0]).chain_update(self.key.0).chain_update(self.content.0).finalize().into())
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

fn root(rows: u32, top: Option<&Digest>) -> Root {
    let mut hasher = Sha256::new().chain_update([2]).chain_update(u64::from(rows).to_le_bytes());
    if let Some(top) = top {
        hasher.update(top.0);
    }
    Root { rows, digest: Digest(hasher.finalize().into()) }
}

impl Tree {
    /// Sorts the leaves and hashes upwards: one hash per leaf and one per inner node.
    pub fn new(mut leaves: Vec<Leaf>) -> Self {
        leaves.sort_unstable();
        let mut levels = vec![leaves.iter().map(Leaf::hash).collect::<Vec<_>>()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let up = |pair: &[Digest]| if let [left, right] = pair { node(left, right) } else { pair[0] };
            let level = below.chunks(2).map(up).collect();
            levels.push(level);
        }
        Tree { leaves, levels }
    }

    /// The root.
    pub fn root(&self) -> Root {
        root(self.leaves.len() as u32, self.levels.last().and_then(|level| level.first()))
    }

    /// Shows for each range which leaves it holds, together with the neighbours that bound it: presence and absence.
    pub fn prove(&self, ranges: &[Range]) -> Proof {
        let mut shown = vec![];
        for range in ranges {
            let begin = self.leaves.partition_point(|leaf| leaf.key < range.low);
            let end = self.leaves.partition_point(|leaf| leaf.key <= range.high);
            shown.extend(begin.saturating_sub(1)..(end + 1).min(self.leaves.len()));
        }
        shown.sort_unstable();
        shown.dedup();
        let proven =
            |&at: &usize| ProvenLeaf { at: at as u32, key: self.leaves[at].key, content: self.leaves[at].content };
        let leaves = shown.iter().map(proven).collect();
        let mut siblings = Vec::new();
        for level in &self.levels {
            if shown.is_empty() || level.len() == 1 {
                break;
            }
            for (index, &at) in shown.iter().enumerate() {
                let other = at ^ 1;
                let known = [index.wrapping_sub(1), index + 1].iter().any(|&near| shown.get(near) == Some(&other));
                if !known && other < level.len() {
                    siblings.push(level[other]);
                }
            }
            shown.iter_mut().for_each(|at| *at /= 2);
            shown.dedup();
        }
        Proof { leaves, siblings }
    }
}

/// A proof whose leaves are known to be in the tree.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    leaves: &'a [ProvenLeaf],
    rows: u32,
}

impl Proof {
    /// Checks the leaves against the root. One hash per leaf and per node on their paths.
    pub fn open(&self, expected: &Root) -> Result<Opened<'_>, ProofError> {
        for pair in self.leaves.windows(2) {
            if pair[0].at >= pair[1].at || pair[0].key > pair[1].key {
                return Err(ProofError::Order { at: pair[1].at });
            }
        }
        if self.leaves.last().is_some_and(|leaf| leaf.at >= expected.rows) {
            return Err(ProofError::Root);
        }
        let hash = |leaf: &ProvenLeaf| (leaf.at, Leaf { key: leaf.key, content: leaf.content }.hash());
        let mut nodes: Vec<(u32, Digest)> = self.leaves.iter().map(hash).collect();
        let mut siblings = self.siblings.iter();
        let mut count = expected.rows;
        while count > 1 && !nodes.is_empty() {
            nodes = ascend(&nodes, count, &mut siblings).ok_or(ProofError::Root)?;
            count = count.div_ceil(2);
        }
        // Without a leaf nothing is hashed: `within` then finds a gap, unless the tree is empty.
        let leads = match nodes.first() {
            Some((_, top)) => root(expected.rows, Some(top)) == *expected,
            None => expected.rows > 0 || root(0, None) == *expected,
        };
        if !leads || siblings.next().is_some() {
            return Err(ProofError::Root);
        }
        Ok(Opened { leaves: &self.leaves, rows: expected.rows })
    }
}

/// The parents of some nodes of a level that has `count` nodes.
fn ascend<'a>(
    nodes: &[(u32, Digest)],
    count: u32,
    siblings: &mut impl Iterator<Item = &'a Digest>,
) -> Option<Vec<(u32, Digest)>> {
    let mut parents = Vec::with_capacity(nodes.len());
    let mut rest = nodes;
    while let [(at, hash), tail @ ..] = rest {
        rest = tail;
        let parent = if at % 2 == 1 {
            node(siblings.next()?, hash)
        } else if at + 1 == count {
            *hash
        } else if let [(next, right), tail @ ..] = rest
            && *next == at + 1
        {
            rest = tail;
            node(hash, right)
        } else {
            node(hash, siblings.next()?)
        };
        parents.push((at / 2, parent));
    }
    Some(parents)
}

impl<'a> Opened<'a> {
    /// All leaves of the tree whose key is in the range: none means that absence is shown.
    ///
    /// Errors: [`ProofError::Gap`] when the proof leaves room for a leaf that it does not show.
    pub fn within(&self, range: &Range) -> Result<&'a [ProvenLeaf], ProofError> {
        let begin = self.leaves.partition_point(|leaf| leaf.key < range.low);
        let end = self.leaves.partition_point(|leaf| leaf.key <= range.high);
        // The place after the lower neighbour, and the place of the upper one: what is between must all be shown.
        let first = if begin == 0 { 0 } else { self.leaves[begin - 1].at + 1 };
        let last = self.leaves.get(end).map_or(self.rows, |leaf| leaf.at);
        if last - first == (end - begin) as u32 { Ok(&self.leaves[begin..end]) } else { Err(ProofError::Gap) }
    }
}

#[cfg(test)]
#[path = "merkle_tests.rs"]
mod tests;
