//! Changes that add, forget and do both, one after another: what serves afterwards is what would have been built from those
//! rows, bit for bit, at every stage that the plan promised.

use std::collections::BTreeMap;

use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::experiment::{Activity, Experiment, Loaded};
use ultrare::interactions::{Fate, Interactions, SplitMethod, SyntheticConfig, Triple, synthetic};
use ultrare::model::{ModelConfig, ModelName};
use ultrare::numerics::random::{Purpose, StreamKey, below};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{Assignment, NO_SHARD, Runner, Settings, Stage};
use ultrare::unlearn::twin::{Finding, compare_twin};
use ultrare::unlearn::{AddedRow, Change, Mode, Request};

const SHARDS: u32 = 3;

/// Rows by (user, item), with their ratings.
type Rows = BTreeMap<(String, String), f32>;

/// A time for every row, whoever brings it: for the split that holds out the last.
fn time(user: &str, item: &str) -> i64 {
    user.bytes().chain(item.bytes()).fold(7, |time, byte| (time * 31 + i64::from(byte)) % 1009)
}

fn settings(method: Method, model: ModelName, k_core: u32) -> Settings {
    let mut settings = Settings { seed: 5, k_core, ..Settings::default() };
    let slices = if model.takes_slices() { 2 } else { 0 };
    settings.model = ModelConfig { factors: Some(3), epochs: Some(3), slices, ..ModelConfig::of(model) }.own_knobs();
    settings.partition =
        PartitionConfig { method, shards: SHARDS, restarts: 1, anchors: 0.6, ..PartitionConfig::default() }.own_knobs();
    settings.combine = CombineConfig::of(CombineMethod::Mean);
    settings.embedding.factors = 3;
    settings.evaluate.bootstrap = 0;
    settings
}

fn built(rows: &Rows, settings: &Settings, assignment: Option<&BTreeMap<(String, String), u16>>) -> Experiment {
    let triple = |((user, item), value): (&(String, String), &f32)| Triple {
        user: user.clone(),
        item: item.clone(),
        value: *value,
        time: time(user, item),
        fate: Fate::Train,
    };
    let mut experiment = Experiment::new();
    experiment.configure(settings.clone()).unwrap();
    let rows = Interactions::new(rows.iter().map(triple).collect());
    experiment.load(Loaded { rows, ..Loaded::default() }).unwrap();
    if let Some(of) = assignment {
        let shard_of_row =
            by_ids(&experiment).into_iter().map(|(key, trains)| if trains { of[&key] } else { NO_SHARD });
        experiment.freeze(Assignment { shards: SHARDS, shard_of_row: shard_of_row.collect() }).unwrap();
    }
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    experiment.drive(&Runner::new()).unwrap();
    experiment
}

/// The rows in order, and whether each is trained on.
fn by_ids(experiment: &Experiment) -> Vec<((String, String), bool)> {
    let rows = experiment.rows().unwrap();
    let id = |row: &ultrare::interactions::Row| {
        let ids = (rows.users().get(row.user).to_owned(), rows.items().get(row.item).to_owned());
        (ids, row.fate != Fate::Test)
    };
    rows.rows().iter().map(id).collect()
}

struct Draw<R>(R);

impl<R: rand::Rng> Draw<R> {
    fn of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[below(&mut self.0, from.len() as u32) as usize]
    }

    /// Rows that come: of new people, of people who are there, of people who were forgotten, some that contradict.
    fn added(&mut self, rows: &Rows, gone: &[(String, String)]) -> Vec<AddedRow> {
        let keys: Vec<(String, String)> = rows.keys().cloned().collect();
        let mut added = Vec::new();
        for number in 0..1 + below(&mut self.0, 6) {
            let (user, item) = self.of(&keys).clone();
            let (user, item) = match below(&mut self.0, 4) {
                0 => (format!("new{}", below(&mut self.0, 4)), item),
                1 => (user, format!("novel{number}")),
                2 if !gone.is_empty() => self.of(gone).clone(),
                _ => (user, item),
            };
            let (value, time) = (1.0 + below(&mut self.0, 3) as f32, time(&user, &item));
            added.push(AddedRow { user, item, value, time });
        }
        added
    }

    fn change(&mut self, rows: &Rows, gone: &[(String, String)]) -> Change {
        let keys: Vec<(String, String)> = rows.keys().cloned().collect();
        let mut change = Change { forget: Request { confirmed: true, ..Request::default() }, add: Vec::new() };
        let kind = below(&mut self.0, 4);
        if kind != 0 {
            match below(&mut self.0, 3) {
                0 => change.forget.users.push(self.of(&keys).0.clone()),
                1 => change.forget.items.push(self.of(&keys).1.clone()),
                _ => change.forget.interactions.push(self.of(&keys).clone()),
            }
        }
        if kind != 1 {
            change.add = self.added(rows, gone);
        }
        change
    }
}

/// What the rows are after a change: what goes goes first, and the last of contradicting rows counts.
fn apply(rows: &mut Rows, gone: &mut Vec<(String, String)>, change: &Change) {
    let goes = |key: &(String, String)| {
        let Request { users, items, interactions, .. } = &change.forget;
        users.contains(&key.0) || items.contains(&key.1) || interactions.contains(key)
    };
    gone.extend(rows.keys().filter(|key| goes(key)).cloned());
    rows.retain(|key, _| !goes(key));
    for row in &change.add {
        rows.insert((row.user.clone(), row.item.clone()), row.value);
    }
}

/// One sequence of changes, each compared with what is built from its rows. Gives how many were carried out.
fn try_sequence(method: Method, model: ModelName, k_core: u32, mode: Mode, seed: u32, steps: u32) -> u32 {
    let sample = SyntheticConfig { users: 22, items: 14, rows: 170, groups: 3, seed: 11 };
    let made = synthetic(&sample).unwrap().interactions;
    let mut rows: Rows = BTreeMap::new();
    for row in made.rows() {
        rows.insert((made.users().get(row.user).to_owned(), made.items().get(row.item).to_owned()), row.value);
    }
    let mut settings = settings(method, model, k_core);
    // Another row of the same person may be held out after a change.
    if seed % 2 == 1 {
        settings.split.method = SplitMethod::LeaveLastOut;
    }
    let mut experiment = built(&rows, &settings, None);
    let key = StreamKey::new(u64::from(seed), Purpose::Audit, method as u32 * 16 + model as u32, 5);
    let (mut draw, mut gone, mut done) = (Draw(key.fast()), Vec::new(), 0);
    for step in 0..steps {
        let change = draw.change(&rows, &gone);
        let context = format!("{method:?} {model:?} k {k_core} {mode:?} seed {seed} step {step}: {change:?}");
        let plan = experiment.plan(&change, mode).unwrap();
        let begun = experiment.begin(Activity::Change { change: change.clone(), mode });
        if let Err(refused) = begun {
            assert_eq!(plan.check(&change.forget).map_err(Into::into), Err(refused), "{context}");
            continue;
        }
        experiment.drive(&Runner::new()).unwrap();
        apply(&mut rows, &mut gone, &change);
        let kept = by_ids(&experiment).into_iter().map(|(key, _)| key);
        let kept: BTreeMap<(String, String), u16> =
            kept.zip(experiment.assignment().unwrap().shard_of_row.iter().copied()).collect();
        // What rests on nobody, on anchors, or is made again equals a run from scratch; what is kept, one with those shards.
        let scratch = matches!(method, Method::Hash | Method::Anchored) || mode == Mode::Refit;
        let twin = built(&rows, &settings, (!scratch).then_some(&kept));
        for report in compare_twin(&experiment.stages().unwrap(), &twin.stages().unwrap(), &[]) {
            assert_eq!(report.finding, Finding::Equal, "{context}: {report:?}");
        }
        if scratch {
            assert!(plan.taints.is_empty(), "{context}: {:?}", plan.taints);
        }
        done += 1;
    }
    done
}

fn try_all(models: &[ModelName], seeds: std::ops::Range<u32>) -> (u32, u32) {
    let (mut sequences, mut changes) = (0, 0);
    for method in Method::COMPUTED {
        for &model in models {
            for seed in seeds.clone() {
                let mode = if seed % 4 == 3 { Mode::Refit } else { Mode::Frozen };
                let k_core = if seed % 3 == 2 { 3 } else { 0 };
                sequences += 1;
                changes += try_sequence(method, model, k_core, mode, seed, 5);
            }
        }
    }
    (sequences, changes)
}

#[test]
fn sequences_of_changes_equal_building_from_scratch() {
    let (sequences, changes) = try_all(&[ModelName::Wmf, ModelName::Ease], 0..4);
    assert!(sequences == 64 && changes > 250, "{sequences} {changes}");
}

#[test]
#[ignore = "long: a thousand sequences over all models"]
fn a_thousand_sequences_over_all_partitions_and_models() {
    let (sequences, changes) = try_all(&ModelName::ALL, 0..14);
    assert!(sequences > 1000 && changes > 4000, "{sequences} {changes}");
}

#[test]
fn a_contradicting_row_is_said_and_counted_and_the_last_counts() {
    let settings = settings(Method::Hash, ModelName::Wmf, 0);
    let rows: Rows = (0..12u32)
        .flat_map(|user| (0..6u32).map(move |item| ((format!("u{user:02}"), format!("i{}", (user + item) % 9)), 1.0)))
        .collect();
    let experiment = built(&rows, &settings, None);
    let ((user, item), _) = rows.iter().next().unwrap();
    let row = |value| AddedRow { user: user.clone(), item: item.clone(), value, time: time(user, item) };
    let plan = |add| experiment.plan(&Change { add, ..Change::default() }, Mode::Frozen).unwrap();
    let contradicts = plan(vec![row(3.0)]);
    assert_eq!((contradicts.replaced, contradicts.known), (1, 0));
    assert!(contradicts.warnings.iter().any(|warning| warning.message.contains("the last one counts")));
    let known = plan(vec![row(1.0)]);
    assert_eq!((known.replaced, known.known, known.rows, known.added), (0, 1, 0, 0));
    assert_eq!(known.check(&Request::default()).unwrap_err().code(), "request.known");
    let twice = plan(vec![row(3.0), row(4.0)]);
    assert_eq!(twice.replaced, 1, "of rows that contradict each other the last one comes");
    let none = AddedRow { value: f32::NAN, ..row(1.0) };
    let error = experiment.plan(&Change { add: vec![none], ..Change::default() }, Mode::Frozen).unwrap_err();
    assert_eq!(error.code(), "request.added");
}
