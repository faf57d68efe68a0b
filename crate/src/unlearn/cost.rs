//! What a change will cost, from what training has cost so far.
//!
//! A shard's training costs its rows times its epochs times a rate. The rate is the middle one of all shards: whoever trains first
//! pays for a cold machine, which says nothing of the next time. How many epochs a shard needs varies from one training to the
//! next, so its own last number counts half and the mean of all shards half.

use serde::{Deserialize, Serialize};

use super::difference::Difference;
use super::taint::{Moves, Procedure};

/// What work has cost so far, for the estimate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Seconds that training each shard took; empty before anything was trained.
    pub seconds_per_shard: Vec<f64>,
    /// Epochs for which each shard was trained; without them one is as long as another.
    pub epochs_per_shard: Vec<u32>,
    /// Seconds of one full retrain without shards, if it was ever run.
    pub full_seconds: Option<f64>,
    /// Computing seconds of making this ensemble from the rows, if it was ever made in one go.
    pub full_work: Option<f64>,
    /// Seconds of the combiner, which is made again at every request that touches a shard.
    pub combine_seconds: f64,
    /// Shards trained at a time; 0 counts as 1.
    pub workers: u32,
}

/// What a change will cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Rows to train on, at the most.
    pub rows_most: u32,
    /// Rows times epochs.
    pub examples: Option<u64>,
    /// Computing seconds, on however many cores.
    pub work: Option<f64>,
    /// Seconds.
    pub seconds: Option<f64>,
}

/// One training to come.
#[derive(Clone, Copy)]
struct Training {
    examples: f64,
    seconds: f64,
}

/// Where anybody may move because the partition is made again, all of it is at the most.
pub(super) fn cost(difference: &Difference, rates: &Rates, procedure: &Procedure, moves: Moves) -> Cost {
    let shards = &difference.shards;
    let is_hit = |shard: &usize| shards[*shard].gone + shards[*shard].new > 0;
    let (hit, mut rest): (Vec<usize>, Vec<usize>) = (0..shards.len()).partition(is_hit);
    if hit.is_empty() {
        return Cost { rows_most: 0, examples: Some(0), work: Some(0.0), seconds: Some(0.0) };
    }
    tiny_sort::stable::sort_by_key(&mut rest, |&shard| std::cmp::Reverse(shards[shard].after));
    rest.truncate(match moves {
        Moves::Nobody => 0,
        Moves::People(people) => people as usize,
        Moves::Anybody => shards.len(),
    });
    let rows_most = hit.iter().chain(&rest).map(|&shard| shards[shard].after).sum();
    if rates.seconds_per_shard.len() != shards.len() {
        return Cost { rows_most, examples: None, work: None, seconds: None };
    }
    let mut trainings = trainings(difference, rates, &hit);
    if moves == Moves::Anybody {
        trainings.extend(self::trainings(difference, rates, &rest));
    }
    let trained: f64 = trainings.iter().map(|one| one.seconds).sum();
    // What was computed beside training and combining: rows to vectors, and vectors to shards.
    let known = rates.seconds_per_shard.iter().sum::<f64>() + rates.combine_seconds;
    let division = rates.full_work.map_or(0.0, |all| (all - known).max(0.0));
    let beside = rates.combine_seconds + if procedure.divides_again() { division } else { 0.0 };
    let examples = trainings.iter().map(|one| one.examples).sum::<f64>().round() as u64;
    let seconds = busiest(trainings.iter().map(|one| one.seconds).collect(), rates.workers) + beside;
    Cost { rows_most, examples: Some(examples), work: Some(trained + beside), seconds: Some(seconds) }
}

/// What training these shards will take.
fn trainings(difference: &Difference, rates: &Rates, which: &[usize]) -> Vec<Training> {
    let shards = &difference.shards;
    let rows = |shard: usize| f64::from(shards[shard].before.max(1));
    let known = rates.epochs_per_shard.len() == shards.len();
    let epochs = |shard: usize| if known { f64::from(rates.epochs_per_shard[shard].max(1)) } else { 1.0 };
    let usual = (0..shards.len()).map(epochs).sum::<f64>() / shards.len() as f64;
    let per_row = |shard: usize| rates.seconds_per_shard[shard] / (rows(shard) * epochs(shard));
    let rate = middle((0..shards.len()).filter(|&shard| shards[shard].before > 0).map(per_row).collect());
    let training = |&shard: &usize| {
        let examples = f64::from(shards[shard].after) * f64::midpoint(epochs(shard), usual);
        Training { examples, seconds: rate * examples }
    };
    which.iter().map(training).collect()
}

/// The middle value; 0 of none.
fn middle(mut values: Vec<f64>) -> f64 {
    tiny_sort::unstable::sort_by(&mut values, f64::total_cmp);
    let at = values.len() / 2;
    match values.len() % 2 {
        0 if values.is_empty() => 0.0,
        0 => f64::midpoint(values[at - 1], values[at]),
        _ => values[at],
    }
}

/// How long the busiest of so many workers is, where the longest job is handed out first (Graham 1969).
fn busiest(mut jobs: Vec<f64>, workers: u32) -> f64 {
    tiny_sort::stable::sort_by(&mut jobs, |a, b| b.total_cmp(a));
    let mut busy = vec![0.0f64; workers.clamp(1, 1024) as usize];
    for job in jobs {
        if let Some(least) = busy.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *least += job;
        }
    }
    busy.into_iter().fold(0.0, f64::max)
}
