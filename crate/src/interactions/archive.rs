//! The reader that callers see: plain text, `.gz` or `.zip`, told apart by their first bytes.

use std::io::Write;

use flate2::write::MultiGzDecoder;

use super::reader::TextReader;
use super::{Interactions, Preview, ReadConfig, ReadError, ReadReport, sniff};

/// Megabytes that an archive may unpack to.
const MAX_UNPACKED_MB: u32 = 4_096;
/// Unpacked bytes per packed byte; tables of interactions pack 3 to 20 times, deflate at most 1,032 times.
const MAX_RATIO: u64 = 250;
/// Unpacked bytes below which no ratio is suspicious.
const RATIO_FREE: u64 = 16 << 20;

const GZIP: &[u8] = b"\x1f\x8b";

/// Reads a file that arrives in chunks of any size, cut anywhere: delimited text, or a `.gz` of it (several members too).
/// Memory grows with the rows and distinct ids, not with the text. The result depends on the bytes only.
///
/// ```
/// use ultrare::interactions::{ReadConfig, Reader};
/// let mut reader = Reader::new(ReadConfig::default());
/// reader.push(b"user,item,rating\nanna,emma,5\nbela,em");
/// reader.push(b"ma,4\nbela,ulysses,2\n");
/// let (interactions, report) = reader.finish().unwrap();
/// assert_eq!((interactions.users().len(), report.summary.rows), (2, 3));
/// ```
pub struct Reader {
    config: ReadConfig,
    stage: Stage,
    bytes: u64,
}

enum Stage {
    /// Too few bytes to tell what it is.
    Start(Vec<u8>),
    Text(TextReader),
    Gzip(Box<MultiGzDecoder<Unpacked>>),
    Failed(ReadError),
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(config: ReadConfig) -> Self {
        Reader { config, stage: Stage::Start(Vec::new()), bytes: 0 }
    }

    /// The next bytes. Once the file is refused ([`Reader::failed`]) further bytes are ignored.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        match &mut self.stage {
            Stage::Start(start) => {
                start.extend_from_slice(chunk);
                if start.len() >= 4 {
                    self.begin();
                }
            }
            Stage::Text(text) => text.push(chunk),
            Stage::Gzip(gzip) => {
                gzip.get_mut().packed += chunk.len() as u64;
                if let Err(error) = gzip.write_all(chunk) {
                    let refused = gzip.get_mut().refused.take().or_else(|| gzip.get_ref().text.failed().cloned());
                    self.stage = Stage::Failed(refused.unwrap_or_else(|| bad_gzip(&error)));
                }
            }
            Stage::Failed(_) => {}
        }
    }

    fn begin(&mut self) {
        let Stage::Start(start) = &mut self.stage else { return };
        let start = std::mem::take(start);
        let text = TextReader::new(self.config.clone());
        self.bytes -= start.len() as u64;
        self.stage = if start.starts_with(GZIP) {
            let unpacked = Unpacked { text, packed: 0, unpacked: 0, refused: None };
            Stage::Gzip(Box::new(MultiGzDecoder::new(unpacked)))
        } else {
            Stage::Text(text)
        };
        self.push(&start);
    }

    /// The refusal, as soon as it is certain: no need to read on.
    pub fn failed(&self) -> Option<&ReadError> {
        match &self.stage {
            Stage::Failed(error) => Some(error),
            Stage::Text(text) => text.failed(),
            Stage::Gzip(gzip) => gzip.get_ref().text.failed(),
            Stage::Start(_) => None,
        }
    }

    /// Bytes pushed so far, packed if the file is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Usable rows so far, repeated ones included.
    pub fn rows(&self) -> u32 {
        match &self.stage {
            Stage::Text(text) => text.rows(),
            Stage::Gzip(gzip) => gzip.get_ref().text.rows(),
            _ => 0,
        }
    }

    /// The text has ended. All rows have [`super::Fate::Train`].
    ///
    /// Errors: see [`ReadError`]; nothing usable, fewer than two users or items, and what makes the file as a whole
    /// unreadable. Single bad rows are counted in the report.
    pub fn finish(self) -> Result<(Interactions, ReadReport), ReadError> {
        self.end(false)
    }

    /// As [`Reader::finish`] for a file that is joined to another (a test file): one user or one item is enough.
    pub fn finish_part(self) -> Result<(Interactions, ReadReport), ReadError> {
        self.end(true)
    }

    fn end(mut self, part: bool) -> Result<(Interactions, ReadReport), ReadError> {
        if matches!(self.stage, Stage::Start(_)) {
            self.begin();
        }
        match self.stage {
            Stage::Text(text) => text.finish(part, "text".to_owned()),
            Stage::Gzip(mut gzip) => {
                if let Err(error) = gzip.try_finish() {
                    let unpacked = gzip.get_mut();
                    let refused = unpacked.refused.take().or_else(|| unpacked.text.failed().cloned());
                    return Err(refused.unwrap_or_else(|| bad_gzip(&error)));
                }
                let empty = TextReader::new(self.config);
                std::mem::replace(&mut gzip.get_mut().text, empty).finish(part, "gzip".to_owned())
            }
            Stage::Failed(error) => Err(error),
            Stage::Start(_) => Err(ReadError::Empty),
        }
    }
}

/// Where unpacked bytes go; refuses what grows beyond all bounds.
struct Unpacked {
    text: TextReader,
    packed: u64,
    unpacked: u64,
    refused: Option<ReadError>,
}

impl Write for Unpacked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.unpacked += bytes.len() as u64;
        self.refused = too_large(self.packed, self.unpacked);
        self.text.push(bytes);
        if self.refused.is_some() || self.text.failed().is_some() {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn too_large(packed: u64, unpacked: u64) -> Option<ReadError> {
    let limit = u64::from(MAX_UNPACKED_MB) << 20;
    let suspicious = unpacked > RATIO_FREE && unpacked > packed.saturating_mul(MAX_RATIO);
    let error = || ReadError::ArchiveTooLarge {
        limit: if suspicious { (unpacked >> 20) as u32 } else { MAX_UNPACKED_MB },
        unpacked_from: packed,
    };
    (unpacked > limit || suspicious).then(error)
}

fn bad_gzip(error: &std::io::Error) -> ReadError {
    let problem = format!("it begins as a .gz file but is damaged or cut off ({error}); download or pack it again");
    ReadError::BadArchive { problem }
}

/// Shows what a reader would make of a file that begins with these bytes; a few kilobytes suffice, 64 kB are as good as the
/// whole file. Columns that are missing or badly chosen become the preview's `problem`, so that they can be chosen while
/// looking at the rows.
///
/// Errors: not text, empty, no delimiter, or an archive whose beginning cannot be unpacked.
pub fn preview(first_bytes: &[u8], config: &ReadConfig) -> Result<Preview, ReadError> {
    if !first_bytes.starts_with(GZIP) {
        return sniff::preview(&first_bytes[..first_bytes.len().min(sniff::HEAD)], config);
    }
    let mut unpacked = flate2::write::MultiGzDecoder::new(Head(Vec::new()));
    let error = unpacked.write_all(first_bytes).and_then(|()| unpacked.flush()).err();
    let head = &unpacked.get_ref().0;
    match error {
        Some(error) if head.is_empty() => Err(bad_gzip(&error)),
        _ => sniff::preview(head, config),
    }
}

/// Keeps as much as sniffing needs.
struct Head(Vec<u8>);

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = sniff::HEAD - self.0.len();
        if room == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
