//! Which shard every training row belongs to.
//!
//! [`clustering`] starts any of the methods; its `step` is one iteration, so that a caller can show, pause and cancel.
//! A partition is a pure function of its [`PartitionInput`] and [`PartitionConfig`].
//!
//! ```
//! use ultrare::Matrix;
//! use ultrare::partition::{Division, PartitionConfig, PartitionInput, clustering};
//!
//! // Six users on a line, four of them on the left, with one training row each: two shards of three.
//! let input = PartitionInput {
//!     users: Matrix::from_vec(6, 1, vec![0.0, 0.1, 0.2, 0.5, 5.0, 5.1]).unwrap(),
//!     user_keys: vec![11, 12, 13, 14, 15, 16],
//!     starts: vec![0, 1, 2, 3, 4, 5, 6],
//!     seed: 1,
//!     ..PartitionInput::default()
//! };
//! let config = PartitionConfig { shards: 2, normalise: false, ..PartitionConfig::default() };
//! let mut clustering = clustering(input, &config)?;
//! while let Some(event) = clustering.step()? {
//!     assert_eq!(event.users_per_shard, [3, 3]);
//! }
//! let partition = clustering.finish();
//! let Division::ByUser(shard_of) = partition.assignment else { unreachable!() };
//! assert_eq!(shard_of[0], shard_of[2]);
//! assert_eq!(shard_of[3], shard_of[5]);
//! # Ok::<(), ultrare::partition::PartitionError>(())
//! ```

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
pub use config::{Balance, DEFAULT_EPSILON, Method, PartitionCard, PartitionConfig, Solver, catalogue};
pub use error::PartitionError;
pub use input::{Division, PartitionInput};
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
