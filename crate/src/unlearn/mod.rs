//! Forgetting on request: what is to go, what that will cost, and the proof that it went.
//!
//! A [`Request`] names users, items and single interactions; [`Request::resolve`] finds their rows; [`plan`] is the bill
//! before anything changes. The experiment then removes the rows and trains the touched shards again from
//! initialisation.

mod error;
pub mod evidence;
pub mod json;
pub mod merkle;
mod plan;
mod request;
pub mod salt;
mod select;
pub mod slices;
mod taint;
#[cfg(test)]
mod testing;

pub use error::RequestError;
pub use plan::{Layout, NO_SHARD, Plan, Rates, TouchedShard, Warning, plan};
pub use request::{Request, Resolved};
pub use select::{How, Selection, select};
pub use taint::{Mode, Procedure, Reach, Taint, expected_taints};
