//! One user's system of `joint` and `consensus`: (I + P_SS) x = 1 over the user's own rows S, by conjugate gradients.

use super::product::KernelRows;
use crate::numerics::kernels::{axpy, dot, four_dots, mirror_whole as mirror, wide};
use crate::numerics::matrix::Matrix;

/// Relative residual at which a user's system counts as solved.
const TOLERANCE: f32 = 1e-6;
/// Steps after which it is taken as it is; a dozen suffice for the default alpha.
const STEPS: usize = 200;

/// Room for one user's system, used again for the next.
#[derive(Clone, Debug, Default)]
pub(in crate::combine) struct UserSystem {
    pub(super) system: Vec<f32>,
    pub(super) x: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    pub(super) coordinates: Vec<f32>,
    pub(super) passed: Vec<f32>,
    /// Rows of V B of several users.
    pub(super) brought: Vec<f32>,
    /// Coordinates of several users.
    pub(super) together: Vec<f32>,
}

pub(super) fn refill(buffer: &mut Vec<f32>, length: usize, value: f32) {
    buffer.clear();
    buffer.resize(length, value);
}

/// The user's own part of P, or of the rows that make it, into the room for a system; then its solution.
pub(super) fn solve<'a>(matrix: Own<'_>, items: &[u32], work: &'a mut UserSystem) -> &'a [f32] {
    work.system.clear();
    match matrix {
        Own::Kernel(kernel) => {
            // P is symmetric to the bit: half of it is fetched from far away, the other half from beside.
            let n = items.len();
            refill(&mut work.system, n * n, 0.0);
            for index in 0..n {
                let row = kernel.row(index);
                let place = &mut work.system[index * n + index..(index + 1) * n];
                place.iter_mut().zip(&items[index..]).for_each(|(place, &other)| *place = row[other as usize]);
            }
            mirror(&mut work.system, n);
            wide(
                #[inline(always)]
                || {
                    conjugate_gradients(
                        n,
                        work,
                        #[inline(always)]
                        |system, direction, image, _| times(system, direction, image),
                    );
                },
            );
        }
        Own::Rows(vectors) => {
            for &item in items {
                work.system.extend_from_slice(vectors.row(item as usize));
            }
            solve_rows(items.len(), vectors.cols(), work);
        }
    }
    &work.x
}

/// A square matrix times a vector.
#[inline(always)]
fn times(matrix: &[f32], vector: &[f32], out: &mut [f32]) {
    let n = vector.len();
    let (mut rows, mut outs) = (matrix.chunks_exact(4 * n), out.chunks_exact_mut(4));
    for (rows, out) in (&mut rows).zip(&mut outs) {
        out.copy_from_slice(&four_dots(vector, [0, 1, 2, 3].map(|row| &rows[row * n..][..n])));
    }
    for (row, place) in rows.remainder().chunks_exact(n).zip(outs.into_remainder()) {
        *place = dot(row, vector);
    }
}

/// Where a user's system comes from.
#[derive(Clone, Copy)]
pub(super) enum Own<'a> {
    /// The user's rows of P.
    Kernel(&'a KernelRows<'a>),
    /// Z with P = Z Z'.
    Rows(&'a Matrix),
}

/// Solves (I + Z Z') x = 1 for the n rows Z of `width` values that are in the room for a system.
pub(super) fn solve_rows(n: usize, width: usize, work: &mut UserSystem) {
    wide(
        #[inline(always)]
        || solve_rows_here(n, width, work),
    );
}

#[inline(always)]
fn solve_rows_here(n: usize, width: usize, work: &mut UserSystem) {
    conjugate_gradients(
        n,
        work,
        #[inline(always)]
        |system, direction, image, coordinates| {
            refill(coordinates, width, 0.0);
            for (row, &factor) in system.chunks_exact(width).zip(direction.iter()) {
                axpy(factor, row, coordinates);
            }
            for (place, row) in image.iter_mut().zip(system.chunks_exact(width)) {
                *place = dot(row, coordinates);
            }
        },
    );
}

/// Conjugate gradients on (I + P_SS) x = 1 (Hestenes and Stiefel 1952); `times` multiplies by P_SS.
#[inline(always)]
fn conjugate_gradients(n: usize, work: &mut UserSystem, times: impl Fn(&[f32], &[f32], &mut [f32], &mut Vec<f32>)) {
    let UserSystem { system, x, residual, direction, image, coordinates, .. } = work;
    for (buffer, value) in [(&mut *x, 0.0), (&mut *residual, 1.0), (&mut *direction, 1.0), (&mut *image, 0.0)] {
        refill(buffer, n, value);
    }
    if n == 0 {
        return;
    }
    let mut square = n as f32;
    let enough = square * TOLERANCE * TOLERANCE;
    for _ in 0..STEPS {
        times(system, direction, image, coordinates);
        axpy(1.0, direction, image);
        let step = square / dot(direction, image);
        axpy(step, direction, x);
        axpy(-step, image, residual);
        let next = dot(residual, residual);
        // Also ends on NaN, which finite vectors cannot make.
        if next.is_nan() || next <= enough {
            break;
        }
        let ratio = next / square;
        for (direction, residual) in direction.iter_mut().zip(residual.iter()) {
            *direction = residual + ratio * *direction;
        }
        square = next;
    }
}

/// out += sum of rows times weights, four rows at a time.
pub(super) fn combine_rows(matrix: &Matrix, rows: &[u32], weights: &[f32], out: &mut [f32]) {
    wide(
        #[inline(always)]
        || combine_rows_here(matrix, rows, weights, out),
    );
}

#[inline(always)]
fn combine_rows_here(matrix: &Matrix, rows: &[u32], weights: &[f32], out: &mut [f32]) {
    let mut quads = rows.chunks_exact(4);
    let mut factors = weights.chunks_exact(4);
    for (quad, f) in (&mut quads).zip(&mut factors) {
        let n = out.len();
        let [a, b, c, d] = [0, 1, 2, 3].map(|index| &matrix.row(quad[index] as usize)[..n]);
        for j in 0..n {
            out[j] = (((out[j] + f[0] * a[j]) + f[1] * b[j]) + f[2] * c[j]) + f[3] * d[j];
        }
    }
    for (&row, &factor) in quads.remainder().iter().zip(factors.remainder()) {
        axpy(factor, matrix.row(row as usize), out);
    }
}
