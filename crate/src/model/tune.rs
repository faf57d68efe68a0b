//! A small search over a model's knobs, on rows that the models never train on.
//!
//! The rows' validation flags say which rows measure. They are taken out; what is left is trained on as if it were all there
//! is, a tenth of it (by a keyed hash) deciding when to stop, exactly as in a real run. So no row that measures has a say in
//! a stop, and test rows are not here at all: whoever calls has none to give.
//!
//! Every trial of every shard is a function of its own ([`Tuning::trial`]): they may run anywhere and in any order.

use serde::{Deserialize, Serialize};

use super::training::ndcg_of_users;
use super::{ModelConfig, ModelError, ShardRows, StopReason, trainer};
use crate::numerics::random::{Purpose, keyed_fraction};
use crate::numerics::sparse::Csr;

/// Share of the remaining rows that decides when to stop.
const STOPPING: f64 = 0.1;

/// What to search, and on what.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Each shard's rows to train on.
    train: Vec<ShardRows>,
    /// The same shards' rows to measure on.
    held_out: Vec<Csr>,
    grid: Vec<ModelConfig>,
    seed: u64,
}

/// What one setting is worth on one shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// NDCG@20 of each user with held-out rows.
    pub ndcg: Vec<f64>,
    /// Epochs of the final fit.
    pub epochs: u32,
    /// Why the first one stopped.
    pub stop: StopReason,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Every knob of the model.
    pub config: ModelConfig,
    /// The knobs that the grid moves, as they are pasted: `rate=0.01`.
    pub paste: Vec<String>,
    /// Is it what a run without settings uses?
    pub is_default: bool,
    /// Mean NDCG@20 over users with held-out rows; none where it diverged.
    pub ndcg: Option<f64>,
    /// How far below the best, mean over the same users; 0 for the best.
    pub behind: f64,
    /// Standard error of that difference: a setting less than twice this behind is as good as the best.
    pub error: f64,
    /// Most epochs of a shard.
    pub epochs: u32,
    /// What went wrong, in words.
    pub failure: Option<String>,
}

/// The settings that are tried around `base`: those of the knobs that the model's entry names, its own values in the middle.
pub fn grid(base: &ModelConfig) -> Vec<ModelConfig> {
    let mut out = vec![base.clone()];
    for axis in base.name.entry().search {
        let mut moved: Vec<ModelConfig> = Vec::new();
        for config in &out {
            for &step in axis.steps {
                let mut knobs = config.knobs();
                knobs.step(axis, step);
                let config = ModelConfig::with(base.name, knobs);
                if !moved.contains(&config) {
                    moved.push(config);
                }
            }
        }
        out = moved;
    }
    out
}

impl Tuning {
    /// `shards` as they would be trained, one for a single model on everything. Knobs that `config` sets stay as they are set
    /// in the middle of the grid.
    ///
    /// Errors: a knob out of range; a shard that does not hold together; no validation row anywhere, or none left to train.
    pub fn new(shards: Vec<ShardRows>, config: &ModelConfig, seed: u64) -> Result<Self, ModelError> {
        config.check()?;
        let refuse = |expected, value: &str| Err(ModelError::Parameter { name: "rows", expected, value: value.into() });
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (shard, rows) in shards.iter().enumerate() {
            rows.check()?;
            let held = rows.csr(|row| rows.validation[row]);
            let rest = stopping_rows(rows, seed, shard as u32);
            if !rest.items.is_empty() && !held.columns.is_empty() {
                train.push(rest);
                held_out.push(held);
            }
        }
        if train.is_empty() {
            return refuse(
                "rows of which some are held out for validation and some are not (a file with more rows per user, or a larger \
                 validation share)",
                "none in any shard",
            );
        }
        let base = config.filled(&shards[0]);
        Ok(Tuning { train, held_out, grid: grid(&base), seed })
    }

    /// The settings to try.
    pub fn grid(&self) -> &[ModelConfig] {
        &self.grid
    }

    /// Shards with rows to train and to measure on.
    pub fn shards(&self) -> usize {
        self.train.len()
    }

    /// Trains one setting on one shard and measures it on that shard's held-out rows.
    ///
    /// Errors: the training diverged, or a setting out of its range. Panics like an index if there is no such setting or shard.
    pub fn trial(&self, setting: usize, shard: usize) -> Result<Trial, ModelError> {
        let rows = &self.train[shard];
        let mut trainer = trainer(rows.clone(), &self.grid[setting], self.seed, shard as u32)?;
        let (mut epochs, mut stop) = (0, trainer.stopped());
        while stop.is_none() {
            epochs = trainer.step()?.epoch;
            stop = trainer.stopped();
        }
        let model = trainer.finish();
        let ndcg = ndcg_of_users(model.as_ref(), &rows.csr(|_| true), &self.held_out[shard]);
        Ok(Trial { ndcg, epochs, stop: stop.expect("the loop ends with a reason") })
    }

    /// The table, best first, from every setting's trials over all shards in their order.
    pub fn table(&self, trials: &[Vec<Result<Trial, ModelError>>]) -> Vec<Setting> {
        let mut lines: Vec<(Setting, Vec<f64>)> = Vec::new();
        for (at, (config, trials)) in self.grid.iter().zip(trials).enumerate() {
            let failure = trials.iter().find_map(|trial| trial.as_ref().err()).map(ToString::to_string);
            let done = || trials.iter().filter_map(|trial| trial.as_ref().ok());
            let users: Vec<f64> = done().flat_map(|trial| trial.ndcg.iter().copied()).collect();
            let mean = users.iter().sum::<f64>() / users.len().max(1) as f64;
            let line = Setting {
                config: config.clone(),
                paste: self.paste(config),
                is_default: at == self.middle(),
                ndcg: failure.is_none().then_some(mean),
                behind: 0.0,
                error: 0.0,
                epochs: done().map(|trial| trial.epochs).max().unwrap_or(0),
                failure,
            };
            lines.push((line, users));
        }
        // What diverged goes last; ties stay in the grid's order.
        lines.sort_by(|a, b| b.0.ndcg.unwrap_or(-1.0).total_cmp(&a.0.ndcg.unwrap_or(-1.0)));
        let best = lines.first().map(|line| line.1.clone()).unwrap_or_default();
        for (line, users) in &mut lines {
            if line.ndcg.is_some() && users.len() == best.len() {
                (line.behind, line.error) = paired(&best, users);
            }
        }
        lines.into_iter().map(|line| line.0).collect()
    }

    /// Where the grid holds what it was built around.
    fn middle(&self) -> usize {
        self.grid.len() / 2
    }

    /// The knobs in which the grid's settings differ.
    fn paste(&self, config: &ModelConfig) -> Vec<String> {
        let mut out = Vec::new();
        for axis in config.name.entry().search {
            let text = |config: &ModelConfig| config.text(axis.knob.name);
            let differs = self.grid.iter().any(|other| text(other) != text(&self.grid[0]));
            if let (Some(value), true) = (text(config), differs) {
                out.push(format!("{}={value}", axis.knob.name));
            }
        }
        out
    }
}

/// Mean of best - other, and its standard error.
fn paired(best: &[f64], other: &[f64]) -> (f64, f64) {
    let n = best.len().max(1) as f64;
    let differences = || best.iter().zip(other).map(|(a, b)| a - b);
    let mean = differences().sum::<f64>() / n;
    let variance = differences().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// The rows that are not held out, a tenth of them flagged anew to decide when to stop. Users without a row and items without
/// a row keep their numbers.
fn stopping_rows(rows: &ShardRows, seed: u64, shard: u32) -> ShardRows {
    let ShardRows { n_users, n_items, shards, .. } = *rows;
    let mut out = ShardRows { n_users, n_items, shards, starts: vec![0], ..ShardRows::default() };
    for (user, window) in rows.starts.windows(2).enumerate() {
        for row in window[0] as usize..window[1] as usize {
            if !rows.validation[row] {
                let key = [shard.to_le_bytes(), (user as u32).to_le_bytes(), rows.items[row].to_le_bytes()];
                let parts: Vec<&[u8]> = key.iter().map(|part| &part[..]).collect();
                out.items.push(rows.items[row]);
                out.values.push(rows.values[row]);
                out.validation.push(keyed_fraction(seed, Purpose::Validation, &parts) < STOPPING);
            }
        }
        out.starts.push(out.items.len() as u32);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelName;
    use crate::model::rows::tests::planted;

    fn table(rows: Vec<ShardRows>, config: &ModelConfig, backwards: bool) -> Vec<Setting> {
        let tuning = Tuning::new(rows, config, 3).unwrap();
        let mut cells: Vec<(usize, usize)> =
            (0..tuning.grid().len()).flat_map(|at| (0..tuning.shards()).map(move |shard| (at, shard))).collect();
        if backwards {
            cells.reverse();
        }
        let mut done: Vec<_> = cells.into_iter().map(|(at, shard)| ((at, shard), tuning.trial(at, shard))).collect();
        done.sort_by_key(|cell| cell.0);
        let mut trials = vec![Vec::new(); tuning.grid().len()];
        done.into_iter().for_each(|((at, _), trial)| trials[at].push(trial));
        tuning.table(&trials)
    }

    fn small(name: ModelName) -> ModelConfig {
        ModelConfig { factors: Some(4), epochs: Some(8), ..ModelConfig::of(name) }.own_knobs()
    }

    #[test]
    fn every_model_has_a_grid_around_what_it_starts_from() {
        let rows = planted(30, 24, 2, 5);
        for name in ModelName::ALL {
            let base = ModelConfig::of(name).filled(&rows);
            let grid = grid(&base);
            assert!((3..=9).contains(&grid.len()), "{name:?}: {}", grid.len());
            assert!(grid.iter().all(|config| config.check().is_ok()), "{name:?}");
            let middle = &grid[grid.len() / 2];
            let near = |a: Option<f32>, b: Option<f32>| match (a, b) {
                (Some(a), Some(b)) => (a / b - 1.0).abs() < 0.06,
                (a, b) => a == b,
            };
            assert!(near(middle.lambda, base.lambda) && near(middle.rate, base.rate) && middle.layers == base.layers);
        }
    }

    #[test]
    fn the_table_is_sorted_and_the_same_in_any_order_of_work() {
        let shards = || vec![planted(40, 30, 3, 5), planted(35, 28, 3, 6)];
        for name in [ModelName::Wmf, ModelName::Bpr, ModelName::Itemknn] {
            let lines = table(shards(), &small(name), false);
            assert_eq!(lines, table(shards(), &small(name), true));
            assert!(lines.iter().map(|line| line.ndcg).is_sorted_by(|a, b| a >= b), "{lines:?}");
            assert_eq!(lines.iter().filter(|line| line.is_default).count(), 1);
            assert_eq!((lines[0].behind, lines[0].error), (0.0, 0.0));
            assert!(lines.iter().all(|line| !line.paste.is_empty()));
        }
    }

    #[test]
    fn held_out_rows_train_nothing() {
        let rows = planted(40, 30, 3, 5);
        let tuning = Tuning::new(vec![rows.clone()], &small(ModelName::Wmf), 3).unwrap();
        let held = rows.validation.iter().filter(|&&held| held).count();
        assert_eq!(tuning.train[0].items.len() + held, rows.items.len());
        for user in 0..40 {
            let (train, held) = (&tuning.train[0], &tuning.held_out[0]);
            let own = &train.items[train.starts[user] as usize..train.starts[user + 1] as usize];
            assert!(held.row(user).iter().all(|item| !own.contains(item)));
        }
        assert!(tuning.train[0].validation.iter().any(|&flag| flag), "none decides when to stop");
    }

    #[test]
    fn a_setting_that_diverges_stands_last_with_its_reason() {
        let config = ModelConfig { rate: Some(10.0), lambda: Some(1.0), ..small(ModelName::Bpr) };
        let lines = table(vec![planted(30, 24, 2, 5)], &config, false);
        let last = lines.last().unwrap();
        assert!(last.ndcg.is_none() && last.failure.as_ref().unwrap().contains("lower the rate"), "{last:?}");
    }

    #[test]
    fn nothing_held_out_is_refused() {
        let mut rows = planted(10, 8, 2, 5);
        rows.validation.fill(false);
        let error = Tuning::new(vec![rows], &ModelConfig::default(), 1).err().unwrap();
        assert!(error.to_string().contains("validation"), "{error}");
    }
}
