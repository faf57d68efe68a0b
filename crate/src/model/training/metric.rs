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

/// The same for each user who has held-out rows.
pub(in crate::model) fn ndcg_of_users(model: &dyn SubModel, train: &Csr, held_out: &Csr) -> Vec<f64> {
    let discounts: Vec<f64> = (0..CUTOFF).map(|rank| 1.0 / math::log2(rank as f64 + 2.0)).collect();
    let users: Vec<usize> = (0..held_out.len()).filter(|&user| !held_out.row(user).is_empty()).collect();
    let mut out = Vec::with_capacity(users.len());
    let mut count = |user: usize, list: &[u32]| {
        let wanted = held_out.row(user);
        let gain: f64 = list
            .iter()
            .zip(&discounts)
            .filter(|(item, _)| wanted.binary_search(item).is_ok())
            .map(|(_, discount)| discount)
            .sum();
        out.push(gain / discounts[..wanted.len().min(CUTOFF)].iter().sum::<f64>());
    };
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
