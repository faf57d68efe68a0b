//! The perceptron of `neumf`: its first layer apart for users and items, and what stands above it, eight samples at a time.

use super::dense::{Dense, add, mask};
use super::shape::Shape;
use crate::numerics::kernels::{LANES, Lanes, axpy};

/// The first layer taken apart: W \[p' ; q'\] + b = (W_1 p') + (W_2 q' + b), each part computed once for every user and every
/// item, however many samples they are in.
pub(super) struct Halves {
    pub users: Vec<f32>,
    pub items: Vec<f32>,
}

impl Halves {
    pub fn new(shape: Shape) -> Self {
        Halves { users: vec![0.0; shape.n_users * shape.width(1)], items: vec![0.0; shape.n_items * shape.width(1)] }
    }

    pub fn compute(&mut self, shape: Shape, weights: &[f32]) {
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
    pub fn first(self, weights: &[f32]) -> (&[f32], &[f32], &[f32]) {
        let (width, half) = (self.width(1), self.factors * self.width(1));
        let layer = &weights[self.above() - (2 * half + width)..self.above()];
        (&layer[..half], &layer[half..2 * half], &layer[2 * half..])
    }

    pub fn user_half(self, weights: &[f32], user: &[f32], out: &mut [f32]) {
        let (rows, _, _) = self.first(weights);
        out.fill(0.0);
        for (&value, row) in user[self.factors..].iter().zip(rows.chunks_exact(out.len())) {
            axpy(value, row, out);
        }
    }

    pub fn item_half(self, weights: &[f32], item: &[f32], out: &mut [f32]) {
        let (_, rows, bias) = self.first(weights);
        out.copy_from_slice(bias);
        for (&value, row) in item[self.factors..].iter().zip(rows.chunks_exact(out.len())) {
            axpy(value, row, out);
        }
    }
}

/// What stands above the first layer, for eight samples at a time: room for activations and their gradients, layer by layer.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub shape: Shape,
    dense: Vec<Dense>,
    pub activations: Vec<Vec<Lanes>>,
    pub slopes: Vec<Vec<Lanes>>,
}

impl Net {
    pub fn new(shape: Shape) -> Self {
        let room: Vec<Vec<Lanes>> = (1..=shape.layers).map(|layer| vec![[0.0; LANES]; shape.width(layer)]).collect();
        Net { shape, dense: shape.dense().split_off(1), activations: room.clone(), slopes: room }
    }

    /// From the first layer's activations, which stand in `activations[0]`, to the logit less its product.
    pub fn forward(&mut self, weights: &[f32]) -> Lanes {
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
    pub fn backward(&mut self, weights: &[f32], slope: &Lanes, mut gradient: Option<&mut [Lanes]>) {
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
