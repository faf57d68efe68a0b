//! The validation metric, NDCG@20.

use crate::model::SubModel;
use crate::numerics::kernels::{Packed, TopK, top_k};
use crate::numerics::math;
use crate::numerics::sparse::Csr;

/// The list length.
const CUTOFF: usize = 20;

/// NDCG@20 of held-out rows, ideal truncated, training rows masked: mean over the users who have held-out rows.
pub(in crate::model) fn ndcg(model: &dyn SubModel, train: &Csr, held_out: &Csr) -> f64 {
    let users = ndcg_of_users(model, train, held_out);
    users.iter().sum::<f64>() / users.len().max(1) as f64
}

/// The same of one list for everybody: the items by how many training rows they have.
pub(in crate::model) fn ndcg_of_popularity(train: &Csr, held_out: &Csr, n_items: usize) -> Vec<f64> {
    let mut counts = vec![0u32; n_items];
    train.columns.iter().for_each(|&item| counts[item as usize] += 1);
    // Most rows first, ties by number.
    let key = |item: usize| u64::from(u32::MAX - counts[item]) << 32 | item as u64;
    let mut keys: Vec<u64> = (0..n_items).map(key).collect();
    tiny_sort::unstable::sort(&mut keys);
    let items: Vec<u32> = keys.into_iter().map(|key| key as u32).collect();
    let users = (0..held_out.len()).filter(|&user| !held_out.row(user).is_empty());
    let gain = |user: usize| {
        let unseen = |item: &&u32| train.row(user).binary_search(item).is_err();
        let list: Vec<u32> = items.iter().filter(unseen).take(CUTOFF).copied().collect();
        ndcg_of(&list, held_out.row(user))
    };
    users.map(gain).collect()
}

/// Of one list.
fn ndcg_of(list: &[u32], wanted: &[u32]) -> f64 {
    let discount = |rank: usize| 1.0 / math::log2(rank as f64 + 2.0);
    let found = |(_, item): &(usize, &u32)| wanted.binary_search(item).is_ok();
    let gain: f64 = list.iter().enumerate().filter(found).map(|(rank, _)| discount(rank)).sum();
    gain / (0..wanted.len().min(CUTOFF)).map(discount).sum::<f64>()
}

/// The same for each user who has held-out rows.
pub(in crate::model) fn ndcg_of_users(model: &dyn SubModel, train: &Csr, held_out: &Csr) -> Vec<f64> {
    let users: Vec<usize> = (0..held_out.len()).filter(|&user| !held_out.row(user).is_empty()).collect();
    let mut out = Vec::with_capacity(users.len());
    let mut count = |user: usize, list: &[u32]| out.push(ndcg_of(list, held_out.row(user)));
    if let Some(items) = model.item_vectors() {
        let packed = Packed::rows_of(items);
        let vectors: Vec<f32> = users.iter().flat_map(|&user| model.user(user as u32)).collect();
        top_k(&vectors, &packed, CUTOFF, |at| train.row(users[at]), |at, list| count(users[at], list));
    } else {
        let mut best = TopK::new(CUTOFF);
        let mut list = Vec::new();
        let mut scores = vec![0.0; model.n_items()];
        for &user in &users {
            model.score(&model.user(user as u32), &mut scores);
            let mut masked = train.row(user).iter().peekable();
            for (item, &score) in scores.iter().enumerate() {
                if masked.next_if(|&&there| there as usize == item).is_none() {
                    best.offer(score, item as u32);
                }
            }
            best.take(&mut list);
            count(user, &list);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_ranks_by_training_rows_and_leaves_out_what_a_user_has() {
        let csr = |rows: &[&[u32]]| Csr {
            starts: std::iter::once(0)
                .chain(rows.iter().scan(0, |sum, row| {
                    *sum += row.len() as u32;
                    Some(*sum)
                }))
                .collect(),
            columns: rows.concat(),
        };
        // Three have item 0, two item 2, one item 1.
        let train = csr(&[&[0, 2], &[0], &[0, 1], &[2]]);
        let held_out = csr(&[&[1], &[2], &[], &[1]]);
        let found = ndcg_of_popularity(&train, &held_out, 3);
        // The first misses only item 1; the second is shown 2, then 1; the fourth 0, then 1.
        let second = 1.0 / math::log2(3.0);
        assert_eq!(found, [1.0, 1.0, second]);
    }
}
