//! A blocked Cholesky factorisation for systems of hundreds of unknowns, and rows whitened by it. Made of [`gemm`] alone
//! outside the diagonal blocks, so it runs at the speed of a product.

use super::gemm::{Into, View, gemm};
use crate::numerics::matrix::Matrix;

/// Side of the diagonal blocks of a factorisation.
const BLOCK: usize = 64;

/// A = U'U, the upper factor of a symmetric positive definite matrix whose upper triangle is given; the lower triangle is
/// left as it was. Also the inverses of U's diagonal blocks, which make every later solve a product.
///
/// `Err(pivot)`: not positive definite in single precision.
pub struct Whitener {
    n: usize,
    u: Vec<f32>,
    inverse: Vec<f32>,
}

impl Whitener {
    /// Factors in place; n^3 / 3 multiplications and additions.
    pub fn new(mut a: Vec<f32>, n: usize) -> Result<Self, usize> {
        let blocks = n.div_ceil(BLOCK);
        let mut inverse = vec![0.0f32; blocks * BLOCK * BLOCK];
        let mut panel = Vec::new();
        for block in 0..blocks {
            let start = block * BLOCK;
            let width = BLOCK.min(n - start);
            factor_diagonal(&mut a, n, start, width)?;
            let inverse = &mut inverse[block * BLOCK * BLOCK..][..width * width];
            invert_upper(&a, n, start, width, inverse);
            let end = start + width;
            let rest = n - end;
            if rest == 0 {
                break;
            }
            // U_block,rest = (U_block,block')^-1 A_block,rest
            panel.clear();
            for row in start..end {
                panel.extend_from_slice(&a[row * n + end..(row + 1) * n]);
            }
            let left = View { data: inverse, row: 1, col: width };
            let right = View { data: &panel, row: rest, col: 1 };
            gemm(width, rest, width, left, right, &mut a[start * n + end..], n, Into::Set);
            panel.clear();
            for row in start..end {
                panel.extend_from_slice(&a[row * n + end..(row + 1) * n]);
            }
            let solved = View { data: &panel, row: rest, col: 1 };
            gemm(rest, rest, width, solved.transposed(), solved, &mut a[end * n + end..], n, Into::SubtractUpper);
        }
        Ok(Whitener { n, u: a, inverse })
    }

    /// U^-1, upper triangular. n^3 multiplications and additions.
    pub fn inverse(&self) -> Matrix {
        let mut out = Matrix::zeros(self.n, self.n);
        (0..self.n).for_each(|index| out.row_mut(index)[index] = 1.0);
        self.whiten(out.data_mut());
        out
    }

    /// Rows times U^-1, in place: X = V U^-1 for V (rows x n, row-major). rows * n^2 multiplications and additions.
    pub fn whiten(&self, v: &mut [f32]) {
        let n = self.n;
        if n == 0 {
            return;
        }
        let rows = v.len() / n;
        let mut panel = Vec::new();
        for (block, start) in (0..n).step_by(BLOCK).enumerate() {
            let width = BLOCK.min(n - start);
            // Columns already solved are read from a copy: a block of them per product keeps the copy small.
            if start > 0 {
                panel.clear();
                panel.reserve(rows * start);
                for row in v.chunks_exact(n) {
                    panel.extend_from_slice(&row[..start]);
                }
                let done = View { data: &panel, row: start, col: 1 };
                let u = View { data: &self.u, row: n, col: 1 }.from(0, start);
                gemm(rows, width, start, done, u, &mut v[start..], n, Into::Subtract);
            }
            panel.clear();
            for row in v.chunks_exact(n) {
                panel.extend_from_slice(&row[start..start + width]);
            }
            let open = View { data: &panel, row: width, col: 1 };
            let inverse = View { data: &self.inverse[block * BLOCK * BLOCK..], row: width, col: 1 };
            gemm(rows, width, width, open, inverse, &mut v[start..], n, Into::Set);
        }
    }
}

/// U'U = A on one diagonal block; row by row, so that inner loops run along rows.
fn factor_diagonal(a: &mut [f32], n: usize, start: usize, width: usize) -> Result<(), usize> {
    for pivot in start..start + width {
        let end = start + width;
        let (above, below) = a.split_at_mut((pivot + 1) * n);
        let row = &mut above[pivot * n..];
        let square = row[pivot];
        if !(square > 0.0 && square.is_finite()) {
            return Err(pivot);
        }
        let scale = 1.0 / square.sqrt();
        row[pivot] = square.sqrt();
        row[pivot + 1..end].iter_mut().for_each(|value| *value *= scale);
        for (next, target) in (pivot + 1..end).zip(below.chunks_mut(n)) {
            let factor = row[next];
            for (target, value) in target[next..end].iter_mut().zip(&row[next..end]) {
                *target -= factor * value;
            }
        }
    }
    Ok(())
}

/// The inverse of an upper triangular block, zeros below.
fn invert_upper(a: &[f32], n: usize, start: usize, width: usize, out: &mut [f32]) {
    for i in (0..width).rev() {
        let (above, below) = out.split_at_mut((i + 1) * width);
        let row = &mut above[i * width..];
        row[i] = 1.0;
        for j in i + 1..width {
            let factor = a[(start + i) * n + start + j];
            let done = &below[(j - i - 1) * width..][..width];
            for (place, value) in row[j..].iter_mut().zip(&done[j..]) {
                *place -= factor * value;
            }
        }
        let inverse = 1.0 / a[(start + i) * n + start + i];
        row[i..].iter_mut().for_each(|value| *value *= inverse);
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::numerics::matrix::Matrix;
    use crate::numerics::random::{Purpose, StreamKey, normal};

    fn random(rows: usize, cols: usize, seed: u64) -> Matrix {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| normal(&mut rng) as f32).collect()).unwrap()
    }

    #[test]
    fn whitened_rows_have_the_inverse_as_their_inner_products() {
        for n in [1, 3, 63, 64, 65, 128, 150] {
            let v = random(n + 40, n, n as u64);
            let mut g = vec![0.0; n * n];
            gemm(n, n, n + 40, View::of(&v).transposed(), View::of(&v), &mut g, n, Into::SetUpper);
            for i in 0..n {
                g[i * n + i] += 1.0;
            }
            let dense = DMatrix::from_fn(n + 40, n, |i, j| f64::from(v.row(i)[j]));
            let inverse = (dense.transpose() * &dense + DMatrix::identity(n, n)).try_inverse().unwrap();
            let expected = &dense * inverse * dense.transpose();
            let mut w = v.data().to_vec();
            Whitener::new(g, n).ok().unwrap().whiten(&mut w);
            let w = DMatrix::from_fn(n + 40, n, |i, j| f64::from(w[i * n + j]));
            let error = (&w * w.transpose() - expected).abs().max();
            assert!(error < 1e-4, "n {n}: {error}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused_with_its_pivot() {
        assert_eq!(Whitener::new(vec![1.0, 2.0, 0.0, 1.0], 2).err(), Some(1));
        assert_eq!(Whitener::new(vec![f32::NAN], 1).err(), Some(0));
    }
}
