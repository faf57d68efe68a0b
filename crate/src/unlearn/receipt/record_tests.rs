use super::super::testing::{a_request, one};
use super::super::{ReceiptError, Secret};
use super::*;

fn sealed() -> Receipt {
    one("obc").0
}

#[test]
fn a_sealed_receipt_reads_back_equal_and_shows_no_id() {
    let (receipt, before, _) = one("obc");
    let request = a_request();
    let text = receipt.to_json();
    assert_eq!(Receipt::parse(&text), Ok(receipt));
    for id in before.users().iter().chain(before.items().iter()).chain(request.users.iter().map(String::as_str)) {
        assert!(!text.contains(&format!("\"{id}\"")), "{id}");
    }
}

#[test]
fn another_spelling_of_the_same_document_is_the_same_receipt() {
    let receipt = sealed();
    let value: serde_json::Value = serde_json::from_str(&receipt.to_json()).unwrap();
    // serde_json's own value sorts the members and drops the spaces.
    assert_eq!(Receipt::parse(&value.to_string()), Ok(receipt));
}

#[test]
fn every_cut_is_refused_as_cut_off() {
    let text = sealed().to_json();
    for end in (0..text.trim_end().len()).step_by(97) {
        let error = Receipt::parse(&text[..end]).unwrap_err();
        assert!(matches!(error, ReceiptError::Truncated { .. }), "{end}: {error}");
    }
}

#[test]
fn foreign_and_other_versions_are_refused_with_what_stands_there() {
    let parse = |text: &str| Receipt::parse(text).unwrap_err();
    assert_eq!(parse("{}"), ReceiptError::Foreign { found: "missing".into() });
    assert_eq!(parse("[1, 2]"), ReceiptError::Foreign { found: "missing".into() });
    assert_eq!(parse(r#"{"format": "train ticket"}"#), ReceiptError::Foreign { found: "\"train ticket\"".into() });
    assert_eq!(parse(r#"{"format": "ultrare receipt", "version": 3}"#), ReceiptError::Version { found: "3".into() });
    let old = parse(r#"{"format": "ultrare receipt", "version": 1}"#);
    assert!(old == ReceiptError::Old && old.to_string().contains("gave people away"), "{old}");
    assert!(matches!(parse("userId,movieId\n1,2\n"), ReceiptError::Syntax { line: 1, .. }));
    let deep = "[".repeat(100_000);
    assert!(matches!(parse(&deep), ReceiptError::Syntax { .. }));
    let error = parse(r#"{"format": "ultrare receipt", "version": 2, "code": "x"}"#);
    assert!(error.to_string().contains("missing field `number`"), "{error}");
}

#[test]
fn a_member_too_much_twice_or_of_another_kind_is_refused() {
    let text = sealed().to_json();
    let with = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        Receipt::parse(&text.replacen(old, new, 1)).unwrap_err()
    };
    assert!(with("\"seed\": 7", "\"seed\": 7, \"extra\": 1").to_string().contains("unknown field `extra`"));
    assert!(with("\"seed\": 7", "\"seed\": 7, \"seed\": 7").to_string().contains("`seed` is given twice"));
    assert!(with("\"seed\": 7", "\"seed\": \"7\"").to_string().contains("invalid type: string"));
    assert!(with("\"seed\": 7", "\"seed\": -7").to_string().contains("line"));
    assert!(matches!(with("\"seed\": 7", "\"seed\": 8"), ReceiptError::Changed { .. }));
}

#[test]
fn figures_that_are_no_numbers_cannot_be_sealed() {
    let (receipt, before, _) = one("obc");
    let salt = Secret::derive(&before, 7).salt(1);
    let mut timed = receipt.clone();
    timed.seconds.insert("train".into(), f64::NAN);
    assert!(timed.seal(&salt).unwrap_err().to_string().contains("`train`"));
    let mut measured = receipt;
    let broken = Interval { mean: 0.5, low: f64::NEG_INFINITY, high: 1.0 };
    measured.metrics.entry("unlearned".into()).or_default().insert("ndcg@20".into(), broken);
    assert!(measured.seal(&salt).unwrap_err().to_string().contains("ndcg@20 of unlearned"));
}

#[test]
fn every_changed_character_is_found() {
    // Every place of the text in turn gets another character of the same kind: digits, letters, quotes, brackets.
    let receipt = sealed();
    let text = receipt.to_json();
    let mut changed = 0;
    for at in (0..text.len()).step_by(3) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = match bytes[at] {
            b'0'..=b'8' | b'a'..=b'e' => bytes[at] + 1,
            b'9' => b'0',
            b'f' => b'a',
            b' ' | b'\n' => continue,
            other => other ^ 1,
        };
        let Ok(tampered) = String::from_utf8(bytes) else { continue };
        // A last digit more or less may spell the same double.
        let parsed = Receipt::parse(&tampered);
        assert!(
            parsed.is_err() || parsed == Ok(receipt.clone()),
            "place {at}: {}",
            &tampered[at.saturating_sub(20)..at + 1]
        );
        changed += 1;
    }
    assert!(changed > 1000, "{changed}");
}
