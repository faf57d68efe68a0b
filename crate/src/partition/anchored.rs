//! `anchored`: fit on some users, let the others follow.

use super::lloyd::Lloyd;
use super::measures::{user_bytes, user_sizes};
use super::vectors::{Points, nearest};
use super::{ClusterEvent, Clustering, Division, Partition, PartitionConfig, PartitionError, PartitionInput};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, keyed_fraction};

/// Is a user an anchor? A keyed hash of the user's own key decides, so nobody else's presence matters.
pub fn is_anchor(seed: u64, user_key: u64, share: f32) -> bool {
    keyed_fraction(seed, Purpose::Anchor, &[&user_key.to_le_bytes()]) < f64::from(share)
}

/// Balanced clustering of the anchors; every other user goes to argmin |x - c|^2 - g, which depends on the anchors and
/// the user's own vector only. Balance is exact among the anchors and approximate among all.
pub(super) struct Anchored {
    lloyd: Lloyd,
    points: Points,
    starts: Vec<u32>,
    anchors: Vec<bool>,
    previous: Vec<u16>,
    config: PartitionConfig,
}

impl Anchored {
    pub(super) fn new(input: PartitionInput, config: &PartitionConfig) -> Result<Self, PartitionError> {
        let anchors = if input.anchors.is_empty() {
            input.user_keys.iter().map(|&key| is_anchor(input.seed, key, config.anchors)).collect()
        } else {
            input.anchors.clone()
        };
        let chosen: Vec<usize> = (0..anchors.len()).filter(|&user| anchors[user]).collect();
        if chosen.is_empty() {
            let advice = if config.consent {
                "nobody with a training row consents to it; let a keyed hash choose a share of the users instead"
            } else {
                "raise the share of anchors"
            };
            return Err(PartitionError::NoAnchor { advice });
        }
        if (chosen.len() as u64) < u64::from(config.shards) {
            let units = chosen.len() as u32;
            return Err(PartitionError::TooManyShards { shards: config.shards, units, what: "anchors" });
        }
        let sub = subset(&input, &chosen);
        Ok(Anchored {
            lloyd: Lloyd::new(sub, config)?,
            points: Points::new(&input.users, config.normalise),
            starts: input.starts,
            anchors,
            previous: Vec::new(),
            config: config.clone(),
        })
    }
}

/// The anchors' shards as fitted, the others' by price.
fn extend(
    points: &Points,
    anchors: &[bool],
    mut fitted: impl Iterator<Item = u16>,
    centroids: &Matrix,
    potentials: &[f32],
) -> Vec<u16> {
    let shard = |(user, &anchor): (usize, &bool)| {
        let own = if anchor { fitted.next() } else { None };
        own.unwrap_or_else(|| nearest(points.row(user), centroids, potentials))
    };
    anchors.iter().enumerate().map(shard).collect()
}

/// The input of some users only.
fn subset(input: &PartitionInput, chosen: &[usize]) -> PartitionInput {
    let mut users = Matrix::zeros(chosen.len(), input.users.cols());
    let mut starts = vec![0];
    let mut rows = 0;
    for (place, &user) in chosen.iter().enumerate() {
        users.row_mut(place).copy_from_slice(input.users.row(user));
        rows += input.starts[user + 1] - input.starts[user];
        starts.push(rows);
    }
    let user_keys = chosen.iter().map(|&user| input.user_keys[user]).collect();
    PartitionInput { users, starts, user_keys, seed: input.seed, ..PartitionInput::default() }
}

impl Clustering for Anchored {
    fn step(&mut self) -> Result<Option<ClusterEvent>, PartitionError> {
        let Some(event) = self.lloyd.step()? else { return Ok(None) };
        let k = self.config.shards as usize;
        let centroids = Matrix::from_vec(k, self.points.dimension(), event.centroids.clone());
        let centroids = centroids.expect("an event holds a centre for each shard");
        let fitted = event.shard_of.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let shard_of = extend(&self.points, &self.anchors, fitted, &centroids, &event.potentials);
        let moves = if self.previous.is_empty() || event.moves as usize == event.shard_of.len() / 2 {
            shard_of.len()
        } else {
            self.previous.iter().zip(&shard_of).filter(|(a, b)| a != b).count()
        };
        let (users_per_shard, rows_per_shard) = user_sizes(&shard_of, &self.starts, self.config.shards);
        let bytes = user_bytes(&shard_of);
        self.previous = shard_of;
        Ok(Some(ClusterEvent { moves: moves as u32, users_per_shard, rows_per_shard, shard_of: bytes, ..event }))
    }

    fn finish(mut self: Box<Self>) -> Partition {
        while self.lloyd.step().expect("checked input makes an inner problem that has an answer").is_some() {}
        let Anchored { lloyd, points, starts, anchors, config, .. } = *self;
        let fitted = Box::new(lloyd).finish();
        let Division::ByUser(own) = &fitted.assignment else { return fitted };
        let shard_of = extend(&points, &anchors, own.iter().copied(), &fitted.centroids, &fitted.potentials);
        let (users_per_shard, rows_per_shard) = user_sizes(&shard_of, &starts, config.shards);
        Partition {
            within_ss: points.within_ss(&shard_of, config.shards as usize),
            assignment: Division::ByUser(shard_of),
            users_per_shard,
            rows_per_shard,
            anchors,
            ..fitted
        }
    }
}
