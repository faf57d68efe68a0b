//! Training in legs, with a checkpoint after each: what lets a forgotten user cost less than a whole training.
//!
//! The shard's users are in R slices. Leg r trains on the rows of slices 0..=r, in numbers of its own (ranks among its own
//! users and items), and begins with the weights and the optimiser's state that leg r - 1 left; users and items that come
//! in begin at random, keyed by the leg. So the state after a leg is a function of the rows of its slices, the settings, the
//! seed and the shard, and of no later slice: forgetting a user of slice r may begin again from the state after leg r - 1.
//! (Bourtoule et al. 2021, "Machine Unlearning", section IV-B.)
//!
//! How long an early leg is must not hang on later rows either, so it is fixed: one sweep of a model that tells
//! convergence itself, in the last leg too; an equal share of the default epochs for a model that otherwise stops on
//! validation rows, which are trained on like all others then.

use serde::{Deserialize, Serialize};

use super::training::{Epoch, Learner, Make, Rows, Stopping};
use super::{EpochReport, ModelError, ShardRows, StopReason, SubModel, Trainer};
use crate::numerics::sparse::Csr;

/// The slices of a shard's users, and where to begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sliced {
    /// How many, 2 or more.
    pub count: u32,
    /// The slice of each user of the shard.
    pub slice_of_user: Vec<u32>,
    /// Begin after this one, whose rows are unchanged. One that does not fit is passed over.
    pub resume: Option<Checkpoint>,
}

impl Sliced {
    /// Refuses all but one slice for each of so many users, below their count, which has the range of the setting.
    pub(super) fn check(&self, n_users: u32) -> Result<(), ModelError> {
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

/// A training between two legs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Legs that are done.
    pub legs: u32,
    /// Weights and optimiser state, with marks by which a foreign one is recognised.
    #[serde(with = "serde_bytes")]
    pub state: Vec<u8>,
}

/// How much of a training was done, in rows times passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Work {
    /// Done here.
    pub done: u64,
    /// What it would have been from the beginning.
    pub whole: u64,
}

/// What a training leaves besides the sub-model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    /// Checkpoints after the legs that were run.
    pub checkpoints: Vec<Checkpoint>,
    /// Epochs that a checkpoint saved.
    pub epochs_before: u32,
    /// None where there was nothing to save.
    pub work: Option<Work>,
}

/// What the rows of a table of weights belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    User,
    Item,
    /// To nobody: taken over as a whole.
    Shared,
}

/// Weights, or what an optimiser remembers of them.
pub(super) struct Table<'a> {
    pub side: Side,
    /// Values to a user or item; for shared ones, all of them.
    pub width: usize,
    pub values: &'a mut [f32],
}

/// One leg under way.
pub(super) trait Leg: Trainer {
    /// All state that the next leg takes over, always in the same order.
    fn tables(&mut self) -> Vec<Table<'_>>;
}

/// Makes a leg: its rows, its number, and the items that no earlier leg had, ascending. Only these need first values: all
/// others' are taken over.
pub(super) type MakeLeg = Box<dyn Fn(&ShardRows, u32, &[u32]) -> Box<dyn Leg> + Send>;

/// The rows of some slices in numbers of their own.
struct Prefix {
    rows: ShardRows,
    /// The shard's numbers, ascending.
    users: Vec<u32>,
    items: Vec<u32>,
}

impl Prefix {
    fn new(rows: &ShardRows, slices: &[u32], leg: u32) -> Self {
        let users: Vec<u32> = (0..rows.n_users).filter(|&user| slices[user as usize] <= leg).collect();
        let span = |user: u32| rows.starts[user as usize] as usize..rows.starts[user as usize + 1] as usize;
        let mut items: Vec<u32> = users.iter().flat_map(|&user| rows.items[span(user)].iter().copied()).collect();
        items.sort_unstable();
        items.dedup();
        let mut local = vec![0u32; rows.n_items as usize];
        items.iter().enumerate().for_each(|(at, &item)| local[item as usize] = at as u32);
        let mut own = ShardRows { n_users: users.len() as u32, n_items: items.len() as u32, ..ShardRows::default() };
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

    fn side(&self, side: Side) -> Option<&[u32]> {
        match side {
            Side::User => Some(&self.users),
            Side::Item => Some(&self.items),
            Side::Shared => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    /// What the settings came to for this shard.
    settings: Vec<u32>,
    /// Legs that are done.
    legs: u32,
    epochs: u32,
    work: u64,
    tables: Vec<SavedTable>,
}

#[derive(Serialize, Deserialize)]
struct SavedTable {
    side: Side,
    width: u32,
    #[serde(with = "crate::numerics::matrix::packed")]
    values: Vec<f32>,
}

/// The training.
pub(super) struct Legs {
    rows: ShardRows,
    slices: Vec<u32>,
    count: u32,
    settings: Vec<u32>,
    make: MakeLeg,
    /// The leg under way.
    leg: u32,
    first: u32,
    prefix: Prefix,
    current: Box<dyn Leg>,
    epochs: u32,
    left: Left,
    work: Work,
    traced: bool,
}

impl Legs {
    /// `settings`: what of the settings hangs on the shard's size, such as a default number of factors; a checkpoint with
    /// others is passed over. `sliced` was checked.
    pub(super) fn new(rows: ShardRows, sliced: Sliced, settings: Vec<u32>, make: MakeLeg) -> Self {
        let Sliced { count, slice_of_user: slices, resume } = sliced;
        let resumed = resume.and_then(|checkpoint| open(&checkpoint, &settings).map(|state| (checkpoint.legs, state)));
        // Legs before the first user have nothing to train on.
        let mut leg = slices.iter().copied().min().unwrap_or(0);
        let mut taken = None;
        if let Some((legs, state)) = resumed.filter(|(legs, _)| (leg + 1..count).contains(legs)) {
            let before = Prefix::new(&rows, &slices, legs - 1);
            if state.fits(&before) {
                leg = legs;
                taken = Some((before, state));
            }
        }
        let prefix = Prefix::new(&rows, &slices, leg);
        let mut current = make(&prefix.rows, leg, &prefix.fresh(taken.as_ref().map(|(before, _)| before)));
        let (mut left, mut work, mut epochs) = (Left::default(), Work::default(), 0);
        if let Some((before, state)) = taken {
            state.give(&before, current.as_mut(), &prefix);
            (left.epochs_before, work.whole, epochs) = (state.epochs, state.work, state.epochs);
        }
        let traced = false;
        Legs { rows, slices, count, settings, make, leg, first: leg, prefix, current, epochs, left, work, traced }
    }

    fn state(&mut self) -> State {
        let tables = self.current.tables().into_iter();
        let tables = tables.map(|table| SavedTable {
            side: table.side,
            width: table.width as u32,
            values: table.values.to_vec(),
        });
        let tables = tables.collect();
        State {
            settings: self.settings.clone(),
            legs: self.leg + 1,
            epochs: self.epochs,
            work: self.work.whole,
            tables,
        }
    }

    fn next_leg(&mut self) {
        let state = self.state();
        self.leg += 1;
        let prefix = Prefix::new(&self.rows, &self.slices, self.leg);
        let mut next = (self.make)(&prefix.rows, self.leg, &prefix.fresh(Some(&self.prefix)));
        state.give(&self.prefix, next.as_mut(), &prefix);
        // Writing to memory fails only for types postcard cannot express, which any test of a checkpoint shows.
        let bytes = postcard::to_stdvec(&state).unwrap_or_default();
        self.left.checkpoints.push(Checkpoint { legs: self.leg, state: bytes });
        (self.prefix, self.current) = (prefix, next);
    }
}

fn open(checkpoint: &Checkpoint, settings: &[u32]) -> Option<State> {
    let state: State = postcard::from_bytes(&checkpoint.state).ok()?;
    let finite = state.tables.iter().all(|table| crate::numerics::kernels::all_finite(&table.values));
    (state.settings == settings && state.legs == checkpoint.legs && finite).then_some(state)
}

impl State {
    fn fits(&self, prefix: &Prefix) -> bool {
        self.tables.iter().all(|table| {
            let width = table.width as usize;
            let rows = prefix.side(table.side).map_or(1, <[u32]>::len);
            rows.checked_mul(width) == Some(table.values.len())
        })
    }

    /// Users, items and shared weights of `before` go where they stand in `prefix`.
    fn give(&self, before: &Prefix, leg: &mut dyn Leg, prefix: &Prefix) {
        for (from, to) in self.tables.iter().zip(leg.tables()) {
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

impl Trainer for Legs {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.current.traced(self.traced);
        let report = self.current.step()?;
        self.epochs += 1;
        let rows = self.prefix.rows.items.len() as u64;
        self.work.done += rows;
        self.work.whole += rows;
        if self.current.stopped().is_some() && self.leg + 1 < self.count {
            self.next_leg();
        }
        Ok(EpochReport { epoch: self.epochs, ..report })
    }

    fn traced(&mut self, yes: bool) {
        self.traced = yes;
    }

    fn stopped(&self) -> Option<StopReason> {
        // The cap on a leg is the schedule.
        let scheduled = |reason| if reason == StopReason::EpochCap { StopReason::Scheduled } else { reason };
        self.current.stopped().filter(|_| self.leg + 1 == self.count).map(scheduled)
    }

    fn progress(&self) -> f32 {
        if self.stopped().is_some() {
            return 1.0;
        }
        (self.leg - self.first) as f32 / (self.count - self.first) as f32
    }

    fn left(&mut self) -> Left {
        Left { work: Some(self.work), ..std::mem::take(&mut self.left) }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        self.current.finish()
    }
}

/// A leg of a model that learns by passes.
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

impl Leg for Passes {
    fn tables(&mut self) -> Vec<Table<'_>> {
        self.learner.tables()
    }
}

/// Epochs of each of `count` legs, so that all pass over about as many rows as `epochs` over the whole shard would.
pub(super) fn epochs_per_leg(epochs: u32, count: u32) -> u32 {
    (2 * epochs).div_ceil(count + 1).max(1)
}

/// The legs of a model that otherwise stops on validation rows.
pub(super) fn of_learner(
    rows: ShardRows,
    sliced: Sliced,
    stopping: Stopping,
    advice: &'static str,
    marks: Vec<u32>,
    make: Make,
) -> Box<dyn Trainer> {
    let each = epochs_per_leg(stopping.without, sliced.count);
    let make = move |prefix: &ShardRows, leg: u32, _fresh: &[u32]| -> Box<dyn Leg> {
        let csr: Csr = prefix.csr(|_| true);
        let rows = Rows { csr, values: prefix.values.clone(), n_items: prefix.n_items };
        Box::new(Passes { learner: make(rows, leg), epoch: leg * each, end: (leg + 1) * each, advice, traced: false })
    };
    Box::new(Legs::new(rows, sliced, marks, Box::new(make)))
}

#[cfg(test)]
#[path = "legs_tests.rs"]
mod tests;
