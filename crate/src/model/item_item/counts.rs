//! How often two items occur with the same user: integers, so that forgetting is subtraction and leaves no trace.

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::numerics::sparse::Csr;

/// Items beyond which a square matrix of them is refused: 8192 items are 256 MB of counts.
pub const MAX_ITEMS: u32 = 8192;

/// Co-occurrence counts, the upper triangle with the diagonal: entry (i, i) is how many users have item i.
///
/// After [`ItemCounts::subtract`] of a user's items the counts are those of rows that never held the user, bit for bit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCounts {
    n_items: u32,
    counts: Vec<u32>,
}

impl ItemCounts {
    /// No user yet. Errors: more items than [`MAX_ITEMS`].
    pub fn new(n_items: u32) -> Result<Self, ModelError> {
        if n_items > MAX_ITEMS {
            return Err(ModelError::Parameter {
                name: "rows",
                expected: "at most 8192 items for item-item models (filter rare items, or take wmf)",
                value: format!("{n_items} items"),
            });
        }
        Ok(ItemCounts { n_items, counts: vec![0; n_items as usize * (n_items as usize + 1) / 2] })
    }

    /// Of all users. sum of n_u^2 / 2 additions.
    pub fn of(rows: &Csr, n_items: u32) -> Result<Self, ModelError> {
        let mut counts = ItemCounts::new(n_items)?;
        for user in 0..rows.len() {
            counts.add(rows.row(user));
        }
        Ok(counts)
    }

    /// Number of items.
    pub fn n_items(&self) -> u32 {
        self.n_items
    }

    /// Users with both items.
    pub fn get(&self, a: u32, b: u32) -> u32 {
        self.counts[self.start(a.min(b)) + a.max(b) as usize]
    }

    /// Where row `item` would begin if it had the entries before its diagonal.
    fn start(&self, item: u32) -> usize {
        let (n, item) = (self.n_items as usize, item as usize);
        // Rows before hold n, n - 1, ... entries; this row's first is the diagonal.
        item * n - item * (item + 1) / 2
    }

    /// A user with these items (ascending) is there.
    pub fn add(&mut self, items: &[u32]) {
        self.change(items, |count| count.wrapping_add(1));
    }

    /// A user with these items (ascending) is gone. The user must have been added with exactly these.
    pub fn subtract(&mut self, items: &[u32]) {
        self.change(items, |count| count.wrapping_sub(1));
    }

    fn change(&mut self, items: &[u32], next: impl Fn(u32) -> u32) {
        for (index, &item) in items.iter().enumerate() {
            let start = self.start(item);
            for &other in &items[index..] {
                let count = &mut self.counts[start + other as usize];
                *count = next(*count);
            }
        }
    }

    /// Without the items that no user has any more, and which items those kept were: what a shard's own catalogue looks
    /// like after forgetting.
    pub fn compact(&self) -> (ItemCounts, Vec<u32>) {
        let kept: Vec<u32> = (0..self.n_items).filter(|&item| self.get(item, item) > 0).collect();
        let mut counts = Vec::with_capacity(kept.len() * (kept.len() + 1) / 2);
        for (index, &item) in kept.iter().enumerate() {
            counts.extend(kept[index..].iter().map(|&other| self.get(item, other)));
        }
        (ItemCounts { n_items: kept.len() as u32, counts }, kept)
    }

    /// Do the sizes hold together?
    pub(super) fn is_sound(&self) -> bool {
        let n = u64::from(self.n_items);
        self.n_items <= MAX_ITEMS && n * (n + 1) / 2 == self.counts.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn forgetting_equals_never_having_had(
            users in proptest::collection::vec(proptest::collection::btree_set(0u32..12, 0..9), 1..12),
            forget in proptest::collection::vec(any::<bool>(), 12),
        ) {
            let lists: Vec<Vec<u32>> = users.into_iter().map(|set| set.into_iter().collect()).collect();
            let mut counts = ItemCounts::new(12).unwrap();
            lists.iter().for_each(|items| counts.add(items));
            let mut twin = ItemCounts::new(12).unwrap();
            for (items, gone) in lists.iter().zip(&forget) {
                if *gone { counts.subtract(items) } else { twin.add(items) }
            }
            prop_assert_eq!(&counts, &twin);
            for a in 0..12u32 {
                for b in 0..12 {
                    let both = lists.iter().zip(&forget).filter(|(x, gone)| !**gone && x.contains(&a) && x.contains(&b));
                    prop_assert_eq!(counts.get(a, b), both.count() as u32);
                }
            }
            let (small, kept) = counts.compact();
            prop_assert!(small.is_sound());
            for (i, &a) in kept.iter().enumerate() {
                for (j, &b) in kept.iter().enumerate() {
                    prop_assert_eq!(small.get(i as u32, j as u32), counts.get(a, b));
                }
            }
        }
    }

    #[test]
    fn too_many_items_are_refused_with_a_way_out() {
        let error = ItemCounts::new(MAX_ITEMS + 1).unwrap_err();
        assert!(error.to_string().contains("8193 items"), "{error}");
    }
}
