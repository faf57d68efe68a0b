//! All rows are read: they are put in order, filtered, and told of, in steps that are short however many there are.

use super::filter::k_core;
use super::gather::Gather;
use super::learnable::unlearnable;
use super::packed::PackedRows;
use super::roles::{Note, few_pairs, unique_items};
use super::sink::Sink;
use super::{Alike, DataSummary, Filtered, Interactions, ReadConfig, ReadError, ReadReport, identity};

/// The way from the last row to interactions and the report.
pub(super) struct Finish {
    config: ReadConfig,
    sink: Sink,
    /// Of a file that is joined to another, so that one user or item alone is no reason to refuse it.
    part: bool,
    source: String,
    lines: u32,
    /// Rows that could be used, repeated ones included.
    usable: u32,
    /// Distinct pairs among them.
    distinct: u32,
    filtered: Filtered,
    rows: Interactions,
    summary: DataSummary,
    alike: Vec<Alike>,
    /// Groups of users and of items that are alike.
    groups: (u32, u32),
    stage: Stage,
}

enum Stage {
    Gather(Box<Gather>),
    Filter,
    KCore,
    Summary,
    Users,
    Items,
    Done,
}

impl Finish {
    pub(super) fn new(
        config: ReadConfig,
        mut sink: Sink,
        rows: PackedRows,
        part: bool,
        source: String,
        lines: u32,
    ) -> Self {
        let usable = rows.len();
        let (users, items) = (std::mem::take(&mut sink.users), std::mem::take(&mut sink.items));
        let stage = Stage::Gather(Box::new(Gather::new(rows, users, items, config.merge_ids)));
        Finish {
            config,
            part,
            source,
            lines,
            usable,
            distinct: 0,
            filtered: std::mem::take(&mut sink.filtered),
            sink,
            rows: Interactions::default(),
            summary: DataSummary::default(),
            alike: Vec::new(),
            groups: (0, 0),
            stage,
        }
    }

    /// Usable rows, repeated ones included.
    pub(super) fn usable(&self) -> u32 {
        self.usable
    }

    /// Goes on for a while. True once all is done.
    ///
    /// Errors: one user or item alone; a filter that leaves nothing.
    pub(super) fn step(&mut self) -> Result<bool, ReadError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Gather(mut gather) => {
                if gather.step() {
                    self.rows = gather.done();
                    self.gathered()?;
                    Stage::Filter
                } else {
                    Stage::Gather(gather)
                }
            }
            Stage::Filter => {
                if let Some(positive) = self.config.positive {
                    // A threshold that is not a number keeps nothing instead of everything.
                    self.keep(|rows| rows.keeping(|row| !positive.is_nan() && row.value >= positive));
                }
                self.filtered.below_threshold = self.distinct - self.rows.rows().len() as u32;
                Stage::KCore
            }
            Stage::KCore => {
                let (before, k) = (self.rows.rows().len() as u32, self.config.k_core);
                self.keep(|rows| k_core(rows, k));
                self.filtered.k_core = before - self.rows.rows().len() as u32;
                if self.rows.rows().is_empty() {
                    let reason = filters_left_nothing(&self.config, self.distinct, &self.filtered);
                    return Err(ReadError::NoRows { reason });
                }
                if !self.part {
                    refuse_single(&self.rows, " left after the filters")?;
                }
                Stage::Summary
            }
            Stage::Summary => {
                self.summary = DataSummary::of(&self.rows);
                Stage::Users
            }
            Stage::Users => {
                (self.alike, self.groups.0) = identity::alike(self.rows.users(), true);
                Stage::Items
            }
            Stage::Items => {
                let (alike, groups) = identity::alike(self.rows.items(), false);
                self.alike.extend(alike);
                self.groups.1 = groups;
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
        Ok(matches!(self.stage, Stage::Done))
    }

    fn keep(&mut self, filter: impl FnOnce(Interactions) -> Interactions) {
        self.rows = filter(std::mem::take(&mut self.rows));
    }

    fn gathered(&mut self) -> Result<(), ReadError> {
        self.distinct = self.rows.rows().len() as u32;
        if self.part {
            return Ok(());
        }
        if self.distinct == 1 && self.usable > 1 {
            let (user, item) = (self.rows.users().get(0).to_owned(), self.rows.items().get(0).to_owned());
            return Err(ReadError::AllSame { rows: self.usable, user, item });
        }
        refuse_single(&self.rows, "")
    }

    /// What has come of it, once [`Finish::step`] says that all is done.
    pub(super) fn done(self) -> (Interactions, ReadReport) {
        let notes = self.notes();
        let Finish { config, sink, source, lines, usable, distinct, filtered, rows, summary, alike, groups, .. } = self;
        let layout = &sink.layout;
        let memory = size_of_val(rows.rows()) as u64 + rows.users().memory() + rows.items().memory();
        let report = ReadReport {
            asked: config,
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
            alike_groups: groups.0 + groups.1,
            memory,
            notes,
            summary,
        };
        (rows, report)
    }

    fn notes(&self) -> Vec<Note> {
        let (sink, (users, items)) = (&self.sink, self.groups);
        let mut notes: Vec<Note> = sink.layout.found.notes.clone();
        // What the first rows made probable the whole file decides.
        notes.retain(|note| note.code != "few_pairs" && note.code != "unique_items");
        notes.extend(few_pairs(self.usable, self.distinct));
        notes.extend(unique_items(self.summary.rows, self.summary.items));
        notes.extend(unlearnable(&self.rows));
        notes.extend(swallowed(sink));
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
        notes
    }
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
