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
