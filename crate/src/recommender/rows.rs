//! Rows from files, from memory, or generated.

use std::fs::File;
use std::path::Path;

use crate::error::Result;
use crate::experiment::Loaded;
use crate::interactions::{Fate, Interactions, ReadConfig, ReadReport, Reader, Size, Triple, synthetic};
use crate::unlearn::AddedRow;

use super::RecommenderError;

/// Bytes of a file that are taken at a time.
const CHUNK: usize = 1 << 20;

/// Cleaned rows, with what was said of them when they were read. Row by row sorted by user and item, each pair once.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub(super) loaded: Loaded,
    report: Option<Box<ReadReport>>,
}

/// Reads a file of interactions: delimited text, JSON lines and their kin, plain or packed, as its own bytes tell. Memory
/// grows with the rows and not with the text.
///
/// Errors: a file that cannot be opened; no usable row in it, with what was expected.
pub fn read(path: impl AsRef<Path>) -> Result<Rows> {
    read_with(path, &ReadConfig::default())
}

/// [`read`], with what is known of the file.
///
/// Errors: as [`read`]; columns that are not there.
pub fn read_with(path: impl AsRef<Path>, config: &ReadConfig) -> Result<Rows> {
    let path = path.as_ref();
    let refused =
        |error: std::io::Error| RecommenderError::File { path: path.display().to_string(), reason: error.to_string() };
    let file = File::open(path).map_err(refused)?;
    let mut reader = Reader::open(Box::new(file), config.clone())?;
    while !reader.step(CHUNK)? {}
    let (rows, report, titles) = reader.finish_with_titles(false)?;
    let mut rows = Rows::reported(rows, report);
    rows.loaded.titles = titles.into_map();
    Ok(rows)
}

/// Rows from memory: `(user, item)`, `(user, item, value)`, `(user, item, value, time)` or [`AddedRow`]s. Of rows with the same
/// user and item the last one is kept.
///
/// ```
/// let rows = ultrare::from_rows([("ann", "tea"), ("ann", "jam"), ("bob", "tea")])?;
/// assert_eq!((rows.len(), rows.users(), rows.items()), (3, 2, 2));
/// # Ok::<(), ultrare::Error>(())
/// ```
///
/// Errors: an empty id, a value that is no number, with the row's number.
pub fn from_rows<R: Into<AddedRow>>(rows: impl IntoIterator<Item = R>) -> Result<Rows> {
    let mut triples = Vec::new();
    for row in rows {
        let AddedRow { user, item, value, time } = row.into();
        if user.is_empty() || item.is_empty() || !value.is_finite() {
            let row = format!("user \"{user}\", item \"{item}\", value {value}");
            return Err(RecommenderError::Row { at: triples.len() as u64 + 1, row }.into());
        }
        triples.push(Triple { user, item, value, time, fate: Fate::Train });
    }
    Ok(Interactions::new(triples).into())
}

/// A few hundred generated people with planted tastes, to try things on. The same rows for the same seed, everywhere.
///
/// Errors: none in fact; the generator refuses sizes that this does not have.
pub fn sample(seed: u32) -> Result<Rows> {
    Ok(synthetic(&Size::Small.config(seed.into()))?.interactions.into())
}

impl From<Interactions> for Rows {
    fn from(rows: Interactions) -> Self {
        Rows { loaded: Loaded { rows, ..Loaded::default() }, report: None }
    }
}

impl Rows {
    /// What a [`Reader`] gave that somebody pushed bytes into: the same rows and receipts as [`read`] of a file with them.
    pub fn reported(rows: Interactions, report: ReadReport) -> Self {
        Rows { loaded: Loaded::of(rows, &report), report: Some(Box::new(report)) }
    }

    /// These are trained on, and `test` is measured on; without it the split of the settings decides.
    pub fn with_test(mut self, test: Rows) -> Self {
        self.loaded.test = Some(test.loaded.rows);
        self
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.loaded.rows.rows().len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many users.
    pub fn users(&self) -> usize {
        self.loaded.rows.users().len()
    }

    /// How many items.
    pub fn items(&self) -> usize {
        self.loaded.rows.items().len()
    }

    /// The rows themselves.
    pub fn interactions(&self) -> &Interactions {
        &self.loaded.rows
    }

    /// What the reader said: columns, rows that were left out and why. None for rows from memory.
    pub fn report(&self) -> Option<&ReadReport> {
        self.report.as_deref()
    }
}
