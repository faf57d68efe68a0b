//! The combiners on generated rows of the size of MovieLens 100K: 943 people, 1,349 items, ten shards of 64 factors.
//! Accuracy stands beside every time: the share of each user's held-out rows in the first twenty places.

use std::sync::{Arc, LazyLock};

use ultrare::combine::{
    CombineConfig, CombineMethod, CombinerRows, CombinerUser, Ensemble, Member, Prepared, Scorer, UserRows, prepare,
    prepare_again,
};
use ultrare::evaluate::{EvaluateConfig, evaluate_user};
use ultrare::interactions::{SyntheticConfig, synthetic};
use ultrare::model::{ModelConfig, ModelName, ShardRows, trainer};
use ultrare::numerics::random::{Purpose, keyed_fraction};

use crate::{Case, Outcome, Run, hash};

const USERS: u32 = 943;
const ITEMS: u32 = 1_349;
const SHARDS: u32 = 10;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("joint prepared 10x64 943x1349", || prepared(CombineMethod::Joint, false)).wasm(0.5),
        Case::new("joint again, one shard changed", || prepared(CombineMethod::Joint, true)).wasm(0.3),
        Case::new("consensus prepared 10x64 943x1349", || prepared(CombineMethod::Consensus, false)).wasm(0.5),
        Case::new("joint evaluates 943 users", || evaluated(CombineMethod::Joint)).wasm(0.8),
        Case::new("mean evaluates 943 users", || evaluated(CombineMethod::Mean)),
        Case::new("logistic fitted 943x1349", || prepared(CombineMethod::Logistic, false)),
        Case::new("attention fitted 943x1349", || prepared(CombineMethod::Attention, false)),
    ]
}

/// One user's rows, apart.
#[derive(Default)]
struct Person {
    train: Vec<u32>,
    validation: Vec<u32>,
    test: Vec<u32>,
    own: (u16, u32),
}

struct World {
    people: Vec<Person>,
    ensemble: Ensemble,
    /// The same with one shard trained on fewer rows.
    changed: Ensemble,
    values: Vec<f32>,
}

static WORLD: LazyLock<Option<World>> = LazyLock::new(|| {
    let made = synthetic(&SyntheticConfig { users: USERS, items: ITEMS, rows: 98_000, groups: 8, seed: 7 }).ok()?;
    let rows = &made.interactions;
    let n_users = rows.users().len() as u32;
    let mut people: Vec<Person> = (0..n_users).map(|_| Person::default()).collect();
    for row in rows.rows() {
        let share = keyed_fraction(1, Purpose::Test, &[&row.user.to_le_bytes(), &row.item.to_le_bytes()]);
        let person = &mut people[row.user as usize];
        let part = if share < 0.2 {
            &mut person.test
        } else if share < 0.28 {
            &mut person.validation
        } else {
            &mut person.train
        };
        part.push(row.item);
    }
    let n_items = rows.items().len() as u32;
    let members: Vec<Member> = (0..SHARDS).filter_map(|shard| member(&mut people, shard, false)).collect();
    let ensemble = Ensemble::new(members.clone(), n_items).ok()?;
    let mut other = members;
    other[3] = member(&mut people, 3, true)?;
    let changed = Ensemble::new(other, n_items).ok()?;
    Some(World { people, ensemble, changed, values: vec![1.0; n_items as usize] })
});

/// Every tenth person's rows, trained for a few sweeps; without the first of them if `fewer`.
fn member(people: &mut [Person], shard: u32, fewer: bool) -> Option<Member> {
    let of: Vec<usize> = (shard as usize..people.len()).step_by(SHARDS as usize).skip(usize::from(fewer)).collect();
    let seen = |person: &Person| {
        let mut items: Vec<u32> = person.train.iter().chain(&person.validation).copied().collect();
        items.sort_unstable();
        items
    };
    let mut items: Vec<u32> = of.iter().flat_map(|&user| seen(&people[user])).collect();
    items.sort_unstable();
    items.dedup();
    let mut rows =
        ShardRows { n_users: of.len() as u32, n_items: items.len() as u32, starts: vec![0], ..ShardRows::default() };
    for (local, &user) in of.iter().enumerate() {
        rows.items
            .extend(seen(&people[user]).iter().filter_map(|item| items.binary_search(item).ok()).map(|at| at as u32));
        rows.starts.push(rows.items.len() as u32);
        if !fewer {
            people[user].own = (shard as u16, local as u32);
        }
    }
    rows.values = vec![1.0; rows.items.len()];
    rows.validation = vec![false; rows.items.len()];
    let config = ModelConfig { factors: Some(64), epochs: Some(6), ..ModelConfig::of(ModelName::Wmf) };
    let count = rows.items.len() as u32;
    let mut trainer = trainer(rows, &config, 1, shard).ok()?;
    while trainer.stopped().is_none() {
        trainer.step().ok()?;
    }
    Some(Member { model: Arc::from(trainer.finish()), items, rows: count })
}

fn combiner_rows(world: &World) -> CombinerRows<'_> {
    let user = |person: &'static Person| CombinerUser {
        items: &person.train,
        values: &world.values[..person.train.len()],
        validation: &person.validation,
        own: std::slice::from_ref(&person.own),
    };
    let people = WORLD.as_ref().map(|world| &world.people);
    CombinerRows { users: people.into_iter().flatten().map(user).collect() }
}

const FAILED: Outcome = Outcome { checksum: 0, quality: f64::NAN, units: 0.0 };

/// Makes a combiner ready; `again`: after one shard changed, with what was ready before.
fn prepared(method: CombineMethod, again: bool) -> Run {
    let config = CombineConfig::of(method);
    let before = WORLD
        .as_ref()
        .filter(|_| again)
        .and_then(|world| prepare(&world.ensemble, &config, 1, &combiner_rows(world)).ok());
    Box::new(move || {
        let Some(world) = &*WORLD else { return FAILED };
        let ensemble = if again { &world.changed } else { &world.ensemble };
        let Ok(found) = prepare_again(ensemble, &config, 1, &combiner_rows(world), before.as_ref()) else {
            return FAILED;
        };
        let (recall, _) = measured(world, ensemble, &found, 40);
        let bytes = found.to_bytes();
        Outcome { checksum: hash(bytes.iter().map(|&byte| u64::from(byte))), quality: recall, units: 1.0 }
    })
}

/// What the evaluation does with everybody.
fn evaluated(method: CombineMethod) -> Run {
    let config = CombineConfig::of(method);
    let ready = WORLD.as_ref().and_then(|world| prepare(&world.ensemble, &config, 1, &combiner_rows(world)).ok());
    Box::new(move || {
        let (Some(world), Some(ready)) = (&*WORLD, &ready) else { return FAILED };
        let (quality, checksum) = measured(world, &world.ensemble, ready, world.people.len());
        Outcome { checksum, quality, units: world.people.len() as f64 }
    })
}

/// Mean recall in the first twenty places of the first `users`, and a hash of their lists.
fn measured(world: &World, ensemble: &Ensemble, prepared: &Prepared, users: usize) -> (f64, u64) {
    let Ok(mut scorer) = Scorer::new(ensemble, prepared) else { return (f64::NAN, 0) };
    let config = EvaluateConfig { cutoffs: vec![20], ..EvaluateConfig::default() };
    let mut scores = vec![0.0; ensemble.n_items() as usize];
    let (mut recall, mut lists) = (0.0, Vec::new());
    for person in world.people.iter().take(users) {
        let mut items: Vec<u32> = person.train.iter().chain(&person.validation).copied().collect();
        items.sort_unstable();
        let rows = UserRows { items: &items, values: &world.values[..items.len()], own: &[person.own] };
        scorer.score(&rows, &mut scores);
        let metrics = evaluate_user(&mut scores, &items, &person.test, &config);
        recall += metrics.get(0, 1) / users as f64;
        lists.extend(metrics.top);
    }
    (recall, hash(lists.iter().map(|&item| u64::from(item))))
}
