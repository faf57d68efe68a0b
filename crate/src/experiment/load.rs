//! Rows and settings in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::interactions::{
    Column, Delimiter, Fate, Interactions, ReadReport, Size, SplitConfig, SplitMethod, SyntheticConfig, join_given,
    split, split_digest, synthetic,
};

use super::data::Data;
use super::given::consenting;
use super::{Config, DataView, Experiment, ExperimentError, Stage};

/// Where the rows came from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Source {
    /// As read, before the split; the split can be made again.
    pub rejected: BTreeMap<String, u32>,
    /// Titles by item id, for display.
    pub titles: BTreeMap<String, String>,
    /// Planted groups by user id, where the data was generated.
    pub groups: BTreeMap<String, u32>,
    /// Did the person give the test rows?
    pub given_split: bool,
    /// How the files were read, as JSON (which may take any form); for receipts.
    pub reading: String,
    /// Shard by user id, for the file partition.
    pub given: BTreeMap<String, u16>,
    /// The rows in numbers, as loaded.
    pub view: Option<DataView>,
}

/// What a receipt says about the reading.
#[derive(Serialize)]
struct Reading<'a> {
    given_split: bool,
    delimiter: Delimiter,
    header: bool,
    columns: &'a [Column],
    positive: Option<f32>,
    k_core: u32,
}

impl Experiment {
    /// Takes rows; those of `test`, where given, are measured on, the others trained on. Without `test` the split of
    /// the configuration decides. What was there before is replaced, if the new rows can be used.
    ///
    /// Errors: work is under way; the split leaves nothing to train on or to measure on.
    pub fn load(
        &mut self,
        rows: Interactions,
        test: Option<Interactions>,
        report: &ReadReport,
        titles: BTreeMap<String, String>,
    ) -> Result<DataView> {
        self.idle("loading rows")?;
        let given_split = test.is_some();
        let rows = match test {
            Some(test) => join_given(rows, test).0,
            None => rows,
        };
        let reading = Reading {
            given_split,
            delimiter: report.delimiter,
            header: report.has_header,
            columns: &report.columns,
            positive: report.asked.positive,
            k_core: report.asked.k_core,
        };
        let reading = serde_json::to_string(&reading).unwrap_or_default();
        let source = Source { rejected: report.rejected.clone(), titles, given_split, reading, ..Source::default() };
        self.take(rows, source)
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
        self.take(made.interactions, source)
    }

    /// Changes the settings. Results stay until the next build; the stages whose results are stale are named.
    ///
    /// Errors: work is under way.
    pub fn configure(&mut self, config: Config) -> Result<Vec<Stage>> {
        self.idle("changing the settings")?;
        config.check()?;
        let Some(first) = self.config.first_difference(&config) else { return Ok(Vec::new()) };
        let resplit = first == Stage::Split && self.forgotten.is_none();
        let old = std::mem::replace(&mut self.config, config);
        if resplit && let Some(data) = &self.data {
            let (rows, source) = (data.interactions.clone(), self.source.clone());
            if let Err(error) = self.divide(rows, source) {
                self.config = old;
                return Err(error);
            }
        }
        self.stale_from(first);
        use Stage::{Combine, Embed, Evaluate, Partition, Split, Train};
        Ok([Split, Embed, Partition, Train, Combine, Evaluate].into_iter().filter(|&stage| stage >= first).collect())
    }

    /// Marks everything after the split as stale: the next build begins from the rows, although nothing changed. Who shows
    /// the pipeline wants to see it again.
    ///
    /// Errors: work is under way.
    pub fn restart(&mut self) -> Result<()> {
        self.idle("starting over")?;
        self.stale_from(Stage::Split);
        Ok(())
    }

    fn take(&mut self, rows: Interactions, source: Source) -> Result<DataView> {
        let view = self.divide(rows, source)?;
        self.serving = None;
        self.others.clear();
        self.figures = super::figures::Figures::default();
        self.sweep = super::sweep::Sweep::default();
        self.before = None;
        self.forgotten = None;
        self.receipts.clear();
        self.secret = None;
        self.sequence = None;
        self.audit = None;
        self.seconds = super::SecondsView::default();
        Ok(view)
    }

    /// Splits and looks whether there is something to train on and to measure on.
    fn divide(&mut self, mut rows: Interactions, mut source: Source) -> Result<DataView> {
        let method = if source.given_split { SplitMethod::Given } else { self.config.split.method };
        let config = SplitConfig { method, ..self.config.split };
        split(&mut rows, &config, self.config.seed.into())?;
        let digest = split_digest(&rows);
        let data = Data::new(rows);
        if data.active.len() < 2 {
            let found = data.active.len();
            return Err(ExperimentError::Unusable(format!(
                "at least two users with training rows are needed and the split leaves {found}: give more rows, or hold out fewer"
            ))
            .into());
        }
        let view = DataView {
            users: data.interactions.users().len() as u32,
            items: data.interactions.items().len() as u32,
            train_rows: data.count(Fate::Train) + data.count(Fate::Validation),
            validation_rows: data.count(Fate::Validation),
            test_rows: data.count(Fate::Test),
            users_without_train: (data.interactions.users().len() - data.active.len()) as u32,
            rejected: source.rejected.clone(),
            consenting: consenting(&data),
        };
        source.view = Some(view.clone());
        self.source = source;
        self.data = Some(Arc::new(data));
        self.split = Some(digest);
        Ok(view)
    }

    /// The next build begins at this stage at the latest.
    pub(super) fn stale_from(&mut self, first: Stage) {
        self.stale = Some(self.stale.map_or(first, |stale| stale.min(first)));
    }

    pub(super) fn idle(&self, what: &'static str) -> Result<()> {
        match self.activity_name() {
            Some(activity) => Err(ExperimentError::Busy { what, activity }.into()),
            None => Ok(()),
        }
    }
}
