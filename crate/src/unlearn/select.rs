//! Deletion sets as the literature draws them: random, core and edge users.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::RequestError;
use crate::interactions::{Fate, Interactions};
use crate::numerics::random::{Purpose, keyed_hash};

/// Which users a selection prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By a keyed hash of the id: the same user keeps its place whoever else is there.
    #[default]
    Random,
    /// The most active first, by training rows.
    Core,
    /// The least active first, by training rows.
    Edge,
}

/// A share of the users, chosen in one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Whom to prefer.
    pub how: How,
    /// Share of the users in percent, 0 to 100.
    pub percent: f64,
}

/// Draws users by external id, the preferred first. Candidates are the users with at least one training or validation
/// row: nobody else is in any sub-model. The count is the share rounded to the nearest integer, and at least 1 when
/// the share is positive and there is a candidate. Users equally active come in the order of their ids.
///
/// Errors: [`RequestError::Percent`] when the share is no number between 0 and 100.
pub fn select(data: &Interactions, selection: &Selection, seed: u64) -> Result<Vec<String>, RequestError> {
    let Selection { how, percent } = *selection;
    if !(0.0..=100.0).contains(&percent) {
        return Err(RequestError::Percent { value: percent });
    }
    let mut candidates: Vec<(u32, u32)> = (0..data.users().len() as u32)
        .map(|user| (user, data.rows_of(user).iter().filter(|row| row.fate != Fate::Test).count() as u32))
        .filter(|&(_, rows)| rows > 0)
        .collect();
    let hash = |user: u32| keyed_hash(seed, Purpose::Selection, &[data.users().get(user).as_bytes()]);
    match how {
        How::Random => tiny_sort::stable::sort_by_key(&mut candidates, |&(user, _)| (hash(user), user)),
        How::Core => tiny_sort::stable::sort_by_key(&mut candidates, |&(user, rows)| (Reverse(rows), user)),
        How::Edge => tiny_sort::stable::sort_by_key(&mut candidates, |&(user, rows)| (rows, user)),
    }
    let count = (percent / 100.0 * candidates.len() as f64).round() as usize;
    let count = count.max(usize::from(percent > 0.0)).min(candidates.len());
    Ok(candidates[..count].iter().map(|&(user, _)| data.users().get(user).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unlearn::testing::{data_strategy, names};

    fn ids(data: &Interactions, how: How, percent: f64) -> Vec<String> {
        select(data, &Selection { how, percent }, 7).unwrap()
    }

    #[test]
    fn core_and_edge_go_by_training_rows_and_ties_by_id() {
        let mut data = names(&[("a", "x"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "y"), ("d", "x"), ("d", "y")]);
        // d's second row is a test row, so d is as inactive as a.
        data.assign_fates(|data, row| {
            let test = data.users().get(row.user) == "d" && data.items().get(row.item) == "y";
            if test { Fate::Test } else { Fate::Train }
        });
        assert_eq!(ids(&data, How::Core, 100.0), ["b", "c", "a", "d"]);
        assert_eq!(ids(&data, How::Edge, 50.0), ["a", "d"]);
    }

    #[test]
    fn a_share_that_is_none_is_refused() {
        let data = names(&[("a", "x")]);
        for percent in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            let error = select(&data, &Selection { how: How::Random, percent }, 1).unwrap_err();
            assert_eq!(error.code(), "request.percent");
            assert!(error.to_string().contains(&percent.to_string()), "{error}");
        }
    }

    #[test]
    fn any_positive_share_is_somebody_and_zero_is_nobody() {
        let data = names(&[("a", "x"), ("b", "x"), ("c", "x")]);
        assert_eq!(ids(&data, How::Random, 0.001).len(), 1);
        assert!(ids(&data, How::Random, 0.0).is_empty());
        assert!(ids(&Interactions::default(), How::Core, 5.0).is_empty());
    }

    #[test]
    fn users_with_test_rows_only_are_not_drawn() {
        let mut data = names(&[("a", "x"), ("b", "x")]);
        data.assign_fates(|_, row| if row.user == 0 { Fate::Test } else { Fate::Validation });
        assert_eq!(ids(&data, How::Random, 100.0), ["b"]);
    }

    proptest! {
        #[test]
        fn a_random_order_does_not_depend_on_who_else_is_there(data in data_strategy(), seed in any::<u64>()) {
            let all = Selection { how: How::Random, percent: 100.0 };
            let before = select(&data, &all, seed).unwrap();
            let first = data.users().find(&before[0]).unwrap();
            let after = select(&data.without(|row| row.user == first), &all, seed).unwrap();
            prop_assert_eq!(&before[1..], &after[..]);
        }

        #[test]
        fn a_smaller_share_is_the_beginning_of_a_larger_one(
            data in data_strategy(), small in 0.0..100.0f64, large in 0.0..100.0f64,
        ) {
            let (small, large) = (small.min(large), small.max(large));
            for how in [How::Random, How::Core, How::Edge] {
                let (few, many) = (ids(&data, how, small), ids(&data, how, large));
                prop_assert_eq!(&few[..], &many[..few.len()]);
            }
        }
    }
}
