//! The figures of some users: full ranking, training rows masked.

use std::sync::Arc;

use crate::combine::UserRows;
use crate::error::Result;
use crate::evaluate::{UserMetrics, evaluate_user};
use crate::pipeline::job::{EvaluateJob, Outcome, encode};

use super::served::Served;
use super::{Step, Task};

/// Users per step: some milliseconds of work.
const SLICE: usize = 64;
/// Users scored together: their scores stay in the second-level cache while a large combiner is read once for all.
const TOGETHER: usize = 8;
/// The same where the catalogue is so wide that no cache holds either: what is read from memory is read for more of them.
const TOGETHER_WIDE: usize = 32;
const WIDE_ITEMS: usize = 16_384;

pub(super) struct Evaluate {
    job: EvaluateJob,
    served: Arc<Served>,
    results: Vec<UserMetrics>,
}

impl Evaluate {
    pub(super) fn new(job: EvaluateJob, served: Arc<Served>) -> Result<Self> {
        job.config.check()?;
        served.check(&job.users)?;
        Ok(Evaluate { job, served, results: Vec::new() })
    }
}

impl Task for Evaluate {
    fn step(&mut self) -> Result<Step> {
        let (table, from) = (&self.job.users, self.results.len());
        let to = table.len().min(from + SLICE);
        let mut scorer = self.served.scorer()?;
        let n_items = self.served.ensemble.n_items() as usize;
        let together = if n_items < WIDE_ITEMS { TOGETHER } else { TOGETHER_WIDE };
        let mut scores = vec![0.0; together.min(to - from) * n_items];
        let span = |starts: &[u32], user: usize| starts[user] as usize..starts[user + 1] as usize;
        let users: Vec<UserRows<'_>> = (from..to)
            .map(|user| UserRows {
                items: &table.items[span(&table.starts, user)],
                values: &table.values[span(&table.starts, user)],
                own: &table.own[span(&table.own_starts, user)],
            })
            .collect();
        for (users, first) in users.chunks(together).zip((from..).step_by(together)) {
            scorer.score_all(users, &mut scores[..users.len() * n_items]);
            for (at, rows) in users.iter().enumerate() {
                let test = &table.test_items[span(&table.test_starts, first + at)];
                let scores = &mut scores[at * n_items..][..n_items];
                self.results.push(evaluate_user(scores, rows.items, test, &self.job.config));
            }
        }
        Ok(Step { done: to == table.len(), progress: to as f32 / table.len().max(1) as f32, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(encode(&Outcome::Evaluate(self.results)))
    }
}
