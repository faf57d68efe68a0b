//! What checkpoints and counts save at a change: foretold in the bill, and measured when it is done.

use serde::{Deserialize, Serialize};

use crate::pipeline::{Divided, Pipeline, Slices, Store, Trained};

use super::Resolved;
use super::cost::Rates;
use super::plan::{Plan, Warning};

/// What checkpoints or counts save at a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SavingView {
    /// Share of the touched shards' training (or counting) that was done again, 0 to 1.
    pub share: f64,
    /// The same on average over single users drawn evenly; none for counts.
    pub expected: Option<f64>,
}

/// Work of each slice, in rows times passes: early slices take the same number of epochs each, the last takes the rest.
fn work_of_slices(trained: &Trained, rows: &[u64]) -> Vec<u64> {
    let epochs = u64::from(trained.epochs);
    // Slices before the first row are passed over.
    let empty = rows.iter().take_while(|&&rows| rows == 0).count();
    let run = (rows.len() - empty).max(1) as u64;
    let each = (epochs / run).max(1);
    let last = epochs.saturating_sub(each * (run - 1)).max(1);
    let (mut seen, end) = (0, rows.len() - 1);
    let work = |(at, rows): (usize, &u64)| {
        seen += rows;
        seen * if at == end { last } else { each }
    };
    rows.iter().enumerate().map(work).collect()
}

/// Shares of a training that are done again.
#[derive(Default)]
struct Shares {
    /// For the users hit.
    hit: f64,
    /// For one user, on average over all.
    expected: f64,
}

/// `hit`: the first slice that is hit in each shard, where one is.
fn shares(pipeline: &Pipeline, store: &Store, divided: &Divided, slices: &Slices, hit: &[Option<usize>]) -> Shares {
    let (mut again, mut whole, mut expected, mut users) = (0, 0, 0.0, 0u32);
    for (shard, trained) in pipeline.sub_models(store).into_iter().enumerate() {
        let Some(trained) = trained else { continue };
        let work = work_of_slices(trained, &pipeline.slice_rows(shard as u32, divided, slices));
        let all: u64 = work.iter().sum();
        if let Some(from) = hit[shard] {
            again += work[from..].iter().sum::<u64>();
            whole += all;
        }
        for &user in &divided.shards[shard].users {
            let slice = slices.slice(pipeline.rows().users().get(user)) as usize;
            expected += work[slice..].iter().sum::<u64>() as f64 / all.max(1) as f64;
            users += 1;
        }
    }
    Shares { hit: again as f64 / (whole as f64).max(1.0), expected: expected / f64::from(users.max(1)) }
}

/// Writes into the bill what checkpoints or counts will save; `found` goes, and of the users `added` rows come.
pub(super) fn foresee<'a>(
    plan: &mut Plan,
    before: &Pipeline,
    store: &Store,
    found: &Resolved,
    added: impl Iterator<Item = &'a str>,
    rates: &Rates,
) {
    if plan.touched.is_empty() {
        return;
    }
    let mut warn = |code: &str, message: String| {
        plan.warnings.push(Warning { code: code.to_owned(), message, confirm: false });
    };
    if before.settings().model.name.is_additive() {
        let message = format!(
            "This model is made of counts: {} rows are subtracted, {} added, and the matrix is solved again. That is exact with \
             one shard as well, so here shards only cost accuracy.",
            plan.shard_rows,
            plan.touched.iter().map(|touched| touched.added).sum::<u32>()
        );
        return warn("counts", message);
    }
    let (Some(slices), Some(divided)) = (before.slices(), before.divided(store)) else { return };
    let mut hit: Vec<Option<usize>> = vec![None; divided.shards.len()];
    let read = before.dataset().read();
    for &row in &found.rows {
        let id = read.users().get(read.rows()[row as usize].user);
        let Some(user) = before.rows().users().find(id) else { continue };
        for shard in divided.assignment.shards_of_user(before.rows(), user) {
            let (slice, hit) = (slices.slice(id) as usize, &mut hit[shard as usize]);
            *hit = Some(hit.map_or(slice, |first| first.min(slice)));
        }
    }
    for user in added {
        let slice = slices.slice(user) as usize;
        for touched in plan.touched.iter().filter(|touched| touched.added > 0) {
            let hit = &mut hit[touched.shard as usize];
            *hit = Some(hit.map_or(slice, |first| first.min(slice)));
        }
    }
    let Shares { hit, expected } = shares(before, store, &divided, &slices, &hit);
    let (now, mean) = (hit * 100.0, expected * 100.0);
    let message = format!(
        "Checkpoints save work: {now:.0}% of the touched shards' training is done again; for one user it is {mean:.0}% on average."
    );
    warn("slices", message);
    (plan.share, plan.expected_share) = (Some(hit), Some(expected));
    for seconds in [&mut plan.seconds, &mut plan.work].into_iter().flatten() {
        let combine = rates.combine_seconds;
        *seconds = (*seconds - combine).max(0.0) * hit + combine;
    }
    plan.examples = plan.examples.map(|examples| (examples as f64 * hit).round() as u64);
}

/// What checkpoints or counts saved in the shards that were trained.
pub fn saving(pipeline: &Pipeline, trained: &[u32], store: &Store) -> Option<SavingView> {
    let work = trained.iter().filter_map(|&shard| pipeline.sub_model(shard, store)?.work);
    let (done, whole) = work.fold((0, 0), |(done, whole), work| (done + work.done, whole + work.whole));
    let divided = pipeline.divided(store)?;
    let nobody = vec![None; divided.shards.len()];
    let expected = pipeline.slices().map(|slices| shares(pipeline, store, &divided, &slices, &nobody).expected);
    (whole > 0).then(|| SavingView { share: done as f64 / whole as f64, expected })
}
