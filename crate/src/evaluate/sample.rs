//! Which users are measured where measuring everybody costs more than it tells.

use crate::numerics::random::{Purpose, keyed_fraction};

use super::EvaluateConfig;

/// Users x items up to which everybody is measured: a second or two of work.
const PAIRS: u64 = 1 << 25;
/// Standard deviation of NDCG between users that sizes are reckoned with; .15 to .25 on most data.
const DEVIATION: f64 = 0.2;
/// Deviations from the mean to the ends of a 95% interval.
const ENDS: f64 = 1.96;

/// Everybody, or the users whose keyed hash lies below a share. A user's fate hangs on the user's id and the share alone, and
/// the share is a power of one half, so that it hardly ever moves when somebody leaves: figures of others stay as they were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    share: f64,
    seed: u64,
}

impl Sample {
    /// The smallest share that leaves the configuration's precision, if `users` have test rows and `n_items` are ranked for each:
    /// a mean of n users has an interval of 1.96 * .2 / sqrt n to either side.
    pub fn new(users: u32, n_items: u32, config: &EvaluateConfig, seed: u64) -> Sample {
        let mut share = 1.0;
        let precision = f64::from(config.precision);
        if precision > 0.0 && u64::from(users) * u64::from(n_items) > PAIRS {
            let wanted = (ENDS * DEVIATION / precision) * (ENDS * DEVIATION / precision);
            while f64::from(users) * share * 0.5 >= wanted {
                share *= 0.5;
            }
        }
        Sample { share, seed }
    }

    /// Is it everybody?
    pub fn is_everybody(&self) -> bool {
        self.share == 1.0
    }

    /// Share of the users with test rows who are measured, about.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Is this user among those measured?
    pub fn holds(&self, id: &str) -> bool {
        self.is_everybody() || keyed_fraction(self.seed, Purpose::Measured, &[id.as_bytes()]) < self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_data_is_measured_whole_and_large_data_as_precisely_as_asked() {
        let config = EvaluateConfig::default();
        assert!(Sample::new(6_040, 3_706, &config, 1).is_everybody());
        let large = Sample::new(100_000, 20_000, &config, 1);
        let measured = (0..100_000).filter(|user| large.holds(&format!("u{user}"))).count() as f64;
        assert!((measured / 100_000.0 / large.share() - 1.0).abs() < 0.05, "{measured}");
        assert!(ENDS * DEVIATION / measured.sqrt() < f64::from(config.precision), "{measured}");
        assert!(measured < 10_000.0, "twice as many as were needed, at most: {measured}");
        let everybody = EvaluateConfig { precision: 0.0, ..config.clone() };
        assert!(Sample::new(100_000, 20_000, &everybody, 1).is_everybody());
        // Too few for the precision: all of them.
        assert!(Sample::new(3_000, 200_000, &config, 1).is_everybody());
    }

    #[test]
    fn who_is_measured_hangs_on_nobody_else() {
        let of = |users| Sample::new(users, 50_000, &EvaluateConfig::default(), 7);
        let (all, fewer) = (of(60_000), of(59_000));
        assert_eq!(all, fewer);
        assert!((0..500).all(|user| all.holds(&user.to_string()) == fewer.holds(&user.to_string())));
        assert!(
            (0..200).any(|user| all.holds(&user.to_string())) && (0..200).any(|user| !all.holds(&user.to_string()))
        );
    }
}
