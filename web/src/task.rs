//! A job under way.

use serde::Serialize;
use ultrare::experiment::{self, Event, Step};
use wasm_bindgen::prelude::*;

use crate::convert::to_js;
use crate::error::{refuse, refused};

/// Runs one job, step by step; needs no experiment beside it. Free it when it is done or no longer wanted.
#[wasm_bindgen]
pub struct Task(Option<Box<dyn experiment::Task>>);

/// What one step did, as JavaScript sees it.
#[derive(Serialize)]
struct StepView<'a> {
    done: bool,
    progress: f32,
    events: &'a [Event],
}

#[wasm_bindgen]
impl Task {
    /// Starts the job in `bytes`.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Task, JsValue> {
        Ok(Task(Some(experiment::task(bytes).map_err(refuse)?)))
    }

    /// Goes on.
    #[wasm_bindgen(unchecked_return_type = "StepOut")]
    pub fn step(&mut self) -> Result<JsValue, JsValue> {
        let task = self.0.as_mut().ok_or_else(finished)?;
        let Step { done, progress, events } = task.step().map_err(refuse)?;
        to_js(&StepView { done, progress, events: &events })
    }

    /// The result's bytes, once.
    pub fn finish(&mut self) -> Result<Vec<u8>, JsValue> {
        self.0.take().ok_or_else(finished)?.finish().map_err(refuse)
    }
}

fn finished() -> JsValue {
    refused("binding.task", "the task is finished: its result was taken")
}
