//! One shard of a divided dataset: who and what is in it, its rows in its own numbers, and the digests it is known by.

use crate::interactions::Fate;
use crate::model::ShardRows;
use crate::numerics::digest::{Digest, Hasher};

use super::{Assignment, Dataset, NO_SHARD};

/// Who and what is in a shard; indices into the dataset's users and items, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shard {
    /// Users with a row in it.
    pub users: Vec<u32>,
    /// Items with a row in it: the shard's catalogue.
    pub items: Vec<u32>,
    /// Number of rows.
    pub n_rows: u32,
}

/// All shards of an assignment, in one pass.
pub(super) fn shards(dataset: &Dataset, assignment: &Assignment) -> Vec<Shard> {
    let mut shards = vec![Shard::default(); assignment.shards as usize];
    for (row, &of) in dataset.rows().rows().iter().zip(&assignment.shard_of_row) {
        if of == NO_SHARD {
            continue;
        }
        let shard = &mut shards[of as usize];
        shard.n_rows += 1;
        if shard.users.last() != Some(&row.user) {
            shard.users.push(row.user);
        }
        shard.items.push(row.item);
    }
    for shard in &mut shards {
        shard.items.sort_unstable();
        shard.items.dedup();
    }
    shards
}

/// Digest of every shard's rows, with its number: what a sub-model is a function of, beside settings and seed.
pub(super) fn row_digests(dataset: &Dataset, assignment: &Assignment) -> Vec<Digest> {
    let mut hashers = vec![Hasher::new("ultrare shard rows 1"); assignment.shards as usize];
    for (shard, hasher) in hashers.iter_mut().enumerate() {
        hasher.u32(shard as u32);
    }
    let data = dataset.rows();
    for (row, &shard) in data.rows().iter().zip(&assignment.shard_of_row) {
        if let Some(hasher) = hashers.get_mut(usize::from(shard)) {
            hasher.str(data.users().get(row.user)).str(data.items().get(row.item)).f32(row.value);
            hasher.u32(row.fate as u32);
        }
    }
    hashers.iter().map(Hasher::finish).collect()
}

impl Shard {
    /// The shard's rows in local numbers, and how many shards there are: all that a sub-model ever sees.
    pub fn rows(&self, dataset: &Dataset, assignment: &Assignment, shard: u32) -> ShardRows {
        let data = dataset.rows();
        let mut local = vec![0u32; data.items().len()];
        for (index, &item) in self.items.iter().enumerate() {
            local[item as usize] = index as u32;
        }
        let n_rows = self.n_rows as usize;
        let mut rows = ShardRows {
            n_users: self.users.len() as u32,
            n_items: self.items.len() as u32,
            starts: Vec::with_capacity(self.users.len() + 1),
            items: Vec::with_capacity(n_rows),
            values: Vec::with_capacity(n_rows),
            validation: Vec::with_capacity(n_rows),
            shards: assignment.shards,
        };
        rows.starts.push(0);
        for &user in &self.users {
            for index in data.range_of(user) {
                if assignment.of_row(index) == Some(shard) {
                    let row = &data.rows()[index];
                    rows.items.push(local[row.item as usize]);
                    rows.values.push(row.value);
                    rows.validation.push(row.fate == Fate::Validation);
                }
            }
            rows.starts.push(rows.items.len() as u32);
        }
        rows
    }

    /// Digest of a sub-model: its shard's number, the ids it was trained on in order, and its weights.
    pub fn digest(&self, dataset: &Dataset, shard: u32, weights: &[u8]) -> Digest {
        let mut hasher = Hasher::new("ultrare sub-model 1");
        hasher.u32(shard).u32(self.users.len() as u32).u32(self.items.len() as u32);
        for &user in &self.users {
            hasher.str(dataset.rows().users().get(user));
        }
        for &item in &self.items {
            hasher.str(dataset.rows().items().get(item));
        }
        hasher.bytes(weights).finish()
    }
}
