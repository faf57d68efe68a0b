//! The same numbers on every machine: keyed randomness, libm, digests, matrices, and the inner loops of everything.

pub(crate) mod als;
pub mod crew;
pub mod digest;
pub mod kernels;
pub mod math;
pub mod matrix;
pub mod random;
pub(crate) mod sparse;

pub use digest::Digest;
pub use matrix::Matrix;
