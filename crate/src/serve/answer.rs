//! Questions and answers as plain values.

use serde::{Deserialize, Serialize};

/// What is asked for. Ids that do not occur are harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// How many items at most.
    pub top: u32,
    /// Items that are left out, beside those the person has.
    pub exclude: Vec<String>,
    /// Where given, only these can be listed: what is in stock, or of one kind.
    pub only: Option<Vec<String>>,
    /// List what the person has already, too?
    pub seen: bool,
}

impl Default for Query {
    fn default() -> Self {
        Query::top(20)
    }
}

impl Query {
    /// The best `top` items.
    pub fn top(top: u32) -> Self {
        Query { top, exclude: Vec::new(), only: None, seen: false }
    }

    /// Without these.
    pub fn without<S: Into<String>>(mut self, items: impl IntoIterator<Item = S>) -> Self {
        self.exclude.extend(items.into_iter().map(Into::into));
        self
    }

    /// Only these.
    pub fn among<S: Into<String>>(mut self, items: impl IntoIterator<Item = S>) -> Self {
        self.only.get_or_insert_default().extend(items.into_iter().map(Into::into));
        self
    }

    /// With what the person has already.
    pub fn with_seen(mut self) -> Self {
        self.seen = true;
        self
    }
}

impl From<u32> for Query {
    fn from(top: u32) -> Self {
        Query::top(top)
    }
}

/// What a list rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The person's own rows.
    Rows,
    /// Nothing is known of the person: the items with most training rows, scored by their number.
    Popularity,
}

/// A list of items, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct List {
    /// The items.
    pub items: Vec<Recommended>,
    /// What it rests on.
    pub basis: Basis,
    /// Items that a visitor showed and that occur in no row; they had no say.
    pub unknown: Vec<String>,
}

/// One place of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Recommended {
    /// The item's id.
    pub item: String,
    /// What it was ranked by; comparable within one list only.
    pub score: f32,
}

/// Why an item is recommended to somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Explanation {
    /// The item.
    pub item: String,
    /// Its score: the sum of all reasons, but for the rounding of a sum.
    pub score: f32,
    /// Every row of the person that had a say, the strongest first; what speaks against it is negative.
    pub reasons: Vec<Reason>,
}

/// One row of the person, and what it adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Reason {
    /// The item of the row.
    pub item: String,
    /// Its term of the score.
    pub share: f32,
}
