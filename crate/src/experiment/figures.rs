//! What pipelines are worth: figures of each and of groups of users, and each against what serves. Computed once when a
//! pipeline is measured, on the users that are there, and kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluate::{
    Group, GroupReport, Interval, ListSimilarity, MovedLists, activity_groups, compare_lists, exposure, group_gap,
    moved_lists, paired_differences, report, shard_groups, touched_groups,
};
use crate::pipeline::trains;

use super::record::Record;
use super::{Experiment, ResultView};

/// Length of the lists that are laid side by side, and of the headline figures.
const LIST: u32 = 20;

/// Two pipelines on the same users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ComparisonView {
    /// What serves: `original` or `unlearned`.
    pub pipeline: String,
    /// The other one.
    pub with: String,
    /// `pipeline` minus `with`, user by user: NDCG and recall per cutoff. An interval without 0 is a difference.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Interval>"))]
    pub differences: BTreeMap<String, Interval>,
    /// How alike the first twenty places are.
    pub lists: ListSimilarity,
    /// What a request did to the others: between `original` and `unlearned`, the lists of those whose shard was trained again and
    /// of those whose was not.
    pub others: Vec<MovedLists>,
}

impl Experiment {
    /// Computes what follows from the figures: of one record, or of all (the users changed, or what serves did).
    pub(super) fn refigure(&mut self, only: Option<&str>) {
        let groups = self.groups();
        let names: Vec<String> =
            self.records.keys().filter(|name| only.is_none_or(|only| only == *name)).cloned().collect();
        for name in names {
            let record = &self.records[&name];
            let (result, comparison) = (self.result(record, &groups), self.comparison(&name, record, &groups));
            let record = self.records.get_mut(&name).expect("its name was just listed");
            (record.result, record.comparison) = (result, comparison);
        }
    }

    /// The groups of users that are looked at, the same for every record. Empty while nothing serves.
    fn groups(&self) -> Vec<Group> {
        let Some(serving) = &self.serving else { return Vec::new() };
        let rows = serving.rows();
        let users = rows.users().len() as u32;
        let count = |user| rows.rows_of(user).iter().filter(|row| trains(row)).count() as u32;
        let training: Vec<u32> = (0..users).map(count).collect();
        let mut groups = activity_groups(&training, self.settings.evaluate.active);
        let Some(divided) = serving.divided(&self.store) else { return groups };
        let of = |user| divided.assignment.shards_of_user(rows, user).into_iter().map(|shard| shard as u16).collect();
        let shards: Vec<Vec<u16>> = (0..users).map(of).collect();
        let count = divided.assignment.shards;
        if let Some(last) = &self.history.last {
            let touched: Vec<bool> = (0..count).map(|shard| last.view.touched_shards.contains(&shard)).collect();
            groups.extend(touched_groups(&shards, &touched));
        }
        groups.extend(shard_groups(&shards, count as u16));
        groups
    }

    fn result(&self, record: &Record, groups: &[Group]) -> Option<ResultView> {
        let (config, seed) = (&self.settings.evaluate, u64::from(self.settings.seed));
        let serving = self.serving.as_ref()?;
        let n_items = serving.n_items();
        let (per_user, facts) = (&record.metrics, &record.facts);
        if per_user.is_empty() {
            return None;
        }
        // Figures that were measured with other list lengths are stale and have none.
        let found = report(per_user, groups, n_items, config, seed).ok()?;
        let gap = match groups {
            [active, inactive, ..] => group_gap(per_user, active, inactive, config, seed).unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        Some(ResultView {
            metrics: found.metrics,
            coverage: found.coverage,
            exposure: exposure(
                per_user,
                &self.holders(),
                serving.rows().users().len() as u32,
                LIST.min(config.longest()),
            ),
            users: found.users,
            users_with_test: serving.dataset().testable(),
            users_without_test: per_user.len() as u32 - serving.dataset().testable(),
            unknown_items: facts.unknown_items,
            between_shards: between_shards(&found.groups, &self.headline()),
            groups: found.groups,
            gap,
            logistic: facts.logistic.clone(),
            decomposition: facts.decomposition.clone(),
            seconds: facts.seconds.train + facts.seconds.combine,
            work: facts.seconds.work,
            shards_trained: facts.shards_trained,
            combiner: facts.combiner,
            model: facts.model,
            partition: facts.partition.as_ref().map(|partition| partition.method),
        })
    }

    /// Per item, how many people have a training row of it.
    fn holders(&self) -> Vec<u32> {
        let Some(serving) = &self.serving else { return Vec::new() };
        let mut holders = vec![0; serving.n_items() as usize];
        serving.rows().rows().iter().filter(|row| trains(row)).for_each(|row| holders[row.item as usize] += 1);
        holders
    }

    /// What serves against a record; none for what serves itself.
    fn comparison(&self, name: &str, record: &Record, groups: &[Group]) -> Option<ComparisonView> {
        let own = self.serving_name();
        let serving = self.records.get(own).filter(|_| own != name)?;
        let (ours, theirs) = (&serving.metrics, &record.metrics);
        if ours.len() != theirs.len() {
            return None;
        }
        let (config, seed) = (&self.settings.evaluate, u64::from(self.settings.seed));
        let cutoff = LIST.min(config.longest());
        let moved = |group: &&Group| name == "original" && matches!(group.name.as_str(), "touched" | "untouched");
        let moved: Vec<Group> = groups.iter().filter(moved).cloned().collect();
        Some(ComparisonView {
            pipeline: own.to_owned(),
            with: name.to_owned(),
            differences: paired_differences(ours, theirs, config, seed).ok()?,
            lists: compare_lists(ours, theirs, cutoff, config, seed).ok()?,
            others: moved_lists(ours, theirs, &moved, cutoff).ok()?,
        })
    }

    /// `ndcg@20`, or at the longest list where twenty is not measured.
    pub(super) fn headline(&self) -> String {
        let config = &self.settings.evaluate;
        format!("ndcg@{}", if config.cutoffs.contains(&LIST) { LIST } else { config.longest() })
    }
}

/// Standard deviation of the shards' means.
fn between_shards(groups: &[GroupReport], metric: &str) -> Option<f64> {
    let of_shards = groups.iter().filter(|group| group.name.starts_with("shard "));
    let means: Vec<f64> = of_shards.filter_map(|group| Some(group.metrics.get(metric)?.mean)).collect();
    if means.len() < 2 {
        return None;
    }
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    Some((means.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / means.len() as f64).sqrt())
}
