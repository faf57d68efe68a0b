//! Folding strangers in by least squares: a user's vector from the user's own rows and the item vectors alone.
//!
//! Where a model's loss samples negatives, the fold-in takes their expectation: every item the user lacks counts with
//! the same small weight. No random number enters, so a fold-in is a function of weights and rows.

use crate::numerics::Matrix;
use crate::numerics::als::Factors;
use crate::numerics::kernels::{Panels, cholesky, cholesky_solve, padded, syrk};

/// What every user's system is made of: the item vectors and the sum of their outer products.
pub(super) struct FoldSystem {
    pub factors: usize,
    pub n_items: usize,
    /// With padding.
    pub vectors: Factors,
    gram: Vec<f32>,
}

impl FoldSystem {
    pub fn new(items: &Matrix) -> Self {
        let (factors, n_items) = (items.cols(), items.rows());
        FoldSystem { factors, n_items, vectors: Factors::from_matrix(items), gram: syrk(items) }
    }

    /// all * gram + these * sum over the rows of outer products + ridge, factored.
    pub fn system(&self, items: &[u32], all: f32, these: f32, ridge: f32) -> Option<Vec<f32>> {
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

    pub fn solve(&self, system: &[f32], mut right: Vec<f32>) -> Vec<f32> {
        cholesky_solve(system, self.factors, padded(self.factors), &mut right);
        right.truncate(self.factors);
        right
    }

    /// The weight of each missing item when every row draws `negatives` of them.
    pub fn weight(&self, items: &[u32], negatives: f32) -> f32 {
        let missing = self.n_items.saturating_sub(items.len());
        if missing == 0 { 0.0 } else { negatives * items.len() as f32 / missing as f32 }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::numerics::Matrix;
    use crate::numerics::random::{Purpose, StreamKey, normal};

    pub(in crate::model) fn items(n: usize, factors: usize) -> Matrix {
        let mut rng = StreamKey::new(4, Purpose::ItemInit, 0, 0).stream();
        Matrix::from_vec(n, factors, (0..n * factors).map(|_| normal(&mut rng) as f32).collect()).unwrap()
    }

    /// Is `loss` lowest at `at`, along every coordinate?
    pub(in crate::model) fn is_minimum(at: &[f32], loss: impl Fn(&[f64]) -> f64) {
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

    pub(in crate::model) fn product(user: &[f64], item: &[f32]) -> f64 {
        user.iter().zip(item).map(|(&a, &b)| a * f64::from(b)).sum()
    }

    /// A user's items, and values for them.
    pub(in crate::model) const OWN: ([u32; 4], [f32; 4]) = ([2, 3, 11, 29], [5.0, 3.0, 4.0, 1.0]);
}
