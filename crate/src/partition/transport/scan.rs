//! Passes over all costs, in lanes: what the exact solver does once per row, and most of its time.
//!
//! Plain comparisons throughout: `f64::max` and `min` are calls in wasm, and a loop with a call is no SIMD loop.

const LANES: usize = 4;

/// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer in plain arithmetic, alike everywhere.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// A cost in whole steps.
#[inline]
pub(super) fn steps(cost: f64, scale: f64) -> f64 {
    (cost * scale + ROUND) - ROUND
}

/// The largest absolute value; `None` if one is not finite.
pub(super) fn largest(values: &[f64]) -> Option<f64> {
    let (mut most, mut finite) = ([0.0f64; LANES], [true; LANES]);
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane].abs();
            finite[lane] &= value <= f64::MAX;
            most[lane] = if value > most[lane] { value } else { most[lane] };
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        let value = value.abs();
        finite[lane] &= value <= f64::MAX;
        most[lane] = if value > most[lane] { value } else { most[lane] };
    }
    finite.iter().all(|&finite| finite).then(|| most.into_iter().fold(0.0, |a, b| if b > a { b } else { a }))
}

/// Where cost - g is least, in steps; the lowest of equals. As many `g` as `costs`, at least one.
#[inline]
pub(super) fn cheapest(costs: &[f64], g: &[f64], scale: f64) -> usize {
    let (mut least, mut at) = ([f64::INFINITY; LANES], [0u64; LANES]);
    let (mut full, mut prices) = (costs.chunks_exact(LANES), g.chunks_exact(LANES));
    let mut group = 0;
    for (costs, g) in full.by_ref().zip(prices.by_ref()) {
        for lane in 0..LANES {
            let value = steps(costs[lane], scale) - g[lane];
            let lower = value < least[lane];
            least[lane] = if lower { value } else { least[lane] };
            at[lane] = if lower { group } else { at[lane] };
        }
        group += 1;
    }
    for (lane, (&cost, &g)) in full.remainder().iter().zip(prices.remainder()).enumerate() {
        let value = steps(cost, scale) - g;
        if value < least[lane] {
            (least[lane], at[lane]) = (value, group);
        }
    }
    let column = |lane: usize| at[lane] as usize * LANES + lane;
    let mut best = 0;
    for lane in 1..LANES {
        if least[lane] < least[best] || (least[lane] == least[best] && column(lane) < column(best)) {
            best = lane;
        }
    }
    column(best)
}

/// In how many columns cost - g, in steps, is at most `bound`.
#[inline]
pub(super) fn within(costs: &[f64], g: &[f64], scale: f64, bound: f64) -> u64 {
    let mut counts = [0u64; LANES];
    let (mut full, mut prices) = (costs.chunks_exact(LANES), g.chunks_exact(LANES));
    for (costs, g) in full.by_ref().zip(prices.by_ref()) {
        for lane in 0..LANES {
            counts[lane] += u64::from(steps(costs[lane], scale) - g[lane] <= bound);
        }
    }
    for (lane, (&cost, &g)) in full.remainder().iter().zip(prices.remainder()).enumerate() {
        counts[lane] += u64::from(steps(cost, scale) - g <= bound);
    }
    counts.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lanes_agree_with_plain_loops(
            pairs in proptest::collection::vec((-4i32..4, -3i32..3), 1..20), bound in -6i32..6,
        ) {
            let costs: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
            let g: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1) * 2.0).collect();
            let values: Vec<f64> = costs.iter().zip(&g).map(|(cost, g)| cost * 2.0 - g).collect();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert_eq!(cheapest(&costs, &g, 2.0), values.iter().position(|&value| value == least).unwrap());
            let bound = f64::from(bound);
            prop_assert_eq!(within(&costs, &g, 2.0, bound), values.iter().filter(|&&value| value <= bound).count() as u64);
            prop_assert_eq!(largest(&costs), Some(costs.iter().fold(0.0, |most: f64, cost| most.max(cost.abs()))));
            for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                for at in 0..costs.len() {
                    let mut costs = costs.clone();
                    costs[at] = wrong;
                    prop_assert_eq!(largest(&costs), None);
                }
            }
        }
    }
}
