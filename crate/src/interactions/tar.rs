//! The part of the tar format that finds one file in a stream (POSIX.1-1988 ustar, with the long names of GNU tar).

/// Bytes of a header and unit of everything.
pub(super) const BLOCK: usize = 512;
/// Bytes that a long name may have.
const MAX_NAME: u64 = 4_096;

/// Is this the beginning of a tar file?
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.len() >= BLOCK && head[257..].starts_with(b"ustar")
}

/// What a stream of tar blocks brings.
pub(super) enum Found<'a> {
    /// A file begins: its name and size.
    File(&'a str, u64),
    /// Bytes of the file that began last.
    Bytes(&'a [u8]),
}

/// Cuts a stream into files.
#[derive(Default)]
pub(super) struct Tar {
    header: Vec<u8>,
    /// Bytes of content and of padding still to come.
    content: u64,
    padding: u64,
    /// The content is the name of the next file.
    naming: bool,
    name: Vec<u8>,
    ended: bool,
}

impl Tar {
    /// Gives what a chunk brings to `take`, until that returns false. False: the stream is no tar any more.
    pub(super) fn push(&mut self, chunk: &[u8], take: &mut dyn FnMut(Found<'_>) -> bool) -> bool {
        let mut rest = chunk;
        while !rest.is_empty() && !self.ended {
            if self.content > 0 {
                let (now, later) = rest.split_at(rest.len().min(usize::try_from(self.content).unwrap_or(usize::MAX)));
                self.content -= now.len() as u64;
                rest = later;
                if self.naming {
                    self.name.extend_from_slice(now);
                } else if !take(Found::Bytes(now)) {
                    return true;
                }
            } else if self.padding > 0 {
                let skipped = rest.len().min(self.padding as usize);
                self.padding -= skipped as u64;
                rest = &rest[skipped..];
            } else {
                let missing = (BLOCK - self.header.len()).min(rest.len());
                self.header.extend_from_slice(&rest[..missing]);
                rest = &rest[missing..];
                if self.header.len() == BLOCK {
                    let header = std::mem::take(&mut self.header);
                    match self.begin(&header, take) {
                        None => return false,
                        Some(false) => return true,
                        Some(true) => {}
                    }
                }
            }
        }
        true
    }

    fn begin(&mut self, header: &[u8], take: &mut dyn FnMut(Found<'_>) -> bool) -> Option<bool> {
        if header.iter().all(|&byte| byte == 0) {
            self.ended = true;
            return Some(true);
        }
        // The sum of all bytes, those of the sum itself counted as blanks.
        let sum: u64 = header
            .iter()
            .enumerate()
            .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u64::from(byte) })
            .sum();
        if octal(&header[148..156]) != Some(sum) {
            return None;
        }
        let size = octal(&header[124..136])?;
        self.content = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        self.naming = header[156] == b'L' && size <= MAX_NAME;
        match header[156] {
            b'L' if self.naming => {
                self.name.clear();
                Some(true)
            }
            0 | b'0' | b'7' => {
                let long = std::mem::take(&mut self.name);
                let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
                let name = if !long.is_empty() {
                    text(&long)
                } else if prefix.is_empty() || !header[257..].starts_with(b"ustar\0") {
                    name
                } else {
                    format!("{prefix}/{name}")
                };
                Some(take(Found::File(&name, size)))
            }
            // Folders, links, attributes: passed over with their content.
            _ => Some(take(Found::File("", size))),
        }
    }

    /// Did the stream end between two files?
    pub(super) fn whole(&self) -> bool {
        self.ended || (self.content == 0 && self.header.is_empty())
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn octal(bytes: &[u8]) -> Option<u64> {
    // GNU tar writes sizes above 8 GB in binary.
    if bytes[0] & 0x80 != 0 {
        return bytes[1..].iter().try_fold(0u64, |number, &byte| Some(number.checked_mul(256)? + u64::from(byte)));
    }
    let digits = bytes.iter().skip_while(|&&byte| byte == b' ').take_while(|byte| byte.is_ascii_digit());
    digits.into_iter().try_fold(0u64, |number, &digit| {
        (digit < b'8').then_some(())?;
        number.checked_mul(8).map(|number| number + u64::from(digit - b'0'))
    })
}
