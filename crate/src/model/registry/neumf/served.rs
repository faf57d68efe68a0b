//! `neumf` once trained: scores, and strangers folded in.

use serde::{Deserialize, Serialize};

use super::dense::add;
use super::net::Net;
use super::shape::Shape;
use crate::model::training::optimiser::Adam;
use crate::model::weights::{self, finite, refuse};
use crate::model::{ModelError, SubModel};
use crate::numerics::kernels::{LANES, Lanes, all_finite, axpy, dot, sigmoid, tree};
use crate::numerics::matrix::Matrix;

/// As written in configurations.
pub(super) const NAME: &str = "neumf";
/// Its number in saved weights.
pub(super) const CODE: u8 = 5;

#[derive(Serialize, Deserialize)]
pub(super) struct SavedNeumf {
    pub shape: Shape,
    pub weights: Vec<f32>,
    pub lambda: f32,
    pub negatives: f32,
}

/// A trained network, with what its items contribute to every score in groups of eight.
pub(super) struct Model {
    saved: SavedNeumf,
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
    pub(super) fn new(saved: SavedNeumf) -> Self {
        let all: Vec<u32> = (0..saved.shape.n_items as u32).collect();
        let items = all.chunks(LANES).map(|items| ItemGroup::new(saved.shape, &saved.weights, items)).collect();
        Model { net: Net::new(saved.shape), saved, items }
    }

    pub(super) fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
        let saved: SavedNeumf = weights::read(bytes)?;
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
        Ok(Box::new(Model::new(saved)))
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
        NAME
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
        weights::write(CODE, &self.saved)
    }
}
