//! Activities that need several arms, one after the other: baselines, the decomposition, the sweep.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineMethod};
use crate::error::Result;
use crate::evaluate::EvaluateConfig;
use crate::partition::{Method, PartitionConfig};

use super::activity::Running;
use super::arm::{Arm, Spec};
use super::sweep::Planned;
use super::{Activity, Event, Experiment, Stage};

/// What needs no training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Baseline {
    /// The most popular items for everybody.
    Popularity,
    /// Chance.
    Random,
}

/// One arm that an activity still has to work on.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Take the errors of this arm apart.
    Decompose(String),
    /// Measure without training.
    Cheap(Baseline),
    /// Another way from the same rows to figures; only the figures are kept.
    Rival(Box<Spec>),
    /// A point of the sweep.
    Point(Planned),
}

impl Experiment {
    /// What the baselines are: SISA (random shards, mean), RecEraser (its own partition and attention; not for models
    /// without item vectors), popularity, chance.
    pub(super) fn baselines(&self) -> VecDeque<Next> {
        let rival = |name: &str, method: Method, combine: CombineMethod| {
            let partition = PartitionConfig { method, ..self.config.partition.clone() };
            let (combine, model) = (CombineConfig::of(combine), self.config.model.clone());
            Next::Rival(Box::new(Spec { name: name.into(), partition, model, combine, positions: false }))
        };
        let mut series = VecDeque::from([rival("sisa", Method::Random, CombineMethod::Mean)]);
        if CombineMethod::Attention.works_with(self.config.model.name) {
            series.push_back(rival("receraser", Method::Ubp, CombineMethod::Attention));
        }
        series.extend([Next::Cheap(Baseline::Popularity), Next::Cheap(Baseline::Random)]);
        series
    }

    /// The arms whose sub-models are at hand, the serving one first.
    pub(super) fn decomposable(&self) -> VecDeque<Next> {
        let arms = self.serving.iter().chain(self.others.values());
        let whole = arms.filter(|arm| arm.next.is_none() && arm.prepared.is_some() && arm.decomposition.is_none());
        whole.map(|arm| Next::Decompose(arm.spec.name.clone())).collect()
    }

    /// The activity at the first of its arms; none if there is nothing to do.
    pub(super) fn series(&self, activity: Activity, mut rest: VecDeque<Next>) -> Result<Option<Running>> {
        let Some(current) = rest.pop_front() else { return Ok(None) };
        let (arm, until) = self.arm_of(&current, None)?;
        Ok(Some(Running { activity, until, arm, forgotten: None, current: Some(current), rest }))
    }

    /// Keeps what came of an arm, and goes on to the next. False: that was the last.
    pub(super) fn go_on(&mut self, running: &mut Running, events: &mut Vec<Event>) -> Result<bool> {
        let Some(current) = running.current.take() else { return Ok(false) };
        self.land(current, &running.arm, events);
        let Some(next) = running.rest.pop_front() else { return Ok(false) };
        (running.arm, running.until) = self.arm_of(&next, Some(&running.arm))?;
        running.current = Some(next);
        Ok(true)
    }

    fn arm_of(&self, next: &Next, before: Option<&Arm>) -> Result<(Arm, Stage)> {
        let data = self.data.clone().unwrap_or_default();
        match next {
            Next::Decompose(name) => {
                let arms = self.serving.iter().chain(self.others.values());
                let found = { arms }.find(|arm| arm.spec.name == *name).cloned();
                let arm = found.unwrap_or_else(|| Arm::new(self.spec(name), data, Vec::new()));
                Ok((Arm { next: Some(Stage::Decompose), ..arm }, Stage::Decompose))
            }
            Next::Cheap(baseline) => {
                let name = match baseline {
                    Baseline::Popularity => "popularity",
                    Baseline::Random => "random",
                };
                let mut arm = Arm::new(Spec { positions: false, ..self.spec(name) }, data, Vec::new());
                (arm.baseline, arm.next) = (Some(*baseline), Some(Stage::Evaluate));
                Ok((arm, Stage::Evaluate))
            }
            Next::Rival(spec) => {
                let given = self.given_for(spec.partition.method)?;
                Ok((Arm::new((**spec).clone(), data, given), Stage::Decompose))
            }
            Next::Point(planned) => self.point_arm(planned, before),
        }
    }

    fn land(&mut self, current: Next, arm: &Arm, events: &mut Vec<Event>) {
        let name = arm.spec.name.clone();
        match current {
            Next::Decompose(_) => {
                let arms = self.serving.iter_mut().chain(self.others.values_mut());
                arms.filter(|known| known.spec.name == name)
                    .for_each(|known| known.decomposition.clone_from(&arm.decomposition));
            }
            Next::Cheap(_) | Next::Rival(_) => {
                let mut kept = arm.clone();
                kept.drop_weights();
                self.others.insert(name.clone(), kept);
            }
            Next::Point(planned) => return self.land_point(planned, arm, events),
        }
        self.refigure(Some(&name));
        if let Some(result) = self.figures.results.get(&name).cloned() {
            events.push(Event::Evaluated { arm: name, result });
        }
    }
}

impl Arm {
    /// Leaves figures and lists: what a comparison needs.
    pub(super) fn drop_weights(&mut self) {
        self.members.clear();
        self.reusable.clear();
        self.prepared = None;
        self.previous = None;
        self.embedding = None;
    }
}

/// How the interval of a decomposition is drawn: as many resamples as are quick.
pub(super) fn resamples(config: &EvaluateConfig) -> u32 {
    config.bootstrap.min(200)
}
