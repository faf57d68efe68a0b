use serde_bytes::ByteBuf;

use super::super::data::Data;
use super::super::job::{Job, decode, encode};
use super::super::{Activity, Experiment, Stage, run, task};
use super::*;
use crate::combine::CombineConfig;
use crate::interactions::SyntheticConfig;
use crate::model::{Sliced, Start};
use crate::numerics::matrix::Matrix;

/// Spoils what is of its kind; says whether it was.
type Fault<T> = fn(&mut T) -> bool;

fn small() -> Experiment {
    let mut config = Config::default();
    config.partition.shards = 2;
    config.embedding.factors = 3;
    config.model.factors = Some(3);
    config.model.slices = 2;
    config.evaluate.bootstrap = 0;
    let mut experiment = Experiment::new();
    experiment.configure(config).unwrap();
    let sample = SyntheticConfig { users: 12, items: 9, rows: 60, groups: 2, seed: 1 };
    experiment.load_synthetic(&sample).unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    experiment
}

/// Offers `spoil`ed outcomes of each job before the right one, and spoiled jobs to a task; says how many were refused.
fn drive(experiment: &mut Experiment, spoil: impl Fn(&mut Outcome) -> bool, damage: impl Fn(&mut Job) -> bool) -> u32 {
    let mut refused = 0;
    while experiment.running() {
        for out in experiment.jobs(2) {
            let mut job: Job = decode(&out.bytes, "a job").unwrap();
            if damage(&mut job) {
                let error = task(&encode(&job)).err().unwrap_or_else(|| panic!("{:?} was begun", out.stage));
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
            let bytes = run(&out.bytes).unwrap();
            let mut outcome: Outcome = decode(&bytes, "a result").unwrap();
            if spoil(&mut outcome) {
                let error = experiment.accept(out.id, &encode(&outcome), 0.0).unwrap_err();
                assert_eq!(error.code(), "experiment.damaged", "{error}");
                refused += 1;
            }
            experiment.accept(out.id, &bytes, 0.0).unwrap();
        }
    }
    refused
}

#[test]
fn outcomes_of_other_rows_are_refused_and_the_right_one_is_still_waited_for() {
    /// Changes outcomes of one kind; says which it changed.
    macro_rules! of {
        ($kind:pat, $change:expr) => {
            |outcome: &mut Outcome| {
                let $kind = outcome else { return false };
                $change;
                true
            }
        };
    }
    let faults: [(Fault<Outcome>, u32); 7] = [
        (of!(Outcome::Embed { users, .. }, *users = Matrix::zeros(3, 2)), 1),
        (of!(Outcome::Cluster { partition, .. }, partition.shards = 9), 1),
        (of!(Outcome::Cluster { partition, .. }, partition.assignment = Assignment::ByUser(vec![2; 12])), 1),
        (of!(Outcome::Cluster { partition, .. }, partition.assignment = Assignment::ByRow(vec![0; 5])), 1),
        (of!(Outcome::Evaluate(results), results.pop()), 2),
        (of!(Outcome::Evaluate(results), results[0].values.pop()), 2),
        (of!(Outcome::Evaluate(results), results[0].top.push(9)), 2),
    ];
    for (number, (fault, expected)) in faults.into_iter().enumerate() {
        let mut experiment = small();
        assert_eq!(drive(&mut experiment, fault, |_| false), expected, "fault {number}");
        assert!(experiment.stages().is_ok());
    }
}

#[test]
fn jobs_that_would_read_beyond_their_lists_or_fill_the_memory_are_refused() {
    macro_rules! of {
        ($kind:ident, $job:ident, $change:expr) => {
            |job: &mut Job| {
                let Job::$kind($job) = job else { return false };
                $change;
                true
            }
        };
    }
    let faults: [(Fault<Job>, u32); 7] = [
        (of!(Embed, job, (job.rows.starts[1], job.anchors) = (99, vec![true; 12])), 1),
        (of!(Embed, job, job.rows.n_items = u32::MAX), 1),
        (of!(Train, job, job.rows.n_items = u32::MAX), 2),
        (
            of!(Train, job, {
                let slice_of_user = vec![0; job.rows.n_users as usize];
                job.start = Start::Sliced(Sliced { count: u32::MAX, slice_of_user, resume: None });
            }),
            2,
        ),
        (of!(Combine, job, job.n_items = u32::MAX), 1),
        (of!(Evaluate, job, job.users.starts[1] = 999), 2),
        (of!(Evaluate, job, job.prepared = ByteBuf::new()), 2),
    ];
    for (number, (fault, expected)) in faults.into_iter().enumerate() {
        assert_eq!(drive(&mut small(), |_| false, fault), expected, "fault {number}");
    }
}

#[test]
fn a_saved_arm_that_is_not_one_of_the_rows_is_refused() {
    let mut experiment = small();
    drive(&mut experiment, |_| false, |_| false);
    let good = experiment.serving.clone().unwrap();
    good.check(true).unwrap();
    let faults: [fn(&mut Arm); 9] = [
        |arm| arm.layout.as_mut().unwrap().shard_of_row[0] = 7,
        |arm| arm.layout.as_mut().unwrap().shard_of_row.truncate(3),
        |arm| arm.layout.as_mut().unwrap().shards = u32::MAX,
        |arm| arm.layout = None,
        |arm| arm.shards[0].items[0] = 99,
        |arm| arm.members.truncate(1),
        |arm| arm.trained.push(2),
        |arm| arm.evaluation.as_mut().unwrap().truncate(2),
        |arm| arm.evaluation.as_mut().unwrap()[1].top.push(99),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let mut arm = good.clone();
        fault(&mut arm);
        assert_eq!(arm.check(true).unwrap_err().code(), "experiment.damaged", "fault {number}");
        experiment.serving = Some(arm);
        let refused = Experiment::new().restore(&experiment.save()).unwrap_err();
        assert_eq!(refused.code(), "experiment.damaged", "fault {number}: {refused}");
    }
    experiment.serving = Some(good);
    experiment.config.evaluate.confidence = 2.0;
    assert_eq!(Experiment::new().restore(&experiment.save()).unwrap_err().code(), "evaluate.parameter");
}

#[test]
fn saved_users_without_a_handle_each_are_refused() {
    let mut experiment = small();
    drive(&mut experiment, |_| false, |_| false);
    let mut data: Data = experiment.data.as_deref().unwrap().clone();
    let bytes = |data: &Data| postcard::to_stdvec(data).unwrap();
    assert_eq!(postcard::from_bytes::<Data>(&bytes(&data)).unwrap(), data);
    data.handles.pop();
    assert!(postcard::from_bytes::<Data>(&bytes(&data)).is_err());
}

#[test]
fn every_part_of_the_settings_is_checked_when_it_is_set() {
    type Fault = fn(&mut Config);
    let faults: [(Fault, &str); 5] = [
        (|config| config.embedding.factors = 0, "model.parameter"),
        (|config| config.partition.shards = 0, "partition.parameter"),
        (|config| config.model.epochs = Some(0), "model.parameter"),
        (|config| config.combine = CombineConfig { negatives: 0, ..CombineConfig::default() }, "combine.parameter"),
        (|config| config.evaluate.cutoffs.clear(), "evaluate.parameter"),
    ];
    for (fault, code) in faults {
        let (mut experiment, mut config) = (Experiment::new(), Config::default());
        fault(&mut config);
        assert_eq!(experiment.configure(config).unwrap_err().code(), code);
        assert_eq!(experiment.snapshot().config, Config::default());
    }
}
