//! Forgetting on request: what is to go, what that will cost, and the proof that it went.
//!
//! A [`Request`] names users, items and single interactions; [`Request::resolve`] finds their rows; [`plan`] is the bill
//! before anything changes. The experiment then removes the rows and trains the touched shards again from
//! initialisation.
//!
//! A [`Receipt`] records it: [`evidence`] about the rows (sorted [`merkle`] trees, hashes under a [`salt`] that only the
//! rows unlock), digests of every sub-model, and the receipt before. [`verify`] asks whether it is true; [`twin`] compares
//! the result, stage by stage, with a pipeline that never had the data. [`slices`] are checkpoints inside a shard,
//! [`sequence`] is about many requests and what they cost together.

mod change;
mod difference;
mod error;
pub mod evidence;
pub mod json;
pub mod merkle;
mod places;
mod plan;
pub mod receipt;
mod request;
pub mod salt;
mod saving;
#[cfg(test)]
mod schema_tests;
mod select;
pub mod sequence;
mod taint;
#[cfg(test)]
mod testing;
pub mod twin;
pub mod verify;

pub use crate::pipeline::NO_SHARD;
pub use change::{AddedRow, Change, Overlap, Proposal, propose};
pub use difference::{Difference, ShardDifference};
pub use error::RequestError;
pub use places::{Layout, Per, Places};
pub use plan::{Plan, Rates, TouchedShard, Warning, plan};
pub use receipt::{Receipt, ReceiptError, ReceiptView};
pub use request::{Request, Resolved};
pub use saving::{SavingView, saving};
pub use select::{How, Selection, select};
pub use sequence::Sequence;
pub use taint::{Mode, Procedure, Reach, Taint, expected_taints};
pub use verify::{Verdict, VerifyError};
