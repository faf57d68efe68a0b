//! What is to be forgotten, as named by a person and as found in the rows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::interactions::{Interactions, Row};

/// Users, items and single interactions to forget, by external ids. Repetitions and overlaps are harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Request {
    /// Users whose every row goes.
    pub users: Vec<String>,
    /// Items whose every row goes, whoever's it is.
    pub items: Vec<String>,
    /// Single rows: (user, item).
    pub interactions: Vec<(String, String)>,
    /// Has a person said yes to what the plan warns of (an emptied shard, test set or catalogue)?
    pub confirmed: bool,
}

/// A request as found in one set of rows. Indices are those of that [`Interactions`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Indices into the rows, ascending, each once.
    pub rows: Vec<u32>,
    /// Users who lose at least one row, ascending.
    pub users: Vec<u32>,
    /// Users of whom no row is left, ascending.
    pub users_gone: Vec<u32>,
    /// Items of which no row is left, ascending.
    pub items_gone: Vec<u32>,
    /// Users that do not occur in the data, each once, in order.
    pub unknown_users: Vec<String>,
    /// Items that do not occur in the data, each once, in order.
    pub unknown_items: Vec<String>,
    /// Pairs that are no row of the data (user, item or the pair unknown), each once, in order.
    pub unknown_interactions: Vec<(String, String)>,
    /// Names given more than once: how many were ignored.
    pub repeated: u32,
    /// Rows named in more than one way (by the user and by the item, say): counted once above.
    pub overlapping: u32,
}

impl Request {
    /// To forget these users.
    pub fn of_users<S: Into<String>>(users: impl IntoIterator<Item = S>) -> Self {
        Request { users: users.into_iter().map(Into::into).collect(), ..Request::default() }
    }

    /// Names nothing?
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.items.is_empty() && self.interactions.is_empty()
    }

    /// Everything that either names, for a batch. Confirmed only if both are.
    pub fn merge(&self, other: &Request) -> Request {
        let mut all = self.clone();
        all.users.extend_from_slice(&other.users);
        all.items.extend_from_slice(&other.items);
        all.interactions.extend_from_slice(&other.interactions);
        all.confirmed = self.confirmed && other.confirmed;
        all
    }

    /// Finds the rows. One pass over the data plus a binary search per name; unknown names are listed, never an error.
    pub fn resolve(&self, data: &Interactions) -> Resolved {
        let mut found = Resolved::default();
        let mut named_by = vec![0u8; data.rows().len()];
        let (users, repeated) = once(&self.users);
        found.repeated += repeated;
        for user in users {
            match data.users().find(user) {
                Some(user) => row_range(data, user).for_each(|row| named_by[row] += 1),
                None => found.unknown_users.push(user.clone()),
            }
        }
        let (items, repeated) = once(&self.items);
        found.repeated += repeated;
        let mut item_named = vec![false; data.items().len()];
        for item in items {
            match data.items().find(item) {
                Some(item) => item_named[item as usize] = true,
                None => found.unknown_items.push(item.clone()),
            }
        }
        for (row, by) in data.rows().iter().zip(&mut named_by) {
            *by += u8::from(item_named[row.item as usize]);
        }
        let (pairs, repeated) = once(&self.interactions);
        found.repeated += repeated;
        for pair in pairs {
            match find_row(data, &pair.0, &pair.1) {
                Some(row) => named_by[row] += 1,
                None => found.unknown_interactions.push(pair.clone()),
            }
        }
        found.fill(data, &named_by);
        found
    }
}

impl Resolved {
    fn fill(&mut self, data: &Interactions, named_by: &[u8]) {
        let mut loses = vec![false; data.users().len()];
        let mut user_left = vec![false; data.users().len()];
        let mut item_left = vec![false; data.items().len()];
        for (index, (row, &by)) in data.rows().iter().zip(named_by).enumerate() {
            if by == 0 {
                user_left[row.user as usize] = true;
                item_left[row.item as usize] = true;
            } else {
                self.rows.push(index as u32);
                loses[row.user as usize] = true;
                self.overlapping += u32::from(by > 1);
            }
        }
        self.users = indices(&loses, true);
        self.users_gone = indices(&user_left, false);
        self.items_gone = indices(&item_left, false);
    }

    /// No row was found?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Is this row (of the interactions that were resolved) to go? Binary search.
    pub fn forgets(&self, data: &Interactions, row: &Row) -> bool {
        let key = (row.user, row.item);
        self.rows
            .binary_search_by(|&index| {
                let probe = &data.rows()[index as usize];
                (probe.user, probe.item).cmp(&key)
            })
            .is_ok()
    }

    /// What is left: the rows a reader would have made of a file without the forgotten ones, ids numbered anew.
    pub fn remaining(&self, data: &Interactions) -> Interactions {
        data.without(|row| self.forgets(data, row))
    }
}

/// Each name once, in order, and how many repetitions there were.
fn once<T: Ord>(names: &[T]) -> (BTreeSet<&T>, u32) {
    let set: BTreeSet<&T> = names.iter().collect();
    let repeated = (names.len() - set.len()) as u32;
    (set, repeated)
}

fn indices(flags: &[bool], wanted: bool) -> Vec<u32> {
    flags.iter().enumerate().filter(|&(_, &flag)| flag == wanted).map(|(index, _)| index as u32).collect()
}

/// Where a user's rows stand among all rows.
fn row_range(data: &Interactions, user: u32) -> std::ops::Range<usize> {
    let begin = data.rows().partition_point(|row| row.user < user);
    begin..begin + data.rows_of(user).len()
}

fn find_row(data: &Interactions, user: &str, item: &str) -> Option<usize> {
    let key = (data.users().find(user)?, data.items().find(item)?);
    data.rows().binary_search_by_key(&key, |row| (row.user, row.item)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unlearn::testing::{data_strategy, names, request_strategy, rows_of};

    #[test]
    fn repeated_unknown_and_overlapping_names_are_counted_once() {
        let data = names(&[("a", "x"), ("a", "y"), ("b", "x"), ("c", "z")]);
        let request = Request {
            users: vec!["a".into(), "a".into(), "nobody".into(), "nobody".into()],
            items: vec!["x".into(), "nothing".into()],
            interactions: vec![("a".into(), "x".into()), ("c".into(), "x".into()), ("who".into(), "z".into())],
            confirmed: false,
        };
        let found = request.resolve(&data);
        assert_eq!(found.rows, [0, 1, 2]);
        assert_eq!(found.users, [0, 1]);
        assert_eq!(found.users_gone, [0, 1]);
        assert_eq!(found.items_gone, [0, 1]);
        assert_eq!(found.unknown_users, ["nobody"]);
        assert_eq!(found.unknown_items, ["nothing"]);
        assert_eq!(found.unknown_interactions, [("c".into(), "x".into()), ("who".into(), "z".into())]);
        assert_eq!((found.repeated, found.overlapping), (2, 1));
    }

    #[test]
    fn empty_data_and_empty_request_find_nothing() {
        let none = Interactions::default();
        assert!(Request::of_users(["a"]).resolve(&none).is_empty());
        assert!(Request::default().resolve(&names(&[("a", "x")])).is_empty());
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_filter_over_the_rows_finds((data, request) in data_strategy().prop_flat_map(|data| {
            let request = request_strategy(&data);
            (Just(data), request)
        })) {
            let found = request.resolve(&data);
            let goes = |(user, item): &(String, String)| {
                request.users.contains(user) || request.items.contains(item)
                    || request.interactions.contains(&(user.clone(), item.clone()))
            };
            let all = rows_of(&data);
            let expected: Vec<u32> = (0..all.len() as u32).filter(|&row| goes(&all[row as usize])).collect();
            prop_assert_eq!(&found.rows, &expected);
            let left: Vec<_> = all.iter().filter(|row| !goes(row)).cloned().collect();
            prop_assert_eq!(rows_of(&found.remaining(&data)), left.clone());
            let gone: Vec<&str> = data.users().iter().filter(|id| !left.iter().any(|(user, _)| user == id)).collect();
            let found_gone: Vec<&str> = found.users_gone.iter().map(|&user| data.users().get(user)).collect();
            prop_assert_eq!(found_gone, gone);
        }
    }
}
