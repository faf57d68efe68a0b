//! The rows that an arm of the experiment lives on, and how they fall into shards.

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};
use crate::interactions::{Fate, Interactions, Row};
use crate::model::ShardRows;
use crate::partition::{Assignment, PartitionConfig};
use crate::random::{Purpose, keyed_fraction};
use crate::unlearn::NO_SHARD;
use crate::unlearn::receipt::Placed;

/// Interactions with their fates, and what is derived from them once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Loaded", into = "Loaded")]
pub struct Data {
    /// The rows.
    pub interactions: Interactions,
    /// Each user's index when the file was loaded: what a map on the page can still point at after a deletion has
    /// renumbered the users. Enters no digest.
    pub handles: Vec<u32>,
    /// Users with at least one training row, ascending: those that a partition divides.
    pub active: Vec<u32>,
}

/// What of it is saved: the rest follows from the rows.
#[derive(Serialize, Deserialize)]
struct Loaded {
    interactions: Interactions,
    handles: Vec<u32>,
}

impl From<Data> for Loaded {
    fn from(Data { interactions, handles, .. }: Data) -> Self {
        Loaded { interactions, handles }
    }
}

impl TryFrom<Loaded> for Data {
    type Error = String;

    fn try_from(Loaded { interactions, handles }: Loaded) -> Result<Self, String> {
        let users = interactions.users().len();
        if handles.len() != users {
            return Err(format!("{} handles for {users} users", handles.len()));
        }
        Ok(Data::with_handles(interactions, handles))
    }
}

impl Data {
    /// Numbers the users as they are.
    pub fn new(interactions: Interactions) -> Self {
        let handles = (0..interactions.users().len() as u32).collect();
        Self::with_handles(interactions, handles)
    }

    fn with_handles(interactions: Interactions, handles: Vec<u32>) -> Self {
        let active = (0..interactions.users().len() as u32)
            .filter(|&user| interactions.rows_of(user).iter().any(trains))
            .collect();
        Data { interactions, handles, active }
    }

    /// The data that never held `rows` (indices, ascending).
    pub fn without(&self, rows: &[u32]) -> Self {
        let all = self.interactions.rows();
        let gone: Vec<(u32, u32)> = rows.iter().map(|&row| (all[row as usize].user, all[row as usize].item)).collect();
        let interactions = self.interactions.without(|row| gone.binary_search(&(row.user, row.item)).is_ok());
        let old = self.interactions.users();
        let handles =
            interactions.users().iter().filter_map(|id| old.find(id)).map(|user| self.handles[user as usize]).collect();
        Self::with_handles(interactions, handles)
    }

    /// Number of rows with a fate.
    pub fn count(&self, fate: Fate) -> u32 {
        self.interactions.rows().iter().filter(|row| row.fate == fate).count() as u32
    }
}

/// Is a sub-model trained on the row (validation rows are, in the refit)?
pub fn trains(row: &Row) -> bool {
    row.fate != Fate::Test
}

/// Is a user one of the anchors of an `anchored` partition, once the rows `except` (indices, ascending) are gone? The user's own
/// consent decides, or a keyed hash of the id: nobody else's coming or going does.
pub(super) fn is_anchor(
    data: &Interactions,
    user: u32,
    except: &[u32],
    partition: &PartitionConfig,
    seed: u32,
) -> bool {
    if partition.consent {
        return data.consents(user, except);
    }
    let id = data.users().get(user);
    keyed_fraction(seed.into(), Purpose::Anchor, &[id.as_bytes()]) < f64::from(partition.anchors)
}

/// Which shard every row belongs to; `NO_SHARD` for test rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Number of shards, emptied ones included.
    pub shards: u32,
    /// Per row of the interactions.
    pub shard_of_row: Vec<u16>,
}

impl Layout {
    /// One shard for everything.
    pub fn whole(data: &Data) -> Self {
        let shard_of_row = data.interactions.rows().iter().map(|row| if trains(row) { 0 } else { NO_SHARD }).collect();
        Layout { shards: 1, shard_of_row }
    }

    /// From what a partition decided about the active users, or about the training rows.
    pub fn new(data: &Data, shards: u32, assignment: &Assignment) -> Self {
        let rows = data.interactions.rows();
        let mut shard_of_row = vec![NO_SHARD; rows.len()];
        let training = rows.iter().zip(&mut shard_of_row).filter(|(row, _)| trains(row));
        match assignment {
            Assignment::ByUser(of) => {
                let mut by_user = vec![NO_SHARD; data.interactions.users().len()];
                for (&user, &shard) in data.active.iter().zip(of) {
                    by_user[user as usize] = shard;
                }
                training.for_each(|(row, shard)| *shard = by_user[row.user as usize]);
            }
            Assignment::ByRow(of) => training.zip(of).for_each(|((_, shard), &of)| *shard = of),
        }
        Layout { shards, shard_of_row }
    }

    /// The same shards without `rows` (indices, ascending): the frozen partition after a deletion.
    pub fn without(&self, rows: &[u32]) -> Self {
        let mut gone = rows.iter().peekable();
        let shard_of_row = self
            .shard_of_row
            .iter()
            .enumerate()
            .filter(|(index, _)| gone.next_if(|&&row| row as usize == *index).is_none())
            .map(|(_, &shard)| shard)
            .collect();
        Layout { shards: self.shards, shard_of_row }
    }

    /// SHA-256 over (user id, shard), or (user id, item id, shard) where a user's rows are in several shards.
    pub fn digest(&self, data: &Data) -> Digest {
        Placed { rows: &data.interactions, shards: self.shards, shard_of_row: &self.shard_of_row }.digest()
    }

    /// Users and items of every shard, in one pass.
    pub fn members(&self, data: &Data) -> Vec<Shard> {
        let rows = data.interactions.rows();
        let mut shards = vec![Shard::default(); self.shards as usize];
        for (row, &of) in rows.iter().zip(&self.shard_of_row) {
            if of == NO_SHARD {
                continue;
            }
            let shard = &mut shards[of as usize];
            shard.n_rows += 1;
            if shard.users.last() != Some(&row.user) {
                shard.users.push(row.user);
            }
            shard.items.push(row.item);
        }
        for shard in &mut shards {
            shard.items.sort_unstable();
            shard.items.dedup();
        }
        shards
    }
}

/// Who and what is in a shard; indices into the interactions' users and items, ascending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// Users with a row in it.
    pub users: Vec<u32>,
    /// Items with a row in it: the shard's catalogue.
    pub items: Vec<u32>,
    /// Number of rows.
    pub n_rows: u32,
}

impl Shard {
    /// The shard's rows in local numbers: all that a sub-model ever sees.
    pub fn rows(&self, data: &Data, layout: &Layout, shard: u32) -> ShardRows {
        let mut local = vec![0u32; data.interactions.items().len()];
        for (index, &item) in self.items.iter().enumerate() {
            local[item as usize] = index as u32;
        }
        let n_rows = self.n_rows as usize;
        let mut rows = ShardRows {
            n_users: self.users.len() as u32,
            n_items: self.items.len() as u32,
            starts: Vec::with_capacity(self.users.len() + 1),
            items: Vec::with_capacity(n_rows),
            values: Vec::with_capacity(n_rows),
            validation: Vec::with_capacity(n_rows),
        };
        rows.starts.push(0);
        for &user in &self.users {
            for index in data.interactions.range_of(user) {
                if u32::from(layout.shard_of_row[index]) == shard {
                    let row = &data.interactions.rows()[index];
                    rows.items.push(local[row.item as usize]);
                    rows.values.push(row.value);
                    rows.validation.push(row.fate == Fate::Validation);
                }
            }
            rows.starts.push(rows.items.len() as u32);
        }
        rows
    }

    /// Digest of a sub-model: its shard's number, the ids it was trained on in order, and its weights.
    pub fn digest(&self, data: &Data, shard: u32, weights: &[u8]) -> Digest {
        let mut hasher = Hasher::new("ultrare sub-model 1");
        hasher.u32(shard).u32(self.users.len() as u32).u32(self.items.len() as u32);
        for &user in &self.users {
            hasher.str(data.interactions.users().get(user));
        }
        for &item in &self.items {
            hasher.str(data.interactions.items().get(item));
        }
        hasher.bytes(weights).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interactions::Triple;

    fn data() -> Data {
        let triple =
            |user: &str, item: &str, fate| Triple { user: user.into(), item: item.into(), value: 1.0, time: 0, fate };
        Data::new(Interactions::new(vec![
            triple("a", "x", Fate::Train),
            triple("a", "y", Fate::Test),
            triple("b", "y", Fate::Train),
            triple("b", "z", Fate::Validation),
            triple("c", "z", Fate::Test),
        ]))
    }

    #[test]
    fn users_without_training_rows_are_not_divided() {
        assert_eq!(data().active, vec![0, 1]);
    }

    #[test]
    fn a_shard_numbers_its_own_users_and_items() {
        let data = data();
        let layout = Layout::new(&data, 2, &Assignment::ByUser(vec![0, 1]));
        assert_eq!(layout.shard_of_row, vec![0, NO_SHARD, 1, 1, NO_SHARD]);
        let shards = layout.members(&data);
        assert_eq!(shards[1], Shard { users: vec![1], items: vec![1, 2], n_rows: 2 });
        let rows = shards[1].rows(&data, &layout, 1);
        assert_eq!((rows.n_users, rows.n_items), (1, 2));
        assert_eq!(rows.items, vec![0, 1]);
        assert_eq!(rows.validation, vec![false, true]);
    }

    #[test]
    fn a_frozen_layout_loses_the_forgotten_rows_and_keeps_handles() {
        let data = data();
        let layout = Layout::new(&data, 2, &Assignment::ByRow(vec![0, 1, 0]));
        let (after, kept) = (data.without(&[0, 1]), layout.without(&[0, 1]));
        assert_eq!(kept.shard_of_row, vec![1, 0, NO_SHARD]);
        assert_eq!(after.handles, vec![1, 2]);
        assert_eq!(after.interactions.items().len(), 2);
    }

    #[test]
    fn the_partition_digest_is_about_ids_not_numbers() {
        let data = data();
        let layout = Layout::new(&data, 2, &Assignment::ByUser(vec![0, 1]));
        let (after, kept) = (data.without(&[0, 1]), layout.without(&[0, 1]));
        let twin = Layout::new(&after, 2, &Assignment::ByUser(vec![1]));
        assert_eq!(kept.digest(&after), twin.digest(&after));
        assert_ne!(kept.digest(&after), layout.digest(&data));
    }
}
