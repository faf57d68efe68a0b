//! `bpr`: matrix factorisation under Bayesian personalised ranking (Rendle et al. 2009).
//!
//! Minimises the sum over sampled (u, i, j) - i one of u's items, j not - of -ln sigma(w_u.(v_i - v_j)) + lambda / 2 (|w_u|^2 +
//! |v_i|^2 + |v_j|^2), one gradient step per sample; every row is sampled once an epoch, j uniformly. Values are not used.

use serde::{Deserialize, Serialize};

use crate::model::entry::{ModelEntry, Training};
use crate::model::fold::FoldSystem;
use crate::model::knobs::{Axis, EPOCHS, FACTORS, HALVES, LAMBDA, PATIENCE, RATE, REFIT, SLICES, THIRDS, TOLERANCE};
use crate::model::training::{Defaults, Epoch, Learner, Sampler, Settings, TrainRows, WeightSide, WeightTable, start};
use crate::model::vectors::{self, FoldRule, Vectors};
use crate::model::{ModelError, PairScores, SubModel, Trainer, UpdateTrace, weights};
use crate::numerics::kernels::{LANES, Lanes, all_finite, axpy, dot, padded, sigmoid, softplus, tree};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, normal};

const ADVICE: &str = "the vectors grow without bound; lower the rate or raise lambda";

/// Updates before patience begins.
const WARM_UPDATES: usize = 300_000;

/// Epochs after which the rate is half of what it began with: large steps find the way, small ones come to rest.
const HALVED: f32 = 8.0;

/// Every so many groups of samples one loss is looked at: the logarithm costs as much as an update.
const LOOK: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Params {
    factors: usize,
    rate: f32,
    lambda: f32,
    key: StreamKey,
}

/// Chosen on nine generated sets and confirmed on ML-100K (`npm run bench -- quality bpr`). A rate that falls from .15 ranks better than
/// a fixed .01, since noise in the vectors is as large as the last steps. Where rows are few, vectors are longer and held back more;
/// where nothing but popularity is to be learned, smaller steps would do better. Validation rows are few, so their figure is noisy:
/// patience is long.
const DEFAULTS: Defaults = Defaults {
    factors: (64, 128),
    rate: 0.15,
    lambda: |shape| shape.penalty(0.03, 0.35, 0.07),
    layers: 0,
    negatives: 0,
    pieces: None,
    every: 5,
    patience: 10,
    cap: 1000,
    without: 150,
};

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "bpr",
    title: "BPR",
    about: "Matrix factorisation that learns to rank a person's items above others, pair by pair.",
    code: 1,
    knobs: &[
        FACTORS.defaults_to("64, or 128 where rows are few for each user and item"),
        EPOCHS.defaults_to("1000"),
        LAMBDA.defaults_to("from the shard's rows: 0.03, up to 0.07 where they are few for each user and item; half of it in one of many shards"),
        RATE.defaults_to("0.15; half of it after 8 epochs, a third after 16"),
        PATIENCE.defaults_to("10"),
        TOLERANCE.defaults_to("0.001"),
        REFIT,
        SLICES,
    ],
    additive: false,
    slices: Ok(()),
    item_vectors: true,
    stops_on_validation: true,
    search: &[Axis::times(&LAMBDA, THIRDS), Axis::times(&RATE, HALVES)],
    fill: |knobs, rows| DEFAULTS.fill(knobs, rows),
    train,
    load,
};

fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let settings = DEFAULTS.under(&training);
    let Training { rows, sliced, .. } = training;
    let Settings { factors, rate, lambda, mut stopping, key, why, .. } = settings;
    let params = Params { factors, rate, lambda, key };
    // The vectors begin near zero and leave it slowly: a small shard takes many epochs before ranks say anything.
    stopping.warm = (WARM_UPDATES / rows.items.len().max(1)).min(200) as u32;
    let make = move |rows: TrainRows, round: u32| -> Box<dyn Learner> {
        Box::new(Bpr::new(rows, Params { key: StreamKey { epoch: round, ..params.key }, ..params }))
    };
    Ok(start(rows, sliced, stopping, ADVICE, Vec::new(), why, Box::new(make)))
}

impl Params {
    /// The rate of an epoch, from 1.
    fn rate_in(&self, epoch: u32) -> f32 {
        self.rate * HALVED / (HALVED + (epoch - 1) as f32)
    }
}

struct Bpr {
    params: Params,
    sampler: Sampler,
    groups: usize,
    users: Vec<Lanes>,
    items: Vec<Lanes>,
}

/// Vectors of N(0, .1 / sqrt(factors)), padded.
fn initial(rows: usize, factors: usize, key: StreamKey) -> Vec<Lanes> {
    let groups = padded(factors) / LANES;
    let mut rng = key.stream();
    let deviation = 0.1 / (factors as f64).sqrt();
    let mut out = vec![[0.0; LANES]; rows * groups];
    for row in out.chunks_mut(groups) {
        for at in 0..factors {
            row[at / LANES][at % LANES] = (normal(&mut rng) * deviation) as f32;
        }
    }
    out
}

impl Bpr {
    fn new(rows: TrainRows, params: Params) -> Self {
        let key = |purpose| StreamKey { purpose, ..params.key };
        Bpr {
            params,
            groups: padded(params.factors) / LANES,
            users: initial(rows.csr.len(), params.factors, key(Purpose::UserInit)),
            items: initial(rows.n_items as usize, params.factors, key(Purpose::ItemInit)),
            sampler: Sampler::new(rows.csr, rows.n_items),
        }
    }

    /// One pass. Inlined for each number of groups that is common, so that loops over a vector are unrolled.
    ///
    /// Eight samples are drawn at a time, and how hard each pulls is computed before any of them moves a vector: no
    /// sample waits for the one before it, and the sigmoid works on whole lanes.
    #[inline(always)]
    fn pass(&mut self, epoch: u32, groups: usize, traced: bool) -> Epoch {
        let Params { lambda, key, .. } = self.params;
        let rate = self.params.rate_in(epoch);
        let mut rng = StreamKey { epoch, ..key }.fast();
        self.sampler.shuffle(&mut rng);
        let vector = |row: u32| row as usize * groups..row as usize * groups + groups;
        let (mut loss, mut looks, mut updates, mut trace) = (0.0, 0u32, 0u64, None);
        let mut samples = [(0, 0, 0); LANES];
        for (number, pairs) in self.sampler.pairs.chunks(LANES).enumerate() {
            let mut drawn = 0;
            for &(user, positive) in pairs {
                if let Some(negative) = self.sampler.negative(&mut rng, user) {
                    samples[drawn] = (user, positive, negative);
                    drawn += 1;
                }
            }
            let samples = &samples[..drawn];
            let mut differences = [0.0; LANES];
            for (difference, &(user, positive, negative)) in differences.iter_mut().zip(samples) {
                let [w, v, n] =
                    [&self.users[vector(user)], &self.items[vector(positive)], &self.items[vector(negative)]];
                *difference = preference(w, v, n);
            }
            if traced && trace.is_none() {
                trace = samples.first().map(|&sample| self.trace(sample, rate));
            }
            let pulls = differences.map(|difference| rate * sigmoid(-difference));
            for (&(user, positive, negative), pull) in samples.iter().zip(pulls) {
                let Ok([v, n]) = self.items.get_disjoint_mut([vector(positive), vector(negative)]) else { continue };
                step(&mut self.users[vector(user)], v, n, pull, 1.0 - rate * lambda);
            }
            updates += drawn as u64;
            if number % LOOK == 0 && drawn > 0 {
                loss += f64::from(softplus(-differences[0]));
                looks += 1;
            }
        }
        Epoch { loss: loss / f64::from(looks.max(1)), updates, trace }
    }

    /// The step that a sample is about to take, on copies: what the first of a group of samples does.
    #[cold]
    fn trace(&self, (user, item, negative): (u32, u32, u32), rate: f32) -> UpdateTrace {
        let lambda = self.params.lambda;
        let copy = |of: &[Lanes], row: u32| of[row as usize * self.groups..][..self.groups].to_vec();
        let (mut w, mut v, mut n) = (copy(&self.users, user), copy(&self.items, item), copy(&self.items, negative));
        let scores = |w: &[Lanes], v: &[Lanes], n: &[Lanes]| PairScores {
            item: dot(w.as_flattened(), v.as_flattened()),
            negative: dot(w.as_flattened(), n.as_flattened()),
        };
        let before = scores(&w, &v, &n);
        let pull = sigmoid(-preference(&w, &v, &n));
        step(&mut w, &mut v, &mut n, rate * pull, 1.0 - rate * lambda);
        UpdateTrace::Pairwise { user, item, negative, rate, lambda, pull, before, after: scores(&w, &v, &n) }
    }
}

/// w.(v - n).
#[inline(always)]
fn preference(w: &[Lanes], v: &[Lanes], n: &[Lanes]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for ((w, v), n) in w.iter().zip(v).zip(n) {
        for lane in 0..LANES {
            sums[lane] += w[lane] * (v[lane] - n[lane]);
        }
    }
    tree(sums)
}

/// One gradient step; `pull` is rate * sigma(-preference), `shrink` 1 - rate * lambda.
#[inline(always)]
fn step(w: &mut [Lanes], v: &mut [Lanes], n: &mut [Lanes], pull: f32, shrink: f32) {
    for ((w, v), n) in w.iter_mut().zip(v.iter_mut()).zip(n.iter_mut()) {
        for lane in 0..LANES {
            let (old, good, bad) = (w[lane], v[lane], n[lane]);
            w[lane] = shrink * old + pull * (good - bad);
            v[lane] = shrink * good + pull * old;
            n[lane] = shrink * bad - pull * old;
        }
    }
}

impl Learner for Bpr {
    fn epoch(&mut self, epoch: u32, traced: bool) -> Epoch {
        match self.groups {
            2 => self.pass(epoch, 2, traced),
            4 => self.pass(epoch, 4, traced),
            8 => self.pass(epoch, 8, traced),
            groups => self.pass(epoch, groups, traced),
        }
    }

    fn is_finite(&self) -> bool {
        all_finite(self.users.as_flattened()) && all_finite(self.items.as_flattened())
    }

    fn model(&self) -> Box<dyn SubModel> {
        let factors = self.params.factors;
        let matrix = |lanes: &[Lanes]| {
            let mut out = Matrix::zeros(lanes.len() / self.groups, factors);
            for (index, row) in lanes.chunks(self.groups).enumerate() {
                out.row_mut(index).copy_from_slice(&row.as_flattened()[..factors]);
            }
            out
        };
        let items = matrix(&self.items);
        let rule = PairwiseRule { lambda: self.params.lambda }.over(&items);
        Vectors::boxed(&ENTRY, matrix(&self.users), items, rule)
    }

    fn tables(&mut self) -> Vec<WeightTable<'_>> {
        let width = self.groups * LANES;
        vec![
            WeightTable { side: WeightSide::User, width, values: self.users.as_flattened_mut() },
            WeightTable { side: WeightSide::Item, width, values: self.items.as_flattened_mut() },
        ]
    }
}

fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (users, items, rule) = vectors::read::<PairwiseRule>(bytes, RULE)?;
    weights::finite(&[rule.lambda])?;
    let rule = rule.over(&items);
    Ok(Vectors::boxed(&ENTRY, users, items, rule))
}

/// The number of the rule in saved weights.
const RULE: u32 = 0;
/// The ridge of a fold-in against lambda: training stops before its minimum, which holds a user back as well, and a
/// fold-in that goes to the minimum with the same lambda ranks held-out rows worse.
const PAIRWISE_RIDGE: f32 = 3.0;

/// Folding in: the pairwise logistic loss to second order around 0, -x/2 + x^2/8, against the mean item.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct PairwiseRule {
    lambda: f32,
}

impl PairwiseRule {
    fn over(self, items: &Matrix) -> PairwiseFold {
        let (mut items, n_items) = (items.clone(), items.rows());
        let mut mean = vec![0.0f32; items.cols()];
        (0..n_items).for_each(|item| axpy(1.0 / n_items as f32, items.row(item), &mut mean));
        (0..n_items).for_each(|item| axpy(-1.0, &mean, items.row_mut(item)));
        PairwiseFold { rule: self, system: FoldSystem::new(&items) }
    }
}

struct PairwiseFold {
    rule: PairwiseRule,
    /// Of the items less their mean.
    system: FoldSystem,
}

impl FoldRule for PairwiseFold {
    /// With c = v - mean: (sum_S cc' + n / m sum_all cc') / 4 + n lambda, against sum_S c / 2.
    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Option<Vec<f32>> {
        let n = items.len() as f32;
        let system = self.system.system(
            items,
            0.25 * n / self.system.n_items as f32,
            0.25,
            n * PAIRWISE_RIDGE * self.rule.lambda.max(1e-6),
        )?;
        let mut right = vec![0.0; self.system.vectors.stride];
        items.iter().for_each(|&item| axpy(0.5, self.system.vectors.row(item as usize), &mut right));
        Some(self.system.solve(&system, right))
    }

    fn save(&self) -> Vec<u8> {
        vectors::saved_rule(RULE, &self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fold::tests::{OWN, is_minimum, items, product};
    use crate::model::rows::tests::planted;
    use crate::model::tests::exercise;
    use crate::model::{ModelConfig, ModelName, StopReason, trainer};
    use crate::numerics::math;

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Bpr) });
    }

    #[test]
    fn an_update_is_a_step_down_the_gradient_by_finite_differences() {
        let value = |x: usize| ((x * 37 % 23) as f32 - 11.0) / 10.0;
        let base: Vec<Lanes> = (0..6).map(|g| std::array::from_fn(|lane| value(g * 8 + lane))).collect();
        let loss = |all: &[f32]| {
            let (mut difference, mut squares) = (0.0f64, 0.0f64);
            for at in 0..16 {
                difference += f64::from(all[at]) * (f64::from(all[16 + at]) - f64::from(all[32 + at]));
            }
            all.iter().for_each(|&x| squares += f64::from(x) * f64::from(x));
            math::ln_1p(math::exp(-difference)) + 0.5 * 0.3 * squares
        };
        let mut stepped = base.clone();
        let [w, rest @ ..] = stepped.as_chunks_mut::<2>().0 else { panic!() };
        let [v, n] = rest else { panic!() };
        let pull = 0.01 * sigmoid(-preference(w, v, n));
        step(w, v, n, pull, 1.0 - 0.01 * 0.3);
        for at in 0..48 {
            let mut near = base.as_flattened().to_vec();
            near[at] += 1e-3;
            let up = loss(&near);
            near[at] -= 2e-3;
            let slope = (up - loss(&near)) / 2e-3;
            let step = f64::from(stepped.as_flattened()[at] - base.as_flattened()[at]);
            assert!((step + 0.01 * slope).abs() < 2e-5, "{at}: {step} {slope}");
        }
    }

    #[test]
    fn a_traced_step_has_the_numbers_of_its_formula() {
        // One user who has one of two items: the pass is a single sample, so weights before and after are its own.
        let csr = crate::numerics::sparse::Csr { starts: vec![0, 1], columns: vec![0] };
        let key = StreamKey::new(1, Purpose::Negatives, 0, 0);
        let params = Params { factors: 5, rate: 0.1, lambda: 0.3, key };
        let mut bpr = Bpr::new(TrainRows { csr, values: vec![1.0], n_items: 2 }, params);
        bpr.users.as_flattened_mut()[..5].fill(0.7);
        for epoch in 1..4 {
            let scores = |bpr: &Bpr| {
                let (w, [v, n]) = (&bpr.users, [&bpr.items[..1], &bpr.items[1..]]);
                [v, n].map(|x| -> f64 {
                    w.as_flattened().iter().zip(x.as_flattened()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                })
            };
            let old = scores(&bpr);
            let Some(UpdateTrace::Pairwise { user: 0, item: 0, negative: 1, rate, lambda, pull, before, after }) =
                bpr.epoch(epoch, true).trace
            else {
                panic!()
            };
            let new = scores(&bpr);
            assert_eq!((rate, lambda), (0.1 * HALVED / (HALVED + (epoch - 1) as f32), 0.3));
            assert!((f64::from(pull) - 1.0 / (1.0 + math::exp(old[0] - old[1]))).abs() < 1e-5);
            for (told, expected) in
                [before.item, before.negative, after.item, after.negative].iter().zip([old, new].concat())
            {
                assert!((f64::from(*told) - expected).abs() < 1e-6, "{told} {expected}");
            }
            assert!(after.item - after.negative > before.item - before.negative);
        }
    }

    #[test]
    fn what_was_chosen_from_the_rows_is_told_and_what_was_given_is_not() {
        let why = |config: &ModelConfig| trainer(planted(30, 20, 2, 3), config, 1, 0).unwrap().chosen();
        let told = why(&ModelConfig::of(ModelName::Bpr)).unwrap();
        assert!(
            told.starts_with("128 factors, penalty 0.0") && told.ends_with("rows of 30 people and 20 items"),
            "{told}"
        );
        let given = ModelConfig { factors: Some(8), lambda: Some(0.1), ..ModelConfig::of(ModelName::Bpr) };
        assert_eq!(why(&given), None);
    }

    #[test]
    fn where_the_penalty_leaves_less_than_popularity_it_is_said() {
        // Everybody takes from the same popularity.
        let likely = |_, item: u32| (2.0 / (f64::from(item) + 1.0)).min(0.7);
        let rows = crate::model::rows::tests::drawn(300, 200, StreamKey::new(4, Purpose::Synthetic, 0, 9), likely);
        let reason = |lambda| {
            let (rate, epochs) = (Some(0.05), Some(40));
            let config =
                ModelConfig { lambda: Some(lambda), rate, epochs, refit: false, ..ModelConfig::of(ModelName::Bpr) };
            let mut trainer = trainer(rows.clone(), &config, 1, 0).unwrap();
            while trainer.stopped().is_none() {
                trainer.step().unwrap();
            }
            trainer.stopped().unwrap()
        };
        assert_eq!(reason(5.0), StopReason::BelowPopularity);
        assert!(!reason(0.02).is_collapse(), "{:?}", reason(0.02));
    }

    #[test]
    fn an_unrolled_pass_gives_the_same_bits() {
        let rows = planted(20, 15, 2, 3);
        let make = || {
            let params =
                Params { factors: 13, rate: 0.1, lambda: 0.01, key: StreamKey::new(1, Purpose::Negatives, 0, 0) };
            Bpr::new(TrainRows { csr: rows.csr(|_| true), values: rows.values.clone(), n_items: 15 }, params)
        };
        let (mut fixed, mut any) = (make(), make());
        for epoch in 1..4 {
            let (a, b) = (fixed.pass(epoch, 2, false), any.pass(epoch, std::hint::black_box(2), false));
            assert_eq!((a.loss, a.updates), (b.loss, b.updates));
        }
        assert_eq!((fixed.users, fixed.items), (any.users, any.items));
    }

    #[test]
    fn a_rate_far_too_high_is_stopped_with_advice() {
        let config = ModelConfig { rate: Some(10.0), lambda: Some(1.0), ..ModelConfig::of(ModelName::Bpr) };
        let mut trainer = trainer(planted(20, 15, 2, 3), &config, 1, 0).unwrap();
        let error = (0..50).find_map(|_| trainer.step().err()).unwrap();
        assert!(error.to_string().contains("lower the rate"), "{error}");
    }

    #[test]
    fn folding_in_finds_the_minimum_of_the_loss() {
        let vectors = items(30, 5);
        let (own, values) = OWN;
        let user = PairwiseRule { lambda: 0.02 }.over(&vectors).fold_in(&own, &values).unwrap();
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
}
