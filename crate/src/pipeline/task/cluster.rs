//! The partition, iteration by iteration.

use crate::embedding::Plane;
use crate::error::Result;
use crate::numerics::matrix::{Matrix, f32s_to_bytes};
use crate::partition::transport::plan_row;
use crate::partition::{Clustering, Division, Method, Partition, PartitionConfig, clustering, measures};
use crate::pipeline::job::{ClusterJob, Outcome, encode};
use crate::pipeline::{Event, PipelineError};

use super::{Step, Task};

/// Users whose silhouette is taken: enough for two digits, and no time.
const SAMPLE: usize = 256;
/// Pairs of user and shard up to which the plan is shown: 5 MB.
const MOST_PAIRS: usize = 1_000_000;

pub(super) struct Cluster {
    /// Gone once it has ended and left its partition.
    clustering: Option<Box<dyn Clustering>>,
    partition: Option<Partition>,
    /// The entropic solver's last epsilon.
    epsilon: Option<f64>,
    /// The vectors, for the silhouette and the plan.
    users: Matrix,
    config: PartitionConfig,
    seed: u64,
    view: Option<Plane>,
    steps: u32,
}

impl Cluster {
    pub(super) fn new(job: ClusterJob) -> Result<Self> {
        let (users, seed) = (job.input.users.clone(), job.input.seed);
        let clustering = Some(clustering(job.input, &job.config)?);
        let (partition, epsilon) = (None, None);
        Ok(Cluster { clustering, partition, epsilon, users, config: job.config, seed, view: job.view, steps: 0 })
    }

    /// The plan of the finished partition, for whoever looks at a map.
    fn plan(&self, partition: &Partition) -> Option<Event> {
        let centred = matches!(partition.method, Method::Obc | Method::Kmeans | Method::Anchored | Method::Ubp);
        let pairs = self.users.rows().saturating_mul(partition.shards as usize);
        if self.view.is_none() || !centred || pairs > MOST_PAIRS {
            return None;
        }
        let prices: Vec<f64> = partition.potentials.iter().map(|&price| f64::from(price)).collect();
        let (mut distances, mut plan) = (Vec::with_capacity(pairs), Vec::new());
        for user in 0..self.users.rows() {
            let squares = partition.distances_of_vector(self.users.row(user))?;
            if let Some(epsilon) = self.epsilon.filter(|_| prices.len() == squares.len()) {
                plan.extend(plan_row(&squares, &prices, epsilon).iter().map(|share| (share * 255.0).round() as u8));
            }
            distances.extend(squares.iter().map(|square| square.sqrt() as f32));
        }
        Some(Event::Transport { shards: partition.shards, distances: f32s_to_bytes(&distances), plan })
    }
}

impl Task for Cluster {
    fn step(&mut self) -> Result<Step> {
        let event = match &mut self.clustering {
            Some(clustering) => clustering.step()?,
            None => None,
        };
        let Some(event) = event else {
            self.partition = self.clustering.take().map(Clustering::finish).or(self.partition.take());
            let events = self.partition.as_ref().and_then(|partition| self.plan(partition)).into_iter().collect();
            return Ok(Step { done: true, progress: 1.0, events });
        };
        self.steps += 1;
        self.epsilon = event.epsilon;
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

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>> {
        let partition = match (self.partition.take(), self.clustering.take()) {
            (Some(partition), _) => partition,
            (None, Some(clustering)) => clustering.finish(),
            // One of the two is always there: the clustering goes where the partition comes.
            (None, None) => {
                let reason = "neither the work nor its result is there".to_owned();
                return Err(PipelineError::Damaged { what: "a clustering", reason }.into());
            }
        };
        let silhouette = match &partition.assignment {
            Division::ByUser(of) if self.users.rows() == of.len() => {
                let (unit, shards) = (self.config.normalise, partition.shards);
                Some(measures::silhouette(&self.users, unit, of, shards, SAMPLE, self.seed))
            }
            _ => None,
        };
        Ok(encode(&Outcome::Cluster { partition, silhouette }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::{PartitionInput, Solver};

    /// Nine users on a line, seven of them left; three per shard.
    fn job(config: PartitionConfig, shown: bool) -> ClusterJob {
        let at = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 5.0, 5.1];
        let users = Matrix::from_vec(9, 2, at.iter().flat_map(|&x| [x, 0.0]).collect()).unwrap();
        let view = shown.then(|| Plane::of(&users));
        let input = PartitionInput {
            users,
            user_keys: (1..10).collect(),
            starts: (0..10).collect(),
            ..PartitionInput::default()
        };
        let config = PartitionConfig { shards: 3, normalise: false, ..config }.own_knobs();
        ClusterJob { input, config, view }
    }

    fn shown(job: ClusterJob) -> (Vec<Event>, Vec<u8>) {
        let mut task = Box::new(Cluster::new(job).unwrap());
        let mut events = Vec::new();
        loop {
            let step = task.step().unwrap();
            events.extend(step.events);
            if step.done {
                break;
            }
        }
        events.retain(|event| matches!(event, Event::Transport { .. }));
        (events, task.finish().unwrap())
    }

    #[test]
    fn the_plan_is_shown_once_and_changes_nothing() {
        for method in [Method::Obc, Method::Kmeans, Method::Ubp] {
            let config = PartitionConfig { method, ..PartitionConfig::default() };
            let (events, outcome) = shown(job(config.clone(), true));
            let [Event::Transport { shards: 3, distances, plan }] = &events[..] else {
                panic!("{method:?} {events:?}")
            };
            assert_eq!((distances.len(), plan.len()), (9 * 3 * 4, 0));
            let (none, unseen) = shown(job(config.clone(), false));
            assert!(none.is_empty());
            assert_eq!(outcome, unseen);
            // Finishing without a step leads to the same.
            assert_eq!(outcome, Box::new(Cluster::new(job(config, true)).unwrap()).finish().unwrap());
        }
        let config = PartitionConfig { method: Method::Random, ..PartitionConfig::default() };
        assert!(shown(job(config, true)).0.is_empty());
    }

    #[test]
    fn a_smoothed_plan_carries_all_of_a_user_and_most_to_the_shard() {
        let config = PartitionConfig { solver: Solver::Entropic, ..PartitionConfig::default() };
        let (events, outcome) = shown(job(config, true));
        let [Event::Transport { plan, .. }] = &events[..] else { panic!("{events:?}") };
        let Ok(Outcome::Cluster { partition, .. }) = crate::pipeline::job::decode(&outcome, "a result") else {
            panic!("not an outcome")
        };
        let Division::ByUser(shard_of) = partition.assignment else { panic!("rows") };
        for (row, shard) in plan.chunks_exact(3).zip(shard_of) {
            let sum: u32 = row.iter().map(|&share| u32::from(share)).sum();
            assert!((253..=257).contains(&sum), "{row:?}");
            assert_eq!(row.iter().max(), Some(&row[usize::from(shard)]));
        }
    }
}
