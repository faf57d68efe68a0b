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

use super::entropy::entropy;
use super::pairwise::Pairwise;
use super::report::percentile;
use super::{Interval, Verdicts};
use crate::numerics::random::{Purpose, StreamKey, below};

/// Sub-models up to which all joint verdicts are counted in one table.
const FULL: usize = 12;
/// Pairs that a cell of the full table needs on average before the table is believed.
const FILL: f64 = 5.0;

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
    if fill_a_table(verdicts) {
        let cells = Cells::of(verdicts);
        let terms = |weights: &[f64]| cells.terms(weights, corrected);
        resample(verdicts, Estimate::Full, cells.counts.len(), terms, resamples, confidence, seed)
    } else {
        let pairs = Pairwise::of(verdicts);
        let terms = |weights: &[f64]| pairs.terms(weights, corrected);
        resample(verdicts, Estimate::Pairs, pairs.units(), terms, resamples, confidence, seed)
    }
}

/// Are there enough pairs for a table of all joint verdicts?
fn fill_a_table(verdicts: &Verdicts) -> bool {
    let n_models = verdicts.n_models();
    n_models <= FULL && verdicts.len() as f64 >= FILL * (1u64 << n_models) as f64
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
        tiny_sort::unstable::sort_by(column, f64::total_cmp);
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
        let n_models = verdicts.n_models();
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

#[cfg(test)]
#[path = "decomposition_tests.rs"]
mod tests;
