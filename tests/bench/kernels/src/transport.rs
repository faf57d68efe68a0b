//! Transport of gaussian rows (dimension 32) to K of them, the cost matrix given; and whole clusterings.

use ultrare::Matrix;
use ultrare::numerics::random::{Purpose, StreamKey, below, normal};
use ultrare::partition::transport::{
    Capacity, Entropic, EntropicPlan, capacities, entropic, exact, kl_columns, ladder,
};
use ultrare::partition::{Division, Method, PartitionConfig, PartitionInput, clustering};

use crate::{Case, Outcome, Run, hash};

const DIMENSION: usize = 32;

/// Exact at growing sizes (time should grow about as the size does), then what else the inner problem can be.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("exact 6040x10", || transport(6_040, 10, capacities)).native(0.015).wasm(0.0195),
        Case::new("exact 22878x10", || transport(22_878, 10, capacities)).native(0.120).wasm(0.156),
        Case::new("exact 50000x16", || transport(50_000, 16, capacities)),
        Case::new("exact 100000x16", || transport(100_000, 16, capacities)).native(1.0).wasm(1.3),
        Case::new("exact 200000x16", || transport(200_000, 16, capacities)),
        Case::new("exact 400000x16", || transport(400_000, 16, capacities)),
        Case::new("kl 100000x16", || transport(100_000, 16, penalties)),
        Case::new("weighted 100000x16", || weighted(100_000, 16)),
        Case::new("entropic 6040x10", || smoothed(6_040, 10)),
        Case::new("entropic 100000x16", || smoothed(100_000, 16)),
        Case::new("obc 6040 users K 10", || clustered(Method::Obc)),
        Case::new("kmeans 6040 users K 10", || clustered(Method::Kmeans)),
        Case::new("ubp 6040 users K 10", || clustered(Method::Ubp)),
        Case::new("ibp 6040 users K 10", || clustered(Method::Ibp)),
        Case::new("inbp 1002640 rows K 10", || clustered(Method::Inbp)),
    ]
}

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

fn penalties(supply: u64, k: usize) -> Vec<Capacity> {
    kl_columns(supply, k, 10.0).unwrap_or_default()
}

fn transport(rows: usize, k: usize, columns: fn(u64, usize) -> Vec<Capacity>) -> Run {
    let (costs, columns) = (costs(rows, k), columns(rows as u64, k));
    Box::new(move || solved(&costs, &columns, None))
}

/// Rows of 1 to 200 units, as users weigh by their interactions.
fn weighted(rows: usize, k: usize) -> Run {
    let mut rng = StreamKey::new(2, Purpose::Synthetic, 0, 0).fast();
    let supplies: Vec<u32> = (0..rows).map(|_| 1 + below(&mut rng, 200)).collect();
    let columns = capacities(supplies.iter().map(|&supply| u64::from(supply)).sum(), k);
    let costs = costs(rows, k);
    Box::new(move || solved(&costs, &columns, Some(&supplies)))
}

fn solved(costs: &[f64], columns: &[Capacity], supplies: Option<&[u32]>) -> Outcome {
    let rows = costs.len() / columns.len();
    match exact(costs, columns, supplies, None) {
        Ok(plan) => Outcome {
            checksum: hash(
                plan.assignment.iter().map(|&j| u64::from(j)).chain(plan.potentials.iter().map(|g| g.to_bits())),
            ),
            quality: plan.cost / rows as f64,
            units: rows as f64,
        },
        Err(_) => failed(),
    }
}

/// Annealed from the mean cost to a two-hundredth of it, as the clustering does.
fn smoothed(rows: usize, k: usize) -> Run {
    let costs = costs(rows, k);
    Box::new(move || {
        let targets = vec![rows as f64 / k as f64; k];
        let mean = costs.iter().sum::<f64>() / costs.len() as f64;
        let mut last: Option<EntropicPlan> = None;
        for epsilon in ladder(mean, 0.005 * mean) {
            let (tolerance, max_sweeps) = (1e-6, 200);
            let problem = Entropic {
                costs: &costs,
                targets: &targets,
                supplies: None,
                tau: None,
                epsilon,
                tolerance,
                max_sweeps,
            };
            let Ok(plan) = entropic(&problem, last.as_ref().map(|plan| &plan.potentials[..])) else { return failed() };
            last = Some(plan);
        }
        let Some(plan) = last else { return failed() };
        let words = plan.assignment.iter().map(|&j| u64::from(j)).chain(plan.potentials.iter().map(|g| g.to_bits()));
        Outcome { checksum: hash(words), quality: plan.cost / rows as f64, units: rows as f64 }
    })
}

/// 6,040 users with 166 rows each (a million in all) over 3,700 items, all gaussian: five rounds of one start.
fn clustered(method: Method) -> Run {
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
    let config = PartitionConfig { method, restarts: 1, max_iterations: 5, ..PartitionConfig::default() }.own_knobs();
    Box::new(move || match clustering(input, &config) {
        Ok(clustering) => {
            let partition = clustering.finish();
            let (Division::ByUser(shards) | Division::ByRow(shards)) = &partition.assignment;
            let checksum = hash(shards.iter().map(|&shard| u64::from(shard)));
            Outcome { checksum, quality: partition.within_ss, units: shards.len() as f64 }
        }
        Err(_) => failed(),
    })
}

/// A case whose input is refused: a checksum of 0, which no benchmark accepts.
fn failed() -> Outcome {
    Outcome { checksum: 0, quality: f64::NAN, units: 0.0 }
}
