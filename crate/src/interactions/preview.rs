//! What a reader would make of a file, before it is read.

use serde::{Deserialize, Serialize};

use super::plan::{Plan, Unpack, head_of};
use super::sniff::{self, HEAD, Sniffed};
use super::{
    ArchiveEntry, Column, Delimiter, Encoding, Note, ReadAt, ReadConfig, ReadError, Role, Row, Shape, contents, zip,
};

/// Rows shown.
const ROWS: usize = 8;
/// Files of an archive that are looked into.
const LOOKED_INTO: usize = 12;
/// Bytes looked at of each.
const GLANCE: usize = 8 << 10;
/// What there is of the rows at most, from reading to training: packed and sorted ones, those that a filter leaves, shards.
const COPIES: f64 = 3.0;
/// Bytes that a browser's tab can hold for rows: wasm ends at 4 GB, and training needs its share.
pub(crate) const TAB_ROOM: f64 = 3e9;

/// What a reader would make of a file, before it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Preview {
    /// `text`, `gzip`, or `zip: ` or `tar: ` and the name of the file inside.
    pub source: String,
    /// The files of an archive, to choose from.
    pub entries: Vec<ArchiveEntry>,
    /// How characters are written.
    pub encoding: Encoding,
    /// How interactions are laid out.
    pub shape: Shape,
    /// What stands between columns.
    pub delimiter: Delimiter,
    /// Does the first line name the columns?
    pub has_header: bool,
    /// Lines passed over before it.
    pub skip_lines: u32,
    /// Lines that begin so are passed over; empty: none.
    pub comment: String,
    /// Of dates such as 3/4/2020: does the day stand first?
    pub day_first: bool,
    /// Codes that are taken for "no rating".
    pub missing: Vec<String>,
    /// The columns in order, once lists, blocks or a matrix are unfolded.
    pub columns: Vec<Column>,
    /// The first rows below the header, cut to 80 characters a field.
    pub rows: Vec<Vec<String>>,
    /// Where the ratings are words: those that occur in the first rows.
    pub words: Vec<String>,
    /// What a person should know or be asked.
    pub notes: Vec<Note>,
    /// What is still wrong with the columns, as a sentence: the rows can be shown, but not yet read.
    pub problem: Option<String>,
    /// How large it will be; `None` where the size of the file is not known.
    pub estimate: Option<SizeEstimate>,
}

/// A guess from the first rows, before anything is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SizeEstimate {
    /// Rows.
    pub rows: f64,
    /// Bytes of memory that reading and dividing them takes at most.
    pub memory: f64,
    /// Where that is more than a browser's tab can hold: the share of users that it can.
    pub share: Option<f32>,
}

/// Shows what a reader would make of a file that begins with these bytes; a few kilobytes suffice, 64 kB are as good as the
/// whole file. Of a `.zip`, `.tar` or `.tar.gz` the whole file is needed: use [`preview_of`] where it lies somewhere. Columns
/// that are missing or badly chosen become the preview's `problem`, so that they can be chosen while looking at the rows.
///
/// Errors: not text, empty, no delimiter, or an archive whose beginning cannot be unpacked.
pub fn preview(first_bytes: &[u8], config: &ReadConfig) -> Result<Preview, ReadError> {
    look(&first_bytes, false, config)
}

/// As [`preview`], of a file that lies where it can be read anywhere.
pub fn preview_of(source: &dyn ReadAt, config: &ReadConfig) -> Result<Preview, ReadError> {
    look(source, true, config)
}

fn look(source: &dyn ReadAt, whole: bool, config: &ReadConfig) -> Result<Preview, ReadError> {
    let mut plan = Plan::of(source, config)?;
    let head = plan.head(source, HEAD)?;
    // The last line may be cut; it is needed only where there are few.
    let few = head.iter().filter(|&&byte| byte == b'\n').count() <= ROWS;
    let all = few || (whole && head.len() < HEAD);
    let sniffed = sniff::sniff(&head, all, config)?;
    let packed = (plan.end - plan.at) as f64;
    // Of a .gz the length is a guess: as much as tables usually pack.
    let total = if whole { Some(plan.unpacked.map_or(packed * 4.0, |bytes| bytes as f64)) } else { None };
    let estimate = total.filter(|_| !head.is_empty()).map(|total| estimate(total / head.len() as f64, all, &sniffed));
    let entries = entries(source, &plan, config);
    let Sniffed { layout, rows, problem, .. } = sniffed;
    let words = if layout.found.words { words(&rows, layout.found.place(Role::Rating)) } else { Vec::new() };
    let cut = |field: &String| field.chars().take(80).collect();
    Ok(Preview {
        source: plan.name,
        entries,
        encoding: layout.encoding,
        shape: layout.shape,
        delimiter: layout.dialect.delimiter,
        has_header: layout.has_header,
        skip_lines: layout.dialect.skip,
        comment: layout
            .dialect
            .comment
            .as_deref()
            .map(|mark| String::from_utf8_lossy(mark).into_owned())
            .unwrap_or_default(),
        day_first: layout.found.day_first,
        missing: config.missing.clone().unwrap_or_else(|| layout.found.missing.clone()),
        columns: layout.columns(),
        rows: rows.iter().take(ROWS).map(|row| row.iter().map(cut).collect()).collect(),
        words,
        notes: layout.found.notes,
        problem: problem.map(|problem| problem.to_string()),
        estimate,
    })
}

fn estimate(heads: f64, all: bool, sniffed: &Sniffed) -> SizeEstimate {
    let rows = if all { sniffed.rows.len() as f64 } else { f64::from(sniffed.lines) * heads * sniffed.rows_per_line };
    let memory = rows * size_of::<Row>() as f64 * COPIES;
    // Rounded down to whole hundredths, so that it is easily said and typed.
    let share = (memory > TAB_ROOM).then(|| ((TAB_ROOM / memory * 100.0).floor() / 100.0).max(0.01) as f32);
    SizeEstimate { rows: rows.round(), memory, share }
}

fn words(rows: &[Vec<String>], column: Option<usize>) -> Vec<String> {
    let Some(column) = column else { return Vec::new() };
    let mut words: Vec<String> = rows.iter().filter_map(|row| row.get(column)).cloned().collect();
    tiny_sort::unstable::sort(&mut words);
    words.dedup();
    words.truncate(40);
    words
}

fn entries(source: &dyn ReadAt, plan: &Plan, config: &ReadConfig) -> Vec<ArchiveEntry> {
    let mut looked = 0;
    let entry = |(at, (name, bytes)): (usize, &(String, u64))| {
        let mut seems = contents::seems(name).to_owned();
        if contents::is_table(name) && looked < LOOKED_INTO {
            looked += 1;
            if let Some(columns) = plan.zipped.get(at).and_then(|entry| glance(source, entry, config)) {
                seems = columns;
            }
        }
        ArchiveEntry { name: name.clone(), bytes: *bytes, seems }
    };
    plan.files.iter().enumerate().map(entry).collect()
}

/// What the first rows of a file in an archive hold.
fn glance(source: &dyn ReadAt, entry: &zip::Entry, config: &ReadConfig) -> Option<String> {
    let at = entry.place(source).ok()?;
    let head = head_of(source, (at, at + entry.packed), &mut Unpack::entry(entry), GLANCE).ok()?;
    let own = ReadConfig { encoding: config.encoding, ..ReadConfig::default() };
    let sniffed = sniff::sniff(&head, false, &own).ok()?;
    if sniffed.problem.is_some() {
        return Some(format!("no interactions: {}", contents::seems(&entry.name)));
    }
    let name = |role| sniffed.layout.found.place(role).map_or("", |at| sniffed.layout.names[at].as_str());
    Some(format!("{}: user in {}, item in {}", contents::seems(&entry.name), name(Role::User), name(Role::Item)))
}
