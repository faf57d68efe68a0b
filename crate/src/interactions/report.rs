//! What was read, what was left out and why, and the shapes that are drawn of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rows::starts_of;
use super::{Column, Delimiter, Encoding, Interactions, Note, ReadConfig, Shape};

/// Rejected rows of which line, column and value are kept.
pub(crate) const FIRST_REJECTIONS: usize = 1_000;
/// Bars of an activity histogram.
pub(crate) const ACTIVITY_BINS: usize = 24;
/// Points of a popularity curve.
pub(crate) const POPULARITY_BINS: usize = 64;

/// One row that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Rejection {
    /// Line in the text, from 1; where a row spans lines, its first.
    pub line: u32,
    /// Name of the column at fault; `None` where the row as a whole is.
    pub column: Option<String>,
    /// What stands there, cut to 60 characters.
    pub value: String,
    /// The reason it is counted under.
    pub reason: String,
    /// The whole sentence for a person.
    pub message: String,
}

/// Rows that were read well and left out on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Filtered {
    /// Rated below `positive`.
    pub below_threshold: u32,
    /// Rated with a code that means "no rating".
    pub not_rated: u32,
    /// Words other than those that count.
    pub other_words: u32,
    /// Of users who are not in the sample.
    pub not_sampled: u32,
    /// Of users or items with fewer than `k_core` rows.
    pub k_core: u32,
}

/// Rows that one quote made into one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Swallowed {
    /// The line with the quote.
    pub line: u32,
    /// Lines in the row.
    pub lines: u32,
}

/// Ids that may well be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Alike {
    /// Users, or else items.
    pub users: bool,
    /// The ids as they stand in the file.
    pub ids: Vec<String>,
    /// What they differ in, in words.
    pub reason: String,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ReadReport {
    /// What was asked of the reader.
    pub asked: ReadConfig,
    /// `text`, `gzip`, or `zip: ` or `tar: ` and the name of the file inside.
    pub source: String,
    /// How its characters are written.
    pub encoding: Encoding,
    /// How its interactions are laid out.
    pub shape: Shape,
    /// What stands between columns.
    pub delimiter: Delimiter,
    /// Did the first line name the columns?
    pub has_header: bool,
    /// The columns and what they were used as.
    pub columns: Vec<Column>,
    /// Rows in the text, the header and blank lines not counted.
    pub rows_read: u32,
    /// Lines in the text.
    pub lines: u32,
    /// Rows left out, by reason: `column_count`, `empty_user`, `empty_item`, `rating_not_a_number`, `not_text`,
    /// `id_too_long`, `line_break`, `not_json`.
    pub rejected: BTreeMap<String, u32>,
    /// The first of them.
    pub first_rejections: Vec<Rejection>,
    /// Rows replaced by a later row of the same user and item.
    pub duplicates: u32,
    /// Rows left out on purpose.
    pub filtered: Filtered,
    /// Rows kept although their time could not be read; their time is 0.
    pub unreadable_times: u32,
    /// Rows whose consent is neither a yes nor a no: taken as no.
    pub unclear_consents: u32,
    /// Ids that were not UTF-8 and were read as Windows-1252 instead.
    pub mended_ids: u32,
    /// Quotes that run over line ends, as far as they swallowed rows: the first 20.
    pub swallowed: Vec<Swallowed>,
    /// Ids that differ only in case, spaces, invisible characters, Unicode form or leading zeros: the first 100 groups.
    pub alike: Vec<Alike>,
    /// How many such groups there are; none if they were made one.
    pub alike_groups: u32,
    /// Bytes that the rows and ids take in memory.
    pub memory: u64,
    /// What a person should know or be asked.
    pub notes: Vec<Note>,
    /// What is left.
    pub summary: DataSummary,
}

impl ReadReport {
    /// All rejected rows.
    pub fn rejected_rows(&self) -> u32 {
        self.rejected.values().sum()
    }
}

/// Bars between edges: bar `i` counts values in `edges[i]..edges[i + 1]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Histogram {
    /// One more than bars, growing by about a constant factor.
    pub edges: Vec<u32>,
    /// How many in each bar.
    pub counts: Vec<u32>,
}

/// Size and shape of interactions, in fixed numbers of points however large they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct DataSummary {
    /// Distinct users.
    pub users: u32,
    /// Distinct items.
    pub items: u32,
    /// Distinct pairs.
    pub rows: u32,
    /// Share of all possible pairs that occur.
    pub density: f64,
    /// Are there different ratings?
    pub has_ratings: bool,
    /// Are there different times?
    pub has_times: bool,
    /// Rows of the median user.
    pub median_activity: u32,
    /// Rows of the busiest user.
    pub max_activity: u32,
    /// Users by number of rows, at most 24 bars.
    pub activity: Histogram,
    /// Rows per item, most popular item first, averaged into at most 64 points of equally many items.
    pub popularity: Vec<f32>,
    /// Share of all rows that belongs to the most popular tenth of the items.
    pub top_tenth_share: f64,
}

impl DataSummary {
    /// O(rows + ids log ids).
    pub fn of(interactions: &Interactions) -> Self {
        let rows = interactions.rows();
        let (n_users, n_items) = (interactions.users().len(), interactions.items().len());
        let mut activity: Vec<u32> = (0..n_users as u32).map(|user| interactions.rows_of(user).len() as u32).collect();
        tiny_sort::unstable::sort(&mut activity);
        let starts = starts_of(n_items, rows.iter().map(|row| row.item));
        let mut popularity: Vec<u32> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        tiny_sort::unstable::sort_by(&mut popularity, |a, b| b.cmp(a));
        let top: u64 = popularity.iter().take(n_items.div_ceil(10)).map(|&count| u64::from(count)).sum();
        let differ = |key: fn(&super::Row) -> i64| rows.iter().any(|row| key(row) != key(&rows[0]));
        DataSummary {
            users: n_users as u32,
            items: n_items as u32,
            rows: rows.len() as u32,
            density: share(rows.len() as f64, n_users as f64 * n_items as f64),
            has_ratings: differ(|row| i64::from(row.value.to_bits())),
            has_times: differ(|row| row.time),
            median_activity: activity.get(n_users / 2).copied().unwrap_or(0),
            max_activity: activity.last().copied().unwrap_or(0),
            activity: histogram(&activity),
            popularity: averaged(&popularity, POPULARITY_BINS),
            top_tenth_share: share(top as f64, rows.len() as f64),
        }
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Of ascending values; edges are whole numbers that grow by a constant factor where there is room.
fn histogram(ascending: &[u32]) -> Histogram {
    let (Some(&least), Some(&most)) = (ascending.first(), ascending.last()) else { return Histogram::default() };
    let (low, high) = (f64::from(least.max(1)), f64::from(most) + 1.0);
    let step = crate::numerics::math::pow(high / low, 1.0 / ACTIVITY_BINS as f64);
    let mut edges = vec![least];
    let mut edge = low;
    while edges[edges.len() - 1] <= most && edges.len() <= ACTIVITY_BINS {
        edge *= step;
        let next = (edge.round() as u32).max(edges[edges.len() - 1] + 1);
        edges.push(if edges.len() == ACTIVITY_BINS { next.max(most + 1) } else { next });
    }
    let below = |edge: u32| ascending.partition_point(|&value| value < edge) as u32;
    let counts = edges.windows(2).map(|pair| below(pair[1]) - below(pair[0])).collect();
    Histogram { edges, counts }
}

fn averaged(values: &[u32], bins: usize) -> Vec<f32> {
    let bins = bins.min(values.len());
    let cut = |bin: usize| (bin as u64 * values.len() as u64 / bins as u64) as usize;
    (0..bins)
        .map(|bin| {
            let part = &values[cut(bin)..cut(bin + 1)];
            (part.iter().map(|&value| u64::from(value)).sum::<u64>() as f64 / part.len() as f64) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_falls_into_one_bar(mut values in prop::collection::vec(1u32..5_000, 1..200)) {
            values.sort_unstable();
            let bars = histogram(&values);
            prop_assert_eq!(bars.counts.iter().sum::<u32>() as usize, values.len());
            prop_assert!(bars.counts.len() <= ACTIVITY_BINS);
            prop_assert_eq!(bars.edges.len(), bars.counts.len() + 1);
            prop_assert!(bars.edges.is_sorted_by(|a, b| a < b));
        }

        #[test]
        fn averages_keep_the_total(values in prop::collection::vec(0u32..1_000, 1..64)) {
            let total: f32 = averaged(&values, 64).iter().sum();
            prop_assert_eq!(total, values.iter().sum::<u32>() as f32);
            prop_assert!(averaged(&values, 7).len() <= 7);
        }
    }
}
