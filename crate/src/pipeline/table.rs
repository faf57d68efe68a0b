//! Some users' rows, and where they are in the shards, as jobs carry them.

use crate::interactions::Fate;

use super::Dataset;
use super::job::UserTable;
use super::value::Divided;

/// Rows of some users, `first` being the first of them among all. A user without training rows gets no test rows either:
/// nobody can serve such a user.
pub(crate) fn table(dataset: &Dataset, divided: Option<&Divided>, users: impl Iterator<Item = u32>) -> UserTable {
    let mut users = users.peekable();
    let mut table = UserTable { first: users.peek().copied().unwrap_or_default(), ..UserTable::empty() };
    let present = divided.map_or_else(Vec::new, Divided::present);
    for user in users {
        let (start, test_start) = (table.items.len(), table.test_items.len());
        for row in dataset.rows().rows_of(user) {
            if row.fate == Fate::Test {
                table.test_items.push(row.item);
            } else {
                table.items.push(row.item);
                table.values.push(row.value);
                table.validation.push(row.fate == Fate::Validation);
            }
        }
        for (member, &shard) in present.iter().enumerate() {
            let shards = &divided.expect("there are members only in shards").shards;
            if let Ok(local) = shards[shard as usize].users.binary_search(&user) {
                table.own.push((member as u16, local as u32));
            }
        }
        if table.items.len() == start {
            table.test_items.truncate(test_start);
        }
        table.starts.push(table.items.len() as u32);
        table.test_starts.push(table.test_items.len() as u32);
        table.own_starts.push(table.own.len() as u32);
    }
    table
}
