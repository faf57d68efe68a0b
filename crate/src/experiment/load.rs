//! Rows and settings in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::interactions::{
    Column, Delimiter, Fate, Interactions, ReadReport, Size, SyntheticConfig, join_given, synthetic,
};
use crate::model::tune::Tuning;
use crate::model::{ModelConfig, ModelName, ShardRows};
use crate::pipeline::{Assignment, Dataset, Pipeline, Settings, Shards, Stage, read_assignment_file};

use super::{DataView, Experiment, ExperimentError};

/// Where the rows came from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Source {
    /// Rows that were refused, by reason.
    pub rejected: BTreeMap<String, u32>,
    /// How the files were read, as JSON; empty for generated rows.
    pub reading: String,
    /// Titles by item id, for display.
    pub titles: BTreeMap<String, String>,
    /// Planted groups by user id, where the data was generated.
    pub groups: BTreeMap<String, u32>,
    /// The rows in numbers, as loaded.
    pub view: Option<DataView>,
}

/// Rows that were read, and what was said of them.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Trained on, or all of them where the split decides.
    pub rows: Interactions,
    /// Measured on, where given.
    pub test: Option<Interactions>,
    /// Rows that were refused, by reason.
    pub rejected: BTreeMap<String, u32>,
    /// How the files were read, for receipts; none for generated rows.
    pub reading: Option<Reading>,
    /// Titles by item id.
    pub titles: BTreeMap<String, String>,
    /// Goes into the settings together with the rows, if they can be used; `None` leaves the settings as they are.
    pub k_core: Option<u32>,
}

/// What a receipt says about the reading.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    /// Were the test rows a file of their own?
    pub given_split: bool,
    /// Between the columns.
    pub delimiter: Delimiter,
    /// Was the first line a header?
    pub header: bool,
    /// The columns, and what each was taken for.
    pub columns: Vec<Column>,
    /// The least rating that counts as liked.
    pub positive: Option<f32>,
}

impl Loaded {
    /// One file.
    pub fn of(rows: Interactions, report: &ReadReport) -> Self {
        let reading = Reading {
            given_split: false,
            delimiter: report.delimiter,
            header: report.has_header,
            columns: report.columns.clone(),
            positive: report.asked.positive,
        };
        Loaded { rows, rejected: report.rejected.clone(), reading: Some(reading), ..Loaded::default() }
    }
}

impl Experiment {
    /// Takes rows; those of `test`, where given, are measured on, the others trained on. Without `test` the split of
    /// the settings decides. What was there before is replaced, if the new rows can be used.
    ///
    /// Errors: work is under way; the split leaves nothing to train on or to measure on.
    pub fn load(&mut self, loaded: Loaded) -> Result<DataView> {
        self.idle("loading rows")?;
        let given_split = loaded.test.is_some();
        let rows = match loaded.test {
            Some(test) => join_given(loaded.rows, test).0,
            None => loaded.rows,
        };
        let (rejected, titles) = (loaded.rejected, loaded.titles);
        let reading = loaded.reading.map(|reading| Reading { given_split, ..reading });
        let reading =
            reading.map(|reading| serde_json::to_string(&reading).expect("it has a JSON form")).unwrap_or_default();
        let source = Source { rejected, reading, titles, ..Source::default() };
        let k_core = loaded.k_core.unwrap_or(self.settings.k_core);
        self.take(rows, given_split, source, Settings { k_core, ..self.settings.as_ref().clone() })
    }

    /// Takes the generated sample.
    pub fn load_sample(&mut self, size: Size, seed: u32) -> Result<DataView> {
        self.load_synthetic(&size.config(seed.into()))
    }

    /// Takes generated rows of any size.
    pub fn load_synthetic(&mut self, config: &SyntheticConfig) -> Result<DataView> {
        self.idle("loading rows")?;
        let made = synthetic(config)?;
        let items = made.interactions.items().iter().map(str::to_owned);
        let users = made.interactions.users().iter().map(str::to_owned);
        let source = Source {
            titles: items.zip(made.titles).collect(),
            groups: users.zip(made.user_groups).collect(),
            ..Source::default()
        };
        self.take(made.interactions, false, source, self.settings.as_ref().clone())
    }

    fn take(&mut self, rows: Interactions, given: bool, source: Source, settings: Settings) -> Result<DataView> {
        let dataset = Dataset::new(rows, given, &settings)?;
        let mut source = source;
        let view = DataView::of(&dataset, &source.rejected);
        source.view = Some(view.clone());
        let (settings, watch) = (Arc::new(settings), std::mem::take(&mut self.watch));
        let queue = std::mem::take(&mut self.queue);
        let wanted = Pipeline::new(Arc::new(dataset), settings.clone(), Shards::Computed);
        *self = Experiment { settings, wanted: Some(wanted), source, queue, watch, ..Experiment::default() };
        Ok(view)
    }

    /// Changes the settings. Results stay until the next build; the stages whose outcomes are missing now are named.
    ///
    /// Errors: work is under way; a setting out of range; a filter or a split that leaves nothing. The settings stay then.
    pub fn configure(&mut self, settings: Settings) -> Result<Vec<Stage>> {
        self.idle("changing the settings")?;
        settings.check()?;
        if settings == *self.settings {
            return Ok(Vec::new());
        }
        let old = &self.settings;
        let (resplit, redivide) = (
            (old.seed, old.split, old.k_core) != (settings.seed, settings.split, settings.k_core),
            old.partition != settings.partition || old.embedding != settings.embedding,
        );
        let settings = Arc::new(settings);
        let mut first = None;
        if let Some(wanted) = &self.wanted {
            let dataset = if resplit { Arc::new(wanted.dataset().again(&settings)?) } else { wanted.dataset().clone() };
            let shards = if resplit || redivide { Shards::Computed } else { wanted.shards().clone() };
            if resplit {
                self.source.view = Some(DataView::of(&dataset, &self.source.rejected));
                first = Some(Stage::Split);
            }
            let wanted = Pipeline::new(dataset, settings.clone(), shards);
            first = first.or_else(|| wanted.missing(&self.store));
            self.wanted = Some(wanted);
        }
        self.settings = settings;
        let Some(first) = first else { return Ok(Vec::new()) };
        use Stage::{Combine, Embed, Evaluate, Partition, Split, Train};
        Ok([Split, Embed, Partition, Train, Combine, Evaluate].into_iter().filter(|&stage| stage >= first).collect())
    }

    /// Makes the next build begin from the rows, although nothing changed: who shows the pipeline wants to see it again.
    ///
    /// Errors: work is under way.
    pub fn restart(&mut self) -> Result<()> {
        self.idle("starting over")?;
        self.watch.again = true;
        Ok(())
    }

    /// Gives the `file` partition its shards, by user id. Users who are not named are an error when the partition is made.
    ///
    /// Errors: work is under way; no rows.
    pub fn assign(&mut self, file: BTreeMap<String, u16>) -> Result<()> {
        self.idle("an assignment file")?;
        let wanted = self.wanted.as_ref().ok_or(ExperimentError::NoData)?;
        let dataset = Arc::new(wanted.dataset().with_assignment_file(file));
        self.wanted = Some(Pipeline::new(dataset, self.settings.clone(), Shards::Computed));
        Ok(())
    }

    /// [`Experiment::assign`] from lines of `user,shard`; gives how many users they name, and how many shards they need.
    ///
    /// Errors: as [`read_assignment_file`]; work is under way; no rows. What was given before then stays.
    pub fn read_assignment_file(&mut self, text: &str) -> Result<(u32, u32)> {
        let file = read_assignment_file(text)?;
        let shards = file.values().max().map_or(0, |&last| u32::from(last) + 1);
        let users = file.len() as u32;
        self.assign(file)?;
        Ok((users, shards))
    }

    /// The rows in force, with their fates.
    pub fn rows(&self) -> Result<&Interactions> {
        Ok(self.wanted.as_ref().ok_or(ExperimentError::NoData)?.rows())
    }

    /// The dataset in force.
    pub fn dataset(&self) -> Result<&Arc<Dataset>> {
        Ok(self.wanted.as_ref().ok_or(ExperimentError::NoData)?.dataset())
    }

    pub(super) fn idle(&self, what: &'static str) -> Result<()> {
        match self.activity_name() {
            Some(activity) => Err(ExperimentError::Busy { what, activity }.into()),
            None => Ok(()),
        }
    }

    /// The configured model with every knob filled in, for as many users and items as there are.
    pub(super) fn filled_model(&self) -> ModelConfig {
        let view = self.source.view.as_ref();
        let (n_users, n_items) = view.map_or((u32::MAX, u32::MAX), |data| (data.users, data.items));
        // The penalty of `ease` follows the number of rows; nothing else looks at them.
        let rows = view.filter(|_| self.settings.model.name == ModelName::Ease).map_or(0, |data| data.train_rows);
        let shape = ShardRows { n_users, n_items, items: vec![0; rows as usize], ..ShardRows::default() };
        self.settings.model.filled(&shape)
    }

    /// A search over the knobs of the configured model: on the shards, if the users are divided, else on one model of all
    /// rows. Test rows are in no shard, so none enters.
    ///
    /// Errors: no rows yet; a knob out of range; no validation row.
    pub fn tuning(&self) -> Result<Tuning> {
        let pipeline = self.wanted.as_ref().ok_or(ExperimentError::NoData)?;
        let divided = pipeline.divided(&self.store).or_else(|| pipeline.with_shards(Shards::One).divided(&self.store));
        let divided = divided.expect("one shard needs no partition");
        let assignment: &Assignment = &divided.assignment;
        let rows = divided
            .present()
            .into_iter()
            .map(|shard| divided.shards[shard as usize].rows(pipeline.dataset(), assignment, shard));
        Ok(Tuning::new(rows.collect(), &self.settings.model, u64::from(self.settings.seed))?)
    }
}

impl DataView {
    fn of(dataset: &Dataset, rejected: &BTreeMap<String, u32>) -> Self {
        let rows = dataset.rows();
        DataView {
            users: rows.users().len() as u32,
            items: rows.items().len() as u32,
            train_rows: dataset.count(Fate::Train) + dataset.count(Fate::Validation),
            validation_rows: dataset.count(Fate::Validation),
            test_rows: dataset.count(Fate::Test),
            users_without_train: (rows.users().len() - dataset.active().len()) as u32,
            filtered: (dataset.read().rows().len() - rows.rows().len()) as u32,
            rejected: rejected.clone(),
            consenting: dataset.consenting(),
        }
    }

    /// The rows after an addition.
    pub(super) fn refreshed(&self, dataset: &Dataset) -> Self {
        DataView::of(dataset, &self.rejected)
    }
}
