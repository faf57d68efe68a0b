//! A flat row-major matrix: the shape every bulk result has.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_bytes::{ByteBuf, Bytes};

/// `rows` x `cols` values of f32, row after row.
///
/// Serialised as two u32 and the values' little-endian bytes in one piece: jobs carry megabytes of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

impl Matrix {
    /// All zero.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Matrix { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// Takes `data` (row-major); `None` if its length is not `rows * cols`.
    pub fn from_vec(rows: usize, cols: usize, data: Vec<f32>) -> Option<Self> {
        (data.len() == rows * cols).then_some(Matrix { rows, cols, data })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// One row.
    #[inline]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.cols..(index + 1) * self.cols]
    }

    /// One row, to write.
    #[inline]
    pub fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.data[index * self.cols..(index + 1) * self.cols]
    }

    /// All values, row-major.
    #[inline]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, to write.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values, row-major.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }
}

/// The little-endian bytes of floats.
pub(crate) fn f32s_to_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * 4);
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// The floats in little-endian bytes; a remainder of fewer than four bytes is ignored.
pub(crate) fn f32s_from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// For `#[serde(with = "crate::numerics::matrix::packed")]` on a `Vec<f32>`: its bytes in one piece.
pub mod packed {
    use super::*;

    /// Writes the bytes.
    pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&f32s_to_bytes(values))
    }

    /// Reads them back.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        let bytes = ByteBuf::deserialize(deserializer)?;
        if bytes.len() % 4 != 0 {
            return Err(de::Error::custom("expected a multiple of four bytes of floats"));
        }
        Ok(f32s_from_bytes(&bytes))
    }
}

impl Serialize for Matrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = f32s_to_bytes(&self.data);
        (self.rows as u32, self.cols as u32, Bytes::new(&bytes)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (rows, cols, bytes) = <(u32, u32, ByteBuf)>::deserialize(deserializer)?;
        if bytes.len() as u64 != u64::from(rows) * u64::from(cols) * 4 {
            return Err(de::Error::custom("a matrix's length does not fit its shape"));
        }
        Ok(Matrix { rows: rows as usize, cols: cols as usize, data: f32s_from_bytes(&bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_as_bytes_and_refuses_a_wrong_shape() {
        let matrix = Matrix::from_vec(2, 3, vec![1.0, -2.5, f32::MIN_POSITIVE, 4.0, 5.0, -0.0]).unwrap();
        let bytes = postcard::to_stdvec(&matrix).unwrap();
        assert_eq!(bytes.len(), 1 + 1 + 1 + 24);
        assert_eq!(postcard::from_bytes::<Matrix>(&bytes).unwrap(), matrix);
        let lying = postcard::to_stdvec(&(3u32, 3u32, Bytes::new(&bytes[3..]))).unwrap();
        assert!(postcard::from_bytes::<Matrix>(&lying).is_err());
    }
}
