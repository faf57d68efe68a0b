//! Text to records of fields, fed with chunks of any size. A line without quotes is cut where it stands; one with quotes goes
//! through csv-core, which may join it with the lines that follow.

use csv_core::{ReadRecordResult, ReaderBuilder};
use memchr::memchr;

use super::{Delimiter, ReadError};

/// A row longer than this is a quote that was never closed; the bound keeps memory flat.
pub(super) const MAX_RECORD: usize = 1 << 20;
/// The same bound for a row of delimiters.
const MAX_COLUMNS: usize = 1 << 17;

/// How lines are cut.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dialect {
    pub(super) delimiter: Delimiter,
    pub(super) quotes: bool,
    /// What ends a line: a line feed, or the carriage return of old Macintosh files.
    pub(super) line_end: u8,
    /// Lines to pass over at the beginning.
    pub(super) skip: u32,
    /// Lines that begin so are passed over.
    pub(super) comment: Option<Vec<u8>>,
}

impl Dialect {
    pub(super) fn new(delimiter: Delimiter) -> Self {
        let quotes = !matches!(delimiter, Delimiter::DoubleColon | Delimiter::Spaces);
        Dialect { delimiter, quotes, line_end: b'\n', skip: 0, comment: None }
    }
}

/// One record, its fields unquoted.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    text: &'a [u8],
    fields: &'a [(u32, u32)],
    line: u32,
    lines: u32,
}

impl<'a> Record<'a> {
    /// Fields as ranges of `text`.
    pub(super) fn new(text: &'a [u8], fields: &'a [(u32, u32)], line: u32, lines: u32) -> Self {
        Record { text, fields, line, lines }
    }

    /// How many fields.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field without the blanks around it.
    #[inline]
    pub(super) fn field(&self, index: usize) -> &'a [u8] {
        let (start, end) = self.fields[index];
        self.text[start as usize..end as usize].trim_ascii()
    }

    /// Nothing but blanks in one column?
    #[inline]
    pub(super) fn is_blank(&self) -> bool {
        self.fields.is_empty() || (self.fields.len() == 1 && self.field(0).is_empty())
    }

    /// The line in which it begins, from 1.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// How many lines it takes; more than one where a quote runs over line ends.
    pub(super) fn lines(&self) -> u32 {
        self.lines
    }
}

/// Cuts a stream of text into records. Memory: the longest record.
pub(super) struct Records {
    dialect: Dialect,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    fields: Vec<(u32, u32)>,
    quoted: Quoted,
    /// Lines that have ended.
    lines: u32,
}

impl Records {
    pub(super) fn new(dialect: &Dialect) -> Self {
        Records {
            dialect: dialect.clone(),
            partial: Vec::new(),
            fields: Vec::new(),
            quoted: Quoted::new(dialect.delimiter),
            lines: 0,
        }
    }

    /// Lines so far.
    pub(super) fn lines(&self) -> u32 {
        self.lines
    }

    /// Hands every record that `chunk` completes to `sink`, until that returns an error.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut rest = chunk;
        while let Some(end) = memchr(self.dialect.line_end, rest) {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if self.partial.is_empty() {
                self.line(line, sink)?;
            } else {
                let mut joined = std::mem::take(&mut self.partial);
                joined.extend_from_slice(line);
                self.line(&joined, sink)?;
                joined.clear();
                self.partial = joined;
            }
        }
        self.partial.extend_from_slice(rest);
        if self.partial.len() > MAX_RECORD {
            let line = self.quoted.begun.unwrap_or(self.lines + 1);
            return Err(ReadError::LongRow { line, limit: MAX_RECORD as u32 });
        }
        Ok(())
    }

    /// The text has ended: hands over the last record if its line was not ended.
    pub(super) fn finish(
        &mut self,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let last = std::mem::take(&mut self.partial);
        if !last.is_empty() {
            self.line(&last, sink)?;
        }
        let Some(begun) = self.quoted.begun.take() else { return Ok(()) };
        self.quoted.feed(&[], begun, self.lines, sink).map(|_| ())
    }

    /// One line with its end.
    #[inline]
    fn line(
        &mut self,
        line: &[u8],
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.lines = self.lines.checked_add(1).ok_or(ReadError::TooManyRows { limit: u32::MAX })?;
        if let Some(begun) = self.quoted.begun {
            return self.slow(line, begun, sink);
        }
        if self.lines <= self.dialect.skip {
            return Ok(());
        }
        if let Some(comment) = &self.dialect.comment
            && line.trim_ascii_start().starts_with(comment)
        {
            return Ok(());
        }
        if self.dialect.quotes && memchr(b'"', line).is_some() {
            return self.slow(line, self.lines, sink);
        }
        if line.len() > MAX_RECORD {
            return Err(ReadError::LongRow { line: self.lines, limit: MAX_RECORD as u32 });
        }
        let end = line.len() - usize::from(line.last() == Some(&self.dialect.line_end));
        self.fields.clear();
        cut(&line[..end], self.dialect.delimiter, &mut self.fields);
        sink(&Record { text: line, fields: &self.fields, line: self.lines, lines: 1 })
    }

    #[cold]
    fn slow(
        &mut self,
        line: &[u8],
        begun: u32,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let done = self.quoted.feed(line, begun, self.lines, sink)?;
        self.quoted.begun = (!done).then_some(begun);
        Ok(())
    }
}

/// Where a line's fields are.
#[inline]
fn cut(line: &[u8], delimiter: Delimiter, fields: &mut Vec<(u32, u32)>) {
    let mark = match delimiter {
        Delimiter::Comma => b',',
        Delimiter::Semicolon => b';',
        Delimiter::Tab => b'\t',
        Delimiter::Pipe => b'|',
        Delimiter::DoubleColon => return cut_double(line, fields),
        Delimiter::Spaces => return cut_spaces(line, fields),
    };
    let mut start = 0;
    for (at, &byte) in line.iter().enumerate() {
        if byte == mark {
            fields.push((start, at as u32));
            start = at as u32 + 1;
        }
    }
    fields.push((start, line.len() as u32));
}

fn cut_double(line: &[u8], fields: &mut Vec<(u32, u32)>) {
    let (mut start, mut at) = (0, 0);
    while at + 1 < line.len() {
        if line[at] == b':' && line[at + 1] == b':' {
            fields.push((start, at as u32));
            start = at as u32 + 2;
            at += 2;
        } else {
            at += 1;
        }
    }
    fields.push((start, line.len() as u32));
}

fn cut_spaces(line: &[u8], fields: &mut Vec<(u32, u32)>) {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r');
    let mut at = 0;
    while at < line.len() {
        while at < line.len() && blank(line[at]) {
            at += 1;
        }
        let start = at;
        while at < line.len() && !blank(line[at]) {
            at += 1;
        }
        if at > start {
            fields.push((start as u32, at as u32));
        }
    }
    if fields.is_empty() {
        fields.push((0, 0));
    }
}

/// csv-core and the record that it is putting together.
struct Quoted {
    csv: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: Vec<(u32, u32)>,
    text_used: usize,
    ends_used: usize,
    /// Where the record begins that is not whole yet.
    begun: Option<u32>,
}

impl Quoted {
    fn new(delimiter: Delimiter) -> Self {
        let mark = match delimiter {
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
            Delimiter::Comma | Delimiter::DoubleColon | Delimiter::Spaces => b',',
        };
        Quoted {
            csv: ReaderBuilder::new().delimiter(mark).build(),
            text: Vec::new(),
            ends: Vec::new(),
            fields: Vec::new(),
            text_used: 0,
            ends_used: 0,
            begun: None,
        }
    }

    /// One more line of the record that begins in line `begun`; nothing is the end of the text. Is the record whole?
    fn feed(
        &mut self,
        line: &[u8],
        begun: u32,
        now: u32,
        sink: &mut dyn FnMut(&Record<'_>) -> Result<(), ReadError>,
    ) -> Result<bool, ReadError> {
        let (mut input, mut whole) = (line, false);
        loop {
            if self.text_used == self.text.len() {
                self.text.resize((self.text.len() * 2).max(1 << 10), 0);
            }
            if self.ends_used == self.ends.len() {
                self.ends.resize((self.ends.len() * 2).max(32), 0);
            }
            let (result, read, written, ended) =
                self.csv.read_record(input, &mut self.text[self.text_used..], &mut self.ends[self.ends_used..]);
            input = &input[read..];
            self.text_used += written;
            self.ends_used += ended;
            if self.text_used > MAX_RECORD || self.ends_used > MAX_COLUMNS {
                return Err(ReadError::LongRow { line: begun, limit: MAX_RECORD as u32 });
            }
            match result {
                ReadRecordResult::InputEmpty => return Ok(whole),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::End => return Ok(true),
                ReadRecordResult::Record => {
                    let mut start = 0;
                    self.fields.clear();
                    for &end in &self.ends[..self.ends_used] {
                        self.fields.push((start, end as u32));
                        start = end as u32;
                    }
                    let text = &self.text[..self.text_used];
                    (self.text_used, self.ends_used) = (0, 0);
                    sink(&Record { text, fields: &self.fields, line: begun, lines: now - begun + 1 })?;
                    // What is left of the line is its end, or a lone carriage return within it.
                    if input.is_empty() {
                        return Ok(true);
                    }
                    whole = input.trim_ascii().is_empty();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(delimiter: Delimiter, chunks: &[&[u8]]) -> Vec<(u32, Vec<String>)> {
        let mut seen = Vec::new();
        let mut sink = |record: &Record<'_>| {
            let fields = (0..record.len()).map(|at| String::from_utf8_lossy(record.field(at)).into_owned()).collect();
            if !record.is_blank() {
                seen.push((record.line(), fields));
            }
            Ok(())
        };
        let mut records = Records::new(&Dialect::new(delimiter));
        for chunk in chunks {
            records.push(chunk, &mut sink).unwrap();
        }
        records.finish(&mut sink).unwrap();
        seen
    }

    #[test]
    fn lines_are_counted_through_blank_lines_quotes_and_crlf_wherever_the_text_is_cut() {
        let text = b"a,b\r\n\r\n\r\nc,\"d\r\ne\"\r\nf,\"g \"\"h\"\"\"\r\n\"x\",y\n\"u,v\",w";
        for at in 0..text.len() {
            let lines: Vec<(u32, String)> = read(Delimiter::Comma, &[&text[..at], &text[at..]])
                .into_iter()
                .map(|(line, fields)| (line, fields[1].clone()))
                .collect();
            let expected = [(1, "b"), (4, "d\r\ne"), (6, "g \"h\""), (7, "y"), (8, "w")];
            assert_eq!(lines, expected.map(|(line, text)| (line, text.to_owned())), "cut at {at}");
        }
    }

    #[test]
    fn double_colons_split_and_single_colons_do_not() {
        let expected = vec![(1, vec!["a:b".to_owned(), "c".into(), ":".into()]), (2, vec!["\"d".into(), "e:".into()])];
        let text = b"a:b::c:::\n\"d::e:";
        for at in 0..text.len() {
            assert_eq!(read(Delimiter::DoubleColon, &[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn any_number_of_blanks_is_one_delimiter() {
        let text = b"  1 2\t\t3  \r\n\n4  \"5 6\n";
        let expected =
            vec![(1, vec!["1".to_owned(), "2".into(), "3".into()]), (3, vec!["4".into(), "\"5".into(), "6".into()])];
        for at in 0..text.len() {
            assert_eq!(read(Delimiter::Spaces, &[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn a_quote_that_never_closes_is_refused_with_its_line_or_ends_with_the_text() {
        let mut records = Records::new(&Dialect::new(Delimiter::Comma));
        let mut text = b"a,b\nc,\"".to_vec();
        text.extend(b"d,e\n".repeat(MAX_RECORD / 4 + 2));
        let refused = records.push(&text, &mut |_| Ok(())).unwrap_err();
        assert_eq!(refused, ReadError::LongRow { line: 2, limit: MAX_RECORD as u32 });
        let mut spans = Vec::new();
        let mut records = Records::new(&Dialect::new(Delimiter::Comma));
        let mut sink = |record: &Record<'_>| {
            spans.push((record.line(), record.lines()));
            Ok(())
        };
        records.push(b"a,b\nc,\"d\ne,f\ng,h\n", &mut sink).unwrap();
        records.finish(&mut sink).unwrap();
        assert_eq!(spans, [(1, 1), (2, 3)]);
    }
}
