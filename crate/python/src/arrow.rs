//! Data frames through the Arrow C stream interface, as lines of a table: so a frame is read by the one reader that files are
//! read by, and the same rows come to the same bits.

use std::io::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::types::{self, ArrowPrimitiveType};
use arrow_array::{Array, RecordBatch, RecordBatchReader as _};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use ultrare::interactions::{Delimiter, Encoding, ReadConfig, Shape};

use crate::error::told;

/// Text is handed on in pieces of about so many bytes.
const PIECE: usize = 1 << 20;
/// What pandas calls the columns that it makes of an index.
const INDEX: &str = "__index_level_";

/// Why no rows came of a frame.
pub enum Refused {
    /// The reader's own refusal.
    Read(ultrare::Error),
    /// The frame itself.
    Frame(String),
}

impl From<ArrowError> for Refused {
    fn from(error: ArrowError) -> Self {
        Refused::Frame(format!("the data frame could not be read: {error}"))
    }
}

/// A frame on its way in.
pub struct Stream {
    batches: RecordBatchStreamReader,
    /// Columns that are no index.
    columns: Vec<usize>,
}

/// How the lines of a frame are read.
pub fn as_table(config: ReadConfig) -> ReadConfig {
    ReadConfig {
        shape: Some(Shape::Table),
        encoding: Some(Encoding::Utf8),
        delimiter: Some(Delimiter::Comma),
        header: Some(true),
        skip_lines: Some(0),
        comment: Some(String::new()),
        ..config
    }
}

/// Takes over what `__arrow_c_stream__` hands out.
pub fn stream(frame: &Bound<'_, PyAny>) -> PyResult<Stream> {
    let py = frame.py();
    let none = || {
        let kind = frame.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        let message = format!(
            "{kind} is no data frame: expected something with __arrow_c_stream__, such as a frame of pandas (2.2 or newer, \
             with pyarrow), polars or pyarrow"
        );
        told(py, "python.frame", &message)
    };
    let method = frame.getattr("__arrow_c_stream__").map_err(|_| none())?;
    let capsule = method.call0()?.cast_into::<PyCapsule>().map_err(|_| none())?;
    let batches = taken(&capsule)?.map_err(|error| told(py, "python.frame", &error.to_string()))?;
    let schema = batches.schema();
    let own = |at: &usize| !schema.field(*at).name().starts_with(INDEX);
    let columns = (0..schema.fields().len()).filter(own).collect();
    Ok(Stream { batches, columns })
}

#[allow(unsafe_code)]
fn taken(capsule: &Bound<'_, PyCapsule>) -> PyResult<Result<RecordBatchStreamReader, ArrowError>> {
    let pointer = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
    // SAFETY: a capsule of this name holds an `ArrowArrayStream` (Arrow's PyCapsule interface), and reading it from there moves
    // it out: what is left is marked as released, so that the capsule's own destructor does nothing.
    Ok(unsafe { RecordBatchStreamReader::from_raw(pointer.cast::<FFI_ArrowArrayStream>().as_ptr()) })
}

impl Stream {
    /// Names of the columns.
    pub fn names(&self) -> Vec<String> {
        let schema = self.batches.schema();
        self.columns.iter().map(|&at| schema.field(at).name().clone()).collect()
    }

    /// Hands the lines on, the header first, until `each` returns false.
    pub fn lines(mut self, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), Refused> {
        let mut text = Vec::new();
        for (at, name) in self.names().iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            quoted(name, &mut text);
        }
        text.push(b'\n');
        for batch in self.batches.by_ref() {
            let batch = batch?;
            let cells = self.columns.iter().map(|&at| cells(&batch, at)).collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                for (at, cell) in cells.iter().enumerate() {
                    if at > 0 {
                        text.push(b',');
                    }
                    cell(row, &mut text);
                }
                text.push(b'\n');
                if text.len() >= PIECE {
                    if !each(&text) {
                        return Ok(());
                    }
                    text.clear();
                }
            }
        }
        each(&text);
        Ok(())
    }
}

/// Writes one cell of a column.
type Cells<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

fn quoted(value: &str, text: &mut Vec<u8>) {
    if !value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) && value.trim() == value {
        return text.extend_from_slice(value.as_bytes());
    }
    text.push(b'"');
    text.extend_from_slice(value.replace('"', "\"\"").as_bytes());
    text.push(b'"');
}

fn cells(batch: &RecordBatch, at: usize) -> Result<Cells<'_>, Refused> {
    of(batch.column(at).as_ref()).ok_or_else(|| {
        let schema = batch.schema();
        let field = schema.field(at);
        Refused::Frame(format!(
            "column \"{}\" holds {}: expected text, numbers, dates or yes and no; leave it out of the frame",
            field.name(),
            field.data_type()
        ))
    })
}

/// None for kinds that no column of interactions has.
fn of(array: &dyn Array) -> Option<Cells<'_>> {
    use DataType as T;
    Some(match array.data_type() {
        T::Null => Box::new(|_, _| ()),
        T::Utf8 => there(array, |row, text| quoted(array.as_string::<i32>().value(row), text)),
        T::LargeUtf8 => there(array, |row, text| quoted(array.as_string::<i64>().value(row), text)),
        T::Utf8View => there(array, |row, text| quoted(array.as_string_view().value(row), text)),
        T::Boolean => {
            there(array, |row, text| text.extend_from_slice(if array.as_boolean().value(row) { b"1" } else { b"0" }))
        }
        T::Int8 => number::<types::Int8Type>(array),
        T::Int16 => number::<types::Int16Type>(array),
        T::Int32 => number::<types::Int32Type>(array),
        T::Int64 => number::<types::Int64Type>(array),
        T::UInt8 => number::<types::UInt8Type>(array),
        T::UInt16 => number::<types::UInt16Type>(array),
        T::UInt32 => number::<types::UInt32Type>(array),
        T::UInt64 => number::<types::UInt64Type>(array),
        T::Float16 => number::<types::Float16Type>(array),
        // A whole number stands without a point, so that 17.0 is the id 17.
        T::Float32 => number::<types::Float32Type>(array),
        T::Float64 => number::<types::Float64Type>(array),
        T::Date32 => seconds::<types::Date32Type>(array, |days| i64::from(days) * 86_400),
        T::Date64 => seconds::<types::Date64Type>(array, |time| time.div_euclid(1_000)),
        T::Timestamp(TimeUnit::Second, _) => seconds::<types::TimestampSecondType>(array, |time| time),
        T::Timestamp(TimeUnit::Millisecond, _) => {
            seconds::<types::TimestampMillisecondType>(array, |time| time.div_euclid(1_000))
        }
        T::Timestamp(TimeUnit::Microsecond, _) => {
            seconds::<types::TimestampMicrosecondType>(array, |time| time.div_euclid(1_000_000))
        }
        T::Timestamp(TimeUnit::Nanosecond, _) => {
            seconds::<types::TimestampNanosecondType>(array, |time| time.div_euclid(1_000_000_000))
        }
        T::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = of(dictionary.values().as_ref())?;
            let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
            there(array, move |row, text| values(keys[row], text))
        }
        _ => return None,
    })
}

/// Nothing where there is no value.
fn there<'a>(array: &'a dyn Array, write: impl Fn(usize, &mut Vec<u8>) + 'a) -> Cells<'a> {
    Box::new(move |row, text| {
        if !array.is_null(row) {
            write(row, text);
        }
    })
}

fn number<T: ArrowPrimitiveType>(array: &dyn Array) -> Cells<'_>
where
    T::Native: std::fmt::Display,
{
    let values = array.as_primitive::<T>().values();
    // Writing into memory cannot fail.
    there(array, move |row, text| drop(write!(text, "{}", values[row])))
}

fn seconds<T: ArrowPrimitiveType>(array: &dyn Array, of: impl Fn(T::Native) -> i64 + 'static) -> Cells<'_> {
    let values = array.as_primitive::<T>().values();
    there(array, move |row, text| drop(write!(text, "{}", of(values[row]))))
}
