//! What stands in people's lists, beside whether it is right: how much of the catalogue, how evenly, and how far from what
//! everybody knows.

use serde::{Deserialize, Serialize};

use super::UserMetrics;
use crate::numerics::math;

/// How the lists of an evaluation spread over the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Exposure {
    /// Length of the lists that are looked at.
    pub cutoff: u32,
    /// Share of the catalogue that stands in somebody's list.
    pub coverage: f64,
    /// Gini coefficient of how often each item of the catalogue is shown: 0 if all are shown alike, near 1 if everybody is shown
    /// the same few.
    pub gini: f64,
    /// Mean self-information of what is shown, in bits: log2 of all users over those who have a training row of the item (Vargas
    /// and Castells, RecSys 2011). An item that half of all people have weighs 1, one that a thousandth has 10.
    pub novelty: f64,
}

/// Looks at the first `cutoff` places of everybody's list. `holders` has for every item of the catalogue how many of the `users`
/// have a training row of it; items that nobody has are left out of the novelty. O(users * cutoff + items log items).
pub fn exposure(per_user: &[UserMetrics], holders: &[u32], users: u32, cutoff: u32) -> Exposure {
    let mut shown = vec![0u32; holders.len()];
    let (mut bits, mut counted) = (0.0, 0u32);
    for item in per_user.iter().flat_map(|result| result.top.iter().take(cutoff as usize)) {
        let (Some(place), Some(&holders)) = (shown.get_mut(*item as usize), holders.get(*item as usize)) else {
            continue;
        };
        *place += 1;
        if holders > 0 {
            bits += math::ln(f64::from(users) / f64::from(holders)) / std::f64::consts::LN_2;
            counted += 1;
        }
    }
    let items = shown.len().max(1) as f64;
    let coverage = shown.iter().filter(|&&count| count > 0).count() as f64 / items;
    Exposure { cutoff, coverage, gini: gini(shown), novelty: if counted > 0 { bits / f64::from(counted) } else { 0.0 } }
}

/// 2 sum of i x_i / (n sum of x_i) - (n + 1) / n, for x ascending and i from 1; 0 where there is nothing.
fn gini(mut counts: Vec<u32>) -> f64 {
    tiny_sort::unstable::sort(&mut counts);
    let (n, sum) = (counts.len() as f64, counts.iter().map(|&count| f64::from(count)).sum::<f64>());
    if sum == 0.0 {
        return 0.0;
    }
    let weighted: f64 = counts.iter().zip(1u32..).map(|(&count, rank)| f64::from(rank) * f64::from(count)).sum();
    2.0 * weighted / (n * sum) - (n + 1.0) / n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(top: &[u32]) -> UserMetrics {
        UserMetrics { test: 1, values: vec![0.0; 6], top: top.to_vec() }
    }

    #[test]
    fn hand_counted_lists() {
        // Item 0 is had by all of eight, 1 by half, 2 by one, 3 by nobody.
        let holders = [8, 4, 1, 0];
        let found = exposure(&[list(&[0, 1, 2]), list(&[1, 2, 0])], &holders, 8, 2);
        assert_eq!((found.cutoff, found.coverage), (2, 0.75));
        // Shown: 0 once, 1 twice, 2 once; bits 0, 1, 1, 3.
        assert!((found.novelty - 5.0 / 4.0).abs() < 1e-12, "{found:?}");
        // Ascending 0, 1, 1, 2: 2 (2 + 3 + 8) / (4 * 4) - 5 / 4.
        assert!((found.gini - 0.375).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn equal_exposure_is_0_and_one_item_for_everybody_is_nearly_1() {
        let even: Vec<UserMetrics> = (0..10).map(|item| list(&[item])).collect();
        assert!(exposure(&even, &[1; 10], 10, 1).gini.abs() < 1e-12);
        let same: Vec<UserMetrics> = (0..10).map(|_| list(&[3])).collect();
        assert!((exposure(&same, &[1; 10], 10, 1).gini - 0.9).abs() < 1e-12);
    }

    #[test]
    fn nobody_and_nothing_known_give_zeros() {
        let none = Exposure { cutoff: 20, ..Exposure::default() };
        assert_eq!(exposure(&[], &[1, 2], 3, 20), none);
        assert_eq!(exposure(&[list(&[])], &[], 3, 20), none);
        // An item that nobody has is shown, and says nothing of novelty.
        let found = exposure(&[list(&[0, 7])], &[0, 1], 3, 20);
        assert_eq!((found.coverage, found.novelty), (0.5, 0.0));
    }
}
