//! Parquet files: their rows as JSON, through the reader that everything goes through.

use std::fs::File;

use ultrare::interactions::{
    Preview, ReadAt as _, ReadConfig, ReadError, Reader, Shape, parquet_lines, preview as preview_bytes,
};

/// Rows of a preview.
const HEAD: usize = 1_000;

/// Does it begin as one?
pub fn is_parquet(file: &File) -> bool {
    let mut magic = [0; 4];
    file.read_at(0, &mut magic).is_ok_and(|read| read == 4) && &magic == b"PAR1"
}

fn as_json(config: &ReadConfig) -> ReadConfig {
    ReadConfig { shape: Some(Shape::Json), delimiter: None, header: None, ..config.clone() }
}

pub fn preview(file: &File, config: &ReadConfig) -> Result<Preview, ReadError> {
    let mut head = Vec::new();
    parquet_lines(file, HEAD, |line| {
        head.extend_from_slice(line);
        true
    })?;
    preview_bytes(&head, &as_json(config))
}

pub fn read(file: &File, config: ReadConfig) -> Result<Reader, ReadError> {
    let mut reader = Reader::new(as_json(&config));
    parquet_lines(file, usize::MAX, |line| {
        reader.push(line);
        reader.failed().is_none()
    })?;
    Ok(reader)
}
