//! What every trained sub-model can do.

use crate::numerics::Matrix;

/// A trained sub-model. Scores are comparable within one sub-model only.
pub trait SubModel: Send + Sync {
    /// The configuration's name, such as `wmf`.
    fn name(&self) -> &'static str;
    /// Users it was trained on.
    fn n_users(&self) -> usize;
    /// Items of its catalogue: the length of a score list.
    fn n_items(&self) -> usize;
    /// The representation it learned for a user of its own shard.
    fn user(&self, local_user: u32) -> Vec<f32>;
    /// The representation of any user, from the user's rows (local items, ascending, and their values) and the item
    /// side alone.
    fn fold_in(&self, items: &[u32], values: &[f32]) -> Vec<f32>;
    /// Scores of all local items for a representation; `out` has `n_items` places.
    fn score(&self, user: &[f32], out: &mut [f32]);
    /// [`SubModel::score`] of several representations of `width` values, one after the other in both: the same bits, in less time
    /// where what scores outgrows the caches.
    fn score_all(&self, users: &[f32], width: usize, out: &mut [f32]) {
        for (user, out) in users.chunks_exact(width.max(1)).zip(out.chunks_exact_mut(self.n_items().max(1))) {
            self.score(user, out);
        }
    }
    /// One vector per local item whose inner product with a representation is the score; `None` for models that have
    /// no such form.
    fn item_vectors(&self) -> Option<&Matrix>;
    /// All weights; `load` reads them back.
    fn to_bytes(&self) -> Vec<u8>;
}
