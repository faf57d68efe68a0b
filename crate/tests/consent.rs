//! What a person decides about the partition: anchors by consent, and an assignment file.

use ultrare::Result;
use ultrare::experiment::{Activity, Experiment, Loaded};
use ultrare::interactions::{ReadConfig, Reader};
use ultrare::partition::Method;
use ultrare::pipeline::{Dataset, Runner, Settings, Stage};
use ultrare::unlearn::{Mode, Request};

/// Forty users over twelve items; every third consents, user 39 says both yes and no, user 38 nothing that is clear.
fn file(without: impl Fn(u32, u32) -> bool) -> String {
    let mut text = String::from("user,item,consent\n");
    for user in 0..40u32 {
        for item in (0..12u32).filter(|item| (item * 7 + user * 5) % 4 != 0 && !without(user, *item)) {
            let consent = match user {
                39 => {
                    if item == 1 {
                        "no"
                    } else {
                        "yes"
                    }
                }
                38 => "perhaps",
                _ => {
                    if user % 3 == 0 {
                        "yes"
                    } else {
                        "no"
                    }
                }
            };
            text += &format!("u{user:02},i{item:02},{consent}\n");
        }
    }
    text
}

fn loaded(text: &str) -> Experiment {
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(text.as_bytes());
    let (rows, report) = reader.finish().unwrap();
    let mut experiment = Experiment::new();
    let mut config = Settings::default();
    (config.partition.method, config.partition.consent, config.partition.shards) = (Method::Anchored, true, 3);
    experiment.configure(config).unwrap();
    experiment.load(Loaded::of(rows, &report)).unwrap();
    experiment
}

fn drive(experiment: &mut Experiment, activity: Activity) -> Result<()> {
    experiment.begin(activity)?;
    experiment.drive(&Runner::new()).map(|_| ())
}

fn built(text: &str) -> Experiment {
    let mut experiment = loaded(text);
    drive(&mut experiment, Activity::Build { until: Stage::Evaluate }).unwrap();
    experiment
}

#[test]
fn consent_is_the_users_own_word_and_survives_saving() {
    let experiment = loaded(&file(|_, _| false));
    let data = experiment.dataset().unwrap().clone();
    let anchors = |data: &Dataset| -> Vec<String> {
        let users = data.rows().users();
        let consents = |user: &u32| data.rows().consents(*user, &[]);
        (0..users.len() as u32).filter(consents).map(|user| users.get(user).to_owned()).collect()
    };
    let expected: Vec<String> = (0..39).step_by(3).map(|user| format!("u{user:02}")).collect();
    assert_eq!(anchors(&data), expected, "39 says both, 38 nothing clear");
    assert_eq!(experiment.snapshot().data.unwrap().consenting, Some(13));
    let mut again = Experiment::new();
    again.restore(&experiment.save()).unwrap();
    assert_eq!(anchors(again.dataset().unwrap()), expected);
    let gone: Vec<u32> = data.rows().range_of(0).map(|row| row as u32).collect();
    let others = data.changed(&gone, &Default::default(), experiment.settings()).unwrap();
    assert_eq!(anchors(&others), expected[1..], "nobody's consent hangs on u00");
}

#[test]
fn with_consenting_anchors_forgetting_equals_a_file_without_the_rows() {
    let before = built(&file(|_, _| false));
    // Somebody who does not consent, an anchor, and the one row by which user 39 said no.
    let row = |user: u32, item: u32| move |u: u32, i: u32| u == user && (i == item || item == u32::MAX);
    for (user, item, mode) in
        [(4, u32::MAX, Mode::Frozen), (3, u32::MAX, Mode::Frozen), (39, 1, Mode::Frozen), (39, 1, Mode::Refit)]
    {
        let id = format!("u{user:02}");
        let request = if item == u32::MAX {
            Request::of_users([id])
        } else {
            Request { interactions: vec![(id, format!("i{item:02}"))], ..Request::default() }
        };
        let mut experiment = before.clone();
        drive(&mut experiment, Activity::Change { change: request.into(), mode }).unwrap();
        let twin = built(&file(row(user, item)));
        let (one, other) = (experiment.snapshot(), twin.snapshot());
        let (after, fresh) = (one.digests, other.digests);
        assert_eq!((after.split_after, after.partition_after), (fresh.split, fresh.partition), "user {user}");
        assert_eq!(
            (after.shards_after, after.ensemble_after),
            (fresh.shards_before, fresh.ensemble_before),
            "user {user}"
        );
    }
}

#[test]
fn losing_the_row_that_said_no_makes_an_anchor_and_divides_again() {
    let experiment = built(&file(|_, _| false));
    let divides_again = |user: &str, item: &str| {
        let request = Request { interactions: vec![(user.into(), item.into())], ..Request::default() };
        let plan = experiment.plan(&request.into(), Mode::Frozen).unwrap();
        assert!(plan.taints.is_empty(), "the division follows the anchors");
        plan.warnings.iter().any(|warning| warning.code == "divides_again")
    };
    assert!(divides_again("u39", "i01"), "then 39 consents, and there is one anchor more");
    assert!(divides_again("u03", "i02"), "an anchor's own row");
}

#[test]
fn nobody_consenting_and_no_column_are_refused_in_words() {
    let nobody = file(|_, _| false).replace(",yes", ",no");
    let without: String =
        file(|_, _| false).lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    for (text, expected) in [(nobody, "nobody with a training row consents"), (without, "has no consent column")] {
        let mut experiment = loaded(&text);
        let error = drive(&mut experiment, Activity::Build { until: Stage::Evaluate }).unwrap_err();
        assert_eq!(error.code(), "partition.no_anchor");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!experiment.running() && experiment.rows().is_ok(), "the rows are still there");
    }
}

#[test]
fn a_given_partition_that_does_not_fit_is_refused_and_one_that_does_is_used() {
    let mut experiment = loaded(&file(|_, _| false));
    let mut config = experiment.settings().choosing(None, Some(Method::File), None);
    config.partition.shards = 2;
    experiment.configure(config).unwrap();
    let build = |experiment: &mut Experiment| drive(experiment, Activity::Build { until: Stage::Evaluate });
    let all = |shard: &dyn Fn(u32) -> u32| -> String {
        (0..40).map(|user| format!("u{user:02},{}\n", shard(user))).collect()
    };
    for (text, expected) in [
        (None, "there is none yet"),
        (Some("u00,1\n".to_owned()), "\"u01\" is not among them"),
        (Some(all(&|user| user % 3)), "into shard 2, but with 2 shards they go from 0 to 1"),
    ] {
        if let Some(text) = text {
            experiment.read_assignment_file(&text).unwrap();
        }
        let error = build(&mut experiment).unwrap_err();
        assert_eq!(error.code(), "pipeline.assignment_file");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(experiment.read_assignment_file(&all(&|user| user / 20)).unwrap(), (40, 2));
    assert!(experiment.read_assignment_file("u00,0\nu00,1").is_err(), "what was given before stays");
    build(&mut experiment).unwrap();
    let view = experiment.snapshot();
    assert_eq!(view.shards.iter().map(|shard| shard.users).collect::<Vec<_>>(), [20, 20]);
}
