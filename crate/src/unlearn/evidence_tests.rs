use proptest::prelude::*;

use super::*;
use crate::interactions::Fate;
use crate::unlearn::salt::Side;
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

fn record(case: &Case, scope: Scope, known: Option<&State>) -> (Salt, Interactions, Forgotten, DataRecord) {
    let found = case.request.resolve(&case.data);
    let after = found.remaining(&case.data);
    let salt = Salt::derive(&case.data, case.seed);
    let (before_of, after_of) =
        (shards_of(&case.data, case.seed, case.shards), shards_of(&after, case.seed, case.shards));
    let (forgotten, record) = Evidence {
        request: &case.request,
        found: &found,
        before: &case.data,
        layout_before: Layout { shards: case.shards, shard_of_row: &before_of },
        after: &after,
        layout_after: Layout { shards: case.shards, shard_of_row: &after_of },
        salt: &salt,
        scope,
        known,
    }
    .record()
    .unwrap();
    (salt, after, forgotten, record)
}

proptest! {
    #[test]
    fn a_record_holds_and_its_roots_are_those_of_the_rows(case in case()) {
        for scope in [Scope::Touched, Scope::Everywhere] {
            let (salt, after, forgotten, record) = record(&case, scope, None);
            prop_assert_eq!(record.check(&forgotten), Ok(()));
            let items = !forgotten.items.is_empty();
            let shard_of_row = shards_of(&after, case.seed, case.shards);
            let layout = Layout { shards: case.shards, shard_of_row: &shard_of_row };
            prop_assert_eq!(&record.after, &state(&after, &layout, &salt, items).unwrap());
            // Handing in the state before changes nothing but the time.
            let again = super::tests::record(&case, scope, Some(&record.before)).3;
            prop_assert_eq!(&again, &record);
        }
    }

    #[test]
    fn either_set_of_rows_leads_to_the_rows_after(case in case()) {
        let (salt, after, forgotten, record) = record(&case, Scope::Touched, None);
        let (opened, side) = record.seals.open(&case.data).unwrap();
        prop_assert_eq!((opened, side), (salt, Side::Before));
        let recovered = forgotten.recover(&case.data, &opened).resolve(&case.data);
        prop_assert_eq!(&recovered.rows, &case.request.resolve(&case.data).rows);
        prop_assert_eq!(&recovered.remaining(&case.data), &after);
        prop_assert!(forgotten.recover(&after, &salt).resolve(&after).is_empty());
    }

    #[test]
    fn a_row_that_stayed_is_found_out(case in case(), which in any::<prop::sample::Index>()) {
        let found = case.request.resolve(&case.data);
        prop_assume!(!found.is_empty());
        let (salt, _, forgotten, mut record) = record(&case, Scope::Everywhere, None);
        // The issuer leaves one forgotten row in and proves what it can about that state.
        let kept = found.rows[which.index(found.rows.len())];
        let fewer = Resolved { rows: found.rows.iter().copied().filter(|&row| row != kept).collect(), ..found };
        let after = fewer.remaining(&case.data);
        let of_row = shards_of(&after, case.seed, case.shards);
        let layout = Layout { shards: case.shards, shard_of_row: &of_row };
        let items = !forgotten.items.is_empty();
        let forest = Forest::grow(&after, &layout, &salt, items, &vec![true; case.shards as usize + 1]);
        record.after = State::from_roots(forest.trees.iter().map(Forest::roots).collect());
        for (absence, trees) in record.absent.iter_mut().zip(&forest.trees) {
            absence.by_user = prove(&trees.0, &forgotten.user_ranges());
            absence.by_item = trees.1.as_ref().and_then(|tree| prove(tree, &forgotten.item_ranges()));
        }
        let error = record.check(&forgotten).unwrap_err();
        prop_assert!(matches!(error, EvidenceError::Present { .. }), "{error}");
    }

    #[test]
    fn a_missing_or_foreign_proof_is_found_out(case in case(), which in any::<prop::sample::Index>()) {
        let (_, _, forgotten, record) = record(&case, Scope::Touched, None);
        prop_assume!(!record.absent.is_empty());
        let at = which.index(record.absent.len());
        let mut missing = record.clone();
        missing.absent.remove(at);
        prop_assert!(missing.check(&forgotten).is_err());
        let mut twice = record.clone();
        twice.absent.insert(at, record.absent[at].clone());
        prop_assert!(twice.check(&forgotten).is_err());
        let mut foreign = record.clone();
        foreign.absent[at].shard = Some(7);
        prop_assert!(foreign.check(&forgotten).is_err());
    }
}
