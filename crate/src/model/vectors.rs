//! Trained models whose score is an inner product: one vector per user, one per item, and a rule for strangers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entry::ModelEntry;
use super::weights;
use super::{ModelError, SubModel};
use crate::numerics::Matrix;
use crate::numerics::kernels::{all_finite, scores};

/// How a model of vectors folds a stranger in.
pub(super) trait FoldRule: Send + Sync {
    /// The vector for these rows (at least one); `None` where the system has no finite solution.
    fn fold_in(&self, items: &[u32], values: &[f32]) -> Option<Vec<f32>>;
    /// What it needs beyond the item vectors, as [`saved_rule`] writes it.
    fn save(&self) -> Vec<u8>;
}

/// The end of the bytes of [`Vectors`]: which rule, and what it needs beyond the item vectors.
pub(super) fn saved_rule(number: u32, rule: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(&(number, rule)).expect("writing to memory cannot fail, and postcard knows these types")
}

/// Reads users' and items' vectors, and the rule that has this number.
pub(super) fn read<R: DeserializeOwned>(bytes: &[u8], number: u32) -> Result<(Matrix, Matrix, R), ModelError> {
    let (users, items, found, rule): (Matrix, Matrix, u32, R) = weights::read(bytes)?;
    if items.cols() == 0 {
        return Err(weights::refuse("vectors without a value"));
    }
    weights::shape(&users, users.rows(), items.cols())?;
    weights::shape(&items, items.rows(), items.cols())?;
    if found != number {
        return Err(weights::refuse("the rule for folding in is another model's"));
    }
    Ok((users, items, rule))
}

/// `bpr`, `mf`, `lightgcn`, `gmf` and `dmf` once trained.
pub(super) struct Vectors {
    entry: &'static ModelEntry,
    users: Matrix,
    items: Matrix,
    rule: Box<dyn FoldRule>,
}

impl Vectors {
    pub(super) fn boxed(
        entry: &'static ModelEntry,
        users: Matrix,
        items: Matrix,
        rule: impl FoldRule + 'static,
    ) -> Box<dyn SubModel> {
        Box::new(Vectors { entry, users, items, rule: Box::new(rule) })
    }
}

impl SubModel for Vectors {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    fn n_users(&self) -> usize {
        self.users.rows()
    }

    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn user(&self, local_user: u32) -> Vec<f32> {
        self.users.row(local_user as usize).to_vec()
    }

    /// Zero for a user without rows, or where the system has no finite solution.
    fn fold_in(&self, items: &[u32], values: &[f32]) -> Vec<f32> {
        let vector = if items.is_empty() { None } else { self.rule.fold_in(items, values) };
        vector.filter(|vector| all_finite(vector)).unwrap_or_else(|| vec![0.0; self.items.cols()])
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        scores(user, &self.items, out);
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        Some(&self.items)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = weights::write(self.entry.code, &(&self.users, &self.items));
        bytes.extend_from_slice(&self.rule.save());
        bytes
    }
}
