//! The exact solver: one row of normal equations at a time, or a half sweep of them.
//!
//! One half sweep solves, for every row u with entries S_u, the normal equations
//! (sum_{i in S_u} v_i v_i' + alpha V'V + lambda (n_u + alpha m)^nu I) w_u = sum_{i in S_u} v_i
//! (Hu, Koren and Volinsky 2008, equation 4; the frequency scaling is Rendle et al. 2022, section 3).

use super::dual::Groups;
use super::{AlsParams, Factors};
use crate::numerics::kernels::{LANES, Panels, all_finite, cholesky, cholesky_solve, dot, padded};
use crate::numerics::sparse::Csr;

/// Entries summed into one block of outer products: the block stays in the first-level cache.
const BLOCK: usize = 64;

/// Room for the solves, and the Gram matrix of the fixed side. Made once, used for every sweep.
#[derive(Clone, Debug)]
pub struct AlsSolver {
    params: AlsParams,
    others: usize,
    gram: Vec<f32>,
    system: Vec<f32>,
    right: Vec<f32>,
    panels: Panels,
    work: Panels,
}

impl AlsSolver {
    /// For vectors of `params.factors` values.
    pub fn new(params: AlsParams) -> Self {
        let (k, stride) = (params.factors, padded(params.factors));
        AlsSolver {
            params,
            others: 0,
            gram: vec![0.0; k * stride],
            system: vec![0.0; k * stride],
            right: vec![0.0; stride],
            panels: Panels::new(k, BLOCK),
            work: Panels::new(k, LANES),
        }
    }

    /// Takes the other side as fixed: computes alpha V'V.
    pub fn fix(&mut self, fixed: &Factors) {
        self.others = fixed.len();
        self.gram.fill(0.0);
        self.panels.clear();
        for index in 0..fixed.len() {
            self.panels.push(fixed.row(index));
            if self.panels.is_full() {
                self.panels.add_gram(self.params.alpha, &mut self.gram, fixed.stride);
                self.panels.clear();
            }
        }
        self.panels.add_gram(self.params.alpha, &mut self.gram, fixed.stride);
    }

    /// Takes over what another has fixed.
    pub(super) fn fix_like(&mut self, other: &AlsSolver) {
        self.others = other.others;
        self.gram.copy_from_slice(&other.gram);
    }

    /// alpha V'V of the side that [`AlsSolver::fix`] was given, its upper triangle.
    pub(super) fn gram(&self) -> &[f32] {
        &self.gram
    }

    /// The penalty of a row with `n` entries against the side that [`AlsSolver::fix`] was given.
    pub fn ridge(&self, n: usize) -> f32 {
        self.params.ridge(n, self.others)
    }

    /// Solves one row into `out` (padded). Returns the row's share of the objective at its minimum,
    /// sum_{S}(1 - y)^2 + alpha sum_i y^2 + ridge |w|^2 = n - b'w; `None` if the system cannot be solved or the result is
    /// not finite (`out` is then zero).
    pub fn solve(&mut self, columns: &[u32], fixed: &Factors, out: &mut [f32]) -> Option<f64> {
        let (k, stride) = (self.params.factors, fixed.stride);
        self.system.copy_from_slice(&self.gram);
        self.right.fill(0.0);
        self.panels.clear();
        for &column in columns {
            let row = fixed.row(column as usize);
            self.panels.push(row);
            for (sum, value) in self.right.iter_mut().zip(row) {
                *sum += value;
            }
            if self.panels.is_full() {
                self.panels.add_gram(1.0, &mut self.system, stride);
                self.panels.clear();
            }
        }
        self.panels.add_gram(1.0, &mut self.system, stride);
        let ridge = self.params.ridge(columns.len(), self.others);
        for index in 0..k {
            self.system[index * stride + index] += ridge;
        }
        out.copy_from_slice(&self.right);
        if cholesky(&mut self.system, k, stride, &mut self.work).is_ok() {
            cholesky_solve(&self.system, k, stride, out);
            let share = columns.len() as f64 - f64::from(dot(&self.right, out));
            if share.is_finite() && all_finite(out) {
                return Some(share);
            }
        }
        out.fill(0.0);
        None
    }

    /// One half sweep: fixes `fixed` and solves every row of `entries` into `solved`. Returns the objective without the
    /// fixed side's penalty; `None` if some row could not be solved.
    pub fn half_sweep(&mut self, entries: &Csr, fixed: &Factors, solved: &mut Factors) -> Option<f64> {
        self.fix(fixed);
        let mut objective = 0.0;
        for index in 0..entries.len() {
            objective += self.solve(entries.row(index), fixed, solved.row_mut(index))?;
        }
        Some(objective)
    }

    /// [`AlsSolver::half_sweep`] with rows of equally many entries solved together where that is cheaper. The vectors are the
    /// same up to rounding, not bit for bit: for a side whose rows are never folded in.
    pub fn half_sweep_in_groups(
        &mut self,
        groups: &mut Groups,
        entries: &Csr,
        fixed: &Factors,
        solved: &mut Factors,
    ) -> Option<f64> {
        self.fix(fixed);
        let mut objective = groups.solve(&self.gram, |n| self.params.ridge(n, self.others), entries, fixed, solved);
        for &row in groups.rest() {
            objective += self.solve(entries.row(row as usize), fixed, solved.row_mut(row as usize))?;
        }
        Some(objective)
    }

    /// The penalty of a side against `others` columns: sum of ridge * |w|^2.
    pub fn penalty(&self, entries: &Csr, factors: &Factors, others: usize) -> f64 {
        (0..entries.len())
            .map(|index| {
                let row = factors.row(index);
                f64::from(self.params.ridge(entries.row(index).len(), others)) * f64::from(dot(row, row))
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;
    use crate::numerics::als::tests::random;
    use crate::numerics::math;
    use crate::numerics::sparse::tests::sparse;

    #[test]
    fn every_row_solves_its_normal_equations_and_reports_its_share_of_the_objective() {
        for (factors, nu) in [(1, 1.0), (5, 0.0), (8, 0.5), (13, 1.0), (24, 1.0)] {
            let params = AlsParams { factors, alpha: 0.4, lambda: 0.05, nu };
            let entries = sparse(20, 90);
            let fixed = random(90, factors);
            let mut solved = Factors::zeros(20, factors);
            let objective = AlsSolver::new(params).half_sweep(&entries, &fixed, &mut solved).unwrap();
            let v = DMatrix::from_fn(90, factors, |i, j| f64::from(fixed.row(i)[j]));
            let mut expected_objective = 0.0;
            for user in 0..20 {
                let items = entries.row(user);
                let n = items.len() as f64;
                let ridge = 0.05 * math::pow(n + 0.4 * 90.0, f64::from(nu));
                let mut a = v.transpose() * &v * 0.4 + DMatrix::identity(factors, factors) * ridge;
                let mut b = DVector::zeros(factors);
                for &item in items {
                    let row = v.row(item as usize).transpose();
                    a += &row * row.transpose();
                    b += row;
                }
                let w = a.cholesky().unwrap().solve(&b);
                for j in 0..factors {
                    assert!((f64::from(solved.row(user)[j]) - w[j]).abs() < 1e-4, "{factors} {user} {j}");
                }
                let y = &v * &w;
                expected_objective += items.iter().map(|&i| (1.0 - y[i as usize]) * (1.0 - y[i as usize])).sum::<f64>()
                    + 0.4 * y.norm_squared()
                    + ridge * w.norm_squared();
            }
            assert!((objective / expected_objective - 1.0).abs() < 1e-5, "{objective} {expected_objective}");
        }
    }

    #[test]
    fn a_row_without_entries_is_zero() {
        let params = AlsParams { factors: 3, alpha: 0.4, lambda: 0.05, nu: 1.0 };
        let fixed = random(7, 3);
        let mut solver = AlsSolver::new(params);
        solver.fix(&fixed);
        let mut out = vec![9.0; 8];
        assert_eq!(solver.solve(&[], &fixed, &mut out), Some(0.0));
        assert_eq!(out, [0.0; 8]);
    }

    #[test]
    fn what_cannot_be_solved_is_none_and_leaves_zeros() {
        let params = AlsParams { factors: 3, alpha: 0.4, lambda: 0.0, nu: 1.0 };
        let mut fixed = Factors::zeros(7, 3);
        let mut out = vec![9.0; 8];
        let mut solver = AlsSolver::new(params);
        solver.fix(&fixed);
        assert_eq!(solver.solve(&[1], &fixed, &mut out), None);
        assert_eq!(out, [0.0; 8]);
        fixed.data.fill(f32::MAX);
        solver.fix(&fixed);
        assert_eq!(solver.solve(&[1], &fixed, &mut out), None);
    }
}
