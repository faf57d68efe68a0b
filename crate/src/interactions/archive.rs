//! The reader that callers see: text, `.gz`, `.tar`, `.tar.gz` or `.zip`, told apart by their first bytes.

use super::finish::Finish;
use super::inflate::Gunzip;
use super::plan::{Kind, Plan, START, Unpack, head_of};
use super::reader::TextReader;
use super::roles::Note;
use super::source::refused;
use super::{Interactions, ItemTitles, ReadAt, ReadConfig, ReadError, ReadReport, contents, movielens, titles_of, zip};

/// Bytes that a file of titles may unpack to.
const MAX_TITLES: usize = 64 << 20;

/// Reads a file: delimited text in any common layout, JSON, a `.gz` of it (several members too), or a `.zip`, `.tar` or
/// `.tar.gz` with such a file inside. Either the bytes are pushed, in chunks of any size, cut anywhere; or the reader takes
/// them itself from where they lie ([`Reader::open`], [`Reader::step`]), which lets it begin at an archive's end. Memory grows
/// with the rows and distinct ids, not with the text (of an archive that is pushed, the packed bytes are kept). The result
/// depends on the bytes only.
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
    from: Option<From>,
    /// Of another file.
    titles: Option<ItemTitles>,
}

enum Stage {
    /// Too few bytes to tell what it is.
    Start(Vec<u8>),
    /// An archive, kept until it is whole.
    Keep(Vec<u8>),
    Pipe(Box<Pipe>),
    /// All bytes have come; how many were no part of the packed text.
    Finish(Box<Finish>, u64),
    Failed(ReadError),
}

/// Where bytes are taken from.
struct From {
    source: Box<dyn ReadAt>,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    titles: Option<(String, zip::Entry)>,
}

impl Reader {
    /// A reader that has seen nothing, for bytes that are pushed.
    pub fn new(config: ReadConfig) -> Self {
        Reader { config, stage: Stage::Start(Vec::new()), bytes: 0, from: None, titles: None }
    }

    /// A reader that takes the bytes itself; follow with [`Reader::step`] until that says it is done.
    ///
    /// Errors: an archive that is damaged or holds no table; a medium that fails.
    pub fn open(source: Box<dyn ReadAt>, config: ReadConfig) -> Result<Self, ReadError> {
        let plan = Plan::of(&*source, &config)?;
        let text = TextReader::new(config.clone());
        let Plan { at, end, unpack, name, titles, .. } = plan;
        let from = From { source, at, end, buffer: Vec::new(), titles };
        let pipe = Box::new(Pipe { unpack, text, name });
        Ok(Reader { config, stage: Stage::Pipe(pipe), bytes: 0, from: Some(from), titles: None })
    }

    /// Takes up to `most` more bytes. True once all are taken.
    ///
    /// Errors: the medium fails, or the file is refused.
    pub fn step(&mut self, most: usize) -> Result<bool, ReadError> {
        let Some(from) = &mut self.from else { return Ok(true) };
        let length = (from.end - from.at).min(most as u64) as usize;
        if length == 0 {
            return self.failed().map_or(Ok(true), |error| Err(error.clone()));
        }
        let mut buffer = std::mem::take(&mut from.buffer);
        buffer.resize(length, 0);
        let read = from.source.read_at(from.at, &mut buffer).map_err(|error| refused(&error))?;
        from.at += read as u64;
        if read == 0 {
            from.end = from.at;
        }
        self.push(&buffer[..read]);
        if let Some(from) = &mut self.from {
            from.buffer = buffer;
        }
        self.failed().map_or(Ok(read == 0), |error| Err(error.clone()))
    }

    /// Takes titles and genres from the text of another file, as [`super::titles_of`] reads it, instead of those that an archive
    /// may hold beside the rows. How many there are.
    ///
    /// Errors: the text lists no titles.
    pub fn with_titles(&mut self, text: &[u8]) -> Result<u32, ReadError> {
        let titles = titles_of(text);
        if titles.is_empty() {
            return Err(ReadError::NoTitles);
        }
        let count = titles.iter().len() as u32;
        self.titles = Some(titles);
        Ok(count)
    }

    /// The next bytes. Once the file is refused ([`Reader::failed`]) further bytes are ignored.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        match &mut self.stage {
            Stage::Start(start) => {
                start.extend_from_slice(chunk);
                if start.len() >= START {
                    self.begin();
                }
            }
            Stage::Keep(archive) => archive.extend_from_slice(chunk),
            Stage::Pipe(pipe) => {
                if let Err(error) = pipe.push(chunk) {
                    self.stage = Stage::Failed(error);
                }
            }
            Stage::Finish(..) | Stage::Failed(_) => {}
        }
    }

    fn begin(&mut self) {
        let Stage::Start(start) = &mut self.stage else { return };
        let start = std::mem::take(start);
        let kind = Kind::of(&start);
        if matches!(kind, Kind::Zip | Kind::Tar | Kind::TarGz) {
            self.stage = Stage::Keep(start);
            return;
        }
        let text = TextReader::new(self.config.clone());
        let (unpack, name) = match kind {
            Kind::Gzip => (Unpack::Gzip(Gunzip::new()), "gzip"),
            _ => (Unpack::Plain, "text"),
        };
        self.stage = Stage::Pipe(Box::new(Pipe { unpack, text, name: name.to_owned() }));
        self.bytes -= start.len() as u64;
        self.push(&start);
    }

    /// The refusal, as soon as it is certain: no need to read on.
    pub fn failed(&self) -> Option<&ReadError> {
        match &self.stage {
            Stage::Failed(error) => Some(error),
            Stage::Pipe(pipe) => pipe.text.failed(),
            Stage::Start(_) | Stage::Keep(_) | Stage::Finish(..) => None,
        }
    }

    /// Bytes pushed or taken so far, packed if the file is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Usable rows so far, repeated ones included.
    pub fn rows(&self) -> u32 {
        match &self.stage {
            Stage::Pipe(pipe) => pipe.text.rows(),
            Stage::Finish(finish, _) => finish.usable(),
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

    /// As [`Reader::finish`], with the titles and genres of a MovieLens archive; empty for every other file. `part`: the file
    /// is joined to another (a test file), so that one user or one item is enough.
    pub fn finish_with_titles(self, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), ReadError> {
        self.end(part)
    }

    /// As [`Reader::finish`] for a file that is joined to another (a test file): one user or one item is enough.
    pub fn finish_part(self) -> Result<(Interactions, ReadReport), ReadError> {
        self.end(true).map(|(interactions, report, _)| (interactions, report))
    }

    /// Puts what was read in order, a step at a time: true once [`Reader::finish`] has nothing left to do. A step takes some
    /// hundredths of a second, so that whoever calls can stop in between. `part` as in [`Reader::finish_with_titles`].
    ///
    /// Errors: as [`Reader::finish`].
    pub fn settle(&mut self, part: bool) -> Result<bool, ReadError> {
        if let Some(from) = &self.from
            && from.at < from.end
        {
            return self.step(1 << 20).map(|_| false);
        }
        if matches!(self.stage, Stage::Start(_)) {
            self.begin();
        }
        match std::mem::replace(&mut self.stage, Stage::Failed(ReadError::Empty)) {
            Stage::Keep(archive) => {
                let titles = self.titles.take();
                *self = Reader { titles, ..Reader::open(Box::new(archive), self.config.clone())? };
                Ok(false)
            }
            Stage::Pipe(mut pipe) => {
                pipe.finish()?;
                let Pipe { unpack, text, name } = *pipe;
                let garbage = if let Unpack::Gzip(Gunzip { garbage, .. }) = unpack { garbage } else { 0 };
                self.stage = Stage::Finish(Box::new(text.finish(part, name)?), garbage);
                Ok(false)
            }
            Stage::Finish(mut finish, garbage) => {
                let done = finish.step()?;
                self.stage = Stage::Finish(finish, garbage);
                Ok(done)
            }
            Stage::Failed(error) => Err(error),
            Stage::Start(_) => Err(ReadError::Empty),
        }
    }

    fn end(mut self, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), ReadError> {
        while !self.settle(part)? {}
        let Stage::Finish(finish, garbage) = self.stage else { return Err(ReadError::Empty) };
        let (interactions, mut report) = finish.done();
        if garbage > 0 {
            let message = format!("{garbage} bytes behind the packed text are no part of it and were passed over");
            report.notes.push(Note::new("garbage", message));
        }
        let given = self.titles.is_some();
        let mut titles = self.titles.or_else(|| self.from.and_then(|from| from.titles())).unwrap_or_default();
        titles.retain(|id| interactions.items().find(id).is_some());
        if given && titles.is_empty() {
            let message = "the list of titles names none of the items: are items called the same in both files?";
            report.notes.push(Note::new("titles", message.to_owned()));
        }
        Ok((interactions, report, titles))
    }
}

impl From {
    /// Titles are for display: rows are not refused because titles are damaged.
    fn titles(&self) -> Option<ItemTitles> {
        let (name, entry) = self.titles.as_ref()?;
        let at = entry.place(&*self.source).ok()?;
        let text = head_of(&*self.source, (at, at + entry.packed), &mut Unpack::entry(entry), MAX_TITLES).ok()?;
        Some(movielens::titles(&contents::base(name), &text))
    }
}

/// Packed bytes in, rows out.
struct Pipe {
    unpack: Unpack,
    text: TextReader,
    name: String,
}

impl Pipe {
    fn push(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let Pipe { unpack, text, .. } = self;
        let pushed = unpack.push(chunk, &mut |bytes: &[u8]| {
            text.push(bytes);
            text.failed().is_none()
        });
        // The reader's own refusal says more than that it wanted no more bytes.
        match (pushed, text.failed()) {
            (_, Some(error)) => Err(error.clone()),
            (Err(stop), None) => Err(unpack.told(stop)),
            (Ok(()), None) => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), ReadError> {
        if let Some(error) = self.text.failed() {
            return Err(error.clone());
        }
        self.unpack.finish().map_err(|stop| self.unpack.told(stop))
    }
}
