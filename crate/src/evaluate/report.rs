//! From per-user results to means with intervals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EvaluateConfig, EvaluateError, Group, METRICS, UserMetrics};
use crate::random::{Purpose, StreamKey, below};

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
    /// As in [`Report::metrics`]; empty for a group without such users.
    pub metrics: BTreeMap<String, Interval>,
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
    let names = metric_names(config);
    let measured = |users: &mut dyn Iterator<Item = &UserMetrics>| {
        users.filter(|result| result.test > 0).flat_map(|result| result.values.iter().copied()).collect::<Vec<f64>>()
    };
    let named = |rows: &[f64], place: u32| {
        let intervals = intervals(rows, width, config, StreamKey::new(seed, Purpose::Bootstrap, 0, place));
        names.iter().cloned().zip(intervals).collect::<BTreeMap<_, _>>()
    };
    let rows = measured(&mut per_user.iter());
    let users = (rows.len() / width) as u32;
    let groups = groups
        .iter()
        .enumerate()
        .map(|(place, group)| {
            let members = &mut group.users.iter().filter_map(|&user| per_user.get(user as usize));
            let rows = measured(members);
            GroupReport {
                name: group.name.clone(),
                users: (rows.len() / width) as u32,
                metrics: named(&rows, place as u32 + 1),
            }
        })
        .collect();
    Ok(Report {
        metrics: named(&rows, 0),
        coverage: coverage(per_user, n_items, &config.cutoffs),
        users,
        users_without_test: per_user.len() as u32 - users,
        groups,
    })
}

/// `ndcg@5`, `recall@5`, ... in the order of [`UserMetrics::values`].
pub(super) fn metric_names(config: &EvaluateConfig) -> Vec<String> {
    config.cutoffs.iter().flat_map(|k| METRICS.iter().map(move |name| format!("{name}@{k}"))).collect()
}

/// One interval per column of `rows` (row-major, `width` columns); none without rows.
pub(super) fn intervals(rows: &[f64], width: usize, config: &EvaluateConfig, key: StreamKey) -> Vec<Interval> {
    let n = rows.len() / width.max(1);
    if n == 0 {
        return Vec::new();
    }
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    mean.iter_mut().for_each(|sum| *sum /= n as f64);
    let resamples = config.bootstrap as usize;
    let mut sums = vec![0.0f64; resamples * width];
    let mut rng = key.fast();
    for sums in sums.chunks_exact_mut(width) {
        for _ in 0..n {
            let user = below(&mut rng, n as u32) as usize;
            sums.iter_mut().zip(&rows[user * width..]).for_each(|(sum, value)| *sum += value);
        }
    }
    let mut column = vec![0.0; resamples];
    mean.iter()
        .enumerate()
        .map(|(index, &mean)| {
            for (place, sums) in column.iter_mut().zip(sums.chunks_exact(width)) {
                *place = sums[index] / n as f64;
            }
            column.sort_unstable_by(f64::total_cmp);
            percentile(mean, &column, config.confidence)
        })
        .collect()
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
    use crate::random::{normal, unit};

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
        assert_eq!((report.groups[0].users, report.groups[0].metrics["map@2"].mean), (1, 1.0));
        assert!(report.groups[1].metrics.is_empty());
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
