//! The inner loops of every model and combiner, in one place: plain Rust over `[f32; 8]` lanes that LLVM turns into
//! SSE2, AVX2 (`wide`) or simd128, with an order of additions that is a function of the sizes alone, so the bits are the same on every
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
mod wide;

pub use cholesky::{NotPositive, cholesky};
pub(crate) use cholesky::{cholesky_here, cholesky_inverse, cholesky_solve, cholesky_solve_here};
pub(crate) use gather::gather;
pub(crate) use gemm::{Into, View, gemm, mirror as mirror_whole};
pub use product::{Packed, product};
pub(crate) use product::{add_transposed_product, four_rows};
pub(crate) use sigmoid::{sigmoid, softplus};
pub use syrk::Panels;
pub(crate) use syrk::{mirror, syrk};
pub(crate) use top_k::TopK;
pub use top_k::top_k;
pub(crate) use whiten::Whitener;
pub(crate) use wide::wide;

use crate::numerics::matrix::Matrix;

/// Values that move together.
pub(crate) const LANES: usize = 8;

/// Eight values.
pub(crate) type Lanes = [f32; LANES];

/// `n` rounded up to whole lanes: the stride of a matrix with `n` columns.
pub const fn padded(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// The fixed tree that ends every reduction over lanes: ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
///
/// They pass through a `black_box` because LLVM's vectoriser works backwards from here: it sees the pairs of the last additions and
/// makes the whole loop before them two lanes wide, on both targets, where four fit (an inner product of 64 takes 10.5 ns instead of
/// 7); and four where eight fit, unless it is all eight that pass. It changes no value.
#[inline(always)]
pub(crate) fn tree(lanes: Lanes) -> f32 {
    let lanes = if cfg!(target_arch = "x86_64") { std::hint::black_box(lanes) } else { lanes };
    let halves = [0, 1, 2, 3].map(|lane| lanes[lane] + lanes[lane + 4]);
    let halves = if cfg!(target_arch = "x86_64") { halves } else { std::hint::black_box(halves) };
    (halves[0] + halves[2]) + (halves[1] + halves[3])
}

/// Inner product over the shorter length: eight running sums, then [`tree`], then what is left over in order.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
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

/// Inner products of `a` with four rows at least as long, each bit for bit `dot`: four sums in flight instead of one that waits for
/// its own last addition.
#[inline(always)]
pub(crate) fn four_dots(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
    let n = a.len();
    let (a8, a_rest) = a.as_chunks::<LANES>();
    let chunks = rows.map(|row| &row[..n].as_chunks::<LANES>().0[..a8.len()]);
    let mut sums = [[0.0f32; LANES]; 4];
    for (at, x) in a8.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(chunks) {
            for lane in 0..LANES {
                sums[lane] += x[lane] * row[at][lane];
            }
        }
    }
    let mut totals = sums.map(tree);
    for (total, row) in totals.iter_mut().zip(rows) {
        for (x, y) in a_rest.iter().zip(&row[n - a_rest.len()..n]) {
            *total += x * y;
        }
    }
    totals
}

/// Values of a block of items that all users pass over: 16 kB of them.
const NEAR: usize = 4096;

/// [`scores`] of several users at once, one row of `users` and of `out` for each: an item's vector is read once for all of
/// them, which is what counts where the vectors outgrow the caches.
///
/// Panics if the widths differ or `out` is not users x items, like an index out of range.
pub(crate) fn scores_of_all(users: &[f32], items: &Matrix, out: &mut [f32]) {
    wide(
        #[inline(always)]
        || scores_of_all_here(users, items, out),
    );
}

#[inline(always)]
fn scores_of_all_here(users: &[f32], items: &Matrix, out: &mut [f32]) {
    let (width, n_items) = (items.cols(), items.rows());
    if width == 0 || n_items == 0 {
        return out.fill(0.0);
    }
    // As many items at a time as stay in the nearest cache while all users pass over them.
    let block = (NEAR / width).clamp(4, n_items.max(4));
    for first in (0..n_items).step_by(block) {
        let last = (first + block).min(n_items);
        let (mut fours, mut outs) = (users.chunks_exact(4 * width), out.chunks_exact_mut(4 * n_items));
        for (four, out) in (&mut fours).zip(&mut outs) {
            let four = [&four[..width], &four[width..2 * width], &four[2 * width..3 * width], &four[3 * width..]];
            for item in first..last {
                let sums = four_dots(items.row(item), four);
                for (user, sum) in sums.into_iter().enumerate() {
                    out[user * n_items + item] = sum;
                }
            }
        }
        for (user, out) in fours.remainder().chunks_exact(width).zip(outs.into_remainder().chunks_exact_mut(n_items)) {
            for (place, item) in out[first..last].iter_mut().zip(first..) {
                *place = dot(user, items.row(item));
            }
        }
    }
}

/// Inner products of `user` with every row of `items`, bit for bit `dot`: what a factor model's scores are. `out` has as many
/// places as there are rows.
pub fn scores(user: &[f32], items: &Matrix, out: &mut [f32]) {
    wide(
        #[inline(always)]
        || scores_here(user, items, out),
    );
}

#[inline(always)]
fn scores_here(user: &[f32], items: &Matrix, out: &mut [f32]) {
    let user = &user[..user.len().min(items.cols())];
    let mut fours = out.chunks_exact_mut(4);
    let mut item = 0;
    for places in &mut fours {
        places.copy_from_slice(&four_dots(user, [0, 1, 2, 3].map(|next| items.row(item + next))));
        item += 4;
    }
    for (place, item) in fours.into_remainder().iter_mut().zip(item..) {
        *place = dot(user, items.row(item));
    }
}

/// Sum of a * b * c over the shortest length, in the order of [`dot`].
#[inline]
pub(crate) fn dot_of_three(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
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
#[inline(always)]
pub(crate) fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// Are all values finite? One pass, no branch per value.
pub(crate) fn all_finite(values: &[f32]) -> bool {
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
    fn scores_are_inner_products_bit_for_bit() {
        for (rows, width) in [(0, 3), (1, 1), (3, 8), (4, 7), (9, 16), (10, 29), (13, 64)] {
            let value = |at: usize| ((at * 7919 % 1009) as f32 - 500.0) / 37.0;
            let items = Matrix::from_vec(rows, width, (0..rows * width).map(value).collect()).unwrap();
            let user: Vec<f32> = (0..width).map(|at| value(at + 5)).collect();
            let mut out = vec![9.0; rows];
            scores(&user, &items, &mut out);
            let expected: Vec<u32> = (0..rows).map(|item| dot(&user, items.row(item)).to_bits()).collect();
            let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&out), expected, "{rows} x {width}");
            for n_users in [0, 1, 4, 6] {
                let users: Vec<f32> = (0..n_users * width).map(|at| value(at + 11)).collect();
                let (mut together, mut alone) = (vec![9.0; n_users * rows], vec![9.0; n_users * rows]);
                scores_of_all(&users, &items, &mut together);
                for user in 0..n_users {
                    scores(&users[user * width..][..width], &items, &mut alone[user * rows..][..rows]);
                }
                assert_eq!(bits(&together), bits(&alone), "{n_users} users, {rows} x {width}");
            }
        }
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
