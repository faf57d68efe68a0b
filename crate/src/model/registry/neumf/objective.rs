//! The loss of `neumf` and its gradient, batch by batch.

use super::dense::{add, drain};
use super::net::{Halves, Net};
use super::served::{Model, SavedNeumf};
use super::shape::Shape;
use crate::model::SubModel;
use crate::model::training::{Objective, Penalty, Sample};
use crate::numerics::kernels::{LANES, Lanes, axpy, dot, dot_of_three, sigmoid, softplus, tree};

pub(super) struct Neumf {
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
    pub fn new(shape: Shape, lambda: f32, negatives: u32) -> Self {
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
        Box::new(Model::new(SavedNeumf {
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
