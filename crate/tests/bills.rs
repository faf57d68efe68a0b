//! The bill against what the request then really did: rows, and rows times epochs, over requests, partitions and models.

use ultrare::experiment::{Activity, Experiment};
use ultrare::interactions::Size;
use ultrare::model::{ModelConfig, ModelName};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{Runner, Settings, Stage};
use ultrare::unlearn::{AddedRow, Change, How, Mode, Request, Selection};

fn run(experiment: &mut Experiment, activity: Activity) {
    experiment.begin(activity).unwrap();
    experiment.drive(&Runner::new()).unwrap();
}

/// The small sample in eight shards, built.
fn built(method: Method, model: ModelName) -> Experiment {
    let mut experiment = Experiment::new();
    let partition = PartitionConfig { method, shards: 8, anchors: 0.4, ..Default::default() }.own_knobs();
    let model = ModelConfig { name: model, ..Default::default() };
    experiment.configure(Settings { partition, model, ..Settings::default() }).unwrap();
    experiment.load_sample(Size::Small, 1).unwrap();
    run(&mut experiment, Activity::Build { until: Stage::Combine });
    experiment
}

fn forget(request: Request) -> Change {
    Change { forget: Request { confirmed: true, ..request }, ..Change::default() }
}

/// One person (several), a share of them in three ways, an item, a row, and somebody who comes.
fn changes(experiment: &Experiment) -> Vec<(String, Change)> {
    let people = experiment.users().unwrap();
    let mut list: Vec<(String, Change)> = (1..=6)
        .map(|at| people.ids[people.ids.len() * at / 7].clone())
        .map(|id| (format!("one person, {id}"), forget(Request::of_users([id.as_str()]))))
        .collect();
    for how in [How::Random, How::Core, How::Edge] {
        let users = experiment.select(&Selection { how, percent: 5.0 }).unwrap();
        list.push((format!("5% {how:?}"), forget(Request { users, ..Request::default() })));
    }
    let person = experiment.person(&people.ids[7]).unwrap();
    let item = &person.rows[0].item;
    list.push(("an item".into(), forget(Request { items: vec![item.clone()], ..Request::default() })));
    let row = (person.id.clone(), item.clone());
    list.push(("a row".into(), forget(Request { interactions: vec![row], ..Request::default() })));
    let own = |row: &ultrare::experiment::ItemView| AddedRow {
        user: "new".into(),
        item: row.item.clone(),
        value: 1.0,
        time: 0,
    };
    let add = person.rows.iter().map(own).collect();
    list.push(("somebody comes".into(), Change { add, ..Change::default() }));
    list
}

#[test]
fn the_bill_is_within_a_quarter_of_what_is_done() {
    for model in [ModelName::Wmf, ModelName::Bpr] {
        // Several shards at once, and single ones, whose epochs vary more.
        let (mut many, mut few) = (Vec::new(), Vec::new());
        for method in [Method::Anchored, Method::Obc, Method::Random, Method::Hash] {
            let experiment = built(method, model);
            for (name, change) in changes(&experiment) {
                for mode in [Mode::Frozen, Mode::Refit] {
                    // Dividing again is the same program for all: three requests say enough.
                    if mode == Mode::Refit
                        && !(name.starts_with("5% R") || name.ends_with("row") || name.ends_with("comes"))
                    {
                        continue;
                    }
                    let told = format!("{model:?}, {method:?}, {mode:?}, {name}");
                    let plan = experiment.plan(&change, mode).unwrap();
                    let mut after = experiment.clone();
                    run(&mut after, Activity::Change { change: change.clone(), mode });
                    let done = after.snapshot().work.changed;
                    let ratio = match (plan.examples.unwrap(), done.examples) {
                        (0, 0) => 1.0,
                        (told, done) => told as f64 / done as f64,
                    };
                    assert!(done.rows <= plan.rows_most, "{told}");
                    assert!(
                        !plan.at_most || ratio > 0.8,
                        "{told}: it is said to be the most, and is {ratio:.2} of what was done"
                    );
                    if plan.rows_most == plan.rows_to_train {
                        assert_eq!(done.rows, plan.rows_to_train, "{told}");
                    }
                    if !plan.at_most {
                        if plan.touched.len() > 3 { &mut many } else { &mut few }.push((ratio, told));
                    }
                }
            }
        }
        let off = |ratio: &f64| *ratio > 1.25 || *ratio < 0.8;
        for (ratio, told) in &many {
            assert!(!off(ratio), "{told}: {ratio:.2}");
        }
        let wrong = few.iter().filter(|(ratio, _)| off(ratio)).count();
        let mut sorted: Vec<f64> = few.iter().map(|(ratio, _)| *ratio).collect();
        sorted.sort_by(f64::total_cmp);
        let all = few.len();
        // One shard's stop hangs on a tenth of its few rows where validation rows say when; an objective is steadier.
        let one_in = if model == ModelName::Bpr { 7 } else { 10 };
        assert!(
            !off(&sorted[all / 2]) && wrong * one_in <= all,
            "{model:?}: {wrong} of {all} bills of single shards are off by more than a quarter"
        );
    }
}
