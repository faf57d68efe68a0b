//! What a clustering says while it runs, and what it leaves.

use serde::{Deserialize, Serialize};

use super::{Division, Method};
use crate::numerics::matrix::Matrix;

/// One step of a clustering: an iteration, or one epsilon of an iteration with the entropic solver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ClusterEvent {
    /// Which start, from 0.
    pub restart: u32,
    /// Which iteration of this start, from 1; 0 for methods that do not iterate.
    pub iteration: u32,
    /// The method's objective: for `obc` the cost of the (rounded) plan plus penalties, in mean per unit; for
    /// RecEraser's the mean distance of assigned pairs; 0 without vectors.
    pub objective: f64,
    /// Units (users, items or rows) whose shard changed since the previous step of this start.
    pub moves: u32,
    /// Users per shard; a user who is in several shards counts in each.
    pub users_per_shard: Vec<u32>,
    /// Training rows per shard.
    pub rows_per_shard: Vec<u32>,
    /// Two bytes per user, little-endian: the shard (of a divided user the one with most of the user's rows).
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
    pub shard_of: Vec<u8>,
    /// Shards x dimension: the centres the assignment was made with; empty without vectors.
    pub centroids: Vec<f32>,
    /// Dual prices g the assignment was made with: a user lies where |x - c|^2 - g is least. Empty where nothing is priced.
    pub potentials: Vec<f32>,
    /// Entropic solver: the epsilon of this step, in units of squared distance.
    pub epsilon: Option<f64>,
    /// Entropic solver: the sum over shards of |mass - even share| left, as a share of all mass.
    pub residual: Option<f64>,
    /// Entropic solver: exp of the mean entropy of a user's row of the plan: in how many shards a user is.
    pub spread: Option<f64>,
}

/// A finished partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// How it was made.
    pub method: Method,
    /// Number of shards.
    pub shards: u32,
    /// Row -> shard.
    pub assignment: Division,
    /// Where each user's rows begin, if rows were assigned (`ibp`, `inbp`); else empty.
    pub starts: Vec<u32>,
    /// Users per shard; a user who is in several shards counts in each.
    pub users_per_shard: Vec<u32>,
    /// Training rows per shard.
    pub rows_per_shard: Vec<u32>,
    /// Sum over users of the squared distance to the mean of the user's shard, all users alike, in the vectors the
    /// method clustered; for divided users each row counts its share of the user. 0 without user vectors.
    pub within_ss: f64,
    /// The method's own objective at the end, as in the events.
    pub objective: f64,
    /// Iterations of the start that was kept.
    pub iterations: u32,
    /// Starts that were made.
    pub restarts: u32,
    /// Shards x dimension: the centres users were assigned by; 0 x 0 without vectors.
    pub centroids: Matrix,
    /// Dual prices g of the shards: a user lies where |x - c|^2 - g is least. Empty where nothing was priced.
    pub potentials: Vec<f32>,
    /// What rounding divided users to one shard added to the objective's sum.
    pub rounding_cost: f64,
    /// The most units by which rounding exceeds a capacity.
    pub rounding_excess: u64,
    /// Were the vectors scaled to unit length? A new user's must be too.
    pub normalised: bool,
    /// `anchored`: who the anchors are; else empty.
    pub anchors: Vec<bool>,
}

impl Partition {
    /// The shards that hold a row of a user, ascending. Panics for a user beyond the end, like a slice.
    pub fn shards_of_user(&self, user: u32) -> Vec<u16> {
        match &self.assignment {
            Division::ByUser(shards) => vec![shards[user as usize]],
            Division::ByRow(shards) => {
                let (from, to) = (self.starts[user as usize], self.starts[user as usize + 1]);
                let mut shards = shards[from as usize..to as usize].to_vec();
                tiny_sort::unstable::sort(&mut shards);
                shards.dedup();
                shards
            }
        }
    }

    /// The shard of a vector that was not clustered, such as a new user's fold-in: argmin |x - c|^2 - g, the lowest of
    /// equals. `None` if the method has no centres of users or the dimension differs.
    pub fn shard_of_vector(&self, vector: &[f32]) -> Option<u16> {
        let costs = self.costs_of_vector(vector)?;
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        costs.iter().position(|&cost| cost == least).map(|shard| shard as u16)
    }

    /// |x - c|^2 - g of a vector for every shard: what decides where it goes, and by how much. `None` as in
    /// [`Partition::shard_of_vector`].
    pub fn costs_of_vector(&self, vector: &[f32]) -> Option<Vec<f64>> {
        if self.centroids.rows() == 0 || self.centroids.cols() != vector.len() || self.method.divides_users() {
            return None;
        }
        let mut vector = vector.to_vec();
        if self.normalised {
            super::vectors::normalise(&mut vector);
        }
        Some(super::vectors::priced(&vector, &self.centroids, &self.potentials).collect())
    }

    /// Squared distance |x - c|^2 of a vector to every centre. `None` as in [`Partition::shard_of_vector`].
    pub fn distances_of_vector(&self, vector: &[f32]) -> Option<Vec<f64>> {
        let mut costs = self.costs_of_vector(vector)?;
        for (cost, &price) in costs.iter_mut().zip(&self.potentials) {
            *cost = (*cost + f64::from(price)).max(0.0);
        }
        Some(costs)
    }

    /// The largest shard's rows over the smallest's: how unequal retraining costs are. Infinite if a shard is empty.
    pub fn work_ratio(&self) -> f64 {
        super::measures::work_ratio(&self.rows_per_shard)
    }

    /// The same partition with shard i called `name[i]`, such as a new one under the old one's names
    /// (by the largest overlap), so that a refit leaves alone what did not change.
    /// `None` if `name` is no permutation.
    pub fn renamed(&self, name: &[u16]) -> Option<Partition> {
        let k = self.shards as usize;
        let mut place: Vec<Option<usize>> = vec![None; k];
        for (old, &new) in name.iter().enumerate() {
            if place.get_mut(usize::from(new))?.replace(old).is_some() {
                return None;
            }
        }
        let from: Vec<usize> = place.into_iter().collect::<Option<_>>()?;
        let rename = |shards: &[u16]| shards.iter().map(|&shard| name[usize::from(shard)]).collect();
        let mut renamed = self.clone();
        renamed.assignment = match &self.assignment {
            Division::ByUser(shards) => Division::ByUser(rename(shards)),
            Division::ByRow(shards) => Division::ByRow(rename(shards)),
        };
        for (new, &old) in from.iter().enumerate() {
            renamed.users_per_shard[new] = self.users_per_shard[old];
            renamed.rows_per_shard[new] = self.rows_per_shard[old];
            if self.centroids.rows() == k {
                renamed.centroids.row_mut(new).copy_from_slice(self.centroids.row(old));
            }
            if self.potentials.len() == k {
                renamed.potentials[new] = self.potentials[old];
            }
        }
        Some(renamed)
    }

    /// How many users there are.
    pub fn n_users(&self) -> usize {
        match &self.assignment {
            Division::ByUser(shards) => shards.len(),
            Division::ByRow(_) => self.starts.len().saturating_sub(1),
        }
    }
}
