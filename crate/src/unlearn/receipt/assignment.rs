//! Who is in which shard, for whoever has the rows: a list of shards in the order of salted hashes.
//!
//! The order of ids would give people away: the first place where the lists before and after differ is the rank of whoever
//! left. In the order of hashes under a salt that no other receipt has, that place means nothing.

use serde::{Deserialize, Serialize};

use super::error::SideError;
use super::salt::{Salt, key};
use super::side::Placed;
use crate::interactions::{Fate, Interactions};
use crate::numerics::digest::Digest;
use crate::pipeline::NO_SHARD;

/// What a list of shards has one entry for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each user with at least one training or validation row.
    #[default]
    User,
    /// Each training or validation row.
    Row,
}

/// Shards in the order of salted hashes: of users, or of rows by user and item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    /// The partition's digest, blinded.
    pub digest: Digest,
    /// What the entries are of.
    pub per: Per,
    /// One shard for each.
    pub shard_of: Vec<u16>,
}

impl Assigned {
    /// By user where all rows of every user are together, else by row.
    pub(super) fn of(placed: &Placed<'_>, salt: &Salt) -> Assigned {
        let digest = salt.partition(&placed.digest());
        let mut shards: Vec<Option<u16>> = vec![None; placed.rows.users().len()];
        let mut together = true;
        for (row, &shard) in placed.rows.rows().iter().zip(placed.shard_of_row).filter(|&(_, &shard)| shard != NO_SHARD)
        {
            together &= *shards[row.user as usize].get_or_insert(shard) == shard;
        }
        let pick = |(at, _): &(u32, Digest)| placed.shard_of_row[*at as usize];
        let (per, shard_of) = if together {
            (Per::User, users(placed.rows, salt).iter().filter_map(|(user, _)| shards[*user as usize]).collect())
        } else {
            (Per::Row, rows(placed.rows, salt).iter().map(pick).collect())
        };
        Assigned { digest, per, shard_of }
    }

    /// The shard of every row, [`NO_SHARD`] for test rows.
    ///
    /// Errors: the list is not of these rows.
    pub fn shard_of_row(&self, data: &Interactions, salt: &Salt) -> Result<Vec<u16>, SideError> {
        let order = if self.per == Per::User { users(data, salt) } else { rows(data, salt) };
        if order.len() != self.shard_of.len() {
            let (listed, there) = (self.shard_of.len(), order.len());
            return Err(SideError(format!("{listed} shards are listed, but there are {there} to have one")));
        }
        let mut of_row = vec![NO_SHARD; data.rows().len()];
        for ((at, _), &shard) in order.iter().zip(&self.shard_of) {
            let range = match self.per {
                Per::User => data.range_of(*at),
                Per::Row => *at as usize..*at as usize + 1,
            };
            let training = data.rows()[range.clone()].iter().zip(&mut of_row[range]);
            training.filter(|(row, _)| row.fate != Fate::Test).for_each(|(_, of)| *of = shard);
        }
        Ok(of_row)
    }
}

/// Users with a training or validation row, by hash.
fn users(data: &Interactions, salt: &Salt) -> Vec<(u32, Digest)> {
    let trains = |user: &u32| data.rows_of(*user).iter().any(|row| row.fate != Fate::Test);
    by_hash(
        (0..data.users().len() as u32).filter(trains).map(|user| (user, salt.user(data.users().get(user)))).collect(),
    )
}

/// Training and validation rows, by the keys of their leaves.
fn rows(data: &Interactions, salt: &Salt) -> Vec<(u32, Digest)> {
    let users: Vec<Digest> = data.users().iter().map(|id| salt.user(id)).collect();
    let items: Vec<Digest> = data.items().iter().map(|id| salt.item(id)).collect();
    let training = data.rows().iter().zip(0..).filter(|(row, _)| row.fate != Fate::Test);
    by_hash(training.map(|(row, at)| (at, key(&users[row.user as usize], &items[row.item as usize]))).collect())
}

fn by_hash(mut list: Vec<(u32, Digest)>) -> Vec<(u32, Digest)> {
    tiny_sort::unstable::sort_by(&mut list, |one, other| (one.1, one.0).cmp(&(other.1, other.0)));
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::salt::Secret;
    use super::*;
    use crate::unlearn::testing::{data_strategy, names};

    #[test]
    fn lists_of_other_rows_are_refused() {
        let data = names(&[("a", "x"), ("b", "x"), ("b", "y")]);
        let salt = Secret::derive(&data, 1).salt(1);
        for (per, shard_of) in [(Per::User, vec![0]), (Per::User, vec![0, 1, 1]), (Per::Row, vec![0, 1])] {
            let refused = Assigned { per, shard_of, ..Assigned::default() }.shard_of_row(&data, &salt);
            assert!(refused.unwrap_err().to_string().contains("are listed, but there are"));
        }
    }

    proptest! {
        #[test]
        fn an_assignment_comes_back_under_its_own_salt(data in data_strategy(), by_row in any::<bool>(), seed in any::<u64>()) {
            let shard = |at: usize, row: &crate::interactions::Row| match row.fate {
                Fate::Test => NO_SHARD,
                _ => ((seed >> ((if by_row { at } else { row.user as usize }) % 60)) % 3) as u16,
            };
            let of_row: Vec<u16> = data.rows().iter().enumerate().map(|(at, row)| shard(at, row)).collect();
            let placed = Placed { rows: &data, shards: 3, shard_of_row: &of_row };
            let salt = Secret::derive(&data, seed).salt(4);
            let assigned = Assigned::of(&placed, &salt);
            prop_assert_eq!(assigned.shard_of_row(&data, &salt), Ok(of_row));
            prop_assert!(by_row || assigned.per == Per::User);
        }
    }
}
