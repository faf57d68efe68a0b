//! Ids to numbers while a file is read: one hash look-up a row, one copy per distinct id.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Distinct texts in the order in which they were first seen. The table only finds; no number depends on its order.
#[derive(Default)]
pub(super) struct Interner {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Files are usually grouped by user: the previous answer is right most of the time.
    previous: u32,
}

impl Interner {
    /// The number of `id`; `None` where it is not UTF-8 or has control characters in it, such as line breaks.
    pub(super) fn number(&mut self, id: &[u8]) -> Option<u32> {
        if !self.ends.is_empty() && slice(&self.text, &self.ends, self.previous) == id {
            return Some(self.previous);
        }
        let Interner { table, hasher, text, ends, previous } = self;
        let hash = hash(hasher, id);
        let number = match table.find(hash, |&number| slice(text, ends, number) == id) {
            Some(&number) => number,
            None => {
                // Checked here only: an id that is known has been checked.
                std::str::from_utf8(id).ok().filter(|id| !id.contains(|c: char| c.is_ascii_control()))?;
                let number = ends.len() as u32;
                text.extend_from_slice(id);
                ends.push(text.len());
                table.insert_unique(hash, number, |&number| self::hash(hasher, slice(text, ends, number)));
                number
            }
        };
        *previous = number;
        Some(number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with a number. Panics where no text has it.
    pub(super) fn get(&self, number: u32) -> &str {
        std::str::from_utf8(slice(&self.text, &self.ends, number)).expect("only UTF-8 is given a number")
    }

    /// Which of two texts comes first.
    pub(super) fn compare(&self, one: u32, other: u32) -> Ordering {
        slice(&self.text, &self.ends, one).cmp(slice(&self.text, &self.ends, other))
    }

    /// Room that finding took is given back: from here on texts are only looked up by number.
    pub(super) fn close(&mut self) {
        self.table = HashTable::new();
    }
}

fn slice<'a>(text: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let start = if number == 0 { 0 } else { ends[number as usize - 1] };
    &text[start..ends[number as usize]]
}

fn hash(builder: &DefaultHashBuilder, id: &[u8]) -> u64 {
    let mut hasher = builder.build_hasher();
    hasher.write(id);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_order_of_first_sight() {
        let mut interner = Interner::default();
        let numbers: Vec<_> = ["b", "", "b", "a", ""].iter().map(|id| interner.number(id.as_bytes())).collect();
        assert_eq!(numbers, [Some(0), Some(1), Some(0), Some(2), Some(1)]);
        assert_eq!(interner.number(b"\xff"), None);
        assert_eq!(interner.number(b"a\nb"), None);
        let texts: Vec<&str> = (0..interner.len() as u32).map(|number| interner.get(number)).collect();
        assert_eq!(texts, ["b", "", "a"]);
        assert_eq!((interner.compare(0, 2), interner.compare(1, 1)), (Ordering::Greater, Ordering::Equal));
    }

    #[test]
    fn survives_growth() {
        let mut interner = Interner::default();
        for pass in 0..2 {
            for number in 0..5_000u32 {
                assert_eq!(interner.number(number.to_string().as_bytes()), Some(number), "pass {pass}");
            }
        }
    }
}
