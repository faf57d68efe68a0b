//! What receipts refuse, in words.

use serde_json::error::Category;
use thiserror::Error;

use super::version::{FORMAT, VERSION, code_version};
use crate::numerics::digest::Digest;

/// Shards that do not fit their rows: what is wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the partition does not belong to these rows: {0}")]
pub struct SideError(pub String);

/// Why a text is not a receipt that can be trusted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It ends too early.
    #[error("the receipt is cut off: it ends in line {line}, column {column}. Get the whole file again")]
    Truncated {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
    /// No JSON.
    #[error("this is no receipt: line {line}, column {column} is no JSON ({reason})")]
    Syntax {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// In the parser's words.
        reason: String,
    },
    /// JSON of another kind.
    #[error("this is no receipt: `format` must be \"{FORMAT}\", not {found}")]
    Foreign {
        /// What stands there.
        found: String,
    },
    /// The first version, which is no longer read.
    #[error(
        "this is a receipt of version 1, which listed shards in the order of ids and so gave people away; this code ({}) \
         reads version {VERSION} only. Do not hand it on: have the request's receipt written anew",
        code_version()
    )]
    Old,
    /// Another version.
    #[error("this is a receipt of version {found}; this code ({}) reads version {VERSION}", code_version())]
    Version {
        /// What stands there.
        found: String,
    },
    /// A member is missing, too much, or not of its kind.
    #[error("this is no valid receipt: {reason} (line {line}, column {column})")]
    Member {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// Which member, and what is wrong.
        reason: String,
    },
    /// Something was changed after it was sealed.
    #[error("the receipt was changed after it was written: its digest says {stated}, its content gives {found}")]
    Changed {
        /// The digest it holds.
        stated: Digest,
        /// The digest of its content.
        found: Digest,
    },
    /// It cannot be written as JSON: a figure is not finite.
    #[error("a receipt cannot be written: {reason}")]
    Unwritable {
        /// Which figure.
        reason: String,
    },
    /// The shards of one side are not of its rows.
    #[error(transparent)]
    Side(#[from] SideError),
}

impl ReceiptError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ReceiptError::Truncated { .. } => "receipt.truncated",
            ReceiptError::Syntax { .. } => "receipt.syntax",
            ReceiptError::Foreign { .. } => "receipt.foreign",
            ReceiptError::Old | ReceiptError::Version { .. } => "receipt.version",
            ReceiptError::Member { .. } => "receipt.member",
            ReceiptError::Changed { .. } => "receipt.changed",
            ReceiptError::Unwritable { .. } => "receipt.unwritable",
            ReceiptError::Side(_) => "receipt.side",
        }
    }

    pub(super) fn of(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line() as u32, error.column() as u32);
        // The place follows in our own words.
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
        match error.classify() {
            Category::Eof => ReceiptError::Truncated { line, column },
            Category::Data => ReceiptError::Member { line, column, reason },
            Category::Syntax | Category::Io => ReceiptError::Syntax { line, column, reason },
        }
    }
}

/// Why rows and receipts do not go together.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// No receipt was given.
    #[error("give at least one receipt")]
    Nothing,
    /// Not the rows it is about.
    #[error(
        "these {found} rows are not the ones the receipt is about: receipt {number} is about {before} rows before and \
         {after} after, and its salt opens with exactly those only. A changed, missing or additional row, or another \
         reading (columns, threshold, filters, split) is enough; for a later receipt the earlier ones are needed as well, \
         or the rows of its own day. {holds}"
    )]
    Rows {
        /// The receipt's number.
        number: u32,
        /// Rows given.
        found: u32,
        /// Rows before, by the receipt.
        before: u32,
        /// Rows after, by the receipt.
        after: u32,
        /// What holds nevertheless.
        holds: String,
    },
    /// The shards it lists are not of these rows.
    #[error("receipt {number}, {moment}: {reason}")]
    Assignment {
        /// The receipt's number.
        number: u32,
        /// Which side.
        moment: super::Moment,
        /// What does not fit.
        reason: SideError,
    },
    /// Settings that this code cannot follow.
    #[error("receipt {number}: {reason}")]
    Settings {
        /// The receipt's number.
        number: u32,
        /// In the words of whoever trains.
        reason: String,
    },
}

impl VerifyError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            VerifyError::Nothing => "verify.nothing",
            VerifyError::Rows { .. } => "verify.rows",
            VerifyError::Assignment { .. } => "verify.partition",
            VerifyError::Settings { .. } => "verify.settings",
        }
    }
}
