//! The inner loops of every model and combiner, in one place: plain Rust over `[f32; 8]` lanes that LLVM turns into
//! SSE2 or simd128, with an order of additions that is a function of the sizes alone, so the bits are the same on every
//! machine.
//!
//! Square matrices here are row-major with a *stride* that is a multiple of eight ([`padded`]); the padding is zero.

mod cholesky;
mod gather;
mod gemm;
mod product;
mod sigmoid;
mod syrk;
mod top_k;
mod whiten;

pub use cholesky::{NotPositive, cholesky, cholesky_inverse, cholesky_solve};
pub use gather::gather;
pub use gemm::{Into, View, gemm, mirror as mirror_whole};
pub use product::{Packed, add_transposed_product, four_rows, product, product_transposed};
pub use sigmoid::{exp_of_negative, sigmoid, softplus};
pub use syrk::{Panels, mirror, syrk};
pub use top_k::{TopK, top_k};
pub use whiten::Whitener;

use crate::matrix::Matrix;

/// Values that move together.
pub const LANES: usize = 8;

/// Eight values.
pub type Lanes = [f32; LANES];

/// `n` rounded up to whole lanes: the stride of a matrix with `n` columns.
pub const fn padded(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// The fixed tree that ends every reduction over lanes.
#[inline(always)]
pub fn tree(lanes: Lanes) -> f32 {
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

/// Inner product over the shorter length: eight running sums, then [`tree`], then what is left over in order.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a8, a_rest) = a[..n].as_chunks::<LANES>();
    let (b8, b_rest) = b[..n].as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (x, y) in a8.iter().zip(b8) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let mut total = tree(sums);
    for (x, y) in a_rest.iter().zip(b_rest) {
        total += x * y;
    }
    total
}

/// Inner products of `user` with every row of `items`: what a factor model's scores are. `out` has as many places as there are rows.
pub fn scores(user: &[f32], items: &Matrix, out: &mut [f32]) {
    for (item, place) in out.iter_mut().enumerate() {
        *place = dot(user, items.row(item));
    }
}

/// Sum of a * b * c over the shortest length, in the order of [`dot`].
#[inline]
pub fn dot_of_three(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let n = a.len().min(b.len()).min(c.len());
    let (a8, a_rest) = a[..n].as_chunks::<LANES>();
    let (b8, b_rest) = b[..n].as_chunks::<LANES>();
    let (c8, c_rest) = c[..n].as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for ((x, y), z) in a8.iter().zip(b8).zip(c8) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane] * z[lane];
        }
    }
    let mut total = tree(sums);
    for ((x, y), z) in a_rest.iter().zip(b_rest).zip(c_rest) {
        total += x * y * z;
    }
    total
}

/// `y += factor * x` over the shorter length.
#[inline]
pub fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// Are all values finite? One pass, no branch per value.
pub fn all_finite(values: &[f32]) -> bool {
    // x * 0 is 0 for finite x and NaN otherwise.
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane] * 0.0;
        }
    }
    tree(sums) == 0.0 && rest.iter().all(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_covers_lanes_and_the_rest() {
        let a: Vec<f32> = (0..19).map(|x| x as f32).collect();
        assert_eq!(dot(&a, &a), (0..19).map(|x| (x * x) as f32).sum::<f32>());
        assert_eq!(dot(&a[..3], &a), 5.0);
        assert_eq!(dot_of_three(&a, &a, &a[..17]), (0..17).map(|x| (x * x * x) as f32).sum::<f32>());
        assert_eq!(dot(&[], &[]), 0.0);
    }

    #[test]
    fn one_bad_value_is_found_wherever_it_stands() {
        for at in 0..21 {
            let mut values = vec![1e30f32; 21];
            assert!(all_finite(&values));
            values[at] = if at % 2 == 0 { f32::NAN } else { f32::INFINITY };
            assert!(!all_finite(&values), "{at}");
        }
    }
}
