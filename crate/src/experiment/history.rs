//! What was changed, checked and tried, and what it came to: figures and digests, no forgotten row.

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::pipeline::{Pipeline, StageSeconds, Store, WorkView};
use crate::unlearn::receipt::Secret;
use crate::unlearn::twin::StageReport;

use super::sweep::Sweep;
use super::{AuditView, ChangeView, SequenceView};

/// What was done on these rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct History {
    /// The last change.
    pub last: Option<LastChange>,
    /// Receipts of all changes as JSON: their settings are free in form, which the saved form is not.
    pub receipts: Vec<String>,
    /// What their salts are made of.
    pub secret: Option<Secret>,
    /// The last sequence of changes.
    pub sequence: Option<SequenceView>,
    /// The last rehearsal.
    pub audit: Option<AuditView>,
    /// The last comparison with a twin.
    pub twin: Vec<StageReport>,
    /// The last sweep.
    pub sweep: Sweep,
    /// Of the last build.
    pub built: StageSeconds,
    /// Of the last change.
    pub changed: StageSeconds,
    /// Of the one model.
    pub retrained: StageSeconds,
    /// What each of them, and the last twin, took to do.
    pub work: WorkDoneView,
    /// Of the reading.
    pub read_seconds: f64,
    /// Making jobs, figures and receipts, of everything so far.
    pub rest_seconds: f64,
}

/// Work that can be held against each other: each until the pipeline could serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct WorkDoneView {
    /// The last build, from the rows.
    pub built: WorkView,
    /// The last change.
    pub changed: WorkView,
    /// The last twin, from the rows as they are: everything again instead of the change. None where none was made since.
    pub twin: Option<WorkView>,
    /// The one model without shards.
    pub retrained: WorkView,
}

/// The last change, and what served before it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct LastChange {
    pub view: ChangeView,
    pub before: Before,
}

/// Digests as they were before a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    pub split: Digest,
    pub partition: Option<Digest>,
    pub shards: Vec<Option<Digest>>,
    pub ensemble: Option<Digest>,
}

impl Before {
    pub fn of(pipeline: &Pipeline, store: &Store) -> Self {
        Before {
            split: pipeline.dataset().digest(),
            partition: pipeline.partition_digest(store),
            shards: shard_digests(pipeline, store),
            ensemble: pipeline.ensemble_digest(store),
        }
    }
}

/// Digests of the sub-models, by shard.
pub(super) fn shard_digests(pipeline: &Pipeline, store: &Store) -> Vec<Option<Digest>> {
    pipeline.sub_models(store).iter().map(|trained| trained.map(|trained| trained.digest)).collect()
}
