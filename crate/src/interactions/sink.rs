//! One record to one row, or to the reason why it was left out.

use std::collections::BTreeMap;

use crate::numerics::random::{Purpose, keyed_fraction};

use super::encoding::character;
use super::intern::Interner;
use super::packed::PackedRows;
use super::records::Record;
use super::report::{FIRST_REJECTIONS, Swallowed};
use super::sniff::Layout;
use super::values::{parse_consent, parse_rating, parse_time};
use super::{Consent, Delimiter, Encoding, Fate, Filtered, ReadConfig, ReadError, Rejection, Role, Row, UserSample};

/// Bytes an id may have; a longer one is a text in the wrong column.
const MAX_ID: usize = 512;
/// Quotes over line ends that are told.
const SWALLOWED: usize = 20;

/// How a rating's field is taken.
#[derive(Clone, Copy, PartialEq)]
enum Rating {
    None,
    Number(usize),
    Words(usize),
}

/// What records are turned into; apart from the rows and the record's own memory, so that both can be borrowed.
pub(super) struct Sink {
    pub(super) layout: Layout,
    pub(super) users: Interner,
    pub(super) items: Interner,
    pub(super) rows_read: u32,
    pub(super) unreadable_times: u32,
    pub(super) unclear_consents: u32,
    pub(super) mended_ids: u32,
    pub(super) rejected: BTreeMap<&'static str, u32>,
    pub(super) first_rejections: Vec<Rejection>,
    pub(super) filtered: Filtered,
    pub(super) swallowed: Vec<Swallowed>,
    /// Lines beyond the first in rows that a quote joined.
    pub(super) swallowed_lines: u32,
    /// Line and columns of the first row below the header.
    first: Option<(u32, u32)>,
    user: usize,
    item: usize,
    time: Option<usize>,
    consent: Option<usize>,
    rating: Rating,
    comma: bool,
    day_first: bool,
    missing: Vec<String>,
    words: Vec<String>,
    sample: Option<UserSample>,
    /// Who is in the sample, by number.
    sampled: Vec<bool>,
}

impl Sink {
    /// The layout must name a user and an item column.
    pub(super) fn new(layout: Layout, config: &ReadConfig) -> Result<Self, ReadError> {
        let place = |role| layout.found.place(role);
        let (Some(user), Some(item)) = (place(Role::User), place(Role::Item)) else {
            return Err(ReadError::Empty);
        };
        let rating = match place(Role::Rating) {
            None => Rating::None,
            Some(at) if layout.found.words => Rating::Words(at),
            Some(at) => Rating::Number(at),
        };
        Ok(Sink {
            users: Interner::default(),
            items: Interner::default(),
            rows_read: 0,
            unreadable_times: 0,
            unclear_consents: 0,
            mended_ids: 0,
            rejected: BTreeMap::new(),
            first_rejections: Vec::new(),
            filtered: Filtered::default(),
            swallowed: Vec::new(),
            swallowed_lines: 0,
            first: None,
            user,
            item,
            time: place(Role::Time),
            consent: place(Role::Consent),
            rating,
            comma: layout.dialect.delimiter != Delimiter::Comma,
            day_first: layout.found.day_first,
            missing: config.missing.clone().unwrap_or_else(|| layout.found.missing.clone()),
            words: config.positive_words.iter().map(|word| word.trim().to_lowercase()).collect(),
            sample: config.sample.filter(|sample| sample.share < 1.0),
            sampled: Vec::new(),
            layout,
        })
    }

    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, rows: &mut PackedRows) -> Result<(), ReadError> {
        if record.is_blank() {
            return Ok(());
        }
        if self.rows_read == u32::MAX {
            return Err(ReadError::TooManyRows { limit: u32::MAX });
        }
        self.rows_read += 1;
        if self.first.is_none() {
            self.first = Some((record.line(), record.len() as u32));
        }
        if record.lines() > 1 {
            self.swallow(record);
        }
        if let Some(row) = self.row(record) {
            rows.push(row);
        }
        Ok(())
    }

    #[cold]
    fn swallow(&mut self, record: &Record<'_>) {
        self.swallowed_lines = self.swallowed_lines.saturating_add(record.lines() - 1);
        if self.swallowed.len() < SWALLOWED {
            self.swallowed.push(Swallowed { line: record.line(), lines: record.lines() });
        }
    }

    /// The row, or `None` once its rejection is counted.
    #[inline]
    fn row(&mut self, record: &Record<'_>) -> Option<Row> {
        if record.len() != self.layout.names.len() {
            return self.reject(record, "column_count", None);
        }
        let (user_id, item_id) = (record.field(self.user), record.field(self.item));
        for (column, id, empty) in [(self.user, user_id, "empty_user"), (self.item, item_id, "empty_item")] {
            if is_nobody(id) {
                return self.reject(record, empty, Some(column));
            }
            if id.len() > MAX_ID {
                return self.reject(record, "id_too_long", Some(column));
            }
        }
        let value = match self.rating {
            Rating::None => 1.0,
            Rating::Number(column) => {
                let field = record.field(column);
                let value = parse_rating(field, self.comma);
                if !self.missing.is_empty() && self.is_missing(field, value) {
                    self.filtered.not_rated += 1;
                    return None;
                }
                match value {
                    Some(value) => value,
                    None => return self.reject(record, "rating_not_a_number", Some(column)),
                }
            }
            Rating::Words(column) => {
                if !self.counts(record.field(column)) {
                    self.filtered.other_words += 1;
                    return None;
                }
                1.0
            }
        };
        let time = self.time.map_or(0, |column| {
            parse_time(record.field(column), self.day_first).unwrap_or_else(|| {
                self.unreadable_times += 1;
                0
            })
        });
        let consent = self.consent.map_or(Consent::Unsaid, |column| match parse_consent(record.field(column)) {
            Some(true) => Consent::Yes,
            Some(false) => Consent::No,
            None => {
                self.unclear_consents += 1;
                Consent::No
            }
        });
        let Some(user) = self.users.number(user_id).or_else(|| self.mend(user_id, true)) else {
            return self.reject_id(record, self.user);
        };
        if self.sample.is_some() && !self.in_sample(user, user_id) {
            self.filtered.not_sampled += 1;
            return None;
        }
        let Some(item) = self.items.number(item_id).or_else(|| self.mend(item_id, false)) else {
            return self.reject_id(record, self.item);
        };
        Some(Row { user, item, value, time, fate: Fate::Train, consent })
    }

    fn is_missing(&self, field: &[u8], value: Option<f32>) -> bool {
        self.missing.iter().any(|code| {
            code.as_bytes() == field
                || value.is_some_and(|value| code.trim().parse::<f32>().is_ok_and(|code| code == value))
        })
    }

    fn counts(&self, field: &[u8]) -> bool {
        self.words.is_empty() || {
            let word = String::from_utf8_lossy(field).to_lowercase();
            self.words.contains(&word)
        }
    }

    fn in_sample(&mut self, user: u32, id: &[u8]) -> bool {
        // Users are numbered in the order in which they are seen first.
        if user as usize == self.sampled.len()
            && let Some(sample) = self.sample
        {
            let fraction = keyed_fraction(sample.seed.into(), Purpose::UserSample, &[id]);
            self.sampled.push(fraction < f64::from(sample.share));
        }
        self.sampled.get(user as usize).copied().unwrap_or(true)
    }

    /// An id that is not UTF-8, in a file that is otherwise: most likely somebody pasted a line from elsewhere.
    #[cold]
    fn mend(&mut self, id: &[u8], user: bool) -> Option<u32> {
        if self.layout.strict || std::str::from_utf8(id).is_ok() {
            return None;
        }
        let text: String = id.iter().map(|&byte| character(Encoding::Windows1252, byte)).collect();
        let number = if user { &mut self.users } else { &mut self.items }.number(text.as_bytes())?;
        self.mended_ids += 1;
        Some(number)
    }

    #[cold]
    fn reject_id(&mut self, record: &Record<'_>, column: usize) -> Option<Row> {
        let broken = record.field(column).iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        self.reject(record, if broken { "line_break" } else { "not_text" }, Some(column))
    }

    #[cold]
    fn reject(&mut self, record: &Record<'_>, reason: &'static str, column: Option<usize>) -> Option<Row> {
        *self.rejected.entry(reason).or_default() += 1;
        if self.first_rejections.len() < FIRST_REJECTIONS {
            let line = record.line();
            let value = match column {
                Some(column) => cut(record.field(column)),
                None => (0..record.len()).take(20).map(|at| cut(record.field(at))).collect::<Vec<_>>().join(" | "),
            };
            let value: String = value.chars().take(60).collect();
            let name = column.map(|column| self.layout.names[column].clone());
            let at = name.as_ref().map_or(format!("line {line}"), |name| format!("line {line}, column `{name}`"));
            let (expected, found) = (self.layout.names.len(), record.len());
            let problem = match reason {
                "column_count" if record.lines() > 1 => format!(
                    "expected {expected} columns, but there are {found}: a quote (\") joined {} lines, perhaps wrongly: `{value}`",
                    record.lines()
                ),
                "column_count" => format!("expected {expected} columns, but there are {found}: `{value}`"),
                "empty_user" | "empty_item" if value.is_empty() => "expected an id, but there is nothing".to_owned(),
                "empty_user" | "empty_item" => {
                    format!("expected an id, but there is `{value}`, which means that there is none")
                }
                "rating_not_a_number" => format!("expected a number such as 4 or 3.5, but there is `{value}`"),
                "id_too_long" => format!("expected an id, but there is a text of more than {MAX_ID} bytes: `{value}`"),
                "line_break" => "expected an id, but it runs over several lines: a quote (\") is not closed".to_owned(),
                _ => format!("expected {} text, but there is `{value}`", self.layout.encoding),
            };
            let message = format!("{at}: {problem}; the row was left out");
            self.first_rejections.push(Rejection { line, column: name, value, reason: reason.to_owned(), message });
        }
        None
    }

    /// A JSON object that is none.
    #[cold]
    pub(super) fn broken(&mut self, line: u32, problem: &str) {
        self.rows_read += 1;
        self.first = self.first.or(Some((line, 0)));
        *self.rejected.entry("not_json").or_default() += 1;
        if self.first_rejections.len() < FIRST_REJECTIONS {
            let message = format!("line {line}: expected a JSON object, but {problem}; the row was left out");
            let reason = "not_json".to_owned();
            self.first_rejections.push(Rejection { line, column: None, value: String::new(), reason, message });
        }
    }

    /// Why there is no row at all.
    pub(super) fn nothing(&self) -> ReadError {
        let layout = &self.layout;
        let every = self.rejected.get("column_count") == Some(&self.rows_read) && self.rows_read > 0;
        if let (true, Some((line, found))) = (every, self.first) {
            let because = if layout.has_header { "as in the header" } else { "as in most of the first rows" };
            return ReadError::ColumnCount {
                expected: layout.names.len() as u32,
                because: because.to_owned(),
                found,
                line,
                delimiter: layout.dialect.delimiter,
            };
        }
        let name = |role: Role, column: usize| format!("{role} in `{}`", layout.names[column]);
        let mut expected = vec![name(Role::User, self.user), name(Role::Item, self.item)];
        expected.extend(layout.found.place(Role::Rating).map(|column| name(Role::Rating, column)));
        let expected = expected.join(", ");
        let Filtered { not_rated, other_words, not_sampled, .. } = self.filtered;
        let reason = match self.first_rejections.first() {
            None if not_rated + other_words + not_sampled > 0 => format!(
                "of {} rows {not_rated} are marked as not rated, {other_words} have other words than those that count and \
                 {not_sampled} are of users outside the sample; none is left: change these choices",
                self.rows_read
            ),
            None => format!("below the header there is nothing; expected rows with the {expected}"),
            Some(first) => {
                let counts = self.rejected.iter().map(|(reason, count)| format!("{count} x {reason}"));
                let counts = counts.collect::<Vec<_>>().join(", ");
                format!(
                    "expected rows with the {expected}, but all {} were left out ({counts}). The first: {}",
                    self.rows_read, first.message
                )
            }
        };
        ReadError::NoRows { reason }
    }
}

/// No id, or what programs write where there is none.
fn is_nobody(id: &[u8]) -> bool {
    const NONE: [&[u8]; 10] = [b"NA", b"N/A", b"<NA>", b"NULL", b"null", b"<null>", b"NaN", b"nan", b"None", b"\\N"];
    id.is_empty() || (id.len() <= 6 && NONE.contains(&id))
}

fn cut(field: &[u8]) -> String {
    String::from_utf8_lossy(&field[..field.len().min(240)]).chars().take(60).collect()
}
