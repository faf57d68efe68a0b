//! The corpus through the reader: however the bytes come, each file gives its rows, its notes or its refusal.

mod corpus;

use corpus::{Case, Outcome, Row, cases};
use ultrare::interactions::{Encoding, Interactions, ReadError, ReadReport, Reader, preview, preview_of};

fn rows(interactions: &Interactions) -> Vec<Row> {
    let (users, items) = (interactions.users(), interactions.items());
    let row = |row: &ultrare::interactions::Row| {
        (users.get(row.user).to_owned(), items.get(row.item).to_owned(), row.value, row.time)
    };
    interactions.rows().iter().map(row).collect()
}

fn pushed(case: &Case, size: usize) -> Result<(Interactions, ReadReport), ReadError> {
    let mut reader = Reader::new(case.config.clone());
    case.bytes.chunks(size).for_each(|chunk| reader.push(chunk));
    reader.finish()
}

fn taken(case: &Case, size: usize) -> Result<(Interactions, ReadReport), ReadError> {
    let mut reader = Reader::open(Box::new(case.bytes.clone()), case.config.clone())?;
    while !reader.step(size)? {}
    reader.finish()
}

/// What is wrong with what came of a case, if anything.
fn wrong(case: &Case, read: Result<(Interactions, ReadReport), ReadError>) -> Option<String> {
    match (&case.outcome, read) {
        (Outcome::Rows(expected, notes), Ok((interactions, report))) => {
            let mut expected = expected.clone();
            expected.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
            expected.dedup();
            let found = rows(&interactions);
            let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
            let codes: Vec<&str> = report.notes.iter().map(|note| note.code.as_str()).collect();
            if found.len() != expected.len() || differs.is_some() {
                let columns: Vec<_> = report.columns.iter().map(|column| (&column.name, column.role)).collect();
                Some(format!(
                    "{} rows instead of {}; {differs:?}; {columns:?} {:?}",
                    found.len(),
                    expected.len(),
                    report.shape
                ))
            } else if codes != *notes {
                Some(format!("notes {:?} instead of {notes:?}", report.notes))
            } else {
                None
            }
        }
        (Outcome::Refused(code, parts), Err(error)) => {
            let told = error.to_string();
            let missing = parts.iter().find(|part| !told.contains(**part));
            (error.code() != *code || missing.is_some())
                .then(|| format!("{}: {told} (expected {code}, {parts:?})", error.code()))
        }
        (Outcome::Rows(..), Err(error)) => Some(format!("refused: {error}")),
        (Outcome::Refused(code, _), Ok((_, report))) => Some(format!("read, not {code}: {:?}", report.columns)),
    }
}

#[test]
fn every_file_gives_its_rows_or_its_refusal_however_its_bytes_come() {
    let cases = cases();
    assert!(cases.len() >= 150, "{} files", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let small = case.bytes.len() < 20_000;
        let mut ways = vec![("pushed whole", pushed(case, usize::MAX)), ("taken", taken(case, 1 << 16))];
        if small {
            ways.extend([
                ("pushed byte by byte", pushed(case, 1)),
                ("pushed in sevens", pushed(case, 7)),
                ("taken in threes", taken(case, 3)),
            ]);
        }
        for (way, read) in ways {
            failures.extend(wrong(case, read).map(|wrong| format!("{}, {way}: {wrong}", case.name)));
        }
    }
    assert!(failures.is_empty(), "{} of {} files:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn what_is_read_can_be_previewed_with_the_same_columns() {
    for case in cases() {
        let Ok((_, report)) = taken(&case, 1 << 20) else { continue };
        let shown = preview_of(&case.bytes, &case.config).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!((&shown.columns, shown.problem.as_ref()), (&report.columns, None), "{}", case.name);
        assert_eq!(
            (shown.shape, shown.encoding, shown.delimiter),
            (report.shape, report.encoding, report.delimiter),
            "{}",
            case.name
        );
        assert!(
            !shown.rows.is_empty() && shown.rows.iter().all(|row| row.len() <= shown.columns.len().max(8)),
            "{}",
            case.name
        );
        // Asked again with what it said, it says the same: what a page shows and sends back changes nothing.
        let said = ultrare::interactions::ReadConfig {
            shape: Some(shown.shape),
            encoding: Some(shown.encoding).filter(|&encoding| encoding != Encoding::Utf8),
            delimiter: Some(shown.delimiter),
            header: Some(shown.has_header),
            skip_lines: Some(shown.skip_lines),
            comment: Some(shown.comment.clone()),
            ..case.config.clone()
        };
        let again = Case { config: said, outcome: case.outcome, name: case.name, bytes: case.bytes };
        let (Ok((first, _)), Ok((second, _))) =
            (taken(&Case { config: case.config, ..copy(&again) }, 1 << 20), taken(&again, 1 << 20))
        else {
            panic!("{}: refused when asked again", again.name)
        };
        assert_eq!(rows(&first), rows(&second), "{}", again.name);
    }
}

fn copy(case: &Case) -> Case {
    Case {
        name: case.name.clone(),
        bytes: case.bytes.clone(),
        config: case.config.clone(),
        outcome: Outcome::Rows(Vec::new(), Vec::new()),
    }
}

#[test]
fn what_is_refused_is_refused_in_words_also_in_the_preview() {
    for case in cases() {
        if let Outcome::Refused(..) = case.outcome
            && let Err(error) = preview(&case.bytes, &case.config)
        {
            assert!(error.to_string().len() > 20, "{}", case.name);
        }
    }
}

/// Numbers that are the same on every run and machine.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

/// Whatever the bytes are: an answer, the same however they come, and a sentence where it is a refusal.
fn survives(case: &Case) {
    let whole = pushed(case, usize::MAX);
    assert_eq!(pushed(case, 61), whole, "{}", case.name);
    if let Err(error) = &whole {
        assert!(error.code().starts_with("read.") && error.to_string().len() > 20, "{}", case.name);
    }
    let _ = preview_of(&case.bytes, &case.config);
    let _ = preview(&case.bytes[..case.bytes.len().min(500)], &case.config);
    let taken = taken(case, 1 << 16).map(|(rows, report)| (rows, report.rows_read));
    assert_eq!(taken.ok(), whole.ok().map(|(rows, report)| (rows, report.rows_read)), "{}", case.name);
}

#[test]
#[ignore = "long: run by npm run test:long"]
fn damaged_files_and_random_bytes_are_answered_and_never_a_panic() {
    let mut state = 2_026;
    let small: Vec<Case> = cases().into_iter().filter(|case| case.bytes.len() < 40_000).collect();
    for round in 0..40 {
        for case in &small {
            let mut damaged = copy(case);
            for _ in 0..1 + next(&mut state) % 6 {
                let length = damaged.bytes.len();
                if length == 0 {
                    break;
                }
                let at = next(&mut state) % length;
                match next(&mut state) % 5 {
                    0 => damaged.bytes.truncate(at),
                    1 => drop(damaged.bytes.remove(at)),
                    2 => damaged.bytes.insert(at, b"\",\n\r\0;{}[]:\xff"[next(&mut state) % 12]),
                    3 => {
                        let end = (at + next(&mut state) % 200).min(length);
                        let again = damaged.bytes[at..end].to_vec();
                        damaged.bytes.splice(at..at, again);
                    }
                    _ => damaged.bytes[at] = next(&mut state) as u8,
                }
            }
            damaged.name = format!("{} damaged in round {round}", case.name);
            survives(&damaged);
        }
        for marks in [
            b"".as_slice(),
            b"PK\x03\x04",
            b"\x1f\x8b\x08\x00\0\0\0\0\0\x03",
            b"{\"a\":",
            b"user,item\n",
            b"\xff\xfe",
            b"1:\n",
        ] {
            let length = next(&mut state) % 3_000;
            let alphabet: &[u8] = if round % 2 == 0 { b"0123456789,;|:\t \n\r\"'{}[]abc.-\xc3\xa9" } else { &[] };
            let mut random = copy(&small[0]);
            random.bytes = marks.to_vec();
            for _ in 0..length {
                let byte = next(&mut state);
                random.bytes.push(if alphabet.is_empty() { byte as u8 } else { alphabet[byte % alphabet.len()] });
            }
            random.name = format!("random bytes {marks:?} of round {round}");
            survives(&random);
        }
    }
}
