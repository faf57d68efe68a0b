//! Generated sets of rows: nobody's data, over the range that people's data has.

use std::collections::BTreeSet;

use rand::Rng;
use ultrare::numerics::math;
use ultrare::numerics::random::{Purpose, StreamKey, below, normal, unit};

use crate::pairs::Pairs;

/// What a set is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub name: &'static str,
    pub users: u32,
    pub items: u32,
    /// Distinct pairs, about.
    pub rows: u32,
    /// Taste groups of items; 1: nothing but popularity can be learned.
    pub groups: u32,
    /// Groups that one user draws from, about.
    pub tastes: f64,
    /// Exponent of the popularity inside a group and of the groups' sizes: 0 flat, above 1 steep.
    pub steep: f64,
    /// Share of rows that follow overall popularity whatever the taste.
    pub noise: f64,
}

const fn shape(
    name: &'static str,
    (users, items, rows): (u32, u32, u32),
    (groups, tastes): (u32, f64),
    steep: f64,
    noise: f64,
) -> Shape {
    Shape { name, users, items, rows, groups, tastes, steep, noise }
}

/// The range: density 1e-4 to .2, 100 to 200,000 items, flat to steep, with and without taste groups.
pub const SETS: [Shape; 12] = [
    shape("dense", (300, 100, 6_000), (6, 2.0), 0.6, 0.2),
    shape("films", (950, 1_350, 80_000), (40, 5.0), 0.8, 0.3),
    shape("films-large", (3_000, 2_500, 240_000), (60, 6.0), 0.8, 0.3),
    shape("artists", (1_900, 4_500, 42_000), (150, 3.0), 0.8, 0.15),
    shape("places", (6_000, 8_000, 160_000), (200, 4.0), 0.7, 0.2),
    shape("wide", (22_878, 115_082, 200_000), (1_500, 2.0), 0.9, 0.3),
    shape("flat", (2_000, 2_000, 60_000), (30, 3.0), 0.1, 0.2),
    shape("popular", (2_000, 3_000, 60_000), (1, 1.0), 1.1, 0.0),
    shape("few-people", (400, 15_000, 50_000), (100, 8.0), 0.9, 0.2),
    shape("few-items", (12_000, 200, 150_000), (8, 2.0), 0.7, 0.3),
    shape("short", (10_000, 3_000, 65_000), (50, 1.5), 0.9, 0.25),
    shape("vast", (8_000, 200_000, 160_000), (1_000, 3.0), 0.8, 0.2),
];

/// Makes a set. Every item belongs to one group; a user has a few groups, with unequal shares, and draws from these by the
/// popularity inside them.
pub fn generate(shape: &Shape, seed: u64) -> Pairs {
    let mut rng = StreamKey::new(seed, Purpose::Synthetic, shape.users, shape.items).fast();
    let rng = &mut rng;
    let groups = shape.groups as usize;
    // Large groups and small ones; ids say nothing about either.
    let sizes: Vec<f64> = (0..groups).map(|rank| power(rank, 0.5 * shape.steep)).collect();
    let sizes = running(&sizes);
    let mut shelves = vec![Vec::new(); groups];
    for item in 0..shape.items {
        shelves[draw(rng, &sizes)].push(item);
    }
    shelves.retain(|shelf| !shelf.is_empty());
    let weights = |shelf: &Vec<u32>| (0..shelf.len()).map(|rank| power(rank + 1, shape.steep)).collect::<Vec<f64>>();
    let inside: Vec<Vec<f64>> = shelves.iter().map(|shelf| running(&weights(shelf))).collect();
    let of_groups = running(&inside.iter().map(|sums| *sums.last().expect("no shelf is empty")).collect::<Vec<f64>>());
    let activity: Vec<f64> = (0..shape.users).map(|_| math::exp(0.9 * normal(rng))).collect();
    let total: f64 = activity.iter().sum();
    let mut pairs = Vec::with_capacity(shape.rows as usize);
    for (user, activity) in activity.iter().enumerate() {
        let wanted = ((activity / total * f64::from(shape.rows)).round() as usize).clamp(3, shape.items as usize / 2);
        // A few groups with geometric shares.
        let n = 1 + (shape.tastes * 2.0 * unit(rng)) as usize;
        let tastes: Vec<usize> = (0..n).map(|_| draw(rng, &of_groups)).collect();
        let shares = running(&(0..n).map(|rank| power(rank, 1.0)).collect::<Vec<f64>>());
        let mut basket = BTreeSet::new();
        for _ in 0..wanted * 6 {
            if basket.len() == wanted {
                break;
            }
            let group = if unit(rng) < shape.noise { draw(rng, &of_groups) } else { tastes[draw(rng, &shares)] };
            basket.insert(shelves[group][draw(rng, &inside[group])]);
        }
        while basket.len() < 3 {
            basket.insert(below(rng, shape.items));
        }
        pairs.extend(basket.into_iter().map(|item| (user as u32, item)));
    }
    pairs
}

fn power(rank: usize, exponent: f64) -> f64 {
    math::exp(-exponent * math::ln(rank as f64 + 1.0))
}

fn running(weights: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect()
}

fn draw(rng: &mut impl Rng, sums: &[f64]) -> usize {
    let at = unit(rng) * sums.last().expect("there is something to draw");
    sums.partition_point(|&sum| sum <= at).min(sums.len() - 1)
}
