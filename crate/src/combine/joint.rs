//! `joint`: one ridge fold-in over all shards' item vectors at once.
//!
//! The shards' item vectors stand side by side, V = \[V_1 ... V_K\] (zero where a shard never saw the item), scaled to mean
//! squared row norm 1 over the items that some shard knows. A user with rows S is folded in once,
//!
//! w = argmin sum_{i in S} (1 - w.v_i)^2 + alpha sum_i (w.v_i)^2 + lambda |w|^2,  scores V w,
//!
//! which sees agreement between shards that a mean of K separate fold-ins cannot: the K item spaces are never aligned,
//! yet their Gram matrices say how they overlap. With P = V (alpha V'V + lambda I)^-1 V' the scores are
//! P_{:,S} (I + P_SS)^-1 1. No eigenvalue of P reaches 1 / alpha, so the user's system has condition number at most
//! 1 + 1 / alpha and a dozen conjugate gradient steps solve it to single precision.
//!
//! Everything here is a function of the sub-models' item sides and, at serving time, of the user's own rows: what is
//! deleted leaves with its shard.

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher as _;

use super::linear::{Cholesky, Into, View, gemm, mirror};
use super::{CombineError, Ensemble};
use crate::matrix::Matrix;

/// Items up to which the items x items kernel P is kept: 64 MB of it. Beyond, users are solved on whitened vectors.
const KERNEL_ITEMS: usize = 4096;
/// Relative residual at which a user's system counts as solved.
const TOLERANCE: f32 = 1e-6;
/// Steps after which it is taken as it is; a dozen suffice for the default alpha.
const STEPS: usize = 200;

/// What `joint` keeps between users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Joint {
    pub alpha: f32,
    pub lambda: f32,
    form: Form,
    /// V'V before scaling, and what each shard's part of it was computed from: a later preparation takes over the blocks
    /// between unchanged shards. Empty where the kernel was made from V V'.
    gram: Matrix,
    marks: Vec<(u64, u64)>,
}

/// Which matrix serves users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Form {
    /// P, items x items.
    Kernel(Matrix),
    /// W with P = W W', items x coordinates.
    Vectors(Matrix),
}

impl Joint {
    /// `previous` lends the blocks of V'V that did not change; the bits do not depend on it.
    pub fn prepare(
        ensemble: &Ensemble,
        alpha: f32,
        lambda: f32,
        previous: Option<&Joint>,
    ) -> Result<Self, CombineError> {
        let n_items = ensemble.n_items() as usize;
        let (mut v, offsets) = side_by_side(ensemble)?;
        let width = v.cols();
        let scale = row_scale(ensemble);
        let dual = width > n_items && n_items <= KERNEL_ITEMS;
        if dual {
            v.data_mut().iter_mut().for_each(|value| *value *= scale);
            let kernel = dual_kernel(&v, alpha, lambda)?;
            return Ok(Joint { alpha, lambda, form: Form::Kernel(kernel), gram: Matrix::default(), marks: Vec::new() });
        }
        let marks: Vec<(u64, u64)> =
            ensemble.members().iter().map(|m| mark(m.model.item_vectors(), &m.items)).collect();
        let gram = gram(&v, &offsets, &marks, previous);
        let square = scale * scale * alpha;
        let mut system: Vec<f32> = gram.data().iter().map(|value| value * square).collect();
        for index in 0..width {
            system[index * width + index] += lambda;
        }
        let factor =
            Cholesky::new(system, width).map_err(|pivot| CombineError::Singular { pivot: pivot as u32, lambda })?;
        v.data_mut().iter_mut().for_each(|value| *value *= scale);
        factor.whiten(v.data_mut());
        let form = if n_items <= KERNEL_ITEMS {
            let mut kernel = Matrix::zeros(n_items, n_items);
            let rows = View::of(&v);
            gemm(n_items, n_items, width, rows, rows.transposed(), kernel.data_mut(), n_items, Into::SetUpper);
            mirror(kernel.data_mut(), n_items);
            Form::Kernel(kernel)
        } else {
            Form::Vectors(v)
        };
        Ok(Joint { alpha, lambda, form, gram, marks })
    }

    /// Items it was prepared for.
    pub fn n_items(&self) -> usize {
        match &self.form {
            Form::Kernel(matrix) | Form::Vectors(matrix) => matrix.rows(),
        }
    }

    /// Scores of all items for a user with rows `items` (ascending, inside the catalogue).
    pub fn score(&self, items: &[u32], work: &mut Work, out: &mut [f32]) {
        out.fill(0.0);
        if items.is_empty() {
            return;
        }
        let weights = solve(&self.form, items, work);
        match &self.form {
            Form::Kernel(kernel) => combine_rows(kernel, items, weights, out),
            Form::Vectors(vectors) => {
                work.coordinates.clear();
                work.coordinates.resize(vectors.cols(), 0.0);
                combine_rows(vectors, items, &work.x, &mut work.coordinates);
                for (item, place) in out.iter_mut().enumerate() {
                    *place = dot(vectors.row(item), &work.coordinates);
                }
            }
        }
    }
}

/// Room for one user's system, used again for the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    system: Vec<f32>,
    x: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    coordinates: Vec<f32>,
}

/// Conjugate gradients on (I + P_SS) x = 1 (Hestenes and Stiefel 1952).
fn solve<'a>(form: &Form, items: &[u32], work: &'a mut Work) -> &'a [f32] {
    let n = items.len();
    let Work { system, x, residual, direction, image, coordinates } = work;
    system.clear();
    match form {
        Form::Kernel(kernel) => {
            for &item in items {
                let row = kernel.row(item as usize);
                system.extend(items.iter().map(|&other| row[other as usize]));
            }
        }
        Form::Vectors(vectors) => {
            for &item in items {
                system.extend_from_slice(vectors.row(item as usize));
            }
        }
    }
    let width = system.len() / n;
    for (buffer, value) in [(&mut *x, 0.0), (&mut *residual, 1.0), (&mut *direction, 1.0), (&mut *image, 0.0)] {
        buffer.clear();
        buffer.resize(n, value);
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
            Form::Vectors(_) => {
                coordinates.clear();
                coordinates.resize(width, 0.0);
                for (row, &factor) in system.chunks_exact(width).zip(direction.iter()) {
                    axpy(factor, row, coordinates);
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
fn combine_rows(matrix: &Matrix, rows: &[u32], weights: &[f32], out: &mut [f32]) {
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

/// V, catalogue items x all coordinates, unscaled; and where each shard's coordinates begin (one more at the end).
fn side_by_side(ensemble: &Ensemble) -> Result<(Matrix, Vec<usize>), CombineError> {
    let mut offsets = vec![0usize];
    let mut parts = Vec::with_capacity(ensemble.n_shards());
    for (shard, member) in ensemble.members().iter().enumerate() {
        let refusal =
            || CombineError::NoItemVectors { method: "joint", model: member.model.name(), shard: shard as u32 };
        let vectors = member.model.item_vectors().ok_or_else(refusal)?;
        offsets.push(offsets[shard] + vectors.cols());
        parts.push(vectors);
    }
    let mut v = Matrix::zeros(ensemble.n_items() as usize, offsets[parts.len()]);
    for (shard, (member, vectors)) in ensemble.members().iter().zip(parts).enumerate() {
        for (local, &item) in member.items.iter().enumerate() {
            v.row_mut(item as usize)[offsets[shard]..offsets[shard + 1]].copy_from_slice(vectors.row(local));
        }
    }
    Ok((v, offsets))
}

/// The factor that brings the mean squared norm of a known item's row to 1.
fn row_scale(ensemble: &Ensemble) -> f32 {
    let known = (0..ensemble.n_items()).filter(|&item| ensemble.knows(item)).count();
    let mut total = 0.0f64;
    for vectors in ensemble.members().iter().filter_map(|member| member.model.item_vectors()) {
        for row in (0..vectors.rows()).map(|row| vectors.row(row)) {
            total += f64::from(dot(row, row));
        }
    }
    if total > 0.0 && total.is_finite() { (known as f64 / total).sqrt() as f32 } else { 1.0 }
}

/// V'V; blocks between shards that `previous` saw with the same vectors are copied from there.
fn gram(v: &Matrix, offsets: &[usize], marks: &[(u64, u64)], previous: Option<&Joint>) -> Matrix {
    let (m, width) = (v.rows(), v.cols());
    let mut gram = Matrix::zeros(width, width);
    let reusable = previous.filter(|p| p.gram.rows() == width && p.marks.len() == marks.len());
    let changed = |shard: usize| reusable.is_none_or(|p| p.marks[shard] != marks[shard]);
    let shards = marks.len();
    let n_changed = (0..shards).filter(|&shard| changed(shard)).count();
    let view = View::of(v);
    match reusable {
        // Worth it while stripes for the changed shards cost less than the upper triangle.
        Some(previous) if 2 * n_changed <= shards => {
            gram.data_mut().copy_from_slice(previous.gram.data());
            let mut stripe = Vec::new();
            for shard in (0..shards).filter(|&shard| changed(shard)) {
                let (from, to) = (offsets[shard], offsets[shard + 1]);
                stripe.clear();
                stripe.resize((to - from) * width, 0.0);
                gemm(to - from, width, m, view.from(0, from).transposed(), view, &mut stripe, width, Into::Set);
                gram.data_mut()[from * width..to * width].copy_from_slice(&stripe);
                for (row, values) in (from..to).zip(stripe.chunks_exact(width)) {
                    for (column, &value) in values.iter().enumerate() {
                        gram.row_mut(column)[row] = value;
                    }
                }
            }
        }
        _ => {
            gemm(width, width, m, view.transposed(), view, gram.data_mut(), width, Into::SetUpper);
            mirror(gram.data_mut(), width);
        }
    }
    gram
}

/// P = V (alpha V'V + lambda I)^-1 V' = (I - lambda (alpha V V' + lambda I)^-1) / alpha, for more coordinates than items.
fn dual_kernel(v: &Matrix, alpha: f32, lambda: f32) -> Result<Matrix, CombineError> {
    let m = v.rows();
    let view = View::of(v);
    let mut system = vec![0.0; m * m];
    gemm(m, m, v.cols(), view, view.transposed(), &mut system, m, Into::SetUpper);
    system.iter_mut().for_each(|value| *value *= alpha);
    for index in 0..m {
        system[index * m + index] += lambda;
    }
    let factor = Cholesky::new(system, m).map_err(|pivot| CombineError::Singular { pivot: pivot as u32, lambda })?;
    let mut inverse = Matrix::zeros(m, m);
    for index in 0..m {
        inverse.row_mut(index)[index] = 1.0;
    }
    factor.whiten(inverse.data_mut());
    let mut kernel = Matrix::zeros(m, m);
    let rows = View::of(&inverse);
    gemm(m, m, m, rows, rows.transposed(), kernel.data_mut(), m, Into::SetUpper);
    mirror(kernel.data_mut(), m);
    kernel.data_mut().iter_mut().for_each(|value| *value *= -lambda / alpha);
    for index in 0..m {
        kernel.row_mut(index)[index] += 1.0 / alpha;
    }
    Ok(kernel)
}

/// Identifies what a shard contributes to V: 128 bits over its item numbers and vectors.
fn mark(vectors: Option<&Matrix>, items: &[u32]) -> (u64, u64) {
    let mut hasher = SipHasher24::new();
    hasher.write(&(items.len() as u64).to_le_bytes());
    let mut bytes = Vec::with_capacity(4 * items.len());
    items.iter().for_each(|item| bytes.extend_from_slice(&item.to_le_bytes()));
    hasher.write(&bytes);
    bytes.clear();
    vectors.into_iter().flat_map(Matrix::data).for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    hasher.write(&bytes);
    let hash = hasher.finish128();
    (hash.h1, hash.h2)
}

/// Eight running sums, a fixed tree, then the rest in order.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a8, a_rest) = a[..n].as_chunks::<8>();
    let (b8, b_rest) = b[..n].as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (x, y) in a8.iter().zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let s = sums;
    let mut total = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    for (x, y) in a_rest.iter().zip(b_rest) {
        total += x * y;
    }
    total
}

/// y += factor * x.
pub(super) fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::super::double::{Fixed, ensemble};
    use super::*;

    /// The definition in double precision: normal equations of the user's ridge regression.
    fn dense(ensemble: &Ensemble, alpha: f64, lambda: f64, items: &[u32]) -> DVector<f64> {
        let (v, _) = side_by_side(ensemble).unwrap();
        let v = DMatrix::from_fn(v.rows(), v.cols(), |i, j| f64::from(v.row(i)[j]));
        let known = (0..ensemble.n_items()).filter(|&item| ensemble.knows(item)).count() as f64;
        let v = &v * (known / v.norm_squared()).sqrt();
        let mut system = alpha * v.transpose() * &v + lambda * DMatrix::identity(v.ncols(), v.ncols());
        let mut right = DVector::zeros(v.ncols());
        for &item in items {
            let row = v.row(item as usize).transpose();
            system += &row * row.transpose();
            right += row;
        }
        &v * system.cholesky().unwrap().solve(&right)
    }

    #[test]
    fn scores_are_the_joint_ridge_regression_in_both_forms() {
        let items = [0u32, 3, 4, 9, 17, 30];
        // Fewer coordinates than items (primal kernel), and more (dual kernel).
        for (shards, width) in [(3, 4), (5, 11)] {
            let ensemble = ensemble(shards, 40, width, 7);
            let expected = dense(&ensemble, 0.7, 2.0, &items);
            let mut joint = Joint::prepare(&ensemble, 0.7, 2.0, None).unwrap();
            let mut out = vec![0.0; 40];
            joint.score(&items, &mut Work::default(), &mut out);
            for item in 0..40 {
                assert!(
                    (f64::from(out[item]) - expected[item]).abs() < 2e-5,
                    "{item}: {} {}",
                    out[item],
                    expected[item]
                );
            }
            if let (Form::Kernel(_), true) = (&joint.form, joint.gram.rows() > 0) {
                let (mut v, _) = side_by_side(&ensemble).unwrap();
                let scale = row_scale(&ensemble);
                v.data_mut().iter_mut().for_each(|value| *value *= scale);
                let mut system: Vec<f32> =
                    joint.gram.data().iter().map(|value| value * (scale * scale * 0.7)).collect();
                let n = v.cols();
                (0..n).for_each(|index| system[index * n + index] += 2.0);
                Cholesky::new(system, n).ok().unwrap().whiten(v.data_mut());
                joint.form = Form::Vectors(v);
                joint.score(&items, &mut Work::default(), &mut out);
                for item in 0..40 {
                    assert!((f64::from(out[item]) - expected[item]).abs() < 2e-5, "{item}");
                }
            }
        }
    }

    #[test]
    fn preparing_again_after_one_shard_changed_gives_the_same_bits() {
        let before = ensemble(6, 90, 9, 1);
        let first = Joint::prepare(&before, 1.0, 3.0, None).unwrap();
        let mut members = before.members().to_vec();
        members[2] = ensemble(6, 90, 9, 99).members()[2].clone();
        let after = Ensemble::new(members, 90).unwrap();
        let again = Joint::prepare(&after, 1.0, 3.0, Some(&first)).unwrap();
        assert_eq!(again, Joint::prepare(&after, 1.0, 3.0, None).unwrap());
        assert_ne!(again, first);
    }

    #[test]
    fn a_user_without_rows_gets_equal_scores() {
        let joint = Joint::prepare(&ensemble(2, 20, 3, 5), 1.0, 1.0, None).unwrap();
        let mut out = vec![1.0; 20];
        joint.score(&[], &mut Work::default(), &mut out);
        assert_eq!(out, [0.0; 20]);
    }

    #[test]
    fn models_without_item_vectors_are_refused_by_name() {
        let mut members = ensemble(2, 20, 3, 5).members().to_vec();
        members[1] = Fixed::without_vectors(&members[1]);
        let error = Joint::prepare(&Ensemble::new(members, 20).unwrap(), 1.0, 1.0, None).unwrap_err();
        assert_eq!(error, CombineError::NoItemVectors { method: "joint", model: "fixed", shard: 1 });
        assert!(error.to_string().contains("own, mean and logistic work"), "{error}");
    }

    #[test]
    fn vectors_that_are_not_finite_are_refused() {
        let mut members = ensemble(2, 20, 3, 5).members().to_vec();
        members[0] = Fixed::poisoned(&members[0]);
        let error = Joint::prepare(&Ensemble::new(members, 20).unwrap(), 1.0, 1.0, None).unwrap_err();
        assert_eq!(error.code(), "combine.singular");
    }
}
