//! A fake sub-model with given vectors, for the tests of this module.

use std::sync::Arc;

use super::{Ensemble, Member};
use crate::model::SubModel;
use crate::numerics::kernels::{axpy, dot};
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, normal, unit};

/// Users and items are fixed vectors; a fold-in is the mean of the rows' item vectors times their values.
#[derive(Clone)]
pub struct FakeModel {
    pub users: Matrix,
    pub items: Matrix,
    pub vectors: bool,
}

impl SubModel for FakeModel {
    fn name(&self) -> &'static str {
        "fake"
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
        let mut out = vec![0.0; self.items.cols()];
        for (&item, &value) in items.iter().zip(values) {
            axpy(value / items.len() as f32, self.items.row(item as usize), &mut out);
        }
        out
    }
    fn score(&self, user: &[f32], out: &mut [f32]) {
        for (item, place) in out.iter_mut().enumerate() {
            *place = dot(self.items.row(item), user);
        }
    }
    fn item_vectors(&self) -> Option<&Matrix> {
        self.vectors.then_some(&self.items)
    }
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Normal vectors.
pub fn normals(rows: usize, cols: usize, seed: u64) -> Matrix {
    let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
    Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| normal(&mut rng) as f32).collect()).unwrap()
}

/// Shards that each know about two thirds of the items and four users.
pub fn ensemble(shards: usize, n_items: u32, width: usize, seed: u64) -> Ensemble {
    let mut rng = StreamKey::new(seed, Purpose::Selection, 0, 0).stream();
    let members = (0..shards)
        .map(|shard| {
            let items: Vec<u32> = (0..n_items).filter(|_| unit(&mut rng) < 0.67).collect();
            let seed = seed * 1000 + 2 * shard as u64;
            let model = FakeModel {
                users: normals(4, width, seed),
                items: normals(items.len(), width, seed + 1),
                vectors: true,
            };
            Member { model: Arc::new(model), items, rows: 100 }
        })
        .collect();
    Ensemble::new(members, n_items).unwrap()
}

fn rebuild(member: &Member, change: impl Fn(&mut FakeModel)) -> Member {
    let items = member.model.item_vectors().unwrap().clone();
    let mut fake = FakeModel { users: normals(4, items.cols(), 77), items, vectors: true };
    change(&mut fake);
    Member { model: Arc::new(fake), items: member.items.clone(), rows: member.rows }
}

impl FakeModel {
    /// The same member, hiding its vectors.
    pub fn without_vectors(member: &Member) -> Member {
        rebuild(member, |fake| fake.vectors = false)
    }

    /// The same member with one value that is not a number.
    pub fn poisoned(member: &Member) -> Member {
        rebuild(member, |fake| fake.items.row_mut(0)[0] = f32::NAN)
    }
}
