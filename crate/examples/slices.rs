//! What slices save: the same users are forgotten one at a time, each from the whole experiment, with and without slices in
//! turn, so that whatever else the machine does falls on both.
//!
//! cargo run --release -p ultrare --example slices -- train.csv test.csv [slices 8] [users 100] [combiner mean]
#![allow(clippy::print_stdout, clippy::disallowed_types)]

use std::time::Instant;

use ultrare::combine::CombineMethod;
use ultrare::experiment::{Activity, Experiment, Loaded};
use ultrare::interactions::{ReadConfig, Reader};
use ultrare::partition::Method;
use ultrare::pipeline::{Runner, Stage};
use ultrare::unlearn::{Change, How, Mode, Selection};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: slices TRAIN TEST [SLICES] [USERS]";
    let (train, test) = (args.first().ok_or(usage)?, args.get(1).ok_or(usage)?);
    let slices: u32 = args.get(2).map_or(Ok(8), |text| text.parse())?;
    let count: usize = args.get(3).map_or(Ok(100), |text| text.parse())?;
    let built = |slices| build(train, test, slices);
    let whole = built(0)?;
    let sliced = built(slices)?;
    for (name, experiment) in [("no slices", &whole), ("slices", &sliced)] {
        let figure = &experiment.snapshot().results["original"];
        let epochs: Vec<u32> = experiment.snapshot().shards.iter().map(|shard| shard.epochs).collect();
        println!("{name:<10} ndcg@20 {:.4}, epochs {epochs:?}", figure.metrics["ndcg@20"].mean);
    }
    let users = whole.select(&Selection { how: How::Random, percent: 100.0 })?;
    let (mut seconds, mut training, mut share, mut expected) = ([0.0; 2], [0.0; 2], 0.0, 0.0);
    let users: Vec<&String> = users.iter().step_by((users.len() / count).max(1)).take(count).collect();
    for user in &users {
        for (at, experiment) in [&whole, &sliced].into_iter().enumerate() {
            let mut experiment = experiment.clone();
            let began = Instant::now();
            experiment
                .begin(Activity::Change { change: Change::forget_users([(*user).clone()]), mode: Mode::Frozen })?;
            training[at] += drive(&mut experiment, Stage::Train)?;
            seconds[at] += began.elapsed().as_secs_f64();
            if let Some(saving) = experiment.snapshot().change.and_then(|change| change.saving) {
                share += saving.share;
                expected += saving.expected.unwrap_or_default();
            }
        }
    }
    let n = users.len() as f64;
    println!(
        "training the touched shards, seconds a user: {:.4} whole, {:.4} sliced: {:.2} times quicker",
        training[0] / n,
        training[1] / n,
        training[0] / training[1]
    );
    println!("share of the sliced training done again: {:.3} (expected {:.3})", share / n, expected / n);
    println!("request with measuring and receipt: {:.4} and {:.4} seconds", seconds[0] / n, seconds[1] / n);
    Ok(())
}

fn build(train: &str, test: &str, slices: u32) -> Result<Experiment, Failure> {
    let read = |path: &str, part: bool| -> Result<_, Failure> {
        let mut reader = Reader::new(ReadConfig::default());
        reader.push(&std::fs::read(path)?);
        Ok(if part { reader.finish_part() } else { reader.finish() }?)
    };
    let mut experiment = Experiment::new();
    let mut config = experiment.settings().clone();
    config.seed = 1;
    config.partition.method = Method::Random;
    config.combine.method = CombineMethod::Mean;
    config.model.slices = slices;
    experiment.configure(config)?;
    let ((rows, report), (test, _)) = (read(train, false)?, read(test, true)?);
    experiment.load(Loaded { test: Some(test), ..Loaded::of(rows, &report) })?;
    experiment.begin(Activity::Build { until: Stage::Evaluate })?;
    drive(&mut experiment, Stage::Train)?;
    Ok(experiment)
}

/// Runs what was begun; gives the seconds of the jobs of one stage.
fn drive(experiment: &mut Experiment, stage: Stage) -> Result<f64, Failure> {
    let (runner, mut seconds) = (Runner::new(), 0.0);
    while experiment.running() {
        for job in experiment.jobs() {
            let began = Instant::now();
            let outcome = experiment.run(&job, &runner)?;
            let took = began.elapsed().as_secs_f64();
            seconds += if job.stage == stage { took } else { 0.0 };
            experiment.accept(job.id, &outcome, took)?;
        }
    }
    Ok(seconds)
}
