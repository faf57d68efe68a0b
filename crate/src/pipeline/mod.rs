//! The pipeline as a graph: forgetting and adding are incremental builds.
//!
//! A [`Pipeline`] is a value: rows with their split, settings, and either "shards to be computed" or a kept assignment. From
//! it follow stages: embed, partition, train shard 0..K, combine, evaluate users a..b, take errors apart. A stage is a pure
//! function. [`advance`] answers with the jobs that are missing for a goal and can run now; [`accept`] takes their outcomes
//! into a [`Store`].
//!
//! - **Law 1, keys.** A stage's key is SHA-256 over its kind, the code's version, exactly the settings it reads, and the
//!   digests of exactly the inputs it reads (a shard's rows; the digests of K weights). Equal keys, equal bytes.
//! - **Law 2, hints.** A job may carry a hint that saves time (a checkpoint before the first changed slice, counts to subtract
//!   from, the combiner as it was). A hint is never part of a key and never changes a bit.
//! - **Law 3, purge.** After a change is committed the store holds nothing that the serving pipeline does not reach
//!   ([`Store::retain`] with [`Pipeline::reachable`]).
//! - **Law 4, no other state.** What serves, what is stale, what must be trained, what a change costs, how far a run is: all of
//!   it is computed from pipeline and store ([`Pipeline::missing`]), not kept beside them.
//!
//! Everything a person can ask for is then a pipeline and a store: a forgetting is the pipeline without some rows and with
//! its assignment kept; the twin is the same rows with shards to be computed, and an empty store; stale is what is missing.

mod advance;
mod assignment;
mod assignment_file;
mod catalogue;
mod dataset;
mod error;
mod event;
mod hints;
mod job;
#[cfg(test)]
mod laws;
mod measured;
mod parcel;
mod run;
mod settings;
mod shard;
mod slices;
mod store;
mod table;
mod task;
mod validate;
mod value;

pub use advance::{Hints, Job, Slot, accept, advance};
pub(crate) use assignment::assigned_digest;
pub(crate) use assignment::check_assigned;
pub use assignment::{Assignment, NO_SHARD};
pub use assignment_file::read_assignment_file;
pub use catalogue::{Catalogue, catalogue};
pub use dataset::{Arrival, Dataset, is_anchor, trains};
pub use error::PipelineError;
pub use event::{Event, Stage};
pub(crate) use job::{AuditJob, Body, EnsembleParts, Outcome, UserTable, decode, encode};
pub use parcel::Parcel;
pub use run::{JobOut, Run, StageSeconds, WorkView};
pub use settings::Settings;
pub use shard::Shard;
pub use slices::{Slices, SlicesError, expected_share};
pub use store::{Blob, Combined, Embedded, Kept, PartitionFacts, Partitioned, Store, StoredCheckpoint, Trained};
pub(crate) use table::table as user_table;
pub(crate) use task::Served;
pub use task::{Runner, Step, Task};
pub use value::{Baseline, Divided, Pipeline, Shards};
