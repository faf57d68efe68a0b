//! Unpacked bytes in chunks to interactions. Memory grows with rows and distinct ids, never with the text.

use super::encoding::Decoder;
use super::filter::k_core;
use super::json::{self, Objects};
use super::records::Records;
use super::roles::{Note, few_pairs, unique_items};
use super::shape::Unfold;
use super::sink::Sink;
use super::sniff::{self, HEAD, Layout, Sniffed};
use super::{DataSummary, Filtered, Interactions, ReadConfig, ReadError, ReadReport, Row, Shape, identity};

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
        let begun = sniff::sniff(head, whole, &self.config).and_then(|Sniffed { layout, problem, .. }| {
            if let Some(problem) = problem {
                return Err(problem);
            }
            let mut body = Box::new(Body::new(layout, &self.config)?);
            body.push(head)?;
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
    decoder: Decoder,
    cutter: Cutter,
    rows: Vec<Row>,
    sink: Sink,
}

/// Text to records.
enum Cutter {
    /// A row an interaction: nothing to unfold.
    Lines(Records, bool),
    Unfolded(Records, Unfold, bool),
    Json(Objects),
}

impl Body {
    fn new(layout: Layout, config: &ReadConfig) -> Result<Self, ReadError> {
        let records = || Records::new(&layout.dialect);
        let cutter = match layout.shape {
            Shape::Json => Cutter::Json(Objects::new(layout.level, &layout.names)),
            Shape::Table => Cutter::Lines(records(), !layout.has_header),
            shape => Cutter::Unfolded(records(), Unfold::new(shape, &layout.header), !layout.has_header),
        };
        Ok(Body { decoder: Decoder::new(layout.encoding), cutter, rows: Vec::new(), sink: Sink::new(layout, config)? })
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let text = self.decoder.decode(chunk);
        feed(&mut self.cutter, Some(text), &mut self.sink, &mut self.rows)
    }

    fn finish(
        mut self,
        config: &ReadConfig,
        part: bool,
        source: String,
    ) -> Result<(Interactions, ReadReport), ReadError> {
        feed(&mut self.cutter, None, &mut self.sink, &mut self.rows)?;
        let Body { rows, mut sink, cutter, .. } = self;
        let lines = match &cutter {
            Cutter::Lines(records, _) | Cutter::Unfolded(records, ..) => records.lines(),
            Cutter::Json(objects) => objects.lines(),
        };
        if rows.is_empty() {
            return Err(sink.nothing());
        }
        let usable = rows.len() as u32;
        let mut interactions = gather(&mut sink, rows, config.merge_ids);
        let distinct = interactions.rows().len() as u32;
        if !part {
            if distinct == 1 && usable > 1 {
                let (user, item) = (interactions.users().get(0).to_owned(), interactions.items().get(0).to_owned());
                return Err(ReadError::AllSame { rows: usable, user, item });
            }
            refuse_single(&interactions, "")?;
        }
        let mut filtered = std::mem::take(&mut sink.filtered);
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
        Ok(report(interactions, sink, (source, lines, usable, distinct), filtered, config))
    }
}

/// Text, or its end, to rows.
fn feed(cutter: &mut Cutter, text: Option<&[u8]>, sink: &mut Sink, rows: &mut Vec<Row>) -> Result<(), ReadError> {
    match cutter {
        Cutter::Lines(records, begun) => {
            let mut each = |record: &super::records::Record<'_>| {
                if *begun {
                    return sink.record(record, rows);
                }
                *begun = !record.is_blank();
                Ok(())
            };
            match text {
                Some(text) => records.push(text, &mut each),
                None => records.finish(&mut each),
            }
        }
        Cutter::Unfolded(records, unfold, begun) => {
            let mut each = |record: &super::records::Record<'_>| {
                if *begun {
                    return unfold.record(record, &mut |made| sink.record(made, rows));
                }
                *begun = !record.is_blank();
                Ok(())
            };
            match text {
                Some(text) => records.push(text, &mut each),
                None => records.finish(&mut each),
            }
        }
        Cutter::Json(objects) => {
            let mut each = |found: json::Found<'_>| match found {
                json::Found::Row(record) => sink.record(&record, rows),
                json::Found::Broken(line, problem) => {
                    sink.broken(line, &problem);
                    Ok(())
                }
            };
            match text {
                Some(text) => objects.push(text, &mut each),
                None => objects.finish(&mut each),
            }
        }
    }
}

/// Numbers by id, with ids that are alike made one if that was asked for.
fn gather(sink: &mut Sink, mut rows: Vec<Row>, merge: bool) -> Interactions {
    let mut users = std::mem::take(&mut sink.users).into_texts();
    let mut items = std::mem::take(&mut sink.items).into_texts();
    if merge {
        let (merged, user_at) = identity::merged(users);
        users = merged;
        let (merged, item_at) = identity::merged(items);
        items = merged;
        for row in &mut rows {
            row.user = user_at[row.user as usize];
            row.item = item_at[row.item as usize];
        }
    }
    Interactions::from_first_seen(users, items, rows)
}

fn report(
    interactions: Interactions,
    sink: Sink,
    (source, lines, usable, distinct): (String, u32, u32, u32),
    filtered: Filtered,
    config: &ReadConfig,
) -> (Interactions, ReadReport) {
    let summary = DataSummary::of(&interactions);
    let (mut alike, users) = identity::alike(interactions.users(), true);
    let (items_alike, items) = identity::alike(interactions.items(), false);
    alike.extend(items_alike);
    let layout = &sink.layout;
    let mut notes: Vec<Note> = layout.found.notes.clone();
    // What the first rows made probable the whole file decides.
    notes.retain(|note| note.code != "few_pairs" && note.code != "unique_items");
    notes.extend(few_pairs(usable, distinct));
    notes.extend(unique_items(summary.rows, summary.items));
    notes.extend(swallowed(&sink));
    if sink.mended_ids > 0 {
        let message = format!(
            "{} ids are not UTF-8 and were read as Windows-1252; choose the encoding if they look wrong",
            sink.mended_ids
        );
        notes.push(Note::new("mended", message));
    }
    if users + items > 0 {
        let message = format!(
            "{users} groups of users and {items} of items have ids that differ only in case, spaces, invisible characters, \
             Unicode form or leading zeros: they are kept apart, and forgetting one leaves the others, unless they are made one"
        );
        notes.push(Note::new("alike", message));
    }
    let ids = |ids: &super::Ids| ids.iter().map(|id| id.len() as u64 + 24).sum::<u64>();
    let memory = interactions.rows().len() as u64 * size_of::<Row>() as u64
        + ids(interactions.users())
        + ids(interactions.items());
    let report = ReadReport {
        asked: config.clone(),
        source,
        encoding: layout.encoding,
        shape: layout.shape,
        delimiter: layout.dialect.delimiter,
        has_header: layout.has_header,
        columns: layout.columns(),
        rows_read: sink.rows_read,
        lines,
        rejected: sink.rejected.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        first_rejections: sink.first_rejections,
        duplicates: usable - distinct,
        filtered,
        unreadable_times: sink.unreadable_times,
        unclear_consents: sink.unclear_consents,
        mended_ids: sink.mended_ids,
        swallowed: sink.swallowed,
        alike,
        alike_groups: users + items,
        memory,
        notes,
        summary,
    };
    (interactions, report)
}

/// A quote that took many lines into one row.
fn swallowed(sink: &Sink) -> Option<Note> {
    let worst = sink.swallowed.iter().max_by_key(|swallowed| swallowed.lines)?;
    // Texts of a few lines are common in reviews; what was left out, or is long, is not.
    let suspect =
        worst.lines > 20 || sink.rejected.contains_key("column_count") || sink.rejected.contains_key("line_break");
    let message = || {
        format!(
            "the quote (\") in line {} swallowed {} lines, {} lines in all are inside quotes: choose to read quotes as text if \
             they are rows of their own",
            worst.line,
            worst.lines - 1,
            sink.swallowed_lines
        )
    };
    suspect.then(|| Note::new("swallowed", message()))
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
