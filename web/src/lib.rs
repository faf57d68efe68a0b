//! The door between JavaScript and [`ultrare`]: every exported function decodes, calls, encodes. What can be decided
//! without JavaScript is decided in the library; what needs workers, files or a clock is decided in `web/ts`.
//!
//! Small values cross as plain objects through serde (maps become objects, nothing becomes `null`, integers become
//! numbers); bulk values cross as typed arrays. Errors become `Error` objects with `code` and `details`.

mod convert;
mod entropy;
mod error;
mod experiment;
mod hash;
mod panic;
mod reader;
mod receipts;
mod server;
mod task;
mod types;

pub use entropy::fresh_seed;
pub use experiment::Experiment;
pub use hash::{catalogue, sha256, version};
pub use panic::panic_for_tests;
pub use reader::{Reader, added_rows, preview, preview_file};
pub use receipts::{parse_sequence, read_receipt, scenarios};
pub use server::Server;
pub use task::{Runner, Task};
