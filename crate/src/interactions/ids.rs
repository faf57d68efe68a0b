//! External ids as read, numbered by their byte order, so that a number never depends on the order of a file.

use serde::{Deserialize, Serialize, Serializer};

/// Distinct ids in ascending byte order; an id's index is its rank. One text and where each id ends in it: millions of ids
/// take little more than their letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Ids {
    text: String,
    ends: Vec<u32>,
}

impl From<Vec<String>> for Ids {
    fn from(ids: Vec<String>) -> Self {
        Ids::new(ids)
    }
}

/// As a list of texts.
impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Ids {
    /// Sorts and removes repetitions. Panics where the ids are longer than four gigabytes together.
    pub fn new(mut ids: Vec<String>) -> Self {
        if !ids.is_sorted_by(|a, b| a < b) {
            ids.sort_unstable();
            ids.dedup();
        }
        let mut all = Ids::default();
        ids.iter().for_each(|id| all.push(id));
        all
    }

    /// Adds an id that is greater than all before.
    pub(super) fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(u32::try_from(self.text.len()).expect("ids of more than four gigabytes fit in no memory"));
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes that they take in memory.
    pub(super) fn memory(&self) -> u64 {
        (self.text.len() + 4 * self.ends.len()) as u64
    }

    /// The id at an index. Panics beyond the end, like a slice.
    pub fn get(&self, index: u32) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index as usize - 1] };
        &self.text[start as usize..self.ends[index as usize] as usize]
    }

    /// The index of an id, by binary search.
    pub fn find(&self, id: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// All ids in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len() as u32).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_where_they_are_and_saved_as_texts() {
        let texts = ["b", "", "a", "b", "\u{e9}t\u{e9}", "ab"].map(str::to_owned).to_vec();
        let ids = Ids::new(texts.clone());
        let all = ["", "a", "ab", "b", "\u{e9}t\u{e9}"];
        assert_eq!(ids.iter().collect::<Vec<_>>(), all);
        for (at, id) in all.iter().enumerate() {
            assert_eq!((ids.find(id), ids.get(at as u32)), (Some(at as u32), *id));
        }
        assert_eq!((ids.find("c"), ids.find("aa"), Ids::default().find("")), (None, None, None));
        let bytes = postcard::to_stdvec(&ids).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&all.to_vec()).unwrap(), "as the list of texts");
        assert_eq!(postcard::from_bytes::<Ids>(&bytes).unwrap(), ids);
    }
}
