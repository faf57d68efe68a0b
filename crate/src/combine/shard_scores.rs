//! What single shards say to one user.

use super::calibrate::standardise;
use super::{Ensemble, UserRows};

/// Scores by single shards, with buffers that are used again.
pub(super) struct ShardScores<'a> {
    ensemble: &'a Ensemble,
    /// Local scores of the shard asked last.
    pub scores: Vec<f32>,
    localised: (Vec<u32>, Vec<f32>),
}

impl<'a> ShardScores<'a> {
    pub fn new(ensemble: &'a Ensemble) -> Self {
        ShardScores { ensemble, scores: Vec::new(), localised: (Vec::new(), Vec::new()) }
    }

    /// Local scores of a user of the shard.
    pub fn trained(&mut self, shard: usize, local_user: u32) -> bool {
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
    pub fn folded(&mut self, shard: usize, user: &UserRows<'_>) -> bool {
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

    /// The same, standardised; `None` if the shard has nothing to say.
    pub fn standardised(&mut self, shard: usize, user: &UserRows<'_>) -> Option<&[f32]> {
        if !self.folded(shard, user) {
            return None;
        }
        standardise(&mut self.scores);
        Some(&self.scores)
    }
}
