//! Distances between users and centres: eight lanes of f32, one fixed tree, the rest in f64.

use crate::numerics::matrix::Matrix;

const LANES: usize = 8;

/// Vectors padded with zeros to whole lanes, and their squared lengths.
pub(super) struct Points {
    n: usize,
    dimension: usize,
    stride: usize,
    data: Vec<f32>,
    squares: Vec<f64>,
}

impl Points {
    /// Copies, and scales every row to unit length if asked.
    pub(super) fn new(matrix: &Matrix, unit: bool) -> Self {
        let (n, dimension) = (matrix.rows(), matrix.cols());
        let stride = dimension.div_ceil(LANES) * LANES;
        let mut data = vec![0.0; n * stride];
        for row in 0..n {
            let place = &mut data[row * stride..row * stride + dimension];
            place.copy_from_slice(matrix.row(row));
            if unit {
                normalise(place);
            }
        }
        let squares = (0..n).map(|row| {
            f64::from(dot(&data[row * stride..(row + 1) * stride], &data[row * stride..(row + 1) * stride]))
        });
        let squares = squares.collect();
        Points { n, dimension, stride, data, squares }
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The vector without its padding.
    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.stride..index * self.stride + self.dimension]
    }

    /// Squared distance of two points.
    pub(super) fn distance(&self, a: usize, b: usize) -> f64 {
        squared_distance(self.row(a), self.row(b))
    }

    /// Lowers each `nearest` to the squared distance to one of the points where that is less; exactly 0 for equal points.
    pub(super) fn lower_to(&self, point: usize, nearest: &mut [f64]) {
        let c = &self.data[point * self.stride..(point + 1) * self.stride];
        for (row, nearest) in nearest.iter_mut().enumerate() {
            let x = &self.data[row * self.stride..(row + 1) * self.stride];
            let square = self.squares[row] - 2.0 * f64::from(dot(x, c)) + self.squares[point];
            let square = if square > 0.0 { square } else { 0.0 };
            *nearest = if square < *nearest { square } else { *nearest };
        }
    }

    /// |x|^2 - 2 x.c + |c|^2 for all points and centres, row by row of the points; at least 0. `centroids` must have the
    /// points' dimension. O(n K d).
    pub(super) fn costs(&self, centroids: &Matrix, out: &mut Vec<f64>) {
        let centres = Points::new(centroids, false);
        out.clear();
        out.reserve(self.n * centres.n);
        for row in 0..self.n {
            let x = &self.data[row * self.stride..(row + 1) * self.stride];
            for centre in 0..centres.n {
                let c = &centres.data[centre * self.stride..(centre + 1) * self.stride];
                let product = f64::from(dot(x, c));
                let square = self.squares[row] - 2.0 * product + centres.squares[centre];
                out.push(if square > 0.0 { square } else { 0.0 });
            }
        }
    }

    /// Weighted mean squared distance to the weighted mean: the scale of epsilon and tau.
    pub(super) fn variance(&self, weights: &[u32]) -> f64 {
        let mean = self.means(&vec![0; self.n], 1, weights, &Matrix::zeros(1, self.dimension));
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let sum: f64 = (0..self.n).map(|i| f64::from(weights[i]) * squared_distance(self.row(i), mean.row(0))).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    }

    /// The weighted mean of each shard's points, summed in f64 in the order of the points; an empty shard keeps its
    /// row of `before`.
    pub(super) fn means(&self, shard_of: &[u16], shards: usize, weights: &[u32], before: &Matrix) -> Matrix {
        let d = self.dimension;
        let mut sums = vec![0.0f64; shards * d];
        let mut totals = vec![0.0f64; shards];
        for (row, &shard) in shard_of.iter().enumerate() {
            let shard = usize::from(shard);
            let weight = f64::from(weights[row]);
            totals[shard] += weight;
            for (sum, &value) in sums[shard * d..(shard + 1) * d].iter_mut().zip(self.row(row)) {
                *sum += weight * f64::from(value);
            }
        }
        let mut means = before.clone();
        for shard in 0..shards {
            if totals[shard] > 0.0 {
                for (mean, sum) in means.row_mut(shard).iter_mut().zip(&sums[shard * d..(shard + 1) * d]) {
                    *mean = (sum / totals[shard]) as f32;
                }
            }
        }
        means
    }

    /// Plain means of the points in each shard, given as (point, shard) pairs in which a point may occur more than once;
    /// an empty shard keeps its row of `before`.
    pub(super) fn means_of(&self, members: impl Iterator<Item = (u32, u16)>, before: &Matrix) -> Matrix {
        let d = self.dimension;
        let mut sums = vec![0.0f64; before.rows() * d];
        let mut counts = vec![0u32; before.rows()];
        for (point, shard) in members {
            let shard = usize::from(shard);
            counts[shard] += 1;
            for (sum, &value) in sums[shard * d..(shard + 1) * d].iter_mut().zip(self.row(point as usize)) {
                *sum += f64::from(value);
            }
        }
        let mut means = before.clone();
        for (shard, &count) in counts.iter().enumerate().filter(|count| *count.1 > 0) {
            for (mean, sum) in means.row_mut(shard).iter_mut().zip(&sums[shard * d..(shard + 1) * d]) {
                *mean = (sum / f64::from(count)) as f32;
            }
        }
        means
    }

    /// Sum of squared distances to the plain means of the shards.
    pub(super) fn within_ss(&self, shard_of: &[u16], shards: usize) -> f64 {
        let ones = vec![1; self.n];
        let means = self.means(shard_of, shards, &ones, &Matrix::zeros(shards, self.dimension));
        shard_of.iter().enumerate().map(|(i, &s)| squared_distance(self.row(i), means.row(usize::from(s)))).sum()
    }
}

/// Scales to length 1; a vector of length 0 (or too short for f32) stays.
pub(super) fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let length = square.sqrt();
    if length > 0.0 && length.is_finite() {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}

/// Sum of squared differences in f64, in order.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)) * (f64::from(a) - f64::from(b))).sum()
}

/// |x - c|^2 - g for every centre; without potentials the squared distance.
pub(super) fn priced(vector: &[f32], centroids: &Matrix, potentials: &[f32]) -> impl Iterator<Item = f64> {
    (0..centroids.rows()).map(|shard| {
        let price = potentials.get(shard).map_or(0.0, |&g| f64::from(g));
        squared_distance(vector, centroids.row(shard)) - price
    })
}

/// Where |x - c|^2 - g is least, the lowest of equals.
pub(super) fn nearest(vector: &[f32], centroids: &Matrix, potentials: &[f32]) -> u16 {
    let lower = |best: (u16, f64), (shard, cost): (usize, f64)| if cost < best.1 { (shard as u16, cost) } else { best };
    priced(vector, centroids, potentials).enumerate().fold((0, f64::INFINITY), lower).0
}

/// Inner product of two padded vectors: eight running sums, then a fixed tree.
#[inline]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_agree_with_the_sum_of_squared_differences() {
        let points = Matrix::from_vec(3, 5, (0..15).map(|i| (i as f32 * 0.7).fract() - 0.4).collect()).unwrap();
        let centres = Matrix::from_vec(2, 5, (0..10).map(|i| (i as f32 * 0.3).fract()).collect()).unwrap();
        let mut costs = Vec::new();
        Points::new(&points, false).costs(&centres, &mut costs);
        for i in 0..3 {
            for j in 0..2 {
                let direct = squared_distance(points.row(i), centres.row(j));
                assert!((costs[i * 2 + j] - direct).abs() < 1e-5, "{} {direct}", costs[i * 2 + j]);
            }
        }
    }

    #[test]
    fn a_zero_vector_stays_zero() {
        let mut vector = [0.0, 0.0];
        normalise(&mut vector);
        assert_eq!(vector, [0.0, 0.0]);
        let mut vector = [3.0, 4.0];
        normalise(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
    }
}
