//! Layouts other than a row for each interaction, turned into that: every record of the file becomes records of a user, an
//! item and what else there is.

use super::names::{is, normalise};
use super::records::Record;
use super::{ReadError, Role, Shape};

/// Cells of a matrix that say nothing.
const NOTHING: [&[u8]; 8] = [b"", b"NA", b"NaN", b"nan", b"null", b"None", b"-", b"?"];

/// What stands first in a line of a list or a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The user.
    User,
    /// How many items follow: each line is a user of its own.
    Count,
    /// An item like the others: each line is a user of its own.
    Item,
}

/// Turns the records of one layout into rows.
pub(super) struct Unfold {
    shape: Shape,
    first: First,
    /// Lines so far, where each is a user of its own.
    line: Vec<u8>,
    lines: u32,
    /// The items of a matrix, from its header.
    items: Vec<Vec<u8>>,
    /// The item of the block that is being read.
    block: Vec<u8>,
    text: Vec<u8>,
    fields: Vec<(u32, u32)>,
}

impl Unfold {
    /// `names`: the header of the file itself, needed for a matrix.
    pub(super) fn new(shape: Shape, first: First, names: &[String]) -> Self {
        let items = if shape == Shape::Matrix {
            names.iter().map(|name| name.clone().into_bytes()).collect()
        } else {
            Vec::new()
        };
        let (line, block, text, fields) = Default::default();
        Unfold { shape, first, line, lines: 0, items, block, text, fields }
    }

    /// Hands on what `record` holds.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: &Record<'_>,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self.shape {
            Shape::Table | Shape::Json => sink(record),
            Shape::Lists => self.list(record, sink),
            Shape::Blocks => self.row_of_block(record, sink),
            Shape::Matrix => self.cells(record, sink),
        }
    }

    fn list(
        &mut self,
        record: &Record<'_>,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if record.is_blank() {
            return Ok(());
        }
        let line = self.next_line();
        let user = if self.first == First::User { record.field(0) } else { &line };
        let user = user.strip_suffix(b":").unwrap_or(user);
        for at in usize::from(self.first != First::Item)..record.len() {
            if !record.field(at).is_empty() {
                self.join(&[user, record.field(at)]);
                sink(&self.made(record))?;
            }
        }
        self.line = line;
        Ok(())
    }

    /// The number of a line as a user; to be given back.
    fn next_line(&mut self) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.line);
        if self.first != First::User {
            self.lines += 1;
            line.clear();
            line.extend(self.lines.to_string().bytes());
        }
        line
    }

    fn row_of_block(
        &mut self,
        record: &Record<'_>,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if record.len() == 1
            && let Some(name) = record.field(0).strip_suffix(b":")
        {
            self.block = name.to_vec();
            return Ok(());
        }
        if record.is_blank() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        self.begin();
        self.add(&block);
        for at in 0..record.len() {
            self.add(record.field(at));
        }
        self.block = block;
        sink(&self.made(record))
    }

    fn cells(
        &mut self,
        record: &Record<'_>,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if record.is_blank() {
            return Ok(());
        }
        if record.len() != self.items.len() {
            return sink(record);
        }
        let items = std::mem::take(&mut self.items);
        let line = self.next_line();
        let user = if self.first == First::User { record.field(0) } else { &line };
        let mut done = Ok(());
        for (at, item) in items.iter().enumerate().skip(usize::from(self.first != First::Item)) {
            if !NOTHING.contains(&record.field(at)) {
                self.join(&[user, item, record.field(at)]);
                done = sink(&self.made(record));
                if done.is_err() {
                    break;
                }
            }
        }
        (self.items, self.line) = (items, line);
        done
    }

    fn begin(&mut self) {
        self.text.clear();
        self.fields.clear();
    }

    fn add(&mut self, field: &[u8]) {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(field);
        self.fields.push((start, self.text.len() as u32));
    }

    fn join(&mut self, fields: &[&[u8]]) {
        self.begin();
        fields.iter().for_each(|field| self.add(field));
    }

    fn made<'a>(&'a self, from: &Record<'_>) -> Record<'a> {
        Record::new(&self.text, &self.fields, from.line(), from.lines())
    }
}

/// What the columns are called once a layout is unfolded; `width` is the number of columns that most records have.
pub(super) fn names(shape: Shape, own: &[String], width: usize) -> Vec<String> {
    let given = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    match shape {
        Shape::Table | Shape::Json => own.to_vec(),
        Shape::Lists => given(&["user", "item"]),
        Shape::Matrix => given(&["user", "item", "rating"]),
        Shape::Blocks => {
            let rest = ["user", "rating", "time"];
            let mut names: Vec<String> = given(&["item"]);
            names.extend(
                (0..width).map(|at| rest.get(at).map_or(format!("column {}", at + 2), |&name| name.to_owned())),
            );
            names
        }
    }
}

/// The layout that the first records have, as far as lines show it (JSON is known by its first byte). `header`: does the first
/// line name columns?
pub(super) fn guess(records: &[Vec<String>], header: bool) -> Shape {
    let block = |record: &[String]| record.len() == 1 && record[0].len() > 1 && record[0].ends_with(':');
    if records.first().is_some_and(|first| block(first)) && records.iter().any(|record| record.len() > 1) {
        return Shape::Blocks;
    }
    if !header && lists(records) { Shape::Lists } else { Shape::Table }
}

/// Whole numbers, or words without blanks, of which each line has its own number and another first one.
fn lists(records: &[Vec<String>]) -> bool {
    if records.len() < 2 {
        return false;
    }
    let mut widths: Vec<usize> = records.iter().map(Vec::len).collect();
    tiny_sort::unstable::sort(&mut widths);
    let most = widths.chunk_by(|a, b| a == b).map(<[usize]>::len).max().unwrap_or(0);
    let mut firsts: Vec<&str> = records.iter().map(|record| record[0].as_str()).collect();
    tiny_sort::unstable::sort(&mut firsts);
    let distinct = firsts.windows(2).all(|pair| pair[0] != pair[1]);
    let whole = |field: &String| {
        let field = field.trim_end_matches(':');
        !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()) && field.len() < 10
    };
    let numbers = records.iter().flatten().all(whole);
    let uneven = most * 10 < records.len() * 7;
    // Lists of equal length are told from a table by their width alone.
    let wide = widths[0] > 6 && records.len() >= 3;
    (distinct
        && ((numbers && (uneven || wide)) || (uneven && widths[0] != widths[widths.len() - 1] && tokens(records))))
        || (numbers && uneven && records.len() >= 5 && first(Shape::Lists, records) != First::User)
}

/// What the lines of a list or a matrix begin with (`records` without a header). A user stands in few lines; a number that
/// says how many values follow does so in all.
pub(super) fn first(shape: Shape, records: &[Vec<String>]) -> First {
    if !matches!(shape, Shape::Lists | Shape::Matrix) || records.len() < 3 {
        return First::User;
    }
    let nothing = |field: &&String| NOTHING.contains(&field.as_bytes()) || matches!(field.as_str(), "99" | "99.0");
    let counts = |record: &Vec<String>| {
        let values = record[1..].iter().filter(|field| !field.is_empty());
        let filled = values.filter(|field| shape == Shape::Lists || !nothing(field)).count();
        record[0].parse() == Ok(filled)
    };
    let mut firsts: Vec<&str> = records.iter().map(|record| record[0].as_str()).collect();
    tiny_sort::unstable::sort(&mut firsts);
    firsts.dedup();
    if records.iter().all(counts) {
        First::Count
    } else if firsts.len() * 3 < records.len() * 2 {
        First::Item
    } else {
        First::User
    }
}

/// Is it a matrix without a header: many columns of a few small numbers or nothing, the same ones again and again in a line?
pub(super) fn is_bare_matrix(records: &[Vec<String>]) -> bool {
    let Some(width) = records.first().map(Vec::len).filter(|&width| width >= 8 && records.len() >= 3) else {
        return false;
    };
    let repeats = |record: &&Vec<String>| {
        let mut cells: Vec<&str> = record[1..].iter().map(String::as_str).collect();
        tiny_sort::unstable::sort(&mut cells);
        cells.dedup();
        cells.len() + 2 < width
    };
    records.iter().all(|record| record.len() == width && record[1..].iter().all(small))
        && records.iter().filter(repeats).count() * 10 >= records.len() * 9
}

/// A cell of a matrix: nothing, or a small number.
fn small(cell: &String) -> bool {
    NOTHING.contains(&cell.as_bytes()) || cell.replace(',', ".").parse::<f64>().is_ok_and(|value| value.abs() <= 100.0)
}

fn tokens(records: &[Vec<String>]) -> bool {
    let spread = records.iter().map(Vec::len).max().unwrap_or(0) >= 4;
    spread && records.len() >= 5 && records.iter().flatten().all(|field| !field.is_empty() && !field.contains(' '))
}

/// Is it a matrix: a header of items, none of them the name of another kind of column; a first column of distinct ids; and at
/// least three others that hold small numbers or nothing?
pub(super) fn is_matrix(records: &[Vec<String>]) -> bool {
    let Some((header, rows)) = records.split_first() else { return false };
    if header.len() < 4 || rows.len() < 2 {
        return false;
    }
    let numeric = |field: &String| field.parse::<f64>().is_ok();
    let (corner, items) = (&header[0], &header[1..]);
    // A first row of words and numbers is a row, unless its first word says that users stand below.
    let headed = corner.is_empty()
        || is(Role::User, corner)
        || ["id", "index", "name"].contains(&normalise(corner).as_str())
        || (!numeric(corner) && !items.iter().any(numeric));
    let roles = [Role::Item, Role::Rating, Role::Time, Role::Consent, Role::User];
    let other = items.iter().any(|name| name.is_empty() || roles.iter().any(|&role| is(role, name)));
    let distinct = |mut names: Vec<&str>| {
        tiny_sort::unstable::sort(&mut names);
        names.windows(2).all(|pair| pair[0] != pair[1])
    };
    headed
        && !other
        && distinct(items.iter().map(String::as_str).collect())
        && distinct(rows.iter().filter_map(|row| row.first()).map(String::as_str).collect())
        && rows.iter().all(|row| row.len() == header.len() && row[1..].iter().all(small))
}
