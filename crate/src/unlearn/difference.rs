//! What a change does to the rows and their shards: two sets of rows laid side by side by their ids.

use std::collections::BTreeSet;

use crate::interactions::{Fate, Interactions, Row};
use crate::pipeline::Assignment;

/// One shard before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardDifference {
    /// Rows before.
    pub before: u32,
    /// Rows after.
    pub after: u32,
    /// Rows that leave it.
    pub gone: u32,
    /// Rows that come into it.
    pub new: u32,
    /// Users who lose or gain a row in it.
    pub users: u32,
}

/// Both sides compared, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Users who lose or gain at least one row.
    pub users: u32,
    /// Users of whom nothing is left.
    pub users_gone: u32,
    /// Users who were not there.
    pub users_new: u32,
    /// Items of which nothing is left.
    pub items_gone: u32,
    /// Items that were not there.
    pub items_new: u32,
    /// Items before.
    pub items: u32,
    /// Rows that go, of every fate; one whose value or fate changes goes and comes.
    pub rows_gone: u32,
    /// Rows that come, of every fate.
    pub rows_new: u32,
    /// Those that go and were trained on.
    pub training_gone: u32,
    /// Those that go and were measured on.
    pub test_gone: u32,
    /// Rows measured on, before.
    pub test: u32,
    /// Each shard.
    pub shards: Vec<ShardDifference>,
}

/// Added rows that were there already, or contradict one that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// There already, with the same value: nothing changes.
    pub known: u32,
    /// There already with another value: the added one counts.
    pub replaced: u32,
}

/// A side of a change.
#[derive(Clone, Copy, Debug)]
pub struct AssignedRows<'a> {
    /// Rows with their fates.
    pub rows: &'a Interactions,
    /// Their shards.
    pub assignment: &'a Assignment,
}

/// A row of one side, as far as the other can have it too.
fn same(one: &Row, other: &Row) -> bool {
    one.value.to_bits() == other.value.to_bits() && one.fate == other.fate
}

impl Difference {
    /// One pass over both sides, in the order of their ids.
    pub fn of(before: AssignedRows<'_>, after: AssignedRows<'_>) -> Self {
        let shards = before.assignment.shards.max(after.assignment.shards) as usize;
        let gone = |one: &Interactions, other: &Interactions| {
            one.items().iter().filter(|id| other.items().find(id).is_none()).count() as u32
        };
        let mut found = Difference {
            items: before.rows.items().len() as u32,
            items_gone: gone(before.rows, after.rows),
            items_new: gone(after.rows, before.rows),
            test: before.rows.rows().iter().filter(|row| row.fate == Fate::Test).count() as u32,
            shards: vec![ShardDifference::default(); shards],
            ..Difference::default()
        };
        for (side, of) in [(before, 0), (after, 1)] {
            for row in 0..side.rows.rows().len() {
                if let Some(shard) = side.assignment.of_row(row) {
                    let shard = &mut found.shards[shard as usize];
                    *(if of == 0 { &mut shard.before } else { &mut shard.after }) += 1;
                }
            }
        }
        let users: BTreeSet<&str> = before.rows.users().iter().chain(after.rows.users().iter()).collect();
        let mut hit = BTreeSet::new();
        for id in users {
            hit.clear();
            let changed = found.user(id, before, after, &mut hit);
            found.users += u32::from(changed);
            hit.iter().for_each(|&shard: &u32| found.shards[shard as usize].users += 1);
        }
        found
    }

    /// One user's rows on both sides; which shards lose or gain one of them.
    fn user(&mut self, id: &str, before: AssignedRows<'_>, after: AssignedRows<'_>, hit: &mut BTreeSet<u32>) -> bool {
        let range =
            |side: AssignedRows<'_>| side.rows.users().find(id).map(|user| side.rows.range_of(user)).unwrap_or(0..0);
        let (mut old, mut new) = (range(before).peekable(), range(after).peekable());
        self.users_gone += u32::from(new.peek().is_none());
        self.users_new += u32::from(old.peek().is_none());
        let item = |side: AssignedRows<'_>, at: usize| side.rows.items().get(side.rows.rows()[at].item).to_owned();
        let mut changed = false;
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return changed,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(&one), Some(&other)) => item(before, one).cmp(&item(after, other)),
            };
            let one = if order.is_le() { old.next() } else { None };
            let other = if order.is_ge() { new.next() } else { None };
            if let (Some(one), Some(other)) = (one, other) {
                let alike = same(&before.rows.rows()[one], &after.rows.rows()[other]);
                if alike && before.assignment.of_row(one) == after.assignment.of_row(other) {
                    continue;
                }
            }
            changed = true;
            if let Some(one) = one {
                self.rows_gone += 1;
                match before.assignment.of_row(one) {
                    Some(shard) => {
                        self.training_gone += 1;
                        self.shards[shard as usize].gone += 1;
                        hit.insert(shard);
                    }
                    None => self.test_gone += 1,
                }
            }
            if let Some(other) = other {
                self.rows_new += 1;
                if let Some(shard) = after.assignment.of_row(other) {
                    self.shards[shard as usize].new += 1;
                    hit.insert(shard);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unlearn::testing::{data_strategy, request_strategy};

    proptest! {
        #[test]
        fn the_difference_of_a_request_is_what_it_resolves_to((data, request) in data_strategy().prop_flat_map(|data| {
            let request = request_strategy(&data);
            (Just(data), request)
        })) {
            let found = request.resolve(&data);
            let after = found.remaining(&data);
            let (whole, left) = (Assignment::whole(&data), Assignment::whole(&after));
            let sides = (AssignedRows { rows: &data, assignment: &whole }, AssignedRows { rows: &after, assignment: &left });
            let difference = Difference::of(sides.0, sides.1);
            prop_assert_eq!(difference.rows_gone as usize, found.rows.len());
            prop_assert_eq!(difference.users as usize, found.users.len());
            prop_assert_eq!(difference.users_gone as usize, found.users_gone.len());
            prop_assert_eq!(difference.items_gone as usize, found.items_gone.len());
            prop_assert_eq!(difference.rows_new, 0);
            // The way back adds what was taken away.
            let back = Difference::of(sides.1, sides.0);
            prop_assert_eq!((back.rows_new, back.users_new), (difference.rows_gone, difference.users_gone));
        }
    }
}
