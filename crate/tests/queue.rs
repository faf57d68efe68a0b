//! What waits for its turn: each is told its own end, and what cannot begin disturbs nobody.

use ultrare::experiment::{Activity, Experiment, Notice};
use ultrare::interactions::Size;
use ultrare::partition::Method;
use ultrare::pipeline::{Runner, Stage};
use ultrare::unlearn::{Mode, Request, Sequence};

fn built() -> Experiment {
    let mut experiment = Experiment::new();
    let mut config = experiment.settings().clone();
    config.partition.method = Method::Hash;
    config.partition.shards = 4;
    config.model.factors = Some(4);
    config.model.epochs = Some(2);
    experiment.configure(config).unwrap();
    experiment.load_sample(Size::Small, 1).unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(&mut experiment);
    experiment
}

fn drive(experiment: &mut Experiment) -> Vec<Notice> {
    experiment.drive(&Runner::new()).unwrap()
}

fn forget(user: &str) -> Activity {
    Activity::Change { change: Request::of_users([user]).into(), mode: Mode::Frozen }
}

/// (ticket, code of the refusal) in the order of the ends.
fn ends(notices: &[Notice]) -> Vec<(u32, Option<&str>)> {
    let end = |notice: &'_ Notice| match notice {
        Notice::Finished { ticket, .. } => Some((*ticket, None)),
        Notice::Refused { ticket, code, .. } => Some((*ticket, Some(code.clone()))),
        _ => None,
    };
    let ends: Vec<(u32, Option<String>)> = notices.iter().filter_map(end).collect();
    ends.into_iter().map(|(ticket, code)| (ticket, code.map(|code| &*code.leak()))).collect()
}

#[test]
fn each_that_waits_is_told_its_own_end() {
    let mut experiment = built();
    let user = |at: usize| experiment.users().unwrap().ids[at].clone();
    let (one, other) = (user(3), user(7));
    let tickets = [
        experiment.begin(forget(&one)).unwrap(),
        // Nobody of that name: found out only when its turn comes.
        experiment.begin(forget("nobody")).unwrap(),
        // Gone by then.
        experiment.begin(forget(&one)).unwrap(),
        experiment.begin(Activity::Compare).unwrap(),
        experiment.begin(forget(&other)).unwrap(),
    ];
    let events = drive(&mut experiment);
    let unknown = Some("request.unknown");
    let expected: Vec<_> = tickets.into_iter().zip([None, unknown, unknown, None, None]).collect();
    assert_eq!(ends(&events), expected);
    assert_eq!(experiment.receipts().len(), 2);
    assert!(!experiment.running());
    // The state is that of the two requests alone.
    let mut alone = built();
    alone.begin(forget(&one)).unwrap();
    alone.begin(forget(&other)).unwrap();
    drive(&mut alone);
    assert_eq!(experiment.stages().unwrap(), alone.stages().unwrap());
}

#[test]
fn what_is_refused_at_once_is_no_event() {
    let mut experiment = built();
    assert_eq!(experiment.begin(forget("nobody")).unwrap_err().code(), "request.unknown");
    assert!(experiment.notices().is_empty() && !experiment.running());
    // Nothing to do is an end like any other.
    let ticket = experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    assert_eq!(ends(&experiment.notices()), [(ticket, None)]);
}

fn sequence(experiment: &Experiment, at: &[usize]) -> Sequence {
    let users = experiment.users().unwrap().ids;
    Sequence::one_by_one(at.iter().map(|&at| users[at].clone()))
}

#[test]
fn a_sequence_books_each_request_and_is_exact_after_each() {
    let mut experiment = built();
    let asked = sequence(&experiment, &[1, 5, 9, 40]);
    let ticket = experiment.begin(Activity::Sequence { sequence: asked, mode: Mode::Frozen, twin: true }).unwrap();
    let events = drive(&mut experiment);
    assert_eq!(ends(&events), [(ticket, None)]);
    let view = experiment.snapshot().sequence.unwrap();
    assert_eq!((view.steps.len(), view.ledger.steps.len(), view.pending.len()), (4, 4, 0));
    assert!(
        view.steps.iter().all(|step| step.twin.as_ref().is_some_and(|twin| twin.exact && !twin.defect)),
        "{view:?}"
    );
    assert!(view.steps.windows(2).all(|pair| pair[0].share < pair[1].share && pair[0].users > pair[1].users));
    assert!(view.ledger.steps.iter().all(|step| step.shards == 1 && step.rows_trained < step.rows_full));
    assert!(view.steps.iter().all(|step| step.metrics.contains_key("ndcg@20")));
    assert_eq!(experiment.receipts().len(), 4);
    // It survives a save.
    let mut opened = Experiment::new();
    opened.restore(&experiment.save()).unwrap();
    assert_eq!(opened.snapshot().sequence, Some(view));
}

#[test]
fn a_cancelled_sequence_keeps_what_was_done_and_goes_on_later() {
    let mut experiment = built();
    let asked = sequence(&experiment, &[2, 6, 30]);
    let begin = |experiment: &mut Experiment, sequence: &Sequence| {
        let sequence = sequence.clone();
        experiment.begin(Activity::Sequence { sequence, mode: Mode::Frozen, twin: false }).unwrap()
    };
    begin(&mut experiment, &asked);
    while experiment.receipts().is_empty() {
        for job in experiment.jobs() {
            experiment.accept(job.id, &experiment.run(&job, &Runner::new()).unwrap(), 0.0).unwrap();
        }
    }
    experiment.cancel();
    let view = experiment.snapshot().sequence.unwrap();
    assert_eq!((view.steps.len(), view.pending.as_slice()), (1, &asked.changes[1..]));
    begin(&mut experiment, &Sequence { changes: view.pending });
    drive(&mut experiment);
    let view = experiment.snapshot().sequence.unwrap();
    assert_eq!((view.steps.len(), view.pending.len()), (3, 0));
    let mut whole = built();
    begin(&mut whole, &asked);
    drive(&mut whole);
    assert_eq!(experiment.stages().unwrap(), whole.stages().unwrap());
    assert_eq!(experiment.snapshot().sequence.unwrap().steps, whole.snapshot().sequence.unwrap().steps);
}

#[test]
fn a_refused_request_ends_the_sequence_and_stays_pending() {
    let mut experiment = built();
    let mut asked = sequence(&experiment, &[2, 6, 30]);
    asked.changes[1] = Request::of_users(["nobody"]).into();
    let behind = {
        let sequence = asked.clone();
        let ticket = experiment.begin(Activity::Sequence { sequence, mode: Mode::Frozen, twin: true }).unwrap();
        let compare = experiment.begin(Activity::Compare).unwrap();
        [(ticket, Some("request.unknown")), (compare, None)]
    };
    let events = drive(&mut experiment);
    assert_eq!(ends(&events), behind);
    let view = experiment.snapshot().sequence.unwrap();
    assert_eq!((view.steps.len(), view.pending.as_slice()), (1, &asked.changes[1..]));
    let nothing = Activity::Sequence { sequence: Sequence::default(), mode: Mode::Frozen, twin: false };
    assert_eq!(experiment.begin(nothing).unwrap_err().code(), "script.empty");
}
