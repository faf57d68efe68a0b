//! Forgetting: whom, the bill, the arm that never held the rows, and what is taken out of everything else that is kept.

use std::sync::Arc;

use crate::error::Result;
use crate::interactions::{Interactions, SplitMethod};
use crate::partition::Method;
use crate::unlearn::{self, Mode, Plan, Procedure, Rates, Reach, Request, Resolved, Selection};

use super::arm::{Arm, Before};
use super::data::is_anchor;
use super::start::Former;
use super::{Config, Experiment, ExperimentError, ForgetView, Stage};

impl Experiment {
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
        let mut plan = unlearn::plan(&found, data, &layout, &rates, &self.procedure(&found, mode))?;
        self.foresee(serving, &found, &mut plan);
        Ok(plan)
    }

    /// How this request is carried out, as far as traces are concerned.
    pub(super) fn procedure(&self, found: &Resolved, mode: Mode) -> Procedure {
        // Somebody who loses rows and stays.
        let partial = found.users.len() > found.users_gone.len();
        let anchors =
            self.data.as_ref().is_some_and(|data| touches_anchors(&self.config, &data.interactions, &found.rows));
        let (split, partition) = reaches(&self.config, self.source.given_split);
        Procedure { split, partial, anchor_touched: anchors, ..Procedure::new(mode, partition) }
    }

    /// Users by rule: a random share, the most or the least active.
    pub fn select(&self, selection: &Selection) -> Result<Vec<String>> {
        let data = self.data.as_ref().ok_or(ExperimentError::NoData)?;
        Ok(unlearn::select(&data.interactions, selection, self.config.seed.into())?)
    }

    /// The arm that never held the requested rows, with the shards that stay the same taken over.
    pub(super) fn unlearning(&self, request: &Request, mode: Mode) -> Result<(Arm, (ForgetView, Before))> {
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
        let mut arm = if self.procedure(&found, mode).divides_again() {
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

    /// A confirmed request for everything: there is nothing to train, so it is carried out at once. Settings stay, and
    /// the receipts.
    pub(super) fn forget_everything(&mut self, request: &Request, mode: Mode) -> Result<()> {
        let (arm, _) = self.unlearning(request, mode)?;
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
        self.write_receipt(draft)
    }

    /// Takes everything that saw the forgotten rows out of the arms that are kept for comparison: what remains of them
    /// is the remaining users' figures and lists.
    pub(super) fn purge(&mut self, serving: &Arm) {
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
}

/// Whose rows decide a row's fate, and a user's shard.
pub(super) fn reaches(config: &Config, given_split: bool) -> (Reach, Reach) {
    let partition = match config.partition.method {
        Method::Hash | Method::File => Reach::Alone,
        Method::Anchored => Reach::Anchors,
        _ => Reach::Everybody,
    };
    let by_time = config.split.method == SplitMethod::LeaveLastOut && !given_split;
    (if by_time { Reach::OwnRows } else { Reach::Alone }, partition)
}

/// Is one of those who lose `rows` (indices, ascending) an anchor, or do they become one by it?
pub(super) fn touches_anchors(config: &Config, data: &Interactions, rows: &[u32]) -> bool {
    let (partition, seed) = (&config.partition, config.seed);
    let anchor = |user: u32, except: &[u32]| is_anchor(data, user, except, partition, seed);
    // Who loses the one row that said no becomes an anchor by it.
    let touched = |user: u32| anchor(user, &[]) || anchor(user, rows);
    partition.method == Method::Anchored && rows.iter().any(|&row| touched(data.rows()[row as usize].user))
}

/// Shards that the request changed: trained again, or emptied.
pub(super) fn touched(before: &Before, arm: &Arm) -> Vec<u32> {
    let emptied = (0..arm.shards.len() as u32).filter(|&shard| {
        let was = before.shards.get(shard as usize).is_some_and(Option::is_some);
        was && arm.members[shard as usize].is_none()
    });
    let mut touched: Vec<u32> = emptied.chain(arm.trained.iter().copied()).collect();
    touched.sort_unstable();
    touched
}
