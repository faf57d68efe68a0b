//! The decomposition's low-order form, for ensembles too large for a table of all joint verdicts: multi-information is
//! taken as the sum over pairs of sub-models, sum I(O_i; O_j) - I(O_i; O_j | Y) (Morishita et al., ICML 2022).

use super::Verdicts;
use super::entropy::entropy;

/// Groups of users that a bootstrap draws as one: counts are kept per group, so a resample costs by the pair of
/// sub-models and not by the verdict.
const BLOCKS: usize = 32;

/// Counts by group of users.
pub(super) struct Pairwise {
    n_models: usize,
    blocks: Vec<Block>,
}

/// Counts of one group. `y` is 0 or 1; a pair (i, j) with j < i stands at i (i - 1) / 2 + j.
#[derive(Clone)]
struct Block {
    pairs: [f64; 2],
    /// By (listed by the ensemble) * 2 + y.
    answer: [f64; 4],
    /// Per sub-model: listed, by y.
    single: Vec<[f64; 2]>,
    /// Per pair of sub-models: listed by both, by y.
    both: Vec<[f64; 2]>,
}

impl Block {
    fn empty(n_models: usize) -> Self {
        let both = n_models * n_models.saturating_sub(1) / 2;
        Block { pairs: [0.0; 2], answer: [0.0; 4], single: vec![[0.0; 2]; n_models], both: vec![[0.0; 2]; both] }
    }
}

impl Pairwise {
    /// Counts everything once: O(pairs * K + K^2 * pairs / 64).
    pub fn of(verdicts: &Verdicts) -> Self {
        let n_models = verdicts.n_models();
        let users = verdicts.users();
        let n_blocks = users.len().min(BLOCKS);
        let blocks = (0..n_blocks)
            .map(|block| {
                let members = users.iter().skip(block).step_by(n_blocks.max(1)).cloned();
                count(verdicts, n_models, &members.flatten().collect::<Vec<usize>>())
            })
            .collect();
        Pairwise { n_models, blocks }
    }

    /// What a bootstrap draws.
    pub fn units(&self) -> usize {
        self.blocks.len()
    }

    /// (relevance, redundancy, combination, information), I(O_k; Y) per model, H(Y); each group counted `weights` times.
    pub fn terms(&self, weights: &[f64], corrected: bool) -> ([f64; 4], Vec<f64>, f64) {
        let mut sum = Block::empty(self.n_models);
        for (block, &weight) in self.blocks.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            add(&mut sum.pairs, &block.pairs, weight);
            add(&mut sum.answer, &block.answer, weight);
            sum.single.iter_mut().zip(&block.single).for_each(|(sum, one)| add(sum, one, weight));
            sum.both.iter_mut().zip(&block.both).for_each(|(sum, one)| add(sum, one, weight));
        }
        let h = |counts: &[f64]| entropy(counts, corrected);
        let n = sum.pairs;
        let h_y = h(&n);
        let [miss0, miss1, hit0, hit1] = sum.answer;
        let information = h(&[miss0 + miss1, hit0 + hit1]) + h_y - h(&sum.answer);
        // H(O_i) and H(O_i, Y).
        let alone: Vec<(f64, f64)> = sum
            .single
            .iter()
            .map(|&[a, b]| (h(&[n[0] + n[1] - a - b, a + b]), h(&[n[0] - a, n[1] - b, a, b])))
            .collect();
        let per_model: Vec<f64> = alone.iter().map(|(plain, with)| plain + h_y - with).collect();
        let relevance: f64 = per_model.iter().sum();
        let (mut redundancy, mut at) = (0.0, 0);
        for i in 0..self.n_models {
            for j in 0..i {
                // Counts by verdict of i, verdict of j, y.
                let cell = |y: usize| {
                    let (i, j, both) = (sum.single[i][y], sum.single[j][y], sum.both[at][y]);
                    [n[y] - i - j + both, j - both, i - both, both]
                };
                let (zero, one) = (cell(0), cell(1));
                let without: [f64; 4] = std::array::from_fn(|index| zero[index] + one[index]);
                let with: [f64; 8] = std::array::from_fn(|index| if index < 4 { zero[index] } else { one[index - 4] });
                let plain = alone[i].0 + alone[j].0 - h(&without);
                let given = alone[i].1 + alone[j].1 - h(&with) - h_y;
                redundancy += plain - given;
                at += 1;
            }
        }
        ([relevance, redundancy, relevance - redundancy - information, information], per_model, h_y)
    }
}

fn add<const N: usize>(sum: &mut [f64; N], one: &[f64; N], weight: f64) {
    sum.iter_mut().zip(one).for_each(|(sum, value)| *sum += weight * value);
}

/// The counts of some pairs, by bit sets: one set per sub-model, a bit per pair.
fn count(verdicts: &Verdicts, n_models: usize, pairs: &[usize]) -> Block {
    let words = pairs.len().div_ceil(64);
    let mut relevant = vec![0u64; words];
    let mut listed = vec![0u64; words * n_models];
    let mut block = Block::empty(n_models);
    for (place, &pair) in pairs.iter().enumerate() {
        let (y, answer) = verdicts.outcome(pair);
        block.pairs[usize::from(y)] += 1.0;
        block.answer[usize::from(answer) * 2 + usize::from(y)] += 1.0;
        relevant[place / 64] |= u64::from(y) << (place % 64);
        for model in 0..n_models {
            listed[model * words + place / 64] |= u64::from(verdicts.listed(pair, model)) << (place % 64);
        }
    }
    let set = |model: usize| &listed[model * words..(model + 1) * words];
    // Of the pairs in both sets: how many are irrelevant, how many relevant.
    let split = |a: &[u64], b: &[u64]| {
        let (mut all, mut ones) = (0u32, 0u32);
        for ((a, b), y) in a.iter().zip(b).zip(&relevant) {
            all += (a & b).count_ones();
            ones += (a & b & y).count_ones();
        }
        [f64::from(all - ones), f64::from(ones)]
    };
    let mut at = 0;
    for i in 0..n_models {
        block.single[i] = split(set(i), set(i));
        for j in 0..i {
            block.both[at] = split(set(i), set(j));
            at += 1;
        }
    }
    block
}
