//! The part of the ZIP format that finds one file inside (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).

use std::io::Write;

use flate2::write::DeflateDecoder;

use super::ReadError;

pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// One file inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    method: u16,
    encrypted: bool,
    pub(super) packed: u32,
    unpacked: u32,
    offset: u32,
}

impl Entry {
    /// The name without folders, in lower case.
    pub(super) fn base(&self) -> String {
        self.name.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase()
    }

    /// The folder, to find what belongs together.
    fn folder(&self) -> &str {
        self.name.rfind(['/', '\\']).map_or("", |at| &self.name[..at])
    }
}

/// What the directory at the end of the archive lists, folders left out.
pub(super) fn entries(archive: &[u8]) -> Result<Vec<Entry>, ReadError> {
    // The end record is 22 bytes and a comment of at most 65,535.
    let from = archive.len().saturating_sub(22 + 65_535);
    let end = archive[from..].windows(4).rposition(|bytes| bytes == b"PK\x05\x06").map(|at| from + at);
    let end =
        end.ok_or_else(|| bad("its list of contents is missing, so it was probably cut off; download it again"))?;
    let damaged = || bad("its list of contents is damaged; download or pack it again");
    let count = u16_at(archive, end + 10).ok_or_else(damaged)?;
    let mut at = u32_at(archive, end + 16).ok_or_else(damaged)? as usize;
    if count == u16::MAX || at == u32::MAX as usize {
        return Err(bad("it is of the kind for more than 4 GB; unpack it and choose the file inside"));
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = entry(archive, at).ok_or_else(damaged)?;
        at = entry.1;
        if !entry.0.name.ends_with('/') {
            entries.push(entry.0);
        }
    }
    Ok(entries)
}

/// The entry that the directory holds at `at`, and where the next one begins.
fn entry(archive: &[u8], at: usize) -> Option<(Entry, usize)> {
    if archive.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
        return None;
    }
    let length = |offset| u16_at(archive, at + offset).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let name_at = at + 46;
    let entry = Entry {
        name: String::from_utf8_lossy(archive.get(name_at..name_at + name)?).into_owned(),
        encrypted: u16_at(archive, at + 8)? & 1 != 0,
        method: u16_at(archive, at + 10)?,
        packed: u32_at(archive, at + 20)?,
        unpacked: u32_at(archive, at + 24)?,
        offset: u32_at(archive, at + 42)?,
    };
    Some((entry, name_at + name + extra + comment))
}

/// Which entry holds the interactions: a MovieLens file by its name, else what sounds most like it, else the largest table.
pub(super) fn table(entries: &[Entry]) -> Result<&Entry, ReadError> {
    if entries.iter().any(|entry| entry.name == "[Content_Types].xml") {
        let what = "an Excel workbook or Office document".to_owned();
        return Err(ReadError::Binary { what, advice: "export the table as CSV".to_owned() });
    }
    let rank = |entry: &&Entry| {
        let base = entry.base();
        let extension = base.rsplit('.').next().unwrap_or_default();
        let is_table = matches!(extension, "csv" | "tsv" | "dat" | "data" | "txt" | "inter");
        let is_prose =
            ["readme", "license", "licence"].iter().any(|word| base.contains(word)) || base.starts_with("._");
        let sounds = ["rating", "interaction", "events", "train"].iter().any(|word| base.contains(word));
        let known = matches!(base.as_str(), "u.data" | "ratings.dat" | "ratings.csv");
        (is_table && !is_prose).then_some((known, sounds, entry.unpacked))
    };
    let best = entries.iter().filter(|entry| rank(entry).is_some()).max_by_key(rank);
    best.ok_or_else(|| ReadError::NoTable { entries: entries.iter().map(|entry| entry.name.clone()).collect() })
}

/// The MovieLens file of titles that belongs to a table.
pub(super) fn titles<'a>(entries: &'a [Entry], table: &Entry) -> Option<&'a Entry> {
    let name = match table.base().as_str() {
        "u.data" => "u.item",
        "ratings.dat" => "movies.dat",
        "ratings.csv" => "movies.csv",
        _ => return None,
    };
    entries.iter().find(|entry| entry.base() == name && entry.folder() == table.folder())
}

/// Writes an entry's unpacked bytes to `sink`. Where the sink refuses, the error here only says that something failed.
pub(super) fn unpack(archive: &[u8], entry: &Entry, sink: &mut impl Write) -> Result<(), ReadError> {
    let name = &entry.name;
    if entry.encrypted {
        return Err(bad(&format!("`{name}` in it is protected by a password; unpack it and choose that file")));
    }
    let damaged = || bad(&format!("`{name}` in it is damaged or cut off; download or pack it again"));
    // The names and extra fields here may differ in length from those in the directory.
    let at = entry.offset as usize;
    if archive.get(at..at.saturating_add(4)) != Some(MAGIC) {
        return Err(damaged());
    }
    let length = |offset| u16_at(archive, at + offset).map(usize::from).ok_or_else(damaged);
    let from = at + 30 + length(26)? + length(28)?;
    let packed = from.checked_add(entry.packed as usize).and_then(|to| archive.get(from..to)).ok_or_else(damaged)?;
    match entry.method {
        0 => packed.chunks(1 << 16).try_for_each(|chunk| sink.write_all(chunk)).map_err(|_| damaged()),
        8 => {
            let mut decoder = DeflateDecoder::new(sink);
            decoder.write_all(packed).and_then(|()| decoder.try_finish()).map_err(|_| damaged())?;
            // An incomplete stream is no error to the decoder, but the size tells.
            if decoder.total_out() as u32 == entry.unpacked { Ok(()) } else { Err(damaged()) }
        }
        method => Err(bad(&format!(
            "`{name}` in it is packed in a way (method {method}) that is not understood; pack it as an ordinary .zip"
        ))),
    }
}

fn bad(problem: &str) -> ReadError {
    ReadError::BadArchive { problem: problem.to_owned() }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
