//! What each shard would have said to one person, beside what the ensemble says.

use serde::{Deserialize, Serialize};

use crate::combine::{Prepared, Scorer, UserRows, standardise};
use crate::error::Result;

use super::task::ensemble;
use super::{Experiment, ExperimentError, ItemView};

/// Items looked at: the top of the ensemble's list.
const TOP: usize = 10;

/// The top of the serving ensemble's list, and every shard's opinion of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct VoicesView {
    /// The items, best first.
    pub items: Vec<ItemView>,
    /// One entry per shard with a sub-model.
    pub voices: Vec<VoiceView>,
}

/// One shard's opinion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct VoiceView {
    /// Its number.
    pub shard: u32,
    /// Does it hold rows of the person? Then it scores as trained; the others fold the person in.
    pub own: bool,
    /// False: it knows none of the person's items and has nothing to say.
    pub spoke: bool,
    /// Place of each item in the shard's own list of what the person has not had, from 1; none for an item it never saw.
    pub ranks: Vec<Option<u32>>,
    /// Its scores of the items, standardised over its catalogue.
    pub scores: Vec<Option<f32>>,
}

impl Experiment {
    /// What every shard of the serving ensemble says about the items that the ensemble recommends to a user.
    ///
    /// Errors: nothing is trained yet; nobody of that id; nothing is recommended to that user.
    pub fn voices(&self, id: &str) -> Result<VoicesView> {
        let arm = self.trained("asking the shards")?;
        let user = arm.data.interactions.users().find(id);
        let user = user.ok_or_else(|| ExperimentError::UnknownUser(id.to_owned()))?;
        let table = arm.table(&[user]);
        let ensemble = ensemble(&arm.member_bytes(), arm.n_items())?;
        let bytes = arm.prepared.as_deref().map(|bytes| bytes.as_slice()).unwrap_or_default();
        let prepared = Prepared::from_bytes(bytes)?;
        let mut scorer = Scorer::new(&ensemble, &prepared)?;
        let listed = arm.evaluation.as_ref().and_then(|results| results.get(user as usize));
        let top: Vec<u32> = listed.map(|result| result.top.iter().copied().take(TOP).collect()).unwrap_or_default();
        let rows = UserRows { items: &table.items, values: &table.values, own: &table.own };
        let mut scores = vec![0.0; ensemble.n_items() as usize];
        let present = arm.present();
        let voices = present.iter().enumerate().map(|(member, &shard)| {
            let own = table.own.iter().any(|&(own, _)| usize::from(own) == member);
            if !scorer.shard_scores(member, &rows, &mut scores) {
                let nothing = vec![None; top.len()];
                return VoiceView { shard, own, spoke: false, ranks: nothing, scores: vec![None; top.len()] };
            }
            let known: Vec<usize> = (0..scores.len()).filter(|&item| scores[item].is_finite()).collect();
            let mut finite: Vec<f32> = known.iter().map(|&item| scores[item]).collect();
            standardise(&mut finite);
            known.iter().zip(finite).for_each(|(&item, score)| scores[item] = score);
            let open = |&&item: &&usize| table.items.binary_search(&(item as u32)).is_err();
            let rank = |&item: &u32| {
                let (item, score) = (item as usize, scores[item as usize]);
                let before = |&other: &usize| scores[other] > score || (scores[other] == score && other < item);
                score.is_finite().then(|| 1 + known.iter().filter(open).filter(|other| before(other)).count() as u32)
            };
            let ranks = top.iter().map(rank).collect();
            let scores =
                top.iter().map(|&item| Some(scores[item as usize]).filter(|score| score.is_finite())).collect();
            VoiceView { shard, own, spoke: true, ranks, scores }
        });
        let voices = voices.collect();
        Ok(VoicesView { items: top.iter().map(|&item| self.item_view(user, item)).collect(), voices })
    }

    /// An item as it is shown to a user.
    fn item_view(&self, user: u32, item: u32) -> ItemView {
        let Some(data) = &self.data else { return ItemView::default() };
        let id = data.interactions.items().get(item).to_owned();
        let title = self.source.titles.get(&id).cloned().unwrap_or_else(|| id.clone());
        let row = data.interactions.rows_of(user).iter().find(|row| row.item == item);
        ItemView { item: id, title, value: 0.0, test: row.is_some_and(|row| !super::data::trains(row)) }
    }
}
