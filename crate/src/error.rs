//! Everything that can be refused, in one type, for whoever calls the library as a whole.

use thiserror::Error;

use crate::combine::CombineError;
use crate::evaluate::EvaluateError;
use crate::execute::ExecuteError;
use crate::experiment::error::ExperimentError;
use crate::interactions::{ReadError, SplitError};
use crate::model::ModelError;
use crate::partition::PartitionError;
use crate::pipeline::{PipelineError, SlicesError};
use crate::recommender::RecommenderError;
use crate::serve::ServeError;
use crate::unlearn::receipt::SideError;
use crate::unlearn::sequence::ScriptError;
use crate::unlearn::{ReceiptError, RequestError, VerifyError};

/// A refusal. `Display` says what was expected, where, and what to do; [`Error::code`] is for programs.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The rows could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The rows could not be divided as asked, or a sample not made.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The users could not be divided as asked.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// A sub-model could not be trained or loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Something could not be forgotten as asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A text is not a receipt that can be trusted.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Rows and a receipt do not go together.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A script of requests was not understood.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A shard cannot be cut into that many slices.
    #[error(transparent)]
    Slices(#[from] SlicesError),
    /// The sub-models could not be combined as asked.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// The results could not be measured as asked.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// A pipeline cannot be made or advanced.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Jobs were not run.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// A question has no answer.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The experiment is not ready for it.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A recommender cannot be made, or asked for that.
    #[error(transparent)]
    Recommender(#[from] RecommenderError),
}

impl From<SideError> for Error {
    fn from(error: SideError) -> Self {
        Error::Receipt(error.into())
    }
}

impl Error {
    /// A stable name such as `read.empty`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Read(error) => error.code(),
            Error::Split(error) => error.code(),
            Error::Partition(error) => error.code(),
            Error::Model(error) => error.code(),
            Error::Request(error) => error.code(),
            Error::Receipt(error) => error.code(),
            Error::Verify(error) => error.code(),
            Error::Script(error) => error.code(),
            Error::Slices(_) => "slices.count",
            Error::Combine(error) => error.code(),
            Error::Evaluate(error) => error.code(),
            Error::Pipeline(error) => error.code(),
            Error::Execute(error) => error.code(),
            Error::Serve(error) => error.code(),
            Error::Experiment(error) => error.code(),
            Error::Recommender(error) => error.code(),
        }
    }
}

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
