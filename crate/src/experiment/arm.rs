//! One way from rows to figures: the original ensemble, the unlearned one, the one model retrained from scratch. An arm
//! makes the jobs of its next stage, takes their outcomes, and knows nothing of who runs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::combine::CombineConfig;
use crate::error::Result;
use crate::evaluate::{Decomposition, UserMetrics, Verdicts};
use crate::model::{Best, ModelConfig, StopReason, WorkDone};
use crate::numerics::digest::{Digest, Hasher};
use crate::partition::PartitionConfig;
use crate::unlearn::{self, Places};

use super::data::{Data, Layout, Shard};
use super::job::Outcome;
use super::jobs::Slot;
use super::series::Baseline;
use super::start::{Former, Kept};
use super::view::{PartitionView, SecondsView, ShardView};
use super::{Config, Event, ExperimentError, Stage};

/// A trained sub-model, by its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trained {
    pub weights: Arc<ByteBuf>,
    pub digest: Digest,
    pub epochs: u32,
    pub stop: StopReason,
    pub best: Option<Best>,
    pub seconds: f64,
    /// How much of the training was done; none where nothing could be saved.
    pub work: Option<WorkDone>,
    /// Where a later training may begin, by the legs that are done.
    pub checkpoints: Vec<Kept>,
}

/// How an arm differs from the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub name: String,
    pub partition: PartitionConfig,
    pub model: ModelConfig,
    pub combine: CombineConfig,
    /// Compute the places on the map as well?
    pub positions: bool,
}

/// The arm's state. Stages before `next` are done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arm {
    pub spec: Spec,
    /// Saved once, with the experiment.
    #[serde(skip)]
    pub data: Arc<Data>,
    /// Shard per user of the file partition, in the order of the active users.
    pub given: Vec<u16>,
    pub layout: Option<Layout>,
    pub partition: Option<PartitionView>,
    pub shards: Vec<Shard>,
    pub members: Vec<Option<Trained>>,
    /// Shards that this arm trained itself.
    pub trained: Vec<u32>,
    /// A previous arm's members by shard, taken over where a shard's rows turn out to be the same (refit).
    pub reusable: Vec<(Digest, Trained)>,
    pub prepared: Option<Arc<ByteBuf>>,
    pub prepared_digest: Option<Digest>,
    /// The combiner's bytes before the request, to save time.
    pub previous: Option<Arc<ByteBuf>>,
    pub note: Option<String>,
    pub evaluation: Option<Vec<UserMetrics>>,
    pub decomposition: Option<Decomposition>,
    /// Measured without training anything.
    pub baseline: Option<Baseline>,
    pub next: Option<Stage>,
    pub seconds: SecondsView,
    /// What it is called outside, where that is not its name.
    #[serde(skip)]
    pub(super) label: Option<String>,
    /// What the touched shards were before the request: kept only until they are trained again.
    #[serde(skip)]
    pub(super) former: Former,
    #[serde(skip)]
    pub(super) pending: BTreeMap<u32, Slot>,
    #[serde(skip)]
    pub(super) total: u32,
    #[serde(skip)]
    pub(super) began: f64,
    #[serde(skip)]
    pub(super) embedding: Option<Embedding>,
    #[serde(skip)]
    pub(super) chunks: Vec<Option<Vec<UserMetrics>>>,
    #[serde(skip)]
    pub(super) verdicts: Vec<Option<Arc<Verdicts>>>,
}

/// Vectors, kept only until the partition is made.
#[derive(Clone, Debug)]
pub(super) struct Embedding {
    pub users: crate::Matrix,
    pub items: crate::Matrix,
    pub plane: crate::embedding::Plane,
}

impl Arm {
    /// From the beginning.
    pub fn new(spec: Spec, data: Arc<Data>, given: Vec<u16>) -> Self {
        Arm {
            spec,
            data,
            given,
            layout: None,
            partition: None,
            shards: Vec::new(),
            members: Vec::new(),
            trained: Vec::new(),
            reusable: Vec::new(),
            prepared: None,
            prepared_digest: None,
            previous: None,
            note: None,
            evaluation: None,
            decomposition: None,
            baseline: None,
            next: Some(Stage::Embed),
            seconds: SecondsView::default(),
            label: None,
            former: Former::default(),
            pending: BTreeMap::new(),
            total: 0,
            began: 0.0,
            embedding: None,
            chunks: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// With the shards decided already: the whole data as one, or a frozen partition.
    pub fn with_layout(spec: Spec, data: Arc<Data>, layout: Layout) -> Self {
        let mut arm = Arm::new(spec, data, Vec::new());
        arm.set_layout(layout);
        arm
    }

    pub(super) fn set_layout(&mut self, layout: Layout) {
        self.shards = layout.members(&self.data);
        self.members = vec![None; self.shards.len()];
        self.layout = Some(layout);
        self.next = Some(Stage::Train);
    }

    /// Takes over members whose shard has exactly the rows they were trained on.
    pub(super) fn reuse(&mut self) {
        let reusable = std::mem::take(&mut self.reusable);
        let inputs = self.inputs();
        for (input, trained) in reusable {
            if let Some(shard) = inputs.iter().position(|&digest| digest == input) {
                self.members[shard] = Some(trained);
            }
        }
    }

    /// Digest of every shard's rows, with its number: what a sub-model is a function of.
    pub fn inputs(&self) -> Vec<Digest> {
        let Some(layout) = &self.layout else { return Vec::new() };
        let mut hashers = vec![Hasher::new("ultrare shard rows 1"); self.shards.len()];
        for (shard, hasher) in hashers.iter_mut().enumerate() {
            hasher.u32(shard as u32);
        }
        let data = &self.data.interactions;
        for (row, &shard) in data.rows().iter().zip(&layout.shard_of_row) {
            if let Some(hasher) = hashers.get_mut(usize::from(shard)) {
                hasher.str(data.users().get(row.user)).str(data.items().get(row.item)).f32(row.value);
                hasher.u32(row.fate as u32);
            }
        }
        hashers.iter().map(Hasher::finish).collect()
    }

    /// Shards with rows: the members of the ensemble, in order.
    pub(super) fn present(&self) -> Vec<u32> {
        (0..self.shards.len() as u32).filter(|&shard| self.shards[shard as usize].n_rows > 0).collect()
    }

    /// Are all stages up to `goal` done?
    pub fn reached(&self, goal: Stage) -> bool {
        self.pending.is_empty() && self.next.is_none_or(|next| next > goal)
    }

    /// Takes an outcome; when it was the stage's last, the stage is closed at `now`.
    pub fn accept(
        &mut self,
        id: u32,
        outcome: Outcome,
        seconds: f64,
        now: f64,
        goal: Stage,
        config: &Config,
    ) -> Result<Vec<Event>> {
        let slot = self.pending.get(&id).copied().ok_or(ExperimentError::UnknownJob { id })?;
        self.expects(slot, &outcome, config)?;
        self.pending.remove(&id);
        let stage = slot.stage();
        let mut events = Vec::new();
        match (slot, outcome) {
            (Slot::Embed, Outcome::Embed { users, items, plane }) => {
                if self.spec.positions {
                    events.push(self.positions(&plane, &users));
                }
                self.embedding = Some(Embedding { users, items, plane });
                self.next = Some(Stage::Partition);
            }
            (Slot::Cluster, Outcome::Cluster { partition, silhouette }) => {
                // The embedding saw every row, deleted ones too in time: it ends here.
                self.embedding = None;
                let users = self.data.active.len() as u32;
                self.partition = Some(PartitionView {
                    method: partition.method,
                    shards: partition.shards,
                    users_per_shard: partition.users_per_shard.clone(),
                    rows_per_shard: partition.rows_per_shard.clone(),
                    capacity: users.div_ceil(partition.shards.max(1)),
                    within_ss: partition.within_ss,
                    iterations: partition.iterations,
                    work_ratio: partition.work_ratio(),
                    silhouette,
                    purity: None,
                    adjusted_rand: None,
                    seconds: 0.0,
                });
                self.set_layout(Layout::new(&self.data, partition.shards, &partition.assignment));
                self.reuse();
            }
            (Slot::Train(shard), Outcome::Train { weights, epochs, stop, best, checkpoints, work }) => {
                let digest = self.shards[shard as usize].digest(&self.data, shard, &weights);
                let checkpoints = self.kept(shard, checkpoints, config);
                let weights = Arc::new(weights);
                self.members[shard as usize] =
                    Some(Trained { weights, digest, epochs, stop, best, seconds, work, checkpoints });
                self.trained.push(shard);
                events.push(Event::Trained { arm: self.spec.name.clone(), shard: self.shard_view(shard, None) });
            }
            (Slot::Combine, Outcome::Combine { prepared, note }) => {
                if let Some(message) = &note {
                    events.push(Event::Note { arm: self.spec.name.clone(), message: message.clone() });
                }
                self.prepared_digest = Some(Digest::of(&prepared));
                self.prepared = Some(Arc::new(prepared));
                self.previous = None;
                self.note = note;
            }
            (Slot::Evaluate { chunk, .. }, Outcome::Evaluate(results)) => self.chunks[chunk] = Some(results),
            (Slot::Verdicts(chunk), Outcome::Verdicts(verdicts)) => self.verdicts[chunk] = Some(verdicts),
            (Slot::Decompose, Outcome::Decompose(found)) => self.decomposition = Some(found),
            // Refused above.
            _ => {}
        }
        events.push(self.progress(stage));
        if self.pending.is_empty() {
            self.close(stage, now - self.began, &mut events, goal);
        }
        Ok(events)
    }

    /// The stage's last job is in.
    fn close(&mut self, stage: Stage, seconds: f64, events: &mut Vec<Event>, goal: Stage) {
        match stage {
            Stage::Embed => self.seconds.embed = seconds,
            Stage::Partition => {
                self.seconds.partition = seconds;
                if let Some(view) = &mut self.partition {
                    view.seconds = seconds;
                    events.push(Event::Divided { partition: view.clone() });
                }
            }
            Stage::Train => {
                self.seconds.train = seconds;
                self.trained.sort_unstable();
                self.former = Former::default();
                self.next = Some(Stage::Combine);
            }
            Stage::Combine => {
                self.seconds.combine = seconds;
                self.next = Some(Stage::Evaluate);
            }
            Stage::Evaluate => {
                self.seconds.evaluate = seconds;
                self.evaluation = Some(self.chunks.drain(..).flatten().flatten().collect());
                // Nothing more is due unless the errors are to be taken apart.
                self.next = Some(Stage::Decompose).filter(|_| goal >= Stage::Decompose);
            }
            Stage::Decompose if self.decomposition.is_some() => self.next = None,
            Stage::Read | Stage::Split | Stage::Decompose => {}
        }
    }

    fn positions(&self, plane: &crate::embedding::Plane, users: &crate::Matrix) -> Event {
        let handles = self.data.active.iter().flat_map(|&user| self.data.handles[user as usize].to_le_bytes());
        let handles = handles.collect();
        Event::Positions { handles, xy: crate::numerics::matrix::f32s_to_bytes(&plane.project(users.data())) }
    }

    /// What to show of a shard.
    pub fn shard_view(&self, shard: u32, before: Option<&Before>) -> ShardView {
        let own = &self.shards[shard as usize];
        let trained = self.members.get(shard as usize).and_then(Option::as_ref);
        ShardView {
            shard,
            users: own.users.len() as u32,
            rows: own.n_rows,
            items: own.items.len() as u32,
            epochs: trained.map_or(0, |trained| trained.epochs),
            stop: trained.map(|trained| trained.stop),
            best_epoch: trained.and_then(|trained| trained.best).map(|best| best.epoch),
            best_metric: trained.and_then(|trained| trained.best).map(|best| best.metric),
            seconds: trained.map_or(0.0, |trained| trained.seconds),
            touched: before.is_some() && self.trained.contains(&shard),
            digest: trained.map(|trained| trained.digest),
            digest_before: before.and_then(|before| before.shards.get(shard as usize).copied().flatten()),
        }
    }

    /// Who is in which shard, without ids.
    pub fn places(&self) -> Places {
        let Some(layout) = &self.layout else { return Places::default() };
        let layout = unlearn::Layout { shards: layout.shards, shard_of_row: &layout.shard_of_row };
        // The layout is made of this arm's own rows, so it cannot be refused.
        Places::of(&self.data.interactions, &layout).unwrap_or_default()
    }

    /// Digests of the sub-models, by shard.
    pub fn shard_digests(&self) -> Vec<Option<Digest>> {
        self.members.iter().map(|member| member.as_ref().map(|trained| trained.digest)).collect()
    }

    /// Digest of all that serves: the sub-models and the combiner.
    pub fn ensemble_digest(&self) -> Option<Digest> {
        let combiner = self.prepared_digest?;
        let mut hasher = Hasher::new("ultrare ensemble 1");
        hasher.u32(self.members.len() as u32);
        for digest in self.shard_digests() {
            hasher.u32(u32::from(digest.is_some())).digest(&digest.unwrap_or_default());
        }
        Some(hasher.digest(&combiner).finish())
    }

    /// The digests to compare with after a request.
    pub fn before(&self, split: Digest) -> Before {
        Before {
            split,
            partition: self.layout.as_ref().map(|layout| layout.digest(&self.data)),
            shards: self.shard_digests(),
            ensemble: self.ensemble_digest(),
        }
    }
}

/// Digests as they were before a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    pub split: Digest,
    pub partition: Option<Digest>,
    pub shards: Vec<Option<Digest>>,
    pub ensemble: Option<Digest>,
}
