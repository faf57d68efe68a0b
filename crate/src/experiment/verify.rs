//! The verification of receipts as work under way: one or two pipelines are built from nothing, and compared.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::Result;
use crate::interactions::{Interactions, Size};
use crate::pipeline::{Event, Hints, JobOut, PipelineError, Run, Stage, Store};
use crate::unlearn::verify::{compare, compare_before};
use crate::unlearn::{Receipt, Verdict};

use super::queue::What;
use super::receipts::recomputed;
use super::{Experiment, ExperimentError, Loaded, Verification, settings};

/// What its pipelines are called, so that nobody takes them for the ensemble's own.
const NAME: &str = "verify";

/// Holds rows of its own: the experiment it runs in may be empty, and is left alone.
#[derive(Clone, Debug)]
pub(super) struct Verify {
    first: Receipt,
    last: Receipt,
    verdict: Verdict,
    /// Rows before all changes, where given; then those after.
    before: Option<Run>,
    after: Option<Run>,
    store: Store,
}

impl Experiment {
    /// Checks a chain of receipts, the first first, against rows as they were before the first of the changes or as they
    /// are after the last. What is loaded here plays no part and is left alone, so this works in an empty experiment. Trains
    /// again; ends with [`super::Notice::Verified`].
    ///
    /// Errors: no receipt; rows that do not belong to it; settings that this version does not know.
    pub fn verify(&mut self, receipts: &[Receipt], loaded: Loaded) -> Result<u32> {
        let mut source = source(receipts)?;
        source.load(loaded)?;
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
        let Verification { verdict, before, after } = Experiment::verification(receipts, rows)?;
        // There is a receipt, or the verification would have been refused.
        let (first, last) = (receipts[0].clone(), receipts[receipts.len() - 1].clone());
        let hints = || Hints { name: NAME.to_owned(), ..Hints::default() };
        let before = before.map(|pipeline| Run::new(pipeline, Stage::Evaluate, hints())).transpose()?;
        let after = Some(Run::new(after, Stage::Evaluate, hints())?);
        let store = Store::default();
        self.enqueue(What::Verify(Box::new(Verify { first, last, verdict, before, after, store })))
    }
}

/// An experiment that reads and splits as the receipts say.
fn source(receipts: &[Receipt]) -> Result<Experiment> {
    let none = || ExperimentError::Unusable("give at least one receipt".to_owned());
    let mut source = Experiment::new();
    source.configure(settings(receipts.first().ok_or_else(none)?)?)?;
    Ok(source)
}

impl Verify {
    fn current(&mut self) -> Option<(&mut Run, &mut Store)> {
        let store = &mut self.store;
        self.before.as_mut().or(self.after.as_mut()).map(|run| (run, store))
    }

    pub fn blob(&self, digest: &Digest) -> Option<Arc<ByteBuf>> {
        self.before.as_ref().or(self.after.as_ref())?.blob(digest, &self.store)
    }

    pub fn jobs(&mut self, ids: &mut u32) -> Result<Vec<JobOut>> {
        let Some((run, store)) = self.current() else { return Ok(Vec::new()) };
        let jobs = run.jobs(store, ids)?;
        if jobs.is_empty() {
            // Nothing is left to train where nothing is left.
            self.judge();
        }
        Ok(jobs)
    }

    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64) -> Result<Vec<Event>> {
        let (run, store) = self.current().ok_or(PipelineError::UnknownJob { id })?;
        let (_, mut events) = run.accept(id, outcome, seconds, store)?;
        // Only how far it is is told: figures are in the verdict.
        events.retain(|event| matches!(event, Event::Stage { .. }));
        self.judge();
        Ok(events)
    }

    /// Once a pipeline is built, its digests are held against the receipt's; the next one begins with nothing.
    fn judge(&mut self) {
        let Some((run, store)) = self.current() else { return };
        if !run.done(store) {
            return;
        }
        let found = recomputed(&run.pipeline, store);
        let found = match self.before.take() {
            Some(_) => compare_before(&self.first, &found),
            None => {
                self.after = None;
                compare(&self.last, &found)
            }
        };
        self.store = Store::default();
        self.verdict = std::mem::take(&mut self.verdict).and(found);
    }

    pub fn done(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }

    pub fn verdict(self) -> Verdict {
        self.verdict
    }
}
