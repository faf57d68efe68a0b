//! `mf`: rating prediction by matrix factorisation, gradient descent with momentum - the model that UltraRE released.
//!
//! Squared error of w_u . v_i against value / largest value, sampled missing items against 0 (a file in which every value is
//! the same teaches nothing otherwise), lambda (|w|^2 + |v|^2) a sample.

use serde::{Deserialize, Serialize};

use crate::model::entry::{ModelEntry, Training};
use crate::model::fold::FoldSystem;
use crate::model::knobs::{
    Axis, EPOCHS, FACTORS, HALVES, LAMBDA, NEGATIVES, PATIENCE, RATE, REFIT, SLICES, THIRDS, TOLERANCE,
};
use crate::model::training::optimiser::Momentum;
use crate::model::training::{
    Batches, Defaults, Draw, Objective, Optimiser, Penalty, Sample, Settings, TrainRows, WeightSide, push_normal, start,
};
use crate::model::vectors::{self, FoldRule, Vectors};
use crate::model::{ModelError, SubModel, Trainer, weights};
use crate::numerics::kernels::{axpy, dot};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};

const ADVICE: &str = "the vectors grow without bound; lower the rate";

/// NDCG@20 .205 on a tenth of ML-100K's training rows held out; not searched further.
const DEFAULTS: Defaults = Defaults {
    factors: (32, 32),
    rate: 0.005,
    lambda: |_| 0.01,
    layers: 0,
    negatives: 4,
    pieces: Some((64, 1024)),
    every: 2,
    patience: 4,
    cap: 300,
    without: 40,
};

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "mf",
    title: "Rating prediction",
    about: "Rating prediction by matrix factorisation: the model that UltraRE released.",
    code: 2,
    knobs: &[
        FACTORS.defaults_to("32"),
        EPOCHS.defaults_to("300"),
        LAMBDA.defaults_to("0.01"),
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
    // Values that are all negative or zero have no scale of their own.
    let top = rows.values.iter().copied().fold(0.0f32, f32::max);
    let top = if top > 0.0 { top } else { 1.0 };
    let make = move |rows: TrainRows, round: u32| {
        let key = StreamKey { epoch: round, ..key };
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
        let sides = vec![(WeightSide::User, n_users * factors), (WeightSide::Item, n_items * factors)];
        let learner = Batches::new(rows, draw, pieces, key, weights, momentum, objective);
        Box::new(learner.with_values(top).with_sides(sides, factors)) as _
    };
    Ok(start(rows, sliced, stopping, ADVICE, vec![top.to_bits()], why, Box::new(make)))
}

/// Why weights can be cut into matrices.
const SPLIT: &str = "the weights are users and items times factors";

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
        let users = Matrix::from_vec(self.n_users, self.factors, users.to_vec()).expect(SPLIT);
        let items = Matrix::from_vec(self.n_items, self.factors, items.to_vec()).expect(SPLIT);
        let rule = SquaredRule { negatives: self.negatives as f32, lambda: self.lambda, top: self.top }.over(&items);
        Vectors::boxed(&ENTRY, users, items, rule)
    }
}

fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (users, items, rule) = vectors::read::<SquaredRule>(bytes, RULE)?;
    weights::finite(&[rule.negatives, rule.lambda, rule.top])?;
    let rule = rule.over(&items);
    Ok(Vectors::boxed(&ENTRY, users, items, rule))
}

/// The number of the rule in saved weights.
const RULE: u32 = 1;

/// Folding in: squared error, `negatives` missing items at 0 for each row; values are divided by `top`.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct SquaredRule {
    negatives: f32,
    lambda: f32,
    top: f32,
}

impl SquaredRule {
    fn over(self, items: &Matrix) -> SquaredFold {
        SquaredFold { rule: self, system: FoldSystem::new(items) }
    }
}

struct SquaredFold {
    rule: SquaredRule,
    system: FoldSystem,
}

impl FoldRule for SquaredFold {
    fn fold_in(&self, items: &[u32], values: &[f32]) -> Option<Vec<f32>> {
        let SquaredRule { negatives, lambda, top } = self.rule;
        let weight = self.system.weight(items, negatives);
        let ridge = lambda.max(1e-6) * items.len() as f32 * (1.0 + negatives);
        let system = self.system.system(items, weight, 1.0 - weight, ridge)?;
        let mut right = vec![0.0; self.system.vectors.stride];
        for (index, &item) in items.iter().enumerate() {
            axpy(values[index] / top, self.system.vectors.row(item as usize), &mut right);
        }
        Some(self.system.solve(&system, right))
    }

    fn save(&self) -> Vec<u8> {
        vectors::saved_rule(RULE, &self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fold::tests::{OWN, is_minimum, items, product};
    use crate::model::rows::tests::planted;
    use crate::model::tests::{exercise, train};
    use crate::model::training::batch_tests::{check_gradient, samples};
    use crate::model::{ModelConfig, ModelName};

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

    #[test]
    fn folding_in_finds_the_minimum_of_the_loss() {
        let vectors = items(30, 5);
        let (own, values) = OWN;
        let user =
            SquaredRule { negatives: 2.0, lambda: 0.01, top: 5.0 }.over(&vectors).fold_in(&own, &values).unwrap();
        is_minimum(&user, |user| {
            let mut loss = 0.01 * 12.0 * user.iter().map(|x| x * x).sum::<f64>();
            for item in 0..30u32 {
                let score = product(user, vectors.row(item as usize));
                loss += match own.iter().position(|&x| x == item) {
                    Some(at) => (f64::from(values[at]) / 5.0 - score) * (f64::from(values[at]) / 5.0 - score),
                    None => 8.0 / 26.0 * score * score,
                };
            }
            loss
        });
    }
}
