//! A change: rows to forget and rows to add, as one operation. It is proposed (resolved once, with its bill), run like any
//! pipeline, and committed by serving the pipeline after it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::interactions::{Consent, Fate, Ids, Interactions, Row};
use crate::numerics::random::{Purpose, keyed_hash};
use crate::partition::Method;
use crate::pipeline::{Assignment, Dataset, Pipeline, Settings, Shards, Store, is_anchor, trains};

use super::cost::Rates;
use super::difference::{AssignedRows, Difference, Overlap};
use super::plan::{Plan, plan};
use super::taint::{Mode, Moves, Procedure, Reach};
use super::{Request, RequestError, Resolved};

/// Rows to forget and rows to add. Rows are forgotten first, so that a row that is named in both is there afterwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// What goes.
    pub forget: Request,
    /// What comes.
    pub add: Vec<AddedRow>,
}

/// A row that comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct AddedRow {
    /// The user's external id.
    pub user: String,
    /// The item's external id.
    pub item: String,
    /// Rating, or 1.
    #[serde(default = "one")]
    pub value: f32,
    /// Time, or 0.
    #[serde(default)]
    pub time: i64,
}

fn one() -> f32 {
    1.0
}

impl<U: Into<String>, I: Into<String>> From<(U, I)> for AddedRow {
    fn from((user, item): (U, I)) -> Self {
        AddedRow { user: user.into(), item: item.into(), value: one(), time: 0 }
    }
}

impl<U: Into<String>, I: Into<String>> From<(U, I, f32)> for AddedRow {
    fn from((user, item, value): (U, I, f32)) -> Self {
        AddedRow { value, ..(user, item).into() }
    }
}

impl<U: Into<String>, I: Into<String>> From<(U, I, f32, i64)> for AddedRow {
    fn from((user, item, value, time): (U, I, f32, i64)) -> Self {
        AddedRow { time, ..(user, item, value).into() }
    }
}

impl From<Request> for Change {
    fn from(forget: Request) -> Self {
        Change { forget, add: Vec::new() }
    }
}

impl Change {
    /// To forget these users.
    pub fn forget_users<S: Into<String>>(users: impl IntoIterator<Item = S>) -> Self {
        Request::of_users(users).into()
    }

    /// To forget these items, whoever has them.
    pub fn forget_items<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Self {
        Request { items: items.into_iter().map(Into::into).collect(), ..Request::default() }.into()
    }

    /// To forget single rows: (user, item).
    pub fn forget_rows<U: Into<String>, I: Into<String>>(rows: impl IntoIterator<Item = (U, I)>) -> Self {
        let interactions = rows.into_iter().map(|(user, item)| (user.into(), item.into())).collect();
        Request { interactions, ..Request::default() }.into()
    }

    /// To add rows: `(user, item)`, with a value or a value and a time behind.
    pub fn add_rows<R: Into<AddedRow>>(rows: impl IntoIterator<Item = R>) -> Self {
        Change { add: rows.into_iter().map(Into::into).collect(), ..Change::default() }
    }

    /// To add rows that were read.
    pub fn adding(rows: &Interactions) -> Self {
        let added = |row: &Row| AddedRow {
            user: rows.users().get(row.user).to_owned(),
            item: rows.items().get(row.item).to_owned(),
            value: row.value,
            time: row.time,
        };
        Change { add: rows.rows().iter().map(added).collect(), ..Change::default() }
    }

    /// Names nothing?
    pub fn is_empty(&self) -> bool {
        self.forget.is_empty() && self.add.is_empty()
    }

    /// Both, as one. Confirmed only if both are.
    pub fn merge(&self, other: &Change) -> Change {
        Change { forget: self.forget.merge(&other.forget), add: [&self.add[..], &other.add[..]].concat() }
    }

    /// The rows to add, of equal pairs the last one.
    ///
    /// Errors: an empty id, a value that is no number.
    fn added(&self) -> Result<Interactions, RequestError> {
        for (at, row) in self.add.iter().enumerate() {
            if row.user.is_empty() || row.item.is_empty() || !row.value.is_finite() {
                return Err(RequestError::Added { at: at as u32 + 1, row: format!("{row:?}") });
            }
        }
        let users = Ids::new(self.add.iter().map(|row| row.user.clone()).collect());
        let items = Ids::new(self.add.iter().map(|row| row.item.clone()).collect());
        let row = |row: &AddedRow| Row {
            user: users.find(&row.user).expect("the ids were made of these rows"),
            item: items.find(&row.item).expect("the ids were made of these rows"),
            value: row.value,
            time: row.time,
            fate: Fate::Train,
            consent: Consent::Unsaid,
        };
        let rows = self.add.iter().map(row).collect();
        Ok(Interactions::from_rows(users, items, rows))
    }
}

/// A change that was looked at: what it found, what it costs, and the pipeline that serves when it is carried out.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// As asked.
    pub change: Change,
    /// What happens to the partition.
    pub mode: Mode,
    /// What its request found in all rows that were read.
    pub found: Resolved,
    /// The pipeline as it is.
    pub before: Pipeline,
    /// The pipeline as it will be.
    pub after: Pipeline,
    /// What it comes to, row by row, where nobody moves.
    pub difference: Difference,
    /// As far as traces are concerned.
    pub procedure: Procedure,
    /// The bill.
    pub plan: Plan,
}

/// Looks at a change without carrying it out: finds its rows, makes the dataset that never held (or always held) them, gives
/// every row that comes its shard, and makes the bill. O(rows).
///
/// Errors: an added row that is none; a filter or a split that leaves nothing to train on.
pub fn propose(pipeline: &Pipeline, store: &Store, change: &Change, mode: Mode, rates: &Rates) -> Result<Proposal> {
    let missing = || RequestError::Untrained;
    let divided = pipeline.divided(store).ok_or_else(missing)?;
    let (dataset, settings) = (pipeline.dataset(), pipeline.settings());
    let read = dataset.read();
    let found = change.forget.resolve(read);
    let added = change.added()?;
    let (added, overlap) = without_known(&added, read, &found);
    let mut after = dataset.changed(&found.rows, &added, settings)?;
    let assignment = carried(pipeline, &divided.assignment, &mut after);
    let difference = Difference::of(
        AssignedRows { rows: pipeline.rows(), assignment: &divided.assignment },
        AssignedRows { rows: after.rows(), assignment: &assignment },
    );
    let (procedure, moves) = procedure(pipeline, &after, &difference, mode);
    let mut plan = plan(&difference, rates, &procedure, moves);
    plan.note_names(&found, overlap);
    let filtered = |from: &Interactions, row: &Row, kept: &Interactions| {
        let (user, item) = (from.users().get(row.user), from.items().get(row.item));
        let at = kept.users().find(user).zip(kept.items().find(item));
        at.is_none_or(|(user, item)| kept.rows_of(user).binary_search_by_key(&item, |row| row.item).is_err())
    };
    let gone = found.rows.iter().filter(|&&row| filtered(read, &read.rows()[row as usize], pipeline.rows())).count();
    let come = added.rows().iter().filter(|row| filtered(&added, row, after.rows())).count();
    let filtered = (gone + come) as u32;
    plan.note_filter((found.rows.len() + added.rows().len()) as u32 - filtered, filtered, &difference);
    let after = Pipeline::new(Arc::new(after), settings.clone(), Shards::Computed);
    let after = if procedure.divides_again() {
        after
    } else {
        let facts = pipeline.partition_facts(store).unwrap_or_default();
        after.with_shards(Shards::Kept(Arc::new(assignment), facts))
    };
    let named = change.add.iter().map(|row| row.user.as_str());
    super::saving::foresee(&mut plan, pipeline, store, &found, named, rates);
    let proposal =
        Proposal { change: change.clone(), mode, found, before: pipeline.clone(), after, difference, procedure, plan };
    Ok(proposal)
}

/// The rows that change something.
fn without_known(added: &Interactions, read: &Interactions, found: &Resolved) -> (Interactions, Overlap) {
    let mut overlap = Overlap::default();
    let mut known = vec![false; added.rows().len()];
    for (row, known) in added.rows().iter().zip(&mut known) {
        let ids = (added.users().get(row.user), added.items().get(row.item));
        let there = read.users().find(ids.0).and_then(|user| {
            let item = read.items().find(ids.1)?;
            let at = read.rows_of(user).binary_search_by_key(&item, |row| row.item).ok()?;
            Some(read.range_of(user).start + at)
        });
        let Some(at) = there.filter(|&at| found.rows.binary_search(&(at as u32)).is_err()) else { continue };
        let old = &read.rows()[at];
        *known = old.value.to_bits() == row.value.to_bits() && old.time == row.time;
        *(if *known { &mut overlap.known } else { &mut overlap.replaced }) += 1;
    }
    let key = |row: &Row| added.rows().binary_search_by_key(&(row.user, row.item), |row| (row.user, row.item));
    let left = added.without(|row| known[key(row).expect("it is one of these rows")]);
    (left, overlap)
}

/// The shards as they are, for the rows after the change. A new user, or a new row where rows are divided, goes to one of the
/// least filled shards, as a keyed hash of the ids decides; under `hash` the hash alone decides.
fn carried(pipeline: &Pipeline, assignment: &Assignment, after: &mut Dataset) -> Assignment {
    let (seed, partition) = (u64::from(pipeline.settings().seed), &pipeline.settings().partition);
    let hash = |id: &str| keyed_hash(seed, Purpose::Partition, &[id.as_bytes()]);
    if partition.method == Method::Hash {
        let of = |row: &Row| (hash(after.rows().users().get(row.user)) % u64::from(assignment.shards)) as u16;
        return assignment.carried(pipeline.rows(), after.rows(), |row, _| of(row));
    }
    let by_row = partition.method.divides_users();
    // Who has no shard yet, in the order of the keyed hash, so that no order of a file enters.
    let mut load = vec![0u32; assignment.shards as usize];
    let mut seen = vec![None; assignment.shards as usize];
    for (row, data) in pipeline.rows().rows().iter().enumerate() {
        if let Some(shard) = assignment.of_row(row) {
            let shard = shard as usize;
            load[shard] += u32::from(by_row || seen[shard] != Some(data.user));
            seen[shard] = Some(data.user);
        }
    }
    let rows = after.rows();
    let mut waiting: Vec<(u64, u32, u32)> = Vec::new();
    let at_rest = assignment.carried(pipeline.rows(), rows, |row, own| {
        let key = (!by_row).then_some(own).flatten();
        if key.is_none() {
            let (user, item) = (rows.users().get(row.user), rows.items().get(row.item));
            let item = if by_row { item } else { "" };
            waiting.push((
                keyed_hash(seed, Purpose::Partition, &[user.as_bytes(), item.as_bytes()]),
                row.user,
                row.item,
            ));
        }
        key.unwrap_or(crate::pipeline::NO_SHARD)
    });
    tiny_sort::unstable::sort(&mut waiting);
    let mut placed: std::collections::BTreeMap<(u32, u32), u16> = std::collections::BTreeMap::new();
    for (key, user, item) in waiting {
        let item = if by_row { item } else { 0 };
        if placed.contains_key(&(user, item)) {
            continue;
        }
        let least = load.iter().min().copied().unwrap_or_default();
        let open: Vec<usize> = (0..load.len()).filter(|&shard| load[shard] == least).collect();
        let shard = open[(key % open.len().max(1) as u64) as usize];
        load[shard] += 1;
        placed.insert((user, item), shard as u16);
    }
    let mut shard_of_row = at_rest.shard_of_row;
    for (row, shard) in rows.rows().iter().zip(&mut shard_of_row) {
        if trains(row) && *shard == crate::pipeline::NO_SHARD {
            *shard = placed[&(row.user, if by_row { row.item } else { 0 })];
        }
    }
    if partition.method == Method::File {
        let mut file = after.assignment_file().clone();
        for (&(user, _), &shard) in &placed {
            file.insert(after.rows().users().get(user).to_owned(), shard);
        }
        *after = after.with_assignment_file(file);
    }
    Assignment { shards: assignment.shards, shard_of_row }
}

/// Whose rows decide a user's shard.
pub fn reach(method: Method) -> Reach {
    match method {
        Method::Hash | Method::File => Reach::Alone,
        Method::Anchored => Reach::Anchors,
        _ => Reach::Everybody,
    }
}

/// Under `anchored`: must the division follow this change? Nobody moves only if every user who is there afterwards was there
/// before with the same training rows, and the anchors are the same.
pub fn follows(settings: &Settings, before: &Interactions, after: &Interactions) -> bool {
    settings.partition.method == Method::Anchored && moved(settings, before, after) != Moves::Nobody
}

/// Who may move when `anchored` divides the rows after a change: anybody where an anchor comes, goes or has other rows, else those
/// whose own rows are others.
fn moved(settings: &Settings, before: &Interactions, after: &Interactions) -> Moves {
    let own = |data: &Interactions, user: u32| -> Vec<(String, u32, Fate)> {
        let rows = data.rows_of(user).iter().filter(|row| trains(row));
        rows.map(|row| (data.items().get(row.item).to_owned(), row.value.to_bits(), row.fate)).collect()
    };
    let users = |data: &Interactions| 0..data.users().len() as u32;
    let active = |data: &Interactions, user: u32| data.rows_of(user).iter().any(trains);
    let anchor = |data: &Interactions, user: u32| is_anchor(data, user, &settings.partition, settings.seed);
    let anchors = |data: &Interactions| -> Vec<String> {
        let anchors = users(data).filter(|&user| active(data, user) && anchor(data, user));
        anchors.map(|user| data.users().get(user).to_owned()).collect()
    };
    let other = |&user: &u32| {
        let old = before.users().find(after.users().get(user));
        old.is_none_or(|old| own(before, old) != own(after, user))
    };
    let others: Vec<u32> = users(after).filter(|&user| active(after, user)).filter(other).collect();
    if anchors(before) != anchors(after) || others.iter().any(|&user| anchor(after, user)) {
        Moves::Anybody
    } else if others.is_empty() {
        Moves::Nobody
    } else {
        Moves::People(others.len() as u32)
    }
}

/// How this change is carried out, as far as traces are concerned, and who may move.
fn procedure(before: &Pipeline, after: &Dataset, difference: &Difference, mode: Mode) -> (Procedure, Moves) {
    let settings = before.settings();
    let touches = difference.shards.iter().any(|shard| shard.gone + shard.new > 0);
    let partition = reach(settings.partition.method);
    let moved = match partition {
        _ if !touches => Moves::Nobody,
        Reach::Alone => Moves::Nobody,
        Reach::Anchors => moved(settings, before.rows(), after.rows()),
        Reach::Everybody if mode == Mode::Refit => Moves::Anybody,
        Reach::Everybody => Moves::Nobody,
    };
    let follows = partition == Reach::Anchors && moved != Moves::Nobody;
    (Procedure { mode, partition, follows }, moved)
}
