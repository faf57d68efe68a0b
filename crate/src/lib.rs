//! Recommendation unlearning that can be checked.
//!
//! # Start here
//!
//! ```
//! use ultrare::{Change, Recommender, Settings};
//!
//! let rows = ultrare::sample(1)?; // or ultrare::read("ratings.csv")?, or ultrare::from_rows(..)?
//! let mut recommender = Recommender::fit(&rows, &Settings::default())?;
//! let bill = recommender.plan(&Change::forget_users(["u017"]))?; // shards, rows, work, what would remain
//! let receipt = recommender.apply(bill.accept())?; // only a bill that was seen can be applied
//! let top = recommender.recommend("u042", 20)?; // recommend_for: a visitor's rows; explain: why
//! receipt.verify(&rows)?; // trains again and compares every digest
//! assert_eq!(top.items.len(), 20);
//! # Ok::<(), ultrare::Error>(())
//! ```
//!
//! | to | see |
//! |---|---|
//! | read files, or take rows from memory | [`read`], [`from_rows`], [`ReadConfig`] |
//! | recommend, explain, forget, add, save | [`Recommender`] |
//! | ask from many threads, filter, exclude | [`serve::Server`], [`Query`] |
//! | train on threads or elsewhere, show progress, cancel | [`execute`] (feature `threads`) |
//! | choose models, partitions, combiners | [`Settings`], [`model::catalogue`], [`partition::catalogue`], [`combine::catalogue`] |
//! | bring one's own model, partition or combiner | [`recommender::custom`] |
//! | compare with twins and baselines, rehearse, sweep | [`experiment`] |
//! | see how forgetting is an incremental build | [`pipeline`] |
//!
//! The parts stand alone, each with an example: [`partition`] (balanced clustering of a matrix), [`partition::transport`]
//! (exact optimal transport), [`model`] (one sub-model on triples), [`evaluate`] (metrics of lists),
//! [`unlearn::receipt::merkle`] (proofs of presence and absence over rows).
//!
//! # What holds
//!
//! rows -> split -> embedding -> partition -> K x sub-model -> combiner -> evaluation; a change re-enters at the
//! partition with fewer or more rows. Every stage is bit-reproducible: the same rows, settings and seed give the same
//! bytes natively and in wasm, with any number of workers, so that "unlearned" and "never had the data" can be compared
//! hash for hash.
//!
//! Every refusal is an [`Error`]: what was expected, where, and what to do, with a stable [`Error::code`] for programs. What
//! was there before is as it was. The library neither prints nor panics on input, and has no clock and no threads but those of
//! the feature `threads`.
//!
//! # Features
//!
//! None is on by default. `threads`: jobs on threads. `sign`: signed receipts (Ed25519). `parquet`: Parquet files. `cli`: the
//! command line, `cargo install ultrare --features cli`. `ts` is for the TypeScript binding.
//!
//! The modules point one way: [`numerics`] <- [`interactions`] <- [`model`] <- [`embedding`] <- [`partition`] <-
//! [`combine`] <- [`evaluate`] <- [`pipeline`] <- [`serve`], [`unlearn`] <- [`experiment`] <- [`recommender`].
#![forbid(unsafe_code)]

pub mod combine;
pub mod embedding;
pub mod error;
pub mod evaluate;
pub mod execute;
pub mod experiment;
pub mod interactions;
pub mod knob;
pub mod model;
pub mod numerics;
pub mod partition;
pub mod pipeline;
pub mod recommender;
pub mod serve;
pub mod unlearn;

pub use error::{Error, Result};
pub use interactions::ReadConfig;
pub use numerics::{Digest, Matrix};
pub use pipeline::Settings;
pub use recommender::{Recommender, Rows, from_rows, read, read_with, sample};
pub use serve::Query;
pub use unlearn::{Change, Receipt};

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
