//! Vectors on a sheet of paper: the first two principal components, for the map of users. Display only; no number that
//! matters is computed from it.

use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};

use crate::numerics::matrix::Matrix;

/// An affine map from vectors to the plane, scaled so that the vectors it was made from lie in -1..1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    mean: Vec<f64>,
    axes: [Vec<f64>; 2],
    scale: f64,
}

impl Plane {
    /// The plane in which `vectors` vary most (Pearson 1901). Each axis points so that its largest component is positive.
    /// O(n d^2 + d^3). Without vectors everything is projected onto the origin.
    pub fn of(vectors: &Matrix) -> Self {
        let (n, d) = (vectors.rows(), vectors.cols());
        if d == 0 {
            // The decomposition refuses an empty matrix.
            return Plane { mean: Vec::new(), axes: [Vec::new(), Vec::new()], scale: 1.0 };
        }
        let mut mean = vec![0.0f64; d];
        for row in 0..n {
            for (sum, &value) in mean.iter_mut().zip(vectors.row(row)) {
                *sum += f64::from(value) / n as f64;
            }
        }
        let mut covariance = DMatrix::<f64>::zeros(d, d);
        for row in 0..n {
            let row = vectors.row(row);
            for i in 0..d {
                let a = f64::from(row[i]) - mean[i];
                for j in 0..=i {
                    covariance[(i, j)] += a * (f64::from(row[j]) - mean[j]);
                }
            }
        }
        for i in 0..d {
            for j in 0..i {
                covariance[(j, i)] = covariance[(i, j)];
            }
        }
        let eigen = SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..d).collect();
        tiny_sort::stable::sort_by(&mut order, |&a, &b| {
            eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]).then(a.cmp(&b))
        });
        let axis = |rank: usize| match order.get(rank) {
            Some(&column) => {
                let axis: Vec<f64> = eigen.eigenvectors.column(column).iter().copied().collect();
                let largest = axis.iter().copied().fold(0.0f64, |best, v| if v.abs() > best.abs() { v } else { best });
                axis.into_iter().map(|v| if largest < 0.0 { -v } else { v }).collect()
            }
            None => vec![0.0; d],
        };
        let mut plane = Plane { mean, axes: [axis(0), axis(1)], scale: 1.0 };
        let reach = plane.project(vectors.data()).into_iter().fold(0.0f32, |reach, v| reach.max(v.abs()));
        plane.scale = if reach > 0.0 { 1.0 / f64::from(reach) } else { 1.0 };
        plane
    }

    /// x and y of each vector in `vectors` (one after the other, of the dimension the plane was made for).
    pub fn project(&self, vectors: &[f32]) -> Vec<f32> {
        let d = self.mean.len().max(1);
        let mut places = Vec::with_capacity(vectors.len() / d * 2);
        for vector in vectors.chunks_exact(d) {
            for axis in &self.axes {
                let along = vector.iter().zip(&self.mean).zip(axis).map(|((&v, m), a)| (f64::from(v) - m) * a);
                places.push((along.sum::<f64>() * self.scale) as f32);
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_axis_is_where_the_vectors_vary_most() {
        let vectors = Matrix::from_vec(4, 3, vec![5., 0., 1., -5., 0., 1., 0., 2., 1., 0., -2., 1.]).unwrap();
        let places = Plane::of(&vectors).project(vectors.data());
        let expected = [1.0, 0.0, -1.0, 0.0, 0.0, 0.4, 0.0, -0.4];
        for (place, expected) in places.iter().zip(expected) {
            assert!((place - expected).abs() < 1e-6, "{places:?}");
        }
    }

    #[test]
    fn no_vectors_and_equal_vectors_are_defined() {
        assert!(Plane::of(&Matrix::zeros(0, 0)).project(&[]).is_empty());
        let equal = Matrix::from_vec(2, 1, vec![3.0, 3.0]).unwrap();
        assert_eq!(Plane::of(&equal).project(equal.data()), vec![0.0; 4]);
    }
}
