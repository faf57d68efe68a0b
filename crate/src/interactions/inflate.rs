//! Packed bytes to unpacked ones, chunk by chunk: a bare deflate stream, or gzip's members as gzip(1) takes them.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::ReadError;

/// Megabytes that an archive may unpack to.
const MAX_UNPACKED_MB: u32 = 65_536;
/// Unpacked bytes per packed byte; tables of interactions pack 3 to 20 times, deflate at most 1,032 times.
const MAX_RATIO: u64 = 250;
/// Unpacked bytes below which no ratio is suspicious.
const RATIO_FREE: u64 = 16 << 20;
/// Unpacked bytes handed on at a time.
const BUFFER: usize = 256 << 10;

/// A deflate stream.
pub(super) struct Inflate {
    inflate: Decompress,
    buffer: Vec<u8>,
    packed: u64,
    unpacked: u64,
    crc: Crc,
    ended: bool,
}

/// What stopped an unpacking.
#[derive(Debug, PartialEq)]
pub(super) enum Stop {
    /// The bytes are no deflate stream.
    Damaged,
    /// Whoever takes the bytes wants no more.
    Enough,
    /// It unpacks to more than is sound.
    TooLarge(ReadError),
}

impl Inflate {
    pub(super) fn new() -> Self {
        Inflate {
            inflate: Decompress::new(false),
            buffer: vec![0; BUFFER],
            packed: 0,
            unpacked: 0,
            crc: Crc::new(),
            ended: false,
        }
    }

    /// Unpacks a chunk; how many of its bytes belong to the stream.
    pub(super) fn push(&mut self, chunk: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> Result<usize, Stop> {
        let mut used = 0;
        while !self.ended {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(&chunk[used..], &mut self.buffer, FlushDecompress::None)
                .map_err(|_| Stop::Damaged)?;
            let (read, written) =
                ((self.inflate.total_in() - before_in) as usize, (self.inflate.total_out() - before_out) as usize);
            used += read;
            self.packed += read as u64;
            self.unpacked += written as u64;
            self.crc.update(&self.buffer[..written]);
            self.ended = status == Status::StreamEnd;
            if let Some(error) = too_large(self.packed, self.unpacked) {
                return Err(Stop::TooLarge(error));
            }
            if written > 0 && !take(&self.buffer[..written]) {
                return Err(Stop::Enough);
            }
            if read == 0 && written == 0 && !self.ended {
                break;
            }
        }
        Ok(used)
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    pub(super) fn unpacked(&self) -> u64 {
        self.unpacked
    }

    pub(super) fn crc(&self) -> u32 {
        self.crc.sum()
    }
}

fn too_large(packed: u64, unpacked: u64) -> Option<ReadError> {
    let limit = u64::from(MAX_UNPACKED_MB) << 20;
    let suspicious = unpacked > RATIO_FREE && unpacked > packed.saturating_mul(MAX_RATIO);
    let error = || ReadError::ArchiveTooLarge { limit: MAX_UNPACKED_MB, times: MAX_RATIO as u32 };
    (unpacked > limit || suspicious).then(error)
}

/// The members of a gzip file, one after the other (RFC 1952). After a whole member, zero bytes are padding and anything else
/// that is no member is passed over and counted, as gzip(1) does.
pub(super) struct Gunzip {
    part: Part,
    /// Bytes of a header or trailer that is not whole yet.
    held: Vec<u8>,
    inflate: Inflate,
    packed: u64,
    members: u32,
    /// Bytes behind the last member that are neither zero nor a member.
    pub(super) garbage: u64,
}

#[derive(PartialEq)]
enum Part {
    Header,
    Body,
    Trailer,
    Garbage,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Gunzip { part: Part::Header, held: Vec::new(), inflate: Inflate::new(), packed: 0, members: 0, garbage: 0 }
    }

    /// Unpacks a chunk.
    pub(super) fn push(&mut self, chunk: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Stop> {
        let mut rest = chunk;
        while !rest.is_empty() {
            match self.part {
                Part::Garbage => {
                    self.garbage += rest.len() as u64;
                    return Ok(());
                }
                Part::Body => {
                    let used = self.inflate.push(rest, take)?;
                    rest = &rest[used..];
                    if !self.inflate.ended() {
                        return Ok(());
                    }
                    self.part = Part::Trailer;
                }
                Part::Trailer => {
                    let missing = (8 - self.held.len()).min(rest.len());
                    self.held.extend_from_slice(&rest[..missing]);
                    rest = &rest[missing..];
                    if let &[a, b, c, d, e, f, g, h] = self.held.as_slice() {
                        let sound = u32::from_le_bytes([a, b, c, d]) == self.inflate.crc()
                            && u32::from_le_bytes([e, f, g, h]) == self.inflate.unpacked() as u32;
                        if !sound {
                            return Err(Stop::Damaged);
                        }
                        self.members += 1;
                        self.held.clear();
                        self.part = Part::Header;
                    }
                }
                Part::Header => {
                    if self.members > 0 && self.held.is_empty() {
                        let padding = rest.iter().take_while(|&&byte| byte == 0).count();
                        rest = &rest[padding..];
                    }
                    let before = self.held.len();
                    self.held.extend_from_slice(rest);
                    match header(&self.held) {
                        Header::Whole(length) => {
                            rest = &rest[length - before..];
                            self.held.clear();
                            self.packed += self.inflate.packed;
                            let buffer = std::mem::take(&mut self.inflate.buffer);
                            self.inflate = Inflate { buffer, ..Inflate::empty() };
                            self.part = Part::Body;
                        }
                        Header::Unfinished => return Ok(()),
                        Header::None if self.members > 0 => {
                            self.garbage += self.held.len() as u64;
                            self.held.clear();
                            self.part = Part::Garbage;
                            return Ok(());
                        }
                        Header::None => return Err(Stop::Damaged),
                    }
                }
            }
        }
        Ok(())
    }

    /// Is it whole? Trailing bytes that only begin as a member are garbage too.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        if self.part == Part::Header && self.members > 0 {
            self.garbage += self.held.len() as u64;
            return Ok(());
        }
        if self.part == Part::Garbage { Ok(()) } else { Err(Stop::Damaged) }
    }
}

impl Inflate {
    /// Without a buffer, to be given one.
    fn empty() -> Self {
        Inflate {
            inflate: Decompress::new(false),
            buffer: Vec::new(),
            packed: 0,
            unpacked: 0,
            crc: Crc::new(),
            ended: false,
        }
    }
}

enum Header {
    Whole(usize),
    Unfinished,
    None,
}

/// How long the header of a member is (RFC 1952, section 2.3).
fn header(bytes: &[u8]) -> Header {
    if !bytes.starts_with(&b"\x1f\x8b\x08"[..bytes.len().min(3)]) {
        return Header::None;
    }
    let Some(&flags) = bytes.get(3) else { return Header::Unfinished };
    let mut at = 10;
    if flags & 4 != 0 {
        let Some(length) = bytes.get(at..at + 2) else { return Header::Unfinished };
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let Some(end) = bytes.get(at..).and_then(|text| text.iter().position(|&byte| byte == 0)) else {
                return Header::Unfinished;
            };
            at += end + 1;
        }
    }
    at += if flags & 2 != 0 { 2 } else { 0 };
    if bytes.len() >= at { Header::Whole(at) } else { Header::Unfinished }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::GzBuilder::new().filename("a.csv").comment("made here").extra(vec![1, 2, 3]);
        packer = packer.mtime(7);
        let mut packer = packer.write(Vec::new(), flate2::Compression::default());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn unpacked(bytes: &[u8], size: usize) -> Result<(Vec<u8>, u64), Stop> {
        let (mut gunzip, mut text) = (Gunzip::new(), Vec::new());
        for chunk in bytes.chunks(size) {
            gunzip.push(chunk, &mut |bytes: &[u8]| {
                text.extend_from_slice(bytes);
                true
            })?;
        }
        gunzip.finish()?;
        Ok((text, gunzip.garbage))
    }

    #[test]
    fn members_padding_and_garbage_as_gzip_takes_them() {
        let (one, two) = (gzip(b"hello "), gzip(b"world"));
        let both = [one.clone(), two].concat();
        let cases = [
            (both.clone(), b"hello world".to_vec(), 0),
            ([both.clone(), vec![0; 700]].concat(), b"hello world".to_vec(), 0),
            ([one.clone(), vec![0; 5], b"junk".to_vec()].concat(), b"hello ".to_vec(), 4),
            ([one.clone(), b"\x1f\x8b".to_vec()].concat(), b"hello ".to_vec(), 2),
        ];
        for (bytes, text, garbage) in cases {
            for size in [1, 3, 1 << 20] {
                assert_eq!(unpacked(&bytes, size), Ok((text.clone(), garbage)));
            }
        }
        for length in 1..one.len() {
            assert_eq!(unpacked(&one[..length], 4), Err(Stop::Damaged), "cut to {length}");
        }
        let mut spoiled = one;
        let crc = spoiled.len() - 8;
        spoiled[crc] ^= 1;
        assert_eq!(unpacked(&spoiled, 100), Err(Stop::Damaged), "the checksum is looked at");
    }
}
