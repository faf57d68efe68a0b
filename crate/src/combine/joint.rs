//! `joint` and `consensus`: one ridge fold-in over all shards' item vectors at once.
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
//! `consensus` replaces the penalty |w|^2 by w' G^-1 w with G = V'V: a coordinate along which the shards' items hardly vary together is one shard's noise and costs more than one on which they agree. It is the
//! prior that matrix factorisation itself has at its optimum, where users and items share a spectrum. In kernel form
//! P = V (alpha G^2 + lambda I)^-1 G V', a sharper low-pass filter on the spectrum of V V' than `joint`'s.
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

/// What the user vector is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Prior {
    /// |w|^2: `joint`.
    Flat,
    /// w' G^-1 w: `consensus`.
    Consensus,
}

/// What `joint` and `consensus` keep between users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Joint {
    pub prior: Prior,
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
    Whitened(Matrix),
    /// V and A with P = V A V'.
    Middle(Matrix, Matrix),
}

impl Joint {
    /// `previous` lends the blocks of V'V that did not change; the bits do not depend on it.
    pub fn prepare(
        ensemble: &Ensemble,
        prior: Prior,
        (alpha, lambda): (f32, f32),
        previous: Option<&Joint>,
    ) -> Result<Self, CombineError> {
        let n_items = ensemble.n_items() as usize;
        let (mut v, offsets) = side_by_side(ensemble, prior)?;
        let width = v.cols();
        let scale = row_scale(ensemble);
        let singular = |pivot| CombineError::Singular { pivot: pivot as u32, lambda };
        let use_kernel = n_items <= KERNEL_ITEMS;
        if width > n_items && use_kernel {
            v.data_mut().iter_mut().for_each(|value| *value *= scale);
            let form = Form::Kernel(dual_kernel(&v, prior, alpha, lambda).map_err(singular)?);
            return Ok(Joint { prior, alpha, lambda, form, gram: Matrix::default(), marks: Vec::new() });
        }
        let marks: Vec<(u64, u64)> =
            ensemble.members().iter().map(|m| mark(m.model.item_vectors(), &m.items)).collect();
        let gram = gram(&v, &offsets, &marks, previous);
        let scaled: Vec<f32> = gram.data().iter().map(|value| value * (scale * scale)).collect();
        v.data_mut().iter_mut().for_each(|value| *value *= scale);
        let form = match prior {
            Prior::Flat => {
                let factor = Cholesky::new(shifted(scaled, width, alpha, lambda), width).map_err(singular)?;
                factor.whiten(v.data_mut());
                if use_kernel { Form::Kernel(symmetric_product(&v, &v)) } else { Form::Whitened(v) }
            }
            Prior::Consensus => {
                let middle = middle(scaled, width, alpha, lambda).map_err(singular)?;
                if use_kernel {
                    let mut left = Matrix::zeros(n_items, width);
                    let (rows, inner) = (View::of(&v), View::of(&middle));
                    gemm(n_items, width, width, rows, inner, left.data_mut(), width, Into::Set);
                    Form::Kernel(symmetric_product(&left, &v))
                } else {
                    Form::Middle(v, middle)
                }
            }
        };
        Ok(Joint { prior, alpha, lambda, form, gram, marks })
    }

    /// Items it was prepared for.
    pub fn n_items(&self) -> usize {
        match &self.form {
            Form::Kernel(matrix) | Form::Whitened(matrix) | Form::Middle(matrix, _) => matrix.rows(),
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
            Form::Whitened(vectors) | Form::Middle(vectors, _) => {
                refill(&mut work.coordinates, vectors.cols(), 0.0);
                combine_rows(vectors, items, &work.x, &mut work.coordinates);
                if let Form::Middle(_, middle) = &self.form {
                    through(middle, &mut work.coordinates, &mut work.passed);
                }
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
    passed: Vec<f32>,
}

fn refill(buffer: &mut Vec<f32>, length: usize, value: f32) {
    buffer.clear();
    buffer.resize(length, value);
}

/// coordinates = A coordinates.
fn through(middle: &Matrix, coordinates: &mut [f32], passed: &mut Vec<f32>) {
    refill(passed, coordinates.len(), 0.0);
    for (row, place) in passed.iter_mut().enumerate() {
        *place = dot(middle.row(row), coordinates);
    }
    coordinates.copy_from_slice(passed);
}

/// Conjugate gradients on (I + P_SS) x = 1 (Hestenes and Stiefel 1952).
fn solve<'a>(form: &Form, items: &[u32], work: &'a mut Work) -> &'a [f32] {
    let n = items.len();
    let Work { system, x, residual, direction, image, coordinates, passed } = work;
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
fn side_by_side(ensemble: &Ensemble, prior: Prior) -> Result<(Matrix, Vec<usize>), CombineError> {
    let mut offsets = vec![0usize];
    let mut parts = Vec::with_capacity(ensemble.n_shards());
    for (shard, member) in ensemble.members().iter().enumerate() {
        let method = if prior == Prior::Flat { "joint" } else { "consensus" };
        let refusal = CombineError::NoItemVectors { method, model: member.model.name(), shard: shard as u32 };
        let vectors = member.model.item_vectors().ok_or(refusal)?;
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

/// A = (alpha G^2 + lambda I)^-1 G.
fn middle(gram: Vec<f32>, width: usize, alpha: f32, lambda: f32) -> Result<Matrix, usize> {
    let g = View { data: &gram, row: width, col: 1 };
    let mut square = vec![0.0; width * width];
    gemm(width, width, width, g, g, &mut square, width, Into::SetUpper);
    let factor = Cholesky::new(shifted(square, width, alpha, lambda), width)?;
    // With U'U the system and X = U^-1: A = X (X' G), and X' G = (G X)'.
    let mut x = Matrix::zeros(width, width);
    (0..width).for_each(|index| x.row_mut(index)[index] = 1.0);
    factor.whiten(x.data_mut());
    let mut gx = gram;
    factor.whiten(&mut gx);
    let gx = View { data: &gx, row: width, col: 1 };
    let mut out = Matrix::zeros(width, width);
    gemm(width, width, width, View::of(&x), gx.transposed(), out.data_mut(), width, Into::SetUpper);
    mirror(out.data_mut(), width);
    Ok(out)
}

/// P from V V' instead of V'V, for more coordinates than items: (I - lambda (alpha C + lambda I)^-1) / alpha with C = V V' for
/// `joint` and (V V')^2 for `consensus`.
fn dual_kernel(v: &Matrix, prior: Prior, alpha: f32, lambda: f32) -> Result<Matrix, usize> {
    let m = v.rows();
    let mut kernel = symmetric_product(v, v);
    if prior == Prior::Consensus {
        kernel = symmetric_product(&kernel, &kernel);
    }
    let factor = Cholesky::new(shifted(kernel.into_vec(), m, alpha, lambda), m)?;
    let mut inverse = Matrix::zeros(m, m);
    (0..m).for_each(|index| inverse.row_mut(index)[index] = 1.0);
    factor.whiten(inverse.data_mut());
    let mut kernel = symmetric_product(&inverse, &inverse);
    kernel.data_mut().iter_mut().for_each(|value| *value *= -lambda / alpha);
    for index in 0..m {
        kernel.row_mut(index)[index] += 1.0 / alpha;
    }
    Ok(kernel)
}

/// alpha A + lambda I.
fn shifted(mut a: Vec<f32>, n: usize, alpha: f32, lambda: f32) -> Vec<f32> {
    a.iter_mut().for_each(|value| *value *= alpha);
    (0..n).for_each(|index| a[index * n + index] += lambda);
    a
}

/// A B' where it is known to be symmetric.
fn symmetric_product(a: &Matrix, b: &Matrix) -> Matrix {
    let m = a.rows();
    let mut out = Matrix::zeros(m, m);
    gemm(m, m, a.cols(), View::of(a), View::of(b).transposed(), out.data_mut(), m, Into::SetUpper);
    mirror(out.data_mut(), m);
    out
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

    const PRIORS: [Prior; 2] = [Prior::Flat, Prior::Consensus];

    /// The definition in double precision: normal equations of the user's ridge regression.
    fn dense(ensemble: &Ensemble, prior: Prior, alpha: f64, lambda: f64, items: &[u32]) -> DVector<f64> {
        let (v, _) = side_by_side(ensemble, prior).unwrap();
        let v = DMatrix::from_fn(v.rows(), v.cols(), |i, j| f64::from(v.row(i)[j]));
        let known = (0..ensemble.n_items()).filter(|&item| ensemble.knows(item)).count() as f64;
        let v = &v * (known / v.norm_squared()).sqrt();
        let gram = v.transpose() * &v;
        let penalty = match prior {
            Prior::Flat => DMatrix::identity(v.ncols(), v.ncols()),
            Prior::Consensus => gram.clone().try_inverse().unwrap(),
        };
        let mut system = alpha * &gram + lambda * penalty;
        let mut right = DVector::zeros(v.ncols());
        for &item in items {
            let row = v.row(item as usize).transpose();
            system += &row * row.transpose();
            right += row;
        }
        &v * system.cholesky().unwrap().solve(&right)
    }

    #[test]
    fn scores_are_the_regression_by_its_definition() {
        let items = [0u32, 3, 4, 9, 17, 30];
        for prior in PRIORS {
            let ensemble = ensemble(3, 40, 4, 7);
            let expected = dense(&ensemble, prior, 0.7, 2.0, &items);
            let joint = Joint::prepare(&ensemble, prior, (0.7, 2.0), None).unwrap();
            let mut out = vec![0.0; 40];
            joint.score(&items, &mut Work::default(), &mut out);
            for item in 0..40 {
                assert!(
                    (f64::from(out[item]) - expected[item]).abs() < 3e-5,
                    "{item}: {} {}",
                    out[item],
                    expected[item]
                );
            }
        }
    }

    #[test]
    fn all_forms_say_the_same() {
        let items = [0u32, 3, 4, 9, 17, 30];
        for prior in PRIORS {
            let ensemble = ensemble(3, 40, 9, 7);
            let scores = |form: Form| {
                let joint = Joint { prior, alpha: 0.7, lambda: 2.0, form, gram: Matrix::default(), marks: Vec::new() };
                let mut out = vec![0.0; 40];
                joint.score(&items, &mut Work::default(), &mut out);
                out
            };
            let (mut v, _) = side_by_side(&ensemble, prior).unwrap();
            let scale = row_scale(&ensemble);
            v.data_mut().iter_mut().for_each(|value| *value *= scale);
            let dual = scores(Form::Kernel(dual_kernel(&v, prior, 0.7, 2.0).unwrap()));
            let primal = scores(Joint::prepare(&ensemble, prior, (0.7, 2.0), None).unwrap().form);
            let mut gram = vec![0.0; 27 * 27];
            gemm(27, 27, 40, View::of(&v).transposed(), View::of(&v), &mut gram, 27, Into::Set);
            let vectors = scores(match prior {
                Prior::Flat => {
                    Cholesky::new(shifted(gram, 27, 0.7, 2.0), 27).ok().unwrap().whiten(v.data_mut());
                    Form::Whitened(v)
                }
                Prior::Consensus => Form::Middle(v, middle(gram, 27, 0.7, 2.0).unwrap()),
            });
            for item in 0..40 {
                assert!((dual[item] - primal[item]).abs() < 5e-5, "{prior:?} {item}: {} {}", dual[item], primal[item]);
                assert!(
                    (vectors[item] - primal[item]).abs() < 5e-5,
                    "{prior:?} {item}: {} {}",
                    vectors[item],
                    primal[item]
                );
            }
        }
    }

    #[test]
    fn preparing_again_after_one_shard_changed_gives_the_same_bits() {
        let before = ensemble(6, 90, 9, 1);
        let mut members = before.members().to_vec();
        members[2] = ensemble(6, 90, 9, 99).members()[2].clone();
        let after = Ensemble::new(members, 90).unwrap();
        for prior in PRIORS {
            let first = Joint::prepare(&before, prior, (1.0, 3.0), None).unwrap();
            let again = Joint::prepare(&after, prior, (1.0, 3.0), Some(&first)).unwrap();
            assert_eq!(again, Joint::prepare(&after, prior, (1.0, 3.0), None).unwrap());
            assert_ne!(again, first);
        }
    }

    #[test]
    fn a_user_without_rows_gets_equal_scores() {
        let joint = Joint::prepare(&ensemble(2, 20, 3, 5), Prior::Consensus, (1.0, 1.0), None).unwrap();
        let mut out = vec![1.0; 20];
        joint.score(&[], &mut Work::default(), &mut out);
        assert_eq!(out, [0.0; 20]);
    }

    #[test]
    fn models_without_item_vectors_are_refused_by_name() {
        let mut members = ensemble(2, 20, 3, 5).members().to_vec();
        members[1] = Fixed::without_vectors(&members[1]);
        let error = Joint::prepare(&Ensemble::new(members, 20).unwrap(), Prior::Flat, (1.0, 1.0), None).unwrap_err();
        assert_eq!(error, CombineError::NoItemVectors { method: "joint", model: "fixed", shard: 1 });
        assert!(error.to_string().contains("own, mean and logistic work"), "{error}");
    }

    #[test]
    fn vectors_that_are_not_finite_are_refused() {
        let mut members = ensemble(2, 20, 3, 5).members().to_vec();
        members[0] = Fixed::poisoned(&members[0]);
        let error = Joint::prepare(&Ensemble::new(members, 20).unwrap(), Prior::Flat, (1.0, 1.0), None).unwrap_err();
        assert_eq!(error.code(), "combine.singular");
    }
}
