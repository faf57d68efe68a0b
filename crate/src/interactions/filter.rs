//! Filters on rows that were read well.

use super::rows::starts_of;
use super::{Interactions, Row};

/// Leaves the largest set of rows in which every user and every item has at least `k` rows (Seidman 1983, on the graph of
/// users and items). Each row is taken away at most once: O(rows + ids).
pub fn k_core(interactions: Interactions, k: u32) -> Interactions {
    if k <= 1 {
        return interactions;
    }
    let rows = interactions.rows();
    let (n_users, n_items) = (interactions.users().len(), interactions.items().len());
    let user_starts = starts_of(n_users, rows.iter().map(|row| row.user));
    let item_starts = starts_of(n_items, rows.iter().map(|row| row.item));
    // Row numbers by item; by user they are already in order.
    let mut next = item_starts.clone();
    let mut by_item = vec![0u32; rows.len()];
    for (number, row) in rows.iter().enumerate() {
        by_item[next[row.item as usize] as usize] = number as u32;
        next[row.item as usize] += 1;
    }
    let degrees = |starts: &[u32]| starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<u32>>();
    let (mut users, mut items) = (degrees(&user_starts), degrees(&item_starts));
    let mut alive = vec![true; rows.len()];
    // Users first, items after them in one numbering.
    let mut falling: Vec<usize> = (0..n_users).filter(|&user| users[user] < k).collect();
    falling.extend((0..n_items).filter(|&item| items[item] < k).map(|item| n_users + item));
    while let Some(node) = falling.pop() {
        let (from, to) = match node.checked_sub(n_users) {
            None => (user_starts[node], user_starts[node + 1]),
            Some(item) => (item_starts[item], item_starts[item + 1]),
        };
        for at in from..to {
            let number = if node < n_users { at } else { by_item[at as usize] } as usize;
            if !std::mem::replace(&mut alive[number], false) {
                continue;
            }
            let (user, item) = (rows[number].user as usize, rows[number].item as usize);
            users[user] -= 1;
            items[item] -= 1;
            // Only on the way down through k, so that nobody is queued twice.
            if users[user] + 1 == k {
                falling.push(user);
            }
            if items[item] + 1 == k {
                falling.push(n_users + item);
            }
        }
    }
    let kept: Vec<Row> = rows.iter().zip(alive).filter(|(_, alive)| *alive).map(|(row, _)| *row).collect();
    Interactions::from_rows(interactions.users().clone(), interactions.items().clone(), kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interactions::{Fate, Triple};

    proptest! {
        #[test]
        fn equals_removing_until_nothing_changes(pairs in prop::collection::vec((0u8..12, 0u8..12), 0..90), k in 0u32..6) {
            let mut triples: Vec<Triple> = pairs
                .iter()
                .map(|(u, i)| Triple { user: u.to_string(), item: i.to_string(), value: 1.0, time: 0, fate: Fate::Train })
                .collect();
            triples.sort_by(|a, b| (&a.user, &a.item).cmp(&(&b.user, &b.item)));
            triples.dedup();
            let core = k_core(Interactions::new(triples.clone()), k);
            loop {
                let count = |t: &Triple| {
                    let user = triples.iter().filter(|other| other.user == t.user).count() as u32;
                    user.min(triples.iter().filter(|other| other.item == t.item).count() as u32)
                };
                let kept: Vec<Triple> = triples.iter().filter(|t| count(t) >= k).cloned().collect();
                if kept.len() == triples.len() {
                    break;
                }
                triples = kept;
            }
            prop_assert_eq!(core, Interactions::new(triples));
        }
    }
}
