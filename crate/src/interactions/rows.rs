//! The cleaned rows.

use serde::{Deserialize, Serialize};

use super::Ids;

/// One row as read, before numbering.
#[derive(Clone, Debug, PartialEq)]
pub struct Triple {
    /// The user's external id.
    pub user: String,
    /// The item's external id.
    pub item: String,
    /// Rating, or 1 where the file has none.
    pub value: f32,
    /// Seconds or any other growing number; 0 where the file has none.
    pub time: i64,
    /// What the split decides, or the file given as train or test decided.
    pub fate: Fate,
}

/// What a row is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Fate {
    /// Trained on.
    #[default]
    Train = 0,
    /// Held out of the first training for stopping and selection, trained on in the refit.
    Validation = 1,
    /// Measured on, and never used for anything else.
    Test = 2,
}

/// One row, numbered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Index into the users.
    pub user: u32,
    /// Index into the items.
    pub item: u32,
    /// Rating, or 1.
    pub value: f32,
    /// Time, or 0.
    pub time: i64,
    /// What the row is for.
    pub fate: Fate,
}

/// Rows sorted by (user id, item id), each pair once; every id occurs in some row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interactions {
    users: Ids,
    items: Ids,
    rows: Vec<Row>,
    starts: Vec<u32>,
}

impl Interactions {
    /// Numbers and sorts. Of rows with the same user and item the last one given is kept. O(n log n).
    pub fn new(triples: Vec<Triple>) -> Self {
        let users = Ids::new(triples.iter().map(|t| t.user.clone()).collect());
        let items = Ids::new(triples.iter().map(|t| t.item.clone()).collect());
        let rows = triples
            .iter()
            .map(|t| Row {
                user: users.find(&t.user).unwrap_or_default(),
                item: items.find(&t.item).unwrap_or_default(),
                value: t.value,
                time: t.time,
                fate: t.fate,
            })
            .collect();
        Self::from_rows(users, items, rows)
    }

    /// From rows already numbered by `users` and `items`, in any order; the last of equal pairs is kept, and ids that no
    /// row uses are dropped. Used by the reader, which numbers ids as it goes.
    pub fn from_rows(users: Ids, items: Ids, mut rows: Vec<Row>) -> Self {
        // A stable sort keeps the file's order among equal pairs, so the last of them is the last in the file.
        rows.sort_by_key(|row| (row.user, row.item));
        rows.reverse();
        rows.dedup_by_key(|row| (row.user, row.item));
        rows.reverse();
        let (users, user_at) = compact(&users, rows.iter().map(|row| row.user));
        let (items, item_at) = compact(&items, rows.iter().map(|row| row.item));
        for row in &mut rows {
            row.user = user_at[row.user as usize];
            row.item = item_at[row.item as usize];
        }
        let mut starts = vec![0u32; users.len() + 1];
        for row in &rows {
            starts[row.user as usize + 1] += 1;
        }
        for user in 0..users.len() {
            starts[user + 1] += starts[user];
        }
        Interactions { users, items, rows, starts }
    }

    /// The users.
    pub fn users(&self) -> &Ids {
        &self.users
    }

    /// The items.
    pub fn items(&self) -> &Ids {
        &self.items
    }

    /// All rows, sorted by (user, item).
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// One user's rows, sorted by item.
    pub fn rows_of(&self, user: u32) -> &[Row] {
        &self.rows[self.starts[user as usize] as usize..self.starts[user as usize + 1] as usize]
    }

    /// Sets every row's fate.
    pub fn assign_fates(&mut self, fate: impl Fn(&Interactions, &Row) -> Fate) {
        let fates: Vec<Fate> = self.rows.iter().map(|row| fate(self, row)).collect();
        for (row, fate) in self.rows.iter_mut().zip(fates) {
            row.fate = fate;
        }
    }

    /// The interactions that never held the rows for which `forget` is true: what a reader would have made of a file
    /// without them. Ids are numbered anew.
    pub fn without(&self, forget: impl Fn(&Row) -> bool) -> Self {
        let rows = self.rows.iter().filter(|row| !forget(row)).copied().collect();
        Self::from_rows(self.users.clone(), self.items.clone(), rows)
    }
}

/// Keeps the ids that are used; also says where each old index went.
fn compact(ids: &Ids, used: impl Iterator<Item = u32>) -> (Ids, Vec<u32>) {
    let mut at = vec![u32::MAX; ids.len()];
    for index in used {
        at[index as usize] = 0;
    }
    let mut kept = Vec::new();
    for (index, place) in at.iter_mut().enumerate() {
        if *place == 0 {
            *place = kept.len() as u32;
            kept.push(ids.get(index as u32).to_owned());
        }
    }
    (Ids::new(kept), at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triple(user: &str, item: &str, value: f32) -> Triple {
        Triple { user: user.into(), item: item.into(), value, time: 0, fate: Fate::Train }
    }

    #[test]
    fn order_of_the_file_does_not_matter_and_the_last_duplicate_is_kept() {
        let forward = Interactions::new(vec![triple("b", "x", 1.0), triple("a", "y", 2.0), triple("b", "x", 3.0)]);
        let backward = Interactions::new(vec![triple("b", "x", 1.0), triple("b", "x", 3.0), triple("a", "y", 2.0)]);
        assert_eq!(forward, backward);
        assert_eq!(forward.rows().len(), 2);
        assert_eq!(forward.rows_of(1)[0].value, 3.0);
    }

    #[test]
    fn without_equals_never_having_had() {
        let all = Interactions::new(vec![triple("a", "x", 1.0), triple("b", "y", 1.0), triple("c", "x", 1.0)]);
        let b = all.users().find("b").unwrap();
        let twin = Interactions::new(vec![triple("a", "x", 1.0), triple("c", "x", 1.0)]);
        assert_eq!(all.without(|row| row.user == b), twin);
    }
}
