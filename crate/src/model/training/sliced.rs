//! Training slice by slice, with a checkpoint after each: what lets a forgotten user cost less than a whole training.
//!
//! The shard's users are in R slices. Round r trains on the rows of slices 0..=r, in numbers of its own (ranks among its own
//! users and items), and begins with the weights and the optimiser's state that round r - 1 left; users and items that come
//! in begin at random, keyed by the round. So the state after a round is a function of the rows of its slices, the settings, the
//! seed and the shard, and of no later slice: forgetting a user of slice r may begin again from the state after round r - 1.
//! (Bourtoule et al. 2021, "Machine Unlearning", section IV-B.)
//!
//! How long an early round is must not hang on later rows either, so it is fixed: one sweep of a model that tells
//! convergence itself, in the last round too; an equal share of the default epochs for a model that otherwise stops on
//! validation rows, which are trained on like all others then.

use serde::{Deserialize, Serialize};

use super::learner::{Epoch, Learner, Make, TrainRows, WeightSide, WeightTable};
use super::stopping::Stopping;
use crate::model::{
    EpochReport, ModelError, ShardRows, SliceCheckpoint, StopReason, SubModel, Trainer, TrainingExtras, WorkDone,
};
use crate::numerics::kernels::all_finite;

/// The slices of a shard's users, and where to begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sliced {
    /// How many, 2 or more.
    pub count: u32,
    /// The slice of each user of the shard.
    pub slice_of_user: Vec<u32>,
    /// Begin after this one, whose rows are unchanged. One that does not fit is passed over.
    pub resume: Option<SliceCheckpoint>,
}

impl Sliced {
    /// Refuses all but one slice for each of so many users, below their count, which has the range of the setting.
    pub(in crate::model) fn check(&self, n_users: u32) -> Result<(), ModelError> {
        let (count, slices) = (self.count, &self.slice_of_user);
        let fits = slices.len() == n_users as usize && slices.iter().all(|&slice| slice < count);
        if fits && (2..=64).contains(&count) {
            return Ok(());
        }
        Err(ModelError::Parameter {
            name: "slices",
            expected: "2 to 64, and one for each user, below their number",
            value: format!("{} for {n_users} users, of {count}", slices.len()),
        })
    }
}

/// One round under way.
pub(in crate::model) trait RoundTrainer: Trainer {
    /// All state that the next round takes over, always in the same order.
    fn tables(&mut self) -> Vec<WeightTable<'_>>;
}

/// Makes a round: its rows, its number, and the items that no earlier round had, ascending. Only these need first values: all
/// others' are taken over.
pub(in crate::model) type MakeRound = Box<dyn Fn(&ShardRows, u32, &[u32]) -> Box<dyn RoundTrainer> + Send>;

/// The rows of some slices in numbers of their own.
struct Prefix {
    rows: ShardRows,
    /// The shard's numbers, ascending.
    users: Vec<u32>,
    items: Vec<u32>,
}

impl Prefix {
    fn new(rows: &ShardRows, slices: &[u32], round: u32) -> Self {
        let users: Vec<u32> = (0..rows.n_users).filter(|&user| slices[user as usize] <= round).collect();
        let span = |user: u32| rows.starts[user as usize] as usize..rows.starts[user as usize + 1] as usize;
        let mut items: Vec<u32> = users.iter().flat_map(|&user| rows.items[span(user)].iter().copied()).collect();
        items.sort_unstable();
        items.dedup();
        let mut local = vec![0u32; rows.n_items as usize];
        items.iter().enumerate().for_each(|(at, &item)| local[item as usize] = at as u32);
        let (n_users, n_items, shards) = (users.len() as u32, items.len() as u32, rows.shards);
        let mut own = ShardRows { n_users, n_items, shards, ..ShardRows::default() };
        own.starts.push(0);
        for &user in &users {
            own.items.extend(rows.items[span(user)].iter().map(|&item| local[item as usize]));
            own.values.extend_from_slice(&rows.values[span(user)]);
            own.validation.extend_from_slice(&rows.validation[span(user)]);
            own.starts.push(own.items.len() as u32);
        }
        Prefix { rows: own, users, items }
    }

    /// The items that `before` has not, in the own numbers.
    fn fresh(&self, before: Option<&Prefix>) -> Vec<u32> {
        let old = before.map_or(&[][..], |before| &before.items);
        (0..self.items.len() as u32).filter(|&item| old.binary_search(&self.items[item as usize]).is_err()).collect()
    }

    fn side(&self, side: WeightSide) -> Option<&[u32]> {
        match side {
            WeightSide::User => Some(&self.users),
            WeightSide::Item => Some(&self.items),
            WeightSide::Shared => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SliceState {
    /// What the settings came to for this shard.
    settings: Vec<u32>,
    /// Rounds that are done.
    rounds: u32,
    epochs: u32,
    work: u64,
    tables: Vec<SavedWeights>,
}

#[derive(Serialize, Deserialize)]
struct SavedWeights {
    side: WeightSide,
    width: u32,
    #[serde(with = "crate::numerics::matrix::packed")]
    values: Vec<f32>,
}

/// The training.
pub(in crate::model) struct SlicedTraining {
    rows: ShardRows,
    slices: Vec<u32>,
    count: u32,
    settings: Vec<u32>,
    make: MakeRound,
    /// The round under way.
    round: u32,
    first: u32,
    prefix: Prefix,
    current: Box<dyn RoundTrainer>,
    epochs: u32,
    extras: TrainingExtras,
    work: WorkDone,
    traced: bool,
}

impl SlicedTraining {
    /// `settings`: what of the settings hangs on the shard's size, such as a default number of factors; a checkpoint with
    /// others is passed over. `sliced` was checked.
    pub(in crate::model) fn new(rows: ShardRows, sliced: Sliced, settings: Vec<u32>, make: MakeRound) -> Self {
        let Sliced { count, slice_of_user: slices, resume } = sliced;
        let resumed =
            resume.and_then(|checkpoint| open(&checkpoint, &settings).map(|state| (checkpoint.rounds, state)));
        // Rounds before the first user have nothing to train on.
        let mut round = slices.iter().copied().min().unwrap_or(0);
        let mut taken = None;
        if let Some((rounds, state)) = resumed.filter(|(rounds, _)| (round + 1..count).contains(rounds)) {
            let before = Prefix::new(&rows, &slices, rounds - 1);
            if state.fits(&before) {
                round = rounds;
                taken = Some((before, state));
            }
        }
        let prefix = Prefix::new(&rows, &slices, round);
        let mut current = make(&prefix.rows, round, &prefix.fresh(taken.as_ref().map(|(before, _)| before)));
        let (mut extras, mut work, mut epochs) = (TrainingExtras::default(), WorkDone::default(), 0);
        if let Some((before, state)) = taken {
            state.give(&before, current.as_mut(), &prefix);
            (extras.epochs_before, work.whole, epochs) = (state.epochs, state.work, state.epochs);
        }
        let traced = false;
        SlicedTraining {
            rows,
            slices,
            count,
            settings,
            make,
            round,
            first: round,
            prefix,
            current,
            epochs,
            extras,
            work,
            traced,
        }
    }

    fn state(&mut self) -> SliceState {
        let tables = self.current.tables().into_iter();
        let tables = tables.map(|table| SavedWeights {
            side: table.side,
            width: table.width as u32,
            values: table.values.to_vec(),
        });
        let tables = tables.collect();
        SliceState {
            settings: self.settings.clone(),
            rounds: self.round + 1,
            epochs: self.epochs,
            work: self.work.whole,
            tables,
        }
    }

    fn next_round(&mut self) {
        let state = self.state();
        self.round += 1;
        let prefix = Prefix::new(&self.rows, &self.slices, self.round);
        let mut next = (self.make)(&prefix.rows, self.round, &prefix.fresh(Some(&self.prefix)));
        state.give(&self.prefix, next.as_mut(), &prefix);
        let bytes = postcard::to_stdvec(&state).expect("writing to memory cannot fail, and postcard knows these types");
        self.extras.checkpoints.push(SliceCheckpoint { rounds: self.round, state: bytes });
        (self.prefix, self.current) = (prefix, next);
    }
}

fn open(checkpoint: &SliceCheckpoint, settings: &[u32]) -> Option<SliceState> {
    let state: SliceState = postcard::from_bytes(&checkpoint.state).ok()?;
    let finite = state.tables.iter().all(|table| all_finite(&table.values));
    (state.settings == settings && state.rounds == checkpoint.rounds && finite).then_some(state)
}

impl SliceState {
    fn fits(&self, prefix: &Prefix) -> bool {
        self.tables.iter().all(|table| {
            let width = table.width as usize;
            let rows = prefix.side(table.side).map_or(1, <[u32]>::len);
            rows.checked_mul(width) == Some(table.values.len())
        })
    }

    /// Users, items and shared weights of `before` go where they stand in `prefix`.
    fn give(&self, before: &Prefix, round: &mut dyn RoundTrainer, prefix: &Prefix) {
        for (from, to) in self.tables.iter().zip(round.tables()) {
            let (Some(old), Some(new)) = (before.side(from.side), prefix.side(from.side)) else {
                if from.values.len() == to.values.len() {
                    to.values.copy_from_slice(&from.values);
                }
                continue;
            };
            if from.width as usize != to.width || to.width == 0 {
                continue;
            }
            for (id, row) in old.iter().zip(from.values.chunks_exact(to.width)) {
                if let Ok(at) = new.binary_search(id) {
                    to.values[at * to.width..(at + 1) * to.width].copy_from_slice(row);
                }
            }
        }
    }
}

impl Trainer for SlicedTraining {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.current.traced(self.traced);
        let report = self.current.step()?;
        self.epochs += 1;
        let rows = self.prefix.rows.items.len() as u64;
        self.work.done += rows;
        self.work.whole += rows;
        if self.current.stopped().is_some() && self.round + 1 < self.count {
            self.next_round();
        }
        Ok(EpochReport { epoch: self.epochs, ..report })
    }

    fn traced(&mut self, yes: bool) {
        self.traced = yes;
    }

    fn stopped(&self) -> Option<StopReason> {
        // The cap on a round is the schedule.
        let scheduled = |reason| if reason == StopReason::EpochCap { StopReason::Scheduled } else { reason };
        self.current.stopped().filter(|_| self.round + 1 == self.count).map(scheduled)
    }

    fn progress(&self) -> f32 {
        if self.stopped().is_some() {
            return 1.0;
        }
        (self.round - self.first) as f32 / (self.count - self.first) as f32
    }

    fn extras(&mut self) -> TrainingExtras {
        TrainingExtras { work: Some(self.work), ..std::mem::take(&mut self.extras) }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        self.current.finish()
    }
}

/// A round of a model that learns by passes.
struct Passes {
    learner: Box<dyn Learner>,
    epoch: u32,
    end: u32,
    advice: &'static str,
    traced: bool,
}

impl Trainer for Passes {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.epoch += 1;
        let epoch = self.epoch;
        let Epoch { loss, updates, trace } = self.learner.epoch(epoch, self.traced);
        if !loss.is_finite() || !self.learner.is_finite() {
            return Err(ModelError::Diverged { epoch, advice: self.advice });
        }
        Ok(EpochReport { epoch, loss: loss as f32, metric: None, refit: false, updates, trace })
    }

    fn traced(&mut self, yes: bool) {
        self.traced = yes;
    }

    fn stopped(&self) -> Option<StopReason> {
        (self.epoch >= self.end).then_some(StopReason::Scheduled)
    }

    fn progress(&self) -> f32 {
        if self.stopped().is_some() { 1.0 } else { 0.0 }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        self.learner.model()
    }
}

impl RoundTrainer for Passes {
    fn tables(&mut self) -> Vec<WeightTable<'_>> {
        self.learner.tables()
    }
}

/// Epochs of each of `count` rounds, so that all pass over about as many rows as `epochs` over the whole shard would.
pub(in crate::model) fn epochs_per_round(epochs: u32, count: u32) -> u32 {
    (2 * epochs).div_ceil(count + 1).max(1)
}

/// The rounds of a model that otherwise stops on validation rows.
pub(in crate::model) fn of_learner(
    rows: ShardRows,
    sliced: Sliced,
    stopping: Stopping,
    advice: &'static str,
    marks: Vec<u32>,
    make: Make,
) -> Box<dyn Trainer> {
    let each = epochs_per_round(stopping.without, sliced.count);
    let make = move |prefix: &ShardRows, round: u32, _fresh: &[u32]| -> Box<dyn RoundTrainer> {
        let rows = TrainRows::of(prefix, |_| true);
        Box::new(Passes {
            learner: make(rows, round),
            epoch: round * each,
            end: (round + 1) * each,
            advice,
            traced: false,
        })
    };
    Box::new(SlicedTraining::new(rows, sliced, marks, Box::new(make)))
}

#[cfg(test)]
#[path = "sliced_tests.rs"]
mod tests;
