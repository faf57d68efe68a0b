//! Tables for people.

use std::collections::BTreeMap;

use ultrare::evaluate::Interval;
use ultrare::experiment::{Snapshot, SpentView};
use ultrare::unlearn::{Plan, SequenceBill};

use crate::out::line;

pub fn data(snapshot: &Snapshot) {
    let Some(data) = &snapshot.data else { return };
    say!(
        "data       {} users, {} items, {} training rows, {} test rows",
        data.users,
        data.items,
        data.train_rows,
        data.test_rows
    );
    for (reason, count) in &data.rejected {
        say!("           {count} rows left out: {}", line(reason));
    }
}

pub fn partition(snapshot: &Snapshot) {
    let Some(partition) = &snapshot.partition else { return };
    let (low, high) = extremes(&partition.users_per_shard);
    let (few, many) = extremes(&partition.rows_per_shard);
    say!(
        "partition  {} shards of {low} to {high} users, {few} to {many} rows; within-cluster sum of squares {:.3}; {:.3} s",
        partition.shards,
        partition.within_ss,
        partition.seconds
    );
    let measure = |name: &str, value: Option<f64>| value.map_or(String::new(), |value| format!("; {name} {value:.3}"));
    say!(
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
    say!("training   {} sub-models, {few} to {many} epochs: {}", trained().count(), reasons.join("; "));
    if let Some((shard, chosen)) = trained().find_map(|shard| Some((shard.shard, shard.chosen.as_ref()?))) {
        say!("           chosen, in shard {}: {}", shard + 1, line(chosen));
    }
    let best: Vec<u32> = trained().filter_map(|shard| shard.best_epoch).collect();
    let mean = |values: Vec<f32>| values.iter().sum::<f32>() / values.len().max(1) as f32;
    if !best.is_empty() {
        let (few, many) = extremes(&best);
        let metric = mean(trained().filter_map(|shard| shard.best_metric).collect());
        say!("           best epochs {few} to {many}; there NDCG@20 {metric:.4} on rows held out in each shard");
    }
}

pub fn plan(plan: &Plan) {
    say!(
        "forget     {} users, {} rows; shards to train again: {} of {}",
        plan.users,
        plan.rows,
        plan.touched.len(),
        plan.touched.len() + plan.untouched.len()
    );
    for id in &plan.unknown_users {
        say!("           not in the data: {}", line(id));
    }
    for warning in &plan.warnings {
        say!("           {}", line(&warning.message));
    }
    for taint in &plan.taints {
        say!("           {}: {}", taint.stage, line(&taint.message));
    }
}

/// What a sequence would cost, before any of it is carried out.
pub fn bill(bill: &SequenceBill) {
    say!("bill       {} requests, one after another", bill.lines.len() + bill.open as usize);
    for (number, line) in bill.lines.iter().enumerate() {
        let taints: Vec<&str> = line.taints.iter().map(|taint| taint.stage.as_str()).collect();
        let taints = if taints.is_empty() { String::new() } else { format!("; may leave: {}", taints.join(", ")) };
        let added = if line.added > 0 { format!(" and {} that come", line.added) } else { String::new() };
        say!(
            "           {}: {} users, {} rows{added}; shards to train again: {}; {} of {} rows{taints}",
            number + 1,
            line.users,
            line.rows,
            line.shards,
            line.rows_to_train,
            line.rows_full
        );
    }
    if bill.open > 0 {
        say!("           what the other {} touch is known when the partition was made again", bill.open);
    }
}

pub fn results(snapshot: &Snapshot) {
    let names = ["ndcg@10", "ndcg@20", "recall@20", "hit@20"];
    say!(
        "\n{:<12} {:>8} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "",
        names[0],
        names[1],
        names[2],
        names[3],
        "seconds",
        "trained"
    );
    for (arm, result) in &snapshot.results {
        let mean = |name: &str| result.metrics.get(name).map_or(f64::NAN, |interval| interval.mean);
        say!(
            "{arm:<12} {:>8.4} {:>9.4} {:>9.4} {:>9.4} {:>9.3} {:>7}",
            mean(names[0]),
            mean(names[1]),
            mean(names[2]),
            mean(names[3]),
            result.seconds,
            result.shards_trained
        );
    }
    if let Some(forget) = &snapshot.change {
        let shards = snapshot.shards.len();
        say!("\nprotocol: {}; {} of {shards} shards touched", forget.protocol, forget.touched_shards.len());
        if let Some(saving) = &forget.saving {
            let expected = saving
                .expected
                .map_or(String::new(), |share| format!("; {:.0}% for one user on average", share * 100.0));
            say!("saved: {:.0}% of their training was done again{expected}", saving.share * 100.0);
        }
    }
    for note in &snapshot.notes {
        say!("note: {}", line(note));
    }
}

/// Where the time went: every second has a name.
pub fn spent(snapshot: &Snapshot) {
    let spent = &snapshot.seconds.spent;
    say!("\n{:<24} {:>9} {:>9}", "time", "seconds", "computing");
    for one in spent {
        let name = format!("{} {}", one.pipeline, one.what.as_str());
        say!("{:<24} {:>9.3} {:>9.3}", line(name.trim_start()), one.seconds, one.work);
    }
    let sum = |of: fn(&SpentView) -> f64| spent.iter().map(of).sum::<f64>();
    say!("{:<24} {:>9.3} {:>9.3}", "together", sum(|one| one.seconds), sum(|one| one.work));
}

pub fn audit(snapshot: &Snapshot) {
    let Some(audit) = &snapshot.audit else { return };
    say!(
        "\nrehearsal  {} forgotten users against {} who were never in; AUC of telling them apart (0.5: not at all)",
        audit.deleted,
        audit.outsiders
    );
    for arm in ["original", "unlearned", "twin"] {
        if let Some(found) = audit.ensembles.get(arm) {
            say!("  {arm:<10} {:.3} ({:.3} to {:.3})", found.auc.mean, found.auc.low, found.auc.high);
        }
    }
    let words = |found: &Interval| format!("{:+.3} ({:+.3} to {:+.3})", found.mean, found.low, found.high);
    if let Some(difference) = &audit.difference {
        say!("  unlearned minus twin, over the same people: {}", words(difference));
    }
    if let Some(place) = &audit.place {
        say!("  on the way from the twin (0) to the original (1): {}", words(place));
    }
    say!("  {}", if audit.within { "it stands where the twin does" } else { "it does not stand where the twin does" });
    say!("  a rehearsal of the honest pipeline: what was really done, only receipts and `ultrare verify` bind\n");
}

pub fn sequence(snapshot: &Snapshot) {
    let Some(view) = &snapshot.sequence else { return };
    say!(
        "\n{:>8} {:>9} {:>7} {:>7} {:>9} {:>9} {:>8}  twin",
        "request",
        "forgotten",
        "shards",
        "seconds",
        "in all",
        "ndcg@20",
        "rows/all"
    );
    for (number, (step, cost)) in view.steps.iter().zip(&view.ledger.steps).enumerate() {
        let ndcg = step.metrics.get("ndcg@20").map_or(f64::NAN, |interval| interval.mean);
        let share = cost.rows_trained as f64 / cost.rows_full.max(1) as f64;
        let twin = match &step.twin {
            Some(twin) if twin.exact => "equal at every stage".to_owned(),
            Some(twin) => format!("differs: {}", twin.different.join(", ")),
            None if step.taints.is_empty() => "not compared; nothing can be left".to_owned(),
            None => {
                let stages: Vec<&str> = step.taints.iter().map(|taint| taint.stage.as_str()).collect();
                format!("not compared; may leave: {}", stages.join(", "))
            }
        };
        say!(
            "{:>8} {:>8.2}% {:>7} {:>7.3} {:>9.3} {ndcg:>9.4} {share:>8.3}  {twin}",
            number + 1,
            step.share * 100.0,
            cost.shards,
            cost.seconds,
            cost.seconds_in_all
        );
    }
    match view.ledger.one_retrain_is_cheaper_from {
        Some(from) => say!("one full retrain at the end would have been cheaper from request {from} on"),
        None => say!("one full retrain at the end would not have been cheaper"),
    }
    if !view.pending.is_empty() {
        say!("{} requests were not carried out", view.pending.len());
    }
}

pub fn twin(snapshot: &Snapshot) {
    if snapshot.twin.is_empty() {
        return;
    }
    say!("\nagainst the twin, which never held the forgotten rows:");
    for stage in &snapshot.twin {
        let finding = format!("{:?}", stage.finding).to_lowercase();
        say!("  {:<11} {finding:<8} {}", stage.stage, line(&stage.message));
        if let Some(drift) = &stage.drift {
            say!(
                "              {} of {} moved to another number, {} to other people",
                drift.moved,
                drift.of,
                drift.regrouped
            );
        }
    }
}

fn extremes(sizes: &[u32]) -> (u32, u32) {
    (sizes.iter().copied().min().unwrap_or_default(), sizes.iter().copied().max().unwrap_or_default())
}
