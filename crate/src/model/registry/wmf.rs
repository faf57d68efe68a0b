//! `wmf`: weighted matrix factorisation (Hu, Koren and Volinsky 2008; parametrised as Rendle et al. 2022), exact
//! alternating least squares.
//!
//! Minimises sum_{(u,i) in S} (1 - y_ui)^2 + alpha sum_{all u,i} y_ui^2 + lambda sum_u (n_u + alpha m)^nu |w_u|^2 + the same for
//! items with (n_i + alpha n), y = w_u . v_i, n users, m items. Values are not used: a row is a one. The objective
//! itself tells convergence, so validation rows are trained on like all others and no refit is needed.

mod choice;

use std::sync::Arc;

use choice::{Choice, Given, choose, choose_by_slice};
use serde::{Deserialize, Serialize};

use crate::model::entry::{ModelEntry, Training};
use crate::model::knobs::{
    ALPHA, Axis, EPOCHS, FACTORS, Knobs, LAMBDA, NU, SLICES, THIRDS, TOLERANCE as TOLERANCE_KNOB,
};
use crate::model::training::{AlsTerms, RoundTrainer, SlicedTraining, UpdateTrace, WeightSide, WeightTable};
use crate::model::weights::{self, finite};
use crate::model::{EpochReport, ModelError, ShardRows, StopReason, SubModel, Trainer};
use crate::numerics::als::{AlsParams, AlsSolver, Factors, Groups, Together};
use crate::numerics::crew::Crew;
use crate::numerics::kernels::{dot, scores, scores_of_all};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, normal};
use crate::numerics::sparse::Csr;

/// Sweeps at most.
const SWEEPS: u32 = 50;
/// Relative decrease of the objective below which it has converged: later sweeps change held-out figures by less than
/// seeds do.
const TOLERANCE: f32 = 1e-3;
/// Share of the objective of no weights at all above which nothing was learned.
const NOTHING: f64 = 0.999;
const ADVICE: &str = "a system of least squares has no finite solution; raise lambda, or lower alpha or factors";

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "wmf",
    title: "Weighted matrix factorisation",
    about: "Weighted matrix factorisation, solved exactly by alternating least squares.",
    code: 0,
    knobs: &[
        FACTORS.defaults_to("64, or 128 where rows are few; no more than the shard has users or items"),
        EPOCHS.defaults_to("50"),
        ALPHA.defaults_to("from the shard's rows: 1.5 sqrt(density), at most 0.3"),
        LAMBDA.defaults_to("from the shard's rows: what noise in them cannot exceed"),
        NU.defaults_to("1"),
        TOLERANCE_KNOB.defaults_to("0.001"),
        SLICES,
    ],
    additive: false,
    slices: Ok(()),
    item_vectors: true,
    stops_on_validation: false,
    search: &[Axis::times(&LAMBDA, THIRDS), Axis::times(&ALPHA, THIRDS)],
    fill,
    train,
    load: Wmf::load,
};

fn fill(knobs: &mut Knobs, rows: &ShardRows) {
    let Choice { params, .. } = choose(rows, &given(knobs));
    knobs.factors.get_or_insert(params.factors as u32);
    knobs.alpha.get_or_insert(params.alpha);
    knobs.lambda.get_or_insert(params.lambda);
    knobs.nu.get_or_insert(params.nu);
    knobs.epochs.get_or_insert(SWEEPS);
    knobs.tolerance.get_or_insert(TOLERANCE);
}

/// What a person has set.
fn given(knobs: &Knobs) -> Given {
    let Knobs { factors, alpha, lambda, nu, .. } = knobs;
    Given { factors: *factors, alpha: *alpha, lambda: *lambda, nu: *nu }
}

/// Alternating least squares under way: one sweep is one epoch.
pub(crate) struct WmfTrainer {
    params: AlsParams,
    by_user: Csr,
    by_item: Csr,
    /// Most items of a shard, and most users of a wide catalogue, have far fewer entries than a vector has values. At the end
    /// users are solved one by one, exactly like a fold-in.
    groups: Groups,
    user_groups: Groups,
    users: Factors,
    items: Factors,
    solver: AlsSolver,
    /// Who helps with a half sweep, a room for each side.
    hands: [Together; 2],
    cap: u32,
    tolerance: f32,
    epoch: u32,
    objective: f64,
    stopped: Option<StopReason>,
    traced: bool,
    /// What was chosen from the rows, in words.
    why: Option<String>,
}

/// One training to convergence. With slices the sweeps are scheduled, one in every round, the last one too: going on to convergence
/// there costs more than it brings (ML-100K, ten shards of eight slices, mean: NDCG@20 .4261 with one sweep in the last round, .4268
/// with two, .4276 without slices; over 100 users one is forgotten 1.7 times quicker: the example `slices`).
fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let Training { rows, knobs: config, seed, shard, sliced, .. } = training;
    let Some(sliced) = sliced else { return Ok(Box::new(WmfTrainer::new(rows, config, seed, shard))) };
    // A checkpoint may know nothing of later slices: the first alone decides.
    let params = choose_by_slice(&rows, &sliced, &given(config));
    let tolerance = config.tolerance;
    let make = move |rows: &ShardRows, round: u32, fresh: &[u32]| -> Box<dyn RoundTrainer> {
        let mut items = Factors::zeros(rows.n_items as usize, params.factors);
        let fresh = fresh.iter().map(|&item| item as usize);
        draw(&mut items, fresh, params.factors, StreamKey::new(seed, Purpose::ItemInit, shard, round));
        Box::new(WmfTrainer::from_items(rows.csr(|_| true), items, params, 1, tolerance))
    };
    Ok(Box::new(SlicedTraining::new(rows, sliced, vec![params.factors as u32], Box::new(make))))
}

/// First values of `rows`: N(0, 0.1 / sqrt(factors)).
fn draw(items: &mut Factors, rows: impl Iterator<Item = usize>, factors: usize, key: StreamKey) {
    let mut rng = key.stream();
    let deviation = 0.1 / (factors as f64).sqrt();
    for row in rows {
        items.row_mut(row)[..factors].fill_with(|| (normal(&mut rng) * deviation) as f32);
    }
}

/// Users are solved from the items, so the items are the whole state.
impl RoundTrainer for WmfTrainer {
    fn tables(&mut self) -> Vec<WeightTable<'_>> {
        vec![WeightTable { side: WeightSide::Item, width: self.items.stride, values: &mut self.items.data }]
    }
}

impl WmfTrainer {
    pub(super) fn new(rows: ShardRows, config: &Knobs, seed: u64, shard: u32) -> Self {
        let Choice { params, why } = choose(&rows, &given(config));
        let (cap, n_items) = (config.epochs.unwrap_or(SWEEPS), rows.n_items as usize);
        let key = StreamKey::new(seed, Purpose::ItemInit, shard, 0);
        let mut trainer = Self::with(rows.csr(|_| true), n_items, params, cap, config.tolerance, key);
        trainer.why = why;
        trainer
    }

    /// From random items.
    pub(crate) fn with(
        by_user: Csr,
        n_items: usize,
        params: AlsParams,
        cap: u32,
        tolerance: Option<f32>,
        key: StreamKey,
    ) -> Self {
        let mut items = Factors::zeros(n_items, params.factors);
        draw(&mut items, 0..n_items, params.factors, key);
        Self::from_items(by_user, items, params, cap, tolerance)
    }

    /// From these items; the users' first values are their first solve.
    fn from_items(by_user: Csr, items: Factors, params: AlsParams, cap: u32, tolerance: Option<f32>) -> Self {
        let by_item = by_user.transposed(items.len());
        WmfTrainer {
            params,
            users: Factors::zeros(by_user.len(), params.factors),
            solver: AlsSolver::new(params),
            hands: Default::default(),
            groups: Groups::new(&by_item, by_user.len(), params.factors),
            user_groups: Groups::new(&by_user, items.len(), params.factors),
            items,
            by_user,
            by_item,
            cap,
            tolerance: tolerance.unwrap_or(TOLERANCE),
            epoch: 0,
            objective: f64::INFINITY,
            stopped: None,
            traced: false,
            why: None,
        }
    }

    /// What a vector costs one user, the items as they are.
    fn terms(&self, user: usize, vector: &[f32]) -> AlsTerms {
        let score = |item: usize| dot(vector, self.items.row(item));
        let square = |x: f32| x * x;
        AlsTerms {
            missed: self.by_user.row(user).iter().map(|&item| square(1.0 - score(item as usize))).sum(),
            spread: (0..self.items.len()).map(|item| square(score(item))).sum(),
            norm: dot(vector, vector),
        }
    }

    /// User and item vectors; the users' are solved once more, so that each is exactly the fold-in of the user's rows.
    pub(crate) fn into_factors(mut self) -> (Factors, Factors) {
        let [hands, _] = &mut self.hands;
        let (groups, users) = (&self.user_groups, &mut self.users);
        if hands.half_sweep(&mut self.solver, groups, &self.by_user, &self.items, users).is_none() {
            // The same systems were solved a moment ago with a neighbouring right side; a shard without a step taken
            // has small random items and the ridge. Should one fail all the same, its user scores nothing.
            self.solver.fix(&self.items);
            for user in 0..self.by_user.len() {
                self.solver.solve(self.by_user.row(user), &self.items, self.users.row_mut(user));
            }
        }
        (self.users, self.items)
    }
}

impl Trainer for WmfTrainer {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.epoch += 1;
        let diverged = ModelError::Diverged { epoch: self.epoch, advice: ADVICE };
        let n_items = self.items.len();
        let followed =
            if self.traced { (0..self.by_user.len()).find(|&user| !self.by_user.row(user).is_empty()) } else { None };
        let before = followed.map(|user| self.terms(user, self.users.row(user)));
        let [users, _] = &mut self.hands;
        users
            .half_sweep_in_groups(&mut self.solver, &mut self.user_groups, &self.by_user, &self.items, &mut self.users)
            .ok_or(diverged.clone())?;
        let trace = followed.zip(before).map(|(user, before)| {
            let rows = self.by_user.row(user).len();
            UpdateTrace::Als {
                user: user as u32,
                rows: rows as u32,
                alpha: self.params.alpha,
                penalty: self.solver.ridge(rows),
                before,
                after: self.terms(user, self.users.row(user)),
            }
        });
        let penalty = self.solver.penalty(&self.by_user, &self.users, n_items);
        let [_, items] = &mut self.hands;
        let items = items
            .half_sweep_in_groups(&mut self.solver, &mut self.groups, &self.by_item, &self.users, &mut self.items)
            .ok_or(diverged)?;
        let objective = items + penalty;
        // A rounding error upwards is convergence as well.
        if self.objective - objective <= f64::from(self.tolerance) * self.objective.min(f64::MAX) {
            // Without any weights each row costs its one.
            let vanished = objective > NOTHING * self.by_user.columns.len() as f64;
            self.stopped = Some(if vanished { StopReason::Vanished } else { StopReason::Converged });
        } else if self.epoch >= self.cap {
            self.stopped = Some(StopReason::EpochCap);
        }
        self.objective = objective;
        Ok(EpochReport {
            epoch: self.epoch,
            loss: (objective / self.by_user.columns.len().max(1) as f64) as f32,
            metric: None,
            refit: false,
            updates: (self.users.len() + self.items.len()) as u64,
            trace,
        })
    }

    fn traced(&mut self, yes: bool) {
        self.traced = yes;
    }

    fn crew(&mut self, crew: &Arc<dyn Crew>) {
        self.hands.iter_mut().for_each(|hands| hands.set(crew));
    }

    fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    fn chosen(&self) -> Option<String> {
        self.why.clone()
    }

    fn progress(&self) -> f32 {
        if self.stopped.is_some() {
            return 1.0;
        }
        // Convergence is geometric and usually takes six to twelve sweeps: never quite there until it is.
        let expected = self.cap.min(8) as f32;
        let done = self.epoch as f32;
        if self.cap <= 8 { done / expected } else { done / (done + expected / 3.0) }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        let params = self.params;
        let (users, items) = self.into_factors();
        Box::new(Wmf::new(params, users.to_matrix(params.factors), items.to_matrix(params.factors)))
    }
}

/// Trained weights.
pub(super) struct Wmf {
    params: AlsParams,
    users: Matrix,
    items: Matrix,
    /// The items with padding, and the solver with their Gram matrix: what a fold-in needs.
    padded: Factors,
    solver: AlsSolver,
}

#[derive(Serialize, Deserialize)]
struct SavedWmf {
    alpha: f32,
    lambda: f32,
    nu: f32,
    users: Matrix,
    items: Matrix,
}

impl Wmf {
    fn new(params: AlsParams, users: Matrix, items: Matrix) -> Self {
        let padded = Factors::from_matrix(&items);
        let mut solver = AlsSolver::new(params);
        solver.fix(&padded);
        Wmf { params, users, items, padded, solver }
    }

    fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
        let saved: SavedWmf = weights::read(bytes)?;
        let params = AlsParams { factors: saved.items.cols(), alpha: saved.alpha, lambda: saved.lambda, nu: saved.nu };
        if params.factors == 0 {
            return Err(weights::refuse("vectors without a value"));
        }
        weights::shape(&saved.users, saved.users.rows(), params.factors)?;
        weights::shape(&saved.items, saved.items.rows(), params.factors)?;
        finite(&[saved.alpha, saved.lambda, saved.nu])?;
        Ok(Box::new(Wmf::new(params, saved.users, saved.items)))
    }
}

impl SubModel for Wmf {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn n_users(&self) -> usize {
        self.users.rows()
    }

    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn user(&self, local_user: u32) -> Vec<f32> {
        self.users.row(local_user as usize).to_vec()
    }

    /// The ridge regression of the user's ones on the item vectors, the user half of a sweep. For a user of the shard
    /// this is `user` bit for bit.
    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Vec<f32> {
        let mut solver = self.solver.clone();
        let mut out = vec![0.0; self.padded.stride];
        solver.solve(items, &self.padded, &mut out);
        out.truncate(self.params.factors);
        out
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        scores(user, &self.items, out);
    }

    fn score_all(&self, users: &[f32], _width: usize, out: &mut [f32]) {
        scores_of_all(users, &self.items, out);
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        Some(&self.items)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let AlsParams { alpha, lambda, nu, .. } = self.params;
        let saved = SavedWmf { alpha, lambda, nu, users: self.users.clone(), items: self.items.clone() };
        weights::write(ENTRY.code, &saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::tests::{exercise, train};
    use crate::model::{ModelConfig, ModelName, trainer};
    use crate::numerics::kernels::dot;

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(6), ..ModelConfig::of(ModelName::Wmf) });
    }

    #[test]
    fn the_objective_falls_in_every_sweep_and_is_what_it_says() {
        let rows = planted(30, 24, 3, 5);
        let config = ModelConfig { factors: Some(5), tolerance: Some(0.0), epochs: Some(9), ..ModelConfig::default() };
        let mut trainer = WmfTrainer::new(rows.clone(), &config.knobs(), 1, 0);
        let mut last = f32::INFINITY;
        while trainer.stopped().is_none() {
            let loss = trainer.step().unwrap().loss;
            assert!(loss <= last * (1.0 + 1e-6), "{loss} after {last}");
            last = loss;
        }
        // By the definition, over all pairs.
        let (alpha, lambda) = (f64::from(trainer.params.alpha), f64::from(trainer.params.lambda));
        let csr = rows.csr(|_| true);
        let mut total = 0.0;
        for user in 0..30 {
            for item in 0..24 {
                let y = f64::from(dot(trainer.users.row(user), trainer.items.row(item)));
                let there = csr.row(user).binary_search(&(item as u32)).is_ok();
                total += alpha * y * y + if there { (1.0 - y) * (1.0 - y) } else { 0.0 };
            }
        }
        for (factors, entries, others) in
            [(&trainer.users, &trainer.by_user, 24.0), (&trainer.items, &trainer.by_item, 30.0)]
        {
            for index in 0..factors.len() {
                let square: f64 = factors.row(index).iter().map(|&x| f64::from(x) * f64::from(x)).sum();
                total += lambda * (entries.row(index).len() as f64 + alpha * others) * square;
            }
        }
        let expected = total / rows.items.len() as f64;
        assert!((f64::from(last) / expected - 1.0).abs() < 1e-5, "{last} {expected}");
    }

    #[test]
    fn a_user_of_the_shard_is_its_own_fold_in() {
        let rows = planted(12, 20, 2, 6);
        let model = train(rows.clone(), &ModelConfig { factors: Some(4), ..ModelConfig::default() }, 3);
        let csr = rows.csr(|_| true);
        for user in 0..12 {
            assert_eq!(model.user(user), model.fold_in(csr.row(user as usize), &[]));
        }
    }

    #[test]
    fn a_traced_solve_has_the_numbers_of_its_formula() {
        let rows = planted(14, 20, 2, 6);
        let config = ModelConfig { factors: Some(4), ..ModelConfig::default() };
        let mut trainer = WmfTrainer::new(rows, &config.knobs(), 3, 0);
        trainer.traced(true);
        for epoch in 0..3 {
            let (old, items) = (trainer.users.row(0).to_vec(), trainer.items.clone());
            let Some(UpdateTrace::Als { user: 0, rows, alpha, penalty, before, after }) = trainer.step().unwrap().trace
            else {
                panic!()
            };
            let own = trainer.by_user.row(0);
            assert_eq!(rows as usize, own.len());
            assert!((penalty - trainer.params.lambda * (own.len() as f32 + alpha * 20.0)).abs() < 1e-6);
            for (told, w) in [(before, &old[..]), (after, trainer.users.row(0))] {
                let y: Vec<f64> = (0..20)
                    .map(|item| w.iter().zip(items.row(item)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum())
                    .collect();
                let missed: f64 = own.iter().map(|&item| (1.0 - y[item as usize]) * (1.0 - y[item as usize])).sum();
                let spread: f64 = y.iter().map(|y| y * y).sum();
                let norm: f64 = w.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
                for (told, expected) in [(told.missed, missed), (told.spread, spread), (told.norm, norm)] {
                    assert!((f64::from(told) - expected).abs() < 1e-4 * (1.0 + expected), "{told} {expected}");
                }
            }
            let total = |terms: AlsTerms| terms.missed + alpha * terms.spread + penalty * terms.norm;
            assert!(total(after) < total(before), "{epoch}: a solve that lowers nothing");
            // The minimum, from a solve of its own.
            let mut solver = trainer.solver.clone();
            solver.fix(&items);
            let least = solver.solve(own, &items, &mut vec![0.0; old.len()]).unwrap();
            assert!((f64::from(total(after)) / least - 1.0).abs() < 1e-4, "{} {least}", total(after));
        }
    }

    #[test]
    fn an_unsolvable_system_is_an_error_with_advice() {
        let rows = planted(12, 20, 2, 6);
        let config = ModelConfig { factors: Some(15), alpha: Some(0.0), lambda: Some(0.0), ..ModelConfig::default() };
        let error = trainer(rows, &config, 3, 0).unwrap().step().err().unwrap();
        assert!(matches!(error, ModelError::Diverged { epoch: 1, .. }), "{error:?}");
        assert!(error.to_string().contains("lambda"));
    }
}
