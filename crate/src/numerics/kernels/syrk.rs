//! Sums of outer products: the Gram matrices that alternating least squares lives on.

use super::{LANES, Lanes, padded, wide};
use crate::numerics::matrix::Matrix;

/// A block of rows, cut into groups of eight columns: group g holds columns 8g..8g+8 of all rows one after the other,
/// so that a tile of the product reads two contiguous streams.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    data: Vec<Lanes>,
    groups: usize,
    capacity: usize,
    rows: usize,
}

impl Panels {
    /// Room for `capacity` rows of `columns` values. The only allocation.
    pub fn new(columns: usize, capacity: usize) -> Self {
        let groups = columns.div_ceil(LANES);
        Panels { data: vec![[0.0; LANES]; groups * capacity], groups, capacity, rows: 0 }
    }

    /// Makes room if there is less, and forgets all rows.
    pub fn reset(&mut self, columns: usize, capacity: usize) {
        self.groups = columns.div_ceil(LANES);
        self.capacity = capacity;
        self.rows = 0;
        if self.data.len() < self.groups * capacity {
            self.data.resize(self.groups * capacity, [0.0; LANES]);
        }
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows = 0;
    }

    /// Rows held.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// No room for another row?
    pub fn is_full(&self) -> bool {
        self.rows == self.capacity
    }

    /// Adds a row of whole lanes (padded with zeros by the caller).
    #[inline]
    pub fn push(&mut self, row: &[f32]) {
        let (lanes, _) = row.as_chunks::<LANES>();
        for (group, lanes) in lanes.iter().take(self.groups).enumerate() {
            self.data[group * self.capacity + self.rows] = *lanes;
        }
        self.rows += 1;
    }

    /// The rows of one group of columns.
    #[inline(always)]
    pub(super) fn group(&self, group: usize) -> &[Lanes] {
        &self.data[group * self.capacity..][..self.rows]
    }

    /// `out += scale * A'A`, its upper triangle in whole 8 x 8 blocks; `out` has a row every `stride` values. Each entry
    /// is summed over the rows in their order before it is added. 2 * rows * columns^2 / 2 operations.
    pub fn add_gram(&self, scale: f32, out: &mut [f32], stride: usize) {
        wide(
            #[inline(always)]
            || self.add_gram_here(scale, out, stride),
        );
    }

    #[inline(always)]
    pub(crate) fn add_gram_here(&self, scale: f32, out: &mut [f32], stride: usize) {
        for i in 0..self.groups {
            for j in i..self.groups {
                add_tile(&tile::<0>(self.group(i), self.group(j)), scale, out, i * LANES, j * LANES, stride);
                add_tile(&tile::<4>(self.group(i), self.group(j)), scale, out, i * LANES + 4, j * LANES, stride);
            }
        }
    }
}

/// sum over rows of a[FIRST..FIRST + 4] (outer) b: eight SSE registers of sums, nothing stored until the end.
#[inline(always)]
pub(super) fn tile<const FIRST: usize>(a: &[Lanes], b: &[Lanes]) -> [Lanes; 4] {
    let mut sums = [[0.0f32; LANES]; 4];
    for (x, y) in a.iter().zip(b) {
        for r in 0..4 {
            for lane in 0..LANES {
                sums[r][lane] += x[FIRST + r] * y[lane];
            }
        }
    }
    sums
}

/// Adds four rows of a tile at (row, column); rows and lanes beyond `out` are padding and are dropped.
#[inline(always)]
pub(super) fn add_tile(tile: &[Lanes; 4], scale: f32, out: &mut [f32], row: usize, column: usize, stride: usize) {
    for (r, sums) in tile.iter().enumerate() {
        let at = (row + r) * stride + column;
        if let Some(place) = out.get_mut(at..at + LANES) {
            for lane in 0..LANES {
                place[lane] += scale * sums[lane];
            }
        }
    }
}

/// Rows of `a` summed into blocks of this many before they are added to the total.
const BLOCK: usize = 128;

/// A'A of a tall matrix, n x n with all entries set and stride [`padded`]`(n)`.
pub(crate) fn syrk(a: &Matrix) -> Vec<f32> {
    let (n, stride) = (a.cols(), padded(a.cols()));
    let mut out = vec![0.0; n * stride];
    let mut panels = Panels::new(n, BLOCK);
    let mut row = vec![0.0; stride];
    for index in 0..a.rows() {
        row[..n].copy_from_slice(a.row(index));
        panels.push(&row);
        if panels.is_full() {
            panels.add_gram(1.0, &mut out, stride);
            panels.clear();
        }
    }
    panels.add_gram(1.0, &mut out, stride);
    mirror(&mut out, n, stride);
    out
}

/// Copies the upper triangle onto the lower one.
pub(crate) fn mirror(a: &mut [f32], n: usize, stride: usize) {
    for row in 0..n {
        for column in 0..row {
            a[row * stride + column] = a[column * stride + row];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_the_sum_of_outer_products(rows in 0usize..300, n in 1usize..21, seed in 0u64..1000) {
            let value = |i: usize, j: usize| (((i * 31 + j * 17) as u64 + seed) % 13) as f32 - 6.0;
            let a = Matrix::from_vec(rows, n, (0..rows * n).map(|x| value(x / n, x % n)).collect()).unwrap();
            let out = syrk(&a);
            for i in 0..n {
                for j in 0..n {
                    // Small integers: every order of additions gives the same value.
                    let expected: f32 = (0..rows).map(|r| value(r, i) * value(r, j)).sum();
                    prop_assert_eq!(out[i * padded(n) + j], expected);
                }
            }
        }
    }
}
