//! Accuracy against the cost of unlearning: the same rows divided into few and many shards, in several ways, combined in
//! several ways. A point keeps figures and no weights; what is measured stays, so a cancelled sweep goes on where it was.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineError, CombineMethod};
use crate::error::Result;
use crate::evaluate::{Decomposition, Interval, report};
use crate::numerics::digest::{Digest, Hasher};
use crate::partition::{Method, PartitionConfig};
use crate::unlearn::NO_SHARD;

use super::arm::{Arm, Spec};
use super::data::Layout;
use super::series::Next;
use super::{Event, Experiment, ExperimentError, Stage};

/// What a sweep goes through; every combination is a point, and one model on everything stands beside them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct SweepConfig {
    /// Numbers of shards.
    pub shards: Vec<u32>,
    /// Ways to divide; empty: the one in force.
    pub partitions: Vec<Method>,
    /// Ways to combine; empty: the one in force.
    pub combiners: Vec<CombineMethod>,
    /// Also take the errors of every point apart?
    pub decompose: bool,
}

/// One combination of number of shards, partition and combiner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SweepPoint {
    /// How users (or rows) were divided; `random` for the one model.
    pub partition: Method,
    /// Number of shards; 1: one model on everything.
    pub shards: u32,
    /// How sub-models were combined.
    pub combiner: CombineMethod,
    /// NDCG@20, or at the longest list measured.
    pub ndcg: Interval,
    /// Recall at the same length.
    pub recall: Interval,
    /// Rows trained on again when one user leaves, expected over users; the user's own rows do not count.
    pub rows: f64,
    /// The same as a share of all training rows.
    pub share: f64,
    /// Shards touched when one user leaves, expected over users.
    pub touched: f64,
    /// Computing seconds of training those again and preparing the combiner, as measured once.
    pub seconds: f64,
    /// Relevance, redundancy and combination loss, if asked for.
    pub decomposition: Option<Decomposition>,
    /// Where another combiner had to serve: why.
    pub note: Option<String>,
}

/// The points of a sweep so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SweepView {
    /// One model on everything, served as it is best served: the line that the points are held against. A joint fold-in
    /// also steadies a single model, and a weak line would flatter the ensembles.
    pub one: Option<SweepPoint>,
    /// The one model served plainly (`own`), and by the swept combiners that suit a single model.
    pub ones: Vec<SweepPoint>,
    /// By partition, combiner and number of shards.
    pub points: Vec<SweepPoint>,
}

/// The points and what they were measured on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sweep {
    key: Digest,
    view: SweepView,
}

/// A point that is still to be measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    partition: Method,
    shards: u32,
    combiner: CombineMethod,
    decompose: bool,
}

/// Who a point is, whatever came of it.
type Place = (u8, u8, u32);

fn place(partition: Method, combiner: CombineMethod, shards: u32) -> Place {
    (partition as u8, combiner as u8, shards)
}

impl SweepPoint {
    fn place(&self) -> Place {
        place(self.partition, self.combiner, self.shards)
    }
}

impl Experiment {
    /// The points that are missing, those of one partition together so that its sub-models are trained once.
    ///
    /// Errors: no numbers of shards; a number that cannot be divided into; a combiner that the model does not work with.
    pub(super) fn sweep_plan(&mut self, config: &SweepConfig) -> Result<VecDeque<Next>> {
        let active = self.data.as_ref().map_or(0, |data| data.active.len()) as u32;
        if config.shards.is_empty() {
            return Err(
                ExperimentError::Unusable("a sweep needs numbers of shards, such as 2, 5, 10, 20".into()).into()
            );
        }
        if let Some(shards) = config.shards.iter().find(|&&shards| shards == 0 || shards > active.min(1024)) {
            let most = active.min(1024);
            return Err(ExperimentError::Unusable(format!(
                "a sweep goes through numbers of shards from 1 to {most} ({active} users have training rows), not {shards}"
            ))
            .into());
        }
        let model = self.config.model.name;
        let or = |given: &[CombineMethod], own| if given.is_empty() { vec![own] } else { given.to_vec() };
        let combiners = or(&config.combiners, self.config.combine.method);
        if let Some(&method) = combiners.iter().find(|method| !method.works_with(model)) {
            let (method, model) = (method.as_str(), model.as_str());
            return Err(CombineError::NoItemVectors { method, model, member: 0 }.into());
        }
        let partitions = match config.partitions.as_slice() {
            [] => vec![self.config.partition.method],
            given => given.to_vec(),
        };
        let key = self.sweep_key();
        if self.sweep.key != key {
            self.sweep = Sweep { key, ..Sweep::default() };
        }
        let mut plan = VecDeque::new();
        let mut missing = |partition, shards, combiner| {
            let planned = Planned { partition, shards, combiner, decompose: config.decompose && shards > 1 };
            if !self.sweep.view.has(&planned) {
                plan.push_back(Next::Point(planned));
            }
        };
        missing(Method::Random, 1, CombineMethod::Own);
        let steadies =
            |&&combiner: &&CombineMethod| matches!(combiner, CombineMethod::Joint | CombineMethod::Consensus);
        combiners.iter().filter(steadies).for_each(|&combiner| missing(Method::Random, 1, combiner));
        for &partition in &partitions {
            for &shards in config.shards.iter().filter(|&&shards| shards > 1) {
                combiners.iter().for_each(|&combiner| missing(partition, shards, combiner));
            }
        }
        Ok(plan)
    }

    /// What the points depend on beside their own three coordinates.
    fn sweep_key(&self) -> Digest {
        let config = super::Config {
            partition: PartitionConfig { method: Method::Random, shards: 1, ..self.config.partition.clone() },
            combine: CombineConfig { method: CombineMethod::Own, ..self.config.combine.clone() },
            ..self.config.clone()
        };
        // Settings always have a JSON form.
        let text = serde_json::to_string(&config).unwrap_or_default();
        Hasher::new("ultrare sweep 1").digest(&self.split.unwrap_or_default()).str(&text).finish()
    }

    /// The points measured on the present rows with the present settings.
    pub(super) fn sweep_view(&self) -> Option<SweepView> {
        let some = self.sweep.view.one.is_some() || !self.sweep.view.points.is_empty();
        (some && self.sweep.key == self.sweep_key()).then(|| self.sweep.view.clone())
    }

    /// The arm of a point; its sub-models are taken over from the point before where only the combiner differs.
    pub(super) fn point_arm(&self, planned: &Planned, before: Option<&Arm>) -> Result<(Arm, Stage)> {
        let Planned { partition: method, shards, combiner, decompose } = *planned;
        let spec = Spec {
            name: "sweep".into(),
            partition: PartitionConfig { method, shards, ..self.config.partition.clone() },
            model: self.config.model.clone(),
            combine: CombineConfig { method: combiner, ..self.config.combine.clone() },
            positions: false,
        };
        let until = if decompose { Stage::Decompose } else { Stage::Evaluate };
        let data = self.data.clone().unwrap_or_default();
        let arm = match before.filter(|before| before.spec.partition == spec.partition && before.layout.is_some()) {
            Some(before) => before.combined_anew(spec),
            None if shards == 1 => Arm::with_layout(spec, data.clone(), Layout::whole(&data)),
            None => Arm::new(spec, data, self.given_for(method)?),
        };
        Ok((arm, until))
    }

    pub(super) fn land_point(&mut self, planned: Planned, arm: &Arm, events: &mut Vec<Event>) {
        let Some(point) = self.point(planned, arm) else { return };
        events.push(Event::Swept { point: point.clone() });
        self.sweep.view.put(point);
    }

    fn point(&self, planned: Planned, arm: &Arm) -> Option<SweepPoint> {
        let n_items = arm.data.interactions.items().len() as u32;
        let (config, seed) = (&self.config.evaluate, u64::from(self.config.seed));
        let found = report(arm.evaluation.as_ref()?, &[], n_items, config, seed).ok()?;
        let ndcg = self.headline();
        let recall = ndcg.replace("ndcg", "recall");
        let at = |name: &str| found.metrics.get(name).copied().unwrap_or_default();
        let bill = arm.expected_bill();
        Some(SweepPoint {
            partition: planned.partition,
            shards: planned.shards,
            combiner: planned.combiner,
            ndcg: at(&ndcg),
            recall: at(&recall),
            rows: bill.rows,
            share: bill.rows / f64::from(bill.all.max(1)),
            touched: bill.touched,
            seconds: bill.seconds,
            decomposition: arm.decomposition.clone(),
            note: arm.note.clone(),
        })
    }
}

impl SweepView {
    fn has(&self, planned: &Planned) -> bool {
        let wanted = place(planned.partition, planned.combiner, planned.shards);
        let found = self.ones.iter().chain(&self.points).find(|point| point.place() == wanted);
        found.is_some_and(|point| point.decomposition.is_some() || !planned.decompose)
    }

    fn put(&mut self, point: SweepPoint) {
        let single = point.shards == 1;
        let points = if single { &mut self.ones } else { &mut self.points };
        match points.binary_search_by_key(&point.place(), SweepPoint::place) {
            Ok(at) => points[at] = point,
            Err(at) => points.insert(at, point),
        }
        if single {
            self.one = self.ones.iter().max_by(|a, b| a.ndcg.mean.total_cmp(&b.ndcg.mean)).cloned();
        }
    }
}

/// What it costs when one user leaves, expected over the users with training rows.
struct Bill {
    rows: f64,
    touched: f64,
    seconds: f64,
    all: u32,
}

impl Arm {
    /// The same sub-models, to be combined in another way.
    pub(super) fn combined_anew(&self, spec: Spec) -> Arm {
        let mut fresh = Arm { spec, next: Some(Stage::Combine), ..self.clone() };
        fresh.prepared = None;
        fresh.prepared_digest = None;
        fresh.previous = None;
        fresh.note = None;
        fresh.evaluation = None;
        fresh.decomposition = None;
        fresh
    }

    fn expected_bill(&self) -> Bill {
        let layout = self.layout.clone().unwrap_or_default();
        let seconds = |shard: usize| self.members[shard].as_ref().map_or(0.0, |trained| trained.seconds);
        let mut own = vec![0u32; self.shards.len()];
        let (mut rows, mut touched, mut computing) = (0.0, 0.0, 0.0);
        for &user in &self.data.active {
            own.fill(0);
            let of = layout.shard_of_row[self.data.interactions.range_of(user)].iter();
            of.filter(|&&shard| shard != NO_SHARD).for_each(|&shard| own[usize::from(shard)] += 1);
            for (shard, &leaving) in own.iter().enumerate().filter(|(_, leaving)| **leaving > 0) {
                rows += f64::from(self.shards[shard].n_rows - leaving);
                touched += 1.0;
                computing += seconds(shard);
            }
        }
        let n = self.data.active.len().max(1) as f64;
        let all = self.shards.iter().map(|shard| shard.n_rows).sum();
        Bill { rows: rows / n, touched: touched / n, seconds: computing / n + self.seconds.combine, all }
    }
}
