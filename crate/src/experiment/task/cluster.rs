//! The partition, iteration by iteration.

use crate::embedding::Plane;
use crate::error::Result;
use crate::experiment::Event;
use crate::experiment::job::{ClusterJob, Outcome, encode};
use crate::matrix::Matrix;
use crate::partition::{Assignment, Clustering, PartitionConfig, clustering, measures};

use super::{Step, Task};

/// Users whose silhouette is taken: enough for two digits, and no time.
const SAMPLE: usize = 256;

pub(super) struct Cluster {
    clustering: Box<dyn Clustering>,
    /// The vectors, for the silhouette.
    users: Matrix,
    config: PartitionConfig,
    seed: u64,
    view: Option<Plane>,
    steps: u32,
}

impl Cluster {
    pub(super) fn new(job: ClusterJob) -> Result<Self> {
        let (users, seed) = (job.input.users.clone(), job.input.seed);
        let clustering = clustering(job.input, &job.config)?;
        Ok(Cluster { clustering, users, config: job.config, seed, view: job.view, steps: 0 })
    }
}

impl Task for Cluster {
    fn step(&mut self) -> Result<Step> {
        let Some(event) = self.clustering.step()? else {
            return Ok(Step { done: true, progress: 1.0, events: Vec::new() });
        };
        self.steps += 1;
        let centroids_xy = self.view.as_ref().map_or_else(Vec::new, |plane| plane.project(&event.centroids));
        // How many iterations it will take is not known; the bar creeps towards the end.
        let progress = self.steps as f32 / (self.steps as f32 + 10.0);
        let event = Event::Cluster {
            restart: event.restart,
            iteration: event.iteration,
            objective: event.objective,
            moves: event.moves,
            users_per_shard: event.users_per_shard,
            rows_per_shard: event.rows_per_shard,
            shard_of: event.shard_of,
            centroids_xy,
            epsilon: event.epsilon,
            residual: event.residual,
        };
        Ok(Step { done: false, progress, events: vec![event] })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let partition = self.clustering.finish();
        let silhouette = match &partition.assignment {
            Assignment::ByUser(of) if self.users.rows() == of.len() => {
                let (unit, shards) = (self.config.normalise, partition.shards);
                Some(measures::silhouette(&self.users, unit, of, shards, SAMPLE, self.seed))
            }
            _ => None,
        };
        Ok(encode(&Outcome::Cluster { partition, silhouette }))
    }
}
