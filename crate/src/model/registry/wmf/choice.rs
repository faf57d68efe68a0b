//! Where a knob is left out: settings that follow from a shard's own rows.
//!
//! A component of the rows' matrix survives the penalty only if its singular value exceeds
//! tau = lambda sqrt((N/n + alpha m) (N/m + alpha n)), for N rows of n users and m items. Rows without any structure have
//! singular values up to about sqrt(N/n) + sqrt(N/m): the penalty is set so that tau is a share of this edge, which grows
//! neither with the catalogue nor with the number of people, as a fixed lambda would. A little less than half of the edge is best
//! on most data for the only model; one of many may keep more noise, since it is averaged away by what combines them. Where next to
//! nothing but popularity is to be learned, more of the edge is best, and a short training on a part of the rows
//! tells (`probe`).

use crate::model::rows::ShardRows;
use crate::model::shape::{Shape, two_digits};
use crate::model::trainer::Trainer as _;
use crate::model::training::{Sliced, ndcg_of_users};
use crate::numerics::als::AlsParams;
use crate::numerics::random::{Purpose, StreamKey, keyed_fraction};
use crate::numerics::sparse::Csr;

use super::{Wmf, WmfTrainer};

/// Share of the edge for the only model, and for one of very many.
const ONE_ONLY: f64 = 0.45;
const OF_MANY: f64 = 0.2;
/// How many times more of it is tried, the usual first.
const TIMES: [f64; 4] = [1.0, 1.5, 2.1, 3.0];
/// Rows for each item below which the edge says too much: of an item with one row or two nothing repeats that could look like
/// structure.
const SCARCE: f64 = 3.0;
/// Most weight of all pairs.
const MOST_ALPHA: f64 = 0.3;
/// Vectors as long as this where rows are many for each user and item; twice as long where they are few, since what few rows
/// tell lies in many directions and little of it is noise.
const FACTORS: u32 = 64;

/// Rows that a probe looks at, about; a larger shard is asked by a sample of its users.
const PROBE_ROWS: f64 = 40_000.0;
/// Validation rows below which a probe would tell chance.
const LEAST_HELD: usize = 200;
/// Scores looked at for their validation rows, about, and fewest and most users.
const PROBE_SCORES: usize = 6_000_000;
const PROBE_USERS: (usize, usize) = (800, 3_000);
/// Standard errors beyond which more of the edge is better.
const BEYOND: f64 = 1.4;
/// Vectors of the only model, and of one of many: these are short of rows and many, and what combines them forgives more.
const PROBE_FACTORS: (usize, usize) = (64, 32);
const PROBE_SWEEPS: u32 = 6;
const PROBE_TOLERANCE: f32 = 3e-3;

/// What a person has set: taken as it is, and what is left out goes by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    pub factors: Option<u32>,
    pub alpha: Option<f32>,
    pub lambda: Option<f32>,
    pub nu: Option<f32>,
}

/// Settings, and what of them was chosen from which rows, in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub params: AlsParams,
    pub why: Option<String>,
}

/// What the rows ask for where a knob was left out. O(rows) and a few sweeps over at most some ten thousand of them.
pub(super) fn choose(rows: &ShardRows, given: &Given) -> Choice {
    let shape = Shape::of(rows);
    let wider = if given.lambda.is_none() { probe(rows, given).unwrap_or(1.0) } else { 1.0 };
    let params = rule(&shape, given, wider);
    let mut said = Vec::new();
    if given.factors.is_none() {
        said.push(format!("{} factors", params.factors));
    }
    if given.alpha.is_none() {
        said.push(format!("alpha {}", params.alpha));
    }
    if given.lambda.is_none() {
        said.push(format!("penalty {}", params.lambda));
    }
    let more = if wider > 1.0 { "; a trial on held-out rows asked for a stronger penalty than usual" } else { "" };
    let why = shape.because(&said).map(|why| why + more);
    Choice { params, why }
}

/// The same by the first slice of a training in slices: what a later one holds has no say, or a checkpoint would know of it.
pub(super) fn choose_by_slice(rows: &ShardRows, sliced: &Sliced, given: &Given) -> AlsParams {
    let shape = Shape::of_first_slice(rows, sliced);
    let mut params = rule(&shape, given, 1.0);
    // Longer than the shard is wide, vectors only copy single rows.
    let wanted = given.factors.unwrap_or(if shape.is_sparse() { 2 * FACTORS } else { FACTORS });
    params.factors = given.factors.unwrap_or(wanted.min(rows.n_users).min(rows.n_items).max(1)) as usize;
    params
}

/// The settings by the shape of the rows; noise has to exceed the edge's share times `wider`.
pub(crate) fn rule(shape: &Shape, given: &Given, wider: f64) -> AlsParams {
    let (n, m) = (f64::from(shape.users.max(1)), f64::from(shape.items.max(1)));
    let rows = shape.rows.max(1) as f64;
    let (by_user, by_item) = (rows / n, rows / m);
    let alpha = given.alpha.unwrap_or_else(|| two_digits((1.5 * (rows / (n * m)).sqrt()).min(MOST_ALPHA)));
    let share = OF_MANY + (ONE_ONLY - OF_MANY) / f64::from(shape.shards.max(1));
    let tau = wider * share * (by_item / SCARCE).sqrt().min(1.0) * (by_user.sqrt() + by_item.sqrt());
    let lambda = || {
        let weights = (by_user + f64::from(alpha) * m) * (by_item + f64::from(alpha) * n);
        two_digits(tau / weights.sqrt())
    };
    let wanted = if shape.is_sparse() { 2 * FACTORS } else { FACTORS };
    let factors = given.factors.unwrap_or(wanted.min(shape.users).min(shape.items).max(1)) as usize;
    AlsParams { factors, alpha, lambda: given.lambda.unwrap_or_else(lambda), nu: given.nu.unwrap_or(1.0) }
}

/// How many times the usual share ranks held-out rows best, if the shard has enough of them; more than the usual only where it
/// is better beyond doubt (see [`BEYOND`], of the paired difference).
fn probe(rows: &ShardRows, given: &Given) -> Option<f64> {
    let Probe { train, held, n_items } = Probe::of(rows)?;
    let (users, count) = (train.len() as u32, train.columns.len() as u64);
    let shape = Shape { users, items: n_items, rows: count, shards: rows.shards };
    let mut found: Option<(f64, Vec<f64>)> = None;
    let mut items = None;
    for times in TIMES {
        let mut params = rule(&shape, given, times);
        params.factors = params.factors.min(if shape.shards > 1 { PROBE_FACTORS.1 } else { PROBE_FACTORS.0 });
        let key = StreamKey::new(0, Purpose::Probe, 0, 0);
        let mut trainer = match items.take() {
            None => WmfTrainer::with(train.clone(), n_items as usize, params, PROBE_SWEEPS, Some(PROBE_TOLERANCE), key),
            Some(items) => {
                WmfTrainer::from_items(train.clone(), items, params, PROBE_SWEEPS / 2, Some(PROBE_TOLERANCE))
            }
        };
        while trainer.stopped().is_none() {
            trainer.step().ok()?;
        }
        let (users, vectors) = trainer.into_factors();
        let model = Wmf::new(params, users.to_matrix(params.factors), vectors.to_matrix(params.factors));
        items = Some(vectors);
        let ndcg = ndcg_of_users(&model, &train, &held);
        match &found {
            Some((_, before)) if !is_better(&ndcg, before) => break,
            _ => found = Some((times, ndcg)),
        }
    }
    found.map(|found| found.0)
}

/// Is `a` above `b`, user by user, by more than chance would have it?
fn is_better(a: &[f64], b: &[f64]) -> bool {
    let n = a.len().max(2) as f64;
    let differences = || a.iter().zip(b).map(|(a, b)| a - b);
    let mean = differences().sum::<f64>() / n;
    let variance = differences().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0);
    mean > BEYOND * (variance / n).sqrt()
}

/// Rows to train on and rows to rank, of some users, with the items among them numbered anew.
struct Probe {
    train: Csr,
    held: Csr,
    n_items: u32,
}

impl Probe {
    fn of(rows: &ShardRows) -> Option<Probe> {
        if rows.validation.iter().filter(|&&held| held).count() < LEAST_HELD {
            return None;
        }
        let share = PROBE_ROWS / rows.items.len().max(1) as f64;
        let chosen = |user: &usize| keyed_fraction(0, Purpose::Probe, &[&(*user as u32).to_le_bytes()]) < share;
        let users: Vec<usize> = (0..rows.n_users as usize).filter(|user| share >= 1.0 || chosen(user)).collect();
        let of = |user: usize| rows.starts[user] as usize..rows.starts[user + 1] as usize;
        let mut number = vec![u32::MAX; rows.n_items as usize];
        for &user in &users {
            of(user).filter(|&row| !rows.validation[row]).for_each(|row| number[rows.items[row] as usize] = 0);
        }
        let mut n_items = 0;
        for number in number.iter_mut().filter(|number| **number == 0) {
            *number = n_items;
            n_items += 1;
        }
        let empty = || Csr { starts: vec![0], columns: Vec::new() };
        let (mut train, mut held, mut ranked) = (empty(), empty(), 0);
        let most = if rows.shards > 1 { PROBE_USERS.0 } else { PROBE_USERS.1 };
        let most = (PROBE_SCORES / (n_items as usize).max(1)).clamp(PROBE_USERS.0, most);
        for &user in &users {
            let begin = held.columns.len();
            for row in of(user) {
                let item = number[rows.items[row] as usize];
                if !rows.validation[row] {
                    train.columns.push(item);
                } else if ranked < most && item != u32::MAX {
                    held.columns.push(item);
                }
            }
            ranked += usize::from(held.columns.len() > begin);
            train.starts.push(train.columns.len() as u32);
            held.starts.push(held.columns.len() as u32);
        }
        (held.columns.len() >= LEAST_HELD && n_items > 1).then_some(Probe { train, held, n_items })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::{drawn, planted};

    fn shape(users: u32, items: u32, rows: u64, shards: u32) -> Shape {
        Shape { users, items, rows, shards }
    }

    #[test]
    fn what_noise_can_reach_sets_the_penalty_at_every_size() {
        // tau over the edge is the share, whatever the shape: that is the rule.
        for (users, items, rows) in
            [(943, 1_349, 79_045), (300, 100, 3_900), (22_878, 115_082, 150_000), (100_000, 20_000, 5_000_000)]
        {
            for (shards, share) in [(1, 0.45), (10, 0.225), (40, 0.20625)] {
                let params = rule(&shape(users, items, rows, shards), &Given::default(), 1.0);
                let (n, m, rows) = (f64::from(users), f64::from(items), rows as f64);
                let (alpha, lambda) = (f64::from(params.alpha), f64::from(params.lambda));
                let tau = lambda * ((rows / n + alpha * m) * (rows / m + alpha * n)).sqrt();
                let found = tau / ((rows / n).sqrt() + (rows / m).sqrt());
                let share = share * (rows / m / SCARCE).sqrt().min(1.0);
                assert!((found / share - 1.0).abs() < 0.06, "{users} x {items}, {shards}: {found}");
                assert!(params.alpha > 0.0 && params.alpha <= 0.3);
            }
        }
        let films = rule(&shape(943, 1_349, 79_045, 1), &Given::default(), 1.0);
        assert_eq!((films.factors, films.alpha, films.lambda), (64, 0.3, 0.019));
        let sparse = rule(&shape(22_878, 115_082, 150_000, 1), &Given::default(), 1.0);
        assert_eq!(sparse.factors, 128);
        assert_eq!(rule(&shape(1, 1, 1, 1), &Given::default(), 1.0).factors, 1);
        assert!(rule(&shape(0, 0, 0, 0), &Given::default(), 1.0).lambda.is_finite());
    }

    #[test]
    fn what_is_given_is_taken_and_the_rest_goes_by_it() {
        let rows = planted(30, 24, 3, 5);
        let given = Given { lambda: Some(0.5), factors: Some(3), ..Given::default() };
        let Choice { params, why } = choose(&rows, &given);
        assert_eq!((params.factors, params.lambda), (3, 0.5));
        let why = why.unwrap();
        assert!(why.starts_with("alpha 0.3: from ") && why.contains("30 people and 24 items"), "{why}");
        let all = Given { alpha: Some(0.1), nu: Some(0.5), ..given };
        let Choice { params, why } = choose(&rows, &all);
        assert_eq!((params.alpha, params.nu, why), (0.1, 0.5, None));
        let weak = choose(&rows, &Given { alpha: Some(0.01), ..Given::default() }).params;
        assert!(weak.lambda > choose(&rows, &Given::default()).params.lambda, "fewer weights to be charged for");
    }

    /// People who all draw from the same popularity, or from that of their own group.
    fn popular(groups: u32) -> ShardRows {
        let likely = |user, item| {
            let rank = f64::from(item / groups) + 1.0;
            if item % groups == user % groups { (2.0 * f64::from(groups) / rank).min(0.6) } else { 0.0 }
        };
        drawn(400, 300, StreamKey::new(4, Purpose::Synthetic, 0, groups), likely)
    }

    #[test]
    fn where_only_popularity_is_to_be_learned_the_trial_asks_for_more() {
        let (popular, tastes) = (popular(1), popular(6));
        let asked = |rows: &ShardRows| probe(rows, &Given::default());
        assert!(asked(&popular).unwrap() > 1.0, "{:?}", asked(&popular));
        assert!(asked(&tastes).unwrap() <= 1.5, "{:?}", asked(&tastes));
        assert!(choose(&popular, &Given::default()).why.unwrap().contains("trial on held-out rows"));
        let mut none = popular.clone();
        none.validation.fill(false);
        assert_eq!(asked(&none), None, "nothing to try it on");
        assert_eq!(choose(&popular, &Given::default()), choose(&popular.clone(), &Given::default()));
    }

    #[test]
    fn a_later_slice_has_no_say_in_the_settings() {
        let rows = planted(40, 30, 3, 5);
        let of = |slice_of_user: Vec<u32>| Sliced { count: 4, slice_of_user, resume: None };
        let sliced = of((0..40).map(|user| user % 4).collect());
        let before = choose_by_slice(&rows, &sliced, &Given::default());
        // Everybody of the last slice loses all rows but one.
        let mut fewer = ShardRows { n_users: 40, n_items: 30, starts: vec![0], ..ShardRows::default() };
        for user in 0..40 {
            let own = rows.starts[user] as usize..rows.starts[user + 1] as usize;
            let own = if user % 4 == 3 { own.start..own.start + 1 } else { own };
            for row in own {
                fewer.items.push(rows.items[row]);
                fewer.values.push(1.0);
                fewer.validation.push(false);
            }
            fewer.starts.push(fewer.items.len() as u32);
        }
        assert_eq!(choose_by_slice(&fewer, &sliced, &Given::default()), before);
        // The first has.
        let other = of((0..40).map(|user| (user + 1) % 4).collect());
        assert_ne!(choose_by_slice(&fewer, &other, &Given::default()), before);
    }
}
