//! The reader that callers see: plain text, `.gz` or `.zip`, told apart by their first bytes.

use std::io::Write;

use flate2::write::MultiGzDecoder;

use super::reader::TextReader;
use super::{Interactions, ItemTitles, Preview, ReadConfig, ReadError, ReadReport, movielens, sniff, zip};

/// Megabytes that an archive may unpack to.
const MAX_UNPACKED_MB: u32 = 4_096;
/// Unpacked bytes per packed byte; tables of interactions pack 3 to 20 times, deflate at most 1,032 times.
const MAX_RATIO: u64 = 250;
/// Unpacked bytes below which no ratio is suspicious.
const RATIO_FREE: u64 = 16 << 20;

/// Bytes that a file of titles may unpack to.
const MAX_TITLES: usize = 64 << 20;

const GZIP: &[u8] = b"\x1f\x8b";

/// Reads a file that arrives in chunks of any size, cut anywhere: delimited text, a `.gz` of it (several members too), or
/// a `.zip` with such a file inside. Memory grows with the rows and distinct ids, not with the text (of a `.zip`, whose list
/// of contents stands at its end, the packed bytes are kept). The result depends on the bytes only.
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
    Zip(Vec<u8>),
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
            Stage::Zip(archive) => archive.extend_from_slice(chunk),
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
        } else if start.starts_with(zip::MAGIC) {
            Stage::Zip(Vec::new())
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
            Stage::Start(_) | Stage::Zip(_) => None,
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
        self.end(false).map(|(interactions, report, _)| (interactions, report))
    }

    /// As [`Reader::finish`], with the titles and genres of a MovieLens archive; empty for every other file.
    pub fn finish_with_titles(self) -> Result<(Interactions, ReadReport, ItemTitles), ReadError> {
        self.end(false)
    }

    /// As [`Reader::finish`] for a file that is joined to another (a test file): one user or one item is enough.
    pub fn finish_part(self) -> Result<(Interactions, ReadReport), ReadError> {
        self.end(true).map(|(interactions, report, _)| (interactions, report))
    }

    fn end(mut self, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), ReadError> {
        if matches!(self.stage, Stage::Start(_)) {
            self.begin();
        }
        let untitled = |(interactions, report)| (interactions, report, ItemTitles::default());
        match self.stage {
            Stage::Text(text) => text.finish(part, "text".to_owned()).map(untitled),
            Stage::Zip(archive) => read_zip(&archive, self.config, part),
            Stage::Gzip(mut gzip) => {
                if let Err(error) = gzip.try_finish() {
                    let unpacked = gzip.get_mut();
                    let refused = unpacked.refused.take().or_else(|| unpacked.text.failed().cloned());
                    return Err(refused.unwrap_or_else(|| bad_gzip(&error)));
                }
                let empty = TextReader::new(self.config);
                std::mem::replace(&mut gzip.get_mut().text, empty).finish(part, "gzip".to_owned()).map(untitled)
            }
            Stage::Failed(error) => Err(error),
            Stage::Start(_) => Err(ReadError::Empty),
        }
    }
}

fn read_zip(
    archive: &[u8],
    config: ReadConfig,
    part: bool,
) -> Result<(Interactions, ReadReport, ItemTitles), ReadError> {
    let entries = zip::entries(archive)?;
    let table = zip::table(&entries)?;
    let text = TextReader::new(config);
    let mut unpacked = Unpacked { text, packed: u64::from(table.packed), unpacked: 0, refused: None };
    let done = zip::unpack(archive, table, &mut unpacked);
    let Unpacked { text, refused, .. } = unpacked;
    // The reader's own refusal says more than that writing to it failed.
    if let Some(error) = refused.or_else(|| text.failed().cloned()) {
        return Err(error);
    }
    done?;
    let (interactions, report) = text.finish(part, format!("zip: {}", table.name))?;
    // Titles are for display: rows are not refused because titles are damaged.
    let titles = zip::titles(&entries, table).and_then(|entry| {
        let mut text = Head { bytes: Vec::new(), limit: MAX_TITLES };
        zip::unpack(archive, entry, &mut text).ok().map(|()| movielens::titles(&entry.base(), &text.bytes))
    });
    Ok((interactions, report, titles.unwrap_or_default()))
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
/// whole file. Of a `.zip` the whole file is needed: its list of contents stands at the end. Columns that are missing or badly chosen become the preview's `problem`, so that they can be chosen while
/// looking at the rows.
///
/// Errors: not text, empty, no delimiter, or an archive whose beginning cannot be unpacked.
pub fn preview(first_bytes: &[u8], config: &ReadConfig) -> Result<Preview, ReadError> {
    let mut head = Head { bytes: Vec::new(), limit: sniff::HEAD };
    let unpacked = if first_bytes.starts_with(GZIP) {
        let mut gzip = MultiGzDecoder::new(&mut head);
        let done = gzip.write_all(first_bytes).and_then(|()| gzip.flush());
        done.map_err(|error| bad_gzip(&error))
    } else if first_bytes.starts_with(zip::MAGIC) {
        let entries = zip::entries(first_bytes)?;
        zip::unpack(first_bytes, zip::table(&entries)?, &mut head)
    } else {
        return sniff::preview(&first_bytes[..first_bytes.len().min(sniff::HEAD)], config);
    };
    // A full head ends the unpacking early, which is no error.
    match unpacked {
        Err(error) if head.bytes.is_empty() => Err(error),
        _ => sniff::preview(&head.bytes, config),
    }
}

/// Keeps so many bytes, then refuses more.
struct Head {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.limit - self.bytes.len();
        if room == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len().min(room))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
