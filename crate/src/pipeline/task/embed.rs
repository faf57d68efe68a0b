//! The vectors that are clustered, sweep by sweep.

use std::sync::Arc;

use crate::embedding::{Embedder, EmbeddingConfig, Plane, fold_in_users};
use crate::error::Result;
use crate::model::ShardRows;
use crate::numerics::crew::Crew;
use crate::numerics::matrix::Matrix;
use crate::numerics::sparse::Csr;
use crate::pipeline::Event;
use crate::pipeline::job::{EmbedJob, Outcome, check_catalogue, encode};

use super::{Step, Task};

pub(super) struct Embed {
    embedder: Embedder,
    config: EmbeddingConfig,
    /// Where only anchors were fitted: everybody's rows, in the anchors' item numbers.
    everybody: Option<Csr>,
}

impl Embed {
    pub(super) fn new(job: EmbedJob, crew: &Arc<dyn Crew>) -> Result<Self> {
        job.rows.check()?;
        check_catalogue(&job.rows)?;
        let (rows, everybody) = if job.anchors.contains(&true) {
            let (rows, everybody) = anchored(&job.rows, &job.anchors);
            (rows, Some(everybody))
        } else {
            (job.rows, None)
        };
        let mut embedder = Embedder::new(&rows, &job.config, job.seed)?;
        embedder.crew(crew);
        Ok(Embed { embedder, config: job.config, everybody })
    }
}

/// The anchors' rows, in numbers of their own items, so that nothing about anybody else enters; and everybody's rows in
/// the same numbers, without the items that no anchor has.
fn anchored(rows: &ShardRows, anchors: &[bool]) -> (ShardRows, Csr) {
    let span = |user: usize| rows.starts[user] as usize..rows.starts[user + 1] as usize;
    let chosen = || (0..rows.n_users as usize).filter(|&user| anchors.get(user) == Some(&true));
    let mut items: Vec<u32> = chosen().flat_map(|user| rows.items[span(user)].iter().copied()).collect();
    items.sort_unstable();
    items.dedup();
    let local = |item: &u32| items.binary_search(item).ok().map(|local| local as u32);
    let mut own = ShardRows { n_items: items.len() as u32, starts: vec![0], ..ShardRows::default() };
    for user in chosen() {
        own.n_users += 1;
        own.items.extend(rows.items[span(user)].iter().filter_map(local));
        own.values.extend_from_slice(&rows.values[span(user)]);
        own.validation.extend_from_slice(&rows.validation[span(user)]);
        own.starts.push(own.items.len() as u32);
    }
    let mut everybody = Csr { starts: vec![0], columns: Vec::new() };
    for user in 0..rows.n_users as usize {
        everybody.columns.extend(rows.items[span(user)].iter().filter_map(local));
        everybody.starts.push(everybody.columns.len() as u32);
    }
    (own, everybody)
}

impl Task for Embed {
    fn step(&mut self) -> Result<Step> {
        let report = self.embedder.step()?;
        let event = Event::Embedding { sweep: report.epoch, loss: report.loss };
        let done = self.embedder.stopped().is_some();
        Ok(Step { done, progress: self.embedder.progress(), events: vec![event] })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let embedding = self.embedder.finish();
        let (users, items) = match &self.everybody {
            // Only user partitions are anchored, and those need no item vectors.
            Some(rows) => (fold_in_users(&embedding.items, rows, &self.config)?, Matrix::default()),
            None => (embedding.users, embedding.items),
        };
        let plane = Plane::of(&users);
        Ok(encode(&Outcome::Embed { users, items, plane }))
    }
}
