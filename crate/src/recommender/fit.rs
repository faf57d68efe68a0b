//! The recommender itself.

use std::sync::{Arc, OnceLock};

use crate::Digest;
use crate::error::Result;
use crate::execute::{Control, Executor, Inline};
use crate::experiment::{Activity, Experiment, Moment, Notice, ResultView, ShardView, Snapshot};
use crate::pipeline::{Settings, Stage};
use crate::serve::{Explanation, List, Query, Server};
use crate::unlearn::{Change, Mode, Receipt};

use super::{Accepted, Bill, RecommenderError, Rows};

/// A trained ensemble with its rows: recommends, forgets, adds, and writes receipts.
///
/// ```
/// use ultrare::{Change, Recommender, Settings};
///
/// let rows = ultrare::sample(1)?;
/// let mut recommender = Recommender::fit(&rows, &Settings::default())?;
/// let bill = recommender.plan(&Change::forget_users(["u017"]))?;
/// assert!(bill.rows_to_train < 3_000 && bill.touched.len() == 1);
/// let receipt = recommender.apply(bill.accept())?;
/// let top = recommender.recommend("u042", 20)?;
/// assert_eq!(top.items.len(), 20);
/// receipt.verify(&rows)?;
/// # Ok::<(), ultrare::Error>(())
/// ```
#[derive(Debug)]
pub struct Recommender {
    experiment: Experiment,
    /// Read back at the first question; gone with every change.
    server: OnceLock<Arc<Server>>,
}

impl Recommender {
    /// Divides the users, trains a sub-model per shard and combines them, here and now.
    ///
    /// Errors: settings out of range; rows that no ensemble can be built of. Both are said before any work.
    pub fn fit(rows: &Rows, settings: &Settings) -> Result<Self> {
        Recommender::fit_on(&Inline::new(), &Control::new(), rows, settings)
    }

    /// [`Recommender::fit`] on an executor. The result is the same, bit for bit.
    ///
    /// Errors: as [`Recommender::fit`]; those of the executor; a cancellation.
    pub fn fit_on(executor: &dyn Executor, control: &Control<'_>, rows: &Rows, settings: &Settings) -> Result<Self> {
        let mut experiment = Experiment::new();
        experiment.configure(settings.clone())?;
        experiment.load(rows.loaded.clone())?;
        Recommender::build(experiment, executor, control)
    }

    /// From an experiment with rows and settings; what is missing is built.
    ///
    /// Errors: as [`Recommender::fit_on`]; no rows.
    pub fn build(mut experiment: Experiment, executor: &dyn Executor, control: &Control<'_>) -> Result<Self> {
        experiment.tick(Moment::of(executor));
        experiment.begin(Activity::Build { until: Stage::Combine })?;
        drive(&mut experiment, executor, control)?;
        Ok(Recommender { experiment, server: OnceLock::new() })
    }

    /// The bill of a change under the kept partition, before anything changes. O(rows).
    ///
    /// Errors: an added row that is none; a filter or a split that would leave nothing to train on.
    pub fn plan(&self, change: &Change) -> Result<Bill> {
        self.plan_in(change, Mode::Frozen)
    }

    /// [`Recommender::plan`], with a say in what happens to the partition.
    ///
    /// Errors: as [`Recommender::plan`].
    pub fn plan_in(&self, change: &Change, mode: Mode) -> Result<Bill> {
        Ok(Bill { proposal: Box::new(self.experiment.propose(change, mode)?) })
    }

    /// Carries out a change whose bill was accepted: touched shards are trained from their beginning on what remains, nothing
    /// of what was forgotten is kept, and a receipt is written. An error or a cancellation leaves everything as it was.
    ///
    /// Errors: names that occur nowhere, or nothing to change; a bill of rows that have changed since.
    pub fn apply(&mut self, accepted: Accepted) -> Result<Receipt> {
        self.apply_on(&Inline::new(), &Control::new(), accepted)
    }

    /// [`Recommender::apply`] on an executor.
    ///
    /// Errors: as [`Recommender::apply`]; those of the executor; a cancellation.
    pub fn apply_on(&mut self, executor: &dyn Executor, control: &Control<'_>, accepted: Accepted) -> Result<Receipt> {
        // Whoever measures wants to know what the change has cost in accuracy, and has it in the receipt.
        let goal = if self.experiment.measured() { Stage::Evaluate } else { Stage::Combine };
        let before = self.experiment.receipts().len();
        self.experiment.tick(Moment::of(executor));
        self.experiment.carry_out(*accepted.proposal, goal)?;
        drive(&mut self.experiment, executor, control)?;
        self.server = OnceLock::new();
        let written = self.experiment.receipts().into_iter().nth(before);
        Ok(written.ok_or_else(|| RecommenderError::Refused("the change ended without a receipt".into()))?)
    }

    /// Measures the ensemble on the rows that were held out. From then on every change is measured too, and receipts hold the
    /// figures.
    ///
    /// Errors: as those of the executor.
    pub fn evaluate(&mut self) -> Result<ResultView> {
        self.evaluate_on(&Inline::new(), &Control::new())
    }

    /// [`Recommender::evaluate`] on an executor.
    ///
    /// Errors: those of the executor; a cancellation; no test row.
    pub fn evaluate_on(&mut self, executor: &dyn Executor, control: &Control<'_>) -> Result<ResultView> {
        self.experiment.tick(Moment::of(executor));
        self.experiment.begin(Activity::Build { until: Stage::Evaluate })?;
        let notices = drive(&mut self.experiment, executor, control)?;
        let result = notices.into_iter().rev().find_map(|notice| match notice {
            Notice::Evaluated { result, .. } if result.users > 0 => Some(result),
            _ => None,
        });
        let none = "there is no row that was held out: nothing can be measured. Hold some out with settings.split.test";
        Ok(result.ok_or_else(|| RecommenderError::Refused(none.to_owned()))?)
    }

    /// What answers questions: read back once and shared, so that threads can ask it while this recommender is changed.
    ///
    /// Errors: nothing is left, after everything was forgotten.
    pub fn server(&self) -> Result<Arc<Server>> {
        if let Some(server) = self.server.get() {
            return Ok(server.clone());
        }
        let server = Arc::new(self.experiment.server()?);
        Ok(self.server.get_or_init(|| server).clone())
    }

    /// The best items of somebody: [`Server::recommend`].
    ///
    /// Errors: nothing is left, after everything was forgotten; the same for all questions.
    pub fn recommend(&self, user: &str, query: impl Into<Query>) -> Result<List> {
        self.server()?.recommend(user, &query.into())
    }

    /// The best items of many: [`Server::recommend_all`].
    pub fn recommend_all(&self, users: &[&str], query: impl Into<Query>) -> Result<Vec<List>> {
        self.server()?.recommend_all(users, &query.into())
    }

    /// The best items of a visitor who shows some: [`Server::recommend_for`].
    pub fn recommend_for(&self, rows: &[(&str, f32)], query: impl Into<Query>) -> Result<List> {
        self.server()?.recommend_for(rows, &query.into())
    }

    /// What goes with an item: [`Server::similar`].
    pub fn similar(&self, item: &str, query: impl Into<Query>) -> Result<List> {
        self.server()?.similar(item, &query.into())
    }

    /// Which of somebody's own rows lead to an item: [`Server::explain`].
    pub fn explain(&self, user: &str, item: &str) -> Result<Explanation> {
        self.server()?.explain(user, item)
    }

    /// Which of a visitor's rows lead to an item: [`Server::explain_for`].
    pub fn explain_for(&self, rows: &[(&str, f32)], item: &str) -> Result<Explanation> {
        self.server()?.explain_for(rows, item)
    }

    /// The shards that hold training rows of somebody; empty for somebody who is not there.
    pub fn shards_of(&self, user: &str) -> Result<Vec<u32>> {
        let (rows, assignment) = (self.experiment.rows()?, self.experiment.assignment()?);
        Ok(rows.users().find(user).map_or_else(Vec::new, |user| assignment.shards_of_user(rows, user)))
    }

    /// What can be said of a shard: sizes, epochs, digest.
    pub fn shard(&self, shard: u32) -> Option<ShardView> {
        self.snapshot().shards.into_iter().nth(shard as usize)
    }

    /// Everything in numbers.
    pub fn snapshot(&self) -> Snapshot {
        self.experiment.snapshot()
    }

    /// Digest of all that serves: equal wherever the same rows, settings and seed were used. None once nothing is left.
    pub fn digest(&self) -> Option<Digest> {
        let digests = self.experiment.snapshot().digests;
        digests.ensemble_after.or(digests.ensemble_before)
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        self.experiment.settings()
    }

    /// Receipts of all changes that were applied, the first first.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.experiment.receipts()
    }

    /// Everything as bytes, the rows included: as private as the file they came from, and without a trace of what was
    /// forgotten. The command line and the page open the same bytes.
    pub fn save(&self) -> Vec<u8> {
        self.experiment.save()
    }

    /// Reads saved bytes back.
    ///
    /// Errors: bytes of something else, of another version, or damaged; an experiment that was not trained.
    pub fn restore(bytes: &[u8]) -> Result<Self> {
        let mut experiment = Experiment::new();
        experiment.restore(bytes)?;
        experiment.server()?;
        Ok(Recommender { experiment, server: OnceLock::new() })
    }

    /// What it is made of, to look at.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// What it is made of, for whatever else is done with rows and shards.
    pub fn into_experiment(self) -> Experiment {
        self.experiment
    }
}

/// Carries out what was begun; what was refused on the way is an error here.
fn drive(experiment: &mut Experiment, executor: &dyn Executor, control: &Control<'_>) -> Result<Vec<Notice>> {
    let notices = experiment.drive_on(executor, control)?;
    let refused = notices.iter().find_map(|notice| match notice {
        Notice::Refused { message, .. } => Some(message.clone()),
        _ => None,
    });
    refused.map_or(Ok(notices), |message| Err(RecommenderError::Refused(message).into()))
}
