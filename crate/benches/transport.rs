//! Exact and entropic transport of gaussian rows (dimension 32) to K of them, the cost matrix given; and whole
//! clusterings of a million rows.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ultrare::Matrix;
use ultrare::partition::transport::{Entropic, capacities, entropic, exact, kl_columns, ladder};
use ultrare::partition::{Method, PartitionConfig, PartitionInput, clustering};
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

/// 6,040 users with 166 rows each (a million in all) over 3,700 items, all gaussian: five rounds of one start.
fn clusterings(criterion: &mut Criterion) {
    let (users, per_user, items) = (6_040u32, 166u32, 3_700u32);
    let mut rng = StreamKey::new(3, Purpose::Synthetic, 0, 0).fast();
    let mut gaussian = |rows: u32| {
        let data = (0..rows as usize * DIMENSION).map(|_| normal(&mut rng) as f32).collect();
        Matrix::from_vec(rows as usize, DIMENSION, data).unwrap_or_default()
    };
    let (user_vectors, item_vectors) = (gaussian(users), gaussian(items));
    let mut row_items = Vec::new();
    for _ in 0..users {
        let mut own: Vec<u32> = (0..per_user).map(|_| below(&mut rng, items)).collect();
        own.sort_unstable();
        row_items.extend(own);
    }
    let input = PartitionInput {
        users: user_vectors,
        items: item_vectors,
        user_keys: (0..u64::from(users)).map(|user| user.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect(),
        starts: (0..=users).map(|user| user * per_user).collect(),
        row_items,
        seed: 1,
        ..PartitionInput::default()
    };
    let mut group = criterion.benchmark_group("clustering");
    group.sample_size(10);
    for method in [Method::Obc, Method::Kmeans, Method::Ubp, Method::Ibp, Method::Inbp] {
        let config = PartitionConfig { method, restarts: 1, max_iterations: 5, ..PartitionConfig::default() };
        group.bench_function(format!("{method:?}"), |b| {
            b.iter(|| clustering(input.clone(), &config).ok().map(|clustering| clustering.finish()));
        });
    }
    group.finish();
}

criterion_group!(benches, transport, clusterings);
criterion_main!(benches);
