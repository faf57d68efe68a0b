//! Activities that are a series of pipelines, one after the other: baselines, the decomposition, the sweep.

use std::collections::VecDeque;

use crate::combine::{CombineConfig, CombineMethod};
use crate::error::Result;
use crate::partition::Method;
use crate::pipeline::{Baseline, Pipeline, Run, Settings, Stage};

use super::series::{KeptAs, Next};
use super::work::{Pursuit, Then};
use super::{Experiment, Notice};

impl Experiment {
    /// What the baselines are: SISA (random shards, mean), RecEraser (its own partition and attention; not for models
    /// without item vectors), popularity, chance.
    pub(super) fn baselines(&self, wanted: &Pipeline) -> Result<VecDeque<Next>> {
        let rival = |name: &str, method: Method, combine: CombineMethod| {
            let settings = self.settings.choosing(None, Some(method), None);
            let pipeline = wanted.with_settings(Settings { combine: CombineConfig::of(combine), ..settings });
            Next { name: name.to_owned(), pipeline, goal: Stage::Decompose, kept: KeptAs::Rival }
        };
        let cheap = |name: &str, baseline| {
            let pipeline = wanted.baseline(baseline);
            Next { name: name.to_owned(), pipeline, goal: Stage::Evaluate, kept: KeptAs::Rival }
        };
        let mut series = VecDeque::from([rival("sisa", Method::Random, CombineMethod::Mean)]);
        if CombineMethod::Attention.works_with(self.settings.model.name) {
            series.push_back(rival("receraser", Method::Ubp, CombineMethod::Attention));
        }
        series.extend([cheap("popularity", Baseline::Popularity), cheap("random", Baseline::Random)]);
        Ok(series)
    }

    /// Everything whose sub-models are at hand, what serves first.
    pub(super) fn decomposable(&self) -> Result<VecDeque<Next>> {
        let own = self.serving_name();
        let (first, rest): (Vec<_>, Vec<_>) = self.records.iter().partition(|(name, _)| *name == own);
        let next = |(name, record): (&String, &super::record::Record)| {
            let pipeline = record.pipeline.clone().filter(|pipeline| pipeline.combined(&self.store).is_some())?;
            let missing = record.facts.decomposition.is_none();
            let next = Next { name: name.clone(), pipeline, goal: Stage::Decompose, kept: KeptAs::Decomposed };
            missing.then_some(next)
        };
        Ok(first.into_iter().chain(rest).filter_map(next).collect())
    }

    /// The series at the first of its pipelines; none if there is nothing to do.
    pub(super) fn series(&self, name: &'static str, mut rest: VecDeque<Next>) -> Result<Option<Pursuit>> {
        let Some(current) = rest.pop_front() else { return Ok(None) };
        let run = Run::new(current.pipeline.clone(), current.goal, self.hints(&current.name))?;
        Ok(Some(Pursuit { run, store: None, then: Then::Series { name, current, rest } }))
    }

    /// Keeps what came of a pipeline of a series.
    pub(super) fn note(&mut self, next: Next, run: &Run) {
        let name = next.name;
        match next.kept {
            KeptAs::Point(planned) => {
                self.note_point(planned, run);
                return;
            }
            KeptAs::Decomposed => {
                let found = run.pipeline.decomposition(&self.store);
                if let Some(record) = self.records.get_mut(&name) {
                    record.facts.decomposition = found;
                }
            }
            KeptAs::Rival => {
                if let Some(mut record) = self.record(run, &self.store) {
                    record.pipeline = None;
                    self.records.insert(name.clone(), record);
                }
                self.tidy();
            }
        }
        self.refigure(Some(&name));
        if let Some(result) = self.records.get(&name).and_then(|record| record.result.clone()) {
            self.queue.tell(Notice::Evaluated { pipeline: name, result });
        }
    }
}
