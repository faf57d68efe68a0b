//! `neumf`: neural matrix factorisation (He et al. 2017, section 3.4): a generalised product and a multi-layer perceptron,
//! with separate embeddings, side by side under one last layer.
//!
//! logit = h . [p * q ; MLP(p', q')] + b; binary cross-entropy over the rows and sampled negatives, lambda / 2 |embeddings|^2 a sample;
//! Adam; trained from scratch, without the paper's two pre-trainings. Layers: 2k -> k -> k/2 -> ... A user's representation
//! is \[p ; p'\].

use serde::{Deserialize, Serialize};

use super::batch::{Batches, Draw, Objective, Optimiser, Penalty, Sample, push_normal};
use super::defaults::{Defaults, Settings};
use super::dense::{Dense, add, drain, mask};
use super::kernels::{LANES, Lanes, all_finite, axpy, dot, dot_of_three, sigmoid, softplus, tree};
use super::optimiser::Adam;
use super::training::{Rows, Validated};
use super::weights::{self, finite, refuse};
use super::{ModelConfig, ModelError, ModelName, ShardRows, SubModel, Trainer};
use crate::matrix::Matrix;
use crate::random::{Purpose, StreamKey};

const ADVICE: &str = "the weights grow without bound; lower the rate or raise lambda";

/// Chosen on a tenth of ML-100K's training rows held out: two seeds, lambda 1e-4 to .06, rates .0025 and .005, 16 and 32
/// factors, 1 to 3 layers (NDCG@20 .216; rate .005 gave .208).
pub(super) const DEFAULTS: Defaults = Defaults {
    factors: 16,
    rate: 0.0025,
    lambda: 0.03,
    layers: 2,
    negatives: 4,
    pieces: Some((64, 1024)),
    every: 2,
    patience: 4,
    cap: 200,
    without: 20,
};

pub(super) fn trainer(rows: ShardRows, config: &ModelConfig, seed: u64, shard: u32) -> Box<dyn Trainer> {
    let settings = DEFAULTS.under(config, rows.items.len(), seed, shard);
    let Settings { factors, rate, lambda, negatives, pieces, stopping, key, .. } = settings;
    let layers = settings.layers as usize;
    let make = move |rows: Rows, _leg: u32| {
        let shape = Shape { n_users: rows.csr.len(), n_items: rows.n_items as usize, factors, layers };
        let weights = shape.start(StreamKey { purpose: Purpose::WeightInit, ..key });
        let objective = Neumf::new(shape, lambda, negatives);
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        Box::new(Batches::new(rows, Draw::Pointwise(negatives), pieces, key, weights, adam, objective)) as _
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

    /// Where what stands above the first layer begins.
    fn above(self) -> usize {
        (self.n_users + self.n_items) * 2 * self.factors + (2 * self.factors + 1) * self.width(1)
    }

    /// Where the last layer begins; the bias follows it.
    fn last(self) -> usize {
        let first = (self.n_users + self.n_items) * 2 * self.factors;
        (0..self.layers).fold(first, |at, layer| at + (self.width(layer) + 1) * self.width(layer + 1))
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

/// The first layer taken apart: W \[p' ; q'\] + b = (W_1 p') + (W_2 q' + b), each part computed once for every user and every
/// item, however many samples they are in.
struct Halves {
    users: Vec<f32>,
    items: Vec<f32>,
}

impl Halves {
    fn new(shape: Shape) -> Self {
        Halves { users: vec![0.0; shape.n_users * shape.width(1)], items: vec![0.0; shape.n_items * shape.width(1)] }
    }

    fn compute(&mut self, shape: Shape, weights: &[f32]) {
        let width = shape.width(1);
        for (user, out) in self.users.chunks_exact_mut(width).enumerate() {
            shape.user_half(weights, &weights[shape.user(user)], out);
        }
        for (item, out) in self.items.chunks_exact_mut(width).enumerate() {
            shape.item_half(weights, &weights[shape.item(item)], out);
        }
    }
}

impl Shape {
    /// The first layer's rows for users, those for items, and its biases.
    fn first(self, weights: &[f32]) -> (&[f32], &[f32], &[f32]) {
        let (width, half) = (self.width(1), self.factors * self.width(1));
        let layer = &weights[self.above() - (2 * half + width)..self.above()];
        (&layer[..half], &layer[half..2 * half], &layer[2 * half..])
    }

    fn user_half(self, weights: &[f32], user: &[f32], out: &mut [f32]) {
        let (rows, _, _) = self.first(weights);
        out.fill(0.0);
        for (&value, row) in user[self.factors..].iter().zip(rows.chunks_exact(out.len())) {
            axpy(value, row, out);
        }
    }

    fn item_half(self, weights: &[f32], item: &[f32], out: &mut [f32]) {
        let (_, rows, bias) = self.first(weights);
        out.copy_from_slice(bias);
        for (&value, row) in item[self.factors..].iter().zip(rows.chunks_exact(out.len())) {
            axpy(value, row, out);
        }
    }
}

/// What stands above the first layer, for eight samples at a time: room for activations and their gradients, layer by layer.
#[derive(Clone, Debug)]
struct Net {
    shape: Shape,
    dense: Vec<Dense>,
    activations: Vec<Vec<Lanes>>,
    slopes: Vec<Vec<Lanes>>,
}

impl Net {
    fn new(shape: Shape) -> Self {
        let room: Vec<Vec<Lanes>> = (1..=shape.layers).map(|layer| vec![[0.0; LANES]; shape.width(layer)]).collect();
        Net { shape, dense: shape.dense().split_off(1), activations: room.clone(), slopes: room }
    }

    /// From the first layer's activations, which stand in `activations[0]`, to the logit less its product.
    fn forward(&mut self, weights: &[f32]) -> Lanes {
        for (layer, dense) in self.dense.iter().enumerate() {
            let (before, after) = self.activations.split_at_mut(layer + 1);
            dense.forward(weights, &before[layer], &mut after[0]);
        }
        let top = &self.activations[self.shape.layers - 1];
        let last = &weights[self.shape.last() + self.shape.factors..];
        let mut sums = [last[top.len()]; LANES];
        for (value, &weight) in top.iter().zip(last) {
            add(&mut sums, weight, value);
        }
        sums
    }

    /// After `forward` of the same samples: everything for gradients `slope` of the logits. What comes back to the first
    /// layer's sums is left in `slopes[0]`; `gradient` is that of all weights above the first layer, and is left out when
    /// only a user moves.
    fn backward(&mut self, weights: &[f32], slope: &Lanes, mut gradient: Option<&mut [Lanes]>) {
        let Shape { factors, layers, .. } = self.shape;
        let (above, last) = (self.shape.above(), self.shape.last() + factors);
        for (place, &weight) in self.slopes[layers - 1].iter_mut().zip(&weights[last..]) {
            *place = slope.map(|slope| slope * weight);
        }
        if let Some(gradient) = gradient.as_deref_mut() {
            let top = &self.activations[layers - 1];
            let (places, bias) = gradient[last - above..].split_at_mut(top.len());
            for (place, value) in places.iter_mut().zip(top) {
                for lane in 0..LANES {
                    place[lane] += slope[lane] * value[lane];
                }
            }
            add(&mut bias[0], 1.0, slope);
        }
        for (layer, dense) in self.dense.iter().enumerate().rev() {
            let (below, above_it) = self.slopes.split_at_mut(layer + 1);
            let through = (&self.activations[layer][..], &self.activations[layer + 1][..]);
            let part = gradient.as_deref_mut().map(|gradient| &mut gradient[dense.at - above..][..dense.len()]);
            dense.backward(weights, through, &mut above_it[0], part, &mut below[layer]);
        }
        self.slopes[0].iter_mut().zip(&self.activations[0]).for_each(|(slope, y)| mask(slope, y));
    }
}

struct Neumf {
    net: Net,
    lambda: f32,
    negatives: u32,
    /// The first layer's sums and their gradients.
    halves: Halves,
    back: Halves,
    /// Gradient of the weights above the first layer, a lane for every eighth sample.
    gradient: Vec<Lanes>,
    penalty: Penalty,
}

impl Neumf {
    fn new(shape: Shape, lambda: f32, negatives: u32) -> Self {
        Neumf {
            net: Net::new(shape),
            lambda,
            negatives,
            halves: Halves::new(shape),
            back: Halves::new(shape),
            gradient: vec![[0.0; LANES]; shape.len() - shape.above()],
            penalty: Penalty::new(shape.n_users + shape.n_items),
        }
    }
}

impl Objective for Neumf {
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64 {
        let shape = self.net.shape;
        let (k, width, last, above) = (shape.factors, shape.width(1), shape.last(), shape.above());
        let h = &weights[last..last + k];
        let share = 1.0 / samples.len() as f32;
        self.halves.compute(shape, weights);
        self.back.users.fill(0.0);
        self.back.items.fill(0.0);
        let mut loss = 0.0;
        for samples in samples.chunks(LANES) {
            let (mut logits, mut targets) = ([0.0; LANES], [0.0; LANES]);
            for (lane, sample) in samples.iter().enumerate() {
                let a = &self.halves.users[sample.user as usize * width..][..width];
                let b = &self.halves.items[sample.item as usize * width..][..width];
                for ((place, a), b) in self.net.activations[0].iter_mut().zip(a).zip(b) {
                    let sum = a + b;
                    place[lane] = if sum > 0.0 { sum } else { sum * 0.0 };
                }
                let p = &weights[shape.user(sample.user as usize)][..k];
                let q = &weights[shape.item(sample.item as usize)][..k];
                logits[lane] = dot_of_three(p, q, h);
                targets[lane] = sample.target;
            }
            add(&mut logits, 1.0, &self.net.forward(weights));
            let mut slope = [0.0; LANES];
            let mut losses = [0.0; LANES];
            for lane in 0..LANES {
                // A last group may be short: the lanes that hold no sample pull at nothing.
                let there = if lane < samples.len() { 1.0 } else { 0.0 };
                slope[lane] = there * share * (sigmoid(logits[lane]) - targets[lane]);
                losses[lane] = there * (softplus(logits[lane]) - targets[lane] * logits[lane]);
            }
            loss += f64::from(tree(losses));
            self.net.backward(weights, &slope, Some(&mut self.gradient));
            for (lane, sample) in samples.iter().enumerate() {
                let a = &mut self.back.users[sample.user as usize * width..][..width];
                let b = &mut self.back.items[sample.item as usize * width..][..width];
                for ((a, b), slope) in a.iter_mut().zip(b).zip(&self.net.slopes[0]) {
                    *a += slope[lane];
                    *b += slope[lane];
                }
                let (u, i) = (shape.user(sample.user as usize), shape.item(sample.item as usize));
                let pull = slope[lane];
                for d in 0..k {
                    let (p, q) = (weights[u.start + d], weights[i.start + d]);
                    gradient[u.start + d] += pull * h[d] * q;
                    gradient[i.start + d] += pull * h[d] * p;
                    gradient[last + d] += pull * p * q;
                }
                self.penalty.count(sample.user);
                self.penalty.count(shape.n_users as u32 + sample.item);
            }
        }
        drain(&mut self.gradient, &mut gradient[above..]);
        let (users, items, _) = shape.first(weights);
        let at = above - (2 * k + 1) * width;
        for (user, slope) in self.back.users.chunks_exact(width).enumerate() {
            pull_back(&weights[shape.user(user)][k..], users, slope, gradient, shape.user(user).start + k, at);
        }
        for (item, slope) in self.back.items.chunks_exact(width).enumerate() {
            let rows = at + k * width;
            pull_back(&weights[shape.item(item)][k..], items, slope, gradient, shape.item(item).start + k, rows);
            axpy(1.0, slope, &mut gradient[above - width..above]);
        }
        loss += self.penalty.apply(self.lambda, share, weights, gradient, 2 * k);
        loss * f64::from(share)
    }

    fn model(&self, weights: &[f32]) -> Box<dyn SubModel> {
        Box::new(Model::new(Saved {
            shape: self.net.shape,
            weights: weights.to_vec(),
            lambda: self.lambda,
            negatives: self.negatives as f32,
        }))
    }
}

/// The gradient `slope` of x W goes to x at `x_at` and to W at `w_at`.
#[inline]
fn pull_back(x: &[f32], w: &[f32], slope: &[f32], gradient: &mut [f32], x_at: usize, w_at: usize) {
    for (index, (&value, row)) in x.iter().zip(w.chunks_exact(slope.len())).enumerate() {
        gradient[x_at + index] += dot(row, slope);
        axpy(value, slope, &mut gradient[w_at + index * slope.len()..][..slope.len()]);
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    shape: Shape,
    weights: Vec<f32>,
    lambda: f32,
    negatives: f32,
}

/// A trained network, with what its items contribute to every score in groups of eight.
pub(super) struct Model {
    saved: Saved,
    net: Net,
    items: Vec<ItemGroup>,
}

/// Eight items: their part of the first layer's sums and their half of the product, a lane an item.
#[derive(Clone, Default)]
struct ItemGroup {
    half: Vec<Lanes>,
    factors: Vec<Lanes>,
}

impl ItemGroup {
    fn new(shape: Shape, weights: &[f32], items: &[u32]) -> Self {
        let mut group =
            ItemGroup { half: vec![[0.0; LANES]; shape.width(1)], factors: vec![[0.0; LANES]; shape.factors] };
        let mut half = vec![0.0; shape.width(1)];
        for (lane, &item) in items.iter().enumerate() {
            let item = &weights[shape.item(item as usize)];
            shape.item_half(weights, item, &mut half);
            group.half.iter_mut().zip(&half).for_each(|(place, &value)| place[lane] = value);
            group.factors.iter_mut().zip(item).for_each(|(place, &value)| place[lane] = value);
        }
        group
    }

    /// Logits of the eight items for a user whose part of the first layer is `half` and of the product `weighted`.
    fn logits(&self, net: &mut Net, weights: &[f32], half: &[f32], weighted: &[f32]) -> Lanes {
        for ((place, own), &user) in net.activations[0].iter_mut().zip(&self.half).zip(half) {
            *place = own.map(|own| if own + user > 0.0 { own + user } else { (own + user) * 0.0 });
        }
        let mut logits = net.forward(weights);
        for (factor, &weight) in self.factors.iter().zip(weighted) {
            add(&mut logits, weight, factor);
        }
        logits
    }
}

/// Missing items that stand for all of them in a fold-in.
const MISSING: usize = 128;
/// Steps of a fold-in.
const STEPS: usize = 40;

impl Model {
    fn new(saved: Saved) -> Self {
        let all: Vec<u32> = (0..saved.shape.n_items as u32).collect();
        let items = all.chunks(LANES).map(|items| ItemGroup::new(saved.shape, &saved.weights, items)).collect();
        Model { net: Net::new(saved.shape), saved, items }
    }

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
        Ok(Model::new(saved))
    }

    /// A user's part of the first layer's sums, and of the product times the last layer's weights.
    fn user_parts(&self, user: &[f32], half: &mut [f32], weighted: &mut [f32]) {
        let (shape, weights) = (self.saved.shape, &self.saved.weights);
        shape.user_half(weights, user, half);
        for ((place, p), h) in weighted.iter_mut().zip(user).zip(&weights[shape.last()..]) {
            *place = p * h;
        }
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
        let k = shape.factors;
        let mut user = vec![0.0f32; 2 * k];
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
        let lacked = (0..shown).map(|at| (missing[at * missing.len() / shown], 0.0, weight));
        let all: Vec<(u32, f32, f32)> = items.iter().map(|&item| (item, 1.0, 1.0)).chain(lacked).collect();
        // Eight items with their targets and weights; the last group may be short, and what it lacks weighs nothing.
        let groups: Vec<(ItemGroup, Lanes, Lanes)> = all
            .chunks(LANES)
            .map(|eight| {
                let ids: Vec<u32> = eight.iter().map(|entry| entry.0).collect();
                let of = |part: fn(&(u32, f32, f32)) -> f32| std::array::from_fn(|at| eight.get(at).map_or(0.0, part));
                (ItemGroup::new(shape, weights, &ids), of(|entry| entry.1), of(|entry| entry.2))
            })
            .collect();
        let mut net = self.net.clone();
        let mut adam = Adam::new(user.len(), 0.05);
        let (mut half, mut weighted) = (vec![0.0; shape.width(1)], vec![0.0; k]);
        let (mut slope, mut back) = (vec![0.0; 2 * k], vec![0.0; shape.width(1)]);
        let (rows, _, _) = shape.first(weights);
        for _ in 0..STEPS {
            self.user_parts(&user, &mut half, &mut weighted);
            slope.fill(0.0);
            back.fill(0.0);
            for (group, targets, shares) in &groups {
                let logits = group.logits(&mut net, weights, &half, &weighted);
                let push = std::array::from_fn(|lane| shares[lane] / total * (sigmoid(logits[lane]) - targets[lane]));
                net.backward(weights, &push, None);
                for ((place, factor), h) in slope.iter_mut().zip(&group.factors).zip(&weights[shape.last()..]) {
                    *place += h * tree(std::array::from_fn(|lane| push[lane] * factor[lane]));
                }
                back.iter_mut().zip(&net.slopes[0]).for_each(|(place, lanes)| *place += tree(*lanes));
            }
            for (place, row) in slope[k..].iter_mut().zip(rows.chunks_exact(back.len())) {
                *place += dot(row, &back);
            }
            axpy(self.saved.lambda, &user, &mut slope);
            adam.step(&mut user, &slope);
        }
        if all_finite(&user) { user } else { vec![0.0; 2 * k] }
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        let mut net = self.net.clone();
        let (mut half, mut weighted) = (vec![0.0; self.saved.shape.width(1)], vec![0.0; self.saved.shape.factors]);
        self.user_parts(user, &mut half, &mut weighted);
        for (group, out) in self.items.iter().zip(out.chunks_mut(LANES)) {
            let logits = group.logits(&mut net, &self.saved.weights, &half, &weighted);
            for (place, &logit) in out.iter_mut().zip(&logits) {
                // Finite weights can still overflow in a product.
                *place = if logit.is_finite() { logit } else { 0.0 };
            }
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
        check_gradient(Neumf::new(shape, 0.1, 4), &weights, &samples(9, 7, 12));
    }
}
