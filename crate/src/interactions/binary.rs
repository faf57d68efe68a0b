//! What is no text, named where its first bytes tell.

use super::{Encoding, ReadError};

/// Refuses what its first bytes tell to be something else.
pub(super) fn refuse_known(head: &[u8]) -> Result<(), ReadError> {
    const KNOWN: &[(&[u8], &str, &str)] = &[
        (b"PAR1", "Parquet", "export it as CSV"),
        (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
        (b"\x89PNG", "a PNG image", "choose another file"),
        (b"\xff\xd8\xff", "a JPEG image", "choose another file"),
        (b"GIF8", "a GIF image", "choose another file"),
        (b"%PDF", "a PDF document", "export the table as CSV"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook or Office document", "export the table as CSV"),
        (b"\x89HDF", "HDF5", "export the table as CSV"),
        (b"\x93NUMPY", "a NumPy array", "export it as CSV"),
        (b"ARROW1", "an Arrow or Feather file", "export it as CSV or Parquet"),
        (b"Obj\x01", "Avro", "export it as CSV or Parquet"),
        (b"ORC", "ORC", "export it as CSV or Parquet"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, or pack it as .zip or .gz"),
        (b"Rar!", "a RAR archive", "unpack it, or pack it as .zip or .gz"),
        (b"BZh", "a bzip2 archive", "unpack it, or pack it as .zip or .gz"),
        (b"\xfd7zXZ", "an xz archive", "unpack it, or pack it as .zip or .gz"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it, or pack it as .zip or .gz"),
        (b"\x80\x04\x95", "a Python pickle", "export the table as CSV"),
    ];
    if let Some((magic, what, advice)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        // Three letters alone could begin a text.
        let odd = magic.len() > 3 || magic[0] >= 0x80 || head.iter().take(16).any(|&byte| byte >= 0x80 || byte == 0);
        if odd {
            return Err(ReadError::Binary { what: (*what).to_owned(), advice: (*advice).to_owned() });
        }
    }
    Ok(())
}

/// Refuses what is no text once decoded.
pub(super) fn refuse_binary(text: &[u8], encoding: Encoding) -> Result<(), ReadError> {
    let advice = || {
        "if it comes from a spreadsheet or database, export it as CSV; if it is text, choose its encoding".to_owned()
    };
    if let Some(at) = text.iter().position(|&byte| byte == 0) {
        return Err(ReadError::Binary { what: format!("byte {} is zero", at + 1), advice: advice() });
    }
    // Compressed or encrypted data is full of bytes that no text has.
    let odd = text.utf8_chunks().map(|chunk| {
        let control = |c: &char| (c.is_control() && !c.is_ascii_whitespace()) || *c == char::REPLACEMENT_CHARACTER;
        chunk.valid().chars().filter(control).count() + chunk.invalid().len()
    });
    let odd: usize = odd.sum();
    let characters = String::from_utf8_lossy(text).chars().count();
    // Any byte is a character in Windows-1252, but not more than every other is one beyond ASCII, nor are there controls.
    let beyond = if encoding == Encoding::Windows1252 {
        String::from_utf8_lossy(text).chars().filter(|c| !c.is_ascii()).count()
    } else {
        0
    };
    let odd = if beyond * 2 > characters || (beyond > 0 && odd * 20 > characters) { beyond.max(odd * 5) } else { odd };
    if odd * 5 > characters {
        return Err(ReadError::Binary {
            what: format!("{odd} of the first {characters} characters are not text"),
            advice: advice(),
        });
    }
    Ok(())
}
