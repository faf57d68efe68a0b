//! What strangers hand in: jobs, outcomes, saved experiments, receipts and texts with bytes changed. Whatever they say, the
//! answer is a result or an error for people, and never a panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::experiment::{Activity, Experiment, Loaded, SweepConfig};
use ultrare::interactions::{Interactions, ReadConfig, Reader, SyntheticConfig, synthetic, to_csv};
use ultrare::model::{ModelConfig, ModelName};
use ultrare::numerics::digest::Digest;
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{JobOut, Runner, Settings, Stage};
use ultrare::unlearn::{Mode, Receipt, Request};

/// Bytes of a job or an outcome before its content: marks, and the beginning of the content's digest.
const MARKS: usize = 12;

/// Steps of a job before it is finished as it is: what is wrong shows at once or not at all.
const STEPS: usize = 12;

/// One change to bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index, u8),
    Cut(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let telling = prop_oneof![Just(0u8), Just(1), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()];
    let edit = prop_oneof![
        8 => (any::<Index>(), telling.clone()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        4 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        2 => (any::<Index>(), telling).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        2 => (any::<Index>(), 1u8..9).prop_map(|(at, count)| Edit::Remove(at, count)),
        1 => any::<Index>().prop_map(Edit::Cut),
    ];
    prop::collection::vec(edit, 1..4)
}

/// The bytes changed, those before `from` left alone. Half of the places are among the first few hundred bytes, where the
/// settings and lengths stand.
fn changed(bytes: &[u8], from: usize, edits: &[Edit]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (number, edit) in edits.iter().enumerate() {
        let room = out.len() - from;
        if room == 0 {
            break;
        }
        let near = if number % 2 == 0 { room } else { room.min(300) };
        match edit {
            Edit::Set(at, byte) => out[from + at.index(near)] = *byte,
            Edit::Flip(at, bit) => out[from + at.index(near)] ^= 1 << bit,
            Edit::Insert(at, byte) => out.insert(from + at.index(near), *byte),
            Edit::Remove(at, count) => {
                let at = from + at.index(near);
                out.drain(at..(at + usize::from(*count)).min(bytes.len()).min(out.len()).max(at));
            }
            Edit::Cut(at) => out.truncate(from + at.index(near)),
        }
    }
    out
}

/// With the digest that belongs to the changed bytes, as somebody would write it who wants them to pass.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Digest::of(&bytes[MARKS..]);
    bytes[4..MARKS].copy_from_slice(&digest.0[..MARKS - 4]);
    bytes
}

fn config(method: Method, model: ModelName, combine: CombineMethod) -> Settings {
    let slices = if model.takes_slices() { 2 } else { 0 };
    let model = ModelConfig { factors: Some(3), epochs: Some(2), slices, ..ModelConfig::of(model) }.own_knobs();
    let mut config = Settings { seed: 3, model, combine: CombineConfig::of(combine), ..Settings::default() };
    config.partition =
        PartitionConfig { method, shards: 3, restarts: 1, anchors: 0.6, ..PartitionConfig::default() }.own_knobs();
    config.embedding.factors = 3;
    config.evaluate.bootstrap = 5;
    config
}

const SAMPLE: SyntheticConfig = SyntheticConfig { users: 24, items: 14, rows: 170, groups: 3, seed: 4 };

fn loaded(config: Settings) -> Experiment {
    let mut experiment = Experiment::new();
    experiment.configure(config).unwrap();
    experiment.load_synthetic(&SAMPLE).unwrap();
    experiment
}

/// The rows of all receipts: how they are split hangs on the seed alone.
fn rows() -> Interactions {
    loaded(Settings { seed: 3, ..Settings::default() }).rows().unwrap().clone()
}

/// So many; what fails is printed whole and needs no file.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Drives to the end; jobs and outcomes are kept.
fn drive(experiment: &mut Experiment, runner: &Runner, seen: &mut Vec<(JobOut, Vec<u8>)>) {
    while experiment.running() {
        for job in experiment.jobs() {
            let outcome = experiment.run(&job, runner).unwrap();
            experiment.accept(job.id, &outcome, 0.01).unwrap();
            seen.push((job, outcome));
        }
    }
}

fn forget(experiment: &Experiment) -> Activity {
    let users = experiment.users().unwrap().ids;
    Activity::Change { change: Request::of_users([users[2].clone(), users[9].clone()]).into(), mode: Mode::Frozen }
}

/// What an experiment can be asked to do once it is built.
fn activities(experiment: &Experiment) -> Vec<Activity> {
    let request = Request::of_users(experiment.users().unwrap().ids[3..5].to_vec());
    vec![
        Activity::Compare,
        Activity::Twin,
        Activity::Baselines,
        Activity::Decompose,
        Activity::Sweep { config: SweepConfig { shards: vec![2], ..SweepConfig::default() } },
        Activity::Audit { change: request.into(), mode: Mode::Frozen, person: None },
        forget(experiment),
    ]
}

struct Seen {
    /// Every job of some pipelines, with its outcome.
    jobs: Vec<(JobOut, Vec<u8>)>,
    /// Has the large inputs of all of them.
    runner: Runner,
    /// Experiments saved after a request.
    saved: Vec<Vec<u8>>,
    /// Receipts of that request.
    receipts: Vec<String>,
}

static SEEN: LazyLock<Seen> = LazyLock::new(|| {
    let runner = Runner::new();
    let mut seen = Seen { jobs: Vec::new(), runner, saved: Vec::new(), receipts: Vec::new() };
    let cases = [
        (Method::Obc, ModelName::Wmf, CombineMethod::Joint),
        (Method::Kmeans, ModelName::Wmf, CombineMethod::Consensus),
        (Method::Anchored, ModelName::Bpr, CombineMethod::Attention),
        (Method::Random, ModelName::Mf, CombineMethod::Logistic),
        (Method::Hash, ModelName::Lightgcn, CombineMethod::Own),
        (Method::Ubp, ModelName::Gmf, CombineMethod::Mean),
        (Method::Ibp, ModelName::Neumf, CombineMethod::Own),
        (Method::Inbp, ModelName::Dmf, CombineMethod::Logistic),
        (Method::Random, ModelName::Ease, CombineMethod::Mean),
        (Method::Obc, ModelName::Itemknn, CombineMethod::Own),
    ];
    for (number, (method, model, combine)) in cases.into_iter().enumerate() {
        let mut experiment = loaded(config(method, model, combine));
        experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
        drive(&mut experiment, &seen.runner, &mut seen.jobs);
        seen.saved.push(experiment.save());
        let asked = if number == 0 { activities(&experiment) } else { vec![forget(&experiment)] };
        for activity in asked {
            experiment.begin(activity).unwrap();
            drive(&mut experiment, &seen.runner, &mut seen.jobs);
        }
        seen.saved.push(experiment.save());
        seen.receipts.push(experiment.receipts()[0].to_json());
    }
    seen
});

/// Runs a job for some steps and finishes it.
fn try_job(bytes: &[u8]) {
    let Ok(mut task) = SEEN.runner.task(bytes) else { return };
    for _ in 0..STEPS {
        match task.step() {
            Ok(step) if step.done => break,
            Ok(_) => {}
            Err(_) => return,
        }
    }
    let _ = task.finish();
}

/// Asks an experiment for everything that it shows and can do.
fn try_experiment(experiment: &Experiment) {
    let _ = experiment.snapshot();
    let _ = (experiment.users(), experiment.assignment(), experiment.stages(), experiment.twin());
    let Ok(view) = experiment.users() else { return };
    let Some(user) = view.ids.get(2) else { return };
    let request = Request { confirmed: true, ..Request::of_users([user.clone()]) };
    let _ = experiment.plan(&request.clone().into(), Mode::Frozen);
    let mut again = experiment.clone();
    let forget = Activity::Change { change: request.into(), mode: Mode::Frozen };
    for activity in [Activity::Build { until: Stage::Evaluate }, forget, Activity::Decompose] {
        if again.begin(activity).is_ok() {
            try_jobs(&mut again);
        }
    }
    let _ = again.save();
}

fn try_jobs(experiment: &mut Experiment) {
    let runner = Runner::new();
    // Every job done or refused; a refused one ends the activity.
    for _ in 0..200 {
        let jobs = experiment.jobs();
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            let Ok(outcome) = experiment.run(&job, &runner) else {
                experiment.cancel();
                return;
            };
            if experiment.accept(job.id, &outcome, 0.01).is_err() {
                experiment.cancel();
                return;
            }
        }
    }
}

/// Without a change all of it is accepted: what is refused below is refused for its change.
#[test]
fn what_is_not_changed_is_accepted() {
    assert!(SEEN.jobs.len() > 100, "{}", SEEN.jobs.len());
    let small = SEEN.jobs.iter().filter(|(job, _)| job.inputs.is_empty());
    for (job, outcome) in small {
        assert_eq!(Runner::new().run(&job.body).unwrap(), *outcome);
    }
    for saved in &SEEN.saved {
        Experiment::new().restore(saved).unwrap();
    }
    let rows = rows();
    for text in &SEEN.receipts {
        let mut experiment = Experiment::new();
        experiment.verify_rows(&[Receipt::parse(text).unwrap()], &rows).unwrap();
        assert!(experiment.running());
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn changed_jobs_cause_no_panic(which in any::<Index>(), edits in edits()) {
        let (job, _) = which.get(&SEEN.jobs);
        let bytes = changed(&job.body, MARKS, &edits);
        try_job(&bytes);
        try_job(&sealed(bytes));
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn changed_outcomes_cause_no_panic(which in any::<Index>(), edits in edits()) {
        let mut experiment = loaded(config(Method::Obc, ModelName::Wmf, CombineMethod::Joint));
        experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
        // One outcome of the eight is changed. If it is refused, the job still waits for the right one.
        let target = which.index(8);
        let (runner, mut number) = (Runner::new(), 0);
        'all: while experiment.running() {
            for job in experiment.jobs() {
                let Ok(outcome) = experiment.run(&job, &runner) else { break 'all };
                let bad = sealed(changed(&outcome, MARKS, &edits));
                if number != target || experiment.accept(job.id, &bad, 0.01).is_err() {
                    experiment.accept(job.id, &outcome, 0.01).unwrap();
                }
                number += 1;
            }
        }
        experiment.cancel();
        try_experiment(&experiment);
    }

    #[test]
    fn changed_saved_experiments_cause_no_panic(which in any::<Index>(), edits in edits()) {
        let saved = which.get(&SEEN.saved);
        let mut bytes = changed(saved, 36, &edits);
        let mut experiment = Experiment::new();
        if bytes != *saved {
            prop_assert!(experiment.restore(&bytes).is_err());
        }
        // With the digest that belongs to the changed bytes, as somebody would write it who wants them to pass.
        let digest = Digest::of(&bytes[36..]);
        bytes[4..36].copy_from_slice(&digest.0);
        if experiment.restore(&bytes).is_ok() {
            try_experiment(&experiment);
        }
    }

    #[test]
    fn changed_receipts_cause_no_panic(which in any::<Index>(), edits in edits()) {
        let text = which.get(&SEEN.receipts);
        let bytes = changed(text.as_bytes(), 0, &edits);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = Receipt::parse(&text);
        // Sealed again, and carried through the whole verification.
        let Ok(receipt) = serde_json::from_str::<Receipt>(&text) else { return Ok(()) };
        let receipt = receipt.reseal();
        let mut experiment = Experiment::new();
        if experiment.verify_rows(&[receipt], &rows()).is_ok() {
            try_jobs(&mut experiment);
        }
    }

    #[test]
    fn changed_texts_cause_no_panic(edits in edits(), cut in any::<Index>()) {
        let mut text = Vec::new();
        to_csv(&synthetic(&SAMPLE).unwrap().interactions, &mut text).unwrap();
        let text = changed(&text, 0, &edits);
        let mut reader = Reader::new(ReadConfig::default());
        let (first, second) = text.split_at(cut.index(text.len() + 1));
        reader.push(first);
        reader.push(second);
        if let Ok((rows, report)) = reader.finish() {
            let mut experiment = Experiment::new();
            let _ = experiment.load(Loaded::of(rows, &report));
        }
    }
}
