//! Serving a wide ensemble, where an item is in few of the shards: V stays in the sub-models, a user's rows meet
//! P = (V B) (V B)' through their own vectors only, and scores are V (B y), shard by shard.

use super::fold_in::{UserSystem, refill, solve_rows};
use super::side_by_side::SideBySide;
use crate::numerics::kernels::{axpy, dot, scores_of_all};
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
    let mut passed = std::mem::take(&mut work.passed);
    passed.clear();
    let mut count = 0;
    for items in users {
        pass(v, root, items, work, &mut passed);
        count += 1;
    }
    // B is larger than any cache: it is read once for all of them.
    let mut together = std::mem::take(&mut work.together);
    refill(&mut together, count * width, 0.0);
    scores_of_all(&passed, root, &mut together);
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
    pass(v, root, items, work, &mut Vec::new());
    let mut target = vec![0.0; root.rows()];
    bring(v, root, item, &mut target);
    work.system.chunks_exact(root.rows()).zip(&work.x).map(|(row, x)| dot(row, &target) * x).collect()
}

/// An item's row of V B, added to `row`.
fn bring(v: &SideBySide<'_>, root: &Matrix, item: u32, row: &mut [f32]) {
    for (offset, vector) in v.of_item(item) {
        // B is upper triangular: a coordinate meets itself and those after it.
        for (index, &value) in (offset..).zip(vector) {
            axpy(value, &root.row(index)[offset..], &mut row[offset..]);
        }
    }
}

/// (V_S B)' (I + P_SS)^-1 1 behind what is in `passed`: B times it are the user's coordinates w. A user's system is as large as
/// the rows: they are brought through B once, each at the cost of its own coordinates times all.
fn pass(v: &SideBySide<'_>, root: &Matrix, items: &[u32], work: &mut UserSystem, passed: &mut Vec<f32>) {
    let width = root.rows();
    let from = passed.len();
    passed.resize(from + width, 0.0);
    if items.is_empty() {
        return;
    }
    let mut rows = std::mem::take(&mut work.system);
    refill(&mut rows, items.len() * width, 0.0);
    items.iter().zip(rows.chunks_exact_mut(width)).for_each(|(&item, row)| bring(v, root, item, row));
    work.system = rows;
    solve_rows(items.len(), width, work);
    work.system.chunks_exact(width).zip(&work.x).for_each(|(row, &x)| axpy(x, row, &mut passed[from..]));
}
