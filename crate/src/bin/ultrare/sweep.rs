//! `ultrare sweep`: partitions, combiners and numbers of shards against what forgetting one user costs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use ultrare::combine::CombineMethod;
use ultrare::experiment::{Activity, Experiment, SweepConfig, SweepPoint, SweepView};
use ultrare::partition::Method;
use ultrare::pipeline::Settings;

use crate::args::Sweep;
use crate::drive::Driver;
use crate::out::line;
use crate::run::{model, standing_in};
use crate::words::word;
use crate::{input, out};

/// What `--json` writes.
#[derive(Serialize)]
struct Report {
    model: String,
    /// By seed.
    seeds: BTreeMap<u32, SweepView>,
    /// Rows of the table that could not be measured, and why.
    refused: Vec<String>,
}

/// Measures point by point and prints one table per number of shards.
pub fn sweep(args: &Sweep) -> Result<(), String> {
    out::check(&[args.json.as_deref()])?;
    let driver = Driver::new(args.threads);
    let shards: Vec<u32> = numbers("--shards", &args.shards)?;
    let seeds: Vec<u32> = numbers("--seeds", &args.seeds)?;
    let partitions: Vec<Method> = words("--partitions", &args.partitions)?;
    let combiners: Vec<CombineMethod> = match &args.combiners {
        Some(combiners) => words("--combiners", combiners)?,
        None => vec![standing_in(word("--model", &args.model)?, CombineMethod::Joint)],
    };
    let mut report = Report { model: args.model.clone(), seeds: BTreeMap::new(), refused: Vec::new() };
    for &seed in &seeds {
        let mut experiment = open(args, seed)?;
        for &partition in &partitions {
            for &number in &shards {
                let config = SweepConfig {
                    shards: vec![number],
                    partitions: vec![partition],
                    combiners: combiners.clone(),
                    decompose: args.decompose,
                };
                if let Err(error) = driver.run(&mut experiment, Activity::Sweep { config }) {
                    let row = format!("seed {seed}, {number} shards, {}", name(&partition));
                    complain!("{row}: {error}");
                    report.refused.push(format!("{row}: {error}"));
                }
                if let Some(path) = keep(args, seed) {
                    let said = |error| format!("{} cannot be written: {error}", path.display());
                    std::fs::write(&path, experiment.save()).map_err(said)?;
                }
            }
        }
        report.seeds.insert(seed, experiment.snapshot().sweep.unwrap_or_default());
    }
    if report.seeds.values().all(|view| view.one.is_none() && view.points.is_empty()) {
        return Err("no point of the sweep could be measured, for the reasons above".to_owned());
    }
    print(&report, &shards, &partitions, &combiners);
    if let Some(path) = &args.json {
        out::write_json(path, &report)?;
    }
    Ok(())
}

/// The rows, and the points that an earlier run kept.
fn open(args: &Sweep, seed: u32) -> Result<Experiment, String> {
    let mut experiment = Experiment::new();
    let mut config = Settings { seed, ..Settings::default() };
    let factors: Vec<String> = args.factors.map(|factors| format!("factors={factors}")).into_iter().collect();
    config.model = model(&args.model, &factors)?;
    match keep(args, seed).filter(|path| path.exists()) {
        Some(path) => {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let bytes = std::fs::read(&path).map_err(|error| told(&error))?;
            experiment.restore(&bytes).map_err(|error| told(&error))?;
            experiment.configure(config).map_err(|error| error.to_string())?;
        }
        None => {
            experiment.configure(config).map_err(|error| error.to_string())?;
            input::load(&mut experiment, &args.input, seed)?;
        }
    }
    Ok(experiment)
}

/// One file per seed.
fn keep(args: &Sweep, seed: u32) -> Option<PathBuf> {
    let path = args.keep.as_deref()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Some(path.parent().unwrap_or(Path::new("")).join(format!("{name}.{seed}")))
}

fn print(report: &Report, shards: &[u32], partitions: &[Method], combiners: &[CombineMethod]) {
    let views: Vec<&SweepView> = report.seeds.values().collect();
    let ones: Vec<f64> = views.iter().filter_map(|view| plain(view)).collect();
    let list = |values: &[f64]| values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(" ");
    say!("{}, one model on all rows: NDCG@20 {:.4} (by seed: {})", report.model, mean(&ones), list(&ones));
    let mut served: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for point in views.iter().flat_map(|view| &view.ones).filter(|point| point.combiner != CombineMethod::Own) {
        served.entry(point.combiner.as_str()).or_default().push(point.ndcg.mean);
    }
    served.iter().for_each(|(combiner, values)| say!("the same model served by {combiner}: {:.4}", mean(values)));
    say!("Each cell: NDCG@20, its ratio to that, and computing seconds when one user leaves; means over seeds.");
    for &number in shards.iter().filter(|&&number| number > 1) {
        begin!("\n{:<10}{:>18}", format!("{number} shards"), "rows, one user");
        combiners.iter().for_each(|combiner| begin!("{:>24}", combiner.as_str()));
        say!();
        for &partition in partitions {
            let of = |combiner: CombineMethod| -> Vec<(&SweepPoint, f64)> {
                let point = |view: &&'_ SweepView| {
                    let found = view.points.iter().position(|point| {
                        (point.partition, point.shards, point.combiner) == (partition, number, combiner)
                    })?;
                    Some((found, plain(view)?))
                };
                views.iter().filter_map(|view| point(view).map(|(at, one)| (&view.points[at], one))).collect()
            };
            let first = combiners.first().map(|&combiner| of(combiner)).unwrap_or_default();
            let rows =
                |pick: &dyn Fn(&SweepPoint) -> f64| mean(&first.iter().map(|(p, _)| pick(p)).collect::<Vec<_>>());
            let bill = format!("{:.0} ({:.1}%)", rows(&|p| p.rows), 100.0 * rows(&|p| p.share));
            begin!("{:<10}{bill:>18}", name(&partition));
            for &combiner in combiners {
                let points = of(combiner);
                let over = |pick: &dyn Fn(&SweepPoint, f64) -> f64| {
                    mean(&points.iter().map(|(point, one)| pick(point, *one)).collect::<Vec<_>>())
                };
                let ndcg = over(&|point, _| point.ndcg.mean);
                let ratio = over(&|point, one| point.ndcg.mean / one);
                begin!("{:>24}", format!("{ndcg:.4} {ratio:.3} {:.3}s", over(&|point, _| point.seconds)));
            }
            say!();
        }
    }
    let notes: std::collections::BTreeSet<&str> =
        views.iter().flat_map(|view| &view.points).filter_map(|point| point.note.as_deref()).collect();
    notes.iter().for_each(|note| say!("note: {}", line(note)));
    terms(&views);
}

/// The decomposition of every point, where it was asked for.
fn terms(views: &[&SweepView]) {
    let points: Vec<&SweepPoint> = views.iter().flat_map(|view| &view.points).collect();
    if points.iter().all(|point| point.decomposition.is_none()) {
        return;
    }
    say!("\nErrors taken apart, bits per held-out pair: relevance - redundancy - combination loss = information");
    for point in points {
        let Some(terms) = &point.decomposition else { continue };
        let term = |interval: &ultrare::evaluate::Interval| {
            format!("{:.4} [{:.4}, {:.4}]", interval.mean, interval.low, interval.high)
        };
        say!(
            "{:<9} {:>3} {:<10} {} - {} - {} = {} ({})",
            name(&point.partition),
            point.shards,
            point.combiner.as_str(),
            term(&terms.relevance),
            term(&terms.redundancy),
            term(&terms.combination),
            term(&terms.information),
            name(&terms.estimate)
        );
    }
}

/// NDCG@20 of the one model as it is.
fn plain(view: &SweepView) -> Option<f64> {
    view.ones.iter().find(|point| point.combiner == CombineMethod::Own).map(|point| point.ndcg.mean)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// An enum's name, as it is written in configurations.
fn name<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn words<T: serde::de::DeserializeOwned + Serialize>(option: &str, text: &str) -> Result<Vec<T>, String> {
    text.split(',').map(|part| word(option, part.trim())).collect()
}

fn numbers(option: &str, text: &str) -> Result<Vec<u32>, String> {
    let number = |part: &str| {
        part.trim().parse().map_err(|_| format!("{option} takes whole numbers such as 10,40,94, not \"{part}\""))
    };
    text.split(',').map(number).collect()
}
