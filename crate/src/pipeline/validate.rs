//! Does what comes from outside fit the rows it is for? Outcomes of jobs are bytes that anybody may have written. Asked once,
//! when they come in, so that nothing that indexes by them later can fail.

use crate::error::Result;
use crate::evaluate::UserMetrics;
use crate::partition::Partition;

use super::advance::Slot;
use super::job::Outcome;
use super::value::{Pipeline, Shards};
use super::{Assignment, PipelineError, Store};

fn ensure(fits: bool, reason: &str) -> Result<()> {
    let refused = || PipelineError::Damaged { what: "a result", reason: reason.to_owned() };
    if fits { Ok(()) } else { Err(refused().into()) }
}

impl Pipeline {
    /// Is it what the job for `slot` leads to, for the rows of this pipeline? Weights are read, and refused, by the jobs that
    /// use them.
    pub(super) fn validate(&self, slot: Slot, outcome: &Outcome) -> Result<()> {
        match (slot, outcome) {
            (Slot::Embed, Outcome::Embed { users, .. }) => {
                ensure(users.rows() == self.dataset().active().len(), "it does not hold one vector for each user")
            }
            (Slot::Partition, Outcome::Cluster { partition, .. }) => {
                let wanted = self.settings().partition.shards;
                ensure(partition.shards == wanted, "it has another number of shards than was asked for")?;
                self.divides(partition)
            }
            (Slot::Evaluate(chunk), Outcome::Evaluate(results)) => self.fits_chunk(chunk, results),
            (Slot::Verdicts(_), Outcome::Verdicts(verdicts)) => Ok(verdicts.check()?),
            (Slot::Train(_), Outcome::Train { .. })
            | (Slot::Combine, Outcome::Combine { .. })
            | (Slot::Decompose, Outcome::Decompose(_)) => Ok(()),
            _ => ensure(false, "it is the outcome of another kind of job"),
        }
    }

    fn divides(&self, partition: &Partition) -> Result<()> {
        let active = self.dataset().active();
        Assignment::of(self.rows(), active, partition.shards, &partition.assignment).map_err(|_| {
            PipelineError::Damaged {
                what: "a result",
                reason: "its list of shards is not one of these rows".to_owned(),
            }
        })?;
        Ok(())
    }

    /// Are saved outcomes those of this pipeline's rows?
    pub(crate) fn validate_store(&self, store: &Store) -> Result<()> {
        let made = store.partition(&self.partition_key());
        if let Some(made) = made.filter(|_| *self.shards() == Shards::Computed) {
            let found = Assignment::of(self.rows(), self.dataset().active(), made.shards, &made.division);
            ensure(found.is_ok(), "its list of shards is not one of these rows")?;
        }
        for chunk in 0..self.n_chunks() {
            let key = self.evaluate_key(chunk, store);
            if let Some(results) = key.and_then(|key| store.metrics(&key)) {
                self.fits_chunk(chunk, results)?;
            }
        }
        Ok(())
    }

    /// Are figures those of this pipeline's users?
    pub(crate) fn validate_metrics(&self, metrics: &[UserMetrics]) -> Result<()> {
        let fits = metrics.is_empty() || metrics.len() == self.rows().users().len();
        ensure(fits, "there are not figures for each user")?;
        self.lists_items(metrics)
    }

    /// Refuses lists of items that are not in the catalogue.
    pub(super) fn lists_items(&self, results: &[UserMetrics]) -> Result<()> {
        let n_items = self.n_items();
        let listed = results.iter().all(|result| result.top.iter().all(|&item| item < n_items));
        ensure(listed, "a list holds an item that is not in the catalogue")
    }
}
