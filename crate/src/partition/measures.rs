//! What a partition is judged by.

use super::transport::{capacities, exact};
use super::vectors::{Points, squared_distance};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, below};

/// Users and training rows per shard, for an assignment of users.
pub(crate) fn user_sizes(shard_of: &[u16], starts: &[u32], shards: u32) -> (Vec<u32>, Vec<u32>) {
    let mut users = vec![0; shards as usize];
    let mut rows = vec![0; shards as usize];
    for (&shard, pair) in shard_of.iter().zip(starts.windows(2)) {
        users[usize::from(shard)] += 1;
        rows[usize::from(shard)] += pair[1] - pair[0];
    }
    (users, rows)
}

/// Users and training rows per shard, for an assignment of rows; a user counts in each shard that holds a row.
pub(crate) fn row_sizes(shard_of: &[u16], starts: &[u32], shards: u32) -> (Vec<u32>, Vec<u32>) {
    let mut users = vec![0; shards as usize];
    let mut rows = vec![0; shards as usize];
    each_user(shard_of, starts, shards, |_, own| {
        for &(shard, count) in own {
            users[usize::from(shard)] += 1;
            rows[usize::from(shard)] += count;
        }
    });
    (users, rows)
}

/// For each user the shard with most of the user's rows, the lowest of equals (0 without rows).
pub(crate) fn majority(shard_of: &[u16], starts: &[u32], shards: u32) -> Vec<u16> {
    let mut of_user = Vec::with_capacity(starts.len().saturating_sub(1));
    each_user(shard_of, starts, shards, |_, own| {
        of_user.push(own.iter().fold((0, 0), |best, &part| if part.1 > best.1 { part } else { best }).0);
    });
    of_user
}

/// Calls back with (user, [(shard, rows there)] ascending) for every user.
fn each_user(shard_of: &[u16], starts: &[u32], shards: u32, mut visit: impl FnMut(usize, &[(u16, u32)])) {
    let mut counts = vec![0u32; shards as usize];
    let mut own: Vec<(u16, u32)> = Vec::new();
    for (user, pair) in starts.windows(2).enumerate() {
        let rows = &shard_of[pair[0] as usize..pair[1] as usize];
        own.clear();
        for &shard in rows {
            counts[usize::from(shard)] += 1;
            if counts[usize::from(shard)] == 1 {
                own.push((shard, 0));
            }
        }
        tiny_sort::unstable::sort(&mut own);
        for part in &mut own {
            part.1 = std::mem::take(&mut counts[usize::from(part.0)]);
        }
        visit(user, &own);
    }
}

/// Within-cluster sum of squares where a user is in several shards: each shard has the share of the user that it has
/// of the user's rows.
pub(super) fn shares_within_ss(points: &Points, shard_of: &[u16], starts: &[u32], shards: usize) -> f64 {
    let d = points.dimension();
    let mut sums = vec![0.0f64; shards * d];
    let mut totals = vec![0.0f64; shards];
    let share = |part: &(u16, u32), user: usize| f64::from(part.1) / f64::from(starts[user + 1] - starts[user]);
    each_user(shard_of, starts, shards as u32, |user, own| {
        for part in own {
            let (shard, share) = (usize::from(part.0), share(part, user));
            totals[shard] += share;
            for (sum, &x) in sums[shard * d..(shard + 1) * d].iter_mut().zip(points.row(user)) {
                *sum += share * f64::from(x);
            }
        }
    });
    let means: Vec<f32> = sums.iter().enumerate().map(|(at, sum)| (sum / totals[at / d].max(1e-300)) as f32).collect();
    let mut within = 0.0;
    each_user(shard_of, starts, shards as u32, |user, own| {
        for part in own {
            let shard = usize::from(part.0);
            within += share(part, user) * squared_distance(points.row(user), &means[shard * d..(shard + 1) * d]);
        }
    });
    within
}

/// The largest value over the smallest: how unequal the shards' work is. Infinite if a shard is empty and another is
/// not, 1 if all are empty or there is none.
pub fn work_ratio(rows_per_shard: &[u32]) -> f64 {
    let most = rows_per_shard.iter().max().copied().unwrap_or(0);
    let least = rows_per_shard.iter().min().copied().unwrap_or(0);
    match (most, least) {
        (0, _) => 1.0,
        (_, 0) => f64::INFINITY,
        _ => f64::from(most) / f64::from(least),
    }
}

/// Sum over users of the squared distance to the mean of the user's shard.
pub fn within_ss(users: &Matrix, unit: bool, shard_of: &[u16], shards: u32) -> f64 {
    Points::new(users, unit).within_ss(shard_of, shards as usize)
}

/// Mean silhouette (Rousseeuw 1987) over a sample of users, with Euclidean distances within the sample: near 1 where
/// users are much nearer to their own shard than to the next, 0 on a border, negative if misplaced. A user alone in a
/// shard counts 0; 0 if fewer than two shards occur. O(sample^2 d).
pub fn silhouette(users: &Matrix, unit: bool, shard_of: &[u16], shards: u32, sample: usize, seed: u64) -> f64 {
    let points = Points::new(users, unit);
    let mut chosen: Vec<usize> = (0..points.len()).collect();
    if sample < chosen.len() {
        let mut rng = StreamKey::new(seed, Purpose::Silhouette, 0, 0).stream();
        for place in 0..sample {
            let other = place + below(&mut rng, (chosen.len() - place) as u32) as usize;
            chosen.swap(place, other);
        }
        chosen.truncate(sample);
        tiny_sort::unstable::sort(&mut chosen);
    }
    let mut counts = vec![0u32; shards as usize];
    chosen.iter().for_each(|&user| counts[usize::from(shard_of[user])] += 1);
    if chosen.is_empty() || counts.iter().filter(|&&count| count > 0).count() < 2 {
        return 0.0;
    }
    let mut total = 0.0;
    let mut sums = vec![0.0f64; shards as usize];
    for &user in &chosen {
        sums.fill(0.0);
        for &other in &chosen {
            sums[usize::from(shard_of[other])] += points.distance(user, other).sqrt();
        }
        let own = usize::from(shard_of[user]);
        if counts[own] < 2 {
            continue;
        }
        let inside = sums[own] / f64::from(counts[own] - 1);
        let mean = |shard: usize| sums[shard] / f64::from(counts[shard]);
        let others = (0..sums.len()).filter(|&shard| shard != own && counts[shard] > 0);
        let outside = others.map(mean).fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        total += if larger > 0.0 { (outside - inside) / larger } else { 0.0 };
    }
    total / chosen.len() as f64
}

/// How many units of each group are in each shard, shards x groups.
fn contingency(shard_of: &[u16], group_of: &[u16]) -> (Vec<u64>, usize) {
    let size = |values: &[u16]| values.iter().max().map_or(0, |&most| usize::from(most) + 1);
    let (shards, groups) = (size(shard_of), size(group_of));
    let mut counts = vec![0u64; shards * groups];
    for (&shard, &group) in shard_of.iter().zip(group_of) {
        counts[usize::from(shard) * groups + usize::from(group)] += 1;
    }
    (counts, groups)
}

/// The share of units that belong to the most frequent group of their shard: 1 if no shard mixes groups. 1 for nobody.
pub fn purity(shard_of: &[u16], group_of: &[u16]) -> f64 {
    let (counts, groups) = contingency(shard_of, group_of);
    if counts.is_empty() {
        return 1.0;
    }
    let kept: u64 = counts.chunks_exact(groups).map(|shard| shard.iter().max().copied().unwrap_or(0)).sum();
    kept as f64 / shard_of.len().min(group_of.len()) as f64
}

/// Agreement of two divisions beyond chance (Hubert and Arabie 1985): 1 if they are the same up to names, about 0 if
/// independent. 1 where both are trivial in the same way.
pub fn adjusted_rand_index(one: &[u16], other: &[u16]) -> f64 {
    let (counts, groups) = contingency(one, other);
    if counts.is_empty() {
        return 1.0;
    }
    let pairs = |count: u64| (count * count.saturating_sub(1) / 2) as f64;
    let total = pairs(one.len().min(other.len()) as u64);
    let both: f64 = counts.iter().map(|&count| pairs(count)).sum();
    let rows: f64 = counts.chunks_exact(groups).map(|row| pairs(row.iter().sum())).sum();
    let columns: f64 = (0..groups).map(|g| pairs(counts.iter().skip(g).step_by(groups).sum())).sum();
    let expected = if total > 0.0 { rows * columns / total } else { 0.0 };
    let most = 0.5 * (rows + columns);
    if most == expected { 1.0 } else { (both - expected) / (most - expected) }
}

/// The name among the old shards that each new one gets, so that the most memberships agree (an assignment problem, solved
/// exactly; ties by number). `pairs` are (old, new) memberships of the same user or row, below `shards`.
pub(crate) fn best_names(pairs: impl Iterator<Item = (u16, u16)>, shards: u32) -> Vec<u16> {
    let k = shards as usize;
    let mut costs = vec![0.0f64; k * k];
    for (old, new) in pairs {
        costs[usize::from(new) * k + usize::from(old)] -= 1.0;
    }
    let identity = || (0..shards as u16).collect();
    exact(&costs, &capacities(k as u64, k), None, None).map_or_else(|_| identity(), |plan| plan.assignment)
}

/// Two bytes per shard number, little-endian.
pub(super) fn user_bytes(shard_of: &[u16]) -> Vec<u8> {
    shard_of.iter().flat_map(|shard| shard.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_divided_users() {
        // Users with 3, 0 and 2 rows.
        let (starts, shard_of) = ([0, 3, 3, 5], [2, 0, 2, 1, 0]);
        assert_eq!(row_sizes(&shard_of, &starts, 3), (vec![2, 1, 1], vec![2, 1, 2]));
        assert_eq!(majority(&shard_of, &starts, 3), [2, 0, 0]);
        assert_eq!(user_sizes(&[1, 1, 0], &starts, 3), (vec![1, 2, 0], vec![2, 3, 0]));
        assert_eq!(work_ratio(&[2, 4, 8]), 4.0);
        assert_eq!((work_ratio(&[0, 3]), work_ratio(&[]), work_ratio(&[0, 0])), (f64::INFINITY, 1.0, 1.0));
    }

    #[test]
    fn whole_users_are_the_special_case_of_shares() {
        let users = Matrix::from_vec(4, 2, vec![0.0, 1.0, 2.0, 3.0, 5.0, 1.0, 0.5, 0.5]).unwrap();
        let points = Points::new(&users, false);
        let starts = [0, 2, 3, 6, 7];
        let whole = points.within_ss(&[0, 1, 1, 0], 2);
        let shares = shares_within_ss(&points, &[0, 0, 1, 1, 1, 1, 0], &starts, 2);
        assert!((whole - shares).abs() < 1e-6, "{whole} {shares}");
        // By hand: means (0.25, 0.75) and (3.5, 2).
        assert!((whole - (2.0 * 0.125 + 2.0 * (2.25 + 1.0))).abs() < 1e-6, "{whole}");
    }

    #[test]
    fn silhouette_by_hand() {
        let users = Matrix::from_vec(4, 1, vec![0.0, 1.0, 10.0, 12.0]).unwrap();
        // (11 - 1) / 11, (10 - 1) / 10, (9.5 - 2) / 9.5, (11.5 - 2) / 11.5
        let expected = (10.0 / 11.0 + 0.9 + 7.5 / 9.5 + 9.5 / 11.5) / 4.0;
        let found = silhouette(&users, false, &[0, 0, 1, 1], 2, 100, 1);
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        assert_eq!(silhouette(&users, false, &[0, 0, 0, 0], 2, 100, 1), 0.0);
        assert!(silhouette(&users, false, &[0, 1, 0, 1], 2, 100, 1) < 0.0);
        let sampled = silhouette(&users, false, &[0, 0, 1, 1], 2, 3, 1);
        assert!(sampled.is_finite() && sampled > 0.0);
    }

    #[test]
    fn purity_and_rand_index_by_hand() {
        let (shards, groups) = ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1]);
        assert!((purity(&shards, &groups) - 5.0 / 6.0).abs() < 1e-12);
        // both = 1 + 0 + 3 = 4; rows = 6; columns = 1 + 6 = 7; expected = 42 / 15 = 2.8; most = 6.5.
        assert!((adjusted_rand_index(&shards, &groups) - (4.0 - 2.8) / (6.5 - 2.8)).abs() < 1e-12);
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 2], &[2, 2, 0, 1]), 1.0);
        assert_eq!((purity(&[], &[]), adjusted_rand_index(&[0, 0], &[3, 3])), (1.0, 1.0));
    }

    #[test]
    fn names_are_matched_as_well_as_they_can_be() {
        let names = |old: &[u16], new: &[u16]| best_names(old.iter().copied().zip(new.iter().copied()), 3);
        let before = [0, 0, 1, 1, 2, 2];
        assert_eq!(names(&before, &[2, 2, 0, 0, 1, 1]), [1, 2, 0]);
        assert_eq!(names(&before, &[2, 2, 0, 0, 1, 0]), [1, 2, 0]);
    }
}
