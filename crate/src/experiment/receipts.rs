//! Receipts: written when a request was carried out, checked by training again.

use std::sync::Arc;

use crate::error::Result;
use crate::interactions::{Interactions, split_digest};
use crate::partition::Method;
use crate::unlearn::receipt::json::Value;
use crate::unlearn::receipt::{
    Assignment, Draft, Facts, Names, Placed, Question, Recomputed, Rules, Secret, Side, SubModel, Todo, missing_rows,
};
use crate::unlearn::{Mode, Procedure, Receipt, Request, expected_taints};

use super::arm::{Arm, Trained};
use super::data::{Data, Layout};
use super::forgetting::{reaches, touches_anchors};
use super::start::slices;
use super::{Config, Experiment, ExperimentError};

/// A receipt without the figures, which are measured later.
pub(super) struct Written {
    draft: Draft,
    secret: Secret,
    mode: Mode,
    procedure: Procedure,
}

fn sub_models(arm: &Arm, shards: u32) -> Vec<Option<SubModel>> {
    let model = |trained: &Trained| SubModel { weights: trained.digest, epochs: trained.epochs, stop: trained.stop };
    (0..shards as usize).map(|shard| arm.members.get(shard).and_then(Option::as_ref).map(model)).collect()
}

fn placed(arm: &Arm) -> Placed<'_> {
    let (shards, shard_of_row) =
        arm.layout.as_ref().map_or((0, &[][..]), |layout| (layout.shards, &layout.shard_of_row));
    Placed { rows: &arm.data.interactions, shards, shard_of_row }
}

impl Experiment {
    /// Receipts of the requests that were carried out on these rows, the first first.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// The part of a receipt that needs the rows from before.
    pub(super) fn draft(&self, before: &Arm, after: &Arm, request: &Request, mode: Mode) -> Result<Written> {
        let secret = self.secret.unwrap_or_else(|| Secret::derive(&before.data.interactions, self.config.seed.into()));
        let (was, is) = (placed(before), placed(after));
        let (models_before, models_after) = (sub_models(before, was.shards), sub_models(after, is.shards));
        let before = Side { placed: was, sub_models: &models_before, combiner: before.prepared_digest };
        let after = Side { placed: is, sub_models: &models_after, combiner: after.prepared_digest };
        let names = Names { users: &request.users, items: &request.items, interactions: &request.interactions };
        let draft = Draft::new(&before, &after, &names, &secret, self.receipts.last())?;
        let procedure = self.procedure(&request.resolve(was.rows), mode);
        Ok(Written { draft, secret, mode, procedure })
    }

    /// Adds the receipt to the chain. The figures are those of now.
    pub(super) fn write_receipt(&mut self, written: Written) -> Result<()> {
        let Written { draft, secret, mode, procedure } = written;
        let taints = if draft.touches() { expected_taints(&procedure) } else { Vec::new() };
        let seconds = [("unlearn", self.seconds.unlearn), ("train", self.seconds.train)];
        let metrics = self.figures.results.iter().map(|(arm, result)| (arm.clone(), result.metrics.clone()));
        let facts = Facts {
            seed: self.config.seed.into(),
            settings: Value::of(&self.config).unwrap_or_default(),
            // Generated rows were not read.
            reading: serde_json::from_str(&self.source.reading).unwrap_or_default(),
            method: method_name(&self.config),
            mode,
            divided_again: procedure.divides_again(),
            slices: slices(&self.config),
            taints,
            metrics: metrics.collect(),
            seconds: seconds.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        self.receipts.push(draft.finish(facts)?);
        self.secret = Some(secret);
        Ok(())
    }

    pub(super) fn with_rows(config: Config, rows: Interactions) -> Result<Experiment> {
        let mut experiment = Experiment::new();
        experiment.configure(config)?;
        experiment.split = Some(split_digest(&rows));
        experiment.data = Some(Arc::new(Data::new(rows)));
        Ok(experiment)
    }

    /// What is to be built to train a side of a receipt again.
    ///
    /// Errors: settings that this version does not know.
    pub(super) fn again(todo: &Todo) -> Result<Experiment> {
        let config = parsed(&todo.settings)?;
        let mut experiment = Experiment::with_rows(config, (*todo.rows).clone())?;
        if let Some((shards, shard_of_row)) = &todo.kept {
            experiment.freeze_layout(Layout { shards: *shards, shard_of_row: (**shard_of_row).clone() })?;
        }
        Ok(experiment)
    }

    /// What building it gave, for [`Verification::judge`](crate::unlearn::receipt::Verification::judge).
    ///
    /// Errors: it is not built yet.
    pub(super) fn recomputed(&self) -> Result<Recomputed> {
        let arm = self.trained("a verdict")?;
        let placed = placed(arm);
        Ok(Recomputed {
            partition: placed.digest(),
            sub_models: sub_models(arm, placed.shards),
            combiner: arm.prepared_digest,
            metrics: self.figures.results.get("original").map(|result| result.metrics.clone()).unwrap_or_default(),
        })
    }
}

/// The settings a receipt was made with: read and split the rows with them before verifying.
///
/// Errors: settings that this version does not know.
pub fn settings(receipt: &Receipt) -> Result<Config> {
    parsed(&receipt.settings)
}

fn parsed(settings: &Value) -> Result<Config> {
    let refuse = |error: serde_json::Error| {
        ExperimentError::Unusable(format!("the receipt's settings are not known to this version: {error}"))
    };
    Ok(serde_json::from_str(&settings.to_json()).map_err(refuse)?)
}

/// What follows from a receipt's settings and rows, without training.
///
/// Errors: settings that this version does not know, in words.
pub fn rules(question: &Question<'_>) -> Result<Rules, String> {
    let config = settings(question.receipt).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    let given = question.receipt.reading.get("given_split") == Some(&Value::Bool(true));
    let (split, partition) = reaches(&config, given);
    let gone = match (question.before, question.after) {
        (Some(before), Some(after)) => Some((before, missing_rows(before, after))),
        _ => None,
    };
    let anchors = gone.map(|(before, rows)| touches_anchors(&config, before, &rows));
    // Only an anchored partition asks whether an anchor went.
    let anchors = if config.partition.method == Method::Anchored { anchors } else { Some(false) };
    let procedure = anchors.map(|anchor_touched| Procedure {
        split,
        partial: question.change.partial(),
        anchor_touched,
        ..Procedure::new(question.receipt.protocol.mode, partition)
    });
    let taints = |procedure: &Procedure| if question.touches { expected_taints(procedure) } else { Vec::new() };
    Ok(Rules {
        settings: Value::of(&config).unwrap_or_default(),
        seed: config.seed.into(),
        method: method_name(&config),
        slices: slices(&config),
        divided_again: procedure.as_ref().map(Procedure::divides_again),
        taints: procedure.as_ref().map(taints),
        assignment: match config.partition.method {
            Method::Hash => Assignment::Alone,
            Method::File => Assignment::Given,
            _ => Assignment::Made,
        },
    })
}

fn method_name(config: &Config) -> String {
    match Value::of(&config.partition.method) {
        Some(Value::Text(name)) => name,
        _ => String::new(),
    }
}
