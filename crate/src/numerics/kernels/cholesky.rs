//! Symmetric positive definite systems: A = U'U with U upper triangular, so that every inner loop runs along rows.

use thiserror::Error;

use super::syrk::{add_tile, tile};
use super::{LANES, Panels, axpy, dot, padded, wide};

/// The matrix is not positive definite in single precision (a pivot is no more than rounding), or not finite.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("pivot {pivot} is not a positive finite number")]
pub struct NotPositive {
    /// From 0.
    pub pivot: usize,
}

/// Rows factored together: few for the small systems of least squares, more where the matrix leaves the cache.
fn block(n: usize) -> usize {
    if n <= 128 { 8 } else { 32 }
}

/// Factors the upper triangle of `a` (n x n, a row every `stride` values, stride >= [`padded`]`(n)`, padding zero) in place.
/// The lower triangle is left as scratch. `work` is room that can be used again; nothing else is allocated.
/// n^3 / 3 operations; about n = 1000 in a tenth of a second.
///
/// Errors: [`NotPositive`]; `a` is then half factored.
pub fn cholesky(a: &mut [f32], n: usize, stride: usize, work: &mut Panels) -> Result<(), NotPositive> {
    wide(
        #[inline(always)]
        || cholesky_here(a, n, stride, work),
    )
}

#[inline(always)]
pub(crate) fn cholesky_here(a: &mut [f32], n: usize, stride: usize, work: &mut Panels) -> Result<(), NotPositive> {
    let size = block(n);
    // What is left of a pivot below a few roundings of the largest diagonal is rounding itself: the matrix is singular.
    let floor = (0..n).map(|index| a[index * stride + index]).fold(0.0f32, f32::max) * (4.0 * f32::EPSILON);
    for start in (0..n).step_by(size) {
        let end = (start + size).min(n);
        for pivot in start..end {
            let (above, below) = a.split_at_mut((pivot + 1) * stride);
            let row = &mut above[pivot * stride..][..padded(n)];
            let square = row[pivot];
            if !(square > floor && square.is_finite()) {
                return Err(NotPositive { pivot });
            }
            let inverse = 1.0 / square.sqrt();
            // Whole lanes from the one that holds the pivot: what stands before it is scratch.
            let from = pivot / LANES * LANES;
            for value in &mut row[from..] {
                *value *= inverse;
            }
            for (next, target) in (pivot + 1..end).zip(below.chunks_mut(stride)) {
                let from = next / LANES * LANES;
                axpy(-row[next], &row[from..], &mut target[from..padded(n)]);
            }
        }
        if end == n {
            break;
        }
        // What is left loses the block's outer products. `end` is a multiple of eight here.
        work.reset(n - end, size);
        for row in start..end {
            work.push(&a[row * stride + end..row * stride + padded(n)]);
        }
        let groups = (n - end).div_ceil(LANES);
        let rest = &mut a[end * stride..];
        for i in 0..groups {
            for j in i..groups {
                let column = end + j * LANES;
                add_tile(&tile::<0>(work.group(i), work.group(j)), -1.0, rest, i * LANES, column, stride);
                add_tile(&tile::<4>(work.group(i), work.group(j)), -1.0, rest, i * LANES + 4, column, stride);
            }
        }
    }
    Ok(())
}

/// Solves U'U x = b in place, `u` from [`cholesky`]. 2 n^2 operations.
pub(crate) fn cholesky_solve(u: &[f32], n: usize, stride: usize, b: &mut [f32]) {
    wide(
        #[inline(always)]
        || cholesky_solve_here(u, n, stride, b),
    );
}

#[inline(always)]
pub(crate) fn cholesky_solve_here(u: &[f32], n: usize, stride: usize, b: &mut [f32]) {
    for pivot in 0..n {
        let row = &u[pivot * stride..][..n];
        let value = b[pivot] / row[pivot];
        b[pivot] = value;
        axpy(-value, &row[pivot + 1..], &mut b[pivot + 1..n]);
    }
    for pivot in (0..n).rev() {
        let row = &u[pivot * stride..][..n];
        b[pivot] = (b[pivot] - dot(&row[pivot + 1..], &b[pivot + 1..n])) / row[pivot];
    }
}

/// A^-1 in full, with the same stride, from `u` of [`cholesky`]. About n^3 operations, blocked: X = U^-1 by blocks of
/// rows from the last to the first, then X X'.
pub(crate) fn cholesky_inverse(u: &[f32], n: usize, stride: usize) -> Vec<f32> {
    let x = upper_inverse(u, n, stride);
    // (U'U)^-1 = X X': entry (i, j) is the inner product of rows i and j of X from column max(i, j) on.
    let mut out = vec![0.0f32; n * stride];
    // Column blocks of X, transposed, are rows of outer products.
    let mut work = Panels::new(n, 64);
    let mut line = vec![0.0f32; padded(n)];
    for start in (0..n).step_by(64) {
        let end = (start + 64).min(n);
        // Rows above `end` of X have values in these columns; rows below have none.
        work.reset(end, 64);
        for column in start..end {
            line.fill(0.0);
            for (row, place) in line.iter_mut().enumerate().take(column + 1) {
                *place = x[row * stride + column];
            }
            work.push(&line[..padded(end)]);
        }
        work.add_gram(1.0, &mut out, stride);
    }
    super::mirror(&mut out, n, stride);
    // Whole blocks were written: what lies beyond column n is padding again.
    for row in out.chunks_mut(stride) {
        row[n..].fill(0.0);
    }
    out
}

/// U^-1, upper triangular.
fn upper_inverse(u: &[f32], n: usize, stride: usize) -> Vec<f32> {
    let size = 32;
    let mut x = vec![0.0f32; n * stride];
    let (mut coefficients, mut solved) = (Panels::default(), Panels::default());
    let mut line = vec![0.0f32; size];
    for index in 0..n {
        x[index * stride + index] = 1.0;
    }
    for start in (0..n).step_by(size).rev() {
        let end = (start + size).min(n);
        // Rows of the block, from below: X_i = (E_i - sum_{p > i} U_ip X_p) / U_ii; those p >= end are already taken off.
        for pivot in (start..end).rev() {
            let (above, below) = x.split_at_mut((pivot + 1) * stride);
            let row = &mut above[pivot * stride..];
            for (next, done) in (pivot + 1..end).zip(below.chunks(stride)) {
                axpy(-u[pivot * stride + next], &done[start..], &mut row[start..]);
            }
            let inverse = 1.0 / u[pivot * stride + pivot];
            row[start..].iter_mut().for_each(|value| *value *= inverse);
        }
        if start == 0 {
            break;
        }
        // Every row above loses U_ip X_p for the p of this block.
        coefficients.reset(start, size);
        solved.reset(stride - start, size);
        for p in start..end {
            line.resize(start, 0.0);
            for (row, place) in line.iter_mut().enumerate() {
                *place = u[row * stride + p];
            }
            coefficients.push(&line);
            solved.push(&x[p * stride + start..(p + 1) * stride]);
        }
        for i in 0..start / LANES {
            for j in 0..(stride - start) / LANES {
                let (a, b) = (coefficients.group(i), solved.group(j));
                add_tile(&tile::<0>(a, b), -1.0, &mut x, i * LANES, start + j * LANES, stride);
                add_tile(&tile::<4>(a, b), -1.0, &mut x, i * LANES + 4, start + j * LANES, stride);
            }
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;
    use crate::numerics::random::{Purpose, StreamKey, normal};

    fn system(n: usize, seed: u64) -> (Vec<f32>, DMatrix<f64>) {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        let b = DMatrix::from_fn(n, n + 4, |_, _| normal(&mut rng));
        let dense = (&b * b.transpose()) / n as f64 + DMatrix::identity(n, n);
        let stride = padded(n);
        let mut a = vec![0.0; n * stride];
        for i in 0..n {
            for j in 0..n {
                a[i * stride + j] = dense[(i, j)] as f32;
            }
        }
        (a, dense)
    }

    #[test]
    fn solves_like_an_independent_solver_at_every_size() {
        let mut work = Panels::default();
        for n in (1..40).chain([63, 64, 65, 129, 150, 161, 200]) {
            let (mut a, dense) = system(n, n as u64);
            let b: Vec<f32> = (0..n).map(|i| (i % 7) as f32 - 3.0).collect();
            let expected = dense.cholesky().unwrap().solve(&DVector::from_iterator(n, b.iter().map(|&x| f64::from(x))));
            let mut x = b;
            cholesky(&mut a, n, padded(n), &mut work).unwrap();
            cholesky_solve(&a, n, padded(n), &mut x);
            for i in 0..n {
                assert!((f64::from(x[i]) - expected[i]).abs() < 2e-4, "n {n} at {i}: {} {}", x[i], expected[i]);
            }
        }
    }

    #[test]
    fn inverse_times_matrix_is_identity() {
        let mut work = Panels::default();
        for n in [1, 7, 8, 9, 31, 32, 33, 64, 65, 100, 150] {
            let stride = padded(n);
            let (mut a, dense) = system(n, 90 + n as u64);
            cholesky(&mut a, n, stride, &mut work).unwrap();
            let inverse = cholesky_inverse(&a, n, stride);
            let inverse = DMatrix::from_fn(n, n, |i, j| f64::from(inverse[i * stride + j]));
            let error = (dense * inverse - DMatrix::identity(n, n)).abs().max();
            assert!(error < 2e-4, "n {n}: {error}");
        }
    }

    #[test]
    fn refuses_what_is_not_positive_definite() {
        let mut work = Panels::default();
        let mut a = vec![0.0; 2 * 8];
        (a[0], a[1], a[9]) = (1.0, 2.0, 1.0);
        assert_eq!(cholesky(&mut a, 2, 8, &mut work), Err(NotPositive { pivot: 1 }));
        for bad in [f32::NAN, f32::INFINITY, 0.0, -1.0] {
            let mut a = vec![0.0; 8];
            a[0] = bad;
            assert_eq!(cholesky(&mut a, 1, 8, &mut work), Err(NotPositive { pivot: 0 }));
        }
    }
}
