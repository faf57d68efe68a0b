use proptest::prelude::*;

use super::super::salt::Secret;
use super::*;
use crate::interactions::{Fate, Interactions};
use crate::unlearn::Request;
use crate::unlearn::testing::{data_strategy, request_strategy};

/// A shard for every row that has one: some hash of both ids, so that users and items are spread.
fn shards_of(data: &Interactions, salt: u64, shards: u32) -> Vec<u16> {
    let shard = |row: &crate::interactions::Row| {
        let ids = [data.users().get(row.user).as_bytes(), data.items().get(row.item).as_bytes()];
        match row.fate {
            Fate::Test => NO_SHARD,
            _ => {
                (crate::numerics::random::keyed_hash(salt, crate::numerics::random::Purpose::Partition, &ids)
                    % u64::from(shards)) as u16
            }
        }
    };
    data.rows().iter().map(shard).collect()
}

struct Case {
    data: Interactions,
    request: Request,
    shards: u32,
    seed: u64,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows, {} shards, seed {}, {:?}", self.data.rows().len(), self.shards, self.seed, self.request)
    }
}

fn case() -> impl Strategy<Value = Case> {
    data_strategy().prop_flat_map(|data| {
        (request_strategy(&data), 1..4u32, 0..50u64).prop_map(move |(request, shards, seed)| Case {
            data: data.clone(),
            request,
            shards,
            seed,
        })
    })
}

/// The change, what a receipt says of it, and the same with `kept` (a row of before) left in.
fn made(case: &Case, kept: Option<u32>) -> (Exchange, DataRecord, DataRecord) {
    let found = case.request.resolve(&case.data);
    let after = found.remaining(&case.data);
    let salt = Secret::derive(&case.data, case.seed).salt(1);
    let change = Exchange::between(&case.data, &after, &salt);
    let of_before = shards_of(&case.data, case.seed, case.shards);
    let before = Placed { rows: &case.data, shards: case.shards, shard_of_row: &of_before };
    let record_of = |after: &Interactions| {
        let of_after = shards_of(after, case.seed, case.shards);
        record(&before, &Placed { rows: after, shards: case.shards, shard_of_row: &of_after }, &change, &salt, 1)
    };
    let left = |row: &crate::interactions::Row| {
        found.forgets(&case.data, row) && kept.is_none_or(|kept| case.data.rows()[kept as usize] != *row)
    };
    (change.clone(), record_of(&after), record_of(&case.data.without(left)))
}

proptest! {
    #[test]
    fn a_record_holds_by_itself_and_leads_from_one_side_to_the_other(case in case()) {
        let (change, record, _) = made(&case, None);
        prop_assert_eq!(record.check(&change), Ok(()));
        let (salt, _) = record.seals.open(1, &case.data).unwrap();
        let after = case.request.resolve(&case.data).remaining(&case.data);
        prop_assert_eq!(change.other_side(&case.data, &salt, true), Some(after));
    }

    #[test]
    fn a_row_that_stayed_is_found_out_without_the_rows(case in case(), which in any::<prop::sample::Index>()) {
        let found = case.request.resolve(&case.data);
        prop_assume!(!found.is_empty());
        let (change, _, record) = made(&case, Some(found.rows[which.index(found.rows.len())]));
        // In a tree that did not change nothing has to be shown: then it is the number of rows that does not fit.
        match record.check(&change) {
            Err(error) => prop_assert!(matches!(error, EvidenceError::Present { .. }), "{}", error),
            Ok(()) => prop_assert!(record.before.rows() != record.after.rows() + change.gone.rows),
        }
    }

    #[test]
    fn a_missing_or_foreign_proof_is_found_out(case in case(), which in any::<prop::sample::Index>()) {
        let (change, record, _) = made(&case, None);
        prop_assume!(!record.absent.is_empty());
        let at = which.index(record.absent.len());
        let mut missing = record.clone();
        missing.absent.remove(at);
        prop_assert!(missing.check(&change).is_err());
        let mut twice = record.clone();
        twice.absent.insert(at, record.absent[at].clone());
        prop_assert!(twice.check(&change).is_err());
        let mut foreign = record.clone();
        foreign.absent[at].shard = Some(7);
        prop_assert!(foreign.check(&change).is_err());
    }
}
