//! Receipts: the proof that what went is gone, what came is in, and which weights follow from the rows that are there now.
//!
//! Writing: two [`Side`]s and the chain's [`Secret`] make a [`Draft`], which needs no row any more; with the [`Facts`] it
//! becomes a [`Receipt`]. Reading: [`Receipt::parse`]. Checking: [`check_alone`] and [`check_chain`] need receipts only,
//! [`Verification`] needs rows and somebody who trains again; [`sign`](mod@sign) is about signatures. `docs/receipt.md` says
//! byte for byte what everything is made of.
//!
//! This room knows rows, digests and JSON. It does not know how anything is trained.

mod alone;
mod assignment;
mod change;
#[cfg(test)]
mod document_tests;
mod draft;
mod error;
pub mod evidence;
pub mod json;
pub mod merkle;
mod open;
mod outline;
mod record;
mod rows;
pub mod salt;
#[cfg(test)]
mod schema_tests;
mod side;
#[cfg(feature = "sign")]
pub mod sign;
#[cfg(test)]
mod testing;
mod verdict;
mod verify;
mod version;

pub use crate::pipeline::NO_SHARD;
pub use alone::{check_alone, check_chain, check_head};
pub use assignment::{Assigned, Per};
pub use change::{Asked, Exchange, Named, Names};
pub use draft::{Draft, Facts};
pub use error::{ReceiptError, SideError, VerifyError};
pub use record::{Combiner, Metrics, Order, PartitionRecord, Protocol, Receipt, ReceiptView, ShardRecord, Signature};
pub use salt::{Moment, Salt, Seals, Secret};
pub use side::{Placed, Side, SubModel};
pub use verdict::{Check, Unchecked, Verdict};
pub use verify::{AssignmentRule, Question, Recomputed, Rules, Todo, Verification, verify};
pub use version::{VERSION, code_version};
