//! Checkpoints inside a shard: the order of its users, and what a deletion saves.
//!
//! The users of a shard are cut into R slices (Bourtoule et al. 2021, "Machine Unlearning", section IV-B). Training
//! proceeds in R legs, leg r on slices 1..=r, and keeps a checkpoint (weights and optimiser state) before each. Forgetting
//! a user of slice r starts again from the checkpoint before leg r, which never saw that slice. The order is a keyed hash
//! of the user's id, so the slice of a user hangs on nobody else.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::numerics::random::{Purpose, keyed_fraction};

/// Too few or too many slices.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the number of slices must be between 1 and {MOST}, not {value}")]
pub struct SlicesError {
    /// As given.
    pub value: u32,
}

/// A shard keeps no more checkpoints than this.
pub const MOST: u32 = 1024;

/// A shard's users in slices. One slice means no checkpoint but the initial one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slices {
    seed: u64,
    count: u32,
}

/// What a deletion costs with slices, in rows times passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saving {
    /// The first slice that is hit, from 0: training starts again from the checkpoint before it.
    pub first: u32,
    /// Share of the whole training that is done again, 0 to 1.
    pub share: f64,
    /// What it would be on average over users drawn evenly, `expected_share`.
    pub expected: f64,
}

impl Slices {
    /// `count` slices under the experiment's seed.
    pub fn new(seed: u64, count: u32) -> Result<Self, SlicesError> {
        if (1..=MOST).contains(&count) { Ok(Slices { seed, count }) } else { Err(SlicesError { value: count }) }
    }

    /// How many.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The slice of a user, 0..count: a keyed hash of the external id cut evenly. Sizes vary around users / count; in
    /// exchange nobody's slice changes when somebody leaves, so every checkpoint before the hit slice stays exact.
    pub fn slice(&self, user: &str) -> u32 {
        let at = keyed_fraction(self.seed, Purpose::Slice, &[user.as_bytes()]);
        ((at * f64::from(self.count)) as u32).min(self.count - 1)
    }

    /// The users (by their place in `users`) in training order: by slice, then by id, so that rows stay sorted by
    /// (user, item) within a slice.
    pub fn order<'a>(&self, users: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
        let mut keyed: Vec<(u32, &str, u32)> =
            users.into_iter().enumerate().map(|(at, user)| (self.slice(user), user, at as u32)).collect();
        tiny_sort::unstable::sort(&mut keyed);
        keyed.into_iter().map(|(_, _, at)| at).collect()
    }

    /// The slice a deletion hits first; `None` when nobody is deleted.
    pub fn first_hit<'a>(&self, users: impl IntoIterator<Item = &'a str>) -> Option<u32> {
        users.into_iter().map(|user| self.slice(user)).min()
    }

    /// What is trained again when the given slice is hit first. `rows` has the rows of each slice; leg r passes over the
    /// slices 0..=r, each leg with the same number of epochs.
    pub fn saving(&self, first: u32, rows: &[u32]) -> Saving {
        let mut seen = 0u64;
        let (mut again, mut all) = (0u64, 0u64);
        for (leg, &rows) in rows.iter().enumerate() {
            seen += u64::from(rows);
            all += seen;
            again += if leg as u32 >= first { seen } else { 0 };
        }
        let share = if all == 0 { 0.0 } else { again as f64 / all as f64 };
        Saving { first, share, expected: expected_share(self.count) }
    }
}

/// The share of a training that one deletion repeats on average, with `count` equal slices and the deleted user equally
/// likely in each.
///
/// Leg r (from 1) passes over r slices; a hit in slice r repeats the legs r..=R, that is (R(R+1) - r(r-1)) / 2 slice passes
/// of R(R+1) / 2. Averaged over r this is (2R + 1) / (3R): 1 for one slice, two thirds in the limit. (Bourtoule et al. 2021,
/// section V: a limit of 1.5 times faster.)
pub fn expected_share(count: u32) -> f64 {
    let count = f64::from(count.max(1));
    (2.0 * count + 1.0) / (3.0 * count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_expected_share_is_the_mean_over_the_slices() {
        for count in 1..30u32 {
            let slices = Slices::new(1, count).unwrap();
            let rows = vec![5; count as usize];
            let mean = (0..count).map(|first| slices.saving(first, &rows).share).sum::<f64>() / f64::from(count);
            assert!((mean - expected_share(count)).abs() < 1e-12, "{count}: {mean}");
        }
        assert_eq!(expected_share(1), 1.0);
        assert!((expected_share(1000) - 2.0 / 3.0).abs() < 1e-3);
    }

    #[test]
    fn no_slice_and_too_many_are_refused() {
        assert_eq!(Slices::new(1, 0), Err(SlicesError { value: 0 }));
        let text = Slices::new(1, 2000).unwrap_err().to_string();
        assert!(text.contains("between 1 and 1024, not 2000"), "{text}");
    }

    #[test]
    fn slices_are_about_equal() {
        let slices = Slices::new(3, 8).unwrap();
        let mut sizes = [0u32; 8];
        (0..8000).for_each(|user| sizes[slices.slice(&user.to_string()) as usize] += 1);
        assert!(sizes.iter().all(|&size| (850..1150).contains(&size)), "{sizes:?}");
    }

    #[test]
    fn empty_shards_and_empty_deletions_save_nothing_and_divide_by_nothing() {
        let slices = Slices::new(3, 4).unwrap();
        assert_eq!(slices.first_hit([]), None);
        assert_eq!(slices.saving(0, &[0, 0, 0, 0]).share, 0.0);
    }

    proptest! {
        #[test]
        fn the_order_without_a_user_is_the_order_with_the_user_left_out(
            users in proptest::collection::btree_set("[a-z]{1,4}", 1..40),
            gone in any::<prop::sample::Index>(), seed in any::<u64>(), count in 1..9u32,
        ) {
            let slices = Slices::new(seed, count).unwrap();
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            let gone = users[gone.index(users.len())];
            let named = |users: &[&str]| -> Vec<String> {
                slices.order(users.iter().copied()).iter().map(|&at| users[at as usize].to_owned()).collect()
            };
            let mut all = named(&users);
            all.retain(|user| user != gone);
            let left: Vec<&str> = users.iter().copied().filter(|&user| user != gone).collect();
            prop_assert_eq!(&named(&left), &all);
            // Everything before the hit slice is untouched, and slices ascend.
            let hit = slices.first_hit([gone]).unwrap();
            prop_assert!(hit < count);
            prop_assert!(all.windows(2).all(|pair| slices.slice(&pair[0]) <= slices.slice(&pair[1])));
        }
    }
}
