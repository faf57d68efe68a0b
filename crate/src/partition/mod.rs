//! Which shard every training row belongs to.
//!
//! [`clustering`] starts any of the methods; its `step` is one iteration, so that a caller can show, pause and cancel.
//! A partition is a pure function of its [`PartitionInput`] and [`PartitionConfig`].

mod anchored;
mod config;
mod error;
mod given;
mod greedy;
mod inner;
mod input;
mod lloyd;
pub mod measures;
#[cfg(test)]
mod more_tests;
mod receraser;
mod result;
mod seeding;
#[cfg(test)]
mod tests;
pub mod transport;
mod vectors;

pub use anchored::is_anchor;
pub use config::{Balance, DEFAULT_EPSILON, Method, PartitionConfig, Solver};
pub use error::PartitionError;
pub use input::{Assignment, PartitionInput};
pub use result::{ClusterEvent, Partition};

/// A clustering under way.
pub trait Clustering: Send {
    /// One iteration, or one epsilon of it; `None` when finished.
    ///
    /// # Errors
    /// Only what could not be checked before: an inner problem without an answer.
    fn step(&mut self) -> Result<Option<ClusterEvent>, PartitionError>;
    /// Runs what remains and gives the partition, so that it does not depend on how many steps were shown.
    fn finish(self: Box<Self>) -> Partition;
}

/// Starts a clustering; everything is checked here.
///
/// # Errors
/// A setting out of its range, lists that do not fit together, more shards than units, vectors that are not finite, no
/// anchor.
pub fn clustering(input: PartitionInput, config: &PartitionConfig) -> Result<Box<dyn Clustering>, PartitionError> {
    config.check()?;
    input.check(config)?;
    Ok(match config.method {
        Method::Random | Method::Hash | Method::File => Box::new(given::Given::new(&input, config)),
        Method::Obc | Method::Kmeans => Box::new(lloyd::Lloyd::new(input, config)?),
        Method::Anchored => Box::new(anchored::Anchored::new(input, config)?),
        Method::Ubp | Method::Ibp | Method::Inbp => Box::new(receraser::RecEraser::new(input, config)?),
    })
}
