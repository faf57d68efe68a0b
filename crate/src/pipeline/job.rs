//! Jobs: the heavy work as bytes. A job has a body and names large inputs (weights, a combiner) by their digests, so that
//! these cross to whoever runs it once and not with every job. Its outcome is bytes again and depends on nothing but the job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::combine::CombineConfig;
use crate::embedding::EmbeddingConfig;
use crate::error::Result;
use crate::evaluate::{Decomposition, EvaluateConfig, UserMetrics, Verdicts};
use crate::model::{Best, ModelConfig, ShardRows, SliceCheckpoint, Start, StopReason, WorkDone};
use crate::partition::{Partition, PartitionConfig, PartitionInput};
use crate::{Digest, Matrix};

use super::PipelineError;

/// Marks job and outcome bytes; the digit is the format's version.
const MAGIC: &[u8; 4] = b"URJ4";

/// Bytes of the digest that follows the marks.
const CHECK: usize = 8;

/// Items of a catalogue at most: a score of each, and of each in every sub-model, has to fit in memory.
const MOST_ITEMS: u32 = 1 << 26;

/// The body of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Body {
    Embed(EmbedJob),
    Cluster(ClusterJob),
    Train(TrainJob),
    Combine(CombineJob),
    Evaluate(EvaluateJob),
    /// What the sub-models of an evaluation say, sub-model by sub-model; with the seed of the sampled pairs.
    Verdicts(EvaluateJob, u64),
    Decompose(DecomposeJob),
    Baseline(BaselineJob),
    Audit(AuditJob),
}

/// Vectors for all active users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EmbedJob {
    pub rows: ShardRows,
    pub config: EmbeddingConfig,
    pub seed: u64,
    /// Users that the item side is fitted on; empty: all.
    pub anchors: Vec<bool>,
}

/// Shards from vectors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClusterJob {
    pub input: PartitionInput,
    pub config: PartitionConfig,
    /// How vectors become places on the map.
    pub view: Option<crate::embedding::Plane>,
}

/// One sub-model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrainJob {
    /// What events call the pipeline.
    pub pipeline: String,
    pub rows: ShardRows,
    pub config: ModelConfig,
    pub seed: u64,
    pub shard: u32,
    pub start: Start,
    /// Report one update an epoch? For display: enters no outcome.
    pub traced: bool,
}

/// The sub-models of an ensemble; itself an input that is named by its digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EnsembleParts {
    /// Items of the whole catalogue.
    pub n_items: u32,
    /// In the order of their shards.
    pub members: Vec<MemberPart>,
}

/// A sub-model by the digest of its weights, where its items are in the catalogue, and how many rows it saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MemberPart {
    pub weights: Digest,
    pub items: Vec<u32>,
    pub rows: u32,
}

/// Users' rows in catalogue numbers, as flat arrays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct UserTable {
    /// Training rows of each user begin here; users + 1 values.
    pub starts: Vec<u32>,
    pub items: Vec<u32>,
    #[serde(with = "crate::numerics::matrix::packed")]
    pub values: Vec<f32>,
    pub validation: Vec<bool>,
    /// Test rows of each user begin here; users + 1 values.
    pub test_starts: Vec<u32>,
    pub test_items: Vec<u32>,
    /// (member, local user) pairs of each user begin here; users + 1 values.
    pub own_starts: Vec<u32>,
    pub own: Vec<(u16, u32)>,
    /// Number of the first of these users among all.
    pub first: u32,
}

/// The combiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CombineJob {
    /// Digest of [`EnsembleParts`].
    pub ensemble: Digest,
    pub config: CombineConfig,
    pub seed: u64,
    pub users: UserTable,
    /// What was prepared before, where most sub-models are the same: saves time, never changes a bit.
    pub previous: Option<Digest>,
}

/// The figures of some users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EvaluateJob {
    /// Digest of [`EnsembleParts`].
    pub ensemble: Digest,
    /// Digest of the combiner's bytes.
    pub prepared: Digest,
    pub config: EvaluateConfig,
    pub users: UserTable,
}

/// The errors taken apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DecomposeJob {
    /// Of ranges of users, in order.
    pub verdicts: Vec<Verdicts>,
    pub resamples: u32,
    pub confidence: f32,
    pub seed: u64,
}

/// The figures of some users without any model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BaselineJob {
    pub users: UserTable,
    pub n_items: u32,
    pub config: EvaluateConfig,
    /// Training rows per item; without them, chance decides.
    pub popularity: Option<Vec<f32>>,
    pub seed: u64,
}

/// Visitors of an ensemble: what each shows are the table's rows, what is asked about its test items.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AuditJob {
    /// Digest of [`EnsembleParts`].
    pub ensemble: Digest,
    /// Digest of the combiner's bytes.
    pub prepared: Digest,
    pub users: UserTable,
    /// Training rows of every item.
    pub popularity: Vec<u32>,
    /// Matched items drawn for each item asked about.
    pub rounds: u32,
    pub seed: u64,
    /// Whose visit each is; numbered from 0 without gaps.
    pub people: Vec<u32>,
    /// Whose ranks and list are wanted.
    pub person: Option<u32>,
}

/// What a job leads to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Embed {
        users: Matrix,
        items: Matrix,
        plane: crate::embedding::Plane,
    },
    Cluster {
        partition: Partition,
        silhouette: Option<f64>,
    },
    Train {
        weights: ByteBuf,
        epochs: u32,
        stop: StopReason,
        best: Option<Best>,
        chosen: Option<String>,
        checkpoints: Vec<SliceCheckpoint>,
        work: Option<WorkDone>,
    },
    Combine {
        prepared: ByteBuf,
        note: Option<String>,
    },
    Evaluate(Vec<UserMetrics>),
    Verdicts(Arc<Verdicts>),
    Decompose(Decomposition),
    Audit {
        gaps: Vec<Option<f64>>,
        ranks: Vec<(u32, u32)>,
        top: Vec<u32>,
    },
}

impl UserTable {
    /// No user yet.
    pub fn empty() -> Self {
        UserTable { starts: vec![0], test_starts: vec![0], own_starts: vec![0], ..UserTable::default() }
    }

    /// Number of users.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Refuses offsets outside the arrays, and catalogues no memory can hold. Asked once when a job arrives, so that slicing
    /// cannot fail later.
    pub fn check(&self, n_items: u32, members: usize) -> Result<()> {
        let reason = match (n_items > MOST_ITEMS, self.is_sound(n_items, members)) {
            (true, _) => format!("a catalogue of {n_items} items is beyond the {MOST_ITEMS} that can be served"),
            (_, false) => "its table of users does not fit together".to_owned(),
            _ => return Ok(()),
        };
        Err(PipelineError::Damaged { what: "a job", reason }.into())
    }

    fn is_sound(&self, n_items: u32, members: usize) -> bool {
        let users = self.len();
        let fits = |starts: &[u32], len: usize| {
            starts.len() == users + 1
                && starts.windows(2).all(|pair| pair[0] <= pair[1])
                && starts.last().is_some_and(|&end| end as usize <= len)
        };
        fits(&self.starts, self.items.len())
            && fits(&self.test_starts, self.test_items.len())
            && fits(&self.own_starts, self.own.len())
            && self.items.len() == self.values.len()
            && self.items.len() == self.validation.len()
            && self.items.iter().chain(&self.test_items).all(|&item| item < n_items)
            && self.own.iter().all(|&(member, _)| usize::from(member) < members.max(1))
    }
}

/// Refuses more items than rows: a shard's catalogue is made of its rows, and room is made for every item.
pub(crate) fn check_catalogue(rows: &ShardRows) -> Result<()> {
    if rows.n_items as usize <= rows.items.len() {
        return Ok(());
    }
    let reason = format!("it names {} items and has {} rows", rows.n_items, rows.items.len());
    Err(PipelineError::Damaged { what: "a job", reason }.into())
}

/// Bytes of a job's body or of an outcome: marks, the first bytes of a SHA-256 of the rest, the rest. What was cut off or
/// changed in keeping is told from what is whole.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let start = [&MAGIC[..], &[0; CHECK]].concat();
    let mut bytes = postcard::to_extend(value, start).expect("every job can be written to memory");
    let check = Digest::of(&bytes[MAGIC.len() + CHECK..]);
    bytes[MAGIC.len()..][..CHECK].copy_from_slice(&check.0[..CHECK]);
    bytes
}

/// Reads them back; `what` names them in the refusal.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(PipelineError::Foreign { what })?;
    let damaged = |reason: &str| PipelineError::Damaged { what, reason: reason.to_owned() };
    let (check, body) = rest.split_at_checked(CHECK).ok_or_else(|| damaged("it breaks off after the first bytes"))?;
    if Digest::of(body).0[..CHECK] != *check {
        return Err(damaged("its bytes do not have the digest it names; it was cut short or changed").into());
    }
    Ok(postcard::from_bytes(body).map_err(|error| damaged(&error.to_string()))?)
}
