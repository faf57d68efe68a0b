//! The experiment: rows, settings, and what has come of them.

use serde::Serialize;
use serde_bytes::Bytes;
use ultrare::experiment::{self, JobOut, Stage};
use wasm_bindgen::prelude::*;

use crate::Reader;
use crate::convert::{from_js, to_js};
use crate::error::refuse;

/// The state that makes jobs and accepts their results. Runs nothing itself.
#[wasm_bindgen]
#[derive(Default)]
pub struct Experiment(pub(crate) experiment::Experiment);

/// A job as JavaScript sees it.
#[derive(Serialize)]
struct JobView<'a> {
    id: u32,
    stage: Stage,
    arm: &'a str,
    shard: Option<u32>,
    weight: f64,
    bytes: &'a Bytes,
}

#[wasm_bindgen]
impl Experiment {
    /// Empty, with default settings.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Experiment::default()
    }

    /// Should every build compute the users' places on a map?
    pub fn show_positions(&mut self, yes: bool) {
        self.0.show_positions(yes);
    }

    /// Tells the time, in seconds on any steady clock.
    pub fn tick(&mut self, now: f64) {
        self.0.tick(now);
    }

    /// How many jobs run at a time, for estimates.
    pub fn set_workers(&mut self, workers: u32) {
        self.0.set_workers(workers);
    }

    /// How long the reading took.
    pub fn note_read(&mut self, seconds: f64) {
        self.0.note_read(seconds);
    }

    /// The settings in force.
    #[wasm_bindgen(unchecked_return_type = "Config")]
    pub fn config(&self) -> Result<JsValue, JsValue> {
        to_js(self.0.config())
    }

    /// Replaces the settings; gives the stages whose results are now stale.
    #[wasm_bindgen(unchecked_return_type = "Stage[]")]
    pub fn configure(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Config")] config: JsValue,
    ) -> Result<JsValue, JsValue> {
        let config = from_js(config, "the settings")?;
        to_js(&self.0.configure(config).map_err(refuse)?)
    }

    /// Takes what the readers have read (and frees them): rows to split, or rows to train on and rows to measure on.
    /// Gives the reports of the files, in that order.
    #[wasm_bindgen(unchecked_return_type = "ReadReport[]")]
    pub fn load(&mut self, rows: Reader, test: Option<Reader>) -> Result<JsValue, JsValue> {
        let (rows, report, titles) = rows.finish(test.is_some())?;
        let (test, test_report) =
            test.map(|test| test.finish(true)).transpose()?.map(|(rows, report, _)| (rows, report)).unzip();
        self.0.load(rows, test, &report, titles.into_map()).map_err(refuse)?;
        to_js(&[Some(report), test_report].into_iter().flatten().collect::<Vec<_>>())
    }

    /// Takes a generated sample.
    pub fn load_sample(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Size")] size: JsValue,
        seed: u32,
    ) -> Result<(), JsValue> {
        self.0.load_sample(from_js(size, "the size")?, seed).map_err(refuse)?;
        Ok(())
    }

    /// Takes the `file` partition's shards from lines of `user,shard`; gives how many users they name and how many shards
    /// they need.
    #[wasm_bindgen(unchecked_return_type = "[number, number]")]
    pub fn read_given(&mut self, text: &str) -> Result<JsValue, JsValue> {
        to_js(&self.0.read_given(text).map_err(refuse)?)
    }

    /// Makes the next build begin from the rows, although nothing changed.
    pub fn restart(&mut self) -> Result<(), JsValue> {
        self.0.restart().map_err(refuse)
    }

    /// Asks for something to be done; queued if something else runs. Gives the ticket that the event of its end names.
    pub fn begin(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Activity")] activity: JsValue,
    ) -> Result<u32, JsValue> {
        self.0.begin(from_js(activity, "the activity")?).map_err(refuse)
    }

    /// Is something under way or queued?
    pub fn running(&self) -> bool {
        self.0.running()
    }

    /// Drops what is under way and what is queued.
    pub fn cancel(&mut self) {
        self.0.cancel();
    }

    /// Jobs that can run now, each handed out once.
    #[wasm_bindgen(unchecked_return_type = "JobOut[]")]
    pub fn jobs(&mut self, parallelism: u32) -> Result<JsValue, JsValue> {
        let jobs = self.0.jobs(parallelism);
        to_js(&jobs.iter().map(JobView::of).collect::<Vec<_>>())
    }

    /// Takes a job's result and its computing time in seconds; gives what happened.
    #[wasm_bindgen(unchecked_return_type = "Event[]")]
    pub fn accept(&mut self, id: u32, result: &[u8], seconds: f64) -> Result<JsValue, JsValue> {
        to_js(&self.0.accept(id, result, seconds).map_err(refuse)?)
    }

    /// What has happened since it was last asked, for activities that end without a job.
    #[wasm_bindgen(unchecked_return_type = "Event[]")]
    pub fn events(&mut self) -> Result<JsValue, JsValue> {
        to_js(&self.0.events())
    }

    /// Users by rule.
    #[wasm_bindgen(unchecked_return_type = "string[]")]
    pub fn select(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Selection")] selection: JsValue,
    ) -> Result<JsValue, JsValue> {
        to_js(&self.0.select(&from_js(selection, "the selection")?).map_err(refuse)?)
    }

    /// The bill of a request, before anything changes.
    #[wasm_bindgen(unchecked_return_type = "Plan")]
    pub fn plan(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Request")] request: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Mode")] mode: JsValue,
    ) -> Result<JsValue, JsValue> {
        let (request, mode) = (from_js(request, "the request")?, from_js(mode, "the mode")?);
        to_js(&self.0.plan(&request, mode).map_err(refuse)?)
    }

    /// The experiment as a file.
    pub fn save(&self) -> Vec<u8> {
        self.0.save()
    }

    /// Replaces the experiment by one that was saved.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), JsValue> {
        self.0.restore(bytes).map_err(refuse)
    }

    /// Everything in numbers.
    #[wasm_bindgen(unchecked_return_type = "Snapshot")]
    pub fn snapshot(&self) -> Result<JsValue, JsValue> {
        to_js(&self.0.snapshot())
    }

    /// The users as they are now.
    #[wasm_bindgen(unchecked_return_type = "UsersView")]
    pub fn users(&self) -> Result<JsValue, JsValue> {
        to_js(&self.0.users().map_err(refuse)?)
    }

    /// One person: rows, shards, lists.
    #[wasm_bindgen(unchecked_return_type = "PersonView")]
    pub fn person(&self, id: &str) -> Result<JsValue, JsValue> {
        to_js(&self.0.person(id).map_err(refuse)?)
    }
}

#[wasm_bindgen]
impl Experiment {
    /// What each shard would have said to one person.
    #[wasm_bindgen(unchecked_return_type = "VoicesView")]
    pub fn voices(&self, id: &str) -> Result<JsValue, JsValue> {
        to_js(&self.0.voices(id).map_err(refuse)?)
    }
}

impl<'a> JobView<'a> {
    fn of(job: &'a JobOut) -> Self {
        let JobOut { id, stage, arm, shard, weight, bytes } = job;
        JobView { id: *id, stage: *stage, arm, shard: *shard, weight: *weight, bytes: Bytes::new(bytes) }
    }
}
