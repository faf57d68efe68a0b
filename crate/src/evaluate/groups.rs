//! Which users are looked at together.

use serde::{Deserialize, Serialize};

/// A named set of users, as indices into the per-user results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Such as `active`, `touched`, `shard 3`.
    pub name: String,
    /// Ascending indices.
    pub users: Vec<u32>,
}

/// `active`: the `share` of users (rounded up) with the most training rows, ties to the lower index; `inactive`: the
/// others. The gap between the two is a fairness figure of the literature (Li et al., WWW 2021).
pub fn activity_groups(training_rows: &[u32], share: f32) -> Vec<Group> {
    let mut order: Vec<u32> = (0..training_rows.len() as u32).collect();
    tiny_sort::stable::sort_by_key(&mut order, |&user| (std::cmp::Reverse(training_rows[user as usize]), user));
    let cut = ((training_rows.len() as f64 * f64::from(share)).ceil() as usize).min(order.len());
    let (active, inactive) = order.split_at(cut);
    [("active", active), ("inactive", inactive)]
        .map(|(name, users)| {
            let mut users = users.to_vec();
            tiny_sort::unstable::sort(&mut users);
            Group { name: name.into(), users }
        })
        .into()
}

/// `shard 0`, `shard 1`, ...: who has rows in the shard. `shards[user]` lists the user's shards.
pub fn shard_groups(shards: &[Vec<u16>], n_shards: u16) -> Vec<Group> {
    let mut groups: Vec<Group> =
        (0..n_shards).map(|shard| Group { name: format!("shard {shard}"), users: Vec::new() }).collect();
    for (user, shards) in shards.iter().enumerate() {
        for &shard in shards {
            if let Some(group) = groups.get_mut(usize::from(shard))
                && group.users.last() != Some(&(user as u32))
            {
                group.users.push(user as u32);
            }
        }
    }
    groups
}

/// `touched`: who has rows in a shard that a request retrained; `untouched`: the others. `touched` is per shard.
pub fn touched_groups(shards: &[Vec<u16>], touched: &[bool]) -> Vec<Group> {
    let is_touched =
        |shards: &[u16]| shards.iter().any(|&shard| touched.get(usize::from(shard)).is_some_and(|&touched| touched));
    let (inside, outside) = (0..shards.len() as u32).partition(|&user| is_touched(&shards[user as usize]));
    vec![Group { name: "touched".into(), users: inside }, Group { name: "untouched".into(), users: outside }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_users_are_those_with_most_rows() {
        let groups = activity_groups(&[3, 9, 3, 9, 1], 0.3);
        assert_eq!(groups[0], Group { name: "active".into(), users: vec![1, 3] });
        assert_eq!(groups[1].users, [0, 2, 4]);
        let groups = activity_groups(&[3, 9, 3, 9, 1], 0.5);
        assert_eq!(groups[0].users, [0, 1, 3]);
        assert!(activity_groups(&[], 0.5)[0].users.is_empty());
    }

    #[test]
    fn a_user_in_several_shards_is_in_each_of_their_groups_once() {
        let shards = [vec![0], vec![1, 0, 0], vec![]];
        let groups = shard_groups(&shards, 2);
        assert_eq!((&groups[0].users[..], &groups[1].users[..]), (&[0, 1][..], &[1][..]));
        let groups = touched_groups(&shards, &[false, true]);
        assert_eq!((&groups[0].users[..], &groups[1].users[..]), (&[1][..], &[0, 2][..]));
    }
}
