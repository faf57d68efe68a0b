//! What the loops of training ask of a model that learns by passes over its rows.

use serde::{Deserialize, Serialize};

use super::trace::UpdateTrace;
use crate::model::{ShardRows, SubModel};
use crate::numerics::kernels::dot;
use crate::numerics::sparse::Csr;

/// Rows to learn from, with a value for each.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct TrainRows {
    pub csr: Csr,
    pub values: Vec<f32>,
    pub n_items: u32,
}

impl TrainRows {
    /// Those for which `keep` says so, by row number.
    pub(super) fn of(rows: &ShardRows, keep: impl Fn(usize) -> bool) -> TrainRows {
        let values = (0..rows.items.len()).filter(|&row| keep(row)).map(|row| rows.values[row]).collect();
        TrainRows { csr: rows.csr(keep), values, n_items: rows.n_items }
    }
}

/// What one epoch did.
pub(in crate::model) struct Epoch {
    /// Mean loss of a row.
    pub loss: f64,
    pub updates: u64,
    /// One of them, if asked.
    pub trace: Option<UpdateTrace>,
}

/// A model being learned by passes over rows.
pub(in crate::model) trait Learner: Send {
    /// One pass; `epoch` counts from 1 and keys the random streams. `traced`: with one update, see [`UpdateTrace`].
    fn epoch(&mut self, epoch: u32, traced: bool) -> Epoch;
    /// Are all weights finite?
    fn is_finite(&self) -> bool;
    /// The model as it is now.
    fn model(&self) -> Box<dyn SubModel>;
    /// Weights and optimiser state, for models that are trained slice by slice.
    fn tables(&mut self) -> Vec<WeightTable<'_>> {
        Vec::new()
    }
}

/// Makes a learner for rows: once for the training rows, once more for all. The number keys what begins at random: the round of slices,
/// or 0.
pub(in crate::model) type Make = Box<dyn Fn(TrainRows, u32) -> Box<dyn Learner> + Send>;

/// What the rows of a table of weights belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::model) enum WeightSide {
    User,
    Item,
    /// To nobody: taken over as a whole.
    Shared,
}

/// Weights, or what an optimiser remembers of them.
pub(in crate::model) struct WeightTable<'a> {
    pub side: WeightSide,
    /// Values to a user or item; for shared ones, all of them.
    pub width: usize,
    pub values: &'a mut [f32],
}

/// Rows in a batch: so many steps an epoch where that leaves 32 to the given most.
pub(in crate::model) fn batch_size(rows: usize, (steps, most): (usize, usize)) -> usize {
    rows.div_ceil(steps).clamp(32, most)
}

/// Mean of squares of a vector: for penalties.
#[inline]
pub(in crate::model) fn square(values: &[f32]) -> f32 {
    dot(values, values)
}
