//! Shard rows as the models want them: checked once.

use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::numerics::sparse::Csr;

/// The rows of one shard, users in order, each user's items ascending: compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShardRows {
    /// Users in the shard.
    pub n_users: u32,
    /// Items that occur in the shard's rows (its catalogue).
    pub n_items: u32,
    /// Where each user's rows begin; `n_users + 1` values.
    pub starts: Vec<u32>,
    /// Item of each row.
    pub items: Vec<u32>,
    /// Rating of each row, or 1.
    pub values: Vec<f32>,
    /// Is the row held out for validation? As long as `items`.
    pub validation: Vec<bool>,
    /// Shards of the ensemble that this is one of; 0 or 1: it is the only one. Noise in one of many models is averaged away by
    /// what combines them, so each may be penalised less.
    pub shards: u32,
}

impl ShardRows {
    /// From (user, item, value), numbered from 0, in any order; of equal pairs the last one counts. Nothing is held out.
    pub fn of(triples: impl IntoIterator<Item = (u32, u32, f32)>) -> Self {
        let pairs: std::collections::BTreeMap<(u32, u32), f32> =
            triples.into_iter().map(|(user, item, value)| ((user, item), value)).collect();
        let count = |numbers: &mut dyn Iterator<Item = u32>| numbers.max().map_or(0, |last| last + 1);
        let n_users = count(&mut pairs.keys().map(|(user, _)| *user));
        let mut starts = vec![0u32; n_users as usize + 1];
        pairs.keys().for_each(|(user, _)| starts[*user as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        ShardRows {
            n_users,
            n_items: count(&mut pairs.keys().map(|(_, item)| *item)),
            starts,
            items: pairs.keys().map(|(_, item)| *item).collect(),
            validation: vec![false; pairs.len()],
            values: pairs.into_values().collect(),
            shards: 1,
        }
    }

    /// Users x items of the rows for which `keep` says so (by row number). Users without such a row stay, empty.
    pub(crate) fn csr(&self, keep: impl Fn(usize) -> bool) -> Csr {
        let mut starts = Vec::with_capacity(self.starts.len());
        let mut columns = Vec::with_capacity(self.items.len());
        starts.push(0);
        for window in self.starts.windows(2) {
            columns
                .extend((window[0] as usize..window[1] as usize).filter(|&row| keep(row)).map(|row| self.items[row]));
            starts.push(columns.len() as u32);
        }
        Csr { starts, columns }
    }

    /// Refuses rows that do not hold together: lengths, order, ranges, values that are not finite.
    pub fn check(&self) -> Result<(), ModelError> {
        let refuse = |expected, value: String| Err(ModelError::Parameter { name: "rows", expected, value });
        if self.starts.len() != self.n_users as usize + 1 || self.starts.first() != Some(&0) {
            return refuse(
                "n_users + 1 starts, the first 0",
                format!("{} for {} users", self.starts.len(), self.n_users),
            );
        }
        let n = self.items.len();
        if self.starts.windows(2).any(|w| w[0] > w[1]) || self.starts.last().map(|&x| x as usize) != Some(n) {
            return refuse("starts that ascend to the number of rows", format!("{n} rows"));
        }
        if self.values.len() != n || self.validation.len() != n {
            return refuse(
                "one value and one validation flag for each row",
                format!("{n} rows, {} values, {} flags", self.values.len(), self.validation.len()),
            );
        }
        for user in 0..self.n_users as usize {
            let items = &self.items[self.starts[user] as usize..self.starts[user + 1] as usize];
            if items.windows(2).any(|w| w[0] >= w[1]) || items.last().is_some_and(|&item| item >= self.n_items) {
                return refuse("each user's items ascending and below n_items", format!("user {user}"));
            }
        }
        if let Some(row) = self.values.iter().position(|value| !value.is_finite()) {
            return refuse("finite values", format!("{} in row {row}", self.values[row]));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::numerics::random::{Purpose, StreamKey, unit};

    /// Rows with planted taste: users and items in `groups` groups, most rows inside a group. Every seventh row or so
    /// is held out for validation.
    pub(crate) fn planted(n_users: u32, n_items: u32, groups: u32, seed: u64) -> ShardRows {
        let likely = |user, item| if user % groups == item % groups { 0.5 } else { 0.04 };
        drawn(n_users, n_items, StreamKey::new(seed, Purpose::Synthetic, 0, 0), likely)
    }

    /// Every pair of user and item is a row as `likely` as is said, and held out for validation about every seventh time.
    pub(crate) fn drawn(n_users: u32, n_items: u32, key: StreamKey, likely: impl Fn(u32, u32) -> f64) -> ShardRows {
        let mut rng = key.stream();
        let mut rows = ShardRows { n_users, n_items, starts: vec![0], ..ShardRows::default() };
        for user in 0..n_users {
            for item in 0..n_items {
                if unit(&mut rng) < likely(user, item) {
                    rows.items.push(item);
                    rows.values.push(1.0);
                    rows.validation.push(unit(&mut rng) < 0.15);
                }
            }
            rows.starts.push(rows.items.len() as u32);
        }
        rows
    }

    #[test]
    fn a_filter_keeps_users_without_rows() {
        let rows = planted(9, 8, 2, 1);
        let csr = rows.csr(|row| row < 3);
        assert_eq!(csr.len(), 9);
        assert_eq!(csr.columns, rows.items[..3]);
    }

    #[test]
    fn each_fault_is_refused_by_name() {
        let good = planted(4, 6, 2, 2);
        assert_eq!(good.check(), Ok(()));
        let faults: [fn(&mut ShardRows); 6] = [
            |rows| rows.n_users += 1,
            |rows| rows.starts[1] = 1000,
            |rows| rows.values.truncate(1),
            |rows| rows.items.swap(0, 1),
            |rows| rows.n_items = 1,
            |rows| rows.values[0] = f32::NAN,
        ];
        for (index, fault) in faults.iter().enumerate() {
            let mut rows = good.clone();
            fault(&mut rows);
            assert_eq!(rows.check().unwrap_err().code(), "model.parameter", "fault {index}");
        }
    }
}
