//! `itemknn`: cosine neighbours of items (Sarwar et al. 2001).
//!
//! similarity(i, j) = c_ij / sqrt(c_ii c_jj) from co-occurrence counts; each item j listens to its most similar items
//! only; a score is the sum of similarities to the user's items. Ties go to the lower index.

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::entry::ModelEntry;
use crate::model::item_item::{self, ClosedForm, ItemCounts};
use crate::model::knobs::{Axis, NEIGHBOURS, WIDE};
use crate::numerics::kernels::TopK;
use crate::numerics::matrix::Matrix;

/// Neighbours kept when none are given. On a tenth of ML-100K's training rows held out, NDCG@20 is within .003 of the best of
/// 20, 50, 100, 200 and 400, for one model (best: 200) and for 10 shards (best: 50).
const DEFAULT_NEIGHBOURS: u32 = 100;

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "itemknn",
    title: "Item neighbours",
    about: "Cosine neighbours of items, from counts of who has both.",
    code: 8,
    knobs: &[NEIGHBOURS.defaults_to("100")],
    additive: true,
    slices: Err("0 for ease and itemknn: their counts are subtracted, which no checkpoint makes quicker"),
    item_vectors: false,
    stops_on_validation: false,
    search: &[Axis::times(&NEIGHBOURS, WIDE)],
    fill: |knobs, _| {
        knobs.neighbours.get_or_insert(DEFAULT_NEIGHBOURS);
    },
    train: |training| {
        let neighbours = training.knobs.neighbours.unwrap_or(DEFAULT_NEIGHBOURS);
        item_item::trainer(&training, ItemKnn { neighbours })
    },
    load: item_item::load::<ItemKnn>,
};

/// Neighbours kept for each item.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct ItemKnn {
    neighbours: u32,
}

impl ClosedForm for ItemKnn {
    const ENTRY: &'static ModelEntry = &ENTRY;
    const NUMBER: u32 = 1;

    fn weights(self, counts: &ItemCounts) -> Result<(Matrix, f64), ModelError> {
        Ok((weights(counts, self.neighbours), 0.0))
    }
}

/// Row i: what having item i adds to every item that listens to it. n^2 operations.
fn weights(counts: &ItemCounts, neighbours: u32) -> Matrix {
    let n = counts.n_items();
    let lengths: Vec<f64> = (0..n).map(|item| f64::from(counts.get(item, item)).sqrt()).collect();
    let mut out = Matrix::zeros(n as usize, n as usize);
    let mut best = TopK::new(neighbours.min(n) as usize);
    let mut list = Vec::new();
    let mut similar = vec![0.0f32; n as usize];
    for j in 0..n {
        for i in 0..n {
            let both = counts.get(i, j);
            similar[i as usize] = 0.0;
            if both > 0 && i != j {
                similar[i as usize] = (f64::from(both) / (lengths[i as usize] * lengths[j as usize])) as f32;
                best.offer(similar[i as usize], i);
            }
        }
        best.take(&mut list);
        for &i in &list {
            out.row_mut(i as usize)[j as usize] = similar[i as usize];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::exercise;
    use crate::model::{ModelConfig, ModelName};

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig::of(ModelName::Itemknn));
    }

    #[test]
    fn cosines_by_hand_and_only_the_nearest_are_kept() {
        let mut counts = ItemCounts::new(3).unwrap();
        counts.add(&[0, 1]);
        counts.add(&[0, 1, 2]);
        counts.add(&[0]);
        counts.add(&[2]);
        let cosine = |both: f64, product: f64| (both / product.sqrt()) as f32;
        let all = weights(&counts, 5);
        assert_eq!(all.row(0), [0.0, cosine(2.0, 6.0), cosine(1.0, 6.0)]);
        assert_eq!(all.row(1), [cosine(2.0, 6.0), 0.0, cosine(1.0, 4.0)]);
        let nearest = weights(&counts, 1);
        assert_eq!(nearest.row(0), [0.0, cosine(2.0, 6.0), 0.0]);
        assert_eq!(nearest.row(1), [cosine(2.0, 6.0), 0.0, cosine(1.0, 4.0)]);
        assert_eq!(nearest.row(2), [0.0; 3]);
    }
}
