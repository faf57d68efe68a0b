//! Which bytes of a file are to be read, and how packed bytes become text.

use super::inflate::{Gunzip, Inflate, Stop};
use super::source::take;
use super::tar::{self, Tar};
use super::{ReadAt, ReadConfig, ReadError, contents, zip};

/// Bytes that tell what a file is.
pub(super) const START: usize = 4 << 10;
/// Unpacked bytes of a `.tar.gz` that are looked through for more files once one is found.
const LOOK: u64 = 256 << 20;
const GZIP: &[u8] = b"\x1f\x8b";

/// What a file is, by its first bytes.
pub(super) enum Kind {
    Zip,
    Gzip,
    Tar,
    TarGz,
    Text,
}

impl Kind {
    pub(super) fn of(start: &[u8]) -> Self {
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
    pub(super) titles: Option<(String, zip::Entry)>,
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

    pub(super) fn push(&mut self, chunk: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Stop> {
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
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
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

    pub(super) fn told(&self, stop: Stop) -> ReadError {
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
