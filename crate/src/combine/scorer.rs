//! From a user's rows to one score per item of the catalogue.

use super::calibrate::standardise;
use super::joint::{Joint, UserSystem};
use super::prepared::Fitted;
use super::shard_scores::ShardScores;
use super::{CombineError, CombineMethod, Ensemble, Prepared, UserRows};

/// Scores users with an ensemble and its prepared combiner. Buffers are kept between users; users are independent, so
/// any range of them can be scored anywhere with the same bits.
pub struct Scorer<'a> {
    ensemble: &'a Ensemble,
    prepared: &'a Prepared,
    work: UserSystem,
    /// Sum of votes and number of voters per item.
    votes: Vec<f32>,
    voters: Vec<u32>,
    shard: ShardScores<'a>,
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
            work: UserSystem::default(),
            votes: vec![0.0; m],
            voters: vec![0; m],
            shard: ShardScores::new(ensemble),
            known: Vec::new(),
        })
    }

    /// One score per item of the catalogue into `out`; items that no sub-model taking part has seen get
    /// `f32::NEG_INFINITY`. A user without any row that a shard knows gets the same score for all items.
    ///
    /// Panics if `out` is not as long as the catalogue, like an index out of range.
    pub fn score(&mut self, user: &UserRows<'_>, out: &mut [f32]) {
        let prepared = self.prepared;
        match &prepared.state {
            Fitted::Own => {
                if user.own.is_empty() {
                    self.fold_everywhere(user, |_| 1.0, out);
                } else {
                    self.own(user, out);
                }
            }
            Fitted::Mean => self.fold_everywhere(user, |_| 1.0, out),
            Fitted::Logistic(fit) => self.fold_everywhere(user, |member| fit.members[member] as f32, out),
            Fitted::Attention(fit) => {
                fit.score(self.ensemble, user.items, user.values, out);
                self.hide_unknown(out);
            }
            Fitted::Joint(joint) => self.joint(joint, std::slice::from_ref(user), out),
        }
    }

    /// [`Scorer::score`] of several users, one after the other in `out`: the same bits, in less time where the combiner's
    /// matrix outgrows the caches. Eight at a time get most of it.
    ///
    /// Panics if `out` is not users x items, like an index out of range.
    pub fn score_all(&mut self, users: &[UserRows<'_>], out: &mut [f32]) {
        let (prepared, n_items) = (self.prepared, self.ensemble.n_items() as usize);
        assert_eq!(out.len(), users.len() * n_items, "a place for each user and item");
        match &prepared.state {
            Fitted::Joint(joint) => self.joint(joint, users, out),
            _ if n_items == 0 => (),
            Fitted::Own if self.of_one(users, out) => (),
            _ => users.iter().zip(out.chunks_exact_mut(n_items)).for_each(|(user, out)| self.score(user, out)),
        }
    }

    /// Users who all are one shard's and nobody else's, such as those of one model without shards, scored together. False, and
    /// nothing done, for others.
    fn of_one(&mut self, users: &[UserRows<'_>], out: &mut [f32]) -> bool {
        let [first, _, ..] = users else { return false };
        let &[(shard, _)] = first.own else { return false };
        let Some(member) = self.ensemble.members().get(usize::from(shard)) else { return false };
        let theirs = |user: &UserRows<'_>| matches!(user.own, &[(own, local)] if own == shard && (local as usize) < member.model.n_users());
        if !users.iter().all(theirs) {
            return false;
        }
        let vectors: Vec<f32> = users.iter().flat_map(|user| member.model.user(user.own[0].1)).collect();
        let n_local = member.items.len();
        let mut local = std::mem::take(&mut self.shard.scores);
        local.resize(users.len() * n_local, 0.0);
        member.model.score_all(&vectors, vectors.len() / users.len(), &mut local);
        out.fill(f32::NEG_INFINITY);
        let n_items = out.len() / users.len();
        for (out, local) in out.chunks_exact_mut(n_items).zip(local.chunks_exact(n_local.max(1))) {
            for (&item, &score) in member.items.iter().zip(local) {
                out[item as usize] = 0.0 + score; // a sum of one vote: -0 is 0
            }
        }
        local.clear();
        self.shard.scores = local;
        true
    }

    fn joint(&mut self, joint: &Joint, users: &[UserRows<'_>], out: &mut [f32]) {
        self.known.clear();
        let mut ends = Vec::with_capacity(users.len());
        for user in users {
            self.known.extend(user.items.iter().filter(|&&item| self.ensemble.knows(item)));
            ends.push(self.known.len());
        }
        let mut from = 0;
        let known = ends.iter().map(|&end| &self.known[std::mem::replace(&mut from, end)..end]);
        joint.score(self.ensemble, known, &mut self.work, out);
        out.chunks_exact_mut(joint.n_items().max(1)).for_each(|out| self.hide_unknown(out));
    }

    /// What each row of a user adds to the score of an item: (item of the row, term), in the order of the rows. None where
    /// the combiner's scores are no such sum.
    pub fn terms(&mut self, user: &UserRows<'_>, item: u32) -> Option<Vec<(u32, f32)>> {
        let Fitted::Joint(joint) = &self.prepared.state else { return None };
        let known: Vec<u32> = user.items.iter().copied().filter(|&item| self.ensemble.knows(item)).collect();
        let terms = joint.terms(self.ensemble, &known, item, &mut self.work);
        Some(known.into_iter().zip(terms).collect())
    }

    /// The method that scores.
    pub fn method(&self) -> CombineMethod {
        self.prepared.method()
    }

    /// What one shard says: its scores at its items' places in the catalogue, `NEG_INFINITY` elsewhere. A user of the
    /// shard is scored as trained, anybody else is folded in. Returns whether the shard could say anything.
    pub fn shard_scores(&mut self, shard: usize, user: &UserRows<'_>, out: &mut [f32]) -> bool {
        out.fill(f32::NEG_INFINITY);
        let own = user.own.iter().find(|(own, _)| usize::from(*own) == shard);
        let spoke = match own {
            Some(&(_, local_user)) => self.shard.trained(shard, local_user),
            None => self.shard.folded(shard, user),
        };
        if spoke {
            for (&item, &score) in self.ensemble.members()[shard].items.iter().zip(&self.shard.scores) {
                out[item as usize] = score;
            }
        }
        spoke
    }

    fn own(&mut self, user: &UserRows<'_>, out: &mut [f32]) {
        self.clear();
        let mut speakers = 0;
        for &(shard, local_user) in user.own {
            let shard = usize::from(shard);
            if shard < self.ensemble.n_shards() && self.shard.trained(shard, local_user) {
                if user.own.len() > 1 {
                    standardise(&mut self.shard.scores);
                }
                self.vote(shard, 1.0);
                speakers += 1;
            }
        }
        self.average(speakers, out);
    }

    /// Standardised fold-ins added up, each times `weight(shard)`.
    fn fold_everywhere(&mut self, user: &UserRows<'_>, weight: impl Fn(usize) -> f32, out: &mut [f32]) {
        self.clear();
        let mut speakers = 0;
        for shard in 0..self.ensemble.n_shards() {
            if self.shard.standardised(shard, user).is_some() {
                self.vote(shard, weight(shard));
                speakers += 1;
            }
        }
        if speakers > 0 {
            self.average(speakers, out);
        } else {
            for (item, place) in out.iter_mut().enumerate() {
                *place = if self.ensemble.knows(item as u32) { 0.0 } else { f32::NEG_INFINITY };
            }
        }
    }

    fn hide_unknown(&self, out: &mut [f32]) {
        for (item, place) in out.iter_mut().enumerate() {
            if !self.ensemble.knows(item as u32) {
                *place = f32::NEG_INFINITY;
            }
        }
    }

    fn clear(&mut self) {
        self.votes.fill(0.0);
        self.voters.fill(0);
    }

    fn vote(&mut self, shard: usize, weight: f32) {
        for (&item, &score) in self.ensemble.members()[shard].items.iter().zip(&self.shard.scores) {
            self.votes[item as usize] += weight * score;
            self.voters[item as usize] += 1;
        }
    }

    /// Over all shards that spoke: one that never saw an item counts as finding it average. (Dividing by the item's own
    /// voters instead was as good with 10 shards and worse with 94.)
    fn average(&self, speakers: u32, out: &mut [f32]) {
        for ((place, &vote), &voters) in out.iter_mut().zip(&self.votes).zip(&self.voters) {
            *place = if voters == 0 { f32::NEG_INFINITY } else { vote / speakers as f32 };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fake_model::{FakeModel, ensemble, normals};
    use super::super::{CombineConfig, CombinerRows, Member, prepare};
    use super::*;

    fn scores(ensemble: &Ensemble, method: CombineMethod, user: &UserRows<'_>) -> Vec<f32> {
        let prepared = prepare(ensemble, &CombineConfig::of(method), 1, &CombinerRows::default()).unwrap();
        let mut out = vec![9.0; ensemble.n_items() as usize];
        Scorer::new(ensemble, &prepared).unwrap().score(user, &mut out);
        out
    }

    /// Two shards with one-dimensional vectors: scores can be read off.
    fn pair() -> Ensemble {
        let shard = |vectors: &[f32], items: &[u32], user: f32| {
            let column = |values: &[f32]| crate::Matrix::from_vec(values.len(), 1, values.to_vec()).unwrap();
            let model = FakeModel { users: column(&[user]), items: column(vectors), vectors: true };
            Member { model: Arc::new(model), items: items.to_vec(), rows: 3 }
        };
        let members = vec![shard(&[1.0, 2.0, 3.0], &[0, 1, 2], 2.0), shard(&[5.0, 1.0], &[1, 3], -1.0)];
        Ensemble::new(members, 5).unwrap()
    }

    #[test]
    fn own_is_what_the_users_shard_says() {
        let user = UserRows { items: &[0], values: &[1.0], own: &[(1, 0)] };
        let nobody = f32::NEG_INFINITY;
        assert_eq!(scores(&pair(), CombineMethod::Own, &user), [nobody, -5.0, nobody, -1.0, nobody]);
    }

    #[test]
    fn own_averages_a_user_of_several_shards_over_these() {
        let user = UserRows { items: &[0], values: &[1.0], own: &[(0, 0), (1, 0)] };
        let out = scores(&pair(), CombineMethod::Own, &user);
        // Standardised: shard 0 says -1.22, 0, 1.22 on items 0, 1, 2; shard 1 says -1, 1 on items 1, 3; then halved.
        assert!((out[2] - 0.612_372_4).abs() < 1e-6 && (out[0] + 0.612_372_4).abs() < 1e-6, "{out:?}");
        assert!(out[3] > 0.0 && out[1] < 0.0 && out[4] == f32::NEG_INFINITY, "{out:?}");
    }

    #[test]
    fn mean_folds_into_shards_that_know_a_row_and_no_others() {
        // Only shard 0 knows item 0: item 3 gets no vote and nobody is told it.
        let user = UserRows { items: &[0], values: &[1.0], own: &[] };
        let out = scores(&pair(), CombineMethod::Mean, &user);
        assert!(out[0] < out[1] && out[1] < out[2], "{out:?}");
        assert_eq!(out[3..], [f32::NEG_INFINITY; 2]);
        assert_eq!(out, scores(&pair(), CombineMethod::Own, &user), "a user without a shard is served by mean");
    }

    #[test]
    fn somebody_unknown_gets_equal_scores_for_what_is_known() {
        let user = UserRows { items: &[4], values: &[1.0], own: &[] };
        for method in [CombineMethod::Own, CombineMethod::Mean, CombineMethod::Joint] {
            assert_eq!(scores(&pair(), method, &user), [0.0, 0.0, 0.0, 0.0, f32::NEG_INFINITY], "{method:?}");
        }
    }

    #[test]
    fn one_shard_is_an_ensemble_too() {
        let single = ensemble(1, 30, 5, 3);
        let items: Vec<u32> = single.members()[0].items.iter().copied().step_by(4).collect();
        let user = UserRows { items: &items, values: &vec![1.0; items.len()], own: &[(0, 1)] };
        for method in [CombineMethod::Own, CombineMethod::Mean, CombineMethod::Joint] {
            let out = scores(&single, method, &user);
            for item in 0..30 {
                assert_eq!(out[item as usize].is_finite(), single.knows(item), "{method:?} {item}");
            }
        }
    }

    #[test]
    fn neither_the_order_nor_the_company_of_users_matters() {
        let ensemble = ensemble(4, 50, 6, 11);
        for method in [CombineMethod::Own, CombineMethod::Mean, CombineMethod::Joint] {
            let prepared = prepare(&ensemble, &CombineConfig::of(method), 1, &CombinerRows::default()).unwrap();
            let prepared = Prepared::from_bytes(&prepared.to_bytes()).unwrap();
            let mut scorer = Scorer::new(&ensemble, &prepared).unwrap();
            let rows = [vec![3u32, 9, 20], vec![1, 2, 5, 7, 11, 40, 41], vec![49]];
            let mut score = |index: usize| {
                let items = &rows[index];
                let user = UserRows { items, values: &vec![1.0; items.len()], own: &[(index as u16, 2)] };
                let mut out = vec![0.0; 50];
                scorer.score(&user, &mut out);
                out
            };
            let forward: Vec<_> = (0..3).map(&mut score).collect();
            let backward: Vec<_> = (0..3).rev().map(&mut score).collect();
            assert!(forward.iter().eq(backward.iter().rev()), "{method:?}");
            let values = [1.0; 7];
            // Of no shard, all of one, of several, and somebody whom the shard does not have.
            for own in [[None; 3], [Some(1); 3], [Some(1), Some(1), Some(3)], [Some(1), Some(1), Some(9)]] {
                let owns =
                    own.map(|own: Option<u16>| own.map(|own| if own == 9 { (1, 1000) } else { (own, u32::from(own)) }));
                let user = |at: usize| UserRows {
                    items: &rows[at],
                    values: &values[..rows[at].len()],
                    own: owns[at].as_slice(),
                };
                let (mut together, mut alone) = ([0.0; 150], [0.0; 150]);
                scorer.score_all(&[user(0), user(1), user(2)], &mut together);
                (0..3).for_each(|at| scorer.score(&user(at), &mut alone[at * 50..][..50]));
                assert_eq!(together.map(f32::to_bits), alone.map(f32::to_bits), "{method:?} {own:?}");
            }
        }
    }

    #[test]
    fn a_combiner_of_another_ensemble_is_refused() {
        let prepared = prepare(&pair(), &CombineConfig::default(), 1, &CombinerRows::default()).unwrap();
        let other = ensemble(3, 20, 2, 1);
        assert_eq!(Scorer::new(&other, &prepared).err().unwrap().code(), "combine.mismatch");
        assert_eq!(Prepared::from_bytes(&[9, 9]).unwrap_err().code(), "combine.bytes");
    }

    #[test]
    fn members_that_do_not_fit_are_refused() {
        let member = |items: Vec<u32>| Member {
            model: Arc::new(FakeModel { users: normals(1, 2, 1), items: normals(2, 2, 2), vectors: true }),
            items,
            rows: 2,
        };
        let code = |items: Vec<u32>| Ensemble::new(vec![member(items)], 5).err().map(|error| error.to_string());
        assert_eq!(code(vec![1, 4]), None);
        assert!(code(vec![1]).unwrap().contains("1 items are listed and the sub-model scores 2"));
        assert!(code(vec![4, 1]).unwrap().contains("ascending"));
        assert!(code(vec![1, 5]).unwrap().contains("catalogue of 5"));
        assert_eq!(Ensemble::new(vec![], 5).err().unwrap(), CombineError::Empty);
        let config = CombineConfig { lambda: Some(-1.0), ..CombineConfig::default() };
        let error = prepare(&pair(), &config, 1, &CombinerRows::default()).unwrap_err();
        assert_eq!(error.to_string(), "lambda must be a number above 0, not -1");
    }
}
