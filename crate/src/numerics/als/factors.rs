//! What the solvers of least squares share: the objective's settings and the vectors of one side.

use crate::numerics::kernels::padded;
use crate::numerics::{Matrix, math};

/// What the objective of weighted matrix factorisation needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlsParams {
    /// Length of a vector.
    pub factors: usize,
    /// Weight of the squared score of every pair.
    pub alpha: f32,
    /// Strength of the ridge penalty.
    pub lambda: f32,
    /// 0: the same penalty for everybody. 1: in proportion to the weight of a row's data.
    pub nu: f32,
}

impl AlsParams {
    /// The penalty of a row with `n` entries against `others` columns.
    pub(super) fn ridge(&self, n: usize, others: usize) -> f32 {
        let weight = n as f64 + f64::from(self.alpha) * others as f64;
        let scale = if self.nu == 1.0 {
            weight
        } else if self.nu == 0.0 {
            1.0
        } else {
            math::pow(weight, f64::from(self.nu))
        };
        (f64::from(self.lambda) * scale) as f32
    }
}

/// Vectors of one side, each padded to whole lanes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factors {
    /// Row-major, `stride` values each, zero beyond the factors.
    pub data: Vec<f32>,
    /// [`padded`]`(factors)`.
    pub stride: usize,
}

impl Factors {
    /// All zero.
    pub fn zeros(rows: usize, factors: usize) -> Self {
        Factors { data: vec![0.0; rows * padded(factors)], stride: padded(factors) }
    }

    /// From unpadded rows.
    pub fn from_matrix(matrix: &Matrix) -> Self {
        let mut out = Factors::zeros(matrix.rows(), matrix.cols());
        for index in 0..matrix.rows() {
            out.row_mut(index)[..matrix.cols()].copy_from_slice(matrix.row(index));
        }
        out
    }

    /// Without the padding.
    pub fn to_matrix(&self, factors: usize) -> Matrix {
        let mut out = Matrix::zeros(self.len(), factors);
        for index in 0..self.len() {
            out.row_mut(index).copy_from_slice(&self.row(index)[..factors]);
        }
        out
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.data.len().checked_div(self.stride).unwrap_or(0)
    }

    /// One vector with its padding.
    #[inline(always)]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.stride..][..self.stride]
    }

    /// One vector with its padding, to write.
    #[inline(always)]
    pub fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.data[index * self.stride..][..self.stride]
    }
}
