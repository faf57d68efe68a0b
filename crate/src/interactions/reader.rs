//! Text in chunks to interactions. Memory grows with rows and distinct ids, never with the text.

use std::collections::BTreeMap;

use super::filter::k_core;
use super::intern::Interner;
use super::records::{Record, Records};
use super::report::FIRST_REJECTIONS;
use super::sniff::{self, HEAD, Layout};
use super::values::{parse_consent, parse_rating, parse_time};
use super::{
    Consent, DataSummary, Delimiter, Fate, Filtered, Interactions, ReadConfig, ReadError, ReadReport, Rejection, Role,
    Row,
};

/// Bytes an id may have; a longer one is a text in the wrong column.
const MAX_ID: usize = 512;

/// Reads plain text. What comes out depends on the bytes only, not on how they were cut into chunks.
pub(super) struct TextReader {
    config: ReadConfig,
    stage: Stage,
}

enum Stage {
    /// Too little seen to know the columns.
    Head(Vec<u8>),
    Body(Box<Body>),
    Failed(ReadError),
}

impl TextReader {
    pub(super) fn new(config: ReadConfig) -> Self {
        TextReader { config, stage: Stage::Head(Vec::new()) }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        match &mut self.stage {
            Stage::Failed(_) => {}
            Stage::Head(head) => {
                // The head has the same length however the bytes arrive, so that sniffing does not depend on chunks.
                let (first, rest) = chunk.split_at(chunk.len().min(HEAD - head.len()));
                head.extend_from_slice(first);
                if head.len() == HEAD {
                    self.begin(false);
                    if !rest.is_empty() {
                        self.push(rest);
                    }
                }
            }
            Stage::Body(body) => {
                if let Err(error) = body.push(chunk) {
                    self.stage = Stage::Failed(error);
                }
            }
        }
    }

    pub(super) fn failed(&self) -> Option<&ReadError> {
        match &self.stage {
            Stage::Failed(error) => Some(error),
            _ => None,
        }
    }

    pub(super) fn rows(&self) -> u32 {
        match &self.stage {
            Stage::Body(body) => body.rows.len() as u32,
            _ => 0,
        }
    }

    fn begin(&mut self, whole: bool) {
        let Stage::Head(head) = &self.stage else { return };
        let begun = sniff::layout(head, whole, &self.config).and_then(|layout| {
            let mut body = Box::new(Body::new(layout));
            body.push(sniff::without_bom(head))?;
            Ok(body)
        });
        self.stage = match begun {
            Ok(body) => Stage::Body(body),
            Err(error) => Stage::Failed(error),
        };
    }

    /// `part`: of a file that is joined to another, so that one user or item alone is no reason to refuse it.
    pub(super) fn finish(mut self, part: bool, source: String) -> Result<(Interactions, ReadReport), ReadError> {
        if matches!(self.stage, Stage::Head(_)) {
            self.begin(true);
        }
        match self.stage {
            Stage::Body(body) => body.finish(&self.config, part, source),
            Stage::Failed(error) => Err(error),
            Stage::Head(_) => Err(ReadError::Empty),
        }
    }
}

struct Body {
    records: Records,
    rows: Vec<Row>,
    sink: Sink,
}

/// What one record is turned into; apart from the rows and the record's own memory, so that both can be borrowed.
struct Sink {
    layout: Layout,
    header_seen: bool,
    users: Interner,
    items: Interner,
    rows_read: u32,
    unreadable_times: u32,
    unclear_consents: u32,
    rejected: BTreeMap<&'static str, u32>,
    first_rejections: Vec<Rejection>,
    /// Line and columns of the first row below the header.
    first: Option<(u32, u32)>,
}

impl Body {
    fn new(layout: Layout) -> Self {
        Body {
            records: Records::new(layout.delimiter),
            rows: Vec::new(),
            sink: Sink {
                header_seen: !layout.has_header,
                layout,
                users: Interner::default(),
                items: Interner::default(),
                rows_read: 0,
                unreadable_times: 0,
                unclear_consents: 0,
                rejected: BTreeMap::new(),
                first_rejections: Vec::new(),
                first: None,
            },
        }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let Body { records, rows, sink } = self;
        records.push(chunk, &mut |record| sink.record(&record, rows))
    }

    fn finish(
        mut self,
        config: &ReadConfig,
        part: bool,
        source: String,
    ) -> Result<(Interactions, ReadReport), ReadError> {
        let Body { records, rows, sink } = &mut self;
        records.finish(&mut |record| sink.record(&record, rows))?;
        let Body { rows, mut sink, .. } = self;
        if rows.is_empty() {
            return Err(sink.nothing());
        }
        let usable = rows.len() as u32;
        let (users, items) = (std::mem::take(&mut sink.users), std::mem::take(&mut sink.items));
        let mut interactions = Interactions::from_first_seen(users.into_texts(), items.into_texts(), rows);
        let distinct = interactions.rows().len() as u32;
        if !part {
            if distinct == 1 && usable > 1 {
                let (user, item) = (interactions.users().get(0).to_owned(), interactions.items().get(0).to_owned());
                return Err(ReadError::AllSame { rows: usable, user, item });
            }
            refuse_single(&interactions, "")?;
        }
        let mut filtered = Filtered::default();
        if let Some(positive) = config.positive {
            // A threshold that is not a number keeps nothing instead of everything.
            interactions = interactions.without(|row| positive.is_nan() || row.value < positive);
            filtered.below_threshold = distinct - interactions.rows().len() as u32;
        }
        let positive = interactions.rows().len() as u32;
        interactions = k_core(interactions, config.k_core);
        filtered.k_core = positive - interactions.rows().len() as u32;
        if interactions.rows().is_empty() {
            return Err(ReadError::NoRows { reason: filters_left_nothing(config, distinct, &filtered) });
        }
        if !part {
            refuse_single(&interactions, " left after the filters")?;
        }
        let report = ReadReport {
            asked: config.clone(),
            source,
            delimiter: sink.layout.delimiter,
            has_header: sink.layout.has_header,
            columns: sink.layout.columns(),
            rows_read: sink.rows_read,
            rejected: sink.rejected.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
            first_rejections: sink.first_rejections,
            duplicates: usable - distinct,
            filtered,
            unreadable_times: sink.unreadable_times,
            unclear_consents: sink.unclear_consents,
            summary: DataSummary::of(&interactions),
        };
        Ok((interactions, report))
    }
}

fn refuse_single(interactions: &Interactions, after: &str) -> Result<(), ReadError> {
    let (rows, after) = (interactions.rows().len() as u32, after.to_owned());
    if interactions.users().len() == 1 {
        return Err(ReadError::OneUser { user: interactions.users().get(0).to_owned(), rows, after });
    }
    if interactions.items().len() == 1 {
        return Err(ReadError::OneItem { item: interactions.items().get(0).to_owned(), rows, after });
    }
    Ok(())
}

fn filters_left_nothing(config: &ReadConfig, rows: u32, filtered: &Filtered) -> String {
    let mut reason = format!("{rows} rows were read, but the filters left none of them: ");
    if let Some(positive) = config.positive {
        reason += &format!("{} are rated below {positive}", filtered.below_threshold);
    }
    if config.k_core > 1 {
        let and = if config.positive.is_some() { ", and " } else { "" };
        reason += &format!(
            "{and}no group of users and items has at least {} rows each ({} rows fell)",
            config.k_core, filtered.k_core
        );
    }
    reason + "; lower them"
}

impl Sink {
    #[inline]
    fn record(&mut self, record: &Record<'_>, rows: &mut Vec<Row>) -> Result<(), ReadError> {
        if record.is_blank() {
            return Ok(());
        }
        if !self.header_seen {
            self.header_seen = true;
            return Ok(());
        }
        if self.rows_read == u32::MAX {
            return Err(ReadError::TooManyRows { limit: u32::MAX });
        }
        self.rows_read += 1;
        if self.first.is_none() {
            self.first = Some((record.line(), record.len() as u32));
        }
        if let Some(row) = self.row(record) {
            rows.push(row);
        }
        Ok(())
    }

    /// The row, or `None` once its rejection is counted.
    #[inline]
    fn row(&mut self, record: &Record<'_>) -> Option<Row> {
        let Layout { user, item, rating, time, consent, delimiter, .. } = self.layout;
        if record.len() != self.layout.names.len() {
            return self.reject(record, "column_count", None);
        }
        let (user_id, item_id) = (record.field(user), record.field(item));
        for (column, id, empty) in [(user, user_id, "empty_user"), (item, item_id, "empty_item")] {
            if id.is_empty() {
                return self.reject(record, empty, Some(column));
            }
            if id.len() > MAX_ID {
                return self.reject(record, "id_too_long", Some(column));
            }
        }
        let value = match rating {
            None => 1.0,
            Some(column) => match parse_rating(record.field(column), delimiter != Delimiter::Comma) {
                Some(value) => value,
                None => return self.reject(record, "rating_not_a_number", Some(column)),
            },
        };
        let time = time.map_or(0, |column| {
            parse_time(record.field(column)).unwrap_or_else(|| {
                self.unreadable_times += 1;
                0
            })
        });
        let consent = consent.map_or(Consent::Unsaid, |column| match parse_consent(record.field(column)) {
            Some(true) => Consent::Yes,
            Some(false) => Consent::No,
            None => {
                self.unclear_consents += 1;
                Consent::No
            }
        });
        let Some(user) = self.users.number(user_id) else {
            return self.reject_id(record, user);
        };
        let Some(item) = self.items.number(item_id) else {
            return self.reject_id(record, item);
        };
        Some(Row { user, item, value, time, fate: Fate::Train, consent })
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
                "column_count" => format!("expected {expected} columns, but there are {found}: `{value}`"),
                "empty_user" | "empty_item" => "expected an id, but there is nothing".to_owned(),
                "rating_not_a_number" => format!("expected a number such as 4 or 3.5, but there is `{value}`"),
                "id_too_long" => format!("expected an id, but there is a text of more than {MAX_ID} bytes: `{value}`"),
                "line_break" => "expected an id, but it runs over several lines: a quote (\") is not closed".to_owned(),
                _ => format!("expected UTF-8 text, but there is `{value}`"),
            };
            let message = format!("{at}: {problem}; the row was left out");
            self.first_rejections.push(Rejection { line, column: name, value, reason: reason.to_owned(), message });
        }
        None
    }

    /// Why there is no row at all.
    fn nothing(&self) -> ReadError {
        let layout = &self.layout;
        let every = self.rejected.get("column_count") == Some(&self.rows_read) && self.rows_read > 0;
        if let (true, Some((line, found))) = (every, self.first) {
            let because = if layout.has_header { "as in the header" } else { "as in most of the first rows" };
            return ReadError::ColumnCount {
                expected: layout.names.len() as u32,
                because: because.to_owned(),
                found,
                line,
                delimiter: layout.delimiter,
            };
        }
        let name = |role: Role, column: usize| format!("{role} in `{}`", layout.names[column]);
        let mut expected = vec![name(Role::User, layout.user), name(Role::Item, layout.item)];
        expected.extend(layout.rating.map(|column| name(Role::Rating, column)));
        let expected = expected.join(", ");
        let reason = match self.first_rejections.first() {
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

fn cut(field: &[u8]) -> String {
    String::from_utf8_lossy(&field[..field.len().min(240)]).chars().take(60).collect()
}
