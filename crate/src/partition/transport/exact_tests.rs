//! The exact solver against independent answers.

use proptest::prelude::*;

use super::*;
use crate::numerics::random::{Purpose, StreamKey, normal, unit};

fn gaussian_costs(rows: usize, k: usize, seed: u64) -> Vec<f64> {
    let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
    let mut draw = |n: usize| -> Vec<f64> { (0..n * 8).map(|_| normal(&mut rng)).collect() };
    let (points, centres) = (draw(rows), draw(k));
    let mut costs = Vec::new();
    for x in points.chunks(8) {
        costs.extend(centres.chunks(8).map(|c| x.iter().zip(c).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()));
    }
    costs
}

fn fixed(capacities: &[u64]) -> Vec<Capacity> {
    capacities.iter().map(|&c| Capacity::Range { lower: c, upper: c }).collect()
}

/// The least cost over all assignments of unit rows, penalties included, by trying them all.
fn brute_force(costs: &[f64], columns: &[Capacity]) -> f64 {
    let k = columns.len();
    let rows = costs.len() / k;
    let mut best = f64::INFINITY;
    for code in 0..k.pow(rows as u32) {
        let mut loads = vec![0u64; k];
        let (mut rest, mut cost) = (code, 0.0);
        for row in 0..rows {
            loads[rest % k] += 1;
            cost += costs[row * k + rest % k];
            rest /= k;
        }
        let fits = columns.iter().zip(&loads).all(|(column, load)| match column {
            Capacity::Range { lower, upper } => lower <= load && load <= upper,
            Capacity::Penalty { .. } => true,
        });
        if fits {
            best = best.min(cost + columns.iter().zip(&loads).map(|(c, &l)| midpoint_price(c, l)).sum::<f64>());
        }
    }
    best
}

/// The penalty as the solver prices it: tau times the sum of ln((l + 1/2) / target), up to a constant.
fn midpoint_price(column: &Capacity, load: u64) -> f64 {
    match *column {
        Capacity::Range { .. } => 0.0,
        Capacity::Penalty { target, tau } => {
            (0..load).map(|l| tau * crate::numerics::math::ln((l as f64 + 0.5) / target)).sum()
        }
    }
}

/// Every part of every row lies where cost - g is least; loads are within the ranges.
fn assert_optimal(costs: &[f64], columns: &[Capacity], supplies: Option<&[u32]>, plan: &ExactPlan) {
    let k = columns.len();
    let rows = costs.len() / k;
    let priced = |column: &Capacity| if let Capacity::Penalty { tau, .. } = *column { tau * 20.0 } else { 0.0 };
    let scale = costs.iter().copied().chain(columns.iter().map(priced)).fold(1e-300f64, |a, b| a.max(b.abs()));
    let mut loads = vec![0u64; k];
    for row in 0..rows {
        let supply = supplies.map_or(1, |s| u64::from(s[row]));
        let parts: Vec<(u16, u64)> =
            plan.splits.iter().filter(|s| s.row as usize == row).map(|s| (s.column, s.amount)).collect();
        let parts = if parts.is_empty() { vec![(plan.assignment[row], supply)] } else { parts };
        assert_eq!(parts.iter().map(|p| p.1).sum::<u64>(), supply, "row {row} is not placed whole");
        let reduced: Vec<f64> = (0..k).map(|j| costs[row * k + j] - plan.potentials[j]).collect();
        let least = reduced.iter().copied().fold(f64::INFINITY, f64::min);
        for (column, amount) in parts {
            loads[usize::from(column)] += amount;
            let slack = reduced[usize::from(column)] - least;
            assert!(slack <= scale * 1e-11, "row {row} in column {column}: slack {slack}");
        }
    }
    for (j, column) in columns.iter().enumerate() {
        let g = plan.potentials[j];
        match *column {
            Capacity::Range { lower, upper } => {
                assert!(lower <= loads[j] && loads[j] <= upper, "column {j}: {} not in {lower}..={upper}", loads[j]);
                if lower < upper {
                    assert!(loads[j] == lower || g <= scale * 1e-11, "column {j} above its floor has g {g}");
                    assert!(loads[j] == upper || g >= -scale * 1e-11, "column {j} below its cap has g {g}");
                }
            }
            Capacity::Penalty { target, tau } => {
                // -g lies between the prices of the last unit and of the next (of a block of units for weighted rows).
                let grain =
                    supplies.map_or(1, |s| (s.iter().map(|&s| u64::from(s)).sum::<u64>() / (k as u64 * 1024)).max(1));
                let price = |block: u64| tau * crate::numerics::math::ln((block as f64 + 0.5) * grain as f64 / target);
                let tolerance = scale * 1e-11 + tau * 1e-9;
                assert!(-g <= price(loads[j] / grain) + tolerance, "column {j}");
                assert!(loads[j] == 0 || -g >= price((loads[j] - 1) / grain) - tolerance, "column {j}");
            }
        }
    }
}

#[test]
fn gaussian_rows_are_placed_optimally_at_every_size() {
    for (rows, k) in [(10, 10), (11, 4), (1000, 7), (1500, 1), (5000, 10), (20_000, 3)] {
        let costs = gaussian_costs(rows, k, rows as u64);
        let columns = capacities(rows as u64, k);
        let plan = exact(&costs, &columns, None, None).unwrap();
        assert_optimal(&costs, &columns, None, &plan);
        assert!(plan.splits.is_empty());
        assert_eq!((plan.rounding_cost, plan.rounding_excess), (0.0, 0));
        let (least, most) = (plan.loads.iter().min().unwrap(), plan.loads.iter().max().unwrap());
        assert!(most - least <= 1, "{:?}", plan.loads);
    }
}

#[test]
fn structured_rows_fool_the_sample_but_not_the_result() {
    // Every eighth row, and only those, prefers column 0: the sample that prices are estimated from sees nothing else.
    let rows = 8192;
    let mut costs = Vec::new();
    let noise = gaussian_costs(rows, 3, 5);
    for row in 0..rows {
        for column in 0..3 {
            let liked = if row % 8 == 4 { column == 0 } else { column == 1 + row % 2 };
            costs.push(noise[row * 3 + column] * 0.01 + if liked { 0.0 } else { 10.0 });
        }
    }
    let columns = fixed(&[4000, 4000, 192]);
    let plan = exact(&costs, &columns, None, None).unwrap();
    assert_optimal(&costs, &columns, None, &plan);
}

#[test]
fn warm_potentials_change_no_assignment() {
    let costs = gaussian_costs(3000, 6, 9);
    let columns = capacities(3000, 6);
    let cold = exact(&costs, &columns, None, None).unwrap();
    for warm in [vec![0.0; 6], vec![1e9, -1e9, 0.0, 3.0, 2.0, f64::NAN], cold.potentials.clone()] {
        let plan = exact(&costs, &columns, None, Some(&warm)).unwrap();
        assert_optimal(&costs, &columns, None, &plan);
        assert_eq!(plan.assignment, cold.assignment);
    }
}

#[test]
fn weighted_rows_are_divided_at_most_k_minus_1_times() {
    let (rows, k) = (3000, 8);
    let mut rng = StreamKey::new(3, Purpose::Synthetic, 1, 0).stream();
    let supplies: Vec<u32> = (0..rows).map(|_| 1 + (300.0 * unit(&mut rng) * unit(&mut rng)) as u32).collect();
    let total = supplies.iter().map(|&s| u64::from(s)).sum();
    let costs = gaussian_costs(rows, k, 4);
    let tau = 3.0;
    for columns in [capacities(total, k), kl_columns(total, k, tau).unwrap()] {
        let plan = exact(&costs, &columns, Some(&supplies), None).unwrap();
        assert_optimal(&costs, &columns, Some(&supplies), &plan);
        let mut divided: Vec<u32> = plan.splits.iter().map(|s| s.row).collect();
        divided.dedup();
        assert!(divided.len() < k, "{divided:?}");
        assert!(plan.rounding_excess <= 300 * (k as u64 - 1));
    }
}

#[test]
fn equal_costs_are_decided_by_index_and_stay_a_vertex() {
    let supplies = vec![7u32; 30];
    let columns = fixed(&[70, 70, 70]);
    let plan = exact(&[1.0; 90], &columns, Some(&supplies), None).unwrap();
    assert_optimal(&[1.0; 90], &columns, Some(&supplies), &plan);
    assert_eq!(plan, exact(&[1.0; 90], &columns, Some(&supplies), None).unwrap());
    assert!(plan.splits.iter().map(|s| s.row).collect::<std::collections::BTreeSet<_>>().len() < 3);
    let plan = exact(&[0.0; 40], &capacities(10, 4), None, None).unwrap();
    assert!(plan.loads.iter().all(|load| (2..=3).contains(load)));
}

#[test]
fn what_has_no_answer_is_refused() {
    let code = |result: Result<ExactPlan, TransportError>| result.unwrap_err().code();
    assert_eq!(code(exact(&[1.0; 6], &fixed(&[1, 1]), None, None)), "transport.capacities");
    assert_eq!(code(exact(&[1.0; 6], &fixed(&[9, 9]), None, None)), "transport.capacities");
    assert_eq!(code(exact(&[1.0; 5], &fixed(&[1, 1]), None, None)), "transport.shape");
    assert_eq!(code(exact(&[1.0; 4], &fixed(&[1, 1]), Some(&[1, 1, 1]), None)), "transport.shape");
    assert_eq!(code(exact(&[1.0; 4], &fixed(&[1, 1]), None, Some(&[0.0]))), "transport.shape");
    assert_eq!(code(exact(&[1.0, f64::NAN], &fixed(&[1, 0]), None, None)), "transport.cost");
    assert_eq!(code(exact(&[1.0; 4], &fixed(&[1, 1]), Some(&[2, 0]), None)), "transport.supply");
    assert_eq!(code(exact(&[], &[], None, None)), "transport.parameter");
    let crossed = [Capacity::Range { lower: 3, upper: 2 }, Capacity::Range { lower: 0, upper: 9 }];
    assert_eq!(code(exact(&[1.0; 4], &crossed, None, None)), "transport.range");
    let free = [Capacity::Penalty { target: 1.0, tau: f64::INFINITY }; 2];
    assert_eq!(code(exact(&[1.0; 4], &free, None, None)), "transport.parameter");
    for tau in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(kl_columns(10, 2, tau).unwrap_err().code(), "transport.parameter");
    }
}

#[test]
fn penalties_run_from_nearest_to_balanced() {
    let costs = gaussian_costs(2000, 5, 8);
    let spread = |columns: &[Capacity]| {
        let plan = exact(&costs, columns, None, None).unwrap();
        assert_optimal(&costs, columns, None, &plan);
        plan.loads.iter().max().unwrap() - plan.loads.iter().min().unwrap()
    };
    let spreads: Vec<u64> =
        [1e-6, 1.0, 10.0, 100.0, 1e6].iter().map(|&tau| spread(&kl_columns(2000, 5, tau).unwrap())).collect();
    assert!(spreads.windows(2).all(|pair| pair[0] >= pair[1]), "{spreads:?}");
    assert!(spreads[0] > 100 && spreads[4] <= 1, "{spreads:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equals_brute_force(
        k in 1usize..4,
        // Few distinct values, so that ties are common.
        values in prop::collection::vec(-3i32..4, 21),
        weights in prop::collection::vec(0u64..4, 3),
        slack in 0u64..3,
        tau in prop::option::of(0.1f64..5.0),
    ) {
        let rows = 7;
        let costs: Vec<f64> = values[..rows * k].iter().map(|&v| f64::from(v) * 0.37).collect();
        let columns: Vec<Capacity> = match tau {
            Some(tau) => kl_columns(rows as u64, k, tau).unwrap(),
            None => {
                let mut lower: Vec<u64> = weights[..k].to_vec();
                while lower.iter().sum::<u64>() > rows as u64 {
                    let most = (0..k).max_by_key(|&j| lower[j]).unwrap();
                    lower[most] -= 1;
                }
                let mut upper: Vec<u64> = lower.iter().map(|l| l + slack).collect();
                upper[k - 1] += rows as u64;
                lower.iter().zip(&upper).map(|(&lower, &upper)| Capacity::Range { lower, upper }).collect()
            }
        };
        let plan = exact(&costs, &columns, None, None).unwrap();
        assert_optimal(&costs, &columns, None, &plan);
        let chosen: f64 = plan.assignment.iter().enumerate().map(|(i, &j)| costs[i * k + usize::from(j)]).sum::<f64>()
            + columns.iter().zip(&plan.loads).map(|(c, &l)| midpoint_price(c, l)).sum::<f64>();
        prop_assert!((chosen - brute_force(&costs, &columns)).abs() < 1e-9);
    }

    #[test]
    fn weighted_marginals_are_exact_and_slackness_holds(
        supplies in prop::collection::vec(1u32..20, 3..40),
        k in 1usize..6,
        seed in 0u64..1000,
    ) {
        let costs = gaussian_costs(supplies.len(), k, seed);
        let total: u64 = supplies.iter().map(|&s| u64::from(s)).sum();
        let columns = capacities(total, k);
        let plan = exact(&costs, &columns, Some(&supplies), None).unwrap();
        assert_optimal(&costs, &columns, Some(&supplies), &plan);
        let divided: std::collections::BTreeSet<u32> = plan.splits.iter().map(|s| s.row).collect();
        prop_assert!(divided.len() < k.max(1));
    }
}
