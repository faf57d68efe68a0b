//! Carrying out what was begun on an executor.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::Result;
use crate::execute::{Control, ExecuteError, Executor, Inputs};

use super::{Experiment, Moment, Notice};

impl Inputs for Experiment {
    fn input(&self, digest: &Digest) -> Option<Arc<ByteBuf>> {
        self.blob(digest)
    }
}

impl Moment {
    /// As an executor's clocks show it.
    pub fn of(executor: &dyn Executor) -> Self {
        Moment { wall: executor.clock(), computed: executor.computed() }
    }
}

impl Experiment {
    /// Carries out what was begun, and what waits, on an executor. What whoever watches should know comes back.
    ///
    /// What waits and is refused when its turn comes is told by [`Notice::Refused`].
    ///
    /// Errors: those of the first job that fails, and a cancellation; what was under way or waits is cancelled then.
    pub fn drive_on(&mut self, executor: &dyn Executor, control: &Control<'_>) -> Result<Vec<Notice>> {
        let mut notices = self.notices();
        self.set_workers(executor.workers());
        while self.running() {
            match self.advance_on(executor, control) {
                Ok(more) => notices.extend(more),
                Err(error) => {
                    self.cancel();
                    return Err(error);
                }
            }
        }
        notices.extend(self.notices());
        Ok(notices)
    }

    /// The jobs that can run now.
    fn advance_on(&mut self, executor: &dyn Executor, control: &Control<'_>) -> Result<Vec<Notice>> {
        self.tick(Moment::of(executor));
        if control.is_cancelled() {
            return Err(ExecuteError::Cancelled.into());
        }
        let jobs = self.jobs();
        self.tick(Moment::of(executor));
        let outcomes = if jobs.is_empty() { Vec::new() } else { executor.run(&jobs, self, control) };
        self.tick(Moment::of(executor));
        // Also when the last job was done already: nothing is committed after the word was given.
        if control.is_cancelled() {
            return Err(ExecuteError::Cancelled.into());
        }
        if outcomes.len() != jobs.len() {
            return Err(ExecuteError::Lost { jobs: jobs.len(), outcomes: outcomes.len() }.into());
        }
        let mut notices = Vec::new();
        for (job, outcome) in jobs.iter().zip(outcomes) {
            let outcome = outcome?;
            notices.extend(self.accept(job.id, &outcome.bytes, outcome.seconds)?);
        }
        self.tick(Moment::of(executor));
        notices.extend(self.notices());
        Ok(notices)
    }
}
