use proptest::prelude::*;

use super::*;

#[test]
fn a_script_is_read_with_joins_remarks_quotes_and_spaces() {
    let script = "# on Monday\nuser,17\r\n+ item , 50\n\n interaction,17,\"a, b\"\nuser,\"say \"\"x\"\"\"";
    let sequence = Sequence::parse(script).unwrap();
    let pair = ("17".to_owned(), "a, b".to_owned());
    assert_eq!(
        sequence.changes,
        [
            Request { users: vec!["17".into()], items: vec!["50".into()], ..Request::default() }.into(),
            Request { interactions: vec![pair], ..Request::default() }.into(),
            Change::forget_users(["say \"x\""]),
        ]
    );
    let batch = sequence.ordered(Order::Batch);
    assert_eq!(batch.changes.len(), 1);
    assert_eq!(batch.changes[0].forget.users, ["17", "say \"x\""]);
    assert_eq!(sequence.ordered(Order::OneByOne), sequence);
}

#[test]
fn rows_that_come_may_have_a_rating_and_join_what_goes() {
    let sequence = Sequence::parse("add,9,50\nuser,17\n+add,17,50,4.5").unwrap();
    let row = |user: &str, value| AddedRow { user: user.into(), item: "50".into(), value, time: 0 };
    assert_eq!(sequence.changes[0], Change { add: vec![row("9", 1.0)], ..Change::default() });
    assert_eq!(sequence.changes[1], Change { add: vec![row("17", 4.5)], ..Change::forget_users(["17"]) });
    let refused = Sequence::parse("add,1,2,many").unwrap_err();
    assert_eq!(refused, ScriptError::Value { line: 1, value: "many".into() });
}

#[test]
fn every_refusal_names_the_line() {
    let refuse = |script: &str| Sequence::parse(script).unwrap_err();
    for empty in ["", "\n\n", "# nothing\n", "   \n"] {
        let error = refuse(empty);
        assert!(matches!(error, ScriptError::Empty | ScriptError::Kind { .. }), "{empty:?} {error}");
    }
    assert_eq!(refuse("user,1\nperson,2"), ScriptError::Kind { line: 2, value: "person".into() });
    assert!(refuse("user,1\n\n# x\nuser,1,2\n").to_string().starts_with("line 4: `user` takes one id, but 2"));
    assert!(refuse("interaction,1").to_string().contains("a user and an item, but 1 values"));
    assert_eq!(refuse("user,1\nitem,\n"), ScriptError::NoId { line: 2, column: 2 });
    assert_eq!(refuse("+user,1"), ScriptError::Join { line: 1 });
}

fn step(rows_trained: u64, rows_full: u64, seconds: f64, full_seconds: Option<f64>) -> StepCost {
    StepCost { rows_trained, rows_full, seconds, full_seconds, ..StepCost::default() }
}

#[test]
fn the_ledger_says_when_one_full_retrain_would_have_been_cheaper() {
    let mut by_rows = Ledger::default();
    for _ in 0..12 {
        by_rows.book(step(10, 95, 1.0, None));
    }
    // Ten requests train 100 rows, more than the 95 of one retrain.
    assert_eq!(by_rows.one_retrain_is_cheaper_from, Some(10));
    assert_eq!(by_rows.rows_saved_against_each(), Some(9.5));
    let mut by_time = Ledger::default();
    assert_eq!(by_time.book(step(10, 95, 1.0, Some(1.5))).seconds_in_all, 1.0);
    assert_eq!(by_time.one_retrain_is_cheaper_from, None);
    assert_eq!(by_time.book(step(10, 95, 1.0, Some(1.5))).rows_trained_in_all, 20);
    assert_eq!(by_time.one_retrain_is_cheaper_from, Some(2));
    assert_eq!(Ledger::default().rows_saved_against_each(), None);
}

#[test]
fn expected_touched_agrees_with_drawing() {
    use crate::numerics::random::{Purpose, StreamKey, below};
    assert!((expected_touched(10, 1) - 1.0).abs() < 1e-12);
    assert_eq!(expected_touched(10, 0), 0.0);
    let mut rng = StreamKey::new(3, Purpose::Audit, 0, 0).fast();
    let mut touched = 0u32;
    for _ in 0..2000 {
        let mut hit = [false; 10];
        (0..7).for_each(|_| hit[below(&mut rng, 10) as usize] = true);
        touched += hit.iter().filter(|&&hit| hit).count() as u32;
    }
    let mean = f64::from(touched) / 2000.0;
    assert!((mean - expected_touched(10, 7)).abs() < 0.1, "{mean}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_line_it_has(script in "[+#a-z,\"\r\n 0-9]{0,60}") {
        match Sequence::parse(&script) {
            Ok(sequence) => prop_assert!(!sequence.changes.is_empty()),
            Err(ScriptError::Empty | ScriptError::Nobody) => {}
            Err(ScriptError::Kind { line, .. } | ScriptError::Columns { line, .. } | ScriptError::NoId { line, .. }
                | ScriptError::Value { line, .. } | ScriptError::Join { line }) => {
                prop_assert!(line >= 1 && line <= script.split('\n').count() as u64, "{line}");
            }
        }
    }

    #[test]
    fn ids_survive_quoting(users in proptest::collection::vec("[!-~][ -~]{0,8}[!-~]", 1..8)) {
        let line = |id: &String| format!("user,\"{}\"\n", id.replace('"', "\"\""));
        let script: String = users.iter().map(line).collect();
        prop_assert_eq!(Sequence::parse(&script).unwrap(), Sequence::one_by_one(users));
    }
}
