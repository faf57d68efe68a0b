//! The verification of receipts as work under way: one or two experiments are built inside, and compared.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::interactions::{Interactions, ReadReport, Size};
use crate::unlearn::receipt::Verification;
use crate::unlearn::{Receipt, Verdict};

use super::queue::What;
use super::{Activity, Event, Experiment, ExperimentError, JobOut, Stage, rules, settings};

/// What its jobs and stages are called, so that nobody takes them for the ensemble's own.
const LABEL: &str = "verify";

/// Holds rows of its own: the experiment it runs in may be empty, and is left alone.
#[derive(Clone, Debug)]
pub(super) struct Check {
    verification: Verification,
    /// The side that is trained again now, and what comes of it.
    at: usize,
    current: Option<Experiment>,
}

impl Experiment {
    /// Checks a chain of receipts, the first first, against rows as they were before the first of the requests or as they
    /// are after the last; `test` as for [`Experiment::load`]. What is loaded here plays no part and is left alone, so this
    /// works in an empty experiment. Trains again; ends with [`Event::Verified`].
    ///
    /// Errors: no receipt; rows that do not belong to it; settings that this version does not know.
    pub fn verify(
        &mut self,
        receipts: &[Receipt],
        rows: Interactions,
        test: Option<Interactions>,
        report: &ReadReport,
    ) -> Result<u32> {
        let mut source = source(receipts)?;
        source.load(rows, test, report, BTreeMap::new())?;
        self.verify_rows(receipts, source.rows()?)
    }

    /// [`Experiment::verify`] against the rows of a generated sample.
    pub fn verify_sample(&mut self, receipts: &[Receipt], size: Size, seed: u32) -> Result<u32> {
        let mut source = source(receipts)?;
        source.load_sample(size, seed)?;
        self.verify_rows(receipts, source.rows()?)
    }

    /// [`Experiment::verify`] against rows that were read and split as the receipts' [`settings`] say.
    pub fn verify_rows(&mut self, receipts: &[Receipt], rows: &Interactions) -> Result<u32> {
        let none = || ExperimentError::Unusable("give at least one receipt".to_owned());
        settings(receipts.first().ok_or_else(none)?)?;
        let verification = Verification::open(receipts, &[rows], rules)?;
        self.ask(What::Check(Box::new(Check { verification, at: 0, current: None })))
    }
}

/// An experiment that reads and splits as the receipts say.
fn source(receipts: &[Receipt]) -> Result<Experiment> {
    let none = || ExperimentError::Unusable("give at least one receipt".to_owned());
    let mut source = Experiment::new();
    source.configure(settings(receipts.first().ok_or_else(none)?)?)?;
    Ok(source)
}

impl Check {
    pub fn begin(&mut self) -> Result<()> {
        let Some(todo) = self.verification.todo().get(self.at) else { return Ok(()) };
        let mut experiment = Experiment::again(todo)?;
        experiment.label = Some(LABEL.to_owned());
        experiment.begin(Activity::Build { until: Stage::Evaluate })?;
        self.current = Some(experiment);
        Ok(())
    }

    pub fn jobs(&mut self, parallelism: u32, ids: &mut u32, now: f64) -> Vec<JobOut> {
        let Some(experiment) = &mut self.current else { return Vec::new() };
        experiment.clock = now;
        experiment.next_id = *ids;
        let jobs = experiment.jobs(parallelism);
        *ids = experiment.next_id;
        jobs
    }

    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64, now: f64) -> Result<Vec<Event>> {
        let experiment = self.current.as_mut().ok_or(ExperimentError::UnknownJob { id })?;
        experiment.clock = now;
        let mut events = experiment.accept(id, outcome, seconds)?;
        let whole = !experiment.running();
        // Of the inner experiments only how far they are is told: their figures are in the verdict.
        events.retain(|event| matches!(event, Event::Stage { .. }));
        for event in &mut events {
            if let Event::Stage { arm, .. } = event {
                LABEL.clone_into(arm);
            }
        }
        if whole {
            self.judge()?;
        }
        Ok(events)
    }

    /// One side is trained again: its digests against the receipts', then the next.
    fn judge(&mut self) -> Result<()> {
        let Some(built) = self.current.take() else { return Ok(()) };
        self.verification.judge(self.at, &built.recomputed()?);
        self.at += 1;
        self.begin()
    }

    pub fn done(&self) -> bool {
        self.current.is_none() && self.at >= self.verification.todo().len()
    }

    pub fn verdict(self) -> Verdict {
        self.verification.verdict().clone()
    }
}
