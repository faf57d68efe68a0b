//! People as they are shown: names, whom to begin with, reasons, and the work that a change takes, on the generated sample.

use ultrare::experiment::{Activity, Experiment};
use ultrare::interactions::SyntheticConfig;
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{Runner, Settings, Stage};
use ultrare::unlearn::{Change, Mode, Request};

/// A small sample under `anchored`, built.
fn built(seed: u64) -> Experiment {
    let mut experiment = Experiment::new();
    let partition = PartitionConfig { method: Method::Anchored, shards: 4, anchors: 0.5, ..Default::default() };
    experiment.configure(Settings { partition, ..Settings::default() }).unwrap();
    let config = SyntheticConfig { users: 160, items: 90, rows: 3_000, groups: 4, seed };
    experiment.load_synthetic(&config).unwrap();
    run(&mut experiment, Activity::Build { until: Stage::Evaluate });
    experiment
}

fn run(experiment: &mut Experiment, activity: Activity) {
    experiment.begin(activity).unwrap();
    experiment.drive(&Runner::new()).unwrap();
}

fn without(user: &str) -> Change {
    Change { forget: Request { users: vec![user.to_owned()], ..Request::default() }, ..Change::default() }
}

#[test]
fn the_suggested_person_moves_nobody_and_the_twin_is_equal() {
    for seed in 1..6 {
        let mut experiment = built(seed);
        let users = experiment.users().unwrap();
        let suggested = users.suggested.unwrap();
        let at = users.ids.iter().position(|id| *id == suggested).unwrap();
        assert!(!users.anchors[at], "{suggested} is no anchor");
        let more = users.train_rows.iter().filter(|&&rows| rows > users.train_rows[at]).count();
        assert!(more < 80 && more > 8, "{suggested} is rather active: {more} of 160 have more rows");
        let change = without(&suggested);
        assert_eq!(experiment.plan(&change, Mode::Frozen).unwrap().touched.len(), 1);
        run(&mut experiment, Activity::Change { change, mode: Mode::Frozen });
        run(&mut experiment, Activity::Twin);
        assert!(experiment.twin().unwrap().iter().all(|stage| stage.equal), "seed {seed}");
    }
}

#[test]
fn work_is_counted_until_serving_and_the_bill_says_it_beforehand() {
    let mut experiment = built(1);
    let before = experiment.snapshot();
    let rows = |shards: &[u32]| shards.iter().sum::<u32>();
    assert_eq!(before.work.built.rows, rows(&before.partition.unwrap().rows_per_shard));
    let suggested = experiment.users().unwrap().suggested.unwrap();
    let plan = experiment.plan(&without(&suggested), Mode::Frozen).unwrap();
    run(&mut experiment, Activity::Change { change: without(&suggested), mode: Mode::Frozen });
    run(&mut experiment, Activity::Twin);
    let after = experiment.snapshot();
    let twin = after.work.twin.unwrap();
    assert_eq!((after.work.changed.rows, twin.rows), (plan.rows_to_train, plan.rows_full));
    let epochs = |shard: u32| u64::from(after.shards[shard as usize].epochs);
    let examples = |shard: u32| epochs(shard) * u64::from(after.shards[shard as usize].rows);
    assert_eq!(after.work.changed.examples, examples(plan.touched[0].shard));
    assert_eq!(twin.examples, (0..4).map(examples).sum::<u64>());
}

#[test]
fn nobody_who_was_forgotten_is_named_in_what_is_saved() {
    let mut experiment = built(2);
    let users = experiment.users().unwrap();
    let name = |id: &str| users.names[users.ids.iter().position(|other| other == id).unwrap()].clone();
    let suggested = users.suggested.clone().unwrap();
    let gone = name(&suggested);
    let holds = |experiment: &Experiment, text: &str| {
        experiment.save().windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(holds(&experiment, &gone));
    assert_eq!(experiment.person(&suggested).unwrap().name, gone);
    run(&mut experiment, Activity::Change { change: without(&suggested), mode: Mode::Frozen });
    assert!(!holds(&experiment, &gone) && !experiment.users().unwrap().names.contains(&gone));
    assert!(experiment.person(&suggested).is_err());
    assert_ne!(experiment.users().unwrap().suggested.unwrap(), suggested);
}

#[test]
fn reasons_are_own_rows_the_strongest_first() {
    let experiment = built(3);
    let person = experiment.person(&experiment.users().unwrap().suggested.unwrap()).unwrap();
    let list = &person.lists["original"];
    assert_eq!(person.reasons.len(), 10);
    for (reason, item) in person.reasons.iter().zip(list) {
        assert_eq!(reason.item, item.item);
        assert!(!reason.because.is_empty() && reason.because.len() <= 3);
        assert!(reason.because.windows(2).all(|pair| pair[0].share >= pair[1].share));
        assert!(reason.because.iter().map(|because| because.share).sum::<f32>() <= 1.0001);
        for because in &reason.because {
            assert!(person.rows.iter().any(|row| row.item == because.item && !row.test), "an own training row");
            assert_ne!(because.item, reason.item);
        }
    }
}
