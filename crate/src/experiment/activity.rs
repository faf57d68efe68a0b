//! What the experiment is asked to do, how each activity begins, and what becomes of it.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineMethod};
use crate::error::Result;
use crate::interactions::{SplitMethod, split_digest};
use crate::model::ModelConfig;
use crate::partition::{Method, PartitionConfig};
use crate::unlearn::{self, Mode, Plan, Procedure, Rates, Reach, Request, Resolved, Selection, Sequence};

use super::arm::{Arm, Before, Spec};
use super::data::{Layout, is_anchor};
use super::given::check_consent;
use super::series::Next;
use super::start::Former;
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
    /// A confirmed request for everything: there is nothing to train, so it is carried out at once. Settings stay, and
    /// the receipts.
    pub(super) fn forget_everything(&mut self, request: &Request, mode: Mode) -> Result<()> {
        let (arm, (view, _)) = self.unlearning(request, mode)?;
        let draft = self.draft(self.trained("forgetting")?, &arm, request, mode)?;
        *self = Experiment {
            config: std::mem::take(&mut self.config),
            queue: std::mem::take(&mut self.queue),
            receipts: std::mem::take(&mut self.receipts),
            told: std::mem::take(&mut self.told),
            sequence: self.sequence.take(),
            label: self.label.take(),
            next_id: self.next_id,
            next_ticket: self.next_ticket,
            clock: self.clock,
            positions: self.positions,
            workers: self.workers,
            ..Experiment::default()
        };
        self.write_receipt(draft, view.taints)
    }

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

    /// The arm that never held the requested rows, with the shards that stay the same taken over.
    fn unlearning(&self, request: &Request, mode: Mode) -> Result<(Arm, (ForgetView, Before))> {
        let serving = self.trained("forgetting")?;
        if self.stale.is_some_and(|stale| stale < Stage::Evaluate) {
            // Sub-models under two settings would be no ensemble that a twin could equal.
            let needs = "an ensemble that was built with the settings in force";
            return Err(ExperimentError::TooEarly { what: "forgetting", needs, advice: "build again first" }.into());
        }
        let plan = self.plan(request, mode)?;
        plan.check(request)?;
        let found = request.resolve(&serving.data.interactions);
        let data = Arc::new(serving.data.without(&found.rows));
        let layout = serving.layout.clone().unwrap_or_default().without(&found.rows);
        let inputs = serving.inputs();
        let members = serving.members.iter().zip(inputs);
        let reusable = members.filter_map(|(member, input)| Some((input, member.clone()?))).collect();
        let spec = self.spec("unlearned");
        let mut arm = if self.procedure(request, &found, mode).divides_again() {
            Arm { reusable, ..Arm::new(spec, data, self.given_shards()?) }
        } else {
            let mut arm = Arm { reusable, ..Arm::with_layout(spec, data, layout) };
            arm.partition = serving.partition.clone();
            arm.reuse();
            arm
        };
        arm.former = Former::of(serving, &arm.data);
        arm.previous = serving.prepared.clone();
        let unknown_pairs = found.unknown_interactions.iter().map(|(user, item)| format!("{user} {item}"));
        let unknown = found.unknown_users.iter().chain(&found.unknown_items).cloned().chain(unknown_pairs).collect();
        let forgotten = ForgetView {
            protocol: match mode {
                Mode::Frozen => "one batch, partition frozen".into(),
                Mode::Refit => "one batch, partition made again".into(),
                Mode::Anchored => "one batch, anchored partition".into(),
            },
            users: found.users_gone.len() as u32,
            rows: found.rows.len() as u32,
            touched_shards: plan.touched.iter().map(|touched| touched.shard).collect(),
            unknown,
            taints: plan.taints.clone(),
            saving: None,
        };
        let before = serving.before(self.split.unwrap_or_default());
        Ok((arm, (forgotten, before)))
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
                let taints = forgotten.as_ref().map(|(view, _)| view.taints.clone()).unwrap_or_default();
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
                self.write_receipt(draft, taints)?;
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

    /// Takes everything that saw the forgotten rows out of the arms that are kept for comparison: what remains of them
    /// is the remaining users' figures and lists.
    fn purge(&mut self, serving: &Arm) {
        for arm in self.others.values_mut() {
            let old = std::mem::replace(&mut arm.data, serving.data.clone());
            let new = &serving.data.interactions;
            if let Some(results) = arm.evaluation.take() {
                let item_at: Vec<Option<u32>> =
                    old.interactions.items().iter().map(|id| new.items().find(id)).collect();
                let kept = new.users().iter().map(|id| {
                    let mut result = results[old.interactions.users().find(id).unwrap_or_default() as usize].clone();
                    result.top = result.top.iter().filter_map(|&item| item_at[item as usize]).collect();
                    result
                });
                arm.evaluation = Some(kept.collect());
            }
            arm.layout = None;
            arm.shards.clear();
            arm.members.clear();
            arm.prepared = None;
            arm.previous = None;
            arm.embedding = None;
            // A sum over everybody, the forgotten included.
            arm.decomposition = None;
        }
        self.source.titles.retain(|id, _| serving.data.interactions.items().find(id).is_some());
        self.source.groups.retain(|id, _| serving.data.interactions.users().find(id).is_some());
        self.source.given.retain(|id, _| serving.data.interactions.users().find(id).is_some());
    }

    /// The bill of a request, before anything changes. Needs a trained ensemble.
    pub fn plan(&self, request: &Request, mode: Mode) -> Result<Plan> {
        let serving = self.trained("a plan")?;
        let layout = serving.layout.clone().unwrap_or_default();
        let data = &serving.data.interactions;
        let found = request.resolve(data);
        let seconds = serving.members.iter().map(|member| member.as_ref().map_or(0.0, |trained| trained.seconds));
        let full_seconds = self.others.get("retrained").map(|arm| arm.seconds.train + arm.seconds.combine);
        let rates = Rates {
            seconds_per_shard: seconds.collect(),
            full_seconds: full_seconds.or_else(|| Some(serving.members.iter().flatten().map(|m| m.seconds).sum())),
            combine_seconds: serving.seconds.combine,
            workers: self.workers.max(1),
        };
        let layout = unlearn::Layout { shards: layout.shards, shard_of_row: &layout.shard_of_row };
        let mut plan = unlearn::plan(&found, data, &layout, &rates, &self.procedure(request, &found, mode))?;
        self.foresee(serving, &found, &mut plan);
        Ok(plan)
    }

    /// How this request is carried out, as far as traces are concerned.
    fn procedure(&self, request: &Request, found: &Resolved, mode: Mode) -> Procedure {
        let partition = match self.config.partition.method {
            Method::Hash | Method::File => Reach::Alone,
            Method::Anchored => Reach::Anchors,
            _ => Reach::Everybody,
        };
        let by_time = self.config.split.method == SplitMethod::LeaveLastOut && !self.source.given_split;
        let split = if by_time { Reach::OwnRows } else { Reach::Alone };
        let partial = !request.items.is_empty() || !request.interactions.is_empty();
        let anchor_touched = partition == Reach::Anchors
            && self.data.as_ref().is_some_and(|data| {
                let (partition, seed) = (&self.config.partition, self.config.seed);
                let anchor = |user: u32, except: &[u32]| is_anchor(data, user, except, partition, seed);
                // Who loses the one row that said no becomes an anchor by it.
                found.users.iter().any(|&user| anchor(user, &[]) || anchor(user, &found.rows))
            });
        Procedure { split, partial, anchor_touched, ..Procedure::new(mode, partition) }
    }

    /// Users by rule: a random share, the most or the least active.
    pub fn select(&self, selection: &Selection) -> Result<Vec<String>> {
        let data = self.data.as_ref().ok_or(ExperimentError::NoData)?;
        Ok(unlearn::select(&data.interactions, selection, self.config.seed.into())?)
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

/// Shards that the request changed: trained again, or emptied.
fn touched(before: &Before, arm: &Arm) -> Vec<u32> {
    let emptied = (0..arm.shards.len() as u32).filter(|&shard| {
        let was = before.shards.get(shard as usize).is_some_and(Option::is_some);
        was && arm.members[shard as usize].is_none()
    });
    let mut touched: Vec<u32> = emptied.chain(arm.trained.iter().copied()).collect();
    touched.sort_unstable();
    touched
}
