//! Requests one after another: each is carried out as if it were alone, and what it cost and left behind is booked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::evaluate::Interval;
use crate::interactions::Fate;
use crate::unlearn::sequence::{Ledger, ScriptError, StepCost};
use crate::unlearn::twin::{Drift, Finding};
use crate::unlearn::{Mode, Request, Sequence};

use super::queue::{Asked, What};
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
    pub pending: Vec<Request>,
}

/// What one request of a sequence left behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SequenceStep {
    /// Share of the rows at the beginning that are forgotten by now, 0 to 1.
    pub share: f64,
    /// Users that remain.
    pub users: u32,
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
    /// Puts a sequence's parts in front of whatever waits. One that consists of what is pending goes on with the old record.
    pub(super) fn line_up(&mut self, ticket: u32, sequence: Sequence, mode: Mode, twin: bool) -> Result<()> {
        self.trained("a sequence of requests")?;
        if sequence.requests.is_empty() {
            return Err(ScriptError::Empty.into());
        }
        let Sequence { requests } = sequence;
        if self.sequence.as_ref().is_none_or(|view| view.pending != requests) {
            let rows = self.data.as_ref().map_or(0, |data| data.interactions.rows().len()) as u32;
            self.sequence = Some(SequenceView { rows, pending: requests.clone(), ..SequenceView::default() });
        }
        let part = |activity, last| Asked { ticket, what: What::Activity(activity), last, part: true };
        let count = requests.len();
        for (index, request) in requests.into_iter().enumerate().rev() {
            let last = index + 1 == count;
            if twin {
                self.queue.push_front(part(Activity::Twin, last));
            }
            self.queue.push_front(part(Activity::Forget { request, mode }, last && !twin));
        }
        Ok(())
    }

    /// A part is done; `rows_before` is how many rows there were when it began.
    pub(super) fn note_part(&mut self, activity: &str, rows_before: u32) {
        if activity == "twin" {
            let reports = self.twin().unwrap_or_default();
            let summary = TwinSummary {
                exact: reports.iter().all(|stage| stage.equal),
                defect: reports.iter().any(|stage| stage.finding == Finding::Defect),
                different: reports.iter().filter(|stage| !stage.equal).map(|stage| stage.stage.clone()).collect(),
                drift: reports.iter().find_map(|stage| stage.drift),
            };
            if let Some(step) = self.sequence.as_mut().and_then(|view| view.steps.last_mut()) {
                step.twin = Some(summary);
            }
            return;
        }
        let (Some(arm), Some(data)) = (&self.serving, &self.data) else { return };
        let trained = |shard: &u32| u64::from(arm.shards[*shard as usize].n_rows);
        let cost = StepCost {
            rows: rows_before - data.interactions.rows().len() as u32,
            shards: arm.trained.len() as u32,
            rows_trained: arm.trained.iter().map(trained).sum(),
            rows_full: u64::from(data.count(Fate::Train) + data.count(Fate::Validation)),
            seconds: self.seconds.unlearn,
            full_seconds: Some(self.seconds.retrain).filter(|&seconds| seconds > 0.0),
            ..StepCost::default()
        };
        let metrics = self.figures.results.get("unlearned").map(|result| result.metrics.clone()).unwrap_or_default();
        let (left, users) = (data.interactions.rows().len() as f64, data.interactions.users().len() as u32);
        let Some(view) = &mut self.sequence else { return };
        let share = 1.0 - left / f64::from(view.rows.max(1));
        view.ledger.book(cost);
        view.steps.push(SequenceStep { share, users, metrics, twin: None });
        view.pending.remove(0);
    }

    /// A part forgot everything there was.
    pub(super) fn note_everything(&mut self, rows: u32) {
        let Some(view) = &mut self.sequence else { return };
        view.ledger.book(StepCost { rows, ..StepCost::default() });
        view.steps.push(SequenceStep { share: 1.0, ..SequenceStep::default() });
        view.pending.remove(0);
    }
}
