//! Where the training of a touched shard begins: from a checkpoint that never saw what is gone, from counts that lose it, or
//! from initialisation; and what that saves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::model::{self, SliceCheckpoint, Sliced, Start};
use crate::numerics::digest::{Digest, Hasher};
use crate::unlearn::slices::Slices;
use crate::unlearn::{Plan, Resolved, Warning};

use super::arm::{Arm, Trained};
use super::data::{Data, Shard};
use super::view::SavingView;
use super::{Config, Experiment};

/// A checkpoint by what it depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Legs that are done.
    pub legs: u32,
    /// Digest of the shard's number and of all rows of these legs.
    pub rows: Digest,
    pub state: Arc<ByteBuf>,
}

/// What is known of the shards from before a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Former {
    checkpoints: Vec<Kept>,
    /// Per shard: the counts that its model kept, where it is one of counts.
    counts: Vec<Option<Counts>>,
}

#[derive(Clone, Debug)]
struct Counts {
    weights: Arc<ByteBuf>,
    /// Today's index of each of its users and items.
    users: Vec<Option<u32>>,
    items: Vec<Option<u32>>,
}

impl Former {
    /// What `arm` leaves for a training on `data`.
    pub fn of(arm: &Arm, data: &Data) -> Former {
        let members = || arm.members.iter().flatten();
        let checkpoints = members().flat_map(|trained| trained.checkpoints.iter().cloned()).collect();
        if !arm.spec.model.name.is_additive() {
            return Former { checkpoints, counts: Vec::new() };
        }
        let (old, new) = (&arm.data.interactions, &data.interactions);
        let counts = arm.members.iter().zip(&arm.shards).map(|(member, shard)| {
            let users = shard.users.iter().map(|&user| new.users().find(old.users().get(user))).collect();
            let items = shard.items.iter().map(|&item| new.items().find(old.items().get(item))).collect();
            Some(Counts { weights: member.as_ref()?.weights.clone(), users, items })
        });
        Former { checkpoints, counts: counts.collect() }
    }
}

impl Counts {
    /// In the numbers of today's shard.
    fn local(&self, shard: &Shard) -> model::PreviousModel {
        let local = |of: &[u32], index: Option<u32>| of.binary_search(&index?).ok().map(|at| at as u32);
        model::PreviousModel {
            weights: self.weights.to_vec(),
            users: self.users.iter().map(|&user| local(&shard.users, user)).collect(),
            items: self.items.iter().map(|&item| local(&shard.items, item)).collect(),
        }
    }
}

/// Slices per shard; 0 where there are none.
pub(super) fn slices(config: &Config) -> u32 {
    if config.model.slices > 1 { config.model.slices } else { 0 }
}

impl Arm {
    /// Where the training of a shard begins.
    pub(super) fn start(&self, shard: u32, config: &Config) -> Start {
        let own = &self.shards[shard as usize];
        if let Some(slices) = self.slices(config) {
            let rows = self.prefixes(shard, &slices);
            let fits = |kept: &&Kept| after(&rows, kept.legs) == Some(&kept.rows);
            let best = self.former.checkpoints.iter().filter(fits).max_by_key(|kept| kept.legs);
            let resume = best.map(|kept| SliceCheckpoint { rounds: kept.legs, state: kept.state.to_vec() });
            let slice_of_user = own.users.iter().map(|&user| slices.slice(self.data.interactions.users().get(user)));
            return Start::Sliced(Sliced { count: slices.count(), slice_of_user: slice_of_user.collect(), resume });
        }
        match self.former.counts.get(shard as usize) {
            Some(Some(counts)) if self.spec.model.name.is_additive() => Start::Counts(counts.local(own)),
            _ => Start::Fresh,
        }
    }

    fn slices(&self, config: &Config) -> Option<Slices> {
        let count = Some(self.spec.model.slices).filter(|&count| count > 1)?;
        // The settings were checked: there are not too many.
        Slices::new(config.seed.into(), count).ok()
    }

    /// Per number of legs, from 1: a digest of all rows that these legs see. The last leg sees the whole shard and is not
    /// among them.
    fn prefixes(&self, shard: u32, slices: &Slices) -> Vec<Digest> {
        let Some(layout) = &self.layout else { return Vec::new() };
        let data = &self.data.interactions;
        let mut hashers: Vec<Hasher> = (0..slices.count()).map(|_| Hasher::new("ultrare slice rows 1")).collect();
        for &user in &self.shards[shard as usize].users {
            let id = data.users().get(user);
            let hasher = &mut hashers[slices.slice(id) as usize];
            for index in data.range_of(user) {
                if u32::from(layout.shard_of_row[index]) == shard {
                    let row = &data.rows()[index];
                    hasher.str(id).str(data.items().get(row.item)).f32(row.value).u32(row.fate as u32);
                }
            }
        }
        let mut before = Digest::default();
        let slices = hashers.iter().take(hashers.len() - 1).map(Hasher::finish);
        let chained = slices.map(|slice| {
            before = Hasher::new("ultrare legs 1").u32(shard).digest(&before).digest(&slice).finish();
            before
        });
        chained.collect()
    }

    /// The checkpoints of a trained shard: those that were taken over, and those that its training made.
    pub(super) fn kept(&self, shard: u32, made: Vec<SliceCheckpoint>, config: &Config) -> Vec<Kept> {
        let Some(slices) = self.slices(config) else { return Vec::new() };
        let rows = self.prefixes(shard, &slices);
        let fits = |kept: &&Kept| after(&rows, kept.legs) == Some(&kept.rows);
        let mut all: Vec<Kept> = self.former.checkpoints.iter().filter(fits).cloned().collect();
        all.retain(|kept| made.iter().all(|new| new.rounds != kept.legs));
        all.extend(made.into_iter().filter_map(|new| {
            let rows = *after(&rows, new.rounds)?;
            Some(Kept { legs: new.rounds, rows, state: Arc::new(ByteBuf::from(new.state)) })
        }));
        all.sort_by_key(|kept| kept.legs);
        all
    }

    /// Rows of each slice of a shard.
    fn slice_rows(&self, shard: u32, slices: &Slices) -> Vec<u64> {
        let Some(layout) = &self.layout else { return Vec::new() };
        let mut rows = vec![0u64; slices.count() as usize];
        for &user in &self.shards[shard as usize].users {
            let mine = self.data.interactions.range_of(user);
            let here = mine.filter(|&index| u32::from(layout.shard_of_row[index]) == shard).count() as u64;
            rows[slices.slice(self.data.interactions.users().get(user)) as usize] += here;
        }
        rows
    }
}

/// The digest of the rows that so many legs see; none for a number of legs that nothing is kept of.
fn after(rows: &[Digest], legs: u32) -> Option<&Digest> {
    rows.get((legs as usize).checked_sub(1)?)
}

/// Work of each leg, in rows times passes: early legs take the same number of epochs each, the last takes the rest.
fn work_of_legs(trained: &Trained, rows: &[u64]) -> Vec<u64> {
    let epochs = u64::from(trained.epochs);
    // Legs before the first row are passed over.
    let empty = rows.iter().take_while(|&&rows| rows == 0).count();
    let run = (rows.len() - empty).max(1) as u64;
    let each = (epochs / run).max(1);
    let last = epochs.saturating_sub(each * (run - 1)).max(1);
    let (mut seen, end) = (0, rows.len() - 1);
    let leg = |(at, rows): (usize, &u64)| {
        seen += rows;
        seen * if at == end { last } else { each }
    };
    rows.iter().enumerate().map(leg).collect()
}

/// Shares of a training that are done again.
#[derive(Default)]
struct Shares {
    /// For the users hit.
    hit: f64,
    /// For one user, on average over all.
    expected: f64,
}

/// `rows`: what is gone, as indices of the arm's rows.
fn shares(arm: &Arm, slices: &Slices, rows: &[u32]) -> Shares {
    let Some(layout) = &arm.layout else { return Shares::default() };
    let data = &arm.data.interactions;
    let slice = |user: u32| slices.slice(data.users().get(user)) as usize;
    let mut hit = vec![usize::MAX; arm.shards.len()];
    for &row in rows {
        if let Some(hit) = hit.get_mut(usize::from(layout.shard_of_row[row as usize])) {
            *hit = slice(data.rows()[row as usize].user).min(*hit);
        }
    }
    let (mut again, mut whole, mut expected, mut users) = (0, 0, 0.0, 0u32);
    for (shard, member) in arm.members.iter().enumerate() {
        let Some(member) = member else { continue };
        let work = work_of_legs(member, &arm.slice_rows(shard as u32, slices));
        let all: u64 = work.iter().sum();
        if let Some(legs) = work.get(hit[shard]..) {
            again += legs.iter().sum::<u64>();
            whole += all;
        }
        for &user in &arm.shards[shard].users {
            expected += work[slice(user)..].iter().sum::<u64>() as f64 / all.max(1) as f64;
            users += 1;
        }
    }
    Shares { hit: again as f64 / (whole as f64).max(1.0), expected: expected / f64::from(users.max(1)) }
}

impl Experiment {
    /// What checkpoints or counts will save, into the bill.
    pub(super) fn foresee(&self, serving: &Arm, found: &Resolved, plan: &mut Plan) {
        if plan.touched.is_empty() {
            return;
        }
        let mut warn = |code: &str, message: String| {
            plan.warnings.push(Warning { code: code.to_owned(), message, confirm: false });
        };
        if serving.spec.model.name.is_additive() {
            let message = format!(
                "This model is made of counts: {} rows are subtracted and the matrix is solved again. That is exact with one \
                 shard as well, so here shards only cost accuracy.",
                plan.shard_rows
            );
            return warn("counts", message);
        }
        let Some(slices) = serving.slices(&self.config) else { return };
        let Shares { hit, expected } = shares(serving, &slices, &found.rows);
        let (now, mean) = (hit * 100.0, expected * 100.0);
        let message = format!(
            "Checkpoints save work: {now:.0}% of the touched shards' training is done again; for one user it is {mean:.0}% on average."
        );
        warn("slices", message);
        (plan.share, plan.expected_share) = (Some(hit), Some(expected));
        if let Some(seconds) = &mut plan.seconds {
            let combine = serving.seconds.combine;
            *seconds = (*seconds - combine).max(0.0) * hit + combine;
        }
    }

    /// What checkpoints or counts saved in the arm that is about to serve.
    pub(super) fn saving(&self, arm: &Arm) -> Option<SavingView> {
        let work = arm.trained.iter().filter_map(|&shard| arm.members[shard as usize].as_ref()?.work);
        let (done, whole) = work.fold((0, 0), |(done, whole), work| (done + work.done, whole + work.whole));
        let expected = arm.slices(&self.config).map(|slices| shares(arm, &slices, &[]).expected);
        (whole > 0).then(|| SavingView { share: done as f64 / whole as f64, expected })
    }
}
