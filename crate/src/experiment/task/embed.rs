//! The vectors that are clustered, sweep by sweep.

use crate::embedding::{Embedder, Plane};
use crate::error::Result;
use crate::experiment::Event;
use crate::experiment::job::{EmbedJob, Outcome, encode};

use super::{Step, Task};

pub(super) struct Embed {
    embedder: Embedder,
}

impl Embed {
    pub(super) fn new(job: EmbedJob) -> Result<Self> {
        Ok(Embed { embedder: Embedder::new(job.rows, &job.config, job.seed, &job.anchors)? })
    }
}

impl Task for Embed {
    fn step(&mut self) -> Result<Step> {
        let report = self.embedder.step()?;
        let event = Event::Embedding { sweep: report.epoch, loss: report.loss };
        Ok(Step { done: self.embedder.done(), progress: self.embedder.progress(), events: vec![event] })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let embedding = self.embedder.finish();
        let plane = Plane::of(&embedding.users);
        Ok(encode(&Outcome::Embed { users: embedding.users, items: embedding.items, plane }))
    }
}
