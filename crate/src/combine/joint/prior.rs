//! `consensus`: `joint` with a prior that the shards agree on.
//!
//! It replaces the penalty |w|^2 by w' G^-1 w with G = V'V: a coordinate along which the shards' items hardly vary together
//! is one shard's noise and costs more than one on which they agree. It is the prior that matrix factorisation itself has at its
//! optimum, where users and items share a spectrum. In kernel form P = V (alpha G^2 + lambda I)^-1 G V', a sharper low-pass
//! filter on the spectrum of V V' than `joint`'s.

use serde::{Deserialize, Serialize};

use crate::numerics::kernels::{Into, View, Whitener, gemm, mirror_whole as mirror};
use crate::numerics::matrix::Matrix;

/// What the user vector is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::combine) enum Prior {
    /// |w|^2: `joint`.
    Flat,
    /// w' G^-1 w: `consensus`.
    Consensus,
}

impl Prior {
    /// The combiner that has it.
    pub(in crate::combine) fn method(self) -> &'static str {
        match self {
            Prior::Flat => "joint",
            Prior::Consensus => "consensus",
        }
    }
}

/// alpha A + lambda I.
pub(super) fn shifted(mut a: Vec<f32>, n: usize, alpha: f32, lambda: f32) -> Vec<f32> {
    a.iter_mut().for_each(|value| *value *= alpha);
    (0..n).for_each(|index| a[index * n + index] += lambda);
    a
}

/// A = (alpha G^2 + lambda I)^-1 G.
pub(super) fn middle(gram: Vec<f32>, width: usize, alpha: f32, lambda: f32) -> Result<Matrix, usize> {
    let g = View { data: &gram, row: width, col: 1 };
    let mut square = vec![0.0; width * width];
    gemm(width, width, width, g, g, &mut square, width, Into::SetUpper);
    let factor = Whitener::new(shifted(square, width, alpha, lambda), width)?;
    // With U'U the system and X = U^-1: A = X (X' G), and X' G = (G X)'.
    let mut x = Matrix::zeros(width, width);
    (0..width).for_each(|index| x.row_mut(index)[index] = 1.0);
    factor.whiten(x.data_mut());
    let mut gx = gram;
    factor.whiten(&mut gx);
    let gx = View { data: &gx, row: width, col: 1 };
    let mut out = Matrix::zeros(width, width);
    gemm(width, width, width, View::of(&x), gx.transposed(), out.data_mut(), width, Into::SetUpper);
    mirror(out.data_mut(), width);
    Ok(out)
}
