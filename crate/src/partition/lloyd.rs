//! `obc` and `kmeans`: assign, move the centres, until the assignment repeats.

use super::measures::{user_bytes, user_sizes};
use super::seeding::{keyed_order, plus_plus};
use super::transport::{Column, capacities, exact, kl_columns, tau_of_strength};
use super::vectors::Points;
use super::{
    Assignment, Balance, ClusterEvent, Clustering, Method, Partition, PartitionConfig, PartitionError, PartitionInput,
};
use crate::matrix::Matrix;
use crate::random::{Purpose, keyed_hash};

/// Optimal balanced clustering (Li et al. 2023), and k-means as the case without balance.
///
/// Each iteration solves T = argmin sum_ij T_ij |x_i - c_j|^2 with row sums a (equal for all users, or their training
/// rows) and column sums free, priced or equal; every user goes to the shard with most of its mass, and the centres
/// become the a-weighted means. Both halves lower the same objective, so it ends; rounding divided users may raise it
/// a little, therefore the best iteration of all starts is kept.
pub(super) struct Lloyd {
    points: Points,
    weights: Vec<u32>,
    starts: Vec<u32>,
    order: Vec<u32>,
    seed: u64,
    config: PartitionConfig,
    columns: Option<Vec<Column>>,
    restart: u32,
    iteration: u32,
    centroids: Matrix,
    potentials: Option<Vec<f64>>,
    shard_of: Vec<u16>,
    /// Hashes of this start's assignments, to notice one that comes back.
    seen: Vec<u64>,
    costs: Vec<f64>,
    best: Option<Solution>,
}

/// One iteration's outcome.
#[derive(Clone)]
struct Solution {
    objective: f64,
    iterations: u32,
    shard_of: Vec<u16>,
    centroids: Matrix,
    potentials: Vec<f64>,
    rounding_cost: f64,
    rounding_excess: u64,
}

impl Lloyd {
    pub(super) fn new(input: PartitionInput, config: &PartitionConfig) -> Result<Self, PartitionError> {
        let points = Points::new(&input.users, config.normalise);
        let weights = match config.balance {
            Balance::Interactions if config.method != Method::Kmeans => input.rows_of_users(),
            _ => vec![1; input.n_users()],
        };
        let strength = if config.method == Method::Kmeans { 0.0 } else { f64::from(config.strength) };
        let units = weights.iter().map(|&w| u64::from(w)).sum();
        let tau = tau_of_strength(strength, points.variance(&weights));
        let shards = config.shards as usize;
        let columns = if tau == f64::INFINITY {
            Some(capacities(units, shards))
        } else if tau > 0.0 {
            Some(kl_columns(units, shards, tau)?)
        } else {
            None
        };
        Ok(Lloyd {
            order: keyed_order(&input.user_keys),
            seed: input.seed,
            config: config.clone(),
            columns,
            restart: 0,
            iteration: 0,
            centroids: Matrix::default(),
            potentials: None,
            shard_of: vec![0; points.len()],
            seen: Vec::new(),
            costs: Vec::new(),
            best: None,
            starts: input.starts,
            weights,
            points,
        })
    }

    fn shards(&self) -> usize {
        self.config.shards as usize
    }

    /// The best assignment to the present centres.
    fn assign(&mut self) -> Result<Solution, PartitionError> {
        let k = self.shards();
        self.points.costs(&self.centroids, &mut self.costs);
        let mut solution = Solution {
            objective: 0.0,
            iterations: self.iteration,
            shard_of: Vec::new(),
            centroids: self.centroids.clone(),
            potentials: Vec::new(),
            rounding_cost: 0.0,
            rounding_excess: 0,
        };
        match &self.columns {
            None => {
                let nearest = |costs: &[f64]| {
                    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
                    costs.iter().position(|&cost| cost == least).unwrap_or(0) as u16
                };
                solution.shard_of = self.costs.chunks_exact(k).map(nearest).collect();
                let cost = |(i, &s): (usize, &u16)| f64::from(self.weights[i]) * self.costs[i * k + usize::from(s)];
                solution.objective = solution.shard_of.iter().enumerate().map(cost).sum();
            }
            Some(columns) => {
                let supplies = (self.config.balance == Balance::Interactions).then_some(&self.weights[..]);
                let plan = exact(&self.costs, columns, supplies, self.potentials.as_deref())?;
                solution.objective = plan.cost + plan.rounding_cost;
                solution.shard_of = plan.assignment;
                solution.rounding_cost = plan.rounding_cost;
                solution.rounding_excess = plan.rounding_excess;
                solution.potentials.clone_from(&plan.potentials);
                self.potentials = Some(plan.potentials);
            }
        }
        let units: f64 = self.weights.iter().map(|&w| f64::from(w)).sum();
        solution.objective /= units;
        Ok(solution)
    }
}

impl Clustering for Lloyd {
    fn step(&mut self) -> Result<Option<ClusterEvent>, PartitionError> {
        if self.restart >= self.config.restarts {
            return Ok(None);
        }
        let k = self.shards();
        if self.iteration == 0 {
            let (seed, restart) = (self.seed, self.restart);
            self.centroids = plus_plus(&self.points, &self.weights, &self.order, k, seed, restart);
            self.potentials = None;
            self.seen.clear();
        }
        self.iteration += 1;
        let solution = self.assign()?;
        let moves = if self.iteration == 1 {
            self.points.len()
        } else {
            self.shard_of.iter().zip(&solution.shard_of).filter(|(a, b)| a != b).count()
        };
        let shard_of = user_bytes(&solution.shard_of);
        let (users_per_shard, rows_per_shard) = user_sizes(&solution.shard_of, &self.starts, self.config.shards);
        let event = ClusterEvent {
            restart: self.restart,
            iteration: self.iteration,
            objective: solution.objective,
            moves: moves as u32,
            users_per_shard,
            rows_per_shard,
            centroids: self.centroids.data().to_vec(),
            ..ClusterEvent::default()
        };
        let hash = keyed_hash(self.seed, Purpose::Centroids, &[&shard_of]);
        let repeats = self.seen.contains(&hash);
        self.seen.push(hash);
        self.shard_of.clone_from(&solution.shard_of);
        if self.best.as_ref().is_none_or(|best| solution.objective < best.objective) {
            self.best = Some(solution);
        }
        if repeats || self.iteration >= self.config.max_iterations {
            self.restart += 1;
            self.iteration = 0;
        } else {
            self.centroids = self.points.means(&self.shard_of, k, &self.weights, &self.centroids);
        }
        Ok(Some(ClusterEvent { shard_of, ..event }))
    }

    fn finish(mut self: Box<Self>) -> Partition {
        while let Ok(Some(_)) = self.step() {}
        let shards = self.config.shards;
        // Every start makes at least one iteration, so there is a best one unless the inner problem was refused.
        let best = self.best.take().unwrap_or_else(|| Solution {
            objective: 0.0,
            iterations: 0,
            shard_of: self.shard_of.clone(),
            centroids: Matrix::zeros(shards as usize, self.points.dimension()),
            potentials: Vec::new(),
            rounding_cost: 0.0,
            rounding_excess: 0,
        });
        let (users_per_shard, rows_per_shard) = user_sizes(&best.shard_of, &self.starts, shards);
        Partition {
            method: self.config.method,
            shards,
            within_ss: self.points.within_ss(&best.shard_of, shards as usize),
            assignment: Assignment::ByUser(best.shard_of),
            starts: Vec::new(),
            users_per_shard,
            rows_per_shard,
            objective: best.objective,
            iterations: best.iterations,
            restarts: self.config.restarts,
            centroids: best.centroids,
            potentials: best.potentials.iter().map(|&g| g as f32).collect(),
            rounding_cost: best.rounding_cost,
            rounding_excess: best.rounding_excess,
            normalised: self.config.normalise,
            anchors: Vec::new(),
        }
    }
}
