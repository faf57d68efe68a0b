//! What every sub-model and the ensemble say about held-out pairs, and the errors taken apart from it.

use std::sync::Arc;

use crate::combine::UserRows;
use crate::error::Result;
use crate::evaluate::{EvaluateConfig, Verdicts, decompose, rank};
use crate::numerics::random::{Purpose, StreamKey, below};
use crate::pipeline::job::{DecomposeJob, EvaluateJob, Outcome, encode};

use super::served::Served;
use super::{Step, Task};

/// Users per step.
const SLICE: usize = 32;
/// An item inside the first so many of somebody's unseen items counts as recommended.
const LIST: usize = 20;

pub(super) struct Ask {
    job: EvaluateJob,
    seed: u64,
    served: Arc<Served>,
    verdicts: Verdicts,
    asked: usize,
}

impl Ask {
    pub(super) fn new(job: EvaluateJob, seed: u64, served: Arc<Served>) -> Result<Self> {
        served.check(&job.users)?;
        let verdicts = Verdicts::new(served.ensemble.n_shards() as u32);
        Ok(Ask { job, seed, served, verdicts, asked: 0 })
    }
}

impl Task for Ask {
    fn step(&mut self) -> Result<Step> {
        let (ensemble, table) = (&self.served.ensemble, &self.job.users);
        let (n_items, shards) = (ensemble.n_items(), ensemble.n_shards());
        let to = table.len().min(self.asked + SLICE);
        let mut scorer = self.served.scorer()?;
        let mut scores = vec![0.0; n_items as usize];
        // Per sub-model, and last the ensemble: is the item listed?
        let mut listed = vec![vec![false; n_items as usize]; shards + 1];
        let span = |starts: &[u32], user: usize| starts[user] as usize..starts[user + 1] as usize;
        for user in self.asked..to {
            let test = &table.test_items[span(&table.test_starts, user)];
            let of = span(&table.starts, user);
            if test.is_empty() || of.is_empty() {
                continue;
            }
            let rows = UserRows {
                items: &table.items[of.clone()],
                values: &table.values[of],
                own: &table.own[span(&table.own_starts, user)],
            };
            for (who, listed) in listed.iter_mut().enumerate() {
                listed.fill(false);
                if who == shards {
                    scorer.score(&rows, &mut scores);
                } else if !scorer.shard_scores(who, &rows, &mut scores) {
                    continue;
                }
                rank(&mut scores, rows.items, LIST).into_iter().for_each(|item| listed[item as usize] = true);
            }
            // Every held-out item, and as many that the user never touched.
            let touched = |item: u32| rows.items.binary_search(&item).is_ok() || test.contains(&item);
            let mut rng = StreamKey::new(self.seed, Purpose::Audit, table.first + user as u32, 2).fast();
            self.verdicts.user();
            for &item in test {
                let mut ask = |item: u32, relevant: bool| {
                    let models = listed[..shards].iter().map(|listed| listed[item as usize]);
                    self.verdicts.push(relevant, listed[shards][item as usize], models);
                };
                ask(item, true);
                // A few tries: somebody who touched nearly everything gets fewer.
                let other = (0..16).map(|_| below(&mut rng, n_items)).find(|&other| !touched(other));
                other.into_iter().for_each(|other| ask(other, false));
            }
        }
        self.asked = to;
        Ok(Step { done: to == table.len(), progress: to as f32 / table.len().max(1) as f32, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(encode(&Outcome::Verdicts(Arc::new(self.verdicts))))
    }
}

/// One table of all users' verdicts, taken apart.
pub(super) struct Decompose(DecomposeJob);

impl Decompose {
    pub(super) fn new(job: DecomposeJob) -> Result<Self> {
        job.verdicts.iter().try_for_each(Verdicts::check)?;
        EvaluateConfig { bootstrap: job.resamples, confidence: job.confidence, ..EvaluateConfig::default() }.check()?;
        Ok(Decompose(job))
    }
}

impl Task for Decompose {
    fn step(&mut self) -> Result<Step> {
        Ok(Step { done: true, progress: 1.0, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let DecomposeJob { verdicts, resamples, confidence, seed } = self.0;
        let mut parts = verdicts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        parts.try_for_each(|part| all.append(&part))?;
        Ok(encode(&Outcome::Decompose(decompose(&all, true, resamples, confidence, seed))))
    }
}
