//! The vectors that users are divided by: weighted matrix factorisation of the training rows (the `wmf` objective), one
//! sweep of alternating least squares a step.
//!
//! An embedding has seen every row. It is thrown away once the partition is made; what `anchored` keeps of it comes from
//! anchor users only.

mod plane;

use std::sync::Arc;

pub use plane::Plane;
use serde::{Deserialize, Serialize};

use crate::model::wmf::WmfTrainer;
use crate::model::{EpochReport, ModelConfig, ModelError, ShardRows, StopReason, Trainer as _};
use crate::numerics::als::{AlsParams, AlsSolver, Factors};
use crate::numerics::crew::Crew;
use crate::numerics::kernels::{all_finite, dot};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};
use crate::numerics::sparse::Csr;

/// How users are embedded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingConfig {
    /// Length of a vector, 1 to 512.
    pub factors: u32,
    /// Sweeps at most, 1 to 10000. Clusters are settled long before the last digits of the vectors are.
    pub sweeps: u32,
    /// Scale each user's vector to length 1, so that taste counts and activity does not?
    pub unit: bool,
    /// Weight of the squared score of every pair, 0 to 100.
    pub alpha: f32,
    /// Strength of the ridge penalty, 0 to 1e6, in proportion to the weight of a row's data.
    pub lambda: f32,
}

impl Default for EmbeddingConfig {
    fn default() -> Self {
        EmbeddingConfig { factors: 32, sweeps: 10, unit: true, alpha: 0.3, lambda: 0.015 }
    }
}

impl EmbeddingConfig {
    /// Refuses what is out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        self.params().map(|_| ())
    }

    fn params(&self) -> Result<AlsParams, ModelError> {
        ModelConfig {
            factors: Some(self.factors),
            epochs: Some(self.sweeps),
            alpha: Some(self.alpha),
            lambda: Some(self.lambda),
            ..ModelConfig::default()
        }
        .check()
        .map_err(|error| match error {
            ModelError::Parameter { name: "epochs", expected, value } => {
                ModelError::Parameter { name: "sweeps", expected, value }
            }
            other => other,
        })?;
        Ok(AlsParams { factors: self.factors as usize, alpha: self.alpha, lambda: self.lambda, nu: 1.0 })
    }
}

/// One vector per user and per item, in the order of the rows they were made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// Users, of length 1 each if the configuration says so.
    pub users: Matrix,
    /// Items, as they are.
    pub items: Matrix,
}

/// An embedding under way: `step` until `stopped`, then `finish`.
pub struct Embedder {
    trainer: WmfTrainer,
    unit: bool,
    factors: usize,
}

impl Embedder {
    /// Of all rows in `rows`, validation rows included (give training rows only). Errors: a knob out of its range, rows
    /// that do not hold together.
    pub fn new(rows: &ShardRows, config: &EmbeddingConfig, seed: u64) -> Result<Self, ModelError> {
        let params = config.params()?;
        rows.check()?;
        let key = StreamKey::new(seed, Purpose::Embedding, 0, 0);
        let trainer = WmfTrainer::with(rows.csr(|_| true), rows.n_items as usize, params, config.sweeps, None, key);
        Ok(Embedder { trainer, unit: config.unit, factors: params.factors })
    }

    /// Lends it hands for its sweeps.
    pub fn crew(&mut self, crew: &Arc<dyn Crew>) {
        self.trainer.crew(crew);
    }

    /// One sweep. Errors: [`ModelError::Diverged`].
    pub fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.trainer.step()
    }

    /// Why it ended, once it has.
    pub fn stopped(&self) -> Option<StopReason> {
        self.trainer.stopped()
    }

    /// About how much is done, 0 to 1.
    pub fn progress(&self) -> f32 {
        self.trainer.progress()
    }

    /// The vectors. A user's is the fold-in of the user's rows into the items, so `fold_in_users` gives the same bits.
    pub fn finish(self) -> Embedding {
        let (users, items) = self.trainer.into_factors();
        let mut users = users.to_matrix(self.factors);
        if self.unit {
            to_unit_length(&mut users);
        }
        Embedding { users, items: items.to_matrix(self.factors) }
    }
}

/// Vectors of users from given item vectors and each user's own rows, nobody else's: how `anchored` places a user who is
/// no anchor. `user_rows` holds one row of item indices per user. 2 |S| k^2 / 2 + users * k^3 / 3 operations.
///
/// Errors: a knob out of its range, vectors of another length than `config.factors`, an item without a vector,
/// [`ModelError::Diverged`] when a system has no finite solution.
pub(crate) fn fold_in_users(items: &Matrix, user_rows: &Csr, config: &EmbeddingConfig) -> Result<Matrix, ModelError> {
    let params = config.params()?;
    let refuse = |expected, value| Err(ModelError::Parameter { name: "items", expected, value });
    if items.cols() != params.factors || !all_finite(items.data()) {
        return refuse("finite vectors of config.factors values", format!("{} values", items.cols()));
    }
    if let Some(item) = user_rows.columns.iter().find(|&&item| item as usize >= items.rows()) {
        return refuse("a vector for each item of a row", format!("item {item} of {}", items.rows()));
    }
    let fixed = Factors::from_matrix(items);
    let mut users = Factors::zeros(user_rows.len(), params.factors);
    AlsSolver::new(params).half_sweep(user_rows, &fixed, &mut users).ok_or(ModelError::Diverged {
        epoch: 1,
        advice: "a user's system of least squares has no finite solution; raise lambda or lower factors",
    })?;
    let mut users = users.to_matrix(params.factors);
    if config.unit {
        to_unit_length(&mut users);
    }
    Ok(users)
}

/// Zero vectors stay zero.
fn to_unit_length(users: &mut Matrix) {
    for index in 0..users.rows() {
        let row = users.row_mut(index);
        let length = dot(row, row).sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|value| *value /= length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;

    fn embed(rows: &ShardRows, config: &EmbeddingConfig) -> Embedding {
        let mut embedder = Embedder::new(rows, config, 3).unwrap();
        while embedder.stopped().is_none() {
            embedder.step().unwrap();
        }
        embedder.finish()
    }

    #[test]
    fn users_of_one_taste_lie_together() {
        let rows = planted(60, 36, 3, 1);
        let users = embed(&rows, &EmbeddingConfig { factors: 8, ..EmbeddingConfig::default() }).users;
        let (mut near, mut far) = (0.0, 0.0);
        for user in 0..60 {
            assert!((dot(users.row(user), users.row(user)) - 1.0).abs() < 1e-5);
            for other in 0..60 {
                let cosine = dot(users.row(user), users.row(other));
                if user % 3 == other % 3 { near += cosine / 20.0 } else { far += cosine / 40.0 }
            }
        }
        assert!(near > 2.0 * far, "mean cosine times 60: {near} inside, {far} outside");
    }

    #[test]
    fn folding_in_gives_the_same_bits_and_depends_on_the_own_rows_only() {
        let rows = planted(20, 16, 2, 2);
        let config = EmbeddingConfig { factors: 5, ..EmbeddingConfig::default() };
        let embedding = embed(&rows, &config);
        let csr = rows.csr(|_| true);
        assert_eq!(fold_in_users(&embedding.items, &csr, &config).unwrap(), embedding.users);
        let alone = Csr { starts: vec![0, csr.row(7).len() as u32], columns: csr.row(7).to_vec() };
        assert_eq!(fold_in_users(&embedding.items, &alone, &config).unwrap().row(0), embedding.users.row(7));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let rows = planted(4, 6, 2, 2);
        let config = EmbeddingConfig { sweeps: 0, ..EmbeddingConfig::default() };
        assert!(Embedder::new(&rows, &config, 1).err().unwrap().to_string().starts_with("sweeps must be"));
        let config = EmbeddingConfig { factors: 3, ..EmbeddingConfig::default() };
        let items = Matrix::zeros(5, 3);
        let csr = rows.csr(|_| true);
        assert!(fold_in_users(&items, &csr, &config).is_err());
        assert!(fold_in_users(&Matrix::zeros(6, 2), &csr, &config).is_err());
        assert!(fold_in_users(&Matrix::zeros(6, 3), &csr, &config).is_ok());
    }
}
