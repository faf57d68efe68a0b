//! Exact and entropic transport of gaussian rows (dimension 32) to K of them; the cost matrix is given.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ultrare::partition::transport::{Entropic, capacities, entropic, exact, kl_columns, ladder};
use ultrare::random::{Purpose, StreamKey, below, normal};

const DIMENSION: usize = 32;

/// Squared distances of `rows` gaussian rows to the first `k` of them.
fn costs(rows: usize, k: usize) -> Vec<f64> {
    let mut rng = StreamKey::new(1, Purpose::Synthetic, 0, 0).stream();
    let points: Vec<f64> = (0..rows * DIMENSION).map(|_| normal(&mut rng)).collect();
    let mut costs = Vec::with_capacity(rows * k);
    for x in points.chunks_exact(DIMENSION) {
        for c in points.chunks_exact(DIMENSION).take(k) {
            costs.push(x.iter().zip(c).map(|(a, b)| (a - b) * (a - b)).sum());
        }
    }
    costs
}

fn transport(criterion: &mut Criterion) {
    let sizes = [(6_040, 10), (22_878, 10), (100_000, 16), (400_000, 16)];
    let mut group = criterion.benchmark_group("transport");
    group.sample_size(10);
    for (rows, k) in sizes {
        let costs = costs(rows, k);
        let columns = capacities(rows as u64, k);
        let id = |name: &str| BenchmarkId::new(name, format!("{rows}x{k}"));
        group.bench_function(id("exact"), |b| b.iter(|| exact(black_box(&costs), &columns, None, None)));
        if rows > 100_000 {
            continue;
        }
        let kl = kl_columns(rows as u64, k, 10.0).ok().unwrap_or_default();
        group.bench_function(id("unbalanced"), |b| b.iter(|| exact(black_box(&costs), &kl, None, None)));
        let mut rng = StreamKey::new(2, Purpose::Synthetic, 0, 0).fast();
        let supplies: Vec<u32> = (0..rows).map(|_| 1 + below(&mut rng, 200)).collect();
        let total = supplies.iter().map(|&s| u64::from(s)).sum();
        let weighted = capacities(total, k);
        group.bench_function(id("weighted"), |b| {
            b.iter(|| exact(black_box(&costs), &weighted, Some(&supplies), None));
        });
        // Annealed from the mean cost to a two-hundredth of it, as the clustering does.
        let targets = vec![rows as f64 / k as f64; k];
        let mean = costs.iter().sum::<f64>() / costs.len() as f64;
        group.bench_function(id("entropic"), |b| {
            b.iter(|| {
                let mut prices: Option<Vec<f64>> = None;
                for epsilon in ladder(mean, 0.005 * mean) {
                    let problem = Entropic {
                        costs: black_box(&costs),
                        targets: &targets,
                        supplies: None,
                        tau: None,
                        epsilon,
                        tolerance: 1e-6,
                        max_sweeps: 200,
                    };
                    prices = entropic(&problem, prices.as_deref()).ok().map(|plan| plan.potentials);
                }
                prices
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transport);
criterion_main!(benches);
