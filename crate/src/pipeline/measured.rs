//! Whom a pipeline measures.

use std::ops::Range;

use crate::error::Result;
use crate::evaluate::{Sample, UserMetrics};

use super::value::Pipeline;
use super::{PipelineError, Store};

impl Pipeline {
    /// Everybody, or a sample where that is too many.
    pub fn sample(&self) -> Sample {
        Sample::new(self.dataset().testable(), self.n_items(), &self.settings().evaluate, self.seed())
    }

    /// Those of a range of users who are measured, in order: all of them, or who is in the sample and has test rows.
    pub(super) fn measured(&self, users: Range<u32>) -> impl Iterator<Item = u32> + Clone {
        let sample = self.sample();
        users.filter(move |&user| {
            sample.is_everybody() || (self.dataset().is_testable(user) && sample.holds(self.rows().users().get(user)))
        })
    }

    /// Every user's figures, once all are measured; of those outside the sample nothing.
    pub fn metrics(&self, store: &Store) -> Option<Vec<UserMetrics>> {
        let config = &self.settings().evaluate;
        let mut all = Vec::new();
        for (chunk, users) in self.dataset().chunks().enumerate() {
            let mut found = store.metrics(&self.evaluate_key(chunk, store)?)?.iter();
            let mut measured = self.measured(users.clone()).peekable();
            for user in users {
                all.push(match measured.next_if_eq(&user) {
                    Some(_) => found.next()?.clone(),
                    None => UserMetrics::unmeasured(config),
                });
            }
        }
        Some(all)
    }

    /// Refuses figures that are not those of a chunk's users.
    pub(super) fn fits_chunk(&self, chunk: usize, results: &[UserMetrics]) -> Result<()> {
        let users = self.dataset().chunks().nth(chunk).map_or(0, |users| self.measured(users).count());
        let width = UserMetrics::unmeasured(&self.settings().evaluate).values.len();
        if results.len() == users && results.iter().all(|result| result.values.len() == width) {
            return self.lists_items(results);
        }
        let reason = "its figures are not those of the users who were asked for".to_owned();
        Err(PipelineError::Damaged { what: "a result", reason }.into())
    }
}
