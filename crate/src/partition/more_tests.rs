//! The entropic solver inside `obc`, `anchored`, RecEraser's three.

use super::tests::{by_user, config, permuted, run, sample};
use super::*;
use crate::numerics::matrix::Matrix;
use crate::numerics::random::{Purpose, StreamKey, below, shuffle};

#[test]
fn entropic_obc_anneals_and_ends_near_the_exact_one() {
    let input = sample(400, 5, 11);
    let smooth = PartitionConfig { solver: Solver::Entropic, ..config(Method::Obc, 8) };
    let (events, partition) = run(&input, &smooth);
    let first: Vec<&ClusterEvent> = events.iter().filter(|e| e.restart == 0 && e.iteration == 1).collect();
    assert!(first.len() > 5, "one event per epsilon");
    assert!(first.windows(2).all(|pair| pair[1].epsilon < pair[0].epsilon && pair[1].spread < pair[0].spread));
    let allowed = |e: &ClusterEvent| if e.epsilon == first[first.len() - 1].epsilon { 1e-6 } else { 1e-4 };
    assert!(events.iter().all(|e| e.residual.is_some_and(|residual| residual <= allowed(e))));
    assert!(events.iter().filter(|e| e.iteration == 2).all(|e| e.epsilon == first[first.len() - 1].epsilon));
    let exact = run(&input, &config(Method::Obc, 8)).1;
    assert!(partition.within_ss < exact.within_ss * 1.02, "{} {}", partition.within_ss, exact.within_ss);
    assert!(partition.users_per_shard.iter().all(|&n| n.abs_diff(50) <= 4), "{:?}", partition.users_per_shard);
    let penalised = PartitionConfig { strength: 0.3, balance: Balance::Interactions, ..smooth };
    let exact = PartitionConfig { solver: Solver::Exact, ..penalised.clone() };
    let (penalised, exact) = (run(&input, &penalised).1, run(&input, &exact).1);
    assert!((penalised.objective / exact.objective - 1.0).abs() < 0.02, "{} {}", penalised.objective, exact.objective);
}

#[test]
fn identical_points_under_the_entropic_solver_are_divided_evenly() {
    let mut input = sample(30, 2, 12);
    input.users = Matrix::zeros(30, 6);
    let smooth = PartitionConfig { solver: Solver::Entropic, ..config(Method::Obc, 4) };
    assert!(run(&input, &smooth).1.users_per_shard.iter().all(|&n| n == 7 || n == 8));
}

#[test]
fn renaming_keeps_who_is_together_and_can_be_undone() {
    let input = sample(80, 3, 21);
    for method in [Method::Obc, Method::Inbp, Method::Random] {
        let partition = run(&input, &config(method, 4)).1;
        let renamed = partition.renamed(&[2, 0, 3, 1]).unwrap();
        assert_eq!(renamed.rows_per_shard[2], partition.rows_per_shard[0]);
        assert_eq!(renamed.renamed(&[1, 3, 0, 2]), Some(partition.clone()));
        if method == Method::Obc {
            assert_eq!(renamed.shard_of_vector(input.users.row(3)), Some(by_user(&renamed)[3]));
        }
        assert_eq!(partition.renamed(&[0, 0, 1, 2]), None);
        assert_eq!(partition.renamed(&[0, 1, 2]), None);
    }
}

/// The input without some users.
fn without(input: &PartitionInput, gone: &[usize]) -> (PartitionInput, Vec<u32>) {
    let kept: Vec<usize> = (0..input.n_users()).filter(|user| !gone.contains(user)).collect();
    let mut fewer = permuted(input, &kept);
    fewer.users = Matrix::zeros(kept.len(), input.users.cols());
    kept.iter().enumerate().for_each(|(at, &u)| fewer.users.row_mut(at).copy_from_slice(input.users.row(u)));
    if !input.anchors.is_empty() {
        fewer.anchors = kept.iter().map(|&user| input.anchors[user]).collect();
    }
    (fewer, kept.into_iter().map(|user| user as u32).collect())
}

#[test]
fn two_hundred_deletions_of_non_anchors_move_nobody() {
    let input = sample(300, 4, 13);
    let mut rng = StreamKey::new(1, Purpose::Selection, 0, 0).stream();
    for balance in [Balance::Users, Balance::Interactions] {
        let anchored = PartitionConfig { anchors: 0.3, restarts: 2, balance, ..config(Method::Anchored, 6) };
        let whole = run(&input, &anchored).1;
        let others: Vec<usize> = (0..300).filter(|&user| !whole.anchors[user]).collect();
        assert!((150..260).contains(&others.len()), "{}", others.len());
        for _ in 0..100 {
            let gone: Vec<usize> =
                (0..1 + below(&mut rng, 5)).map(|_| others[below(&mut rng, others.len() as u32) as usize]).collect();
            let (fewer, kept) = without(&input, &gone);
            let twin = clustering(fewer, &anchored).unwrap().finish();
            assert!(kept.iter().enumerate().all(|(at, &u)| by_user(&twin)[at] == by_user(&whole)[u as usize]));
            assert_eq!((&twin.centroids, &twin.potentials), (&whole.centroids, &whole.potentials));
        }
    }
}

#[test]
fn deleting_an_anchor_refits() {
    let input = sample(300, 4, 13);
    let anchored = PartitionConfig { anchors: 0.3, ..config(Method::Anchored, 6) };
    let whole = run(&input, &anchored).1;
    let anchor = whole.anchors.iter().position(|&anchor| anchor).unwrap();
    let (fewer, _) = without(&input, &[anchor]);
    assert_ne!(run(&fewer, &anchored).1.centroids, whole.centroids);
}

#[test]
fn anchors_are_balanced_and_a_new_user_follows_without_recomputing() {
    let input = sample(1000, 4, 14);
    let (events, partition) = run(&input, &PartitionConfig { anchors: 0.5, ..config(Method::Anchored, 5) });
    let mut of_anchors = [0u32; 5];
    for user in (0..1000).filter(|&user| partition.anchors[user]) {
        of_anchors[usize::from(by_user(&partition)[user])] += 1;
    }
    assert!(of_anchors.iter().max().unwrap() - of_anchors.iter().min().unwrap() <= 1, "{of_anchors:?}");
    assert!(partition.users_per_shard.iter().all(|&n| (140..270).contains(&n)), "{:?}", partition.users_per_shard);
    for user in (0..1000).filter(|&user| !partition.anchors[user]) {
        assert_eq!(partition.shard_of_vector(input.users.row(user)), Some(by_user(&partition)[user]));
    }
    assert!(events.iter().all(|event| event.users_per_shard.iter().sum::<u32>() == 1000));
    assert!(events.iter().all(|event| event.shard_of.len() == 2000));
}

#[test]
fn a_consent_column_names_the_anchors() {
    let mut input = sample(60, 3, 15);
    let anchored = config(Method::Anchored, 4);
    input.anchors = (0..60).map(|user| user % 3 == 0).collect();
    assert_eq!(run(&input, &anchored).1.anchors, input.anchors);
    let code = |anchors: Vec<bool>| {
        clustering(PartitionInput { anchors, ..input.clone() }, &anchored).map(|_| ()).unwrap_err().code()
    };
    assert_eq!(code(vec![false; 60]), "partition.no_anchor");
    assert_eq!(code((0..60).map(|user| user < 3).collect()), "partition.too_many_shards");
    assert_eq!(code(vec![true; 59]), "partition.shape");
    let hashed = PartitionInput { anchors: Vec::new(), ..input.clone() };
    let few = PartitionConfig { anchors: 1e-6, ..anchored.clone() };
    assert_eq!(clustering(hashed, &few).map(|_| ()).unwrap_err().code(), "partition.no_anchor");
}

#[test]
fn receraser_keeps_its_cap_and_its_sizes_add_up() {
    let input = sample(200, 4, 16);
    let rows = input.starts[200];
    for (method, units) in [(Method::Ubp, 200), (Method::Ibp, 50), (Method::Inbp, rows)] {
        let (events, partition) = run(&input, &config(method, 7));
        let cap = (12 * units).div_ceil(70);
        assert_eq!(partition.rows_per_shard.iter().sum::<u32>(), rows);
        assert!(events.len() <= 50 && events.iter().all(|event| event.shard_of.len() == 400));
        match method {
            Method::Ubp => assert!(partition.users_per_shard.iter().all(|&n| n <= cap)),
            Method::Inbp => assert!(partition.rows_per_shard.iter().all(|&n| n <= cap)),
            _ => {
                let Division::ByRow(shard_of) = &partition.assignment else { panic!() };
                let mut of_item = [None; 50];
                for (row, &item) in input.row_items.iter().enumerate() {
                    let shard = of_item[item as usize].get_or_insert(shard_of[row]);
                    assert_eq!(*shard, shard_of[row], "rows follow their items");
                }
            }
        }
        assert!(partition.within_ss > 0.0 && partition.objective > 0.0);
        let touched: usize = (0..200).map(|user| partition.shards_of_user(user).len()).sum();
        assert_eq!(touched as u32, partition.users_per_shard.iter().sum::<u32>());
        assert_eq!(touched > 200, method.divides_users());
        assert_eq!(partition, clustering(input.clone(), &config(method, 7)).unwrap().finish());
        assert!(events.iter().all(|event| event.objective.is_finite()));
        let bytes = postcard::to_stdvec(&partition).unwrap();
        assert_eq!(postcard::from_bytes::<Partition>(&bytes).unwrap(), partition);
    }
}

#[test]
fn receraser_ends_where_anchors_are_means() {
    let input = sample(150, 3, 17);
    let raw = PartitionConfig { normalise: false, ..config(Method::Ubp, 5) };
    let (events, partition) = run(&input, &raw);
    assert_eq!(events[events.len() - 1].moves, 0);
    for shard in 0..5u16 {
        let members: Vec<usize> = (0..150).filter(|&user| by_user(&partition)[user] == shard).collect();
        for (at, &centre) in partition.centroids.row(usize::from(shard)).iter().enumerate() {
            let mean = members.iter().map(|&u| f64::from(input.users.row(u)[at])).sum::<f64>() / members.len() as f64;
            assert!((mean - f64::from(centre)).abs() < 1e-5);
        }
    }
}

#[test]
fn every_method_permutes_with_its_users() {
    let input = sample(120, 4, 18);
    let mut order: Vec<usize> = (0..120).collect();
    shuffle(&mut StreamKey::new(9, Purpose::Synthetic, 0, 0).stream(), &mut order);
    let other = permuted(&input, &order);
    for method in [Method::Ubp, Method::Ibp, Method::Inbp, Method::Anchored] {
        let config = PartitionConfig { anchors: 0.4, ..config(method, 5) }.own_knobs();
        let (one, two) = (run(&input, &config).1, run(&other, &config).1);
        for (place, &user) in order.iter().enumerate() {
            assert_eq!(two.shards_of_user(place as u32), one.shards_of_user(user as u32), "{method:?}");
        }
    }
}

#[test]
fn identical_points_keep_receraser_within_its_cap() {
    let mut input = sample(40, 2, 19);
    input.users = Matrix::zeros(40, 6);
    input.items = Matrix::zeros(50, 6);
    for method in [Method::Ubp, Method::Ibp, Method::Inbp] {
        let partition = run(&input, &config(method, 4)).1;
        assert_eq!(partition.within_ss, 0.0);
        assert!(partition.rows_per_shard.iter().all(|&rows| rows > 0 || method == Method::Ibp), "{method:?}");
    }
}

#[test]
fn items_and_rows_that_are_missing_are_named() {
    let good = sample(20, 2, 20);
    let code = |input: PartitionInput, method, shards| {
        clustering(input, &config(method, shards)).map(|_| ()).unwrap_err().code()
    };
    assert_eq!(code(PartitionInput { items: Matrix::default(), ..good.clone() }, Method::Inbp, 3), "partition.shape");
    assert_eq!(code(PartitionInput { items: Matrix::zeros(3, 6), ..good.clone() }, Method::Ibp, 3), "partition.shape");
    assert_eq!(code(PartitionInput { row_items: vec![0], ..good.clone() }, Method::Ibp, 3), "partition.shape");
    let rows = vec![1; good.row_items.len()];
    assert_eq!(code(PartitionInput { row_items: rows, ..good.clone() }, Method::Ibp, 3), "partition.too_many_shards");
    assert_eq!(code(good.clone(), Method::Ubp, 21), "partition.too_many_shards");
    let mut broken = good;
    broken.items.row_mut(1)[0] = f32::NAN;
    assert_eq!(code(broken, Method::Inbp, 3), "partition.not_finite");
}
