//! Rows from files, from Python's own values, from data frames.

use std::fs::File;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ultrare::interactions::{ColumnChoice, ReadConfig, Reader, Size, preview_of};
use ultrare::recommender::RecommenderError;
use ultrare::unlearn::AddedRow;

use crate::arrow;
use crate::error::{ToPython as _, told};
use crate::values::{json, parsed};

/// Cleaned rows.
#[pyclass(frozen, module = "ultrare._native")]
pub struct Rows {
    pub rows: ultrare::Rows,
}

impl From<ultrare::Rows> for Rows {
    fn from(rows: ultrare::Rows) -> Self {
        Rows { rows }
    }
}

#[pymethods]
impl Rows {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    #[getter]
    fn users(&self) -> Vec<String> {
        self.rows.interactions().users().iter().map(str::to_owned).collect()
    }

    #[getter]
    fn items(&self) -> Vec<String> {
        self.rows.interactions().items().iter().map(str::to_owned).collect()
    }

    /// Numbers of user and item, value and time of every row, as little-endian u32, u32, f32, i64.
    fn columns<'py>(&self, py: Python<'py>) -> [Bound<'py, PyBytes>; 4] {
        let rows = self.rows.interactions().rows();
        let column = |bytes: Vec<u8>| PyBytes::new(py, &bytes);
        [
            column(rows.iter().flat_map(|row| row.user.to_le_bytes()).collect()),
            column(rows.iter().flat_map(|row| row.item.to_le_bytes()).collect()),
            column(rows.iter().flat_map(|row| row.value.to_le_bytes()).collect()),
            column(rows.iter().flat_map(|row| row.time.to_le_bytes()).collect()),
        ]
    }

    /// What the reader said, as JSON; none for rows from memory.
    fn report(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.rows.report().map(|report| json(py, report)).transpose()
    }

    /// These to train on, those to measure on.
    fn with_test(&self, test: &Rows) -> Rows {
        self.rows.clone().with_test(test.rows.clone()).into()
    }
}

/// Columns by name, in the order user, item, rating, time, consent.
type Names = [Option<String>; 5];

fn choose(py: Python<'_>, mut config: ReadConfig, there: &[String], asked: Names) -> PyResult<ReadConfig> {
    let [user, item, rating, time, consent] = asked;
    let choose = |name: Option<String>, choice: &mut ColumnChoice| -> PyResult<()> {
        let Some(name) = name else { return Ok(()) };
        let at = there.iter().position(|column| *column == name);
        let unknown = || {
            let there = there.join(", ");
            told(py, "python.column", &format!("there is no column \"{name}\"; there are {there}"))
        };
        *choice = ColumnChoice::Column(at.ok_or_else(unknown)? as u32);
        Ok(())
    };
    choose(user, &mut config.user)?;
    choose(item, &mut config.item)?;
    choose(rating, &mut config.rating)?;
    choose(time, &mut config.time)?;
    choose(consent, &mut config.consent)?;
    Ok(config)
}

/// Reads a file.
#[pyfunction]
pub fn read(py: Python<'_>, path: PathBuf, config: &str, columns: Names) -> PyResult<Rows> {
    let mut config: ReadConfig = parsed(py, "options of read", config)?;
    if columns.iter().any(Option::is_some) {
        let refused = |error: std::io::Error| RecommenderError::File {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let file = File::open(&path).map_err(refused).to_python(py)?;
        let shown = py.detach(|| preview_of(&file, &config)).to_python(py)?;
        let there: Vec<String> = shown.columns.into_iter().map(|column| column.name).collect();
        config = choose(py, config, &there, columns)?;
    }
    Ok(py.detach(|| ultrare::read_with(&path, &config)).to_python(py)?.into())
}

/// Reads whatever has `__arrow_c_stream__`, as a file with the same columns would be read.
#[pyfunction]
pub fn from_frame(py: Python<'_>, frame: &Bound<'_, PyAny>, config: &str, columns: Names) -> PyResult<Rows> {
    let config: ReadConfig = parsed(py, "options of from_frame", config)?;
    let stream = arrow::stream(frame)?;
    let config = choose(py, arrow::as_table(config), &stream.names(), columns)?;
    let read = py.detach(|| {
        let mut reader = Reader::new(config);
        stream.lines(|text| {
            reader.push(text);
            reader.failed().is_none()
        })?;
        let (rows, report) = reader.finish().map_err(|error| arrow::Refused::Read(error.into()))?;
        Ok(ultrare::Rows::reported(rows, report))
    });
    match read {
        Ok(rows) => Ok(rows.into()),
        Err(arrow::Refused::Read(error)) => Err(crate::error::refused(py, &error)),
        Err(arrow::Refused::Frame(message)) => Err(told(py, "python.frame", &message)),
    }
}

/// Rows of (user, item[, value[, time]]).
#[pyfunction]
pub fn from_rows(py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<Rows> {
    let rows = added(py, rows)?;
    Ok(py.detach(|| ultrare::from_rows(rows)).to_python(py)?.into())
}

/// The bundled sample, in one of its sizes.
#[pyfunction]
pub fn sample(py: Python<'_>, seed: u32, size: &str) -> PyResult<Rows> {
    let size: Size = parsed(py, "size", &json(py, &size)?)?;
    let made = py.detach(|| ultrare::interactions::synthetic(&size.config(seed.into())).map_err(ultrare::Error::from));
    Ok(ultrare::Rows::from(made.to_python(py)?.interactions).into())
}

/// An id: a text, or a whole number as people write it.
fn id(value: &Bound<'_, PyAny>) -> Option<String> {
    if let Ok(text) = value.extract::<String>() {
        return Some(text);
    }
    // Numbers of NumPy are whole numbers too; yes and no are not.
    let whole = value.hasattr("__index__").unwrap_or(false) && !value.is_instance_of::<pyo3::types::PyBool>();
    whole
        .then(|| value.call_method0("__index__").and_then(|value| value.str()).ok())
        .flatten()
        .map(|text| text.to_string())
}

/// Rows of Python's own values.
pub fn added(py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<Vec<AddedRow>> {
    let mut added = Vec::new();
    let mut passed = 0usize;
    for row in
        rows.try_iter().map_err(|_| told(py, "python.type", "expected rows, such as [(\"ann\", \"tea\"), ...]"))?
    {
        let row = row?;
        passed += 1;
        if passed.is_multiple_of(100_000) {
            py.check_signals()?;
        }
        added.push(one(&row).ok_or_else(|| {
            let shown: String = row.repr().map(|text| text.to_string()).unwrap_or_default().chars().take(60).collect();
            let message = format!("row {passed} is {shown}: expected (user, item), (user, item, value) or (user, item, value, time), ids as text or whole numbers");
            told(py, "python.row", &message)
        })?);
    }
    Ok(added)
}

fn one(row: &Bound<'_, PyAny>) -> Option<AddedRow> {
    // A text has parts as well: its letters.
    if row.is_instance_of::<pyo3::types::PyString>() {
        return None;
    }
    let parts: Vec<Bound<'_, PyAny>> = row.try_iter().ok()?.collect::<PyResult<_>>().ok()?;
    let (user, item) = (id(parts.first()?)?, id(parts.get(1)?)?);
    let value = parts.get(2).map_or(Some(1.0), |value| value.extract::<f64>().ok())?;
    let time = parts.get(3).map_or(Some(0), |time| time.extract::<i64>().ok())?;
    (parts.len() <= 4).then_some(AddedRow { user, item, value: value as f32, time })
}
