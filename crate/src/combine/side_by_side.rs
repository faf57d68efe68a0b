//! V = [V_1 ... V_K], the shards' item vectors side by side, and its Gram matrix, of which the blocks between unchanged
//! shards are kept from one preparation to the next.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::joint::{Joint, Prior};
use super::{CombineError, Ensemble};
use crate::numerics::kernels::{Into, View, dot, gemm, mirror_whole as mirror};
use crate::numerics::matrix::Matrix;

/// V, catalogue items x all coordinates, unscaled; and where each shard's coordinates begin (one more at the end).
pub(super) fn side_by_side(ensemble: &Ensemble, prior: Prior) -> Result<(Matrix, Vec<usize>), CombineError> {
    let mut offsets = vec![0usize];
    let mut parts = Vec::with_capacity(ensemble.n_shards());
    for (shard, member) in ensemble.members().iter().enumerate() {
        let method = if prior == Prior::Flat { "joint" } else { "consensus" };
        let refusal = CombineError::NoItemVectors { method, model: member.model.name(), shard: shard as u32 };
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

/// V'V; blocks between shards that `previous` saw with the same vectors are copied from there.
pub(super) fn gram(v: &Matrix, offsets: &[usize], marks: &[(u64, u64)], previous: Option<&Joint>) -> Matrix {
    let (m, width) = (v.rows(), v.cols());
    let mut gram = Matrix::zeros(width, width);
    let reusable = previous.filter(|p| p.gram.rows() == width && p.marks.len() == marks.len());
    let changed = |shard: usize| reusable.is_none_or(|p| p.marks[shard] != marks[shard]);
    let shards = marks.len();
    let n_changed = (0..shards).filter(|&shard| changed(shard)).count();
    let view = View::of(v);
    match reusable {
        // Worth it while stripes for the changed shards cost less than the upper triangle.
        Some(previous) if 2 * n_changed <= shards => {
            gram.data_mut().copy_from_slice(previous.gram.data());
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
    gram
}

/// Identifies what a shard contributes to V: 128 bits over its item numbers and vectors.
pub(super) fn mark(vectors: Option<&Matrix>, items: &[u32]) -> (u64, u64) {
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
