//! Transport smoothed by entropy (Cuturi 2013), in the log domain.
//!
//! Rows are eliminated: for prices g the plan is T_ij = a_i softmax_j((g_j - c_ij) / epsilon), and the K prices maximise
//! the concave semi-dual F(g) = sum_j b*_j(g_j) - epsilon sum_i a_i ln sum_j exp((g_j - c_ij) / epsilon), where b* is
//! b_j g_j for fixed columns and tau b_j (1 - exp(-g_j / tau)) for the Kullback-Leibler penalty (Chizat et al. 2018).
//! Sinkhorn's iteration is a fixed-point step on this K-dimensional problem; with K small its Hessian is cheap, so
//! Newton steps do most of the work and Sinkhorn steps the rest.

use nalgebra::{DMatrix, DVector};

use super::TransportError;
use super::exponential::exp_nonpositive;
use crate::numerics::math;

/// Above this many columns the Hessian costs more than it saves.
const NEWTON_COLUMNS: usize = 128;

/// What to solve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entropic<'a> {
    /// Rows x columns, per unit.
    pub costs: &'a [f64],
    /// Units each column should get, above 0; they add up to the supply unless `tau` relaxes them.
    pub targets: &'a [f64],
    /// Units per row; one each if `None`.
    pub supplies: Option<&'a [u32]>,
    /// The Kullback-Leibler penalty on the columns; `None`: the targets are met.
    pub tau: Option<f64>,
    /// Smoothing, in units of cost; above 0.
    pub epsilon: f64,
    /// Stop when the residual is at most this.
    pub tolerance: f64,
    /// Stop after this many sweeps over the costs.
    pub max_sweeps: u32,
}

/// The smoothed plan, by its prices; a row of it is [`plan_row`].
#[derive(Clone, Debug, PartialEq)]
pub struct EntropicPlan {
    /// Prices of the columns.
    pub potentials: Vec<f64>,
    /// For each row the column with most of it, the lowest of equals.
    pub assignment: Vec<u16>,
    /// Mass per column.
    pub loads: Vec<f64>,
    /// Sum of T_ij c_ij.
    pub cost: f64,
    /// Sum over columns of |mass - the mass its price asks for|, as a share of all mass. Row sums are met exactly.
    pub residual: f64,
    /// exp of the mean entropy of the rows: in how many columns a row is, 1 to K.
    pub spread: f64,
    /// Sweeps over the costs that were needed.
    pub sweeps: u32,
}

/// The values halving from `from` to `to`, both included: what annealing goes through. `to` alone if it is larger.
pub fn ladder(from: f64, to: f64) -> Vec<f64> {
    let mut values = Vec::new();
    let mut value = from;
    while value > to * 1.5 && values.len() < 64 {
        values.push(value);
        value *= 0.5;
    }
    values.push(to);
    values
}

/// One row of the plan as shares of the row: softmax((g - c) / epsilon).
pub fn plan_row(costs: &[f64], potentials: &[f64], epsilon: f64) -> Vec<f64> {
    let mut shares = vec![0.0; costs.len()];
    let _ = softmax(costs, potentials, epsilon, &mut shares);
    shares
}

/// Solves at one epsilon, starting from `warm` prices (0 if `None`); anneal by passing on the potentials.
///
/// # Errors
/// Shapes that do not fit, costs that are not finite, epsilon or tau out of range, targets that do not add up.
pub fn entropic(problem: &Entropic<'_>, warm: Option<&[f64]>) -> Result<EntropicPlan, TransportError> {
    let supply = check(problem, warm)?;
    let k = problem.targets.len();
    let mut g = warm.map_or_else(|| vec![0.0; k], <[f64]>::to_vec);
    let newton = k <= NEWTON_COLUMNS;
    let mut state = EntropicState::at(problem, &g, newton);
    let mut sweeps = 1;
    while state.residual(problem, &g) > problem.tolerance * supply && sweeps < problem.max_sweeps {
        if newton && let Some((next, reached)) = state.newton(problem, &g, &mut sweeps) {
            (g, state) = (next, reached);
            continue;
        }
        state.sinkhorn(problem, &mut g);
        state = EntropicState::at(problem, &g, newton);
        sweeps += 1;
    }
    Ok(finish(problem, g, &state, supply, sweeps))
}

fn check(problem: &Entropic<'_>, warm: Option<&[f64]>) -> Result<f64, TransportError> {
    let k = problem.targets.len();
    if k == 0 || k >= usize::from(u16::MAX) {
        let value = k as f64;
        return Err(TransportError::Parameter { name: "columns", expected: "from 1 to 65534", value });
    }
    for (name, value) in [("epsilon", problem.epsilon), ("tau", problem.tau.unwrap_or(1.0))] {
        if !(value.is_finite() && value > 0.0) {
            return Err(TransportError::Parameter { name, expected: "above 0 and finite", value });
        }
    }
    let rows = problem.supplies.map_or(problem.costs.len() / k, <[u32]>::len);
    for (name, expected, found) in [("costs", rows * k, problem.costs.len()), ("warm", k, warm.map_or(k, <[f64]>::len))]
    {
        if expected != found {
            return Err(TransportError::Shape { name, expected, found });
        }
    }
    if let Some(at) = problem.costs.iter().position(|cost| !cost.is_finite()) {
        return Err(TransportError::Cost { row: at / k, column: at % k, value: problem.costs[at] });
    }
    if let Some(&value) = problem.targets.iter().chain(warm.unwrap_or(&[])).find(|value| !value.is_finite()) {
        return Err(TransportError::Parameter { name: "targets and warm", expected: "finite", value });
    }
    if let Some(&value) = problem.targets.iter().find(|&&target| target <= 0.0) {
        return Err(TransportError::Parameter { name: "targets", expected: "above 0", value });
    }
    let supply: f64 = (0..rows).map(|row| weight(problem, row)).sum();
    let total: f64 = problem.targets.iter().sum();
    if problem.tau.is_none() && (total - supply).abs() > 1e-9 * supply.max(1.0) {
        let total = total.round() as u64;
        return Err(TransportError::Capacities { lower: total, upper: total, supply: supply as u64 });
    }
    Ok(supply)
}

fn weight(problem: &Entropic<'_>, row: usize) -> f64 {
    problem.supplies.map_or(1.0, |supplies| f64::from(supplies[row]))
}

/// Writes the shares of one row; returns (largest of g - c, sum of exp relative to it).
#[inline]
fn softmax(costs: &[f64], g: &[f64], epsilon: f64, shares: &mut [f64]) -> (f64, f64) {
    let mut most = f64::NEG_INFINITY;
    for ((share, cost), g) in shares.iter_mut().zip(costs).zip(g) {
        *share = g - cost;
        most = if *share > most { *share } else { most };
    }
    let inverse = 1.0 / epsilon;
    for share in shares.iter_mut() {
        *share = exp_nonpositive((*share - most) * inverse);
    }
    let sum: f64 = shares.iter().sum();
    let scale = 1.0 / sum;
    shares.iter_mut().for_each(|share| *share *= scale);
    (most, sum)
}

/// The semi-dual at some prices.
struct EntropicState {
    value: f64,
    loads: Vec<f64>,
    /// Upper triangle of sum_i a_i p_ij p_il, empty without Newton.
    products: Vec<f64>,
}

impl EntropicState {
    fn at(problem: &Entropic<'_>, g: &[f64], second: bool) -> EntropicState {
        let k = g.len();
        let mut loads = vec![0.0; k];
        let mut products = vec![0.0; if second { k * k } else { 0 }];
        let mut shares = vec![0.0; k];
        let mut soft = 0.0;
        for (row, costs) in problem.costs.chunks_exact(k).enumerate() {
            let a = weight(problem, row);
            let (most, sum) = softmax(costs, g, problem.epsilon, &mut shares);
            soft += a * (most + problem.epsilon * math::ln(sum));
            for j in 0..k {
                let mass = a * shares[j];
                loads[j] += mass;
                if second {
                    for (product, share) in products[j * k + j..(j + 1) * k].iter_mut().zip(&shares[j..]) {
                        *product += mass * share;
                    }
                }
            }
        }
        let price = |(g, b): (&f64, &f64)| match problem.tau {
            None => b * g,
            Some(tau) => tau * b * (1.0 - math::exp(-g / tau)),
        };
        let columns: f64 = g.iter().zip(problem.targets).map(price).sum();
        EntropicState { value: columns - soft, loads, products }
    }

    /// The mass each column asks for at its price, minus what it has.
    fn gradient(&self, problem: &Entropic<'_>, g: &[f64]) -> Vec<f64> {
        let ask = |(j, b): (usize, &f64)| wanted(problem, *b, g[j]) - self.loads[j];
        problem.targets.iter().enumerate().map(ask).collect()
    }

    fn residual(&self, problem: &Entropic<'_>, g: &[f64]) -> f64 {
        self.gradient(problem, g).iter().map(|x| x.abs()).sum()
    }

    /// Newton's direction, shortened to a few epsilon: beyond that the quadratic model means nothing.
    fn direction(&self, problem: &Entropic<'_>, g: &[f64]) -> Option<Vec<f64>> {
        let k = g.len();
        let mut hessian = DMatrix::<f64>::zeros(k, k);
        let total: f64 = self.loads.iter().sum();
        for j in 0..k {
            for l in j..k {
                let value = -self.products[j * k + l] / problem.epsilon;
                hessian[(j, l)] = value;
                hessian[(l, j)] = value;
            }
            let curvature = problem.tau.map_or(0.0, |tau| wanted(problem, problem.targets[j], g[j]) / tau);
            // The little on top settles the direction in which all prices rise together, along which nothing changes.
            hessian[(j, j)] += (self.loads[j] + 1e-9 * total / k as f64) / problem.epsilon + curvature;
        }
        let gradient = DVector::from_vec(self.gradient(problem, g));
        let step = hessian.cholesky()?.solve(&gradient);
        let longest = step.iter().fold(0.0f64, |longest, x| longest.max(x.abs()));
        if !longest.is_finite() {
            return None;
        }
        let limit = 16.0 * problem.epsilon;
        let factor = if longest > limit { limit / longest } else { 1.0 };
        Some(step.iter().map(|x| x * factor).collect())
    }

    /// A Newton step that raises the semi-dual enough, or `None`.
    fn newton(&self, problem: &Entropic<'_>, g: &[f64], sweeps: &mut u32) -> Option<(Vec<f64>, EntropicState)> {
        let direction = self.direction(problem, g)?;
        let slope: f64 = self.gradient(problem, g).iter().zip(&direction).map(|(a, b)| a * b).sum();
        if slope.is_nan() || slope <= 0.0 {
            return None;
        }
        let mut length = 1.0;
        for _ in 0..4 {
            let next: Vec<f64> = g.iter().zip(&direction).map(|(g, d)| g + length * d).collect();
            let reached = EntropicState::at(problem, &next, true);
            *sweeps += 1;
            let better = reached.value >= self.value + 1e-4 * length * slope;
            // Near the end a step changes the value by less than its rounding; then the residual decides.
            let level = reached.value >= self.value - 1e-13 * self.value.abs()
                && reached.residual(problem, &next) < 0.5 * self.residual(problem, g);
            if better || level {
                return Some((next, reached));
            }
            length *= 0.25;
        }
        None
    }

    /// g_j += epsilon ln(b_j / mass_j), damped by tau / (tau + epsilon) towards 0 under a penalty.
    fn sinkhorn(&self, problem: &Entropic<'_>, g: &mut [f64]) {
        for (j, g) in g.iter_mut().enumerate() {
            let mass = self.loads[j].max(1e-290);
            let step = *g + problem.epsilon * math::ln(problem.targets[j] / mass);
            *g = problem.tau.map_or(step, |tau| step * tau / (tau + problem.epsilon));
        }
    }
}

fn wanted(problem: &Entropic<'_>, target: f64, g: f64) -> f64 {
    problem.tau.map_or(target, |tau| target * math::exp((-g / tau).min(600.0)))
}

fn finish(problem: &Entropic<'_>, g: Vec<f64>, state: &EntropicState, supply: f64, sweeps: u32) -> EntropicPlan {
    let k = g.len();
    let mut shares = vec![0.0; k];
    let mut assignment = Vec::with_capacity(problem.costs.len() / k);
    let (mut cost, mut entropy) = (0.0, 0.0);
    for (row, costs) in problem.costs.chunks_exact(k).enumerate() {
        let a = weight(problem, row);
        let (most, sum) = softmax(costs, &g, problem.epsilon, &mut shares);
        let mut row_entropy = math::ln(sum);
        let mut best = 0;
        for j in 0..k {
            cost += a * shares[j] * costs[j];
            row_entropy -= shares[j] * (g[j] - costs[j] - most) / problem.epsilon;
            if shares[j] > shares[best] {
                best = j;
            }
        }
        entropy += a * row_entropy;
        assignment.push(best as u16);
    }
    let residual = if supply > 0.0 { state.residual(problem, &g) / supply } else { 0.0 };
    let spread = if supply > 0.0 { math::exp(entropy / supply) } else { 1.0 };
    EntropicPlan { potentials: g, assignment, loads: state.loads.clone(), cost, residual, spread, sweeps }
}

#[cfg(test)]
mod tests {
    use super::super::{capacities, exact};
    use super::*;
    use crate::numerics::random::{Purpose, StreamKey, unit};

    fn random_costs(rows: usize, k: usize, seed: u64) -> Vec<f64> {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        (0..rows * k).map(|at| unit(&mut rng) * (1.0 + (at % k) as f64)).collect()
    }

    fn problem<'a>(costs: &'a [f64], targets: &'a [f64], epsilon: f64) -> Entropic<'a> {
        Entropic { costs, targets, supplies: None, tau: None, epsilon, tolerance: 1e-9, max_sweeps: 500 }
    }

    #[test]
    fn cost_tends_to_the_exact_one_and_marginals_are_met() {
        let (rows, k) = (600, 6);
        let costs = random_costs(rows, k, 1);
        let targets = vec![100.0; k];
        let best = exact(&costs, &capacities(rows as u64, k), None, None).unwrap();
        let mut warm: Option<Vec<f64>> = None;
        let mut before = f64::INFINITY;
        for epsilon in ladder(1.0, 1e-3) {
            let plan = entropic(&problem(&costs, &targets, epsilon), warm.as_deref()).unwrap();
            assert!(plan.residual <= 1e-9, "{epsilon}: {} after {}", plan.residual, plan.sweeps);
            let gap = plan.cost - best.cost;
            // 0 <= gap <= epsilon n ln K, from the bounds on the entropy.
            assert!(gap >= -1e-6 && gap <= epsilon * rows as f64 * math::ln(k as f64), "{epsilon}: {gap}");
            assert!(gap <= before + 1e-9 && plan.spread >= 1.0 && plan.spread <= 6.0);
            before = gap;
            warm = Some(plan.potentials);
        }
        assert!(before < 1e-2 * best.cost);
    }

    #[test]
    fn newton_and_plain_sinkhorn_agree() {
        let costs = random_costs(200, 4, 2);
        let targets = [20.0, 40.0, 60.0, 80.0];
        let fast = entropic(&problem(&costs, &targets, 0.2), None).unwrap();
        let mut g = [0.0; 4];
        for _ in 0..3000 {
            let mut loads = [0.0; 4];
            for row in costs.chunks_exact(4) {
                let total: f64 = (0..4).map(|j| math::exp((g[j] - row[j]) / 0.2)).sum();
                (0..4).for_each(|j| loads[j] += math::exp((g[j] - row[j]) / 0.2) / total);
            }
            (0..4).for_each(|j| g[j] += 0.2 * math::ln(targets[j] / loads[j]));
        }
        for j in 1..4 {
            let (one, two) = (fast.potentials[j] - fast.potentials[0], g[j] - g[0]);
            assert!((one - two).abs() < 1e-7, "{one} {two}");
        }
        assert!(fast.sweeps < 30, "{}", fast.sweeps);
        let row = plan_row(&costs[..4], &fast.potentials, 0.2);
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_penalty_runs_from_soft_assignment_to_balance() {
        let costs = random_costs(400, 4, 3);
        let targets = [100.0; 4];
        let imbalance = |tau: f64| {
            let plan = entropic(&Entropic { tau: Some(tau), ..problem(&costs, &targets, 0.05) }, None).unwrap();
            assert!(plan.residual < 1e-9, "{tau}: {} after {}", plan.residual, plan.sweeps);
            for j in 0..4 {
                let asked = 100.0 * math::exp(-plan.potentials[j] / tau);
                assert!((plan.loads[j] - asked).abs() < 1e-5, "the first-order condition of the penalty");
            }
            plan.loads.iter().map(|load| (load - 100.0).abs()).sum::<f64>()
        };
        let values: Vec<f64> = [0.01, 0.1, 1.0, 10.0, 1000.0].iter().map(|&tau| imbalance(tau)).collect();
        assert!(values.windows(2).all(|pair| pair[0] > pair[1]), "{values:?}");
        assert!(values[4] < 1.0, "{values:?}");
    }

    #[test]
    fn equal_costs_give_equal_shares_and_the_lowest_column() {
        let plan = entropic(&problem(&[1.0; 12], &[0.75; 4], 0.1), None).unwrap();
        assert_eq!(plan.assignment, [0, 0, 0]);
        assert!((plan.spread - 4.0).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        let costs = [1.0; 4];
        let code = |problem: Entropic<'_>| entropic(&problem, None).unwrap_err().code();
        for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(code(problem(&costs, &[1.0, 1.0], epsilon)), "transport.parameter");
        }
        assert_eq!(code(Entropic { tau: Some(0.0), ..problem(&costs, &[1.0, 1.0], 1.0) }), "transport.parameter");
        assert_eq!(code(problem(&costs, &[1.0, 2.0], 1.0)), "transport.capacities");
        assert_eq!(code(problem(&costs, &[2.0, 0.0], 1.0)), "transport.parameter");
        assert_eq!(code(problem(&costs, &[2.0, 1.0, 1.0], 1.0)), "transport.shape");
        assert_eq!(code(problem(&[1.0, f64::NAN], &[0.5, 0.5], 1.0)), "transport.cost");
    }
}
