//! The pipeline as a whole: the laws of exactness and determinism, on generated rows.

use std::collections::BTreeMap;

use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::experiment::{Activity, Experiment, Loaded, Notice, Snapshot};
use ultrare::interactions::{ReadConfig, Reader, Size, SyntheticConfig, synthetic, to_csv};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{Runner, Settings, Stage};
use ultrare::unlearn::{Mode, Request};

/// Runs all that is asked with so many runners in turns, last job first if `backwards`.
fn drive(experiment: &mut Experiment, runners: usize, backwards: bool) -> Vec<Notice> {
    let runners: Vec<Runner> = (0..runners).map(|_| Runner::new()).collect();
    let mut notices = Vec::new();
    while experiment.running() {
        let mut jobs = experiment.jobs();
        assert!(!jobs.is_empty(), "an activity runs but has no job");
        if backwards {
            jobs.reverse();
        }
        for (job, runner) in jobs.iter().zip(runners.iter().cycle()) {
            let outcome = experiment.run(job, runner).unwrap();
            notices.extend(experiment.accept(job.id, &outcome, 0.001).unwrap());
        }
    }
    notices
}

fn config(method: Method, combine: CombineMethod) -> Settings {
    Settings {
        seed: 3,
        partition: PartitionConfig { method, shards: 4, ..PartitionConfig::default() },
        combine: CombineConfig::of(combine),
        ..Settings::default()
    }
}

fn built(config: &Settings) -> Experiment {
    let mut experiment = Experiment::new();
    experiment.configure(config.clone()).unwrap();
    let sample = SyntheticConfig { users: 120, items: 80, rows: 2400, ..Size::Small.config(5) };
    experiment.load_synthetic(&sample).unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(&mut experiment, 1, false);
    experiment
}

fn forget(experiment: &mut Experiment, request: Request, mode: Mode) -> Snapshot {
    experiment.begin(Activity::Change { change: request.into(), mode }).unwrap();
    drive(experiment, 2, false);
    experiment.snapshot()
}

fn some_users(experiment: &Experiment) -> Vec<String> {
    let ids = experiment.users().unwrap().ids;
    vec![ids[3].clone(), ids[40].clone(), ids[77].clone()]
}

#[test]
fn workers_and_the_order_of_outcomes_change_nothing() {
    let config = config(Method::Obc, CombineMethod::Joint);
    let one = built(&config).snapshot();
    let mut experiment = Experiment::new();
    experiment.configure(config).unwrap();
    let sample = SyntheticConfig { users: 120, items: 80, rows: 2400, ..Size::Small.config(5) };
    experiment.load_synthetic(&sample).unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(&mut experiment, 7, true);
    let many = experiment.snapshot();
    assert_eq!(one.digests, many.digests);
    assert_eq!(one.results, many.results);
}

#[test]
fn forgetting_trains_the_touched_shards_only_and_equals_never_having_had() {
    for combine in [CombineMethod::Own, CombineMethod::Mean, CombineMethod::Joint] {
        for method in [Method::Obc, Method::Random, Method::Hash] {
            let config = config(method, combine);
            let mut experiment = built(&config);
            let users = some_users(&experiment);
            let view = experiment.users().unwrap();
            let shard_of: BTreeMap<String, u16> = view.ids.iter().cloned().zip(view.shard_of).collect();
            let touched: Vec<u32> = {
                let mut touched: Vec<u32> = users.iter().map(|id| u32::from(shard_of[id])).collect();
                touched.sort_unstable();
                touched.dedup();
                touched
            };
            let after = forget(&mut experiment, Request::of_users(users.clone()), Mode::Frozen);
            assert_eq!(after.change.as_ref().unwrap().touched_shards, touched);
            for shard in &after.shards {
                assert_eq!(
                    shard.digest == shard.digest_before,
                    !touched.contains(&shard.shard),
                    "shard {}",
                    shard.shard
                );
            }

            let mut twin = twin_of(&config, &users, &shard_of);
            twin.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
            drive(&mut twin, 1, false);
            let twin = twin.snapshot();
            assert_eq!(after.digests.split_after, twin.digests.split);
            assert_eq!(after.digests.partition_after, twin.digests.partition);
            assert_eq!(after.digests.shards_after, twin.digests.shards_before);
            assert_eq!(after.digests.ensemble_after, twin.digests.ensemble_before);
            assert_eq!(after.results["unlearned"].metrics, twin.results["original"].metrics);
        }
    }
}

/// An experiment read from a text file from which the users' lines were deleted, with the same shards for everybody else.
fn twin_of(config: &Settings, users: &[String], shard_of: &BTreeMap<String, u16>) -> Experiment {
    let sample = SyntheticConfig { users: 120, items: 80, rows: 2400, ..Size::Small.config(5) };
    let mut text = Vec::new();
    to_csv(&synthetic(&sample).unwrap().interactions, &mut text).unwrap();
    let mut reader = Reader::new(ReadConfig::default());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let user = line.split(|&byte| byte == b',').next().unwrap();
        if !users.iter().any(|id| id.as_bytes() == user) {
            reader.push(line);
        }
    }
    let (rows, report) = reader.finish().unwrap();
    let mut config = config.clone();
    config.partition.method = Method::File;
    let mut twin = Experiment::new();
    twin.configure(config).unwrap();
    twin.load(Loaded::of(rows, &report)).unwrap();
    twin.assign(shard_of.clone()).unwrap();
    twin
}

#[test]
fn a_refit_equals_a_fresh_run_on_what_remains() {
    let config = config(Method::Obc, CombineMethod::Mean);
    let mut experiment = built(&config);
    let users = some_users(&experiment);
    let after = forget(&mut experiment, Request::of_users(users.clone()), Mode::Refit);
    let mut twin = twin_of(&config, &users, &BTreeMap::new());
    twin.configure(config).unwrap();
    twin.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(&mut twin, 1, false);
    let twin = twin.snapshot();
    assert_eq!(after.digests.partition_after, twin.digests.partition);
    assert_eq!(after.digests.shards_after, twin.digests.shards_before);
    assert_eq!(after.digests.ensemble_after, twin.digests.ensemble_before);
}

#[test]
fn cancelling_leaves_everything_as_it_was() {
    let mut experiment = built(&config(Method::Random, CombineMethod::Mean));
    let before = experiment.snapshot();
    let users = some_users(&experiment);
    experiment.begin(Activity::Change { change: Request::of_users(users).into(), mode: Mode::Frozen }).unwrap();
    let jobs = experiment.jobs();
    let outcome = experiment.run(&jobs[0], &Runner::new()).unwrap();
    experiment.accept(jobs[0].id, &outcome, 0.0).unwrap();
    experiment.cancel();
    assert_eq!(experiment.snapshot(), before);
    assert_eq!(experiment.accept(jobs[0].id, &outcome, 0.0).unwrap_err().code(), "pipeline.unknown_job");
    assert!(!experiment.running());
}

#[test]
fn a_build_with_nothing_to_do_ends_and_one_that_starts_over_gives_the_same() {
    let mut experiment = built(&config(Method::Obc, CombineMethod::Mean));
    let first = experiment.snapshot();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    assert!(!experiment.running(), "nothing is stale, so nothing is done");
    experiment.restart().unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    let events = drive(&mut experiment, 1, false);
    assert!(events.iter().any(|event| matches!(event, Notice::Divided { .. })), "the partition is made again");
    assert_eq!(experiment.snapshot().digests, first.digests);
}

#[test]
fn starting_over_after_a_request_divides_those_who_stay_and_leaves_no_trace() {
    let mut experiment = built(&config(Method::Obc, CombineMethod::Joint));
    let users = some_users(&experiment);
    forget(&mut experiment, Request::of_users(users.clone()), Mode::Frozen);
    experiment.begin(Activity::Twin).unwrap();
    drive(&mut experiment, 1, false);
    assert!(experiment.snapshot().twin.iter().any(|stage| !stage.equal), "the division still knows who was there");
    experiment.restart().unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(&mut experiment, 1, false);
    assert!(users.iter().all(|user| experiment.rows().unwrap().users().find(user).is_none()));
    experiment.begin(Activity::Twin).unwrap();
    drive(&mut experiment, 1, false);
    let twin = experiment.snapshot().twin;
    assert!(!twin.is_empty() && twin.iter().all(|stage| stage.equal), "{twin:?}");
}

#[test]
fn comparing_trains_one_model_on_what_remains() {
    let mut experiment = built(&config(Method::Obc, CombineMethod::Joint));
    let users = some_users(&experiment);
    forget(&mut experiment, Request::of_users(users), Mode::Frozen);
    experiment.begin(Activity::Compare).unwrap();
    drive(&mut experiment, 1, false);
    let snapshot = experiment.snapshot();
    let names: Vec<&str> = snapshot.results.keys().map(String::as_str).collect();
    assert_eq!(names, ["original", "retrained", "unlearned"]);
    let users: Vec<u32> = snapshot.results.values().map(|result| result.users).collect();
    assert!(users.windows(2).all(|pair| pair[0] == pair[1]), "{users:?}");
    assert_eq!(snapshot.results["retrained"].shards_trained, 1);
}

#[test]
fn what_comes_too_early_or_in_between_is_refused_in_words() {
    let mut empty = Experiment::new();
    assert_eq!(empty.begin(Activity::Compare).unwrap_err().code(), "experiment.no_data");
    let sample = SyntheticConfig { users: 40, items: 30, rows: 400, ..Size::Small.config(5) };
    empty.load_synthetic(&sample).unwrap();
    assert_eq!(empty.begin(Activity::Compare).unwrap_err().code(), "experiment.too_early");
    empty.begin(Activity::Build { until: Stage::Partition }).unwrap();
    let busy = empty.load_sample(Size::Small, 1).unwrap_err();
    assert_eq!(busy.to_string(), "loading rows has to wait: build is running. Let it finish, or cancel it");
    assert_eq!(empty.snapshot().data.unwrap().users, 40);
}

#[test]
fn a_saved_experiment_goes_on_where_it_was_and_a_damaged_one_is_refused_whole() {
    let mut experiment = built(&config(Method::Obc, CombineMethod::Mean));
    let bytes = experiment.save();
    let mut opened = Experiment::new();
    opened.restore(&bytes).unwrap();
    assert_eq!(opened.snapshot(), experiment.snapshot());
    let users = some_users(&experiment);
    let here = forget(&mut experiment, Request::of_users(users.clone()), Mode::Frozen);
    let there = forget(&mut opened, Request::of_users(users.clone()), Mode::Frozen);
    assert_eq!(here.digests, there.digests);

    let before = opened.snapshot();
    for at in [0, 10, 40, bytes.len() / 2, bytes.len() - 1] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(opened.restore(&bad).is_err(), "byte {at}");
        assert!(opened.restore(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(opened.snapshot(), before);

    // Nothing of the forgotten is in the file that is saved afterwards.
    let after = opened.save();
    for id in &users {
        let spelled = postcard::to_stdvec(id).unwrap();
        assert!(
            bytes.windows(spelled.len()).any(|window| window == spelled),
            "the search would find an id that is there"
        );
        assert!(!after.windows(spelled.len()).any(|window| window == spelled), "{id} is still in the saved experiment");
    }
}

#[test]
fn threads_that_share_a_runner_find_what_they_need() {
    let mut experiment = Experiment::new();
    experiment.configure(config(Method::Random, CombineMethod::Mean)).unwrap();
    // More than one chunk of users is measured.
    experiment.load_synthetic(&SyntheticConfig { users: 700, items: 60, rows: 7000, ..Size::Small.config(5) }).unwrap();
    experiment.begin(Activity::Build { until: Stage::Combine }).unwrap();
    experiment.drive(&Runner::new()).unwrap();
    for _ in 0..20 {
        let mut measured = experiment.clone();
        measured.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
        let (runner, jobs) = (Runner::new(), measured.jobs());
        assert!(jobs.len() > 4);
        std::thread::scope(|scope| {
            let run = |job| {
                let (measured, runner) = (&measured, &runner);
                scope.spawn(move || measured.run(job, runner).map(|_| ()))
            };
            let all: Vec<_> = jobs.iter().map(run).collect();
            all.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        });
    }
}
