//! What a partition is judged by.

/// Users and training rows per shard, for an assignment of users.
pub fn user_sizes(shard_of: &[u16], starts: &[u32], shards: u32) -> (Vec<u32>, Vec<u32>) {
    let mut users = vec![0; shards as usize];
    let mut rows = vec![0; shards as usize];
    for (&shard, pair) in shard_of.iter().zip(starts.windows(2)) {
        users[usize::from(shard)] += 1;
        rows[usize::from(shard)] += pair[1] - pair[0];
    }
    (users, rows)
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

/// Two bytes per shard number, little-endian.
pub(super) fn user_bytes(shard_of: &[u16]) -> Vec<u8> {
    shard_of.iter().flat_map(|shard| shard.to_le_bytes()).collect()
}
