//! What a user's vector is held against, and the system that follows from it.
//!
//! `consensus` replaces the penalty |w|^2 by w' G^-1 w with G = V'V: a coordinate along which the shards' items hardly vary
//! together is one shard's noise and costs more than one on which they agree. It is the prior that matrix factorisation itself
//! has at its optimum, where users and items share a spectrum. In kernel form P = V (alpha G + lambda G^-1)^-1 V', a sharper
//! low-pass filter on the spectrum of V V' than `joint`'s.

use serde::{Deserialize, Serialize};

use crate::combine::CombineError;
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

/// Least eigenvalue of G that single precision is trusted with, as a share of their sum: `consensus` inverts G + this. A
/// coordinate below it weighs a hundred-thousandth of the whole and serves nobody either way.
const FLOOR: f64 = 1e-5;
/// The floor grows by so much where a system cannot be factored all the same, at most so often.
const GROWTH: f32 = 8.0;
const TRIES: usize = 12;

/// alpha A + lambda I.
pub(super) fn shifted(mut a: Vec<f32>, n: usize, alpha: f32, lambda: f32) -> Vec<f32> {
    a.iter_mut().for_each(|value| *value *= alpha);
    (0..n).for_each(|index| a[index * n + index] += lambda);
    a
}

/// The factor of alpha G + lambda I, or of alpha G + lambda G^-1: with U'U the system, P = (V U^-1) (V U^-1)'. Where G has no
/// inverse, or hardly one, a floor is added to its spectrum.
///
/// Errors: a strength beyond what single precision holds.
pub(super) fn factor(
    gram: &[f32],
    n: usize,
    prior: Prior,
    (alpha, lambda): (f32, f32),
) -> Result<Whitener, CombineError> {
    let trace: f64 = (0..n).map(|index| f64::from(gram[index * n + index])).sum();
    let least = ((FLOOR * trace) as f32).max(f32::EPSILON);
    let mut floor = if prior == Prior::Flat { 0.0 } else { least };
    for _ in 0..TRIES {
        let system = match prior {
            Prior::Flat => Some(shifted(gram.to_vec(), n, alpha, lambda + floor)),
            Prior::Consensus => inverse(shifted(gram.to_vec(), n, 1.0, floor), n).map(|mut system| {
                for (inverse, value) in system.iter_mut().zip(gram) {
                    *inverse = *inverse * lambda + alpha * value;
                }
                system
            }),
        };
        if let Some(factor) = system.and_then(|system| Whitener::new(system, n).ok()) {
            return Ok(factor);
        }
        floor = (floor * GROWTH).max(least);
    }
    Err(CombineError::Singular { alpha, lambda })
}

/// A^-1; none where A cannot be factored.
fn inverse(a: Vec<f32>, n: usize) -> Option<Vec<f32>> {
    let root = Whitener::new(a, n).ok()?.inverse();
    let mut out = vec![0.0; n * n];
    gemm(n, n, n, View::of(&root), View::of(&root).transposed(), &mut out, n, Into::SetUpper);
    mirror(&mut out, n);
    Some(out)
}

/// P from C = V V' instead of V'V, for more coordinates than items: (I - lambda (alpha C + lambda I)^-1) / alpha for `joint`, and
/// the same with C^2 for `consensus`; lambda no less than what single precision can add to C^2.
pub(super) fn dual(v: &Matrix, prior: Prior, (alpha, lambda): (f32, f32)) -> Result<Matrix, CombineError> {
    let m = v.rows();
    let mut kernel = symmetric_product(v, v);
    if prior == Prior::Consensus {
        kernel = symmetric_product(&kernel, &kernel);
    }
    let trace: f64 = (0..m).map(|index| f64::from(kernel.row(index)[index])).sum();
    let least = (f64::from(f32::EPSILON) * trace) as f32 * alpha;
    let mut used = lambda;
    for _ in 0..TRIES {
        if let Some(inverse) = inverse(shifted(kernel.data().to_vec(), m, alpha, used), m) {
            let mut out = Matrix::from_vec(m, m, inverse).expect("it is as large as the kernel");
            out.data_mut().iter_mut().for_each(|value| *value *= -used / alpha);
            for index in 0..m {
                out.row_mut(index)[index] += 1.0 / alpha;
            }
            return Ok(out);
        }
        used = (used * GROWTH).max(least);
    }
    Err(CombineError::Singular { alpha, lambda })
}

/// A B' where it is known to be symmetric.
pub(super) fn symmetric_product(a: &Matrix, b: &Matrix) -> Matrix {
    let m = a.rows();
    let mut out = Matrix::zeros(m, m);
    gemm(m, m, a.cols(), View::of(a), View::of(b).transposed(), out.data_mut(), m, Into::SetUpper);
    mirror(out.data_mut(), m);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U^-1 (U^-1)' with U'U the system.
    fn middle(gram: &[f32], n: usize, prior: Prior, strengths: (f32, f32)) -> Matrix {
        let root = factor(gram, n, prior, strengths).unwrap().inverse();
        symmetric_product(&root, &root)
    }

    #[test]
    fn a_spectrum_that_single_precision_cannot_invert_gets_a_floor() {
        // Eigenvalues 1e6, 1 and 0: their squares span twelve digits, the last has no inverse.
        let gram = [1e6, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let middle = middle(&gram, 3, Prior::Consensus, (1.0, 100.0));
        // g / (alpha g^2 + lambda), or 0 where g is 0.
        for (index, expected) in [1e-6, 1.0 / 101.0].into_iter().enumerate() {
            let found = middle.row(index)[index];
            assert!((found - expected).abs() < 0.15, "{found} {expected}");
            assert!(found >= 0.0 && found.is_finite());
        }
        assert!((middle.row(0)[0] / 1e-6 - 1.0).abs() < 1e-3, "{:?}", middle.row(0));
        assert!(middle.row(2)[2] <= 10.0 / 100.0 * 1.001, "at most floor / lambda: {:?}", middle.row(2));
        for prior in [Prior::Flat, Prior::Consensus] {
            assert!(factor(&[0.0; 9], 3, prior, (1.0, 1.0)).is_ok(), "{prior:?}: vectors that vanished");
            assert!(factor(&gram, 3, prior, (1.0, 1e-30)).is_ok(), "{prior:?}: hardly any penalty");
            let beyond = factor(&gram, 3, prior, (f32::MAX, 1.0)).err().unwrap();
            assert_eq!(beyond.code(), "combine.singular");
        }
    }

    #[test]
    fn more_coordinates_than_items_with_hardly_any_penalty_are_served_too() {
        let v = Matrix::from_vec(2, 3, vec![900.0, 1.0, 0.0, 900.0, 1.0, 0.5]).unwrap();
        for prior in [Prior::Flat, Prior::Consensus] {
            let kernel = dual(&v, prior, (1.0, 1e-20)).unwrap();
            assert!(kernel.data().iter().all(|value| value.is_finite()), "{prior:?} {kernel:?}");
        }
    }
}
