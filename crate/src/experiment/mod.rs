//! The experiment: rows, settings and what has come of them. It makes jobs and accepts their outcomes; it never waits,
//! looks at a clock or starts a thread. Whoever drives it runs the jobs ([`task`]) wherever it likes:
//!
//! ```
//! use ultrare::experiment::{Activity, Experiment, Stage, run};
//! use ultrare::interactions::Size;
//!
//! let mut experiment = Experiment::new();
//! experiment.load_sample(Size::Small, 1)?;
//! experiment.begin(Activity::Build { until: Stage::Partition })?;
//! while experiment.running() {
//!     for job in experiment.jobs(1) {
//!         let outcome = run(&job.bytes)?;
//!         experiment.accept(job.id, &outcome, 0.0)?;
//!     }
//! }
//! assert_eq!(experiment.snapshot().partition.unwrap().shards, 10);
//! # Ok::<(), ultrare::Error>(())
//! ```

mod activity;
mod arm;
mod audit;
mod check;
mod config;
mod data;
mod error;
mod event;
mod figures;
mod forgetting;
mod frozen;
mod given;
mod job;
mod jobs;
mod load;
mod queue;
mod receipts;
mod save;
mod sequence;
mod series;
mod show;
mod sound;
mod start;
mod sweep;
mod task;
mod tune;
mod view;
mod voices;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use activity::Activity;
pub use audit::{AuditHistogram, AuditItem, AuditPerson, AuditView};
pub use config::Config;
pub use data::{Data, Layout};
pub use error::ExperimentError;
pub use event::{Event, Stage};
pub use figures::ComparisonView;
pub use given::read_given;
pub use jobs::JobOut;
pub use receipts::{rules, settings};
pub use sequence::{SequenceStep, SequenceView, TwinSummary};
pub use sweep::{SweepConfig, SweepPoint, SweepView};
pub use task::{Step, Task, run, task};
pub use view::{
    DataView, DigestsView, ForgetView, ItemView, PartitionView, PersonView, Phase, ResultView, SavingView, SecondsView,
    ShardView, Snapshot, UsersView,
};

pub use voices::{VoiceView, VoicesView};

use crate::digest::Digest;
use crate::unlearn::Receipt;
use crate::unlearn::receipt::Secret;
use arm::{Arm, Before};
use queue::{Asked, Current};

/// The whole state. Cheap to keep: bulk is shared.
#[derive(Clone, Debug, Default)]
pub struct Experiment {
    config: Config,
    source: load::Source,
    data: Option<Arc<Data>>,
    split: Option<Digest>,
    /// The ensemble that serves: the original one, or the unlearned one after a request.
    serving: Option<Arm>,
    /// Figures of the arms that are not serving, by name.
    others: BTreeMap<String, Arm>,
    /// What the arms are worth, measured once.
    figures: figures::Figures,
    sweep: sweep::Sweep,
    before: Option<Before>,
    forgotten: Option<ForgetView>,
    seconds: SecondsView,
    running: Option<Current>,
    queue: VecDeque<Asked>,
    /// What has happened and was not yet told.
    told: Vec<Event>,
    next_ticket: u32,
    next_id: u32,
    clock: f64,
    /// The first stage that changed settings make stale.
    stale: Option<Stage>,
    positions: bool,
    /// How many run at once, for estimates.
    workers: u32,
    /// Of the requests carried out on these rows.
    receipts: Vec<Receipt>,
    /// What their salts are made of.
    secret: Option<Secret>,
    /// The last sequence of requests.
    sequence: Option<SequenceView>,
    /// The last rehearsal.
    audit: Option<AuditView>,
    /// What the arms are called outside, where this experiment runs inside another.
    label: Option<String>,
}

impl Experiment {
    /// Empty, with default settings.
    pub fn new() -> Self {
        Experiment::default()
    }

    /// Is the run watched? Then every build computes the users' places on a map, even where the partition needs no embedding,
    /// and trainings report one update an epoch. Changes no outcome.
    pub fn show_positions(&mut self, yes: bool) {
        self.positions = yes;
    }

    /// Tells the time, in seconds on any steady clock. Only differences are used, and only to report them.
    pub fn tick(&mut self, now: f64) {
        self.clock = now;
    }

    /// How many jobs run at once, for estimates.
    pub fn set_workers(&mut self, workers: u32) {
        self.workers = workers;
    }

    /// Notes how long the reading took; the reader has no clock.
    pub fn note_read(&mut self, seconds: f64) {
        self.seconds.read = seconds;
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
