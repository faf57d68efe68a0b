//! What a pipeline still needs for a goal, as jobs that can run now; and their outcomes into the store.

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::embedding::EmbeddingConfig;
use crate::error::Result;
use crate::evaluate::popularity;
use crate::numerics::random::{Purpose, keyed_hash};
use crate::partition::{Method, PartitionInput};

use super::job::{
    BaselineJob, Body, ClusterJob, CombineJob, DecomposeJob, EmbedJob, EvaluateJob, MemberPart, Outcome, TrainJob,
    UserTable, decode, encode,
};
use super::store::{Blob, Combined, Embedded, Kept, PartitionFacts, Partitioned, Store, Trained};
use super::table::table;
use super::value::{Baseline, Divided, Pipeline};
use super::{Assignment, EnsembleParts, Event, Shard, Stage, trains};

/// How the interval of a decomposition is drawn: as many resamples as are quick.
const RESAMPLES: u32 = 200;

/// What whoever runs a pipeline wants of it beside its outcomes. Nothing of it enters a key or an outcome.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// What events call the pipeline.
    pub name: String,
    /// Is it watched on a map? Then vectors are made even where the partition needs none, and trainings report an update.
    pub watched: bool,
    /// The pipeline before a change: what it left saves time.
    pub previous: Option<Box<Pipeline>>,
}

/// Which outcome a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Vectors.
    Embed,
    /// Shards.
    Partition,
    /// The sub-model of a shard.
    Train(u32),
    /// The combiner.
    Combine,
    /// The figures of a chunk of users.
    Evaluate(usize),
    /// What sub-models say about a chunk of users.
    Verdicts(usize),
    /// The errors taken apart.
    Decompose,
}

impl Slot {
    /// The stage it belongs to.
    pub fn stage(self) -> Stage {
        match self {
            Slot::Embed => Stage::Embed,
            Slot::Partition => Stage::Partition,
            Slot::Train(_) => Stage::Train,
            Slot::Combine => Stage::Combine,
            Slot::Evaluate(_) => Stage::Evaluate,
            Slot::Verdicts(_) | Slot::Decompose => Stage::Decompose,
        }
    }
}

/// A job that can run now.
#[derive(Clone, Debug)]
pub struct Job {
    /// Key of its outcome.
    pub key: Digest,
    /// What it is for.
    pub slot: Slot,
    /// Relative cost within the stage, for handing out the longest first: rows or users.
    pub weight: f64,
    /// The work; see [`super::Runner::task`].
    pub body: Vec<u8>,
    /// Digests of the large inputs that it names; [`Pipeline::blob`] has their bytes.
    pub inputs: Vec<Digest>,
}

/// The jobs that a pipeline needs next on its way to a goal: those of the first stage of which something is missing. None:
/// the goal is reached. Where an embedding or a partition is already followed by what it was for, it is not made again.
///
/// Errors: settings out of range, an assignment file that does not fit; said before any work.
pub fn advance(pipeline: &Pipeline, goal: Stage, store: &Store, hints: &Hints) -> Result<Vec<Job>> {
    if pipeline.is_baseline().is_some() {
        return Ok(if goal < Stage::Evaluate { Vec::new() } else { pipeline.evaluate_jobs(store) });
    }
    let Some(divided) = pipeline.divided(store) else {
        if goal < Stage::Embed {
            return Ok(Vec::new());
        }
        let (key, settings) = (pipeline.embed_key(), pipeline.settings());
        // Where the partition is all that is asked for, its sum of squares is part of the answer.
        let wanted = pipeline.needs_embedding() || hints.watched || goal <= Stage::Partition;
        if wanted && store.embedding(&key).is_none() {
            settings.check()?;
            return Ok(vec![job(key, Slot::Embed, 1.0, &Body::Embed(pipeline.embed_job()), Vec::new())]);
        }
        if goal < Stage::Partition {
            return Ok(Vec::new());
        }
        pipeline.check()?;
        let embedded = store.embedding(&key).filter(|_| wanted);
        let body = Body::Cluster(pipeline.cluster_job(embedded, hints)?);
        return Ok(vec![job(pipeline.partition_key(), Slot::Partition, 1.0, &body, Vec::new())]);
    };
    if goal < Stage::Train {
        return Ok(Vec::new());
    }
    let missing = pipeline.train_jobs(&divided, store, hints);
    if !missing.is_empty() || goal < Stage::Combine {
        return Ok(missing);
    }
    let key = pipeline.combine_key(store).expect("all sub-models are trained");
    if !store.has(&key) {
        return Ok(vec![pipeline.combine_job(key, &divided, store, hints)]);
    }
    if goal < Stage::Evaluate {
        return Ok(Vec::new());
    }
    let missing = pipeline.evaluate_jobs(store);
    if !missing.is_empty() || goal < Stage::Decompose {
        return Ok(missing);
    }
    Ok(pipeline.decompose_jobs(store))
}

fn job(key: Digest, slot: Slot, weight: f64, body: &Body, inputs: Vec<Digest>) -> Job {
    Job { key, slot, weight, body: encode(body), inputs }
}

impl Pipeline {
    fn embed_job(&self) -> EmbedJob {
        let whole = self.whole();
        let rows = whole.rows(self.dataset(), &Assignment::whole(self.rows()), 0);
        let config = EmbeddingConfig { ..self.settings().embedding.clone() };
        EmbedJob { rows, config, seed: self.seed(), anchors: self.anchors() }
    }

    /// All rows as one shard.
    fn whole(&self) -> Shard {
        let assignment = Assignment::whole(self.rows());
        super::shard::shards(self.dataset(), &assignment).remove(0)
    }

    fn cluster_job(&self, embedded: Option<&std::sync::Arc<Embedded>>, hints: &Hints) -> Result<ClusterJob> {
        let data = self.rows();
        let mut starts = vec![0u32];
        let mut row_items = Vec::new();
        for &user in self.dataset().active() {
            row_items.extend(data.rows_of(user).iter().filter(|row| trains(row)).map(|row| row.item));
            starts.push(row_items.len() as u32);
        }
        let key = |user: &u32| keyed_hash(self.seed(), Purpose::Partition, &[data.users().get(*user).as_bytes()]);
        let method: Method = self.settings().partition.method;
        let mut input = PartitionInput {
            user_keys: self.dataset().active().iter().map(key).collect(),
            starts,
            given: self.file_shards()?,
            anchors: self.anchors(),
            seed: self.seed(),
            ..PartitionInput::default()
        };
        let mut view = None;
        if let Some(embedded) = embedded {
            input.users = embedded.users.clone();
            view = hints.watched.then(|| embedded.plane.clone());
            if method.needs_items() {
                input.items = embedded.items.clone();
                // The embedding numbers only items with training rows.
                let items = self.whole().items;
                for item in &mut row_items {
                    *item = items.binary_search(item).expect("it has a training row") as u32;
                }
            }
        }
        if method.needs_items() {
            input.row_items = row_items;
        }
        Ok(ClusterJob { input, config: self.settings().partition.clone(), view })
    }

    fn train_jobs(&self, divided: &Divided, store: &Store, hints: &Hints) -> Vec<Job> {
        let keyed = divided.present().into_iter().map(|shard| (shard, self.train_key(shard, divided)));
        let missing = keyed.filter(|(_, key)| !store.has(key));
        missing
            .map(|(shard, key)| {
                let own = &divided.shards[shard as usize];
                let body = TrainJob {
                    pipeline: hints.name.clone(),
                    rows: own.rows(self.dataset(), &divided.assignment, shard),
                    config: self.settings().model.clone(),
                    seed: self.seed(),
                    shard,
                    start: self.start(shard, divided, store, hints.previous.as_deref()),
                    traced: hints.watched,
                };
                job(key, Slot::Train(shard), f64::from(own.n_rows), &Body::Train(body), Vec::new())
            })
            .collect()
    }

    /// The sub-models of the ensemble; none while one is missing.
    fn parts(&self, store: &Store) -> Option<(Blob, Vec<Digest>)> {
        let divided = self.divided(store)?;
        let part = |shard: u32| {
            let trained = store.sub_model(&self.train_key(shard, &divided))?;
            let own = &divided.shards[shard as usize];
            Some(MemberPart { weights: trained.weights.digest, items: own.items.clone(), rows: own.n_rows })
        };
        let members = divided.present().into_iter().map(part).collect::<Option<Vec<_>>>()?;
        let weights = members.iter().map(|member| member.weights).collect();
        Some((Blob::new(encode(&EnsembleParts { n_items: self.n_items(), members })), weights))
    }

    /// The bytes that a job of this pipeline names by their digest.
    pub fn blob(&self, digest: &Digest, store: &Store) -> Option<std::sync::Arc<ByteBuf>> {
        let parts = || Some(self.parts(store)?.0).filter(|parts| parts.digest == *digest).map(|parts| parts.bytes);
        store.blob(digest).or_else(parts)
    }

    /// Rows of some users, and where they are in the shards.
    pub(crate) fn table(&self, store: &Store, users: impl Iterator<Item = u32>) -> UserTable {
        table(self.dataset(), self.divided(store).as_deref(), users)
    }

    fn combine_job(&self, key: Digest, divided: &Divided, store: &Store, hints: &Hints) -> Job {
        let (ensemble, mut inputs) = self.parts(store).expect("all sub-models are trained");
        inputs.push(ensemble.digest);
        let all = if self.learns() { 0..self.rows().users().len() as u32 } else { 0..0 };
        let previous = hints.previous.as_deref().and_then(|before| Some(before.combined(store)?.prepared.digest));
        inputs.extend(previous);
        let body = CombineJob {
            ensemble: ensemble.digest,
            config: self.settings().combine.clone(),
            seed: self.seed(),
            users: table(self.dataset(), Some(divided), all),
            previous,
        };
        job(key, Slot::Combine, 1.0, &Body::Combine(body), inputs)
    }

    /// What serves, as jobs name it: the ensemble, its combiner, and all inputs.
    pub(crate) fn serving_inputs(&self, store: &Store) -> Option<(Digest, Digest, Vec<Digest>)> {
        let prepared = self.combined(store)?.prepared.digest;
        let (ensemble, mut inputs) = self.parts(store)?;
        inputs.extend([ensemble.digest, prepared]);
        Some((ensemble.digest, prepared, inputs))
    }

    /// What serves, read back: for a question or two, asked here.
    ///
    /// Errors: weights that are none.
    pub(crate) fn served(&self, store: &Store) -> Result<super::Served> {
        let missing = || super::PipelineError::Unusable("the ensemble is not built yet".to_owned());
        let (ensemble, prepared, _) = self.serving_inputs(store).ok_or_else(missing)?;
        let bytes = |digest: &Digest| {
            let found = self.blob(digest, store).ok_or_else(missing)?;
            Ok(Blob { digest: *digest, bytes: found })
        };
        let parts: EnsembleParts = decode(&bytes(&ensemble)?.bytes, "an ensemble")?;
        super::Served::new(&parts, bytes, Some(&prepared))
    }

    fn evaluate_jobs(&self, store: &Store) -> Vec<Job> {
        let serving = self.is_baseline().is_none().then(|| self.serving_inputs(store)).flatten();
        let divided = serving.as_ref().and_then(|_| self.divided(store));
        let job_of = |(chunk, users): (usize, std::ops::Range<u32>)| {
            let key = self.evaluate_key(chunk, store).filter(|key| !store.has(key))?;
            let measured = self.measured(users);
            let weight = measured.clone().count() as f64;
            let table = table(self.dataset(), divided.as_deref(), measured);
            let config = self.settings().evaluate.clone();
            Some(match (self.is_baseline(), &serving) {
                (Some(baseline), _) => {
                    let body = Body::Baseline(self.baseline_job(baseline, table));
                    job(key, Slot::Evaluate(chunk), weight, &body, Vec::new())
                }
                (None, serving) => {
                    let (ensemble, prepared, inputs) = serving.clone()?;
                    let body = Body::Evaluate(EvaluateJob { ensemble, prepared, config, users: table });
                    job(key, Slot::Evaluate(chunk), weight, &body, inputs)
                }
            })
        };
        self.dataset().chunks().enumerate().filter_map(job_of).collect()
    }

    fn baseline_job(&self, baseline: Baseline, users: UserTable) -> BaselineJob {
        let training = self.rows().rows().iter().filter(|row| trains(row));
        let popularity = match baseline {
            Baseline::Popularity => Some(popularity(training.map(|row| row.item), self.n_items())),
            Baseline::Random => None,
        };
        let (config, seed) = (self.settings().evaluate.clone(), self.seed());
        BaselineJob { users, n_items: self.n_items(), config, popularity, seed }
    }

    /// First everybody's verdicts, then, when these are in, the one job that takes the errors apart.
    fn decompose_jobs(&self, store: &Store) -> Vec<Job> {
        let (ensemble, prepared, inputs) = self.serving_inputs(store).expect("the ensemble serves");
        let divided = self.divided(store);
        let key = self.decompose_key(store).expect("the ensemble serves");
        if store.has(&key) {
            return Vec::new();
        }
        let config = &self.settings().evaluate;
        let asked = self.dataset().chunks().enumerate().filter_map(|(chunk, users)| {
            let key = self.verdicts_key(chunk, store).filter(|key| !store.has(key))?;
            let measured = self.measured(users);
            let weight = measured.clone().count() as f64;
            let users = table(self.dataset(), divided.as_deref(), measured);
            let body = Body::Verdicts(EvaluateJob { ensemble, prepared, config: config.clone(), users }, self.seed());
            Some(job(key, Slot::Verdicts(chunk), weight, &body, inputs.clone()))
        });
        let asked: Vec<Job> = asked.collect();
        if !asked.is_empty() {
            return asked;
        }
        let all = (0..self.n_chunks()).map(|chunk| {
            let key = self.verdicts_key(chunk, store).expect("the ensemble serves");
            store.verdicts(&key).expect("none is missing").as_ref().clone()
        });
        let body = DecomposeJob {
            verdicts: all.collect(),
            resamples: config.bootstrap.min(RESAMPLES),
            confidence: config.confidence,
            seed: self.seed(),
        };
        vec![job(key, Slot::Decompose, 1.0, &Body::Decompose(body), Vec::new())]
    }
}

/// Takes a job's outcome into the store, if it is one of these rows. `seconds`: computing time of the job. Gives what
/// whoever watches should know.
///
/// Errors: bytes of something else, damaged ones, an outcome that does not fit the rows. The store is as before then.
pub fn accept(
    pipeline: &Pipeline,
    key: Digest,
    slot: Slot,
    outcome: &[u8],
    seconds: f64,
    store: &mut Store,
    hints: &Hints,
) -> Result<Vec<Event>> {
    let outcome: Outcome = decode(outcome, "a result")?;
    pipeline.validate(slot, &outcome)?;
    let mut events = Vec::new();
    let kept = match (slot, outcome) {
        (Slot::Embed, Outcome::Embed { users, items, plane }) => {
            if hints.watched {
                let dataset = pipeline.dataset();
                let handles = dataset.active().iter().flat_map(|&user| dataset.handle(user).to_le_bytes()).collect();
                let xy = crate::numerics::matrix::f32s_to_bytes(&plane.project(users.data()));
                events.push(Event::Positions { handles, xy });
            }
            Kept::Embedding(Embedded { users, items, plane }.into())
        }
        (Slot::Partition, Outcome::Cluster { partition, silhouette }) => {
            // The embedding saw every row, deleted ones too in time: it ends here.
            store.drop(&pipeline.embed_key());
            let facts = PartitionFacts {
                within_ss: partition.within_ss,
                iterations: partition.iterations,
                silhouette,
                seconds,
            };
            let (method, shards, division) = (partition.method, partition.shards, partition.assignment);
            Kept::Partition(Partitioned { method, shards, division, facts }.into())
        }
        (Slot::Train(shard), Outcome::Train { weights, epochs, stop, best, chosen, checkpoints, work }) => {
            if stop.is_collapse() {
                let message = format!("Shard {} {}.", shard + 1, stop.words());
                events.push(Event::Note { pipeline: hints.name.clone(), message });
            }
            let divided = pipeline.divided(store).expect("a sub-model is trained when there are shards");
            let digest = divided.shards[shard as usize].digest(pipeline.dataset(), shard, &weights);
            let checkpoints = pipeline.checkpoints(shard, &divided, checkpoints, store);
            let weights = Blob::new(weights.into_vec());
            Kept::SubModel(Trained { weights, digest, epochs, stop, best, chosen, seconds, work, checkpoints }.into())
        }
        (Slot::Combine, Outcome::Combine { prepared, note }) => {
            if let Some(message) = &note {
                events.push(Event::Note { pipeline: hints.name.clone(), message: message.clone() });
            }
            Kept::Combiner(Combined { prepared: Blob::new(prepared.into_vec()), note, seconds }.into())
        }
        (Slot::Evaluate(_), Outcome::Evaluate(results)) => Kept::Metrics(results.into()),
        (Slot::Verdicts(_), Outcome::Verdicts(verdicts)) => Kept::Verdicts(verdicts),
        (Slot::Decompose, Outcome::Decompose(found)) => Kept::Decomposition(found.into()),
        _ => unreachable!("what does not fit was refused above"),
    };
    store.put(key, kept);
    Ok(events)
}
