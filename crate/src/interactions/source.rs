//! Bytes wherever they lie, read where they are needed: a file, memory, or whatever a surface has.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::ReadError;

/// Random access to a file's bytes, so that the list at the end of an archive is read without what comes before it.
pub trait ReadAt {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Reads bytes from `offset` on into `buffer`; how many, 0 only at the end.
    ///
    /// Errors: whatever the medium has; told to the person as it is.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|from| self.get(from..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}

impl ReadAt for File {
    fn size(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}

impl<S: ReadAt + ?Sized> ReadAt for &S {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buffer)
    }
}

/// Up to `length` bytes from `offset` on; fewer where the file ends.
pub(super) fn take(source: &dyn ReadAt, offset: u64, length: usize) -> Result<Vec<u8>, ReadError> {
    let length = source.size().saturating_sub(offset).min(length as u64) as usize;
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let read = source.read_at(offset + filled as u64, &mut bytes[filled..]).map_err(|error| refused(&error))?;
        if read == 0 {
            break;
        }
        filled += read;
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// A medium that fails.
pub(super) fn refused(error: &io::Error) -> ReadError {
    ReadError::File { problem: error.to_string() }
}
