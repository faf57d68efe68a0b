//! Measuring: full ranking over the catalogue, per user first, then a mean with an interval.
//!
//! Users are independent: any range of them can be evaluated anywhere and put together with the same bits. Test rows are
//! read here and nowhere else.

mod config;
mod error;
mod groups;
mod metrics;
mod report;

pub use config::EvaluateConfig;
pub use error::EvaluateError;
pub use groups::{Group, activity_groups, shard_groups, touched_groups};
pub use metrics::{METRICS, UserMetrics, evaluate_user};
pub use report::{GroupReport, Interval, Report, report};
