//! What is kept of a pipeline beside the store: figures of the users who are there, and how it was made.

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::combine::{CombineMethod, LogisticReport, Prepared};
use crate::evaluate::{Decomposition, METRICS, UserMetrics};
use crate::interactions::Interactions;
use crate::model::ModelName;
use crate::pipeline::{Pipeline, Run, StageSeconds, Store};

use super::history::shard_digests;
use super::{ComparisonView, Experiment, PartitionView, ResultView};

/// A measured pipeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The pipeline, while its outcomes are in the store.
    #[serde(skip)]
    pub pipeline: Option<Pipeline>,
    /// Of every user of the serving pipeline's rows, in their order.
    pub metrics: Vec<UserMetrics>,
    /// How it was made.
    pub facts: Facts,
    /// What follows from the figures, computed once.
    pub result: Option<ResultView>,
    /// Against what serves.
    pub comparison: Option<ComparisonView>,
}

/// How a pipeline was made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    pub seconds: StageSeconds,
    pub shards_trained: u32,
    pub combiner: CombineMethod,
    /// None for a baseline without any.
    pub model: Option<ModelName>,
    pub partition: Option<PartitionView>,
    pub logistic: Option<LogisticReport>,
    pub unknown_items: Option<u32>,
    pub decomposition: Option<Decomposition>,
    pub note: Option<String>,
    /// The first sub-model's.
    pub digest: Option<Digest>,
}

impl Record {
    /// The figures for other users: those who left are taken out, and lists lose the items that are gone. Who came was not
    /// measured.
    pub fn carried(&mut self, before: &Interactions, after: &Interactions) {
        let item_at: Vec<Option<u32>> = before.items().iter().map(|id| after.items().find(id)).collect();
        let width = self.metrics.first().map_or(METRICS.len(), |user| user.values.len());
        let unmeasured = || UserMetrics { test: 0, values: vec![0.0; width], top: Vec::new() };
        let carried = |id: &str| match before.users().find(id) {
            Some(user) => {
                let mut metrics = self.metrics[user as usize].clone();
                metrics.top = metrics.top.iter().filter_map(|&item| item_at[item as usize]).collect();
                metrics
            }
            None => unmeasured(),
        };
        self.metrics = after.users().iter().map(carried).collect();
        self.pipeline = None;
        // A sum over everybody, those who are gone included.
        self.facts.decomposition = None;
        self.facts.unknown_items = None;
    }
}

impl Experiment {
    /// Takes down what a finished run came to.
    pub(super) fn record(&self, run: &Run, store: &Store) -> Option<Record> {
        let pipeline = &run.pipeline;
        let settings = pipeline.settings();
        let plain = pipeline.is_baseline().is_none();
        let facts = Facts {
            seconds: run.seconds,
            shards_trained: run.trained.len() as u32,
            combiner: settings.combine.method,
            model: plain.then_some(settings.model.name),
            partition: if plain { self.partition_view(pipeline, store) } else { None },
            logistic: logistic(pipeline, store),
            unknown_items: if plain { unknown_items(pipeline, store) } else { None },
            decomposition: pipeline.decomposition(store),
            note: pipeline.combined(store).and_then(|combined| combined.note.clone()),
            digest: shard_digests(pipeline, store).first().copied().flatten(),
        };
        let metrics = pipeline.metrics(store)?;
        Some(Record { pipeline: Some(pipeline.clone()), metrics, facts, result: None, comparison: None })
    }

    /// Keeps the figures of a finished run beside those of what serves.
    pub(super) fn keep(&mut self, run: &Run) {
        let name = &run.hints.name;
        if name == "retrained" {
            self.history.retrained = run.seconds;
            self.history.work.retrained = run.work;
        }
        match self.record(run, &self.store) {
            Some(record) => {
                self.records.insert(name.clone(), record);
                self.refigure(Some(name));
            }
            // It was not to be measured: its shards are looked at.
            None => {
                let partition = self.partition_view(&run.pipeline, &self.store);
                let facts = Facts { partition, seconds: run.seconds, ..Facts::default() };
                let (pipeline, metrics) = (Some(run.pipeline.clone()), Vec::new());
                let record = Record { pipeline, metrics, facts, result: None, comparison: None };
                self.records.insert(name.clone(), record);
            }
        }
        self.tidy();
    }

    /// Drops the outcomes that neither what serves nor a record leads to.
    pub(super) fn tidy(&mut self) {
        let kept = self.records.values().filter_map(|record| record.pipeline.as_ref());
        let pipelines = self.serving.iter().chain(kept);
        let reachable = pipelines.flat_map(|pipeline| pipeline.reachable(&self.store)).collect();
        self.store.retain(&reachable);
    }
}

/// The coefficients of a prepared logistic combiner.
fn logistic(pipeline: &Pipeline, store: &Store) -> Option<LogisticReport> {
    if pipeline.is_baseline().is_some() || pipeline.settings().combine.method != CombineMethod::Logistic {
        return None;
    }
    let prepared = Prepared::from_bytes(&pipeline.combined(store)?.prepared.bytes).ok()?;
    prepared.coefficients(&pipeline.divided(store)?.present())
}

/// Items of the catalogue in none of the shards.
fn unknown_items(pipeline: &Pipeline, store: &Store) -> Option<u32> {
    let divided = pipeline.divided(store)?;
    let mut known = vec![false; pipeline.n_items() as usize];
    divided.shards.iter().flat_map(|shard| &shard.items).for_each(|&item| known[item as usize] = true);
    Some(known.iter().filter(|known| !**known).count() as u32)
}
