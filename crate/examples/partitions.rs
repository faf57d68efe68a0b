//! Every way to divide, on rows to train on and rows to measure on: sizes, work ratio, objective, NDCG@20 of the sub-models
//! combined in three ways, and drift when a random hundredth of the users is forgotten. Then the within-cluster sum of squares
//! of balanced clusterings beside each other.
//!
//! ```text
//! cargo run --release --example partitions -- train.csv test.csv [seeds=1,2,3] [shards=10] [within=20]
//! ```
//!
//! Figures are means over the seeds. `within` is the number of seeds of the second table; 0 leaves it out.
#![allow(clippy::print_stdout, missing_docs)]

use std::error::Error;

use ultrare::Matrix;
use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::embedding::Embedder;
use ultrare::experiment::{Activity, Experiment, Loaded};
use ultrare::interactions::{Interactions, ReadConfig, ReadReport, Reader};
use ultrare::model::ShardRows;
use ultrare::numerics::random::{Purpose, StreamKey, below, keyed_hash};
use ultrare::partition::{Balance, Method, PartitionConfig, PartitionInput, Solver, clustering, measures};
use ultrare::pipeline::{Runner, Settings, Stage};
use ultrare::unlearn::{How, Mode, Request, Selection};

type Failure = Box<dyn Error>;

fn read(path: &str, part: bool) -> Result<(Interactions, ReadReport), Failure> {
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(&std::fs::read(path)?);
    Ok(if part { reader.finish_part() } else { reader.finish() }?)
}

fn drive(experiment: &mut Experiment, activity: Activity) -> Result<(), Failure> {
    experiment.begin(activity)?;
    experiment.drive(&Runner::new())?;
    Ok(())
}

/// One line of the first table, for one seed.
#[derive(Clone, Copy, Default)]
struct Line {
    fewest: f64,
    most: f64,
    work: f64,
    /// None where the method looks at no vectors, so that nothing was measured.
    within: Option<f64>,
    ndcg: [f64; 3],
    /// Of the users (or rows) who remain: elsewhere after relabelling, and how many there are.
    drift: [f64; 2],
}

const COMBINERS: [CombineMethod; 3] = [CombineMethod::Own, CombineMethod::Mean, CombineMethod::Joint];

fn line(
    rows: &(Interactions, ReadReport),
    test: &Interactions,
    partition: &PartitionConfig,
    seed: u32,
) -> Result<Line, Failure> {
    let mut experiment = Experiment::new();
    let mut config = Settings { seed, partition: partition.clone(), ..Settings::default() };
    let mut line = Line::default();
    for (place, combiner) in COMBINERS.into_iter().enumerate() {
        config.combine = CombineConfig::of(combiner);
        experiment.configure(config.clone())?;
        if place == 0 {
            experiment.load(Loaded { test: Some(test.clone()), ..Loaded::of(rows.0.clone(), &rows.1) })?;
        }
        drive(&mut experiment, Activity::Build { until: Stage::Evaluate })?;
        line.ndcg[place] = experiment.snapshot().results["original"].metrics["ndcg@20"].mean;
    }
    let view = experiment.snapshot().partition.ok_or("no partition")?;
    let sizes = |of: &[u32]| (*of.iter().min().unwrap_or(&0), *of.iter().max().unwrap_or(&0));
    let (fewest, most) = sizes(&view.users_per_shard);
    (line.fewest, line.most) = (f64::from(fewest), f64::from(most));
    line.work = measures::work_ratio(&view.rows_per_shard);
    line.within = Some(view.within_ss).filter(|&squares| squares > 0.0);
    let users = experiment.select(&Selection { how: How::Random, percent: 1.0 })?;
    let request = Request { confirmed: true, ..Request::of_users(users) };
    drive(&mut experiment, Activity::Change { change: request.into(), mode: Mode::Frozen })?;
    drive(&mut experiment, Activity::Twin)?;
    let drift = experiment.snapshot().twin.into_iter().find_map(|stage| stage.drift).unwrap_or_default();
    line.drift = [f64::from(drift.regrouped), f64::from(drift.of)];
    Ok(line)
}

fn table(rows: &(Interactions, ReadReport), test: &Interactions, shards: u32, seeds: &[u32]) -> Result<(), Failure> {
    let with = |method| PartitionConfig { method, shards, ..PartitionConfig::default() };
    let configs = [
        ("obc", with(Method::Obc)),
        ("obc, interactions", PartitionConfig { balance: Balance::Interactions, ..with(Method::Obc) }),
        ("obc, strength .5", PartitionConfig { strength: 0.5, ..with(Method::Obc) }),
        ("obc, entropic", PartitionConfig { solver: Solver::Entropic, ..with(Method::Obc) }),
        ("kmeans", with(Method::Kmeans)),
        ("ubp", with(Method::Ubp)),
        ("ibp", with(Method::Ibp)),
        ("inbp", with(Method::Inbp)),
        ("anchored", with(Method::Anchored)),
        ("random", with(Method::Random)),
        ("hash", with(Method::Hash)),
    ];
    println!("| partition | users per shard | work ratio | within ss | own | mean | joint | drift after 1% |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, config) in configs {
        let lines = seeds.iter().map(|&seed| line(rows, test, &config, seed)).collect::<Result<Vec<_>, _>>()?;
        let mean = |of: &dyn Fn(&Line) -> f64| lines.iter().map(of).sum::<f64>() / lines.len() as f64;
        let within = lines.iter().map(|line| line.within).sum::<Option<f64>>();
        let within = within.map_or("-".to_owned(), |sum| format!("{:.1}", sum / lines.len() as f64));
        let [own, each, joint] = [0, 1, 2].map(|at: usize| mean(&|line| line.ndcg[at]));
        println!(
            "| {name} | {:.0}-{:.0} | {:.2} | {within} | {own:.3} | {each:.3} | {joint:.3} | {:.0} of {:.0} |",
            mean(&|line| line.fewest),
            mean(&|line| line.most),
            mean(&|line| line.work),
            mean(&|line| line.drift[0]),
            mean(&|line| line.drift[1]),
        );
    }
    Ok(())
}

/// Unit WMF vectors of the users, as they are clustered.
fn vectors(rows: &Interactions, seed: u32) -> Result<PartitionInput, Failure> {
    let n = rows.users().len() as u32;
    let mut all = ShardRows { n_users: n, n_items: rows.items().len() as u32, starts: vec![0], ..ShardRows::default() };
    for user in 0..n {
        all.items.extend(rows.rows_of(user).iter().map(|row| row.item));
        all.starts.push(all.items.len() as u32);
    }
    all.values = vec![1.0; all.items.len()];
    all.validation = vec![false; all.items.len()];
    let mut embedder = Embedder::new(&all, &Settings::default().embedding, seed.into())?;
    while embedder.stopped().is_none() {
        embedder.step()?;
    }
    let mut users = embedder.finish().users;
    for user in 0..n as usize {
        let length = users.row(user).iter().map(|x| x * x).sum::<f32>().sqrt();
        users.row_mut(user).iter_mut().for_each(|x| *x /= if length > 0.0 { length } else { 1.0 });
    }
    let user_keys =
        rows.users().iter().map(|id| keyed_hash(seed.into(), Purpose::Partition, &[id.as_bytes()])).collect();
    Ok(PartitionInput { users, user_keys, starts: all.starts, seed: seed.into(), ..PartitionInput::default() })
}

/// Greedy balanced k-means with the sort right: all pairs by ascending distance, each shard up to `capacity`, means, until
/// unchanged; the best of `restarts`.
fn greedy(users: &Matrix, shards: usize, capacity: usize, restarts: u64, seed: u64) -> f64 {
    let n = users.rows();
    let distance = |user: usize, centre: &[f64]| -> f64 {
        users.row(user).iter().zip(centre).map(|(&x, c)| (f64::from(x) - c) * (f64::from(x) - c)).sum()
    };
    let one = |restart: u64| {
        let mut rng = StreamKey::new(seed, Purpose::Centroids, restart as u32, 1).stream();
        let mut order: Vec<usize> = (0..n).collect();
        (0..shards).for_each(|place| order.swap(place, place + below(&mut rng, (n - place) as u32) as usize));
        let mut centres: Vec<Vec<f64>> =
            order[..shards].iter().map(|&u| users.row(u).iter().map(|&x| x.into()).collect()).collect();
        let mut shard_of = vec![usize::MAX; n];
        for _ in 0..50 {
            let mut pairs: Vec<(f64, usize, usize)> = (0..n * shards)
                .map(|at| (distance(at / shards, &centres[at % shards]), at / shards, at % shards))
                .collect();
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            let (mut next, mut loads) = (vec![usize::MAX; n], vec![0; shards]);
            for (_, user, shard) in pairs {
                if next[user] == usize::MAX && loads[shard] < capacity {
                    (next[user], loads[shard]) = (shard, loads[shard] + 1);
                }
            }
            for (shard, centre) in centres.iter_mut().enumerate() {
                let members: Vec<usize> = (0..n).filter(|&user| next[user] == shard).collect();
                for (at, mean) in centre.iter_mut().enumerate() {
                    *mean =
                        members.iter().map(|&u| f64::from(users.row(u)[at])).sum::<f64>() / members.len().max(1) as f64;
                }
            }
            if std::mem::replace(&mut shard_of, next.clone()) == next {
                break;
            }
        }
        (0..n).map(|user| distance(user, &centres[shard_of[user]])).sum::<f64>()
    };
    (0..restarts).map(one).fold(f64::INFINITY, f64::min)
}

fn within(rows: &Interactions, shards: u32, seeds: u32) -> Result<(), Failure> {
    let names = ["obc", "greedy balanced, same capacity", "k-means"];
    let mut sums = [(0.0, 0.0f64); 3];
    for seed in 1..=seeds {
        let input = vectors(rows, seed)?;
        let made = |method| -> Result<f64, Failure> {
            let config = PartitionConfig { method, shards, ..PartitionConfig::default() };
            Ok(clustering(input.clone(), &config)?.finish().within_ss)
        };
        let capacity = input.users.rows().div_ceil(shards as usize);
        let restarts = PartitionConfig::default().restarts.into();
        let values = [
            made(Method::Obc)?,
            greedy(&input.users, shards as usize, capacity, restarts, seed.into()),
            made(Method::Kmeans)?,
        ];
        for ((sum, squares), value) in sums.iter_mut().zip(values) {
            *sum += value;
            *squares += value * value;
        }
    }
    let n = f64::from(seeds);
    println!(
        "\n| within-cluster sum of squares, {seeds} seeds | mean | deviation | against k-means |\n|---|---|---|---|"
    );
    for (name, (sum, squares)) in names.iter().zip(sums) {
        let (mean, variance) = (sum / n, (squares / n - sum / n * (sum / n)).max(0.0));
        println!("| {name} | {mean:.1} | {:.1} | {:+.2}% |", variance.sqrt(), 100.0 * (mean / (sums[2].0 / n) - 1.0));
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(train), Some(test)) = (arguments.next(), arguments.next()) else {
        return Err("give a file of rows to train on and one of rows to measure on".into());
    };
    let (mut shards, mut seeds, mut repeats) = (10, vec![1], 20);
    for argument in arguments {
        match argument.split_once('=').ok_or("settings look like shards=10")? {
            ("shards", value) => shards = value.parse()?,
            ("seeds", value) => seeds = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            ("within", value) => repeats = value.parse()?,
            (name, _) => return Err(format!("no setting is called {name}").into()),
        }
    }
    let rows = read(&train, false)?;
    table(&rows, &read(&test, true)?.0, shards, &seeds)?;
    if repeats > 0 { within(&rows.0, shards, repeats) } else { Ok(()) }
}
