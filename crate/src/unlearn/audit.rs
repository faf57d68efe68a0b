//! What an audit by behaviour rests on: who is compared with whom, and what each of them asks.
//!
//! Whoever audits sees lists and no weights. People who are to be forgotten are held against people who were never in, as
//! visitors of the ensemble before, of the one after and of the twin
//! ([`membership_gap`](crate::evaluate::membership_gap)); the verdict is whether the ensemble after stands where the twin does
//! ([`place_between`](crate::evaluate::place_between), [`auc_difference`](crate::evaluate::auc_difference)). The example `fakes`
//! audits the audit.

use crate::interactions::{Interactions, Row};
use crate::numerics::random::{Purpose, keyed_fraction, keyed_hash};
use crate::pipeline::{Dataset, trains};

/// Visits of each person: in each, one part of the rows is asked about and the others are shown.
pub(crate) const VISITS: usize = 4;
/// Matched items drawn for each item asked about.
pub const ROUNDS: u32 = 10;

/// One visit of somebody: items by id, for every ensemble numbers its own.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Whose it is: a place among those to be forgotten, then the outsiders.
    pub whose: usize,
    /// What is shown, with its values.
    pub shown: Vec<(String, f32)>,
    /// What is asked about.
    pub asked: Vec<String>,
}

/// The rows that a person can show.
pub(crate) fn rows_of(rows: &Interactions, user: u32) -> impl Iterator<Item = &Row> {
    rows.rows_of(user).iter().filter(|row| trains(row))
}

/// A person's visits, at most 4: the training rows are dealt out by a keyed hash, and each visit asks about one hand and
/// shows the others.
pub fn visits(rows: &Interactions, whose: usize, user: u32, seed: u64) -> Vec<Visit> {
    let id = rows.users().get(user);
    let keyed = rows_of(rows, user).map(|row| {
        let item = rows.items().get(row.item);
        (keyed_hash(seed, Purpose::Audit, &[id.as_bytes(), item.as_bytes()]), item, row.value)
    });
    let mut keyed: Vec<(u64, &str, f32)> = keyed.collect();
    tiny_sort::unstable::sort_by(&mut keyed, |a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let hands = VISITS.min(keyed.len());
    let visit = |hand: usize| {
        let dealt = || keyed.iter().enumerate().map(move |(at, row)| (at % hands == hand, row));
        Visit {
            whose,
            shown: dealt().filter(|(asked, _)| !asked).map(|(_, &(_, item, value))| (item.to_owned(), value)).collect(),
            asked: dealt().filter(|(asked, _)| *asked).map(|(_, &(_, item, _))| item.to_owned()).collect(),
        }
    };
    (0..hands).map(visit).collect()
}

/// For each of those who go (ascending), somebody who stays with the nearest number of training rows; at most half of those who
/// stay. Ascending.
pub fn outsiders(dataset: &Dataset, gone: &[u32], wanted: usize, seed: u64) -> Vec<u32> {
    let count = |user: u32| dataset.rows().rows_of(user).iter().filter(|row| trains(row)).count();
    let key = |user: u32| keyed_fraction(seed, Purpose::Audit, &[dataset.rows().users().get(user).as_bytes()]);
    // By activity, ties in the order of a keyed hash.
    let mut staying: Vec<(usize, f64, u32)> = dataset
        .active()
        .iter()
        .filter(|&&user| gone.binary_search(&user).is_err())
        .map(|&user| (count(user), key(user), user))
        .collect();
    tiny_sort::stable::sort_by(&mut staying, |a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let most = wanted.min(staying.len() / 2);
    let mut order: Vec<(f64, u32)> = gone.iter().map(|&user| (key(user), user)).collect();
    tiny_sort::unstable::sort_by(&mut order, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen = Vec::new();
    for (_, user) in order.into_iter().take(most) {
        let rows = count(user);
        let at = staying.partition_point(|other| other.0 < rows);
        // The nearest on either side.
        let above = staying.get(at).map(|other| (other.0 - rows, at));
        let below = at.checked_sub(1).map(|at| (rows - staying[at].0, at));
        if let Some((_, at)) = [above, below].into_iter().flatten().min() {
            chosen.push(staying.remove(at).2);
        }
    }
    chosen.sort_unstable();
    chosen
}
