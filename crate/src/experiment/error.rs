//! What the experiment as a whole refuses.

use thiserror::Error;

/// Why a command was not carried out; the experiment is as it was.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ExperimentError {
    /// There is nothing to work on.
    #[error("there are no rows yet: load a file or the sample first")]
    NoData,
    /// The order of things.
    #[error("{what} needs {needs}: {advice}")]
    TooEarly {
        /// What was asked.
        what: &'static str,
        /// What is missing.
        needs: &'static str,
        /// How to get it.
        advice: &'static str,
    },
    /// Rows are replaced or settings changed while work is under way.
    #[error("{what} has to wait: {activity} is running. Let it finish, or cancel it")]
    Busy {
        /// What was asked.
        what: &'static str,
        /// What is running.
        activity: &'static str,
    },
    /// Something happened between the bill and the word to carry it out.
    #[error("the bill is of rows that have changed since: ask for a new one")]
    Stale,
    /// Nobody can be served.
    #[error("{0}")]
    Unusable(String),
    /// A person who is not there.
    #[error("there is no user \"{0}\" in the data")]
    UnknownUser(String),
}

impl ExperimentError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ExperimentError::NoData => "experiment.no_data",
            ExperimentError::TooEarly { .. } => "experiment.too_early",
            ExperimentError::Busy { .. } => "experiment.busy",
            ExperimentError::Stale => "experiment.stale",
            ExperimentError::Unusable(_) => "experiment.unusable",
            ExperimentError::UnknownUser(_) => "experiment.unknown_user",
        }
    }
}
