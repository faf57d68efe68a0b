//! Figures, baselines, decomposition and sweep, through the experiment.

use ultrare::combine::CombineMethod;
use ultrare::evaluate::{Decomposition, Estimate};
use ultrare::experiment::{Activity, Experiment, Loaded, Notice, SweepConfig, SweepView};
use ultrare::interactions::{ReadConfig, Reader, SyntheticConfig};
use ultrare::model::ModelName;
use ultrare::partition::Method;
use ultrare::pipeline::{Runner, Settings, Stage};
use ultrare::unlearn::{Mode, Request};

fn small(change: impl Fn(&mut Settings)) -> Experiment {
    let mut config = Settings { seed: 3, ..Settings::default() };
    config.partition.shards = 4;
    config.partition.restarts = 1;
    config.model.factors = Some(6);
    config.embedding.factors = 6;
    config.evaluate.bootstrap = 50;
    change(&mut config);
    let mut experiment = Experiment::new();
    experiment.configure(config).unwrap();
    experiment.load_synthetic(&SyntheticConfig { users: 60, items: 40, rows: 900, groups: 3, seed: 5 }).unwrap();
    experiment
}

/// Runs jobs until `enough` outcomes are in.
fn some(experiment: &mut Experiment, activity: Activity, enough: u32) -> Vec<Notice> {
    experiment.begin(activity).unwrap();
    let (runner, mut notices, mut count) = (Runner::new(), Vec::new(), 0);
    while experiment.running() {
        for job in experiment.jobs() {
            if count == enough {
                return notices;
            }
            let outcome = experiment.run(&job, &runner).unwrap();
            notices.extend(experiment.accept(job.id, &outcome, 0.0).unwrap());
            count += 1;
        }
    }
    notices
}

fn whole(experiment: &mut Experiment, activity: Activity) -> Vec<Notice> {
    some(experiment, activity, u32::MAX)
}

const BUILD: Activity = Activity::Build { until: Stage::Evaluate };

fn holds(d: &Decomposition) {
    let sum = d.relevance.mean - d.redundancy.mean - d.combination.mean;
    assert!((sum - d.information.mean).abs() < 1e-9, "{d:?}");
    assert!(d.relevance.low <= d.relevance.high && d.pairs > 0 && d.entropy > 0.9, "{d:?}");
}

#[test]
fn every_arm_has_groups_gaps_coverage_and_is_held_against_the_serving_one() {
    let mut experiment = small(|_| ());
    whole(&mut experiment, BUILD);
    let first = experiment.snapshot();
    let names: Vec<&str> = first.results["original"].groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["active", "inactive", "shard 0", "shard 1", "shard 2", "shard 3"]);
    assert!(first.comparisons.is_empty());
    let user = experiment.users().unwrap().ids[7].clone();
    let request = Request::of_users([user]);
    whole(&mut experiment, Activity::Change { change: request.into(), mode: Mode::Frozen });
    whole(&mut experiment, Activity::Compare);
    whole(&mut experiment, Activity::Baselines);
    let snapshot = experiment.snapshot();
    let arms: Vec<&str> = snapshot.results.keys().map(String::as_str).collect();
    assert_eq!(arms, ["original", "popularity", "random", "receraser", "retrained", "sisa", "unlearned"]);
    for (name, result) in &snapshot.results {
        assert_eq!(result.users + result.users_without_test, 59, "{name}");
        assert!(result.coverage["coverage@20"] > 0.2 && result.metrics["ndcg@20"].mean > 0.0, "{name}");
        let groups = |of: &[&str]| -> u32 {
            result.groups.iter().filter(|g| of.contains(&g.name.as_str())).map(|group| group.users).sum()
        };
        assert_eq!(groups(&["active", "inactive"]), result.users, "{name}");
        assert_eq!(groups(&["touched", "untouched"]), result.users, "{name}");
        assert!(result.gap["ndcg@20"].low <= result.gap["ndcg@20"].mean && result.between_shards.is_some(), "{name}");
    }
    assert_eq!(snapshot.comparisons.len(), 6);
    let of = |with: &str| snapshot.comparisons.iter().find(|comparison| comparison.with == with).unwrap();
    let (ours, theirs) = (&snapshot.results["unlearned"], &snapshot.results["retrained"]);
    let difference = of("retrained").differences["ndcg@20"];
    assert!((difference.mean - (ours.metrics["ndcg@20"].mean - theirs.metrics["ndcg@20"].mean)).abs() < 1e-12);
    assert!(of("original").lists.overlap.mean > of("random").lists.overlap.mean);
    assert_eq!(of("original").lists.users, 59);
    // What forgetting did to the others: everybody is in one of the two groups, and only this comparison has them.
    let others = &of("original").others;
    assert_eq!(others.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["touched", "untouched"]);
    assert_eq!(others.iter().map(|group| group.users).sum::<u32>(), 59);
    assert_eq!(others.iter().map(|group| group.changed).sum::<u32>(), of("original").lists.changed);
    assert!(of("retrained").others.is_empty());
    let exposure = |name: &str| snapshot.results[name].exposure;
    let known = exposure("popularity");
    for name in ["original", "unlearned", "retrained", "sisa", "receraser", "random"] {
        let found = exposure(name);
        assert!(found.novelty > known.novelty && found.gini < known.gini, "{name}: {found:?}, popularity {known:?}");
        assert!((found.coverage - snapshot.results[name].coverage["coverage@20"]).abs() < 1e-12);
    }
    // Only sub-models that are still there know which items they never saw.
    assert_eq!((snapshot.results["original"].unknown_items, theirs.unknown_items), (None, Some(0)));
    assert_eq!(snapshot.results["popularity"].model, None);
    assert!(snapshot.results["sisa"].decomposition.is_some() && snapshot.results["receraser"].decomposition.is_some());
}

#[test]
fn where_nobody_asks_another_shard_only_lists_of_the_shard_trained_again_move() {
    for (method, k_core) in [(Method::Obc, 0), (Method::Hash, 4), (Method::Random, 0)] {
        let mut experiment = small(|settings| {
            *settings = settings.choosing(None, Some(method), Some(CombineMethod::Own));
            settings.k_core = k_core;
        });
        whole(&mut experiment, BUILD);
        let user = experiment.users().unwrap().ids[7].clone();
        whole(&mut experiment, Activity::Change { change: Request::of_users([user]).into(), mode: Mode::Frozen });
        let snapshot = experiment.snapshot();
        let original = snapshot.comparisons.iter().find(|comparison| comparison.with == "original").unwrap();
        let [touched, untouched] = &original.others[..] else { panic!("{original:?}") };
        assert!(touched.changed > 0 && touched.overlap < 1.0, "{method:?}: {touched:?}");
        assert_eq!((untouched.changed, untouched.overlap), (0, 1.0), "{method:?}: {untouched:?}");
    }
}

#[test]
fn figures_depend_on_neither_workers_nor_saving() {
    let all = |parallelism: u32| {
        let mut experiment = small(|_| ());
        let runners: Vec<Runner> = (0..parallelism).map(|_| Runner::new()).collect();
        for activity in [BUILD, Activity::Baselines, Activity::Decompose] {
            experiment.begin(activity).unwrap();
            while experiment.running() {
                for (job, runner) in experiment.jobs().iter().zip(runners.iter().cycle()) {
                    let outcome = experiment.run(job, runner).unwrap();
                    experiment.accept(job.id, &outcome, 0.0).unwrap();
                }
            }
        }
        let saved = experiment.save();
        let snapshot = experiment.snapshot();
        let mut opened = Experiment::new();
        opened.restore(&saved).unwrap();
        assert_eq!(opened.snapshot(), snapshot);
        (snapshot.results, snapshot.comparisons)
    };
    assert_eq!(all(1), all(3));
}

#[test]
fn the_identity_holds_for_every_partition_model_and_combiner() {
    let partitions = [Method::Obc, Method::Random, Method::Inbp];
    let models = [ModelName::Wmf, ModelName::Bpr, ModelName::Ease];
    let combiners = [CombineMethod::Own, CombineMethod::Mean, CombineMethod::Joint, CombineMethod::Logistic];
    for method in partitions {
        for model in models {
            for combine in combiners.into_iter().filter(|combine| combine.works_with(model)) {
                let mut experiment = small(|config| {
                    config.model.epochs = Some(3);
                    *config = config.choosing(Some(model), Some(method), Some(combine));
                });
                whole(&mut experiment, BUILD);
                let events = whole(&mut experiment, Activity::Decompose);
                assert!(events.iter().any(|event| matches!(event, Notice::Evaluated { .. })));
                let found = experiment.snapshot().results["original"].decomposition.clone().unwrap();
                assert_eq!((found.estimate, found.per_model.len()), (Estimate::Full, 4));
                let learned = experiment.snapshot().results["original"].logistic.clone();
                assert_eq!(learned.map(|fit| fit.shards.len()), (combine == CombineMethod::Logistic).then_some(4));
                holds(&found);
                // What is taken apart already is not asked again.
                assert!(whole(&mut experiment, Activity::Decompose).is_empty());
            }
        }
    }
}

#[test]
fn many_shards_are_taken_apart_by_pairs_and_said_so() {
    let mut experiment = small(|config| config.partition.shards = 20);
    whole(&mut experiment, BUILD);
    whole(&mut experiment, Activity::Decompose);
    let found = experiment.snapshot().results["original"].decomposition.clone().unwrap();
    assert_eq!(found.estimate, Estimate::Pairs);
    holds(&found);
}

#[test]
fn a_request_takes_the_decomposition_and_the_sweep_with_it() {
    let mut experiment = small(|_| ());
    whole(&mut experiment, BUILD);
    whole(&mut experiment, Activity::Decompose);
    let config = SweepConfig { shards: vec![2], ..SweepConfig::default() };
    whole(&mut experiment, Activity::Sweep { config });
    assert!(experiment.snapshot().sweep.is_some());
    let request = Request::of_users([experiment.users().unwrap().ids[0].clone()]);
    whole(&mut experiment, Activity::Change { change: request.into(), mode: Mode::Frozen });
    let snapshot = experiment.snapshot();
    assert!(snapshot.sweep.is_none() && snapshot.results["original"].decomposition.is_none());
}

fn sweep() -> Activity {
    let config = SweepConfig {
        shards: vec![2, 5],
        partitions: vec![Method::Random, Method::Inbp],
        combiners: vec![CombineMethod::Mean, CombineMethod::Joint],
        decompose: true,
    };
    Activity::Sweep { config }
}

#[test]
fn a_sweep_goes_through_every_point_once_and_bills_one_user() {
    let mut experiment = small(|_| ());
    let events = whole(&mut experiment, sweep());
    assert_eq!(events.iter().filter(|event| matches!(event, Notice::Swept { .. })).count(), 10);
    let SweepView { one, ones, points } = experiment.snapshot().sweep.unwrap();
    let one = one.unwrap();
    assert_eq!(ones.iter().map(|point| point.combiner).collect::<Vec<_>>(), [CombineMethod::Own, CombineMethod::Joint]);
    assert!(ones.iter().all(|point| point.ndcg.mean <= one.ndcg.mean));
    assert_eq!((one.shards, points.len()), (1, 8));
    assert_eq!(one.touched, 1.0);
    for point in &points {
        assert!(point.rows < one.rows && point.share < 1.0 && point.ndcg.mean > 0.05, "{point:?}");
        holds(point.decomposition.as_ref().unwrap());
    }
    let rows = |partition, shards| {
        let of = points.iter().find(|point| (point.partition, point.shards) == (partition, shards)).unwrap();
        (of.rows, of.touched)
    };
    assert!(rows(Method::Random, 5).0 < rows(Method::Random, 2).0);
    assert_eq!(rows(Method::Random, 5).1, 1.0);
    assert!(rows(Method::Inbp, 5).1 > 1.5, "rows of one user are in several shards");
    // Nothing is left to do, and other settings begin afresh.
    assert!(whole(&mut experiment, sweep()).is_empty());
    let config = Settings { seed: 4, ..experiment.settings().clone() };
    experiment.configure(config).unwrap();
    assert!(experiment.snapshot().sweep.is_none());
}

#[test]
fn a_cancelled_sweep_goes_on_where_it_was_also_after_saving() {
    let mut reference = small(|_| ());
    whole(&mut reference, sweep());
    let mut experiment = small(|_| ());
    let events = some(&mut experiment, sweep(), 23);
    let done = events.iter().filter(|event| matches!(event, Notice::Swept { .. })).count();
    assert!((1..10).contains(&done), "{done}");
    experiment.cancel();
    let saved = experiment.save();
    let mut opened = Experiment::new();
    opened.restore(&saved).unwrap();
    let more = whole(&mut opened, sweep());
    assert_eq!(more.iter().filter(|event| matches!(event, Notice::Swept { .. })).count(), 10 - done);
    assert_eq!(opened.snapshot().sweep, reference.snapshot().sweep);
}

#[test]
fn sweeps_that_cannot_be_made_say_why() {
    let mut experiment = small(|config| *config = config.choosing(Some(ModelName::Ease), None, None));
    let mut refusal = |config: SweepConfig| experiment.begin(Activity::Sweep { config }).unwrap_err().to_string();
    assert!(refusal(SweepConfig::default()).contains("such as 2, 5, 10, 20"));
    let with =
        |shards: Vec<u32>, combiners: Vec<CombineMethod>| SweepConfig { shards, combiners, ..Default::default() };
    assert!(refusal(with(vec![2, 999], vec![CombineMethod::Mean])).contains("from 1 to 60 (60 users"));
    assert!(refusal(with(vec![2], vec![CombineMethod::Joint])).contains("joint needs item vectors, and ease has none"));
    let mut empty = Experiment::new();
    let error = empty.begin(Activity::Sweep { config: with(vec![2], Vec::new()) }).unwrap_err();
    assert_eq!(error.code(), "experiment.no_data");
    let error = experiment.begin(Activity::Decompose).unwrap_err();
    assert_eq!(error.code(), "experiment.too_early");
    assert!(
        experiment.begin(Activity::Baselines).unwrap_err().to_string().contains("train and combine the shards first")
    );
}

#[test]
fn items_that_no_shard_knows_and_users_without_test_rows_are_counted() {
    let part = |text: &str| {
        let mut reader = Reader::new(ReadConfig { k_core: 0, ..ReadConfig::default() });
        reader.push(format!("user,item\n{text}").as_bytes());
        reader.finish_part().unwrap()
    };
    let rows = (0..12).flat_map(|u| (0..6).map(move |i| format!("u{u:02},i{}\n", (u + i) % 9)));
    let (train, report) = part(&rows.collect::<String>());
    // Two people have test rows, one of them an item that nobody was trained on; a third was never trained on.
    let (test, _) = part("u01,new\nu02,i0\nstranger,i1\n");
    let mut experiment = small(|config| config.partition.shards = 2);
    experiment.load(Loaded { test: Some(test), ..Loaded::of(train, &report) }).unwrap();
    whole(&mut experiment, BUILD);
    let result = &experiment.snapshot().results["original"];
    assert_eq!((result.unknown_items, result.users, result.users_without_test), (Some(1), 2, 11));
}

#[test]
fn every_shard_is_asked_about_the_top_of_a_list() {
    let mut experiment = small(|config| config.combine.method = CombineMethod::Own);
    whole(&mut experiment, BUILD);
    let id = experiment.users().unwrap().ids[3].clone();
    let (person, said) = (experiment.person(&id).unwrap(), experiment.opinions(&id).unwrap());
    let listed: Vec<_> = person.lists["original"].iter().take(10).cloned().collect();
    assert_eq!(said.items, listed);
    assert_eq!(said.opinions.iter().map(|voice| voice.shard).collect::<Vec<_>>(), [0, 1, 2, 3]);
    for voice in &said.opinions {
        assert_eq!(voice.own, person.shards == [voice.shard]);
        assert!(voice.spoke && voice.ranks.len() == listed.len());
        if voice.own {
            // Served by the own shard alone, its places are the list's.
            assert_eq!(voice.ranks, (1..=listed.len() as u32).map(Some).collect::<Vec<_>>());
            assert!(voice.scores.is_sorted_by(|a, b| a >= b));
        }
    }
    assert_eq!(experiment.opinions("nobody").unwrap_err().code(), "experiment.unknown_user");
    assert_eq!(small(|_| ()).opinions(&id).unwrap_err().code(), "experiment.too_early");
}
