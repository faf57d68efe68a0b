//! V = [V_1 ... V_K], the shards' item vectors side by side, and its Gram matrix, of which the blocks between unchanged
//! shards are kept from one preparation to the next.

use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::combine::{CombineError, Ensemble};
use crate::numerics::kernels::{Into, View, dot, gemm, mirror_whole as mirror};
use crate::numerics::matrix::Matrix;

/// V, catalogue items x all coordinates, unscaled; and where each shard's coordinates begin (one more at the end). `method` is
/// the combiner that a refusal names.
pub(super) fn side_by_side(ensemble: &Ensemble, method: &'static str) -> Result<(Matrix, Vec<usize>), CombineError> {
    let mut offsets = vec![0usize];
    let mut parts = Vec::with_capacity(ensemble.n_shards());
    for (shard, member) in ensemble.members().iter().enumerate() {
        let refusal = CombineError::NoItemVectors { method, model: member.model.name(), member: shard as u32 };
        let vectors = member.model.item_vectors().ok_or(refusal)?;
        offsets.push(offsets[shard] + vectors.cols());
        parts.push(vectors);
    }
    let mut v = Matrix::zeros(ensemble.n_items() as usize, offsets[parts.len()]);
    for (shard, (member, vectors)) in ensemble.members().iter().zip(parts).enumerate() {
        for (local, &item) in member.items.iter().enumerate() {
            v.row_mut(item as usize)[offsets[shard]..offsets[shard + 1]].copy_from_slice(vectors.row(local));
        }
    }
    Ok((v, offsets))
}

/// The factor that brings the mean squared norm of a known item's row to 1.
pub(super) fn row_scale(ensemble: &Ensemble) -> f32 {
    let known = (0..ensemble.n_items()).filter(|&item| ensemble.knows(item)).count();
    let mut total = 0.0f64;
    for vectors in ensemble.members().iter().filter_map(|member| member.model.item_vectors()) {
        for row in (0..vectors.rows()).map(|row| vectors.row(row)) {
            total += f64::from(dot(row, row));
        }
    }
    if total > 0.0 && total.is_finite() { (known as f64 / total).sqrt() as f32 } else { 1.0 }
}

/// V'V, and by which vectors each shard's part of it is known again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gram {
    pub values: Matrix,
    pub marks: Vec<(u64, u64)>,
}

impl Gram {
    /// Of V with its shards' `offsets`; blocks between shards that `previous` saw with the same vectors are copied from there.
    pub fn of(v: &Matrix, offsets: &[usize], ensemble: &Ensemble, previous: Option<&Gram>) -> Self {
        let marks: Vec<(u64, u64)> =
            ensemble.members().iter().map(|m| mark(m.model.item_vectors(), &m.items)).collect();
        let (m, width) = (v.rows(), v.cols());
        let mut gram = Matrix::zeros(width, width);
        let reusable = previous.filter(|p| p.values.rows() == width && p.marks.len() == marks.len());
        let changed = |shard: usize| reusable.is_none_or(|p| p.marks[shard] != marks[shard]);
        let shards = marks.len();
        let n_changed = (0..shards).filter(|&shard| changed(shard)).count();
        let view = View::of(v);
        match reusable {
            // Worth it while stripes for the changed shards cost less than the upper triangle.
            Some(previous) if 2 * n_changed <= shards => {
                gram.data_mut().copy_from_slice(previous.values.data());
                let mut stripe = Vec::new();
                for shard in (0..shards).filter(|&shard| changed(shard)) {
                    let (from, to) = (offsets[shard], offsets[shard + 1]);
                    stripe.clear();
                    stripe.resize((to - from) * width, 0.0);
                    gemm(to - from, width, m, view.from(0, from).transposed(), view, &mut stripe, width, Into::Set);
                    gram.data_mut()[from * width..to * width].copy_from_slice(&stripe);
                    for (row, values) in (from..to).zip(stripe.chunks_exact(width)) {
                        for (column, &value) in values.iter().enumerate() {
                            gram.row_mut(column)[row] = value;
                        }
                    }
                }
            }
            _ => {
                gemm(width, width, m, view.transposed(), view, gram.data_mut(), width, Into::SetUpper);
                mirror(gram.data_mut(), width);
            }
        }
        Gram { values: gram, marks }
    }
}

/// Identifies what a shard contributes to V: 128 bits over its item numbers and vectors.
fn mark(vectors: Option<&Matrix>, items: &[u32]) -> (u64, u64) {
    let mut hasher = SipHasher24::new();
    hasher.write(&(items.len() as u64).to_le_bytes());
    let mut bytes = Vec::with_capacity(4 * items.len());
    items.iter().for_each(|item| bytes.extend_from_slice(&item.to_le_bytes()));
    hasher.write(&bytes);
    bytes.clear();
    vectors.into_iter().flat_map(Matrix::data).for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    hasher.write(&bytes);
    let hash = hasher.finish128();
    (hash.h1, hash.h2)
}
