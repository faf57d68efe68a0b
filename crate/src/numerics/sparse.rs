//! A sparse matrix of zeros and ones: who has which item, seen from either side.

/// One side of the bipartite graph in compressed rows: for every user the items, or for every item the users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Csr {
    /// Where each row begins; rows + 1 values.
    pub starts: Vec<u32>,
    /// Column of each entry, ascending within a row.
    pub columns: Vec<u32>,
}

impl Csr {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// No rows?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns of one row.
    #[inline(always)]
    pub fn row(&self, index: usize) -> &[u32] {
        &self.columns[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// The same entries seen from the other side. Counting sort, so the order within each row is ascending again.
    pub fn transposed(&self, n_columns: usize) -> Csr {
        let mut starts = vec![0u32; n_columns + 1];
        for &column in &self.columns {
            starts[column as usize + 1] += 1;
        }
        for column in 0..n_columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut columns = vec![0u32; self.columns.len()];
        for row in 0..self.len() {
            for &column in self.row(row) {
                columns[next[column as usize] as usize] = row as u32;
                next[column as usize] += 1;
            }
        }
        Csr { starts, columns }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Csr;

    /// `rows` rows with 0 to 12 entries each among `columns` (13 at least).
    pub(crate) fn sparse(rows: usize, columns: usize) -> Csr {
        let mut csr = Csr { starts: vec![0], columns: Vec::new() };
        for row in 0..rows {
            let mut own: Vec<u32> = (0..row % 13).map(|e| ((row * 7 + e * (1 + row % 3)) % columns) as u32).collect();
            own.sort_unstable();
            own.dedup();
            csr.columns.extend(own);
            csr.starts.push(csr.columns.len() as u32);
        }
        csr
    }

    #[test]
    fn transposing_twice_is_the_identity_and_rows_stay_ascending() {
        let csr = sparse(23, 17);
        let other = csr.transposed(17);
        assert!((0..17).all(|item| other.row(item).is_sorted()));
        assert_eq!(other.transposed(23), csr);
    }
}
