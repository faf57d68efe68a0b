//! The verification of receipts as work under way: one or two pipelines are built from nothing, and compared.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::Result;
use crate::interactions::{Interactions, Size};
use crate::pipeline::{Event, Hints, JobOut, PipelineError, Run, Stage, Store};
use crate::unlearn::receipt::Verification;
use crate::unlearn::{Receipt, Verdict};

use super::receipts::{again, recomputed};
use super::{Experiment, ExperimentError, Loaded, rules, settings};

/// What its pipelines are called, so that nobody takes them for the ensemble's own.
const NAME: &str = "verify";

/// Holds rows of its own: the experiment it runs in may be empty, and is left alone.
#[derive(Clone, Debug)]
pub(super) struct Verify {
    verification: Verification,
    /// The side that is trained again now, and what comes of it; each begins with nothing.
    at: usize,
    run: Option<Run>,
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

    /// [`Experiment::verify`] against the rows that are in force here, split as they are: those of a later receipt are at hand
    /// nowhere else.
    pub fn verify_loaded(&mut self, receipts: &[Receipt]) -> Result<u32> {
        let rows = self.dataset()?.clone();
        self.verify_rows(receipts, rows.rows())
    }

    /// [`Experiment::verify`] against rows that were read and split as the receipts' [`settings`] say.
    pub fn verify_rows(&mut self, receipts: &[Receipt], rows: &Interactions) -> Result<u32> {
        let none = || ExperimentError::Unusable("give at least one receipt".to_owned());
        settings(receipts.first().ok_or_else(none)?)?;
        let verification = Verification::open(receipts, &[rows], rules)?;
        let mut verify = Verify { verification, at: 0, run: None, store: Store::default() };
        verify.begin()?;
        self.begin_check(verify)
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
    /// The next side to train again, if one is left.
    fn begin(&mut self) -> Result<()> {
        self.store = Store::default();
        self.run = None;
        if let Some(todo) = self.verification.todo().get(self.at) {
            let hints = Hints { name: NAME.to_owned(), ..Hints::default() };
            self.run = Some(Run::new(again(todo)?, Stage::Evaluate, hints)?);
        }
        Ok(())
    }

    pub fn blob(&self, digest: &Digest) -> Option<Arc<ByteBuf>> {
        self.run.as_ref()?.blob(digest, &self.store)
    }

    pub fn jobs(&mut self, ids: &mut u32) -> Result<Vec<JobOut>> {
        // Nothing is left to train where nothing is left.
        self.judge()?;
        self.run.as_mut().map_or(Ok(Vec::new()), |run| run.jobs(&mut self.store, ids))
    }

    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64) -> Result<Vec<Event>> {
        let run = self.run.as_mut().ok_or(PipelineError::UnknownJob { id })?;
        let (_, mut events) = run.accept(id, outcome, seconds, &mut self.store)?;
        // Only how far it is is told: figures are in the verdict.
        events.retain(|event| matches!(event, Event::Stage { .. }));
        self.judge()?;
        Ok(events)
    }

    /// Once a side is built, its digests are held against the receipts'; then comes the next.
    fn judge(&mut self) -> Result<()> {
        while let Some(run) = self.run.as_ref().filter(|run| run.done(&self.store)) {
            self.verification.judge(self.at, &recomputed(&run.pipeline, &self.store));
            self.at += 1;
            self.begin()?;
        }
        Ok(())
    }

    pub fn done(&self) -> bool {
        self.run.is_none()
    }

    pub fn verdict(self) -> Verdict {
        self.verification.verdict().clone()
    }
}
