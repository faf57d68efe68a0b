//! Groups, differences and terms, as tables.

use ultrare::evaluate::{Estimate, Interval};
use ultrare::experiment::{ResultView, Snapshot};

fn signed(interval: Option<&Interval>) -> String {
    interval.map_or("-".into(), |x| format!("{:+.4} [{:+.4}, {:+.4}]", x.mean, x.low, x.high))
}

fn plain(x: &Interval) -> String {
    format!("{:.4} [{:.4}, {:.4}]", x.mean, x.low, x.high)
}

/// What stands behind the means.
pub fn show(snapshot: &Snapshot) {
    let Some(first) = snapshot.results.values().next() else { return };
    let all = match first.users_with_test {
        all if all > first.users => {
            format!(" (a keyed sample of {all}, large enough for intervals as narrow as asked)")
        }
        _ => String::new(),
    };
    say!("\n{} users measured{all}, {} left out without test rows", first.users, first.users_without_test);
    for (arm, result) in &snapshot.results {
        if let Some(unknown) = result.unknown_items.filter(|&unknown| unknown > 0) {
            say!("{arm}: {unknown} items are in no shard and are recommended to nobody");
        }
    }
    groups(snapshot);
    for comparison in &snapshot.comparisons {
        say!(
            "{} - {:<11} ndcg@20 {}   overlap@{} {:.3}   rank-biased {:.3}   lists that changed {} of {}",
            comparison.pipeline,
            comparison.with,
            signed(comparison.differences.get("ndcg@20")),
            comparison.lists.cutoff,
            comparison.lists.overlap.mean,
            comparison.lists.rank_biased.mean,
            comparison.lists.changed,
            comparison.lists.users
        );
        for others in &comparison.others {
            let why = if others.name == "touched" { "in a shard that was trained again" } else { "in other shards" };
            say!(
                "  {why}: {} of {} lists changed, overlap@{} {:.3}",
                others.changed,
                others.users,
                comparison.lists.cutoff,
                others.overlap
            );
        }
    }
    terms(snapshot);
}

fn groups(snapshot: &Snapshot) {
    say!(
        "\n{:<12} {:>11} {:>8} {:>8} {:>24} {:>16}",
        "",
        "coverage@20",
        "gini@20",
        "novelty",
        "active - inactive",
        "between shards"
    );
    for (arm, result) in &snapshot.results {
        let between = result.between_shards.map_or("-".into(), |spread| format!("{spread:.4}"));
        let coverage = result.coverage.get("coverage@20").copied().unwrap_or(f64::NAN);
        let (gini, novelty) = (result.exposure.gini, result.exposure.novelty);
        let gap = signed(result.gap.get("ndcg@20"));
        say!("{arm:<12} {coverage:>11.3} {gini:>8.3} {novelty:>8.2} {gap:>24} {between:>16}");
    }
    say!("\nndcg@20 by group");
    for (arm, result) in &snapshot.results {
        let (shards, named): (Vec<_>, Vec<_>) =
            result.groups.iter().partition(|group| group.name.starts_with("shard "));
        let mean = |result: &ultrare::evaluate::GroupReport| result.metrics.get("ndcg@20").map(|x| x.mean);
        let named = named.iter().filter_map(|group| Some(format!("{} {:.4}", group.name, mean(group)?)));
        let shards: Vec<String> = shards.iter().filter_map(|group| Some(format!("{:.3}", mean(group)?))).collect();
        say!("{arm:<12} {}; per shard {}", named.collect::<Vec<_>>().join(", "), shards.join(" "));
    }
    say!();
}

fn terms(snapshot: &Snapshot) {
    let apart = |result: &ResultView| result.decomposition.clone();
    if snapshot.results.values().all(|result| apart(result).is_none()) {
        return;
    }
    say!("\nerrors taken apart, bits per held-out pair");
    say!("{:<12} {:>25} {:>25} {:>25} {:>25}", "", "relevance", "redundancy", "combination loss", "information");
    for (arm, result) in &snapshot.results {
        let Some(d) = apart(result) else { continue };
        let terms = [&d.relevance, &d.redundancy, &d.combination, &d.information].map(plain);
        let by = if d.estimate == Estimate::Pairs { "  (from pairs of sub-models)" } else { "" };
        say!("{arm:<12} {:>25} {:>25} {:>25} {:>25}{by}", terms[0], terms[1], terms[2], terms[3]);
    }
}
