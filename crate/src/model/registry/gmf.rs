//! `gmf`: generalised matrix factorisation (He et al. 2017, section 3.2).
//!
//! logit = sum_d h_d p_ud q_id + b; binary cross-entropy over the rows and sampled negatives, lambda / 2 (|p|^2 + |q|^2) a sample;
//! Adam. Ranked by the logit, whose item vector is h * q.

use serde::{Deserialize, Serialize};

use crate::model::entry::{ModelEntry, Training};
use crate::model::fold::FoldSystem;
use crate::model::knobs::{
    Axis, EPOCHS, FACTORS, HALVES, LAMBDA, NEGATIVES, PATIENCE, RATE, REFIT, SLICES, THIRDS, TOLERANCE,
};
use crate::model::training::optimiser::Adam;
use crate::model::training::{
    Batches, Defaults, Draw, Objective, Optimiser, Penalty, Sample, Settings, TrainRows, WeightSide, push_normal, start,
};
use crate::model::vectors::{self, FoldRule, Vectors};
use crate::model::{ModelError, SubModel, Trainer, weights};
use crate::numerics::kernels::{axpy, dot, dot_of_three, sigmoid, softplus};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};

const ADVICE: &str = "the weights grow without bound; lower the rate or raise lambda";

/// The penalty was chosen on ML-100K's training rows, a tenth held out (.05 the best of 1e-4 to .1), and on generated sets: those with
/// few rows for each user and item want twice as much.
const DEFAULTS: Defaults = Defaults {
    factors: (32, 32),
    rate: 0.005,
    lambda: |shape| shape.penalty(0.05, 0.5, 0.1),
    layers: 0,
    negatives: 4,
    pieces: Some((64, 1024)),
    every: 2,
    patience: 4,
    cap: 200,
    without: 20,
};

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "gmf",
    title: "GMF",
    about: "A generalised inner product under cross-entropy.",
    code: 4,
    knobs: &[
        FACTORS.defaults_to("32"),
        EPOCHS.defaults_to("200"),
        LAMBDA.defaults_to("from the shard's rows: 0.05, up to 0.1 where they are few for each user and item; half of it in one of many shards"),
        RATE.defaults_to("0.005"),
        PATIENCE.defaults_to("4"),
        TOLERANCE.defaults_to("0.001"),
        NEGATIVES.defaults_to("4"),
        REFIT,
        SLICES,
    ],
    additive: false,
    slices: Ok(()),
    item_vectors: true,
    stops_on_validation: true,
    search: &[Axis::times(&LAMBDA, THIRDS), Axis::times(&RATE, HALVES)],
    fill: |knobs, rows| DEFAULTS.fill(knobs, rows),
    train,
    load,
};

fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let settings = DEFAULTS.under(&training);
    let Training { rows, sliced, .. } = training;
    let Settings { factors, rate, lambda, negatives, pieces, stopping, key, why, .. } = settings;
    let make = move |rows: TrainRows, round: u32| {
        let key = StreamKey { epoch: round, ..key };
        let (n_users, n_items) = (rows.csr.len(), rows.n_items as usize);
        let mut weights = Vec::new();
        push_normal(&mut weights, StreamKey { purpose: Purpose::UserInit, ..key }, n_users, factors, factors, 0.1);
        push_normal(&mut weights, StreamKey { purpose: Purpose::ItemInit, ..key }, n_items, factors, factors, 0.1);
        weights.resize(weights.len() + factors, 1.0);
        weights.push(0.0);
        let objective = Gmf::new(n_users, n_items, factors, lambda, negatives);
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        let sides = vec![(WeightSide::User, n_users * factors), (WeightSide::Item, n_items * factors)];
        let draw = Draw::Pointwise(negatives);
        Box::new(Batches::new(rows, draw, pieces, key, weights, adam, objective).with_sides(sides, factors)) as _
    };
    Ok(start(rows, sliced, stopping, ADVICE, Vec::new(), why, Box::new(make)))
}

/// Why weights can be cut into matrices.
const SPLIT: &str = "the weights begin with users and items times factors";

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
        let users = Matrix::from_vec(self.n_users, k, users.to_vec()).expect(SPLIT);
        let items = Matrix::from_vec(self.n_items, k, items).expect(SPLIT);
        let rule = LogisticRule { negatives: self.negatives as f32, lambda: self.lambda, bias }.over(&items);
        Vectors::boxed(&ENTRY, users, items, rule)
    }
}

fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (users, items, rule) = vectors::read::<LogisticRule>(bytes, RULE)?;
    weights::finite(&[rule.negatives, rule.lambda, rule.bias])?;
    let rule = rule.over(&items);
    Ok(Vectors::boxed(&ENTRY, users, items, rule))
}

/// The number of the rule in saved weights.
const RULE: u32 = 2;
/// Majorisation steps of the fold-in: each lowers the loss, and a dozen leave a thousandth of the way.
const STEPS: usize = 16;

/// Folding in: cross-entropy, `negatives` missing items for each row.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct LogisticRule {
    negatives: f32,
    lambda: f32,
    bias: f32,
}

impl LogisticRule {
    fn over(self, items: &Matrix) -> LogisticFold {
        LogisticFold { rule: self, system: FoldSystem::new(items) }
    }
}

struct LogisticFold {
    rule: LogisticRule,
    system: FoldSystem,
}

impl FoldRule for LogisticFold {
    /// Newton steps with the Hessian's upper bound, which takes sigma' as 1/4 everywhere (Boehning and Lindsay 1988):
    /// one factorisation serves all steps and none overshoots.
    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Option<Vec<f32>> {
        let LogisticRule { negatives, lambda, bias } = self.rule;
        let weight = self.system.weight(items, negatives);
        let ridge = lambda.max(1e-6) * items.len() as f32 * (1.0 + negatives);
        let system = self.system.system(items, 0.25 * weight, 0.25 * (1.0 - weight), ridge)?;
        let stride = self.system.vectors.stride;
        let mut user = vec![0.0f32; stride];
        for _ in 0..STEPS {
            let mut slope: Vec<f32> = user.iter().map(|value| -ridge * value).collect();
            let mut own = items.iter().peekable();
            for item in 0..self.system.n_items {
                let vector = self.system.vectors.row(item);
                let probability = sigmoid(dot(&user, vector) + bias);
                let there = own.next_if(|&&own| own as usize == item).is_some();
                axpy(if there { 1.0 - probability } else { -weight * probability }, vector, &mut slope);
            }
            axpy(1.0, &self.system.solve(&system, slope), &mut user);
        }
        user.truncate(self.system.factors);
        Some(user)
    }

    fn save(&self) -> Vec<u8> {
        vectors::saved_rule(RULE, &self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fold::tests::{OWN, is_minimum, items, product};
    use crate::model::tests::exercise;
    use crate::model::training::batch_tests::{check_gradient, samples};
    use crate::model::{ModelConfig, ModelName};
    use crate::numerics::math;

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

    #[test]
    fn folding_in_finds_the_minimum_of_the_loss() {
        let vectors = items(30, 5);
        let (own, values) = OWN;
        let user =
            LogisticRule { negatives: 2.0, lambda: 0.05, bias: -0.4 }.over(&vectors).fold_in(&own, &values).unwrap();
        is_minimum(&user, |user| {
            let mut loss = 0.5 * 0.05 * 12.0 * user.iter().map(|x| x * x).sum::<f64>();
            for item in 0..30u32 {
                let score = product(user, vectors.row(item as usize)) - 0.4;
                loss -= match own.contains(&item) {
                    true => math::ln(math::sigmoid(score)),
                    false => 8.0 / 26.0 * math::ln(math::sigmoid(-score)),
                };
            }
            loss
        });
    }
}
