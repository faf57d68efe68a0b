//! What happens while work is done, for whoever watches.

use serde::{Deserialize, Serialize};

use crate::model::UpdateTrace;

/// The stages of the pipeline, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Bytes become rows.
    Read,
    /// Rows become train, validation and test.
    Split,
    /// Users become vectors.
    Embed,
    /// Users become shards.
    Partition,
    /// Shards become sub-models.
    Train,
    /// Sub-models become one recommender.
    Combine,
    /// The recommender is measured.
    Evaluate,
    /// Its errors are taken apart. No part of a build.
    Decompose,
}

/// One thing that happened in a pipeline. Not saved and not part of any digest; bulk values are bytes so that they cross to JavaScript
/// in one piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// One sweep of the embedding's ALS.
    Embedding {
        /// From 1.
        sweep: u32,
        /// The objective per row.
        loss: f32,
    },
    /// Where each user stands on the map: two principal components of the embedding, -1 to 1.
    Positions {
        /// Index at load of each placed user: u32, little-endian.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
        handles: Vec<u8>,
        /// x and y per placed user: f32, little-endian.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
        xy: Vec<u8>,
    },
    /// One iteration of the clustering.
    Cluster {
        /// Which restart, from 0.
        restart: u32,
        /// Which iteration of it, from 0.
        iteration: u32,
        /// Sum of squared distances to the assigned centroid.
        objective: f64,
        /// Users (or rows) that changed shard.
        moves: u32,
        /// Per shard.
        users_per_shard: Vec<u32>,
        /// Per shard.
        rows_per_shard: Vec<u32>,
        /// Shard per placed user (the order of `positions`): u16, little-endian. Empty where rows, not users, are divided.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
        shard_of: Vec<u8>,
        /// x and y of each centroid on the map.
        centroids_xy: Vec<f32>,
        /// The entropic solver's epsilon, where it is used.
        epsilon: Option<f64>,
        /// How far the marginals are from exact, where that is approximate.
        residual: Option<f64>,
    },
    /// How each placed user is carried to the shards' centres: what the partition's last iteration decided by. For
    /// display only, and only for methods with centres of users, on a map, up to a million pairs of user and shard.
    Transport {
        /// Number of shards, the length of a user's row in what follows.
        shards: u32,
        /// Distance of each placed user (the order of `positions`) to each centre: f32, little-endian.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
        distances: Vec<u8>,
        /// Share of each placed user that the smoothed plan carries to each shard, 0 to 255. Empty where every user goes
        /// to one shard as a whole.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
        plan: Vec<u8>,
    },
    /// One epoch of one sub-model.
    Epoch {
        /// `original`, `unlearned`, `retrained` or another pipeline's name.
        pipeline: String,
        /// Which shard.
        shard: u32,
        /// From 1.
        epoch: u32,
        /// The objective per training row.
        loss: f32,
        /// The shard's own validation metric, if it was measured.
        metric: Option<f32>,
        /// Second fit, on train plus validation rows?
        refit: bool,
        /// Updates or solved rows in the epoch.
        updates: u64,
        /// One of them with the numbers of its formula, where the users' places are shown as well.
        trace: Option<UpdateTrace>,
    },
    /// How far the activity is.
    Stage {
        /// Which pipeline.
        pipeline: String,
        /// Which stage.
        stage: Stage,
        /// Jobs done in this stage; 0 as it begins.
        done: u32,
        /// Jobs in this stage.
        total: u32,
    },
    /// Something the person should know, such as a combiner that fell back.
    Note {
        /// Which pipeline.
        pipeline: String,
        /// A sentence.
        message: String,
    },
}
