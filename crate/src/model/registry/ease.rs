//! `ease`: the linear item-item model of Steck (2019).
//!
//! Minimises |X - XB|^2 + lambda |B|^2 with a zero diagonal. With P = (X'X + lambda I)^-1, B_ij = -P_ij / P_jj (equation 8
//! there). X'X is counts, so forgetting a user subtracts integers and solves again.

use serde::{Deserialize, Serialize};

use crate::model::entry::ModelEntry;
use crate::model::item_item::{self, ClosedForm, ItemCounts};
use crate::model::knobs::{Axis, LAMBDA, WIDE};
use crate::model::{ModelError, ShardRows};
use crate::numerics::kernels::{Panels, cholesky, cholesky_inverse, padded};
use crate::numerics::matrix::Matrix;

/// Ridge strength when none is given: 1.7 times the root of the rows, 480 for ML-100K; best on generated sets of 4,000 to 110,000 rows
/// within 3%, where in proportion to the rows small sets lost 13%. From 600 on more gains nothing on large ones.
fn default_lambda(rows: &ShardRows) -> f32 {
    (1.7 * (rows.items.len() as f32).sqrt()).round().clamp(10.0, 600.0)
}

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "ease",
    title: "EASE",
    about: "A linear item-item model in closed form, from counts of who has both.",
    code: 7,
    knobs: &[LAMBDA
        .usually(1.0, 10_000.0)
        .explained("Holds the links between items near zero, counted in people. More of it trusts common pairs only.")
        .defaults_to("1.7 times the root of the shard's rows, from 10 to 600")],
    additive: true,
    slices: Err("0 for ease and itemknn: their counts are subtracted, which no checkpoint makes quicker"),
    item_vectors: false,
    stops_on_validation: false,
    search: &[Axis::times(&LAMBDA, WIDE)],
    fill: |knobs, rows| {
        knobs.lambda.get_or_insert_with(|| default_lambda(rows));
    },
    train: |training| {
        let lambda = training.knobs.lambda.unwrap_or_else(|| default_lambda(&training.rows));
        item_item::trainer(&training, Ease { lambda })
    },
    load: item_item::load::<Ease>,
};

/// Ridge strength.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ease {
    lambda: f32,
}

impl ClosedForm for Ease {
    const ENTRY: &'static ModelEntry = &ENTRY;
    const NUMBER: u32 = 0;

    fn weights(self, counts: &ItemCounts) -> Result<(Matrix, f64), ModelError> {
        weights(counts, self.lambda)
    }
}

/// B, and the objective's value: column j contributes 1 / P_jj - lambda. About n^3 operations for n items.
fn weights(counts: &ItemCounts, lambda: f32) -> Result<(Matrix, f64), ModelError> {
    let n = counts.n_items() as usize;
    let stride = padded(n);
    let mut gram = vec![0.0f32; n * stride];
    for i in 0..n {
        for j in i..n {
            gram[i * stride + j] = counts.get(i as u32, j as u32) as f32;
        }
        gram[i * stride + i] += lambda;
    }
    cholesky(&mut gram, n, stride, &mut Panels::default()).map_err(|_| ModelError::Diverged {
        epoch: 1,
        advice: "the Gram matrix of items is singular; raise lambda (items that always occur together need it above 0)",
    })?;
    let inverse = cholesky_inverse(&gram, n, stride);
    let mut objective = 0.0;
    let scales: Vec<f32> = (0..n).map(|j| -1.0 / inverse[j * stride + j]).collect();
    let mut out = Matrix::zeros(n, n);
    for i in 0..n {
        objective += f64::from(-scales[i] - lambda);
        for (j, place) in out.row_mut(i).iter_mut().enumerate() {
            *place = if i == j { 0.0 } else { inverse[i * stride + j] * scales[j] };
        }
    }
    Ok((out, objective))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::tests::exercise;
    use crate::model::{ModelConfig, ModelName, trainer};

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig::of(ModelName::Ease));
    }

    #[test]
    fn each_column_solves_its_own_ridge_regression_and_the_objective_is_what_it_says() {
        let rows = planted(40, 15, 3, 8).csr(|_| true);
        let counts = ItemCounts::of(&rows, 15).unwrap();
        let (weights, objective) = weights(&counts, 3.0).unwrap();
        // The gradient of column j, without its diagonal: X'(Xb - x_j) + lambda b = 0.
        let gram = |i: usize, j: usize| f64::from(counts.get(i as u32, j as u32));
        for j in 0..15 {
            for i in (0..15).filter(|&i| i != j) {
                let product: f64 = (0..15).map(|l| gram(i, l) * f64::from(weights.row(l)[j])).sum();
                let gradient = product - gram(i, j) + 3.0 * f64::from(weights.row(i)[j]);
                assert!(gradient.abs() < 1e-4, "{i} {j}: {gradient}");
            }
        }
        let mut expected = 0.0;
        for user in 0..40 {
            for j in 0..15u32 {
                let y: f64 = rows.row(user).iter().map(|&i| f64::from(weights.row(i as usize)[j as usize])).sum();
                let x = f64::from(rows.row(user).contains(&j) as u8);
                expected += (x - y) * (x - y);
            }
        }
        expected += weights.data().iter().map(|&b| 3.0 * f64::from(b) * f64::from(b)).sum::<f64>();
        assert!((objective / expected - 1.0).abs() < 1e-4, "{objective} {expected}");
    }

    #[test]
    fn a_singular_system_is_an_error_with_advice() {
        let mut rows = planted(6, 4, 1, 3);
        rows.items = vec![0, 1, 0, 1];
        (rows.n_users, rows.n_items, rows.starts) = (2, 2, vec![0, 2, 4]);
        (rows.values, rows.validation) = (vec![1.0; 4], vec![false; 4]);
        let config = ModelConfig { lambda: Some(0.0), ..ModelConfig::of(ModelName::Ease) };
        let error = trainer(rows, &config, 1, 0).unwrap().step().unwrap_err();
        assert!(error.to_string().contains("raise lambda"), "{error}");
    }
}
