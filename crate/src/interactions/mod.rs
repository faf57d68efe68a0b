//! Interactions in: who touched what. The cleaned rows, in one order that no file decides.

mod archive;
#[cfg(test)]
mod archive_testing;
mod binary;
mod compose;
mod config;
mod contents;
mod dates;
mod encoding;
mod error;
mod filter;
mod finish;
mod gather;
mod identity;
mod ids;
mod inflate;
mod intern;
mod json;
mod learnable;
mod movielens;
mod names;
mod packed;
#[cfg(feature = "parquet")]
mod parquet;
mod people;
mod plan;
mod preview;
mod reader;
mod records;
mod report;
mod roles;
mod rows;
mod shape;
mod sink;
mod sniff;
mod source;
mod split;
mod stats;
mod synthetic;
mod tar;
#[cfg(test)]
mod tests;
mod titles;
mod values;
mod zip;

pub use archive::Reader;
pub use config::{ColumnChoice, Delimiter, Encoding, ReadConfig, Role, Shape, UserSample};
pub use contents::ArchiveEntry;
pub use error::{ReadError, SplitError};
pub use filter::k_core;
pub use ids::Ids;
pub use movielens::titles_of;
#[cfg(feature = "parquet")]
pub use parquet::parquet_lines;
pub(crate) use people::invented_name;
pub(crate) use preview::TAB_ROOM;
pub use preview::{Preview, SizeEstimate, preview, preview_of};
pub use report::{Alike, DataSummary, Filtered, Histogram, ReadReport, Rejection, Swallowed};
pub use roles::{Column, Confidence, Note};
pub use rows::{Consent, Fate, Interactions, Row, Triple};
pub use source::ReadAt;
pub(crate) use split::join_given;
pub(crate) use split::split_digest;
pub use split::{JoinReport, SplitConfig, SplitMethod, SplitReport, Splitter, report as split_report, split};
pub use synthetic::{Size, Synthetic, SyntheticConfig, synthetic, to_csv};
pub use titles::{ItemTitle, ItemTitles};
