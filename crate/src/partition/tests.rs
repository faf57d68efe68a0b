//! Whole clusterings, and what they refuse.

use super::vectors::squared_distance;
use super::*;
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, below, keyed_hash, normal, shuffle};

/// `n` users in `groups` clouds of dimension 6, with 1 to 40 rows each over 50 items.
pub(super) fn sample(n: usize, groups: usize, seed: u64) -> PartitionInput {
    let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
    let mut gaussian = |rows: usize, cols: usize, scale: f64| {
        let data = (0..rows * cols).map(|_| (scale * normal(&mut rng)) as f32).collect();
        Matrix::from_vec(rows, cols, data).unwrap()
    };
    let centres = gaussian(groups, 6, 1.0);
    let mut users = gaussian(n, 6, 0.5);
    let items = gaussian(50, 6, 1.0);
    for user in 0..n {
        // Groups of unequal size, so that balance costs something.
        let group = (user * user / n) * groups / n;
        for (value, centre) in users.row_mut(user).iter_mut().zip(centres.row(group)) {
            *value += centre;
        }
    }
    let mut starts = vec![0];
    let mut row_items = Vec::new();
    for _ in 0..n {
        let mut items: Vec<u32> = (0..50).collect();
        shuffle(&mut rng, &mut items);
        items.truncate(1 + below(&mut rng, 40) as usize);
        items.sort_unstable();
        row_items.extend(items);
        starts.push(row_items.len() as u32);
    }
    let user_keys = (0..n as u64).map(|u| keyed_hash(seed, Purpose::Partition, &[&u.to_le_bytes()])).collect();
    PartitionInput { users, items, user_keys, starts, row_items, seed, ..PartitionInput::default() }
}

pub(super) fn config(method: Method, shards: u32) -> PartitionConfig {
    PartitionConfig { method, shards, ..PartitionConfig::default() }
}

pub(super) fn run(input: &PartitionInput, config: &PartitionConfig) -> (Vec<ClusterEvent>, Partition) {
    let mut clustering = clustering(input.clone(), config).unwrap();
    let mut events = Vec::new();
    while let Some(event) = clustering.step().unwrap() {
        events.push(event);
    }
    (events, clustering.finish())
}

pub(super) fn by_user(partition: &Partition) -> &[u16] {
    match &partition.assignment {
        Division::ByUser(shards) => shards,
        Division::ByRow(_) => panic!("assigned by row"),
    }
}

/// The input with its users in another order: new position i holds old user `order[i]`.
pub(super) fn permuted(input: &PartitionInput, order: &[usize]) -> PartitionInput {
    let mut users = Matrix::zeros(input.users.rows(), input.users.cols());
    let (mut starts, mut row_items, mut user_keys) = (vec![0], Vec::new(), Vec::new());
    for (place, &user) in order.iter().enumerate() {
        users.row_mut(place).copy_from_slice(input.users.row(user));
        row_items.extend(&input.row_items[input.starts[user] as usize..input.starts[user + 1] as usize]);
        starts.push(row_items.len() as u32);
        user_keys.push(input.user_keys[user]);
    }
    PartitionInput { users, starts, row_items, user_keys, ..input.clone() }
}

#[test]
fn obc_balances_and_its_objective_never_rises() {
    let input = sample(403, 5, 1);
    let (events, partition) = run(&input, &config(Method::Obc, 10));
    for start in events.chunk_by(|a, b| a.restart == b.restart) {
        assert_eq!(start[0].moves, 403);
        assert_eq!(start[start.len() - 1].moves, 0, "ends when the assignment repeats");
        assert!(start.windows(2).all(|pair| pair[1].objective <= pair[0].objective * (1.0 + 1e-6)));
    }
    assert!(partition.users_per_shard.iter().all(|&n| n == 40 || n == 41));
    let best = events.iter().map(|e| e.objective).fold(f64::INFINITY, f64::min);
    assert_eq!(partition.objective, best, "the best of the starts is kept");
    assert!((partition.within_ss / 403.0 - best).abs() < 1e-5, "{} {best}", partition.within_ss / 403.0);
    assert_eq!(partition.potentials.len(), 10);
    assert_eq!(events[0].shard_of.len(), 806);
    assert_eq!((events[0].centroids.len(), events[0].potentials.len()), (60, 10));
}

#[test]
fn interactions_are_balanced_to_within_one_user_per_division() {
    let input = sample(500, 5, 2);
    let obc = PartitionConfig { balance: Balance::Interactions, ..config(Method::Obc, 8) };
    let (_, partition) = run(&input, &obc);
    let total: u32 = partition.rows_per_shard.iter().sum();
    assert_eq!(total, input.starts[500]);
    let even = total / 8;
    assert!(partition.rows_per_shard.iter().all(|&rows| rows.abs_diff(even) <= 40 * 7), "{partition:?}");
    let by_users = run(&input, &config(Method::Obc, 8)).1;
    assert!(partition.work_ratio() < by_users.work_ratio());
    assert!(partition.work_ratio() < 1.2, "{}", partition.work_ratio());
}

#[test]
fn strength_runs_from_kmeans_to_balance() {
    let input = sample(600, 5, 3);
    let at = |strength| run(&input, &PartitionConfig { strength, ..config(Method::Obc, 5) }).1;
    let kmeans = run(&input, &config(Method::Kmeans, 5)).1;
    let free = at(0.0);
    assert_eq!((free.assignment.clone(), free.within_ss), (kmeans.assignment.clone(), kmeans.within_ss));
    let imbalance = |p: &Partition| p.users_per_shard.iter().max().unwrap() - p.users_per_shard.iter().min().unwrap();
    let (half, nearly, full) = (at(0.2), at(0.999), at(1.0));
    assert!(imbalance(&kmeans) > imbalance(&half), "{:?} {:?}", kmeans.users_per_shard, half.users_per_shard);
    assert!(imbalance(&half) > imbalance(&nearly));
    assert!(imbalance(&nearly) <= 2 && imbalance(&full) == 0);
    assert!(kmeans.within_ss <= half.within_ss && half.within_ss <= full.within_ss);
}

#[test]
fn slack_bounds_the_largest_shard_and_buys_tighter_clusters() {
    let input = sample(600, 5, 3);
    let at = |slack| run(&input, &PartitionConfig { slack, ..config(Method::Obc, 5) }).1;
    let (tight, loose) = (at(0.0), at(0.2));
    assert!(*loose.users_per_shard.iter().max().unwrap() <= 144, "{:?}", loose.users_per_shard);
    assert!(loose.within_ss < tight.within_ss);
    // The same bound as RecEraser's greedy division, used better.
    assert!(loose.within_ss <= run(&input, &config(Method::Ubp, 5)).1.within_ss);
}

#[test]
fn permuting_users_permutes_the_result() {
    let input = sample(300, 4, 4);
    let mut order: Vec<usize> = (0..300).collect();
    shuffle(&mut StreamKey::new(9, Purpose::Synthetic, 0, 0).stream(), &mut order);
    let other = permuted(&input, &order);
    for method in [Method::Obc, Method::Kmeans, Method::Random, Method::Hash] {
        for balance in [Balance::Users, Balance::Interactions] {
            let config = PartitionConfig { balance, ..config(method, 7) }.own_knobs();
            let (one, two) = (run(&input, &config).1, run(&other, &config).1);
            let expected: Vec<u16> = order.iter().map(|&user| by_user(&one)[user]).collect();
            assert_eq!(by_user(&two), expected, "{method:?} {balance:?}");
        }
    }
}

#[test]
fn finishing_early_changes_nothing() {
    let input = sample(200, 4, 5);
    for method in [Method::Obc, Method::Kmeans, Method::Random] {
        let whole = run(&input, &config(method, 4)).1;
        let mut early = clustering(input.clone(), &config(method, 4)).unwrap();
        early.step().unwrap();
        assert_eq!(early.finish(), whole);
    }
}

#[test]
fn random_cuts_equal_parts_and_hash_asks_nobody_else() {
    let input = sample(103, 3, 6);
    let random = run(&input, &config(Method::Random, 10)).1;
    assert!(random.users_per_shard.iter().all(|&n| n == 10 || n == 11));
    assert!(random.within_ss > 0.0);
    let mut fewer = permuted(&input, &(0..102).collect::<Vec<_>>());
    fewer.users = Matrix::default();
    let (all, without) = (run(&input, &config(Method::Hash, 10)).1, run(&fewer, &config(Method::Hash, 10)).1);
    assert_eq!(by_user(&all)[..102], *by_user(&without));
    assert_eq!((without.within_ss, without.centroids.rows()), (0.0, 0));
}

#[test]
fn identical_points_and_zero_vectors_have_a_defined_result() {
    let mut input = sample(30, 2, 7);
    input.users = Matrix::zeros(30, 6);
    for method in [Method::Obc, Method::Kmeans] {
        let partition = run(&input, &config(method, 4)).1;
        assert_eq!(partition.within_ss, 0.0);
        if method == Method::Obc {
            assert!(partition.users_per_shard.iter().all(|&n| n == 7 || n == 8), "{:?}", partition.users_per_shard);
        }
    }
    let half = PartitionConfig { strength: 0.5, ..config(Method::Obc, 4) };
    assert_eq!(run(&input, &half).1.within_ss, 0.0);
}

#[test]
fn a_new_vector_goes_where_the_users_like_it_went() {
    let input = sample(200, 4, 8);
    let partition = run(&input, &config(Method::Obc, 5)).1;
    let same = (0..200).filter(|&u| partition.shard_of_vector(input.users.row(u)) == Some(by_user(&partition)[u]));
    assert!(same.count() >= 196, "only users on a border may differ");
    assert_eq!(partition.shard_of_vector(&[1.0]), None);
    let costs = partition.costs_of_vector(input.users.row(7)).unwrap();
    let least = (0..5).min_by(|&a, &b| costs[a].total_cmp(&costs[b]));
    assert_eq!(least.map(|shard| shard as u16), partition.shard_of_vector(input.users.row(7)));
    assert!(squared_distance(input.users.row(0), partition.centroids.row(0)).is_finite());
}

#[test]
fn partitions_survive_postcard() {
    let input = sample(40, 2, 9);
    let (events, partition) = run(&input, &config(Method::Obc, 3));
    let bytes = postcard::to_stdvec(&partition).unwrap();
    assert_eq!(postcard::from_bytes::<Partition>(&bytes).unwrap(), partition);
    let bytes = postcard::to_stdvec(&events).unwrap();
    assert_eq!(postcard::from_bytes::<Vec<ClusterEvent>>(&bytes).unwrap(), events);
    let bytes = postcard::to_stdvec(&input).unwrap();
    assert_eq!(postcard::from_bytes::<PartitionInput>(&bytes).unwrap(), input);
}

#[test]
fn bad_input_is_named() {
    let good = sample(20, 2, 10);
    let refuse = |input: PartitionInput, config: PartitionConfig| match clustering(input, &config) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            error.code()
        }
        Ok(_) => panic!("accepted"),
    };
    let obc = || config(Method::Obc, 4);
    assert_eq!(refuse(good.clone(), config(Method::Obc, 21)), "partition.too_many_shards");
    assert_eq!(refuse(good.clone(), config(Method::Random, 21)), "partition.too_many_shards");
    let said = clustering(good.clone(), &config(Method::Obc, 21)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(said, "21 shards cannot be filled by 20 users: ask for at most 20");
    assert_eq!(refuse(PartitionInput::default(), obc()), "partition.no_users");
    assert_eq!(refuse(PartitionInput { users: Matrix::zeros(19, 6), ..good.clone() }, obc()), "partition.shape");
    assert_eq!(refuse(PartitionInput { users: Matrix::default(), ..good.clone() }, obc()), "partition.shape");
    assert_eq!(refuse(PartitionInput { starts: vec![0; 20], ..good.clone() }, obc()), "partition.shape");
    let mut infinite = good.clone();
    infinite.users.row_mut(3)[2] = f32::INFINITY;
    assert_eq!(refuse(infinite, obc()), "partition.not_finite");
    let idle = PartitionInput { starts: (0..21).map(|u: u32| u.saturating_sub(1)).collect(), ..good.clone() };
    let by_rows = PartitionConfig { balance: Balance::Interactions, ..obc() };
    assert_eq!(refuse(idle, by_rows), "partition.no_rows");
    assert_eq!(refuse(good.clone(), config(Method::File, 4)), "partition.shape");
    let given = PartitionInput { given: vec![4; 20], ..good.clone() };
    assert_eq!(refuse(given, config(Method::File, 4)), "partition.given_shard");
    let strength = PartitionConfig { strength: 2.0, ..obc() };
    assert_eq!(refuse(good.clone(), strength), "partition.parameter");
}
