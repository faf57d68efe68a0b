//! Trained models whose score is an inner product: one vector per user, one per item, and a rule for strangers.

use serde::{Deserialize, Serialize};

use super::fold::{Fold, Folder};
use super::weights;
use super::{ModelError, ModelName, SubModel};
use crate::numerics::kernels::scores;
use crate::numerics::matrix::Matrix;

/// `bpr`, `mf`, `lightgcn`, `gmf` and `dmf` once trained.
pub(super) struct Vectors {
    name: ModelName,
    users: Matrix,
    items: Matrix,
    folder: Folder,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    users: Matrix,
    items: Matrix,
    fold: Fold,
}

impl Vectors {
    pub(super) fn new(name: ModelName, users: Matrix, items: Matrix, fold: Fold) -> Self {
        let folder = Folder::new(fold, &items);
        Vectors { name, users, items, folder }
    }

    pub(super) fn load(name: ModelName, bytes: &[u8]) -> Result<Self, ModelError> {
        let Saved { users, items, fold } = weights::read(bytes)?;
        if items.cols() == 0 {
            return Err(weights::refuse("vectors without a value"));
        }
        weights::shape(&users, users.rows(), items.cols())?;
        weights::shape(&items, items.rows(), items.cols())?;
        if fold.model() != name {
            return Err(weights::refuse("the rule for folding in is another model's"));
        }
        fold.check(&items)?;
        Ok(Vectors::new(name, users, items, fold))
    }
}

impl SubModel for Vectors {
    fn name(&self) -> &'static str {
        self.name.as_str()
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

    fn fold_in(&self, items: &[u32], values: &[f32]) -> Vec<f32> {
        self.folder.fold_in(items, values)
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        scores(user, &self.items, out);
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        Some(&self.items)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let saved = Saved { users: self.users.clone(), items: self.items.clone(), fold: self.folder.fold.clone() };
        weights::write(self.name, &saved)
    }
}
