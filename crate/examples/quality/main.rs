//! Are the settings that are chosen from the rows as good as those that a search finds, on data that nobody looked at while
//! choosing the rule? And is an ensemble as good as one model?
//!
//! ```text
//! cargo run --release --example quality -- [model=wmf] [sets=dense,films] [shards=10,40] [data=DIR] [seed=1] [json=OUT]
//! ```
//!
//! A search is chosen by rows that neither train nor measure; both sides are measured on rows that neither trains nor chooses.
//! `data` is a folder with `train.csv` and `test.csv` (`user,item,...` with a header).
#![allow(clippy::print_stdout, clippy::disallowed_types, missing_docs)]

#[path = "../support/pairs.rs"]
mod pairs;
mod sets;
mod world;

use std::collections::BTreeMap;
use std::error::Error;

use pairs::{read, shard_rows};
use serde_json::json;
use sets::{SETS, generate};
use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::model::{ModelConfig, ModelName};
use world::{Figures, World, mean};

/// The default, and what a search around it finds: one knob after the other, each where the one before was best.
struct Searched {
    default: Figures,
    best: Figures,
    config: ModelConfig,
    tried: usize,
    seconds: f64,
}

type Move = fn(&mut ModelConfig, f32);

/// What is moved, and by which factors.
fn axes(model: ModelName) -> Vec<(Move, &'static [f32])> {
    let lambda: Move = |config, by| config.lambda = config.lambda.map(|value| value * by);
    let alpha: Move = |config, by| config.alpha = config.alpha.map(|value| value * by);
    let rate: Move = |config, by| config.rate = config.rate.map(|value| value * by);
    let factors: Move = |config, by| config.factors = config.factors.map(|value| (value as f32 * by) as u32);
    match model {
        ModelName::Wmf => vec![
            (lambda, &[0.25, 0.4, 0.65, 1.5, 2.2, 3.3]),
            (alpha, &[0.33, 3.0]),
            (lambda, &[0.6, 1.6]),
            (factors, &[0.5, 2.0]),
        ],
        _ => vec![(rate, &[0.25, 0.5, 2.0, 4.0]), (lambda, &[0.1, 0.3, 3.0, 10.0]), (factors, &[0.5, 2.0])],
    }
}

fn search(world: &World, model: ModelName) -> Result<Searched, Box<dyn Error>> {
    let (rows, _, _) = shard_rows(&world.train, 1);
    let plain = ModelConfig::of(model);
    let (default, _, seconds) = world.single(&plain)?;
    let (mut best, mut config, mut tried) = (default.clone(), plain.filled(&rows), 1);
    for (step, factors) in axes(model) {
        let from = config.clone();
        for &by in factors {
            let mut moved = from.clone();
            step(&mut moved, by);
            tried += 1;
            match world.single(&moved) {
                Ok((found, _, _)) if mean(&found.choose) > mean(&best.choose) => (best, config) = (found, moved),
                _ => (),
            }
        }
    }
    Ok(Searched { default, best, config, tried, seconds })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut options: BTreeMap<&str, &str> = BTreeMap::new();
    for argument in &arguments {
        let (key, value) = argument.split_once('=').ok_or("settings are key=value")?;
        options.insert(key, value);
    }
    let of = |key, default| options.get(key).copied().unwrap_or(default);
    let model: ModelName = serde_json::from_str(&format!("\"{}\"", of("model", "wmf")))?;
    let seed: u64 = of("seed", "1").parse()?;
    let shards: Vec<usize> =
        of("shards", "10,40").split(',').filter(|text| !text.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
    let combiners: Vec<CombineMethod> = of("combine", "joint,consensus")
        .split(',')
        .map(|name| serde_json::from_str(&format!("\"{name}\"")))
        .collect::<Result<_, _>>()?;
    let mut worlds: Vec<(String, World)> = Vec::new();
    for shape in &SETS {
        let wanted = options.get("sets").is_none_or(|sets| sets.split(',').any(|name| name == shape.name));
        if wanted {
            worlds.push((shape.name.to_owned(), World::new(&generate(shape, seed), None)));
        }
    }
    if let Some(folder) = options.get("data") {
        let (train, test) = (read(&format!("{folder}/train.csv"))?, read(&format!("{folder}/test.csv"))?);
        worlds.push(("given".to_owned(), World::new(&train, Some(&test))));
    }
    println!(
        "{:<12} {:>7} {:>7} {:>8} {:>8} | {:>10} {:>8} {:>8} {:>6}",
        "set", "people", "items", "rows", "density", "popularity", "default", "best", "loss"
    );
    let mut lines = Vec::new();
    for (name, world) in &worlds {
        let (rows, users, items) = shard_rows(&world.train, 1);
        let density = rows.items.len() as f64 / (users.len() * items.len()) as f64;
        let popularity = mean(&world.popularity().measure);
        let found = search(world, model)?;
        let (default, best) = (mean(&found.default.measure), mean(&found.best.measure));
        let loss = 1.0 - default / best;
        let mut line = format!(
            "{name:<12} {:>7} {:>7} {:>8} {density:>8.1e} | {popularity:>10.4} {default:>8.4} {best:>8.4} {:>5.1}%",
            users.len(),
            items.len(),
            rows.items.len(),
            100.0 * loss
        );
        let mut ensembles = BTreeMap::new();
        for &count in shards.iter().filter(|&&count| users.len() >= 5 * count && model.has_item_vectors()) {
            let members = world.shards(count, model)?;
            for &method in &combiners {
                let figures = world.ensemble(&members, &CombineConfig::of(method))?;
                let ratio = mean(&figures.measure) / default;
                line += &format!("  {count} {} {ratio:.3}", method.as_str());
                ensembles.insert(format!("{count} {}", method.as_str()), ratio);
            }
        }
        println!(
            "{line}  ({} tried, {:.1} s; best {:?} {:?} {:?})",
            found.tried, found.seconds, found.config.factors, found.config.alpha, found.config.lambda
        );
        lines.push((loss, json!({ "set": name, "density": density, "popularity": popularity, "default": default, "best": best, "loss": loss, "ensembles": ensembles })));
    }
    let losses: Vec<f64> = lines.iter().map(|line| line.0).collect();
    let worst = losses.iter().copied().fold(f64::MIN, f64::max);
    println!("\n{}: worst loss {:.1}%, mean {:.1}%", model.as_str(), 100.0 * worst, 100.0 * mean(&losses));
    if let Some(path) = options.get("json") {
        let sets: Vec<_> = lines.into_iter().map(|line| line.1).collect();
        std::fs::write(
            path,
            serde_json::to_string_pretty(
                &json!({ "model": model.as_str(), "worst": worst, "mean": mean(&losses), "sets": sets }),
            )? + "\n",
        )?;
    }
    Ok(())
}
