//! Membership inference: can somebody who sees scores tell deleted users from users who were never in?
//!
//! For a deleted user the attacker compares the scores of the user's deleted items with those of random items the user
//! never touched, matched in popularity so that popularity alone gives nothing away. The gap, in units of the spread of
//! the user's scores, is the statistic; its AUC between deleted users and never-members says how well it tells them apart.
//! The yardstick is the twin's AUC, not 0.5: people resemble people, and an exact retrain can stand above 0.5.

use serde::{Deserialize, Serialize};

use super::Interval;
use crate::numerics::random::{Purpose, StreamKey, below};

/// The likelihood-ratio-like gap for one person: mean score of `items` minus mean score of as many matched items, over the
/// standard deviation of all finite scores.
///
/// `items`: the deleted (or, for a never-member, held) items, ascending; `popularity`: training rows per item; `rounds`
/// matched items are drawn for each item among the 40 nearest in popularity that the person does not hold.
/// `None` where nothing can be compared: no item with a finite score, or scores without spread.
pub fn membership_gap(
    scores: &[f32],
    items: &[u32],
    popularity: &[u32],
    rounds: u32,
    seed: u64,
    user: u32,
) -> Option<f64> {
    let by_popularity = popularity_order(popularity);
    gap(scores, items, &by_popularity, rounds, StreamKey::new(seed, Purpose::Audit, user, 0))
}

/// Items in ascending popularity (ties by index) and each item's place in it: computed once for many people.
pub fn popularity_order(popularity: &[u32]) -> PopularityOrder {
    let mut order: Vec<u32> = (0..popularity.len() as u32).collect();
    tiny_sort::stable::sort_by_key(&mut order, |&item| (popularity[item as usize], item));
    let mut place = vec![0u32; order.len()];
    for (at, &item) in order.iter().enumerate() {
        place[item as usize] = at as u32;
    }
    PopularityOrder { order, place }
}

/// See [`popularity_order`].
#[derive(Clone, Debug)]
pub struct PopularityOrder {
    order: Vec<u32>,
    place: Vec<u32>,
}

/// [`membership_gap`] with the order at hand and an explicit stream.
pub fn gap(scores: &[f32], items: &[u32], order: &PopularityOrder, rounds: u32, key: StreamKey) -> Option<f64> {
    const NEAR: i64 = 20;
    let finite = |item: u32| scores.get(item as usize).copied().filter(|score| score.is_finite()).map(f64::from);
    let (mut n, mut sum, mut squares) = (0u32, 0.0, 0.0);
    for score in scores.iter().filter(|score| score.is_finite()).map(|&score| f64::from(score)) {
        n += 1;
        sum += score;
        squares += score * score;
    }
    let mean = sum / f64::from(n.max(1));
    let deviation = (squares / f64::from(n.max(1)) - mean * mean).max(0.0).sqrt();
    if n == 0 || deviation <= 0.0 {
        return None;
    }
    let mut rng = key.fast();
    let (mut total, mut compared) = (0.0, 0u32);
    for &item in items {
        let Some(score) = finite(item) else { continue };
        let Some(&place) = order.place.get(item as usize) else { continue };
        for _ in 0..rounds {
            // A handful of tries: a window may hold hardly anything but the person's own items.
            for _ in 0..8 {
                let step = i64::from(below(&mut rng, 2 * NEAR as u32 + 1)) - NEAR;
                let Some(&other) = usize::try_from(i64::from(place) + step).ok().and_then(|at| order.order.get(at))
                else {
                    continue;
                };
                if let (true, Some(matched)) = (items.binary_search(&other).is_err(), finite(other)) {
                    total += score - matched;
                    compared += 1;
                    break;
                }
            }
        }
    }
    (compared > 0).then(|| total / f64::from(compared) / deviation)
}

/// An attack's result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Membership {
    /// Chance that a deleted user's statistic is above a never-member's, ties counted half; 0.5: no information. The
    /// interval resamples both groups.
    pub auc: Interval,
    /// Deleted users compared.
    pub deleted: u32,
    /// Never-members compared.
    pub outsiders: u32,
}

/// The AUC between two groups' statistics with its bootstrap interval; `None` if a group is empty.
/// O((n + m) log(n + m)) once and O(n + m) per resample.
pub fn membership(
    deleted: &[f64],
    outsiders: &[f64],
    resamples: u32,
    confidence: f32,
    seed: u64,
) -> Option<Membership> {
    if deleted.is_empty() || outsiders.is_empty() {
        return None;
    }
    let ranks = ranks(deleted, outsiders);
    let all = |group: &[f64]| (0..group.len()).collect::<Vec<usize>>();
    let mean = ranks.auc(&all(deleted), &all(outsiders));
    let mut rng = StreamKey::new(seed, Purpose::Bootstrap, 2, 0).fast();
    let mut sample = |len: usize| -> Vec<usize> { (0..len).map(|_| below(&mut rng, len as u32) as usize).collect() };
    let mut found: Vec<f64> = (0..resamples)
        .map(|_| {
            let (inside, outside) = (sample(deleted.len()), sample(outsiders.len()));
            ranks.auc(&inside, &outside)
        })
        .collect();
    tiny_sort::unstable::sort_by(&mut found, f64::total_cmp);
    let auc = super::report::percentile(mean, &found, confidence);
    Some(Membership { auc, deleted: deleted.len() as u32, outsiders: outsiders.len() as u32 })
}

/// Both groups' statistics by their place among all distinct values; every resample then only counts.
pub(super) struct Ranks {
    inside: Vec<usize>,
    outside: Vec<usize>,
    distinct: usize,
}

pub(super) fn ranks(deleted: &[f64], outsiders: &[f64]) -> Ranks {
    let mut values: Vec<f64> = deleted.iter().chain(outsiders).copied().collect();
    tiny_sort::unstable::sort_by(&mut values, f64::total_cmp);
    values.dedup();
    let place = |value: &f64| values.partition_point(|other| other.total_cmp(value).is_lt());
    let (inside, outside) = (deleted.iter().map(place).collect(), outsiders.iter().map(place).collect());
    Ranks { inside, outside, distinct: values.len() }
}

impl Ranks {
    /// Of the people drawn from either group, by number.
    pub(super) fn auc(&self, inside: &[usize], outside: &[usize]) -> f64 {
        let mut counts = vec![(0u64, 0u64); self.distinct];
        inside.iter().for_each(|&person| counts[self.inside[person]].0 += 1);
        outside.iter().for_each(|&person| counts[self.outside[person]].1 += 1);
        // Twice the number of won pairs, so that ties stay whole.
        let (mut below, mut won) = (0u64, 0u64);
        for (inside, outside) in counts {
            won += inside * (2 * below + outside);
            below += outside;
        }
        won as f64 / (2.0 * inside.len() as f64 * outside.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::random::normal;

    proptest! {
        #[test]
        fn auc_is_the_share_of_won_pairs(
            a in proptest::collection::vec(0i8..6, 1..30), b in proptest::collection::vec(0i8..6, 1..30)
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
            let mut won = 0.0;
            for x in &a {
                for y in &b {
                    won += if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 };
                }
            }
            let found = membership(&a, &b, 10, 0.9, 1).unwrap();
            prop_assert!((found.auc.mean - won / (a.len() * b.len()) as f64).abs() < 1e-12);
            prop_assert!(found.auc.low <= found.auc.high);
        }
    }

    #[test]
    fn separated_groups_are_told_apart_and_equal_ones_are_not() {
        let mut rng = StreamKey::new(1, Purpose::Synthetic, 0, 0).stream();
        let mut draw = |shift: f64| (0..200).map(|_| normal(&mut rng) + shift).collect::<Vec<f64>>();
        let far = membership(&draw(3.0), &draw(0.0), 200, 0.95, 1).unwrap();
        assert!(far.auc.low > 0.95, "{far:?}");
        let near = membership(&draw(0.0), &draw(0.0), 200, 0.95, 1).unwrap();
        assert!(near.auc.low < 0.5 && near.auc.high > 0.5, "{near:?}");
        assert!(membership(&[], &[1.0], 10, 0.95, 1).is_none());
    }

    #[test]
    fn the_gap_sees_raised_scores_and_not_popularity() {
        let popularity: Vec<u32> = (0..300).collect();
        let items: Vec<u32> = (0..300).step_by(10).collect();
        // Scores grow with popularity only.
        let plain: Vec<f32> = (0..300).map(|x| x as f32).collect();
        let flat = membership_gap(&plain, &items, &popularity, 20, 1, 7).unwrap();
        assert!(flat.abs() < 0.05, "{flat}");
        let mut raised = plain;
        items.iter().for_each(|&item| raised[item as usize] += 87.0);
        let high = membership_gap(&raised, &items, &popularity, 20, 1, 7).unwrap();
        assert!((high - 1.0).abs() < 0.1, "{high}");
        assert_eq!(membership_gap(&[f32::NEG_INFINITY; 300], &items, &popularity, 5, 1, 7), None);
        assert_eq!(membership_gap(&[1.0; 300], &items, &popularity, 5, 1, 7), None);
        assert_eq!(membership_gap(&raised, &[], &popularity, 5, 1, 7), None);
    }
}
