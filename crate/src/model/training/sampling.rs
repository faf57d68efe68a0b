//! Training pairs in a fresh order every epoch, and items that a user does not have.

use rand::Rng;

use crate::numerics::random::{below, shuffle};
use crate::numerics::sparse::Csr;

/// Users x items bits beyond which membership is looked up in the sorted rows instead: 32 MB of bits.
const MAX_BITS: u64 = 1 << 28;

/// Tries before the draw is made among the missing items directly.
const TRIES: u32 = 32;

/// Negatives are rejected against these rows and no others: the shard's own.
#[derive(Clone, Debug)]
pub(in crate::model) struct Sampler {
    rows: Csr,
    n_items: u32,
    /// One bit per user and item, rows of whole words; empty where that were too many.
    bits: Vec<u64>,
    words: usize,
    /// (user, item) of every row, in the order of the epoch.
    pub pairs: Vec<(u32, u32)>,
}

impl Sampler {
    pub(in crate::model) fn new(rows: Csr, n_items: u32) -> Self {
        let words = (n_items as usize).div_ceil(64);
        let small = rows.len() as u64 * words as u64 * 64 <= MAX_BITS;
        let mut bits = vec![0u64; if small { rows.len() * words } else { 0 }];
        let mut pairs = Vec::with_capacity(rows.columns.len());
        for user in 0..rows.len() {
            for &item in rows.row(user) {
                if small {
                    bits[user * words + item as usize / 64] |= 1 << (item % 64);
                }
                pairs.push((user as u32, item));
            }
        }
        Sampler { rows, n_items, bits, words, pairs }
    }

    /// Puts the pairs into another order.
    pub(in crate::model) fn shuffle(&mut self, rng: &mut impl Rng) {
        shuffle(rng, &mut self.pairs);
    }

    /// Does the user have the item?
    #[inline]
    pub(in crate::model) fn has(&self, user: u32, item: u32) -> bool {
        if self.bits.is_empty() {
            self.rows.row(user as usize).binary_search(&item).is_ok()
        } else {
            self.bits[user as usize * self.words + item as usize / 64] >> (item % 64) & 1 == 1
        }
    }

    /// A uniform draw among the items that the user does not have; `None` if there is none.
    #[inline]
    pub(in crate::model) fn negative(&self, rng: &mut impl Rng, user: u32) -> Option<u32> {
        for _ in 0..TRIES {
            let item = below(rng, self.n_items);
            if !self.has(user, item) {
                return Some(item);
            }
        }
        let row = self.rows.row(user as usize);
        let missing = self.n_items - row.len() as u32;
        if missing == 0 {
            return None;
        }
        // The item at that place among the missing ones: as many more as row items stand before it.
        let mut item = below(rng, missing);
        for &there in row {
            if there > item {
                break;
            }
            item += 1;
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;
    use crate::numerics::random::{Purpose, StreamKey};

    #[test]
    fn negatives_are_uniform_over_what_the_user_lacks_in_both_forms() {
        let rows = planted(8, 70, 2, 9).csr(|_| true);
        for lookup in [false, true] {
            let mut sampler = Sampler::new(rows.clone(), 70);
            if lookup {
                sampler.bits.clear();
            }
            let mut rng = StreamKey::new(1, Purpose::Negatives, 0, 0).fast();
            let mut counts = [0u32; 70];
            for _ in 0..7000 {
                counts[sampler.negative(&mut rng, 3).unwrap() as usize] += 1;
            }
            let missing = 70 - rows.row(3).len();
            for item in 0..70u32 {
                let there = rows.row(3).contains(&item);
                let expected = if there { 0 } else { 7000 / missing as u32 };
                assert!(
                    counts[item as usize].abs_diff(expected) <= expected / 2,
                    "{item}: {} {expected}",
                    counts[item as usize]
                );
            }
        }
    }

    #[test]
    fn users_with_nearly_everything_still_get_one_and_users_with_everything_none() {
        let all_but = |missing: &[u32]| (0..500).filter(|item| !missing.contains(item)).collect::<Vec<u32>>();
        let lists = [all_but(&[0]), all_but(&[499]), all_but(&[7, 250]), all_but(&[])];
        let mut rows = Csr { starts: vec![0], columns: Vec::new() };
        for list in &lists {
            rows.columns.extend(list);
            rows.starts.push(rows.columns.len() as u32);
        }
        let sampler = Sampler::new(rows, 500);
        let mut rng = StreamKey::new(1, Purpose::Negatives, 0, 0).fast();
        for _ in 0..50 {
            assert_eq!(sampler.negative(&mut rng, 0), Some(0));
            assert_eq!(sampler.negative(&mut rng, 1), Some(499));
            assert!(matches!(sampler.negative(&mut rng, 2), Some(7 | 250)));
            assert_eq!(sampler.negative(&mut rng, 3), None);
        }
    }
}
