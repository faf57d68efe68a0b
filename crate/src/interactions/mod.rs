//! Interactions in: who touched what. The cleaned rows, in one order that no file decides.

mod error;
mod ids;
mod rows;

pub use error::ReadError;
pub use ids::Ids;
pub use rows::{Fate, Interactions, Row, Triple};
