//! Measuring: full ranking over the catalogue, per user first, then a mean with an interval.
//!
//! Users are independent: any range of them can be evaluated anywhere and put together with the same bits. Test rows are
//! read here and nowhere else.
//!
//! Lists from anywhere are measured alike:
//!
//! ```
//! use ultrare::evaluate::{EvaluateConfig, evaluate_user, report};
//!
//! let config = EvaluateConfig { cutoffs: vec![2], ..EvaluateConfig::default() };
//! // Scores of four items; item 0 was trained on and is left out, 1 and 3 were held out.
//! let first = evaluate_user(&mut [9.0, 0.8, 0.5, 0.1], &[0], &[1, 3], &config);
//! assert_eq!(first.top, [1, 2]);
//! let second = evaluate_user(&mut [0.2, 0.1, 0.4, 0.9], &[], &[3], &config);
//! let figures = report(&[first, second], &[], 4, &config, 1)?;
//! assert_eq!((figures.users, figures.metrics["recall@2"].mean), (2, 0.75));
//! # Ok::<(), ultrare::evaluate::EvaluateError>(())
//! ```

mod baselines;
mod config;
mod decomposition;
mod entropy;
mod error;
mod exposure;
mod groups;
mod membership;
mod metrics;
mod nearness;
mod overlap;
mod paired;
mod pairwise;
mod report;
mod sample;
mod verdicts;

pub use baselines::{popularity, random_scores};
pub use config::EvaluateConfig;
pub use decomposition::{Decomposition, Estimate, decompose};
pub use error::EvaluateError;
pub use exposure::{Exposure, exposure};
pub use groups::{Group, activity_groups, shard_groups, touched_groups};
pub use membership::{Membership, PopularityOrder, gap, membership, membership_gap, popularity_order};
pub(crate) use metrics::rank;
pub use metrics::{METRICS, UserMetrics, evaluate_user};
pub use nearness::{Asked, auc_difference, place_between};
pub use overlap::{ListSimilarity, MovedLists, compare_lists, moved_lists, overlap, rank_biased_overlap};
pub use paired::paired_differences;
pub use report::{GroupReport, Interval, Report, group_gap, report};
pub use sample::Sample;
pub use verdicts::Verdicts;
