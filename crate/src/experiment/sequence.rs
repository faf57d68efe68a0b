//! Changes one after another: each is carried out as if it were alone, and what it cost and left behind is booked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::evaluate::Interval;
use crate::pipeline::trains;
use crate::unlearn::sequence::{Ledger, ScriptError, StepCost};
use crate::unlearn::twin::{Drift, Finding};
use crate::unlearn::{BillLine, Change, Mode, Rates, Scenario, Sequence, SequenceBill, Taint, propose};

use super::work::{Asked, What};
use super::{Activity, Experiment};

/// A sequence: what was carried out, and what waits. Of forgotten rows it holds numbers only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SequenceView {
    /// Rows when it began, of every fate.
    pub rows: u32,
    /// What each request left behind, in their order.
    pub steps: Vec<SequenceStep>,
    /// What each request cost, and from which on one full retrain would have been cheaper than all so far.
    pub ledger: Ledger,
    /// Requests that were not carried out: the sequence is under way, was cancelled, or the first of these was refused.
    /// Begin a sequence of exactly these to go on.
    pub pending: Vec<Change>,
}

/// What one request of a sequence left behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SequenceStep {
    /// Share of the rows at the beginning that are forgotten by now, 0 to 1.
    pub share: f64,
    /// Users that remain.
    pub users: u32,
    /// Stages that may still depend on what this request took away, as its bill said.
    pub taints: Vec<Taint>,
    /// Figures of what serves now, by name.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Interval>"))]
    pub metrics: BTreeMap<String, Interval>,
    /// Against the twin, where one was asked for.
    pub twin: Option<TwinSummary>,
}

/// A comparison with the twin in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct TwinSummary {
    /// Every stage equal, hash for hash?
    pub exact: bool,
    /// A difference without a reason: a defect of this program?
    pub defect: bool,
    /// Stages that differ.
    pub different: Vec<String>,
    /// How far the partition drifted.
    pub drift: Option<Drift>,
}

impl Experiment {
    /// The requests of a story on the rows in force.
    ///
    /// Errors: no rows; rows on which the story has nobody to speak of.
    pub fn scenario(&self, scenario: Scenario) -> Result<Sequence> {
        let sequence = scenario.sequence(self.rows()?, self.settings.seed.into())?;
        if sequence.changes.is_empty() { Err(ScriptError::Nobody.into()) } else { Ok(sequence) }
    }

    /// The bill of a whole sequence, before any of it is carried out: every request is looked at on the rows that those before
    /// it leave. It ends before a request whose shards nobody knows, since the partition is made again first.
    ///
    /// Errors: nothing is trained yet; a request that cannot be looked at.
    pub fn bill(&self, sequence: &Sequence, mode: Mode) -> Result<SequenceBill> {
        let mut pipeline = self.trained("a bill")?.clone();
        let mut bill = SequenceBill { open: sequence.changes.len() as u32, ..SequenceBill::default() };
        for change in &sequence.changes {
            let proposal = propose(&pipeline, &self.store, change, mode, &Rates::default())?;
            bill.lines.push(BillLine::of(&proposal.plan));
            bill.open -= 1;
            if proposal.plan.everything || proposal.procedure.divides_again() {
                break;
            }
            pipeline = proposal.after;
        }
        Ok(bill)
    }

    /// Puts a sequence's parts in front of whatever waits. One that consists of what is pending goes on with the old record.
    pub(super) fn enqueue_sequence(&mut self, ticket: u32, sequence: Sequence, mode: Mode, twin: bool) -> Result<()> {
        let rows = self.trained("a sequence of changes")?.rows().rows().len() as u32;
        if sequence.changes.is_empty() {
            return Err(ScriptError::Empty.into());
        }
        let Sequence { changes } = sequence;
        if self.history.sequence.as_ref().is_none_or(|view| view.pending != changes) {
            let view = SequenceView { rows, pending: changes.clone(), ..SequenceView::default() };
            self.history.sequence = Some(view);
        }
        let part = |activity, last| Asked { ticket, what: What::Activity(activity), last, part: true };
        let count = changes.len();
        for (index, change) in changes.into_iter().enumerate().rev() {
            let last = index + 1 == count;
            if twin {
                self.queue.first(part(Activity::Twin, last));
            }
            self.queue.first(part(Activity::Change { change, mode }, last && !twin));
        }
        Ok(())
    }

    /// A twin is compared with what the last change left.
    pub(super) fn note_twin(&mut self) {
        let reports = &self.history.twin;
        let summary = TwinSummary {
            exact: reports.iter().all(|stage| stage.equal),
            defect: reports.iter().any(|stage| stage.finding == Finding::Defect),
            different: reports.iter().filter(|stage| !stage.equal).map(|stage| stage.stage.clone()).collect(),
            drift: reports.iter().find_map(|stage| stage.drift),
        };
        if let Some(step) = self.history.sequence.as_mut().and_then(|view| view.steps.last_mut()) {
            step.twin = Some(summary);
        }
    }

    /// A change is carried out; `rows_before` is how many rows there were when it began.
    pub(super) fn note_change(&mut self, rows_before: u32) {
        let Some(serving) = &self.serving else { return self.note_everything(rows_before) };
        let last = self.history.last.as_ref().expect("a change was just carried out");
        let divided = serving.divided(&self.store).expect("what serves has shards");
        let touched = || last.view.touched_shards.iter().map(|&shard| u64::from(divided.shards[shard as usize].n_rows));
        let trained = touched().filter(|&rows| rows > 0);
        let cost = StepCost {
            rows: last.view.rows,
            shards: trained.clone().count() as u32,
            rows_trained: trained.sum(),
            rows_full: serving.rows().rows().iter().filter(|row| trains(row)).count() as u64,
            seconds: self.history.changed.until_serving(),
            full_seconds: Some(self.history.retrained.until_serving()).filter(|&seconds| seconds > 0.0),
            ..StepCost::default()
        };
        let result = self.records.get("unlearned").and_then(|record| record.result.as_ref());
        let metrics = result.map(|result| result.metrics.clone()).unwrap_or_default();
        let (left, users) = (serving.rows().rows().len() as f64, serving.rows().users().len() as u32);
        let taints = last.view.taints.clone();
        let Some(view) = &mut self.history.sequence else { return };
        let share = 1.0 - left / f64::from(view.rows.max(1));
        view.ledger.book(cost);
        view.steps.push(SequenceStep { share, users, taints, metrics, twin: None });
        view.pending.remove(0);
    }

    /// A change forgot everything there was.
    fn note_everything(&mut self, rows: u32) {
        let Some(view) = &mut self.history.sequence else { return };
        view.ledger.book(StepCost { rows, ..StepCost::default() });
        view.steps.push(SequenceStep { share: 1.0, ..SequenceStep::default() });
        view.pending.remove(0);
    }
}
