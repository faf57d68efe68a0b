//! Ranking every user's items: scores and the best of them.

use std::sync::{Arc, LazyLock};

use ultrare::Matrix;
use ultrare::combine::{
    CombineConfig, CombineMethod, CombinerRows, Ensemble, Member, Prepared, Scorer, UserRows, prepare,
};
use ultrare::evaluate::{EvaluateConfig, evaluate_user};
use ultrare::model::{ModelConfig, ModelName, ShardRows, trainer};
use ultrare::numerics::kernels::{Packed, top_k};
use ultrare::numerics::random::{Purpose, StreamKey, below, normal};

use crate::{Case, Outcome, Run, hash};

const USERS: u32 = 6_040;
const ITEMS: u32 = 3_706;
const FACTORS: usize = 32;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("top 50 of 6040x3706 f32", top_50).wasm(0.25),
        Case::new("evaluate 6040x3706 f32", evaluated).wasm(0.25),
    ]
}

/// The kernel: scores are consumed as they are computed.
fn top_50() -> Run {
    let mut rng = StreamKey::new(2, Purpose::Synthetic, 0, 0).stream();
    let mut gaussian = |rows: u32| {
        let data = (0..rows as usize * FACTORS).map(|_| normal(&mut rng) as f32).collect();
        Matrix::from_vec(rows as usize, FACTORS, data).unwrap_or_default()
    };
    let (users, items) = (gaussian(USERS), gaussian(ITEMS));
    Box::new(move || {
        let packed = Packed::rows_of(&items);
        let mut lists = Vec::with_capacity(50 * USERS as usize);
        top_k(users.data(), &packed, 50, |_| &[], |_, list| lists.extend_from_slice(list));
        let checksum = hash(lists.iter().map(|&item| u64::from(item)));
        Outcome { checksum, quality: f64::NAN, units: f64::from(USERS) * f64::from(ITEMS) }
    })
}

/// Rows of every user (20 to 180, as many as in a set of 600,000), and a model of them after one sweep.
struct Served {
    rows: ShardRows,
    ensemble: Ensemble,
    prepared: Prepared,
}

static SERVED: LazyLock<Option<Served>> = LazyLock::new(|| {
    let mut rng = StreamKey::new(4, Purpose::Synthetic, 0, 0).fast();
    let mut rows = ShardRows { n_users: USERS, n_items: ITEMS, starts: vec![0], ..ShardRows::default() };
    for user in 0..USERS {
        let mut own: Vec<u32> = (0..20 + below(&mut rng, 160)).map(|_| below(&mut rng, ITEMS)).collect();
        own.extend([user % ITEMS]);
        own.sort_unstable();
        own.dedup();
        rows.items.extend(own);
        rows.starts.push(rows.items.len() as u32);
    }
    rows.values = vec![1.0; rows.items.len()];
    rows.validation = vec![false; rows.items.len()];
    let config = ModelConfig { factors: Some(FACTORS as u32), epochs: Some(1), ..ModelConfig::of(ModelName::Wmf) };
    let mut trainer = trainer(rows.clone(), &config, 1, 0).ok()?;
    while trainer.stopped().is_none() {
        trainer.step().ok()?;
    }
    let (items, count) = ((0..ITEMS).collect(), rows.items.len() as u32);
    let member = Member { model: Arc::from(trainer.finish()), items, rows: count };
    let ensemble = Ensemble::new(vec![member], ITEMS).ok()?;
    let config = CombineConfig { method: CombineMethod::Own, ..CombineConfig::default() };
    let prepared = prepare(&ensemble, &config, 1, &CombinerRows { users: Vec::new() }).ok()?;
    Some(Served { rows, ensemble, prepared })
});

/// The stage: what a job of the evaluation does for its users.
fn evaluated() -> Run {
    LazyLock::force(&SERVED);
    Box::new(|| {
        let failed = Outcome { checksum: 0, quality: f64::NAN, units: 0.0 };
        let Some(Served { rows, ensemble, prepared }) = &*SERVED else { return failed };
        let Ok(mut scorer) = Scorer::new(ensemble, prepared) else { return failed };
        let config = EvaluateConfig::default();
        let mut scores = vec![0.0; ITEMS as usize];
        let (mut sum, mut lists) = (0.0, Vec::with_capacity(50 * USERS as usize));
        for user in 0..USERS {
            let span = rows.starts[user as usize] as usize..rows.starts[user as usize + 1] as usize;
            let own = [(0, user)];
            let rows = UserRows { items: &rows.items[span.clone()], values: &rows.values[span], own: &own };
            scorer.score(&rows, &mut scores);
            let test: Vec<u32> = (0..20).map(|at| (user * 31 + at * 97) % ITEMS).collect();
            let metrics = evaluate_user(&mut scores, rows.items, &test, &config);
            sum += metrics.get(2, 0);
            lists.extend(metrics.top);
        }
        let checksum = hash(lists.iter().map(|&item| u64::from(item)));
        Outcome { checksum, quality: sum / f64::from(USERS), units: f64::from(USERS) * f64::from(ITEMS) }
    })
}
