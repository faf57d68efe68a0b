//! One user's ranked list against the user's test items.

use serde::{Deserialize, Serialize};

use super::EvaluateConfig;
use crate::numerics::kernels::TopK;
use crate::numerics::math;

/// The metrics per cutoff, in the order in which [`UserMetrics::values`] holds them.
pub const METRICS: [&str; 6] = ["ndcg", "recall", "hit", "precision", "mrr", "map"];

/// What one user's list was worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserMetrics {
    /// Number of test items; 0: nothing could be measured, all values are 0.
    pub test: u32,
    /// For every cutoff the values of [`METRICS`].
    pub values: Vec<f64>,
    /// The list itself, best first, at most as long as the longest cutoff.
    pub top: Vec<u32>,
}

impl UserMetrics {
    /// Of somebody who was not measured: no test item, no list.
    pub fn unmeasured(config: &EvaluateConfig) -> Self {
        UserMetrics { test: 0, values: vec![0.0; config.cutoffs.len() * METRICS.len()], top: Vec::new() }
    }

    /// One value; `cutoff` is an index into the configuration's cutoffs, `metric` one into [`METRICS`].
    pub fn get(&self, cutoff: usize, metric: usize) -> f64 {
        self.values[cutoff * METRICS.len() + metric]
    }
}

/// Ranks all items by `scores` without those in `mask` (the user's training and validation rows) and compares with `test`
/// (distinct items, any order; items beyond the catalogue cannot be found but count in the ideal).
///
/// Ties go to the lower item index; an item scored `NEG_INFINITY` or NaN is never listed. With T test items and relevance
/// r_p at rank p, each up to the cutoff C:
/// ndcg = sum r_p / log2(p + 1) over the same sum for min(T, C) hits in front; recall = hits / T; hit = 1 if any;
/// precision = hits / C; mrr = 1 / rank of the first hit; map = mean of the precisions at the hits, over min(T, C).
///
/// `scores` is scratch afterwards. O(items + longest cutoff^2) in the usual case.
pub fn evaluate_user(scores: &mut [f32], mask: &[u32], test: &[u32], config: &EvaluateConfig) -> UserMetrics {
    let top = rank(scores, mask, config.longest() as usize);
    let width = METRICS.len();
    let mut values = vec![0.0; config.cutoffs.len() * width];
    if !test.is_empty() {
        for (&cutoff, values) in config.cutoffs.iter().zip(values.chunks_exact_mut(width)) {
            measure(&top, test, cutoff as usize, values);
        }
    }
    UserMetrics { test: test.len() as u32, values, top }
}

/// The best `longest` items outside `mask`, best first, ties to the lower item. `scores` is scratch afterwards.
pub(crate) fn rank(scores: &mut [f32], mask: &[u32], longest: usize) -> Vec<u32> {
    for &item in mask {
        if let Some(score) = scores.get_mut(item as usize) {
            *score = f32::NEG_INFINITY;
        }
    }
    let mut best = TopK::new(longest);
    for (item, &score) in scores.iter().enumerate() {
        if score > f32::NEG_INFINITY && score >= best.threshold() {
            best.offer(score, item as u32);
        }
    }
    let mut list = Vec::with_capacity(longest);
    best.take(&mut list);
    list
}

fn measure(top: &[u32], test: &[u32], cutoff: usize, out: &mut [f64]) {
    let reachable = test.len().min(cutoff);
    let (mut gain, mut hits, mut first, mut precisions) = (0.0f64, 0u32, 0usize, 0.0f64);
    for (index, item) in top.iter().take(cutoff).enumerate() {
        if test.contains(item) {
            hits += 1;
            gain += discount(index);
            precisions += f64::from(hits) / (index + 1) as f64;
            if first == 0 {
                first = index + 1;
            }
        }
    }
    let ideal: f64 = (0..reachable).map(discount).sum();
    out[0] = gain / ideal;
    out[1] = f64::from(hits) / test.len() as f64;
    out[2] = if hits > 0 { 1.0 } else { 0.0 };
    out[3] = f64::from(hits) / cutoff as f64;
    out[4] = if first > 0 { 1.0 / first as f64 } else { 0.0 };
    out[5] = precisions / reachable as f64;
}

/// 1 / log2(rank + 1), for a rank counted from 0 here.
fn discount(index: usize) -> f64 {
    1.0 / math::log2(index as f64 + 2.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn config(cutoffs: &[u32]) -> EvaluateConfig {
        EvaluateConfig { cutoffs: cutoffs.to_vec(), ..EvaluateConfig::default() }
    }

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value}, not {expected}");
    }

    #[test]
    fn hand_computed_list() {
        // Ranked: 4 1 0 2 3 (5 masked); relevant 1, 2 and 77, which no catalogue holds.
        let mut scores = [0.5, 0.7, 0.4, 0.3, 0.9, 1.0];
        let result = evaluate_user(&mut scores, &[5], &[2, 1, 77], &config(&[2, 4]));
        assert_eq!(result.top, [4, 1, 0, 2]);
        assert_eq!(result.test, 3);
        let log = |x: f64| math::log2(x);
        near(result.get(0, 0), (1.0 / log(3.0)) / (1.0 + 1.0 / log(3.0)));
        near(result.get(0, 1), 1.0 / 3.0);
        near(result.get(0, 2), 1.0);
        near(result.get(0, 3), 0.5);
        near(result.get(0, 4), 0.5);
        near(result.get(0, 5), 0.5 / 2.0);
        near(result.get(1, 0), (1.0 / log(3.0) + 1.0 / log(5.0)) / (1.0 + 1.0 / log(3.0) + 1.0 / log(4.0)));
        near(result.get(1, 1), 2.0 / 3.0);
        near(result.get(1, 3), 0.5);
        near(result.get(1, 5), (0.5 + 0.5) / 3.0);
    }

    #[test]
    fn nothing_found_and_nothing_asked_are_zero() {
        let missed = evaluate_user(&mut [1.0, 2.0], &[], &[9], &config(&[1]));
        assert_eq!(missed.values, [0.0; 6]);
        let nothing = evaluate_user(&mut [1.0, 2.0], &[], &[], &config(&[1]));
        assert_eq!((nothing.test, nothing.values), (0, vec![0.0; 6]));
        assert_eq!(nothing.top, [1]);
    }

    #[test]
    fn ties_go_to_the_lower_index_and_unscorable_items_are_never_listed() {
        let mut scores = [1.0, f32::NAN, 1.0, f32::NEG_INFINITY, 2.0, 1.0];
        let result = evaluate_user(&mut scores, &[4], &[3], &config(&[5]));
        assert_eq!(result.top, [0, 2, 5]);
        let mut scores = [-0.0, 0.0, -0.0];
        assert_eq!(evaluate_user(&mut scores, &[], &[], &config(&[2])).top, [0, 1]);
    }

    /// The definitions once more, written from sets and full sorts.
    fn independent(scores: &[f32], mask: &BTreeSet<u32>, test: &BTreeSet<u32>, cutoff: usize) -> [f64; 6] {
        let mut order: Vec<u32> = (0..scores.len() as u32).filter(|item| !mask.contains(item)).collect();
        order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
        order.truncate(cutoff);
        let relevant: Vec<bool> = order.iter().map(|item| test.contains(item)).collect();
        let hits = |upto: usize| relevant[..upto].iter().filter(|&&hit| hit).count() as f64;
        let gain = |at: usize| std::f64::consts::LN_2 / math::ln(at as f64 + 1.0);
        let dcg: f64 = (1..=order.len()).filter(|rank| relevant[rank - 1]).map(gain).sum();
        let ideal: f64 = (1..=test.len().min(cutoff)).map(gain).sum();
        let average: f64 =
            (1..=order.len()).filter(|rank| relevant[rank - 1]).map(|rank| hits(rank) / rank as f64).sum();
        let found = hits(order.len());
        [
            dcg / ideal,
            found / test.len() as f64,
            f64::from(found > 0.0),
            found / cutoff as f64,
            relevant.iter().position(|&hit| hit).map_or(0.0, |index| 1.0 / (index as f64 + 1.0)),
            average / test.len().min(cutoff) as f64,
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_implementation(
            scores in proptest::collection::vec(0u8..9, 1..80),
            mask in proptest::collection::btree_set(0u32..80, 0..30),
            test in proptest::collection::btree_set(0u32..100, 1..30),
        ) {
            // Few distinct scores, so that ties abound.
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let test: BTreeSet<u32> = test.difference(&mask).copied().collect();
            prop_assume!(!test.is_empty());
            let cutoffs = [1, 3, 10, 60];
            let (mask_list, test_list): (Vec<u32>, Vec<u32>) = (mask.iter().copied().collect(), test.iter().copied().collect());
            let result = evaluate_user(&mut scores.clone(), &mask_list, &test_list, &config(&cutoffs));
            for (index, &cutoff) in cutoffs.iter().enumerate() {
                let expected = independent(&scores, &mask, &test, cutoff as usize);
                for (metric, expected) in expected.iter().enumerate() {
                    let value = result.get(index, metric);
                    prop_assert!((value - expected).abs() < 1e-12, "{} @{cutoff}: {value}, not {expected}", METRICS[metric]);
                }
            }
        }
    }
}
