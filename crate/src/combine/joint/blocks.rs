//! Serving a wide ensemble, where an item is in few of the shards: V stays in the sub-models, a user's rows meet
//! P = (V B) (V B)' through their own vectors only, and scores are V (B y), shard by shard.

use super::fold_in::{UserSystem, refill, solve_rows};
use super::side_by_side::SideBySide;
use crate::numerics::kernels::{LANES, axpy, dot, four_dots, scores_of_all, wide};
use crate::numerics::matrix::Matrix;

/// Scores of all items for users with these rows, one user after the other in `out`; 0 where no shard saw the item. Each user's
/// bits are the same in any company.
pub(super) fn score<'u>(
    v: &SideBySide<'_>,
    root: &Matrix,
    users: impl Iterator<Item = &'u [u32]>,
    work: &mut UserSystem,
    out: &mut [f32],
) {
    let width = root.rows();
    let users: Vec<&[u32]> = users.collect();
    let count = users.len();
    // B is larger than any cache: it is read once for all of them, here and below.
    let mut rows = std::mem::take(&mut work.brought);
    bring(v, root, &users.concat(), &mut rows);
    let mut passed = std::mem::take(&mut work.passed);
    refill(&mut passed, count * width, 0.0);
    let mut from = 0;
    for (items, passed) in users.iter().zip(passed.chunks_exact_mut(width.max(1))) {
        let own = &rows[from * width..][..items.len() * width];
        from += items.len();
        pass(own, items.len(), work, passed);
    }
    work.brought = rows;
    let mut together = std::mem::take(&mut work.together);
    refill(&mut together, count * width, 0.0);
    wide(
        #[inline(always)]
        || through(root, &passed, &mut together),
    );
    work.passed = passed;
    out.fill(0.0);
    let n_items = out.len().checked_div(count).unwrap_or(0);
    let (mut own, mut local) = (Vec::new(), Vec::new());
    for shard in 0..v.offsets.len() - 1 {
        let (vectors, items) = v.block(shard);
        own.clear();
        let of = v.offsets[shard]..v.offsets[shard + 1];
        together.chunks_exact(width.max(1)).for_each(|user| own.extend_from_slice(&user[of.clone()]));
        refill(&mut local, count * items.len(), 0.0);
        scores_of_all(&own, vectors, &mut local);
        for (out, local) in out.chunks_exact_mut(n_items.max(1)).zip(local.chunks_exact(items.len().max(1))) {
            for (&item, score) in items.iter().zip(local) {
                out[item as usize] += score;
            }
        }
    }
    work.together = together;
}

/// What each of a user's rows adds to the score of one item: their rows of V B times that of the item, each times its x.
pub(super) fn terms(v: &SideBySide<'_>, root: &Matrix, items: &[u32], item: u32, work: &mut UserSystem) -> Vec<f32> {
    if items.is_empty() {
        return Vec::new();
    }
    let width = root.rows();
    let mut rows = Vec::new();
    bring(v, root, items, &mut rows);
    pass(&rows, items.len(), work, &mut vec![0.0; width]);
    let mut target = Vec::new();
    bring(v, root, &[item], &mut target);
    work.system.chunks_exact(width).zip(&work.x).map(|(row, x)| dot(row, &target) * x).collect()
}

/// Columns of B that are worked on at a time: their sums stay in registers.
const COLUMNS: usize = 4 * LANES;

/// The items' rows of V B, one after the other. A value is one running sum over the item's coordinates in their order, shard after
/// shard, in whatever company the item is: so B is read shard by shard and a few columns at a time, once for all of them.
fn bring(v: &SideBySide<'_>, root: &Matrix, items: &[u32], rows: &mut Vec<f32>) {
    let width = root.rows();
    refill(rows, items.len() * width, 0.0);
    let mut of_shard: Vec<Vec<(usize, &[f32])>> = vec![Vec::new(); v.offsets.len() - 1];
    for (at, &item) in items.iter().enumerate() {
        for (shard, vector) in v.of_item(item) {
            of_shard[shard].push((at * width, vector));
        }
    }
    let mut panel = Vec::new();
    for (shard, theirs) in of_shard.iter().enumerate().filter(|(_, theirs)| !theirs.is_empty()) {
        let own = v.offsets[shard]..v.offsets[shard + 1];
        // B is upper triangular: a coordinate meets itself and those after it.
        for first in (own.start..width).step_by(COLUMNS) {
            let columns = COLUMNS.min(width - first);
            let depth = own.end.min(first + columns) - own.start;
            panel.clear();
            for index in own.clone().take(depth) {
                let mut values = [[0.0; LANES]; COLUMNS / LANES];
                values.as_flattened_mut()[..columns].copy_from_slice(&root.row(index)[first..first + columns]);
                panel.push(values);
            }
            wide(
                #[inline(always)]
                || {
                    for (at, vector) in theirs {
                        add(&vector[..depth], &panel, &mut rows[at + first..][..columns]);
                    }
                },
            );
        }
    }
}

/// out += vector times the columns of a panel.
#[inline(always)]
fn add(vector: &[f32], panel: &[[[f32; LANES]; COLUMNS / LANES]], out: &mut [f32]) {
    let mut sums = [[0.0; LANES]; COLUMNS / LANES];
    sums.as_flattened_mut()[..out.len()].copy_from_slice(out);
    for (&value, columns) in vector.iter().zip(panel) {
        for (sums, columns) in sums.iter_mut().zip(columns) {
            for lane in 0..LANES {
                sums[lane] += value * columns[lane];
            }
        }
    }
    out.copy_from_slice(&sums.as_flattened()[..out.len()]);
}

/// B times the coordinates of every user. What stands before B's diagonal is zero and adds nothing, so it is left out.
#[inline(always)]
fn through(root: &Matrix, users: &[f32], out: &mut [f32]) {
    let width = root.rows();
    for index in 0..width {
        // From whole lanes, so that every sum is in the order that `dot` has over the whole row.
        let from = index / LANES * LANES;
        let row = &root.row(index)[from..];
        let (mut fours, mut outs) = (users.chunks_exact(4 * width), out.chunks_exact_mut(4 * width));
        for (four, out) in (&mut fours).zip(&mut outs) {
            let four = [
                &four[from..width],
                &four[width + from..2 * width],
                &four[2 * width + from..3 * width],
                &four[3 * width + from..],
            ];
            for (user, sum) in four_dots(row, four).into_iter().enumerate() {
                out[user * width + index] = sum;
            }
        }
        for (user, out) in fours.remainder().chunks_exact(width).zip(outs.into_remainder().chunks_exact_mut(width)) {
            out[index] = dot(row, &user[from..]);
        }
    }
}

/// (V_S B)' (I + P_SS)^-1 1 into `passed`, from a user's n rows of V B: B times it are the user's coordinates w.
fn pass(rows: &[f32], n: usize, work: &mut UserSystem, passed: &mut [f32]) {
    if n == 0 {
        return;
    }
    let width = passed.len();
    work.system.clear();
    work.system.extend_from_slice(rows);
    solve_rows(n, width, work);
    work.system.chunks_exact(width).zip(&work.x).for_each(|(row, &x)| axpy(x, row, passed));
}
