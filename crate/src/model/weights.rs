//! Weights as bytes: a mark, a version, the model's number, then the model's own part. The same bytes natively and in wasm
//! (postcard writes lengths as variable-length integers and floats as four little-endian bytes).

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ModelError;
use crate::numerics::kernels::all_finite;
use crate::numerics::matrix::Matrix;

const MARK: &[u8; 5] = b"URSM\x01";

/// Header and part.
pub(super) fn write(code: u8, part: &impl Serialize) -> Vec<u8> {
    let mut out = MARK.to_vec();
    out.push(code);
    postcard::to_extend(part, out).expect("a growing vector takes everything, and postcard knows these types")
}

/// The number of the model that the bytes hold.
pub(super) fn code(bytes: &[u8]) -> Result<u8, ModelError> {
    let Some(rest) = bytes.strip_prefix(MARK) else {
        return Err(refuse("they do not begin with the mark of version 1"));
    };
    rest.first().copied().ok_or_else(|| refuse("they end after the mark"))
}

/// The part; nothing may follow it.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ModelError> {
    let part = bytes.get(MARK.len() + 1..).unwrap_or_default();
    match postcard::take_from_bytes(part) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(refuse(&format!("{} bytes too many", rest.len()))),
        Err(error) => Err(refuse(&error.to_string())),
    }
}

/// Refuses a matrix whose sizes do not hold together or whose values are not finite.
pub(super) fn shape(matrix: &Matrix, rows: usize, cols: usize) -> Result<(), ModelError> {
    if matrix.rows() != rows || matrix.cols() != cols || rows.checked_mul(cols) != Some(matrix.data().len()) {
        return Err(refuse(&format!(
            "a {} x {} matrix of {} values where {rows} x {cols} was expected",
            matrix.rows(),
            matrix.cols(),
            matrix.data().len()
        )));
    }
    finite(matrix.data())
}

/// Refuses values that are not finite.
pub(super) fn finite(values: &[f32]) -> Result<(), ModelError> {
    if all_finite(values) { Ok(()) } else { Err(refuse("a weight is not finite")) }
}

/// The error of this module.
pub(super) fn refuse(reason: &str) -> ModelError {
    ModelError::Weights { reason: reason.to_owned() }
}
