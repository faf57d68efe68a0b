//! `gmf`: generalised matrix factorisation (He et al. 2017, section 3.2).
//!
//! logit = sum_d h_d p_ud q_id + b; binary cross-entropy over the rows and sampled negatives, lambda / 2 (|p|^2 + |q|^2) a sample;
//! Adam. Ranked by the logit, whose item vector is h * q.

use super::batch::{Batches, Draw, Objective, Optimiser, Penalty, Sample, push_normal};
use super::defaults::{Defaults, Settings};
use super::fold::Fold;
use super::legs::{Side, Sliced};
use super::optimiser::Adam;
use super::training::{Rows, start};
use super::vectors::Vectors;
use super::{ModelConfig, ModelName, ShardRows, SubModel, Trainer};
use crate::numerics::kernels::{dot_of_three, sigmoid, softplus};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};

const ADVICE: &str = "the weights grow without bound; lower the rate or raise lambda";

/// Chosen on a tenth of ML-100K's training rows held out: the best lambda of 1e-4 to .1 (NDCG@20 .222; .03 gave .212, .1 .217).
pub(super) const DEFAULTS: Defaults = Defaults {
    factors: 32,
    rate: 0.005,
    lambda: 0.05,
    layers: 0,
    negatives: 4,
    pieces: Some((64, 1024)),
    every: 2,
    patience: 4,
    cap: 200,
    without: 20,
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
    let make = move |rows: Rows, leg: u32| {
        let key = StreamKey { epoch: leg, ..key };
        let (n_users, n_items) = (rows.csr.len(), rows.n_items as usize);
        let mut weights = Vec::new();
        push_normal(&mut weights, StreamKey { purpose: Purpose::UserInit, ..key }, n_users, factors, factors, 0.1);
        push_normal(&mut weights, StreamKey { purpose: Purpose::ItemInit, ..key }, n_items, factors, factors, 0.1);
        weights.resize(weights.len() + factors, 1.0);
        weights.push(0.0);
        let objective = Gmf::new(n_users, n_items, factors, lambda, negatives);
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        let sides = vec![(Side::User, n_users * factors), (Side::Item, n_items * factors)];
        let draw = Draw::Pointwise(negatives);
        Box::new(Batches::new(rows, draw, pieces, key, weights, adam, objective).with_sides(sides, factors)) as _
    };
    start(rows, sliced, stopping, ADVICE, Vec::new(), Box::new(make))
}

struct Gmf {
    n_users: usize,
    n_items: usize,
    factors: usize,
    lambda: f32,
    negatives: u32,
    penalty: Penalty,
}

impl Gmf {
    fn new(n_users: usize, n_items: usize, factors: usize, lambda: f32, negatives: u32) -> Self {
        Gmf { n_users, n_items, factors, lambda, negatives, penalty: Penalty::new(n_users + n_items) }
    }
}

impl Objective for Gmf {
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64 {
        let k = self.factors;
        let tables = (self.n_users + self.n_items) * k;
        let (h, bias) = (&weights[tables..tables + k], weights[tables + k]);
        let share = 1.0 / samples.len() as f32;
        let mut loss = 0.0;
        for sample in samples {
            let (u, i) = (sample.user as usize * k, (self.n_users + sample.item as usize) * k);
            let (p, q) = (&weights[u..u + k], &weights[i..i + k]);
            let logit = bias + dot_of_three(p, q, h);
            let slope = share * (sigmoid(logit) - sample.target);
            for ((place, q), h) in gradient[u..u + k].iter_mut().zip(q).zip(h) {
                *place += slope * q * h;
            }
            for ((place, p), h) in gradient[i..i + k].iter_mut().zip(p).zip(h) {
                *place += slope * p * h;
            }
            for ((place, p), q) in gradient[tables..tables + k].iter_mut().zip(p).zip(q) {
                *place += slope * p * q;
            }
            gradient[tables + k] += slope;
            loss += f64::from(softplus(logit) - sample.target * logit);
            self.penalty.count(sample.user);
            self.penalty.count(self.n_users as u32 + sample.item);
        }
        loss += self.penalty.apply(self.lambda, share, weights, gradient, k);
        loss * f64::from(share)
    }

    fn model(&self, weights: &[f32]) -> Box<dyn SubModel> {
        let k = self.factors;
        let (users, rest) = weights.split_at(self.n_users * k);
        let (items, rest) = rest.split_at(self.n_items * k);
        let (h, bias) = (&rest[..k], rest[k]);
        let items = items.iter().enumerate().map(|(at, q)| q * h[at % k]).collect();
        let fold = Fold::Logistic { negatives: self.negatives as f32, lambda: self.lambda, bias };
        let users = Matrix::from_vec(self.n_users, k, users.to_vec()).unwrap_or_default();
        let items = Matrix::from_vec(self.n_items, k, items).unwrap_or_default();
        Box::new(Vectors::new(ModelName::Gmf, users, items, fold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::tests::{check_gradient, samples};
    use crate::model::tests::exercise;

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Gmf) });
    }

    #[test]
    fn gradient_by_finite_differences() {
        let mut weights = Vec::new();
        push_normal(&mut weights, StreamKey::new(1, Purpose::UserInit, 0, 0), 1, 16 * 5 + 6, 16 * 5 + 6, 0.8);
        check_gradient(Gmf::new(9, 7, 5, 0.1, 4), &weights, &samples(9, 7, 12));
    }
}
