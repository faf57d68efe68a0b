//! What a person does with pipelines: activities, one after another, and views of what came of them. It makes jobs and accepts
//! their outcomes; it never waits, looks at a clock or starts a thread. Whoever drives it runs the jobs wherever it likes,
//! with a [`Runner`](crate::pipeline::Runner):
//!
//! ```
//! use ultrare::experiment::{Activity, Experiment};
//! use ultrare::interactions::Size;
//! use ultrare::pipeline::{Runner, Stage};
//!
//! let mut experiment = Experiment::new();
//! experiment.load_sample(Size::Small, 1)?;
//! experiment.begin(Activity::Build { until: Stage::Partition })?;
//! experiment.drive(&Runner::new())?;
//! assert_eq!(experiment.snapshot().partition.unwrap().shards, 10);
//! # Ok::<(), ultrare::Error>(())
//! ```

mod activity;
mod beside;
mod changes;
mod drive;
pub(crate) mod error;
mod figures;
mod history;
mod load;
mod notice;
mod opinions;
mod parts;
mod people;
mod portraits;
mod queue;
mod receipts;
mod record;
mod rehearsal;
mod save;
mod sequence;
mod series;
mod show;
mod spent;
mod sweep;
mod verify;
mod view;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::pipeline::{Pipeline, Settings, Stage, Store};
use crate::serve::Server;

pub use activity::Activity;
pub use error::ExperimentError;
pub use figures::ComparisonView;
pub use load::{Loaded, Loading};
pub use notice::Notice;
pub use opinions::{OpinionView, OpinionsView};
pub use parts::{AssignmentView, VectorsView};
pub use people::{PersonFigures, figure_names};
pub use receipts::{rules, settings};
pub use rehearsal::{AuditHistogram, AuditItem, AuditPerson, AuditView};
pub use sequence::{SequenceStep, SequenceView, TwinSummary};
pub use spent::{Moment, Spent, SpentView};
pub use sweep::{SweepConfig, SweepPoint, SweepView};
pub use view::{
    BecauseView, ChangeView, DataView, DigestsView, ItemView, PartitionView, PersonView, Phase, ReasonView, ResultView,
    SecondsView, ShardView, Snapshot, UsersView,
};

pub use history::WorkDoneView;

use history::History;
use load::Source;
use queue::Queue;
use record::Record;
use spent::Times;

/// Pipelines, and what has come of them. Cheap to clone: bulk is shared.
#[derive(Clone, Debug, Default)]
pub struct Experiment {
    /// The settings in force.
    settings: Arc<Settings>,
    /// The rows in force under these settings: what a build leads to.
    wanted: Option<Pipeline>,
    /// What was built last: it recommends.
    serving: Option<Pipeline>,
    /// Outcomes by key.
    store: Store,
    /// Figures by name: `original`, `unlearned`, `retrained`, ...
    records: BTreeMap<String, Record>,
    /// What was changed, checked and tried.
    history: History,
    /// Where the rows came from.
    source: Source,
    /// What is under way, and what waits.
    queue: Queue,
    /// Whoever watches.
    watch: Watch,
}

/// What whoever drives it has said of itself. Changes no outcome.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// Are users shown on a map?
    positions: bool,
    /// How many jobs run at once, for estimates.
    workers: u32,
    /// Where the time went.
    times: Times,
    /// Is the next build to begin from the rows, although nothing changed?
    again: bool,
}

impl Experiment {
    /// Empty, with default settings.
    pub fn new() -> Self {
        Experiment::default()
    }

    /// Is the run watched? Then every build computes the users' places on a map, even where the partition needs no embedding,
    /// and trainings report one update an epoch. Changes no outcome.
    pub fn show_positions(&mut self, yes: bool) {
        self.watch.positions = yes;
    }

    /// How many jobs run at once, for estimates.
    pub fn set_workers(&mut self, workers: u32) {
        self.watch.workers = workers;
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Remembers the outcome of a job by its key, from before a reload say. It is believed only when it is asked for and fits.
    pub fn recall(&mut self, key: Digest, outcome: Vec<u8>) {
        self.store.recall(key, outcome);
    }

    /// Keys of the outcomes that are held, ascending: whoever keeps outcomes elsewhere keeps no others.
    pub fn keys(&self) -> impl Iterator<Item = &Digest> {
        self.store.keys()
    }

    /// The bytes that a job names by their digest.
    pub fn blob(&self, digest: &Digest) -> Option<Arc<ByteBuf>> {
        self.queue.blob(digest, &self.store)
    }

    /// What the serving pipeline is called: `unlearned` once something was changed.
    fn serving_name(&self) -> &'static str {
        if self.history.last.is_some() { "unlearned" } else { "original" }
    }

    /// Reads what serves back, to be asked.
    ///
    /// Errors: nothing is trained yet.
    pub fn server(&self) -> crate::Result<Server> {
        Server::new(self.trained("recommending")?, &self.store)
    }

    /// The pipeline that recommends, if it is combined; it may not be measured yet.
    fn trained(&self, what: &'static str) -> crate::Result<&Pipeline> {
        let advice = "train and combine the shards first";
        let missing = ExperimentError::TooEarly { what, needs: "a trained ensemble", advice };
        let combined = |pipeline: &&Pipeline| pipeline.reached(Stage::Combine, &self.store);
        self.serving.as_ref().filter(combined).ok_or(missing.into())
    }
}
