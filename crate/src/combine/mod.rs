//! What turns K sub-models' scores into one score per item.
//!
//! A sub-model can score a user it never trained on, by folding the user's own rows into its item side. So every shard
//! can serve every user, and the loss that comes from dividing the users nearly closes. Combiners use the sub-models and
//! rows that are present, nothing else: after a request they are prepared again from what remains, and equal what would
//! have been prepared had the deleted rows never been there.

mod align;
mod attention;
mod calibrate;
mod config;
mod ensemble;
mod error;
#[cfg(test)]
mod fake_model;
mod joint;
mod logistic;
mod prepared;
mod scorer;
mod shard_scores;

pub use calibrate::standardise;
pub use config::{CombineConfig, CombineMethod, CombinerCard, CombinerRows, CombinerUser, catalogue};
pub use ensemble::{Ensemble, Member, UserRows};
pub use error::CombineError;
pub use prepared::{LogisticReport, Prepared, ShardWeight, prepare, prepare_again};
pub use scorer::Scorer;
