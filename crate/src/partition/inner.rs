//! The inner problem of balanced clustering: which shard, given the centres.

use super::transport::{
    Capacity, Entropic, capacities, entropic, exact, kl_columns, ladder, loose_capacities, tau_of_strength,
};
use super::{Balance, DEFAULT_EPSILON, Method, PartitionConfig, PartitionError, Solver};

/// Residual at which an entropic solution is taken as found, at the last epsilon and on the way there, and sweeps after
/// which it is taken as it is.
const TOLERANCE: f64 = 1e-6;
const TOLERANCE_ON_THE_WAY: f64 = 1e-4;
const MAX_SWEEPS: u32 = 200;

/// The inner problem with everything that stays the same between iterations.
pub(super) struct Inner {
    /// Units of each user.
    pub(super) weights: Vec<u32>,
    units: f64,
    shards: usize,
    kind: InnerKind,
}

enum InnerKind {
    /// No balance: the nearest centre.
    Nearest,
    Exact {
        columns: Vec<Capacity>,
        weighted: bool,
    },
    Entropic {
        targets: Vec<f64>,
        tau: Option<f64>,
        epsilons: Vec<f64>,
    },
}

/// One assignment.
#[derive(Clone)]
pub(super) struct Assigned {
    pub(super) shard_of: Vec<u16>,
    /// Cost and penalty of the assignment (after rounding), per unit.
    pub(super) objective: f64,
    /// Empty without balance.
    pub(super) potentials: Vec<f64>,
    pub(super) rounding_cost: f64,
    pub(super) rounding_excess: u64,
    /// (epsilon, residual, spread) of the entropic solver.
    pub(super) smoothing: Option<(f64, f64, f64)>,
}

impl Inner {
    /// `variance` is the mean squared distance of the points to their mean, the scale of tau and epsilon.
    pub(super) fn new(weights: Vec<u32>, variance: f64, config: &PartitionConfig) -> Result<Self, PartitionError> {
        let strength = if config.method == Method::Kmeans { 0.0 } else { f64::from(config.strength) };
        let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        let shards = config.shards as usize;
        let tau = tau_of_strength(strength, variance);
        let kind = if tau <= 0.0 {
            InnerKind::Nearest
        } else if config.solver == Solver::Entropic && variance > 0.0 {
            let last = f64::from(config.epsilon.unwrap_or(DEFAULT_EPSILON)) * variance;
            InnerKind::Entropic {
                targets: vec![total as f64 / shards as f64; shards],
                tau: tau.is_finite().then_some(tau),
                epsilons: ladder(variance, last),
            }
        } else {
            // Identical points have no scale for epsilon; the exact solver divides them by index.
            let columns = if tau.is_finite() {
                kl_columns(total, shards, tau)?
            } else if config.slack > 0.0 {
                loose_capacities(total, shards, f64::from(config.slack))
            } else {
                capacities(total, shards)
            };
            let weighted = config.balance == Balance::Interactions && config.method != Method::Kmeans;
            InnerKind::Exact { columns, weighted }
        };
        Ok(Inner { weights, units: total as f64, shards, kind })
    }

    /// How many values of epsilon the first iteration goes through; 1 for the other solvers.
    pub(super) fn stages(&self) -> usize {
        match &self.kind {
            InnerKind::Entropic { epsilons, .. } => epsilons.len(),
            _ => 1,
        }
    }

    /// Solves for the given costs (users x shards), from the prices of an earlier solution.
    pub(super) fn assign(&self, costs: &[f64], stage: usize, warm: Option<&[f64]>) -> Result<Assigned, PartitionError> {
        let weighted_supplies = |weighted: bool| weighted.then_some(&self.weights[..]);
        let mut assigned = match &self.kind {
            InnerKind::Nearest => Assigned {
                shard_of: costs.chunks_exact(self.shards).map(nearest).collect(),
                objective: 0.0,
                potentials: Vec::new(),
                rounding_cost: 0.0,
                rounding_excess: 0,
                smoothing: None,
            },
            InnerKind::Exact { columns, weighted } => {
                let plan = exact(costs, columns, weighted_supplies(*weighted), warm)?;
                Assigned {
                    shard_of: plan.assignment,
                    objective: (plan.cost + plan.rounding_cost) / self.units,
                    potentials: plan.potentials,
                    rounding_cost: plan.rounding_cost,
                    rounding_excess: plan.rounding_excess,
                    smoothing: None,
                }
            }
            InnerKind::Entropic { targets, tau, epsilons } => {
                let epsilon = epsilons[stage];
                let tolerance = if stage + 1 < epsilons.len() { TOLERANCE_ON_THE_WAY } else { TOLERANCE };
                let plan = entropic(
                    &Entropic {
                        costs,
                        targets,
                        supplies: Some(&self.weights),
                        tau: *tau,
                        epsilon,
                        tolerance,
                        max_sweeps: MAX_SWEEPS,
                    },
                    warm,
                )?;
                Assigned {
                    shard_of: plan.assignment,
                    objective: 0.0,
                    potentials: plan.potentials,
                    rounding_cost: -plan.cost,
                    rounding_excess: 0,
                    smoothing: Some((epsilon, plan.residual, plan.spread)),
                }
            }
        };
        if !matches!(self.kind, InnerKind::Exact { .. }) {
            self.price(costs, &mut assigned);
        }
        Ok(assigned)
    }

    /// Objective and rounding of an assignment that the solver did not price itself.
    fn price(&self, costs: &[f64], assigned: &mut Assigned) {
        let mut loads = vec![0u64; self.shards];
        let mut cost = 0.0;
        for (user, &shard) in assigned.shard_of.iter().enumerate() {
            let shard = usize::from(shard);
            loads[shard] += u64::from(self.weights[user]);
            cost += f64::from(self.weights[user]) * costs[user * self.shards + shard];
        }
        let mut penalty = 0.0;
        if let InnerKind::Entropic { targets, tau, .. } = &self.kind {
            assigned.rounding_cost += cost;
            for (&load, &target) in loads.iter().zip(targets) {
                match *tau {
                    Some(tau) => penalty += Capacity::Penalty { target, tau }.price(load),
                    None => {
                        let excess = load.saturating_sub(target.ceil() as u64);
                        assigned.rounding_excess = assigned.rounding_excess.max(excess);
                    }
                }
            }
        }
        assigned.objective = (cost + penalty) / self.units;
    }
}

fn nearest(costs: &[f64]) -> u16 {
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    costs.iter().position(|&cost| cost == least).expect("costs are finite, and there is a column") as u16
}
