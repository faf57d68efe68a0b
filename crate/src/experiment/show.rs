//! The experiment in numbers and lists.

use crate::error::Result;
use crate::interactions::Fate;
use crate::partition::Division;
use crate::partition::measures::{adjusted_rand_index, purity, work_ratio};
use crate::pipeline::{NO_SHARD, Pipeline, Stage, Store, trains};

use super::changes::first_shards;
use super::history::{Before, shard_digests};
use super::{
    DigestsView, Experiment, ExperimentError, ItemView, PartitionView, PersonView, Phase, SecondsView, ShardView,
    Snapshot, UsersView,
};

impl Experiment {
    /// Everything in numbers; what the command line writes as JSON.
    pub fn snapshot(&self) -> Snapshot {
        let (store, last) = (&self.store, self.history.last.as_ref());
        let before = last.map(|last| &last.before);
        let serving = self.serving.as_ref();
        let shards = |pipeline: &Pipeline| {
            let count = pipeline.divided(store).map_or(0, |divided| divided.shards.len() as u32);
            (0..count).map(|shard| self.shard_view(pipeline, store, shard, before)).collect()
        };
        let results = self.records.iter().filter_map(|(name, record)| Some((name.clone(), record.result.clone()?)));
        let own = self.serving_name();
        let others = self.records.iter().filter(|(name, _)| *name != own);
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase: self.phase(),
            settings: self.settings.as_ref().clone(),
            model: self.filled_model(),
            data: self.source.view.clone(),
            partition: serving.and_then(|pipeline| self.partition_view(pipeline, store)),
            shards: serving.map_or_else(Vec::new, shards),
            results: results.collect(),
            comparisons: self.records.values().filter_map(|record| record.comparison.clone()).collect(),
            sweep: self.sweep_view(),
            change: last.map(|last| last.view.clone()),
            digests: self.digests(before),
            seconds: self.seconds(),
            work: self.history.work,
            others: others.filter_map(|(name, record)| Some((name.clone(), record.facts.partition.clone()?))).collect(),
            stale: self.stale(),
            twin: self.history.twin.clone(),
            sequence: self.history.sequence.clone(),
            audit: self.history.audit.clone(),
            receipts: self.history.receipts.len() as u32,
            notes: self.records.values().filter_map(|record| record.facts.note.clone()).collect(),
        }
    }

    /// What a build would do: the stages of which something is missing.
    fn stale(&self) -> Vec<Stage> {
        let (Some(wanted), Some(_)) = (&self.wanted, &self.serving) else { return Vec::new() };
        let Some(first) = wanted.missing(&self.store) else { return Vec::new() };
        use Stage::{Combine, Embed, Evaluate, Partition, Train};
        [Embed, Partition, Train, Combine, Evaluate].into_iter().filter(|&stage| stage >= first).collect()
    }

    fn seconds(&self) -> SecondsView {
        let history = &self.history;
        let (built, changed, retrained) = (&history.built, &history.changed, &history.retrained);
        SecondsView {
            read: history.read_seconds,
            embed: built.embed,
            partition: built.partition,
            train: built.train,
            combine: built.combine,
            evaluate: built.evaluate,
            unlearn: changed.until_serving(),
            retrain: retrained.until_serving(),
            rest: history.rest_seconds,
            work: built.work,
            unlearn_work: changed.work,
            retrain_work: retrained.work,
            spent: self.watch.times.view(),
        }
    }

    /// A pipeline's partition, measured against the planted groups where the data has them.
    pub(super) fn partition_view(&self, pipeline: &Pipeline, store: &Store) -> Option<PartitionView> {
        let facts = pipeline.partition_facts(store)?;
        let divided = pipeline.divided(store)?;
        let (rows, active) = (pipeline.rows(), pipeline.dataset().active());
        let shards = divided.assignment.shards;
        let rows_per_shard: Vec<u32> = divided.shards.iter().map(|shard| shard.n_rows).collect();
        let mut view = PartitionView {
            method: pipeline.settings().partition.method,
            shards,
            users_per_shard: divided.shards.iter().map(|shard| shard.users.len() as u32).collect(),
            work_ratio: work_ratio(&rows_per_shard),
            rows_per_shard,
            capacity: (active.len() as u32).div_ceil(shards.max(1)),
            within_ss: facts.within_ss,
            iterations: facts.iterations,
            silhouette: facts.silhouette,
            purity: None,
            adjusted_rand: None,
            seconds: facts.seconds,
        };
        let group = |&user: &u32| self.source.groups.get(rows.users().get(user)).map(|&group| group as u16);
        if let (Division::ByUser(shard_of), Some(groups)) =
            (divided.assignment.compact(rows), active.iter().map(group).collect::<Option<Vec<u16>>>())
        {
            view.purity = Some(purity(&shard_of, &groups));
            view.adjusted_rand = Some(adjusted_rand_index(&shard_of, &groups));
        }
        Some(view)
    }

    /// What to show of a shard. Panics if the pipeline has no such shard.
    pub(super) fn shard_view(
        &self,
        pipeline: &Pipeline,
        store: &Store,
        shard: u32,
        before: Option<&Before>,
    ) -> ShardView {
        let divided = pipeline.divided(store).expect("who asks for a shard has seen that there are some");
        let own = &divided.shards[shard as usize];
        let trained = pipeline.sub_model(shard, store);
        let touched = self.history.last.as_ref().is_some_and(|last| last.view.touched_shards.contains(&shard));
        ShardView {
            shard,
            users: own.users.len() as u32,
            rows: own.n_rows,
            items: own.items.len() as u32,
            epochs: trained.map_or(0, |trained| trained.epochs),
            stop: trained.map(|trained| trained.stop),
            best_epoch: trained.and_then(|trained| trained.best).map(|best| best.epoch),
            best_metric: trained.and_then(|trained| trained.best).map(|best| best.metric),
            chosen: trained.and_then(|trained| trained.chosen.clone()),
            seconds: trained.map_or(0.0, |trained| trained.seconds),
            touched: before.is_some() && touched && trained.is_some(),
            digest: trained.map(|trained| trained.digest),
            digest_before: before.and_then(|before| before.shards.get(shard as usize).copied().flatten()),
        }
    }

    fn digests(&self, before: Option<&Before>) -> DigestsView {
        let store = &self.store;
        let split = self.wanted.as_ref().map(|wanted| wanted.dataset().digest());
        let Some(serving) = &self.serving else {
            return DigestsView { split, ..DigestsView::default() };
        };
        let (partition, ensemble) = (serving.partition_digest(store), serving.ensemble_digest(store));
        let shards = shard_digests(serving, store);
        let retrained = self.records.get("retrained").and_then(|record| record.facts.digest);
        match before {
            None => DigestsView {
                split,
                partition,
                shards_before: shards,
                ensemble_before: ensemble,
                retrained,
                ..DigestsView::default()
            },
            Some(before) => DigestsView {
                split: Some(before.split),
                split_after: Some(serving.dataset().digest()),
                partition: before.partition,
                partition_after: partition,
                shards_before: before.shards.clone(),
                shards_after: shards,
                ensemble_before: before.ensemble,
                ensemble_after: ensemble,
                retrained,
            },
        }
    }

    fn phase(&self) -> Phase {
        let Some(serving) = &self.serving else {
            return if self.wanted.is_some() { Phase::Data } else { Phase::Empty };
        };
        match serving.missing(&self.store) {
            None if self.records.contains_key("retrained") => Phase::Compared,
            None => Phase::Trained,
            Some(_) if serving.divided(&self.store).is_some() => Phase::Divided,
            Some(_) => Phase::Data,
        }
    }

    /// The users as they are now.
    pub fn users(&self) -> Result<UsersView> {
        let wanted = self.wanted.as_ref().ok_or(ExperimentError::NoData)?;
        let rows = wanted.rows();
        let users = 0..rows.users().len() as u32;
        let count = |user| rows.rows_of(user).iter().filter(|row| trains(row)).count() as u32;
        // What serves may still have other rows, while settings that change them are not built.
        let serving =
            self.serving.as_ref().filter(|serving| std::sync::Arc::ptr_eq(serving.dataset(), wanted.dataset()));
        Ok(UsersView {
            ids: rows.users().iter().map(str::to_owned).collect(),
            train_rows: users.clone().map(count).collect(),
            names: self.names(rows.users()),
            anchors: self.anchors(wanted),
            suggested: self.suggested(wanted),
            handles: users.clone().map(|user| wanted.dataset().handle(user)).collect(),
            shard_of: serving
                .and_then(|serving| first_shards(serving, &self.store))
                .unwrap_or_else(|| vec![NO_SHARD; users.len()]),
        })
    }

    /// One person: rows, shards, and every pipeline's list, as long as the longest that is measured.
    pub fn person(&self, id: &str) -> Result<PersonView> {
        let pipeline = self.serving.as_ref().or(self.wanted.as_ref()).ok_or(ExperimentError::NoData)?;
        let rows = pipeline.rows();
        let user = rows.users().find(id).ok_or_else(|| ExperimentError::UnknownUser(id.to_owned()))?;
        let own = rows.rows_of(user);
        let is_test = |item: u32| own.iter().any(|row| row.item == item && row.fate == Fate::Test);
        let lists = self.records.iter().filter_map(|(name, record)| {
            // Who is outside the sample that was measured has no list but the one that `opinions` makes.
            let top = record.metrics.get(user as usize).map(|user| &user.top).filter(|top| !top.is_empty())?;
            let list = top.iter().map(|&item| self.item_view(pipeline, item, 0.0, is_test(item))).collect();
            Some((name.clone(), list))
        });
        let divided = pipeline.divided(&self.store);
        let shards = divided.map_or_else(Vec::new, |divided| divided.assignment.shards_of_user(rows, user));
        let shown =
            |row: &crate::interactions::Row| self.item_view(pipeline, row.item, row.value, row.fate == Fate::Test);
        let name = self.source.names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let (rows, lists) = (own.iter().map(shown).collect(), lists.collect());
        Ok(PersonView { id: id.to_owned(), name, shards, rows, lists, reasons: self.reasons(user)? })
    }

    /// An item as it is shown.
    pub(super) fn item_view(&self, pipeline: &Pipeline, item: u32, value: f32, test: bool) -> ItemView {
        let id = pipeline.rows().items().get(item);
        ItemView { item: id.to_owned(), title: self.title(id), value, test }
    }

    /// An item's title, or its id where it has none.
    pub(super) fn title(&self, item: &str) -> String {
        self.source.titles.get(item).cloned().unwrap_or_else(|| item.to_owned())
    }
}
