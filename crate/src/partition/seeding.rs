//! First centres.

use super::vectors::Points;
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, unit};

/// Users in the order of their keys: what is drawn by position must not depend on how users are numbered.
pub(super) fn keyed_order(keys: &[u64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    tiny_sort::unstable::sort_by_key(&mut order, |&index| (keys[index as usize], index));
    order
}

/// k-means++ (Arthur and Vassilvitskii 2007): each next centre is a point drawn with probability proportional to its
/// weight times its squared distance to the nearest centre so far. Points are visited in `order`. Where all distances
/// are 0 (identical points), the next point in `order` that is no centre yet is taken, so K points give K centres.
pub(super) fn plus_plus(
    points: &Points,
    weights: &[u32],
    order: &[u32],
    shards: usize,
    seed: u64,
    restart: u32,
) -> Matrix {
    let mut rng = StreamKey::new(seed, Purpose::Centroids, 0, restart).stream();
    let mut centres = Matrix::zeros(shards, points.dimension());
    let mut nearest = vec![f64::INFINITY; points.len()];
    let mut chosen = vec![false; points.len()];
    for centre in 0..shards {
        let mass = |index: u32, nearest: &[f64]| {
            let weight = f64::from(weights[index as usize]);
            if centre == 0 { weight } else { weight * nearest[index as usize] }
        };
        let total: f64 = order.iter().map(|&index| mass(index, &nearest)).sum();
        let mut left = unit(&mut rng) * total;
        let mut pick = None;
        if total > 0.0 {
            for &index in order {
                let mass = mass(index, &nearest);
                if mass > 0.0 {
                    pick = Some(index);
                    left -= mass;
                    if left < 0.0 {
                        break;
                    }
                }
            }
        }
        let fallback = || order.iter().copied().find(|&index| !chosen[index as usize]);
        let Some(pick) = pick.or_else(fallback) else { break };
        chosen[pick as usize] = true;
        centres.row_mut(centre).copy_from_slice(points.row(pick as usize));
        points.lower_to(pick as usize, &mut nearest);
    }
    centres
}
