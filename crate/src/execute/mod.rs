//! Who runs jobs. Whatever builds a pipeline hands its jobs to an [`Executor`] and waits for all of them: here and now
//! ([`Inline`]), on threads (`Threads`, feature `threads`), or wherever an implementation of the trait sends their bytes. The
//! outcomes are the same bytes everywhere, so an executor can change how long something takes and nothing else.
//!
//! ```
//! use ultrare::execute::{Cancel, Control, Inline};
//! use ultrare::{Recommender, Settings};
//!
//! let rows = ultrare::sample(1)?;
//! let told = |progress: &ultrare::execute::Progress| assert!(progress.done <= 1.0);
//! let cancel = Cancel::new();
//! let control = Control::new().telling(&told).until(&cancel);
//! cancel.cancel(); // from any thread, at any time
//! let refused = Recommender::fit_on(&Inline::new(), &control, &rows, &Settings::default());
//! assert_eq!(refused.err().unwrap().code(), "execute.cancelled");
//! # Ok::<(), ultrare::Error>(())
//! ```

mod control;
mod error;
mod executor;
#[cfg(feature = "threads")]
#[allow(clippy::disallowed_types)] // How long they helped enters no outcome.
mod idle;
mod inline;
#[cfg(feature = "threads")]
mod threads;

pub use control::{Cancel, Control, Meter, Progress};
pub use error::ExecuteError;
pub(crate) use executor::run_job;
pub use executor::{Executor, Inputs, Outcome, supply};
pub use inline::Inline;
#[cfg(feature = "threads")]
pub use threads::Threads;
