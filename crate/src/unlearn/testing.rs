//! Small data and requests for this module's tests.

use proptest::prelude::*;

use super::Request;
use crate::interactions::{Fate, Interactions, Triple};

/// Training rows of value 1.
pub fn names(pairs: &[(&str, &str)]) -> Interactions {
    let triple = |&(user, item): &(&str, &str)| Triple {
        user: user.into(),
        item: item.into(),
        value: 1.0,
        time: 0,
        fate: Fate::Train,
    };
    Interactions::new(pairs.iter().map(triple).collect())
}

/// (user id, item id) of every row.
pub fn rows_of(data: &Interactions) -> Vec<(String, String)> {
    let ids = |user, item| (data.users().get(user).to_owned(), data.items().get(item).to_owned());
    data.rows().iter().map(|row| ids(row.user, row.item)).collect()
}

/// At least one row, at most 12 users and 10 items, every fate.
pub fn data_strategy() -> impl Strategy<Value = Interactions> {
    let row = (0..12u8, 0..10u8, 1..6u8, 0..6u8);
    proptest::collection::vec(row, 1..60).prop_map(|rows| {
        let triple = |(user, item, value, fate): (u8, u8, u8, u8)| Triple {
            user: format!("u{user}"),
            item: format!("i{item}"),
            value: f32::from(value),
            time: 0,
            fate: match fate {
                4 => Fate::Validation,
                5 => Fate::Test,
                _ => Fate::Train,
            },
        };
        // The first row is always one to train on.
        let mut rows = rows;
        rows[0].3 = 0;
        let first = (rows[0].0, rows[0].1);
        rows.retain({
            let mut seen = false;
            move |row| (row.0, row.1) != first || !std::mem::replace(&mut seen, true)
        });
        Interactions::new(rows.into_iter().map(triple).collect())
    })
}

/// Names from the data, names that are not there, repetitions.
pub fn request_strategy(data: &Interactions) -> impl Strategy<Value = Request> + use<> {
    let pairs = rows_of(data);
    let user = (0..14u8).prop_map(|user| format!("u{user}"));
    let item = (0..12u8).prop_map(|item| format!("i{item}"));
    let pair = prop_oneof![
        3 => proptest::sample::select(pairs),
        1 => ((0..14u8), (0..12u8)).prop_map(|(user, item)| (format!("u{user}"), format!("i{item}"))),
    ];
    (
        proptest::collection::vec(user, 0..4),
        proptest::collection::vec(item, 0..3),
        proptest::collection::vec(pair, 0..6),
    )
        .prop_map(|(users, items, interactions)| Request { users, items, interactions, confirmed: false })
}
