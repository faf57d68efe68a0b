//! The reader that callers see: text, `.gz`, `.tar`, `.tar.gz` or `.zip`, told apart by their first bytes.

use super::inflate::{Gunzip, Inflate, Stop};
use super::reader::TextReader;
use super::roles::Note;
use super::source::{refused, take};
use super::tar::{self, Tar};
use super::{Interactions, ItemTitles, ReadAt, ReadConfig, ReadError, ReadReport, contents, movielens, zip};

/// Bytes that a file of titles may unpack to.
const MAX_TITLES: usize = 64 << 20;
/// Bytes that tell what a file is.
const START: usize = 4 << 10;
/// Unpacked bytes of a `.tar.gz` that are looked through for more files once one is found.
const LOOK: u64 = 256 << 20;
const GZIP: &[u8] = b"\x1f\x8b";

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
}

enum Stage {
    /// Too few bytes to tell what it is.
    Start(Vec<u8>),
    /// An archive, kept until it is whole.
    Keep(Vec<u8>),
    Pipe(Box<Pipe>),
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
        Reader { config, stage: Stage::Start(Vec::new()), bytes: 0, from: None }
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
        Ok(Reader { config, stage: Stage::Pipe(pipe), bytes: 0, from: Some(from) })
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
            Stage::Failed(_) => {}
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
            Stage::Start(_) | Stage::Keep(_) => None,
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

    fn end(mut self, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), ReadError> {
        if matches!(self.stage, Stage::Start(_)) {
            self.begin();
        }
        match self.stage {
            Stage::Keep(archive) => {
                let mut reader = Reader::open(Box::new(archive), self.config)?;
                while !reader.step(1 << 20)? {}
                reader.end(part)
            }
            Stage::Pipe(mut pipe) => {
                pipe.finish()?;
                let Pipe { unpack, text, name } = *pipe;
                let (interactions, mut report) = text.finish(part, name)?;
                if let Unpack::Gzip(Gunzip { garbage: garbage @ 1.., .. }) = unpack {
                    let message =
                        format!("{garbage} bytes behind the packed text are no part of it and were passed over");
                    report.notes.push(Note::new("garbage", message));
                }
                let mut titles = self.from.and_then(|from| from.titles()).unwrap_or_default();
                titles.retain(|id| interactions.items().find(id).is_some());
                Ok((interactions, report, titles))
            }
            Stage::Failed(error) => Err(error),
            Stage::Start(_) => Err(ReadError::Empty),
        }
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

enum Kind {
    Zip,
    Gzip,
    Tar,
    TarGz,
    Text,
}

impl Kind {
    fn of(start: &[u8]) -> Self {
        if start.starts_with(zip::MAGIC) || start.starts_with(b"PK\x05\x06") {
            Kind::Zip
        } else if start.starts_with(GZIP) {
            let mut head = Vec::new();
            let _ = Gunzip::new().push(start, &mut |bytes: &[u8]| {
                head.extend_from_slice(bytes);
                head.len() < tar::BLOCK
            });
            if tar::is_tar(&head) { Kind::TarGz } else { Kind::Gzip }
        } else if tar::is_tar(start) {
            Kind::Tar
        } else {
            Kind::Text
        }
    }
}

/// Which bytes of a file are to be read, and how.
pub(super) struct Plan {
    pub(super) at: u64,
    pub(super) end: u64,
    pub(super) unpack: Unpack,
    /// What the report calls it.
    pub(super) name: String,
    /// What else the archive holds.
    pub(super) files: Vec<(String, u64)>,
    pub(super) zipped: Vec<zip::Entry>,
    /// Bytes once unpacked, where that is known.
    pub(super) unpacked: Option<u64>,
    titles: Option<(String, zip::Entry)>,
}

impl Plan {
    pub(super) fn of(source: &dyn ReadAt, config: &ReadConfig) -> Result<Self, ReadError> {
        let kind = Kind::of(&take(source, 0, START)?);
        let whole = |unpack, name: &str| Plan {
            at: 0,
            end: source.size(),
            unpack,
            name: name.to_owned(),
            files: Vec::new(),
            zipped: Vec::new(),
            unpacked: None,
            titles: None,
        };
        let asked = config.entry.as_deref();
        match kind {
            Kind::Text => Ok(Plan { unpacked: Some(source.size()), ..whole(Unpack::Plain, "text") }),
            Kind::Gzip => Ok(whole(Unpack::Gzip(Gunzip::new()), "gzip")),
            Kind::Tar | Kind::TarGz => {
                let gunzip = || matches!(kind, Kind::TarGz).then(Gunzip::new);
                let files = tar_files(source, gunzip())?;
                let names: Vec<(&str, u64)> = files.iter().map(|(name, size)| (name.as_str(), *size)).collect();
                let (wanted, size) = files[contents::choose(&names, asked)?].clone();
                let name = format!("tar: {wanted}");
                let tar = Box::new(InTar { gunzip: gunzip(), tar: Tar::default(), wanted, inside: false, done: false });
                Ok(Plan { unpacked: Some(size), files, ..whole(Unpack::Tar(tar), &name) })
            }
            Kind::Zip => {
                let zipped = zip::entries(source)?;
                let names: Vec<(&str, u64)> =
                    zipped.iter().map(|entry| (entry.name.as_str(), entry.unpacked)).collect();
                let entry = &zipped[contents::choose(&names, asked)?];
                let at = entry.place(source)?;
                let titles =
                    contents::titles(&names, &entry.name).map(|at| (zipped[at].name.clone(), zipped[at].clone()));
                let files = zipped.iter().map(|entry| (entry.name.clone(), entry.unpacked)).collect();
                let whole = whole(Unpack::entry(entry), &format!("zip: {}", entry.name));
                let (end, unpacked) = (at + entry.packed, Some(entry.unpacked));
                Ok(Plan { at, end, files, unpacked, titles, zipped, ..whole })
            }
        }
    }

    /// The first unpacked bytes.
    pub(super) fn head(&mut self, source: &dyn ReadAt, limit: usize) -> Result<Vec<u8>, ReadError> {
        head_of(source, (self.at, self.end), &mut self.unpack, limit)
    }
}

/// The first unpacked bytes of a range; fewer where it ends. Where nothing at all can be unpacked, why.
pub(super) fn head_of(
    source: &dyn ReadAt,
    (mut at, end): (u64, u64),
    unpack: &mut Unpack,
    limit: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut head = Vec::new();
    while at < end && head.len() < limit {
        let chunk = take(source, at, (end - at).min(64 << 10) as usize)?;
        if chunk.is_empty() {
            break;
        }
        at += chunk.len() as u64;
        let pushed = unpack.push(&chunk, &mut |bytes: &[u8]| {
            head.extend_from_slice(&bytes[..bytes.len().min(limit - head.len())]);
            head.len() < limit
        });
        match pushed {
            Err(Stop::Enough) => break,
            Err(stop) if head.is_empty() => return Err(unpack.told(stop)),
            Err(_) => break,
            Ok(()) => {}
        }
    }
    Ok(head)
}

/// The names and sizes in a tar file.
fn tar_files(source: &dyn ReadAt, mut gunzip: Option<Gunzip>) -> Result<Vec<(String, u64)>, ReadError> {
    let (mut tar, mut files, mut seen, mut sound) = (Tar::default(), Vec::new(), 0u64, true);
    let mut at = 0;
    while at < source.size() && sound {
        let chunk = take(source, at, 256 << 10)?;
        if chunk.is_empty() {
            break;
        }
        at += chunk.len() as u64;
        let mut each = |bytes: &[u8]| {
            seen += bytes.len() as u64;
            sound = tar.push(bytes, &mut |found| {
                if let (tar::Found::File(name, size), false) = (&found, matches!(found, tar::Found::File("", _))) {
                    files.push(((*name).to_owned(), *size));
                }
                true
            });
            sound && (seen < LOOK || !files.iter().any(|(name, _)| contents::is_table(name)))
        };
        match &mut gunzip {
            None => {
                if !each(&chunk) {
                    break;
                }
            }
            Some(gunzip) => match gunzip.push(&chunk, &mut each) {
                Ok(()) => {}
                Err(Stop::Enough) => break,
                Err(stop) => return Err(Unpack::Plain.told(stop)),
            },
        }
    }
    if at >= source.size() && !tar.whole() {
        return Err(bad("it is cut off within a file; download or pack it again"));
    }
    if files.is_empty() || !sound {
        return Err(bad("its list of files is damaged; download or pack it again"));
    }
    Ok(files)
}

/// How packed bytes become text.
pub(super) enum Unpack {
    Plain,
    Gzip(Gunzip),
    Zip(Option<Inflate>, zip::Entry),
    Tar(Box<InTar>),
}

pub(super) struct InTar {
    gunzip: Option<Gunzip>,
    tar: Tar,
    wanted: String,
    inside: bool,
    done: bool,
}

impl Unpack {
    pub(super) fn entry(entry: &zip::Entry) -> Self {
        Unpack::Zip((entry.method == 8).then(Inflate::new), entry.clone())
    }

    fn push(&mut self, chunk: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Stop> {
        match self {
            Unpack::Plain | Unpack::Zip(None, _) => {
                if take(chunk) {
                    Ok(())
                } else {
                    Err(Stop::Enough)
                }
            }
            Unpack::Gzip(gunzip) => gunzip.push(chunk, take),
            Unpack::Zip(Some(inflate), _) => inflate.push(chunk, take).map(|_| ()),
            Unpack::Tar(in_tar) => {
                let InTar { gunzip, tar, wanted, inside, done } = &mut **in_tar;
                let mut sound = true;
                let mut each = |bytes: &[u8]| {
                    let mut more = true;
                    sound = *done
                        || tar.push(bytes, &mut |found| {
                            match found {
                                tar::Found::File(name, _) => {
                                    *done = *inside;
                                    *inside = !*done && name == wanted;
                                }
                                tar::Found::Bytes(bytes) if *inside => more = take(bytes),
                                tar::Found::Bytes(_) => {}
                            }
                            more && !*done
                        });
                    more && sound
                };
                let pushed = match gunzip {
                    Some(gunzip) => gunzip.push(chunk, &mut each),
                    None => {
                        if each(chunk) {
                            Ok(())
                        } else {
                            Err(Stop::Enough)
                        }
                    }
                };
                if sound { pushed } else { Err(Stop::Damaged) }
            }
        }
    }

    /// Is what came whole?
    fn finish(&mut self) -> Result<(), Stop> {
        match self {
            Unpack::Plain => Ok(()),
            Unpack::Zip(None, entry) => {
                if entry.packed == entry.unpacked {
                    Ok(())
                } else {
                    Err(Stop::Damaged)
                }
            }
            Unpack::Gzip(gunzip) => gunzip.finish(),
            // An incomplete stream is no error to the decoder, but the size tells.
            Unpack::Zip(Some(inflate), entry) => {
                if inflate.unpacked() == entry.unpacked {
                    Ok(())
                } else {
                    Err(Stop::Damaged)
                }
            }
            Unpack::Tar(in_tar) => {
                if in_tar.done {
                    return Ok(());
                }
                in_tar.gunzip.as_mut().map_or(Ok(()), Gunzip::finish)?;
                if in_tar.tar.whole() { Ok(()) } else { Err(Stop::Damaged) }
            }
        }
    }

    fn told(&self, stop: Stop) -> ReadError {
        match (stop, self) {
            (Stop::TooLarge(error), _) => error,
            (_, Unpack::Zip(_, entry)) => entry.damaged(),
            (_, Unpack::Tar(in_tar)) => {
                bad(&format!("`{}` in it is damaged or cut off; download or pack it again", in_tar.wanted))
            }
            _ => bad("it begins as a .gz file but is damaged or cut off; download or pack it again"),
        }
    }
}

fn bad(problem: &str) -> ReadError {
    ReadError::BadArchive { problem: problem.to_owned() }
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
