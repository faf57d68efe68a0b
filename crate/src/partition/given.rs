//! Partitions that need no clustering: `random`, `hash`, `file`.

use super::measures::{user_bytes, user_sizes};
use super::seeding::keyed_order;
use super::vectors::Points;
use super::{ClusterEvent, Clustering, Division, Method, Partition, PartitionConfig, PartitionError, PartitionInput};
use crate::numerics::matrix::Matrix;

/// An assignment known from the start; one event, then finished.
pub(super) struct Given {
    partition: Partition,
    told: bool,
}

impl Given {
    pub(super) fn new(input: &PartitionInput, config: &PartitionConfig) -> Self {
        let n = input.n_users();
        let shards = config.shards;
        let shard_of: Vec<u16> = match config.method {
            Method::Random => {
                let mut shard_of = vec![0; n];
                for (position, user) in keyed_order(&input.user_keys).into_iter().enumerate() {
                    shard_of[user as usize] = (position as u64 * u64::from(shards) / n as u64) as u16;
                }
                shard_of
            }
            Method::Hash => input.user_keys.iter().map(|key| (key % u64::from(shards)) as u16).collect(),
            _ => input.given.clone(),
        };
        let (users_per_shard, rows_per_shard) = user_sizes(&shard_of, &input.starts, shards);
        let (mut within_ss, mut objective, mut centroids) = (0.0, 0.0, Matrix::default());
        if input.has_users() {
            let points = Points::new(&input.users, config.normalise);
            within_ss = points.within_ss(&shard_of, shards as usize);
            objective = within_ss / n as f64;
            let none = Matrix::zeros(shards as usize, points.dimension());
            centroids = points.means(&shard_of, shards as usize, &vec![1; n], &none);
        }
        let partition = Partition {
            method: config.method,
            shards,
            assignment: Division::ByUser(shard_of),
            starts: Vec::new(),
            users_per_shard,
            rows_per_shard,
            within_ss,
            objective,
            iterations: 0,
            restarts: 1,
            centroids,
            potentials: Vec::new(),
            rounding_cost: 0.0,
            rounding_excess: 0,
            normalised: config.normalise,
            anchors: Vec::new(),
        };
        Given { partition, told: false }
    }
}

impl Clustering for Given {
    fn step(&mut self) -> Result<Option<ClusterEvent>, PartitionError> {
        if std::mem::replace(&mut self.told, true) {
            return Ok(None);
        }
        let Division::ByUser(shard_of) = &self.partition.assignment else { return Ok(None) };
        Ok(Some(ClusterEvent {
            objective: self.partition.objective,
            moves: shard_of.len() as u32,
            users_per_shard: self.partition.users_per_shard.clone(),
            rows_per_shard: self.partition.rows_per_shard.clone(),
            shard_of: user_bytes(shard_of),
            centroids: self.partition.centroids.data().to_vec(),
            ..ClusterEvent::default()
        }))
    }

    fn finish(self: Box<Self>) -> Partition {
        self.partition
    }
}
