//! The figures of some users without any model.

use crate::error::Result;
use crate::evaluate::{UserMetrics, evaluate_user, random_scores};
use crate::pipeline::PipelineError;
use crate::pipeline::job::{BaselineJob, Outcome, encode};

use super::{Step, Task};

/// Users per step.
const SLICE: usize = 256;

pub(super) struct Cheap {
    job: BaselineJob,
    results: Vec<UserMetrics>,
}

impl Cheap {
    pub(super) fn new(job: BaselineJob) -> Result<Self> {
        job.users.check(job.n_items, 0)?;
        if job.popularity.as_ref().is_some_and(|counts| counts.len() != job.n_items as usize) {
            let reason = "its popularities are not one for each item".to_owned();
            return Err(PipelineError::Damaged { what: "a job", reason }.into());
        }
        job.config.check()?;
        Ok(Cheap { job, results: Vec::new() })
    }
}

impl Task for Cheap {
    fn step(&mut self) -> Result<Step> {
        let (table, from) = (&self.job.users, self.results.len());
        let to = table.len().min(from + SLICE);
        let span = |starts: &[u32], user: usize| starts[user] as usize..starts[user + 1] as usize;
        let mut scores = vec![0.0; self.job.n_items as usize];
        for user in from..to {
            match &self.job.popularity {
                Some(counts) => scores.copy_from_slice(counts),
                None => random_scores(self.job.seed, table.first + user as u32, &mut scores),
            }
            let seen = &table.items[span(&table.starts, user)];
            let test = &table.test_items[span(&table.test_starts, user)];
            self.results.push(evaluate_user(&mut scores, seen, test, &self.job.config));
        }
        Ok(Step { done: to == table.len(), progress: to as f32 / table.len().max(1) as f32, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(encode(&Outcome::Evaluate(self.results)))
    }
}
