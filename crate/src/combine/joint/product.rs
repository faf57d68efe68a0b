//! P = Z Z', multiplied out where users are served and not before: what is kept, sent and hashed is Z, which is smaller.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::prior::symmetric_product;
use crate::numerics::Matrix;
use crate::numerics::kernels::{Into, View, gemm};

/// Z, items x coordinates; and P, items x items, once enough of it was asked for.
///
/// An entry of P is one running sum over the coordinates, so a row that is made for one user has the bits that it has in the
/// whole, and nobody can tell when P was multiplied out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Product {
    factor: Matrix,
    #[serde(skip)]
    whole: OnceLock<Matrix>,
    /// Rows that were made without keeping them.
    #[serde(skip)]
    made: AtomicUsize,
}

/// Rows of P: `matrix`'s rows of these numbers.
pub(super) struct KernelRows<'a> {
    pub matrix: Cow<'a, Matrix>,
    pub numbers: Cow<'a, [u32]>,
}

impl KernelRows<'_> {
    /// The row of the `index`-th of the items that were asked for.
    pub fn row(&self, index: usize) -> &[f32] {
        self.matrix.row(self.numbers[index] as usize)
    }
}

impl Product {
    pub fn new(factor: Matrix) -> Self {
        Product { factor, ..Product::default() }
    }

    pub fn factor(&self) -> &Matrix {
        &self.factor
    }

    /// The rows of some items, from P if it is there. A row costs items x coordinates, P half as much for each of its rows: it is
    /// made when as much has been spent without it, so that one question is answered at once and many as quickly as can be.
    pub fn rows<'a>(&'a self, items: &'a [u32]) -> KernelRows<'a> {
        let n = self.factor.rows();
        let spent = || 2 * self.made.fetch_add(items.len(), Ordering::Relaxed) >= n;
        if self.whole.get().is_some() || spent() {
            let whole = self.whole.get_or_init(|| symmetric_product(&self.factor, &self.factor));
            return KernelRows { matrix: Cow::Borrowed(whole), numbers: Cow::Borrowed(items) };
        }
        let width = self.factor.cols();
        let mut own = Vec::with_capacity(items.len() * width);
        items.iter().for_each(|&item| own.extend_from_slice(self.factor.row(item as usize)));
        let mut rows = Matrix::zeros(items.len(), n);
        let own = View { data: &own, row: width, col: 1 };
        gemm(items.len(), n, width, own, View::of(&self.factor).transposed(), rows.data_mut(), n, Into::Set);
        KernelRows { matrix: Cow::Owned(rows), numbers: Cow::Owned((0..items.len() as u32).collect()) }
    }
}

/// A copy multiplies out for itself.
impl Clone for Product {
    fn clone(&self) -> Self {
        Product::new(self.factor.clone())
    }
}

/// What was multiplied out follows from the factor.
impl PartialEq for Product {
    fn eq(&self, other: &Self) -> bool {
        self.factor == other.factor
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake_model::normals;
    use super::*;

    #[test]
    fn rows_have_the_same_bits_before_and_after_the_whole_is_made() {
        let product = Product::new(normals(100, 7, 3));
        let items = [0u32, 5, 17, 63, 99];
        let rows = |product: &Product| {
            let rows = product.rows(&items);
            (0..items.len()).flat_map(|index| rows.row(index).to_vec()).map(f32::to_bits).collect::<Vec<_>>()
        };
        let first = rows(&product);
        assert!(product.whole.get().is_none(), "one question does not make it");
        for _ in 0..9 {
            assert_eq!(rows(&product), first);
        }
        assert!(product.whole.get().is_none(), "fifty rows cost as much as it does");
        assert_eq!(rows(&product), first);
        assert!(product.whole.get().is_some());
        assert_eq!(rows(&product), first);
        assert!(product == product.clone() && product.clone().whole.get().is_none());
    }
}
