//! The four laws of the pipeline, each tried on small rows.

use std::sync::Arc;

use super::*;
use crate::combine::{CombineConfig, CombineMethod};
use crate::interactions::{Interactions, SyntheticConfig, synthetic};
use crate::model::{ModelConfig, ModelName};
use crate::partition::{Method, PartitionConfig};
use crate::unlearn::{Change, Mode, Rates, propose};

fn settings(method: Method, model: ModelName, slices: u32) -> Settings {
    let mut settings = Settings { seed: 7, ..Settings::default() };
    settings.model = ModelConfig { factors: Some(3), epochs: Some(3), slices, ..ModelConfig::of(model) }.own_knobs();
    settings.partition = PartitionConfig { method, shards: 3, restarts: 1, ..PartitionConfig::default() }.own_knobs();
    settings.combine = CombineConfig::of(CombineMethod::Mean);
    settings.embedding.factors = 3;
    settings
}

fn rows() -> Interactions {
    let config = SyntheticConfig { users: 24, items: 14, rows: 170, groups: 3, seed: 4 };
    synthetic(&config).unwrap().interactions
}

fn pipeline(settings: Settings) -> Pipeline {
    let dataset = Dataset::new(rows(), false, &settings).unwrap();
    Pipeline::new(Arc::new(dataset), Arc::new(settings), Shards::Computed)
}

/// Builds to a goal; how many jobs that took.
fn build(pipeline: &Pipeline, goal: Stage, store: &mut Store, hints: &Hints) -> usize {
    let (runner, mut count) = (Runner::new(), 0);
    loop {
        let jobs = advance(pipeline, goal, store, hints).unwrap();
        if jobs.is_empty() {
            return count;
        }
        for job in jobs {
            for digest in runner.lacking(&job.inputs) {
                runner.put(digest, pipeline.blob(&digest, store).unwrap());
            }
            let outcome = runner.run(&job.body).unwrap();
            accept(pipeline, job.key, job.slot, &outcome, 0.0, store, hints).unwrap();
            count += 1;
        }
    }
}

fn built(settings: Settings) -> (Pipeline, Store) {
    let (pipeline, mut store) = (pipeline(settings), Store::default());
    build(&pipeline, Stage::Evaluate, &mut store, &Hints::default());
    (pipeline, store)
}

fn change(pipeline: &Pipeline, store: &Store, change: &Change) -> Pipeline {
    propose(pipeline, store, change, Mode::Frozen, &Rates::default()).unwrap().after
}

/// What a sub-model is, but for how long it took.
fn weights(pipeline: &Pipeline, store: &Store) -> Vec<Option<crate::Digest>> {
    pipeline.sub_models(store).iter().map(|trained| trained.map(|trained| trained.digest)).collect()
}

#[test]
fn law_1_keys_are_equal_exactly_when_what_is_read_is() {
    let (pipeline, store) = built(settings(Method::Hash, ModelName::Wmf, 0));
    let divided = pipeline.divided(&store).unwrap();
    let user = pipeline.rows().users().get(5).to_owned();
    let after = change(&pipeline, &store, &Change::forget_users([user]));
    let now = after.divided(&store).unwrap();
    let mut same = 0;
    for shard in 0..3 {
        let (old, new) = (pipeline.train_key(shard, &divided), after.train_key(shard, &now));
        assert_eq!(old == new, divided.rows[shard as usize] == now.rows[shard as usize], "shard {shard}");
        same += u32::from(old == new);
    }
    assert_eq!(same, 2, "one user is in one shard");

    // A setting enters the keys of the stages that read it, and no others.
    let keys = |pipeline: &Pipeline| {
        let divided = pipeline.divided(&store);
        let train = divided.map(|divided| pipeline.train_key(0, &divided));
        (pipeline.embed_key(), pipeline.partition_key(), train, pipeline.combine_key(&store))
    };
    let with = |edit: fn(&mut Settings)| {
        let mut settings = pipeline.settings().as_ref().clone();
        edit(&mut settings);
        keys(&pipeline.with_settings(settings))
    };
    let was = keys(&pipeline);
    assert_eq!(with(|_| ()), was);
    assert_eq!(with(|settings| settings.evaluate.bootstrap = 3), was);
    let combined = with(|settings| settings.combine = CombineConfig::of(CombineMethod::Own));
    assert_eq!((combined.0, combined.1, combined.2), (was.0, was.1, was.2));
    assert_ne!(combined.3, was.3);
    let trained = with(|settings| settings.model.lambda = Some(0.5));
    assert_eq!((trained.0, trained.1), (was.0, was.1));
    assert_ne!(trained.2, was.2);
    // `hash` reads no vectors, so their settings do not reach it.
    let embedded = with(|settings| settings.embedding.factors = 5);
    assert_eq!((embedded.1, embedded.2), (was.1, was.2));
    assert_ne!(embedded.0, was.0);
    let seeded = with(|settings| settings.seed = 8);
    assert!(seeded.0 != was.0 && seeded.1 != was.1);

    // Equal keys, equal bytes: built again from nothing.
    let (again, other) = built(settings(Method::Hash, ModelName::Wmf, 0));
    for key in store.keys() {
        assert!(other.has(key));
    }
    assert_eq!(weights(&pipeline, &store), weights(&again, &other));
    assert_eq!(pipeline.ensemble_digest(&store), again.ensemble_digest(&other));
    assert_eq!(pipeline.metrics(&store), again.metrics(&other));
}

#[test]
fn law_2_a_hint_changes_no_bit() {
    use ModelName::{Bpr, Ease, Itemknn, Wmf};
    for (model, slices) in [(Wmf, 0), (Wmf, 3), (Bpr, 3), (Ease, 0), (Itemknn, 0)] {
        for combine in [CombineMethod::Mean, CombineMethod::Joint] {
            if !combine.works_with(model) {
                continue;
            }
            let settings = Settings { combine: CombineConfig::of(combine), ..settings(Method::Random, model, slices) };
            let (pipeline, mut store) = built(settings);
            let user = pipeline.rows().users().get(11).to_owned();
            let row = crate::unlearn::AddedRow { user: "new".into(), item: "i003".into(), value: 1.0, time: 0 };
            let rows = Change { add: vec![row], ..Change::forget_users([user]) };
            let after = change(&pipeline, &store, &rows);
            let hints = Hints { previous: Some(Box::new(pipeline.clone())), watched: true, name: "x".into() };
            build(&after, Stage::Evaluate, &mut store, &hints);
            let mut bare = Store::default();
            build(&after, Stage::Evaluate, &mut bare, &Hints::default());
            assert_eq!(weights(&after, &store), weights(&after, &bare), "{model:?} {slices} {combine:?}");
            assert_eq!(after.ensemble_digest(&store), after.ensemble_digest(&bare), "{model:?} {slices} {combine:?}");
            assert_eq!(after.metrics(&store), after.metrics(&bare), "{model:?} {slices} {combine:?}");
        }
    }
}

#[test]
fn law_3_purging_leaves_nothing_but_what_the_pipeline_reaches() {
    for (model, slices) in [(ModelName::Wmf, 3), (ModelName::Ease, 0)] {
        let (pipeline, mut store) = built(settings(Method::Obc, model, slices));
        build(&pipeline, Stage::Decompose, &mut store, &Hints::default());
        let user = pipeline.rows().users().get(2).to_owned();
        let after = change(&pipeline, &store, &Change::forget_users([user]));
        build(&after, Stage::Decompose, &mut store, &Hints::default());
        let reachable = after.reachable(&store);
        assert!(store.keys().any(|key| !reachable.contains(key)), "there must be something to purge");
        store.retain(&reachable);
        assert!(store.keys().all(|key| reachable.contains(key)));
        // Nothing is missing: it serves, and a build has nothing to do.
        assert_eq!(build(&after, Stage::Decompose, &mut store, &Hints::default()), 0);
        // The outcomes are those of a store that never saw the user.
        let mut fresh = Store::default();
        build(&after, Stage::Decompose, &mut fresh, &Hints::default());
        let keys = |store: &Store| store.keys().copied().collect::<Vec<_>>();
        assert_eq!(keys(&store), keys(&fresh));
    }
}

#[test]
fn law_4_what_is_missing_follows_from_pipeline_and_store() {
    let (pipeline, mut store) = built(settings(Method::Obc, ModelName::Wmf, 0));
    assert_eq!(pipeline.missing(&store), None);
    assert!(!store.has(&pipeline.embed_key()), "the embedding ends when the partition is made");
    let divided = pipeline.divided(&store).unwrap();
    store.drop(&pipeline.train_key(1, &divided));
    assert_eq!(pipeline.missing(&store), Some(Stage::Train));
    let jobs = advance(&pipeline, Stage::Evaluate, &store, &Hints::default()).unwrap();
    assert_eq!(jobs.iter().map(|job| job.slot).collect::<Vec<_>>(), [Slot::Train(1)], "one shard, and nothing else");
    assert_eq!(build(&pipeline, Stage::Evaluate, &mut store, &Hints::default()), 1, "early cut-off: equal weights");
    // Another combiner: nothing is trained again.
    let mut other = pipeline.settings().as_ref().clone();
    other.combine = CombineConfig::of(CombineMethod::Own);
    let other = pipeline.with_settings(other);
    assert_eq!(other.missing(&store), Some(Stage::Combine));
    let fresh = pipeline.with_settings(pipeline.settings().as_ref().clone());
    assert_eq!(fresh.missing(&Store::default()), Some(Stage::Embed));
}

#[test]
fn outcomes_kept_elsewhere_are_taken_if_they_fit_and_computed_again_if_not() {
    let pipeline = pipeline(settings(Method::Random, ModelName::Wmf, 0));
    let (mut store, mut ids, runner) = (Store::default(), 0, Runner::new());
    let mut run = Run::new(pipeline.clone(), Stage::Train, Hints::default()).unwrap();
    let mut kept = Vec::new();
    loop {
        let jobs = run.jobs(&mut store, &mut ids).unwrap();
        if jobs.is_empty() {
            break;
        }
        for job in jobs {
            let outcome = runner.run(&job.body).unwrap();
            run.accept(job.id, &outcome, 0.0, &mut store).unwrap();
            kept.push((job.key, outcome));
        }
    }
    let mut again = Store::default();
    for (number, (key, outcome)) in kept.iter().enumerate() {
        // The last one was cut off in writing.
        let length = if number + 1 == kept.len() { outcome.len() / 2 } else { outcome.len() };
        again.recall(*key, outcome[..length].to_vec());
    }
    let mut run = Run::new(pipeline.clone(), Stage::Train, Hints::default()).unwrap();
    let jobs = run.jobs(&mut again, &mut ids).unwrap();
    assert_eq!(jobs.len(), 1, "only what was cut off");
    run.accept(jobs[0].id, &runner.run(&jobs[0].body).unwrap(), 0.0, &mut again).unwrap();
    assert!(run.done(&again));
    assert_eq!(weights(&pipeline, &store), weights(&pipeline, &again));
}
