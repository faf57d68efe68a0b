//! Sums of rows picked by a sparse matrix: what propagation over a bipartite graph is made of.

use super::{LANES, Lanes, wide};

/// out\[r\] = sum of `source`\[c\] over the columns c of row r, in their order. `starts` and `columns` are compressed rows;
/// both sides are row-major with `stride` values, a multiple of eight. Overwrites `out`. |entries| * stride additions.
pub(crate) fn gather(starts: &[u32], columns: &[u32], source: &[f32], stride: usize, out: &mut [f32]) {
    wide(
        #[inline(always)]
        || gather_here(starts, columns, source, stride, out),
    );
}

#[inline(always)]
fn gather_here(starts: &[u32], columns: &[u32], source: &[f32], stride: usize, out: &mut [f32]) {
    let groups = stride / LANES;
    let (source, _) = source.as_chunks::<LANES>();
    let (out, _) = out.as_chunks_mut::<LANES>();
    for (window, out) in starts.windows(2).zip(out.chunks_exact_mut(groups.max(1))) {
        let columns = &columns[window[0] as usize..window[1] as usize];
        // Four groups at a time fit the registers.
        let mut first = 0;
        while first + 4 <= groups {
            out[first..first + 4].copy_from_slice(&sums::<4>(columns, source, groups, first));
            first += 4;
        }
        while first < groups {
            out[first..first + 1].copy_from_slice(&sums::<1>(columns, source, groups, first));
            first += 1;
        }
    }
}

#[inline(always)]
fn sums<const G: usize>(columns: &[u32], source: &[Lanes], groups: usize, first: usize) -> [Lanes; G] {
    let mut sums = [[0.0f32; LANES]; G];
    for &column in columns {
        let row = &source[column as usize * groups + first..][..G];
        for g in 0..G {
            for lane in 0..LANES {
                sums[g][lane] += row[g][lane];
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition_at_every_stride() {
        let (starts, columns) = ([0, 2, 2, 5], [1, 3, 0, 1, 2]);
        for stride in [8, 32, 40, 72] {
            let source: Vec<f32> = (0..4 * stride).map(|x| x as f32).collect();
            let mut out = vec![7.0; 3 * stride];
            gather(&starts, &columns, &source, stride, &mut out);
            for row in 0..3 {
                for at in 0..stride {
                    let columns = &columns[starts[row] as usize..starts[row + 1] as usize];
                    let expected: f32 = columns.iter().map(|&c| source[c as usize * stride + at]).sum();
                    assert_eq!(out[row * stride + at], expected);
                }
            }
        }
    }
}
