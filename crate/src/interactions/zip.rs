//! The part of the ZIP format that finds one file inside (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.14 to 16). Only
//! the list at the end is read, and of the file that is wanted its own bytes: the archive may be of any size.

use super::source::take;
use super::{ReadAt, ReadError};

pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// The end record and the longest comment behind it.
const TAIL: usize = 22 + 65_535;
/// Bytes that the list of contents may have.
const MAX_LIST: u64 = 256 << 20;

/// One file inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: u16,
    encrypted: bool,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    offset: u64,
}

/// What the directory at the end of the archive lists, folders left out.
pub(super) fn entries(archive: &dyn ReadAt) -> Result<Vec<Entry>, ReadError> {
    let from = archive.size().saturating_sub(TAIL as u64);
    let tail = take(archive, from, TAIL)?;
    let end = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06");
    let end =
        end.ok_or_else(|| bad("its list of contents is missing, so it was probably cut off; download it again"))?;
    let damaged = || bad("its list of contents is damaged; download or pack it again");
    let mut count = u64::from(u16_at(&tail, end + 10).ok_or_else(damaged)?);
    let mut length = u64::from(u32_at(&tail, end + 12).ok_or_else(damaged)?);
    let mut at = u64::from(u32_at(&tail, end + 16).ok_or_else(damaged)?);
    // Larger than 4 GB: a locator before the end record says where the larger end record is.
    if (count == u64::from(u16::MAX) || at == u64::from(u32::MAX) || length == u64::from(u32::MAX))
        && let Some(locator) = end.checked_sub(20).and_then(|locator| tail.get(locator..end))
        && locator.starts_with(b"PK\x06\x07")
    {
        let place = u64_at(locator, 8).ok_or_else(damaged)?;
        let record = take(archive, place, 56)?;
        if !record.starts_with(b"PK\x06\x06") {
            return Err(damaged());
        }
        count = u64_at(&record, 32).ok_or_else(damaged)?;
        length = u64_at(&record, 40).ok_or_else(damaged)?;
        at = u64_at(&record, 48).ok_or_else(damaged)?;
    }
    if length > MAX_LIST {
        return Err(damaged());
    }
    let list = take(archive, at, length as usize)?;
    let (mut entries, mut at) = (Vec::new(), 0);
    for _ in 0..count {
        let (found, next) = entry(&list, at).ok_or_else(damaged)?;
        at = next;
        if !found.name.ends_with('/') {
            entries.push(found);
        }
    }
    Ok(entries)
}

/// The entry that the directory holds at `at`, and where the next one begins.
fn entry(list: &[u8], at: usize) -> Option<(Entry, usize)> {
    if list.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
        return None;
    }
    let length = |offset| u16_at(list, at + offset).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let name_at = at + 46;
    let mut entry = Entry {
        name: String::from_utf8_lossy(list.get(name_at..name_at + name)?).into_owned(),
        encrypted: u16_at(list, at + 8)? & 1 != 0,
        method: u16_at(list, at + 10)?,
        packed: u32_at(list, at + 20)?.into(),
        unpacked: u32_at(list, at + 24)?.into(),
        offset: u32_at(list, at + 42)?.into(),
    };
    // Sizes that do not fit stand in an extra field, those that are needed in this order.
    let mut fields = list.get(name_at + name..name_at + name + extra)?;
    while let (Some(id), Some(size)) = (u16_at(fields, 0), u16_at(fields, 2)) {
        let body = fields.get(4..4 + usize::from(size))?;
        if id == 1 {
            let mut at = 0;
            for value in [&mut entry.unpacked, &mut entry.packed, &mut entry.offset] {
                if *value == u64::from(u32::MAX) {
                    *value = u64_at(body, at)?;
                    at += 8;
                }
            }
        }
        fields = &fields[4 + usize::from(size)..];
    }
    Some((entry, name_at + name + extra + comment))
}

impl Entry {
    /// Where its packed bytes begin.
    ///
    /// Errors: a password, a packing that is not understood, a place where no file begins.
    pub(super) fn place(&self, archive: &dyn ReadAt) -> Result<u64, ReadError> {
        let name = &self.name;
        if self.encrypted {
            return Err(bad(&format!("`{name}` in it is protected by a password; unpack it and choose that file")));
        }
        if !matches!(self.method, 0 | 8) {
            return Err(bad(&format!(
                "`{name}` in it is packed in a way (method {}) that is not understood; pack it as an ordinary .zip",
                self.method
            )));
        }
        // The names and extra fields here may differ in length from those in the directory.
        let header = take(archive, self.offset, 30)?;
        let place = || {
            let lengths = u64::from(u16_at(&header, 26)?) + u64::from(u16_at(&header, 28)?);
            let from = (self.offset + 30).checked_add(lengths)?;
            let fits = from.checked_add(self.packed)? <= archive.size();
            (header.starts_with(MAGIC) && fits).then_some(from)
        };
        place().ok_or_else(|| self.damaged())
    }

    /// What is said where its bytes do not unpack to what the list says.
    pub(super) fn damaged(&self) -> ReadError {
        bad(&format!("`{}` in it is damaged or cut off; download or pack it again", self.name))
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

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
