//! From any optimal plan to a vertex: at most K - 1 divided rows.

use std::collections::BTreeMap;

/// Divided rows: row -> (column, amount), amounts above 0.
pub(super) type Parts = BTreeMap<u32, Vec<(u16, u64)>>;

/// Removes cycles from the graph of divided rows and columns by pushing flow around them. In an optimal plan every
/// used edge is tight, so every such cycle costs nothing, and a graph without cycles has at most K - 1 divided rows.
pub(super) fn cancel_cycles(parts: &mut Parts, columns: usize) {
    // `forest[column]` leads towards a root by way of a row; rebuilt after each cancellation, of which there are few.
    while let Some(cycle) = find_cycle(parts, columns) {
        // The cycle alternates: edge 2t leaves a column for a row, edge 2t + 1 goes from that row to the next column.
        let amount = |parts: &Parts, row: u32, column: u16| {
            parts[&row].iter().find(|part| part.0 == column).map_or(0, |part| part.1)
        };
        let delta = cycle.iter().map(|&(row, from, _)| amount(parts, row, from)).min().expect("a cycle has edges");
        for &(row, from, to) in &cycle {
            if let Some(row_parts) = parts.get_mut(&row) {
                for part in row_parts.iter_mut() {
                    if part.0 == from {
                        part.1 -= delta;
                    } else if part.0 == to {
                        part.1 += delta;
                    }
                }
                row_parts.retain(|part| part.1 > 0);
            }
        }
    }
}

/// A cycle as moves (row, from column, to column), or `None` if the graph is a forest.
fn find_cycle(parts: &Parts, columns: usize) -> Option<Vec<(u32, u16, u16)>> {
    // Columns are joined by divided rows; a row with c parts joins its first column to each of the c - 1 others.
    let mut links: Vec<Vec<(u16, u32)>> = vec![Vec::new(); columns];
    for (&row, row_parts) in parts {
        for pair in row_parts.windows(2) {
            let (a, b) = (pair[0].0, pair[1].0);
            if let Some(path) = path(&links, a, b) {
                let mut cycle = path;
                cycle.push((row, b, a));
                return Some(merge(cycle));
            }
            links[usize::from(a)].push((b, row));
            links[usize::from(b)].push((a, row));
        }
    }
    None
}

/// Moves that lead from column `from` to column `to` along the links (which form a forest).
fn path(links: &[Vec<(u16, u32)>], from: u16, to: u16) -> Option<Vec<(u32, u16, u16)>> {
    let mut before: Vec<Option<(u32, u16)>> = vec![None; links.len()];
    let mut seen = vec![false; links.len()];
    let mut stack = vec![from];
    seen[usize::from(from)] = true;
    while let Some(column) = stack.pop() {
        if column == to {
            let mut moves = Vec::new();
            let mut at = to;
            while let Some((row, earlier)) = before[usize::from(at)] {
                moves.push((row, earlier, at));
                at = earlier;
            }
            moves.reverse();
            return Some(moves);
        }
        for &(next, row) in &links[usize::from(column)] {
            if !std::mem::replace(&mut seen[usize::from(next)], true) {
                before[usize::from(next)] = Some((row, column));
                stack.push(next);
            }
        }
    }
    None
}

/// Joins consecutive moves of the same row, so that each row is changed once per visit.
fn merge(cycle: Vec<(u32, u16, u16)>) -> Vec<(u32, u16, u16)> {
    let mut merged: Vec<(u32, u16, u16)> = Vec::new();
    for step in cycle {
        match merged.last_mut() {
            Some(last) if last.0 == step.0 => last.2 = step.2,
            _ => merged.push(step),
        }
    }
    if merged.len() > 1 && merged[0].0 == merged[merged.len() - 1].0 {
        let last = merged.pop().map_or((0, 0, 0), |last| last);
        merged[0].1 = last.1;
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forest_is_left_and_sums_are_kept() {
        let mut parts = Parts::new();
        parts.insert(3, vec![(0, 4), (1, 5), (2, 1)]);
        parts.insert(5, vec![(0, 2), (1, 7)]);
        parts.insert(9, vec![(1, 3), (2, 3)]);
        parts.insert(11, vec![(0, 1), (2, 8), (3, 8)]);
        let sums = |parts: &Parts| {
            let rows: Vec<u64> = parts.values().map(|p| p.iter().map(|x| x.1).sum()).collect();
            let mut columns = [0u64; 4];
            parts.values().flatten().for_each(|part| columns[usize::from(part.0)] += part.1);
            (rows, columns)
        };
        let before = sums(&parts);
        cancel_cycles(&mut parts, 4);
        assert_eq!(sums(&parts), before);
        let extra: usize = parts.values().map(|p| p.len() - 1).sum();
        assert!(extra <= 3, "{parts:?}");
    }
}
