//! Forgetting on request: what is to go, what that will cost, and the proof that it went.
//!
//! A [`Request`] names users, items and single interactions; [`Request::resolve`] finds their rows; [`plan`] is the bill
//! before anything changes. The experiment then removes the rows and trains the touched shards again from
//! initialisation.
//!
//! A [`Receipt`] records it; everything about receipts is in [`receipt`](mod@receipt). [`twin`] compares the result, stage by
//! stage, with a pipeline that never had the data. [`slices`] are checkpoints inside a shard, [`sequence`] is about many
//! requests and what they cost together.

mod error;
mod places;
mod plan;
pub mod receipt;
mod request;
mod select;
pub mod sequence;
pub mod slices;
mod taint;
#[cfg(test)]
mod testing;
pub mod twin;

pub use error::RequestError;
pub use places::Places;
pub use plan::{Layout, Plan, Rates, TouchedShard, Warning, plan};
pub use receipt::{NO_SHARD, Per, Receipt, ReceiptError, ReceiptView, Verdict, VerifyError};
pub use request::{Request, Resolved};
pub use select::{How, Selection, select};
pub use sequence::Sequence;
pub use taint::{Mode, Procedure, Reach, Taint, expected_taints};
