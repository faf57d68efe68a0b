//! The jobs of an arm's next stage.

use serde_bytes::ByteBuf;

use crate::embedding::EmbeddingConfig;
use crate::evaluate::popularity;
use crate::interactions::Fate;
use crate::partition::{Method, PartitionInput};
use crate::random::{Purpose, keyed_hash};

use super::arm::Arm;
use super::data::{Layout, is_anchor};
use super::job::{
    BaselineJob, ClusterJob, CombineJob, DecomposeJob, EmbedJob, EvaluateJob, Job, MemberBytes, TrainJob, UserTable,
    encode,
};
use super::series::{Baseline, resamples};
use super::{Config, Event, Stage};

/// A job to hand out.
#[derive(Clone, Debug, PartialEq)]
pub struct JobOut {
    /// Its number, for the result.
    pub id: u32,
    /// The stage it belongs to.
    pub stage: Stage,
    /// The arm it belongs to.
    pub arm: String,
    /// The shard, for a training.
    pub shard: Option<u32>,
    /// Relative cost within the stage, for handing out the longest first: rows or users.
    pub weight: f64,
    /// The work; see [`super::task`].
    pub bytes: Vec<u8>,
}

/// What a job that is out will bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Slot {
    Embed,
    Cluster,
    Train(u32),
    Combine,
    Evaluate { chunk: usize, users: u32 },
    Verdicts(usize),
    Decompose,
}

impl Slot {
    pub fn stage(self) -> Stage {
        match self {
            Slot::Embed => Stage::Embed,
            Slot::Cluster => Stage::Partition,
            Slot::Train(_) => Stage::Train,
            Slot::Combine => Stage::Combine,
            Slot::Evaluate { .. } => Stage::Evaluate,
            Slot::Verdicts(_) | Slot::Decompose => Stage::Decompose,
        }
    }
}

impl Arm {
    /// The jobs of the next stage, or none while jobs are out or `goal` is reached. The number of jobs of an evaluation
    /// follows `parallelism`; no result does.
    pub fn jobs(&mut self, goal: Stage, config: &Config, parallelism: u32, ids: &mut u32, now: f64) -> Vec<JobOut> {
        if !self.pending.is_empty() {
            return Vec::new();
        }
        let jobs = loop {
            match self.next {
                Some(stage) if stage <= goal => match stage {
                    Stage::Read | Stage::Split => self.next = Some(Stage::Embed),
                    // Where the partition is all that is asked for, its sum of squares is part of the answer.
                    Stage::Embed if goal > Stage::Partition && !self.needs_embedding() => {
                        self.next = Some(Stage::Partition);
                    }
                    Stage::Embed => break vec![(Slot::Embed, 1.0, self.embed_job(config))],
                    Stage::Partition => break vec![(Slot::Cluster, 1.0, self.cluster_job(config))],
                    Stage::Train => {
                        let jobs = self.train_jobs(config);
                        if !jobs.is_empty() {
                            break jobs;
                        }
                        self.next = Some(Stage::Combine);
                    }
                    Stage::Combine => break vec![(Slot::Combine, 1.0, self.combine_job(config))],
                    Stage::Evaluate => break self.evaluate_jobs(config, parallelism),
                    Stage::Decompose => break self.decompose_jobs(config, parallelism),
                },
                _ => return Vec::new(),
            }
        };
        self.began = now;
        self.total = jobs.len() as u32;
        jobs.into_iter()
            .map(|(slot, weight, job)| {
                let id = *ids;
                *ids += 1;
                self.pending.insert(id, slot);
                let shard = if let Slot::Train(shard) = slot { Some(shard) } else { None };
                JobOut { id, stage: slot.stage(), arm: self.shown().to_owned(), shard, weight, bytes: encode(&job) }
            })
            .collect()
    }

    /// How many of the stage's jobs are done.
    pub fn progress(&self, stage: Stage) -> Event {
        let done = self.total - self.pending.len() as u32;
        Event::Stage { arm: self.spec.name.clone(), stage, done, total: self.total }
    }

    /// What whoever watches calls it.
    fn shown(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.spec.name)
    }

    fn needs_embedding(&self) -> bool {
        self.spec.positions || self.spec.partition.method.needs_users() || self.spec.partition.method.needs_items()
    }

    fn embed_job(&self, config: &Config) -> Job {
        let whole = Layout::whole(&self.data);
        let rows = whole.members(&self.data)[0].rows(&self.data, &whole, 0);
        let anchors = self.anchors(config);
        let embedding = EmbeddingConfig { ..config.embedding.clone() };
        Job::Embed(EmbedJob { rows, config: embedding, seed: config.seed.into(), anchors })
    }

    /// Who the anchors are; empty unless the partition has any.
    fn anchors(&self, config: &Config) -> Vec<bool> {
        if self.spec.partition.method != Method::Anchored {
            return Vec::new();
        }
        let chosen = |user: &u32| is_anchor(&self.data.interactions, *user, &[], &self.spec.partition, config.seed);
        self.data.active.iter().map(chosen).collect()
    }

    fn user_keys(&self, config: &Config) -> Vec<u64> {
        let users = self.data.interactions.users();
        let key = |user: &u32| keyed_hash(config.seed.into(), Purpose::Partition, &[users.get(*user).as_bytes()]);
        self.data.active.iter().map(key).collect()
    }

    fn cluster_job(&self, config: &Config) -> Job {
        let data = &self.data;
        let mut starts = vec![0u32];
        let mut row_items = Vec::new();
        for &user in &data.active {
            let rows = data.interactions.rows_of(user).iter().filter(|row| row.fate != Fate::Test);
            row_items.extend(rows.map(|row| row.item));
            starts.push(row_items.len() as u32);
        }
        let method = self.spec.partition.method;
        let mut input = PartitionInput {
            user_keys: self.user_keys(config),
            starts,
            given: self.given.clone(),
            anchors: self.anchors(config),
            seed: config.seed.into(),
            ..PartitionInput::default()
        };
        let mut view = None;
        if let Some(embedding) = &self.embedding {
            input.users = embedding.users.clone();
            view = self.spec.positions.then(|| embedding.plane.clone());
            if method.needs_items() {
                input.items = embedding.items.clone();
                // The embedding numbers only items with training rows.
                let whole = Layout::whole(data);
                let items = &whole.members(data)[0].items;
                for item in &mut row_items {
                    *item = items.binary_search(item).unwrap_or_default() as u32;
                }
            }
        }
        if method.needs_items() {
            input.row_items = row_items;
        }
        Job::Cluster(ClusterJob { input, config: self.spec.partition.clone(), view })
    }

    fn train_jobs(&self, config: &Config) -> Vec<(Slot, f64, Job)> {
        let Some(layout) = &self.layout else { return Vec::new() };
        let missing = self.present().into_iter().filter(|&shard| self.members[shard as usize].is_none());
        missing
            .map(|shard| {
                let own = &self.shards[shard as usize];
                let job = TrainJob {
                    arm: self.shown().to_owned(),
                    rows: own.rows(&self.data, layout, shard),
                    config: self.spec.model.clone(),
                    seed: config.seed.into(),
                    shard,
                    start: self.start(shard, config),
                    traced: self.spec.positions,
                };
                (Slot::Train(shard), f64::from(own.n_rows), Job::Train(job))
            })
            .collect()
    }

    pub(super) fn member_bytes(&self) -> Vec<MemberBytes> {
        self.present()
            .into_iter()
            .filter_map(|shard| {
                let trained = self.members[shard as usize].as_ref()?;
                let items = self.shards[shard as usize].items.clone();
                Some(MemberBytes { weights: trained.weights.as_ref().clone(), items })
            })
            .collect()
    }

    pub(super) fn n_items(&self) -> u32 {
        self.data.interactions.items().len() as u32
    }

    fn combine_job(&self, config: &Config) -> Job {
        let all: Vec<u32> = (0..self.data.interactions.users().len() as u32).collect();
        use crate::combine::CombineMethod::{Attention, Logistic};
        let learns = matches!(self.spec.combine.method, Logistic | Attention);
        Job::Combine(CombineJob {
            members: self.member_bytes(),
            n_items: self.n_items(),
            config: self.spec.combine.clone(),
            seed: config.seed.into(),
            users: if learns { self.table(&all) } else { UserTable::empty() },
            previous: self.previous.as_deref().cloned(),
        })
    }

    /// A job per range of users.
    fn by_users(&self, parallelism: u32, make: impl Fn(UserTable) -> Job) -> Vec<(u32, Job)> {
        let all: Vec<u32> = (0..self.data.interactions.users().len() as u32).collect();
        let chunk = (all.len() as u32).div_ceil(parallelism.max(1)).max(1) as usize;
        all.chunks(chunk).map(|users| (users.len() as u32, make(self.table(users)))).collect()
    }

    fn evaluate_jobs(&mut self, config: &Config, parallelism: u32) -> Vec<(Slot, f64, Job)> {
        let jobs = self.by_users(parallelism, |users| match self.baseline {
            Some(baseline) => Job::Baseline(self.baseline_job(baseline, users, config)),
            None => Job::Evaluate(self.evaluate_job(users, config)),
        });
        self.chunks = vec![None; jobs.len()];
        let slot = |(chunk, (users, job))| (Slot::Evaluate { chunk, users }, f64::from(users), job);
        jobs.into_iter().enumerate().map(slot).collect()
    }

    fn evaluate_job(&self, users: UserTable, config: &Config) -> EvaluateJob {
        EvaluateJob {
            members: self.member_bytes(),
            n_items: self.n_items(),
            prepared: self.prepared.as_deref().cloned().unwrap_or_else(ByteBuf::new),
            config: config.evaluate.clone(),
            users,
        }
    }

    fn baseline_job(&self, baseline: Baseline, users: UserTable, config: &Config) -> BaselineJob {
        let training = self.data.interactions.rows().iter().filter(|row| row.fate != Fate::Test);
        let popularity = match baseline {
            Baseline::Popularity => Some(popularity(training.map(|row| row.item), self.n_items())),
            Baseline::Random => None,
        };
        let (config, seed) = (config.evaluate.clone(), config.seed.into());
        BaselineJob { users, n_items: self.n_items(), config, popularity, seed }
    }

    /// First everybody's verdicts, then, when these are in, the one job that takes the errors apart.
    fn decompose_jobs(&mut self, config: &Config, parallelism: u32) -> Vec<(Slot, f64, Job)> {
        if self.verdicts.is_empty() {
            let jobs =
                self.by_users(parallelism, |users| Job::Verdicts(self.evaluate_job(users, config), config.seed.into()));
            self.verdicts = vec![None; jobs.len()];
            let slot = |(chunk, (users, job))| (Slot::Verdicts(chunk), f64::from(users), job);
            return jobs.into_iter().enumerate().map(slot).collect();
        }
        let job = DecomposeJob {
            verdicts: self.verdicts.drain(..).flatten().map(|verdicts| verdicts.as_ref().clone()).collect(),
            resamples: resamples(&config.evaluate),
            confidence: config.evaluate.confidence,
            seed: config.seed.into(),
        };
        vec![(Slot::Decompose, 1.0, Job::Decompose(job))]
    }

    /// Rows of some users. A user without training rows gets no test rows either: nobody can serve such a user.
    pub(super) fn table(&self, users: &[u32]) -> UserTable {
        let mut table = UserTable { first: users.first().copied().unwrap_or_default(), ..UserTable::empty() };
        let present = self.present();
        for &user in users {
            for row in self.data.interactions.rows_of(user) {
                if row.fate == Fate::Test {
                    table.test_items.push(row.item);
                } else {
                    table.items.push(row.item);
                    table.values.push(row.value);
                    table.validation.push(row.fate == Fate::Validation);
                }
            }
            for (member, &shard) in present.iter().enumerate() {
                if let Ok(local) = self.shards[shard as usize].users.binary_search(&user) {
                    table.own.push((member as u16, local as u32));
                }
            }
            let start = table.starts.last().copied().unwrap_or_default();
            if table.items.len() as u32 == start {
                table.test_items.truncate(table.test_starts.last().copied().unwrap_or_default() as usize);
            }
            table.starts.push(table.items.len() as u32);
            table.test_starts.push(table.test_items.len() as u32);
            table.own_starts.push(table.own.len() as u32);
        }
        table
    }
}
