//! `dmf`: deep matrix factorisation (Xue et al. 2017): one tower reads a user's row of the interaction matrix, the other
//! an item's column; the score is the cosine of what they make of them.
//!
//! Tower(x) = unit(ReLU(x W1 / sqrt(|x|) + b1) W2), each entry of x a one. Binary cross-entropy of sigma(TEMPERATURE cos + b) over rows and
//! sampled negatives; Adam. The paper's max(mu, cos) in place of the sigmoid has no gradient for a positive pair whose
//! cosine is below mu, so such pairs never come up again; ranking by the cosine is the same.
//! Both towers are computed for everybody once a batch, so batches are large.

use serde::{Deserialize, Serialize};

use crate::model::entry::{ModelEntry, Training};
use crate::model::knobs::{Axis, EPOCHS, FACTORS, HALVES, LAMBDA, NEGATIVES, PATIENCE, RATE, REFIT, THIRDS, TOLERANCE};
use crate::model::training::optimiser::Adam;
use crate::model::training::{
    Batches, Defaults, Draw, Objective, Optimiser, Sample, Settings, TrainRows, Validated, push_normal, square,
};
use crate::model::vectors::{self, FoldRule, Vectors};
use crate::model::{ModelError, SubModel, Trainer, weights};
use crate::numerics::kernels::{Packed, add_transposed_product, axpy, dot, gather, padded, sigmoid, softplus};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};
use crate::numerics::sparse::Csr;

const ADVICE: &str = "the weights grow without bound; lower the rate or raise lambda";
/// What a cosine is multiplied by before the sigmoid.
const TEMPERATURE: f32 = 8.0;
/// Below this length a tower's output is nothing rather than a direction.
const SHORT: f32 = 1e-6;

/// Twice as many hidden units as factors. Chosen on a tenth of ML-100K's training rows held out, two seeds: NDCG@20 .223; 64 factors at
/// half the rate gave .212 in four times the time.
const DEFAULTS: Defaults = Defaults {
    factors: (32, 32),
    rate: 0.01,
    lambda: |_| 1e-4,
    layers: 0,
    negatives: 4,
    pieces: Some((16, 8192)),
    every: 2,
    patience: 4,
    cap: 200,
    without: 30,
};

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "dmf",
    title: "DMF",
    about: "Two small networks, one reading a person's row and one an item's column; the score is their cosine.",
    code: 6,
    knobs: &[
        FACTORS.defaults_to("32"),
        EPOCHS.defaults_to("200"),
        LAMBDA.defaults_to("0.0001"),
        RATE.defaults_to("0.01"),
        PATIENCE.defaults_to("4"),
        TOLERANCE.defaults_to("0.001"),
        NEGATIVES.defaults_to("4"),
        REFIT,
    ],
    additive: false,
    slices: Err(
        "0 for neumf and dmf: their layers take all items and users as inputs, so no state goes on to a longer list",
    ),
    item_vectors: true,
    stops_on_validation: true,
    search: &[Axis::times(&LAMBDA, THIRDS), Axis::times(&RATE, HALVES)],
    fill: |knobs, rows| DEFAULTS.fill(knobs, rows),
    train,
    load,
};

fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let settings = DEFAULTS.under(&training);
    let Settings { factors, rate, lambda, negatives, pieces, stopping, key, .. } = settings;
    let make = move |rows: TrainRows, _round: u32| {
        let objective = Dmf::new(rows.csr.clone(), rows.n_items as usize, factors, 2 * factors, lambda);
        let weights = objective.start(StreamKey { purpose: Purpose::WeightInit, ..key });
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        Box::new(Batches::new(rows, Draw::Pointwise(negatives), pieces, key, weights, adam, objective)) as _
    };
    Ok(Box::new(Validated::new(training.rows, stopping, ADVICE, Box::new(make))))
}

/// The user tower as it serves strangers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tower {
    first: Matrix,
    bias: Vec<f32>,
    second: Matrix,
}

impl Tower {
    fn check(&self, vectors: &Matrix) -> Result<(), ModelError> {
        weights::shape(&self.first, vectors.rows(), self.bias.len())?;
        weights::shape(&self.second, self.bias.len(), vectors.cols())?;
        weights::finite(&self.bias)
    }

    /// A user's direction.
    fn represent(&self, items: &[u32]) -> Vec<f32> {
        let mut hidden = self.bias.clone();
        let scale = 1.0 / (items.len().max(1) as f32).sqrt();
        items.iter().for_each(|&item| axpy(scale, self.first.row(item as usize), &mut hidden));
        let mut out = vec![0.0; self.second.cols()];
        for (at, value) in hidden.into_iter().enumerate() {
            axpy(value.max(0.0), self.second.row(at), &mut out);
        }
        let length = square(&out).sqrt();
        let factor = if length > SHORT { 1.0 / length } else { 0.0 };
        out.iter_mut().for_each(|value| *value *= factor);
        out
    }
}

/// One tower's rows, sizes and room.
struct TowerSide {
    /// Inputs of every row, and the other way round.
    rows: Csr,
    columns: Csr,
    scales: Vec<f32>,
    /// Strides of the hidden layer and the output.
    hidden: usize,
    out: usize,
    /// Where its weights begin: first layer, bias, second layer.
    at: [usize; 3],
    activations: Vec<f32>,
    units: Vec<f32>,
    lengths: Vec<f32>,
    /// Gradient with respect to the unit vectors; afterwards scratch.
    slopes: Vec<f32>,
    hidden_slopes: Vec<f32>,
    /// The second layer as products want it.
    packed: Packed,
}

impl TowerSide {
    fn new(rows: Csr, n_columns: usize, hidden: usize, out: usize, start: usize) -> Self {
        let n = rows.len();
        let bias = start + n_columns * hidden;
        TowerSide {
            columns: rows.transposed(n_columns),
            scales: (0..n).map(|row| 1.0 / (rows.row(row).len().max(1) as f32).sqrt()).collect(),
            rows,
            hidden,
            out,
            at: [start, bias, bias + hidden],
            activations: vec![0.0; n * hidden],
            units: vec![0.0; n * out],
            lengths: vec![0.0; n],
            slopes: vec![0.0; n * out],
            hidden_slopes: vec![0.0; n * hidden],
            packed: Packed::default(),
        }
    }

    fn end(&self) -> usize {
        self.at[2] + self.hidden * self.out
    }

    fn forward(&mut self, weights: &[f32]) {
        let (hidden, out) = (self.hidden, self.out);
        let first = &weights[self.at[0]..self.at[1]];
        gather(&self.rows.starts, &self.rows.columns, first, hidden, &mut self.activations);
        let (bias, second) = (&weights[self.at[1]..self.at[2]], &weights[self.at[2]..self.end()]);
        for (activation, &scale) in self.activations.chunks_exact_mut(hidden).zip(&self.scales) {
            for (value, bias) in activation.iter_mut().zip(bias) {
                let sum = *value * scale + bias;
                *value = if sum > 0.0 { sum } else { sum * 0.0 };
            }
        }
        self.packed.pack_columns(second, hidden, out);
        self.packed.multiply(&self.activations, &mut self.units);
        for (unit, length) in self.units.chunks_exact_mut(out).zip(&mut self.lengths) {
            *length = square(unit).sqrt();
            let factor = if *length > SHORT { 1.0 / *length } else { 0.0 };
            unit.iter_mut().for_each(|value| *value *= factor);
        }
    }

    fn backward(&mut self, weights: &[f32], gradient: &mut [f32]) {
        let (hidden, out, end) = (self.hidden, self.out, self.end());
        let rows = self.slopes.chunks_exact_mut(out).zip(self.units.chunks_exact(out)).zip(&self.lengths);
        for ((slope, unit), &length) in rows {
            // Through the normalisation: what points along the unit vector changes nothing.
            axpy(-dot(slope, unit), unit, slope);
            let factor = if length > SHORT { 1.0 / length } else { 0.0 };
            slope.iter_mut().for_each(|value| *value *= factor);
        }
        add_transposed_product(&self.activations, hidden, &self.slopes, out, &mut gradient[self.at[2]..end]);
        self.packed.pack_rows(&weights[self.at[2]..end], hidden, out);
        self.packed.multiply(&self.slopes, &mut self.hidden_slopes);
        let rows = self.hidden_slopes.chunks_exact_mut(hidden).zip(self.activations.chunks_exact(hidden));
        for ((slope, activation), &scale) in rows.zip(&self.scales) {
            for (slope, &value) in slope.iter_mut().zip(activation) {
                *slope = if value > 0.0 { *slope } else { 0.0 };
            }
            axpy(1.0, slope, &mut gradient[self.at[1]..self.at[2]]);
            slope.iter_mut().for_each(|value| *value *= scale);
        }
        let first = &mut gradient[self.at[0]..self.at[1]];
        gather(&self.columns.starts, &self.columns.columns, &self.hidden_slopes, hidden, first);
    }
}

struct Dmf {
    users: TowerSide,
    items: TowerSide,
    factors: usize,
    hidden: usize,
    lambda: f32,
}

impl Dmf {
    fn new(by_user: Csr, n_items: usize, factors: usize, hidden: usize, lambda: f32) -> Self {
        let n_users = by_user.len();
        let by_item = by_user.transposed(n_items);
        let users = TowerSide::new(by_user, n_items, padded(hidden), padded(factors), 0);
        let items = TowerSide::new(by_item, n_users, padded(hidden), padded(factors), users.end());
        Dmf { users, items, factors, hidden, lambda }
    }

    /// He et al. 2015 for the first layer (its input has length 1), then the same for the second.
    fn start(&self, key: StreamKey) -> Vec<f32> {
        let mut weights = Vec::new();
        for (number, side) in [&self.users, &self.items].into_iter().enumerate() {
            let key = |layer: u32| StreamKey { epoch: number as u32 * 2 + layer, ..key };
            let inputs = (side.at[1] - side.at[0]) / side.hidden;
            push_normal(&mut weights, key(0), inputs, self.hidden, side.hidden, 0.5);
            weights.resize(side.at[2], 0.0);
            let deviation = (2.0 / self.hidden as f64).sqrt();
            push_normal(&mut weights, key(1), side.hidden, self.factors, side.out, deviation);
        }
        weights.push(0.0);
        weights
    }
}

impl Objective for Dmf {
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64 {
        self.users.forward(weights);
        self.items.forward(weights);
        self.users.slopes.fill(0.0);
        self.items.slopes.fill(0.0);
        let bias = weights.len() - 1;
        let share = 1.0 / samples.len() as f32;
        let mut loss = 0.0;
        gradient[bias] = 0.0;
        for sample in samples {
            let out = self.users.out;
            let Dmf { users, items, .. } = &mut *self;
            let (at_user, at_item) = (sample.user as usize * out, sample.item as usize * out);
            let (user, item) = (&users.units[at_user..at_user + out], &items.units[at_item..at_item + out]);
            let logit = TEMPERATURE * dot(user, item) + weights[bias];
            let slope = share * (sigmoid(logit) - sample.target);
            axpy(slope * TEMPERATURE, item, &mut users.slopes[at_user..at_user + out]);
            axpy(slope * TEMPERATURE, user, &mut items.slopes[at_item..at_item + out]);
            gradient[bias] += slope;
            loss += f64::from(softplus(logit) - sample.target * logit);
        }
        self.users.backward(weights, gradient);
        self.items.backward(weights, gradient);
        axpy(self.lambda, weights, gradient);
        loss * f64::from(share) + 0.5 * f64::from(self.lambda * square(weights))
    }

    fn model(&self, weights: &[f32]) -> Box<dyn SubModel> {
        let mut items = TowerSide::new(
            self.items.rows.clone(),
            self.users.rows.len(),
            self.items.hidden,
            self.items.out,
            self.items.at[0],
        );
        items.forward(weights);
        let matrix = |values: &[f32], stride: usize, width: usize, rows: usize| {
            let mut out = Matrix::zeros(rows, width);
            for (index, row) in values.chunks(stride).take(rows).enumerate() {
                out.row_mut(index).copy_from_slice(&row[..width]);
            }
            out
        };
        let [first, bias, second] = self.users.at;
        let tower = Tower {
            first: matrix(&weights[first..bias], self.users.hidden, self.hidden, items.rows.len()),
            bias: weights[bias..bias + self.hidden].to_vec(),
            second: matrix(&weights[second..self.users.end()], self.users.out, self.factors, self.hidden),
        };
        // A user of the shard is whatever a stranger with the same rows would be.
        let mut users = Matrix::zeros(self.users.rows.len(), self.factors);
        for user in 0..users.rows() {
            users.row_mut(user).copy_from_slice(&tower.represent(self.users.rows.row(user)));
        }
        let items = matrix(&items.units, items.out, self.factors, items.rows.len());
        Vectors::boxed(&ENTRY, users, items, tower)
    }
}

fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (users, items, tower) = vectors::read::<Tower>(bytes, RULE)?;
    tower.check(&items)?;
    Ok(Vectors::boxed(&ENTRY, users, items, tower))
}

/// The number of the rule in saved weights.
const RULE: u32 = 4;

/// Folding in: the user tower takes the row as input.
impl FoldRule for Tower {
    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Option<Vec<f32>> {
        Some(self.represent(items))
    }

    fn save(&self) -> Vec<u8> {
        vectors::saved_rule(RULE, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::tests::exercise;
    use crate::model::training::batch_tests::{check_gradient, samples};
    use crate::model::{ModelConfig, ModelName};

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Dmf) });
    }

    #[test]
    fn gradient_by_finite_differences() {
        let csr = planted(9, 7, 2, 5).csr(|_| true);
        // Whole lanes of hidden units: padding units stand exactly on the kink of their ReLU.
        let objective = Dmf::new(csr, 7, 5, 8, 0.01);
        let weights = objective.start(StreamKey::new(1, Purpose::WeightInit, 0, 0));
        check_gradient(objective, &weights, &samples(9, 7, 12));
    }

    #[test]
    fn scores_are_cosines_and_the_serving_tower_is_the_trained_one() {
        let csr = planted(9, 7, 2, 5).csr(|_| true);
        let mut objective = Dmf::new(csr.clone(), 7, 5, 6, 0.01);
        let weights = objective.start(StreamKey::new(1, Purpose::WeightInit, 0, 0));
        objective.users.forward(&weights);
        let model = objective.model(&weights);
        let mut scores = vec![0.0; 7];
        for user in 0..9u32 {
            let unit = &objective.users.units[user as usize * objective.users.out..];
            for (a, b) in model.user(user).iter().zip(unit) {
                assert!((a - b).abs() < 1e-5);
            }
            assert_eq!(model.user(user), model.fold_in(csr.row(user as usize), &[]));
            model.score(&model.user(user), &mut scores);
            assert!(scores.iter().all(|score| score.abs() <= 1.0 + 1e-5));
        }
    }
}
