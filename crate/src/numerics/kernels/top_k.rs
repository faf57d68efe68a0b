//! The best K of many scores, ties to the lower index.

use super::{LANES, Packed, wide};

/// Collects the K highest scores one user gets. Use again after [`TopK::take`].
///
/// Candidates above the bar are gathered; when twice K are there, the lower half goes and the bar rises. A score and its
/// index are one integer, so ties need no second comparison.
#[derive(Clone, Debug)]
pub struct TopK {
    keys: Vec<u64>,
    k: usize,
    bar: u64,
}

/// Orders like the score, then by descending index.
#[inline]
fn key(score: f32, index: u32) -> u64 {
    let bits = (score + 0.0).to_bits(); // + 0 turns -0 into 0
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(!index)
}

impl TopK {
    /// For the best `k`.
    pub fn new(k: usize) -> Self {
        TopK { keys: Vec::with_capacity(2 * k.max(1)), k, bar: 0 }
    }

    /// Offers a score. NaN is refused (never ranked).
    #[inline]
    pub fn offer(&mut self, score: f32, index: u32) {
        let key = key(score, index);
        if key > self.bar && !score.is_nan() && self.k > 0 {
            self.keys.push(key);
            if self.keys.len() == 2 * self.k {
                self.keys.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
                self.keys.truncate(self.k);
                self.bar = self.keys[self.k - 1];
            }
        }
    }

    /// The lowest score that can still get in (an equal one may, by its index).
    #[inline]
    pub fn threshold(&self) -> f32 {
        let ordered = (self.bar >> 32) as u32;
        if self.bar == 0 {
            f32::NEG_INFINITY
        } else if ordered >> 31 == 1 {
            f32::from_bits(ordered & !(1 << 31))
        } else {
            f32::from_bits(!ordered)
        }
    }

    /// The indices, best first; the collector is empty again.
    pub fn take(&mut self, out: &mut Vec<u32>) {
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        out.clear();
        out.extend(self.keys.iter().take(self.k).map(|&key| !(key as u32)));
        self.keys.clear();
        self.bar = 0;
    }
}

/// The best `k` columns of `users * items'` for every user, without the columns in `masked` (per user, ascending), best
/// first: scores are consumed as they are computed and never stored. `users` is row-major, `items.depth()` values each.
/// The same scores as [`Packed::multiply`], bit for bit.
pub fn top_k<'a>(
    users: &[f32],
    items: &Packed,
    k: usize,
    masked: impl Fn(usize) -> &'a [u32],
    each: impl FnMut(usize, &[u32]),
) {
    wide(
        #[inline(always)]
        || top_k_here(users, items, k, masked, each),
    );
}

#[inline(always)]
fn top_k_here<'a>(
    users: &[f32],
    items: &Packed,
    k: usize,
    masked: impl Fn(usize) -> &'a [u32],
    mut each: impl FnMut(usize, &[u32]),
) {
    let depth = items.depth();
    if depth == 0 {
        return;
    }
    let mut best: [TopK; 4] = std::array::from_fn(|_| TopK::new(k));
    let mut list = Vec::with_capacity(k);
    for (block, rows) in users.chunks(4 * depth).enumerate() {
        let count = rows.len() / depth;
        let quad = [0, 1, 2, 3].map(|r: usize| &rows[r.min(count - 1) * depth..][..depth]);
        let mut masks: [&[u32]; 4] = std::array::from_fn(|r| if r < count { masked(block * 4 + r) } else { &[] });
        for group in 0..items.groups() {
            let sums = items.tile(quad, group);
            let first = (group * LANES) as u32;
            let width = LANES.min(items.columns() - group * LANES) as u32;
            for r in 0..count {
                let mut hidden = 0u32;
                while let [next, rest @ ..] = masks[r]
                    && *next < first + LANES as u32
                {
                    hidden |= 1 << (next - first);
                    masks[r] = rest;
                }
                let threshold = best[r].threshold();
                let mut any = false;
                for score in sums[r] {
                    any |= score >= threshold;
                }
                if any {
                    for lane in 0..width {
                        if hidden >> lane & 1 == 0 {
                            best[r].offer(sums[r][lane as usize], first + lane);
                        }
                    }
                }
            }
        }
        for (r, best) in best.iter_mut().enumerate().take(count) {
            best.take(&mut list);
            each(block * 4 + r, &list);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::matrix::Matrix;

    proptest! {
        #[test]
        fn equals_sorting_everything(
            n in 1usize..60, users in 1usize..7, k in 0usize..20, salt in 0usize..100, masked in proptest::collection::btree_set(0u32..60, 0..30)
        ) {
            // Few distinct values, so that ties abound.
            let value = |x: usize| ((x * 37 + salt) % 5) as f32 - 2.0;
            let items = Matrix::from_vec(n, 2, (0..n * 2).map(value).collect()).unwrap();
            let rows: Vec<f32> = (0..users * 2).map(|x| value(x + 3)).collect();
            let masked: Vec<u32> = masked.into_iter().filter(|&x| x < n as u32).collect();
            let packed = Packed::rows_of(&items);
            let mut scores = vec![0.0; users * n];
            packed.multiply(&rows, &mut scores);
            let mut seen = 0;
            top_k(&rows, &packed, k, |_| &masked, |user, list| {
                let mut expected: Vec<u32> = (0..n as u32).filter(|i| masked.binary_search(i).is_err()).collect();
                let score = |i: u32| scores[user * n + i as usize];
                expected.sort_by(|&a, &b| score(b).partial_cmp(&score(a)).unwrap().then(a.cmp(&b)));
                expected.truncate(k);
                assert_eq!(list, expected);
                seen += 1;
            });
            prop_assert_eq!(seen, users);
        }
    }

    #[test]
    fn nan_is_never_ranked_and_zeros_are_equal() {
        let mut best = TopK::new(3);
        for (index, score) in [f32::NAN, 0.0, -0.0, f32::NEG_INFINITY, -1.0].into_iter().enumerate() {
            best.offer(score, index as u32);
        }
        let mut list = Vec::new();
        best.take(&mut list);
        assert_eq!(list, [1, 2, 4]);
    }
}
