//! Where everything stands in the one list of `neumf`'s weights, and how they begin.

use serde::{Deserialize, Serialize};

use super::dense::Dense;
use crate::model::training::push_normal;
use crate::numerics::random::{Purpose, StreamKey};

/// All sizes. Weights: user embeddings (\[p ; p'\] each), item embeddings (\[q ; q'\] each), layers, last layer, bias.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub n_users: usize,
    pub n_items: usize,
    pub factors: usize,
    pub layers: usize,
}

impl Shape {
    pub fn width(self, layer: usize) -> usize {
        (2 * self.factors).div_ceil(1 << layer).max(1)
    }

    pub fn dense(self) -> Vec<Dense> {
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
    pub fn above(self) -> usize {
        (self.n_users + self.n_items) * 2 * self.factors + (2 * self.factors + 1) * self.width(1)
    }

    /// Where the last layer begins; the bias follows it.
    pub fn last(self) -> usize {
        let first = (self.n_users + self.n_items) * 2 * self.factors;
        (0..self.layers).fold(first, |at, layer| at + (self.width(layer) + 1) * self.width(layer + 1))
    }

    pub fn len(self) -> usize {
        self.last() + self.factors + self.width(self.layers) + 1
    }

    pub fn start(self, key: StreamKey) -> Vec<f32> {
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

    pub fn user(self, index: usize) -> std::ops::Range<usize> {
        index * 2 * self.factors..(index + 1) * 2 * self.factors
    }

    pub fn item(self, index: usize) -> std::ops::Range<usize> {
        self.user(self.n_users + index)
    }
}
