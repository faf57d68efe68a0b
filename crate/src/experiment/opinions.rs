//! What each shard would have said to one person, beside what the ensemble says.

use serde::{Deserialize, Serialize};

use crate::combine::{UserRows, standardise};
use crate::error::Result;
use crate::evaluate::rank;
use crate::pipeline::trains;

use super::{Experiment, ExperimentError, ItemView};

/// Items looked at: the top of the ensemble's list.
const TOP: usize = 10;

/// The top of the serving ensemble's list, and every shard's opinion of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct OpinionsView {
    /// The items, best first.
    pub items: Vec<ItemView>,
    /// One entry per shard with a sub-model.
    pub opinions: Vec<OpinionView>,
}

/// One shard's opinion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct OpinionView {
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
    /// Errors: nothing is trained yet; nobody of that id.
    pub fn opinions(&self, id: &str) -> Result<OpinionsView> {
        let pipeline = self.trained("asking the shards")?;
        let user = pipeline.rows().users().find(id);
        let user = user.ok_or_else(|| ExperimentError::UnknownUser(id.to_owned()))?;
        let table = pipeline.table(&self.store, std::iter::once(user));
        let served = pipeline.served(&self.store)?;
        let mut scorer = served.scorer()?;
        let listed = self.records.get(self.serving_name()).and_then(|record| record.metrics.get(user as usize));
        let mut top: Vec<u32> = listed.map(|result| result.top.iter().copied().take(TOP).collect()).unwrap_or_default();
        let rows = UserRows { items: &table.items, values: &table.values, own: &table.own };
        let mut scores = vec![0.0; served.ensemble.n_items() as usize];
        // Where a sample of the people is measured, the others' lists are made when they are asked for.
        if top.is_empty() {
            scorer.score(&rows, &mut scores);
            top = rank(&mut scores, rows.items, TOP);
        }
        let present = pipeline.divided(&self.store).expect("a trained pipeline has shards").present();
        let opinions = present.iter().enumerate().map(|(member, &shard)| {
            let own = table.own.iter().any(|&(own, _)| usize::from(own) == member);
            if !scorer.shard_scores(member, &rows, &mut scores) {
                let nothing = vec![None; top.len()];
                return OpinionView { shard, own, spoke: false, ranks: nothing, scores: vec![None; top.len()] };
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
            OpinionView { shard, own, spoke: true, ranks, scores }
        });
        let opinions = opinions.collect();
        let own = pipeline.rows().rows_of(user);
        let shown = |&item: &u32| {
            let test = own.iter().any(|row| row.item == item && !trains(row));
            self.item_view(pipeline, item, 0.0, test)
        };
        Ok(OpinionsView { items: top.iter().map(shown).collect(), opinions })
    }
}
