//! How a shard's rows look: all that defaults go by.

use crate::model::rows::ShardRows;
use crate::model::training::Sliced;
use crate::numerics::math;

/// Rows for each user and item below which they are few.
const FEW: f64 = 10.0;

/// Share of the only model's penalty for one of very many.
const OF_MANY: f64 = 0.4;

/// Users, items and rows of a shard, and how many shards there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub users: u32,
    pub items: u32,
    pub rows: u64,
    /// Shards of the ensemble.
    pub shards: u32,
}

impl Shape {
    pub fn of(rows: &ShardRows) -> Shape {
        let ShardRows { n_users: users, n_items: items, shards, .. } = *rows;
        Shape { users, items, rows: rows.items.len() as u64, shards }
    }

    /// Of a training in slices: its first slice, as many times as there are slices. What a later one holds has no say, or a checkpoint
    /// would know of it.
    pub fn of_first_slice(rows: &ShardRows, sliced: &Sliced) -> Shape {
        let mut items = vec![false; rows.n_items as usize];
        let (mut users, mut count) = (0, 0);
        for (user, _) in sliced.slice_of_user.iter().enumerate().filter(|(_, slice)| **slice == 0) {
            users += 1;
            for row in rows.starts[user] as usize..rows.starts[user + 1] as usize {
                items[rows.items[row] as usize] = true;
                count += 1;
            }
        }
        let items = items.into_iter().filter(|&there| there).count() as u32;
        let times = sliced.count.max(1);
        Shape { users: users * times, items, rows: count * u64::from(times), shards: rows.shards }
    }

    /// Are rows few for each user and item?
    pub fn is_sparse(&self) -> bool {
        (self.rows as f64) < FEW * (f64::from(self.users) + f64::from(self.items))
    }

    /// The penalty on weights: `at_films` where a user has 62 rows and an item 44 (the generated set `films`), else that times a power of
    /// 1 / rows per user + 1 / rows per item, relative to `films`: vectors that few rows tell of need to be held back more. At most
    /// `most`; 0.4 of it in one of very many shards, since combining them averages their noise away. In two digits.
    pub fn penalty(&self, at_films: f64, power: f64, most: f64) -> f32 {
        let rows = self.rows.max(1) as f64;
        let scarcity = (f64::from(self.users) + f64::from(self.items)) / rows;
        let films = 1.0 / 62.0 + 1.0 / 44.0;
        let share = OF_MANY + (1.0 - OF_MANY) / f64::from(self.shards.max(1));
        two_digits(share * (at_films * math::exp(power * math::ln((scarcity / films).max(0.1)))).min(most))
    }

    /// What was chosen, and from what: `64 factors, penalty 0.04: from 59112 rows of 950 people and 1350 items`; none where nothing was.
    pub fn because(&self, said: &[String]) -> Option<String> {
        let Shape { users, items, rows, .. } = self;
        (!said.is_empty()).then(|| format!("{}: from {rows} rows of {users} people and {items} items", said.join(", ")))
    }
}

/// As a person would type it: a choice does not pretend to more.
pub(crate) fn two_digits(value: f64) -> f32 {
    format!("{value:.1e}").parse().expect("a number that was just written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewer_the_rows_the_stronger_the_penalty_within_its_bound() {
        let shape = |users, items, rows| Shape { users, items, rows, shards: 1 };
        let films = shape(950, 1_350, 59_112).penalty(0.04, 0.3, 0.1);
        assert!((films - 0.04).abs() < 1e-3, "{films}");
        let all = [
            shape(950, 1_350, 300_000),
            shape(950, 1_350, 59_112),
            shape(1_900, 4_400, 31_600),
            shape(300, 9_000, 9_500),
        ];
        assert!(all.map(|shape| shape.penalty(0.04, 0.3, 0.1)).is_sorted());
        for odd in [shape(0, 0, 0), shape(1, 1, 1), shape(u32::MAX, u32::MAX, 1), shape(1, 1, u64::MAX)] {
            let penalty = odd.penalty(0.04, 0.3, 0.1);
            assert!(penalty > 0.0 && penalty <= 0.1, "{odd:?}: {penalty}");
        }
    }
}
