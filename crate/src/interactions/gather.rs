//! Rows in the order of a file to rows in the order of their ids, in steps that are short however many rows there are.

use super::intern::Interner;
use super::packed::PackedRows;
use super::{Fate, Ids, Interactions, Row, identity};
use crate::interactions::Consent;

/// Ids or rows that one step handles: some hundredths of a second.
const STEP: usize = 1 << 19;

/// Numbers ids by their order and sorts the rows by them; of equal pairs the last is kept. Memory: the packed rows and the
/// sorted ones, no copy beside them. O(rows + ids log ids).
pub(super) struct Gather {
    packed: PackedRows,
    users: Side,
    items: Side,
    rows: Vec<Row>,
    /// Where each user's rows begin; while they are laid down, where the user's next one goes.
    starts: Vec<u32>,
    stage: Stage,
}

enum Stage {
    Users,
    Items,
    /// Room is made for the rows.
    Room,
    /// Rows are laid to their users, block by block.
    Lay(usize),
    /// Each user's rows are sorted: the next user, where that one's rows stand, and where they go.
    Sort(u32, usize, usize),
    Done,
}

impl Gather {
    /// `merge`: ids that differ only in how they are written are one.
    pub(super) fn new(packed: PackedRows, users: Interner, items: Interner, merge: bool) -> Self {
        let has_rows = |user: u32| packed.counts().get(user as usize).is_some_and(|&count| count > 0);
        let (users, items) = (Side::new(users, merge, has_rows), Side::new(items, merge, |_| true));
        Gather { packed, users, items, rows: Vec::new(), starts: Vec::new(), stage: Stage::Users }
    }

    /// Goes on for a while. True once all is done.
    pub(super) fn step(&mut self) -> bool {
        match self.stage {
            Stage::Users if self.users.step() => self.stage = Stage::Items,
            Stage::Items if self.items.step() => {
                self.starts = vec![0; self.users.ids.len()];
                for (number, &count) in self.packed.counts().iter().enumerate().filter(|(_, count)| **count > 0) {
                    self.starts[self.users.rank(number as u32) as usize] += count;
                }
                let mut sum = 0;
                for start in &mut self.starts {
                    sum += std::mem::replace(start, sum);
                }
                self.rows.reserve_exact(sum as usize);
                self.stage = Stage::Room;
            }
            Stage::Users | Stage::Items => {}
            Stage::Room => {
                let all = self.packed.len() as usize;
                let nothing =
                    Row { user: 0, item: 0, value: 0.0, time: 0, fate: Fate::Train, consent: Consent::Unsaid };
                self.rows.resize(all.min(self.rows.len() + 4 * STEP), nothing);
                if self.rows.len() == all {
                    self.stage = Stage::Lay(0);
                }
            }
            Stage::Lay(from) => {
                // A block is about a hundred thousand rows.
                let to = (from + STEP / 100_000).min(self.packed.blocks());
                for block in from..to {
                    let Gather { packed, users, items, rows, starts, .. } = self;
                    packed.take(block, &mut |row| {
                        let (user, item) = (users.rank(row.user), items.rank(row.item));
                        let place = &mut starts[user as usize];
                        rows[*place as usize] = Row { user, item, ..row };
                        *place += 1;
                    });
                }
                let done = to == self.packed.blocks();
                self.stage = if done { Stage::Sort(0, 0, 0) } else { Stage::Lay(to) };
            }
            Stage::Sort(user, from, to) => self.sort(user, from, to),
            Stage::Done => {}
        }
        matches!(self.stage, Stage::Done)
    }

    /// Once a user's rows are laid down, `starts` says where they end.
    fn sort(&mut self, mut user: u32, mut from: usize, mut to: usize) {
        let (begun, mut keys, mut own) = (from, Vec::new(), Vec::new());
        while (user as usize) < self.starts.len() && from - begun < STEP {
            let end = self.starts[user as usize] as usize;
            self.starts[user as usize] = to as u32;
            if !self.rows[from..end].is_sorted_by(|a, b| a.item < b.item) {
                // By item, then by place in the file, so that the last of equal ones is known.
                keys.clear();
                keys.extend(self.rows[from..end].iter().zip(0u64..).map(|(row, at)| u64::from(row.item) << 32 | at));
                keys.sort_unstable();
                own.clear();
                own.extend_from_slice(&self.rows[from..end]);
                for (at, key) in keys.iter().enumerate() {
                    if keys.get(at + 1).is_none_or(|next| next >> 32 != key >> 32) {
                        self.rows[to] = own[*key as u32 as usize];
                        to += 1;
                    }
                }
            } else {
                self.rows.copy_within(from..end, to);
                to += end - from;
            }
            (from, user) = (end, user + 1);
        }
        self.stage = if (user as usize) < self.starts.len() { Stage::Sort(user, from, to) } else { Stage::Done };
        if let Stage::Done = self.stage {
            self.rows.truncate(to);
            self.starts.push(to as u32);
        }
    }

    /// What has come of it, once [`Gather::step`] says that all is done.
    pub(super) fn done(self) -> Interactions {
        Interactions::assembled(self.users.ids, self.items.ids, self.rows, self.starts)
    }
}

/// The ids of one side on their way to numbers by their order: a merge sort that can stop anywhere.
struct Side {
    names: Interner,
    /// Of ids that were made one: where each went.
    merged: Option<Vec<u32>>,
    order: Vec<u32>,
    spare: Vec<u32>,
    /// Length of the runs that are sorted.
    run: usize,
    /// Where the two runs begin that are being merged, and how much of each is taken.
    at: usize,
    taken: (usize, usize),
    ids: Ids,
    ranks: Vec<u32>,
}

impl Side {
    fn new(mut names: Interner, merge: bool, used: impl Fn(u32) -> bool) -> Self {
        let mut used: Vec<bool> = (0..names.len() as u32).map(used).collect();
        let mut merged = None;
        if merge {
            let (keys, at) = identity::merged(&names);
            let mut of_key = vec![false; keys.len()];
            for (&at, used) in at.iter().zip(used) {
                of_key[at as usize] |= used;
            }
            (names, merged, used) = (keys, Some(at), of_key);
        }
        names.close();
        let order: Vec<u32> = (0..names.len() as u32).filter(|&number| used[number as usize]).collect();
        let spare = vec![0; order.len()];
        let ranks = vec![0; names.len()];
        Side { names, merged, order, spare, run: 1, at: 0, taken: (0, 0), ids: Ids::default(), ranks }
    }

    /// The rank of a number that was given when the id was seen.
    fn rank(&self, number: u32) -> u32 {
        let number = self.merged.as_ref().map_or(number, |at| at[number as usize]);
        self.ranks[number as usize]
    }

    /// True once every id has its rank.
    fn step(&mut self) -> bool {
        let n = self.order.len();
        let mut left = STEP / 4;
        while left > 0 && self.run < n {
            let (first, second) = (self.at, (self.at + self.run).min(n));
            let end = (second + self.run).min(n);
            let (mut a, mut b) = (first + self.taken.0, second + self.taken.1);
            while left > 0 && (a < second || b < end) {
                let from_first = b == end || (a < second && self.names.compare(self.order[a], self.order[b]).is_le());
                let next = if from_first { &mut a } else { &mut b };
                let out = self.at + self.taken.0 + self.taken.1;
                self.spare[out] = self.order[*next];
                *next += 1;
                *(if from_first { &mut self.taken.0 } else { &mut self.taken.1 }) += 1;
                left -= 1;
            }
            if a < second || b < end {
                break;
            }
            (self.at, self.taken) = (end, (0, 0));
            if end == n {
                std::mem::swap(&mut self.order, &mut self.spare);
                (self.at, self.run) = (0, self.run * 2);
            }
        }
        if self.run < n {
            return false;
        }
        // What is sorted goes over in steps, too.
        let from = self.ids.len();
        for &number in &self.order[from..n.min(from + left)] {
            self.ranks[number as usize] = self.ids.len() as u32;
            self.ids.push(self.names.get(number));
        }
        if self.ids.len() < n {
            return false;
        }
        (self.names, self.order, self.spare) = (Interner::default(), Vec::new(), Vec::new());
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interactions::Triple;

    fn gathered(triples: &[(String, String, f32)], merge: bool) -> Interactions {
        let (mut packed, mut users, mut items) = (PackedRows::default(), Interner::default(), Interner::default());
        users.number(b"nobody").unwrap();
        for (user, item, value) in triples {
            let (user, item) = (users.number(user.as_bytes()).unwrap(), items.number(item.as_bytes()).unwrap());
            packed.push(Row { user, item, value: *value, time: 0, fate: Fate::Train, consent: Consent::Unsaid });
        }
        let mut gather = Gather::new(packed, users, items, merge);
        while !gather.step() {}
        gather.done()
    }

    proptest! {
        #[test]
        fn as_if_all_had_been_sorted_at_once(pairs in prop::collection::vec((0u32..20, 0u32..20), 0..200), merge: bool) {
            let spelled = |number: u32| if number.is_multiple_of(3) { format!("0{number}") } else { (number / 2).to_string() };
            let triples: Vec<(String, String, f32)> =
                pairs.iter().zip(0u16..).map(|(&(u, i), at)| (spelled(u), spelled(i), f32::from(at))).collect();
            let own = |id: &str| if merge { identity::key(id).into_owned() } else { id.to_owned() };
            let triple = |(user, item, value): &(String, String, f32)| {
                Triple { user: own(user), item: own(item), value: *value, time: 0, fate: Fate::Train }
            };
            prop_assert_eq!(gathered(&triples, merge), Interactions::new(triples.iter().map(triple).collect()));
        }
    }

    #[test]
    fn many_ids_take_many_steps_and_come_out_in_order() {
        let ids: Vec<String> = (0..300_000u32).map(|at| at.wrapping_mul(2_654_435_761).to_string()).collect();
        let mut users = Interner::default();
        ids.iter().for_each(|id| assert!(users.number(id.as_bytes()).is_some()));
        let mut side = Side::new(users, false, |number| number % 3 > 0);
        let mut steps = 0;
        while !side.step() {
            steps += 1;
        }
        assert!(steps > 20, "{steps} steps");
        assert_eq!(side.ids.len(), 200_000);
        assert!((1..200_000).all(|at| side.ids.get(at - 1) < side.ids.get(at)));
        assert!((0..300_000u32).filter(|at| at % 3 > 0).all(|at| side.ids.get(side.rank(at)) == ids[at as usize]));
    }
}
