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
//! `consensus` (in `prior`) holds w to another prior and is served in the same way.
//!
//! Everything here is a function of the sub-models' item sides and, at serving time, of the user's own rows: what is
//! deleted leaves with its shard.

mod fold_in;
mod form;
mod prior;
mod side_by_side;

pub(super) use fold_in::UserSystem;
use fold_in::{combine_rows, refill, solve, through};
use form::Form;
pub(super) use prior::Prior;
use prior::{middle, shifted};
use serde::{Deserialize, Serialize};
use side_by_side::{Gram, row_scale, side_by_side};

use super::{CombineError, Ensemble};
use crate::numerics::kernels::{Into, View, Whitener, gemm, mirror_whole as mirror, scores_of_all};
use crate::numerics::matrix::Matrix;

/// Items up to which the items x items kernel P is kept: 64 MB of it. Beyond, users are solved on whitened vectors.
const KERNEL_ITEMS: usize = 4096;

/// What `joint` and `consensus` keep between users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Joint {
    pub prior: Prior,
    pub alpha: f32,
    pub lambda: f32,
    form: Form,
    /// V'V before scaling: a later preparation takes over the blocks between unchanged shards. Empty where the kernel was
    /// made from V V'.
    gram: Gram,
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
        let (mut v, offsets) = side_by_side(ensemble, prior.method())?;
        let width = v.cols();
        let scale = row_scale(ensemble);
        let singular = |pivot| CombineError::Singular { pivot: pivot as u32, lambda };
        let use_kernel = n_items <= KERNEL_ITEMS;
        if width > n_items && use_kernel {
            v.data_mut().iter_mut().for_each(|value| *value *= scale);
            let form = Form::Kernel(dual_kernel(&v, prior, alpha, lambda).map_err(singular)?);
            return Ok(Joint { prior, alpha, lambda, form, gram: Gram::default() });
        }
        let gram = Gram::of(&v, &offsets, ensemble, previous.map(|previous| &previous.gram));
        let scaled: Vec<f32> = gram.values.data().iter().map(|value| value * (scale * scale)).collect();
        v.data_mut().iter_mut().for_each(|value| *value *= scale);
        let form = match prior {
            Prior::Flat => {
                let factor = Whitener::new(shifted(scaled, width, alpha, lambda), width).map_err(singular)?;
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
        Ok(Joint { prior, alpha, lambda, form, gram })
    }

    /// Do its matrices fit each other?
    pub fn is_sound(&self) -> bool {
        let square = |matrix: &Matrix| matrix.rows() == matrix.cols();
        let form = match &self.form {
            Form::Kernel(kernel) => square(kernel),
            Form::Whitened(vectors) => vectors.cols() > 0,
            Form::Middle(vectors, middle) => vectors.cols() > 0 && square(middle) && middle.rows() == vectors.cols(),
        };
        form && square(&self.gram.values)
    }

    /// Items it was prepared for.
    pub fn n_items(&self) -> usize {
        match &self.form {
            Form::Kernel(matrix) | Form::Whitened(matrix) | Form::Middle(matrix, _) => matrix.rows(),
        }
    }

    /// Scores of all items for users with these rows (ascending, inside the catalogue), one user after the other in `out`. Each
    /// user's bits are the same in any company.
    pub fn score<'u>(&self, users: impl Iterator<Item = &'u [u32]>, work: &mut UserSystem, out: &mut [f32]) {
        match &self.form {
            Form::Kernel(kernel) => {
                for (items, out) in users.zip(out.chunks_exact_mut(kernel.rows().max(1))) {
                    out.fill(0.0);
                    combine_rows(kernel, items, solve(&self.form, items, work), out);
                }
            }
            Form::Whitened(vectors) | Form::Middle(vectors, _) => {
                let mut together = std::mem::take(&mut work.together);
                together.clear();
                for items in users {
                    solve(&self.form, items, work);
                    refill(&mut work.coordinates, vectors.cols(), 0.0);
                    combine_rows(vectors, items, &work.x, &mut work.coordinates);
                    if let Form::Middle(_, middle) = &self.form {
                        through(middle, &mut work.coordinates, &mut work.passed);
                    }
                    together.extend_from_slice(&work.coordinates);
                }
                scores_of_all(&together, vectors, out);
                work.together = together;
            }
        }
    }
}

/// P from V V' instead of V'V, for more coordinates than items: (I - lambda (alpha C + lambda I)^-1) / alpha with C = V V' for
/// `joint` and (V V')^2 for `consensus`.
fn dual_kernel(v: &Matrix, prior: Prior, alpha: f32, lambda: f32) -> Result<Matrix, usize> {
    let m = v.rows();
    let mut kernel = symmetric_product(v, v);
    if prior == Prior::Consensus {
        kernel = symmetric_product(&kernel, &kernel);
    }
    let factor = Whitener::new(shifted(kernel.into_vec(), m, alpha, lambda), m)?;
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

/// A B' where it is known to be symmetric.
fn symmetric_product(a: &Matrix, b: &Matrix) -> Matrix {
    let m = a.rows();
    let mut out = Matrix::zeros(m, m);
    gemm(m, m, a.cols(), View::of(a), View::of(b).transposed(), out.data_mut(), m, Into::SetUpper);
    mirror(out.data_mut(), m);
    out
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::super::fake_model::{FakeModel, ensemble};
    use super::*;

    const PRIORS: [Prior; 2] = [Prior::Flat, Prior::Consensus];

    /// The definition in double precision: normal equations of the user's ridge regression.
    fn dense(ensemble: &Ensemble, prior: Prior, alpha: f64, lambda: f64, items: &[u32]) -> DVector<f64> {
        let (v, _) = side_by_side(ensemble, "joint").unwrap();
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
    fn matrices_that_do_not_fit_each_other_are_not_sound() {
        let zeros = Matrix::zeros;
        let joint = |form, values| {
            let gram = Gram { values, marks: Vec::new() };
            Joint { prior: Prior::Flat, alpha: 1.0, lambda: 1.0, form, gram }
        };
        let good = [Form::Kernel(zeros(3, 3)), Form::Whitened(zeros(3, 2)), Form::Middle(zeros(3, 2), zeros(2, 2))];
        assert!(good.into_iter().all(|form| joint(form, zeros(2, 2)).is_sound()));
        let bad = [
            Form::Kernel(zeros(3, 2)),
            Form::Whitened(zeros(3, 0)),
            Form::Middle(zeros(3, 2), zeros(2, 3)),
            Form::Middle(zeros(3, 2), zeros(3, 3)),
        ];
        assert!(bad.into_iter().all(|form| !joint(form, zeros(2, 2)).is_sound()));
        assert!(!joint(Form::Kernel(zeros(3, 3)), zeros(2, 3)).is_sound());
    }

    #[test]
    fn scores_are_the_regression_by_its_definition() {
        let items = [0u32, 3, 4, 9, 17, 30];
        for prior in PRIORS {
            let ensemble = ensemble(3, 40, 4, 7);
            let expected = dense(&ensemble, prior, 0.7, 2.0, &items);
            let joint = Joint::prepare(&ensemble, prior, (0.7, 2.0), None).unwrap();
            let mut out = vec![0.0; 40];
            joint.score([&items[..]].into_iter(), &mut UserSystem::default(), &mut out);
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
                let joint = Joint { prior, alpha: 0.7, lambda: 2.0, form, gram: Gram::default() };
                let mut out = vec![0.0; 40];
                joint.score([&items[..]].into_iter(), &mut UserSystem::default(), &mut out);
                let company: [&[u32]; 6] = [&[1, 2], &[], &items, &[5], &[7, 8, 9], &items];
                let mut together = vec![0.0; 240];
                joint.score(company.into_iter(), &mut UserSystem::default(), &mut together);
                assert!(together[80..120] == out && together[200..] == out && together[40..80] == [0.0; 40]);
                out
            };
            let (mut v, _) = side_by_side(&ensemble, "joint").unwrap();
            let scale = row_scale(&ensemble);
            v.data_mut().iter_mut().for_each(|value| *value *= scale);
            let dual = scores(Form::Kernel(dual_kernel(&v, prior, 0.7, 2.0).unwrap()));
            let primal = scores(Joint::prepare(&ensemble, prior, (0.7, 2.0), None).unwrap().form);
            let mut gram = vec![0.0; 27 * 27];
            gemm(27, 27, 40, View::of(&v).transposed(), View::of(&v), &mut gram, 27, Into::Set);
            let vectors = scores(match prior {
                Prior::Flat => {
                    Whitener::new(shifted(gram, 27, 0.7, 2.0), 27).ok().unwrap().whiten(v.data_mut());
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
        joint.score([&[][..]].into_iter(), &mut UserSystem::default(), &mut out);
        assert_eq!(out, [0.0; 20]);
    }

    #[test]
    fn models_without_item_vectors_are_refused_by_name() {
        let mut members = ensemble(2, 20, 3, 5).members().to_vec();
        members[1] = FakeModel::without_vectors(&members[1]);
        let error = Joint::prepare(&Ensemble::new(members, 20).unwrap(), Prior::Flat, (1.0, 1.0), None).unwrap_err();
        assert_eq!(error, CombineError::NoItemVectors { method: "joint", model: "fake", member: 1 });
        assert!(error.to_string().contains("own, mean and logistic work"), "{error}");
    }

    #[test]
    fn vectors_that_are_not_finite_are_refused() {
        let mut members = ensemble(2, 20, 3, 5).members().to_vec();
        members[0] = FakeModel::poisoned(&members[0]);
        let error = Joint::prepare(&Ensemble::new(members, 20).unwrap(), Prior::Flat, (1.0, 1.0), None).unwrap_err();
        assert_eq!(error.code(), "combine.singular");
    }
}
