//! The laboratory of fakes (the example `fakes`) in small: `verify` refuses every one, its instrument is the library's own
//! rehearsal, and what README and page tell is what it measured.
#![allow(dead_code, clippy::disallowed_types, clippy::print_stdout)]

#[path = "../examples/fakes/detect.rs"]
mod detect;
#[path = "../examples/fakes/fake.rs"]
mod fake;
#[path = "../examples/fakes/receipts.rs"]
mod receipts;
#[path = "../examples/fakes/serving.rs"]
mod serving;
#[path = "../examples/fakes/table.rs"]
mod table;
#[path = "../examples/fakes/warm.rs"]
mod warm;
#[path = "../examples/fakes/world.rs"]
mod world;

use ultrare::combine::CombineMethod;
use ultrare::experiment::{Activity, Experiment, Loaded};
use ultrare::interactions::{SyntheticConfig, synthetic};
use ultrare::pipeline::{Runner, Stage};
use ultrare::unlearn::Mode;

use fake::{Fake, fake};
use receipts::{honest, of_fake, verdict};
use serving::Serving;
use table::Table;
use world::{Setup, World, request};

fn setup() -> Setup {
    let sample = SyntheticConfig { users: 90, items: 50, rows: 1800, groups: 3, seed: 0 };
    Setup::new(sample, 3, 4, 2)
}

#[test]
fn verify_refuses_every_fake_under_every_combiner_and_says_where() {
    for world in World::of_each(&setup(), &CombineMethod::ALL).unwrap() {
        let method = world.settings.combine.method;
        let (plain, with_item) =
            (honest(&world, &[]).unwrap(), honest(&world, std::slice::from_ref(&world.item)).unwrap());
        for receipt in [&plain, &with_item] {
            let found = verdict(&world, receipt).unwrap();
            assert!(found.ok, "{method:?}: {:?}", found.failures().collect::<Vec<_>>());
        }
        // What the laboratory trains is what the receipt states.
        let again = of_fake(&world, &plain, &Serving::honest(&world.after));
        assert_eq!(again, plain, "{method:?}");
        let mut tried = 0;
        for kind in Fake::ALL.into_iter().filter(|kind| kind.applies(method)) {
            tried += 1;
            let faked = fake(&world, kind).unwrap();
            let receipt = if faked.items.is_empty() { &plain } else { &with_item };
            let found = verdict(&world, &of_fake(&world, receipt, &faked.served)).unwrap();
            assert!(!found.ok, "{method:?}, {kind:?} is accepted");
            let places: Vec<(&str, &str)> =
                found.failures().map(|check| (check.name.as_str(), check.place.as_str())).collect();
            let weights = places.iter().filter(|(name, _)| *name == "weights").count();
            match kind {
                Fake::OldCombiner => assert_eq!(places, [("combiner", "combiner")], "{method:?}"),
                Fake::NotRetrained => assert_eq!(weights, 1, "{method:?}: {places:?}"),
                _ => assert!(weights > 0, "{method:?}, {kind:?}: {places:?}"),
            }
        }
        assert_eq!(tried, if Fake::OldCombiner.applies(method) { 6 } else { 5 });
    }
}

#[test]
fn the_laboratory_asks_as_the_library_does() {
    let setup = setup();
    for world in World::of_each(&setup, &[CombineMethod::Joint, CombineMethod::Logistic]).unwrap() {
        let mut experiment = Experiment::new();
        experiment.configure(world.settings.clone()).unwrap();
        let rows = synthetic(&setup.sample).unwrap().interactions;
        experiment.load(Loaded { rows, ..Loaded::default() }).unwrap();
        experiment.begin(Activity::Build { until: Stage::Combine }).unwrap();
        experiment.drive(&Runner::new()).unwrap();
        let (change, mode) = (request(&world.users, &[]), Mode::Frozen);
        experiment.begin(Activity::Audit { change, mode, person: None }).unwrap();
        experiment.drive(&Runner::new()).unwrap();
        let audit = experiment.snapshot().audit.unwrap();
        let [original, after, twin] = [&world.before, &world.after, &world.twin].map(Serving::honest);
        let seen = detect::look(&world, &after, &twin, &original);
        assert_eq!((audit.difference, audit.place), (Some(seen.difference), Some(seen.place)));
        assert_eq!(audit.within, !seen.alarms());
        assert_eq!((audit.ensembles["unlearned"].auc.mean, audit.ensembles["twin"].auc.mean), seen.auc);
        // Somebody who was never forgotten is seen, and a twin is not.
        assert!(!detect::look(&world, &twin, &twin, &original).alarms());
    }
}

fn told() -> Table {
    serde_json::from_str(include_str!("../docs/fakes.json")).expect("the laboratory wrote it")
}

#[test]
fn what_readme_and_page_tell_holds_together() {
    let table = told();
    assert_eq!((table.seeds, table.lines.len()), (10, 7));
    assert_eq!((table.lines[0].verify.seen, table.lines[0].verify.of), (0, 60), "honest receipts are accepted");
    for (line, kind) in table.lines[1..].iter().zip(Fake::ALL) {
        assert_eq!(line.name, kind.name());
        assert_eq!(line.verify.seen, line.verify.of, "{} is accepted by verify", line.name);
        assert_eq!(line.verify.of, if kind == Fake::OldCombiner { 40 } else { 60 });
        assert_eq!(line.combiners.values().map(|rate| rate.seen).sum::<u32>(), line.audit.seen);
    }
    let readme = include_str!("../../README.md");
    let markdown = table.markdown();
    for line in markdown.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---")) {
        assert!(readme.contains(line), "README has not the measured line: {line}");
    }
}

#[test]
#[ignore = "long: ten seeds, six combiners, six fakes"]
fn ten_seeds_give_the_table_that_is_told() {
    let runs = table::measure(table::SEEDS, &CombineMethod::ALL, false).unwrap();
    println!("{}", Table::of(&runs).markdown());
    assert_eq!(Table::of(&runs), told());
}
