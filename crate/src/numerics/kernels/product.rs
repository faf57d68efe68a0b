//! Products of dense matrices, four rows by eight columns at a time.

use super::{LANES, Lanes, wide};
use crate::numerics::matrix::Matrix;

/// Four rows times eight columns, `panel` holding eight values for every depth. Each sum runs over the depth in order.
#[inline(always)]
pub(crate) fn four_rows(rows: [&[f32]; 4], panel: &[Lanes]) -> [Lanes; 4] {
    let depth = panel.len();
    let [a, b, c, d] = rows.map(|row| &row[..depth]);
    let mut sums = [[0.0f32; LANES]; 4];
    for p in 0..depth {
        let values = [a[p], b[p], c[p], d[p]];
        for r in 0..4 {
            for lane in 0..LANES {
                sums[r][lane] += values[r] * panel[p][lane];
            }
        }
    }
    sums
}

/// The right-hand side of a product, its columns in groups of eight; group g holds for every depth p the eight values
/// of columns 8g..8g+8. Packed once, used for many rows.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    data: Vec<Lanes>,
    depth: usize,
    columns: usize,
}

impl Packed {
    /// For A * B: packs the columns of `b`.
    pub fn columns_of(b: &Matrix) -> Self {
        let mut packed = Packed::default();
        packed.pack_columns(b.data(), b.rows(), b.cols());
        packed
    }

    /// For A * B': packs the rows of `b`; with item vectors as rows, a product is scores.
    pub fn rows_of(b: &Matrix) -> Self {
        let mut packed = Packed::default();
        packed.pack_rows(b.data(), b.rows(), b.cols());
        packed
    }

    /// [`Packed::columns_of`] a row-major `depth` x `columns` matrix, into the room that is there.
    pub fn pack_columns(&mut self, b: &[f32], depth: usize, columns: usize) {
        self.resize(depth, columns);
        for (p, row) in b.chunks_exact(columns.max(1)).take(depth).enumerate() {
            for (group, values) in row.chunks(LANES).enumerate() {
                self.data[group * depth + p][..values.len()].copy_from_slice(values);
            }
        }
    }

    /// [`Packed::rows_of`] a row-major `columns` x `depth` matrix, into the room that is there.
    pub fn pack_rows(&mut self, b: &[f32], columns: usize, depth: usize) {
        self.resize(depth, columns);
        for (column, row) in b.chunks_exact(depth.max(1)).take(columns).enumerate() {
            let group = &mut self.data[column / LANES * depth..][..depth];
            for (lanes, &value) in group.iter_mut().zip(row) {
                lanes[column % LANES] = value;
            }
        }
    }

    fn resize(&mut self, depth: usize, columns: usize) {
        (self.depth, self.columns) = (depth, columns);
        self.data.clear();
        self.data.resize(columns.div_ceil(LANES) * depth, [0.0; LANES]);
    }

    /// Length of the inner products.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Columns of the product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Groups of eight columns.
    pub fn groups(&self) -> usize {
        self.columns.div_ceil(LANES)
    }

    /// Eight columns of the product for four rows. Each sum runs over the depth in order.
    #[inline(always)]
    pub fn tile(&self, rows: [&[f32]; 4], group: usize) -> [Lanes; 4] {
        four_rows(rows, &self.data[group * self.depth..][..self.depth])
    }

    /// `rows` (row-major, `depth` values each) times this: `out` gets `columns` values for each.
    pub fn multiply(&self, rows: &[f32], out: &mut [f32]) {
        wide(
            #[inline(always)]
            || self.multiply_here(rows, out),
        );
    }

    #[inline(always)]
    fn multiply_here(&self, rows: &[f32], out: &mut [f32]) {
        let (depth, columns) = (self.depth, self.columns);
        if columns == 0 || depth == 0 {
            out.fill(0.0);
            return;
        }
        for (rows, out) in rows.chunks(4 * depth).zip(out.chunks_mut(4 * columns)) {
            // A short last block repeats its last row; the repetition is not written.
            let last = rows.len() / depth - 1;
            let quad = [0, 1, 2, 3].map(|r: usize| &rows[r.min(last) * depth..][..depth]);
            for group in 0..self.groups() {
                let sums = self.tile(quad, group);
                let first = group * LANES;
                let width = LANES.min(columns - first);
                for (out, sums) in out.chunks_mut(columns).zip(&sums) {
                    out[first..first + width].copy_from_slice(&sums[..width]);
                }
            }
        }
    }
}

/// Rows whose share of A' * B is summed before it is added: they stay in the nearest cache while every tile passes over them.
const BLOCK: usize = 64;

/// out += A' * B for row-major `a` and `b` with as many rows and `a_columns` (a multiple of four) and `b_columns` (a multiple of eight)
/// values in each: the gradient of a dense layer's weights from its inputs and what comes back. `out` is `a_columns` x `b_columns`.
pub(crate) fn add_transposed_product(a: &[f32], a_columns: usize, b: &[f32], b_columns: usize, out: &mut [f32]) {
    wide(
        #[inline(always)]
        || add_transposed_product_here(a, a_columns, b, b_columns, out),
    );
}

#[inline(always)]
fn add_transposed_product_here(a: &[f32], a_columns: usize, b: &[f32], b_columns: usize, out: &mut [f32]) {
    for (a, b) in a.chunks(BLOCK * a_columns).zip(b.chunks(BLOCK * b_columns)) {
        for (first_a, out) in (0..a_columns).step_by(4).zip(out.chunks_exact_mut(4 * b_columns)) {
            for first_b in (0..b_columns).step_by(LANES) {
                let mut sums = [[0.0f32; LANES]; 4];
                for (a, b) in a.chunks_exact(a_columns).zip(b.chunks_exact(b_columns)) {
                    let (a, b) = (&a[first_a..first_a + 4], &b[first_b..first_b + LANES]);
                    for r in 0..4 {
                        for lane in 0..LANES {
                            sums[r][lane] += a[r] * b[lane];
                        }
                    }
                }
                for (out, sums) in out.chunks_exact_mut(b_columns).zip(&sums) {
                    out[first_b..first_b + LANES].iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
                }
            }
        }
    }
}

/// A * B. Panics if the inner sizes differ, like an index out of range.
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    assert_eq!(a.cols(), b.rows(), "inner sizes of a product");
    let mut out = Matrix::zeros(a.rows(), b.cols());
    Packed::columns_of(b).multiply(a.data(), out.data_mut());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn integers(rows: usize, cols: usize, salt: usize) -> Matrix {
        Matrix::from_vec(rows, cols, (0..rows * cols).map(|x| ((x * 29 + salt) % 17) as f32 - 8.0).collect()).unwrap()
    }

    #[test]
    fn a_transposed_product_is_added_over_all_blocks() {
        let (a, b) = (integers(150, 12, 3), integers(150, 16, 4));
        let mut out = vec![1.0; 12 * 16];
        add_transposed_product(a.data(), 12, b.data(), 16, &mut out);
        for i in 0..12 {
            for j in 0..16 {
                assert_eq!(out[i * 16 + j], 1.0 + (0..150).map(|p| a.row(p)[i] * b.row(p)[j]).sum::<f32>());
            }
        }
    }

    proptest! {
        #[test]
        fn equals_the_definition(m in 0usize..14, n in 0usize..30, k in 0usize..20, salt in 0usize..50) {
            let (a, b) = (integers(m, k, salt), integers(k, n, salt + 1));
            let out = product(&a, &b);
            for i in 0..m {
                for j in 0..n {
                    prop_assert_eq!(out.row(i)[j], (0..k).map(|p| a.row(i)[p] * b.row(p)[j]).sum::<f32>());
                }
            }
        }
    }
}
