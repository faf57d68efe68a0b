//! Recommendation unlearning that can be checked.
//!
//! rows -> split -> embedding -> partition -> K x sub-model -> combiner -> evaluation; a request re-enters at the
//! partition with fewer rows. Every stage is bit-reproducible: the same rows, configuration and seed give the same
//! bytes natively and in wasm, with any number of workers, so that "unlearned" and "never had the data" can be compared
//! hash for hash.
//!
//! The modules point one way: [`interactions`] <- [`embedding`] <- [`partition`] <- [`model`] <- [`combine`] <-
//! [`evaluate`] <- [`unlearn`] <- [`experiment`]. Nothing here knows of browsers, threads, clocks or printing.
#![forbid(unsafe_code)]

pub mod combine;
pub mod digest;
pub mod embedding;
pub mod error;
pub mod evaluate;
pub mod experiment;
pub mod interactions;
pub mod math;
pub mod matrix;
pub mod model;
pub mod partition;
pub mod random;
pub mod unlearn;

pub use digest::Digest;
pub use error::{Error, Result};
pub use matrix::Matrix;

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
