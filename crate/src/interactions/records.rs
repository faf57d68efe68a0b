//! Bytes to records of fields: csv-core, fed with chunks of any size.

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::{Delimiter, ReadError};

/// A row longer than this is a quote that was never closed; the bound keeps memory flat.
pub(super) const MAX_RECORD: usize = 1 << 20;
/// The same bound for a row of delimiters.
const MAX_COLUMNS: usize = 1 << 16;
/// Stands for `::`, which csv-core cannot split at; the unit separator occurs in no text file.
const UNIT_SEPARATOR: u8 = 0x1f;

/// One record, its fields unquoted.
pub(super) struct Record<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    end_line: u64,
}

impl<'a> Record<'a> {
    /// How many fields.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field without the blanks around it.
    pub(super) fn field(&self, index: usize) -> &'a [u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text[start..self.ends[index]].trim_ascii()
    }

    /// Nothing but blanks in one column?
    pub(super) fn is_blank(&self) -> bool {
        self.ends.len() == 1 && self.text.trim_ascii().is_empty()
    }

    /// The line in which it begins, from 1. Counted back from its end: blank lines before a record leave no trace.
    pub(super) fn line(&self) -> u32 {
        let inside = self.text.iter().filter(|&&byte| byte == b'\n').count() as u64;
        (self.end_line - inside.min(self.end_line - 1)).min(u64::from(u32::MAX)) as u32
    }
}

/// Cuts a stream of bytes into records. Memory: the longest record.
pub(super) struct Records {
    csv: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    text_used: usize,
    ends_used: usize,
    last_byte: u8,
    double_colon: Option<DoubleColon>,
}

impl Records {
    pub(super) fn new(delimiter: Delimiter) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(match delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
            Delimiter::DoubleColon => UNIT_SEPARATOR,
        });
        let double_colon = (delimiter == Delimiter::DoubleColon).then(DoubleColon::default);
        builder.quoting(double_colon.is_none());
        Records {
            csv: builder.build(),
            text: vec![0; 1024],
            ends: vec![0; 32],
            text_used: 0,
            ends_used: 0,
            last_byte: 0,
            double_colon,
        }
    }

    /// Hands every record that `chunk` completes to `sink`, until that returns an error.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut impl FnMut(Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self.double_colon.take() {
            None => self.feed(chunk, sink),
            Some(mut mapping) => {
                let mapped = mapping.map(chunk);
                let fed = self.feed(&mapped, sink);
                self.double_colon = Some(mapping);
                fed
            }
        }
    }

    /// The text has ended: hands over the last record if its line was not ended.
    pub(super) fn finish(
        &mut self,
        sink: &mut impl FnMut(Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if self.double_colon.take().is_some_and(|mapping| mapping.colon) {
            self.feed(b":", sink)?;
        }
        while self.step(&mut &[][..], sink)? {}
        Ok(())
    }

    fn feed(
        &mut self,
        mut input: &[u8],
        sink: &mut impl FnMut(Record<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        while !input.is_empty() {
            self.step(&mut input, sink)?;
        }
        Ok(())
    }

    /// One call of csv-core, which takes an empty input for the end of the text. False once that is reached.
    fn step(
        &mut self,
        input: &mut &[u8],
        sink: &mut impl FnMut(Record<'_>) -> Result<(), ReadError>,
    ) -> Result<bool, ReadError> {
        let (result, read, written, ended) =
            self.csv.read_record(input, &mut self.text[self.text_used..], &mut self.ends[self.ends_used..]);
        if read > 0 {
            self.last_byte = input[read - 1];
            *input = &input[read..];
        }
        self.text_used += written;
        self.ends_used += ended;
        // A record that ended with a line feed has moved the counter on; one cut off by the end of the text has not.
        let end_line = self.csv.line() - u64::from(read > 0 && self.last_byte == b'\n' && self.csv.line() > 1);
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull if self.text.len() < MAX_RECORD => self.text.resize(self.text.len() * 2, 0),
            ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_COLUMNS => {
                self.ends.resize(self.ends.len() * 2, 0);
            }
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                let record = Record { text: &self.text[..self.text_used], ends: &[], end_line: self.csv.line() };
                return Err(ReadError::LongRow { line: record.line(), limit: MAX_RECORD as u32 });
            }
            ReadRecordResult::Record => {
                let (text, ends) = (&self.text[..self.text_used], &self.ends[..self.ends_used]);
                (self.text_used, self.ends_used) = (0, 0);
                sink(Record { text, ends, end_line })?;
            }
            ReadRecordResult::End => return Ok(false),
        }
        Ok(true)
    }
}

/// Replaces `::` by one byte, also where a chunk ends between the colons.
#[derive(Default)]
struct DoubleColon {
    colon: bool,
}

impl DoubleColon {
    fn map(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut mapped = Vec::with_capacity(chunk.len() + 1);
        for &byte in chunk {
            match (self.colon, byte) {
                (true, b':') => mapped.push(UNIT_SEPARATOR),
                (false, b':') => {}
                (true, _) => mapped.extend([b':', byte]),
                (false, _) => mapped.push(byte),
            }
            self.colon = !self.colon && byte == b':';
        }
        mapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(delimiter: Delimiter, chunks: &[&[u8]]) -> Vec<(u32, Vec<String>)> {
        let mut seen = Vec::new();
        let mut sink = |record: Record<'_>| {
            let fields = (0..record.len()).map(|at| String::from_utf8_lossy(record.field(at)).into_owned()).collect();
            seen.push((record.line(), fields));
            Ok(())
        };
        let mut records = Records::new(delimiter);
        for chunk in chunks {
            records.push(chunk, &mut sink).unwrap();
        }
        records.finish(&mut sink).unwrap();
        seen
    }

    #[test]
    fn lines_are_counted_through_blank_lines_quotes_and_crlf() {
        let text = b"a,b\r\n\r\n\r\nc,\"d\r\ne\"\r\nf,\"g \"\"h\"\"\"";
        let lines: Vec<(u32, String)> =
            read(Delimiter::Comma, &[text]).into_iter().map(|(line, fields)| (line, fields[1].clone())).collect();
        assert_eq!(lines, [(1, "b".into()), (4, "d\r\ne".into()), (6, "g \"h\"".into())]);
    }

    #[test]
    fn double_colons_split_and_single_colons_do_not() {
        let expected = vec![(1, vec!["a:b".to_owned(), "c".into(), ":".into()]), (2, vec!["\"d".into(), "e:".into()])];
        let text = b"a:b::c:::\n\"d::e:";
        assert_eq!(read(Delimiter::DoubleColon, &[text]), expected);
        for at in 0..text.len() {
            assert_eq!(read(Delimiter::DoubleColon, &[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn a_quote_that_never_closes_is_refused_with_its_line() {
        let mut records = Records::new(Delimiter::Comma);
        let mut text = b"a,b\nc,\"".to_vec();
        text.extend(b"d,e\n".repeat(MAX_RECORD / 4 + 2));
        let refused = records.push(&text, &mut |_| Ok(())).unwrap_err();
        assert_eq!(refused, ReadError::LongRow { line: 2, limit: MAX_RECORD as u32 });
    }
}
