//! Learning by batches: draw samples, compute the gradient of their mean loss, take one optimiser step over all weights.
//! The engine of `lightgcn`, `gmf`, `neumf`, `dmf` and `mf`.

use super::learner::{Epoch, Learner, TrainRows, WeightSide, WeightTable, batch_size, square};
use super::optimiser::{Adam, Momentum};
use super::sampling::Sampler;
use super::trace::{StepRule, UpdateTrace};
use crate::model::SubModel;
use crate::numerics::kernels::{all_finite, axpy, dot};
use crate::numerics::random::{StreamKey, normal};

/// One thing to learn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::model) struct Sample {
    pub user: u32,
    pub item: u32,
    /// Pairwise: an item that should score lower. Pointwise: not used.
    pub negative: u32,
    /// Pointwise: what the score should say.
    pub target: f32,
}

/// A loss over flat weights.
pub(in crate::model) trait Objective: Send {
    /// The mean loss of the samples; its gradient goes into `gradient`, which comes in zero.
    fn loss_and_gradient(&mut self, weights: &[f32], samples: &[Sample], gradient: &mut [f32]) -> f64;
    /// The trained model.
    fn model(&self, weights: &[f32]) -> Box<dyn SubModel>;
}

/// What is drawn for a row.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) enum Draw {
    /// One sample: the row's item against one the user lacks.
    Pairwise,
    /// The row with its target, and so many items the user lacks with target 0.
    Pointwise(u32),
}

/// Which step is taken.
pub(in crate::model) enum Optimiser {
    Adam(Adam),
    Momentum(Momentum),
}

/// The learner.
pub(in crate::model) struct Batches<O> {
    objective: O,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    optimiser: Optimiser,
    rows: TrainRows,
    sampler: Sampler,
    samples: Vec<Sample>,
    draw: Draw,
    /// TrainRows in a batch.
    batch: usize,
    /// Target of a row with value `top` is 1.
    top: f32,
    key: StreamKey,
    /// How many of the first weights belong to users and to items, in the order in which they stand; the rest is shared.
    sides: Vec<(WeightSide, usize)>,
    /// Values to a user or item.
    width: usize,
}

impl<O: Objective> Batches<O> {
    /// `pieces`: see [`batch_size`].
    pub(in crate::model) fn new(
        rows: TrainRows,
        draw: Draw,
        pieces: (usize, usize),
        key: StreamKey,
        weights: Vec<f32>,
        optimiser: impl FnOnce(usize) -> Optimiser,
        objective: O,
    ) -> Self {
        let batch = batch_size(rows.values.len(), pieces);
        let each = match draw {
            Draw::Pairwise => 1,
            Draw::Pointwise(negatives) => 1 + negatives as usize,
        };
        Batches {
            objective,
            gradient: vec![0.0; weights.len()],
            optimiser: optimiser(weights.len()),
            weights,
            sampler: Sampler::new(rows.csr.clone(), rows.n_items),
            rows,
            samples: Vec::with_capacity(batch * each),
            draw,
            batch,
            top: 0.0,
            key,
            sides: Vec::new(),
            width: 0,
        }
    }

    /// Can be trained slice by slice: `sides` says how many of the first weights belong to users and to items, `width` how many to each.
    pub(in crate::model) fn with_sides(mut self, sides: Vec<(WeightSide, usize)>, width: usize) -> Self {
        (self.sides, self.width) = (sides, width);
        self
    }

    /// Targets are values divided by `top` instead of 1.
    pub(in crate::model) fn with_values(mut self, top: f32) -> Self {
        self.top = top;
        self
    }
}

impl<O: Objective> Learner for Batches<O> {
    fn epoch(&mut self, epoch: u32, traced: bool) -> Epoch {
        let mut rng = StreamKey { epoch, ..self.key }.fast();
        self.sampler.shuffle(&mut rng);
        let (mut loss, mut count, mut updates, mut trace) = (0.0, 0usize, 0u64, None);
        for pairs in self.sampler.pairs.chunks(self.batch) {
            self.samples.clear();
            for &(user, item) in pairs {
                match self.draw {
                    Draw::Pairwise => {
                        let Some(negative) = self.sampler.negative(&mut rng, user) else { continue };
                        self.samples.push(Sample { user, item, negative, target: 1.0 });
                    }
                    Draw::Pointwise(negatives) => {
                        let mut target = 1.0;
                        if self.top > 0.0 {
                            let csr = &self.rows.csr;
                            let at = csr.row(user as usize).binary_search(&item).expect("a pair is one of the rows");
                            target = self.rows.values[csr.starts[user as usize] as usize + at] / self.top;
                        }
                        self.samples.push(Sample { user, item, negative: 0, target });
                        for _ in 0..negatives {
                            let Some(item) = self.sampler.negative(&mut rng, user) else { break };
                            self.samples.push(Sample { user, item, negative: 0, target: 0.0 });
                        }
                    }
                }
            }
            if self.samples.is_empty() {
                continue;
            }
            self.gradient.fill(0.0);
            let mean = self.objective.loss_and_gradient(&self.weights, &self.samples, &mut self.gradient);
            loss += mean * self.samples.len() as f64;
            count += pairs.len();
            updates += self.samples.len() as u64;
            let before = (traced && trace.is_none()).then(|| self.weights.clone());
            match &mut self.optimiser {
                Optimiser::Adam(adam) => adam.step(&mut self.weights, &self.gradient),
                Optimiser::Momentum(momentum) => {
                    let n = self.samples.len() as f32;
                    self.gradient.iter_mut().for_each(|slope| *slope *= n);
                    momentum.step(&mut self.weights, &self.gradient);
                }
            }
            if let Some(before) = before {
                let step: Vec<f32> = self.weights.iter().zip(&before).map(|(now, old)| now - old).collect();
                let gradient = square(&self.gradient).sqrt();
                // The gradient has done its work and is cleared before the next batch.
                self.gradient.fill(0.0);
                let after = self.objective.loss_and_gradient(&self.weights, &self.samples, &mut self.gradient);
                trace = Some(UpdateTrace::Batch {
                    samples: self.samples.len() as u32,
                    before: mean as f32,
                    after: after as f32,
                    rule: self.optimiser.rule(),
                    gradient,
                    rate: self.optimiser.rate(),
                    moved: square(&step).sqrt(),
                });
            }
        }
        Epoch { loss: loss / count.max(1) as f64, updates, trace }
    }

    fn is_finite(&self) -> bool {
        all_finite(&self.weights)
    }

    fn model(&self) -> Box<dyn SubModel> {
        self.objective.model(&self.weights)
    }

    fn tables(&mut self) -> Vec<WeightTable<'_>> {
        let mut tables = Vec::new();
        let (moments, powers) = self.optimiser.state();
        for mut values in std::iter::once(self.weights.as_mut_slice()).chain(moments) {
            for &(side, length) in &self.sides {
                let (own, rest) = values.split_at_mut(length);
                tables.push(WeightTable { side, width: self.width, values: own });
                values = rest;
            }
            tables.push(WeightTable { side: WeightSide::Shared, width: values.len(), values });
        }
        tables.push(WeightTable { side: WeightSide::Shared, width: powers.len(), values: powers });
        tables
    }
}

impl Optimiser {
    fn rate(&self) -> f32 {
        match self {
            Optimiser::Adam(adam) => adam.rate(),
            Optimiser::Momentum(momentum) => momentum.rate(),
        }
    }

    fn rule(&self) -> StepRule {
        match self {
            Optimiser::Adam(_) => StepRule::Adam,
            Optimiser::Momentum(_) => StepRule::Momentum,
        }
    }

    /// What it remembers of every weight, and what of all of them.
    fn state(&mut self) -> (Vec<&mut [f32]>, &mut [f32]) {
        match self {
            Optimiser::Adam(adam) => adam.state(),
            Optimiser::Momentum(momentum) => (vec![momentum.state()], &mut []),
        }
    }
}

/// Appends `rows` vectors of `factors` values N(0, deviation), each padded to `stride` with zeros.
pub(in crate::model) fn push_normal(
    weights: &mut Vec<f32>,
    key: StreamKey,
    rows: usize,
    factors: usize,
    stride: usize,
    deviation: f64,
) {
    let mut rng = key.stream();
    for _ in 0..rows {
        let end = weights.len() + stride;
        weights.extend((0..factors).map(|_| (normal(&mut rng) * deviation) as f32));
        weights.resize(end, 0.0);
    }
}

/// lambda / 2 times the squares of the embeddings of every sample: counted while the samples go by, added once a batch for
/// each embedding that came up.
pub(in crate::model) struct Penalty {
    counts: Vec<u32>,
}

impl Penalty {
    /// For so many embeddings.
    pub(in crate::model) fn new(embeddings: usize) -> Self {
        Penalty { counts: vec![0; embeddings] }
    }

    /// A sample holds this embedding.
    #[inline]
    pub(in crate::model) fn count(&mut self, embedding: u32) {
        self.counts[embedding as usize] += 1;
    }

    /// Adds `share` times the gradient of what was counted, gives its value back (not times `share`) and forgets it. The
    /// embeddings stand at the beginning of `weights`, `stride` values each.
    pub(in crate::model) fn apply(
        &mut self,
        lambda: f32,
        share: f32,
        weights: &[f32],
        gradient: &mut [f32],
        stride: usize,
    ) -> f64 {
        let mut total = 0.0;
        let rows = weights.chunks_exact(stride).zip(gradient.chunks_exact_mut(stride));
        for (count, (row, slope)) in self.counts.iter_mut().zip(rows) {
            if *count > 0 {
                axpy(share * lambda * *count as f32, row, slope);
                total += f64::from(*count as f32 * dot(row, row));
                *count = 0;
            }
        }
        0.5 * f64::from(lambda) * total
    }
}

#[cfg(test)]
pub(in crate::model) mod tests {
    use super::*;
    use crate::numerics::random::{Purpose, unit};

    /// Samples over everybody, with targets between 0 and 1.
    pub(in crate::model) fn samples(n_users: u32, n_items: u32, n: usize) -> Vec<Sample> {
        let mut rng = StreamKey::new(8, Purpose::Order, 0, 0).stream();
        let mut draw = |n: u32| (unit(&mut rng) * f64::from(n)) as u32;
        (0..n)
            .map(|at| Sample {
                user: draw(n_users),
                item: draw(n_items),
                negative: draw(n_items),
                target: (at % 3) as f32 / 2.0,
            })
            .collect()
    }

    /// Compares every coordinate of the gradient with central differences. A kink of a ReLU may lie between the two
    /// points, so one coordinate in fifty may differ.
    pub(in crate::model) fn check_gradient(mut objective: impl Objective, weights: &[f32], samples: &[Sample]) {
        let mut gradient = vec![0.0; weights.len()];
        objective.loss_and_gradient(weights, samples, &mut gradient);
        let mut scratch = vec![0.0; weights.len()];
        let mut near = weights.to_vec();
        let mut wrong = 0;
        let largest = gradient.iter().fold(0.0f32, |a, b| a.max(b.abs()));
        assert!(largest > 1e-3, "a gradient of nothing shows nothing");
        for at in 0..weights.len() {
            near[at] = weights[at] + 2e-3;
            let up = objective.loss_and_gradient(&near, samples, &mut scratch);
            near[at] = weights[at] - 2e-3;
            let down = objective.loss_and_gradient(&near, samples, &mut scratch);
            near[at] = weights[at];
            let slope = ((up - down) / 4e-3) as f32;
            wrong += usize::from((slope - gradient[at]).abs() > 2e-3 * largest.max(0.1) + 0.02 * slope.abs());
        }
        assert!(wrong * 50 <= weights.len(), "{wrong} of {} coordinates", weights.len());
    }
}
