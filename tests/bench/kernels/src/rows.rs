//! Rows to train on: generated ones of a known size, or those of the files that were given.

use std::sync::{LazyLock, OnceLock};

use ultrare::interactions::{Interactions, ReadConfig, Reader};
use ultrare::model::ShardRows;
use ultrare::numerics::random::{Purpose, StreamKey, keyed_hash, unit};

/// The rows of two files, the second held out.
static GIVEN: OnceLock<ShardRows> = OnceLock::new();

/// Rows of the size of ML-100K, or those that were given; the flagged ones are measured on, not trained on.
pub(crate) static ROWS: LazyLock<ShardRows> =
    LazyLock::new(|| GIVEN.get().cloned().unwrap_or_else(|| generated(943, 1_349, 79_045, 60.0)));

/// A million of them.
pub(crate) static MILLION: LazyLock<ShardRows> = LazyLock::new(|| generated(6_040, 3_706, 1_000_000, 400.0));

/// Long tails on both sides, eight groups of taste; about `rows` rows, of which a fifth is flagged.
fn generated(n_users: u32, n_items: u32, rows: u32, tail: f64) -> ShardRows {
    let weight = |user: u32, item: u32| {
        let taste = if item % 8 == user % 8 { 3.0 } else { 0.7 };
        taste / (1.0 + f64::from(user) / tail) / (1.0 + f64::from(item) / 150.0)
    };
    // Weights are cut at 1, so the factor that gives so many rows is found by halving.
    let expected = |factor: f64| {
        (0..n_users)
            .step_by(8)
            .flat_map(|user| (0..n_items).map(move |item| (user, item)))
            .fold(0.0, |sum, (u, i)| sum + 8.0 * (factor * weight(u, i)).min(1.0))
    };
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..20 {
        let middle = (low + high) / 2.0;
        if expected(middle) < f64::from(rows) { low = middle } else { high = middle }
    }
    let mut rng = StreamKey::new(1, Purpose::Synthetic, 0, 0).fast();
    let mut out = ShardRows { n_users, n_items, starts: vec![0], ..ShardRows::default() };
    for user in 0..n_users {
        for item in 0..n_items {
            if unit(&mut rng) < high * weight(user, item) {
                out.items.push(item);
                out.values.push(1.0);
                out.validation.push(unit(&mut rng) < 0.2);
            }
        }
        out.starts.push(out.items.len() as u32);
    }
    out
}

/// Takes the text of a file to train on and of one to measure on in place of generated rows. False if they cannot be read, or
/// rows were used already.
pub fn give(train: &[u8], test: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(ReadConfig::default());
        reader.push(bytes);
        reader.finish_part().ok().map(|(rows, _)| rows)
    };
    let (Some(train), Some(test)) = (read(train), read(test)) else { return false };
    GIVEN.set(joined(&train, &test)).is_ok()
}

/// Users and items of the training rows, numbered as they are there.
fn joined(train: &Interactions, test: &Interactions) -> ShardRows {
    let (n_users, n_items) = (train.users().len() as u32, train.items().len() as u32);
    let mut out = ShardRows { n_users, n_items, starts: vec![0], ..ShardRows::default() };
    for user in 0..n_users {
        let mut own: Vec<(u32, f32, bool)> =
            train.rows_of(user).iter().map(|row| (row.item, row.value, false)).collect();
        if let Some(other) = test.users().find(train.users().get(user)) {
            let held = test.rows_of(other).iter();
            own.extend(
                held.filter_map(|row| {
                    train.items().find(test.items().get(row.item)).map(|item| (item, row.value, true))
                }),
            );
        }
        own.sort_by_key(|&(item, _, held)| (item, held));
        own.dedup_by_key(|row| row.0);
        for (item, value, held) in own {
            out.items.push(item);
            out.values.push(value);
            out.validation.push(held);
        }
        out.starts.push(out.items.len() as u32);
    }
    out
}

/// The users in `n` equal parts, in the order of a keyed hash.
pub(crate) fn parts(rows: &ShardRows, n: usize) -> Vec<ShardRows> {
    let mut users: Vec<u32> = (0..rows.n_users).collect();
    users.sort_by_key(|user| keyed_hash(1, Purpose::Partition, &[&user.to_le_bytes()]));
    let of = |rank: usize| {
        let mut own: Vec<u32> = users[rank * users.len() / n..(rank + 1) * users.len() / n].to_vec();
        own.sort_unstable();
        let span = |user: u32| rows.starts[user as usize] as usize..rows.starts[user as usize + 1] as usize;
        let mut items: Vec<u32> = own.iter().flat_map(|&user| &rows.items[span(user)]).copied().collect();
        items.sort_unstable();
        items.dedup();
        let mut out = ShardRows {
            n_users: own.len() as u32,
            n_items: items.len() as u32,
            starts: vec![0],
            ..ShardRows::default()
        };
        for user in own {
            for row in span(user) {
                out.items.push(items.partition_point(|&item| item < rows.items[row]) as u32);
                out.values.push(rows.values[row]);
                out.validation.push(rows.validation[row]);
            }
            out.starts.push(out.items.len() as u32);
        }
        out
    };
    (0..n).map(of).collect()
}
