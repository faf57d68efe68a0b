//! Rows and settings in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::interactions::{
    Column, Delimiter, Interactions, Note, ReadReport, Size, SyntheticConfig, TAB_ROOM, invented_name, join_given,
    synthetic,
};
use crate::model::tune::Tuning;
use crate::model::{ModelConfig, ShardRows};
use crate::pipeline::{Arrival, Assignment, Dataset, Pipeline, Settings, Shards, Stage, read_assignment_file};

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
    /// Names by user id, for display, where the people are invented.
    pub names: BTreeMap<String, String>,
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

/// Rows on their way into an experiment.
pub struct Loading {
    arrival: Arrival,
    source: Source,
    settings: Settings,
    k_core: Option<u32>,
}

impl Loading {
    /// Goes on for some hundredths of a second. True once there is nothing left but to take what was loaded.
    pub fn step(&mut self) -> bool {
        self.arrival.step()
    }
}

impl Experiment {
    /// Takes rows; those of `test`, where given, are measured on, the others trained on. Without `test` the split of
    /// the settings decides. What was there before is replaced, if the new rows can be used.
    ///
    /// Errors: work is under way; the split leaves nothing to train on or to measure on.
    pub fn load(&mut self, loaded: Loaded) -> Result<DataView> {
        let loading = self.loading(loaded)?;
        self.take_loaded(loading)
    }

    /// [`Experiment::load`] in steps: what was there stays until [`Experiment::take_loaded`], and for good if the loading is
    /// dropped before.
    ///
    /// Errors: as [`Experiment::load`], as far as they are certain before the rows are split.
    pub fn loading(&self, loaded: Loaded) -> Result<Loading> {
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
        let settings = Settings { k_core, ..self.settings.as_ref().clone() };
        let arrival = Arrival::new(rows, given_split, &settings)?;
        Ok(Loading { arrival, source, settings, k_core: loaded.k_core })
    }

    /// Takes what was loaded; what steps are left are done.
    ///
    /// Errors: as [`Experiment::load`].
    pub fn take_loaded(&mut self, loading: Loading) -> Result<DataView> {
        self.idle("loading rows")?;
        let Loading { arrival, source, mut settings, k_core } = loading;
        let mut dataset = arrival.done()?;
        let now = Settings { k_core: k_core.unwrap_or(self.settings.k_core), ..self.settings.as_ref().clone() };
        // Somebody changed the settings meanwhile.
        if (now.seed, now.split, now.k_core) != (settings.seed, settings.split, settings.k_core) {
            dataset = dataset.again(&now)?;
        }
        settings = now;
        Ok(self.take(dataset, source, settings))
    }

    /// What a person should know before training where the rows that are loaded, with the settings, need more memory than a
    /// browser's tab has: the item vectors of all sub-models side by side, twice, beside the rows.
    pub fn too_large(&self) -> Option<Note> {
        let view = self.source.view.as_ref()?;
        let factors = self.filled_model().factors.unwrap_or(0);
        let numbers = f64::from(view.items) * f64::from(self.settings.partition.shards) * f64::from(factors);
        let rows = f64::from(view.train_rows) + f64::from(view.test_rows);
        let bytes = 8.0 * numbers + 72.0 * rows;
        let message = || {
            format!(
                "training {} sub-models of {factors} factors on {} items takes about {:.0} GB, more than a tab can hold: keep only \
                 users and items with more rows, read a share of the users, or take fewer shards or factors",
                self.settings.partition.shards,
                view.items,
                bytes / 1e9
            )
        };
        (bytes > TAB_ROOM).then(|| Note::new("training", message()))
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
        let users = || made.interactions.users().iter().map(str::to_owned);
        let source = Source {
            titles: items.zip(made.titles).collect(),
            names: users().zip((0..).map(invented_name)).collect(),
            groups: users().zip(made.user_groups).collect(),
            ..Source::default()
        };
        let settings = self.settings.as_ref().clone();
        Ok(self.take(Dataset::new(made.interactions, false, &settings)?, source, settings))
    }

    fn take(&mut self, dataset: Dataset, mut source: Source, settings: Settings) -> DataView {
        let view = DataView::of(&dataset, &source.rejected);
        source.view = Some(view.clone());
        let (settings, mut watch) = (Arc::new(settings), std::mem::take(&mut self.watch));
        watch.times.restart();
        let queue = std::mem::take(&mut self.queue);
        let wanted = Pipeline::new(Arc::new(dataset), settings.clone(), Shards::Computed);
        *self = Experiment { settings, wanted: Some(wanted), source, queue, watch, ..Experiment::default() };
        view
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

    /// Makes the next build begin from the rows in force, although nothing changed: who shows the pipeline wants to see it again,
    /// and after a request that kept the division, dividing again takes the last trace of the forgotten away.
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
        // What follows from the number of rows follows from all of them here: each shard chooses by its own.
        let rows = view.map_or(0, |data| data.train_rows);
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
        let [train_rows, validation_rows, test_rows] = dataset.counts();
        DataView {
            users: rows.users().len() as u32,
            items: rows.items().len() as u32,
            train_rows,
            validation_rows,
            test_rows,
            users_without_train: (rows.users().len() - dataset.active().len()) as u32,
            filtered: (dataset.read().rows().len() - rows.rows().len()) as u32,
            rejected: rejected.clone(),
            consenting: dataset.consenting(),
        }
    }

    /// The rows that are there after a change.
    pub(super) fn refreshed(&self, dataset: &Dataset) -> Self {
        DataView::of(dataset, &self.rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_tab_can_train_is_said_before_it_is_tried() {
        let mut experiment = Experiment::default();
        experiment.load_sample(Size::Medium, 1).unwrap();
        assert_eq!(experiment.too_large(), None);
        let mut settings = experiment.settings().clone();
        settings.partition.shards = 1_024;
        settings.model.factors = Some(512);
        experiment.configure(settings).unwrap();
        let note = experiment.too_large().unwrap();
        assert!(note.code == "training" && note.message.contains("1500 items takes about 6 GB"), "{}", note.message);
    }

    #[test]
    fn a_loading_that_is_dropped_leaves_what_was_there_and_one_that_is_taken_equals_a_load() {
        let mut experiment = Experiment::default();
        experiment.load_sample(Size::Small, 1).unwrap();
        let before = experiment.rows().unwrap().clone();
        let rows = synthetic(&Size::Medium.config(2)).unwrap().interactions;
        let loaded = || Loaded { rows: rows.clone(), ..Loaded::default() };
        let mut dropped = experiment.loading(loaded()).unwrap();
        dropped.step();
        drop(dropped);
        assert_eq!(*experiment.rows().unwrap(), before);
        let mut loading = experiment.loading(loaded()).unwrap();
        while !loading.step() {}
        // Settings that change meanwhile are those that count.
        let settings = Settings { seed: 5, ..experiment.settings().clone() };
        experiment.configure(settings.clone()).unwrap();
        experiment.take_loaded(loading).unwrap();
        let mut other = Experiment::default();
        other.configure(settings).unwrap();
        other.load(loaded()).unwrap();
        assert_eq!(experiment.rows().unwrap(), other.rows().unwrap());
        assert_ne!(*experiment.rows().unwrap(), before);
    }
}
