//! Receipts: written when a change was carried out, checked by training again.

use std::sync::Arc;

use crate::error::Result;
use crate::partition::Method;
use crate::pipeline::{Assignment, Dataset, Pipeline, Settings, Shards, Store, Trained};
use crate::unlearn::receipt::json::Value;
use crate::unlearn::receipt::{
    AssignmentRule, Draft, Facts, Names, Placed, Question, Recomputed, Rules, Secret, Side, SubModel, Todo,
};
use crate::unlearn::{Mode, Procedure, Proposal, Receipt, expected_taints, follows, reach};

use super::{Experiment, ExperimentError};

/// A receipt without the figures, which are measured later.
pub(super) struct Written {
    draft: Draft,
    secret: Secret,
    mode: Mode,
    procedure: Procedure,
}

fn sub_models(pipeline: &Pipeline, store: &Store) -> Vec<Option<SubModel>> {
    let model =
        |trained: &Arc<Trained>| SubModel { weights: trained.digest, epochs: trained.epochs, stop: trained.stop };
    pipeline.sub_models(store).into_iter().map(|trained| trained.map(model)).collect()
}

fn placed<'a>(pipeline: &'a Pipeline, assignment: &'a Assignment) -> Placed<'a> {
    Placed { rows: pipeline.rows(), shards: assignment.shards, shard_of_row: &assignment.shard_of_row }
}

impl Experiment {
    /// Receipts of the changes that were carried out on these rows, the first first.
    pub fn receipts(&self) -> Vec<Receipt> {
        let parsed = |text: &String| Receipt::parse(text).expect("it was written or checked here");
        self.history.receipts.iter().map(parsed).collect()
    }

    /// The part of a receipt that needs the rows from before.
    pub(super) fn draft(&self, proposal: &Proposal) -> Result<Written> {
        let (before, after, store) = (&proposal.before, &proposal.after, &self.store);
        let secret = self.history.secret.unwrap_or_else(|| Secret::derive(before.rows(), self.settings.seed.into()));
        let (was, is) = (before.divided(store).expect("it serves"), after.divided(store).expect("it is built"));
        let (models_before, models_after) = (sub_models(before, store), sub_models(after, store));
        let combiner = |pipeline: &Pipeline| pipeline.combined(store).map(|combined| combined.prepared.digest);
        let (was, is) = (placed(before, &was.assignment), placed(after, &is.assignment));
        let before = Side { placed: was, sub_models: &models_before, combiner: combiner(before) };
        let after = Side { placed: is, sub_models: &models_after, combiner: combiner(after) };
        let request = &proposal.change.forget;
        let names = Names { users: &request.users, items: &request.items, interactions: &request.interactions };
        let draft = Draft::new(&before, &after, &names, &secret, self.receipts().last())?;
        Ok(Written { draft, secret, mode: proposal.mode, procedure: proposal.procedure })
    }

    /// Adds the receipt to the chain. The figures are those of now.
    pub(super) fn write_receipt(&mut self, written: Written) -> Result<()> {
        let Written { draft, secret, mode, procedure } = written;
        let taints = if draft.touches() { expected_taints(&procedure) } else { Vec::new() };
        let seconds = [("unlearn", self.history.changed.until_serving()), ("train", self.history.built.train)];
        let results = self.records.iter().filter_map(|(name, record)| Some((name, record.result.as_ref()?)));
        let facts = Facts {
            seed: self.settings.seed.into(),
            settings: value(&self.settings),
            // Generated rows were not read.
            reading: serde_json::from_str(&self.source.reading).unwrap_or_default(),
            method: method_name(&self.settings),
            mode,
            divided_again: procedure.divides_again(),
            slices: self.settings.slices(),
            taints,
            metrics: results.map(|(name, result)| (name.clone(), result.metrics.clone())).collect(),
            seconds: seconds.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        self.history.receipts.push(draft.finish(facts)?.to_json());
        self.history.secret = Some(secret);
        Ok(())
    }
}

/// What is to be built to train a side of a receipt again.
///
/// Errors: settings that this version does not know; shards of other rows.
pub(super) fn again(todo: &Todo) -> Result<Pipeline> {
    let settings = Arc::new(parsed(&todo.settings)?);
    settings.check()?;
    let mut shards = Shards::Computed;
    if let Some((count, shard_of_row)) = &todo.kept {
        let assignment = Assignment { shards: *count, shard_of_row: (**shard_of_row).clone() };
        assignment.check(&todo.rows)?;
        shards = Shards::Kept(Arc::new(assignment), Default::default());
    }
    Ok(Pipeline::new(Arc::new(Dataset::as_split((*todo.rows).clone())), settings, shards))
}

/// What building it gave.
pub(super) fn recomputed(pipeline: &Pipeline, store: &Store) -> Recomputed {
    let settings = pipeline.settings();
    let (config, seed) = (&settings.evaluate, u64::from(settings.seed));
    let measured = pipeline.metrics(store).filter(|metrics| !metrics.is_empty());
    let report =
        measured.and_then(|metrics| crate::evaluate::report(&metrics, &[], pipeline.n_items(), config, seed).ok());
    Recomputed {
        partition: pipeline.partition_digest(store).unwrap_or_default(),
        sub_models: sub_models(pipeline, store),
        combiner: pipeline.combined(store).map(|combined| combined.prepared.digest),
        metrics: report.map(|report| report.metrics).unwrap_or_default(),
    }
}

/// The settings a receipt was made with: read and split the rows with them before verifying.
///
/// Errors: settings that this version does not know.
pub fn settings(receipt: &Receipt) -> Result<Settings> {
    parsed(&receipt.settings)
}

fn parsed(settings: &Value) -> Result<Settings> {
    let refuse = |error: serde_json::Error| {
        ExperimentError::Unusable(format!("the receipt's settings are not known to this version: {error}"))
    };
    Ok(serde_json::from_str(&settings.to_json()).map_err(refuse)?)
}

fn value(settings: &Settings) -> Value {
    Value::of(settings).expect("settings have a JSON form")
}

/// What follows from a receipt's settings and rows, without training.
///
/// Errors: settings that this version does not know, in words.
pub fn rules(question: &Question<'_>) -> Result<Rules, String> {
    let settings = settings(question.receipt).map_err(|error| error.to_string())?;
    settings.check().map_err(|error| error.to_string())?;
    let method = settings.partition.method;
    let followed = match (question.before, question.after) {
        // Only an anchored partition asks whether an anchor, or somebody who stays, has other rows.
        _ if method != Method::Anchored || !question.touches => Some(false),
        (Some(before), Some(after)) => Some(follows(&settings, before, after)),
        _ => None,
    };
    let mode = question.receipt.protocol.mode;
    let procedure = followed.map(|follows| Procedure { mode, partition: reach(method), follows });
    let taints = |procedure: &Procedure| if question.touches { expected_taints(procedure) } else { Vec::new() };
    Ok(Rules {
        settings: value(&settings),
        seed: settings.seed.into(),
        method: method_name(&settings),
        slices: settings.slices(),
        divided_again: procedure.as_ref().map(Procedure::divides_again),
        taints: procedure.as_ref().map(taints),
        assignment: match method {
            Method::Hash => AssignmentRule::Alone,
            Method::File => AssignmentRule::Given,
            _ => AssignmentRule::Made,
        },
    })
}

fn method_name(settings: &Settings) -> String {
    match Value::of(&settings.partition.method) {
        Some(Value::Text(name)) => name,
        _ => unreachable!("a method is written as its name"),
    }
}
