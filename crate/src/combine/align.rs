//! Rotations between item spaces that were learned apart.
//!
//! Sub-models know nothing of each other's coordinates, but they know common items. The rotation R_k that brings shard k's
//! item vectors nearest to a common configuration T, argmin |X_k R_k' - T|, is the orthogonal factor of T'X_k (orthogonal
//! Procrustes, Schoenemann 1966); T is the mean of the rotated vectors and follows from the rotations in turn (generalised
//! Procrustes, Gower 1975).

use crate::numerics::kernels::{Into, View, axpy, gemm};
use crate::numerics::matrix::Matrix;

/// Rounds of rotating and averaging.
const ROUNDS: usize = 3;
/// Steps of the polar iteration; a singular value s of the scaled matrix grows by 3/2 a step until it is near 1.
const POLAR: usize = 24;

/// One rotation per shard (width x width): a vector x of shard k becomes R_k x. `shards`: which items each knows,
/// ascending, and their vectors, all of one width. The first round turns everything towards the shard that knows most items.
pub(super) fn align(shards: &[(&[u32], &Matrix)], n_items: usize) -> Vec<Matrix> {
    let width = shards.first().map_or(0, |(_, vectors)| vectors.cols());
    let mut rotations = vec![identity(width); shards.len()];
    let Some(widest) = (0..shards.len()).max_by_key(|&shard| (shards[shard].0.len(), std::cmp::Reverse(shard))) else {
        return rotations;
    };
    let mut target = Matrix::zeros(n_items, width);
    for (row, &item) in shards[widest].0.iter().enumerate() {
        target.row_mut(item as usize).copy_from_slice(shards[widest].1.row(row));
    }
    for _ in 0..ROUNDS {
        let mut next = Matrix::zeros(n_items, width);
        let mut knowers = vec![0.0f32; n_items];
        for ((present, vectors), rotation) in shards.iter().zip(&mut rotations) {
            let mut wanted = Matrix::zeros(present.len(), width);
            for (row, &item) in present.iter().enumerate() {
                wanted.row_mut(row).copy_from_slice(target.row(item as usize));
            }
            let mut cross = Matrix::zeros(width, width);
            let (left, right) = (View::of(&wanted).transposed(), View::of(vectors));
            gemm(width, width, present.len(), left, right, cross.data_mut(), width, Into::Set);
            *rotation = polar(cross);
            let mut turned = wanted;
            let by = View::of(rotation).transposed();
            gemm(present.len(), width, width, right, by, turned.data_mut(), width, Into::Set);
            for (row, &item) in present.iter().enumerate() {
                axpy(1.0, turned.row(row), next.row_mut(item as usize));
                knowers[item as usize] += 1.0;
            }
        }
        for (item, &knowers) in knowers.iter().enumerate().filter(|(_, knowers)| **knowers > 0.0) {
            next.row_mut(item).iter_mut().for_each(|value| *value /= knowers);
        }
        target = next;
    }
    rotations
}

fn identity(width: usize) -> Matrix {
    let mut out = Matrix::zeros(width, width);
    (0..width).for_each(|index| out.row_mut(index)[index] = 1.0);
    out
}

/// The orthogonal factor by X <- (3 X - X X'X) / 2, from X scaled to Frobenius norm 1 (Bjorck and Bowie 1971). Directions in
/// which `x` is nearly zero are left short of length 1: shards that do not overlap there have nothing to be aligned by.
fn polar(mut x: Matrix) -> Matrix {
    let width = x.cols();
    let norm = x.data().iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    if !(norm > 0.0 && norm.is_finite()) {
        return identity(width);
    }
    x.data_mut().iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
    let mut gram = Matrix::zeros(width, width);
    let mut image = Matrix::zeros(width, width);
    for _ in 0..POLAR {
        gemm(width, width, width, View::of(&x).transposed(), View::of(&x), gram.data_mut(), width, Into::Set);
        gemm(width, width, width, View::of(&x), View::of(&gram), image.data_mut(), width, Into::Set);
        x.data_mut().iter_mut().zip(image.data()).for_each(|(value, image)| *value = 1.5 * *value - 0.5 * image);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::super::fake_model::normals;
    use super::*;

    fn product(a: View<'_>, b: View<'_>, rows: usize, inner: usize, cols: usize) -> Matrix {
        let mut out = Matrix::zeros(rows, cols);
        gemm(rows, cols, inner, a, b, out.data_mut(), cols, Into::Set);
        out
    }

    #[test]
    fn turned_copies_are_turned_back() {
        let width = 6;
        let base = normals(40, width, 1);
        // Orthogonal factors of random matrices: the planted turns.
        let turns: Vec<Matrix> = (0..3).map(|seed| polar(normals(width, width, 10 + seed))).collect();
        let known: Vec<Vec<u32>> = (0..3).map(|shard| (0..40).filter(|item| item % 4 != shard).collect()).collect();
        let vectors: Vec<Matrix> = known
            .iter()
            .zip(&turns)
            .map(|(known, turn)| {
                let mut own = Matrix::zeros(known.len(), width);
                known
                    .iter()
                    .enumerate()
                    .for_each(|(row, &item)| own.row_mut(row).copy_from_slice(base.row(item as usize)));
                product(View::of(&own), View::of(turn), known.len(), width, width)
            })
            .collect();
        let shards: Vec<(&[u32], &Matrix)> = known.iter().zip(&vectors).map(|(known, v)| (&known[..], v)).collect();
        let found = align(&shards, 40);
        // All land in one space: the same item from any shard is the same vector.
        let landed: Vec<Matrix> = vectors
            .iter()
            .zip(&found)
            .map(|(v, r)| product(View::of(v), View::of(r).transposed(), v.rows(), width, width))
            .collect();
        for shard in 1..3 {
            for (row, item) in known[shard].iter().enumerate() {
                let Ok(first) = known[0].binary_search(item) else { continue };
                for (a, b) in landed[shard].row(row).iter().zip(landed[0].row(first)) {
                    assert!((a - b).abs() < 1e-3, "{shard} {item}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn rotations_keep_lengths_and_nothing_to_align_by_is_no_rotation() {
        let rotation = polar(normals(8, 8, 3));
        let square = product(View::of(&rotation).transposed(), View::of(&rotation), 8, 8, 8);
        for i in 0..8 {
            for j in 0..8 {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((square.row(i)[j] - expected).abs() < 1e-4, "{i} {j} {}", square.row(i)[j]);
            }
        }
        assert_eq!(polar(Matrix::zeros(3, 3)), identity(3));
        assert!(align(&[], 5).is_empty());
    }
}
