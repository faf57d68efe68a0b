//! Requests a second on one core, natively: `cargo run --release -p ultrare --example serve -- [USERS ITEMS ROWS SHARDS]`.
//! Without arguments an ensemble of ten shards from a million generated rows of 6,040 users and 3,706 items.
#![allow(clippy::disallowed_types, clippy::print_stdout)]

use std::time::Instant;

use ultrare::execute::{Control, Executor as _, Threads};
use ultrare::interactions::{Fate, SyntheticConfig, synthetic};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::{Query, Recommender, Rows, Settings};

fn main() -> ultrare::Result<()> {
    let given: Vec<u32> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [users, items, rows, shards] = given[..] else { return measure(6_040, 3_706, 1_000_000, 10) };
    measure(users, items, rows, shards)
}

fn measure(users: u32, items: u32, rows: u32, shards: u32) -> ultrare::Result<()> {
    let config = SyntheticConfig { users, items, rows, ..SyntheticConfig::default() };
    let rows: Rows = synthetic(&config)?.interactions.into();
    let partition = PartitionConfig { method: Method::Random, shards, ..PartitionConfig::default() };
    let settings = Settings { partition, ..Settings::default() };
    let threads = Threads::new(0);
    let recommender = Recommender::fit_on(&threads, &Control::new(), &rows, &settings)?;
    println!(
        "{} users, {} items, {} rows, {shards} shards: fitted in {:.1} s",
        rows.users(),
        rows.items(),
        rows.len(),
        threads.clock()
    );

    let began = Instant::now();
    let server = recommender.server()?;
    println!("read back in {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let fates = recommender.experiment().rows()?;
    let users: Vec<&str> = fates.users().iter().collect();
    let visitors: Vec<Vec<(&str, f32)>> = (0..users.len() as u32)
        .map(|user| {
            let own = fates.rows_of(user).iter().filter(|row| row.fate != Fate::Test);
            own.take(20).map(|row| (fates.items().get(row.item), row.value)).collect()
        })
        .collect();
    let query = Query::top(20);
    let report = |name: &str, count: usize, mut each: Box<dyn FnMut() -> ultrare::Result<()> + '_>| {
        // The first round warms the caches, the best of five is told: others use the machine too.
        each()?;
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let began = Instant::now();
            each()?;
            best = best.min(began.elapsed().as_secs_f64());
        }
        println!("{name:34} {:8.1} us each, {:8.0} a second", best / count as f64 * 1e6, count as f64 / best);
        ultrare::Result::Ok(())
    };
    let some = &users[..users.len().min(2_000)];
    report(
        "one by one, top 20",
        some.len(),
        Box::new(|| some.iter().try_for_each(|user| server.recommend(user, &query).map(drop))),
    )?;
    for (name, together) in [("in batches of 64, top 20", 64), ("in batches of 256, top 20", 256)] {
        let each = || some.chunks(together).try_for_each(|part| server.recommend_all(part, &query).map(drop));
        report(name, some.len(), Box::new(each))?;
    }
    let some = &visitors[..visitors.len().min(2_000)];
    report(
        "visitors who show 20 items, top 20",
        some.len(),
        Box::new(|| some.iter().try_for_each(|shown| server.recommend_for(shown, &query).map(drop))),
    )?;
    report(
        "reasons of the first place",
        500,
        Box::new(|| {
            for user in &users[..500.min(users.len())] {
                let first = server.recommend(user, &Query::top(1))?.items.remove(0).item;
                server.explain(user, &first)?;
            }
            Ok(())
        }),
    )
}
