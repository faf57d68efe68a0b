//! When to look at the validation rows and when to stop.

use super::learner::batch_size;
use crate::model::knobs::Knobs;

/// When to look and when to stop.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Stopping {
    /// Epochs between two looks at the validation rows.
    pub every: u32,
    /// Looks without improvement.
    pub patience: u32,
    /// Relative improvement that counts.
    pub tolerance: f64,
    /// Cap on epochs.
    pub cap: u32,
    /// Epochs where there is no validation row.
    pub without: u32,
    pub refit: bool,
    /// Epochs before a look can count against going on.
    pub warm: u32,
}

/// Adam moves a weight by about its rate a step, whatever the gradient: before so many steps a model still shows its start.
const WARM_STEPS: usize = 600;

impl Stopping {
    /// A model's defaults under a configuration.
    pub(in crate::model) fn of(config: &Knobs, every: u32, patience: u32, cap: u32, without: u32) -> Self {
        let cap = config.epochs.unwrap_or(cap);
        Stopping {
            every: every.min(cap),
            patience: config.patience.unwrap_or(patience),
            tolerance: f64::from(config.tolerance.unwrap_or(1e-3)),
            cap,
            without: config.epochs.unwrap_or(without),
            refit: config.refit,
            warm: 0,
        }
    }

    /// For models that learn by batches: patience begins after some hundred steps.
    pub(in crate::model) fn warm(mut self, rows: usize, pieces: (usize, usize)) -> Self {
        let steps = rows.div_ceil(batch_size(rows, pieces)).max(1);
        self.warm = WARM_STEPS.div_ceil(steps) as u32;
        self
    }
}
