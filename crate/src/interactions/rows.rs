//! The cleaned rows.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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

/// What a row says about its user's consent to be an anchor: somebody on whose rows the division of others may rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Consent {
    /// Nothing: the file has no such column.
    #[default]
    Unsaid = 0,
    /// No, or nothing that is clearly a yes.
    No = 1,
    /// Yes.
    Yes = 2,
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
    /// Its user's consent, as far as this row says.
    pub consent: Consent,
}

/// Rows sorted by (user id, item id), each pair once; every id occurs in some row.
#[derive(Clone, Debug, Default, PartialEq)]
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
                consent: Consent::Unsaid,
            })
            .collect();
        Self::from_rows(users, items, rows)
    }

    /// From rows already numbered by `users` and `items`, in any order; the last of equal pairs is kept, and ids that no
    /// row uses are dropped. O(rows + ids). Panics if a row's number is not an index of `users` or `items`.
    pub fn from_rows(users: Ids, items: Ids, rows: Vec<Row>) -> Self {
        let mut rows = sort_and_dedup(rows, users.len(), items.len());
        let (users, user_at) = compact(users, rows.iter().map(|row| row.user));
        let (items, item_at) = compact(items, rows.iter().map(|row| row.item));
        if let Some(at) = user_at {
            rows.iter_mut().for_each(|row| row.user = at[row.user as usize]);
        }
        if let Some(at) = item_at {
            rows.iter_mut().for_each(|row| row.item = at[row.item as usize]);
        }
        let starts = starts_of(users.len(), rows.iter().map(|row| row.user));
        Interactions { users, items, rows, starts }
    }

    /// From rows that are sorted already, each pair once; `starts` says where each user's begin, and where all end.
    pub(super) fn assembled(users: Ids, items: Ids, rows: Vec<Row>, starts: Vec<u32>) -> Self {
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

    /// Where one user's rows are in `rows`.
    pub fn range_of(&self, user: u32) -> std::ops::Range<usize> {
        self.starts[user as usize] as usize..self.starts[user as usize + 1] as usize
    }

    /// Does a user consent to be an anchor? Where one of the user's rows says yes and none says no; `except` are rows (indices)
    /// that are taken as not there. Nobody else's rows are looked at.
    pub fn consents(&self, user: u32, except: &[u32]) -> bool {
        let said = |word: Consent| {
            let there = |&row: &usize| except.binary_search(&(row as u32)).is_err();
            self.range_of(user).filter(there).any(|row| self.rows[row].consent == word)
        };
        said(Consent::Yes) && !said(Consent::No)
    }

    /// Sets every row's fate.
    pub fn assign_fates(&mut self, fate: impl Fn(&Interactions, &Row) -> Fate) {
        let fates: Vec<Fate> = self.rows.iter().map(|row| fate(self, row)).collect();
        for (row, fate) in self.rows.iter_mut().zip(fates) {
            row.fate = fate;
        }
    }

    /// Sets the fates in the order of the rows.
    pub(super) fn set_fates(&mut self, fates: &[Fate]) {
        for (row, fate) in self.rows.iter_mut().zip(fates) {
            row.fate = *fate;
        }
    }

    /// These rows and others together; of equal pairs the other's row is kept. What a reader would have made of one file after
    /// the other.
    pub fn with(&self, others: &Interactions) -> Self {
        let union = |own: &Ids, others: &Ids| {
            let new = others.iter().filter(|id| own.find(id).is_none());
            Ids::new(own.iter().chain(new).map(str::to_owned).collect())
        };
        let (users, items) = (union(&self.users, &others.users), union(&self.items, &others.items));
        let mut rows = Vec::with_capacity(self.rows.len() + others.rows.len());
        for part in [self, others] {
            let places = |ids: &Ids, all: &Ids| -> Vec<u32> {
                ids.iter().map(|id| all.find(id).expect("the union holds every id of both")).collect()
            };
            let (user_at, item_at) = (places(&part.users, &users), places(&part.items, &items));
            let numbered =
                |row: &Row| Row { user: user_at[row.user as usize], item: item_at[row.item as usize], ..*row };
            rows.extend(part.rows.iter().map(numbered));
        }
        Self::from_rows(users, items, rows)
    }

    /// The interactions that never held the rows for which `forget` is true: what a reader would have made of a file
    /// without them. Ids are numbered anew.
    pub fn without(&self, forget: impl Fn(&Row) -> bool) -> Self {
        let rows = self.rows.iter().filter(|row| !forget(row)).copied().collect();
        Self::from_rows(self.users.clone(), self.items.clone(), rows)
    }

    /// As [`Interactions::without`] of all others, in the memory that is there.
    pub(super) fn keeping(mut self, keep: impl Fn(&Row) -> bool) -> Self {
        self.rows.retain(keep);
        Self::from_rows(self.users, self.items, self.rows)
    }
}

/// Saved form: what the rest can be computed from.
#[derive(Serialize)]
#[serde(rename = "Interactions")]
struct Saved<'a> {
    users: &'a Ids,
    items: &'a Ids,
    rows: &'a [Row],
}

#[derive(Deserialize)]
#[serde(rename = "Interactions")]
struct Loaded {
    users: Ids,
    items: Ids,
    rows: Vec<Row>,
}

impl Serialize for Interactions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Saved { users: &self.users, items: &self.items, rows: &self.rows }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Interactions {
    /// Refuses rows whose numbers are out of range, so that a damaged file cannot cause a panic later; anything else out
    /// of order is put in order.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Loaded { users, items, rows } = Loaded::deserialize(deserializer)?;
        let inside = |row: &Row| (row.user as usize) < users.len() && (row.item as usize) < items.len();
        if !rows.iter().all(inside) {
            return Err(de::Error::custom("a row refers to a user or item that is not in the list"));
        }
        Ok(Self::from_rows(users, items, rows))
    }
}

/// Two stable counting passes, item then user; of equal pairs the last is kept.
fn sort_and_dedup(rows: Vec<Row>, n_users: usize, n_items: usize) -> Vec<Row> {
    if rows.is_sorted_by(|a, b| (a.user, a.item) < (b.user, b.item)) {
        return rows;
    }
    let mut rows = counting_sort(counting_sort(rows, n_items, |row| row.item), n_users, |row| row.user);
    let mut kept = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        if rows.get(at + 1).is_none_or(|next| (next.user, next.item) != (row.user, row.item)) {
            rows[kept] = row;
            kept += 1;
        }
    }
    rows.truncate(kept);
    rows
}

fn counting_sort(rows: Vec<Row>, n_keys: usize, key: fn(&Row) -> u32) -> Vec<Row> {
    let mut next = starts_of(n_keys, rows.iter().map(key));
    let mut sorted = rows.clone();
    for row in rows {
        let place = &mut next[key(&row) as usize];
        sorted[*place as usize] = row;
        *place += 1;
    }
    sorted
}

/// Where each key's rows begin once sorted; `n_keys + 1` values.
pub(super) fn starts_of(n_keys: usize, keys: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut starts = vec![0u32; n_keys + 1];
    for key in keys {
        starts[key as usize + 1] += 1;
    }
    for key in 0..n_keys {
        starts[key + 1] += starts[key];
    }
    starts
}

/// Keeps the ids that are used; also says where each old index went, where any moved.
fn compact(ids: Ids, used: impl Iterator<Item = u32>) -> (Ids, Option<Vec<u32>>) {
    let mut at = vec![u32::MAX; ids.len()];
    for index in used {
        at[index as usize] = 0;
    }
    if at.iter().all(|&place| place == 0) {
        return (ids, None);
    }
    let mut kept = Ids::default();
    for (place, id) in at.iter_mut().zip(ids.iter()) {
        if *place == 0 {
            *place = kept.len() as u32;
            kept.push(id);
        }
    }
    (kept, Some(at))
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

    #[test]
    fn saved_and_loaded_rows_are_equal_and_damage_is_refused() {
        let all = Interactions::new(vec![triple("a", "x", 1.0), triple("b", "y", 2.5)]);
        let bytes = postcard::to_stdvec(&all).unwrap();
        assert_eq!(postcard::from_bytes::<Interactions>(&bytes).unwrap(), all);
        let one = Ids::new(vec!["a".into()]);
        let bad = Saved { users: &one, items: &one, rows: all.rows() };
        assert!(postcard::from_bytes::<Interactions>(&postcard::to_stdvec(&bad).unwrap()).is_err());
    }
}
