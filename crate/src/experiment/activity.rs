//! What the experiment is asked to do, how each activity begins, and what becomes of it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineMethod};
use crate::error::Result;
use crate::interactions::split_digest;
use crate::model::ModelConfig;
use crate::partition::PartitionConfig;
use crate::unlearn::{Mode, Request, Sequence};

use super::arm::{Arm, Before, Spec};
use super::data::Layout;
use super::forgetting::touched;
use super::given::check_consent;
use super::series::Next;
use super::{Experiment, ExperimentError, ForgetView, Stage, SweepConfig};

/// Something to do. What is asked while another runs is queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Divide, train, combine and measure, as far as asked; stages that are done and not stale are kept.
    Build {
        /// The last stage to do.
        until: Stage,
    },
    /// Remove rows and train again what they touched.
    Forget {
        /// What is to be forgotten.
        request: Request,
        /// Keep the partition, or make it again?
        mode: Mode,
    },
    /// Train one model on all remaining rows, for comparison.
    Compare,
    /// The pipeline from the remaining rows as if the others had never been there: arm `twin`.
    Twin,
    /// Requests one after another, each as if it were alone, with what it cost and left behind after each. A refusal or a
    /// cancellation leaves those before carried out and the rest pending.
    Sequence {
        /// The requests, in the order in which they arrive.
        sequence: Sequence,
        /// Keep the partition, or make it again?
        mode: Mode,
        /// Compare with a twin after each? Costs a whole pipeline each time.
        twin: bool,
    },
    /// A rehearsal of a request: what an attacker could tell before it, after it, and of a twin. Carries nothing out.
    Audit {
        /// What would be forgotten; users as a whole are compared.
        request: Request,
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
    /// What the ensemble is held against, from the same rows: arms `sisa`, `receraser` (for models with item vectors),
    /// `popularity` and `random`. Each is kept when it is measured, without its weights.
    Baselines,
    /// Take the errors of every arm whose sub-models are at hand apart: relevance, redundancy, combination.
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
            Activity::Forget { .. } => "forget",
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

/// The activity under way. Nothing of an arm reaches the experiment before it is finished, so dropping it cancels it.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub activity: Activity,
    pub until: Stage,
    pub arm: Arm,
    pub forgotten: Option<(ForgetView, Before)>,
    /// Of a series of arms: the one under way, and those that follow.
    pub current: Option<Next>,
    pub rest: VecDeque<Next>,
}

impl Running {
    fn of(activity: Activity, until: Stage, arm: Arm) -> Self {
        Running { activity, until, arm, forgotten: None, current: None, rest: VecDeque::new() }
    }
}

impl Experiment {
    /// None if there is nothing to do.
    pub(super) fn start(&mut self, activity: Activity) -> Result<Option<Running>> {
        let data = self.data.clone().ok_or(ExperimentError::NoData)?;
        match &activity {
            Activity::Build { until } => {
                let until = *until;
                check_consent(&data, &self.config)?;
                let arm = match (&self.serving, self.stale) {
                    (Some(arm), None) if arm.next.is_none_or(|next| next <= until) || arm.reached(until) => arm.clone(),
                    (Some(arm), Some(stale)) if stale >= Stage::Train && arm.layout.is_some() => {
                        self.rebuilt_from(arm, stale)
                    }
                    _ => Arm::new(self.spec("original"), data, self.given_shards()?),
                };
                Ok(Some(Running::of(activity, until, arm)))
            }
            Activity::Forget { request, mode } => {
                let (arm, forgotten) = self.unlearning(request, *mode)?;
                Ok(Some(Running { forgotten: Some(forgotten), ..Running::of(activity, Stage::Evaluate, arm) }))
            }
            Activity::Compare => {
                self.trained("comparing")?;
                // The baseline gets the ensemble's serving step where that makes sense for one model: a joint fold-in
                // also steadies a single model, and a weak baseline would flatter the ensemble.
                let combine = match self.config.combine.method {
                    CombineMethod::Own | CombineMethod::Mean | CombineMethod::Logistic => {
                        CombineConfig::of(CombineMethod::Own)
                    }
                    _ => self.config.combine.clone(),
                };
                // Nothing is ever forgotten from it, so it keeps no checkpoints.
                let model = ModelConfig { slices: 0, ..self.config.model.clone() };
                let spec = Spec { name: "retrained".into(), combine, model, positions: false, ..self.spec("") };
                let layout = Layout::whole(&data);
                let arm = Arm::with_layout(spec, data, layout);
                Ok(Some(Running::of(activity, Stage::Evaluate, arm)))
            }
            Activity::Twin => {
                self.trained("a twin")?;
                let spec = Spec { positions: false, ..self.spec("twin") };
                let arm = Arm::new(spec, data, self.given_shards()?);
                Ok(Some(Running::of(activity, Stage::Evaluate, arm)))
            }
            Activity::Beside { name, partition, model, combine, until } => {
                partition.check()?;
                model.check()?;
                let (name, partition, until) = (name.clone(), partition.clone(), *until);
                let given = self.given_for(partition.method)?;
                let spec = Spec { name, partition, model: model.clone(), combine: combine.clone(), positions: false };
                let arm = Arm::new(spec, data, given);
                Ok(Some(Running::of(activity, until, arm)))
            }
            Activity::Baselines => {
                self.trained("a comparison with baselines")?;
                self.series(activity, self.baselines())
            }
            Activity::Decompose => {
                self.trained("taking errors apart")?;
                self.series(activity, self.decomposable())
            }
            Activity::Sweep { config } => {
                let plan = self.sweep_plan(config)?;
                self.series(activity, plan)
            }
            // These are experiments of their own, or several activities.
            Activity::Sequence { .. } | Activity::Audit { .. } => {
                Err(ExperimentError::Unusable(format!("{} is no work of one arm", activity.name())).into())
            }
        }
    }

    /// The arm with its stages from `stale` on undone.
    fn rebuilt_from(&self, arm: &Arm, stale: Stage) -> Arm {
        let spec = self.spec(&arm.spec.name);
        let mut fresh = Arm { spec, evaluation: None, decomposition: None, next: Some(stale), ..arm.clone() };
        if stale <= Stage::Train {
            fresh.members.fill(None);
            fresh.trained.clear();
        }
        if stale <= Stage::Combine {
            fresh.prepared = None;
            fresh.prepared_digest = None;
            fresh.previous = None;
        }
        fresh
    }

    /// A finished activity becomes part of the experiment.
    pub(super) fn finish(&mut self, running: Running) -> Result<()> {
        let Running { activity, arm, forgotten, .. } = running;
        let mut changed = Some(arm.spec.name.clone());
        match activity {
            Activity::Build { .. } => {
                self.seconds.embed = arm.seconds.embed;
                self.seconds.partition = arm.seconds.partition;
                self.seconds.train = arm.seconds.train;
                self.seconds.combine = arm.seconds.combine;
                self.seconds.evaluate = arm.seconds.evaluate;
                if self.stale.is_some() || self.serving.is_none() {
                    self.others.clear();
                    self.before = None;
                    self.forgotten = None;
                }
                self.stale = None;
                self.serving = Some(arm);
                changed = None;
            }
            Activity::Forget { request, mode } => {
                let draft = self.draft(self.trained("forgetting")?, &arm, &request, mode)?;
                self.seconds.unlearn =
                    arm.seconds.embed + arm.seconds.partition + arm.seconds.train + arm.seconds.combine;
                let previous = self.serving.take();
                if let Some((mut view, before)) = forgotten {
                    view.touched_shards = touched(&before, &arm);
                    view.saving = self.saving(&arm);
                    self.forgotten = Some(view);
                    self.before = Some(before);
                }
                if let (Some(previous), false) = (previous, self.others.contains_key("original")) {
                    self.others.insert("original".into(), previous);
                }
                self.others.retain(|name, _| name == "original");
                self.data = Some(arm.data.clone());
                self.split = Some(split_digest(&arm.data.interactions));
                self.purge(&arm);
                if let Some(audit) = &mut self.audit {
                    audit.person = None;
                }
                self.serving = Some(arm);
                self.sweep = super::sweep::Sweep::default();
                self.refigure(None);
                self.write_receipt(draft)?;
                return Ok(());
            }
            Activity::Twin | Activity::Beside { .. } | Activity::Sequence { .. } | Activity::Audit { .. } => {
                self.others.insert(arm.spec.name.clone(), arm);
            }
            Activity::Compare => {
                self.seconds.retrain = arm.seconds.train + arm.seconds.combine;
                self.others.insert(arm.spec.name.clone(), arm);
            }
            // Kept arm by arm.
            Activity::Baselines | Activity::Decompose | Activity::Sweep { .. } => return Ok(()),
        }
        self.refigure(changed.as_deref());
        Ok(())
    }

    pub(super) fn trained(&self, what: &'static str) -> Result<&Arm> {
        let advice = "train and combine the shards first";
        let missing = ExperimentError::TooEarly { what, needs: "a trained ensemble", advice };
        self.serving.as_ref().filter(|arm| arm.next.is_none()).ok_or(missing.into())
    }

    pub(super) fn spec(&self, name: &str) -> Spec {
        Spec {
            name: name.to_owned(),
            partition: self.config.partition.clone(),
            model: self.config.model.clone(),
            combine: self.config.combine.clone(),
            positions: self.positions,
        }
    }
}
