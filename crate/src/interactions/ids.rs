//! External ids as read, numbered by their byte order, so that a number never depends on the order of a file.

use serde::{Deserialize, Serialize};

/// Distinct ids in ascending byte order; an id's index is its rank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Ids(Vec<String>);

impl From<Vec<String>> for Ids {
    fn from(ids: Vec<String>) -> Self {
        Ids::new(ids)
    }
}

impl Ids {
    /// Sorts and removes repetitions.
    pub fn new(mut ids: Vec<String>) -> Self {
        if !ids.is_sorted_by(|a, b| a < b) {
            ids.sort_unstable();
            ids.dedup();
        }
        Ids(ids)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The id at an index. Panics beyond the end, like a slice.
    pub fn get(&self, index: u32) -> &str {
        &self.0[index as usize]
    }

    /// The index of an id, by binary search.
    pub fn find(&self, id: &str) -> Option<u32> {
        self.0.binary_search_by(|probe| probe.as_str().cmp(id)).ok().map(|index| index as u32)
    }

    /// All ids in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
