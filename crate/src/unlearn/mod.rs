//! Forgetting on request: what is to go, what that will cost, and the proof that it went.
//!
//! A [`Change`] names what goes (a [`Request`]: users, items, single interactions) and what comes. [`propose`] finds its rows
//! once, makes the pipeline that never held the one and always held the other, and the bill ([`Plan`]) before anything
//! changes. Building that pipeline trains what is touched, and nothing else; serving it and purging the rest is the commit.
//!
//! A [`Receipt`] records it; everything about receipts is in [`receipt`](mod@receipt). [`twin`] compares the result, stage by
//! stage, with a pipeline that never had the data. [`sequence`] is about many
//! requests and what they cost together, [`scenario`] about those that people meet. [`audit`] is what an audit by behaviour
//! rests on.

pub mod audit;
mod change;
mod cost;
mod difference;
mod error;
mod plan;
pub mod receipt;
mod request;
mod saving;
pub mod scenario;
mod select;
pub mod sequence;
mod taint;
#[cfg(test)]
mod testing;
pub mod twin;

pub use crate::pipeline::NO_SHARD;
pub use change::{AddedRow, Change, Proposal, follows, propose, reach};
pub use cost::Rates;
pub use difference::{Difference, Overlap, ShardDifference};
pub use error::RequestError;
pub use plan::{Plan, TouchedShard, Warning, plan};
pub use receipt::{Receipt, ReceiptError, ReceiptView, Verdict, VerifyError};
pub use request::{Request, Resolved};
pub use saving::{SavingView, saving};
pub use scenario::{BillLine, Scenario, ScenarioCard, SequenceBill};
pub use select::{How, Selection, select};
pub use sequence::Sequence;
pub(crate) use taint::expected_taints;
pub use taint::{Mode, Moves, Procedure, Reach, Taint};
