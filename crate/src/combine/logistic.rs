//! `logistic`: stacking by logistic regression (UltraRE, Li et al., NeurIPS 2023, section 4.3).
//!
//! Features of a (user, item) pair, in this order: 1; for every shard the user's folded-in score of the item, standardised
//! over the shard's catalogue (0 where the shard never saw the item or none of the user's items). Pairs are every validation
//! row (1) and, for each, a fixed number of sampled items the user never touched (0). Fitted by Newton steps with a small
//! ridge; K + 1 coefficients that can be shown.
//!
//! A user's own shards are left out of the user's training pairs: their sub-models were fitted on the user's validation rows
//! in the end, and recognise them. (With them, and a feature for the own-shard score as UltraRE has it, the fit believed the own
//! shard alone and NDCG@20 on MovieLens 100K fell from .44 to .16.) When scoring, they count like any other shard.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::shard_scores::ShardScores;
use super::{CombinerRows, Ensemble, UserRows};
use crate::numerics::math;
use crate::numerics::random::{Purpose, StreamKey, below};

/// Weight of the squared coefficients (not of the intercept) against the sum of losses.
const RIDGE: f64 = 1.0;
/// Newton steps at most; five to eight are usual.
const STEPS: u32 = 50;

/// A fitted logistic regression over the ensemble's members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LogisticFit {
    /// Shifts every probability; no ranking depends on it.
    pub intercept: f64,
    /// Per member, which is not the shard of that number where a shard before it is empty.
    pub members: Vec<f64>,
    /// Validation rows used.
    pub positives: u32,
    /// Sampled pairs used.
    pub negatives: u32,
    /// Newton steps taken.
    pub steps: u32,
    /// Mean logistic loss at the end.
    pub loss: f64,
}

/// `None` if no validation row can be used, no negative exists, or every user is alone with the own shard.
pub(super) fn fit(ensemble: &Ensemble, rows: &CombinerRows<'_>, negatives: u32, seed: u64) -> Option<LogisticFit> {
    let pairs = features(ensemble, rows, negatives, seed);
    let positives = pairs.labels.iter().filter(|&&label| label).count();
    let silent = pairs.values.chunks_exact(pairs.width).all(|row| row[1..].iter().all(|&value| value == 0.0));
    if positives == 0 || positives == pairs.labels.len() || silent {
        return None;
    }
    let (beta, steps, loss) = newton(&pairs);
    let k = ensemble.n_shards();
    Some(LogisticFit {
        intercept: beta[0],
        members: beta[1..=k].to_vec(),
        positives: positives as u32,
        negatives: (pairs.labels.len() - positives) as u32,
        steps,
        loss,
    })
}

/// Feature rows (`width` each) and what happened.
struct Pairs {
    width: usize,
    values: Vec<f32>,
    labels: Vec<bool>,
}

fn features(ensemble: &Ensemble, rows: &CombinerRows<'_>, negatives: u32, seed: u64) -> Pairs {
    let width = ensemble.n_shards() + 1;
    let known: Vec<u32> = (0..ensemble.n_items()).filter(|&item| ensemble.knows(item)).collect();
    let mut pairs = Pairs { width, values: Vec::new(), labels: Vec::new() };
    let mut rng = StreamKey::new(seed, Purpose::Combiner, 0, 0).fast();
    let mut scores_of = ShardScores::new(ensemble);
    let mut asked: Vec<u32> = Vec::new();
    for user in &rows.users {
        asked.clear();
        asked.extend(user.validation.iter().filter(|&&item| ensemble.knows(item)));
        let touched =
            |item: &u32| user.items.binary_search(item).is_ok() || user.validation.binary_search(item).is_ok();
        let positives = asked.len();
        if positives == 0 || user.items.is_empty() {
            continue;
        }
        for _ in 0..positives as u32 * negatives {
            // A few tries: a user who touched nearly everything gets fewer negatives.
            for _ in 0..16 {
                let item = known[below(&mut rng, known.len() as u32) as usize];
                if !touched(&item) {
                    asked.push(item);
                    break;
                }
            }
        }
        let first = pairs.values.len();
        pairs.labels.extend((0..asked.len()).map(|index| index < positives));
        pairs.values.resize(first + asked.len() * width, 0.0);
        let added = &mut pairs.values[first..];
        let whom = UserRows { items: user.items, values: user.values, own: user.own };
        for shard in 0..ensemble.n_shards() {
            if user.own.iter().any(|&(own, _)| usize::from(own) == shard) {
                continue;
            }
            let Some(scores) = scores_of.standardised(shard, &whom) else { continue };
            for (row, &item) in added.chunks_exact_mut(width).zip(&asked) {
                if let Some(local) = ensemble.local(shard, item) {
                    row[shard + 1] = scores[local as usize];
                }
            }
        }
        added.chunks_exact_mut(width).for_each(|row| row[0] = 1.0);
    }
    pairs
}

/// Minimises sum of losses + RIDGE / 2 * |coefficients|^2, halving a step that does not descend. Also says how many steps
/// it took and the mean loss.
fn newton(pairs: &Pairs) -> (Vec<f64>, u32, f64) {
    let width = pairs.width;
    let mut beta = DVector::<f64>::zeros(width);
    let mut value = objective(pairs, &beta);
    let mut steps = 0;
    while steps < STEPS {
        let (gradient, hessian) = derivatives(pairs, &beta);
        let Some(factor) = hessian.cholesky() else { break };
        let step = factor.solve(&gradient);
        // Newton's decrement: half of it estimates how far the objective still is from its least value.
        if gradient.dot(&step) < 1e-10 * (1.0 + value.abs()) {
            break;
        }
        steps += 1;
        let mut length = 1.0;
        loop {
            let next = &beta - &step * length;
            let reached = objective(pairs, &next);
            if reached < value {
                (beta, value) = (next, reached);
                break;
            }
            length *= 0.5;
            if length < 1e-6 {
                return (beta.as_slice().to_vec(), steps, value / pairs.labels.len() as f64);
            }
        }
    }
    (beta.as_slice().to_vec(), steps, value / pairs.labels.len() as f64)
}

fn margin(row: &[f32], beta: &DVector<f64>) -> f64 {
    row.iter().zip(beta.iter()).map(|(&x, b)| f64::from(x) * b).sum()
}

fn objective(pairs: &Pairs, beta: &DVector<f64>) -> f64 {
    let mut total = 0.0;
    for (row, &label) in pairs.values.chunks_exact(pairs.width).zip(&pairs.labels) {
        let margin = margin(row, beta);
        let away = if label { -margin } else { margin };
        // ln(1 + e^away) without overflow.
        total += away.max(0.0) + math::ln_1p(math::exp(-away.abs()));
    }
    total + 0.5 * RIDGE * beta.iter().skip(1).map(|b| b * b).sum::<f64>()
}

fn derivatives(pairs: &Pairs, beta: &DVector<f64>) -> (DVector<f64>, DMatrix<f64>) {
    let width = pairs.width;
    let mut gradient = DVector::zeros(width);
    let mut hessian = vec![0.0f64; width * width];
    let mut wide = vec![0.0f64; width];
    for (row, &label) in pairs.values.chunks_exact(width).zip(&pairs.labels) {
        wide.iter_mut().zip(row).for_each(|(place, &value)| *place = f64::from(value));
        let chance = math::sigmoid(margin(row, beta));
        let error = chance - f64::from(u8::from(label));
        let weight = chance * (1.0 - chance);
        for i in 0..width {
            gradient[i] += error * wide[i];
            let factor = weight * wide[i];
            for (place, value) in hessian[i * width..][..=i].iter_mut().zip(&wide) {
                *place += factor * value;
            }
        }
    }
    for i in 1..width {
        gradient[i] += RIDGE * beta[i];
        hessian[i * width + i] += RIDGE;
    }
    // A hair on the intercept keeps the system positive definite when all chances saturate.
    hessian[0] += 1e-9;
    let full = DMatrix::from_fn(width, width, |i, j| hessian[i.max(j) * width + i.min(j)]);
    (gradient, full)
}

#[cfg(test)]
mod tests {
    use super::super::CombinerUser;
    use super::super::fake_model::ensemble as fake_ensemble;
    use super::*;
    use crate::numerics::random::{normal, unit};

    fn planted(n: usize, truth: &[f64], seed: u64) -> Pairs {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        let width = truth.len();
        let mut pairs = Pairs { width, values: Vec::new(), labels: Vec::new() };
        for _ in 0..n {
            let row: Vec<f32> = (0..width).map(|at| if at == 0 { 1.0 } else { normal(&mut rng) as f32 }).collect();
            let chance = math::sigmoid(row.iter().zip(truth).map(|(&x, b)| f64::from(x) * b).sum());
            pairs.labels.push(unit(&mut rng) < chance);
            pairs.values.extend(row);
        }
        pairs
    }

    #[test]
    fn derivatives_agree_with_finite_differences() {
        let pairs = planted(60, &[0.3, -1.0, 0.5, 2.0], 2);
        let at = DVector::from_vec(vec![0.1, -0.4, 0.7, 0.2]);
        let (gradient, hessian) = derivatives(&pairs, &at);
        let step = 1e-5;
        for i in 0..4 {
            let mut shifted = [at.clone(), at.clone()];
            shifted[0][i] += step;
            shifted[1][i] -= step;
            let slope = (objective(&pairs, &shifted[0]) - objective(&pairs, &shifted[1])) / (2.0 * step);
            assert!((slope - gradient[i]).abs() < 1e-6, "{i}: {slope} {}", gradient[i]);
            let change = (derivatives(&pairs, &shifted[0]).0 - derivatives(&pairs, &shifted[1]).0) / (2.0 * step);
            for j in 0..4 {
                assert!((change[j] - hessian[(i, j)]).abs() < 1e-6, "{i} {j}");
            }
        }
    }

    #[test]
    fn newton_reaches_the_optimum_that_plain_gradient_descent_creeps_to() {
        let truth = [-0.5, 1.5, 0.0, -2.0];
        let pairs = planted(600, &truth, 3);
        let (beta, steps, _) = newton(&pairs);
        assert!(steps < 15, "{steps}");
        let mut reference = DVector::zeros(4);
        for _ in 0..8_000 {
            let (gradient, _) = derivatives(&pairs, &reference);
            reference -= gradient * 5e-3;
        }
        for i in 0..4 {
            assert!((beta[i] - reference[i]).abs() < 1e-4, "{i}: {} {}", beta[i], reference[i]);
            assert!((beta[i] - truth[i]).abs() < 0.6, "{i}: {} {}", beta[i], truth[i]);
        }
    }

    #[test]
    fn separable_pairs_still_end_with_finite_coefficients() {
        let mut pairs = planted(200, &[0.0, 1.0], 4);
        for (row, label) in pairs.values.chunks_exact(2).zip(&mut pairs.labels) {
            *label = row[1] > 0.0;
        }
        let (beta, _, loss) = newton(&pairs);
        assert!(beta[1] > 2.0 && beta.iter().all(|b| b.is_finite()) && loss < 0.3, "{beta:?} {loss}");
    }

    #[test]
    fn features_are_the_standardised_scores_and_negatives_are_untouched() {
        let ensemble = fake_ensemble(3, 60, 4, 8);
        let items: Vec<u32> = (0..60).step_by(5).collect();
        let validation: Vec<u32> = (1..60).step_by(10).filter(|&item| ensemble.knows(item)).collect();
        let values = vec![1.0; items.len()];
        let user = CombinerUser { items: &items, values: &values, validation: &validation, own: &[(1, 0)] };
        let rows = CombinerRows { users: vec![user] };
        let pairs = features(&ensemble, &rows, 3, 5);
        assert_eq!(pairs.labels.iter().filter(|&&label| label).count(), validation.len());
        assert_eq!(pairs.labels.len(), validation.len() * 4);
        for row in pairs.values.chunks_exact(4) {
            assert_eq!((row[0], row[2]), (1.0, 0.0), "the own shard is left out");
        }
        assert!(pairs.values.chunks_exact(4).any(|row| row[1] != 0.0 && row[3] != 0.0));
        let alone = fake_ensemble(1, 60, 4, 8);
        let user = CombinerUser { own: &[(0, 0)], ..user };
        assert!(fit(&alone, &CombinerRows { users: vec![user] }, 3, 5).is_none(), "nobody else to ask");
        assert!(fit(&ensemble, &CombinerRows::default(), 3, 5).is_none());
    }
}
