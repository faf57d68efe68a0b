//! What is in an archive, and which file of it is meant.

use serde::{Deserialize, Serialize};

use super::ReadError;

/// One file of an archive, as a person chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ArchiveEntry {
    /// Its name inside.
    pub name: String,
    /// Bytes unpacked.
    pub bytes: u64,
    /// What it seems to be, in words.
    pub seems: String,
}

/// The name without folders, in lower case.
pub(super) fn base(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase()
}

fn folder(name: &str) -> &str {
    name.rfind(['/', '\\']).map_or("", |at| &name[..at])
}

/// Could it be a table, by its name?
pub(super) fn is_table(name: &str) -> bool {
    const TABLES: [&str; 14] =
        ["csv", "tsv", "dat", "data", "txt", "inter", "tab", "base", "test", "train", "json", "jsonl", "ndjson", "psv"];
    let base = base(name);
    let is_prose = ["readme", "license", "licence"].iter().any(|word| base.contains(word))
        || base.starts_with("._")
        || name.starts_with("__MACOSX");
    let extension = base.rsplit_once('.').map(|(_, extension)| extension);
    !is_prose && extension.is_none_or(|extension| TABLES.contains(&extension)) && !base.is_empty()
}

/// Which of the files holds the interactions: the one asked for, else a MovieLens file by its name, else what sounds most like
/// it, else the largest table.
///
/// Errors: an office document; none with the name asked for; no table.
pub(super) fn choose(files: &[(&str, u64)], asked: Option<&str>) -> Result<usize, ReadError> {
    let names = || files.iter().map(|(name, _)| (*name).to_owned()).collect();
    if let Some(asked) = asked {
        let at = files.iter().position(|(name, _)| *name == asked);
        return at.ok_or_else(|| ReadError::NoEntry { entry: asked.to_owned(), entries: names() });
    }
    if files.iter().any(|(name, _)| *name == "[Content_Types].xml") {
        let what = "an Excel workbook or Office document".to_owned();
        return Err(ReadError::Binary { what, advice: "export the table as CSV".to_owned() });
    }
    let rank = |&at: &usize| {
        let (name, bytes) = files[at];
        let base = base(name);
        let sounds = ["rating", "interaction", "events", "train", "review"].iter().any(|word| base.contains(word));
        let known = matches!(base.as_str(), "u.data" | "ratings.dat" | "ratings.csv");
        let extended = base.contains('.');
        (known, sounds && extended, extended, bytes)
    };
    let tables = (0..files.len()).filter(|&at| is_table(files[at].0));
    tables.max_by_key(rank).ok_or_else(|| ReadError::NoTable { entries: names() })
}

/// The MovieLens file of titles that belongs to a table.
pub(super) fn titles(files: &[(&str, u64)], table: &str) -> Option<usize> {
    let wanted = match base(table).as_str() {
        "u.data" => "u.item",
        "ratings.dat" => "movies.dat",
        "ratings.csv" => "movies.csv",
        // The five folds of MovieLens 100K.
        fold if fold.starts_with('u') && (fold.ends_with(".base") || fold.ends_with(".test")) => "u.item",
        _ => return None,
    };
    files.iter().position(|(name, _)| base(name) == wanted && folder(name) == folder(table))
}

/// What a file seems to be, by its name alone.
pub(super) fn seems(name: &str) -> &'static str {
    let base = base(name);
    if !is_table(name) {
        "not a table"
    } else if base.contains("test") {
        "test rows"
    } else if base.contains("train") || base.ends_with(".base") {
        "training rows"
    } else if ["rating", "interaction", "events", "review", "u.data"].iter().any(|word| base.contains(word)) {
        "interactions"
    } else if ["movie", "item", "title", "product", "book", "meta"].iter().any(|word| base.contains(word)) {
        "items and their titles"
    } else {
        "a table"
    }
}
