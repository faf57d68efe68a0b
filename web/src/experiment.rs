//! The experiment: rows, settings, and what has come of them.

use serde::Serialize;
use serde_bytes::Bytes;
use ultrare::Digest;
use ultrare::experiment::{self, Loaded};
use ultrare::interactions::ReadReport;
use ultrare::pipeline::{JobOut, PipelineError, Stage};
use ultrare::unlearn::Change;
use wasm_bindgen::prelude::*;

use crate::Reader;
use crate::convert::{digest, from_js, to_js};
use crate::error::{refuse, refused};

/// The state that makes jobs and accepts their results. Runs nothing itself.
#[wasm_bindgen]
#[derive(Default)]
pub struct Experiment(pub(crate) experiment::Experiment);

/// Rows on their way into an experiment: freed by `take_loaded`, or to be freed.
#[wasm_bindgen]
pub struct Loading {
    loading: experiment::Loading,
    reports: Vec<ReadReport>,
}

#[wasm_bindgen]
impl Loading {
    /// Goes on for some hundredths of a second. True once there is nothing left but `take_loaded`.
    pub fn step(&mut self) -> bool {
        self.loading.step()
    }
}

/// A saved experiment on its way out: large, so that it is better never there twice. Free it at the end.
#[wasm_bindgen]
pub struct Saving(Vec<u8>);

#[wasm_bindgen]
impl Saving {
    /// Bytes of the whole.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// The bytes from one place up to another.
    pub fn part(&self, from: usize, to: usize) -> Result<Vec<u8>, JsValue> {
        let outside = || refused("binding.saving", "there is no such part");
        Ok(self.0.get(from..to).ok_or_else(outside)?.to_vec())
    }
}

/// A job as JavaScript sees it.
#[derive(Serialize)]
struct JobView<'a> {
    id: u32,
    key: Digest,
    stage: Stage,
    pipeline: &'a str,
    shard: Option<u32>,
    weight: f64,
    body: &'a Bytes,
    inputs: &'a [Digest],
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

    /// Tells the time, in seconds on any steady clock: before and after whatever takes long.
    pub fn tick(&mut self, now: f64) {
        self.0.tick(now);
    }

    /// What goes by until the next tick is spent on this.
    pub fn doing(&mut self, #[wasm_bindgen(unchecked_param_type = "Spent")] what: JsValue) -> Result<(), JsValue> {
        self.0.doing(from_js(what, "what time is spent on")?);
        Ok(())
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
    #[wasm_bindgen(unchecked_return_type = "Settings")]
    pub fn settings(&self) -> Result<JsValue, JsValue> {
        to_js(self.0.settings())
    }

    /// The settings in force with another model, partition or combiner where one is named: knobs that both have stay.
    #[wasm_bindgen(unchecked_return_type = "Settings")]
    pub fn choosing(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ModelName | undefined")] model: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Method | undefined")] partition: JsValue,
        #[wasm_bindgen(unchecked_param_type = "CombineMethod | undefined")] combine: JsValue,
    ) -> Result<JsValue, JsValue> {
        let model = from_js(model, "the model's name")?;
        let (partition, combine) =
            (from_js(partition, "the partition's method")?, from_js(combine, "the combiner's method")?);
        to_js(&self.0.settings().choosing(model, partition, combine))
    }

    /// Replaces the settings; gives the stages whose results are now stale.
    #[wasm_bindgen(unchecked_return_type = "Stage[]")]
    pub fn configure(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Settings")] settings: JsValue,
    ) -> Result<JsValue, JsValue> {
        let settings = from_js(settings, "the settings")?;
        to_js(&self.0.configure(settings).map_err(refuse)?)
    }

    /// Begins to take what the readers have read (and frees them): rows to split, or rows to train on and rows to measure on.
    /// `k_core` goes into the settings with them, where it is given. What is there stays until `take_loaded`.
    pub fn loading(&self, rows: Reader, test: Option<Reader>, k_core: Option<u32>) -> Result<Loading, JsValue> {
        let (rows, report, titles) = rows.finish(test.is_some())?;
        let (test, test_report) =
            test.map(|test| test.finish(true)).transpose()?.map(|(rows, report, _)| (rows, report)).unzip();
        let titles = titles.into_map();
        let loading = self.0.loading(Loaded { test, k_core, titles, ..Loaded::of(rows, &report) }).map_err(refuse)?;
        Ok(Loading { loading, reports: [Some(report), test_report].into_iter().flatten().collect() })
    }

    /// Takes what was loaded (and frees it). Gives the reports of the files, in their order.
    #[wasm_bindgen(unchecked_return_type = "ReadReport[]")]
    pub fn take_loaded(&mut self, loaded: Loading) -> Result<JsValue, JsValue> {
        let Loading { loading, mut reports } = loaded;
        self.0.take_loaded(loading).map_err(refuse)?;
        if let Some(report) = reports.first_mut() {
            report.notes.extend(self.0.too_large());
        }
        to_js(&reports)
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
    pub fn read_assignment_file(&mut self, text: &str) -> Result<JsValue, JsValue> {
        to_js(&self.0.read_assignment_file(text).map_err(refuse)?)
    }

    /// Makes the next build begin from the rows, although nothing changed.
    pub fn restart(&mut self) -> Result<(), JsValue> {
        self.0.restart().map_err(refuse)
    }

    /// Asks for something to be done; queued if something else runs. Gives the ticket that the notice of its end names.
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

    /// Drops what has this ticket; what else was asked for goes on.
    pub fn cancel_ticket(&mut self, ticket: u32) {
        self.0.cancel_ticket(ticket);
    }

    /// The ticket of what is under way.
    pub fn ticket(&self) -> Option<u32> {
        self.0.ticket()
    }

    /// Jobs that can run now, each handed out once.
    #[wasm_bindgen(unchecked_return_type = "JobOut[]")]
    pub fn jobs(&mut self) -> Result<JsValue, JsValue> {
        let jobs = self.0.jobs();
        to_js(&jobs.iter().map(JobView::of).collect::<Vec<_>>())
    }

    /// The bytes that a job which is out names by their digest.
    pub fn blob(&self, named: &str) -> Result<Vec<u8>, JsValue> {
        let lacking = || PipelineError::Lacking { digest: named.to_owned() };
        let blob = self.0.blob(&digest(named)?).ok_or_else(|| refuse(lacking().into()))?;
        Ok(blob.to_vec())
    }

    /// Takes a job's outcome and its computing time in seconds; gives what happened.
    #[wasm_bindgen(unchecked_return_type = "Notice[]")]
    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64) -> Result<JsValue, JsValue> {
        to_js(&self.0.accept(id, outcome, seconds).map_err(refuse)?)
    }

    /// Remembers the outcome of a job by its key; believed only when it is asked for and fits.
    pub fn recall(&mut self, key: &str, outcome: Vec<u8>) -> Result<(), JsValue> {
        self.0.recall(digest(key)?, outcome);
        Ok(())
    }

    /// What has happened since it was last asked, for activities that end without a job.
    #[wasm_bindgen(unchecked_return_type = "Notice[]")]
    pub fn notices(&mut self) -> Result<JsValue, JsValue> {
        to_js(&self.0.notices())
    }

    /// Keys of the outcomes that are held: whoever keeps outcomes elsewhere keeps no others.
    pub fn keys(&self) -> Vec<String> {
        self.0.keys().map(ToString::to_string).collect()
    }

    /// Users by rule.
    #[wasm_bindgen(unchecked_return_type = "string[]")]
    pub fn select(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Selection")] selection: JsValue,
    ) -> Result<JsValue, JsValue> {
        to_js(&self.0.select(&from_js(selection, "the selection")?).map_err(refuse)?)
    }

    /// The bill of a change, before anything changes.
    #[wasm_bindgen(unchecked_return_type = "Plan")]
    pub fn plan(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Change")] change: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Mode")] mode: JsValue,
    ) -> Result<JsValue, JsValue> {
        let (change, mode) = (from_js::<Change>(change, "the change")?, from_js(mode, "the mode")?);
        to_js(&self.0.plan(&change, mode).map_err(refuse)?)
    }

    /// The experiment as a file.
    pub fn save(&self) -> Vec<u8> {
        self.0.save()
    }

    /// The experiment as a file that is fetched part by part.
    pub fn saving(&self) -> Saving {
        Saving(self.0.save())
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
    #[wasm_bindgen(unchecked_return_type = "OpinionsView")]
    pub fn opinions(&self, id: &str) -> Result<JsValue, JsValue> {
        to_js(&self.0.opinions(id).map_err(refuse)?)
    }

    /// Who is in which shard.
    #[wasm_bindgen(unchecked_return_type = "AssignmentView")]
    pub fn members(&self) -> Result<JsValue, JsValue> {
        to_js(&self.0.members().map_err(refuse)?)
    }

    /// The vectors of a shard's sub-model.
    #[wasm_bindgen(unchecked_return_type = "VectorsView")]
    pub fn vectors(&self, shard: u32) -> Result<JsValue, JsValue> {
        to_js(&self.0.vectors(shard).map_err(refuse)?)
    }
}

impl<'a> JobView<'a> {
    fn of(job: &'a JobOut) -> Self {
        let JobOut { id, key, stage, pipeline, shard, weight, body, inputs } = job;
        let (id, key, stage, shard, weight) = (*id, *key, *stage, *shard, *weight);
        JobView { id, key, stage, pipeline, shard, weight, body: Bytes::new(body), inputs }
    }
}
