//! What the experiment is asked to do, and the pipeline that each activity is.

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineMethod};
use crate::error::Result;
use crate::model::ModelConfig;
use crate::partition::PartitionConfig;
use crate::pipeline::{Hints, Run, Settings, Shards, Stage, Store};
use crate::unlearn::{Change, Mode, Proposal, Sequence};

use super::work::{Pursuit, Then};
use super::{Experiment, ExperimentError, SweepConfig};

/// Something to do. What is asked while another runs is queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Divide, train, combine and measure, as far as asked; what is in the store already is not done again.
    Build {
        /// The last stage to do.
        until: Stage,
    },
    /// Rows out and rows in: what they touch is trained again.
    Change {
        /// What goes and what comes.
        change: Change,
        /// Keep the partition, or make it again?
        mode: Mode,
    },
    /// Train one model on all rows, for comparison.
    Compare,
    /// The pipeline from the rows as if they had always been these: `twin`.
    Twin,
    /// Changes one after another, each as if it were alone, with what it cost and left behind after each. A refusal or a
    /// cancellation leaves those before carried out and the rest pending.
    Sequence {
        /// The changes, in the order in which they arrive.
        sequence: Sequence,
        /// Keep the partition, or make it again?
        mode: Mode,
        /// Compare with a twin after each? Costs a whole pipeline each time.
        twin: bool,
    },
    /// A rehearsal of a change: what an attacker could tell before it, after it, and of a twin. Carries nothing out.
    Audit {
        /// What would change; users who are forgotten as a whole are compared.
        change: Change,
        /// Keep the partition, or make it again?
        mode: Mode,
        /// One of them, to follow each item of.
        person: Option<String>,
    },
    /// Any other way from the same rows to figures, beside the one that serves: a baseline, or another partition.
    Beside {
        /// Its name among the results.
        name: String,
        /// How it divides.
        partition: PartitionConfig,
        /// What it trains.
        model: ModelConfig,
        /// How it combines.
        combine: CombineConfig,
        /// The last stage to do.
        until: Stage,
    },
    /// What the ensemble is held against, from the same rows: `sisa`, `receraser` (for models with item vectors),
    /// `popularity` and `random`. Each is kept when it is measured, without its weights.
    Baselines,
    /// Take the errors of everything whose sub-models are at hand apart: relevance, redundancy, combination.
    Decompose,
    /// Accuracy against the cost of unlearning. Points that were measured before are not measured again.
    Sweep {
        /// What to go through.
        config: SweepConfig,
    },
}

impl Activity {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Activity::Build { .. } => "build",
            Activity::Change { .. } => "change",
            Activity::Compare => "compare",
            Activity::Twin => "twin",
            Activity::Beside { .. } => "beside",
            Activity::Sequence { .. } => "sequence",
            Activity::Audit { .. } => "audit",
            Activity::Baselines => "baselines",
            Activity::Decompose => "decompose",
            Activity::Sweep { .. } => "sweep",
        }
    }
}

impl Experiment {
    pub(super) fn hints(&self, name: &str) -> Hints {
        Hints { name: name.to_owned(), ..Hints::default() }
    }

    /// None if there is nothing to do.
    pub(super) fn start(&mut self, activity: Activity) -> Result<Option<Pursuit>> {
        let wanted = self.wanted.clone().ok_or(ExperimentError::NoData)?;
        let pursuit = |run, then| Ok(Some(Pursuit { run, store: None, then }));
        match activity {
            Activity::Build { until } => {
                let name = if self.unchanged() { self.serving_name() } else { "original" };
                let hints = Hints { watched: self.watch.positions, ..self.hints(name) };
                let store = std::mem::take(&mut self.watch.again).then(Store::default);
                // What begins again knows nothing yet, nor keeps a division that was made with other rows.
                let wanted = if store.is_some() { wanted.with_shards(Shards::Computed) } else { wanted };
                let run = Run::new(wanted, until, hints)?;
                Ok(Some(Pursuit { run, store, then: Then::Build }))
            }
            Activity::Change { change, mode } => {
                let proposal = self.propose(&change, mode)?;
                Ok(Some(self.pursue(proposal, Stage::Evaluate)?))
            }
            Activity::Compare => {
                let serving = self.trained("comparing")?;
                // One model is served by itself, whatever combines the shards: the yardstick does not move.
                let combine = CombineConfig::of(CombineMethod::Own);
                // Nothing is ever forgotten from it, so it keeps no checkpoints.
                let model = ModelConfig { slices: 0, ..self.settings.model.clone() };
                let settings = Settings { combine, model, ..serving.settings().as_ref().clone() };
                let one = serving.with_settings(settings).with_shards(Shards::One);
                pursuit(Run::new(one, Stage::Evaluate, self.hints("retrained"))?, Then::Record)
            }
            Activity::Twin => {
                let serving = self.trained("a twin")?.with_shards(Shards::Computed);
                let run = Run::new(serving, Stage::Evaluate, self.hints("twin"))?;
                // Nothing that was there before may help it.
                Ok(Some(Pursuit { run, store: Some(Store::default()), then: Then::Twin }))
            }
            Activity::Beside { name, partition, model, combine, until } => {
                let settings = Settings { partition, model, combine, ..self.settings.as_ref().clone() };
                pursuit(Run::new(wanted.with_settings(settings), until, self.hints(&name))?, Then::Record)
            }
            Activity::Baselines => {
                self.trained("a comparison with baselines")?;
                let baselines = self.baselines(&wanted)?;
                self.series("baselines", baselines)
            }
            Activity::Decompose => {
                self.trained("taking errors apart")?;
                let known = self.decomposable()?;
                self.series("decompose", known)
            }
            Activity::Sweep { config } => {
                let points = self.sweep_plan(&wanted, &config)?;
                self.series("sweep", points)
            }
            // These hold pipelines of their own, or are several activities.
            Activity::Sequence { .. } | Activity::Audit { .. } => {
                Err(ExperimentError::Unusable(format!("{} is no work of one pipeline", activity.name())).into())
            }
        }
    }

    /// The pipeline after a change on its way, up to `goal`.
    ///
    /// Errors: something else happened since it was proposed; something has to be confirmed first.
    pub(super) fn pursue(&self, proposal: Proposal, goal: Stage) -> Result<Pursuit> {
        self.may_change(&proposal)?;
        let previous = Some(Box::new(proposal.before.clone()));
        let hints = Hints { previous, watched: self.watch.positions, ..self.hints("unlearned") };
        let run = Run::new(proposal.after.clone(), goal, hints)?;
        Ok(Pursuit { run, store: None, then: Then::Change(Box::new(proposal)) })
    }

    /// Is what serves what is wanted?
    pub(super) fn unchanged(&self) -> bool {
        match (&self.wanted, &self.serving) {
            (Some(wanted), Some(serving)) => {
                std::sync::Arc::ptr_eq(wanted.dataset(), serving.dataset())
                    && wanted.settings() == serving.settings()
                    && wanted.shards() == serving.shards()
            }
            _ => false,
        }
    }
}
