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

use serde::{Deserialize, Serialize};

use super::align::align;
use super::{CombineError, CombinerRows, Ensemble};
use crate::math;
use crate::matrix::Matrix;
use crate::model::kernels::{Into, View, axpy, dot, gemm};
use crate::random::{Purpose, StreamKey, normal};

/// Weight of untouched pairs in the loss. This, the step and the default number of epochs were chosen on a tenth of MovieLens
/// 100K's training rows held out, ten shards, random and RecEraser's: NDCG@20 .232 at the start, .240 with 2 and sixteen
/// epochs at .004; .236 with .3, .238 with 1 and eight epochs.
const UNTOUCHED: f32 = 2.0;
/// Weight of the squared parameters, per training row.
const DECAY: f32 = 1e-4;
/// Adagrad's step.
const RATE: f32 = 0.004;
/// Epochs without a better validation loss before training ends.
const PATIENCE: u32 = 5;

/// All parameters in one list, so that the optimiser and the tests see one vector. Layout: per shard W (width x width), b;
/// then for users and for items A (hidden x width), c, h.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Attention {
    pub(super) width: u32,
    pub(super) hidden: u32,
    pub(super) shards: u32,
    parameters: Matrix,
    /// q of every item, zero where nobody knows it.
    pub(super) items: Matrix,
}

/// One side's inputs: per shard, which entities it has a vector for and the vectors.
struct Side {
    entities: usize,
    shards: Vec<(Vec<u32>, Matrix)>,
}

/// What the forward pass of one side leaves for the backward pass.
struct Pass {
    /// Per shard: transferred vectors and hidden layer.
    transferred: Vec<Matrix>,
    hidden: Vec<Matrix>,
    /// Per shard and present entity.
    weights: Vec<Vec<f32>>,
    out: Matrix,
}

#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    hidden: usize,
    shards: usize,
}

impl Shape {
    fn transfer(&self, shard: usize) -> usize {
        shard * (self.width + 1) * self.width
    }
    /// Where the attention network of a side (0 users, 1 items) begins.
    fn network(&self, side: usize) -> usize {
        self.transfer(self.shards) + side * (self.width + 2) * self.hidden
    }
    fn len(&self) -> usize {
        self.network(2)
    }
}

/// Training rows by user number, for both lists.
struct Rows<'a> {
    train: Vec<&'a [u32]>,
    validation: Vec<&'a [u32]>,
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
        let shape = Shape { width, hidden: hidden as usize, shards: ensemble.n_shards() };
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

    fn shape(&self) -> Shape {
        Shape { width: self.width as usize, hidden: self.hidden as usize, shards: self.n_shards() }
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
fn rescale(shape: Shape, parameters: &mut [f32], users: &Side, items: &Side, rows: &Rows<'_>) {
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

/// M'M.
fn gram(m: &Matrix) -> Matrix {
    let width = m.cols();
    let mut out = Matrix::zeros(width, width);
    gemm(width, width, m.rows(), View::of(m).transposed(), View::of(m), out.data_mut(), width, Into::Set);
    out
}

/// Transfers that align the shards' items; small random attention.
fn start(shape: Shape, items: &Side, seed: u64) -> Vec<f32> {
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

/// The items' vectors, padded with zeros to the widest shard's length: a small shard may have fewer factors.
fn item_side(ensemble: &Ensemble) -> Result<Side, CombineError> {
    let mut own: Vec<(Vec<u32>, &Matrix)> = Vec::with_capacity(ensemble.n_shards());
    for (shard, member) in ensemble.members().iter().enumerate() {
        let method = "attention";
        let refusal = CombineError::NoItemVectors { method, model: member.model.name(), shard: shard as u32 };
        own.push((member.items.clone(), member.model.item_vectors().ok_or(refusal)?));
    }
    let width = own.iter().map(|(_, vectors)| vectors.cols()).max().unwrap_or_default();
    let shards = own.into_iter().map(|(items, vectors)| (items, padded(vectors, width))).collect();
    Ok(Side { entities: ensemble.n_items() as usize, shards })
}

fn padded(vectors: &Matrix, width: usize) -> Matrix {
    let mut out = Matrix::zeros(vectors.rows(), width);
    (0..vectors.rows()).for_each(|row| out.row_mut(row)[..vectors.cols()].copy_from_slice(vectors.row(row)));
    out
}

fn user_side<'a>(ensemble: &Ensemble, users: impl Iterator<Item = (&'a [u32], &'a [f32])>, width: usize) -> Side {
    let mut lists: Vec<(Vec<u32>, Vec<f32>)> = vec![Default::default(); ensemble.n_shards()];
    let mut localised = (Vec::new(), Vec::new());
    let mut entities = 0;
    for (items, values) in users {
        for (shard, (present, vectors)) in lists.iter_mut().enumerate() {
            ensemble.localise(shard, items, values, &mut localised);
            if !localised.0.is_empty() {
                let mut vector = ensemble.members()[shard].model.fold_in(&localised.0, &localised.1);
                vector.resize(width, 0.0);
                present.push(entities as u32);
                vectors.extend(vector);
            }
        }
        entities += 1;
    }
    let matrix = |(present, vectors): (Vec<u32>, Vec<f32>)| {
        let vectors = Matrix::from_vec(present.len(), width, vectors).unwrap_or_default();
        (present, vectors)
    };
    Side { entities, shards: lists.into_iter().map(matrix).collect() }
}

fn forward(shape: Shape, parameters: &[f32], side: &Side, which: usize) -> Pass {
    let Shape { width, hidden, .. } = shape;
    let network = shape.network(which);
    let (a, rest) = parameters[network..network + (width + 2) * hidden].split_at(width * hidden);
    let (c, h) = rest.split_at(hidden);
    let mut pass = Pass {
        transferred: Vec::new(),
        hidden: Vec::new(),
        weights: Vec::new(),
        out: Matrix::zeros(side.entities, width),
    };
    for (shard, (present, vectors)) in side.shards.iter().enumerate() {
        let (w, b) = parameters[shape.transfer(shard)..].split_at(width * width);
        let transferred = affine(vectors, w, &b[..width], present.len());
        let mut middle = affine(&transferred, a, c, present.len());
        middle.data_mut().iter_mut().for_each(|value| *value = value.max(0.0));
        pass.weights.push((0..present.len()).map(|row| dot(middle.row(row), h)).collect());
        pass.transferred.push(transferred);
        pass.hidden.push(middle);
    }
    // Softmax over the shards that have a vector, shifted by the largest exponent.
    let mut largest = vec![f32::NEG_INFINITY; side.entities];
    let mut total = vec![0.0f32; side.entities];
    for ((present, _), weights) in side.shards.iter().zip(&pass.weights) {
        for (&entity, &weight) in present.iter().zip(weights) {
            largest[entity as usize] = largest[entity as usize].max(weight);
        }
    }
    for ((present, _), weights) in side.shards.iter().zip(&mut pass.weights) {
        for (&entity, weight) in present.iter().zip(weights) {
            *weight = math::exp_f32(*weight - largest[entity as usize]);
            total[entity as usize] += *weight;
        }
    }
    for (shard, (present, _)) in side.shards.iter().enumerate() {
        for (row, (&entity, weight)) in present.iter().zip(&mut pass.weights[shard]).enumerate() {
            *weight /= total[entity as usize];
            axpy(*weight, pass.transferred[shard].row(row), pass.out.row_mut(entity as usize));
        }
    }
    pass
}

/// Rows times M' plus a bias; M has as many rows as the bias has values.
fn affine(rows: &Matrix, m: &[f32], bias: &[f32], n: usize) -> Matrix {
    let mut out = Matrix::zeros(n, bias.len());
    let width = m.len() / bias.len().max(1);
    let m = View { data: m, row: width, col: 1 };
    gemm(n, bias.len(), width, View::of(rows), m.transposed(), out.data_mut(), bias.len(), Into::Set);
    for row in 0..n {
        axpy(1.0, bias, out.row_mut(row));
    }
    out
}

/// Loss per training row on the training rows, the same on the validation rows, and the gradient of the former.
fn loss(shape: Shape, parameters: &[f32], users: &Side, items: &Side, rows: &Rows<'_>) -> (f64, f64, Vec<f32>) {
    let width = shape.width;
    let (p, q) = (forward(shape, parameters, users, 0), forward(shape, parameters, items, 1));
    let scale = 1.0 / rows.train.iter().map(|row| row.len()).sum::<usize>().max(1) as f32;
    let (mut gp, mut gq) = (Matrix::zeros(users.entities, width), Matrix::zeros(items.entities, width));
    let (mut touched, mut held, mut n_held) = (0.0f64, 0.0f64, 0usize);
    for user in 0..users.entities {
        for &item in rows.train[user] {
            let item = item as usize;
            let short = 1.0 - dot(p.out.row(user), q.out.row(item));
            touched += f64::from(short) * f64::from(short);
            axpy(-2.0 * short * scale, q.out.row(item), gp.row_mut(user));
            axpy(-2.0 * short * scale, p.out.row(user), gq.row_mut(item));
        }
        for &item in rows.validation[user] {
            let short = 1.0 - dot(p.out.row(user), q.out.row(item as usize));
            held += f64::from(short) * f64::from(short);
            n_held += 1;
        }
    }
    let (gram_p, gram_q) = (gram(&p.out), gram(&q.out));
    let all: f64 = gram_p.data().iter().zip(gram_q.data()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    for (g, out, other) in [(&mut gp, &p.out, &gram_q), (&mut gq, &q.out, &gram_p)] {
        let mut pull = Matrix::zeros(out.rows(), width);
        gemm(out.rows(), width, width, View::of(out), View::of(other), pull.data_mut(), width, Into::Set);
        axpy(2.0 * UNTOUCHED * scale, pull.data(), g.data_mut());
    }
    let mut gradient: Vec<f32> = parameters.iter().map(|value| 2.0 * DECAY * value).collect();
    backward(shape, parameters, users, 0, &p, &gp, &mut gradient);
    backward(shape, parameters, items, 1, &q, &gq, &mut gradient);
    let decay: f64 = parameters.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    let scale = f64::from(scale);
    let untouched = f64::from(UNTOUCHED) * all * scale;
    let total = touched * scale + untouched + f64::from(DECAY) * decay;
    (total, held / n_held.max(1) as f64 + untouched, gradient)
}

fn backward(shape: Shape, parameters: &[f32], side: &Side, which: usize, pass: &Pass, g: &Matrix, out: &mut [f32]) {
    let Shape { width, hidden, .. } = shape;
    let network = shape.network(which);
    let (a, rest) = parameters[network..network + (width + 2) * hidden].split_at(width * hidden);
    let h = &rest[hidden..];
    // sum_j alpha_j (g . t_j): what a softmax takes off every slope.
    let mut mean = vec![0.0f32; side.entities];
    let mut slopes: Vec<Vec<f32>> = Vec::with_capacity(side.shards.len());
    for (shard, (present, _)) in side.shards.iter().enumerate() {
        let slope = |(row, &entity): (usize, &u32)| {
            let slope = dot(g.row(entity as usize), pass.transferred[shard].row(row));
            mean[entity as usize] += pass.weights[shard][row] * slope;
            slope
        };
        slopes.push(present.iter().enumerate().map(slope).collect());
    }
    for (shard, (present, vectors)) in side.shards.iter().enumerate() {
        let n = present.len();
        let mut on_hidden = Matrix::zeros(n, hidden);
        let mut on_transferred = Matrix::zeros(n, width);
        for (row, &entity) in present.iter().enumerate() {
            let weight = pass.weights[shard][row];
            let exponent = weight * (slopes[shard][row] - mean[entity as usize]);
            let active = pass.hidden[shard].row(row);
            for ((place, &value), &h) in on_hidden.row_mut(row).iter_mut().zip(active).zip(h) {
                *place = if value > 0.0 { exponent * h } else { 0.0 };
            }
            axpy(exponent, active, &mut out[network + (width + 1) * hidden..][..hidden]);
            axpy(weight, g.row(entity as usize), on_transferred.row_mut(row));
        }
        let through = View { data: a, row: width, col: 1 };
        add(n, width, hidden, View::of(&on_hidden), through, on_transferred.data_mut());
        let (slot, bias) = out[network..].split_at_mut(width * hidden);
        add(hidden, width, n, View::of(&on_hidden).transposed(), View::of(&pass.transferred[shard]), slot);
        (0..n).for_each(|row| axpy(1.0, on_hidden.row(row), &mut bias[..hidden]));
        let (slot, bias) = out[shape.transfer(shard)..].split_at_mut(width * width);
        add(width, width, n, View::of(&on_transferred).transposed(), View::of(vectors), slot);
        (0..n).for_each(|row| axpy(1.0, on_transferred.row(row), &mut bias[..width]));
    }
}

/// C += A B, rows of n values.
fn add(m: usize, n: usize, k: usize, a: View<'_>, b: View<'_>, c: &mut [f32]) {
    let mut product = vec![0.0; m * n];
    gemm(m, n, k, a, b, &mut product, n, Into::Set);
    axpy(1.0, &product, &mut c[..m * n]);
}

#[cfg(test)]
mod tests {
    use super::super::CombinerUser;
    use super::super::double::{Fixed, ensemble};
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
        let shape = Shape { width: 4, hidden: 5, shards: 3 };
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
        let shape = Shape { width: 4, hidden: 8, shards: 3 };
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
        members[1] = Fixed::without_vectors(&members[1]);
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
