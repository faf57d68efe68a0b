//! What the arms are worth: figures per arm and group, and the arms against each other. Computed once when an arm is
//! measured, on the users that remain, and kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineMethod, LogisticReport, Prepared};
use crate::evaluate::{
    Group, GroupReport, Interval, ListSimilarity, activity_groups, compare_lists, group_gap, paired_differences,
    report, shard_groups, touched_groups,
};
use crate::interactions::Fate;
use crate::unlearn::NO_SHARD;

use super::arm::Arm;
use super::{Experiment, ResultView};

/// Length of the lists that are laid side by side, and of the headline figures.
const LIST: u32 = 20;

/// Two arms on the same users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ComparisonView {
    /// The serving ensemble: `original` or `unlearned`.
    pub arm: String,
    /// The other one.
    pub with: String,
    /// `arm` minus `with`, user by user: NDCG and recall per cutoff. An interval without 0 is a difference.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Interval>"))]
    pub differences: BTreeMap<String, Interval>,
    /// How alike the first twenty places are.
    pub lists: ListSimilarity,
}

/// The figures of all arms.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub results: BTreeMap<String, ResultView>,
    pub comparisons: BTreeMap<String, ComparisonView>,
}

impl Experiment {
    /// Measures anew what follows from the arms' results: of one arm, or of all (the users changed, or the serving arm did).
    pub(super) fn refigure(&mut self, only: Option<&str>) {
        let groups = self.groups();
        let arms: Vec<&Arm> = self.serving.iter().chain(self.others.values()).collect();
        let mut figures = if only.is_some() { self.figures.clone() } else { Figures::default() };
        for arm in arms {
            let name = &arm.spec.name;
            if only.is_some_and(|only| only != name) {
                continue;
            }
            figures.results.remove(name);
            figures.comparisons.remove(name);
            figures.results.extend(self.result(arm, &groups).map(|result| (name.clone(), result)));
            figures.comparisons.extend(self.comparison(arm).map(|view| (name.clone(), view)));
        }
        self.figures = figures;
    }

    /// The groups of users that are looked at, the same for every arm. Empty without a serving arm.
    fn groups(&self) -> Vec<Group> {
        let (Some(data), Some(serving)) = (&self.data, &self.serving) else { return Vec::new() };
        let rows = data.interactions.rows();
        let users = data.interactions.users().len() as u32;
        let count = |user| data.interactions.rows_of(user).iter().filter(|row| row.fate != Fate::Test).count() as u32;
        let training: Vec<u32> = (0..users).map(count).collect();
        let mut groups = activity_groups(&training, self.config.evaluate.active);
        let Some(layout) = serving.layout.as_ref().filter(|layout| layout.shard_of_row.len() == rows.len()) else {
            return groups;
        };
        let shards: Vec<Vec<u16>> = (0..users)
            .map(|user| {
                let of = layout.shard_of_row[data.interactions.range_of(user)].iter().copied();
                let mut of: Vec<u16> = of.filter(|&shard| shard != NO_SHARD).collect();
                of.sort_unstable();
                of.dedup();
                of
            })
            .collect();
        if let Some(forgotten) = &self.forgotten {
            let touched: Vec<bool> =
                (0..layout.shards).map(|shard| forgotten.touched_shards.contains(&shard)).collect();
            groups.extend(touched_groups(&shards, &touched));
        }
        groups.extend(shard_groups(&shards, layout.shards as u16));
        groups
    }

    fn result(&self, arm: &Arm, groups: &[Group]) -> Option<ResultView> {
        let per_user = arm.evaluation.as_ref()?;
        let (config, seed) = (&self.config.evaluate, u64::from(self.config.seed));
        let n_items = arm.data.interactions.items().len() as u32;
        // The settings were checked when the arm was evaluated.
        let found = report(per_user, groups, n_items, config, seed).ok()?;
        let gap = match groups {
            [active, inactive, ..] => group_gap(per_user, active, inactive, config, seed).unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        let plain = arm.baseline.is_none();
        Some(ResultView {
            metrics: found.metrics,
            coverage: found.coverage,
            users: found.users,
            users_without_test: found.users_without_test,
            unknown_items: arm.unknown_items(),
            between_shards: between_shards(&found.groups, &self.headline()),
            groups: found.groups,
            gap,
            logistic: arm.logistic(),
            decomposition: arm.decomposition.clone(),
            seconds: arm.seconds.train + arm.seconds.combine,
            shards_trained: arm.trained.len() as u32,
            combiner: arm.spec.combine.method,
            model: plain.then_some(arm.spec.model.name),
            partition: arm.partition.as_ref().map(|partition| partition.method),
        })
    }

    /// The serving arm against `arm`; none for the serving arm itself.
    fn comparison(&self, arm: &Arm) -> Option<ComparisonView> {
        let serving = self.serving.as_ref().filter(|serving| serving.spec.name != arm.spec.name)?;
        let (ours, theirs) = (serving.evaluation.as_ref()?, arm.evaluation.as_ref()?);
        let (config, seed) = (&self.config.evaluate, u64::from(self.config.seed));
        Some(ComparisonView {
            arm: serving.spec.name.clone(),
            with: arm.spec.name.clone(),
            differences: paired_differences(ours, theirs, config, seed).ok()?,
            lists: compare_lists(ours, theirs, LIST.min(config.longest()), config, seed).ok()?,
        })
    }

    /// `ndcg@20`, or at the longest list where twenty is not measured.
    pub(super) fn headline(&self) -> String {
        let config = &self.config.evaluate;
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

impl Arm {
    /// The coefficients of a prepared logistic combiner.
    fn logistic(&self) -> Option<LogisticReport> {
        if self.spec.combine.method != CombineMethod::Logistic {
            return None;
        }
        let prepared = Prepared::from_bytes(self.prepared.as_deref()?).ok()?;
        prepared.coefficients(&self.present())
    }

    /// Items of the catalogue in none of the shards; none where the shards are no longer kept.
    fn unknown_items(&self) -> Option<u32> {
        if self.shards.is_empty() {
            return None;
        }
        let mut known = vec![false; self.data.interactions.items().len()];
        self.shards.iter().flat_map(|shard| &shard.items).for_each(|&item| known[item as usize] = true);
        Some(known.iter().filter(|known| !**known).count() as u32)
    }
}
