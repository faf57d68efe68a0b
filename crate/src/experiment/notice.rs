//! What whoever watches an experiment is told: what happens in pipelines, and what becomes of what was asked for.

use serde::{Deserialize, Serialize};

use crate::pipeline::Event;
use crate::unlearn::Verdict;

use super::sweep::SweepPoint;
use super::view::{PartitionView, ResultView, ShardView};

/// One thing that is told. Not saved and not part of any digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// The partition is made.
    Divided {
        /// Its sizes and objective.
        partition: PartitionView,
    },
    /// A sub-model is trained.
    Trained {
        /// Which pipeline.
        pipeline: String,
        /// What became of it.
        shard: ShardView,
    },
    /// A pipeline is measured.
    Evaluated {
        /// Which pipeline.
        pipeline: String,
        /// Its figures.
        result: ResultView,
    },
    /// A point of a sweep is measured.
    Swept {
        /// Its figures.
        point: SweepPoint,
    },
    /// Receipts were checked.
    Verified {
        /// What was found.
        verdict: Verdict,
    },
    /// An activity ended.
    Finished {
        /// `build`, `change`, `compare`, ...
        activity: String,
        /// The one that was given when it was asked for.
        ticket: u32,
    },
    /// An activity that had waited for its turn could not be begun, or not be ended. The experiment is as it was before it.
    Refused {
        /// `build`, `change`, `compare`, ...
        activity: String,
        /// The one that was given when it was asked for.
        ticket: u32,
        /// A stable name, for programs.
        code: String,
        /// For people.
        message: String,
    },
    /// Something in a pipeline.
    #[serde(untagged)]
    Work(Event),
}

impl From<Event> for Notice {
    fn from(event: Event) -> Self {
        Notice::Work(event)
    }
}
