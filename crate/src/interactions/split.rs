//! Rows to train, validation and test. What decides one row's fate is its own ids (or its user's rows), never another
//! user's, so that fates stay when others are forgotten.

use serde::{Deserialize, Serialize};

use super::{Fate, Interactions, Row, SplitError};
use crate::Digest;
use crate::numerics::digest::Hasher;
use crate::numerics::random::{Purpose, keyed_fraction};

/// The largest share that may be held out.
const MAX_SHARE: f32 = 0.9;

/// How test rows are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum SplitMethod {
    /// Each row by a keyed hash of (seed, user id, item id): a share of every user's rows on average, and exactly the same
    /// rows whatever else is in the file.
    #[default]
    HoldOut,
    /// Each user's last row by time is test and, where validation is asked for and three rows are there, the one before
    /// is validation; equal times in the order of the item ids. Depends on the user's own rows: deleting a single row
    /// of a user may change the fate of the user's others, deleting a user changes nobody else's.
    LeaveLastOut,
    /// The rows marked as test where two files were joined stay test.
    Given,
}

/// How rows are divided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct SplitConfig {
    /// How test rows are chosen.
    pub method: SplitMethod,
    /// Share of all rows that become test rows, 0 to 0.9 (hold-out only).
    pub test: f32,
    /// Share of the remaining rows that become validation rows, 0 to 0.9; for leave-last-out any share above 0 means one
    /// row per user.
    pub validation: f32,
}

impl Default for SplitConfig {
    fn default() -> Self {
        SplitConfig { method: SplitMethod::HoldOut, test: 0.2, validation: 0.1 }
    }
}

/// What the split came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SplitReport {
    /// Rows trained on.
    pub train: u32,
    /// Rows held out for stopping and selection.
    pub validation: u32,
    /// Rows measured on.
    pub test: u32,
    /// Users without a test row: left out of every figure.
    pub users_without_test: u32,
    /// Users with neither a train nor a validation row: nothing is known of them.
    pub users_without_train: u32,
}

/// Sets every row's fate. O(rows).
///
/// Errors: a share out of range, times all equal for leave-last-out, no test row for `given`, no train row left; the
/// fates are then as before.
pub fn split(interactions: &mut Interactions, config: &SplitConfig, seed: u64) -> Result<SplitReport, SplitError> {
    let mut splitter = Splitter::new(interactions, config, seed)?;
    while !splitter.step(interactions) {}
    splitter.done(interactions)?;
    Ok(report(interactions))
}

/// [`split`] in steps, for rows so many that whoever asked may want to stop it. All of them are of the same interactions.
pub struct Splitter {
    config: SplitConfig,
    seed: u64,
    fates: Vec<Fate>,
    /// The next user of whom the last rows are held out.
    user: u32,
}

/// Rows of one step: some hundredths of a second.
const STEP: usize = 1 << 17;

impl Splitter {
    /// Errors: as [`split`], but that no train row is left.
    pub fn new(interactions: &Interactions, config: &SplitConfig, seed: u64) -> Result<Self, SplitError> {
        for (field, value, example) in [("test", config.test, 0.2), ("validation", config.validation, 0.1)] {
            if !(0.0..=MAX_SHARE).contains(&value) {
                return Err(SplitError::Share { field, value, example });
            }
        }
        let rows = interactions.rows();
        match config.method {
            SplitMethod::Given if rows.iter().all(|row| row.fate != Fate::Test) => return Err(SplitError::NoTest),
            SplitMethod::LeaveLastOut => {
                if let Some(first) = rows.first()
                    && rows.iter().all(|row| row.time == first.time)
                {
                    return Err(SplitError::NoTime { time: first.time });
                }
            }
            SplitMethod::Given | SplitMethod::HoldOut => {}
        }
        Ok(Splitter { config: *config, seed, fates: Vec::with_capacity(rows.len()), user: 0 })
    }

    /// Decides on some more rows. True once all are decided on.
    pub fn step(&mut self, interactions: &Interactions) -> bool {
        let (all, begun) = (interactions.rows(), self.fates.len());
        if self.config.method == SplitMethod::LeaveLastOut {
            while self.fates.len() < all.len().min(begun + STEP) {
                leave_last_out(interactions.rows_of(self.user), self.config.validation > 0.0, &mut self.fates);
                self.user += 1;
            }
            return self.fates.len() == all.len();
        }
        let (users, items) = (interactions.users(), interactions.items());
        for row in &all[begun..all.len().min(begun + STEP)] {
            let key = [users.get(row.user).as_bytes(), items.get(row.item).as_bytes()];
            let below = |purpose, share| keyed_fraction(self.seed, purpose, &key) < f64::from(share);
            let test = match self.config.method {
                SplitMethod::Given => row.fate == Fate::Test,
                SplitMethod::HoldOut | SplitMethod::LeaveLastOut => below(Purpose::Test, self.config.test),
            };
            self.fates.push(match test {
                true => Fate::Test,
                false if below(Purpose::Validation, self.config.validation) => Fate::Validation,
                false => Fate::Train,
            });
        }
        self.fates.len() == all.len()
    }

    /// Sets the fates once [`Splitter::step`] says that all are decided on.
    ///
    /// Errors: no train row is left; the fates are then as before.
    pub fn done(self, interactions: &mut Interactions) -> Result<(), SplitError> {
        if !self.fates.is_empty() && !self.fates.contains(&Fate::Train) {
            return Err(SplitError::NoTrain { rows: self.fates.len() as u32 });
        }
        interactions.set_fates(&self.fates);
        Ok(())
    }
}

/// Adds the fates of one user's rows.
fn leave_last_out(own: &[Row], validation: bool, fates: &mut Vec<Fate>) {
    let start = fates.len();
    fates.resize(start + own.len(), Fate::Train);
    // Rows come in the order of their item ids, and a stable sort keeps that among equal times.
    let mut order: Vec<usize> = (0..own.len()).collect();
    tiny_sort::stable::sort_by_key(&mut order, |&at| own[at].time);
    if let [.., _, last] = order[..] {
        fates[start + last] = Fate::Test;
    }
    if let (true, [.., _, before, _]) = (validation, &order[..]) {
        fates[start + before] = Fate::Validation;
    }
}

/// Counts what the fates in place come to.
pub fn report(interactions: &Interactions) -> SplitReport {
    let mut report = SplitReport::default();
    for user in 0..interactions.users().len() as u32 {
        let mut counts = [0u32; 3];
        for row in interactions.rows_of(user) {
            counts[row.fate as usize] += 1;
        }
        report.train += counts[0];
        report.validation += counts[1];
        report.test += counts[2];
        report.users_without_test += u32::from(counts[2] == 0);
        report.users_without_train += u32::from(counts[0] + counts[1] == 0);
    }
    report
}

/// What joining a test file to a train file came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct JoinReport {
    /// Rows that are test rows now.
    pub test: u32,
    /// Pairs in both files: they stay train rows.
    pub in_both: u32,
    /// Test users of whom the train file has no row.
    pub users_without_train: u32,
}

/// Joins a file given as train and one given as test: rows of `test` become test rows, except pairs that `train` holds too,
/// which stay there and are counted - measuring on a row that was trained on would flatter every figure.
/// Follow with [`split`] and [`SplitMethod::Given`] to set validation rows.
pub(crate) fn join_given(mut train: Interactions, mut test: Interactions) -> (Interactions, JoinReport) {
    train.assign_fates(|_, _| Fate::Train);
    test.assign_fates(|_, _| Fate::Test);
    let given = train.rows().len() + test.rows().len();
    // Of equal pairs the later one is kept: the row that is trained on.
    let joined = test.with(&train);
    let report = JoinReport {
        test: joined.rows().iter().filter(|row| row.fate == Fate::Test).count() as u32,
        in_both: (given - joined.rows().len()) as u32,
        users_without_train: test.users().iter().filter(|id| train.users().find(id).is_none()).count() as u32,
    };
    (joined, report)
}

/// The digest of the stage: ids in order, then (user, item, value, fate) of each row in order. Since ids are numbered by
/// their order, equal digests mean equal rows with equal fates. Times enter only through the fates they decided.
pub(crate) fn split_digest(interactions: &Interactions) -> Digest {
    const BATCH: usize = 8_192;
    let mut hasher = Hasher::new("ultrare split 1");
    let mut bytes = Vec::with_capacity(BATCH * 13);
    for ids in [interactions.users(), interactions.items()] {
        hasher.u32(ids.len() as u32);
        bytes.clear();
        for id in ids.iter() {
            bytes.extend((id.len() as u32).to_le_bytes());
            bytes.extend(id.as_bytes());
        }
        hasher.bytes(&bytes);
    }
    hasher.u32(interactions.rows().len() as u32);
    for rows in interactions.rows().chunks(BATCH) {
        bytes.clear();
        for row in rows {
            bytes.extend(row.user.to_le_bytes());
            bytes.extend(row.item.to_le_bytes());
            bytes.extend(row.value.to_bits().to_le_bytes());
            bytes.push(row.fate as u8);
        }
        hasher.bytes(&bytes);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interactions::Triple;

    fn rows(pairs: &[(u32, u32)]) -> Interactions {
        let triple = |(at, (user, item)): (usize, &(u32, u32))| Triple {
            user: format!("u{user}"),
            item: format!("i{item}"),
            value: 1.0 + (at % 5) as f32,
            time: i64::from(user * 31 + item * 17) % 11,
            fate: Fate::Train,
        };
        Interactions::new(pairs.iter().enumerate().map(triple).collect())
    }

    fn grid(users: u32, items: u32) -> Interactions {
        rows(&(0..users).flat_map(|user| (0..items).map(move |item| (user, item))).collect::<Vec<_>>())
    }

    fn method(method: SplitMethod) -> SplitConfig {
        SplitConfig { method, ..SplitConfig::default() }
    }

    #[test]
    fn shares_come_out_as_asked() {
        let mut all = grid(100, 100);
        let report = split(&mut all, &SplitConfig::default(), 3).unwrap();
        assert!((report.test as f32 - 2_000.0).abs() < 160.0, "{report:?}");
        assert!((report.validation as f32 - 800.0).abs() < 110.0, "{report:?}");
        assert_eq!(report.train + report.validation + report.test, 10_000);
        let before = split_digest(&all);
        split(&mut all, &SplitConfig::default(), 3).unwrap();
        assert_eq!(split_digest(&all), before, "splitting again with the same seed changes nothing");
        split(&mut all, &SplitConfig::default(), 4).unwrap();
        assert_ne!(split_digest(&all), before);
    }

    proptest! {
        #[test]
        fn fates_of_others_stay_when_a_user_is_forgotten(
            pairs in prop::collection::vec((0u32..8, 0u32..20), 20..120),
            gone in 0u32..8,
            seed: u64,
            last: bool,
        ) {
            let config = method(if last { SplitMethod::LeaveLastOut } else { SplitMethod::HoldOut });
            let mut all = rows(&pairs);
            prop_assume!(split(&mut all, &config, seed).is_ok());
            let gone = all.users().find(&format!("u{gone}"));
            let unlearned = all.without(|row| Some(row.user) == gone);
            let mut twin = unlearned.clone();
            twin.assign_fates(|_, _| Fate::Train);
            prop_assume!(split(&mut twin, &config, seed).is_ok());
            prop_assert_eq!(split_digest(&twin), split_digest(&unlearned));
            prop_assert_eq!(twin, unlearned);
        }
    }

    #[test]
    fn leave_last_out_takes_the_last_by_time_then_item() {
        let triple = |user: &str, item: &str, time| Triple {
            user: user.into(),
            item: item.into(),
            value: 1.0,
            time,
            fate: Fate::Train,
        };
        let mut all = Interactions::new(vec![
            triple("a", "x", 9),
            triple("a", "y", 2),
            triple("a", "z", 9),
            triple("b", "x", 1),
            triple("b", "y", 0),
            triple("c", "x", 5),
        ]);
        let report = split(&mut all, &method(SplitMethod::LeaveLastOut), 0).unwrap();
        let fates: Vec<Fate> = all.rows().iter().map(|row| row.fate).collect();
        use Fate::{Test, Train, Validation};
        assert_eq!(fates, [Validation, Train, Test, Test, Train, Train]);
        assert_eq!((report.users_without_test, report.users_without_train), (1, 0));
    }

    #[test]
    fn a_given_test_stays_test_and_pairs_in_both_stay_train() {
        let (mut all, report) = join_given(rows(&[(1, 1), (1, 2), (2, 1)]), rows(&[(1, 2), (2, 3), (9, 1)]));
        assert_eq!(report, JoinReport { test: 2, in_both: 1, users_without_train: 1 });
        let config = SplitConfig { validation: 0.0, ..method(SplitMethod::Given) };
        let split = split(&mut all, &config, 1).unwrap();
        assert_eq!((split.train, split.validation, split.test), (3, 0, 2));
        let of = |user, item| {
            let (user, item) = (all.users().find(user).unwrap(), all.items().find(item).unwrap());
            all.rows().iter().find(|row| (row.user, row.item) == (user, item)).unwrap().fate
        };
        assert_eq!((of("u1", "i2"), of("u2", "i3"), of("u9", "i1")), (Fate::Train, Fate::Test, Fate::Test));
    }

    #[test]
    fn refusals_say_what_was_expected() {
        let mut all = grid(3, 3);
        let mut told = |config: SplitConfig| split(&mut all, &config, 0).unwrap_err().to_string();
        let share = |test| SplitConfig { test, ..SplitConfig::default() };
        assert_eq!(told(share(1.5)), "test is 1.5: expected a share of the rows from 0 to 0.9, such as 0.2");
        assert!(told(share(f32::NAN)).starts_with("test is NaN"));
        assert!(told(method(SplitMethod::Given)).contains("add a test file"));
        let mut timeless = grid(2, 1);
        timeless = timeless.without(|row| row.user == 1);
        let refused = split(&mut timeless, &method(SplitMethod::LeaveLastOut), 0).unwrap_err();
        assert_eq!(refused.code(), "split.no_time");
        let all_test = (0..).find(|&seed| {
            split(&mut timeless, &SplitConfig { test: 0.9, ..SplitConfig::default() }, seed)
                == Err(SplitError::NoTrain { rows: 1 })
        });
        assert!(all_test.is_some());
        assert_eq!(timeless.rows()[0].fate, Fate::Train, "a refused split changes nothing");
    }

    #[test]
    fn the_digest_sees_every_part_of_a_row() {
        let base = grid(2, 2);
        let digest = split_digest(&base);
        let mut fate = base.clone();
        fate.assign_fates(|_, row| if row.user == 0 { Fate::Test } else { Fate::Train });
        let mut seen = vec![digest, split_digest(&fate), split_digest(&rows(&[(0, 0), (0, 1), (1, 0), (1, 2)]))];
        seen.push(split_digest(&rows(&[(0, 1), (0, 0), (1, 0), (1, 1)])));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}
