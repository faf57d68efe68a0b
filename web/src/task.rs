//! Jobs, run.

use std::sync::Arc;

use serde::Serialize;
use serde_bytes::ByteBuf;
use ultrare::pipeline::{self, Event, Step};
use wasm_bindgen::prelude::*;

use crate::convert::{digest, to_js};
use crate::error::{refuse, refused};

/// Runs jobs, and keeps the large inputs that they name, within a bound. One for each worker; needs no experiment beside it.
#[wasm_bindgen]
#[derive(Default)]
pub struct Runner(pipeline::Runner);

/// A job under way, step by step. Free it when it is done or no longer wanted.
#[wasm_bindgen]
pub struct Task(Option<Box<dyn pipeline::Task>>);

/// What one step did, as JavaScript sees it.
#[derive(Serialize)]
struct StepView<'a> {
    done: bool,
    progress: f32,
    events: &'a [Event],
}

#[wasm_bindgen]
impl Runner {
    /// Keeps nothing yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Runner::default()
    }

    /// Which of a job's inputs have to be given before it can run, by their digests.
    pub fn lacking(&self, inputs: Vec<String>) -> Result<Vec<String>, JsValue> {
        let inputs = inputs.iter().map(|input| digest(input)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.0.lacking(&inputs).iter().map(ToString::to_string).collect())
    }

    /// Takes an input, whose digest is believed.
    pub fn put(&self, named: &str, bytes: Vec<u8>) -> Result<(), JsValue> {
        self.0.put(digest(named)?, Arc::new(ByteBuf::from(bytes)));
        Ok(())
    }

    /// Starts the job in `body`; its inputs have to be there.
    pub fn task(&self, body: &[u8]) -> Result<Task, JsValue> {
        Ok(Task(Some(self.0.task(body).map_err(refuse)?)))
    }
}

#[wasm_bindgen]
impl Task {
    /// Goes on.
    #[wasm_bindgen(unchecked_return_type = "StepOut")]
    pub fn step(&mut self) -> Result<JsValue, JsValue> {
        let task = self.0.as_mut().ok_or_else(finished)?;
        let Step { done, progress, events } = task.step().map_err(refuse)?;
        to_js(&StepView { done, progress, events: &events })
    }

    /// The outcome's bytes, once.
    pub fn finish(&mut self) -> Result<Vec<u8>, JsValue> {
        self.0.take().ok_or_else(finished)?.finish().map_err(refuse)
    }
}

fn finished() -> JsValue {
    refused("binding.task", "the task is finished: its outcome was taken")
}
