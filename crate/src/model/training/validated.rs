//! The loop around every model that stops on its shard's validation rows: train, look, keep the best, stop when looking no
//! longer helps, then fit once more on all rows for the number of epochs found.

use super::learner::{Epoch, Learner, Make, TrainRows};
use super::metric::{ndcg, ndcg_of_popularity};
use super::stopping::Stopping;
use crate::model::{Best, EpochReport, ModelError, ShardRows, StopReason, SubModel, Trainer};
use crate::numerics::sparse::Csr;

/// The training under way.
pub(in crate::model) struct Validated {
    make: Make,
    rows: ShardRows,
    train: Csr,
    validation: Csr,
    stopping: Stopping,
    advice: &'static str,
    learner: Box<dyn Learner>,
    epoch: u32,
    /// Best metric, its epoch and its model.
    best: Option<(f64, u32, Box<dyn SubModel>)>,
    /// What there was to say of the best look when the first fit ended.
    found: Option<Best>,
    looks_since: u32,
    /// What was chosen from the rows, in words.
    why: Option<String>,
    reason: Option<StopReason>,
    /// Epochs of the refit still to do.
    refitting: Option<u32>,
    stopped: bool,
    progress: f32,
    traced: bool,
}

impl Validated {
    /// `advice` is what a person is told if the values stop being finite.
    pub(in crate::model) fn new(rows: ShardRows, stopping: Stopping, advice: &'static str, make: Make) -> Self {
        let train = TrainRows::of(&rows, |row| !rows.validation[row]);
        let mut validation = rows.csr(|row| rows.validation[row]);
        // With nothing to train on there is nothing to validate either: all rows train.
        let train = if train.csr.columns.is_empty() {
            validation = rows.csr(|_| false);
            TrainRows::of(&rows, |_| true)
        } else {
            train
        };
        Validated {
            train: train.csr.clone(),
            learner: make(train, 0),
            make,
            rows,
            validation,
            stopping,
            advice,
            why: None,
            epoch: 0,
            best: None,
            found: None,
            looks_since: 0,
            reason: None,
            refitting: None,
            stopped: false,
            progress: 0.0,
            traced: false,
        }
    }

    fn look(&mut self) -> f64 {
        let model = self.learner.model();
        let metric = ndcg(model.as_ref(), &self.train, &self.validation);
        let bar = self.best.as_ref().map_or(0.0, |best| best.0 * (1.0 + self.stopping.tolerance));
        if self.best.is_none() || metric > bar {
            self.best = Some((metric, self.epoch, model));
            self.looks_since = 0;
        } else if self.epoch > self.stopping.warm {
            self.looks_since += 1;
        }
        metric
    }

    /// Says what was chosen from the rows.
    pub(super) fn because(self, why: Option<String>) -> Self {
        Validated { why, ..self }
    }

    /// Does a list by popularity rank held-out rows better than the best look, beyond chance?
    fn is_below_popularity(&self) -> bool {
        let Some((metric, ..)) = self.best else { return false };
        let users = ndcg_of_popularity(&self.train, &self.validation, self.rows.n_items as usize);
        let n = users.len().max(2) as f64;
        let mean = users.iter().sum::<f64>() / n;
        let variance = users.iter().map(|ndcg| (ndcg - mean) * (ndcg - mean)).sum::<f64>() / (n - 1.0);
        metric < mean - 2.0 * (variance / n).sqrt()
    }

    /// The first fit is over.
    fn conclude(&mut self, reason: StopReason) {
        self.reason = Some(if self.is_below_popularity() { StopReason::BelowPopularity } else { reason });
        self.found = self.best();
        match &self.best {
            Some((_, epoch, _)) if self.stopping.refit => {
                self.refitting = Some(*epoch);
                self.learner = (self.make)(TrainRows::of(&self.rows, |_| true), 0);
                self.epoch = 0;
                self.best = None;
            }
            _ => self.stopped = true,
        }
    }
}

impl Trainer for Validated {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.epoch += 1;
        let epoch = self.epoch;
        let refit = self.refitting.is_some();
        let Epoch { loss, updates, trace } = self.learner.epoch(epoch, self.traced);
        if !loss.is_finite() || !self.learner.is_finite() {
            return Err(ModelError::Diverged { epoch, advice: self.advice });
        }
        let mut metric = None;
        let Stopping { every, patience, cap, without, .. } = self.stopping;
        let (done, whole);
        if let Some(target) = self.refitting {
            (done, whole) = (epoch, target);
            self.stopped = epoch >= target;
        } else if self.validation.columns.is_empty() {
            (done, whole) = (epoch, without);
            if epoch >= without {
                self.conclude(StopReason::NoValidation);
            }
        } else {
            if epoch.is_multiple_of(every) || epoch == cap {
                metric = Some(self.look() as f32);
            }
            // If nothing improves from here on: the epoch at which that would be known.
            let end = self.best.as_ref().map_or(without, |best| best.1 + every * patience).min(cap);
            (done, whole) = (epoch, end.max(epoch));
            if self.looks_since >= patience {
                self.conclude(StopReason::Converged);
            } else if epoch >= cap {
                self.conclude(StopReason::EpochCap);
            }
        }
        let share = done as f32 / whole.max(1) as f32;
        let now = match (self.stopping.refit && !self.validation.columns.is_empty(), refit) {
            (false, _) => share,
            (true, false) => share * 0.6,
            (true, true) => 0.6 + share * 0.4,
        };
        self.progress = if self.stopped { 1.0 } else { self.progress.max(now.min(0.99)) };
        Ok(EpochReport { epoch, loss: loss as f32, metric, refit, updates, trace })
    }

    fn traced(&mut self, yes: bool) {
        self.traced = yes;
    }

    fn stopped(&self) -> Option<StopReason> {
        if self.stopped { self.reason } else { None }
    }

    fn best(&self) -> Option<Best> {
        let now = self.best.as_ref().map(|&(metric, epoch, _)| Best { epoch, metric: metric as f32 });
        self.found.or(now)
    }

    fn chosen(&self) -> Option<String> {
        self.why.clone()
    }

    fn progress(&self) -> f32 {
        self.progress
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        match self.best {
            Some((_, _, model)) => model,
            None => self.learner.model(),
        }
    }
}

#[cfg(test)]
#[path = "validated_tests.rs"]
mod tests;
