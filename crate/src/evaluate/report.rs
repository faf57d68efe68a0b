//! From per-user results to means with intervals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EvaluateConfig, EvaluateError, Group, METRICS, UserMetrics};
use crate::numerics::random::{Purpose, StreamKey, below};

/// A mean over users and the percentile interval of its bootstrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Interval {
    /// Over users.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// An evaluation, as it is shown and kept in receipts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Report {
    /// `ndcg@20`, `recall@20`, `hit@20`, `precision@20`, `mrr@20`, `map@20` and so on for every cutoff.
    pub metrics: BTreeMap<String, Interval>,
    /// `coverage@20`, ...: share of the catalogue that stands in somebody's list.
    pub coverage: BTreeMap<String, f64>,
    /// Users measured: those with a test item.
    pub users: u32,
    /// Users left out for want of a test item. Their lists still count in the coverage.
    pub users_without_test: u32,
    /// The same per group.
    pub groups: Vec<GroupReport>,
}

/// One group's part of a [`Report`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct GroupReport {
    /// As in [`Group::name`].
    pub name: String,
    /// Users of the group with a test item.
    pub users: u32,
    /// NDCG and recall at every cutoff; empty for a group without such users.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Interval>"))]
    pub metrics: BTreeMap<String, Interval>,
}

/// Columns of [`UserMetrics::values`] that are looked at per group and between models, with their names: NDCG and recall at
/// every cutoff. A bootstrap costs by the column.
pub(super) fn headline(config: &EvaluateConfig) -> (Vec<usize>, Vec<String>) {
    let columns: Vec<usize> =
        (0..config.cutoffs.len()).flat_map(|cutoff| [0, 1].map(|m| cutoff * METRICS.len() + m)).collect();
    let names = metric_names(config);
    let chosen = columns.iter().map(|&column| names[column].clone()).collect();
    (columns, chosen)
}

/// Means and bootstrap intervals over all users and over each group. `n_items` is the size of the catalogue.
///
/// The bootstrap draws users with replacement, the same draws for every metric, keyed by the seed and the group's place
/// (`Purpose::Bootstrap`), so two evaluations of the same users are resampled alike. O(resamples * users).
///
/// Errors: settings out of range, or results measured with other cutoffs.
pub fn report(
    per_user: &[UserMetrics],
    groups: &[Group],
    n_items: u32,
    config: &EvaluateConfig,
    seed: u64,
) -> Result<Report, EvaluateError> {
    config.check()?;
    let width = config.cutoffs.len() * METRICS.len();
    if let Some((user, result)) = per_user.iter().enumerate().find(|(_, result)| result.values.len() != width) {
        let reason = format!("user {user} has {} values and the cutoffs ask for {width}", result.values.len());
        return Err(EvaluateError::Mixed { reason });
    }
    let rows: Vec<f64> =
        per_user.iter().filter(|result| result.test > 0).flat_map(|result| result.values.iter().copied()).collect();
    let users = (rows.len() / width) as u32;
    let found = intervals(&rows, width, config, StreamKey::new(seed, Purpose::Bootstrap, 0, 0));
    let (columns, names) = headline(config);
    let groups = groups
        .iter()
        .enumerate()
        .map(|(place, group)| {
            let rows = group_rows(per_user, group, &columns);
            let key = StreamKey::new(seed, Purpose::Bootstrap, 0, place as u32 + 1);
            let found = intervals(&rows, columns.len(), config, key);
            GroupReport {
                name: group.name.clone(),
                users: (rows.len() / columns.len()) as u32,
                metrics: names.iter().cloned().zip(found).collect(),
            }
        })
        .collect();
    Ok(Report {
        metrics: metric_names(config).into_iter().zip(found).collect(),
        coverage: coverage(per_user, n_items, &config.cutoffs),
        users,
        users_without_test: per_user.len() as u32 - users,
        groups,
    })
}

/// How much better `a` is served than `b`, two groups of users of one evaluation: difference of the means of NDCG and recall
/// per cutoff with the interval of a bootstrap that resamples each group. Empty if either has nobody with test items.
///
/// Errors: settings out of range, or results measured with other cutoffs.
pub fn group_gap(
    per_user: &[UserMetrics],
    a: &Group,
    b: &Group,
    config: &EvaluateConfig,
    seed: u64,
) -> Result<BTreeMap<String, Interval>, EvaluateError> {
    config.check()?;
    let (columns, names) = headline(config);
    if per_user.iter().any(|result| result.values.len() != config.cutoffs.len() * METRICS.len()) {
        return Err(EvaluateError::Mixed { reason: "a user was measured with other cutoffs".into() });
    }
    let width = columns.len();
    let draw = |group: &Group, place: u32| {
        resampled(
            &group_rows(per_user, group, &columns),
            width,
            config,
            StreamKey::new(seed, Purpose::Bootstrap, 4, place),
        )
    };
    let (Some((mean_a, means_a)), Some((mean_b, means_b))) = (draw(a, 0), draw(b, 1)) else {
        return Ok(BTreeMap::new());
    };
    let mean: Vec<f64> = mean_a.iter().zip(&mean_b).map(|(a, b)| a - b).collect();
    let means: Vec<f64> = means_a.iter().zip(&means_b).map(|(a, b)| a - b).collect();
    Ok(names.into_iter().zip(percentiles(&mean, &means, config)).collect())
}

/// The chosen columns of a group's users with test items, row after row.
fn group_rows(per_user: &[UserMetrics], group: &Group, columns: &[usize]) -> Vec<f64> {
    let members = group.users.iter().filter_map(|&user| per_user.get(user as usize)).filter(|result| result.test > 0);
    members.flat_map(|result| columns.iter().map(|&column| result.values[column])).collect()
}

/// `ndcg@5`, `recall@5`, ... in the order of [`UserMetrics::values`].
pub(super) fn metric_names(config: &EvaluateConfig) -> Vec<String> {
    config.cutoffs.iter().flat_map(|k| METRICS.iter().map(move |name| format!("{name}@{k}"))).collect()
}

/// One interval per column of `rows` (row-major, `width` columns); none without rows.
pub(super) fn intervals(rows: &[f64], width: usize, config: &EvaluateConfig, key: StreamKey) -> Vec<Interval> {
    resampled(rows, width, config, key).map_or_else(Vec::new, |(mean, means)| percentiles(&mean, &means, config))
}

/// Means of the columns, and those of every resample, row after row; `None` without rows.
fn resampled(rows: &[f64], width: usize, config: &EvaluateConfig, key: StreamKey) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = rows.len() / width.max(1);
    if n == 0 {
        return None;
    }
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    mean.iter_mut().for_each(|sum| *sum /= n as f64);
    let mut sums = vec![0.0f64; config.bootstrap as usize * width];
    let mut rng = key.fast();
    for sums in sums.chunks_exact_mut(width) {
        for _ in 0..n {
            let user = below(&mut rng, n as u32) as usize;
            sums.iter_mut().zip(&rows[user * width..]).for_each(|(sum, value)| *sum += value);
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= n as f64);
    Some((mean, sums))
}

/// The percentile interval of every column of resampled means.
fn percentiles(mean: &[f64], means: &[f64], config: &EvaluateConfig) -> Vec<Interval> {
    let width = mean.len();
    let interval = |(index, &mean): (usize, &f64)| {
        let mut column: Vec<f64> = means.iter().skip(index).step_by(width).copied().collect();
        tiny_sort::unstable::sort_by(&mut column, f64::total_cmp);
        percentile(mean, &column, config.confidence)
    };
    mean.iter().enumerate().map(interval).collect()
}

/// The percentile interval of sorted resampled values; without any, the mean alone.
pub(super) fn percentile(mean: f64, sorted: &[f64], confidence: f32) -> Interval {
    if sorted.is_empty() {
        return Interval { mean, low: mean, high: mean };
    }
    let tail = (1.0 - f64::from(confidence)) / 2.0;
    Interval { mean, low: quantile(sorted, tail), high: quantile(sorted, 1.0 - tail) }
}

/// Between the two nearest of the sorted values, linearly.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

fn coverage(per_user: &[UserMetrics], n_items: u32, cutoffs: &[u32]) -> BTreeMap<String, f64> {
    // The best rank at which anybody is shown the item.
    let mut best = vec![u32::MAX; n_items as usize];
    for result in per_user {
        for (rank, &item) in result.top.iter().enumerate() {
            if let Some(place) = best.get_mut(item as usize) {
                *place = (*place).min(rank as u32);
            }
        }
    }
    let share = |cutoff: u32| {
        let shown = best.iter().filter(|&&rank| rank < cutoff).count();
        if n_items == 0 { 0.0 } else { shown as f64 / f64::from(n_items) }
    };
    cutoffs.iter().map(|&cutoff| (format!("coverage@{cutoff}"), share(cutoff))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::random::{normal, unit};

    fn config() -> EvaluateConfig {
        EvaluateConfig { cutoffs: vec![2], bootstrap: 200, ..EvaluateConfig::default() }
    }

    fn user(test: u32, value: f64, top: &[u32]) -> UserMetrics {
        UserMetrics { test, values: vec![value; 6], top: top.to_vec() }
    }

    #[test]
    fn users_without_test_rows_are_left_out_and_counted() {
        let users = [user(1, 0.5, &[0, 1]), user(0, 0.0, &[2, 1]), user(3, 1.0, &[0, 1])];
        let groups = [Group { name: "b".into(), users: vec![1, 2] }, Group { name: "none".into(), users: vec![1] }];
        let report = report(&users, &groups, 6, &config(), 1).unwrap();
        assert_eq!((report.users, report.users_without_test), (2, 1));
        let interval = report.metrics["ndcg@2"];
        assert_eq!(interval.mean, 0.75);
        assert!(interval.low >= 0.5 && interval.low < 0.75 && interval.high <= 1.0, "{interval:?}");
        assert_eq!(report.coverage["coverage@2"], 0.5);
        assert_eq!((report.groups[0].users, report.groups[0].metrics["ndcg@2"].mean), (1, 1.0));
        assert!(report.groups[1].metrics.is_empty());
        assert!(group_gap(&users, &groups[0], &groups[1], &config(), 1).unwrap().is_empty());
    }

    #[test]
    fn a_gap_is_the_difference_of_two_groups_and_covers_its_own_noise() {
        let users: Vec<UserMetrics> =
            (0..60).map(|x| user(1, f64::from(x % 10) / 10.0 + if x < 30 { 0.5 } else { 0.0 }, &[])).collect();
        let group = |range: std::ops::Range<u32>| Group { name: String::new(), users: range.collect() };
        let gap = group_gap(&users, &group(0..30), &group(30..60), &config(), 1).unwrap();
        let found = gap["recall@2"];
        assert!(
            (found.mean - 0.5).abs() < 1e-12 && found.low > 0.3 && found.high < 0.7 && found.low < 0.45,
            "{found:?}"
        );
        let other = UserMetrics { test: 1, values: vec![0.0; 12], top: vec![] };
        assert_eq!(group_gap(&[other], &group(0..1), &group(0..1), &config(), 1).unwrap_err().code(), "evaluate.mixed");
    }

    #[test]
    fn results_of_other_cutoffs_are_refused() {
        let other = UserMetrics { test: 1, values: vec![0.0; 12], top: vec![] };
        assert_eq!(report(&[other], &[], 6, &config(), 1).unwrap_err().code(), "evaluate.mixed");
    }

    #[test]
    fn intervals_cover_the_planted_mean_about_as_often_as_they_say() {
        let mut rng = StreamKey::new(3, Purpose::Synthetic, 0, 0).stream();
        let config = EvaluateConfig { bootstrap: 300, ..EvaluateConfig::default() };
        let rounds = 300;
        let covered = (0..rounds)
            .filter(|&round| {
                // Mean 1, heavier tails than a normal.
                let rows: Vec<f64> =
                    (0..80).map(|_| 0.5 * normal(&mut rng) * normal(&mut rng) + 2.0 * unit(&mut rng)).collect();
                let interval = intervals(&rows, 1, &config, StreamKey::new(round, Purpose::Bootstrap, 0, 0))[0];
                interval.low <= 1.0 && 1.0 <= interval.high
            })
            .count();
        assert!((270..=297).contains(&covered), "{covered} of {rounds}");
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0], 0.3), 1.0);
    }
}
