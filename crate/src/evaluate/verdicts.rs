//! What every sub-model and the ensemble say about held-out pairs: what an ensemble's errors are taken apart from.

use serde::{Deserialize, Serialize};

use super::EvaluateError;

/// Sub-models at most: as many as a partition has shards.
const MOST: u32 = 1024;

/// Verdicts on held-out pairs: one row per pair, a bit per sub-model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    n_models: u32,
    words: u32,
    bits: Vec<u64>,
    /// 1: relevant, 2: inside the ensemble's list.
    pub(super) outcome: Vec<u8>,
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

    /// The verdicts on a pair, a bit for each sub-model.
    pub(super) fn row(&self, pair: usize) -> &[u64] {
        &self.bits[pair * self.words as usize..(pair + 1) * self.words as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_whose_parts_do_not_hold_together_are_refused() {
        let mut good = Verdicts::new(3);
        for pair in 0..30 {
            if pair % 10 == 0 {
                good.user();
            }
            good.push(pair % 3 == 0, pair % 2 == 0, [pair % 4 == 0, true, false].into_iter());
        }
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
}
