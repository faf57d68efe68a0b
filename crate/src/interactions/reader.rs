//! Unpacked bytes in chunks to rows. Memory grows with rows and distinct ids, never with the text.

use super::encoding::Decoder;
use super::finish::Finish;
use super::json::{self, Objects};
use super::packed::PackedRows;
use super::records::Records;
use super::shape::Unfold;
use super::sink::Sink;
use super::sniff::{self, HEAD, Layout, Sniffed};
use super::{ReadConfig, ReadError, Shape};

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
            Stage::Body(body) => body.rows.len(),
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
    ///
    /// What is left to do with the rows comes in steps.
    pub(super) fn finish(mut self, part: bool, source: String) -> Result<Finish, ReadError> {
        if matches!(self.stage, Stage::Head(_)) {
            self.begin(true);
        }
        match self.stage {
            Stage::Body(body) => body.finish(self.config, part, source),
            Stage::Failed(error) => Err(error),
            Stage::Head(_) => Err(ReadError::Empty),
        }
    }
}

struct Body {
    decoder: Decoder,
    cutter: Cutter,
    rows: PackedRows,
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
            shape => Cutter::Unfolded(records(), Unfold::new(shape, layout.first, &layout.header), !layout.has_header),
        };
        Ok(Body {
            decoder: Decoder::new(layout.encoding),
            cutter,
            rows: PackedRows::default(),
            sink: Sink::new(layout, config)?,
        })
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let text = self.decoder.decode(chunk);
        feed(&mut self.cutter, Some(text), &mut self.sink, &mut self.rows)
    }

    fn finish(mut self, config: ReadConfig, part: bool, source: String) -> Result<Finish, ReadError> {
        feed(&mut self.cutter, None, &mut self.sink, &mut self.rows)?;
        let Body { rows, sink, cutter, .. } = self;
        let lines = match &cutter {
            Cutter::Lines(records, _) | Cutter::Unfolded(records, ..) => records.lines(),
            Cutter::Json(objects) => objects.lines(),
        };
        if rows.len() == 0 {
            return Err(sink.nothing());
        }
        Ok(Finish::new(config, sink, rows, part, source, lines))
    }
}

/// Text, or its end, to rows.
fn feed(cutter: &mut Cutter, text: Option<&[u8]>, sink: &mut Sink, rows: &mut PackedRows) -> Result<(), ReadError> {
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
