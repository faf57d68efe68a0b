//! What the experiment shows of itself: the page's snapshot and the command line's JSON are this one type.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineMethod, LogisticReport};
use crate::evaluate::{Decomposition, Exposure, GroupReport, Interval};
use crate::model::{ModelConfig, ModelName, StopReason};
use crate::numerics::digest::Digest;
use crate::partition::Method;

use crate::pipeline::{Settings, Stage};
use crate::unlearn::twin::StageReport;
use crate::unlearn::{SavingView, Taint};

use super::figures::ComparisonView;
use super::spent::SpentView;
use super::sweep::SweepView;
use super::{AuditView, SequenceView, WorkDoneView};

/// How far the experiment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No rows yet.
    #[default]
    Empty,
    /// Rows are there.
    Data,
    /// Users have shards.
    Divided,
    /// Sub-models are trained and measured.
    Trained,
    /// There is something to compare with.
    Compared,
}

/// The rows in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct DataView {
    /// Distinct users.
    pub users: u32,
    /// Distinct items.
    pub items: u32,
    /// Rows trained on, validation rows included.
    pub train_rows: u32,
    /// Those of them that are held out for validation first.
    pub validation_rows: u32,
    /// Rows measured on.
    pub test_rows: u32,
    /// Users who have test rows only: they are in no shard and are left out of the figures.
    pub users_without_train: u32,
    /// Rows that the filter leaves out.
    pub filtered: u32,
    /// Rows that were refused, by reason.
    pub rejected: BTreeMap<String, u32>,
    /// Users with training rows who consent to being an anchor; `None` where the file has no such column.
    pub consenting: Option<u32>,
}

/// The partition in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct PartitionView {
    /// How it was made.
    pub method: Method,
    /// Number of shards.
    pub shards: u32,
    /// Per shard.
    pub users_per_shard: Vec<u32>,
    /// Per shard.
    pub rows_per_shard: Vec<u32>,
    /// Users a shard may hold when all are equal: ceil(n / K).
    pub capacity: u32,
    /// Within-cluster sum of squares of the embedding; 0 where there is none.
    pub within_ss: f64,
    /// Iterations of the kept restart.
    pub iterations: u32,
    /// Most rows in a shard by fewest: how unequal the work of retraining is.
    pub work_ratio: f64,
    /// Mean silhouette of a sample of users, -1 to 1 (Rousseeuw 1987); none without vectors or where rows are divided.
    pub silhouette: Option<f64>,
    /// Share of users in the shard where most users of their planted group are; none for data without planted groups.
    pub purity: Option<f64>,
    /// Agreement with the planted groups, 0 by chance and 1 for the same division (Hubert and Arabie 1985).
    pub adjusted_rand: Option<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// One shard and its sub-model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ShardView {
    /// Its number.
    pub shard: u32,
    /// Users with a row in it.
    pub users: u32,
    /// Rows.
    pub rows: u32,
    /// Items with a row in it.
    pub items: u32,
    /// Epochs trained, those of the second fit included.
    pub epochs: u32,
    /// The epoch with the best figure on the shard's own validation rows, for models that stop on one.
    pub best_epoch: Option<u32>,
    /// That figure, NDCG@20.
    pub best_metric: Option<f32>,
    /// Why training stopped; none while it is untrained or empty.
    pub stop: Option<StopReason>,
    /// What was chosen from its rows where a knob was left out, and why, in words.
    pub chosen: Option<String>,
    /// Computing time of its training.
    pub seconds: f64,
    /// Was it trained again at the last request?
    pub touched: bool,
    /// Digest of its sub-model.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub digest: Option<Digest>,
    /// The digest before the last request.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub digest_before: Option<Digest>,
}

/// A pipeline's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ResultView {
    /// By name, such as `ndcg@20`.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Interval>"))]
    pub metrics: BTreeMap<String, Interval>,
    /// `coverage@20`, ...: share of the catalogue that stands in somebody's list.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, number>"))]
    pub coverage: BTreeMap<String, f64>,
    /// How the first twenty places spread over the catalogue.
    pub exposure: Exposure,
    /// Users measured.
    pub users: u32,
    /// Users who could be measured: more than those who were, where a sample stands for all of them.
    pub users_with_test: u32,
    /// Users left out because they have no test row.
    pub users_without_test: u32,
    /// Items that no sub-model has seen and nobody can be told of; none where the sub-models are no longer kept.
    pub unknown_items: Option<u32>,
    /// `active` and `inactive`; after a request `touched` and `untouched`; `shard 0`, ...: users of the serving ensemble's shards.
    pub groups: Vec<GroupReport>,
    /// How much better active users are served than inactive ones.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Interval>"))]
    pub gap: BTreeMap<String, Interval>,
    /// Standard deviation of NDCG@20 (or at the longest list) between the means of the shards; none with fewer than two.
    pub between_shards: Option<f64>,
    /// What `logistic` learned: how much each shard counts. None for other combiners.
    pub logistic: Option<LogisticReport>,
    /// Relevance, redundancy and combination loss, once taken apart.
    pub decomposition: Option<Decomposition>,
    /// Wall time of training (and combining) what was trained for it.
    pub seconds: f64,
    /// Computing seconds of everything done for it, on however many cores.
    pub work: f64,
    /// Sub-models trained for it.
    pub shards_trained: u32,
    /// The combiner that was asked for; a note says if another had to serve.
    pub combiner: CombineMethod,
    /// The sub-models; none for a baseline without any.
    pub model: Option<ModelName>,
    /// How users were divided; none where they were not.
    pub partition: Option<Method>,
}

/// What was changed last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ChangeView {
    /// How it was done: in one batch, with the partition frozen.
    pub protocol: String,
    /// Users forgotten as a whole.
    pub users: u32,
    /// Users who came.
    pub users_added: u32,
    /// Rows forgotten, test rows included.
    pub rows: u32,
    /// Rows that came.
    pub rows_added: u32,
    /// Shards that were trained again.
    pub touched_shards: Vec<u32>,
    /// Names of the request that are not in the data.
    pub unknown: Vec<String>,
    /// Stages that may still depend on what is gone, as the plan said.
    pub taints: Vec<Taint>,
    /// What checkpoints or counts saved; none where every touched shard began from initialisation.
    pub saving: Option<SavingView>,
}

/// Digest per stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct DigestsView {
    /// Rows and their fates.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub split: Option<Digest>,
    /// Rows and their fates after the last request.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub split_after: Option<Digest>,
    /// Row to shard.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub partition: Option<Digest>,
    /// Row to shard after the last request.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub partition_after: Option<Digest>,
    /// Sub-models before the last request (or as they are, if there was none); none for an emptied shard.
    #[cfg_attr(feature = "ts", tsify(type = "(string | undefined)[]"))]
    pub shards_before: Vec<Option<Digest>>,
    /// Sub-models after it; empty if there was none.
    #[cfg_attr(feature = "ts", tsify(type = "(string | undefined)[]"))]
    pub shards_after: Vec<Option<Digest>>,
    /// Sub-models and combiner together.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub ensemble_before: Option<Digest>,
    /// The same after the last request.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub ensemble_after: Option<Digest>,
    /// The one model on all remaining rows, for comparing machines.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub retrained: Option<Digest>,
}

/// Wall seconds per stage, as the driver's clock saw them; `unlearn` is what went by until the ensemble served again after the
/// last change, `retrain` the same for the one model, `rest` the making of jobs, figures and receipts in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default)]
#[allow(missing_docs)]
pub struct SecondsView {
    pub read: f64,
    pub embed: f64,
    pub partition: f64,
    pub train: f64,
    pub combine: f64,
    pub evaluate: f64,
    pub unlearn: f64,
    pub retrain: f64,
    pub rest: f64,
    /// Computing seconds of the last build's jobs.
    pub work: f64,
    /// Computing seconds of the last change's jobs.
    pub unlearn_work: f64,
    /// Computing seconds of the one model's jobs.
    pub retrain_work: f64,
    /// Everything since the rows were loaded, by name: together what whoever drives it has waited for.
    pub spent: Vec<SpentView>,
}

/// The whole state in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Snapshot {
    /// The library's version.
    pub version: String,
    /// How far it is.
    pub phase: Phase,
    /// The settings in force.
    pub settings: Settings,
    /// The model's settings with every knob filled in, as one model on all training rows would have them; a shard that has
    /// fewer users than that has factors, or another penalty where that follows the data, uses its own.
    pub model: ModelConfig,
    /// The rows as loaded.
    pub data: Option<DataView>,
    /// The partition.
    pub partition: Option<PartitionView>,
    /// The shards as they are now.
    pub shards: Vec<ShardView>,
    /// By pipeline: `original`, `unlearned`, `retrained`, ...; all measured on the users that remain.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, ResultView>"))]
    pub results: BTreeMap<String, ResultView>,
    /// What serves against every other pipeline, user by user.
    pub comparisons: Vec<ComparisonView>,
    /// Accuracy against the cost of unlearning, as far as it was measured for these rows and settings.
    pub sweep: Option<SweepView>,
    /// The last change.
    pub change: Option<ChangeView>,
    /// Digests.
    pub digests: DigestsView,
    /// Times.
    pub seconds: SecondsView,
    /// Work until serving, which no pace and no number of cores changes.
    pub work: WorkDoneView,
    /// Partitions of the pipelines beside the one that serves, by name.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, PartitionView>"))]
    pub others: BTreeMap<String, PartitionView>,
    /// Stages whose outcomes are missing for the settings in force: what a build would do.
    pub stale: Vec<Stage>,
    /// Unlearned against the twin, stage by stage; empty until the twin was made.
    pub twin: Vec<StageReport>,
    /// The last sequence of requests; none before one was begun.
    pub sequence: Option<SequenceView>,
    /// The last rehearsal of a request: what an attacker could tell; none before one was run.
    pub audit: Option<AuditView>,
    /// Receipts written so far.
    pub receipts: u32,
    /// Sentences worth reading, such as a combiner that fell back.
    pub notes: Vec<String>,
}

/// The users as they are now, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct UsersView {
    /// External ids.
    pub ids: Vec<String>,
    /// What each is called, where the people are invented; else empty.
    pub names: Vec<String>,
    /// Is each an anchor, whose going may move others? Empty unless the partition in force has anchors.
    pub anchors: Vec<bool>,
    /// Somebody to begin with: rather active, and no anchor.
    pub suggested: Option<String>,
    /// Training rows of each.
    pub train_rows: Vec<u32>,
    /// Index of each when the file was loaded.
    pub handles: Vec<u32>,
    /// Shard of each user's first training row; 65535 where there is none.
    pub shard_of: Vec<u16>,
}

/// One item in someone's rows or list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ItemView {
    /// External id.
    pub item: String,
    /// Title, where the data has one; else the id.
    pub title: String,
    /// Rating, or 1.
    pub value: f32,
    /// Is it one of the person's test items?
    pub test: bool,
}

/// One person: the rows and what each pipeline recommends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct PersonView {
    /// External id.
    pub id: String,
    /// What the person is called, where people are invented; else the id.
    pub name: String,
    /// Shards that hold rows of the person.
    pub shards: Vec<u32>,
    /// The person's rows.
    pub rows: Vec<ItemView>,
    /// Top of the list per pipeline, best first.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, ItemView[]>"))]
    pub lists: BTreeMap<String, Vec<ItemView>>,
    /// Why the first items of the serving ensemble's list are there; empty where its scores are no sum over the person's rows.
    pub reasons: Vec<ReasonView>,
}

/// Why an item is recommended: the rows of the person that add most to its score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ReasonView {
    /// The item.
    pub item: String,
    /// The rows that speak for it most, the strongest first.
    pub because: Vec<BecauseView>,
}

/// One row of the person, and what it adds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct BecauseView {
    /// Its item.
    pub item: String,
    /// The item's title, or its id.
    pub title: String,
    /// Its share of everything that speaks for the recommended item, 0 to 1.
    pub share: f32,
}
