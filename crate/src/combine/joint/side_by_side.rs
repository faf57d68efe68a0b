//! V = [V_1 ... V_K], the shards' item vectors side by side, and its Gram matrix, of which the blocks between unchanged
//! shards are kept from one preparation to the next.

use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::combine::{CombineError, Ensemble};
use crate::numerics::kernels::{Into, View, all_finite, dot, gemm, mirror_whole as mirror};
use crate::numerics::matrix::Matrix;

/// V as it is: a block for each shard, with the catalogue's number of each of its rows.
pub(super) struct SideBySide<'a> {
    ensemble: &'a Ensemble,
    vectors: Vec<&'a Matrix>,
    /// Where each shard's coordinates begin; one more at the end.
    pub offsets: Vec<usize>,
}

impl<'a> SideBySide<'a> {
    /// `method` is the combiner that a refusal names.
    ///
    /// Errors: a sub-model without item vectors.
    pub fn of(ensemble: &'a Ensemble, method: &'static str) -> Result<Self, CombineError> {
        let (mut offsets, mut vectors) = (vec![0usize], Vec::with_capacity(ensemble.n_shards()));
        for (shard, member) in ensemble.members().iter().enumerate() {
            let refusal = CombineError::NoItemVectors { method, model: member.model.name(), member: shard as u32 };
            let own = member.model.item_vectors().ok_or(refusal)?;
            offsets.push(offsets[shard] + own.cols());
            vectors.push(own);
        }
        Ok(SideBySide { ensemble, vectors, offsets })
    }

    /// Refuses vectors that are no numbers.
    pub fn check(&self) -> Result<(), CombineError> {
        match self.vectors.iter().position(|vectors| !all_finite(vectors.data())) {
            Some(member) => Err(CombineError::NotFinite { member: member as u32 }),
            None => Ok(()),
        }
    }

    /// Coordinates of all shards.
    pub fn width(&self) -> usize {
        self.offsets[self.vectors.len()]
    }

    /// Values that are there.
    pub fn values(&self) -> usize {
        self.vectors.iter().map(|vectors| vectors.data().len()).sum()
    }

    /// A shard's vectors and its items in the catalogue.
    pub fn block(&self, shard: usize) -> (&'a Matrix, &'a [u32]) {
        (self.vectors[shard], &self.ensemble.members()[shard].items)
    }

    /// The shards that saw an item, ascending, with the item's vector there.
    pub fn of_item(&self, item: u32) -> impl Iterator<Item = (usize, &'a [f32])> {
        let of_shard = move |(shard, vectors): (usize, &&'a Matrix)| {
            let local = self.ensemble.local(shard, item)?;
            Some((shard, vectors.row(local as usize)))
        };
        self.vectors.iter().enumerate().filter_map(of_shard)
    }

    /// The factor that brings the mean squared norm of a known item's row to 1.
    pub fn scale(&self) -> f32 {
        let known = (0..self.ensemble.n_items()).filter(|&item| self.ensemble.knows(item)).count();
        let rows = self.vectors.iter().flat_map(|vectors| (0..vectors.rows()).map(|row| vectors.row(row)));
        let total: f64 = rows.map(|row| f64::from(dot(row, row))).sum();
        if total > 0.0 && total.is_finite() { (known as f64 / total).sqrt() as f32 } else { 1.0 }
    }

    /// All of V times `scale`, catalogue items x all coordinates, zero where a shard never saw the item.
    pub fn whole(&self, scale: f32) -> Matrix {
        let mut v = Matrix::zeros(self.ensemble.n_items() as usize, self.width());
        for shard in 0..self.vectors.len() {
            let (vectors, items) = self.block(shard);
            for (local, &item) in items.iter().enumerate() {
                let places = &mut v.row_mut(item as usize)[self.offsets[shard]..self.offsets[shard + 1]];
                places.iter_mut().zip(vectors.row(local)).for_each(|(place, value)| *place = value * scale);
            }
        }
        v
    }
}

/// V'V, and by which vectors each shard's part of it is known again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gram {
    pub values: Matrix,
    pub marks: Vec<(u64, u64)>,
}

impl Gram {
    /// Of V; blocks between shards that `previous` saw with the same vectors are copied from there. A block is the product of
    /// the rows that both its shards have: its cost, the overlap times the square of a vector's length.
    pub fn new(v: &SideBySide<'_>, previous: Option<&Gram>) -> Self {
        let (shards, width) = (v.vectors.len(), v.width());
        let marks: Vec<(u64, u64)> = (0..shards).map(|shard| mark(v.block(shard))).collect();
        let mut values = Matrix::zeros(width, width);
        let reusable = previous.filter(|p| p.values.rows() == width && p.marks.len() == shards);
        let same = |shard: usize| reusable.is_some_and(|p| p.marks[shard] == marks[shard]);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for a in 0..shards {
            for b in a..shards {
                let (rows, columns) = (v.offsets[a]..v.offsets[a + 1], v.offsets[b]..v.offsets[b + 1]);
                if let Some(previous) = reusable.filter(|_| same(a) && same(b)) {
                    for row in rows {
                        values.row_mut(row)[columns.clone()]
                            .copy_from_slice(&previous.values.row(row)[columns.clone()]);
                    }
                    continue;
                }
                let depth = shared_rows(v.block(a), v.block(b), &mut left, &mut right);
                let (p, q) = (rows.len(), columns.len());
                let (x, y) = (View { data: &left, row: p, col: 1 }, View { data: &right, row: q, col: 1 });
                let out = &mut values.data_mut()[rows.start * width + columns.start..];
                gemm(p, q, depth, x.transposed(), y, out, width, Into::Set);
            }
        }
        mirror(values.data_mut(), width);
        Gram { values, marks }
    }
}

/// The vectors of the items that two shards have in common, one after the other; how many.
fn shared_rows(
    (a, a_items): (&Matrix, &[u32]),
    (b, b_items): (&Matrix, &[u32]),
    left: &mut Vec<f32>,
    right: &mut Vec<f32>,
) -> usize {
    left.clear();
    right.clear();
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a_items.len() && j < b_items.len() {
        match a_items[i].cmp(&b_items[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                left.extend_from_slice(a.row(i));
                right.extend_from_slice(b.row(j));
                (i, j, shared) = (i + 1, j + 1, shared + 1);
            }
        }
    }
    shared
}

/// Identifies what a shard contributes to V: 128 bits over its item numbers and vectors.
fn mark((vectors, items): (&Matrix, &[u32])) -> (u64, u64) {
    let mut hasher = SipHasher24::new();
    hasher.write(&(items.len() as u64).to_le_bytes());
    let mut bytes = Vec::with_capacity(4 * items.len());
    items.iter().for_each(|item| bytes.extend_from_slice(&item.to_le_bytes()));
    hasher.write(&bytes);
    bytes.clear();
    vectors.data().iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    hasher.write(&bytes);
    let hash = hasher.finish128();
    (hash.h1, hash.h2)
}
