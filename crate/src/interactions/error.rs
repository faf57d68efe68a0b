//! What a person is told when rows cannot be read or split.

use thiserror::Error;

use super::{Delimiter, Role};

/// Why a file was refused as a whole. Single bad rows are counted in the report instead.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// No byte, or nothing but blank lines.
    #[error("the file is empty: expected one line per interaction, such as `user,item,rating`")]
    Empty,
    /// Not text.
    #[error("this is not a text file ({what}): expected lines of text such as `user,item,rating`; {advice}")]
    Binary {
        /// What gave it away, and where.
        what: String,
        /// What to do.
        advice: String,
    },
    /// No delimiter makes columns.
    #[error(
        "no columns found: line {line} reads `{text}`, but expected at least a user and an item, separated by a comma, a \
         semicolon, a tab, `|`, `::` or blanks; choose the delimiter, the lines to skip or the encoding"
    )]
    NotDelimited {
        /// The first line with text.
        line: u32,
        /// Its beginning.
        text: String,
    },
    /// Every row has another number of columns than expected.
    #[error(
        "every row has the wrong number of columns: expected {expected} ({because}), but line {line} has {found}; is the \
         delimiter ({delimiter}) right?"
    )]
    ColumnCount {
        /// Columns expected.
        expected: u32,
        /// Where the expectation comes from.
        because: String,
        /// Columns of the first row.
        found: u32,
        /// Line of the first row.
        line: u32,
        /// The delimiter in use.
        delimiter: Delimiter,
    },
    /// The header names no column for users or items.
    #[error(
        "no column for the {role}s: the columns are {}, and a name such as {} would be recognised; rename one, or choose \
         which column holds the {role}s{}",
        list(found),
        list(recognised),
        maybe.as_ref().map(|name| format!(" (`{name}` may be it)")).unwrap_or_default()
    )]
    MissingColumn {
        /// Which role.
        role: Role,
        /// The columns in the file.
        found: Vec<String>,
        /// Names that would be taken for it.
        recognised: Vec<String>,
        /// What could be it, by its contents.
        maybe: Option<String>,
    },
    /// The chosen columns do not fit the file.
    #[error("column {} was chosen for the {role}s, but {problem}", .column + 1)]
    BadColumn {
        /// Which role.
        role: Role,
        /// The column, counted from 0 (shown from 1).
        column: u32,
        /// Why it cannot be.
        problem: String,
    },
    /// One row does not end.
    #[error(
        "the row that begins in line {line} is longer than {limit} bytes: a quote (\") opened in it is probably never \
         closed; choose to read quotes as text"
    )]
    LongRow {
        /// Where it begins.
        line: u32,
        /// Bytes a row may have.
        limit: u32,
    },
    /// More rows than can be numbered.
    #[error("the file has more than {limit} rows, which is more than this program can number: read a part of it")]
    TooManyRows {
        /// Rows that can be read.
        limit: u32,
    },
    /// Nothing usable was found.
    #[error("no usable row: {reason}")]
    NoRows {
        /// What was expected and what was found.
        reason: String,
    },
    /// Every row names the same pair.
    #[error(
        "all {rows} rows are the same: user `{user}`, item `{item}`; expected different users and items - are the right \
         columns chosen?"
    )]
    AllSame {
        /// Usable rows.
        rows: u32,
        /// The user of all of them.
        user: String,
        /// The item of all of them.
        item: String,
    },
    /// Nobody to compare with.
    #[error(
        "there is only one user, `{user}` ({rows} rows{after}): recommendations are learned from what different users \
         have in common, so at least two are needed - is the user column right?"
    )]
    OneUser {
        /// The user.
        user: String,
        /// The user's rows.
        rows: u32,
        /// ` left after filters`, or nothing.
        after: String,
    },
    /// Nothing to choose from.
    #[error(
        "there is only one item, `{item}` ({rows} rows{after}): at least two are needed to rank anything - is the item \
         column right?"
    )]
    OneItem {
        /// The item.
        item: String,
        /// Its rows.
        rows: u32,
        /// ` left after filters`, or nothing.
        after: String,
    },
    /// A `.gz` or `.zip` that cannot be unpacked.
    #[error("the archive cannot be unpacked: {problem}")]
    BadArchive {
        /// What is wrong and what to do.
        problem: String,
    },
    /// A list of titles was expected.
    #[error(
        "no titles found: expected a line for each item with its id, its title and perhaps its genres, such as movies.csv, \
         movies.dat or u.item, or a header that names an item and a title"
    )]
    NoTitles,
    /// A `.zip` without a table of interactions.
    #[error(
        "the archive holds no file of interactions: it holds {}, and expected a .csv, .tsv, .dat, .data, .txt, .inter or .json file",
        list(entries)
    )]
    NoTable {
        /// The names inside.
        entries: Vec<String>,
    },
    /// An archive without the file that was asked for.
    #[error("the archive holds no file `{entry}`: it holds {}", list(entries))]
    NoEntry {
        /// What was asked for.
        entry: String,
        /// The names inside.
        entries: Vec<String>,
    },
    /// The medium failed.
    #[error("the file could not be read: {problem}")]
    File {
        /// What it said.
        problem: String,
    },
    /// A decompression bomb, or something that behaves like one.
    #[error(
        "the archive unpacks to more than {limit} MB or {times} times its size, which no table of interactions does: unpack \
         it yourself and read a part"
    )]
    ArchiveTooLarge {
        /// Megabytes allowed.
        limit: u32,
        /// Unpacked bytes allowed for each packed one.
        times: u32,
    },
}

impl ReadError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ReadError::Empty => "read.empty",
            ReadError::Binary { .. } => "read.binary",
            ReadError::NotDelimited { .. } => "read.not_delimited",
            ReadError::ColumnCount { .. } => "read.column_count",
            ReadError::MissingColumn { .. } => "read.missing_column",
            ReadError::BadColumn { .. } => "read.bad_column",
            ReadError::LongRow { .. } => "read.long_row",
            ReadError::TooManyRows { .. } => "read.too_many_rows",
            ReadError::NoRows { .. } => "read.no_rows",
            ReadError::AllSame { .. } => "read.all_same",
            ReadError::OneUser { .. } => "read.one_user",
            ReadError::OneItem { .. } => "read.one_item",
            ReadError::BadArchive { .. } => "read.bad_archive",
            ReadError::NoTable { .. } => "read.no_table",
            ReadError::NoTitles => "read.no_titles",
            ReadError::NoEntry { .. } => "read.no_entry",
            ReadError::File { .. } => "read.file",
            ReadError::ArchiveTooLarge { .. } => "read.archive_too_large",
        }
    }
}

/// Why rows could not be divided into train, validation and test, or made up.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SplitError {
    /// A share outside its range.
    #[error("{field} is {value}: expected a share of the rows from 0 to 0.9, such as {example}")]
    Share {
        /// Which setting.
        field: &'static str,
        /// What it was.
        value: f32,
        /// A usual value.
        example: f32,
    },
    /// Leave-last-out without times.
    #[error(
        "leave-last-out needs to know which row came last, but every row has the same time ({time}): choose a time \
         column, or split by hold-out"
    )]
    NoTime {
        /// The time of all rows.
        time: i64,
    },
    /// `given` without a test file.
    #[error("the split is to be the one given, but no row is marked as test: add a test file, or split by hold-out")]
    NoTest,
    /// Nothing to learn from.
    #[error(
        "all {rows} rows fell into test or validation and none is left to train on: use smaller shares or more rows"
    )]
    NoTrain {
        /// All rows.
        rows: u32,
    },
    /// A sample that cannot be made.
    #[error("sample {field} is {value}: expected {expected}")]
    Sample {
        /// Which setting.
        field: &'static str,
        /// What it was.
        value: u32,
        /// What it may be.
        expected: String,
    },
}

impl SplitError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            SplitError::Share { .. } => "split.share",
            SplitError::NoTime { .. } => "split.no_time",
            SplitError::NoTest => "split.no_test",
            SplitError::NoTrain { .. } => "split.no_train",
            SplitError::Sample { .. } => "sample.out_of_range",
        }
    }
}

/// Up to twelve names in backticks, and how many more there are.
fn list(names: &[String]) -> String {
    let mut text = names.iter().take(12).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 12 {
        text += &format!(" and {} more", names.len() - 12);
    }
    text
}
