//! Measuring: full ranking over the catalogue, per user first, then a mean with an interval.
//!
//! Users are independent: any range of them can be evaluated anywhere and put together with the same bits. Test rows are
//! read here and nowhere else.

mod baselines;
mod config;
mod decomposition;
mod entropy;
mod error;
mod groups;
mod membership;
mod metrics;
mod overlap;
mod paired;
mod pairwise;
mod report;
mod verdicts;

pub use baselines::{popularity, random_scores};
pub use config::EvaluateConfig;
pub use decomposition::{Decomposition, Estimate, decompose};
pub use error::EvaluateError;
pub use groups::{Group, activity_groups, shard_groups, touched_groups};
pub use membership::{Membership, PopularityOrder, gap, membership, membership_gap, popularity_order};
pub(crate) use metrics::rank;
pub use metrics::{METRICS, UserMetrics, evaluate_user};
pub use overlap::{ListSimilarity, compare_lists, overlap, rank_biased_overlap};
pub use paired::paired_differences;
pub use report::{GroupReport, Interval, Report, group_gap, report};
pub use verdicts::Verdicts;
