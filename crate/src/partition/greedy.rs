//! RecEraser's greedy assignment without sorting all pairs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Goes through all pairs of unit and shard by ascending (distance, unit, shard) and assigns each unit at its first
/// pair whose shard holds fewer than `capacity` units. Returns the shards and the sum of the assigned distances.
///
/// Only each unit's nearest pair is sorted (by radix, O(n)). A unit whose shard is full when its turn comes is put
/// back with its nearest shard that is not: shards never empty, so the pairs in between could not have been taken.
/// The result is that of sorting all n K pairs. `row` writes a unit's K distances (>= 0, finite). `capacity * shards`
/// must be at least `n`.
pub(super) fn greedy(n: usize, shards: usize, capacity: usize, row: impl Fn(usize, &mut [f32])) -> (Vec<u16>, f64) {
    let mut distances = vec![0.0f32; shards];
    let mut nearest = vec![0u16; n];
    let mut sorted: Vec<u64> = Vec::with_capacity(n);
    for (unit, nearest) in nearest.iter_mut().enumerate() {
        row(unit, &mut distances);
        let (shard, distance) = least(&distances, |_| true);
        *nearest = shard;
        sorted.push(u64::from(bits(distance)) << 32 | unit as u64);
    }
    radix_sort_by_high_half(&mut sorted);
    let mut loads = vec![0usize; shards];
    let mut put_back: BinaryHeap<Reverse<(u64, u16)>> = BinaryHeap::new();
    let mut sum = 0.0;
    let mut next = sorted.iter().copied().peekable();
    loop {
        let fresh = next.peek().map(|&key| (key, nearest[(key & 0xffff_ffff) as usize]));
        let (key, shard) = match (fresh, put_back.peek()) {
            (Some(fresh), Some(&Reverse(old))) if old < fresh => {
                put_back.pop();
                old
            }
            (Some(fresh), _) => {
                next.next();
                fresh
            }
            (None, Some(&Reverse(old))) => {
                put_back.pop();
                old
            }
            (None, None) => break,
        };
        let unit = (key & 0xffff_ffff) as usize;
        if loads[usize::from(shard)] < capacity {
            loads[usize::from(shard)] += 1;
            nearest[unit] = shard;
            sum += f64::from(f32::from_bits((key >> 32) as u32));
        } else {
            row(unit, &mut distances);
            let (shard, distance) = least(&distances, |shard| loads[shard] < capacity);
            put_back.push(Reverse((u64::from(bits(distance)) << 32 | unit as u64, shard)));
        }
    }
    (nearest, sum)
}

/// Bits that order like the value, for values >= 0.
fn bits(distance: f32) -> u32 {
    if distance > 0.0 { distance.to_bits() } else { 0 }
}

fn least(distances: &[f32], open: impl Fn(usize) -> bool) -> (u16, f32) {
    let mut best = (0u16, f32::INFINITY);
    for (shard, &distance) in distances.iter().enumerate() {
        // A product of two huge distances may overflow; the pair then is merely the last.
        let distance = if distance < f32::MAX { distance } else { f32::MAX };
        if distance < best.1 && open(shard) {
            best = (shard as u16, distance);
        }
    }
    best
}

/// Stable sort by the upper 32 bits, 11 at a time.
fn radix_sort_by_high_half(values: &mut Vec<u64>) {
    const BITS: u32 = 11;
    let mut other = vec![0u64; values.len()];
    for shift in [32, 32 + BITS, 32 + 2 * BITS] {
        let digit = |value: u64| ((value >> shift) & ((1 << BITS) - 1)) as usize;
        let mut places = [0usize; 1 << BITS];
        values.iter().for_each(|&value| places[digit(value)] += 1);
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for &value in values.iter() {
            let place = &mut places[digit(value)];
            other[*place] = value;
            *place += 1;
        }
        std::mem::swap(values, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The algorithm as the paper writes it.
    fn by_sorting_all_pairs(distances: &[f32], shards: usize, capacity: usize) -> (Vec<u16>, f64) {
        let n = distances.len() / shards;
        let mut pairs: Vec<(f32, usize, usize)> =
            (0..n * shards).map(|at| (distances[at], at / shards, at % shards)).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut shard_of = vec![u16::MAX; n];
        let mut loads = vec![0; shards];
        let mut sum = 0.0;
        for (distance, unit, shard) in pairs {
            if shard_of[unit] == u16::MAX && loads[shard] < capacity {
                shard_of[unit] = shard as u16;
                loads[shard] += 1;
                sum += f64::from(distance);
            }
        }
        (shard_of, sum)
    }

    proptest! {
        #[test]
        fn equals_sorting_all_pairs(
            values in prop::collection::vec(0u32..30, 1..120),
            shards in 1usize..6,
            spare in 0usize..3,
        ) {
            let n = values.len().div_ceil(shards);
            let mut distances: Vec<f32> = values.iter().map(|&v| v as f32 * 0.3).collect();
            distances.resize(n * shards, 1.0);
            let capacity = n.div_ceil(shards) + spare;
            let row = |unit: usize, out: &mut [f32]| out.copy_from_slice(&distances[unit * shards..(unit + 1) * shards]);
            let expected = by_sorting_all_pairs(&distances, shards, capacity);
            let found = greedy(n, shards, capacity, row);
            prop_assert_eq!(&found.0, &expected.0);
            prop_assert!((found.1 - expected.1).abs() < 1e-9);
        }
    }

    #[test]
    fn the_radix_sort_is_stable() {
        let keys = [3.0f32, 0.0, 7.5e8, 3.0, 1e-20, 2.5, 0.0];
        let mut values: Vec<u64> = keys.iter().enumerate().map(|(i, &k)| u64::from(bits(k)) << 32 | i as u64).collect();
        let mut expected = values.clone();
        expected.sort_unstable();
        radix_sort_by_high_half(&mut values);
        assert_eq!(values, expected);
    }
}
