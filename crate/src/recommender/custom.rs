//! One's own sub-model, partition or combiner, with forgetting that is as exact as that of the ones that are built in.
//!
//! What has to hold is what a trait says: a shard that follows from a person's id, a sub-model that follows from its shard's rows,
//! scores that follow from sub-models and a person's rows. Then [`CustomEnsemble::forget`] trains only the shards that lose a row,
//! and its digests are those of an ensemble that never had the rows.
//!
//! ```
//! use ultrare::combine::{Ensemble, UserRows};
//! use ultrare::model::{ModelConfig, ShardRows, SubModel};
//! use ultrare::recommender::custom::{Combine, CustomEnsemble, Divide, Parts, Train};
//! use ultrare::unlearn::Request;
//! use ultrare::{Matrix, Result};
//!
//! /// A partition: by the first letter of the id, say the country of the account.
//! struct Country;
//! impl Divide for Country {
//!     fn shards(&self) -> u32 { 2 }
//!     fn shard_of(&self, user: &str) -> u16 { u16::from(user.as_bytes()[0] >= b'n') }
//! }
//!
//! /// A sub-model: how many people of the shard have an item.
//! struct Popular(Vec<f32>, usize);
//! impl SubModel for Popular {
//!     fn name(&self) -> &'static str { "popular" }
//!     fn n_users(&self) -> usize { self.1 }
//!     fn n_items(&self) -> usize { self.0.len() }
//!     fn user(&self, _: u32) -> Vec<f32> { Vec::new() }
//!     fn fold_in(&self, _: &[u32], _: &[f32]) -> Vec<f32> { Vec::new() }
//!     fn score(&self, _: &[f32], out: &mut [f32]) { out.copy_from_slice(&self.0) }
//!     fn item_vectors(&self) -> Option<&Matrix> { None }
//!     fn to_bytes(&self) -> Vec<u8> { self.0.iter().flat_map(|count| count.to_le_bytes()).collect() }
//! }
//! struct Count;
//! impl Train for Count {
//!     fn train(&self, rows: ShardRows, _seed: u64, _shard: u32) -> Result<Box<dyn SubModel>> {
//!         let mut counts = vec![0.0; rows.n_items as usize];
//!         rows.items.iter().for_each(|&item| counts[item as usize] += 1.0);
//!         Ok(Box::new(Popular(counts, rows.n_users as usize)))
//!     }
//! }
//!
//! /// A combiner: the best that any shard says of an item.
//! struct Best;
//! impl Combine for Best {
//!     fn score(&self, ensemble: &Ensemble, user: &UserRows<'_>, out: &mut [f32]) {
//!         out.fill(f32::NEG_INFINITY);
//!         for member in ensemble.members() {
//!             let mut scores = vec![0.0; member.items.len()];
//!             member.model.score(&member.model.fold_in(&[], &[]), &mut scores);
//!             for (&item, score) in member.items.iter().zip(scores) {
//!                 out[item as usize] = out[item as usize].max(score);
//!             }
//!         }
//!     }
//! }
//!
//! let rows = [("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("rob", "ale"), ("sue", "ale"), ("sue", "tea")];
//! let parts = Parts { divide: &Country, train: &Count, combine: &Best, seed: 1 };
//! let mut all = CustomEnsemble::fit(&ultrare::from_rows(rows)?, parts)?;
//! assert_eq!(all.recommend("bob", 1)?[0].0, "ale");
//!
//! // Sue goes: only the second shard is trained again, and everything is as if she had never been there.
//! assert_eq!(all.forget(&Request::of_users(["sue"]))?, [1]);
//! let never = CustomEnsemble::fit(&ultrare::from_rows(rows.into_iter().filter(|row| row.0 != "sue"))?, parts)?;
//! assert_eq!(all.digests(), never.digests());
//!
//! // Built-in models train here, too.
//! let parts = Parts { train: &ModelConfig::default(), ..parts };
//! # assert!(matches!(parts.seed, 1));
//! # Ok::<(), ultrare::Error>(())
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::combine::{Ensemble, Member, UserRows};
use crate::error::Result;
use crate::evaluate::rank;
use crate::interactions::Interactions;
use crate::model::{ModelConfig, ShardRows, SubModel, trainer};
use crate::numerics::Digest;
use crate::pipeline::{Assignment, Dataset, Divided, NO_SHARD, Pipeline, Shards, Store, user_table};
use crate::serve::ServeError;
use crate::unlearn::Request;

use super::{RecommenderError, Rows};

/// A partition: who is in which shard, from the id alone, so that nobody's going moves anybody else.
pub trait Divide {
    /// How many shards there are: at most 65,535.
    fn shards(&self) -> u32;
    /// A person's shard, below [`Divide::shards`].
    fn shard_of(&self, user: &str) -> u16;
}

/// A way to train a sub-model: a function of the shard's rows, its number and the seed, the same bits each time.
pub trait Train {
    /// Trains on a shard's rows, which are numbered as its people and items are by their ids.
    ///
    /// Errors: rows that it cannot learn from.
    fn train(&self, rows: ShardRows, seed: u64, shard: u32) -> Result<Box<dyn SubModel>>;
}

/// A combiner: one score for each item of the catalogue from the sub-models and a person's own rows.
pub trait Combine {
    /// Scores into `out`, as long as the catalogue; `f32::NEG_INFINITY` for what nobody can be told of.
    fn score(&self, ensemble: &Ensemble, user: &UserRows<'_>, out: &mut [f32]);
}

impl Train for ModelConfig {
    fn train(&self, rows: ShardRows, seed: u64, shard: u32) -> Result<Box<dyn SubModel>> {
        let mut trainer = trainer(rows, self, seed, shard)?;
        while trainer.stopped().is_none() {
            trainer.step()?;
        }
        Ok(trainer.finish())
    }
}

/// What an ensemble is made by. The same parts for its whole life.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Who is in which shard.
    pub divide: &'a dyn Divide,
    /// What trains a shard.
    pub train: &'a dyn Train,
    /// What turns the shards' scores into one.
    pub combine: &'a dyn Combine,
    /// Given to what trains.
    pub seed: u64,
}

/// A shard's sub-model, by the digest of the rows that it follows from.
struct Trained {
    rows: Digest,
    digest: Digest,
    model: Arc<dyn SubModel>,
}

/// An ensemble of one's own parts, with its rows.
pub struct CustomEnsemble<'a> {
    parts: Parts<'a>,
    dataset: Arc<Dataset>,
    divided: Arc<Divided>,
    trained: BTreeMap<u32, Trained>,
    ensemble: Ensemble,
}

impl<'a> CustomEnsemble<'a> {
    /// Divides all rows and trains every shard that has any.
    ///
    /// Errors: no rows; a shard beyond those that there are; those of the training.
    pub fn fit(rows: &Rows, parts: Parts<'a>) -> Result<Self> {
        Ok(Self::build(rows.loaded.rows.clone(), parts, &BTreeMap::new())?.0)
    }

    /// Trains again what loses a row, and nothing else. Gives the shards that were trained, ascending. Unknown names change nothing.
    ///
    /// Errors: as [`CustomEnsemble::fit`], and everything is as it was.
    pub fn forget(&mut self, request: &Request) -> Result<Vec<u32>> {
        let rows = self.dataset.rows();
        let found = request.resolve(rows);
        let gone: Vec<(u32, u32)> =
            found.rows.iter().map(|&row| &rows.rows()[row as usize]).map(|row| (row.user, row.item)).collect();
        let left = rows.without(|row| gone.binary_search(&(row.user, row.item)).is_ok());
        let (changed, trained) = Self::build(left, self.parts, &self.trained)?;
        *self = changed;
        Ok(trained)
    }

    /// The `n` best items that a person does not have, best first, with their scores.
    ///
    /// Errors: somebody who is not there.
    pub fn recommend(&self, user: &str, n: usize) -> Result<Vec<(String, f32)>> {
        let rows = self.dataset.rows();
        let number = rows.users().find(user).ok_or_else(|| ServeError::UnknownUser(user.to_owned()))?;
        let table = user_table(&self.dataset, Some(&self.divided), [number].into_iter());
        let own = UserRows { items: &table.items, values: &table.values, own: &table.own };
        let mut scores = vec![f32::NEG_INFINITY; rows.items().len()];
        self.parts.combine.score(&self.ensemble, &own, &mut scores);
        let listed = rank(&mut scores.clone(), own.items, n);
        Ok(listed.into_iter().map(|item| (rows.items().get(item).to_owned(), scores[item as usize])).collect())
    }

    /// Per shard, the digest of its sub-model: its number, the ids of its people and items, and its weights. None without rows.
    pub fn digests(&self) -> Vec<Option<Digest>> {
        (0..self.divided.assignment.shards).map(|shard| Some(self.trained.get(&shard)?.digest)).collect()
    }

    /// The sub-models side by side, for measuring and for combiners that are built in.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// What `before` has of the same rows is taken over: an incremental build.
    fn build(rows: Interactions, parts: Parts<'a>, before: &BTreeMap<u32, Trained>) -> Result<(Self, Vec<u32>)> {
        let shards = parts.divide.shards();
        if shards > u32::from(NO_SHARD) {
            let said = format!("{shards} shards are asked for, and there can be {NO_SHARD} at the most");
            return Err(RecommenderError::Refused(said).into());
        }
        let of_user = |id: &str| match parts.divide.shard_of(id) {
            shard if u32::from(shard) < shards => Ok(shard),
            shard => {
                let said = format!("\"{id}\" is put into shard {shard}, and there are {shards}, counted from 0");
                Err(RecommenderError::Refused(said))
            }
        };
        let shard_of: Vec<u16> = rows.users().iter().map(of_user).collect::<Result<_, _>>()?;
        let shard_of_row = rows.rows().iter().map(|row| shard_of[row.user as usize]).collect();
        let dataset = Arc::new(Dataset::as_split(rows));
        let kept = Shards::Kept(Arc::new(Assignment { shards, shard_of_row }), Default::default());
        let pipeline = Pipeline::new(dataset.clone(), Default::default(), kept);
        let divided = pipeline.divided(&Store::default()).expect("its shards are given");
        let (mut trained, mut again, mut members) = (BTreeMap::new(), Vec::new(), Vec::new());
        for shard in divided.present() {
            let own = &divided.shards[shard as usize];
            let rows = divided.rows[shard as usize];
            let (digest, model) = match before.get(&shard).filter(|known| known.rows == rows) {
                Some(known) => (known.digest, known.model.clone()),
                None => {
                    again.push(shard);
                    let local = own.rows(&dataset, &divided.assignment, shard);
                    let model: Arc<dyn SubModel> = Arc::from(parts.train.train(local, parts.seed, shard)?);
                    (own.digest(&dataset, shard, &model.to_bytes()), model)
                }
            };
            members.push(Member { model: model.clone(), items: own.items.clone(), rows: own.n_rows });
            trained.insert(shard, Trained { rows, digest, model });
        }
        let ensemble = Ensemble::new(members, dataset.rows().items().len() as u32)?;
        Ok((CustomEnsemble { parts, dataset, divided, trained, ensemble }, again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::combine::{CombineConfig, CombinerRows, Scorer, prepare};
    use crate::model::ModelName;

    struct ByLength;
    impl Divide for ByLength {
        fn shards(&self) -> u32 {
            4
        }
        fn shard_of(&self, user: &str) -> u16 {
            user.bytes().map(u16::from).sum::<u16>() % 4
        }
    }

    /// So many shards, and everybody in one of them.
    struct Always(u32, u16);
    impl Divide for Always {
        fn shards(&self) -> u32 {
            self.0
        }
        fn shard_of(&self, _: &str) -> u16 {
            self.1
        }
    }

    /// A combiner that is built in, prepared for each question.
    struct BuiltIn;
    impl Combine for BuiltIn {
        fn score(&self, ensemble: &Ensemble, user: &UserRows<'_>, out: &mut [f32]) {
            let prepared = prepare(ensemble, &CombineConfig::default(), 1, &CombinerRows::default()).unwrap();
            Scorer::new(ensemble, &prepared).unwrap().score(user, out);
        }
    }

    #[test]
    fn what_is_forgotten_one_after_the_other_was_never_there() {
        let rows = super::super::sample(3).unwrap();
        let train = ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Wmf) };
        let parts = Parts { divide: &ByLength, train: &train, combine: &BuiltIn, seed: 5 };
        let mut all = CustomEnsemble::fit(&rows, parts).unwrap();
        let ids: Vec<String> = rows.loaded.rows.users().iter().map(str::to_owned).collect();
        let item = rows.loaded.rows.items().get(3).to_owned();
        let requests = [
            Request::of_users([&ids[7]]),
            Request::of_users([&ids[8], &ids[40]]),
            Request { items: vec![item], ..Request::default() },
        ];
        let mut left = rows.loaded.rows.clone();
        for request in &requests {
            let shards = all.forget(request).unwrap();
            let gone = request.resolve(&left);
            let expected: std::collections::BTreeSet<u32> =
                gone.users.iter().map(|&user| u32::from(ByLength.shard_of(left.users().get(user)))).collect();
            assert_eq!(shards, expected.into_iter().collect::<Vec<_>>(), "only shards that lose a row are trained");
            let of: Vec<(u32, u32)> =
                gone.rows.iter().map(|&row| &left.rows()[row as usize]).map(|row| (row.user, row.item)).collect();
            left = left.without(|row| of.contains(&(row.user, row.item)));
            let never = CustomEnsemble::fit(&left.clone().into(), parts).unwrap();
            assert_eq!(all.digests(), never.digests());
            assert_eq!(all.recommend(&ids[1], 20).unwrap(), never.recommend(&ids[1], 20).unwrap());
        }
        assert_eq!(all.recommend(&ids[7], 5).unwrap_err().code(), "serve.unknown_user");
        assert!(all.forget(&Request::of_users(["nobody"])).unwrap().is_empty());
    }

    #[test]
    fn a_shard_that_is_not_there_and_no_rows_are_refused() {
        let parts = Parts { divide: &Always(2, 2), train: &ModelConfig::default(), combine: &BuiltIn, seed: 1 };
        let rows = super::super::from_rows([("ann", "tea"), ("bob", "jam")]).unwrap();
        let error = CustomEnsemble::fit(&rows, parts).err().unwrap();
        assert_eq!(error.code(), "recommender.refused");
        assert!(error.to_string().contains("\"ann\" is put into shard 2, and there are 2"), "{error}");
        let many = Parts { divide: &Always(65_536, 65_535), ..parts };
        let error = CustomEnsemble::fit(&rows, many).err().unwrap();
        assert!(error.to_string().contains("65536 shards are asked for"), "{error}");
        let one = Parts { divide: &Always(1, 0), train: &ModelConfig::of(ModelName::Itemknn), ..parts };
        let mut all = CustomEnsemble::fit(&rows, one).unwrap();
        let before = all.digests();
        assert_eq!(all.forget(&Request::of_users(["ann", "bob"])).unwrap_err().code(), "combine.empty");
        assert_eq!(all.digests(), before, "a refusal leaves everything as it was");
        let none = Rows::default();
        assert_eq!(CustomEnsemble::fit(&none, parts).err().unwrap().code(), "combine.empty");
    }
}
