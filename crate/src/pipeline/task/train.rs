//! One sub-model to convergence.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::error::Result;
use crate::model::{StopReason, Trainer, TrainingExtras, trainer_from};
use crate::numerics::crew::Crew;
use crate::pipeline::Event;
use crate::pipeline::job::{Outcome, TrainJob, check_catalogue, encode};

use super::{Step, Task};

pub(super) struct Train {
    pipeline: String,
    shard: u32,
    trainer: Box<dyn Trainer>,
    epochs: u32,
}

impl Train {
    pub(super) fn new(job: TrainJob, crew: &Arc<dyn Crew>) -> Result<Self> {
        check_catalogue(&job.rows)?;
        let mut trainer = trainer_from(job.rows, &job.config, job.seed, job.shard, job.start)?;
        trainer.traced(job.traced);
        trainer.crew(crew);
        Ok(Train { pipeline: job.pipeline, shard: job.shard, trainer, epochs: 0 })
    }
}

impl Task for Train {
    fn step(&mut self) -> Result<Step> {
        let report = self.trainer.step()?;
        self.epochs += 1;
        let event = Event::Epoch {
            pipeline: self.pipeline.clone(),
            shard: self.shard,
            epoch: report.epoch,
            loss: report.loss,
            metric: report.metric,
            refit: report.refit,
            updates: report.updates,
            trace: report.trace,
        };
        Ok(Step { done: self.trainer.stopped().is_some(), progress: self.trainer.progress(), events: vec![event] })
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>> {
        let TrainingExtras { checkpoints, epochs_before, work } = self.trainer.extras();
        let stop = self.trainer.stopped().unwrap_or(StopReason::EpochCap);
        let (best, chosen) = (self.trainer.best(), self.trainer.chosen());
        let weights = ByteBuf::from(self.trainer.finish().to_bytes());
        let epochs = epochs_before + self.epochs;
        Ok(encode(&Outcome::Train { weights, epochs, stop, best, chosen, checkpoints, work }))
    }
}
