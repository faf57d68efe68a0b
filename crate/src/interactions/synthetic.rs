//! The bundled sample at any size: invented items, planted tastes, long tails. Nothing in it is about anybody.

use std::collections::BTreeSet;
use std::io;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::titles::{self, ItemTitle, ItemTitles};
use super::{Consent, Fate, Ids, Interactions, Row, SplitError};
use crate::numerics::math;
use crate::numerics::random::{Purpose, StreamKey, below, normal, shuffle, unit};

/// A share of a user's rows goes to the user's own group, another to a second group, the rest to anything.
const OWN: f64 = 0.62;
const SECOND: f64 = 0.16;
/// Exponent of the popularity within a group: weight of the r-th item is (r + 2)^-1.05.
const TAIL: f64 = 1.05;
/// Spread of the logarithm of a user's activity.
const ACTIVITY: f64 = 0.9;
/// First second of 2020.
const EPOCH: i64 = 1_577_836_800;
/// Seconds over which users arrive.
const ARRIVALS: f64 = 3.0 * 365.0 * 86_400.0;

/// What the sample is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticConfig {
    /// Users; each has at least one row.
    pub users: u32,
    /// Items; each has at least one row.
    pub items: u32,
    /// Distinct rows, exactly.
    pub rows: u32,
    /// Planted taste groups, of users and of items.
    pub groups: u32,
    /// Another seed makes another sample.
    pub seed: u64,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Size::Small.config(1)
    }
}

/// Sizes with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// 600 users, 400 items, 20,000 rows.
    #[default]
    Small,
    /// 2,000 users, 1,500 items, 120,000 rows.
    Medium,
    /// 6,040 users, 3,706 items, 1,000,000 rows.
    Large,
}

impl Size {
    /// The configuration of this size.
    pub fn config(self, seed: u64) -> SyntheticConfig {
        let (users, items, rows, groups) = match self {
            Size::Small => (600, 400, 20_000, 6),
            Size::Medium => (2_000, 1_500, 120_000, 10),
            Size::Large => (6_040, 3_706, 1_000_000, 12),
        };
        SyntheticConfig { users, items, rows, groups, seed }
    }
}

/// A sample: its rows, and what was planted in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// The rows, all train; ratings 1 to 5, times growing per user.
    pub interactions: Interactions,
    /// Title of each item, in the order of the item ids.
    pub titles: Vec<String>,
    /// Planted group of each item, in the order of the item ids.
    pub item_groups: Vec<u32>,
    /// Planted group of each user, in the order of the user ids: what a partition by taste should find again.
    pub user_groups: Vec<u32>,
    /// Name of each group.
    pub group_names: Vec<String>,
}

/// Makes a sample. O(users + items + rows log items); one million rows take about as long as reading them.
///
/// Errors: [`SplitError::Sample`] where so many distinct rows, or a row for everyone, cannot be.
pub fn synthetic(config: &SyntheticConfig) -> Result<Synthetic, SplitError> {
    let &SyntheticConfig { users, items, rows, groups, seed } = config;
    check(config)?;
    let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).fast();
    let rng = &mut rng;
    // Groups of somewhat unequal size; ids say nothing about them.
    let user_groups = planted(rng, users, groups);
    let item_groups = planted(rng, items, groups);
    let shelves = Shelves::new(rng, &item_groups, groups);
    let activity = activities(rng, config);
    let mut taken = BTreeSet::new();
    let titles = item_groups.iter().map(|&group| titles::invent(rng, group, &mut taken)).collect();
    let quality: Vec<f64> = (0..items).map(|_| 0.35 * normal(rng)).collect();

    let mut baskets = first_rows(rng, &user_groups, &item_groups, &activity);
    let mut seen = vec![u32::MAX; items as usize];
    let mut all = Vec::with_capacity(rows as usize);
    for (user, basket) in baskets.iter_mut().enumerate() {
        let group = user_groups[user];
        let second = (group + 1 + below(rng, groups.max(2) - 1)) % groups;
        basket.iter().for_each(|&item| seen[item as usize] = user as u32);
        while (basket.len() as u32) < activity[user] {
            let item = shelves.draw(rng, group, second, |item| seen[item as usize] == user as u32);
            seen[item as usize] = user as u32;
            basket.push(item);
        }
        shuffle(rng, basket);
        let mood = 0.3 * normal(rng);
        let mut time = EPOCH + (unit(rng) * ARRIVALS) as i64;
        for &item in basket.iter() {
            let taste = match item_groups[item as usize] {
                own if own == group => 4.2,
                other if other == second => 3.6,
                _ => 2.7,
            };
            let rating = taste + quality[item as usize] + mood + 0.7 * normal(rng);
            time += 30 + (unit(rng) * unit(rng) * 172_800.0) as i64;
            let value = rating.round().clamp(1.0, 5.0) as f32;
            all.push(Row { user: user as u32, item, value, time, fate: Fate::Train, consent: Consent::Unsaid });
        }
    }
    Ok(Synthetic {
        interactions: Interactions::from_rows(numbered('u', users), numbered('i', items), all),
        titles,
        item_groups,
        user_groups,
        group_names: (0..groups).map(titles::theme_name).collect(),
    })
}

impl Synthetic {
    /// Titles and genres by item id; still right after rows were forgotten.
    pub fn item_titles(&self) -> ItemTitles {
        let entry = |((id, title), &group): ((&str, &String), &u32)| ItemTitle {
            id: id.to_owned(),
            title: title.clone(),
            genres: vec![self.group_names[group as usize].clone()],
        };
        ItemTitles::new(self.interactions.items().iter().zip(&self.titles).zip(&self.item_groups).map(entry).collect())
    }
}

/// Writes rows as delimited text that [`super::Reader`] reads back to equal interactions: header `uid,iid,val,time`, ids
/// quoted where they have to be. Streams; errors are the writer's.
pub fn to_csv(interactions: &Interactions, out: &mut impl io::Write) -> io::Result<()> {
    use std::fmt::Write as _;
    let quoted = |ids: &Ids| -> Vec<String> { ids.iter().map(quote).collect() };
    let (users, items) = (quoted(interactions.users()), quoted(interactions.items()));
    let mut text = String::from("uid,iid,val,time\n");
    for rows in interactions.rows().chunks(4_096) {
        for row in rows {
            // Writing to a String cannot fail.
            let (user, item) = (&users[row.user as usize], &items[row.item as usize]);
            let _ = writeln!(text, "{user},{item},{},{}", row.value, row.time);
        }
        out.write_all(text.as_bytes())?;
        text.clear();
    }
    out.write_all(text.as_bytes())
}

fn quote(id: &str) -> String {
    if id.contains([',', '"', '\n', '\r']) { format!("\"{}\"", id.replace('"', "\"\"")) } else { id.to_owned() }
}

fn check(config: &SyntheticConfig) -> Result<(), SplitError> {
    let &SyntheticConfig { users, items, rows, groups, .. } = config;
    let refuse = |field, value, expected: String| Err(SplitError::Sample { field, value, expected });
    for (field, value) in [("users", users), ("items", items)] {
        if !(2..=10_000_000).contains(&value) {
            return refuse(field, value, "2 to 10,000,000".to_owned());
        }
    }
    let most = users.min(items).min(1_000);
    if groups == 0 || groups > most {
        return refuse("groups", groups, format!("1 to {most}, so that no group is empty"));
    }
    let (least, most) = (users.max(items), u64::from(users) * u64::from(items));
    if rows < least || u64::from(rows) > most {
        let expected = format!(
            "{least} to {most} rows: at least one for each of {users} users and {items} items, at most one per pair"
        );
        return refuse("rows", rows, expected);
    }
    Ok(())
}

/// Zero-padded, so that the order of the ids is that of the numbers.
fn numbered(letter: char, count: u32) -> Ids {
    let width = count.to_string().len();
    Ids::new((1..=count).map(|number| format!("{letter}{number:0width$}")).collect())
}

/// A group for each of `count`, none empty, the largest about three times the smallest, in random order.
fn planted(rng: &mut impl Rng, count: u32, groups: u32) -> Vec<u32> {
    let weight = |group: u32| f64::from(groups) + 2.0 * f64::from(groups - group);
    let total: f64 = (0..groups).map(weight).sum();
    let mut members: Vec<u32> = (0..groups).collect();
    let mut sum = 0.0;
    for group in 0..groups {
        sum += weight(group);
        let upto = (f64::from(count - groups) * (sum / total)).round() as usize + groups as usize;
        members.resize(upto.max(members.len()), group);
    }
    members.resize(count as usize, 0);
    shuffle(rng, &mut members);
    members
}

/// Rows per user: log-normal, at least a few, at most half of the items where there is room, the sum exact.
fn activities(rng: &mut impl Rng, config: &SyntheticConfig) -> Vec<u32> {
    let &SyntheticConfig { users, items, rows, .. } = config;
    let mean = rows / users;
    let least = (mean / 4).clamp(1, 8);
    let most = (items / 2).max(mean + mean / 2 + 1).min(items);
    let wish: Vec<f64> = (0..users).map(|_| math::exp(ACTIVITY * normal(rng))).collect();
    // The factor that makes the clamped wishes add up to the rows asked for, by bisection: the sum grows with it.
    let clamped = |factor: f64, wish: f64| ((factor * wish) as u32).clamp(least, most);
    let (mut low, mut high) = (0.0, f64::from(items) * 64.0);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        let sum: u64 = wish.iter().map(|&wish| u64::from(clamped(middle, wish))).sum();
        if sum > u64::from(rows) { high = middle } else { low = middle }
    }
    let mut activity: Vec<u32> = wish.iter().map(|&wish| clamped(low, wish)).collect();
    let mut left = i64::from(rows) - activity.iter().map(|&count| i64::from(count)).sum::<i64>();
    // What rounding left over goes around, first within the bounds, then within what is possible at all.
    for (floor, ceiling) in [(least, most), (1, items)] {
        let mut moved = true;
        while left != 0 && moved {
            moved = false;
            for count in &mut activity {
                if left > 0 && *count < ceiling {
                    (*count, left, moved) = (*count + 1, left - 1, true);
                } else if left < 0 && *count > floor {
                    (*count, left, moved) = (*count - 1, left + 1, true);
                }
            }
        }
    }
    activity
}

/// One row for each item, with a user of its group where one has room, so that every item occurs.
fn first_rows(rng: &mut impl Rng, user_groups: &[u32], item_groups: &[u32], activity: &[u32]) -> Vec<Vec<u32>> {
    let n_users = user_groups.len() as u32;
    let mut baskets: Vec<Vec<u32>> = activity.iter().map(|&count| Vec::with_capacity(count as usize)).collect();
    let mut next = 0;
    for (item, &group) in item_groups.iter().enumerate() {
        let room = |baskets: &[Vec<u32>], user: u32| (baskets[user as usize].len() as u32) < activity[user as usize];
        let mut candidates = (0..64).map(|_| below(rng, n_users));
        let chosen = candidates.find(|&user| user_groups[user as usize] == group && room(&baskets, user));
        let user = chosen.or_else(|| {
            // Users only ever fill up, so that the search goes on where it stopped.
            while next < n_users && !room(&baskets, next) {
                next += 1;
            }
            (next < n_users).then_some(next)
        });
        if let Some(user) = user {
            baskets[user as usize].push(item as u32);
        }
    }
    baskets
}

/// The items by group, most popular first, with running sums of their weights; the last shelf holds all items.
struct Shelves {
    items: Vec<Vec<u32>>,
    sums: Vec<Vec<f64>>,
}

impl Shelves {
    fn new(rng: &mut impl Rng, item_groups: &[u32], groups: u32) -> Self {
        let mut order: Vec<u32> = (0..item_groups.len() as u32).collect();
        shuffle(rng, &mut order);
        let mut items = vec![Vec::new(); groups as usize + 1];
        for &item in &order {
            items[item_groups[item as usize] as usize].push(item);
        }
        // Blockbusters are those at the top of some group.
        let mut all: Vec<(usize, u32)> = Vec::with_capacity(order.len());
        for shelf in &items[..groups as usize] {
            all.extend(shelf.iter().enumerate().map(|(rank, &item)| (rank, item)));
        }
        tiny_sort::unstable::sort(&mut all);
        let everything = items.len() - 1;
        items[everything] = all.into_iter().map(|(_, item)| item).collect();
        let sums = items.iter().map(|shelf| running_sums(shelf.len())).collect();
        Shelves { items, sums }
    }

    /// An item that is not yet `seen`, of which there must be one.
    fn draw(&self, rng: &mut impl Rng, own: u32, second: u32, seen: impl Fn(u32) -> bool) -> u32 {
        let everything = self.items.len() - 1;
        for _ in 0..12 {
            let shelf = match unit(rng) {
                share if share < OWN => own as usize,
                share if share < OWN + SECOND => second as usize,
                _ => everything,
            };
            let sums = &self.sums[shelf];
            let target = unit(rng) * sums[sums.len() - 1];
            let place = sums.partition_point(|&sum| sum <= target).min(sums.len() - 1);
            let item = self.items[shelf][place];
            if !seen(item) {
                return item;
            }
        }
        // Somebody who has seen most of the shelf takes the most popular one left, at home first.
        let left = |shelf: usize| self.items[shelf].iter().copied().find(|&item| !seen(item));
        left(own as usize).or_else(|| left(everything)).unwrap_or_default()
    }
}

fn running_sums(count: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (0..count)
        .map(|rank| {
            sum += math::exp(-TAIL * math::ln(rank as f64 + 2.0));
            sum
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interactions::{DataSummary, ReadConfig, Reader};

    #[test]
    fn sizes_are_exact_and_everything_occurs() {
        for size in [Size::Small, Size::Medium] {
            let config = size.config(7);
            let sample = synthetic(&config).unwrap();
            let summary = DataSummary::of(&sample.interactions);
            assert_eq!((summary.users, summary.items, summary.rows), (config.users, config.items, config.rows));
            assert_eq!(sample.titles.iter().collect::<BTreeSet<_>>().len(), config.items as usize);
            assert!(summary.top_tenth_share > 0.3, "popularity has a long tail: {}", summary.top_tenth_share);
            assert!(summary.max_activity > 3 * summary.median_activity, "so has activity: {summary:?}");
        }
    }

    proptest! {
        #[test]
        fn any_feasible_size_is_met(users in 2u32..40, items in 2u32..40, fill in 0.0f64..=1.0, seed: u64) {
            let (least, most) = (users.max(items), users * items);
            let rows = least + (f64::from(most - least) * fill) as u32;
            let config = SyntheticConfig { users, items, rows, groups: 1 + seed as u32 % users.min(items), seed };
            let sample = synthetic(&config).unwrap();
            let summary = DataSummary::of(&sample.interactions);
            prop_assert_eq!((summary.users, summary.items, summary.rows), (users, items, rows));
            prop_assert!((0..config.groups).all(|group| sample.user_groups.contains(&group)));
        }
    }

    #[test]
    fn the_same_seed_repeats_and_another_does_not() {
        let sample = |seed| synthetic(&Size::Small.config(seed)).unwrap();
        assert_eq!(sample(1), sample(1));
        assert_ne!(sample(1).interactions, sample(2).interactions);
    }

    #[test]
    fn people_prefer_their_group_and_rate_it_higher() {
        let sample = synthetic(&Size::Small.config(1)).unwrap();
        let (mut own, mut sums, mut counts) = (0, [0.0; 2], [0.0; 2]);
        for row in sample.interactions.rows() {
            let same = sample.user_groups[row.user as usize] == sample.item_groups[row.item as usize];
            own += u32::from(same);
            sums[usize::from(same)] += row.value;
            counts[usize::from(same)] += 1.0;
        }
        assert!((0.5..0.85).contains(&(f64::from(own) / 20_000.0)), "{own}");
        assert!(sums[1] / counts[1] > sums[0] / counts[0] + 0.6, "{sums:?} {counts:?}");
    }

    #[test]
    fn text_reads_back_equal() {
        let sample = synthetic(&Size::Small.config(3)).unwrap();
        let mut text = Vec::new();
        to_csv(&sample.interactions, &mut text).unwrap();
        let mut reader = Reader::new(ReadConfig::default());
        text.chunks(1_000).for_each(|chunk| reader.push(chunk));
        let (read, report) = reader.finish().unwrap();
        assert_eq!(read, sample.interactions);
        assert_eq!((report.rejected_rows(), report.duplicates, report.unreadable_times), (0, 0, 0));
    }

    #[test]
    fn impossible_samples_are_refused() {
        let told = |users, items, rows, groups| {
            synthetic(&SyntheticConfig { users, items, rows, groups, seed: 0 }).unwrap_err().to_string()
        };
        assert_eq!(
            told(10, 5, 51, 2),
            "sample rows is 51: expected 10 to 50 rows: at least one for each of 10 users and 5 items, at most one per pair"
        );
        assert!(told(10, 5, 9, 2).contains("10 to 50"));
        assert!(told(1, 5, 5, 1).contains("users is 1"));
        assert!(told(10, 5, 20, 6).contains("groups is 6: expected 1 to 5"));
        assert!(told(10, 5, 20, 0).contains("groups is 0"));
    }
}
