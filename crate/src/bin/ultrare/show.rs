//! Tables for people.

use std::collections::BTreeMap;

use ultrare::experiment::Snapshot;
use ultrare::unlearn::Plan;

pub fn data(snapshot: &Snapshot) {
    let Some(data) = &snapshot.data else { return };
    println!(
        "data       {} users, {} items, {} training rows, {} test rows",
        data.users, data.items, data.train_rows, data.test_rows
    );
    for (reason, count) in &data.rejected {
        println!("           {count} rows left out: {reason}");
    }
}

pub fn partition(snapshot: &Snapshot) {
    let Some(partition) = &snapshot.partition else { return };
    let (low, high) = extremes(&partition.users_per_shard);
    let (few, many) = extremes(&partition.rows_per_shard);
    println!(
        "partition  {} shards of {low} to {high} users, {few} to {many} rows; within-cluster sum of squares {:.3}; {:.3} s",
        partition.shards, partition.within_ss, partition.seconds
    );
    let measure = |name: &str, value: Option<f64>| value.map_or(String::new(), |value| format!("; {name} {value:.3}"));
    println!(
        "           work ratio {:.2}{}{}{}",
        partition.work_ratio,
        measure("silhouette", partition.silhouette),
        measure("purity", partition.purity),
        measure("adjusted Rand", partition.adjusted_rand)
    );
}

/// Why the sub-models stopped, and after how long.
pub fn training(snapshot: &Snapshot) {
    let trained = || snapshot.shards.iter().filter(|shard| shard.stop.is_some());
    let mut reasons = BTreeMap::new();
    for stop in trained().filter_map(|shard| shard.stop) {
        *reasons.entry(stop.words()).or_insert(0) += 1;
    }
    let reasons: Vec<String> = reasons.into_iter().map(|(words, count)| format!("{count} {words}")).collect();
    let (few, many) = extremes(&trained().map(|shard| shard.epochs).collect::<Vec<_>>());
    println!("training   {} sub-models, {few} to {many} epochs: {}", trained().count(), reasons.join("; "));
    let best: Vec<u32> = trained().filter_map(|shard| shard.best_epoch).collect();
    let mean = |values: Vec<f32>| values.iter().sum::<f32>() / values.len().max(1) as f32;
    if !best.is_empty() {
        let (few, many) = extremes(&best);
        let metric = mean(trained().filter_map(|shard| shard.best_metric).collect());
        println!("           best epochs {few} to {many}; there NDCG@20 {metric:.4} on rows held out in each shard");
    }
}

pub fn plan(plan: &Plan) {
    println!(
        "forget     {} users, {} rows; shards to train again: {} of {}",
        plan.users,
        plan.rows,
        plan.touched.len(),
        plan.touched.len() + plan.untouched.len()
    );
    for id in &plan.unknown_users {
        println!("           not in the data: {id}");
    }
    for warning in &plan.warnings {
        println!("           {}", warning.message);
    }
    for taint in &plan.taints {
        println!("           {}: {}", taint.stage, taint.message);
    }
}

pub fn results(snapshot: &Snapshot) {
    let names = ["ndcg@10", "ndcg@20", "recall@20", "hit@20"];
    println!(
        "\n{:<12} {:>8} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "", names[0], names[1], names[2], names[3], "seconds", "trained"
    );
    for (arm, result) in &snapshot.results {
        let mean = |name: &str| result.metrics.get(name).map_or(f64::NAN, |interval| interval.mean);
        println!(
            "{arm:<12} {:>8.4} {:>9.4} {:>9.4} {:>9.4} {:>9.3} {:>7}",
            mean(names[0]),
            mean(names[1]),
            mean(names[2]),
            mean(names[3]),
            result.seconds,
            result.shards_trained
        );
    }
    if let Some(forget) = &snapshot.forget {
        let shards = snapshot.shards.len();
        println!("\nprotocol: {}; {} of {shards} shards touched", forget.protocol, forget.touched_shards.len());
    }
    for note in &snapshot.notes {
        println!("note: {note}");
    }
}

pub fn twin(snapshot: &Snapshot) {
    if snapshot.twin.is_empty() {
        return;
    }
    println!("\nagainst the twin, which never held the forgotten rows:");
    for stage in &snapshot.twin {
        let finding = format!("{:?}", stage.finding).to_lowercase();
        println!("  {:<11} {finding:<8} {}", stage.stage, stage.message);
        if let Some(drift) = &stage.drift {
            println!(
                "              {} of {} moved to another number, {} to other people",
                drift.moved, drift.of, drift.regrouped
            );
        }
    }
}

fn extremes(sizes: &[u32]) -> (u32, u32) {
    (sizes.iter().copied().min().unwrap_or_default(), sizes.iter().copied().max().unwrap_or_default())
}
