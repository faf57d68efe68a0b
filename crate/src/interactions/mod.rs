//! Interactions in: who touched what. The cleaned rows, in one order that no file decides.

mod archive;
mod config;
mod error;
mod filter;
mod ids;
mod intern;
mod movielens;
mod reader;
mod records;
mod report;
mod rows;
mod sniff;
mod split;
mod synthetic;
#[cfg(test)]
mod tests;
mod titles;
mod values;
mod zip;

pub use archive::{Reader, preview};
pub use config::{ColumnChoice, Delimiter, ReadConfig, Role};
pub use error::{ReadError, SplitError};
pub use filter::k_core;
pub use ids::Ids;
pub use report::{
    ACTIVITY_BINS, DataSummary, FIRST_REJECTIONS, Filtered, Histogram, POPULARITY_BINS, ReadReport, Rejection,
};
pub use rows::{Consent, Fate, Interactions, Row, Triple};
pub use sniff::{Column, Preview};
pub use split::{
    JoinReport, SplitConfig, SplitMethod, SplitReport, join_given, report as split_report, split, split_digest,
};
pub use synthetic::{Size, Synthetic, SyntheticConfig, synthetic, to_csv};
pub use titles::{ItemTitle, ItemTitles};
