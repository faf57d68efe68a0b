//! Does what comes from outside fit the rows it is for? Outcomes of jobs and saved experiments are bytes that anybody may have
//! written. Asked once, when they come in, so that nothing that indexes by them later can fail.

use crate::error::Result;
use crate::evaluate::{METRICS, UserMetrics};
use crate::interactions::Fate;
use crate::partition::{Assignment, Partition};
use crate::unlearn;

use super::arm::Arm;
use super::data::Data;
use super::job::Outcome;
use super::jobs::Slot;
use super::{Config, ExperimentError};

/// Errors: `reason` if not `fits`.
fn ensure(fits: bool, what: &'static str, reason: &str) -> Result<()> {
    if fits { Ok(()) } else { Err(damaged(what, reason.to_owned())) }
}

fn damaged(what: &'static str, reason: String) -> crate::Error {
    ExperimentError::Damaged { what, reason }.into()
}

impl Arm {
    /// Is it what the job in `slot` leads to, for the rows of this arm? Weights are read, and refused, by the jobs that use them.
    pub(super) fn expects(&self, slot: Slot, outcome: &Outcome, config: &Config) -> Result<()> {
        let fits = |fits, reason| ensure(fits, "a result", reason);
        match (slot, outcome) {
            (Slot::Embed, Outcome::Embed { users, .. }) => {
                fits(users.rows() == self.data.active.len(), "it does not hold one vector for each user")
            }
            (Slot::Cluster, Outcome::Cluster { partition, .. }) => {
                fits(
                    partition.shards == self.spec.partition.shards,
                    "it has another number of shards than was asked for",
                )?;
                fits(divides(partition, &self.data), "its list of shards is not one of these rows")
            }
            (Slot::Evaluate { users, .. }, Outcome::Evaluate(results)) => {
                let width = config.evaluate.cutoffs.len() * METRICS.len();
                fits(
                    results.len() == users as usize && results.iter().all(|result| result.values.len() == width),
                    "its figures are not those of the users who were asked for",
                )?;
                fits(lists_items_of(results, &self.data), "a list holds an item that is not in the catalogue")
            }
            (Slot::Verdicts(_), Outcome::Verdicts(verdicts)) => Ok(verdicts.check()?),
            (Slot::Train(_), Outcome::Train { .. })
            | (Slot::Combine, Outcome::Combine { .. })
            | (Slot::Decompose, Outcome::Decompose(_)) => Ok(()),
            _ => fits(false, "it is the outcome of another kind of job"),
        }
    }

    /// Is a saved arm one of its rows? What can be computed from the rows must be equal to it. One that does not serve may have
    /// been kept without its sub-models.
    pub(super) fn check(&self, serves: bool) -> Result<()> {
        let fits = |fits, reason| ensure(fits, super::save::WHAT, reason);
        let shards = match &self.layout {
            Some(layout) => {
                let seen = unlearn::Layout { shards: layout.shards, shard_of_row: &layout.shard_of_row };
                let refused = seen.check(&self.data.interactions);
                refused.map_err(|error| damaged(super::save::WHAT, error.to_string()))?;
                layout.members(&self.data)
            }
            None => Vec::new(),
        };
        fits(self.shards == shards, "a shard does not hold the rows that its list of shards gives it")?;
        let dropped = !serves && self.members.is_empty();
        fits(dropped || self.members.len() == shards.len(), "there is not one sub-model for each shard")?;
        fits(
            self.layout.is_none() || self.trained.iter().all(|&shard| (shard as usize) < shards.len()),
            "a shard that was trained is not there",
        )?;
        let Some(results) = &self.evaluation else { return Ok(()) };
        fits(results.len() == self.data.interactions.users().len(), "there are not figures for each user")?;
        fits(lists_items_of(results, &self.data), "a list holds an item that is not in the catalogue")
    }
}

/// One shard that is there for each user with training rows, or for each training row.
fn divides(partition: &Partition, data: &Data) -> bool {
    let (of, expected) = match &partition.assignment {
        Assignment::ByUser(of) => (of, data.active.len()),
        Assignment::ByRow(of) => (of, data.interactions.rows().len() - data.count(Fate::Test) as usize),
    };
    of.len() == expected && of.iter().all(|&shard| u32::from(shard) < partition.shards)
}

fn lists_items_of(results: &[UserMetrics], data: &Data) -> bool {
    let n_items = data.interactions.items().len() as u32;
    results.iter().all(|result| result.top.iter().all(|&item| item < n_items))
}

#[cfg(test)]
#[path = "sound_tests.rs"]
mod tests;
