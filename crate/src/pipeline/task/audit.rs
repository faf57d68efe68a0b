//! Visitors ask an ensemble: how much higher than unseen items of like popularity does each one's other half stand?

use std::sync::Arc;

use crate::combine::UserRows;
use crate::error::Result;
use crate::evaluate::{PopularityOrder, gap, popularity_order};

use crate::numerics::random::{Purpose, StreamKey};

use crate::pipeline::PipelineError;
use crate::pipeline::job::{AuditJob, Outcome, encode};

use super::served::Served;
use super::{Step, Task};

/// Visitors per step: some milliseconds of work.
const SLICE: usize = 64;
/// Matched items at most for each item asked about: more tell nothing.
const MOST_ROUNDS: u32 = 1000;
/// Length of the one person's list.
const TOP: usize = 10;

pub(super) struct Audit {
    job: AuditJob,
    served: Arc<Served>,
    order: PopularityOrder,
    /// Of each visit: the statistic, and how many items were asked about.
    gaps: Vec<(Option<f64>, usize)>,
    ranks: Vec<(u32, u32)>,
    top: Vec<u32>,
}

impl Audit {
    pub(super) fn new(job: AuditJob, served: Arc<Served>) -> Result<Self> {
        served.check(&job.users)?;
        let listed = job.popularity.len() == served.ensemble.n_items() as usize && job.people.len() == job.users.len();
        if !listed || job.rounds > MOST_ROUNDS {
            let reason = "its popularities, its people or its rounds do not fit the table".to_owned();
            return Err(PipelineError::Damaged { what: "a job", reason }.into());
        }
        let order = popularity_order(&job.popularity);
        Ok(Audit { job, served, order, gaps: Vec::new(), ranks: Vec::new(), top: Vec::new() })
    }
}

impl Task for Audit {
    fn step(&mut self) -> Result<Step> {
        let (table, from) = (&self.job.users, self.gaps.len());
        let to = table.len().min(from + SLICE);
        let n_items = self.served.ensemble.n_items();
        let mut scorer = self.served.scorer()?;
        let mut scores = vec![0.0; n_items as usize];
        let span = |starts: &[u32], user: usize| starts[user] as usize..starts[user + 1] as usize;
        for user in from..to {
            let rows = span(&table.starts, user);
            let shown = UserRows { items: &table.items[rows.clone()], values: &table.values[rows], own: &[] };
            scorer.score(&shown, &mut scores);
            // What is shown is never recommended, so it takes no part.
            for &item in shown.items {
                scores[item as usize] = f32::NEG_INFINITY;
            }
            let asked = &table.test_items[span(&table.test_starts, user)];
            let key = StreamKey::new(self.job.seed, Purpose::Audit, user as u32, 0);
            self.gaps.push((gap(&scores, asked, &self.order, self.job.rounds, key), asked.len()));
            if self.job.person == Some(self.job.people[user]) {
                let mut list: Vec<u32> = (0..n_items).filter(|&item| scores[item as usize].is_finite()).collect();
                tiny_sort::unstable::sort_by(&mut list, |&a, &b| {
                    scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b))
                });
                let rank = |&item: &u32| Some((item, list.iter().position(|&other| other == item)? as u32 + 1));
                self.ranks.extend(asked.iter().filter_map(rank));
                if self.top.is_empty() {
                    list.truncate(TOP);
                    self.top = list;
                }
            }
        }
        Ok(Step { done: to == table.len(), progress: to as f32 / table.len().max(1) as f32, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        // One number a person: the mean over all items asked about.
        let mut sums: Vec<(f64, usize)> = Vec::new();
        for (&person, &(gap, asked)) in self.job.people.iter().zip(&self.gaps) {
            let place = person as usize;
            if place >= sums.len() {
                sums.resize(self.job.people.len().min(place + 1).max(sums.len()), (0.0, 0));
            }
            if let (Some(gap), Some(sum)) = (gap, sums.get_mut(place)) {
                *sum = (sum.0 + gap * asked as f64, sum.1 + asked);
            }
        }
        let gaps = sums.into_iter().map(|(sum, asked)| (asked > 0).then(|| sum / asked as f64)).collect();
        Ok(encode(&Outcome::Audit { gaps, ranks: self.ranks, top: self.top }))
    }
}
