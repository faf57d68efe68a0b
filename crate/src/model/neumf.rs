//! `neumf`: neural matrix factorisation (He et al. 2017, section 3.4): a generalised product and a multi-layer perceptron,
//! with separate embeddings, side by side under one last layer.
//!
//! logit = h . [p * q ; MLP(p', q')] + b; binary cross-entropy over the rows and sampled negatives, lambda / 2 |embeddings|^2 a sample;
//! Adam; trained from scratch, without the paper's two pre-trainings. Layers: 2k -> k -> k/2 -> ... A user's representation
//! is \[p ; p'\].

use serde::{Deserialize, Serialize};

use super::batch::{Batches, Draw, Objective, Optimiser, Sample, push_normal};
use super::dense::Dense;
use super::kernels::{all_finite, axpy, dot, sigmoid, softplus};
use super::optimiser::Adam;
use super::training::{Rows, Stopping, Validated, square};
use super::weights::{self, finite, refuse};
use super::{ModelConfig, ModelError, ModelName, ShardRows, SubModel, Trainer};
use crate::matrix::Matrix;
use crate::random::{Purpose, StreamKey};

const ADVICE: &str = "the weights grow without bound; lower the rate or raise lambda";

/// Steps an epoch, and most rows to a step.
const PIECES: (usize, usize) = (64, 1024);

/// Defaults: 16 factors, 2 layers, 4 negatives, rate .005, lambda .03, the best lambda of 1e-4 to .06 on a tenth of ML-100K's
/// training rows held out (NDCG@20 .207; .01 gave .192, .06 .203).
pub(super) fn trainer(rows: ShardRows, config: &ModelConfig, seed: u64, shard: u32) -> Box<dyn Trainer> {
    let factors = config.factors.unwrap_or(16) as usize;
    let layers = config.layers.unwrap_or(2) as usize;
    let negatives = config.negatives.unwrap_or(4);
    let rate = config.rate.unwrap_or(0.005);
    let lambda = config.lambda.unwrap_or(0.03);
    let key = StreamKey::new(seed, Purpose::Negatives, shard, 0);
    let stopping = Stopping::of(config, 2, 4, 200, 20).warm(rows.items.len(), PIECES);
    let make = move |rows: Rows| {
        let shape = Shape { n_users: rows.csr.len(), n_items: rows.n_items as usize, factors, layers };
        let weights = shape.start(StreamKey { purpose: Purpose::WeightInit, ..key });
        let objective = Neumf { net: Net::new(shape), lambda, negatives };
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        Box::new(Batches::new(rows, Draw::Pointwise(negatives), PIECES, key, weights, adam, objective)) as _
    };
    Box::new(Validated::new(rows, stopping, ADVICE, Box::new(make)))
}

/// All sizes. Weights: user embeddings (\[p ; p'\] each), item embeddings (\[q ; q'\] each), layers, last layer, bias.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Shape {
    n_users: usize,
    n_items: usize,
    factors: usize,
    layers: usize,
}

impl Shape {
    fn width(self, layer: usize) -> usize {
        (2 * self.factors).div_ceil(1 << layer).max(1)
    }

    fn dense(self) -> Vec<Dense> {
        let mut at = (self.n_users + self.n_items) * 2 * self.factors;
        let mut out = Vec::new();
        for layer in 0..self.layers {
            let dense = Dense { at, inputs: self.width(layer), outputs: self.width(layer + 1) };
            at += dense.len();
            out.push(dense);
        }
        out
    }

    /// Where the last layer begins; the bias follows it.
    fn last(self) -> usize {
        self.dense().last().map_or(0, |dense| dense.at + dense.len())
    }

    fn len(self) -> usize {
        self.last() + self.factors + self.width(self.layers) + 1
    }

    fn start(self, key: StreamKey) -> Vec<f32> {
        let width = 2 * self.factors;
        let mut weights = Vec::with_capacity(self.len());
        push_normal(&mut weights, StreamKey { purpose: Purpose::UserInit, ..key }, self.n_users, width, width, 0.1);
        push_normal(&mut weights, StreamKey { purpose: Purpose::ItemInit, ..key }, self.n_items, width, width, 0.1);
        for (layer, dense) in self.dense().into_iter().enumerate() {
            let deviation = (2.0 / dense.inputs as f64).sqrt();
            let key = StreamKey { epoch: layer as u32, ..key };
            push_normal(&mut weights, key, dense.inputs, dense.outputs, dense.outputs, deviation);
            weights.resize(weights.len() + dense.outputs, 0.0);
        }
        weights.resize(weights.len() + self.factors, 1.0);
        let last = self.width(self.layers);
        let key = StreamKey { epoch: self.layers as u32, ..key };
        push_normal(&mut weights, key, 1, last, last, (1.0 / last as f64).sqrt());
        weights.push(0.0);
        weights
    }

    fn user(self, index: usize) -> std::ops::Range<usize> {
        index * 2 * self.factors..(index + 1) * 2 * self.factors
    }

    fn item(self, index: usize) -> std::ops::Range<usize> {
        self.user(self.n_users + index)
    }
}

/// The network's room: activations and their gradients, layer by layer.
#[derive(Clone, Debug)]
struct Net {
    shape: Shape,
    dense: Vec<Dense>,
    last: usize,
    activations: Vec<Vec<f32>>,
    slopes: Vec<Vec<f32>>,
}

impl Net {
    fn new(shape: Shape) -> Self {
        let room: Vec<Vec<f32>> = (0..=shape.layers).map(|layer| vec![0.0; shape.width(layer)]).collect();
        Net { shape, dense: shape.dense(), last: shape.last(), activations: room.clone(), slopes: room }
    }

    fn logit(&mut self, weights: &[f32], user: &[f32], item: &[f32]) -> f32 {
        let k = self.shape.factors;
        let h = &weights[self.last..];
        self.activations[0][..k].copy_from_slice(&user[k..]);
        self.activations[0][k..].copy_from_slice(&item[k..]);
        for (layer, dense) in self.dense.iter().enumerate() {
            let (before, after) = self.activations.split_at_mut(layer + 1);
            dense.forward(weights, &before[layer], &mut after[0]);
        }
        let top = &self.activations[self.shape.layers];
        let product: f32 = user[..k].iter().zip(&item[..k]).zip(h).map(|((p, q), h)| p * q * h).sum();
        product + dot(top, &h[k..]) + h[k + top.len()]
    }

    /// After `logit` of the same pair: everything for a gradient `slope` of the logit. `item_slope` and `gradient` are left
    /// out when only the user moves.
    fn backward(
        &mut self,
        weights: &[f32],
        slope: f32,
        (user, item): (&[f32], &[f32]),
        user_slope: &mut [f32],
        mut gradient: Option<&mut [f32]>,
        item_at: usize,
    ) {
        let (k, last, layers) = (self.shape.factors, self.last, self.shape.layers);
        let h = &weights[last..];
        for (place, h) in self.slopes[layers].iter_mut().zip(&h[k..]) {
            *place = slope * h;
        }
        for layer in (0..layers).rev() {
            let (below, above) = self.slopes.split_at_mut(layer + 1);
            let through = (&self.activations[layer][..], &self.activations[layer + 1][..]);
            self.dense[layer].backward(weights, through, &mut above[0], gradient.as_deref_mut(), &mut below[layer]);
        }
        for d in 0..k {
            user_slope[d] += slope * h[d] * item[d];
            user_slope[k + d] += self.slopes[0][d];
        }
        if let Some(gradient) = gradient {
            for d in 0..k {
                gradient[item_at + d] += slope * h[d] * user[d];
                gradient[item_at + k + d] += self.slopes[0][k + d];
                gradient[last + d] += slope * user[d] * item[d];
            }
            axpy(slope, &self.activations[layers], &mut gradient[last + k..]);
            gradient[last + k + self.activations[layers].len()] += slope;
        }
    }
}

struct Neumf {
    net: Net,
    lambda: f32,
    negatives: u32,
}

impl Objective for Neumf {
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64 {
        let shape = self.net.shape;
        let share = 1.0 / samples.len() as f32;
        let mut loss = 0.0;
        let mut user_slope = vec![0.0; 2 * shape.factors];
        for sample in samples {
            let (u, i) = (shape.user(sample.user as usize), shape.item(sample.item as usize));
            let pair = (&weights[u.clone()], &weights[i.clone()]);
            let logit = self.net.logit(weights, pair.0, pair.1);
            let slope = share * (sigmoid(logit) - sample.target);
            user_slope.fill(0.0);
            self.net.backward(weights, slope, pair, &mut user_slope, Some(gradient), i.start);
            axpy(1.0, &user_slope, &mut gradient[u.clone()]);
            axpy(share * self.lambda, pair.0, &mut gradient[u]);
            axpy(share * self.lambda, pair.1, &mut gradient[i]);
            let penalty = 0.5 * self.lambda * (square(pair.0) + square(pair.1));
            loss += f64::from(softplus(logit) - sample.target * logit + penalty);
        }
        loss * f64::from(share)
    }

    fn model(&self, weights: &[f32]) -> Box<dyn SubModel> {
        let saved = Saved {
            shape: self.net.shape,
            weights: weights.to_vec(),
            lambda: self.lambda,
            negatives: self.negatives as f32,
        };
        Box::new(Model { saved, net: self.net.clone() })
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    shape: Shape,
    weights: Vec<f32>,
    lambda: f32,
    negatives: f32,
}

/// A trained network.
pub(super) struct Model {
    saved: Saved,
    net: Net,
}

/// Missing items that stand for all of them in a fold-in.
const MISSING: usize = 128;
/// Steps of a fold-in.
const STEPS: usize = 40;

impl Model {
    pub(super) fn load(bytes: &[u8]) -> Result<Self, ModelError> {
        let saved: Saved = weights::read(bytes)?;
        let Shape { n_users, n_items, factors, layers } = saved.shape;
        let sound = (1..=512).contains(&factors)
            && (1..=8).contains(&layers)
            && n_users
                .checked_add(n_items)
                .and_then(|n| n.checked_mul(2 * factors))
                .is_some_and(|n| n <= saved.weights.len());
        if !sound || saved.shape.len() != saved.weights.len() {
            return Err(refuse("sizes and number of weights do not fit"));
        }
        finite(&saved.weights)?;
        finite(&[saved.lambda, saved.negatives])?;
        Ok(Model { net: Net::new(saved.shape), saved })
    }
}

impl SubModel for Model {
    fn name(&self) -> &'static str {
        ModelName::Neumf.as_str()
    }

    fn n_users(&self) -> usize {
        self.saved.shape.n_users
    }

    fn n_items(&self) -> usize {
        self.saved.shape.n_items
    }

    fn user(&self, local_user: u32) -> Vec<f32> {
        self.saved.weights[self.saved.shape.user(local_user as usize)].to_vec()
    }

    /// Adam from the mean of the shard's users, a fixed number of steps on the user's 2k values alone; the items the user lacks are
    /// represented by evenly spaced ones of the same total weight.
    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Vec<f32> {
        let (shape, weights) = (self.saved.shape, &self.saved.weights);
        let mut user = vec![0.0f32; 2 * shape.factors];
        for index in 0..shape.n_users {
            axpy(1.0 / shape.n_users as f32, &weights[shape.user(index)], &mut user);
        }
        if items.is_empty() {
            return user;
        }
        let missing: Vec<u32> = (0..shape.n_items as u32).filter(|item| items.binary_search(item).is_err()).collect();
        let shown = missing.len().min(MISSING);
        let total = items.len() as f32 * (1.0 + self.saved.negatives);
        let weight = self.saved.negatives * items.len() as f32 / shown.max(1) as f32;
        let mut net = self.net.clone();
        let mut adam = Adam::new(user.len(), 0.05);
        let mut slope = vec![0.0; user.len()];
        for _ in 0..STEPS {
            slope.fill(0.0);
            let own = items.iter().map(|&item| (item, 1.0, 1.0));
            let lacked = (0..shown).map(|at| (missing[at * missing.len() / shown], 0.0, weight));
            for (item, target, weight) in own.chain(lacked) {
                let item = &weights[shape.item(item as usize)];
                let logit = net.logit(weights, &user, item);
                let push = weight / total * (sigmoid(logit) - target);
                net.backward(weights, push, (&user, item), &mut slope, None, 0);
            }
            axpy(self.saved.lambda, &user, &mut slope);
            adam.step(&mut user, &slope);
        }
        if all_finite(&user) { user } else { vec![0.0; 2 * shape.factors] }
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        let mut net = self.net.clone();
        for (item, place) in out.iter_mut().enumerate() {
            let item = &self.saved.weights[self.saved.shape.item(item)];
            let logit = net.logit(&self.saved.weights, user, item);
            // Finite weights can still overflow in a product.
            *place = if logit.is_finite() { logit } else { 0.0 };
        }
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        None
    }

    fn to_bytes(&self) -> Vec<u8> {
        weights::write(ModelName::Neumf, &self.saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::tests::{check_gradient, samples};
    use crate::model::tests::exercise;

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Neumf) });
    }

    #[test]
    fn gradient_by_finite_differences() {
        let shape = Shape { n_users: 9, n_items: 7, factors: 5, layers: 3 };
        let mut weights = shape.start(StreamKey::new(1, Purpose::WeightInit, 0, 0));
        assert_eq!(weights.len(), shape.len());
        weights.iter_mut().take(16 * 10).for_each(|value| *value *= 8.0);
        let objective = Neumf { net: Net::new(shape), lambda: 0.1, negatives: 4 };
        check_gradient(objective, &weights, &samples(9, 7, 12));
    }
}
