//! The shards of users or rows in the order of their ids, without the ids.

use serde::{Deserialize, Serialize};

use super::{Layout, NO_SHARD, Per, RequestError};
use crate::interactions::{Fate, Interactions};

/// Who is in which shard: with the rows at hand it is the partition again, alone it is a list of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Number of shards, empty ones included.
    pub shards: u32,
    /// What the entries are of.
    pub per: Per,
    /// One shard for each, in the order of ids.
    pub shard_of: Vec<u16>,
}

impl Places {
    /// By user where all rows of every user are together, else by row.
    ///
    /// Errors: [`RequestError::Layout`] when `layout` is not of these rows.
    pub fn of(data: &Interactions, layout: &Layout<'_>) -> Result<Places, RequestError> {
        layout.check(data)?;
        let mut by_user: Vec<u16> = Vec::new();
        let mut last = None;
        let mut together = true;
        for (row, &shard) in data.rows().iter().zip(layout.shard_of_row).filter(|&(_, &shard)| shard != NO_SHARD) {
            if last == Some(row.user) {
                together &= by_user.last() == Some(&shard);
            } else {
                by_user.push(shard);
                last = Some(row.user);
            }
        }
        let shards = layout.shards;
        if together {
            return Ok(Places { shards, per: Per::User, shard_of: by_user });
        }
        let shard_of = layout.shard_of_row.iter().copied().filter(|&shard| shard != NO_SHARD).collect();
        Ok(Places { shards, per: Per::Row, shard_of })
    }

    /// The shard of every row of `data`, [`NO_SHARD`] for test rows.
    ///
    /// Errors: [`RequestError::Layout`] when these are not the rows it was made of.
    pub fn shard_of_row(&self, data: &Interactions) -> Result<Vec<u16>, RequestError> {
        let mut entries = self.shard_of.iter();
        let mut current = (None, NO_SHARD);
        let mut shard_of_row = Vec::with_capacity(data.rows().len());
        let short = || RequestError::Layout {
            reason: format!("{} shards are listed, too few for these rows", self.shard_of.len()),
        };
        for row in data.rows() {
            if row.fate == Fate::Test {
                shard_of_row.push(NO_SHARD);
                continue;
            }
            if self.per == Per::Row || current.0 != Some(row.user) {
                current = (Some(row.user), *entries.next().ok_or_else(short)?);
            }
            shard_of_row.push(current.1);
        }
        if entries.next().is_some() {
            let reason = format!("{} shards are listed, too many for these rows", self.shard_of.len());
            return Err(RequestError::Layout { reason });
        }
        Layout { shards: self.shards, shard_of_row: &shard_of_row }.check(data)?;
        Ok(shard_of_row)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unlearn::testing::{data_strategy, names};

    #[test]
    fn other_rows_are_refused() {
        let data = names(&[("a", "x"), ("b", "x"), ("b", "y")]);
        let places = Places { shards: 2, per: Per::User, shard_of: vec![0, 1] };
        assert_eq!(places.shard_of_row(&data), Ok(vec![0, 1, 1]));
        for (shards, shard_of) in
            [(2, vec![0]), (2, vec![0, 1, 1]), (1, vec![0, 1]), (2, vec![0, NO_SHARD]), (u32::MAX, vec![0, 1])]
        {
            let error = Places { shards, per: Per::User, shard_of }.shard_of_row(&data).unwrap_err();
            assert_eq!(error.code(), "request.layout");
        }
    }

    proptest! {
        #[test]
        fn a_layout_comes_back(data in data_strategy(), by_row in any::<bool>(), seed in any::<u64>()) {
            let shard = |at: usize, row: &crate::interactions::Row| match row.fate {
                Fate::Test => NO_SHARD,
                _ => ((seed >> ((if by_row { at } else { row.user as usize }) % 60)) % 3) as u16,
            };
            let rows: Vec<u16> = data.rows().iter().enumerate().map(|(at, row)| shard(at, row)).collect();
            let places = Places::of(&data, &Layout { shards: 3, shard_of_row: &rows }).unwrap();
            prop_assert_eq!(places.shard_of_row(&data), Ok(rows));
            prop_assert!(by_row || places.per == Per::User);
        }
    }
}
