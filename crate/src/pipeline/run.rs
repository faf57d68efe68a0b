//! A pipeline under way to a goal: jobs out, outcomes in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::combine::CombineError;
use crate::error::Result;

use super::advance::{Hints, Job, Slot, accept, advance};
use super::{Event, Pipeline, PipelineError, Stage, Store};

/// A job to hand out.
#[derive(Clone, Debug, PartialEq)]
pub struct JobOut {
    /// Its number, for the result.
    pub id: u32,
    /// Key of its outcome: whoever keeps outcomes keeps it by this.
    pub key: Digest,
    /// The stage it belongs to.
    pub stage: Stage,
    /// What the pipeline is called.
    pub pipeline: String,
    /// The shard, for a training.
    pub shard: Option<u32>,
    /// Relative cost within the stage, for handing out the longest first: rows or users.
    pub weight: f64,
    /// The work; see [`super::Runner::task`].
    pub body: Vec<u8>,
    /// Digests of the large inputs that it names.
    pub inputs: Vec<Digest>,
}

/// Seconds by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StageSeconds {
    pub embed: f64,
    pub partition: f64,
    pub train: f64,
    pub combine: f64,
    pub evaluate: f64,
    pub decompose: f64,
    /// Computing seconds of all jobs, on however many cores.
    pub work: f64,
}

impl StageSeconds {
    fn of(&mut self, stage: Stage) -> &mut f64 {
        match stage {
            Stage::Read | Stage::Split | Stage::Embed => &mut self.embed,
            Stage::Partition => &mut self.partition,
            Stage::Train => &mut self.train,
            Stage::Combine => &mut self.combine,
            Stage::Evaluate => &mut self.evaluate,
            Stage::Decompose => &mut self.decompose,
        }
    }

    /// Until the ensemble serves.
    pub fn until_serving(&self) -> f64 {
        self.embed + self.partition + self.train + self.combine
    }
}

/// What was done for a pipeline until it could serve; what measured it is not among it. None of it depends on how fast it was
/// watched or on how many cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct WorkView {
    /// Rows that sub-models were trained on, each once.
    pub rows: u32,
    /// The same times the epochs for which they were trained on: what the model's updates are made from.
    pub examples: u64,
    /// Computing seconds.
    pub seconds: f64,
}

/// A pipeline on its way. What it has reached is in the store; this knows only which jobs are out, and what time went by.
#[derive(Clone, Debug)]
pub struct Run {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The last stage to do.
    pub goal: Stage,
    /// What saves time, and what it is called.
    pub hints: Hints,
    /// Shards trained on the way.
    pub trained: Vec<u32>,
    /// Wall time by stage, as far as it was told.
    pub seconds: StageSeconds,
    /// What was done for it until it could serve.
    pub work: WorkView,
    out: BTreeMap<u32, (Digest, Slot)>,
    /// What was taken from outcomes that were kept elsewhere, and not yet told.
    recalled: Vec<(Slot, Vec<Event>)>,
    stage: Option<Stage>,
    total: u32,
}

impl Run {
    /// At its beginning.
    ///
    /// Errors: settings out of range, anchors or an assignment file that do not fit, a combiner that the model has nothing
    /// for: said before any work.
    pub fn new(pipeline: Pipeline, goal: Stage, hints: Hints) -> Result<Self> {
        pipeline.check()?;
        let (combiner, model) = (pipeline.settings().combine.method, pipeline.settings().model.name);
        if goal >= Stage::Combine && pipeline.is_baseline().is_none() && !combiner.works_with(model) {
            let (method, model) = (combiner.as_str(), model.as_str());
            return Err(CombineError::NoItemVectors { method, model, member: 0 }.into());
        }
        let (trained, seconds, work, out) = (Vec::new(), StageSeconds::default(), WorkView::default(), BTreeMap::new());
        Ok(Run { pipeline, goal, hints, trained, seconds, work, out, recalled: Vec::new(), stage: None, total: 0 })
    }

    /// Is nothing missing any more?
    pub fn done(&self, store: &Store) -> bool {
        self.out.is_empty() && self.pipeline.reached(self.goal, store)
    }

    /// Jobs that can run now; none while jobs are out or when the goal is reached. Outcomes that were kept elsewhere are
    /// taken from there, if they fit.
    ///
    /// Errors: as [`advance`].
    pub fn jobs(&mut self, store: &mut Store, ids: &mut u32) -> Result<Vec<JobOut>> {
        loop {
            if !self.out.is_empty() {
                return Ok(Vec::new());
            }
            let jobs = advance(&self.pipeline, self.goal, store, &self.hints)?;
            let all = jobs.len();
            let left: Vec<Job> = jobs.into_iter().filter(|job| !self.recall(job, store)).collect();
            if left.is_empty() && all > 0 {
                continue;
            }
            self.stage = left.first().map(|job| job.slot.stage());
            self.total = all as u32;
            return Ok(left.into_iter().map(|job| self.hand_out(job, ids)).collect());
        }
    }

    fn hand_out(&mut self, job: Job, ids: &mut u32) -> JobOut {
        let Job { key, slot, weight, body, inputs } = job;
        let id = *ids;
        *ids += 1;
        self.out.insert(id, (key, slot));
        let shard = if let Slot::Train(shard) = slot { Some(shard) } else { None };
        JobOut { id, key, stage: slot.stage(), pipeline: self.hints.name.clone(), shard, weight, body, inputs }
    }

    /// Takes an outcome that was kept elsewhere; what does not fit is computed again, never guessed.
    fn recall(&mut self, job: &Job, store: &mut Store) -> bool {
        let Some(bytes) = store.take_recalled(&job.key) else { return false };
        let taken = accept(&self.pipeline, job.key, job.slot, &bytes, 0.0, store, &self.hints);
        taken.is_ok_and(|events| {
            self.recalled.push((job.slot, events));
            true
        })
    }

    /// What was taken from outcomes that were kept elsewhere since it was last asked: whoever watches is told of it as of any
    /// other outcome.
    pub fn take_recalled(&mut self) -> Vec<(Slot, Vec<Event>)> {
        std::mem::take(&mut self.recalled)
    }

    /// Takes the outcome of a job that ran for `seconds`. Gives what happened, and the shard that was trained, if one was.
    ///
    /// Errors: a job that is not waited for; an outcome that does not fit. Neither changes anything.
    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64, store: &mut Store) -> Result<(Slot, Vec<Event>)> {
        let (key, slot) = *self.out.get(&id).ok_or(PipelineError::UnknownJob { id })?;
        let mut events = accept(&self.pipeline, key, slot, outcome, seconds, store, &self.hints)?;
        self.out.remove(&id);
        self.seconds.work += seconds;
        if slot.stage() < Stage::Evaluate {
            self.work.seconds += seconds;
        }
        if let Slot::Train(shard) = slot {
            let divided = self.pipeline.divided(store).expect("who has trained a shard has divided");
            let rows = divided.shards[shard as usize].n_rows;
            let epochs = self.pipeline.sub_model(shard, store).map_or(0, |trained| trained.epochs);
            self.work.rows += rows;
            self.work.examples += u64::from(rows) * u64::from(epochs);
            self.trained.push(shard);
            self.trained.sort_unstable();
        }
        events.extend(self.progress());
        Ok((slot, events))
    }

    /// Time that went by while jobs of the stage under way were out.
    pub fn tick(&mut self, seconds: f64) {
        if let Some(stage) = self.stage_out() {
            *self.seconds.of(stage) += seconds;
        }
    }

    /// The stage whose jobs are out.
    pub fn stage_out(&self) -> Option<Stage> {
        self.stage.filter(|_| !self.out.is_empty())
    }

    /// How far the stage under way is.
    pub fn progress(&self) -> Option<Event> {
        let done = self.total - self.out.len() as u32;
        let pipeline = self.hints.name.clone();
        self.stage.map(|stage| Event::Stage { pipeline, stage, done, total: self.total })
    }

    /// The bytes that a job of this run names by their digest.
    pub fn blob(&self, digest: &Digest, store: &Store) -> Option<std::sync::Arc<serde_bytes::ByteBuf>> {
        self.pipeline.blob(digest, store)
    }
}
