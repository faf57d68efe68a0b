//! `mf`: rating prediction by matrix factorisation, gradient descent with momentum - the model that UltraRE released.
//!
//! Squared error of w_u . v_i against value / largest value, sampled missing items against 0 (a file in which every value is
//! the same teaches nothing otherwise), lambda (|w|^2 + |v|^2) a sample.

use super::batch::{Batches, Draw, Objective, Optimiser, Penalty, Sample, push_normal};
use super::defaults::{Defaults, Settings};
use super::fold::Fold;
use super::legs::{Side, Sliced};
use super::optimiser::Momentum;
use super::training::{Rows, start};
use super::vectors::Vectors;
use super::{ModelConfig, ModelName, ShardRows, SubModel, Trainer};
use crate::numerics::kernels::{axpy, dot};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};

const ADVICE: &str = "the vectors grow without bound; lower the rate";

/// NDCG@20 .205 on a tenth of ML-100K's training rows held out; not searched further.
pub(super) const DEFAULTS: Defaults = Defaults {
    factors: 32,
    rate: 0.005,
    lambda: 0.01,
    layers: 0,
    negatives: 4,
    pieces: Some((64, 1024)),
    every: 2,
    patience: 4,
    cap: 300,
    without: 40,
};

pub(super) fn trainer(
    rows: ShardRows,
    config: &ModelConfig,
    seed: u64,
    shard: u32,
    sliced: Option<Sliced>,
) -> Box<dyn Trainer> {
    let settings = DEFAULTS.under(config, rows.items.len(), seed, shard);
    let Settings { factors, rate, lambda, negatives, pieces, stopping, key, .. } = settings;
    // Values that are all negative or zero have no scale of their own.
    let top = rows.values.iter().copied().fold(0.0f32, f32::max);
    let top = if top > 0.0 { top } else { 1.0 };
    let make = move |rows: Rows, leg: u32| {
        let key = StreamKey { epoch: leg, ..key };
        let (n_users, n_items) = (rows.csr.len(), rows.n_items as usize);
        let mut weights = Vec::new();
        let deviation = 0.3 / (factors as f64).sqrt();
        push_normal(
            &mut weights,
            StreamKey { purpose: Purpose::UserInit, ..key },
            n_users,
            factors,
            factors,
            deviation,
        );
        push_normal(
            &mut weights,
            StreamKey { purpose: Purpose::ItemInit, ..key },
            n_items,
            factors,
            factors,
            deviation,
        );
        let penalty = Penalty::new(n_users + n_items);
        let objective = Mf { n_users, n_items, factors, lambda, negatives, top, penalty };
        // The rate is a sample's: momentum takes the sum of a batch's gradients.
        let momentum = move |n| Optimiser::Momentum(Momentum::new(n, rate));
        let draw = Draw::Pointwise(negatives);
        let sides = vec![(Side::User, n_users * factors), (Side::Item, n_items * factors)];
        let learner = Batches::new(rows, draw, pieces, key, weights, momentum, objective);
        Box::new(learner.with_values(top).with_sides(sides, factors)) as _
    };
    start(rows, sliced, stopping, ADVICE, vec![top.to_bits()], Box::new(make))
}

struct Mf {
    n_users: usize,
    n_items: usize,
    factors: usize,
    lambda: f32,
    negatives: u32,
    top: f32,
    penalty: Penalty,
}

impl Objective for Mf {
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64 {
        let k = self.factors;
        let share = 2.0 / samples.len() as f32;
        let mut loss = 0.0;
        for sample in samples {
            let (u, i) = (sample.user as usize * k, (self.n_users + sample.item as usize) * k);
            let (p, q) = (&weights[u..u + k], &weights[i..i + k]);
            let error = dot(p, q) - sample.target;
            axpy(share * error, q, &mut gradient[u..u + k]);
            axpy(share * error, p, &mut gradient[i..i + k]);
            loss += f64::from(error * error);
            self.penalty.count(sample.user);
            self.penalty.count(self.n_users as u32 + sample.item);
        }
        // lambda |w|^2, where the penalty is half of that.
        loss += self.penalty.apply(2.0 * self.lambda, 0.5 * share, weights, gradient, k);
        loss / samples.len() as f64
    }

    fn model(&self, weights: &[f32]) -> Box<dyn SubModel> {
        let (users, items) = weights.split_at(self.n_users * self.factors);
        let fold = Fold::Squared { negatives: self.negatives as f32, lambda: self.lambda, top: self.top };
        let users = Matrix::from_vec(self.n_users, self.factors, users.to_vec()).unwrap_or_default();
        let items = Matrix::from_vec(self.n_items, self.factors, items.to_vec()).unwrap_or_default();
        Box::new(Vectors::new(ModelName::Mf, users, items, fold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::tests::{check_gradient, samples};
    use crate::model::rows::tests::planted;
    use crate::model::tests::{exercise, train};

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Mf) });
    }

    #[test]
    fn gradient_by_finite_differences() {
        let mut weights = Vec::new();
        push_normal(&mut weights, StreamKey::new(1, Purpose::UserInit, 0, 0), 1, 16 * 5, 16 * 5, 0.8);
        let penalty = Penalty::new(16);
        let objective = Mf { n_users: 9, n_items: 7, factors: 5, lambda: 0.1, negatives: 4, top: 5.0, penalty };
        check_gradient(objective, &weights, &samples(9, 7, 12));
    }

    #[test]
    fn higher_values_score_higher() {
        let mut rows = planted(60, 30, 1, 4);
        for (row, value) in rows.values.iter_mut().enumerate() {
            *value = if rows.items[row] < 15 { 5.0 } else { 1.0 };
        }
        let model = train(rows, &ModelConfig { factors: Some(4), ..ModelConfig::of(ModelName::Mf) }, 2);
        let mut scores = vec![0.0; 30];
        model.score(&model.user(7), &mut scores);
        assert!(scores[..15].iter().sum::<f32>() > 2.0 * scores[15..].iter().sum::<f32>(), "{scores:?}");
    }
}
