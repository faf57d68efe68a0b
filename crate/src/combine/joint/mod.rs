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
//! `consensus` (in `prior`) holds w to another prior and is served in the same way. Where items are many and each is in few
//! shards, V is never put together: `blocks` serves from the sub-models.
//!
//! Everything here is a function of the sub-models' item sides and, at serving time, of the user's own rows: what is
//! deleted leaves with its shard.

mod blocks;
mod fold_in;
mod form;
mod prior;
mod product;
mod side_by_side;

use std::borrow::Cow;

pub(super) use fold_in::UserSystem;
use fold_in::{Own, combine_rows, refill, solve};
use form::{Form, KERNEL_ITEMS, is_dense};
pub(super) use prior::Prior;
use prior::{dual, factor};
use product::{KernelRows, Product};
use serde::{Deserialize, Serialize};
use side_by_side::{Gram, SideBySide};

use super::{CombineError, Ensemble};
use crate::numerics::kernels::{dot, scores_of_all};

/// Coordinates up to which V'V is kept for the next preparation: beyond, shards overlap so little that it is quickly made again.
const KEPT_GRAM: usize = 1024;

/// What `joint` and `consensus` keep between users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Joint {
    pub prior: Prior,
    pub alpha: f32,
    pub lambda: f32,
    form: Form,
    n_items: u32,
    /// V'V before scaling: a later preparation takes over the blocks between unchanged shards. Empty where the kernel was
    /// made from V V', and where it is large.
    gram: Gram,
}

impl Joint {
    /// `previous` lends the blocks of V'V that did not change; the bits do not depend on it.
    ///
    /// Errors: sub-models without item vectors, or with some that are no numbers; strengths beyond single precision.
    pub fn prepare(
        ensemble: &Ensemble,
        prior: Prior,
        (alpha, lambda): (f32, f32),
        previous: Option<&Joint>,
    ) -> Result<Self, CombineError> {
        let n_items = ensemble.n_items() as usize;
        let v = SideBySide::of(ensemble, prior.method())?;
        v.check()?;
        let (width, scale) = (v.width(), v.scale());
        let made = |form, gram| Joint { prior, alpha, lambda, form, n_items: n_items as u32, gram };
        if n_items <= KERNEL_ITEMS && width > n_items {
            let kernel = dual(&v.whole(scale), prior, (alpha, lambda))?;
            return Ok(made(Form::Kernel(kernel), Gram::default()));
        }
        let gram = Gram::new(&v, previous.map(|previous| &previous.gram));
        let scaled: Vec<f32> = gram.values.data().iter().map(|value| value * (scale * scale)).collect();
        let factor = factor(&scaled, width, prior, (alpha, lambda))?;
        let whitened = || {
            let mut whole = v.whole(scale);
            factor.whiten(whole.data_mut());
            whole
        };
        let form = if n_items <= KERNEL_ITEMS {
            Form::Product(Product::new(whitened()))
        } else if is_dense(n_items, width, v.values()) {
            Form::Whitened(whitened())
        } else {
            let mut root = factor.inverse();
            root.data_mut().iter_mut().for_each(|value| *value *= scale);
            Form::Blocks(root)
        };
        Ok(made(form, if width <= KEPT_GRAM { gram } else { Gram::default() }))
    }

    /// Do its matrices fit each other, and an ensemble of so many coordinates?
    pub fn is_sound(&self) -> bool {
        let form = match &self.form {
            Form::Kernel(kernel) => kernel.rows() == kernel.cols() && kernel.rows() == self.n_items as usize,
            Form::Product(product) => {
                let factor = product.factor();
                factor.cols() > 0 && factor.rows() == self.n_items as usize && self.n_items as usize <= KERNEL_ITEMS
            }
            Form::Whitened(vectors) => vectors.cols() > 0 && vectors.rows() == self.n_items as usize,
            Form::Blocks(root) => root.cols() > 0 && root.rows() == root.cols(),
        };
        form && self.gram.values.rows() == self.gram.values.cols()
    }

    /// Items it was prepared for.
    pub fn n_items(&self) -> usize {
        self.n_items as usize
    }

    /// Was it prepared for sub-models like these?
    pub fn fits(&self, ensemble: &Ensemble) -> bool {
        match &self.form {
            Form::Blocks(root) => SideBySide::of(ensemble, self.prior.method()).is_ok_and(|v| v.width() == root.rows()),
            _ => true,
        }
    }

    /// The rows of P of some items, in the forms that have P.
    fn kernel_rows<'a>(&'a self, items: &'a [u32]) -> Option<KernelRows<'a>> {
        match &self.form {
            Form::Kernel(kernel) => Some(KernelRows { matrix: Cow::Borrowed(kernel), numbers: Cow::Borrowed(items) }),
            Form::Product(product) => Some(product.rows(items)),
            Form::Whitened(_) | Form::Blocks(_) => None,
        }
    }

    /// What each of a user's rows (ascending, inside the catalogue) adds to the score of one item: P_ji x_i, in their order.
    pub fn terms(&self, ensemble: &Ensemble, items: &[u32], item: u32, work: &mut UserSystem) -> Vec<f32> {
        match &self.form {
            Form::Kernel(_) | Form::Product(_) => {
                let rows = self.kernel_rows(items).expect("this form has rows of P");
                let weights = solve(Own::Kernel(&rows), items, work);
                weights.iter().enumerate().map(|(own, x)| rows.row(own)[item as usize] * x).collect()
            }
            Form::Whitened(vectors) => {
                let target = vectors.row(item as usize);
                let weights = solve(Own::Rows(vectors), items, work);
                items.iter().zip(weights).map(|(&own, x)| dot(vectors.row(own as usize), target) * x).collect()
            }
            Form::Blocks(root) => {
                let v = SideBySide::of(ensemble, self.prior.method()).expect("it was prepared for this ensemble");
                blocks::terms(&v, root, items, item, work)
            }
        }
    }

    /// Scores of all items for users with these rows (ascending, inside the catalogue), one user after the other in `out`. Each
    /// user's bits are the same in any company. The ensemble is the one it was prepared for.
    pub fn score<'u>(
        &self,
        ensemble: &Ensemble,
        users: impl Iterator<Item = &'u [u32]>,
        work: &mut UserSystem,
        out: &mut [f32],
    ) {
        match &self.form {
            Form::Kernel(_) | Form::Product(_) => {
                for (items, out) in users.zip(out.chunks_exact_mut(self.n_items().max(1))) {
                    let rows = self.kernel_rows(items).expect("this form has rows of P");
                    out.fill(0.0);
                    combine_rows(&rows.matrix, &rows.numbers, solve(Own::Kernel(&rows), items, work), out);
                }
            }
            Form::Whitened(vectors) => {
                let mut together = std::mem::take(&mut work.together);
                together.clear();
                for items in users {
                    solve(Own::Rows(vectors), items, work);
                    refill(&mut work.coordinates, vectors.cols(), 0.0);
                    combine_rows(vectors, items, &work.x, &mut work.coordinates);
                    together.extend_from_slice(&work.coordinates);
                }
                scores_of_all(&together, vectors, out);
                work.together = together;
            }
            Form::Blocks(root) => {
                let v = SideBySide::of(ensemble, self.prior.method()).expect("it was prepared for this ensemble");
                blocks::score(&v, root, users, work, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::super::Member;
    use super::super::fake_model::{FakeModel, ensemble, normals};
    use super::*;
    use crate::numerics::Matrix;
    use crate::numerics::kernels::{Into, View, gemm};

    const PRIORS: [Prior; 2] = [Prior::Flat, Prior::Consensus];

    /// The definition in double precision: normal equations of the user's ridge regression.
    fn dense(ensemble: &Ensemble, prior: Prior, alpha: f64, lambda: f64, items: &[u32]) -> DVector<f64> {
        let v = SideBySide::of(ensemble, "joint").unwrap().whole(1.0);
        let v = DMatrix::from_fn(v.rows(), v.cols(), |i, j| f64::from(v.row(i)[j]));
        let known = (0..ensemble.n_items()).filter(|&item| ensemble.knows(item)).count() as f64;
        let v = &v * (known / v.norm_squared()).sqrt();
        let gram = v.transpose() * &v;
        let penalty = match prior {
            Prior::Flat => DMatrix::identity(v.ncols(), v.ncols()),
            // With the stated floor.
            Prior::Consensus => {
                let floor = DMatrix::identity(v.ncols(), v.ncols()) * (1e-5 * gram.trace());
                (&gram + floor).try_inverse().unwrap()
            }
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
            Joint { prior: Prior::Flat, alpha: 1.0, lambda: 1.0, form, n_items: 3, gram }
        };
        let good = [
            Form::Kernel(zeros(3, 3)),
            Form::Product(Product::new(zeros(3, 2))),
            Form::Whitened(zeros(3, 2)),
            Form::Blocks(zeros(2, 2)),
        ];
        assert!(good.into_iter().all(|form| joint(form, zeros(2, 2)).is_sound()));
        let bad = [
            Form::Kernel(zeros(3, 2)),
            Form::Kernel(zeros(2, 2)),
            Form::Product(Product::new(zeros(3, 0))),
            Form::Product(Product::new(zeros(2, 2))),
            Form::Whitened(zeros(3, 0)),
            Form::Whitened(zeros(2, 2)),
            Form::Blocks(zeros(2, 3)),
            Form::Blocks(zeros(0, 0)),
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
            joint.score(&ensemble, [&items[..]].into_iter(), &mut UserSystem::default(), &mut out);
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
                let joint = Joint { prior, alpha: 0.7, lambda: 2.0, form, n_items: 40, gram: Gram::default() };
                let mut out = vec![0.0; 40];
                joint.score(&ensemble, [&items[..]].into_iter(), &mut UserSystem::default(), &mut out);
                let company: [&[u32]; 6] = [&[1, 2], &[], &items, &[5], &[7, 8, 9], &items];
                let mut together = vec![0.0; 240];
                joint.score(&ensemble, company.into_iter(), &mut UserSystem::default(), &mut together);
                assert!(together[80..120] == out && together[200..] == out && together[40..80] == [0.0; 40]);
                // Every score is the sum of what the user's rows add to it.
                for item in 0..40 {
                    let terms = joint.terms(&ensemble, &items, item, &mut UserSystem::default());
                    let sum: f32 = terms.iter().sum();
                    assert_eq!(terms.len(), items.len());
                    assert!((sum - out[item as usize]).abs() < 1e-5, "{prior:?} {item}: {sum} {}", out[item as usize]);
                    // Items that no shard knows have nothing to add up.
                    assert_eq!(terms.iter().any(|term| term.abs() > 1e-4), ensemble.knows(item), "{item}: {terms:?}");
                }
                out
            };
            let v = SideBySide::of(&ensemble, "joint").unwrap();
            let whole = v.whole(v.scale());
            let dual = scores(Form::Kernel(dual(&whole, prior, (0.7, 2.0)).unwrap()));
            let primal = scores(Joint::prepare(&ensemble, prior, (0.7, 2.0), None).unwrap().form);
            let mut gram = vec![0.0; 27 * 27];
            gemm(27, 27, 40, View::of(&whole).transposed(), View::of(&whole), &mut gram, 27, Into::Set);
            let factor = factor(&gram, 27, prior, (0.7, 2.0)).unwrap();
            let mut root = factor.inverse();
            root.data_mut().iter_mut().for_each(|value| *value *= v.scale());
            let blocks = scores(Form::Blocks(root));
            let mut whitened = whole;
            factor.whiten(whitened.data_mut());
            let vectors = scores(Form::Whitened(whitened));
            for item in 0..40 {
                for other in [dual[item], vectors[item], blocks[item]] {
                    assert!((other - primal[item]).abs() < 5e-5, "{prior:?} {item}: {other} {}", primal[item]);
                }
            }
        }
    }

    /// Forty shards over 5,000 items, each item in one or two of them.
    fn wide(seed: u64) -> Ensemble {
        let members = (0..40).map(|shard: u32| {
            let items: Vec<u32> = (0..5_000).filter(|item| item % 40 == shard || item % 97 == shard).collect();
            let vectors = normals(items.len(), 8, seed + u64::from(shard));
            let model = FakeModel { users: normals(2, 8, 1), items: vectors, vectors: true };
            Member { model: std::sync::Arc::new(model), items, rows: 100 }
        });
        Ensemble::new(members.collect(), 5_000).unwrap()
    }

    #[test]
    fn a_wide_ensemble_is_served_from_its_blocks_as_its_definition_has_it() {
        let ensemble = wide(3);
        let items = [0u32, 40, 80, 97, 1_000, 4_999];
        for prior in PRIORS {
            let joint = Joint::prepare(&ensemble, prior, (1.0, 40.0), None).unwrap();
            assert!(matches!(joint.form, Form::Blocks(_)) && joint.is_sound() && joint.fits(&ensemble));
            assert!(!joint.fits(&super::super::fake_model::ensemble(3, 5_000, 8, 1)));
            let expected = dense(&ensemble, prior, 1.0, 40.0, &items);
            let mut out = vec![7.0; 10_000];
            joint.score(&ensemble, [&[3u32][..], &items].into_iter(), &mut UserSystem::default(), &mut out);
            for item in 0..5_000 {
                let (found, expected) = (f64::from(out[5_000 + item]), expected[item]);
                assert!((found - expected).abs() < 1e-5, "{prior:?} {item}: {found} {expected}");
            }
            let mut alone = vec![7.0; 5_000];
            joint.score(&ensemble, [&items[..]].into_iter(), &mut UserSystem::default(), &mut alone);
            assert_eq!(alone, out[5_000..]);
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
        let ensemble = ensemble(2, 20, 3, 5);
        let joint = Joint::prepare(&ensemble, Prior::Consensus, (1.0, 1.0), None).unwrap();
        let mut out = vec![1.0; 20];
        joint.score(&ensemble, [&[][..]].into_iter(), &mut UserSystem::default(), &mut out);
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
        assert_eq!(error, CombineError::NotFinite { member: 0 });
    }
}
