//! What a verification found: every comparison, and what could not be compared.

use serde::{Deserialize, Serialize};

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Check {
    /// What is compared, such as `weights`.
    pub name: String,
    /// Where, such as `shard 3`, or `receipt 2, shard 3` in a chain.
    pub place: String,
    /// What the receipt says.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Are they the same?
    pub ok: bool,
}

/// Something that this verification says nothing about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Unchecked {
    /// What, such as `seconds` or `weights before`.
    pub what: String,
    /// Why, in a few words.
    pub why: String,
}

/// All comparisons of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Verdict {
    /// Is every check fulfilled?
    pub ok: bool,
    /// The checks, in the order of the pipeline.
    pub checks: Vec<Check>,
    /// What is said in the receipts and was not checked here.
    pub unchecked: Vec<Unchecked>,
}

impl Default for Verdict {
    fn default() -> Self {
        Verdict { ok: true, checks: Vec::new(), unchecked: Vec::new() }
    }
}

impl Verdict {
    /// The checks that are not fulfilled.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.ok)
    }

    /// This one, then another.
    pub fn and(mut self, other: Verdict) -> Verdict {
        self.ok &= other.ok;
        self.checks.extend(other.checks);
        self.unchecked.extend(other.unchecked);
        self
    }

    pub(super) fn check(&mut self, name: &str, place: &str, expected: impl ToString, found: impl ToString) {
        let (expected, found) = (expected.to_string(), found.to_string());
        let ok = expected == found;
        self.ok &= ok;
        self.checks.push(Check { name: name.to_owned(), place: place.to_owned(), expected, found, ok });
    }

    pub(super) fn leave(&mut self, what: impl Into<String>, why: &str) {
        let one = Unchecked { what: what.into(), why: why.to_owned() };
        if !self.unchecked.contains(&one) {
            self.unchecked.push(one);
        }
    }
}

/// `none` or the value.
pub(super) fn show<T: ToString>(value: Option<T>) -> String {
    value.map_or("none".to_owned(), |value| value.to_string())
}
