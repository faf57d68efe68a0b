//! The same people ask several ensembles: how the attack's success differs between two of them, and which of two a third
//! is nearer to. Everything here is paired: a resample draws people, and takes all that was measured of each.

use super::Interval;
use super::membership::ranks;
use super::report::percentile;
use crate::numerics::random::{Purpose, StreamKey, below};

/// One ensemble's statistics ([`membership_gap`](super::membership_gap)) of people in an order that is the same for every
/// ensemble.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// People who are to be forgotten.
    pub deleted: &'a [f64],
    /// People who were never in.
    pub outsiders: &'a [f64],
}

impl Asked<'_> {
    fn fits(&self, other: &Asked<'_>) -> bool {
        let len = |asked: &Asked<'_>| (asked.deleted.len(), asked.outsiders.len());
        len(self) == len(other) && !self.deleted.is_empty() && !self.outsiders.is_empty()
    }

    /// How much higher the forgotten stand than those who were never in, over the people drawn.
    fn shift(&self, inside: &[usize], outside: &[usize]) -> f64 {
        let mean = |of: &[f64], drawn: &[usize]| drawn.iter().map(|&at| of[at]).sum::<f64>() / drawn.len() as f64;
        mean(self.deleted, inside) - mean(self.outsiders, outside)
    }
}

/// AUC of `one` minus AUC of `other`, with the percentile interval of a bootstrap that draws the same people for both: the two
/// AUCs rise and fall together, so their difference is known far better than either. `None` if a group is empty or the
/// people are not as many.
///
/// Resampling cases within each group is Efron and Tibshirani (1993, section 8.3); that two curves over the same cases have to be
/// compared as paired is Hanley and McNeil (1983). DeLong, DeLong and Clarke-Pearson (1988) give the same width by formula:
/// the test holds the two against each other.
pub fn auc_difference(
    one: Asked<'_>,
    other: Asked<'_>,
    resamples: u32,
    confidence: f32,
    seed: u64,
) -> Option<Interval> {
    if !one.fits(&other) {
        return None;
    }
    let (a, b) = (ranks(one.deleted, one.outsiders), ranks(other.deleted, other.outsiders));
    let difference = |inside: &[usize], outside: &[usize]| Some(a.auc(inside, outside) - b.auc(inside, outside));
    resampled(&one, resamples, confidence, seed, difference)
}

/// Where `unlearned` stands on the way from the twin (0) to the original (1): is it nearer to what never had the forgotten, or
/// to what had them? Each ensemble's shift is how much higher the forgotten stand than those who were never in, so that what
/// moved everybody alike cancels; the place is (shift - twin's) / (original's - twin's). `None` if a group is empty, people
/// are not as many, or the twin's and the original's shift are the same.
///
/// A test of relative similarity with three samples (Bounliphone et al. 2016), here with the same people in all three.
pub fn place_between(
    unlearned: Asked<'_>,
    twin: Asked<'_>,
    original: Asked<'_>,
    resamples: u32,
    confidence: f32,
    seed: u64,
) -> Option<Interval> {
    if !unlearned.fits(&twin) || !unlearned.fits(&original) {
        return None;
    }
    let place = |inside: &[usize], outside: &[usize]| {
        let from = twin.shift(inside, outside);
        let way = original.shift(inside, outside) - from;
        (way != 0.0).then(|| (unlearned.shift(inside, outside) - from) / way)
    };
    resampled(&unlearned, resamples, confidence, seed, place)
}

/// A figure of all people, with the interval of resamples of them; those without the figure are left out.
fn resampled(
    people: &Asked<'_>,
    resamples: u32,
    confidence: f32,
    seed: u64,
    figure: impl Fn(&[usize], &[usize]) -> Option<f64>,
) -> Option<Interval> {
    let all = |group: &[f64]| (0..group.len()).collect::<Vec<usize>>();
    let mean = figure(&all(people.deleted), &all(people.outsiders))?;
    let mut rng = StreamKey::new(seed, Purpose::Bootstrap, 5, 0).fast();
    let mut draw = |len: usize| -> Vec<usize> { (0..len).map(|_| below(&mut rng, len as u32) as usize).collect() };
    let found = (0..resamples).filter_map(|_| {
        let (inside, outside) = (draw(people.deleted.len()), draw(people.outsiders.len()));
        figure(&inside, &outside)
    });
    let mut found: Vec<f64> = found.collect();
    tiny_sort::unstable::sort_by(&mut found, f64::total_cmp);
    Some(percentile(mean, &found, confidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::membership;
    use crate::numerics::random::normal;

    /// Statistics of people whom three ensembles see alike but for noise: `shift` is what the forgotten gain in each.
    fn people(n: usize, shifts: [f64; 3], noise: f64, seed: u64) -> Vec<(Vec<f64>, Vec<f64>)> {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        let own: Vec<f64> = (0..2 * n).map(|_| normal(&mut rng)).collect();
        let mut group = |from: usize, shift: f64| -> Vec<f64> {
            own[from..from + n].iter().map(|own| own + shift + noise * normal(&mut rng)).collect()
        };
        shifts.map(|shift| (group(0, shift), group(n, 0.0))).to_vec()
    }

    fn asked((deleted, outsiders): &(Vec<f64>, Vec<f64>)) -> Asked<'_> {
        Asked { deleted, outsiders }
    }

    /// The standard error of the difference of two AUCs over the same cases, as DeLong et al. (1988) give it.
    fn delong(one: Asked<'_>, other: Asked<'_>) -> f64 {
        let won = |x: f64, y: f64| if x > y { 1.0 } else { f64::from(u8::from(x == y)) / 2.0 };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let variance = |values: &[f64]| {
            let middle = mean(values);
            values.iter().map(|value| (value - middle) * (value - middle)).sum::<f64>() / (values.len() - 1) as f64
        };
        let v10 = |asked: &Asked<'_>, at: usize| {
            mean(&asked.outsiders.iter().map(|&y| won(asked.deleted[at], y)).collect::<Vec<_>>())
        };
        let v01 = |asked: &Asked<'_>, at: usize| {
            mean(&asked.deleted.iter().map(|&x| won(x, asked.outsiders[at])).collect::<Vec<_>>())
        };
        let inside: Vec<f64> = (0..one.deleted.len()).map(|at| v10(&one, at) - v10(&other, at)).collect();
        let outside: Vec<f64> = (0..one.outsiders.len()).map(|at| v01(&one, at) - v01(&other, at)).collect();
        (variance(&inside) / inside.len() as f64 + variance(&outside) / outside.len() as f64).sqrt()
    }

    #[test]
    fn the_interval_of_a_difference_is_paired_and_as_wide_as_delong_says() {
        for seed in 0..4 {
            let people = people(90, [0.6, 0.4, 0.0], 0.25, seed);
            let (one, other) = (asked(&people[0]), asked(&people[1]));
            let found = auc_difference(one, other, 2000, 0.95, 1).unwrap();
            let (a, b) = [one, other].map(|of| membership(of.deleted, of.outsiders, 2000, 0.95, 1).unwrap().auc).into();
            assert!((found.mean - (a.mean - b.mean)).abs() < 1e-12);
            let width = (found.high - found.low) / (2.0 * 1.96);
            let formula = delong(one, other);
            assert!((width / formula - 1.0).abs() < 0.15, "{seed}: {width} {formula}");
            // Each AUC alone is known far less well.
            assert!(found.high - found.low < 0.6 * (a.high - a.low), "{found:?} {a:?}");
            // Somebody else's numbers in the same groups, unpaired, give another interval.
            let mut shuffled = other.deleted.to_vec();
            shuffled.rotate_left(7);
            let apart = auc_difference(one, Asked { deleted: &shuffled, ..other }, 2000, 0.95, 1).unwrap();
            assert!(apart.high - apart.low > 1.3 * (found.high - found.low), "{apart:?} {found:?}");
        }
    }

    #[test]
    fn the_paired_interval_covers_no_difference_about_as_often_as_it_says() {
        let covers = |seed: u64| {
            let people = people(60, [0.3, 0.3, 0.0], 0.5, seed);
            let found = auc_difference(asked(&people[0]), asked(&people[1]), 300, 0.9, seed).unwrap();
            found.low <= 0.0 && 0.0 <= found.high
        };
        let covered = (0..400).filter(|&seed| covers(seed)).count();
        assert!((340..=380).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn equal_ensembles_differ_by_nothing_at_all() {
        let people = people(30, [0.5, 0.0, 1.0], 0.3, 3);
        let (one, twin) = (asked(&people[0]), asked(&people[0]));
        assert_eq!(auc_difference(one, twin, 100, 0.95, 1), Some(Interval { mean: 0.0, low: 0.0, high: 0.0 }));
        let place = place_between(one, twin, asked(&people[2]), 100, 0.95, 1).unwrap();
        assert_eq!((place.mean, place.low, place.high), (0.0, 0.0, 0.0));
        let place = place_between(one, asked(&people[1]), one, 100, 0.95, 1).unwrap();
        assert_eq!((place.mean, place.low, place.high), (1.0, 1.0, 1.0));
        assert_eq!(place_between(one, twin, twin, 100, 0.95, 1), None);
        let fewer = Asked { deleted: &one.deleted[1..], ..one };
        assert_eq!(auc_difference(one, fewer, 100, 0.95, 1), None);
        assert_eq!(auc_difference(Asked { deleted: &[], ..one }, Asked { deleted: &[], ..one }, 9, 0.95, 1), None);
    }

    #[test]
    fn the_place_is_where_it_was_planted() {
        for planted in [0.0, 0.25, 0.5, 1.0] {
            let people = people(400, [2.0 * planted, 0.0, 2.0], 0.3, 5);
            let found = place_between(asked(&people[0]), asked(&people[1]), asked(&people[2]), 200, 0.95, 1).unwrap();
            assert!((found.mean - planted).abs() < 0.05 && found.low <= planted && planted <= found.high, "{found:?}");
        }
    }
}
