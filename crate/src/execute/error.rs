//! Why jobs were not run.

use thiserror::Error;

/// Why jobs were not run.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecuteError {
    /// Somebody said so.
    #[error("cancelled: nothing has changed")]
    Cancelled,
    /// An executor gave fewer or more outcomes than jobs.
    #[error(
        "the executor was given {jobs} jobs and gave {outcomes} outcomes: it must give one for each, in their order"
    )]
    Lost {
        /// Jobs that it was given.
        jobs: usize,
        /// Outcomes that came back.
        outcomes: usize,
    },
    /// Wherever the jobs were sent, something went wrong that is none of this library's.
    #[error("{0}")]
    Elsewhere(String),
}

impl ExecuteError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ExecuteError::Cancelled => "execute.cancelled",
            ExecuteError::Lost { .. } => "execute.lost",
            ExecuteError::Elsewhere(_) => "execute.elsewhere",
        }
    }
}
