//! Building and changing: what serves, the bill, and what is committed.

use std::sync::Arc;

use crate::error::Result;
use crate::interactions::Interactions;
use crate::pipeline::{Assignment, NO_SHARD, Pipeline, Run, Shards, Stage, Store};
use crate::unlearn::twin::{StageReport, Stages, compare_twin};
use crate::unlearn::{self, Change, Mode, Plan, Proposal, Rates, Selection};

use super::history::{Before, History, LastChange, WorkDoneView, shard_digests};
use super::work::What;
use super::{ChangeView, Experiment, ExperimentError};

impl Experiment {
    /// The bill of a change, before anything changes. Needs a trained ensemble.
    pub fn plan(&self, change: &Change, mode: Mode) -> Result<Plan> {
        Ok(self.propose(change, mode)?.plan)
    }

    pub(crate) fn propose(&self, change: &Change, mode: Mode) -> Result<Proposal> {
        let serving = self.trained("a plan")?;
        let trained = serving.sub_models(&self.store);
        let seconds: Vec<f64> = trained.iter().map(|trained| trained.map_or(0.0, |trained| trained.seconds)).collect();
        let retrained = self.history.retrained.until_serving();
        let rates = Rates {
            full_seconds: Some(if retrained > 0.0 { retrained } else { seconds.iter().sum() }),
            combine_seconds: serving.combined(&self.store).map_or(0.0, |combined| combined.seconds),
            full_work: Some(self.history.work.built.seconds).filter(|&seconds| seconds > 0.0),
            seconds_per_shard: seconds,
            epochs_per_shard: trained.iter().map(|trained| trained.map_or(0, |trained| trained.epochs)).collect(),
            workers: self.watch.workers.max(1),
        };
        unlearn::propose(serving, &self.store, change, mode, &rates)
    }

    /// Errors: nothing to change; something that has to be confirmed first; settings that were changed and not built.
    pub(super) fn may_change(&self, proposal: &Proposal) -> Result<()> {
        if !self.unchanged() {
            // Sub-models under two settings would be no ensemble that a twin could equal.
            let needs = "an ensemble that was built with the settings in force";
            return Err(ExperimentError::TooEarly { what: "a change", needs, advice: "build again first" }.into());
        }
        let serving = self.trained("a change")?;
        if !Arc::ptr_eq(serving.dataset(), proposal.before.dataset()) {
            return Err(ExperimentError::Stale.into());
        }
        Ok(proposal.plan.check(&proposal.change.forget)?)
    }

    /// Begins a change whose bill was seen; it is committed when it is built up to `goal`. Gives its ticket.
    ///
    /// Errors: as those of a change; the bill is of other rows than those that serve now.
    pub(crate) fn carry_out(&mut self, proposal: Proposal, goal: Stage) -> Result<u32> {
        self.enqueue(What::Proposal(Box::new(proposal), goal))
    }

    /// Is what serves measured?
    pub(crate) fn measured(&self) -> bool {
        self.serving.as_ref().is_some_and(|serving| serving.reached(Stage::Evaluate, &self.store))
    }

    /// Users by rule: a random share, the most or the least active.
    pub fn select(&self, selection: &Selection) -> Result<Vec<String>> {
        let wanted = self.wanted.as_ref().ok_or(ExperimentError::NoData)?;
        Ok(unlearn::select(wanted.rows(), selection, self.settings.seed.into())?)
    }

    /// A finished build serves.
    pub(super) fn serve(&mut self, run: Run, store: Option<Store>) {
        if let Some(store) = store {
            self.store = store;
            self.serving = None;
            self.source.view = self.source.view.as_ref().map(|view| view.refreshed(run.pipeline.dataset()));
            self.wanted = Some(run.pipeline.clone());
        }
        if !self.unchanged() {
            self.records.clear();
            self.history.last = None;
            self.history.twin.clear();
        }
        self.history.built = run.seconds;
        self.history.work.built = run.work;
        self.serving = Some(run.pipeline.clone());
        let name = self.serving_name();
        match self.record(&run, &self.store) {
            Some(record) => self.records.insert(name.to_owned(), record),
            None => self.records.remove(name),
        };
        self.tidy();
        self.refigure(None);
    }

    /// A change whose pipeline is built becomes what serves, and nothing else is left of what was before.
    pub(super) fn commit(&mut self, proposal: Proposal, run: &Run) -> Result<()> {
        let Proposal { before, after, .. } = &proposal;
        let draft = self.draft(&proposal)?;
        let digests = Before::of(before, &self.store);
        let touched = touched(&digests, &shard_digests(after, &self.store), &run.trained);
        let view = ChangeView::of(&proposal, touched, unlearn::saving(after, &run.trained, &self.store));
        if after.rows().rows().is_empty() {
            return self.commit_nothing(draft, view);
        }
        let was = self.serving_name();
        if let Some(record) = self.records.remove(was) {
            self.records.entry("original".to_owned()).or_insert(record);
        }
        // Nobody is left of the others but those whose figures are of the people who remain.
        self.records.retain(|name, _| name == "original");
        self.records.values_mut().for_each(|record| record.carried(before.rows(), after.rows()));
        let source = &mut self.source;
        let there = |rows: &Interactions, id: &str| rows.items().find(id).is_some();
        source.titles.retain(|id, _| there(after.rows(), id));
        source.names.retain(|id, _| after.rows().users().find(id).is_some());
        source.groups.retain(|id, _| after.rows().users().find(id).is_some());
        source.view = source.view.as_ref().map(|view| view.refreshed(after.dataset()));
        self.history.last = Some(LastChange { view, before: digests });
        self.history.changed = run.seconds;
        self.history.work = WorkDoneView { changed: run.work, twin: None, ..self.history.work };
        self.history.sweep = Default::default();
        self.history.twin.clear();
        if let Some(audit) = &mut self.history.audit {
            audit.person = None;
        }
        self.serving = Some(after.clone());
        self.wanted = Some(after.clone());
        if let Some(record) = self.record(run, &self.store) {
            self.records.insert("unlearned".to_owned(), record);
        }
        self.tidy();
        self.refigure(None);
        self.write_receipt(draft)
    }

    /// A confirmed request for everything. Settings stay, and the receipts.
    fn commit_nothing(&mut self, draft: super::receipts::Written, view: ChangeView) -> Result<()> {
        let history = std::mem::take(&mut self.history);
        *self = Experiment {
            settings: std::mem::take(&mut self.settings),
            queue: std::mem::take(&mut self.queue),
            watch: std::mem::take(&mut self.watch),
            history: History { receipts: history.receipts, sequence: history.sequence, ..History::default() },
            ..Experiment::default()
        };
        self.history.last = Some(LastChange { view, before: Before::default() });
        self.write_receipt(draft)?;
        self.history.last = None;
        self.history.secret = None;
        Ok(())
    }

    /// The twin against what serves, stage by stage.
    pub(super) fn compare_twin(&mut self, run: &Run, store: &Store) {
        let record = self.record(run, store).map(|mut record| {
            record.pipeline = None;
            record
        });
        let (Some(record), Some(serving)) = (record, &self.serving) else { return };
        let taints = self.history.last.as_ref().map_or(&[][..], |last| &last.view.taints);
        let (one, other) = (stages(serving, &self.store), stages(&run.pipeline, store));
        self.history.work.twin = Some(run.work);
        self.history.twin = compare_twin(&one, &other, taints);
        self.records.insert("twin".to_owned(), record);
        self.refigure(Some("twin"));
    }

    /// What serves against the twin, stage by stage, with the taints of the last change.
    ///
    /// Errors: no twin was made since.
    pub fn twin(&self) -> Result<Vec<StageReport>> {
        let missing =
            ExperimentError::TooEarly { what: "the comparison", needs: "the twin", advice: "make the twin first" };
        if self.history.twin.is_empty() { Err(missing.into()) } else { Ok(self.history.twin.clone()) }
    }

    /// The digests of every stage of what serves, for [`compare_twin`].
    ///
    /// Errors: nothing is trained yet.
    pub fn stages(&self) -> Result<Stages> {
        Ok(stages(self.trained("comparing stages")?, &self.store))
    }

    /// Takes the shards as given, for exactly the rows that are loaded: the next build begins with training.
    ///
    /// Errors: work is under way; no rows; an assignment of other rows.
    pub fn freeze(&mut self, assignment: Assignment) -> Result<()> {
        self.idle("a given partition")?;
        let wanted = self.wanted.as_ref().ok_or(ExperimentError::NoData)?;
        assignment.check(wanted.rows())?;
        self.wanted = Some(wanted.with_shards(Shards::Kept(assignment.into(), Default::default())));
        Ok(())
    }

    /// Which shard every row in force is in.
    ///
    /// Errors: no rows, or no partition yet.
    pub fn assignment(&self) -> Result<Arc<Assignment>> {
        let advice = "build it first";
        let missing = ExperimentError::TooEarly { what: "the list of shards", needs: "a partition", advice };
        let pipeline = self.serving.as_ref().or(self.wanted.as_ref()).ok_or(ExperimentError::NoData)?;
        Ok(pipeline.divided(&self.store).ok_or(missing)?.assignment.clone())
    }
}

/// Digests of every stage of a trained pipeline.
fn stages(pipeline: &Pipeline, store: &Store) -> Stages {
    let divided = pipeline.divided(store).expect("a trained pipeline has shards");
    Stages {
        split: pipeline.dataset().digest(),
        keeps_embedding: store.has(&pipeline.embed_key()),
        partition: divided.assignment.digest(pipeline.rows()),
        division: divided.assignment.compact(pipeline.rows()),
        inputs: divided.rows.clone(),
        weights: shard_digests(pipeline, store),
        combiner: pipeline.combined(store).map(|combined| combined.prepared.digest),
    }
}

/// Shards that the change reached: trained again, or emptied.
fn touched(before: &Before, after: &[Option<crate::Digest>], trained: &[u32]) -> Vec<u32> {
    let emptied = (0..after.len())
        .filter(|&shard| before.shards.get(shard).is_some_and(Option::is_some) && after[shard].is_none());
    let mut touched: Vec<u32> = emptied.map(|shard| shard as u32).chain(trained.iter().copied()).collect();
    touched.sort_unstable();
    touched.dedup();
    touched
}

impl ChangeView {
    fn of(proposal: &Proposal, touched_shards: Vec<u32>, saving: Option<unlearn::SavingView>) -> Self {
        let (found, plan) = (&proposal.found, &proposal.plan);
        let unknown_pairs = found.unknown_interactions.iter().map(|(user, item)| format!("{user} {item}"));
        ChangeView {
            protocol: match proposal.mode {
                Mode::Refit => "one batch, partition made again".into(),
                Mode::Frozen if *proposal.after.shards() == Shards::Computed => {
                    "one batch, partition followed from the anchors".into()
                }
                Mode::Frozen => "one batch, partition frozen".into(),
            },
            users: plan.users_gone,
            users_added: plan.users_new,
            rows: plan.rows,
            rows_added: plan.added,
            touched_shards,
            unknown: found.unknown_users.iter().chain(&found.unknown_items).cloned().chain(unknown_pairs).collect(),
            taints: plan.taints.clone(),
            saving,
        }
    }
}

/// The shard of each user's first training row; [`NO_SHARD`] where there is none.
pub(super) fn first_shards(pipeline: &Pipeline, store: &Store) -> Option<Vec<u16>> {
    let divided = pipeline.divided(store)?;
    let of = &divided.assignment.shard_of_row;
    let first = |user: u32| {
        let mut own = of[pipeline.rows().range_of(user)].iter().copied();
        own.find(|&shard| shard != NO_SHARD).unwrap_or(NO_SHARD)
    };
    Some((0..pipeline.rows().users().len() as u32).map(first).collect())
}
