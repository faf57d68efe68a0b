//! `attention`: RecEraser's aggregation (Chen et al., WWW 2022, section 4.3), for models with user and item vectors.
//!
//! Every shard k has a transfer x -> W_k x + b_k, shared by users and items, into a common space. A user's transferred vectors
//! t_k (folded into every shard that knows one of the user's items) are weighted by alpha = softmax_k h' ReLU(A t_k + c) and
//! added up to p; an item's likewise, with its own A, c, h, over the shards that have seen it, to q. The score is p.q.
//!
//! Trained with the base loss of weighted matrix factorisation, (1 - p.q)^2 over the training rows plus a weight times (p.q)^2
//! over all pairs (through Gram matrices) plus L2 on everything, by full-batch Adagrad; the epoch with the least loss on the
//! validation rows is kept. Two things differ from the published code. No vector of a user in a shard is untrained: the user
//! is folded in. And W_k does not begin at random but as the rotation that lays shard k's items onto those of all shards
//! ([`align`](super::align)), b_k at 0: shards are trained apart, so their spaces are turned against each other, and
//! gradient steps take long to find what Procrustes' problem has in closed form.

mod passes;
mod sides;

use passes::{AttentionShape, Rows, UNTOUCHED, forward, gram, loss};
use serde::{Deserialize, Serialize};
use sides::{EntitySide, item_side, user_side};

use super::align::align;
use super::{CombineError, CombinerRows, Ensemble};
use crate::numerics::kernels::dot;
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, normal};

/// Adagrad's step.
const RATE: f32 = 0.004;
/// Epochs without a better validation loss before training ends.
const PATIENCE: u32 = 5;

/// All parameters in one list, so that the optimiser and the tests see one vector. Layout: per shard W (width x width), b;
/// then for users and for items A (hidden x width), c, h.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::combine) struct Attention {
    pub(in crate::combine) width: u32,
    pub(in crate::combine) hidden: u32,
    pub(in crate::combine) shards: u32,
    parameters: Matrix,
    /// q of every item, zero where nobody knows it.
    pub(in crate::combine) items: Matrix,
}

impl Attention {
    /// `None` if no validation row can be used. Errors: models without item vectors.
    pub fn fit(
        ensemble: &Ensemble,
        rows: &CombinerRows<'_>,
        hidden: u32,
        epochs: u32,
        seed: u64,
    ) -> Result<Option<Self>, CombineError> {
        let items = item_side(ensemble)?;
        let width = items.shards[0].1.cols();
        let shape = AttentionShape { width, hidden: hidden as usize, shards: ensemble.n_shards() };
        let usable = |user: &&super::CombinerUser<'_>| user.items.iter().any(|&item| ensemble.knows(item));
        let people: Vec<_> = rows.users.iter().filter(usable).collect();
        if people.iter().all(|user| user.validation.iter().all(|&item| !ensemble.knows(item))) {
            return Ok(None);
        }
        let users = user_side(ensemble, people.iter().map(|user| (user.items, user.values)), width);
        let rows = Rows {
            train: people.iter().map(|user| user.items).collect(),
            validation: people.iter().map(|user| user.validation).collect(),
        };
        let mut parameters = start(shape, &items, seed);
        rescale(shape, &mut parameters, &users, &items, &rows);
        let mut squares = vec![0.0f32; parameters.len()];
        let mut best: Option<(f64, Vec<f32>)> = None;
        let mut waited = 0;
        for _ in 0..epochs {
            let (_, validation, gradient) = loss(shape, &parameters, &users, &items, &rows);
            // The validation loss belongs to the parameters before this step.
            if best.as_ref().is_none_or(|(least, _)| validation < *least) {
                best = Some((validation, parameters.clone()));
                waited = 0;
            } else {
                waited += 1;
                if waited >= PATIENCE {
                    break;
                }
            }
            for ((parameter, square), slope) in parameters.iter_mut().zip(&mut squares).zip(&gradient) {
                *square += slope * slope;
                *parameter -= RATE * slope / (square.sqrt() + 1e-8);
            }
        }
        let parameters = best.map_or(parameters, |(_, parameters)| parameters);
        let items = forward(shape, &parameters, &items, 1).out;
        Ok(Matrix::from_vec(1, shape.len(), parameters).map(|parameters| Attention {
            width: width as u32,
            hidden,
            shards: shape.shards as u32,
            parameters,
            items,
        }))
    }

    /// Do its lengths fit each other?
    pub fn is_sound(&self) -> bool {
        let [width, hidden, shards] = [self.width, self.hidden, self.shards].map(u64::from);
        let bounded = (1..=512).contains(&width) && (1..=256).contains(&hidden) && shards <= 1024;
        bounded && self.items.cols() as u64 == width && self.parameters.data().len() == self.shape().len()
    }

    fn shape(&self) -> AttentionShape {
        AttentionShape { width: self.width as usize, hidden: self.hidden as usize, shards: self.n_shards() }
    }

    pub fn n_items(&self) -> usize {
        self.items.rows()
    }

    pub fn n_shards(&self) -> usize {
        self.shards as usize
    }

    /// Scores of all items; items nobody knows score 0 here.
    pub fn score(&self, ensemble: &Ensemble, items: &[u32], values: &[f32], out: &mut [f32]) {
        let shape = self.shape();
        let user = user_side(ensemble, std::iter::once((items, values)), shape.width);
        let vector = forward(shape, self.parameters.data(), &user, 0).out;
        for (item, place) in out.iter_mut().enumerate() {
            *place = dot(self.items.row(item), vector.row(0));
        }
    }
}

/// Brings the scores of the start to the size that the loss wants: one factor on all transfers, in closed form.
fn rescale(shape: AttentionShape, parameters: &mut [f32], users: &EntitySide, items: &EntitySide, rows: &Rows<'_>) {
    let (p, q) = (forward(shape, parameters, users, 0).out, forward(shape, parameters, items, 1).out);
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    for (user, row) in rows.train.iter().enumerate() {
        for &item in *row {
            let score = f64::from(dot(p.row(user), q.row(item as usize)));
            sum += score;
            squares += score * score;
        }
    }
    let (gram_p, gram_q) = (gram(&p), gram(&q));
    let all: f64 = gram_p.data().iter().zip(gram_q.data()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    let factor = sum / (squares + f64::from(UNTOUCHED) * all);
    if factor > 0.0 && factor.is_finite() {
        let factor = factor.sqrt() as f32;
        parameters[..shape.transfer(shape.shards)].iter_mut().for_each(|value| *value *= factor);
    }
}

/// Transfers that align the shards' items; small random attention.
fn start(shape: AttentionShape, items: &EntitySide, seed: u64) -> Vec<f32> {
    let mut parameters = vec![0.0f32; shape.len()];
    let sides: Vec<(&[u32], &Matrix)> = items.shards.iter().map(|(present, vectors)| (&present[..], vectors)).collect();
    for (shard, rotation) in align(&sides, items.entities).iter().enumerate() {
        parameters[shape.transfer(shard)..][..shape.width * shape.width].copy_from_slice(rotation.data());
    }
    let mut rng = StreamKey::new(seed, Purpose::Combiner, 0, 1).stream();
    let scale = (2.0 / (shape.width + shape.hidden) as f64).sqrt();
    parameters[shape.network(0)..].iter_mut().for_each(|place| *place = (normal(&mut rng) * scale) as f32);
    parameters
}

#[cfg(test)]
mod tests {
    use super::super::CombinerUser;
    use super::super::fake_model::{FakeModel, ensemble};
    use super::*;

    fn rows(n_items: u32, users: usize, step: usize) -> Vec<Vec<u32>> {
        (0..users).map(|user| (user as u32 % 5..n_items).step_by(step + user % 3).collect()).collect()
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let ensemble = ensemble(3, 30, 4, 2);
        let (train, validation) = (rows(30, 8, 4), rows(30, 8, 7));
        let values = [1.0; 30];
        let items = item_side(&ensemble).unwrap();
        let users = user_side(&ensemble, train.iter().map(|row| (&row[..], &values[..row.len()])), 4);
        let shape = AttentionShape { width: 4, hidden: 5, shards: 3 };
        let rows = Rows {
            train: train.iter().map(Vec::as_slice).collect(),
            validation: validation.iter().map(Vec::as_slice).collect(),
        };
        let at = start(shape, &items, 3);
        let (_, _, gradient) = loss(shape, &at, &users, &items, &rows);
        let value = |at: &[f32]| loss(shape, at, &users, &items, &rows).0;
        let mut rng = StreamKey::new(4, Purpose::Synthetic, 0, 0).stream();
        // Along random directions inside each block of parameters, so that no block can hide behind another.
        let blocks = [
            (0, 16),
            (16, 20),
            (20, 36),
            (shape.transfer(2), shape.transfer(3)),
            (shape.network(0), shape.network(0) + 20),
        ];
        let small = [(80, 85), (85, 90)].map(|(a, b)| (a, b));
        let networks = [(shape.network(1), shape.network(2)), (0, shape.len())];
        for (from, to) in blocks.into_iter().chain(small).chain(networks) {
            let direction: Vec<f32> =
                (0..at.len()).map(|i| if (from..to).contains(&i) { normal(&mut rng) as f32 } else { 0.0 }).collect();
            let step = 5e-4;
            let moved =
                |sign: f32| -> Vec<f32> { at.iter().zip(&direction).map(|(x, d)| x + sign * step * d).collect() };
            let slope = (value(&moved(1.0)) - value(&moved(-1.0))) / (2.0 * f64::from(step));
            let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            let size: f64 = gradient[from..to].iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
            assert!((slope - expected).abs() < 0.02 * size + 2e-4, "{from}..{to}: {slope} {expected} {size}");
        }
    }

    #[test]
    fn training_lowers_the_loss_and_scores_repeat() {
        let ensemble = ensemble(3, 30, 4, 2);
        let (train, validation) = (rows(30, 20, 4), rows(30, 20, 7));
        let values = [1.0; 30];
        let users = (0..20)
            .map(|user| CombinerUser {
                items: &train[user],
                values: &values[..train[user].len()],
                validation: &validation[user],
                own: &[],
            })
            .collect();
        let rows = CombinerRows { users };
        let fitted = Attention::fit(&ensemble, &rows, 8, 40, 1).unwrap().unwrap();
        assert_eq!(fitted, Attention::fit(&ensemble, &rows, 8, 40, 1).unwrap().unwrap());
        let all = Rows {
            train: train.iter().map(Vec::as_slice).collect(),
            validation: train.iter().map(|_| &[][..]).collect(),
        };
        let items = item_side(&ensemble).unwrap();
        let users = user_side(&ensemble, train.iter().map(|row| (&row[..], &values[..row.len()])), 4);
        let shape = AttentionShape { width: 4, hidden: 8, shards: 3 };
        let value = |parameters: &[f32]| loss(shape, parameters, &users, &items, &all).0;
        assert!(value(fitted.parameters.data()) < 0.9 * value(&start(shape, &items, 1)));
        let mut out = vec![0.0; 30];
        fitted.score(&ensemble, &train[0], &values[..train[0].len()], &mut out);
        let p = forward(shape, fitted.parameters.data(), &users, 0).out;
        for (item, score) in out.iter().enumerate() {
            assert!((score - super::dot(p.row(0), fitted.items.row(item))).abs() < 1e-5);
        }
    }

    #[test]
    fn models_that_do_not_fit_are_refused_and_no_validation_rows_give_nothing() {
        let whole = ensemble(2, 20, 3, 5);
        assert_eq!(Attention::fit(&whole, &CombinerRows::default(), 4, 3, 1).unwrap(), None);
        let mut members = whole.members().to_vec();
        members[1] = FakeModel::without_vectors(&members[1]);
        let fit = |members| Attention::fit(&Ensemble::new(members, 20).unwrap(), &CombinerRows::default(), 4, 3, 1);
        assert_eq!(fit(members.clone()).unwrap_err().code(), "combine.no_item_vectors");
        // Vectors of another length are padded: the longer one's are met, and the shorter one scores.
        members[1] = ensemble(2, 20, 5, 5).members()[1].clone();
        let mixed = Ensemble::new(members, 20).unwrap();
        let user = CombinerUser { items: &[1, 4, 9], values: &[1.0; 3], validation: &[2, 3, 5, 7, 11], own: &[] };
        let fitted = Attention::fit(&mixed, &CombinerRows { users: vec![user; 3] }, 4, 3, 1).unwrap().unwrap();
        assert_eq!(fitted.width, 5);
        let mut out = vec![0.0; 20];
        fitted.score(&mixed, &[1, 4, 9], &[1.0; 3], &mut out);
        assert!(out.iter().all(|score| score.is_finite()) && out.iter().any(|&score| score != 0.0), "{out:?}");
    }
}
