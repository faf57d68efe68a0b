//! Divides the users of a file in every way and prints what each is worth, what it cost, and how far it drifts when a
//! random hundredth of the users is deleted and everything is made again.
//!
//! ```text
//! cargo run --release --example partitions -- train.csv [shards=10] [seed=1] [deletions=3]
//! ```
//!
//! The file is read by the library's reader: any delimited text with users and items.
#![allow(clippy::print_stdout, clippy::disallowed_types, missing_docs)]

use std::error::Error;
use std::time::Instant;

use ultrare::Matrix;
use ultrare::embedding::{Embedder, EmbeddingConfig, fold_in_users};
use ultrare::interactions::{Interactions, ReadConfig, Reader};
use ultrare::model::{Csr, ShardRows};
use ultrare::partition::{
    Balance, Method, Partition, PartitionConfig, PartitionInput, Solver, clustering, is_anchor, measures,
};
use ultrare::random::{Purpose, keyed_fraction, keyed_hash};

fn embed(rows: &Interactions, only: impl Fn(u32) -> bool, seed: u64) -> Result<(Matrix, Matrix), Box<dyn Error>> {
    let mut shard = ShardRows { n_items: rows.items().len() as u32, starts: vec![0], ..ShardRows::default() };
    for user in (0..rows.users().len() as u32).filter(|&user| only(user)) {
        shard.n_users += 1;
        shard.items.extend(rows.rows_of(user).iter().map(|row| row.item));
        shard.starts.push(shard.items.len() as u32);
    }
    shard.values = vec![1.0; shard.items.len()];
    shard.validation = vec![false; shard.items.len()];
    let mut embedder = Embedder::new(&shard, &EmbeddingConfig::default(), seed)?;
    while embedder.stopped().is_none() {
        embedder.step()?;
    }
    let embedding = embedder.finish();
    Ok((embedding.users, embedding.items))
}

fn partition(
    rows: &Interactions,
    config: &PartitionConfig,
    seed: u64,
) -> Result<(Partition, Matrix, f64), Box<dyn Error>> {
    let n = rows.users().len() as u32;
    let user_keys: Vec<u64> =
        rows.users().iter().map(|id| keyed_hash(seed, Purpose::Partition, &[id.as_bytes()])).collect();
    let mut starts = vec![0];
    (0..n).for_each(|user| starts.push(starts[user as usize] + rows.rows_of(user).len() as u32));
    let row_items: Vec<u32> = rows.rows().iter().map(|row| row.item).collect();
    let (users, items) = if config.method == Method::Anchored {
        let anchor = |user: u32| is_anchor(seed, user_keys[user as usize], config.anchors);
        let (_, items) = embed(rows, anchor, seed)?;
        let csr = Csr { starts: starts.clone(), columns: row_items.clone() };
        (fold_in_users(&items, &csr, &EmbeddingConfig::default())?, items)
    } else {
        embed(rows, |_| true, seed)?
    };
    let input =
        PartitionInput { users: users.clone(), items, user_keys, starts, row_items, seed, ..Default::default() };
    let begin = Instant::now();
    let partition = clustering(input, config)?.finish();
    Ok((partition, users, begin.elapsed().as_secs_f64() * 1e3))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a file of interactions")?;
    let (mut shards, mut seed, mut deletions) = (10, 1, 3);
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or("settings look like shards=10")?;
        match name {
            "shards" => shards = value.parse()?,
            "seed" => seed = value.parse()?,
            "deletions" => deletions = value.parse()?,
            _ => return Err(format!("no setting is called {name}").into()),
        }
    }
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(&std::fs::read(path)?);
    let (rows, _) = reader.finish()?;
    let base = PartitionConfig { shards, ..PartitionConfig::default() };
    let with = |method| PartitionConfig { method, ..base.clone() };
    let raw = |method| PartitionConfig { normalise: false, ..with(method) };
    let configs = [
        ("obc", with(Method::Obc)),
        ("obc interactions", PartitionConfig { balance: Balance::Interactions, ..with(Method::Obc) }),
        ("obc strength .5", PartitionConfig { strength: 0.5, ..with(Method::Obc) }),
        ("obc entropic", PartitionConfig { solver: Solver::Entropic, ..with(Method::Obc) }),
        ("obc slack .2", PartitionConfig { slack: 0.2, ..with(Method::Obc) }),
        ("kmeans", with(Method::Kmeans)),
        ("ubp", with(Method::Ubp)),
        ("ibp", with(Method::Ibp)),
        ("inbp", with(Method::Inbp)),
        ("inbp raw", raw(Method::Inbp)),
        ("anchored 20%", with(Method::Anchored)),
        ("anchored 50%", PartitionConfig { anchors: 0.5, ..with(Method::Anchored) }),
        ("random", with(Method::Random)),
        ("hash", with(Method::Hash)),
    ];
    println!("| method | users per shard | work ratio | within ss | silhouette | rounds | ms | drift % (1% deleted) |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, config) in configs {
        let (partition_of_all, users, time) = partition(&rows, &config, seed)?;
        let main_shard: Vec<u16> = (0..users.rows() as u32).map(|u| partition_of_all.shards_of_user(u)[0]).collect();
        let silhouette = measures::silhouette(&users, true, &main_shard, shards, 1000, seed);
        let mut moved = 0.0;
        for deletion in 0..deletions {
            let gone = |user: u32| {
                let id = rows.users().get(user);
                keyed_fraction(deletion, Purpose::Selection, &[id.as_bytes()]) < 0.01
            };
            let fewer = rows.without(|row| gone(row.user));
            let kept: Vec<u32> = (0..rows.users().len() as u32).filter(|&user| !gone(user)).collect();
            let (twin, _, _) = partition(&fewer, &config, seed)?;
            let drift = partition_of_all.drift(&kept, &twin);
            moved += 100.0 * f64::from(drift.moved) / f64::from(drift.users) / deletions as f64;
        }
        let sizes = &partition_of_all.users_per_shard;
        let (least, most) = (sizes.iter().min().unwrap_or(&0), sizes.iter().max().unwrap_or(&0));
        println!(
            "| {name} | {least}-{most} | {:.2} | {:.1} | {silhouette:.3} | {} | {time:.1} | {moved:.1} |",
            partition_of_all.work_ratio(),
            partition_of_all.within_ss,
            partition_of_all.iterations,
        );
    }
    Ok(())
}
