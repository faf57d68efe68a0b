//! Requests as people meet them: four short stories, each a sequence of changes that follows from the rows and the seed.

use serde::{Deserialize, Serialize};

use super::{Change, How, Plan, Request, RequestError, Selection, Sequence, Taint, select};
use crate::interactions::Interactions;
use crate::numerics::random::{Purpose, keyed_hash};
use crate::pipeline::trains;

/// People who withdraw one after another.
const WITHDRAW: usize = 6;
/// Share of the users, in percent, that turn out to be one account.
const SPAM: f64 = 2.0;
/// Days of a month; a request comes on every third.
const DAYS: usize = 30;

/// A story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Six people withdraw their consent, one after another.
    Consent,
    /// An account is found to be spam: the most active fiftieth of the users goes at once.
    Spam,
    /// One embarrassing item goes, whoever has it.
    Item,
    /// Ten requests of a month: people, single rows and an item.
    Month,
}

/// A story, for whoever chooses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ScenarioCard {
    /// Its name.
    pub name: Scenario,
    /// In a few words.
    pub title: &'static str,
    /// In one sentence.
    pub about: &'static str,
}

/// All stories, in the order of [`Scenario::ALL`].
pub fn catalogue() -> Vec<ScenarioCard> {
    let card = |name: Scenario| {
        let (title, about) = match name {
            Scenario::Consent => {
                ("Consent withdrawn", "Six people withdraw their consent, one after another: a request each.")
            }
            Scenario::Spam => {
                ("Spam found", "An account behind many users: the most active fiftieth of them goes in one request.")
            }
            Scenario::Item => {
                ("One embarrassing item", "An item that a middling number of people have goes, whoever has it.")
            }
            Scenario::Month => {
                ("A month of requests", "A request every third day: six people, three single rows and one item.")
            }
        };
        ScenarioCard { name, title, about }
    };
    Scenario::ALL.into_iter().map(card).collect()
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 4] = [Scenario::Consent, Scenario::Spam, Scenario::Item, Scenario::Month];

    /// As written on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Scenario::Consent => "consent",
            Scenario::Spam => "spam",
            Scenario::Item => "item",
            Scenario::Month => "month",
        }
    }

    /// Its requests on these rows, none of them confirmed. Who and what is in them is decided by keyed hashes of the ids, so it is
    /// the same on every surface. Where there are too few people for the story, there are fewer requests.
    ///
    /// Errors: none of its own; those of [`select`].
    pub fn sequence(self, rows: &Interactions, seed: u64) -> Result<Sequence, RequestError> {
        let people = |how, percent| select(rows, &Selection { how, percent }, seed);
        // Somebody has to be left.
        let few = |wanted: usize, all: &[String]| wanted.min(all.len() / 2);
        let mut changes = match self {
            Scenario::Consent => {
                let all = people(How::Random, 100.0)?;
                Sequence::one_by_one(all[..few(WITHDRAW, &all)].iter().cloned()).changes
            }
            Scenario::Spam => vec![Change::forget_users(people(How::Core, SPAM)?)],
            Scenario::Item => middling(rows).map(|item| Change::forget_items([item])).into_iter().collect(),
            Scenario::Month => {
                let all = people(How::Random, 100.0)?;
                let (leaving, staying) = all.split_at(few(6, &all));
                month(rows, leaving, staying, seed)
            }
        };
        changes.retain(|change| !change.is_empty());
        Ok(Sequence { changes })
    }
}

/// The item in the middle of all that are trained on, by how many have it; of equal ones the first by id.
fn middling(rows: &Interactions) -> Option<String> {
    let mut holders = vec![0u32; rows.items().len()];
    rows.rows().iter().filter(|row| trains(row)).for_each(|row| holders[row.item as usize] += 1);
    let mut items: Vec<u32> = (0..holders.len() as u32).filter(|&item| holders[item as usize] > 0).collect();
    tiny_sort::stable::sort_by_key(&mut items, |&item| (holders[item as usize], item));
    items.get(items.len() / 2).map(|&item| rows.items().get(item).to_owned())
}

/// Every third day somebody asks: in turn to be forgotten, and for one row that is; once an item goes.
fn month(rows: &Interactions, leaving: &[String], staying: &[String], seed: u64) -> Vec<Change> {
    let mut people = leaving.iter();
    let one_row = |user: &String| -> Option<Change> {
        let own = rows.rows_of(rows.users().find(user)?).iter().filter(|row| trains(row));
        let item = |row: &crate::interactions::Row| rows.items().get(row.item);
        // Not somebody's only row.
        let chosen = (own.clone().count() > 1).then(|| {
            own.min_by_key(|row| {
                (keyed_hash(seed, Purpose::Selection, &[user.as_bytes(), item(row).as_bytes()]), row.item)
            })
        })??;
        Some(Change {
            forget: Request { interactions: vec![(user.clone(), item(chosen).to_owned())], ..Request::default() },
            add: Vec::new(),
        })
    };
    let mut single = staying.iter().filter_map(one_row);
    let mut changes = Vec::new();
    for day in 0..DAYS / 3 {
        changes.extend(match day {
            4 => middling(rows).map(|item| Change::forget_items([item])),
            day if day % 3 == 2 => single.next(),
            _ => people.next().map(|user| Change::forget_users([user.clone()])),
        });
    }
    changes
}

/// What a sequence would cost, request by request, before anything is carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SequenceBill {
    /// A line per request, in their order.
    pub lines: Vec<BillLine>,
    /// Requests that are not on it: the partition is made again before them, so nobody knows yet what they touch.
    pub open: u32,
}

/// One request of a [`SequenceBill`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct BillLine {
    /// Users who lose or gain a row.
    pub users: u32,
    /// Rows that go.
    pub rows: u32,
    /// Rows that come.
    pub added: u32,
    /// Shards to train again.
    pub shards: u32,
    /// Rows to train on again.
    pub rows_to_train: u32,
    /// Rows that making the whole ensemble again would train on.
    pub rows_full: u32,
    /// Stages that may still depend on what is gone.
    pub taints: Vec<Taint>,
}

impl BillLine {
    /// The plan's figures in short.
    pub fn of(plan: &Plan) -> BillLine {
        BillLine {
            users: plan.users,
            rows: plan.rows,
            added: plan.added,
            shards: plan.touched.iter().filter(|shard| shard.rows_after > 0).count() as u32,
            rows_to_train: plan.rows_to_train,
            rows_full: plan.rows_full,
            taints: plan.taints.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interactions::{SyntheticConfig, synthetic};

    fn rows(users: u32) -> Interactions {
        synthetic(&SyntheticConfig { users, items: 30, rows: users * 10, groups: 3, seed: 4 }).unwrap().interactions
    }

    #[test]
    fn each_story_is_what_it_says_and_follows_from_rows_and_seed() {
        let rows = rows(100);
        let of = |scenario: Scenario| scenario.sequence(&rows, 7).unwrap().changes;
        let named = |change: &Change| {
            let Request { users, items, interactions, confirmed } = &change.forget;
            assert!(!confirmed && change.add.is_empty());
            (users.len(), items.len(), interactions.len())
        };
        assert_eq!(of(Scenario::Consent).iter().map(named).collect::<Vec<_>>(), [(1, 0, 0); 6]);
        assert_eq!(of(Scenario::Spam).iter().map(named).collect::<Vec<_>>(), [(2, 0, 0)]);
        assert_eq!(of(Scenario::Item).iter().map(named).collect::<Vec<_>>(), [(0, 1, 0)]);
        let month: Vec<_> = of(Scenario::Month).iter().map(named).collect();
        let (user, item, row) = ((1, 0, 0), (0, 1, 0), (0, 0, 1));
        assert_eq!(month, [user, user, row, user, item, row, user, user, row, user]);
        for scenario in Scenario::ALL {
            assert_eq!(of(scenario), of(scenario));
            let found = of(scenario).iter().all(|change| change.forget.resolve(&rows).unknown_users.is_empty());
            assert!(found, "{scenario:?}");
        }
        assert_ne!(of(Scenario::Consent), Scenario::Consent.sequence(&rows, 8).unwrap().changes);
    }

    #[test]
    fn few_people_make_short_stories_and_nobody_none() {
        let rows = rows(5);
        assert_eq!(Scenario::Consent.sequence(&rows, 7).unwrap().changes.len(), 2);
        assert!(Scenario::Month.sequence(&rows, 7).unwrap().changes.len() >= 4);
        let nobody = Interactions::default();
        for scenario in Scenario::ALL {
            assert_eq!(scenario.sequence(&nobody, 7).unwrap(), Sequence::default());
        }
    }

    #[test]
    fn names_and_cards_agree() {
        for (card, name) in catalogue().iter().zip(Scenario::ALL) {
            assert_eq!(card.name, name);
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{}\"", name.as_str()));
        }
    }
}
