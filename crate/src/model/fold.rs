//! Folding strangers in: a user's vector from the user's own rows and the item side alone, under each model's own loss.
//!
//! Where a model's loss samples negatives, the fold-in takes their expectation: every item the user lacks counts with
//! the same small weight. No random number enters, so a fold-in is a function of weights and rows.

use serde::{Deserialize, Serialize};

use super::dmf::Tower;
use super::weights;
use super::{ModelError, ModelName};
use crate::numerics::als::Factors;
use crate::numerics::kernels::{Panels, all_finite, axpy, cholesky, cholesky_solve, dot, padded, sigmoid, syrk};
use crate::numerics::matrix::Matrix;

/// The rule, with what it needs beyond the item vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Fold {
    /// `bpr`: the pairwise logistic loss to second order around 0, -x/2 + x^2/8, against the mean item.
    Pairwise { lambda: f32 },
    /// `mf`: squared error, `negatives` missing items at 0 for each row; values are divided by `top`.
    Squared { negatives: f32, lambda: f32, top: f32 },
    /// `gmf`: cross-entropy, `negatives` missing items for each row.
    Logistic { negatives: f32, lambda: f32, bias: f32 },
    /// `lightgcn`: one propagation step; row i is the sum of item i's layers over the root of its degree, by layers + 1.
    Propagate { items: Matrix },
    /// `dmf`: the user tower takes the row as input.
    Tower(Tower),
}

impl Fold {
    pub(super) fn model(&self) -> ModelName {
        match self {
            Fold::Pairwise { .. } => ModelName::Bpr,
            Fold::Squared { .. } => ModelName::Mf,
            Fold::Logistic { .. } => ModelName::Gmf,
            Fold::Propagate { .. } => ModelName::Lightgcn,
            Fold::Tower(_) => ModelName::Dmf,
        }
    }

    /// Do sizes hold together, and are the values finite?
    pub(super) fn check(&self, vectors: &Matrix) -> Result<(), ModelError> {
        match self {
            Fold::Pairwise { lambda } => weights::finite(&[*lambda]),
            Fold::Squared { negatives, lambda, top } => weights::finite(&[*negatives, *lambda, *top]),
            Fold::Logistic { negatives, lambda, bias } => weights::finite(&[*negatives, *lambda, *bias]),
            Fold::Propagate { items } => weights::shape(items, vectors.rows(), vectors.cols()),
            Fold::Tower(tower) => tower.check(vectors),
        }
    }
}

/// The ridge of a `bpr` fold-in against lambda: training stops before its minimum, which holds a user back as well, and a
/// fold-in that goes to the minimum with the same lambda ranks held-out rows worse.
const PAIRWISE_RIDGE: f32 = 3.0;
/// Majorisation steps of the logistic fold-in: each lowers the loss, and a dozen leave a thousandth of the way.
const STEPS: usize = 16;

/// A rule ready to serve.
pub(super) struct Folder {
    pub(super) fold: Fold,
    factors: usize,
    n_items: usize,
    /// Item vectors with padding (for `bpr` less their mean) and the sum of their outer products; empty where not needed.
    vectors: Factors,
    gram: Vec<f32>,
}

impl Folder {
    pub(super) fn new(fold: Fold, items: &Matrix) -> Self {
        let (factors, n_items) = (items.cols(), items.rows());
        let mut folder = Folder { fold, factors, n_items, vectors: Factors::default(), gram: Vec::new() };
        let mut items = match folder.fold {
            Fold::Propagate { .. } | Fold::Tower(_) => return folder,
            _ => items.clone(),
        };
        if matches!(folder.fold, Fold::Pairwise { .. }) {
            let mut mean = vec![0.0f32; factors];
            (0..n_items).for_each(|item| axpy(1.0 / n_items as f32, items.row(item), &mut mean));
            (0..n_items).for_each(|item| axpy(-1.0, &mean, items.row_mut(item)));
        }
        folder.gram = syrk(&items);
        folder.vectors = Factors::from_matrix(&items);
        folder
    }

    /// Zero for a user without rows, or where the system has no finite solution.
    pub(super) fn fold_in(&self, items: &[u32], values: &[f32]) -> Vec<f32> {
        if items.is_empty() {
            return vec![0.0; self.factors];
        }
        let out = match &self.fold {
            Fold::Pairwise { lambda } => self.pairwise(items, *lambda),
            Fold::Squared { negatives, lambda, top } => self.squared(items, values, *negatives, *lambda, *top),
            Fold::Logistic { negatives, lambda, bias } => self.logistic(items, *negatives, *lambda, *bias),
            Fold::Propagate { items: sums } => {
                let mut out = vec![0.0; self.factors];
                let scale = 1.0 / (items.len() as f32).sqrt();
                items.iter().for_each(|&item| axpy(scale, sums.row(item as usize), &mut out));
                Some(out)
            }
            Fold::Tower(tower) => Some(tower.represent(items)),
        };
        out.filter(|out| all_finite(out)).unwrap_or_else(|| vec![0.0; self.factors])
    }

    /// all * gram + these * sum over the rows of outer products + ridge, factored.
    fn system(&self, items: &[u32], all: f32, these: f32, ridge: f32) -> Option<Vec<f32>> {
        let (n, stride) = (self.factors, padded(self.factors));
        let mut system: Vec<f32> = self.gram.iter().map(|value| value * all).collect();
        let mut panels = Panels::new(n, items.len());
        items.iter().for_each(|&item| panels.push(self.vectors.row(item as usize)));
        panels.add_gram(these, &mut system, stride);
        for index in 0..n {
            system[index * stride + index] += ridge;
        }
        cholesky(&mut system, n, stride, &mut Panels::default()).is_ok().then_some(system)
    }

    fn solve(&self, system: &[f32], mut right: Vec<f32>) -> Vec<f32> {
        cholesky_solve(system, self.factors, padded(self.factors), &mut right);
        right.truncate(self.factors);
        right
    }

    /// With c = v - mean: (sum_S cc' + n / m sum_all cc') / 4 + n lambda, against sum_S c / 2.
    fn pairwise(&self, items: &[u32], lambda: f32) -> Option<Vec<f32>> {
        let n = items.len() as f32;
        let system = self.system(items, 0.25 * n / self.n_items as f32, 0.25, n * PAIRWISE_RIDGE * lambda.max(1e-6))?;
        let mut right = vec![0.0; self.vectors.stride];
        items.iter().for_each(|&item| axpy(0.5, self.vectors.row(item as usize), &mut right));
        Some(self.solve(&system, right))
    }

    /// The weight of each missing item when every row draws `negatives` of them.
    fn weight(&self, items: &[u32], negatives: f32) -> f32 {
        let missing = self.n_items.saturating_sub(items.len());
        if missing == 0 { 0.0 } else { negatives * items.len() as f32 / missing as f32 }
    }

    fn squared(&self, items: &[u32], values: &[f32], negatives: f32, lambda: f32, top: f32) -> Option<Vec<f32>> {
        let weight = self.weight(items, negatives);
        let ridge = lambda.max(1e-6) * items.len() as f32 * (1.0 + negatives);
        let system = self.system(items, weight, 1.0 - weight, ridge)?;
        let mut right = vec![0.0; self.vectors.stride];
        for (index, &item) in items.iter().enumerate() {
            axpy(values.get(index).unwrap_or(&top) / top, self.vectors.row(item as usize), &mut right);
        }
        Some(self.solve(&system, right))
    }

    /// Newton steps with the Hessian's upper bound, which takes sigma' as 1/4 everywhere (Boehning and Lindsay 1988):
    /// one factorisation serves all steps and none overshoots.
    fn logistic(&self, items: &[u32], negatives: f32, lambda: f32, bias: f32) -> Option<Vec<f32>> {
        let weight = self.weight(items, negatives);
        let ridge = lambda.max(1e-6) * items.len() as f32 * (1.0 + negatives);
        let system = self.system(items, 0.25 * weight, 0.25 * (1.0 - weight), ridge)?;
        let stride = self.vectors.stride;
        let mut user = vec![0.0f32; stride];
        for _ in 0..STEPS {
            let mut slope: Vec<f32> = user.iter().map(|value| -ridge * value).collect();
            let mut own = items.iter().peekable();
            for item in 0..self.n_items {
                let vector = self.vectors.row(item);
                let probability = sigmoid(dot(&user, vector) + bias);
                let there = own.next_if(|&&own| own as usize == item).is_some();
                axpy(if there { 1.0 - probability } else { -weight * probability }, vector, &mut slope);
            }
            axpy(1.0, &self.solve(&system, slope), &mut user);
        }
        user.truncate(self.factors);
        Some(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::math;
    use crate::numerics::random::{Purpose, StreamKey, normal};

    fn items(n: usize, factors: usize) -> Matrix {
        let mut rng = StreamKey::new(4, Purpose::ItemInit, 0, 0).stream();
        Matrix::from_vec(n, factors, (0..n * factors).map(|_| normal(&mut rng) as f32).collect()).unwrap()
    }

    /// Is `loss` lowest at `at`, along every coordinate?
    fn is_minimum(at: &[f32], loss: impl Fn(&[f64]) -> f64) {
        let at: Vec<f64> = at.iter().map(|&x| f64::from(x)).collect();
        for coordinate in 0..at.len() {
            let mut near = at.clone();
            near[coordinate] += 1e-3;
            let up = loss(&near);
            near[coordinate] -= 2e-3;
            let slope = (up - loss(&near)) / 2e-3;
            assert!(slope.abs() < 0.02, "slope {slope} along {coordinate} of {at:?}");
        }
    }

    fn product(user: &[f64], item: &[f32]) -> f64 {
        user.iter().zip(item).map(|(&a, &b)| a * f64::from(b)).sum()
    }

    #[test]
    fn each_rule_finds_the_minimum_of_its_loss() {
        let vectors = items(30, 5);
        let own = [2u32, 3, 11, 29];
        let values = [5.0, 3.0, 4.0, 1.0];
        let folder = |fold| Folder::new(fold, &vectors);

        let user = folder(Fold::Squared { negatives: 2.0, lambda: 0.01, top: 5.0 }).fold_in(&own, &values);
        is_minimum(&user, |user| {
            let mut loss = 0.01 * 12.0 * user.iter().map(|x| x * x).sum::<f64>();
            for item in 0..30u32 {
                let score = product(user, vectors.row(item as usize));
                loss += match own.iter().position(|&x| x == item) {
                    Some(at) => (f64::from(values[at]) / 5.0 - score) * (f64::from(values[at]) / 5.0 - score),
                    None => 8.0 / 26.0 * score * score,
                };
            }
            loss
        });

        let user = folder(Fold::Logistic { negatives: 2.0, lambda: 0.05, bias: -0.4 }).fold_in(&own, &values);
        is_minimum(&user, |user| {
            let mut loss = 0.5 * 0.05 * 12.0 * user.iter().map(|x| x * x).sum::<f64>();
            for item in 0..30u32 {
                let score = product(user, vectors.row(item as usize)) - 0.4;
                loss -= match own.contains(&item) {
                    true => math::ln(math::sigmoid(score)),
                    false => 8.0 / 26.0 * math::ln(math::sigmoid(-score)),
                };
            }
            loss
        });

        let user = folder(Fold::Pairwise { lambda: 0.02 }).fold_in(&own, &values);
        is_minimum(&user, |user| {
            let mut loss = 0.5 * 3.0 * 0.02 * 4.0 * user.iter().map(|x| x * x).sum::<f64>();
            for &item in &own {
                for other in 0..30 {
                    let x = product(user, vectors.row(item as usize)) - product(user, vectors.row(other));
                    loss += (x * x / 8.0 - x / 2.0) / 30.0;
                }
            }
            loss
        });
    }

    #[test]
    fn nobody_is_nothing() {
        let folder = Folder::new(Fold::Pairwise { lambda: 0.02 }, &items(6, 3));
        assert_eq!(folder.fold_in(&[], &[]), [0.0; 3]);
    }
}
