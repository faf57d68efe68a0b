//! Recommendation unlearning that can be checked.
//!
//! rows -> split -> embedding -> partition -> K x sub-model -> combiner -> evaluation; a request re-enters at the
//! partition with fewer rows. Every stage is bit-reproducible: the same rows, configuration and seed give the same
//! bytes natively and in wasm, with any number of workers, so that "unlearned" and "never had the data" can be compared
//! hash for hash.
//!
//! The modules point one way: [`numerics`] <- [`interactions`] <- [`model`] <- [`embedding`] <- [`partition`] <-
//! [`combine`] <- [`evaluate`] <- [`unlearn`] <- [`experiment`]. Nothing here knows of browsers, threads, clocks or printing.
#![forbid(unsafe_code)]

pub mod combine;
pub mod embedding;
pub mod error;
pub mod evaluate;
pub mod experiment;
pub mod interactions;
pub mod knob;
pub mod model;
pub mod numerics;
pub mod partition;
pub mod pipeline;
pub mod unlearn;

pub use error::{Error, Result};
pub use numerics::{Digest, Matrix};

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
