//! `obc` and `kmeans`: assign, move the centres, until the assignment repeats.

use super::inner::{Assigned, Inner};
use super::measures::{user_bytes, user_sizes};
use super::seeding::{keyed_order, plus_plus};
use super::vectors::Points;
use super::{
    Balance, ClusterEvent, Clustering, Division, Method, Partition, PartitionConfig, PartitionError, PartitionInput,
};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, keyed_hash};

/// Optimal balanced clustering (Li et al. 2023), and k-means as the case without balance.
///
/// Each iteration solves T = argmin sum_ij T_ij |x_i - c_j|^2 with row sums a (equal for all users, or their training
/// rows) and column sums free, priced or equal; every user goes to the shard with most of its mass, and the centres
/// become the a-weighted means. With the exact solver both halves lower the same objective, so it ends; rounding
/// divided users, or a smoothed plan, may raise it a little, therefore the best iteration of all starts is kept and an
/// assignment that was seen before ends a start.
pub(super) struct Lloyd {
    points: Points,
    inner: Inner,
    starts: Vec<u32>,
    order: Vec<u32>,
    seed: u64,
    config: PartitionConfig,
    restart: u32,
    iteration: u32,
    /// Which epsilon comes next in this iteration; 0 where there is only one.
    stage: usize,
    centroids: Matrix,
    potentials: Option<Vec<f64>>,
    shard_of: Vec<u16>,
    /// Hashes of this start's assignments.
    seen: Vec<u64>,
    costs: Vec<f64>,
    best: Option<BestStart>,
}

struct BestStart {
    assigned: Assigned,
    iterations: u32,
    centroids: Matrix,
}

impl Lloyd {
    pub(super) fn new(input: PartitionInput, config: &PartitionConfig) -> Result<Self, PartitionError> {
        let points = Points::new(&input.users, config.normalise);
        let weights = match config.balance {
            Balance::Interactions if config.method != Method::Kmeans => input.rows_of_users(),
            _ => vec![1; input.n_users()],
        };
        let variance = points.variance(&weights);
        Ok(Lloyd {
            inner: Inner::new(weights, variance, config)?,
            order: keyed_order(&input.user_keys),
            seed: input.seed,
            config: config.clone(),
            restart: 0,
            iteration: 0,
            stage: 0,
            centroids: Matrix::default(),
            potentials: None,
            shard_of: Vec::new(),
            seen: Vec::new(),
            costs: Vec::new(),
            best: None,
            starts: input.starts,
            points,
        })
    }

    /// New centres: drawn at the beginning of a start, else the means of the last assignment.
    fn place_centres(&mut self) {
        let k = self.config.shards as usize;
        if self.iteration == 0 {
            let (seed, restart) = (self.seed, self.restart);
            self.centroids = plus_plus(&self.points, &self.inner.weights, &self.order, k, seed, restart);
            self.potentials = None;
            self.shard_of.clear();
            self.seen.clear();
            self.stage = 0;
        } else {
            self.centroids = self.points.means(&self.shard_of, k, &self.inner.weights, &self.centroids);
        }
        self.points.costs(&self.centroids, &mut self.costs);
        self.iteration += 1;
    }
}

impl Clustering for Lloyd {
    fn step(&mut self) -> Result<Option<ClusterEvent>, PartitionError> {
        if self.restart >= self.config.restarts {
            return Ok(None);
        }
        let last = self.inner.stages() - 1;
        if self.iteration == 0 || self.stage == last + 1 {
            // Annealing has sharpened the plan once; later iterations start from its prices and stay at the last epsilon.
            self.stage = last;
            self.place_centres();
        }
        let assigned = self.inner.assign(&self.costs, self.stage, self.potentials.as_deref())?;
        let moves = if self.shard_of.is_empty() {
            self.points.len()
        } else {
            self.shard_of.iter().zip(&assigned.shard_of).filter(|(a, b)| a != b).count()
        };
        self.shard_of.clone_from(&assigned.shard_of);
        self.potentials = (!assigned.potentials.is_empty()).then(|| assigned.potentials.clone());
        let (users_per_shard, rows_per_shard) = user_sizes(&self.shard_of, &self.starts, self.config.shards);
        let event = ClusterEvent {
            restart: self.restart,
            iteration: self.iteration,
            objective: assigned.objective,
            moves: moves as u32,
            users_per_shard,
            rows_per_shard,
            shard_of: user_bytes(&self.shard_of),
            centroids: self.centroids.data().to_vec(),
            potentials: assigned.potentials.iter().map(|&g| g as f32).collect(),
            epsilon: assigned.smoothing.map(|smoothing| smoothing.0),
            residual: assigned.smoothing.map(|smoothing| smoothing.1),
            spread: assigned.smoothing.map(|smoothing| smoothing.2),
        };
        self.stage += 1;
        if self.stage == last + 1 {
            let hash = keyed_hash(self.seed, Purpose::Centroids, &[&event.shard_of]);
            let repeats = self.seen.contains(&hash);
            self.seen.push(hash);
            if self.best.as_ref().is_none_or(|best| assigned.objective < best.assigned.objective) {
                self.best = Some(BestStart { assigned, iterations: self.iteration, centroids: self.centroids.clone() });
            }
            if repeats || self.iteration >= self.config.max_iterations {
                self.restart += 1;
                self.iteration = 0;
            }
        }
        Ok(Some(event))
    }

    fn finish(mut self: Box<Self>) -> Partition {
        while self.step().expect("checked input makes an inner problem that has an answer").is_some() {}
        let shards = self.config.shards;
        let best = self.best.take().expect("every start makes at least one iteration");
        let assigned = best.assigned;
        let (users_per_shard, rows_per_shard) = user_sizes(&assigned.shard_of, &self.starts, shards);
        Partition {
            method: self.config.method,
            shards,
            within_ss: self.points.within_ss(&assigned.shard_of, shards as usize),
            assignment: Division::ByUser(assigned.shard_of),
            starts: Vec::new(),
            users_per_shard,
            rows_per_shard,
            objective: assigned.objective,
            iterations: best.iterations,
            restarts: self.config.restarts,
            centroids: best.centroids,
            potentials: assigned.potentials.iter().map(|&g| g as f32).collect(),
            rounding_cost: assigned.rounding_cost,
            rounding_excess: assigned.rounding_excess,
            normalised: self.config.normalise,
            anchors: Vec::new(),
        }
    }
}
