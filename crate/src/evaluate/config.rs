//! What is measured and how finely.

use serde::{Deserialize, Serialize};

use super::EvaluateError;

/// Settings of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateConfig {
    /// List lengths, ascending.
    pub cutoffs: Vec<u32>,
    /// Resamples of the bootstrap; 0 for no intervals (low and high are then the mean).
    pub bootstrap: u32,
    /// Share of the resampled means inside an interval.
    pub confidence: f32,
    /// Share of the users, by training rows, that count as active.
    pub active: f32,
    /// How far from its mean an end of NDCG's 95% interval may lie, where users x items is so large that a sample of the users is
    /// measured; see [`Sample`](super::Sample). 0: everybody is measured, however many there are.
    pub precision: f32,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        EvaluateConfig {
            cutoffs: vec![5, 10, 20, 50],
            bootstrap: 1000,
            confidence: 0.95,
            active: 0.05,
            precision: 0.006,
        }
    }
}

impl EvaluateConfig {
    /// Refuses what cannot be measured.
    pub fn check(&self) -> Result<(), EvaluateError> {
        let refuse = |name, expected, value: String| Err(EvaluateError::Parameter { name, expected, value });
        let ascending = self.cutoffs.is_sorted_by(|a, b| a < b);
        if self.cutoffs.is_empty() || self.cutoffs[0] == 0 || !ascending || self.cutoffs.iter().any(|&k| k > 10_000) {
            return refuse("cutoffs", "list lengths from 1 to 10000, ascending", format!("{:?}", self.cutoffs));
        }
        if self.bootstrap > 100_000 {
            return refuse("bootstrap", "at most 100000 resamples", self.bootstrap.to_string());
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return refuse("confidence", "between 0 and 1", self.confidence.to_string());
        }
        if !(self.active > 0.0 && self.active < 1.0) {
            return refuse("active", "between 0 and 1", self.active.to_string());
        }
        if !(self.precision == 0.0 || (0.0005..=0.5).contains(&self.precision)) {
            return refuse("precision", "0 (measure everybody) or 0.0005 to 0.5", self.precision.to_string());
        }
        Ok(())
    }

    /// The longest list.
    pub fn longest(&self) -> u32 {
        self.cutoffs.last().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_and_each_bad_setting_is_named() {
        let good = EvaluateConfig::default();
        assert_eq!(good.check(), Ok(()));
        let bad = [
            (EvaluateConfig { cutoffs: vec![], ..good.clone() }, "cutoffs"),
            (EvaluateConfig { cutoffs: vec![0, 5], ..good.clone() }, "cutoffs"),
            (EvaluateConfig { cutoffs: vec![10, 5], ..good.clone() }, "cutoffs"),
            (EvaluateConfig { cutoffs: vec![20_000], ..good.clone() }, "cutoffs"),
            (EvaluateConfig { bootstrap: 200_000, ..good.clone() }, "bootstrap"),
            (EvaluateConfig { confidence: 1.0, ..good.clone() }, "confidence"),
            (EvaluateConfig { active: f32::NAN, ..good.clone() }, "active"),
            (EvaluateConfig { precision: 0.0001, ..good.clone() }, "precision"),
            (EvaluateConfig { precision: f32::NAN, ..good.clone() }, "precision"),
        ];
        for (config, field) in bad {
            match config.check() {
                Err(EvaluateError::Parameter { name, .. }) => assert_eq!(name, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }
}
