//! `lightgcn` (He et al. 2020): embeddings smoothed over the shard's own bipartite graph, trained pairwise.
//!
//! E = mean over l = 0..L of A^l E0 with A the adjacency divided by the roots of both degrees; score = e_u . e_i; loss the mean
//! over (u, i, j) of -ln sigma(y_ui - y_uj) + lambda / 2 (|e0_u|^2 + |e0_i|^2 + |e0_j|^2); Adam over E0. A is symmetric, so the
//! gradient goes back through the same smoothing.

use crate::model::entry::{ModelEntry, Training};
use crate::model::knobs::{Axis, EPOCHS, FACTORS, LAMBDA, LAYERS, PATIENCE, RATE, REFIT, SLICES, THIRDS, TOLERANCE};
use crate::model::training::optimiser::Adam;
use crate::model::training::{
    Batches, Defaults, Draw, Objective, Optimiser, Sample, Settings, TrainRows, WeightSide, push_normal, square, start,
};
use crate::model::vectors::{self, FoldRule, Vectors};
use crate::model::{ModelError, SubModel, Trainer, weights};
use crate::numerics::kernels::{axpy, dot, gather, padded, sigmoid, softplus};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey};
use crate::numerics::sparse::Csr;

const ADVICE: &str = "the embeddings grow without bound; lower the rate or raise lambda";

/// Rate and layers were chosen on a tenth of ML-100K's training rows held out: the best of rates .01 to .03, 2 or 3 layers (NDCG@20 .231; 2
/// layers .221; 128 factors gain nothing); the penalty on generated sets over a wide range, where one for all lost up to a fifth
/// (`cargo run --release --example quality -- model=lightgcn`). Every step smooths the whole graph, so steps are large.
const DEFAULTS: Defaults = Defaults {
    factors: (64, 64),
    rate: 0.01,
    lambda: |shape| shape.penalty(0.002, 0.8, 0.02),
    layers: 3,
    negatives: 0,
    pieces: Some((8, 8192)),
    every: 5,
    patience: 4,
    cap: 400,
    without: 60,
};

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "lightgcn",
    title: "LightGCN",
    about: "Embeddings smoothed over the shard's own graph of people and items.",
    code: 3,
    knobs: &[
        FACTORS.defaults_to("64"),
        EPOCHS.defaults_to("400"),
        LAMBDA.defaults_to("from the shard's rows: 0.002, up to 0.02 where they are few for each user and item; half of it in one of many shards"),
        RATE.defaults_to("0.01"),
        PATIENCE.defaults_to("4"),
        TOLERANCE.defaults_to("0.001"),
        LAYERS.defaults_to("3"),
        REFIT,
        SLICES,
    ],
    additive: false,
    slices: Ok(()),
    item_vectors: true,
    stops_on_validation: true,
    search: &[Axis::times(&LAMBDA, THIRDS), Axis::plus(&LAYERS, &[-1.0, 0.0, 1.0])],
    fill: |knobs, rows| DEFAULTS.fill(knobs, rows),
    train,
    load,
};

fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let settings = DEFAULTS.under(&training);
    let Training { rows, sliced, .. } = training;
    let Settings { factors, rate, lambda, layers, pieces, stopping, key, why, .. } = settings;
    let make = move |rows: TrainRows, round: u32| {
        let key = StreamKey { epoch: round, ..key };
        let (n_users, n_items, stride) = (rows.csr.len(), rows.n_items as usize, padded(factors));
        let mut weights = Vec::with_capacity((n_users + n_items) * stride);
        push_normal(&mut weights, StreamKey { purpose: Purpose::UserInit, ..key }, n_users, factors, stride, 0.1);
        push_normal(&mut weights, StreamKey { purpose: Purpose::ItemInit, ..key }, n_items, factors, stride, 0.1);
        let objective = LightGcn::new(rows.csr.clone(), n_items, factors, layers, lambda);
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        let sides = vec![(WeightSide::User, n_users * stride), (WeightSide::Item, n_items * stride)];
        let learner = Batches::new(rows, Draw::Pairwise, pieces, key, weights, adam, objective);
        Box::new(learner.with_sides(sides, stride)) as _
    };
    Ok(start(rows, sliced, stopping, ADVICE, Vec::new(), why, Box::new(make)))
}

/// The normalised adjacency of a shard.
struct Graph {
    by_user: Csr,
    by_item: Csr,
    /// 1 / sqrt(degree), users then items; 0 where there is no edge.
    scales: Vec<f32>,
    stride: usize,
}

impl Graph {
    fn new(by_user: Csr, n_items: usize, stride: usize) -> Self {
        let by_item = by_user.transposed(n_items);
        let scale = |n: usize| if n == 0 { 0.0 } else { 1.0 / (n as f32).sqrt() };
        let users = (0..by_user.len()).map(|user| scale(by_user.row(user).len()));
        let items = (0..n_items).map(|item| scale(by_item.row(item).len()));
        Graph { scales: users.chain(items).collect(), by_user, by_item, stride }
    }

    fn scaled(&self, values: &mut [f32]) {
        for (row, &scale) in values.chunks_mut(self.stride).zip(&self.scales) {
            row.iter_mut().for_each(|value| *value *= scale);
        }
    }

    /// out = mean over l = 0..=layers of A^l input; `current` and `next` are room of the same size.
    fn smooth(&self, input: &[f32], layers: u32, current: &mut [f32], next: &mut [f32], out: &mut [f32]) {
        let split = self.by_user.len() * self.stride;
        out.copy_from_slice(input);
        current.copy_from_slice(input);
        for _ in 0..layers {
            self.scaled(current);
            let (users, items) = next.split_at_mut(split);
            gather(&self.by_user.starts, &self.by_user.columns, &current[split..], self.stride, users);
            gather(&self.by_item.starts, &self.by_item.columns, &current[..split], self.stride, items);
            self.scaled(next);
            axpy(1.0, next, out);
            current.copy_from_slice(next);
        }
        let share = 1.0 / (layers + 1) as f32;
        out.iter_mut().for_each(|value| *value *= share);
    }
}

struct LightGcn {
    graph: Graph,
    factors: usize,
    layers: u32,
    lambda: f32,
    smoothed: Vec<f32>,
    slope: Vec<f32>,
    room: (Vec<f32>, Vec<f32>),
}

impl LightGcn {
    fn new(by_user: Csr, n_items: usize, factors: usize, layers: u32, lambda: f32) -> Self {
        let graph = Graph::new(by_user, n_items, padded(factors));
        let zeros = vec![0.0; graph.scales.len() * graph.stride];
        let room = (zeros.clone(), zeros.clone());
        LightGcn { graph, factors, layers, lambda, smoothed: zeros.clone(), slope: zeros, room }
    }
}

impl Objective for LightGcn {
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64 {
        let (stride, n_users) = (self.graph.stride, self.graph.by_user.len());
        let row = |node: usize| node * stride..(node + 1) * stride;
        self.graph.smooth(weights, self.layers, &mut self.room.0, &mut self.room.1, &mut self.smoothed);
        self.slope.fill(0.0);
        let share = 1.0 / samples.len() as f32;
        let mut loss = 0.0;
        for sample in samples {
            let [u, i, j] = [sample.user as usize, n_users + sample.item as usize, n_users + sample.negative as usize];
            let e = &self.smoothed;
            let difference = dot(&e[row(u)], &e[row(i)]) - dot(&e[row(u)], &e[row(j)]);
            let pull = -share * sigmoid(-difference);
            axpy(pull, &e[row(i)], &mut self.slope[row(u)]);
            axpy(-pull, &e[row(j)], &mut self.slope[row(u)]);
            axpy(pull, &e[row(u)], &mut self.slope[row(i)]);
            axpy(-pull, &e[row(u)], &mut self.slope[row(j)]);
            loss += f64::from(softplus(-difference));
        }
        self.graph.smooth(&self.slope, self.layers, &mut self.room.0, &mut self.room.1, gradient);
        for sample in samples {
            for node in [sample.user as usize, n_users + sample.item as usize, n_users + sample.negative as usize] {
                axpy(share * self.lambda, &weights[row(node)], &mut gradient[row(node)]);
                loss += f64::from(0.5 * self.lambda * square(&weights[row(node)]));
            }
        }
        loss * f64::from(share)
    }

    fn model(&self, weights: &[f32]) -> Box<dyn SubModel> {
        let (stride, n_users, layers) = (self.graph.stride, self.graph.by_user.len(), self.layers);
        let mut room = self.room.clone();
        let mut out = vec![0.0; weights.len()];
        let matrix = |values: &[f32]| {
            let mut out = Matrix::zeros(values.len() / stride, self.factors);
            for (index, row) in values.chunks(stride).enumerate() {
                out.row_mut(index).copy_from_slice(&row[..self.factors]);
            }
            out
        };
        // A stranger has no embedding of its own: layers 1..=L of a user are sums over the items' layers 0..L.
        self.graph.smooth(weights, layers - 1, &mut room.0, &mut room.1, &mut out);
        self.graph.scaled(&mut out);
        let share = layers as f32 / (layers + 1) as f32;
        out.iter_mut().for_each(|value| *value *= share);
        let rule = Propagation { items: matrix(&out[n_users * stride..]) };
        self.graph.smooth(weights, layers, &mut room.0, &mut room.1, &mut out);
        let (users, items) = out.split_at(n_users * stride);
        Vectors::boxed(&ENTRY, matrix(users), matrix(items), rule)
    }
}

fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (users, items, (sums,)) = vectors::read::<(Matrix,)>(bytes, RULE)?;
    weights::shape(&sums, items.rows(), items.cols())?;
    Ok(Vectors::boxed(&ENTRY, users, items, Propagation { items: sums }))
}

/// The number of the rule in saved weights.
const RULE: u32 = 3;

/// Folding in: one propagation step; row i is the sum of item i's layers over the root of its degree, by layers + 1.
struct Propagation {
    items: Matrix,
}

impl FoldRule for Propagation {
    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Option<Vec<f32>> {
        let mut out = vec![0.0; self.items.cols()];
        let scale = 1.0 / (items.len() as f32).sqrt();
        items.iter().for_each(|&item| axpy(scale, self.items.row(item as usize), &mut out));
        Some(out)
    }

    fn save(&self) -> Vec<u8> {
        vectors::saved_rule(RULE, &self.items)
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::tests::exercise;
    use crate::model::training::batch_tests::{check_gradient, samples};
    use crate::model::{ModelConfig, ModelName};

    fn weights(n: usize, factors: usize) -> Vec<f32> {
        let mut out = Vec::new();
        push_normal(&mut out, StreamKey::new(1, Purpose::UserInit, 0, 0), n, factors, padded(factors), 0.8);
        out
    }

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Lightgcn) });
    }

    #[test]
    fn smoothing_equals_the_dense_computation() {
        let csr = planted(9, 7, 2, 5).csr(|_| true);
        let graph = Graph::new(csr.clone(), 7, 8);
        let degree = |node: usize| match node < 9 {
            true => csr.row(node).len(),
            false => csr.columns.iter().filter(|&&item| item as usize == node - 9).count(),
        };
        let edge = |u: usize, i: usize| u < 9 && i >= 9 && csr.row(u).contains(&(i as u32 - 9));
        let adjacency = DMatrix::from_fn(16, 16, |a, b| match edge(a, b) || edge(b, a) {
            true => 1.0 / ((degree(a) * degree(b)) as f64).sqrt(),
            false => 0.0,
        });
        let input = weights(16, 5);
        let e0 = DMatrix::from_fn(16, 5, |i, j| f64::from(input[i * 8 + j]));
        let expected =
            (&e0 + &adjacency * &e0 + &adjacency * &adjacency * &e0 + &adjacency * &adjacency * &adjacency * &e0) / 4.0;
        let mut out = vec![0.0; input.len()];
        let mut room = (out.clone(), out.clone());
        graph.smooth(&input, 3, &mut room.0, &mut room.1, &mut out);
        for i in 0..16 {
            for j in 0..5 {
                assert!((f64::from(out[i * 8 + j]) - expected[(i, j)]).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn gradient_by_finite_differences() {
        let csr = planted(9, 7, 2, 5).csr(|_| true);
        check_gradient(LightGcn::new(csr, 7, 5, 3, 0.1), &weights(16, 5), &samples(9, 7, 12));
    }

    #[test]
    fn a_user_is_the_fold_in_plus_its_own_share() {
        let csr = planted(9, 7, 2, 5).csr(|_| true);
        let weights = weights(16, 5);
        let model = LightGcn::new(csr.clone(), 7, 5, 3, 0.0).model(&weights);
        for user in 0..9 {
            let own = model.user(user as u32);
            let folded = model.fold_in(csr.row(user), &[]);
            for at in 0..5 {
                assert!((own[at] - folded[at] - weights[user * 8 + at] / 4.0).abs() < 1e-5);
            }
        }
    }
}
