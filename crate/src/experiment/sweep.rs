//! Accuracy against the cost of unlearning: the same rows divided into few and many shards, in several ways, combined in
//! several ways. A point keeps figures and no weights; what is measured stays, so a cancelled sweep goes on where it was.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::combine::{CombineConfig, CombineError, CombineMethod};
use crate::error::Result;
use crate::evaluate::{Decomposition, Interval, report};
use crate::interactions::Fate;
use crate::numerics::digest::{Digest, Hasher};
use crate::partition::{Method, PartitionConfig};
use crate::pipeline::{Pipeline, Run, Settings, Shards, Stage, Store};

use super::series::{KeptAs, Next, Planned};
use super::{Experiment, ExperimentError, Notice};

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
    /// Errors: no numbers of shards; no test rows; a number that cannot be divided into; a combiner that the model does not work with.
    pub(super) fn sweep_plan(&mut self, wanted: &Pipeline, config: &SweepConfig) -> Result<VecDeque<Next>> {
        let active = wanted.dataset().active().len() as u32;
        if config.shards.is_empty() {
            return Err(
                ExperimentError::Unusable("a sweep needs numbers of shards, such as 2, 5, 10, 20".into()).into()
            );
        }
        if !wanted.rows().rows().iter().any(|row| row.fate == Fate::Test) {
            let reason = "a sweep measures every point on test rows, and there are none: give test rows that are not training rows \
                as well, or let the split hold some out";
            return Err(ExperimentError::Unusable(reason.into()).into());
        }
        if let Some(shards) = config.shards.iter().find(|&&shards| shards == 0 || shards > active.min(1024)) {
            let most = active.min(1024);
            return Err(ExperimentError::Unusable(format!(
                "a sweep goes through numbers of shards from 1 to {most} ({active} users have training rows), not {shards}"
            ))
            .into());
        }
        let model = self.settings.model.name;
        let or = |given: &[CombineMethod], own| if given.is_empty() { vec![own] } else { given.to_vec() };
        let combiners = or(&config.combiners, self.settings.combine.method);
        if let Some(&method) = combiners.iter().find(|method| !method.works_with(model)) {
            let (method, model) = (method.as_str(), model.as_str());
            return Err(CombineError::NoItemVectors { method, model, member: 0 }.into());
        }
        let partitions = match config.partitions.as_slice() {
            [] => vec![self.settings.partition.method],
            given => given.to_vec(),
        };
        let key = self.sweep_key();
        if self.history.sweep.key != key {
            self.history.sweep = Sweep { key, ..Sweep::default() };
        }
        let mut plan = VecDeque::new();
        let mut missing = |partition, shards, combiner| {
            let planned = Planned { partition, shards, combiner, decompose: config.decompose && shards > 1 };
            if !self.history.sweep.view.has(&planned) {
                plan.push_back(self.point_pipeline(wanted, planned));
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
        let settings = Settings {
            // It has every knob that a partition may have.
            partition: PartitionConfig { method: Method::Anchored, shards: 1, ..self.settings.partition.clone() },
            combine: CombineConfig::default(),
            ..self.settings.as_ref().clone()
        };
        let combiners = CombineMethod::ALL.map(|combiner| self.settings.choosing(None, None, Some(combiner)).combine);
        let text = serde_json::to_string(&(&settings, &combiners)).expect("settings have a JSON form");
        let split = self.wanted.as_ref().map(|wanted| wanted.dataset().digest());
        Hasher::new("ultrare sweep 2").digest(&split.unwrap_or_default()).str(&text).finish()
    }

    /// The points measured on the present rows with the present settings.
    pub(super) fn sweep_view(&self) -> Option<SweepView> {
        let some = self.history.sweep.view.one.is_some() || !self.history.sweep.view.points.is_empty();
        (some && self.history.sweep.key == self.sweep_key()).then(|| self.history.sweep.view.clone())
    }

    /// The pipeline of a point. Its sub-models are those of the point before where only the combiner differs.
    fn point_pipeline(&self, wanted: &Pipeline, planned: Planned) -> Next {
        let Planned { partition: method, shards, combiner, decompose } = planned;
        let mut settings = self.settings.choosing(None, Some(method), Some(combiner));
        settings.partition.shards = shards;
        let pipeline = wanted.with_settings(settings);
        let pipeline = if shards == 1 { pipeline.with_shards(Shards::One) } else { pipeline };
        let goal = if decompose { Stage::Decompose } else { Stage::Evaluate };
        Next { name: "sweep".to_owned(), pipeline, goal, kept: KeptAs::Point(planned) }
    }

    pub(super) fn note_point(&mut self, planned: Planned, run: &Run) {
        if let Some(point) = self.point(planned, run) {
            self.queue.tell(Notice::Swept { point: point.clone() });
            self.history.sweep.view.put(point);
        }
        // The next point may have the same sub-models; what neither it nor anything else leads to goes.
        let mut reachable = run.pipeline.reachable(&self.store);
        let known = self.records.values().filter_map(|record| record.pipeline.as_ref());
        reachable.extend(self.serving.iter().chain(known).flat_map(|pipeline| pipeline.reachable(&self.store)));
        self.store.retain(&reachable);
    }

    fn point(&self, planned: Planned, run: &Run) -> Option<SweepPoint> {
        let (pipeline, store) = (&run.pipeline, &self.store);
        let (config, seed) = (&self.settings.evaluate, u64::from(self.settings.seed));
        let found = report(&pipeline.metrics(store)?, &[], pipeline.n_items(), config, seed).ok()?;
        let ndcg = self.headline();
        let recall = ndcg.replace("ndcg", "recall");
        let at = |name: &str| found.metrics.get(name).copied();
        let bill = Bill::expected(pipeline, store)?;
        let combined = pipeline.combined(store)?;
        Some(SweepPoint {
            partition: planned.partition,
            shards: planned.shards,
            combiner: planned.combiner,
            ndcg: at(&ndcg)?,
            recall: at(&recall)?,
            rows: bill.rows,
            share: bill.rows / f64::from(bill.all.max(1)),
            touched: bill.touched,
            seconds: bill.seconds + combined.seconds,
            decomposition: pipeline.decomposition(store),
            note: combined.note.clone(),
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

impl Bill {
    fn expected(pipeline: &Pipeline, store: &Store) -> Option<Bill> {
        let divided = pipeline.divided(store)?;
        let trained = pipeline.sub_models(store);
        let mut own = vec![0u32; divided.shards.len()];
        let (mut rows, mut touched, mut computing) = (0.0, 0.0, 0.0);
        for &user in pipeline.dataset().active() {
            own.fill(0);
            let of = pipeline.rows().range_of(user).filter_map(|row| divided.assignment.of_row(row));
            of.for_each(|shard| own[shard as usize] += 1);
            for (shard, &leaving) in own.iter().enumerate().filter(|(_, leaving)| **leaving > 0) {
                rows += f64::from(divided.shards[shard].n_rows - leaving);
                touched += 1.0;
                computing += trained[shard].map_or(0.0, |trained| trained.seconds);
            }
        }
        let n = pipeline.dataset().active().len().max(1) as f64;
        let all = divided.shards.iter().map(|shard| shard.n_rows).sum();
        Some(Bill { rows: rows / n, touched: touched / n, seconds: computing / n, all })
    }
}
