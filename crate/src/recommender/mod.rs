//! The library from the front: rows in, recommendations out, and forgetting that can be checked.
//!
//! A [`Recommender`] is a trained ensemble with its rows. It is asked from as many threads as there are, and changed by one
//! bill after another: [`Recommender::plan`] says what a change costs and what it would leave behind, and only what was
//! accepted can be applied. Everything else that can be done with rows and shards (twins, rehearsals, sweeps) is done by
//! [`Experiment`](crate::experiment::Experiment), which a recommender is made of and becomes again.

mod bill;
pub mod custom;
mod error;
mod fit;
mod rows;
mod verify;

pub use bill::{Accepted, Bill};
pub use error::RecommenderError;
pub use fit::Recommender;
pub use rows::{Rows, from_rows, read, read_with, sample};
pub use verify::{verify, verify_on};
