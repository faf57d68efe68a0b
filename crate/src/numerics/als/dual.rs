//! Least squares of rows with fewer entries than a vector has values: solved in the size of the entries.
//!
//! With V_S the vectors of a row's n entries and M = alpha V'V + ridge I, the normal equations (M + V_S'V_S) w = V_S' 1 have
//! the solution w = M^-1 V_S' y, (I + V_S M^-1 V_S') y = 1 (Woodbury's identity): n unknowns instead of k. M depends on the
//! row by its n only, because the ridge does: rows with equally many entries share M = U'U and the vectors
//! z_i = U^-T v_i, and a row is left with the n x n matrix I + Z_S Z_S', which is never singular, and w = U^-1 Z_S' y.

use super::Factors;
use crate::numerics::kernels::{
    LANES, Lanes, Panels, all_finite, axpy, cholesky, cholesky_here, cholesky_solve_here, dot, four_rows, padded, wide,
};
use crate::numerics::sparse::Csr;

/// Rows of one side in groups of equally many entries, and the room that solving them takes. Made once, used for every sweep.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    factors: usize,
    others: usize,
    /// Rows of all groups, group by group, ascending within one.
    order: Vec<u32>,
    groups: Vec<EqualRows>,
    /// Rows better solved one by one, then those that failed here.
    rest: Vec<u32>,
    /// How many of `rest` are there from the start.
    dense: usize,
    /// Made when it is first needed.
    room: Option<Box<DualRoom>>,
}

/// Rows `start..end` of the order, `entries` entries each.
#[derive(Clone, Copy, Debug)]
struct EqualRows {
    entries: usize,
    start: usize,
    end: usize,
}

/// Is the dual cheaper for `rows` rows with `n` entries each, against `others` vectors of `k` values? Both in
/// multiplications; a function of the sizes only, so the path is the same on every machine.
fn is_cheaper(rows: usize, n: usize, others: usize, k: usize) -> bool {
    let [rows, n, others, k] = [rows, n, others, k].map(|size| size as f64);
    let single = n * k * k / 2.0 + k * k * k / 6.0 + k * k;
    let shared = k * k * k / 3.0 + (rows * n).min(others) * k * k / 2.0;
    let own = n * n * k / 2.0 + n * n * n / 6.0 + n * k + k * k / 2.0;
    n >= 1.0 && n < k && shared + rows * own < rows * single
}

impl Groups {
    /// For the rows of `entries` against `others` vectors of `factors` values.
    pub fn new(entries: &Csr, others: usize, factors: usize) -> Self {
        let count = |row: &u32| entries.row(*row as usize).len();
        let mut sorted: Vec<u32> = (0..entries.len() as u32).collect();
        tiny_sort::stable::sort_by_key(&mut sorted, count); // stable
        let (mut order, mut rest, mut groups) = (Vec::new(), Vec::with_capacity(entries.len()), Vec::new());
        for rows in sorted.chunk_by(|a, b| count(a) == count(b)) {
            let n = count(&rows[0]);
            if is_cheaper(rows.len(), n, others, factors) {
                groups.push(EqualRows { entries: n, start: order.len(), end: order.len() + rows.len() });
                order.extend(rows);
            } else {
                rest.extend(rows);
            }
        }
        Groups { factors, others, dense: rest.len(), order, rest, groups, room: None }
    }

    /// Room for solving any of the groups; one for each that does so at once.
    pub(super) fn room(&self) -> DualRoom {
        let (factors, others) = (self.factors, self.others);
        let largest = self.groups.last().map_or(0, |group| group.entries);
        DualRoom {
            system: vec![0.0; factors * padded(factors)],
            inverse: Triangle::new(factors),
            whitened: Factors::zeros(if self.groups.is_empty() { 0 } else { others }, factors),
            wanted: Vec::with_capacity(others),
            is_wanted: vec![false; others],
            small: vec![0.0; largest * padded(largest)],
            dual: vec![0.0; largest],
            four: vec![0.0; 4 * padded(factors)],
            solved: vec![0.0; 4 * padded(factors)],
            work: Panels::new(factors, LANES),
        }
    }

    /// The rows of each group with how many entries they have, at most `most` of them together.
    pub(super) fn parts(&self, most: usize) -> impl Iterator<Item = (usize, &[u32])> {
        self.groups
            .iter()
            .flat_map(move |group| self.order[group.start..group.end].chunks(most).map(|rows| (group.entries, rows)))
    }

    /// Sums the shares of the objective that the rows of all groups have, in the order of [`Groups::parts`], group by group; rows
    /// without a share are left to [`Groups::rest`].
    pub(super) fn settle(&mut self, shares: &[f64]) -> f64 {
        self.rest.truncate(self.dense);
        let mut objective = 0.0;
        for group in &self.groups {
            let mut sum = 0.0;
            for (&row, &share) in self.order[group.start..group.end].iter().zip(&shares[group.start..group.end]) {
                if share.is_finite() { sum += share } else { self.rest.push(row) }
            }
            objective += sum;
        }
        objective
    }

    /// Solves the rows of all groups into `solved`; `gram` is alpha V'V (upper triangle) of the vectors in `fixed` and
    /// `ridge` the penalty of a row by its number of entries. Returns the sum of their shares of the objective, as
    /// [`AlsSolver::solve`](super::AlsSolver::solve) has it: n - b'w, which is the sum of y here. What is not solved (because
    /// it was not worth it, or M is singular, or a result not finite) is in [`Groups::rest`] afterwards.
    pub fn solve(
        &mut self,
        gram: &[f32],
        ridge: impl Fn(usize) -> f32,
        entries: &Csr,
        fixed: &Factors,
        solved: &mut Factors,
    ) -> f64 {
        let mut room = self.room.take().unwrap_or_else(|| Box::new(self.room()));
        self.rest.truncate(self.dense);
        let mut objective = 0.0;
        for group in &self.groups {
            let rows = &self.order[group.start..group.end];
            let mut sum = 0.0;
            room.solve(group.entries, rows, gram, ridge(group.entries), entries, fixed, |at, share, vector| {
                let row = rows[at];
                solved.row_mut(row as usize).copy_from_slice(vector);
                if share.is_finite() { sum += share } else { self.rest.push(row) }
            });
            objective += sum;
        }
        self.room = Some(room);
        objective
    }

    /// How many rows are in groups.
    pub(super) fn grouped(&self) -> usize {
        self.order.len()
    }

    /// Rows that are in no group.
    pub(super) fn ungrouped(&self) -> &[u32] {
        &self.rest[..self.dense]
    }

    /// Rows of groups that were not solved.
    pub(super) fn failed(&self) -> &[u32] {
        &self.rest[self.dense..]
    }

    /// Rows that [`Groups::solve`] has left.
    pub fn rest(&self) -> &[u32] {
        &self.rest
    }
}

/// Room for solving the rows of one group after the other.
#[derive(Clone, Debug)]
pub(super) struct DualRoom {
    system: Vec<f32>,
    inverse: Triangle,
    /// z_i for the i in `wanted`, a row for each vector of the fixed side.
    whitened: Factors,
    wanted: Vec<u32>,
    is_wanted: Vec<bool>,
    small: Vec<f32>,
    dual: Vec<f32>,
    four: Vec<f32>,
    /// The last four vectors.
    solved: Vec<f32>,
    work: Panels,
}

impl DualRoom {
    /// Solves `rows` with `n` entries each: `put` gets the place in `rows`, the share of the objective and the vector of each, in
    /// order. What is not solved has a share that is no number. No row's bits depend on which others are solved with it.
    #[allow(clippy::too_many_arguments)]
    pub fn solve(
        &mut self,
        n: usize,
        rows: &[u32],
        gram: &[f32],
        ridge: f32,
        entries: &Csr,
        fixed: &Factors,
        mut put: impl FnMut(usize, f64, &[f32]),
    ) {
        if !self.share(rows, gram, ridge, entries, fixed) {
            let none = &self.solved[..fixed.stride];
            (0..rows.len()).for_each(|at| put(at, f64::NAN, none));
            return;
        }
        for (block, four) in rows.chunks(4).enumerate() {
            let shares = wide(
                #[inline(always)]
                || self.solve_four(n, four, entries),
            );
            for (at, (share, vector)) in
                shares.into_iter().zip(self.solved.chunks(fixed.stride)).enumerate().take(four.len())
            {
                let share = if all_finite(vector) { share } else { f64::NAN };
                put(4 * block + at, share, vector);
            }
        }
    }

    /// What rows with equally many entries have in common: U^-1, and z_i for every i in one of them. False if M is singular.
    fn share(&mut self, rows: &[u32], gram: &[f32], ridge: f32, entries: &Csr, fixed: &Factors) -> bool {
        let (k, stride) = (self.inverse.depth, fixed.stride);
        self.system.copy_from_slice(gram);
        for index in 0..k {
            self.system[index * stride + index] += ridge;
        }
        if cholesky(&mut self.system, k, stride, &mut self.work).is_err() {
            return false;
        }
        wide(
            #[inline(always)]
            || self.inverse.invert(&mut self.system, k, stride),
        );
        self.wanted.clear();
        for &row in rows {
            for &column in entries.row(row as usize) {
                if !self.is_wanted[column as usize] {
                    self.is_wanted[column as usize] = true;
                    self.wanted.push(column);
                }
            }
        }
        wide(
            #[inline(always)]
            || self.whiten(fixed),
        );
        for &column in &self.wanted {
            self.is_wanted[column as usize] = false;
        }
        true
    }

    #[inline(always)]
    fn whiten(&mut self, fixed: &Factors) {
        for block in self.wanted.chunks(4) {
            let index = |r: usize| block[r.min(block.len() - 1)] as usize;
            let rows = [0, 1, 2, 3].map(
                #[inline(always)]
                |r| fixed.row(index(r)),
            );
            for lanes in 0..fixed.stride / LANES {
                let sums = self.inverse.times(rows, lanes);
                for (r, sums) in sums.iter().enumerate().take(block.len()) {
                    self.whitened.row_mut(index(r))[lanes * LANES..][..LANES].copy_from_slice(sums);
                }
            }
        }
    }

    /// Solves up to four rows into `solved`, and gives their shares.
    #[inline(always)]
    fn solve_four(&mut self, n: usize, rows: &[u32], entries: &Csr) -> [f64; 4] {
        let stride = self.whitened.stride;
        let small_stride = padded(n);
        let small = &mut self.small[..n * small_stride];
        let dual = &mut self.dual[..n];
        // A row that fails here has no share.
        let mut shares = [f64::NAN; 4];
        for ((&row, sum), share) in rows.iter().zip(self.four.chunks_mut(stride)).zip(&mut shares) {
            let columns = entries.row(row as usize);
            small.fill(0.0);
            for (a, (&left, line)) in columns.iter().zip(small.chunks_mut(small_stride)).enumerate() {
                let left = self.whitened.row(left as usize);
                for (&right, place) in columns[a..].iter().zip(&mut line[a..]) {
                    *place = dot(left, self.whitened.row(right as usize));
                }
                line[a] += 1.0;
            }
            sum.fill(0.0);
            dual.fill(1.0);
            if cholesky_here(small, n, small_stride, &mut self.work).is_err() {
                continue;
            }
            cholesky_solve_here(small, n, small_stride, dual);
            for (&y, &column) in dual.iter().zip(columns) {
                axpy(y, self.whitened.row(column as usize), sum);
            }
            *share = 0.0;
            for &y in dual.iter() {
                *share += f64::from(y);
            }
        }
        let vectors: [&[f32]; 4] = std::array::from_fn(
            #[inline(always)]
            |r| &self.four[r * stride..][..stride],
        );
        for lanes in 0..stride / LANES {
            let sums = self.inverse.times_transposed(vectors, lanes);
            for (out, sums) in self.solved.chunks_mut(stride).zip(&sums) {
                out[lanes * LANES..][..LANES].copy_from_slice(sums);
            }
        }
        shares
    }
}

/// The inverse X of an upper triangular matrix, packed in groups of eight columns for products of rows with X and with X'.
#[derive(Clone, Debug)]
struct Triangle {
    depth: usize,
    /// EqualRows g, depth p: X\[p\]\[8g..8g + 8\].
    columns: Vec<Lanes>,
    /// EqualRows g, depth p: X\[8g..8g + 8\]\[p\].
    rows: Vec<Lanes>,
}

impl Triangle {
    fn new(n: usize) -> Self {
        let packed = vec![[0.0; LANES]; n.div_ceil(LANES) * n];
        Triangle { depth: n, columns: packed.clone(), rows: packed }
    }

    /// Takes U^-1, which replaces `u`. n^3 / 6 operations.
    #[inline(always)]
    fn invert(&mut self, u: &mut [f32], n: usize, stride: usize) {
        // Row i of U is needed for row i of X = (E_i - sum_{p > i} U_ip X_p) / U_ii alone: it waits in `rows` meanwhile.
        let (line, _) = self.rows.as_flattened_mut().split_at_mut(n);
        for pivot in (0..n).rev() {
            let (above, below) = u.split_at_mut((pivot + 1) * stride);
            let row = &mut above[pivot * stride..];
            line.copy_from_slice(&row[..n]);
            row.fill(0.0);
            row[pivot] = 1.0;
            for (next, done) in (pivot + 1..n).zip(below.chunks(stride)) {
                let from = next / LANES * LANES;
                axpy(-line[next], &done[from..], &mut row[from..]);
            }
            let inverse = 1.0 / line[pivot];
            row[pivot / LANES * LANES..].iter_mut().for_each(|value| *value *= inverse);
        }
        for p in 0..n {
            let (lanes, _) = u[p * stride..][..stride].as_chunks::<LANES>();
            for (group, lanes) in lanes.iter().enumerate() {
                self.columns[group * n + p] = *lanes;
            }
        }
        for group in 0..n.div_ceil(LANES) {
            for p in 0..n {
                self.rows[group * n + p] = std::array::from_fn(|lane| {
                    let row = group * LANES + lane;
                    if row < n { u[row * stride + p] } else { 0.0 }
                });
            }
        }
    }

    /// Eight columns of four rows times X: depths beyond the columns meet zeros and are left out.
    #[inline(always)]
    fn times(&self, rows: [&[f32]; 4], group: usize) -> [Lanes; 4] {
        let end = ((group + 1) * LANES).min(self.depth);
        four_rows(rows.map(|row| &row[..end]), &self.columns[group * self.depth..][..end])
    }

    /// Eight columns of four rows times X'.
    #[inline(always)]
    fn times_transposed(&self, rows: [&[f32]; 4], group: usize) -> [Lanes; 4] {
        let start = group * LANES;
        four_rows(rows.map(|row| &row[start..self.depth]), &self.rows[group * self.depth..][start..self.depth])
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;
    use crate::numerics::als::tests::random;
    use crate::numerics::als::{AlsParams, AlsSolver};
    use crate::numerics::sparse::tests::sparse;

    #[test]
    fn every_row_solves_its_normal_equations_and_the_shares_add_up_to_the_objective() {
        for (factors, alpha, lambda, nu) in [
            (2, 0.4, 0.05, 1.0),
            (8, 0.4, 0.05, 0.0),
            (13, 0.3, 0.015, 1.0),
            (24, 0.3, 0.015, 0.5),
            (40, 0.0, 0.02, 0.0),
        ] {
            let (entries, fixed) = (sparse(300, 50), random(50, factors));
            let mut solver = AlsSolver::new(AlsParams { factors, alpha, lambda, nu });
            let mut groups = Groups::new(&entries, 50, factors);
            assert!(!groups.order.is_empty() && groups.dense > 0);
            let mut solved = Factors::zeros(300, factors);
            // A second sweep finds the room as the first one left it.
            let first = solver.half_sweep_in_groups(&mut groups, &entries, &fixed, &mut solved).unwrap();
            let objective = solver.half_sweep_in_groups(&mut groups, &entries, &fixed, &mut solved).unwrap();
            assert_eq!((first, groups.rest.len()), (objective, groups.dense));
            let v = DMatrix::from_fn(50, factors, |i, j| f64::from(fixed.row(i)[j]));
            let mut expected_objective = 0.0;
            for row in 0..300 {
                let columns = entries.row(row);
                let weight = columns.len() as f64 + f64::from(alpha) * 50.0;
                let ridge = f64::from(lambda) * crate::numerics::math::pow(weight, f64::from(nu));
                let mut a = v.transpose() * &v * f64::from(alpha) + DMatrix::identity(factors, factors) * ridge;
                let mut b = DVector::zeros(factors);
                for &column in columns {
                    let vector = v.row(column as usize).transpose();
                    a += &vector * vector.transpose();
                    b += vector;
                }
                let w = a.cholesky().unwrap().solve(&b);
                for j in 0..factors {
                    let found = f64::from(solved.row(row)[j]);
                    assert!((found - w[j]).abs() < 1e-4, "{factors} factors, row {row} at {j}: {found} {}", w[j]);
                }
                assert!(solved.row(row)[factors..].iter().all(|&padding| padding == 0.0));
                expected_objective += columns.len() as f64 - b.dot(&w);
            }
            assert!((objective / expected_objective - 1.0).abs() < 1e-5, "{objective} {expected_objective}");
        }
    }

    #[test]
    fn what_has_no_solution_is_left_to_the_solver_which_says_so() {
        let (entries, mut fixed) = (sparse(300, 50), random(50, 24));
        let mut solved = Factors::zeros(300, 24);
        let mut groups = Groups::new(&entries, 50, 24);
        let mut solver = AlsSolver::new(AlsParams { factors: 24, alpha: 0.0, lambda: 0.0, nu: 1.0 });
        assert_eq!(solver.half_sweep_in_groups(&mut groups, &entries, &fixed, &mut solved), None);
        assert_eq!(groups.rest.len(), 300);
        // The room is whole again when the systems are.
        let mut solver = AlsSolver::new(AlsParams { factors: 24, alpha: 0.3, lambda: 0.1, nu: 1.0 });
        let mut expected = Factors::zeros(300, 24);
        let objective = solver.half_sweep_in_groups(&mut groups, &entries, &fixed, &mut solved);
        let mut other = Groups::new(&entries, 50, 24);
        assert_eq!(solver.half_sweep_in_groups(&mut other, &entries, &fixed, &mut expected), objective);
        assert_eq!((&solved, groups.rest.len()), (&expected, groups.dense));
        fixed.data.fill(f32::MAX);
        assert_eq!(solver.half_sweep_in_groups(&mut groups, &entries, &fixed, &mut solved), None);
    }

    #[test]
    fn the_dual_is_taken_where_it_is_cheaper() {
        // Items of a tenth of ML-100K: few entries, many alike. A lone row, or one longer than its vector, is not worth it.
        assert!(is_cheaper(300, 1, 94, 64) && is_cheaper(40, 8, 94, 64) && is_cheaper(10, 20, 94, 64));
        assert!(!is_cheaper(1, 8, 94, 64) && !is_cheaper(1000, 64, 94, 64) && !is_cheaper(1000, 0, 94, 64));
    }
}
