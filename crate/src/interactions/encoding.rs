//! Bytes to UTF-8: which encoding a file is written in, and its characters, chunk by chunk. The one table needed is that of
//! Windows-1252's 27 odd places.

use super::Encoding;

/// What Windows-1252 has from 0x80 to 0x9f (WHATWG Encoding Standard, index windows-1252).
const ODD_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

/// What the first bytes of a file are most likely written in: by a byte order mark, by where the zero bytes are, by whether
/// the bytes beyond ASCII make UTF-8.
pub(super) fn detect(head: &[u8]) -> Encoding {
    match head {
        [0xff, 0xfe, ..] => return Encoding::Utf16Le,
        [0xfe, 0xff, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    let pairs = head.len() / 2;
    let zeros = |at: usize| head.iter().skip(at).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if pairs >= 2 && odd * 10 > pairs * 4 && even * 20 < pairs {
        return Encoding::Utf16Le;
    }
    if pairs >= 2 && even * 10 > pairs * 4 && odd * 20 < pairs {
        return Encoding::Utf16Be;
    }
    let (mut sound, mut broken) = (0, 0);
    let mut chunks = head.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        // A character may be cut by the end of the head.
        let cut = chunks.peek().is_none() && head.len() >= 4 && chunk.invalid().len() < 4 && is_cut(chunk.invalid());
        broken += if cut { 0 } else { chunk.invalid().len() };
    }
    if broken > sound { Encoding::Windows1252 } else { Encoding::Utf8 }
}

/// Could these bytes at the end of a text be the beginning of a character?
fn is_cut(bytes: &[u8]) -> bool {
    match bytes {
        [0xc2..=0xdf] | [0xe0..=0xef] | [0xe0..=0xef, 0x80..=0xbf] => true,
        [0xf0..=0xf4, rest @ ..] => rest.len() < 3 && rest.iter().all(|byte| matches!(byte, 0x80..=0xbf)),
        _ => false,
    }
}

/// The character that a byte is in Windows-1252 or Latin-1.
pub(super) fn character(encoding: Encoding, byte: u8) -> char {
    match byte {
        0x80..=0x9f if encoding == Encoding::Windows1252 => ODD_1252[usize::from(byte) - 0x80],
        _ => char::from(byte),
    }
}

/// Bytes of a file to UTF-8. A byte order mark at the beginning is dropped. What is no character becomes U+FFFD, except in
/// UTF-8, which passes through as it is.
pub(super) struct Decoder {
    encoding: Encoding,
    begun: bool,
    half: Option<u8>,
    high: Option<u16>,
    text: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        Decoder { encoding, begun: false, half: None, high: None, text: Vec::new() }
    }

    /// The next bytes. The first call must hold at least four of them, or the whole file.
    pub(super) fn decode<'a>(&'a mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut bytes = bytes;
        if !std::mem::replace(&mut self.begun, true) {
            let mark: &[u8] = match self.encoding {
                Encoding::Utf8 => b"\xef\xbb\xbf",
                Encoding::Utf16Le => b"\xff\xfe",
                Encoding::Utf16Be => b"\xfe\xff",
                Encoding::Windows1252 | Encoding::Latin1 => b"",
            };
            bytes = bytes.strip_prefix(mark).unwrap_or(bytes);
        }
        self.text.clear();
        match self.encoding {
            Encoding::Utf8 => return bytes,
            Encoding::Windows1252 | Encoding::Latin1 => {
                for &byte in bytes {
                    put(&mut self.text, character(self.encoding, byte));
                }
            }
            Encoding::Utf16Le | Encoding::Utf16Be => {
                for &byte in bytes {
                    let Some(first) = self.half.take() else {
                        self.half = Some(byte);
                        continue;
                    };
                    let little = self.encoding == Encoding::Utf16Le;
                    self.unit(if little {
                        u16::from_le_bytes([first, byte])
                    } else {
                        u16::from_be_bytes([first, byte])
                    });
                }
            }
        }
        &self.text
    }

    fn unit(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if let Some(Ok(c)) = char::decode_utf16([high, unit]).next() {
                return put(&mut self.text, c);
            }
            put(&mut self.text, char::REPLACEMENT_CHARACTER);
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            _ => put(&mut self.text, char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
}

fn put(text: &mut Vec<u8>, c: char) {
    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, bytes: &[u8], cut: usize) -> String {
        let mut decoder = Decoder::new(encoding);
        let mut text = Vec::new();
        let (first, rest) = bytes.split_at(cut.clamp(4, bytes.len()));
        text.extend_from_slice(decoder.decode(first));
        rest.chunks(3).for_each(|chunk| text.extend_from_slice(decoder.decode(chunk)));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_encoding_is_found_and_read_wherever_it_is_cut() {
        let text = "user,item\nJos\u{e9},\u{dc}ber\u{20ac}\nAda,Na\u{ef}ve\nBo,x\n";
        let wide = |mark: bool, big: bool| -> Vec<u8> {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let byte = |c: char| if c == '\u{20ac}' { 0x80 } else { c as u8 };
        let cases = [
            (Encoding::Utf8, text.as_bytes().to_vec()),
            (Encoding::Utf8, format!("\u{feff}{text}").into_bytes()),
            (Encoding::Utf16Le, wide(true, false)),
            (Encoding::Utf16Le, wide(false, false)),
            (Encoding::Utf16Be, wide(true, true)),
            (Encoding::Utf16Be, wide(false, true)),
            (Encoding::Windows1252, text.chars().map(byte).collect()),
        ];
        for (encoding, bytes) in cases {
            assert_eq!(detect(&bytes), encoding);
            for cut in 0..bytes.len() {
                assert_eq!(decoded(encoding, &bytes, cut), text, "{encoding} cut at {cut}");
            }
        }
        assert_eq!(decoded(Encoding::Latin1, b"a\x80\xe9b", 4), "a\u{80}\u{e9}b");
        // A head that ends inside a character is no reason for doubt.
        assert_eq!(detect(&"abc,\u{4e2d}".as_bytes()[..6]), Encoding::Utf8);
        assert_eq!(
            detect(b"Jos\xe9,1\nJos\xc3\xa9,\xc3\xa9\n"),
            Encoding::Utf8,
            "mostly UTF-8: single bytes are mended later"
        );
    }

    #[test]
    fn halves_that_are_no_character_are_replaced() {
        let bytes: Vec<u8> =
            [0x61u16, 0xd83c, 0x62, 0xdf89, 0xd83c, 0xdf89].iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(decoded(Encoding::Utf16Le, &bytes, 5), "a\u{fffd}b\u{fffd}\u{1f389}");
    }
}
