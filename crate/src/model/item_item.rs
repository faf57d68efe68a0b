//! What `ease` and `itemknn` share: scores are sums of rows of an item-item matrix that is a closed-form function of
//! co-occurrence counts.
//!
//! A user's representation is the row of ones and zeros itself, so nothing is learned about a user and a fold-in is the
//! row again. The bytes hold the counts and the users' rows; the matrix is computed from them when they are loaded.

use serde::{Deserialize, Serialize};

use super::counts::ItemCounts;
use super::kernels::{all_finite, axpy};
use super::rows::Csr;
use super::weights;
use super::{EpochReport, ModelError, ModelName, ShardRows, StopReason, SubModel, Trainer, ease, itemknn};
use crate::matrix::Matrix;

/// Which matrix, with its knob.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Ridge strength.
    Ease { lambda: f32 },
    /// Neighbours kept for each item.
    Itemknn { neighbours: u32 },
}

impl Kind {
    fn name(self) -> ModelName {
        match self {
            Kind::Ease { .. } => ModelName::Ease,
            Kind::Itemknn { .. } => ModelName::Itemknn,
        }
    }

    /// Row i holds what having item i adds to every score; also the objective, where there is one.
    fn weights(self, counts: &ItemCounts) -> Result<(Matrix, f64), ModelError> {
        let (weights, objective) = match self {
            Kind::Ease { lambda } => ease::weights(counts, lambda)?,
            Kind::Itemknn { neighbours } => (itemknn::weights(counts, neighbours), 0.0),
        };
        if !all_finite(weights.data()) {
            return Err(ModelError::Diverged { epoch: 1, advice: "the item-item matrix is not finite; raise lambda" });
        }
        Ok((weights, objective))
    }
}

/// One step does it all.
pub(super) struct ItemItemTrainer {
    kind: Kind,
    rows: Csr,
    counts: ItemCounts,
    weights: Option<Matrix>,
}

impl ItemItemTrainer {
    pub(super) fn new(rows: &ShardRows, kind: Kind) -> Result<Self, ModelError> {
        let rows_by_user = rows.csr(|_| true);
        let counts = ItemCounts::of(&rows_by_user, rows.n_items)?;
        Ok(ItemItemTrainer { kind, rows: rows_by_user, counts, weights: None })
    }
}

impl Trainer for ItemItemTrainer {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        let (weights, objective) = self.kind.weights(&self.counts)?;
        self.weights = Some(weights);
        let loss = (objective / self.rows.columns.len().max(1) as f64) as f32;
        Ok(EpochReport { epoch: 1, loss, metric: None, refit: false, updates: u64::from(self.counts.n_items()) })
    }

    fn stopped(&self) -> Option<StopReason> {
        self.weights.as_ref().map(|_| StopReason::Closed)
    }

    fn progress(&self) -> f32 {
        if self.weights.is_some() { 1.0 } else { 0.0 }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        let n = self.counts.n_items() as usize;
        let weights = self.weights.unwrap_or_else(|| Matrix::zeros(n, n));
        Box::new(ItemItem { kind: self.kind, rows: self.rows, counts: self.counts, weights })
    }
}

/// A trained item-item model.
pub(super) struct ItemItem {
    kind: Kind,
    rows: Csr,
    counts: ItemCounts,
    weights: Matrix,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    kind: Kind,
    starts: Vec<u32>,
    columns: Vec<u32>,
    counts: ItemCounts,
}

impl ItemItem {
    pub(super) fn load(bytes: &[u8]) -> Result<Self, ModelError> {
        let Saved { kind, starts, columns, counts } = weights::read(bytes)?;
        let rows = Csr { starts, columns };
        let sound = rows.starts.first() == Some(&0)
            && rows.starts.is_sorted()
            && rows.starts.last().map(|&end| end as usize) == Some(rows.columns.len())
            && counts.is_sound()
            && (0..rows.len()).all(|user| rows.row(user).is_sorted_by(|a, b| a < b))
            && rows.columns.iter().all(|&item| item < counts.n_items());
        // The counts are there twice, as counts and as rows; they must agree.
        if !sound || ItemCounts::of(&rows, counts.n_items())? != counts {
            return Err(weights::refuse("rows and counts do not hold together"));
        }
        let (weights, _) = kind.weights(&counts).map_err(|error| weights::refuse(&error.to_string()))?;
        Ok(ItemItem { kind, rows, counts, weights })
    }

    fn dense(&self, items: &[u32]) -> Vec<f32> {
        let mut row = vec![0.0; self.weights.rows()];
        for &item in items {
            row[item as usize] = 1.0;
        }
        row
    }
}

impl SubModel for ItemItem {
    fn name(&self) -> &'static str {
        self.kind.name().as_str()
    }

    fn n_users(&self) -> usize {
        self.rows.len()
    }

    fn n_items(&self) -> usize {
        self.weights.rows()
    }

    fn user(&self, local_user: u32) -> Vec<f32> {
        self.dense(self.rows.row(local_user as usize))
    }

    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Vec<f32> {
        self.dense(items)
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        for (item, &value) in user.iter().enumerate() {
            if value != 0.0 {
                axpy(value, self.weights.row(item), out);
            }
        }
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        None
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Csr { starts, columns } = self.rows.clone();
        weights::write(self.kind.name(), &Saved { kind: self.kind, starts, columns, counts: self.counts.clone() })
    }
}
