//! Outcomes by key. What is in it is a cache of pure functions: leaving something out costs time and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::Digest;
use crate::Matrix;
use crate::embedding::Plane;
use crate::evaluate::{Decomposition, UserMetrics, Verdicts};
use crate::model::{Best, SliceCheckpoint, StopReason, WorkDone};
use crate::partition::{Division, Method};

/// Large bytes, with the digest by which jobs name them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blob {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Arc<ByteBuf>,
}

impl Blob {
    /// Hashes them.
    pub fn new(bytes: Vec<u8>) -> Self {
        Blob { digest: Digest::of(&bytes), bytes: Arc::new(ByteBuf::from(bytes)) }
    }
}

/// What a stage came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Kept {
    /// Who is in which shard, as the partition left it.
    Partition(Arc<Partitioned>),
    /// A sub-model.
    SubModel(Arc<Trained>),
    /// A combiner.
    Combiner(Arc<Combined>),
    /// The figures of some users.
    Metrics(Arc<Vec<UserMetrics>>),
    /// What sub-models say about some users' held-out pairs.
    Verdicts(Arc<Verdicts>),
    /// The errors taken apart.
    Decomposition(Arc<Decomposition>),
    /// Vectors to divide by. Never saved: they saw every row, and end when the partition is made. The
    /// last, since what is skipped must not move the others' numbers.
    #[serde(skip)]
    Embedding(Arc<Embedded>),
}

/// The vectors of all users with training rows.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    /// One row per active user.
    pub users: Matrix,
    /// One row per item with training rows; empty where none is needed.
    pub items: Matrix,
    /// The two directions of the map.
    pub plane: Plane,
}

/// A finished partition in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partitioned {
    /// How it was made.
    pub method: Method,
    /// Number of shards.
    pub shards: u32,
    /// Shard of each user or row.
    pub division: Division,
    /// What can be said of it.
    pub facts: PartitionFacts,
}

/// Figures of a partition when it was made: sums over users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartitionFacts {
    /// Within-cluster sum of squares; 0 without vectors.
    pub within_ss: f64,
    /// Iterations of the start that was kept.
    pub iterations: u32,
    /// Mean silhouette of a sample of users; none without vectors.
    pub silhouette: Option<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// A trained sub-model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Its weights.
    pub weights: Blob,
    /// Digest of its shard's number, its ids and its weights.
    pub digest: Digest,
    /// Epochs trained, those of the second fit included.
    pub epochs: u32,
    /// Why it stopped.
    pub stop: StopReason,
    /// The best look at validation rows.
    pub best: Option<Best>,
    /// What was chosen from the shard's rows where a knob was left out, and why, in words.
    pub chosen: Option<String>,
    /// Computing seconds.
    pub seconds: f64,
    /// How much of the training was done; none where nothing could be saved.
    pub work: Option<WorkDone>,
    /// Where a later training may begin: hints, by what they depend on.
    pub checkpoints: Vec<StoredCheckpoint>,
}

/// A checkpoint by what it depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredCheckpoint {
    /// Slices that it saw.
    pub slices: u32,
    /// Digest of the shard's number and of all rows of these slices.
    pub rows: Digest,
    /// Weights and optimiser state.
    pub state: Arc<ByteBuf>,
}

impl StoredCheckpoint {
    /// As a training takes it.
    pub fn resume(&self) -> SliceCheckpoint {
        SliceCheckpoint { rounds: self.slices, state: self.state.to_vec() }
    }
}

/// A prepared combiner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combined {
    /// Its bytes; their digest is the combiner's.
    pub prepared: Blob,
    /// What a person should know of it, such as that another method serves.
    pub note: Option<String>,
    /// Computing seconds.
    pub seconds: f64,
}

/// Outcomes by key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Store {
    kept: BTreeMap<Digest, Kept>,
    /// Outcomes as bytes that somebody kept elsewhere: believed only when a job asks for them and they fit.
    #[serde(skip)]
    recalled: BTreeMap<Digest, Vec<u8>>,
}

impl Store {
    /// An outcome, if it is there.
    pub fn get(&self, key: &Digest) -> Option<&Kept> {
        self.kept.get(key)
    }

    /// Is the outcome there?
    pub fn has(&self, key: &Digest) -> bool {
        self.kept.contains_key(key)
    }

    /// Keeps an outcome.
    pub fn put(&mut self, key: Digest, outcome: Kept) {
        self.kept.insert(key, outcome);
    }

    /// Drops an outcome.
    pub fn drop(&mut self, key: &Digest) {
        self.kept.remove(key);
    }

    /// Drops everything but what is reachable: law 3.
    pub fn retain(&mut self, reachable: &BTreeSet<Digest>) {
        self.kept.retain(|key, _| reachable.contains(key));
        self.recalled.clear();
    }

    /// Number of outcomes.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &Digest> {
        self.kept.keys()
    }

    /// Remembers the bytes of an outcome that was kept elsewhere, such as in a browser's storage before a reload.
    pub fn recall(&mut self, key: Digest, outcome: Vec<u8>) {
        self.recalled.insert(key, outcome);
    }

    /// Takes remembered bytes out.
    pub(crate) fn take_recalled(&mut self, key: &Digest) -> Option<Vec<u8>> {
        self.recalled.remove(key)
    }

    /// The bytes that a job names by their digest.
    pub fn blob(&self, digest: &Digest) -> Option<Arc<ByteBuf>> {
        self.kept.values().find_map(|kept| {
            let blob = match kept {
                Kept::SubModel(trained) => &trained.weights,
                Kept::Combiner(combined) => &combined.prepared,
                _ => return None,
            };
            (blob.digest == *digest).then(|| blob.bytes.clone())
        })
    }

    /// All sub-models, for hints.
    pub(super) fn sub_models(&self) -> impl Iterator<Item = &Trained> {
        self.kept.values().filter_map(|kept| match kept {
            Kept::SubModel(trained) => Some(trained.as_ref()),
            _ => None,
        })
    }

    pub(super) fn embedding(&self, key: &Digest) -> Option<&Arc<Embedded>> {
        match self.kept.get(key)? {
            Kept::Embedding(embedded) => Some(embedded),
            _ => None,
        }
    }

    pub(super) fn partition(&self, key: &Digest) -> Option<&Arc<Partitioned>> {
        match self.kept.get(key)? {
            Kept::Partition(partitioned) => Some(partitioned),
            _ => None,
        }
    }

    pub(super) fn sub_model(&self, key: &Digest) -> Option<&Arc<Trained>> {
        match self.kept.get(key)? {
            Kept::SubModel(trained) => Some(trained),
            _ => None,
        }
    }

    pub(super) fn combiner(&self, key: &Digest) -> Option<&Arc<Combined>> {
        match self.kept.get(key)? {
            Kept::Combiner(combined) => Some(combined),
            _ => None,
        }
    }

    pub(super) fn metrics(&self, key: &Digest) -> Option<&Arc<Vec<UserMetrics>>> {
        match self.kept.get(key)? {
            Kept::Metrics(metrics) => Some(metrics),
            _ => None,
        }
    }

    pub(super) fn verdicts(&self, key: &Digest) -> Option<&Arc<Verdicts>> {
        match self.kept.get(key)? {
            Kept::Verdicts(verdicts) => Some(verdicts),
            _ => None,
        }
    }

    pub(super) fn decomposition(&self, key: &Digest) -> Option<&Arc<Decomposition>> {
        match self.kept.get(key)? {
            Kept::Decomposition(found) => Some(found),
            _ => None,
        }
    }
}
