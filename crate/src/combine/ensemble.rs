//! Sub-models side by side, over one catalogue.

use std::sync::Arc;

use super::CombineError;
use crate::model::SubModel;

/// Stands in a lookup for "this shard never saw the item".
const UNSEEN: u32 = u32::MAX;

/// One shard's sub-model and what its local items are in the catalogue.
#[derive(Clone)]
pub struct Member {
    /// The sub-model; shared, so that an ensemble with one shard exchanged costs nothing for the others.
    pub model: Arc<dyn SubModel>,
    /// Catalogue index of every local item, ascending.
    pub items: Vec<u32>,
    /// Rows that it was trained on: with the number of its users, how much of the catalogue a person has.
    pub rows: u32,
}

/// K sub-models over a catalogue of `n_items`.
#[derive(Clone)]
pub struct Ensemble {
    members: Vec<Member>,
    n_items: u32,
    /// Per shard, catalogue index -> local item.
    locals: Vec<Vec<u32>>,
    known: Vec<bool>,
}

impl Ensemble {
    /// Checks that every list of items fits its sub-model and the catalogue.
    ///
    /// Errors: no member; a list whose length is not the sub-model's, that is not ascending or that leaves the catalogue.
    pub fn new(members: Vec<Member>, n_items: u32) -> Result<Self, CombineError> {
        if members.is_empty() {
            return Err(CombineError::Empty);
        }
        let mut known = vec![false; n_items as usize];
        let mut locals = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            let refuse = |reason| Err(CombineError::Member { member: index as u32, reason });
            if member.items.len() != member.model.n_items() {
                let (listed, scored) = (member.items.len(), member.model.n_items());
                return refuse(format!("{listed} items are listed and the sub-model scores {scored}"));
            }
            if !member.items.is_sorted_by(|a, b| a < b) {
                return refuse("its items are not in ascending order".into());
            }
            if let Some(item) = member.items.last().filter(|&&item| item >= n_items) {
                return refuse(format!("item {item} is not in the catalogue of {n_items}"));
            }
            let mut local = vec![UNSEEN; n_items as usize];
            for (index, &item) in member.items.iter().enumerate() {
                local[item as usize] = index as u32;
                known[item as usize] = true;
            }
            locals.push(local);
        }
        Ok(Ensemble { members, n_items, locals, known })
    }

    /// The shards in order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many shards.
    pub fn n_shards(&self) -> usize {
        self.members.len()
    }

    /// Items of the catalogue: the length of a score list.
    pub fn n_items(&self) -> u32 {
        self.n_items
    }

    /// Share of the known catalogue that one user of a shard has rows of, on average; 1 where nothing is known of it.
    pub fn density(&self) -> f64 {
        let known = self.known.iter().filter(|&&known| known).count() as f64;
        let users: f64 = self.members.iter().map(|member| member.model.n_users() as f64).sum();
        let rows: f64 = self.members.iter().map(|member| f64::from(member.rows)).sum();
        if rows > 0.0 && users * known > 0.0 { (rows / (users * known)).min(1.0) } else { 1.0 }
    }

    /// Has any shard seen the item?
    pub fn knows(&self, item: u32) -> bool {
        self.known.get(item as usize).is_some_and(|&known| known)
    }

    /// Items of the catalogue that no shard has seen, ascending: nobody can be recommended these.
    pub fn unknown_items(&self) -> Vec<u32> {
        (0..self.n_items).filter(|&item| !self.knows(item)).collect()
    }

    /// The item's number in a shard that has seen it.
    pub(super) fn local(&self, shard: usize, item: u32) -> Option<u32> {
        self.locals[shard].get(item as usize).copied().filter(|&local| local != UNSEEN)
    }

    /// Those of `items` that a shard has seen, as its local items (ascending), with their values.
    pub(super) fn localise(&self, shard: usize, items: &[u32], values: &[f32], out: &mut (Vec<u32>, Vec<f32>)) {
        out.0.clear();
        out.1.clear();
        for (&item, &value) in items.iter().zip(values) {
            if let Some(local) = self.local(shard, item) {
                out.0.push(local);
                out.1.push(value);
            }
        }
    }
}

/// What is known of one user at serving time. Nothing of it is kept.
#[derive(Clone, Copy, Debug)]
pub struct UserRows<'a> {
    /// Catalogue indices of the user's rows that a fold-in may use, ascending.
    pub items: &'a [u32],
    /// Their values; as long as `items`.
    pub values: &'a [f32],
    /// The shards that hold rows of the user, and the user's number there. Empty for somebody who was never trained on.
    pub own: &'a [(u16, u32)],
}
