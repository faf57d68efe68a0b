//! The experiment in numbers and lists.

use crate::error::Result;
use crate::interactions::Fate;
use crate::partition::measures::{adjusted_rand_index, purity};
use crate::unlearn::twin::{StageReport, Stages, compare_twin};
use crate::unlearn::{NO_SHARD, Per};

use super::arm::Arm;
use super::{
    DigestsView, Experiment, ExperimentError, ItemView, PartitionView, PersonView, Phase, Snapshot, UsersView,
};

impl Experiment {
    /// Everything in numbers; what the command line writes as JSON.
    pub fn snapshot(&self) -> Snapshot {
        let serving = self.serving.as_ref();
        let before = self.before.as_ref();
        let digests = serving.map_or_else(DigestsView::default, |arm| self.digests(arm));
        let shards = serving.map_or_else(Vec::new, |arm| {
            (0..arm.shards.len() as u32).map(|shard| arm.shard_view(shard, before)).collect()
        });
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase: self.phase(),
            config: self.config.clone(),
            model: self.filled_model(),
            data: self.source.view.clone(),
            partition: serving.and_then(|arm| self.partition_view(arm)),
            shards,
            results: self.figures.results.clone(),
            comparisons: self.figures.comparisons.values().cloned().collect(),
            sweep: self.sweep_view(),
            forget: self.forgotten.clone(),
            digests: DigestsView { split: before.map(|before| before.split).or(self.split), ..digests },
            seconds: self.seconds.clone(),
            others: self
                .others
                .iter()
                .filter_map(|(name, arm)| Some((name.clone(), self.partition_view(arm)?)))
                .collect(),
            twin: self.compare_twin(),
            sequence: self.sequence.clone(),
            audit: self.audit.clone(),
            receipts: self.receipts.len() as u32,
            notes: serving.into_iter().chain(self.others.values()).filter_map(|arm| arm.note.clone()).collect(),
        }
    }

    /// An arm's partition, measured against the planted groups where the data has them.
    fn partition_view(&self, arm: &Arm) -> Option<PartitionView> {
        let mut view = arm.partition.clone()?;
        let places = arm.places();
        let users = arm.data.interactions.users();
        let group = |&user: &u32| self.source.groups.get(users.get(user)).map(|&group| group as u16);
        if let (Per::User, Some(groups)) = (places.per, arm.data.active.iter().map(group).collect::<Option<Vec<u16>>>())
        {
            view.purity = Some(purity(&places.shard_of, &groups));
            view.adjusted_rand = Some(adjusted_rand_index(&places.shard_of, &groups));
        }
        Some(view)
    }

    /// The serving ensemble against the twin, stage by stage; empty while there is no twin.
    fn compare_twin(&self) -> Vec<StageReport> {
        let (Some(arm), Some(twin), Some(forgotten)) = (&self.serving, self.others.get("twin"), &self.forgotten) else {
            return Vec::new();
        };
        let stages = |arm: &Arm| Stages {
            split: self.split.unwrap_or_default(),
            keeps_embedding: arm.embedding.is_some(),
            partition: arm.layout.as_ref().map(|layout| layout.digest(&arm.data)).unwrap_or_default(),
            places: arm.places(),
            inputs: arm.inputs(),
            weights: arm.shard_digests(),
            combiner: arm.prepared_digest,
        };
        compare_twin(&stages(arm), &stages(twin), &forgotten.taints)
    }

    fn phase(&self) -> Phase {
        let done = self.serving.as_ref().is_some_and(|arm| arm.next.is_none());
        match (&self.data, &self.serving) {
            (None, _) => Phase::Empty,
            (_, Some(_)) if done && self.others.contains_key("retrained") => Phase::Compared,
            (_, Some(_)) if done => Phase::Trained,
            (_, Some(arm)) if arm.layout.is_some() => Phase::Divided,
            _ => Phase::Data,
        }
    }

    fn digests(&self, arm: &Arm) -> DigestsView {
        let partition = arm.layout.as_ref().map(|layout| layout.digest(&arm.data));
        let retrained = self.others.get("retrained").and_then(|arm| arm.shard_digests().first().copied().flatten());
        match &self.before {
            Some(before) => DigestsView {
                split: Some(before.split),
                split_after: self.split,
                partition: before.partition,
                partition_after: partition,
                shards_before: before.shards.clone(),
                shards_after: arm.shard_digests(),
                ensemble_before: before.ensemble,
                ensemble_after: arm.ensemble_digest(),
                retrained,
            },
            None => DigestsView {
                split: self.split,
                partition,
                shards_before: arm.shard_digests(),
                ensemble_before: arm.ensemble_digest(),
                retrained,
                ..DigestsView::default()
            },
        }
    }

    /// The users as they are now.
    pub fn users(&self) -> Result<UsersView> {
        let data = self.data.as_ref().ok_or(ExperimentError::NoData)?;
        let users = data.interactions.users();
        let layout = self.serving.as_ref().and_then(|arm| arm.layout.as_ref());
        let mut view = UsersView {
            ids: users.iter().map(str::to_owned).collect(),
            handles: data.handles.clone(),
            ..UsersView::default()
        };
        for user in 0..users.len() as u32 {
            let range = data.interactions.range_of(user);
            let rows = &data.interactions.rows()[range.clone()];
            view.train_rows.push(rows.iter().filter(|row| row.fate != Fate::Test).count() as u32);
            let shard = layout.and_then(|l| l.shard_of_row[range].iter().find(|&&shard| shard != NO_SHARD));
            view.shard_of.push(shard.copied().unwrap_or(NO_SHARD));
        }
        Ok(view)
    }

    /// One person: rows, shards, and the top of every arm's list.
    pub fn person(&self, id: &str) -> Result<PersonView> {
        let data = self.data.as_ref().ok_or(ExperimentError::NoData)?;
        let user = data.interactions.users().find(id).ok_or_else(|| ExperimentError::UnknownUser(id.to_owned()))?;
        let rows = data.interactions.rows_of(user);
        let item_view = |item: u32, value: f32, test: bool| {
            let id = data.interactions.items().get(item).to_owned();
            let title = self.source.titles.get(&id).cloned().unwrap_or_else(|| id.clone());
            ItemView { item: id, title, value, test }
        };
        let is_test = |item: u32| rows.iter().any(|row| row.item == item && row.fate == Fate::Test);
        let lists = self.serving.iter().chain(self.others.values()).filter_map(|arm| {
            let top = &arm.evaluation.as_ref()?.get(user as usize)?.top;
            let list = top.iter().take(20).map(|&item| item_view(item, 0.0, is_test(item))).collect();
            Some((arm.spec.name.clone(), list))
        });
        let layout = self.serving.as_ref().and_then(|arm| arm.layout.as_ref());
        let mut shards: Vec<u32> = layout.map_or_else(Vec::new, |layout| {
            let of = &layout.shard_of_row[data.interactions.range_of(user)];
            of.iter().filter(|&&shard| shard != NO_SHARD).map(|&shard| u32::from(shard)).collect()
        });
        shards.sort_unstable();
        shards.dedup();
        Ok(PersonView {
            id: id.to_owned(),
            shards,
            rows: rows.iter().map(|row| item_view(row.item, row.value, row.fate == Fate::Test)).collect(),
            lists: lists.collect(),
        })
    }
}
