//! The forms in which P serves users.

use serde::{Deserialize, Serialize};

use super::product::Product;
use crate::numerics::Matrix;

/// Which matrix serves users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Form {
    /// P, items x items, where it is no larger than what it would be made from.
    Kernel(Matrix),
    /// P as a product of Z, items x coordinates.
    Product(Product),
    /// Z with P = Z Z', items x coordinates.
    Whitened(Matrix),
    /// B, upper triangular, with P = (V B) (V B)' and V left in the sub-models, where most of it is missing: coordinates x
    /// coordinates, the scale of V included.
    Blocks(Matrix),
}

/// Items up to which users are served from the items x items kernel P: 64 MB of it.
pub(super) const KERNEL_ITEMS: usize = 4096;
/// Values up to which items x coordinates are kept: 256 MB of them.
const WHITENED_VALUES: usize = 1 << 26;

/// Is V kept as a whole? Not if it is too large, nor if two thirds of it are missing: the sub-models then serve quicker.
pub(super) fn is_dense(items: usize, width: usize, values: usize) -> bool {
    items * width <= WHITENED_VALUES && values * 3 > items * width
}
