//! What a receipt says about the rows: roots before and after, and proofs that the forgotten ones are in no shard.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::merkle::{Leaf, Proof, ProofError, Range, Root, Tree};
use super::salt::{Salt, Seals, key, keys_of, leaf};
use super::{Layout, NO_SHARD, Request, RequestError, Resolved};
use crate::interactions::Interactions;
use crate::numerics::digest::Digest;

/// What was forgotten, by salted hashes and never by ids. Names that did not occur in the data are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// Hashes of the users named, ascending.
    pub users: Vec<Digest>,
    /// Hashes of the items named, ascending.
    pub items: Vec<Digest>,
    /// Hashes of the single rows named (user, item), ascending.
    pub interactions: Vec<(Digest, Digest)>,
    /// How many rows went in all.
    pub rows: u32,
}

/// The tree of one shard's rows in two orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// Sorted by user, then item.
    pub by_user: Root,
    /// Sorted by item, then user; only in a receipt about items.
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

/// That nothing forgotten is in one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The shard; `None` for the test rows.
    pub shard: Option<u32>,
    /// No row of a forgotten user and no forgotten single row.
    pub by_user: Option<Proof>,
    /// No row of a forgotten item.
    pub by_item: Option<Proof>,
}

/// The rows' part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// The salt, locked.
    pub seals: Seals,
    /// With what was forgotten.
    pub before: State,
    /// Without it.
    pub after: State,
    /// Proofs against the roots after.
    pub absent: Vec<Absence>,
}

/// In which trees absence is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those that held something forgotten; the others' roots are equal before and after. Grows with the request only.
    #[default]
    Touched,
    /// All of them, so that even without the rows nothing can have moved to another shard. K times as long.
    Everywhere,
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
///
/// Errors: [`RequestError::Layout`] when `layout` is not of these rows.
pub fn state(data: &Interactions, layout: &Layout<'_>, salt: &Salt, items: bool) -> Result<State, RequestError> {
    layout.check(data)?;
    let forest = Forest::grow(data, layout, salt, items, &vec![true; layout.shards as usize + 1]);
    Ok(State::from_roots(forest.trees.iter().map(Forest::roots).collect()))
}

/// What the rows' part of a receipt is made from.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// As found in `before`.
    pub found: &'a Resolved,
    /// The rows before.
    pub before: &'a Interactions,
    /// Their shards.
    pub layout_before: Layout<'a>,
    /// The rows after: `found.remaining(before)`.
    pub after: &'a Interactions,
    /// Their shards.
    pub layout_after: Layout<'a>,
    /// The chain's salt.
    pub salt: &'a Salt,
    /// Where absence is proven.
    pub scope: Scope,
    /// The state before, under the same salt, if it is at hand (the previous receipt's `after`): then only what changed is
    /// hashed.
    pub known: Option<&'a State>,
}

impl Evidence<'_> {
    /// Hashes, proves, and locks the salt.
    ///
    /// Errors: [`RequestError::Layout`] when a layout is not of its rows.
    pub fn record(&self) -> Result<(Forgotten, DataRecord), RequestError> {
        let forgotten = forgotten(self.request, self.found, self.before, self.salt);
        let items = !forgotten.items.is_empty();
        self.layout_before.check(self.before)?;
        self.layout_after.check(self.after)?;
        let changed = self.changed()?;
        let known = self.known.filter(|known| known.serves(self.layout_before.shards, items));
        let before = match known {
            Some(known) => known.in_orders(items),
            None => state(self.before, &self.layout_before, self.salt, items)?,
        };
        let shown = if self.scope == Scope::Everywhere { vec![true; changed.len()] } else { changed };
        let forest = Forest::grow(self.after, &self.layout_after, self.salt, items, &shown);
        let mut roots: Vec<Roots> = before.all().copied().collect();
        let mut absent = Vec::new();
        for (tree, trees) in forest.trees.iter().enumerate().filter(|&(tree, _)| shown[tree]) {
            roots[tree] = Forest::roots(trees);
            absent.push(Absence {
                shard: (tree < before.shards.len()).then_some(tree as u32),
                by_user: prove(&trees.0, &forgotten.user_ranges()),
                by_item: trees.1.as_ref().and_then(|tree| prove(tree, &forgotten.item_ranges())),
            });
        }
        let seals = self.salt.seal(self.before, self.after);
        Ok((forgotten, DataRecord { seals, before, after: State::from_roots(roots), absent }))
    }

    /// Which trees differ before and after: those that lose rows, and those between which rows moved.
    fn changed(&self) -> Result<Vec<bool>, RequestError> {
        let refuse = |reason: &str| Err(RequestError::Layout { reason: reason.to_owned() });
        let shards = self.layout_before.shards as usize;
        if self.layout_after.shards as usize != shards {
            return refuse("not the same number of shards before and after");
        }
        if self.before.rows().len() != self.after.rows().len() + self.found.rows.len() {
            return refuse("the rows after are not those before without the forgotten ones");
        }
        let tree = |shard: u16| if shard == NO_SHARD { shards } else { usize::from(shard) };
        let mut changed = vec![false; shards + 1];
        let mut gone = self.found.rows.iter().peekable();
        let mut after = self.layout_after.shard_of_row.iter();
        for (row, &shard) in self.layout_before.shard_of_row.iter().enumerate() {
            let now = if gone.next_if(|&&gone| gone as usize == row).is_some() { None } else { after.next() };
            if now != Some(&shard) {
                changed[tree(shard)] = true;
                now.inspect(|&&now| changed[tree(now)] = true);
            }
        }
        Ok(changed)
    }
}

impl State {
    /// The shards' roots, then the test rows'.
    fn all(&self) -> impl Iterator<Item = &Roots> {
        self.shards.iter().chain([&self.test])
    }

    /// All rows together.
    pub fn rows(&self) -> u32 {
        self.all().map(|roots| roots.by_user.rows).fold(0, u32::saturating_add)
    }

    /// The shards and the test rows.
    pub(super) fn orders(&self) -> (&[Roots], &Roots) {
        (&self.shards, &self.test)
    }

    fn from_roots(mut roots: Vec<Roots>) -> State {
        // There is always at least the tree of the test rows.
        let test = roots.pop().unwrap_or(Roots { by_user: Root::default(), by_item: None });
        State { shards: roots, test }
    }

    fn serves(&self, shards: u32, items: bool) -> bool {
        self.shards.len() == shards as usize && (!items || self.all().all(|roots| roots.by_item.is_some()))
    }

    fn in_orders(&self, items: bool) -> State {
        let only = |roots: &Roots| Roots { by_item: roots.by_item.filter(|_| items), ..*roots };
        State { shards: self.shards.iter().map(only).collect(), test: only(&self.test) }
    }
}

fn prove(tree: &Tree, ranges: &[Range]) -> Option<Proof> {
    (!ranges.is_empty()).then(|| tree.prove(ranges))
}

/// What was found of a request, as hashes.
fn forgotten(request: &Request, found: &Resolved, data: &Interactions, salt: &Salt) -> Forgotten {
    let known_users = request.users.iter().filter(|id| data.users().find(id).is_some());
    let known_items = request.items.iter().filter(|id| data.items().find(id).is_some());
    let known_pairs =
        request.interactions.iter().filter(|pair| found.unknown_interactions.binary_search(pair).is_err());
    let mut forgotten = Forgotten {
        users: known_users.map(|id| salt.user(id)).collect(),
        items: known_items.map(|id| salt.item(id)).collect(),
        interactions: known_pairs.map(|(user, item)| (salt.user(user), salt.item(item))).collect(),
        rows: found.rows.len() as u32,
    };
    tiny_sort::unstable::sort(&mut forgotten.users);
    forgotten.users.dedup();
    tiny_sort::unstable::sort(&mut forgotten.items);
    forgotten.items.dedup();
    tiny_sort::unstable::sort(&mut forgotten.interactions);
    forgotten.interactions.dedup();
    forgotten
}

impl Forgotten {
    fn user_ranges(&self) -> Vec<Range> {
        let pairs = self.interactions.iter().map(|(user, item)| Range::one(key(user, item)));
        self.users.iter().map(keys_of).chain(pairs).collect()
    }

    fn item_ranges(&self) -> Vec<Range> {
        self.items.iter().map(keys_of).collect()
    }

    /// The request again, for whoever has the rows and the salt: ids of `data` whose hashes are here. From rows that no
    /// longer hold them nothing is found.
    pub fn recover(&self, data: &Interactions, salt: &Salt) -> Request {
        let users: Vec<Digest> = data.users().iter().map(|id| salt.user(id)).collect();
        let items: Vec<Digest> = data.items().iter().map(|id| salt.item(id)).collect();
        let mut request = Request { confirmed: true, ..Request::default() };
        let named = |ids: &crate::interactions::Ids, hashes: &[Digest], wanted: &[Digest]| -> Vec<String> {
            let inside = hashes.iter().enumerate().filter(|(_, hash)| wanted.binary_search(hash).is_ok());
            inside.map(|(at, _)| ids.get(at as u32).to_owned()).collect()
        };
        request.users = named(data.users(), &users, &self.users);
        request.items = named(data.items(), &items, &self.items);
        for row in data.rows() {
            let pair = (users[row.user as usize], items[row.item as usize]);
            if self.interactions.binary_search(&pair).is_ok() {
                let ids = (data.users().get(row.user), data.items().get(row.item));
                request.interactions.push((ids.0.to_owned(), ids.1.to_owned()));
            }
        }
        request
    }
}

impl DataRecord {
    /// Checks what can be checked without a row: every tree that changed has its proofs, every proof leads to its root,
    /// and no forgotten row is in any.
    pub fn check(&self, forgotten: &Forgotten) -> Result<(), EvidenceError> {
        let shape = |place: String, reason| Err(EvidenceError::Shape { place, reason });
        if self.before.shards.len() != self.after.shards.len() {
            return shape("data".to_owned(), "not the same number of shards before and after");
        }
        let mut proofs = self.absent.iter();
        let mut next = proofs.next();
        for (tree, (was, is)) in self.before.all().zip(self.after.all()).enumerate() {
            let shard = (tree < self.after.shards.len()).then_some(tree as u32);
            let place = shard.map_or("test rows".to_owned(), |shard| format!("shard {shard}"));
            if was.by_item.is_some() != is.by_item.is_some() || is.by_item.is_some() == forgotten.items.is_empty() {
                return shape(place, "the tree by item is there exactly when items were forgotten");
            }
            if [was, is].iter().any(|roots| roots.by_item.is_some_and(|root| root.rows != roots.by_user.rows)) {
                return shape(place, "the two orders do not have the same number of rows");
            }
            match next.filter(|absence| absence.shard == shard) {
                Some(absence) => {
                    tree_lacks(absence.by_user.as_ref(), &is.by_user, &forgotten.user_ranges(), || {
                        format!("{place}, by user")
                    })?;
                    if let Some(root) = &is.by_item {
                        let ranges = forgotten.item_ranges();
                        tree_lacks(absence.by_item.as_ref(), root, &ranges, || format!("{place}, by item"))?;
                    } else if absence.by_item.is_some() {
                        return shape(place, "a proof about items, but no item was forgotten");
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
struct Forest {
    trees: Vec<(Tree, Option<Tree>)>,
}

impl Forest {
    fn grow(data: &Interactions, layout: &Layout<'_>, salt: &Salt, items: bool, wanted: &[bool]) -> Forest {
        let users: Vec<Digest> = data.users().iter().map(|id| salt.user(id)).collect();
        let item_hashes: Vec<Digest> = data.items().iter().map(|id| salt.item(id)).collect();
        let blind = salt.blind();
        let shards = layout.shards as usize;
        let mut by_user: Vec<Vec<Leaf>> = vec![Vec::new(); shards + 1];
        let mut by_item = by_user.clone();
        for (row, &shard) in data.rows().iter().zip(layout.shard_of_row) {
            let tree = if shard == NO_SHARD { shards } else { usize::from(shard) };
            if !wanted[tree] {
                continue;
            }
            let (user, item) = (&users[row.user as usize], &item_hashes[row.item as usize]);
            by_user[tree].push(leaf(key(user, item), blind, row));
            if items {
                by_item[tree].push(leaf(key(item, user), blind, row));
            }
        }
        let pair = |(user, item)| (Tree::new(user), items.then(|| Tree::new(item)));
        Forest { trees: by_user.into_iter().zip(by_item).map(pair).collect() }
    }

    fn roots((by_user, by_item): &(Tree, Option<Tree>)) -> Roots {
        Roots { by_user: by_user.root(), by_item: by_item.as_ref().map(Tree::root) }
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
