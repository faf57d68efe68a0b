//! The loop around every model that stops on its shard's validation rows: train, look, keep the best, stop when looking no
//! longer helps, then fit once more on all rows for the number of epochs found.

use super::legs::{self, Sliced, Table};
use super::{Best, EpochReport, ModelConfig, ModelError, ShardRows, StopReason, SubModel, Trainer, UpdateTrace};
use crate::numerics::kernels::{Packed, dot, top_k};
use crate::numerics::math;
use crate::numerics::sparse::Csr;

/// The list length of the validation metric, NDCG.
const CUTOFF: usize = 20;

/// Rows to learn from, with a value for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub csr: Csr,
    pub values: Vec<f32>,
    pub n_items: u32,
}

/// What one epoch did.
pub(super) struct Epoch {
    /// Mean loss of a row.
    pub loss: f64,
    pub updates: u64,
    /// One of them, if asked.
    pub trace: Option<UpdateTrace>,
}

/// A model being learned by passes over rows.
pub(super) trait Learner: Send {
    /// One pass; `epoch` counts from 1 and keys the random streams. `traced`: with one update, see [`UpdateTrace`].
    fn epoch(&mut self, epoch: u32, traced: bool) -> Epoch;
    /// Are all weights finite?
    fn is_finite(&self) -> bool;
    /// The model as it is now.
    fn model(&self) -> Box<dyn SubModel>;
    /// Weights and optimiser state, for models that are trained in legs.
    fn tables(&mut self) -> Vec<Table<'_>> {
        Vec::new()
    }
}

/// When to look and when to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopping {
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
    pub(super) fn of(config: &ModelConfig, every: u32, patience: u32, cap: u32, without: u32) -> Self {
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
    pub(super) fn warm(mut self, rows: usize, pieces: (usize, usize)) -> Self {
        let steps = rows.div_ceil(super::batch::batch_size(rows, pieces)).max(1);
        self.warm = WARM_STEPS.div_ceil(steps) as u32;
        self
    }
}

/// Makes a learner for rows: once for the training rows, once more for all. The number keys what begins at random: the leg,
/// or 0.
pub(super) type Make = Box<dyn Fn(Rows, u32) -> Box<dyn Learner> + Send>;

/// The training under way.
pub(super) struct Validated {
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
    reason: Option<StopReason>,
    /// Epochs of the refit still to do.
    refitting: Option<u32>,
    stopped: bool,
    progress: f32,
    traced: bool,
}

/// One training to a stop on validation rows; or, where there are slices, in legs. `marks`: what the settings came to for the
/// whole shard; see [`legs::Legs::new`].
pub(super) fn start(
    rows: ShardRows,
    sliced: Option<Sliced>,
    stopping: Stopping,
    advice: &'static str,
    marks: Vec<u32>,
    make: Make,
) -> Box<dyn Trainer> {
    match sliced {
        None => Box::new(Validated::new(rows, stopping, advice, make)),
        Some(sliced) => legs::of_learner(rows, sliced, stopping, advice, marks, make),
    }
}

fn rows_where(rows: &ShardRows, keep: impl Fn(usize) -> bool) -> Rows {
    let values = (0..rows.items.len()).filter(|&row| keep(row)).map(|row| rows.values[row]).collect();
    Rows { csr: rows.csr(keep), values, n_items: rows.n_items }
}

impl Validated {
    /// `advice` is what a person is told if the values stop being finite.
    pub(super) fn new(rows: ShardRows, stopping: Stopping, advice: &'static str, make: Make) -> Self {
        let train = rows_where(&rows, |row| !rows.validation[row]);
        let mut validation = rows.csr(|row| rows.validation[row]);
        // With nothing to train on there is nothing to validate either: all rows train.
        let train = if train.csr.columns.is_empty() {
            validation = rows.csr(|_| false);
            rows_where(&rows, |_| true)
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

    /// The first fit is over.
    fn conclude(&mut self, reason: StopReason) {
        self.reason = Some(reason);
        self.found = self.best();
        match &self.best {
            Some((_, epoch, _)) if self.stopping.refit => {
                self.refitting = Some(*epoch);
                self.learner = (self.make)(rows_where(&self.rows, |_| true), 0);
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

/// NDCG@20 of held-out rows, ideal truncated, training rows masked: mean over the users who have held-out rows.
pub(super) fn ndcg(model: &dyn SubModel, train: &Csr, held_out: &Csr) -> f64 {
    let users = ndcg_of_users(model, train, held_out);
    users.iter().sum::<f64>() / users.len().max(1) as f64
}

/// The same for each user who has held-out rows.
pub(super) fn ndcg_of_users(model: &dyn SubModel, train: &Csr, held_out: &Csr) -> Vec<f64> {
    let discounts: Vec<f64> = (0..CUTOFF).map(|rank| 1.0 / math::log2(rank as f64 + 2.0)).collect();
    let users: Vec<usize> = (0..held_out.len()).filter(|&user| !held_out.row(user).is_empty()).collect();
    let mut out = Vec::with_capacity(users.len());
    let mut count = |user: usize, list: &[u32]| {
        let wanted = held_out.row(user);
        let gain: f64 = list
            .iter()
            .zip(&discounts)
            .filter(|(item, _)| wanted.binary_search(item).is_ok())
            .map(|(_, discount)| discount)
            .sum();
        out.push(gain / discounts[..wanted.len().min(CUTOFF)].iter().sum::<f64>());
    };
    if let Some(items) = model.item_vectors() {
        let packed = Packed::rows_of(items);
        let vectors: Vec<f32> = users.iter().flat_map(|&user| model.user(user as u32)).collect();
        top_k(&vectors, &packed, CUTOFF, |at| train.row(users[at]), |at, list| count(users[at], list));
    } else {
        let mut best = crate::numerics::kernels::TopK::new(CUTOFF);
        let mut list = Vec::new();
        let mut scores = vec![0.0; model.n_items()];
        for &user in &users {
            model.score(&model.user(user as u32), &mut scores);
            let mut masked = train.row(user).iter().peekable();
            for (item, &score) in scores.iter().enumerate() {
                if masked.next_if(|&&there| there as usize == item).is_none() {
                    best.offer(score, item as u32);
                }
            }
            best.take(&mut list);
            count(user, &list);
        }
    }
    out
}

/// Mean of squares of a vector: for penalties.
#[inline]
pub(super) fn square(values: &[f32]) -> f32 {
    dot(values, values)
}

#[cfg(test)]
#[path = "training_tests.rs"]
mod tests;
