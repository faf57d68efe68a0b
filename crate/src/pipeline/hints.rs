//! What saves time and changes no bit: checkpoints before the first changed slice, counts to subtract from and add to, the
//! combiner as it was. Law 2: none of it enters a key.

use super::slices::Slices;
use crate::model::{self, Sliced, Start};
use crate::numerics::digest::{Digest, Hasher};

use super::store::{Store, StoredCheckpoint};
use super::value::{Divided, Pipeline};

/// Per number of slices, from 1: a digest of the shard's number and of all rows of the first so many slices. The last slice
/// completes the shard and is not among them.
fn prefixes(pipeline: &Pipeline, divided: &Divided, shard: u32, slices: &Slices) -> Vec<Digest> {
    let data = pipeline.rows();
    let mut hashers: Vec<Hasher> = (0..slices.count()).map(|_| Hasher::new("ultrare slice rows 1")).collect();
    for &user in &divided.shards[shard as usize].users {
        let id = data.users().get(user);
        let hasher = &mut hashers[slices.slice(id) as usize];
        for index in data.range_of(user) {
            if divided.assignment.of_row(index) == Some(shard) {
                let row = &data.rows()[index];
                hasher.str(id).str(data.items().get(row.item)).f32(row.value).u32(row.fate as u32);
            }
        }
    }
    let mut before = Digest::default();
    let slices = hashers.iter().take(hashers.len() - 1).map(Hasher::finish);
    let chained = slices.map(|slice| {
        before = Hasher::new("ultrare slices 1").u32(shard).digest(&before).digest(&slice).finish();
        before
    });
    chained.collect()
}

/// The digest of the rows that so many slices hold; none for a number that nothing is kept of.
fn after(rows: &[Digest], slices: u32) -> Option<&Digest> {
    rows.get((slices as usize).checked_sub(1)?)
}

impl Pipeline {
    /// The slices of its shards, where its settings ask for any.
    pub(crate) fn slices(&self) -> Option<Slices> {
        let count = Some(self.settings().slices()).filter(|&count| count > 1)?;
        Some(Slices::new(self.seed(), count).expect("the settings were checked: there are not too many"))
    }

    /// Where the training of a shard begins; `previous` is the pipeline before a change.
    pub(super) fn start(&self, shard: u32, divided: &Divided, store: &Store, previous: Option<&Pipeline>) -> Start {
        let own = &divided.shards[shard as usize];
        if let Some(slices) = self.slices() {
            let rows = prefixes(self, divided, shard, &slices);
            let fits = |kept: &&StoredCheckpoint| after(&rows, kept.slices) == Some(&kept.rows);
            let all = store.sub_models().flat_map(|trained| &trained.checkpoints);
            let resume = all.filter(fits).max_by_key(|kept| kept.slices).map(StoredCheckpoint::resume);
            let slice_of_user = own.users.iter().map(|&user| slices.slice(self.rows().users().get(user)));
            return Start::Sliced(Sliced { count: slices.count(), slice_of_user: slice_of_user.collect(), resume });
        }
        let additive = self.settings().model.name.is_additive();
        let counts =
            || previous.filter(|_| additive).and_then(|before| self.counts_before(shard, divided, store, before));
        counts().map_or(Start::Fresh, Start::Counts)
    }

    /// The counts of the shard's model before the change, in today's numbers.
    fn counts_before(
        &self,
        shard: u32,
        divided: &Divided,
        store: &Store,
        before: &Pipeline,
    ) -> Option<model::PreviousModel> {
        let was = before.divided(store)?;
        let trained = before.sub_model(shard, store)?;
        let (old, new) = (before.rows(), self.rows());
        let own = &divided.shards[shard as usize];
        let local = |of: &[u32], index: Option<u32>| of.binary_search(&index?).ok().map(|at| at as u32);
        let (old_shard, shards) = (was.shards.get(shard as usize)?, own);
        let user = |&user: &u32| local(&shards.users, new.users().find(old.users().get(user)));
        let item = |&item: &u32| local(&shards.items, new.items().find(old.items().get(item)));
        Some(model::PreviousModel {
            weights: trained.weights.bytes.to_vec(),
            users: old_shard.users.iter().map(user).collect(),
            items: old_shard.items.iter().map(item).collect(),
        })
    }

    /// The checkpoints of a trained shard: those that fit already, and those that its training made.
    pub(super) fn checkpoints(
        &self,
        shard: u32,
        divided: &Divided,
        made: Vec<model::SliceCheckpoint>,
        store: &Store,
    ) -> Vec<StoredCheckpoint> {
        let Some(slices) = self.slices() else { return Vec::new() };
        let rows = prefixes(self, divided, shard, &slices);
        let fits = |kept: &&StoredCheckpoint| after(&rows, kept.slices) == Some(&kept.rows);
        let mut all: Vec<StoredCheckpoint> =
            store.sub_models().flat_map(|trained| &trained.checkpoints).filter(fits).cloned().collect();
        all.retain(|kept| made.iter().all(|new| new.rounds != kept.slices));
        all.extend(made.into_iter().filter_map(|new| {
            let rows = *after(&rows, new.rounds)?;
            Some(StoredCheckpoint { slices: new.rounds, rows, state: std::sync::Arc::new(new.state.into()) })
        }));
        tiny_sort::stable::sort_by_key(&mut all, |kept| kept.slices);
        all.dedup_by_key(|kept| kept.slices);
        all
    }

    /// Rows of each slice of a shard.
    pub(crate) fn slice_rows(&self, shard: u32, divided: &Divided, slices: &Slices) -> Vec<u64> {
        let mut rows = vec![0u64; slices.count() as usize];
        for &user in &divided.shards[shard as usize].users {
            let mine = self.rows().range_of(user);
            let here = mine.filter(|&index| divided.assignment.of_row(index) == Some(shard)).count() as u64;
            rows[slices.slice(self.rows().users().get(user)) as usize] += here;
        }
        rows
    }
}
