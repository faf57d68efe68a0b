//! The exact solver: a transportation problem with few columns.
//!
//! Rows start in the column that is cheapest under an estimate of the dual prices - the solution of the same problem
//! for every eighth row, found the same way - so that only a small overflow is left. It is moved along shortest
//! augmenting paths in a graph whose nodes are the columns (Tokuyama and Nakano 1995, "Efficient algorithms for the
//! Hitchcock transportation problem"; see the `network` module). About O(nK) for the scans plus O(K^2 + K log n) per
//! unit of remaining overflow.
//!
//! Arithmetic is exact: costs are rounded once to multiples of a power of two (2^-43 of the largest) and everything
//! after that is integer, so the plan is optimal for the rounded costs without any tolerance, and ties are decided
//! by index.

use super::network::Network;
use super::scan;
use super::tree::cancel_cycles;
use super::{Capacity, TransportError};

/// Rows below this are solved without estimating prices on a sample first.
const SMALL: usize = 1024;
/// One row in this many is in the sample.
const STRIDE: usize = 8;

/// A part of a row that is divided between columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The row.
    pub row: u32,
    /// The column.
    pub column: u16,
    /// Units of the row in this column.
    pub amount: u64,
}

/// An optimal plan, and its rounding to one column per row.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactPlan {
    /// The column of each row; of a divided row the column with its largest part (the lowest of equals).
    pub assignment: Vec<u16>,
    /// Units per column after rounding.
    pub loads: Vec<u64>,
    /// The parts of divided rows, by row and column. At most K - 1 rows are divided, none if all supplies are 1.
    pub splits: Vec<Split>,
    /// Cost of the optimal (divided) plan, penalties included.
    pub cost: f64,
    /// What rounding adds to the cost, penalties included; negative where the rounded plan exceeds a capacity.
    pub rounding_cost: f64,
    /// The most units by which a rounded load leaves its range; 0 for unit supplies.
    pub rounding_excess: u64,
    /// Dual prices g, one per column: every row lies where cost - g is least. A column above its lower bound has
    /// g <= 0, one below its upper bound g >= 0; with fixed capacities only differences mean anything.
    pub potentials: Vec<f64>,
}

/// Carries every row's supply to the columns at the least cost.
///
/// `costs` is rows x columns, per unit; `supplies` is one unit per row if `None`; `warm` are potentials to start from
/// (any finite numbers: they change the time, and which of several optimal duals is returned, but not the cost).
///
/// # Errors
/// Shapes that do not fit, costs that are not finite, supplies of 0, capacities that do not add up to the supply.
pub fn exact(
    costs: &[f64],
    columns: &[Capacity],
    supplies: Option<&[u32]>,
    warm: Option<&[f64]>,
) -> Result<ExactPlan, TransportError> {
    let (rows, supply, largest) = check(costs, columns, supplies)?;
    if let Some(warm) = warm
        && warm.len() != columns.len()
    {
        return Err(TransportError::Shape { name: "warm", expected: columns.len(), found: warm.len() });
    }
    let scale = scale(largest, columns, supply);
    let warm = warm.filter(|warm| warm.iter().all(|g| g.is_finite()));
    let start = match warm {
        Some(warm) => warm.iter().map(|g| (g * scale).clamp(-LIMIT, LIMIT) as i64).collect(),
        None => estimate(costs, columns, supplies, supply, rows, scale),
    };
    let mut network = Network::new(costs, columns, supplies, supply, rows, scale, start);
    network.run();
    Ok(plan(network, costs, columns, supplies))
}

/// Largest warm price, in steps.
const LIMIT: f64 = (1u64 << 45) as f64;

/// Potentials of the same problem on every `STRIDE`-th row.
fn estimate(
    costs: &[f64],
    columns: &[Capacity],
    supplies: Option<&[u32]>,
    supply: u64,
    rows: usize,
    scale: f64,
) -> Vec<i64> {
    let k = columns.len();
    if rows < SMALL {
        return vec![0; k];
    }
    let chosen = || (STRIDE / 2..rows).step_by(STRIDE);
    let mut sample = Vec::with_capacity(rows.div_ceil(STRIDE) * k);
    chosen().for_each(|row| sample.extend_from_slice(&costs[row * k..(row + 1) * k]));
    let weights: Option<Vec<u32>> = supplies.map(|supplies| chosen().map(|row| supplies[row]).collect());
    let n = chosen().count();
    let total = weights.as_ref().map_or(n as u64, |w| w.iter().map(|&w| u64::from(w)).sum());
    let share = |value: u64, up: bool| {
        let product = u128::from(value) * u128::from(total);
        let supply = u128::from(supply);
        (if up { product.div_ceil(supply) } else { product / supply }) as u64
    };
    let fewer: Vec<Capacity> = columns
        .iter()
        .map(|column| match *column {
            Capacity::Range { lower, upper } => {
                Capacity::Range { lower: share(lower, false), upper: share(upper, true) }
            }
            Capacity::Penalty { target, tau } => {
                Capacity::Penalty { target: target * (total as f64 / supply as f64), tau }
            }
        })
        .collect();
    let start = estimate(&sample, &fewer, weights.as_deref(), total, n, scale);
    let mut network = Network::new(&sample, &fewer, weights.as_deref(), total, n, scale, start);
    network.run();
    network.potentials()
}

/// The number of rows, their supply, and the largest absolute cost.
fn check(costs: &[f64], columns: &[Capacity], supplies: Option<&[u32]>) -> Result<(usize, u64, f64), TransportError> {
    let k = columns.len();
    if k == 0 || k >= usize::from(u16::MAX) {
        let value = k as f64;
        return Err(TransportError::Parameter { name: "columns", expected: "from 1 to 65534", value });
    }
    let rows = supplies.map_or(costs.len() / k, <[u32]>::len);
    if costs.len() != rows * k {
        return Err(TransportError::Shape { name: "costs", expected: rows * k, found: costs.len() });
    }
    let Some(largest) = scan::largest(costs) else {
        let at =
            costs.iter().position(|cost| !cost.is_finite()).expect("the largest is missing only if one is not finite");
        return Err(TransportError::Cost { row: at / k, column: at % k, value: costs[at] });
    };
    if let Some(row) = supplies.and_then(|supplies| supplies.iter().position(|&s| s == 0)) {
        return Err(TransportError::Supply { row });
    }
    let supply = supplies.map_or(rows as u64, |supplies| supplies.iter().map(|&s| u64::from(s)).sum());
    let (mut low, mut high) = (0u64, 0u64);
    for (index, column) in columns.iter().enumerate() {
        match *column {
            Capacity::Range { lower, upper } if lower > upper => {
                return Err(TransportError::Range { column: index, lower, upper });
            }
            Capacity::Range { lower, upper } => {
                low = low.saturating_add(lower);
                high = high.saturating_add(upper);
            }
            Capacity::Penalty { target, tau } => {
                for (name, value) in [("target", target), ("tau", tau)] {
                    if !(value.is_finite() && value > 0.0) {
                        return Err(TransportError::Parameter { name, expected: "above 0 and finite", value });
                    }
                }
                high = u64::MAX;
            }
        }
    }
    if supply < low || supply > high {
        return Err(TransportError::Capacities { lower: low, upper: high, supply });
    }
    Ok((rows, supply, largest))
}

/// The power of two that brings the largest absolute cost (or price of a unit) to between 2^42 and 2^43 steps: sums of a few of
/// them stay exact in f64 and far from overflow in i64.
fn scale(mut largest: f64, columns: &[Capacity], supply: u64) -> f64 {
    for column in columns {
        if let Capacity::Penalty { target, tau } = *column {
            largest = largest.max(tau * crate::numerics::math::ln(0.25 / target).abs());
            largest = largest.max(tau * crate::numerics::math::ln((2 * supply + 1) as f64 / target).abs());
        }
    }
    let top = (1u64 << 43) as f64;
    let mut scale = 1.0f64;
    // Bounded, so that costs near the smallest float cannot drive the scale itself to infinity.
    for _ in 0..900 {
        if largest == 0.0 || largest * scale * 2.0 > top {
            break;
        }
        scale *= 2.0;
    }
    while largest * scale > top {
        scale *= 0.5;
    }
    scale
}

fn plan(network: Network<'_>, costs: &[f64], columns: &[Capacity], supplies: Option<&[u32]>) -> ExactPlan {
    let k = columns.len();
    let (potentials, mut assignment, mut parts) = network.into_parts();
    cancel_cycles(&mut parts, k);
    for (&row, row_parts) in &parts {
        let best = row_parts.iter().fold((0u16, 0u64), |best, &part| if part.1 > best.1 { part } else { best });
        assignment[row as usize] = best.0;
    }
    parts.retain(|_, row_parts| row_parts.len() > 1);
    let mut loads = vec![0u64; k];
    let mut rounded = 0.0;
    for (row, &column) in assignment.iter().enumerate() {
        let supply = supplies.map_or(1, |supplies| u64::from(supplies[row]));
        loads[usize::from(column)] += supply;
        rounded += supply as f64 * costs[row * k + usize::from(column)];
    }
    let mut exact_loads = loads.clone();
    let mut added = 0.0;
    let mut splits = Vec::new();
    for (&row, row_parts) in &parts {
        let own = usize::from(assignment[row as usize]);
        for &(column, amount) in row_parts {
            let at = usize::from(column);
            splits.push(Split { row, column, amount });
            added += amount as f64 * (costs[row as usize * k + own] - costs[row as usize * k + at]);
            exact_loads[own] -= amount;
            exact_loads[at] += amount;
        }
    }
    let mut rounding_excess = 0;
    let (mut price, mut rounded_price) = (0.0, 0.0);
    for ((column, &load), &exact_load) in columns.iter().zip(&loads).zip(&exact_loads) {
        if let Capacity::Range { lower, upper } = *column {
            rounding_excess = rounding_excess.max(load.saturating_sub(upper)).max(lower.saturating_sub(load));
        }
        price += column.price(exact_load);
        rounded_price += column.price(load);
    }
    ExactPlan {
        assignment,
        loads,
        splits,
        cost: rounded - added + price,
        rounding_cost: added + (rounded_price - price),
        rounding_excess,
        potentials,
    }
}
