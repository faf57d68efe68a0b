//! What the pipeline refuses.

use thiserror::Error;

/// Why a pipeline cannot be made or advanced; nothing has changed when one of these is returned.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PipelineError {
    /// Bytes of something else.
    #[error("these bytes are not {what} of this version of ultrare")]
    Foreign {
        /// What was expected.
        what: &'static str,
    },
    /// Bytes that break off or do not fit together.
    #[error("{what} is damaged: {reason}")]
    Damaged {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A job of another version: its outcome would be other bytes.
    #[error("this job was made by ultrare {found}, and this is {own}: use one version wherever its jobs run")]
    OtherVersion {
        /// The version that made it.
        found: String,
        /// This one.
        own: &'static str,
    },
    /// A job whose large inputs are not at hand.
    #[error("a job needs an input that was not given: {digest}")]
    Lacking {
        /// The first of them.
        digest: String,
    },
    /// A result for a job that is not waited for, such as one of a cancelled activity.
    #[error("no job {id} is waited for")]
    UnknownJob {
        /// Its number.
        id: u32,
    },
    /// An assignment of other rows.
    #[error("the partition does not belong to these rows: {reason}")]
    Assignment {
        /// What does not fit, and where.
        reason: String,
    },
    /// An assignment file that cannot be used.
    #[error("{place}: {problem}")]
    AssignmentFile {
        /// Where.
        place: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// Rows on which nothing can be built.
    #[error("{0}")]
    Unusable(String),
}

impl PipelineError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            PipelineError::Foreign { .. } => "pipeline.foreign",
            PipelineError::Damaged { .. } => "pipeline.damaged",
            PipelineError::OtherVersion { .. } => "pipeline.other_version",
            PipelineError::Lacking { .. } => "pipeline.lacking",
            PipelineError::UnknownJob { .. } => "pipeline.unknown_job",
            PipelineError::Assignment { .. } => "pipeline.assignment",
            PipelineError::AssignmentFile { .. } => "pipeline.assignment_file",
            PipelineError::Unusable(_) => "pipeline.unusable",
        }
    }
}
