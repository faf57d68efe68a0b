//! One user's system of `joint` and `consensus`: (I + P_SS) x = 1 over the user's own rows S, by conjugate gradients.

use super::form::Form;
use crate::numerics::kernels::{axpy, dot};
use crate::numerics::matrix::Matrix;

/// Relative residual at which a user's system counts as solved.
const TOLERANCE: f32 = 1e-6;
/// Steps after which it is taken as it is; a dozen suffice for the default alpha.
const STEPS: usize = 200;

/// Room for one user's system, used again for the next.
#[derive(Clone, Debug, Default)]
pub(in crate::combine) struct UserSystem {
    system: Vec<f32>,
    pub(super) x: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    pub(super) coordinates: Vec<f32>,
    pub(super) passed: Vec<f32>,
    /// Coordinates of several users.
    pub(super) together: Vec<f32>,
}

pub(super) fn refill(buffer: &mut Vec<f32>, length: usize, value: f32) {
    buffer.clear();
    buffer.resize(length, value);
}

/// coordinates = A coordinates.
pub(super) fn through(middle: &Matrix, coordinates: &mut [f32], passed: &mut Vec<f32>) {
    refill(passed, coordinates.len(), 0.0);
    for (row, place) in passed.iter_mut().enumerate() {
        *place = dot(middle.row(row), coordinates);
    }
    coordinates.copy_from_slice(passed);
}

/// Conjugate gradients on (I + P_SS) x = 1 (Hestenes and Stiefel 1952).
pub(super) fn solve<'a>(form: &Form, items: &[u32], work: &'a mut UserSystem) -> &'a [f32] {
    let n = items.len();
    if n == 0 {
        work.x.clear();
        return &work.x;
    }
    let UserSystem { system, x, residual, direction, image, coordinates, passed, .. } = work;
    system.clear();
    match form {
        Form::Kernel(kernel) => {
            for &item in items {
                let row = kernel.row(item as usize);
                system.extend(items.iter().map(|&other| row[other as usize]));
            }
        }
        Form::Whitened(vectors) | Form::Middle(vectors, _) => {
            for &item in items {
                system.extend_from_slice(vectors.row(item as usize));
            }
        }
    }
    let width = system.len() / n;
    for (buffer, value) in [(&mut *x, 0.0), (&mut *residual, 1.0), (&mut *direction, 1.0), (&mut *image, 0.0)] {
        refill(buffer, n, value);
    }
    let mut square = n as f32;
    let enough = square * TOLERANCE * TOLERANCE;
    for _ in 0..STEPS {
        match form {
            Form::Kernel(_) => {
                for (place, row) in image.iter_mut().zip(system.chunks_exact(width)) {
                    *place = dot(row, direction);
                }
            }
            Form::Whitened(_) | Form::Middle(..) => {
                refill(coordinates, width, 0.0);
                for (row, &factor) in system.chunks_exact(width).zip(direction.iter()) {
                    axpy(factor, row, coordinates);
                }
                if let Form::Middle(_, middle) = form {
                    through(middle, coordinates, passed);
                }
                for (place, row) in image.iter_mut().zip(system.chunks_exact(width)) {
                    *place = dot(row, coordinates);
                }
            }
        }
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
    x
}

/// out += sum of rows times weights, four rows at a time.
pub(super) fn combine_rows(matrix: &Matrix, rows: &[u32], weights: &[f32], out: &mut [f32]) {
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
