//! Why an ensemble errs: relevance, redundancy and combination loss, in bits.
//!
//! For a held-out (user, item) pair let Y say whether the item is relevant, O_k whether sub-model k puts it inside its top
//! list, and Yhat whether the ensemble does. Then, with multi-information I_m(O) = sum_k H(O_k) - H(O),
//!
//! I(Yhat; Y) = sum_k I(O_k; Y) - (I_m(O) - I_m(O | Y)) - (I(O; Y) - I(Yhat; Y))
//!            = relevance - redundancy - combination:
//!
//! good sub-models, that do not repeat each other, and a combiner that loses nothing of what they know together.
//! Sources: Brown 2009; Zhou and Li 2010; Li et al. (UltraRE) 2023, section 3; Morishita et al. 2022 for the low-order form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pairwise::Pairwise;
use super::report::percentile;
use super::{EvaluateError, Interval};
use crate::math;
use crate::random::{Purpose, StreamKey, below};

/// Sub-models up to which all joint verdicts are counted in one table.
const FULL: usize = 12;
/// Pairs that a cell of the full table needs on average before the table is believed.
const FILL: f64 = 5.0;

/// Sub-models at most: as many as a partition has shards.
const MOST: u32 = 1024;

/// Verdicts on held-out pairs: one row per pair, a bit per sub-model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    n_models: u32,
    words: u32,
    bits: Vec<u64>,
    /// 1: relevant, 2: inside the ensemble's list.
    outcome: Vec<u8>,
    /// Where each user's pairs begin: the bootstrap draws users, since one user's pairs are not independent.
    starts: Vec<u32>,
}

impl Verdicts {
    /// For so many sub-models.
    pub fn new(n_models: u32) -> Self {
        Verdicts { n_models, words: n_models.div_ceil(64).max(1), ..Verdicts::default() }
    }

    /// Begins a user's pairs.
    pub fn user(&mut self) {
        self.starts.push(self.outcome.len() as u32);
    }

    /// Adds a pair: is the item relevant, does the ensemble list it, and does sub-model k?
    pub fn push(&mut self, relevant: bool, ensemble: bool, models: impl Iterator<Item = bool>) {
        let first = self.bits.len();
        self.bits.resize(first + self.words as usize, 0);
        for (model, listed) in models.take(self.n_models as usize).enumerate() {
            self.bits[first + model / 64] |= u64::from(listed) << (model % 64);
        }
        self.outcome.push(u8::from(relevant) | u8::from(ensemble) << 1);
    }

    /// Appends another worker's users.
    ///
    /// Errors: another number of sub-models.
    pub fn append(&mut self, other: &Verdicts) -> Result<(), EvaluateError> {
        if other.n_models != self.n_models {
            let reason = format!("verdicts of {} and of {} sub-models", self.n_models, other.n_models);
            return Err(EvaluateError::Mixed { reason });
        }
        let shift = self.outcome.len() as u32;
        self.starts.extend(other.starts.iter().map(|start| start + shift));
        self.bits.extend_from_slice(&other.bits);
        self.outcome.extend_from_slice(&other.outcome);
        Ok(())
    }

    /// Refuses parts that do not hold together: what a worker sent, or somebody wrote.
    pub fn check(&self) -> Result<(), EvaluateError> {
        let words = self.words as usize;
        let whole = self.n_models <= MOST
            && self.words == self.n_models.div_ceil(64).max(1)
            && words.checked_mul(self.outcome.len()) == Some(self.bits.len())
            && self.outcome.iter().all(|&outcome| outcome < 4)
            && self.starts.is_sorted()
            && self.starts.last().is_none_or(|&start| start as usize <= self.outcome.len());
        if whole {
            return Ok(());
        }
        Err(EvaluateError::Mixed { reason: "verdicts whose lists differ in length or order".to_owned() })
    }

    /// Pairs held.
    pub fn len(&self) -> usize {
        self.outcome.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.outcome.is_empty()
    }

    pub(super) fn n_models(&self) -> usize {
        self.n_models as usize
    }

    /// Where each user's pairs stand.
    pub(super) fn users(&self) -> Vec<std::ops::Range<usize>> {
        let ends = self.starts.iter().skip(1).copied().chain([self.len() as u32]);
        self.starts.iter().zip(ends).map(|(&start, end)| start as usize..end as usize).collect()
    }

    /// Is the pair's item relevant, and does the ensemble list it?
    pub(super) fn outcome(&self, pair: usize) -> (bool, bool) {
        (self.outcome[pair] & 1 == 1, self.outcome[pair] >> 1 == 1)
    }

    /// Does a sub-model list it?
    pub(super) fn listed(&self, pair: usize, model: usize) -> bool {
        self.row(pair)[model / 64] >> (model % 64) & 1 == 1
    }

    /// Are there enough pairs for a table of all joint verdicts?
    fn fill_a_table(&self) -> bool {
        let n_models = self.n_models as usize;
        n_models <= FULL && self.len() as f64 >= FILL * (1u64 << n_models) as f64
    }

    fn row(&self, pair: usize) -> &[u64] {
        &self.bits[pair * self.words as usize..(pair + 1) * self.words as usize]
    }
}

/// How the table of joint verdicts was estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// All joint verdicts counted; the identity holds to rounding.
    #[default]
    Full,
    /// Only pairs of sub-models counted: an approximation, for many sub-models or few held-out pairs. The combination loss is
    /// then what the identity leaves, and may come out negative.
    Pairs,
}

/// The three terms, in bits per pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Decomposition {
    /// sum_k I(O_k; Y). Higher is better.
    pub relevance: Interval,
    /// I_m(O) - I_m(O | Y). Lower is better.
    pub redundancy: Interval,
    /// I(O; Y) - I(Yhat; Y). Lower is better.
    pub combination: Interval,
    /// I(Yhat; Y) = relevance - redundancy - combination.
    pub information: Interval,
    /// H(Y): what there is to know.
    pub entropy: f64,
    /// I(O_k; Y) of each sub-model.
    pub per_model: Vec<f64>,
    /// How it was estimated.
    pub estimate: Estimate,
    /// Pairs counted.
    pub pairs: u64,
}

/// The decomposition with bootstrap intervals over users. `corrected`: Miller-Madow, entropies raised by
/// (filled cells - 1) / 2n, which takes off the larger part of the plug-in bias (and keeps the identity).
///
/// O(pairs * K) once and again per resample; with [`Estimate::Pairs`] O(K^2) per resample, which draws up to 32 groups of
/// users instead of users.
pub fn decompose(verdicts: &Verdicts, corrected: bool, resamples: u32, confidence: f32, seed: u64) -> Decomposition {
    if verdicts.fill_a_table() {
        let cells = Cells::of(verdicts);
        let terms = |weights: &[f64]| cells.terms(weights, corrected);
        resample(verdicts, Estimate::Full, cells.counts.len(), terms, resamples, confidence, seed)
    } else {
        let pairs = Pairwise::of(verdicts);
        let terms = |weights: &[f64]| pairs.terms(weights, corrected);
        resample(verdicts, Estimate::Pairs, pairs.units(), terms, resamples, confidence, seed)
    }
}

/// (relevance, redundancy, combination, information), I(O_k; Y) per model, H(Y).
type Terms = ([f64; 4], Vec<f64>, f64);

/// The terms with all `units` once, and their spread around that when as many are drawn with replacement.
fn resample(
    verdicts: &Verdicts,
    estimate: Estimate,
    units: usize,
    terms: impl Fn(&[f64]) -> Terms,
    resamples: u32,
    confidence: f32,
    seed: u64,
) -> Decomposition {
    let (found, per_model, entropy) = terms(&vec![1.0; units]);
    let mut rng = StreamKey::new(seed, Purpose::Bootstrap, 3, 0).fast();
    let mut columns: [Vec<f64>; 4] = Default::default();
    for _ in 0..if units > 0 { resamples } else { 0 } {
        let mut weights = vec![0.0; units];
        (0..units).for_each(|_| weights[below(&mut rng, units as u32) as usize] += 1.0);
        columns.iter_mut().zip(terms(&weights).0).for_each(|(column, term)| column.push(term));
    }
    let mut interval = |index: usize| {
        // A resample fills fewer cells than the data does and is biased once more by it: that shift is taken off.
        let column = &mut columns[index];
        let shift = column.iter().sum::<f64>() / column.len().max(1) as f64 - found[index];
        column.iter_mut().for_each(|term| *term -= shift);
        column.sort_unstable_by(f64::total_cmp);
        percentile(found[index], column, confidence)
    };
    Decomposition {
        relevance: interval(0),
        redundancy: interval(1),
        combination: interval(2),
        information: interval(3),
        entropy,
        per_model,
        estimate,
        pairs: verdicts.len() as u64,
    }
}

/// Pairs with equal verdicts and outcome, per user: what the bootstrap reweights.
struct Cells {
    n_models: usize,
    /// Distinct (verdict, relevant, ensemble).
    keys: Vec<(Vec<u64>, u8)>,
    /// For every user (cell, count).
    counts: Vec<Vec<(u32, f64)>>,
}

impl Cells {
    fn of(verdicts: &Verdicts) -> Self {
        let n_models = verdicts.n_models as usize;
        let mut numbers: BTreeMap<(&[u64], u8), u32> = BTreeMap::new();
        for pair in 0..verdicts.len() {
            numbers.entry((verdicts.row(pair), verdicts.outcome[pair])).or_insert(0);
        }
        numbers.values_mut().enumerate().for_each(|(number, place)| *place = number as u32);
        let counts = verdicts
            .users()
            .into_iter()
            .map(|pairs| {
                let mut user: BTreeMap<u32, f64> = BTreeMap::new();
                for pair in pairs {
                    let cell = numbers[&(verdicts.row(pair), verdicts.outcome[pair])];
                    *user.entry(cell).or_insert(0.0) += 1.0;
                }
                user.into_iter().collect()
            })
            .collect();
        let keys = numbers.keys().map(|(row, outcome)| (row.to_vec(), *outcome)).collect();
        Cells { n_models, keys, counts }
    }

    fn terms(&self, weights: &[f64], corrected: bool) -> Terms {
        let mut mass = vec![0.0; self.keys.len()];
        for (user, &weight) in self.counts.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            user.iter().for_each(|&(cell, count)| mass[cell as usize] += weight * count);
        }
        let mut table = [0.0; 2];
        let mut answer = [0.0; 4];
        // Per model: counts by (listed, relevant).
        let mut single = vec![[0.0; 4]; self.n_models];
        for ((row, outcome), &mass) in self.keys.iter().zip(&mass).filter(|(_, mass)| **mass > 0.0) {
            let y = usize::from(outcome & 1);
            table[y] += mass;
            answer[usize::from(*outcome >> 1) * 2 + y] += mass;
            for (model, place) in single.iter_mut().enumerate() {
                place[(row[model / 64] >> (model % 64) & 1) as usize * 2 + y] += mass;
            }
        }
        let entropy_y = entropy(&table, corrected);
        let between = |joint: &[f64; 4]| {
            let marginal = [joint[0] + joint[1], joint[2] + joint[3]];
            entropy(&marginal, corrected) + entropy_y - entropy(joint, corrected)
        };
        let per_model: Vec<f64> = single.iter().map(between).collect();
        let information = between(&answer);
        let (plain, given) = self.multi_information(&mass, &single, corrected);
        let combination = self.joint_information(&mass, entropy_y, corrected) - information;
        ([per_model.iter().sum(), plain - given, combination, information], per_model, entropy_y)
    }

    /// Counts of the joint verdicts, without Y and with it.
    fn joint(&self, mass: &[f64]) -> (Vec<f64>, [Vec<f64>; 2]) {
        let (mut without, mut with) = (Vec::new(), [Vec::new(), Vec::new()]);
        // Keys are sorted, so equal verdicts stand together.
        let mut at = 0;
        while at < self.keys.len() {
            let row = &self.keys[at].0;
            let mut split = [0.0; 2];
            while at < self.keys.len() && self.keys[at].0 == *row {
                split[usize::from(self.keys[at].1 & 1)] += mass[at];
                at += 1;
            }
            without.push(split[0] + split[1]);
            with.iter_mut().zip(split).for_each(|(list, mass)| list.push(mass));
        }
        (without, with)
    }

    /// I(O; Y) = H(O) + H(Y) - H(O, Y).
    fn joint_information(&self, mass: &[f64], entropy_y: f64, corrected: bool) -> f64 {
        let (without, with) = self.joint(mass);
        let both: Vec<f64> = with.iter().flatten().copied().collect();
        entropy(&without, corrected) + entropy_y - entropy(&both, corrected)
    }

    /// I_m(O) and I_m(O | Y); conditional entropies as H(., Y) - H(Y), so that corrections cancel as the identity needs.
    fn multi_information(&self, mass: &[f64], single: &[[f64; 4]], corrected: bool) -> (f64, f64) {
        let (without, with) = self.joint(mass);
        let both: Vec<f64> = with.iter().flatten().copied().collect();
        let table: [f64; 2] = std::array::from_fn(|y| with[y].iter().sum());
        let entropy_y = entropy(&table, corrected);
        let (mut plain, mut given) = (-entropy(&without, corrected), -(entropy(&both, corrected) - entropy_y));
        for counts in single {
            plain += entropy(&[counts[0] + counts[1], counts[2] + counts[3]], corrected);
            given += entropy(counts, corrected) - entropy_y;
        }
        (plain, given)
    }
}

/// Plug-in entropy of counts in bits, with the Miller-Madow term if asked.
pub(super) fn entropy(counts: &[f64], corrected: bool) -> f64 {
    let n: f64 = counts.iter().sum();
    if n <= 0.0 {
        return 0.0;
    }
    let mut sum = 0.0;
    let mut filled = 0u32;
    for &count in counts.iter().filter(|&&count| count > 0.0) {
        let share = count / n;
        sum -= share * math::log2(share);
        filled += 1;
    }
    let term = f64::from(filled - 1) / (2.0 * n) * std::f64::consts::LOG2_E;
    sum + if corrected { term } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::unit;

    /// Noisy copies of Y; the first two sub-models make the same mistakes if `copied`.
    fn planted(n: usize, models: usize, copied: bool, seed: u64) -> Verdicts {
        let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
        let mut verdicts = Verdicts::new(models as u32);
        for pair in 0..n {
            if pair % 10 == 0 {
                verdicts.user();
            }
            let y = unit(&mut rng) < 0.4;
            let mut listed: Vec<bool> = (0..models).map(|_| y ^ (unit(&mut rng) < 0.25)).collect();
            if copied {
                listed[1] = listed[0];
            }
            let majority = 2 * listed.iter().filter(|&&bit| bit).count() > models;
            verdicts.push(y, majority, listed.into_iter());
        }
        verdicts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn the_three_terms_add_up(
            models in 1usize..7, n in 1usize..800, seed in 0u64..1000, corrected in any::<bool>(), copied in any::<bool>()
        ) {
            let verdicts = planted(n, models, copied && models > 1, seed);
            let d = decompose(&verdicts, corrected, 3, 0.9, 1);
            let sum = d.relevance.mean - d.redundancy.mean - d.combination.mean;
            prop_assert!((sum - d.information.mean).abs() < 1e-9, "{d:?}");
            if d.estimate == Estimate::Full && !corrected {
                // Data processing: a function of the verdicts knows no more than the verdicts.
                prop_assert!(d.combination.mean > -1e-9, "{d:?}");
            }
        }

        #[test]
        fn with_two_sub_models_pairs_are_exact(n in 40usize..500, seed in 0u64..1000, corrected in any::<bool>()) {
            let verdicts = planted(n, 2, false, seed);
            let cells = Cells::of(&verdicts);
            let pairwise = Pairwise::of(&verdicts);
            let full = cells.terms(&vec![1.0; cells.counts.len()], corrected).0;
            let pairs = pairwise.terms(&vec![1.0; pairwise.units()], corrected).0;
            for (full, pairs) in full.iter().zip(pairs) {
                prop_assert!((full - pairs).abs() < 1e-9, "{full} {pairs}");
            }
        }
    }

    #[test]
    fn verdicts_whose_parts_do_not_hold_together_are_refused() {
        let good = planted(30, 3, false, 1);
        assert_eq!(good.check(), Ok(()));
        let faults: [fn(&mut Verdicts); 6] = [
            |verdicts| verdicts.n_models = 65,
            |verdicts| (verdicts.n_models, verdicts.words) = (64_000, 1000),
            |verdicts| verdicts.bits.truncate(5),
            |verdicts| verdicts.outcome[3] = 4,
            |verdicts| verdicts.starts[1] = 31,
            |verdicts| verdicts.starts.push(0),
        ];
        for (number, fault) in faults.into_iter().enumerate() {
            let mut bad = good.clone();
            fault(&mut bad);
            assert_eq!(bad.check().unwrap_err().code(), "evaluate.mixed", "fault {number}");
        }
    }

    #[test]
    fn one_perfect_sub_model_has_all_relevance_and_loses_nothing() {
        let mut verdicts = Verdicts::new(1);
        verdicts.user();
        for pair in 0..100 {
            verdicts.push(pair < 50, pair < 50, [pair < 50].into_iter());
        }
        let d = decompose(&verdicts, false, 0, 0.9, 1);
        assert!((d.relevance.mean - 1.0).abs() < 1e-12 && (d.entropy - 1.0).abs() < 1e-12, "{d:?}");
        assert!(d.redundancy.mean.abs() < 1e-12 && d.combination.mean.abs() < 1e-12, "{d:?}");
    }

    #[test]
    fn a_copied_sub_model_is_redundant() {
        let (apart, copied) = (planted(20_000, 3, false, 5), planted(20_000, 3, true, 5));
        let (apart, copied) = (decompose(&apart, true, 20, 0.9, 1), decompose(&copied, true, 20, 0.9, 1));
        assert!(copied.redundancy.mean > apart.redundancy.mean + 0.1, "{copied:?} {apart:?}");
        assert!((copied.relevance.mean - apart.relevance.mean).abs() < 0.02);
        assert!(apart.relevance.low < apart.relevance.mean && apart.relevance.mean < apart.relevance.high);
    }

    #[test]
    fn miller_madow_takes_off_most_of_the_bias() {
        // Verdicts that know nothing: every term is 0 in truth, and the plug-in estimate of relevance is above it.
        let mut rng = StreamKey::new(9, Purpose::Synthetic, 0, 0).stream();
        let (mut plain, mut corrected) = (0.0, 0.0);
        for _ in 0..100 {
            let mut verdicts = Verdicts::new(3);
            verdicts.user();
            for _ in 0..100 {
                let mut coin = || unit(&mut rng) < 0.5;
                let bits = [coin(), coin(), coin()];
                verdicts.push(coin(), coin(), bits.into_iter());
            }
            plain += decompose(&verdicts, false, 0, 0.9, 1).relevance.mean / 100.0;
            corrected += decompose(&verdicts, true, 0, 0.9, 1).relevance.mean / 100.0;
        }
        assert!(plain > 0.015 && corrected.abs() < 0.005, "{plain} {corrected}");
    }

    #[test]
    fn many_sub_models_are_estimated_from_pairs_and_ranges_of_users_add_up() {
        let (whole, mut first, second) =
            (planted(400, 70, false, 3), planted(200, 70, false, 3), planted(200, 70, false, 4));
        assert_eq!(decompose(&whole, true, 2, 0.9, 1).estimate, Estimate::Pairs);
        first.append(&second).unwrap();
        assert_eq!((first.len(), first.starts.len()), (400, 40));
        assert_eq!(first.append(&Verdicts::new(3)).unwrap_err().code(), "evaluate.mixed");
        let empty = decompose(&Verdicts::new(2), true, 5, 0.9, 1);
        assert_eq!((empty.pairs, empty.relevance.mean), (0, 0.0));
    }
}
