//! How alike two ranked lists are, without asking which is right.

use serde::{Deserialize, Serialize};

use super::report::intervals;
use super::{EvaluateConfig, EvaluateError, Group, Interval, UserMetrics};
use crate::numerics::random::{Purpose, StreamKey};

/// Share of the first `cutoff` places that hold items of both lists, whatever their order; 1 for two empty lists.
pub fn overlap(a: &[u32], b: &[u32], cutoff: usize) -> f64 {
    let (a, b) = (&a[..a.len().min(cutoff)], &b[..b.len().min(cutoff)]);
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 1.0;
    }
    a.iter().filter(|item| b.contains(item)).count() as f64 / longer as f64
}

/// Rank-biased overlap of two lists without repetitions, extrapolated to infinite depth: 1 for equal lists, 0 for lists
/// that share nothing; `persistence` in (0, 1) is the weight of depth (0.9: the first ten places carry 86%).
///
/// Source: Webber, Moffat and Zobel 2010, equation 32, which covers lists of different length.
pub fn rank_biased_overlap(a: &[u32], b: &[u32], persistence: f64) -> f64 {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let (s, l) = (short.len(), long.len());
    if l == 0 {
        return 1.0;
    }
    if s == 0 {
        return 0.0;
    }
    let p = persistence;
    let mut agreed = vec![0u32; l + 1];
    for depth in 1..=l {
        let item = long[depth - 1];
        let mut more = u32::from(short[..depth.min(s)].contains(&item));
        if depth <= s && short[depth - 1] != item {
            more += u32::from(long[..depth].contains(&short[depth - 1]));
        }
        agreed[depth] = agreed[depth - 1] + more;
    }
    let (at_short, at_long) = (f64::from(agreed[s]), f64::from(agreed[l]));
    let (mut sum, mut power) = (0.0, 1.0);
    for (depth, &agreed) in agreed.iter().enumerate().skip(1) {
        power *= p;
        let d = depth as f64;
        sum += f64::from(agreed) / d * power;
        if depth > s {
            // What the short list would have agreed on, had it gone on as it was.
            sum += at_short * (d - s as f64) / (s as f64 * d) * power;
        }
    }
    (1.0 - p) / p * sum + ((at_long - at_short) / l as f64 + at_short / s as f64) * power
}

/// Two evaluations of the same users against each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ListSimilarity {
    /// Length of the lists that are compared.
    pub cutoff: u32,
    /// [`overlap`], mean over all users who were measured.
    pub overlap: Interval,
    /// [`rank_biased_overlap`] with persistence 0.9, mean over the same users.
    pub rank_biased: Interval,
    /// Users whose lists differ in any place.
    pub changed: u32,
    /// Users compared.
    pub users: u32,
}

/// Compares the lists two models gave to the same users, such as unlearned and retrained. Interval as in
/// [`report`](super::report).
///
/// Errors: different numbers of users.
pub fn compare_lists(
    a: &[UserMetrics],
    b: &[UserMetrics],
    cutoff: u32,
    config: &EvaluateConfig,
    seed: u64,
) -> Result<ListSimilarity, EvaluateError> {
    config.check()?;
    same_users(a, b)?;
    let first = |list: &UserMetrics| list.top[..list.top.len().min(cutoff as usize)].to_vec();
    let mut rows = Vec::with_capacity(2 * a.len());
    let mut changed = 0;
    // Whoever was shown nothing by either was not asked.
    for (a, b) in a.iter().zip(b).filter(|(a, b)| !(a.top.is_empty() && b.top.is_empty())) {
        let (a, b) = (first(a), first(b));
        changed += u32::from(a != b);
        rows.extend([overlap(&a, &b, cutoff as usize), rank_biased_overlap(&a, &b, 0.9)]);
    }
    let found = intervals(&rows, 2, config, StreamKey::new(seed, Purpose::Bootstrap, 1, 0));
    let at = |index: usize| found.get(index).copied().unwrap_or_default();
    let users = (rows.len() / 2) as u32;
    Ok(ListSimilarity { cutoff, overlap: at(0), rank_biased: at(1), changed, users })
}

/// Whose lists moved, and how far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct MovedLists {
    /// As in [`Group::name`]: `touched` are the people of a shard that was trained again, `untouched` all others, whose lists can
    /// only move by the combiner.
    pub name: String,
    /// People of the group who were measured on both sides.
    pub users: u32,
    /// Those of them whose lists differ in any place.
    pub changed: u32,
    /// Mean of [`overlap`] over the group; 1 for nobody.
    pub overlap: f64,
    /// Mean of [`overlap`] over those whose lists changed; 1 where none did.
    pub overlap_changed: f64,
}

/// The lists of two evaluations of the same users side by side, group by group.
///
/// Errors: different numbers of users.
pub fn moved_lists(
    a: &[UserMetrics],
    b: &[UserMetrics],
    groups: &[Group],
    cutoff: u32,
) -> Result<Vec<MovedLists>, EvaluateError> {
    same_users(a, b)?;
    let of = |group: &Group| {
        let (mut users, mut changed, mut sum, mut sum_changed) = (0u32, 0u32, 0.0, 0.0);
        for (a, b) in group.users.iter().filter_map(|&user| a.get(user as usize).zip(b.get(user as usize))) {
            if a.top.is_empty() && b.top.is_empty() {
                continue;
            }
            let [a, b] = [a, b].map(|list| &list.top[..list.top.len().min(cutoff as usize)]);
            let shared = overlap(a, b, cutoff as usize);
            (users, sum) = (users + 1, sum + shared);
            if a != b {
                (changed, sum_changed) = (changed + 1, sum_changed + shared);
            }
        }
        let mean = |sum: f64, count: u32| if count > 0 { sum / f64::from(count) } else { 1.0 };
        let name = group.name.clone();
        MovedLists { name, users, changed, overlap: mean(sum, users), overlap_changed: mean(sum_changed, changed) }
    };
    Ok(groups.iter().map(of).collect())
}

pub(super) fn same_users(a: &[UserMetrics], b: &[UserMetrics]) -> Result<(), EvaluateError> {
    if a.len() != b.len() {
        let reason = format!("one side has {} users and the other {}", a.len(), b.len());
        return Err(EvaluateError::Mixed { reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_that_moved_are_told_by_group() {
        let list = |top: &[u32]| UserMetrics { test: 1, values: vec![], top: top.to_vec() };
        let a = [list(&[1, 2]), list(&[3, 4]), list(&[]), list(&[5, 6])];
        let b = [list(&[1, 9]), list(&[3, 4]), list(&[]), list(&[6, 5])];
        let group = |name: &str, users: &[u32]| Group { name: name.to_owned(), users: users.to_vec() };
        let groups = [group("touched", &[0, 2, 3]), group("untouched", &[1]), group("nobody", &[2])];
        let found = moved_lists(&a, &b, &groups, 2).unwrap();
        let said = |at: usize| (found[at].users, found[at].changed, found[at].overlap, found[at].overlap_changed);
        assert_eq!(said(0), (2, 2, 0.75, 0.75));
        assert_eq!(said(1), (1, 0, 1.0, 1.0));
        assert_eq!(said(2), (0, 0, 1.0, 1.0));
        assert_eq!(moved_lists(&a, &b[1..], &groups, 2).unwrap_err().code(), "evaluate.mixed");
    }

    #[test]
    fn overlap_of_hand_counted_lists() {
        assert_eq!(overlap(&[1, 2, 3, 4], &[4, 9, 1, 7], 4), 0.5);
        assert_eq!(overlap(&[1, 2, 3, 4], &[4, 9, 1, 7], 2), 0.0);
        assert_eq!(overlap(&[1, 2], &[2], 4), 0.5);
        assert_eq!(overlap(&[], &[], 4), 1.0);
    }

    #[test]
    fn rank_biased_overlap_of_worked_examples() {
        let near = |a: &[u32], b: &[u32], p: f64, expected: f64| {
            let value = rank_biased_overlap(a, b, p);
            assert!((value - expected).abs() < 1e-12, "{a:?} {b:?}: {value}, not {expected}");
            assert!((rank_biased_overlap(b, a, p) - value).abs() < 1e-15, "symmetric");
        };
        near(&[1, 2, 3], &[1, 2, 3], 0.9, 1.0);
        near(&[1, 2, 3], &[4, 5, 6], 0.9, 0.0);
        // Agreement 0 at depth 1, 1 at depth 2: (1-p)/p * p^2 * 1 + p^2 * 1 = p.
        near(&[1, 2], &[2, 1], 0.5, 0.5);
        // Agreements 1, 1/2: (1-p)/p (p + p^2 / 2) + p^2 / 2.
        near(&[1, 2], &[1, 3], 0.9, 0.1 + 0.1 * 0.45 + 0.405);
        // The short list [1] is taken to go on agreeing: everything at depth 2 is 1/2 * 1 + extrapolated 1/2.
        near(&[1], &[1, 2], 0.9, 1.0);
        near(&[], &[1], 0.9, 0.0);
    }

    proptest! {
        #[test]
        fn values_stay_between_0_and_1_and_equal_lists_give_1(
            a in proptest::collection::hash_set(0u32..30, 1..20), b in proptest::collection::hash_set(0u32..30, 1..20), p in 0.1f64..0.99
        ) {
            let (a, b): (Vec<u32>, Vec<u32>) = (a.into_iter().collect(), b.into_iter().collect());
            let value = rank_biased_overlap(&a, &b, p);
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{value}");
            prop_assert!((rank_biased_overlap(&a, &a, p) - 1.0).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&overlap(&a, &b, 10)));
        }
    }

    #[test]
    fn users_whose_lists_changed_are_counted() {
        let list = |top: &[u32]| UserMetrics { test: 0, values: vec![], top: top.to_vec() };
        let config = EvaluateConfig { bootstrap: 20, ..EvaluateConfig::default() };
        let (a, b) = ([list(&[1, 2]), list(&[3, 4])], [list(&[1, 2]), list(&[4, 3])]);
        let found = compare_lists(&a, &b, 2, &config, 1).unwrap();
        assert_eq!((found.changed, found.users, found.overlap.mean), (1, 2, 1.0));
        assert!(found.rank_biased.mean < 1.0);
        assert_eq!(compare_lists(&a, &b[..1], 2, &config, 1).unwrap_err().code(), "evaluate.mixed");
    }
}
