//! Rows as they come out of a file, in about ten bytes each: what is held until all are there and can be put in order.

use super::{Consent, Fate, Row};

/// Bytes of a block. Blocks never move, so that memory never holds the rows twice while it grows.
const BLOCK: usize = 1 << 20;
/// What a row takes at the most: a byte that says how it is written, user and consent, item, rating, time.
const LONGEST: usize = 1 + 6 + 5 + 4 + 8;
/// Ratings that are told by their place in a list; any other is written out.
const RATINGS: usize = 15;

/// Rows in the order of the file, numbered in the order in which ids were first seen.
#[derive(Default)]
pub(super) struct PackedRows {
    blocks: Vec<Vec<u8>>,
    ratings: Vec<f32>,
    last: Option<Row>,
    len: u32,
    /// Rows of each user.
    counts: Vec<u32>,
}

impl PackedRows {
    /// How many.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Rows of each user, by number; users beyond the end have none.
    pub(super) fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Adds a row; its fate is not kept.
    pub(super) fn push(&mut self, row: Row) {
        if self.blocks.last().is_none_or(|block| block.len() + LONGEST > BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
            // Every block can be read without the one before.
            self.last = None;
        }
        let (user, time) = self.last.map_or((0, 0), |last| (last.user, last.time));
        let code = self.code(row.value);
        let delta = zigzag(row.time.wrapping_sub(time));
        let width = (8 - delta.leading_zeros() as usize / 8) as u8;
        let block = self.blocks.last_mut().expect("a block was added where there was none");
        block.push(code as u8 | width << 4);
        number(block, u64::from(row.consent as u8) | zigzag(i64::from(row.user) - i64::from(user)) << 2);
        number(block, u64::from(row.item));
        if code == RATINGS {
            block.extend(row.value.to_le_bytes());
        }
        block.extend(&delta.to_le_bytes()[..width as usize]);
        let at = row.user as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.len += 1;
        self.last = Some(row);
    }

    fn code(&mut self, value: f32) -> usize {
        match self.ratings.iter().position(|known| known.to_bits() == value.to_bits()) {
            Some(at) => at,
            None if self.ratings.len() < RATINGS => {
                self.ratings.push(value);
                self.ratings.len() - 1
            }
            None => RATINGS,
        }
    }

    /// Blocks that are not taken yet.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Hands the rows of one block, in their order, to `each` and frees it.
    pub(super) fn take(&mut self, block: usize, each: &mut dyn FnMut(Row)) {
        let block = std::mem::take(&mut self.blocks[block]);
        let (mut user, mut time, mut rest) = (0i64, 0i64, &block[..]);
        while let [how, after @ ..] = rest {
            rest = after;
            let who = next(&mut rest);
            user += unzigzag(who >> 2);
            let item = next(&mut rest) as u32;
            let code = (how & 15) as usize;
            let value = match self.ratings.get(code) {
                Some(&value) if code < RATINGS => value,
                _ => f32::from_bits(bytes(&mut rest, 4) as u32),
            };
            time = time.wrapping_add(unzigzag(bytes(&mut rest, (how >> 4) as usize)));
            let consent = [Consent::Unsaid, Consent::No, Consent::Yes][(who & 3) as usize % 3];
            each(Row { user: user as u32, item, value, time, fate: Fate::Train, consent });
        }
    }
}

/// Small numbers of either sign as small ones of none.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Seven bits a byte, lowest first; the eighth says that more follow.
fn number(block: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        block.push(value as u8 | 0x80);
        value >>= 7;
    }
    block.push(value as u8);
}

fn next(rest: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    while let [byte, after @ ..] = *rest {
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
    }
    value
}

fn bytes(rest: &mut &[u8], count: usize) -> u64 {
    let mut value = [0; 8];
    let (own, after) = rest.split_at(count);
    value[..count].copy_from_slice(own);
    *rest = after;
    u64::from_le_bytes(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_out_as_they_went_in(
            rows in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<i64>(), 0usize..3), 0..200),
            few: bool,
        ) {
            let consents = [Consent::Unsaid, Consent::No, Consent::Yes];
            let rows: Vec<Row> = rows
                .into_iter()
                .map(|(user, item, value, time, consent)| Row {
                    user: user % 1_000,
                    item,
                    // Bits, so that no NaN hides a difference.
                    value: if few { (value % 9) as f32 } else { value as f32 },
                    time,
                    fate: Fate::Train,
                    consent: consents[consent],
                })
                .collect();
            let mut packed = PackedRows::default();
            rows.iter().for_each(|&row| packed.push(row));
            prop_assert_eq!(packed.len() as usize, rows.len());
            for user in 0..1_000u32 {
                let count = rows.iter().filter(|row| row.user == user).count() as u32;
                prop_assert_eq!(packed.counts().get(user as usize).copied().unwrap_or(0), count);
            }
            let mut out = Vec::new();
            (0..packed.blocks()).for_each(|block| packed.take(block, &mut |row| out.push(row)));
            prop_assert_eq!(out, rows);
        }
    }

    #[test]
    fn a_common_row_takes_about_ten_bytes_and_blocks_follow_one_another() {
        let mut packed = PackedRows::default();
        for at in 0..400_000u32 {
            let time = 1_104_537_600 + i64::from(at.wrapping_mul(2_654_435_761) >> 2);
            let (user, item) = (at.wrapping_mul(40_503) % 160_000, at.wrapping_mul(9_973) % 60_000);
            packed.push(Row {
                user,
                item,
                value: (at % 10) as f32 / 2.0,
                time,
                fate: Fate::Train,
                consent: Consent::Unsaid,
            });
        }
        let bytes: usize = packed.blocks.iter().map(Vec::len).sum();
        assert!(bytes < 12 * 400_000 && packed.blocks() > 3, "{bytes} bytes in {} blocks", packed.blocks());
        let mut seen = 0;
        for block in 0..packed.blocks() {
            packed.take(block, &mut |row| {
                assert_eq!(row.item, (seen as u32).wrapping_mul(9_973) % 60_000);
                seen += 1;
            });
        }
        assert_eq!(seen, 400_000);
    }
}
