//! Trains one model, or one per random shard, and prints what it is worth and what it cost.
//!
//! ```text
//! cargo run --release --example measure -- train.csv test.csv model=wmf seeds=1,2,3 [validate=1] [shards=10]
//!     [combine=mean] [factors=64 alpha=.6 ...]
//! cargo run --release --example measure -- train.csv test.csv model=all seeds=1,2,3      the table of all models
//! ```
//!
//! Both files are `user,item,value` with a header. With `validate=1` the test file is not opened: a tenth of the training
//! rows is held out by a keyed hash and measured instead, which is how defaults are chosen.
#![allow(clippy::print_stdout, clippy::disallowed_types, missing_docs)]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use ultrare::combine::{CombineConfig, CombineMethod, CombinerRows, Ensemble, Member, Scorer, UserRows, prepare};
use ultrare::evaluate::{EvaluateConfig, evaluate_user};
use ultrare::model::{ModelConfig, ModelName, trainer};
use ultrare::numerics::random::{Purpose, keyed_fraction, keyed_hash};

#[path = "support/pairs.rs"]
mod pairs;
use pairs::{Pairs, read, shard_rows};

fn fraction(purpose: Purpose, seed: u64, (user, item): (u32, u32)) -> f64 {
    keyed_fraction(seed, purpose, &[&user.to_le_bytes(), &item.to_le_bytes()])
}

/// Seconds this thread has computed: on a busy machine the clock on the wall says little.
fn seconds_computed(since: Instant) -> f64 {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = ran.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or(since.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

/// NDCG@20, Recall@20 and computed seconds of a seed.
type Line = (f64, f64, f64);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train_path, test_path, options @ ..] = arguments.as_slice() else {
        return Err("give a training file, a test file, then settings such as model=wmf".into());
    };
    if !options.iter().any(|option| option == "model=all") {
        measure(train_path, test_path, options)?;
        return Ok(());
    }
    let mut table = String::new();
    for name in ModelName::ALL {
        let options: Vec<String> = options
            .iter()
            .map(|option| if option == "model=all" { format!("model={}", name.as_str()) } else { option.clone() })
            .collect();
        let lines = measure(train_path, test_path, &options)?;
        let column = |of: fn(&Line) -> String| lines.iter().map(of).collect::<Vec<_>>().join(" ");
        table += &format!(
            "{:<9}  {}   {}   {}\n",
            name.as_str(),
            column(|line| format!("{:.4}", line.0)),
            column(|line| format!("{:.4}", line.1)),
            column(|line| format!("{:6.2}", line.2))
        );
    }
    println!("\nmodel, then for each seed NDCG@20, Recall@20, CPU seconds of training\n{table}");
    Ok(())
}

fn measure(train_path: &str, test_path: &str, options: &[String]) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut settings = BTreeMap::new();
    for option in options {
        let (key, value) = option.split_once('=').ok_or("settings are key=value")?;
        settings.insert(key, value);
    }
    let mut take = |key: &str, default: &'static str| settings.remove(key).unwrap_or(default).to_owned();
    let name = take("model", "wmf");
    let seeds = take("seeds", "1");
    let validate = take("validate", "0") == "1";
    let n_shards: u64 = take("shards", "1").parse()?;
    let combine = take("combine", "mean");
    let (joint_alpha, joint_lambda) = (take("joint_alpha", "1"), take("joint_lambda", "12"));
    let curve = take("curve", "0") == "1";
    // What is left are the model's own knobs.
    let mut json = format!("{{\"name\":\"{name}\"");
    for (key, value) in &settings {
        let value = if value.starts_with('.') { format!("0{value}") } else { (*value).to_owned() };
        json += &format!(",\"{key}\":{value}");
    }
    let config: ModelConfig = serde_json::from_str(&(json + "}"))?;

    let mut train = read(train_path)?;
    let test = if validate {
        let held: Pairs = train.iter().copied().filter(|&pair| fraction(Purpose::Selection, 99, pair) < 0.1).collect();
        train.retain(|&pair| fraction(Purpose::Selection, 99, pair) >= 0.1);
        held
    } else {
        read(test_path)?
    };
    let n_items = train.iter().chain(&test).map(|pair| pair.1 + 1).max().unwrap_or(0);
    let method: CombineMethod = serde_json::from_str(&format!("\"{combine}\""))?;
    let begin = Instant::now();
    let mut totals = (0.0, 0.0, 0);
    let mut lines = Vec::new();
    for seed in seeds.split(',') {
        let seed: u64 = seed.parse()?;
        let mut users: Vec<u32> = train.iter().map(|pair| pair.0).collect();
        users.dedup();
        users.sort_by_key(|user| keyed_hash(seed, Purpose::Partition, &[&user.to_le_bytes()]));
        let mut shard_of = BTreeMap::new();
        for (rank, &user) in users.iter().enumerate() {
            shard_of.insert(user, (rank as u64 * n_shards / users.len() as u64) as u16);
        }
        let mut members = Vec::new();
        let mut own: BTreeMap<u32, (u16, u32)> = BTreeMap::new();
        let (mut seconds, mut epochs, mut updates, mut reasons) = (0.0, 0, 0, BTreeMap::new());
        let mut steps = 0;
        for shard in 0..n_shards as u16 {
            let pairs: Pairs = train.iter().copied().filter(|pair| shard_of[&pair.0] == shard).collect();
            let (rows, users, items) = shard_rows(&pairs, seed);
            let start = seconds_computed(begin);
            let mut trainer = trainer(rows, &config, seed, u32::from(shard))?;
            while trainer.stopped().is_none() {
                let report = trainer.step()?;
                steps += 1;
                updates += report.updates;
                epochs = epochs.max(report.epoch);
                if curve {
                    println!("  {report:?}");
                }
            }
            *reasons.entry(format!("{:?}", trainer.stopped())).or_insert(0) += 1;
            let model = trainer.finish();
            seconds += seconds_computed(begin) - start;
            for (local, &user) in users.iter().enumerate() {
                own.insert(user, (shard, local as u32));
            }
            members.push(Member { model: Arc::from(model), items, rows: pairs.len() as u32 });
        }
        let ensemble = Ensemble::new(members, n_items)?;
        let prepared = prepare(
            &ensemble,
            &CombineConfig {
                alpha: Some(joint_alpha.parse()?),
                lambda: Some(joint_lambda.parse()?),
                ..CombineConfig::of(if n_shards == 1 { CombineMethod::Own } else { method })
            }
            .own_knobs(),
            seed,
            &CombinerRows::default(),
        )?;
        let mut scorer = Scorer::new(&ensemble, &prepared)?;
        let evaluation = EvaluateConfig { cutoffs: vec![20], ..EvaluateConfig::default() };
        let (mut ndcg, mut recall, mut folded, mut count) = (0.0, 0.0, 0.0, 0);
        let mut scores = vec![0.0; n_items as usize];
        for &user in &users {
            let of = |pairs: &Pairs| -> Vec<u32> {
                let from = pairs.partition_point(|pair| pair.0 < user);
                pairs[from..].iter().take_while(|pair| pair.0 == user).map(|pair| pair.1).collect()
            };
            let (seen, wanted) = (of(&train), of(&test));
            if wanted.is_empty() {
                continue;
            }
            let values = vec![1.0; seen.len()];
            let own = [own[&user]];
            scorer.score(&UserRows { items: &seen, values: &values, own: &own }, &mut scores);
            let metrics = evaluate_user(&mut scores, &seen, &wanted, &evaluation);
            ndcg += metrics.get(0, 0);
            recall += metrics.get(0, 1);
            count += 1;
            if n_shards == 1 {
                // The same user as a stranger: what every other shard makes of somebody.
                let member = &ensemble.members()[0];
                let local: Vec<u32> =
                    seen.iter().filter_map(|i| member.items.binary_search(i).ok().map(|i| i as u32)).collect();
                let mut local_scores = vec![0.0; member.items.len()];
                member.model.score(&member.model.fold_in(&local, &values), &mut local_scores);
                scores.fill(f32::NEG_INFINITY);
                for (&item, &score) in member.items.iter().zip(&local_scores) {
                    scores[item as usize] = score;
                }
                folded += evaluate_user(&mut scores, &seen, &wanted, &evaluation).get(0, 0);
            }
        }
        let n = f64::from(count);
        println!(
            "{name} seed {seed}: NDCG@20 {:.4} Recall@20 {:.4} folded {:.4} | {epochs} epochs ({reasons:?}), {seconds:.3} s, {:.2} ms an epoch, {:.2} M updates/s",
            ndcg / n,
            recall / n,
            folded / n,
            seconds * 1e3 / f64::from(steps),
            updates as f64 / seconds / 1e6
        );
        lines.push((ndcg / n, recall / n, seconds));
        totals = (totals.0 + ndcg / n, totals.1 + recall / n, totals.2 + 1);
    }
    let n = f64::from(totals.2);
    println!("{name} {settings:?}: mean NDCG@20 {:.4} Recall@20 {:.4}", totals.0 / n, totals.1 / n);
    Ok(lines)
}
