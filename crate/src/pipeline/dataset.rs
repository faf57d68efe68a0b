//! The rows that a pipeline begins with: all that were read, those that the filter leaves, and their fates.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::interactions::{
    Consent, Fate, Interactions, Row, SplitConfig, SplitError, SplitMethod, Splitter, k_core, split_digest,
};
use crate::numerics::digest::{Digest, Hasher};
use crate::numerics::random::{Purpose, keyed_fraction};
use crate::partition::PartitionConfig;

use super::{PipelineError, Settings};

/// Is a sub-model trained on the row (validation rows are, in the refit)?
pub fn trains(row: &Row) -> bool {
    row.fate != Fate::Test
}

/// Rows with their fates. A value: a change makes another one, of which nothing tells that it was not read like this.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Loaded")]
pub struct Dataset {
    rows: Interactions,
    /// Where a filter leaves rows out: all that were read.
    unfiltered: Option<Arc<Interactions>>,
    /// Handle by user id, of all users that were read.
    handles: BTreeMap<String, u32>,
    given_split: bool,
    /// Shard by user id, for the `file` partition.
    assignment_file: BTreeMap<String, u16>,
    active: Vec<u32>,
    digests: Digests,
}

/// Digests of parts that enter many keys; computed once.
#[derive(Clone, Debug, Default)]
struct Digests {
    split: OnceLock<Digest>,
    catalogue: OnceLock<Digest>,
    training: OnceLock<Digest>,
    chunks: OnceLock<Vec<Digest>>,
    testable: OnceLock<u32>,
}

/// Users measured by one job at the least: fewer would be mostly overhead.
const LEAST_USERS: u32 = 128;
/// Jobs that measuring is cut into at the most. No number of workers enters, so that keys do not hang on it.
const MOST_CHUNKS: u32 = 32;

/// What of it is saved: the rest follows from the rows.
#[derive(Serialize)]
#[serde(rename = "Dataset")]
struct Saved<'a> {
    rows: &'a Interactions,
    unfiltered: &'a Option<Arc<Interactions>>,
    handles: &'a BTreeMap<String, u32>,
    given_split: bool,
    assignment_file: &'a BTreeMap<String, u16>,
}

#[derive(Deserialize)]
#[serde(rename = "Dataset")]
struct Loaded {
    rows: Interactions,
    unfiltered: Option<Arc<Interactions>>,
    handles: BTreeMap<String, u32>,
    given_split: bool,
    assignment_file: BTreeMap<String, u16>,
}

impl Serialize for Dataset {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Dataset { rows, unfiltered, handles, given_split, assignment_file, .. } = self;
        Saved { rows, unfiltered, handles, given_split: *given_split, assignment_file }.serialize(serializer)
    }
}

impl TryFrom<Loaded> for Dataset {
    type Error = String;

    fn try_from(Loaded { rows, unfiltered, handles, given_split, assignment_file }: Loaded) -> Result<Self, String> {
        if let Some(id) = rows.users().iter().find(|id| !handles.contains_key(*id)) {
            return Err(format!("user \"{id}\" has no handle"));
        }
        let active = active(&rows);
        let digests = Digests::default();
        Ok(Dataset { rows, unfiltered, handles, given_split, assignment_file, active, digests })
    }
}

fn active(rows: &Interactions) -> Vec<u32> {
    (0..rows.users().len() as u32).filter(|&user| rows.rows_of(user).iter().any(trains)).collect()
}

impl Dataset {
    /// From all rows that were read. With `given_split` the rows marked as test are measured on; else the settings' split
    /// decides. O(rows).
    ///
    /// Errors: the filter leaves nothing; the split leaves fewer than two users to train on.
    pub fn new(read: Interactions, given_split: bool, settings: &Settings) -> Result<Self> {
        Arrival::new(read, given_split, settings)?.whole()?.usable()
    }

    /// From rows that were filtered and split already.
    pub fn as_split(rows: Interactions) -> Self {
        let handles = rows.users().iter().map(str::to_owned).zip(0..).collect();
        Dataset { active: active(&rows), rows, handles, ..Dataset::default() }
    }

    /// The same rows filtered and split by other settings.
    ///
    /// Errors: as [`Dataset::new`].
    pub fn again(&self, settings: &Settings) -> Result<Self> {
        self.of(self.read().clone(), settings)?.usable()
    }

    /// Filters and splits `read`; handles and the assignment file are kept for who is there.
    fn of(&self, read: Interactions, settings: &Settings) -> Result<Self> {
        self.arriving(read, settings)?.whole()
    }

    fn arriving(&self, read: Interactions, settings: &Settings) -> Result<Arrival> {
        let (rows, unfiltered) = match settings.k_core {
            0 | 1 => (read, None),
            k => (self.filtered(&read, k), Some(read)),
        };
        if let (Some(read), true) = (&unfiltered, rows.rows().is_empty())
            && !read.rows().is_empty()
        {
            let (count, k) = (read.rows().len(), settings.k_core);
            return Err(PipelineError::Unusable(format!(
                "{count} rows were read, and no group of users and items has at least {k} rows each: lower k-core"
            ))
            .into());
        }
        let method = if self.given_split { SplitMethod::Given } else { settings.split.method };
        let no_test_left = method == SplitMethod::Given && rows.rows().iter().all(trains);
        let splits = !rows.rows().is_empty() && !no_test_left;
        let config = SplitConfig { method, ..settings.split };
        let splitter = splits.then(|| Splitter::new(&rows, &config, settings.seed.into())).transpose()?;
        let unfiltered = unfiltered.filter(|read| rows.rows().len() < read.rows().len()).map(Arc::new);
        let base = Dataset {
            handles: self.handles.clone(),
            given_split: self.given_split,
            assignment_file: self.assignment_file.clone(),
            ..Dataset::default()
        };
        Ok(Arrival { dataset: Dataset { rows, unfiltered, ..base }, splitter })
    }

    /// Rows given as test are counted by nobody: they stay where user and item do.
    fn filtered(&self, read: &Interactions, k: u32) -> Interactions {
        if !self.given_split {
            return k_core(read.clone(), k);
        }
        let training = k_core(read.without(|row| !trains(row)), k);
        let stays = |row: &Row| {
            trains(row)
                || training.users().find(read.users().get(row.user)).is_none()
                || training.items().find(read.items().get(row.item)).is_none()
        };
        read.without(stays).with(&training)
    }

    /// Refuses rows that no ensemble can be built of.
    fn usable(self) -> Result<Self> {
        if self.active.len() >= 2 {
            return Ok(self);
        }
        let found = self.active.len();
        Err(PipelineError::Unusable(format!(
            "at least two users with training rows are needed and the split leaves {found}: give more rows, or hold out fewer"
        ))
        .into())
    }

    /// The dataset that never held the rows `gone` (indices of [`Dataset::read`], ascending) and always held `added`; of an
    /// added row that contradicts one that is there the added one counts. With nothing left it is empty.
    ///
    /// Errors: the filter or the split leaves nothing to train on.
    pub fn changed(&self, gone: &[u32], added: &Interactions, settings: &Settings) -> Result<Self> {
        let all = self.read();
        let keys: Vec<(u32, u32)> =
            gone.iter().map(|&row| (all.rows()[row as usize].user, all.rows()[row as usize].item)).collect();
        let mut read = all.without(|row| keys.binary_search(&(row.user, row.item)).is_ok());
        if !added.rows().is_empty() {
            read = read.with(added);
        }
        match self.of(read, settings) {
            Ok(changed) if !changed.active.is_empty() => Ok(changed),
            // Nothing is left that anything could be trained on.
            Ok(_) | Err(Error::Split(SplitError::NoTrain { .. })) => Ok(Dataset::default()),
            Err(error) => Err(error),
        }
    }

    /// The rows as the pipeline sees them, with their fates.
    pub fn rows(&self) -> &Interactions {
        &self.rows
    }

    /// All rows that were read, those included that the filter leaves out.
    pub fn read(&self) -> &Interactions {
        self.unfiltered.as_deref().unwrap_or(&self.rows)
    }

    /// Users with at least one training row, ascending: those that a partition divides.
    pub fn active(&self) -> &[u32] {
        &self.active
    }

    /// A user's number for life, given when the user came: what a map can still point at after a change has renumbered
    /// the users. Enters no digest.
    pub fn handle(&self, user: u32) -> u32 {
        *self.handles.get(self.rows.users().get(user)).expect("every user that was read has a handle")
    }

    /// Were the test rows given, not drawn?
    pub fn given_split(&self) -> bool {
        self.given_split
    }

    /// Shard by user id, for the `file` partition.
    pub fn assignment_file(&self) -> &BTreeMap<String, u16> {
        &self.assignment_file
    }

    /// The same with another assignment file.
    pub fn with_assignment_file(&self, assignment_file: BTreeMap<String, u16>) -> Self {
        Dataset { assignment_file, ..self.clone() }
    }

    /// Numbers of rows that are trained on, held out for validation (they are trained on, too), and measured on.
    pub fn counts(&self) -> [u32; 3] {
        let mut counts = [0; 3];
        self.rows.rows().iter().for_each(|row| counts[row.fate as usize] += 1);
        [counts[0] + counts[1], counts[1], counts[2]]
    }

    /// Digest of the rows and their fates.
    pub fn digest(&self) -> Digest {
        *self.digests.split.get_or_init(|| split_digest(&self.rows))
    }

    /// Digest of the ids of the catalogue, in order.
    pub(super) fn catalogue_digest(&self) -> Digest {
        *self.digests.catalogue.get_or_init(|| {
            let mut hasher = Hasher::new("ultrare catalogue 1");
            self.rows.items().iter().for_each(|id| {
                hasher.str(id);
            });
            hasher.finish()
        })
    }

    /// Digest of the rows that are trained on, whatever their shard.
    pub(super) fn training_digest(&self) -> Digest {
        *self.digests.training.get_or_init(|| {
            let mut hasher = Hasher::new("ultrare training rows 1");
            for row in self.rows.rows().iter().filter(|row| trains(row)) {
                hasher.str(self.rows.users().get(row.user)).str(self.rows.items().get(row.item));
                hasher.f32(row.value).u32(row.fate as u32);
            }
            hasher.finish()
        })
    }

    fn chunk(&self) -> u32 {
        (self.rows.users().len() as u32).div_ceil(MOST_CHUNKS).max(LEAST_USERS)
    }

    /// The users in ranges, each measured by one job.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Range<u32>> + use<> {
        let (users, size) = (self.rows.users().len() as u32, self.chunk());
        (0..users).step_by(size as usize).map(move |from| from..users.min(from + size))
    }

    /// Can the user be measured? Only somebody with rows to be served by, and rows to measure on.
    pub fn is_testable(&self, user: u32) -> bool {
        let rows = self.rows.rows_of(user);
        rows.iter().any(trains) && !rows.iter().all(trains)
    }

    /// How many can.
    pub fn testable(&self) -> u32 {
        let all = || (0..self.rows.users().len() as u32).filter(|&user| self.is_testable(user)).count() as u32;
        *self.digests.testable.get_or_init(all)
    }

    /// Digests of the rows of each of these ranges of users, in catalogue numbers, with their ids.
    pub(super) fn chunk_digests(&self) -> &[Digest] {
        self.digests.chunks.get_or_init(|| {
            let digest = |users: Range<u32>| {
                let mut hasher = Hasher::new("ultrare users 1");
                hasher.u32(users.start);
                let mut bytes = Vec::new();
                for user in users {
                    hasher.str(self.rows.users().get(user));
                    bytes.clear();
                    for row in self.rows.rows_of(user) {
                        bytes.extend(row.item.to_le_bytes());
                        bytes.extend(row.value.to_bits().to_le_bytes());
                        bytes.push(row.fate as u8);
                    }
                    hasher.bytes(&bytes);
                }
                hasher.digest(&self.catalogue_digest()).finish()
            };
            self.chunks().map(digest).collect()
        })
    }

    /// Is a user one of the anchors of an `anchored` partition?
    pub fn is_anchor(&self, user: u32, partition: &PartitionConfig, seed: u32) -> bool {
        is_anchor(&self.rows, user, partition, seed)
    }

    /// How many of those who could be anchors consent to it; `None` where the file has no such column.
    pub fn consenting(&self) -> Option<u32> {
        let asked = self.rows.rows().iter().any(|row| row.consent != Consent::Unsaid);
        asked.then(|| self.active.iter().filter(|&&user| self.rows.consents(user, &[])).count() as u32)
    }
}

/// Rows on their way to a dataset, in steps: whoever asked for it may want to stop it.
pub struct Arrival {
    dataset: Dataset,
    /// None where there is nothing to split.
    splitter: Option<Splitter>,
}

impl Arrival {
    /// As [`Dataset::new`].
    ///
    /// Errors: as [`Dataset::new`], as far as they are certain before the rows are split.
    pub fn new(read: Interactions, given_split: bool, settings: &Settings) -> Result<Self> {
        Dataset { given_split, ..Dataset::default() }.arriving(read, settings)
    }

    /// Goes on for a while. True once all rows are split.
    pub fn step(&mut self) -> bool {
        self.splitter.as_mut().is_none_or(|splitter| splitter.step(&self.dataset.rows))
    }

    /// What has come of it. O(rows), but without a hash for each.
    ///
    /// Errors: the split leaves fewer than two users to train on.
    pub fn done(self) -> Result<Dataset> {
        self.whole()?.usable()
    }

    fn whole(mut self) -> Result<Dataset> {
        while !self.step() {}
        let Arrival { dataset: mut all, splitter } = self;
        if let Some(splitter) = splitter {
            splitter.done(&mut all.rows)?;
        }
        all.active = active(&all.rows);
        let users = all.unfiltered.as_deref().unwrap_or(&all.rows).users();
        let mut handles = std::mem::take(&mut all.handles);
        let mut next = handles.values().max().map_or(0, |last| last + 1);
        if next == 0 {
            handles = users.iter().map(str::to_owned).zip(0..).collect();
        } else {
            handles.retain(|id, _| users.find(id).is_some());
            for id in users.iter() {
                handles.entry(id.to_owned()).or_insert_with(|| {
                    next += 1;
                    next - 1
                });
            }
        }
        all.assignment_file.retain(|id, _| users.find(id).is_some());
        all.handles = handles;
        Ok(all)
    }
}

/// Is a user one of the anchors of an `anchored` partition of these rows? The user's own consent decides, or a keyed hash of
/// the id: nobody else's coming or going does.
pub fn is_anchor(rows: &Interactions, user: u32, partition: &PartitionConfig, seed: u32) -> bool {
    if partition.consent {
        return rows.consents(user, &[]);
    }
    keyed_fraction(seed.into(), Purpose::Anchor, &[rows.users().get(user).as_bytes()]) < f64::from(partition.anchors)
}
