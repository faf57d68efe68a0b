//! What the beginning of a file tells: encoding, layout, delimiter, header, and the first rows.

use super::binary::{refuse_binary, refuse_known};
use super::encoding::{Decoder, detect};
use super::json;
use super::records::{Dialect, Record, Records};
use super::roles::{self, Found, Note};
use super::shape::{self, First, Unfold};
use super::values::parse_rating;
use super::{Column, ColumnChoice, Delimiter, Encoding, ReadConfig, ReadError, Role, Shape, names};

/// Bytes looked at before the first row is read.
pub(super) const HEAD: usize = 64 << 10;
/// Rows looked at to tell the delimiter.
const ROWS: usize = 64;
/// Rows looked at to tell what the columns are.
const MOST_ROWS: usize = 2_000;

/// How to read the rest of the file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) encoding: Encoding,
    /// The encoding is the person's word, or beyond doubt: bytes that do not fit it are an error.
    pub(super) strict: bool,
    pub(super) shape: Shape,
    pub(super) dialect: Dialect,
    pub(super) has_header: bool,
    /// The header as it stands in the file.
    pub(super) header: Vec<String>,
    /// Names of the columns once unfolded.
    pub(super) names: Vec<String>,
    /// Brackets around JSON's rows.
    pub(super) level: u32,
    /// What stands first in the lines of a list or a matrix.
    pub(super) first: First,
    pub(super) found: Found,
}

/// The first rows as understood, and how.
pub(super) struct Sniffed {
    pub(super) layout: Layout,
    /// Below the header.
    pub(super) rows: Vec<Vec<String>>,
    /// Bytes of the head, as they stand in the file, and the lines they hold.
    pub(super) lines: u32,
    /// Interactions that a line holds on average.
    pub(super) rows_per_line: f64,
    /// What is wrong with the columns.
    pub(super) problem: Option<ReadError>,
}

impl Layout {
    /// The columns with their roles.
    pub(super) fn columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = self
            .names
            .iter()
            .map(|name| Column { name: name.clone(), role: None, confidence: None, reason: String::new() })
            .collect();
        for (role, found) in roles::ROLES.into_iter().zip(&self.found.columns) {
            if let Some((at, confidence, reason)) = found {
                let name = columns[*at].name.clone();
                columns[*at] = Column { name, role: Some(role), confidence: Some(*confidence), reason: reason.clone() };
            }
        }
        columns
    }
}

/// Says what a file's first bytes look like; `whole` if they are the entire file. Columns that are missing or badly chosen
/// are no error here but the `problem`.
///
/// Errors: not text, empty, or no delimiter.
pub(super) fn sniff(head: &[u8], whole: bool, config: &ReadConfig) -> Result<Sniffed, ReadError> {
    if config.encoding.is_none() {
        refuse_known(head)?;
    }
    let encoding = config.encoding.unwrap_or_else(|| detect(head));
    let mut decoder = Decoder::new(encoding);
    let text = decoder.decode(head);
    if config.encoding.is_none() {
        refuse_binary(text, encoding)?;
    }
    let Some(first) = text.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return Err(ReadError::Empty);
    };
    let begins = text[first];
    let is_json = config.shape == Some(Shape::Json)
        || (config.shape.is_none()
            && config.delimiter.is_none()
            && (begins == b'{' || (begins == b'[' && is_list(&text[first..]))));
    let mut sniffed = if is_json { objects(text, whole, config)? } else { table(text, first, whole, config)? };
    sniffed.layout.encoding = encoding;
    sniffed.layout.strict = config.encoding.is_some() || encoding != Encoding::Utf8;
    if config.encoding.is_none() && encoding != Encoding::Utf8 {
        let message = format!(
            "the text is read as {encoding}: look whether names with accents come out right, or choose another encoding"
        );
        sniffed.layout.found.notes.push(Note::new("encoding", message));
    }
    roles_of(&mut sniffed, config);
    Ok(sniffed)
}

fn is_list(text: &[u8]) -> bool {
    text[1..].trim_ascii_start().first().is_some_and(|&byte| byte == b'{')
}

fn roles_of(sniffed: &mut Sniffed, config: &ReadConfig) {
    let Sniffed { layout, rows, .. } = sniffed;
    let named = layout.has_header || layout.shape != Shape::Table;
    let mut notes = std::mem::take(&mut layout.found.notes);
    match roles::find(&layout.names, named, rows, config) {
        Err(error) => sniffed.problem = Some(error),
        Ok(mut found) => {
            if layout.shape == Shape::Matrix {
                roles::zeros(rows, config, &mut found);
            }
            notes.append(&mut found.notes);
            found.notes = std::mem::take(&mut notes);
            layout.found = found;
            let absent = [Role::User, Role::Item].into_iter().find(|&role| layout.found.certain(role).is_none());
            sniffed.problem = absent.map(|role| missing(layout, role, config));
        }
    }
    sniffed.layout.found.notes.append(&mut notes);
}

fn missing(layout: &Layout, role: Role, config: &ReadConfig) -> ReadError {
    if config.choice(role) == ColumnChoice::None {
        let column = 0;
        return ReadError::BadColumn { role, column, problem: format!("a {role} column is needed") };
    }
    let recognised = names::recognised(role).take(8).map(str::to_owned).collect();
    let maybe = layout.found.place(role).map(|at| layout.names[at].clone());
    ReadError::MissingColumn { role, found: layout.names.clone(), recognised, maybe }
}

fn empty_found() -> Found {
    Found { columns: Default::default(), notes: Vec::new(), words: false, day_first: false, missing: Vec::new() }
}

fn objects(text: &[u8], whole: bool, config: &ReadConfig) -> Result<Sniffed, ReadError> {
    let (level, names) = json::layout(text, whole);
    if names.len() < 2 {
        return Err(not_delimited(text, 0));
    }
    let mut rows = Vec::new();
    let mut objects = json::Objects::new(level, &names);
    let looked = objects.push(text, &mut |found| {
        if let (json::Found::Row(record), true) = (found, rows.len() < MOST_ROWS) {
            rows.push(fields(&record));
        }
        Ok(())
    });
    if looked.is_err() && rows.is_empty() {
        return Err(not_delimited(text, 0));
    }
    let mut dialect = Dialect::new(Delimiter::Comma);
    dialect.quotes = !config.quotes_as_text;
    let layout = Layout {
        encoding: Encoding::Utf8,
        strict: false,
        shape: Shape::Json,
        dialect,
        has_header: true,
        header: Vec::new(),
        names,
        level,
        first: First::User,
        found: empty_found(),
    };
    let (lines, rows_per_line) = (objects.lines(), rows.len() as f64 / f64::from(objects.lines().max(1)));
    Ok(Sniffed { layout, rows, lines, rows_per_line, problem: None })
}

fn table(text: &[u8], first: usize, whole: bool, config: &ReadConfig) -> Result<Sniffed, ReadError> {
    let mut notes = Vec::new();
    let mut base = Dialect::new(Delimiter::Comma);
    if !text.contains(&b'\n') && text.contains(&b'\r') {
        base.line_end = b'\r';
    }
    let markup = text[first] == b'<' || text[first..].starts_with(b"[[");
    if markup && config.delimiter.is_none() {
        return Err(not_delimited(text, first));
    }
    // Excel's own line that names the delimiter.
    let line = text[first..].split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default();
    let told = line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"\"sep=")).and_then(|mark| mark.first());
    let told = told.and_then(|&mark| Delimiter::parse(&char::from(mark).to_string()));
    base.skip = config.skip_lines.unwrap_or(if told.is_some() { 1 + lines_before(text, first) } else { 0 });
    base.comment = match &config.comment {
        Some(prefix) => (!prefix.is_empty()).then(|| prefix.clone().into_bytes()),
        None => comment(text, &base, &mut notes),
    };
    let candidates = config.delimiter.or(told).map_or(Delimiter::MARKS.to_vec(), |delimiter| vec![delimiter]);
    let only = candidates.len() == 1;
    let mut best = candidates.iter().filter_map(|&delimiter| candidate(text, whole, delimiter, &base, config)).fold(
        None::<Candidate>,
        |best, one| match best {
            Some(best) if (best.share, best.width) >= (one.share, one.width) => Some(best),
            _ => Some(one),
        },
    );
    // Blanks stand within fields too: they are thought of only where nothing else makes columns.
    if !only && best.as_ref().is_none_or(|best| best.share < 800) {
        let blanks = candidate(text, whole, Delimiter::Spaces, &base, config);
        best = blanks.filter(|one| one.is_blank_delimited(best.as_ref())).or(best);
    }
    let Some(Candidate { width, dialect, .. }) = best else { return Err(not_delimited(text, first)) };
    let (records, lines) = records(text, whole, &dialect, MOST_ROWS);
    let matrix = config.shape == Some(Shape::Matrix)
        || (config.shape.is_none() && config.header != Some(false) && shape::is_matrix(&records));
    let bare = !matrix && config.shape.is_none() && config.header != Some(true) && shape::is_bare_matrix(&records);
    let has_header = config.header.unwrap_or_else(|| matrix || (!bare && looks_like_header(&records)));
    let matrix = matrix || bare;
    let guess = || if matrix { Shape::Matrix } else { shape::guess(&records, has_header) };
    let shape = config.shape.unwrap_or_else(guess);
    let has_header =
        if matches!(shape, Shape::Lists | Shape::Blocks) { config.header.unwrap_or(false) } else { has_header };
    let mut header: Vec<String> = match records.first() {
        Some(header) if has_header => header.clone(),
        _ => (1..=width).map(|number| format!("column {number}")).collect(),
    };
    // R writes a column of row names without a name for it.
    if has_header && shape == Shape::Table && header.len() + 1 == width && records.len() > 2 {
        let trailing = records.iter().skip(1).all(|record| record.len() != width || record[width - 1].is_empty());
        header.insert(if trailing { width - 1 } else { 0 }, if trailing { String::new() } else { "row".to_owned() });
    }
    let first = shape::first(shape, &records[usize::from(has_header).min(records.len())..]);
    if shape == Shape::Matrix && !has_header {
        // Items are called by their place among the items.
        header = (usize::from(first == First::Item)..).take(width).map(|number| number.to_string()).collect();
    }
    if shape != Shape::Table {
        notes.push(Note::new("shape", shape_words(shape, first, width)));
    }
    let mut unfold = Unfold::new(shape, first, &header);
    let (mut rows, mut fields_of, mut unfolded) = (Vec::new(), Vec::new(), 0);
    for record in records.iter().skip(usize::from(has_header)) {
        fields_of.clear();
        let mut joined = Vec::new();
        for field in record {
            let start = joined.len() as u32;
            joined.extend_from_slice(field.as_bytes());
            fields_of.push((start, joined.len() as u32));
        }
        let _ = unfold.record(&Record::new(&joined, &fields_of, 1, 1), &mut |made| {
            unfolded += 1;
            if rows.len() < MOST_ROWS {
                rows.push(fields(made));
            }
            Ok(())
        });
    }
    let names = shape::names(shape, &header, width);
    let found = Found { notes, ..empty_found() };
    let layout = Layout {
        encoding: Encoding::Utf8,
        strict: false,
        shape,
        dialect,
        has_header,
        header,
        names,
        level: 0,
        first,
        found,
    };
    let rows_per_line = if shape == Shape::Table { 1.0 } else { unfolded as f64 / records.len().max(1) as f64 };
    Ok(Sniffed { layout, rows, lines, rows_per_line, problem: None })
}

fn shape_words(shape: Shape, first: First, width: usize) -> String {
    let mut words = match shape {
        Shape::Lists if first == First::User => "each line is taken for a user followed by all its items".to_owned(),
        Shape::Lists => "each line is taken for all items of one user".to_owned(),
        Shape::Blocks => "lines such as `1:` are taken for the item of the rows that follow".to_owned(),
        Shape::Matrix => {
            let items = width - usize::from(first != First::Item);
            format!("this is taken for a matrix: a row for each user, a column for each of {items} items")
        }
        Shape::Table | Shape::Json => String::new(),
    };
    words += match first {
        First::User => "",
        First::Count => "; the first number says how many there are, and users are called by their line",
        First::Item => "; no column names users, so they are called by their line",
    };
    words
}

struct Candidate {
    /// Of 1,000 rows, those that agree on the number of columns.
    share: usize,
    width: usize,
    dialect: Dialect,
    rows: Vec<Vec<String>>,
}

impl Candidate {
    /// Is it a table cut at blanks rather than prose, and better than what marks make of it?
    fn is_blank_delimited(&self, marks: Option<&Candidate>) -> bool {
        if shape::guess(&self.rows, false) != Shape::Table {
            return true;
        }
        let digits = |field: &&String| field.bytes().any(|byte| byte.is_ascii_digit());
        let all = self.rows.iter().skip(1).flatten().count();
        let table = self.rows.iter().skip(1).flatten().filter(digits).count() * 2 > all;
        (table || self.rows.first().is_some_and(|first| named(first)))
            && marks.is_none_or(|marks| self.share > marks.share)
    }
}

/// How well a delimiter does: most rows should agree on a number of columns; of equals the one with more columns is better.
fn candidate(text: &[u8], whole: bool, delimiter: Delimiter, base: &Dialect, config: &ReadConfig) -> Option<Candidate> {
    let own = Dialect::new(delimiter);
    let dialect = Dialect { delimiter, quotes: own.quotes && !config.quotes_as_text, ..base.clone() };
    let (rows, _) = records(text, whole, &dialect, ROWS);
    // The line before a block has one column and says nothing of the others.
    let plain: Vec<&Vec<String>> = rows.iter().filter(|row| row.len() > 1 || !row[0].ends_with(':')).collect();
    let count = |width| plain.iter().filter(|row| row.len() == width).count();
    let (agreeing, width) = plain.iter().map(|row| (count(row.len()), row.len())).max()?;
    let width = if width == 1 && plain.iter().any(|row| row.len() > 1) && delimiter == Delimiter::Spaces {
        plain.iter().map(|row| row.len()).max()?
    } else {
        width
    };
    (width >= 2).then(|| Candidate { share: agreeing * 1_000 / plain.len(), width, dialect, rows: rows.clone() })
}

fn lines_before(text: &[u8], first: usize) -> u32 {
    text[..first].iter().filter(|&&byte| byte == b'\n').count() as u32
}

/// `#` or `%` where the first lines begin with it and the others do not; unless it is the header that does.
fn comment(text: &[u8], base: &Dialect, notes: &mut Vec<Note>) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = text
        .split(|&byte| byte == base.line_end)
        .skip(base.skip as usize)
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .take(ROWS)
        .collect();
    let mark = *lines.first()?.first().filter(|byte| matches!(byte, b'#' | b'%'))?;
    let marked = lines.iter().filter(|line| line[0] == mark).count();
    let first = String::from_utf8_lossy(lines[0]).into_owned();
    let words: Vec<String> = first.split([',', ';', '\t', '|', ' ']).map(str::to_owned).collect();
    if marked == lines.len() || (marked == 1 && words.len() > 1 && named(&words)) {
        return None;
    }
    notes.push(Note::new(
        "comments",
        format!("lines that begin with `{}` are passed over as comments", char::from(mark)),
    ));
    Some(vec![mark])
}

fn not_delimited(text: &[u8], first: usize) -> ReadError {
    let line = 1 + lines_before(text, first);
    let rest = &text[first..];
    let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len()).min(240);
    ReadError::NotDelimited { line, text: String::from_utf8_lossy(&rest[..end]).chars().take(60).collect() }
}

fn fields(record: &Record<'_>) -> Vec<String> {
    (0..record.len()).map(|at| String::from_utf8_lossy(record.field(at)).into_owned()).collect()
}

fn records(text: &[u8], whole: bool, dialect: &Dialect, most: usize) -> (Vec<Vec<String>>, u32) {
    let mut rows = Vec::new();
    let mut sink = |record: &Record<'_>| {
        if rows.len() < most && !record.is_blank() {
            rows.push(fields(record));
        }
        Ok(())
    };
    let mut records = Records::new(dialect);
    // A row too long to be one is reported when it is read, with its line; here it only ends the look at the head.
    if records.push(text, &mut sink).is_ok() && whole {
        let _ = records.finish(&mut sink);
    }
    let lines = records.lines();
    (rows, lines)
}

fn named(fields: &[String]) -> bool {
    fields.iter().any(|name| [Role::User, Role::Item].iter().any(|&role| names::is(role, name)))
}

/// A header names a user or an item, or is words where the rows below have numbers.
fn looks_like_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    if named(first) {
        return true;
    }
    let numeric = |field: &str| parse_rating(field.as_bytes(), true).is_some();
    // Only the corner may be without a name.
    if first.iter().any(|field| numeric(field)) || first.iter().skip(1).any(String::is_empty) || rest.is_empty() {
        return false;
    }
    (0..first.len()).any(|at| {
        let numbers = rest.iter().filter(|row| row.get(at).is_some_and(|field| numeric(field))).count();
        numbers * 10 >= rest.len() * 8
    })
}
