use proptest::prelude::*;

use super::*;
use crate::interactions::Fate;
use crate::interactions::Interactions;
use crate::pipeline::{Assignment, NO_SHARD};
use crate::unlearn::difference::{AssignedRows, Difference};
use crate::unlearn::testing::{data_strategy, names, request_strategy};
use crate::unlearn::{Moves, Reach};

const EXACT: Procedure = Procedure { mode: Mode::Frozen, partition: Reach::Alone, follows: false };

/// What a request does to rows in these shards.
fn difference(data: &Interactions, shards: u32, shard_of_row: &[u16], request: &Request) -> Difference {
    let before = Assignment { shards, shard_of_row: shard_of_row.to_vec() };
    let rows = request.resolve(data).remaining(data);
    let after = before.carried(data, &rows, |_, _| unreachable!("no row comes"));
    Difference::of(AssignedRows { rows: data, assignment: &before }, AssignedRows { rows: &rows, assignment: &after })
}

fn bill_at(data: &Interactions, shards: u32, of: &[u16], request: &Request, rates: &Rates, how: &Procedure) -> Plan {
    let moves = if how.divides_again() { Moves::Anybody } else { Moves::Nobody };
    let mut bill = plan(&difference(data, shards, of, request), rates, how, moves);
    bill.note_names(&request.resolve(data), Overlap::default());
    bill
}

fn bill(data: &Interactions, shards: u32, shard_of_row: &[u16], request: &Request) -> Plan {
    bill_at(data, shards, shard_of_row, request, &Rates::default(), &EXACT)
}

fn codes(plan: &Plan) -> Vec<&str> {
    plan.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[test]
fn a_user_in_several_shards_touches_each_of_them() {
    let data = names(&[("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("c", "y")]);
    let plan = bill(&data, 4, &[0, 0, 2, 2, 1], &Request::of_users(["a"]));
    let touched = |shard, rows, rows_after| TouchedShard { shard, users: 1, rows, added: 0, rows_after };
    assert_eq!(plan.touched, [touched(0, 2, 0), touched(2, 1, 1)]);
    assert_eq!(plan.untouched, [1, 3]);
    assert_eq!((plan.users, plan.rows, plan.rows_to_train), (1, 3, 1));
}

#[test]
fn test_rows_touch_no_shard() {
    let mut data = names(&[("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]);
    data.assign_fates(|_, row| if row.item == 1 { Fate::Test } else { Fate::Train });
    let request = Request { interactions: vec![("a".into(), "y".into())], ..Request::default() };
    let procedure = Procedure { partition: Reach::Everybody, ..EXACT };
    let plan = bill_at(&data, 2, &[0, NO_SHARD, 1, NO_SHARD], &request, &Rates::default(), &procedure);
    assert!(plan.touched.is_empty() && plan.taints.is_empty());
    assert_eq!((plan.seconds, plan.test_rows, plan.untouched.len()), (Some(0.0), 1, 2));
    assert_eq!(codes(&plan), ["test_only"]);
    assert_eq!(plan.check(&request), Ok(()));
}

#[test]
fn what_would_be_emptied_is_said_and_done_only_when_confirmed() {
    let mut data = names(&[("a", "x"), ("b", "x"), ("b", "y")]);
    data.assign_fates(|_, row| if row.item == 1 { Fate::Test } else { Fate::Train });
    let mut request = Request::of_users(["b"]);
    let plan = bill(&data, 2, &[0, 1, NO_SHARD], &request);
    assert_eq!(codes(&plan), ["items_gone", "empties_shard", "empties_test"]);
    let error = plan.check(&request).unwrap_err();
    assert_eq!(error.code(), "request.unconfirmed");
    assert!(error.to_string().contains("Shard 1") && error.to_string().contains("1 test row"), "{error}");
    request.confirmed = true;
    assert_eq!(plan.check(&request), Ok(()));
}

#[test]
fn everybody_is_refused_unless_confirmed() {
    let data = names(&[("a", "x"), ("b", "y")]);
    let mut request = Request { items: vec!["x".into(), "y".into()], ..Request::default() };
    let plan = bill(&data, 2, &[0, 1], &request);
    assert!(plan.everything);
    assert_eq!(codes(&plan), ["everybody", "empties_catalogue", "every_shard"]);
    assert_eq!(plan.check(&request), Err(RequestError::Everybody { rows: 2 }));
    request.confirmed = true;
    assert_eq!(plan.check(&request), Ok(()));
}

#[test]
fn nothing_and_nobody_known_are_refused_by_name() {
    let data = names(&[("a", "x")]);
    let check = |request: &Request| bill(&data, 1, &[0], request).check(request).unwrap_err();
    assert_eq!(check(&Request::default()), RequestError::Empty);
    let error = check(&Request::of_users(["ghost", "phantom"]));
    assert_eq!(error, RequestError::Unknown { count: 2, first: "ghost".into() });
    let pair = Request { interactions: vec![("a".into(), "q".into())], ..Request::default() };
    assert!(check(&pair).to_string().contains("(a, q)"));
}

#[test]
fn a_partition_of_other_rows_is_refused_with_its_place() {
    let mut data = names(&[("a", "x"), ("b", "x")]);
    let refuse = |data: &Interactions, shard_of_row: &[u16]| {
        Assignment { shards: 2, shard_of_row: shard_of_row.to_vec() }.check(data).unwrap_err().to_string()
    };
    assert!(refuse(&data, &[0]).contains("1 rows have a shard, but there are 2"));
    assert!(refuse(&data, &[0, 2]).contains("row 1 is in shard 2"));
    assert!(refuse(&data, &[NO_SHARD, 1]).contains("row 0 is a Train row"));
    data.assign_fates(|_, _| Fate::Test);
    assert!(refuse(&data, &[0, 1]).contains("row 0 is a Test row"));
}

#[test]
fn time_scales_with_the_rows_that_stay_and_spreads_over_workers() {
    let data = names(&[("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "y")]);
    let request = Request { items: vec!["x".into()], ..Request::default() };
    let mut rates = Rates {
        seconds_per_shard: vec![4.0, 6.0, 2.0],
        epochs_per_shard: vec![2, 3, 1],
        full_seconds: Some(20.0),
        full_work: Some(15.0),
        combine_seconds: 0.5,
        workers: 1,
    };
    let seconds = |rates: &Rates, how| bill_at(&data, 3, &[0, 0, 1, 1, 2, 2], &request, rates, how).seconds;
    // One row is left of two in each; a row costs one second an epoch, and a shard is taken to be half as unusual as it was.
    assert_eq!(seconds(&rates, &EXACT), Some(2.0 + 2.5 + 1.5 + 0.5));
    rates.workers = 2;
    assert_eq!(seconds(&rates, &EXACT), Some(2.0 + 1.5 + 0.5));
    // Whoever trained first paid for a cold machine: that says nothing of the next time.
    rates.seconds_per_shard[0] = 400.0;
    assert_eq!(seconds(&rates, &EXACT), Some(2.0 + 1.5 + 0.5));
    rates.seconds_per_shard.clear();
    assert_eq!(seconds(&rates, &EXACT), None);
}

#[test]
fn dividing_again_may_cost_every_shard_and_says_so() {
    let data = names(&[("a", "x"), ("a", "y"), ("b", "x"), ("c", "y")]);
    let request = Request { interactions: vec![("a".into(), "y".into())], ..Request::default() };
    let rates = Rates { seconds_per_shard: vec![2.0, 2.0, 2.0], full_seconds: Some(4.0), ..Rates::default() };
    let bill = |mode, partition| {
        bill_at(&data, 3, &[0, 0, 1, 2], &request, &rates, &Procedure { mode, partition, follows: false })
    };
    let refit = bill(Mode::Refit, Reach::Everybody);
    assert_eq!((refit.seconds, codes(&refit)), (Some(6.0), vec!["divides_again", "full_is_cheaper"]));
    assert_eq!((refit.at_most, refit.rows_to_train, refit.rows_most), (true, 1, 3));
    assert!(refit.taints.is_empty());
    let frozen = bill(Mode::Frozen, Reach::Everybody);
    assert_eq!((frozen.seconds, frozen.taints.len()), (Some(2.0), 1));
    assert_eq!((frozen.at_most, frozen.rows_to_train, frozen.rows_most), (false, 1, 1));
    assert_eq!(frozen.taints[0].stage, "partition");
    assert!(bill(Mode::Refit, Reach::Alone).warnings.iter().all(|warning| warning.code != "divides_again"));
}

proptest! {
    #[test]
    fn the_bill_adds_up((data, request, shards, seed) in data_strategy().prop_flat_map(|data| {
        let request = request_strategy(&data);
        (Just(data), request, 1..5u16, any::<u64>())
    })) {
        // Any row partition at all: the shard is a hash of the row's number.
        let shard = |index: usize, fate| match fate {
            Fate::Test => NO_SHARD,
            _ => ((seed >> (index % 48)) % u64::from(shards)) as u16,
        };
        let of_row: Vec<u16> = data.rows().iter().enumerate().map(|(index, row)| shard(index, row.fate)).collect();
        let plan = bill(&data, u32::from(shards), &of_row, &request);
        let goes = request.resolve(&data);
        prop_assert_eq!(plan.rows as usize, goes.rows.len());
        prop_assert_eq!(plan.shard_rows + plan.test_rows, plan.rows);
        prop_assert_eq!(plan.touched.len() + plan.untouched.len(), usize::from(shards));
        for shard in 0..u32::from(shards) {
            let inside = |index: &u32| u32::from(of_row[*index as usize]) == shard;
            let lost: Vec<u32> = goes.rows.iter().copied().filter(inside).collect();
            let total = (0..of_row.len() as u32).filter(inside).count();
            let mut users: Vec<u32> = lost.iter().map(|&index| data.rows()[index as usize].user).collect();
            users.dedup();
            let expected = (!lost.is_empty()).then(|| TouchedShard {
                shard,
                users: users.len() as u32,
                rows: lost.len() as u32,
                added: 0,
                rows_after: (total - lost.len()) as u32,
            });
            prop_assert_eq!(plan.touched.iter().find(|touched| touched.shard == shard).cloned(), expected);
            prop_assert_eq!(plan.untouched.contains(&shard), lost.is_empty());
        }
        let left = of_row.iter().filter(|&&s| s != NO_SHARD).count() as u32 - plan.shard_rows;
        prop_assert_eq!(plan.everything, left == 0 && plan.shard_rows > 0);
        // Refused only for a reason, and never when confirmed and something was found.
        let confirmed = Request { confirmed: true, ..request.clone() };
        prop_assert_eq!(plan.check(&confirmed).is_ok(), plan.rows > 0);
        prop_assert_eq!(plan.check(&request).is_ok(), plan.rows > 0 && !plan.needs_confirmation());
    }
}
