//! The rows of Parquet files as lines of JSON, for the reader that everything goes through.

use std::fs::File;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::ReadError;

/// Hands every row of a Parquet file, up to `most`, to `each` as one line of JSON, until that returns false. Memory: the pages
/// of one row group. About a microsecond a value.
///
/// Errors: no Parquet file, a damaged one, or one that is packed in a way that is not understood (snappy and gzip are).
pub fn parquet_lines(file: &File, most: usize, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), ReadError> {
    let refused = |error: &ParquetError| ReadError::File {
        problem: format!("it is a Parquet file, but {error}; write it with snappy compression, or export it as CSV"),
    };
    let file = file.try_clone().map_err(|error| ReadError::File { problem: error.to_string() })?;
    let reader = SerializedFileReader::new(file).map_err(|error| refused(&error))?;
    let mut line = Vec::new();
    for row in reader.get_row_iter(None).map_err(|error| refused(&error))?.take(most) {
        let row = row.map_err(|error| refused(&error))?;
        line.clear();
        line.extend(row.to_json_value().to_string().bytes());
        line.push(b'\n');
        if !each(&line) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::interactions::{ReadConfig, Reader, Shape};

    #[test]
    fn rows_are_those_that_were_written_and_a_damaged_file_is_refused() {
        let schema = "message rows { required binary user_id (UTF8); required int64 item_id; required double rating;
            required int64 time (TIMESTAMP(MILLIS,true)); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
        for part in 0..3i64 {
            let mut group = writer.next_row_group().unwrap();
            let users: Vec<ByteArray> =
                (0..50).map(|n| ByteArray::from(format!("Jos\u{e9} {}", (n + part) % 7).as_str())).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&users, None, None).unwrap();
            column.close().unwrap();
            let items: Vec<i64> = (0..50).map(|n| part * 50 + n).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&items, None, None).unwrap();
            column.close().unwrap();
            let ratings: Vec<f64> = (0..50).map(|n| f64::from(n % 9) / 2.0).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<DoubleType>().write_batch(&ratings, None, None).unwrap();
            column.close().unwrap();
            let times: Vec<i64> = (0..50).map(|n| 1_104_537_600_000 + n * 1_000).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
        let path = std::env::temp_dir().join(format!("ultrare-{}.parquet", std::process::id()));
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        let mut reader = Reader::new(ReadConfig { shape: Some(Shape::Json), ..ReadConfig::default() });
        parquet_lines(&File::open(&path).unwrap(), usize::MAX, |line| {
            reader.push(line);
            true
        })
        .unwrap();
        let (rows, _) = reader.finish().unwrap();
        assert_eq!((rows.users().len(), rows.items().len(), rows.rows().len()), (7, 150, 150));
        let first = rows.rows_of(rows.users().find("Jos\u{e9} 0").unwrap())[0];
        assert_eq!((rows.items().get(first.item), first.value, first.time), ("0", 0.0, 1_104_537_600));
        File::create(&path).unwrap().write_all(&bytes[..bytes.len() - 9]).unwrap();
        let told = parquet_lines(&File::open(&path).unwrap(), 1, |_| true).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(told.contains("it is a Parquet file, but") && told.contains("export it as CSV"), "{told}");
    }
}
