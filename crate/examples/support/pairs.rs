//! Pairs of user and item, and what a trainer takes of them.

use std::error::Error;

use ultrare::model::ShardRows;
use ultrare::numerics::random::{Purpose, keyed_fraction};

/// Pairs of user and item, in order, without repetition.
pub type Pairs = Vec<(u32, u32)>;

/// From a file of `user,item,...` with a header.
pub fn read(path: &str) -> Result<Pairs, Box<dyn Error>> {
    let mut pairs = Vec::new();
    for line in std::fs::read_to_string(path)?.lines().skip(1) {
        let mut fields = line.split(',');
        let mut next = || fields.next().unwrap_or_default().trim().parse::<u32>();
        pairs.push((next()?, next()?));
    }
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs)
}

/// A shard's rows with local numbers, and the catalogue numbers of its users and items.
pub fn shard_rows(pairs: &Pairs, seed: u64) -> (ShardRows, Vec<u32>, Vec<u32>) {
    let mut users: Vec<u32> = pairs.iter().map(|pair| pair.0).collect();
    let mut items: Vec<u32> = pairs.iter().map(|pair| pair.1).collect();
    users.dedup();
    items.sort_unstable();
    items.dedup();
    let mut rows = ShardRows { n_users: users.len() as u32, n_items: items.len() as u32, ..ShardRows::default() };
    for user in &users {
        rows.starts.push(pairs.partition_point(|pair| pair.0 < *user) as u32);
    }
    rows.starts.push(pairs.len() as u32);
    for pair in pairs {
        rows.items.push(items.binary_search(&pair.1).expect("it was just listed") as u32);
        rows.values.push(1.0);
        let key: [&[u8]; 2] = [&pair.0.to_le_bytes(), &pair.1.to_le_bytes()];
        rows.validation.push(keyed_fraction(seed, Purpose::Validation, &key) < 0.1);
    }
    (rows, users, items)
}
