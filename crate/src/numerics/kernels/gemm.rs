//! Products of dense matrices of hundreds to a few thousand rows, seen through strides.
//!
//! Every entry of a product is one running sum over the inner index, from first to last, whatever the blocking: so a
//! block that is computed alone has the bits it has inside the whole, which is what lets `joint` keep blocks of
//! unchanged shards.

use super::wide;
use crate::numerics::matrix::Matrix;

/// Rows of a register tile.
const MR: usize = 4;
/// Columns of a register tile: two registers of SSE or simd128, one of AVX2.
const NR: usize = 8;
/// Inner indices per panel, so that a panel of B stays in the first cache.
const KC: usize = 256;
/// Rows of A packed at a time.
const MC: usize = 64;

/// A matrix seen through strides: entry (i, j) is `data[i * row + j * col]`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The values, from entry (0, 0) on.
    pub data: &'a [f32],
    /// Distance between rows.
    pub row: usize,
    /// Distance between columns.
    pub col: usize,
}

impl<'a> View<'a> {
    /// The matrix itself.
    pub fn of(matrix: &'a Matrix) -> Self {
        View { data: matrix.data(), row: matrix.cols(), col: 1 }
    }

    /// Its transpose.
    pub fn transposed(self) -> Self {
        View { row: self.col, col: self.row, ..self }
    }

    /// Without the first rows and columns.
    pub fn from(self, row: usize, col: usize) -> Self {
        View { data: &self.data[(row * self.row + col * self.col).min(self.data.len())..], ..self }
    }

    #[inline(always)]
    fn at(&self, row: usize, col: usize) -> f32 {
        self.data[row * self.row + col * self.col]
    }
}

/// What a product does to its target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// C = A B.
    Set,
    /// C = C - A B.
    Subtract,
    /// C = A B, only tiles that touch the upper triangle: for symmetric products, with [`mirror`].
    SetUpper,
    /// C = C - A B in the tiles that touch the upper triangle.
    SubtractUpper,
}

/// C (m x n, rows of `stride`) from A (m x k) and B (k x n).
#[allow(clippy::too_many_arguments)]
pub(crate) fn gemm(m: usize, n: usize, k: usize, a: View<'_>, b: View<'_>, c: &mut [f32], stride: usize, into: Into) {
    wide(
        #[inline(always)]
        || gemm_here(m, n, k, a, b, c, stride, into),
    );
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn gemm_here(m: usize, n: usize, k: usize, a: View<'_>, b: View<'_>, c: &mut [f32], stride: usize, into: Into) {
    let subtract = matches!(into, Into::Subtract | Into::SubtractUpper);
    let upper = matches!(into, Into::SetUpper | Into::SubtractUpper);
    if !subtract {
        for (i, row) in c.chunks_mut(stride.max(1)).take(m).enumerate() {
            let from = if upper { i / MR * MR / NR * NR } else { 0 };
            row[from.min(n)..n].fill(0.0);
        }
    }
    let panels = n.div_ceil(NR);
    let mut packed_b = vec![[0.0f32; NR]; panels * KC.min(k)];
    let mut packed_a = vec![[0.0f32; MR]; MC / MR * KC.min(k)];
    for p0 in (0..k).step_by(KC) {
        let depth = KC.min(k - p0);
        pack(b.transposed(), n, p0, depth, 0, 1.0, &mut packed_b);
        for i0 in (0..m).step_by(MC) {
            let rows = MC.min(m - i0);
            let sign = if subtract { -1.0 } else { 1.0 };
            pack(a, i0 + rows, p0, depth, i0, sign, &mut packed_a);
            for j in (if upper { i0 / NR } else { 0 })..panels {
                let panel = &packed_b[j * depth..(j + 1) * depth];
                let width = NR.min(n - j * NR);
                for i in (0..rows).step_by(MR) {
                    if upper && j * NR + NR <= i0 + i {
                        break;
                    }
                    let strip = &packed_a[i / MR * depth..(i / MR + 1) * depth];
                    tile(strip, panel, c, (i0 + i) * stride + j * NR, stride, MR.min(rows - i), width);
                }
            }
        }
    }
}

/// Lays rows `first..last` of a view, columns `p0..p0 + depth`, into strips of W rows.
fn pack<const W: usize>(
    v: View<'_>,
    last: usize,
    p0: usize,
    depth: usize,
    first: usize,
    sign: f32,
    out: &mut [[f32; W]],
) {
    for (strip, start) in (first..last).step_by(W).enumerate() {
        let out = &mut out[strip * depth..(strip + 1) * depth];
        let width = W.min(last - start);
        if width < W {
            out.fill([0.0; W]);
        }
        if v.col == 1 {
            for lane in 0..width {
                let row = &v.data[(start + lane) * v.row + p0..][..depth];
                for (place, value) in out.iter_mut().zip(row) {
                    place[lane] = sign * value;
                }
            }
        } else {
            for (p, place) in out.iter_mut().enumerate() {
                for (lane, place) in place[..width].iter_mut().enumerate() {
                    *place = sign * v.at(start + lane, p0 + p);
                }
            }
        }
    }
}

/// One tile: the running sums are read from C, continued, and written back, so panels do not change the bits.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
fn tile(a: &[[f32; MR]], b: &[[f32; NR]], c: &mut [f32], at: usize, stride: usize, rows: usize, width: usize) {
    let mut sums = [[0.0f32; NR]; MR];
    if rows == MR && width == NR {
        // Whole tiles are indexed by constants only, which is what keeps the sums in registers.
        for i in 0..MR {
            sums[i].copy_from_slice(&c[at + i * stride..][..NR]);
        }
        let sums = run(a, b, sums);
        for i in 0..MR {
            c[at + i * stride..][..NR].copy_from_slice(&sums[i]);
        }
    } else {
        for (i, sums) in sums.iter_mut().enumerate().take(rows) {
            sums[..width].copy_from_slice(&c[at + i * stride..][..width]);
        }
        let sums = run(a, b, sums);
        for (i, sums) in sums.iter().enumerate().take(rows) {
            c[at + i * stride..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

/// The inner loop of everything.
#[inline(always)]
fn run(a: &[[f32; MR]], b: &[[f32; NR]], mut sums: [[f32; NR]; MR]) -> [[f32; NR]; MR] {
    for (a, b) in a.iter().zip(b) {
        for i in 0..MR {
            for j in 0..NR {
                sums[i][j] += a[i] * b[j];
            }
        }
    }
    sums
}

/// Copies the upper triangle onto the lower one.
pub(crate) fn mirror(c: &mut [f32], n: usize) {
    const BLOCK: usize = 32;
    for i0 in (0..n).step_by(BLOCK) {
        for j0 in (0..=i0).step_by(BLOCK) {
            for i in i0..(i0 + BLOCK).min(n) {
                for j in j0..(j0 + BLOCK).min(i) {
                    c[i * n + j] = c[j * n + i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::random::{Purpose, StreamKey, normal};

    fn random(rows: usize, cols: usize, seed: u64) -> Matrix {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| normal(&mut rng) as f32).collect()).unwrap()
    }

    /// The sum that every blocking must reproduce bit for bit.
    fn running(a: View<'_>, b: View<'_>, i: usize, j: usize, k: usize, from: f32, sign: f32) -> f32 {
        (0..k).fold(from, |sum, p| sum + sign * a.at(i, p) * b.at(p, j))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn products_have_the_bits_of_the_running_sum(
            m in 1usize..80, n in 1usize..80, k in 0usize..300, seed in 0u64..99, flip in any::<bool>()
        ) {
            let (a, b) = (random(m, k, seed), random(n, k, seed + 1));
            let (a_t, b_t) = (random(k, m, seed), random(k, n, seed + 1));
            let (va, vb) = if flip {
                (View { data: a_t.data(), row: 1, col: m }, View::of(&b_t))
            } else {
                (View::of(&a), View::of(&b).transposed())
            };
            let mut c = random(m, n, 5).into_vec();
            let before = c.clone();
            gemm(m, n, k, va, vb, &mut c, n, Into::Subtract);
            for i in 0..m {
                for j in 0..n {
                    prop_assert_eq!(c[i * n + j], running(va, vb, i, j, k, before[i * n + j], -1.0));
                }
            }
            gemm(m, n, k, va, vb, &mut c, n, Into::Set);
            for i in 0..m {
                for j in 0..n {
                    prop_assert_eq!(c[i * n + j], running(va, vb, i, j, k, 0.0, 1.0));
                }
            }
        }

        #[test]
        fn the_upper_triangle_mirrored_is_the_whole(m in 1usize..150, k in 1usize..300) {
            let a = random(m, k, 3);
            let (mut half, mut whole) = (vec![7.0; m * m], vec![7.0; m * m]);
            gemm(m, m, k, View::of(&a), View::of(&a).transposed(), &mut half, m, Into::SetUpper);
            mirror(&mut half, m);
            gemm(m, m, k, View::of(&a), View::of(&a).transposed(), &mut whole, m, Into::Set);
            prop_assert_eq!(half, whole);
        }
    }
}
