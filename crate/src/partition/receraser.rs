//! RecEraser's balanced partitions (Chen et al. 2022, algorithms 1 to 3): `ubp`, `ibp`, `inbp`.
//!
//! K anchors; the distances of all pairs of anchor and unit in ascending order; each unit goes to the anchor of its
//! first pair whose shard holds fewer than t = ceil(1.2 N / K) units; anchors become the means of their units; until
//! nothing changes or 50 rounds. The paper clusters raw vectors: set `normalise` to false for that.

use super::greedy::greedy;
use super::measures::{majority, row_sizes, shares_within_ss, user_bytes, user_sizes};
use super::seeding::keyed_order;
use super::vectors::Points;
use super::{ClusterEvent, Clustering, Division, Method, Partition, PartitionConfig, PartitionError, PartitionInput};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, below};

/// Rounds after which the paper's algorithm stops.
const ROUNDS: u32 = 50;

pub(super) struct RecEraser {
    method: Method,
    config: PartitionConfig,
    users: Points,
    items: Points,
    has_users: bool,
    starts: Vec<u32>,
    row_items: Vec<u32>,
    /// What is assigned: users, the items that occur, or rows; as (user, item) indices, the unused one 0.
    units: Vec<(u32, u32)>,
    /// Anchors in the space of users and of items; the unused one 0 x 0.
    user_anchors: Matrix,
    item_anchors: Matrix,
    shard_of: Vec<u16>,
    objective: f64,
    iteration: u32,
    done: bool,
}

impl RecEraser {
    pub(super) fn new(input: PartitionInput, config: &PartitionConfig) -> Result<Self, PartitionError> {
        let method = config.method;
        let order = keyed_order(&input.user_keys);
        // Units by position in the keyed order, from which anchors are drawn whatever the numbering.
        let mut drawn_from: Vec<u32> = Vec::new();
        let units: Vec<(u32, u32)> = match method {
            Method::Ubp => {
                drawn_from.clone_from(&order);
                (0..input.n_users() as u32).map(|user| (user, 0)).collect()
            }
            Method::Ibp => {
                let mut occurs = vec![false; input.items.rows()];
                input.row_items.iter().for_each(|&item| occurs[item as usize] = true);
                (0..occurs.len() as u32).filter(|&item| occurs[item as usize]).map(|item| (0, item)).collect()
            }
            _ => {
                for &user in &order {
                    drawn_from.extend(input.starts[user as usize]..input.starts[user as usize + 1]);
                }
                let of = |user: usize| {
                    input.row_items[input.starts[user] as usize..input.starts[user + 1] as usize]
                        .iter()
                        .map(move |&item| (user as u32, item))
                };
                (0..input.n_users()).flat_map(of).collect()
            }
        };
        if (units.len() as u64) < u64::from(config.shards) {
            let what = if method == Method::Ibp { "items with a training row" } else { "rows" };
            return Err(PartitionError::TooManyShards { shards: config.shards, units: units.len() as u32, what });
        }
        if drawn_from.is_empty() {
            drawn_from = (0..units.len() as u32).collect();
        }
        let k = config.shards as usize;
        let mut rng = StreamKey::new(input.seed, Purpose::Centroids, 0, 0).stream();
        for place in 0..k {
            let other = place + below(&mut rng, (units.len() - place) as u32) as usize;
            drawn_from.swap(place, other);
        }
        let none = Matrix::default();
        let users = Points::new(
            if method == Method::Ibp && !input.has_users() { &none } else { &input.users },
            config.normalise,
        );
        let items = Points::new(if method.needs_items() { &input.items } else { &none }, config.normalise);
        let mut user_anchors = Matrix::zeros(k, if method.needs_users() { users.dimension() } else { 0 });
        let mut item_anchors = Matrix::zeros(k, items.dimension());
        for (anchor, &unit) in drawn_from[..k].iter().enumerate() {
            let (user, item) = units[unit as usize];
            if method.needs_users() {
                user_anchors.row_mut(anchor).copy_from_slice(users.row(user as usize));
            }
            if method.needs_items() {
                item_anchors.row_mut(anchor).copy_from_slice(items.row(item as usize));
            }
        }
        Ok(RecEraser {
            method,
            config: config.clone(),
            has_users: input.has_users(),
            users,
            items,
            starts: input.starts,
            row_items: input.row_items,
            units,
            user_anchors,
            item_anchors,
            shard_of: Vec::new(),
            objective: 0.0,
            iteration: 0,
            done: false,
        })
    }

    /// Greedy assignment under the present anchors, and its mean distance.
    fn assign(&self) -> (Vec<u16>, f64) {
        let k = self.config.shards as usize;
        let capacity = (12 * self.units.len()).div_ceil(10 * k);
        let lengths = |points: &Points, anchors: &Matrix| -> Vec<f32> {
            if anchors.cols() == 0 {
                return Vec::new();
            }
            let mut squares = Vec::new();
            points.costs(anchors, &mut squares);
            squares.iter().map(|square| square.sqrt() as f32).collect()
        };
        let to_users = lengths(&self.users, &self.user_anchors);
        let to_items = lengths(&self.items, &self.item_anchors);
        let row = |unit: usize, out: &mut [f32]| {
            let (user, item) = self.units[unit];
            let (user, item) = (user as usize * k, item as usize * k);
            match self.method {
                Method::Ubp => out.copy_from_slice(&to_users[user..user + k]),
                Method::Ibp => out.copy_from_slice(&to_items[item..item + k]),
                _ => {
                    for ((out, u), i) in out.iter_mut().zip(&to_users[user..user + k]).zip(&to_items[item..item + k]) {
                        *out = u * i;
                    }
                }
            }
        };
        let (shard_of, sum) = greedy(self.units.len(), k, capacity, row);
        (shard_of, sum / self.units.len() as f64)
    }

    fn move_anchors(&mut self) {
        let mean = |points: &Points, anchors: &Matrix, index: &dyn Fn(&(u32, u32)) -> u32| {
            points.means_of(self.units.iter().map(index).zip(self.shard_of.iter().copied()), anchors)
        };
        if self.method.needs_users() {
            self.user_anchors = mean(&self.users, &self.user_anchors, &|unit| unit.0);
        }
        if self.method.needs_items() {
            self.item_anchors = mean(&self.items, &self.item_anchors, &|unit| unit.1);
        }
    }

    /// The present assignment in the form that the rest of the library uses.
    fn assignment(&self) -> Division {
        match self.method {
            Method::Ubp => Division::ByUser(self.shard_of.clone()),
            Method::Inbp => Division::ByRow(self.shard_of.clone()),
            _ => {
                let mut of_item = vec![0; self.items.len()];
                for (unit, &shard) in self.units.iter().zip(&self.shard_of) {
                    of_item[unit.1 as usize] = shard;
                }
                Division::ByRow(self.row_items.iter().map(|&item| of_item[item as usize]).collect())
            }
        }
    }

    fn sizes(&self, assignment: &Division) -> (Vec<u32>, Vec<u32>, Vec<u16>) {
        let shards = self.config.shards;
        match assignment {
            Division::ByUser(shard_of) => {
                let (users, rows) = user_sizes(shard_of, &self.starts, shards);
                (users, rows, shard_of.clone())
            }
            Division::ByRow(shard_of) => {
                let (users, rows) = row_sizes(shard_of, &self.starts, shards);
                (users, rows, majority(shard_of, &self.starts, shards))
            }
        }
    }

    fn centroids(&self) -> &Matrix {
        if self.method == Method::Ibp { &self.item_anchors } else { &self.user_anchors }
    }
}

impl Clustering for RecEraser {
    fn step(&mut self) -> Result<Option<ClusterEvent>, PartitionError> {
        if self.done {
            return Ok(None);
        }
        if self.iteration > 0 {
            self.move_anchors();
        }
        self.iteration += 1;
        let (shard_of, objective) = self.assign();
        let moves = if self.shard_of.is_empty() {
            shard_of.len()
        } else {
            self.shard_of.iter().zip(&shard_of).filter(|(a, b)| a != b).count()
        };
        self.shard_of = shard_of;
        self.objective = objective;
        self.done = moves == 0 || self.iteration >= ROUNDS.min(self.config.max_iterations);
        let (users_per_shard, rows_per_shard, of_user) = self.sizes(&self.assignment());
        Ok(Some(ClusterEvent {
            iteration: self.iteration,
            objective,
            moves: moves as u32,
            users_per_shard,
            rows_per_shard,
            shard_of: user_bytes(&of_user),
            centroids: self.centroids().data().to_vec(),
            ..ClusterEvent::default()
        }))
    }

    fn finish(mut self: Box<Self>) -> Partition {
        while self.step().expect("a step of this clustering has no error").is_some() {}
        let assignment = self.assignment();
        let (users_per_shard, rows_per_shard, _) = self.sizes(&assignment);
        let shards = self.config.shards as usize;
        let within_ss = match (&assignment, self.has_users) {
            (_, false) => 0.0,
            (Division::ByUser(shard_of), _) => self.users.within_ss(shard_of, shards),
            (Division::ByRow(shard_of), _) => shares_within_ss(&self.users, shard_of, &self.starts, shards),
        };
        let starts = if self.method.divides_users() { self.starts.clone() } else { Vec::new() };
        Partition {
            method: self.method,
            shards: self.config.shards,
            assignment,
            starts,
            users_per_shard,
            rows_per_shard,
            within_ss,
            objective: self.objective,
            iterations: self.iteration,
            restarts: 1,
            centroids: self.centroids().clone(),
            potentials: Vec::new(),
            rounding_cost: 0.0,
            rounding_excess: 0,
            normalised: self.config.normalise,
            anchors: Vec::new(),
        }
    }
}
