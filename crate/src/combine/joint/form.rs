//! The three forms in which P serves users.

use serde::{Deserialize, Serialize};

use crate::numerics::Matrix;

/// Which matrix serves users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Form {
    /// P, items x items.
    Kernel(Matrix),
    /// W with P = W W', items x coordinates.
    Whitened(Matrix),
    /// V and A with P = V A V'.
    Middle(Matrix, Matrix),
}
