//! What attention learns from: the vectors that shards have of items and of users.

use super::super::{CombineError, Ensemble};
use crate::numerics::matrix::Matrix;

/// One side's inputs: per shard, which entities it has a vector for and the vectors.
pub(super) struct EntitySide {
    pub entities: usize,
    pub shards: Vec<(Vec<u32>, Matrix)>,
}

/// The items' vectors, padded with zeros to the widest shard's length: a small shard may have fewer factors.
pub(super) fn item_side(ensemble: &Ensemble) -> Result<EntitySide, CombineError> {
    let mut own: Vec<(Vec<u32>, &Matrix)> = Vec::with_capacity(ensemble.n_shards());
    for (shard, member) in ensemble.members().iter().enumerate() {
        let method = "attention";
        let refusal = CombineError::NoItemVectors { method, model: member.model.name(), member: shard as u32 };
        own.push((member.items.clone(), member.model.item_vectors().ok_or(refusal)?));
    }
    let width = own.iter().map(|(_, vectors)| vectors.cols()).max().expect("an ensemble has members");
    let shards = own.into_iter().map(|(items, vectors)| (items, padded(vectors, width))).collect();
    Ok(EntitySide { entities: ensemble.n_items() as usize, shards })
}

fn padded(vectors: &Matrix, width: usize) -> Matrix {
    let mut out = Matrix::zeros(vectors.rows(), width);
    (0..vectors.rows()).for_each(|row| out.row_mut(row)[..vectors.cols()].copy_from_slice(vectors.row(row)));
    out
}

pub(super) fn user_side<'a>(
    ensemble: &Ensemble,
    users: impl Iterator<Item = (&'a [u32], &'a [f32])>,
    width: usize,
) -> EntitySide {
    let mut lists: Vec<(Vec<u32>, Vec<f32>)> = vec![Default::default(); ensemble.n_shards()];
    let mut localised = (Vec::new(), Vec::new());
    let mut entities = 0;
    for (items, values) in users {
        for (shard, (present, vectors)) in lists.iter_mut().enumerate() {
            ensemble.localise(shard, items, values, &mut localised);
            if !localised.0.is_empty() {
                let mut vector = ensemble.members()[shard].model.fold_in(&localised.0, &localised.1);
                vector.resize(width, 0.0);
                present.push(entities as u32);
                vectors.extend(vector);
            }
        }
        entities += 1;
    }
    let matrix = |(present, vectors): (Vec<u32>, Vec<f32>)| {
        let vectors = Matrix::from_vec(present.len(), width, vectors).expect("a vector was added for each");
        (present, vectors)
    };
    EntitySide { entities, shards: lists.into_iter().map(matrix).collect() }
}
