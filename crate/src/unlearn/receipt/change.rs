//! What went and what came between two sets of rows: computed from the rows, never taken from a request.

use serde::{Deserialize, Serialize};

use super::merkle::Range;
use super::salt::{Salt, key, keys_of, payload};
use crate::interactions::{Ids, Interactions, Row};
use crate::numerics::digest::Digest;

/// Rows by salted hashes and never by ids. The same rows always give the same names: whole users first, then whole items,
/// then the rows that are left over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// How many rows in all.
    pub rows: u32,
    /// Users who do not occur on the other side, ascending.
    pub users: Vec<Digest>,
    /// Items that do not occur on the other side and had rows of users who do, ascending.
    pub items: Vec<Digest>,
    /// The other rows (user, item), ascending.
    pub interactions: Vec<(Digest, Digest)>,
}

/// What a change did to the rows. A row whose rating, time, fate or consent changed went and came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Rows of before that are not among those after.
    pub gone: Named,
    /// Rows of after that were not among those before.
    pub came: Named,
}

/// Names as somebody asked for them, by salted hashes: those that occurred in the rows before. Ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Users.
    pub users: Vec<Digest>,
    /// Items.
    pub items: Vec<Digest>,
    /// Single rows (user, item).
    pub interactions: Vec<(Digest, Digest)>,
}

/// A request by external ids, as a receipt takes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// Users whose every row was to go.
    pub users: &'a [String],
    /// Items whose every row was to go.
    pub items: &'a [String],
    /// Single rows: (user, item).
    pub interactions: &'a [(String, String)],
}

impl Exchange {
    /// Between `before` and `after`. A binary search per row.
    pub fn between(before: &Interactions, after: &Interactions, salt: &Salt) -> Exchange {
        Exchange { gone: Named::missing(before, after, salt), came: Named::missing(after, before, salt) }
    }

    /// The rows before from those after, or the other way round, where one set of rows decides it: `data` without what is
    /// named. `None` where rows came (or went) that `data` does not hold, or the names do not lead to as many rows as stated.
    pub(super) fn other_side(&self, data: &Interactions, salt: &Salt, forward: bool) -> Option<Interactions> {
        let (out, other) = if forward { (&self.gone, &self.came) } else { (&self.came, &self.gone) };
        if other.rows > 0 {
            return None;
        }
        let rows = out.find(data, salt);
        (rows.len() == out.rows as usize).then(|| take_out(data, &rows))
    }

    /// What must be absent from the trees by user and by item; rows that came back with another payload need not be.
    pub(super) fn absent(&self) -> (Vec<Range>, Vec<Range>) {
        let stays_away = |pair: &&(Digest, Digest)| self.came.interactions.binary_search(pair).is_err();
        let pairs = self.gone.interactions.iter().filter(stays_away).map(|(user, item)| Range::one(key(user, item)));
        (self.gone.users.iter().map(keys_of).chain(pairs).collect(), self.gone.items.iter().map(keys_of).collect())
    }

    /// Does a user who stays lose rows?
    pub fn partial(&self) -> bool {
        !self.gone.items.is_empty() || !self.gone.interactions.is_empty()
    }
}

impl Named {
    /// The rows of `one` that `other` lacks.
    fn missing(one: &Interactions, other: &Interactions, salt: &Salt) -> Named {
        let rows = missing_rows(one, other);
        let gone = |ids: &Ids, others: &Ids| -> Vec<bool> { ids.iter().map(|id| others.find(id).is_none()).collect() };
        let (users, mut items) = (gone(one.users(), other.users()), gone(one.items(), other.items()));
        // An item that only users who went had needs no name of its own.
        let mut stays = vec![false; items.len()];
        one.rows().iter().filter(|row| !users[row.user as usize]).for_each(|row| stays[row.item as usize] = true);
        items.iter_mut().zip(&stays).for_each(|(item, stays)| *item &= *stays);
        let left = |row: &&Row| !users[row.user as usize] && !items[row.item as usize];
        let pair = |row: &Row| (salt.user(one.users().get(row.user)), salt.item(one.items().get(row.item)));
        let named = |marks: &[bool], hash: &dyn Fn(u32) -> Digest| -> Vec<Digest> {
            sorted(marks.iter().zip(0..).filter(|(mark, _)| **mark).map(|(_, at)| hash(at)).collect())
        };
        Named {
            rows: rows.len() as u32,
            users: named(&users, &|at| salt.user(one.users().get(at))),
            items: named(&items, &|at| salt.item(one.items().get(at))),
            interactions: sorted(rows.iter().map(|&row| &one.rows()[row as usize]).filter(left).map(pair).collect()),
        }
    }

    /// Indices of the rows of `data` that it names, ascending.
    pub(super) fn find(&self, data: &Interactions, salt: &Salt) -> Vec<u32> {
        find(data, salt, &self.users, &self.items, &self.interactions)
    }

    /// Are the lists ascending, without repetition?
    pub(super) fn ordered(&self) -> bool {
        ascending(&self.users) && ascending(&self.items) && ascending(&self.interactions)
    }
}

impl Asked {
    /// Those of `names` that occur in `data`.
    pub fn of(names: &Names<'_>, data: &Interactions, salt: &Salt) -> Asked {
        let pair = |(user, item): &&(String, String)| row_of(data, user, item).is_some();
        let users = names.users.iter().filter(|id| data.users().find(id).is_some());
        let items = names.items.iter().filter(|id| data.items().find(id).is_some());
        let pairs = names.interactions.iter().filter(pair);
        Asked {
            users: sorted(users.map(|id| salt.user(id)).collect()),
            items: sorted(items.map(|id| salt.item(id)).collect()),
            interactions: sorted(pairs.map(|(user, item)| (salt.user(user), salt.item(item))).collect()),
        }
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.users.len() + self.items.len() + self.interactions.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Indices of the rows of `data` that it names, ascending.
    pub(super) fn find(&self, data: &Interactions, salt: &Salt) -> Vec<u32> {
        find(data, salt, &self.users, &self.items, &self.interactions)
    }

    /// Names that lead to no row of `data`.
    pub(super) fn unknown(&self, data: &Interactions, salt: &Salt) -> usize {
        let users = sorted(data.users().iter().map(|id| salt.user(id)).collect());
        let items = sorted(data.items().iter().map(|id| salt.item(id)).collect());
        let lost = |wanted: &[Digest], there: &[Digest]| {
            wanted.iter().filter(|hash| there.binary_search(hash).is_err()).count()
        };
        let pairs = find(data, salt, &[], &[], &self.interactions).len();
        lost(&self.users, &users)
            + lost(&self.items, &items)
            + (self.interactions.len() - pairs.min(self.interactions.len()))
    }

    /// Are the lists ascending, without repetition?
    pub(super) fn ordered(&self) -> bool {
        ascending(&self.users) && ascending(&self.items) && ascending(&self.interactions)
    }
}

fn ascending<T: Ord>(list: &[T]) -> bool {
    list.windows(2).all(|pair| pair[0] < pair[1])
}

fn sorted<T: Ord + Copy>(mut list: Vec<T>) -> Vec<T> {
    tiny_sort::unstable::sort(&mut list);
    list.dedup();
    list
}

fn find(data: &Interactions, salt: &Salt, users: &[Digest], items: &[Digest], pairs: &[(Digest, Digest)]) -> Vec<u32> {
    let user_of: Vec<Digest> = data.users().iter().map(|id| salt.user(id)).collect();
    let item_of: Vec<Digest> = data.items().iter().map(|id| salt.item(id)).collect();
    let listed = |hashes: &[Digest], list: &[Digest]| -> Vec<bool> {
        hashes.iter().map(|hash| list.binary_search(hash).is_ok()).collect()
    };
    let (user_named, item_named) = (listed(&user_of, users), listed(&item_of, items));
    let named = |row: &Row| {
        let (user, item) = (row.user as usize, row.item as usize);
        user_named[user] || item_named[item] || pairs.binary_search(&(user_of[user], item_of[item])).is_ok()
    };
    data.rows().iter().zip(0..).filter(|(row, _)| named(row)).map(|(_, at)| at).collect()
}

fn row_of(data: &Interactions, user: &str, item: &str) -> Option<u32> {
    let (user, item) = (data.users().find(user)?, data.items().find(item)?);
    let range = data.range_of(user);
    data.rows_of(user).binary_search_by_key(&item, |row| row.item).ok().map(|at| (range.start + at) as u32)
}

/// Indices of the rows of `one` that are not, with everything they hold, among those of `other`.
pub(crate) fn missing_rows(one: &Interactions, other: &Interactions) -> Vec<u32> {
    let user_at: Vec<Option<u32>> = one.users().iter().map(|id| other.users().find(id)).collect();
    let item_at: Vec<Option<u32>> = one.items().iter().map(|id| other.items().find(id)).collect();
    let there = |row: &Row| {
        let (Some(user), Some(item)) = (user_at[row.user as usize], item_at[row.item as usize]) else { return false };
        let rows = other.rows_of(user);
        let found = rows.binary_search_by_key(&item, |row| row.item);
        found.is_ok_and(|at| payload(&rows[at]) == payload(row))
    };
    one.rows().iter().zip(0..).filter(|(row, _)| !there(row)).map(|(_, at)| at).collect()
}

fn take_out(data: &Interactions, rows: &[u32]) -> Interactions {
    let gone: Vec<(u32, u32)> =
        rows.iter().map(|&at| &data.rows()[at as usize]).map(|row| (row.user, row.item)).collect();
    data.without(|row| gone.binary_search(&(row.user, row.item)).is_ok())
}
