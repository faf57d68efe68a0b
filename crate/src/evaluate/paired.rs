//! Differences between two models, user by user: much narrower than two intervals side by side.

use std::collections::BTreeMap;

use super::overlap::same_users;
use super::report::{headline, intervals};
use super::{EvaluateConfig, EvaluateError, Interval, METRICS, UserMetrics};
use crate::numerics::random::{Purpose, StreamKey};

/// Mean of `a - b` for NDCG and recall at every cutoff, over the users with test items whom both measured, with its bootstrap
/// interval: an interval without 0 is a difference at the chosen confidence. The draws are those of [`report`](super::report) with the same seed.
///
/// Errors: settings out of range; results of different users or cutoffs.
pub fn paired_differences(
    a: &[UserMetrics],
    b: &[UserMetrics],
    config: &EvaluateConfig,
    seed: u64,
) -> Result<BTreeMap<String, Interval>, EvaluateError> {
    config.check()?;
    same_users(a, b)?;
    let width = config.cutoffs.len() * METRICS.len();
    let (columns, names) = headline(config);
    let mut rows = Vec::new();
    let measured = |user: &UserMetrics| user.test > 0 || !user.top.is_empty();
    for (user, (a, b)) in a.iter().zip(b).enumerate() {
        if measured(a) != measured(b) {
            continue;
        }
        if a.test != b.test || a.values.len() != width || b.values.len() != width {
            let reason = format!("user {user} was measured with other test items or cutoffs");
            return Err(EvaluateError::Mixed { reason });
        }
        if a.test > 0 {
            rows.extend(columns.iter().map(|&column| a.values[column] - b.values[column]));
        }
    }
    let found = intervals(&rows, columns.len(), config, StreamKey::new(seed, Purpose::Bootstrap, 0, 0));
    Ok(names.into_iter().zip(found).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(test: u32, value: f64) -> UserMetrics {
        UserMetrics { test, values: vec![value; 6], top: vec![] }
    }

    #[test]
    fn a_constant_gain_is_certain_however_much_users_differ() {
        let config = EvaluateConfig { cutoffs: vec![20], bootstrap: 100, ..EvaluateConfig::default() };
        let a: Vec<UserMetrics> = (0..40).map(|x| user(1, f64::from(x) / 40.0 + 0.25)).collect();
        let b: Vec<UserMetrics> = (0..40).map(|x| user(1, f64::from(x) / 40.0)).collect();
        let found = paired_differences(&a, &b, &config, 1).unwrap()["ndcg@20"];
        for value in [found.mean, found.low, found.high] {
            assert!((value - 0.25).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn different_users_are_refused() {
        let config = EvaluateConfig { cutoffs: vec![20], ..EvaluateConfig::default() };
        let code = |a: &[UserMetrics], b: &[UserMetrics]| paired_differences(a, b, &config, 1).unwrap_err().code();
        assert_eq!(code(&[user(1, 0.0)], &[]), "evaluate.mixed");
        assert_eq!(code(&[user(1, 0.0)], &[user(2, 0.0)]), "evaluate.mixed");
    }
}
