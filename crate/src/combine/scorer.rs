//! From a user's rows to one score per item of the catalogue.

use super::joint::Work;
use super::prepared::State;
use super::{CombineError, Ensemble, Prepared, UserRows};

/// Scores users with an ensemble and its prepared combiner. Buffers are kept between users; users are independent, so
/// any range of them can be scored anywhere with the same bits.
pub struct Scorer<'a> {
    ensemble: &'a Ensemble,
    prepared: &'a Prepared,
    work: Work,
    /// Sum of votes and number of voters per item.
    votes: Vec<f32>,
    voters: Vec<u32>,
    scores: Vec<f32>,
    localised: (Vec<u32>, Vec<f32>),
    known: Vec<u32>,
}

impl<'a> Scorer<'a> {
    /// Errors: `prepared` was made for other numbers of shards or items.
    pub fn new(ensemble: &'a Ensemble, prepared: &'a Prepared) -> Result<Self, CombineError> {
        prepared.check(ensemble)?;
        let m = ensemble.n_items() as usize;
        Ok(Scorer {
            ensemble,
            prepared,
            work: Work::default(),
            votes: vec![0.0; m],
            voters: vec![0; m],
            scores: vec![0.0; m],
            localised: (Vec::new(), Vec::new()),
            known: Vec::new(),
        })
    }

    /// One score per item of the catalogue into `out`; items that no sub-model taking part has seen get
    /// `f32::NEG_INFINITY`. A user without any row that a shard knows gets the same score for all items.
    ///
    /// Panics if `out` is not as long as the catalogue, like an index out of range.
    pub fn score(&mut self, user: &UserRows<'_>, out: &mut [f32]) {
        match &self.prepared.state {
            State::Own => {
                if user.own.is_empty() {
                    self.mean(user, out);
                } else {
                    self.own(user, out);
                }
            }
            State::Mean => self.mean(user, out),
            State::Joint(joint) => {
                self.known.clear();
                self.known.extend(user.items.iter().filter(|&&item| self.ensemble.knows(item)));
                joint.score(&self.known, &mut self.work, out);
                for (item, place) in out.iter_mut().enumerate() {
                    if !self.ensemble.knows(item as u32) {
                        *place = f32::NEG_INFINITY;
                    }
                }
            }
        }
    }

    /// What one shard says: its scores at its items' places in the catalogue, `NEG_INFINITY` elsewhere. A user of the
    /// shard is scored as trained, anybody else is folded in. Returns whether the shard could say anything.
    pub fn shard_scores(&mut self, shard: usize, user: &UserRows<'_>, out: &mut [f32]) -> bool {
        out.fill(f32::NEG_INFINITY);
        let own = user.own.iter().find(|(own, _)| usize::from(*own) == shard);
        let spoke = match own {
            Some(&(_, local_user)) => self.trained(shard, local_user),
            None => self.folded(shard, user),
        };
        if spoke {
            for (&item, &score) in self.ensemble.members()[shard].items.iter().zip(&self.scores) {
                out[item as usize] = score;
            }
        }
        spoke
    }

    /// Local scores of a user of the shard.
    fn trained(&mut self, shard: usize, local_user: u32) -> bool {
        let model = &self.ensemble.members()[shard].model;
        if local_user as usize >= model.n_users() {
            return false;
        }
        let vector = model.user(local_user);
        self.scores.resize(model.n_items(), 0.0);
        model.score(&vector, &mut self.scores);
        true
    }

    /// Local scores of a user folded into the shard; `false` if it knows none of the user's items.
    fn folded(&mut self, shard: usize, user: &UserRows<'_>) -> bool {
        let model = &self.ensemble.members()[shard].model;
        self.ensemble.localise(shard, user.items, user.values, &mut self.localised);
        if self.localised.0.is_empty() {
            return false;
        }
        let vector = model.fold_in(&self.localised.0, &self.localised.1);
        self.scores.resize(model.n_items(), 0.0);
        model.score(&vector, &mut self.scores);
        true
    }

    fn own(&mut self, user: &UserRows<'_>, out: &mut [f32]) {
        self.clear();
        for &(shard, local_user) in user.own {
            let shard = usize::from(shard);
            if shard < self.ensemble.n_shards() && self.trained(shard, local_user) {
                if user.own.len() > 1 {
                    standardise(&mut self.scores);
                }
                self.vote(shard);
            }
        }
        self.average(out);
    }

    fn mean(&mut self, user: &UserRows<'_>, out: &mut [f32]) {
        self.clear();
        let mut spoke = false;
        for shard in 0..self.ensemble.n_shards() {
            if self.folded(shard, user) {
                standardise(&mut self.scores);
                self.vote(shard);
                spoke = true;
            }
        }
        if spoke {
            self.average(out);
        } else {
            for (item, place) in out.iter_mut().enumerate() {
                *place = if self.ensemble.knows(item as u32) { 0.0 } else { f32::NEG_INFINITY };
            }
        }
    }

    fn clear(&mut self) {
        self.votes.fill(0.0);
        self.voters.fill(0);
    }

    fn vote(&mut self, shard: usize) {
        for (&item, &score) in self.ensemble.members()[shard].items.iter().zip(&self.scores) {
            self.votes[item as usize] += score;
            self.voters[item as usize] += 1;
        }
    }

    fn average(&self, out: &mut [f32]) {
        for ((place, &vote), &voters) in out.iter_mut().zip(&self.votes).zip(&self.voters) {
            *place = match (voters, self.prepared.by_voters) {
                (0, _) => f32::NEG_INFINITY,
                (_, true) => vote / voters as f32,
                (_, false) => vote,
            };
        }
    }
}

/// Mean 0 and variance 1 over the list, so that shards whose scores run on different scales can be averaged. A list
/// without spread becomes all zero.
pub(super) fn standardise(scores: &mut [f32]) {
    let n = scores.len().max(1) as f64;
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    for &score in scores.iter() {
        sum += f64::from(score);
    }
    let mean = sum / n;
    for &score in scores.iter() {
        let distance = f64::from(score) - mean;
        squares += distance * distance;
    }
    let deviation = (squares / n).sqrt();
    let scale = if deviation > 0.0 && deviation.is_finite() { (1.0 / deviation) as f32 } else { 0.0 };
    let mean = mean as f32;
    for score in scores {
        *score = if scale == 0.0 { 0.0 } else { (*score - mean) * scale };
    }
}
