//! People as they are shown: what they are called, whom to begin with, and why they are recommended what they are.

use crate::combine::UserRows;
use crate::error::Result;
use crate::interactions::Ids;
use crate::partition::Method;
use crate::pipeline::{Pipeline, trains};

use super::{BecauseView, Experiment, ReasonView};

/// Items of a list that are explained.
const EXPLAINED: usize = 10;
/// Rows that are named for each.
const ROWS: usize = 3;
/// The suggested person has more rows than this share of those who can be suggested: enough to be remembered by.
const ACTIVE: f64 = 0.75;

impl Experiment {
    /// Names in the order of the ids, where the people are invented.
    pub(super) fn names(&self, users: &Ids) -> Vec<String> {
        let names = &self.source.names;
        if names.is_empty() {
            return Vec::new();
        }
        users.iter().map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_owned())).collect()
    }

    /// Who is an anchor, in the order of the ids.
    pub(super) fn anchors(&self, pipeline: &Pipeline) -> Vec<bool> {
        let (settings, dataset) = (pipeline.settings(), pipeline.dataset());
        if settings.partition.method != Method::Anchored {
            return Vec::new();
        }
        let users = 0..pipeline.rows().users().len() as u32;
        users.map(|user| dataset.is_anchor(user, &settings.partition, settings.seed)).collect()
    }

    /// Somebody who has rather many training rows and is no anchor; none where everybody is one.
    pub(super) fn suggested(&self, pipeline: &Pipeline) -> Option<String> {
        let (rows, anchors) = (pipeline.rows(), self.anchors(pipeline));
        let free = |user: &u32| anchors.get(*user as usize) != Some(&true);
        let count = |user: u32| rows.rows_of(user).iter().filter(|row| trains(row)).count() as u32;
        let mut known: Vec<(u32, u32)> =
            (0..rows.users().len() as u32).filter(free).map(|user| (count(user), user)).collect();
        tiny_sort::unstable::sort(&mut known);
        let at = (ACTIVE * known.len().saturating_sub(1) as f64) as usize;
        known.get(at).map(|&(_, user)| rows.users().get(user).to_owned())
    }

    /// Why the top of the serving list of a user is what it is.
    pub(super) fn reasons(&self, user: u32) -> Result<Vec<ReasonView>> {
        let Ok(pipeline) = self.trained("reasons") else { return Ok(Vec::new()) };
        let listed = self.records.get(self.serving_name()).and_then(|record| record.metrics.get(user as usize));
        let Some(listed) = listed else { return Ok(Vec::new()) };
        let table = pipeline.table(&self.store, std::iter::once(user));
        let served = pipeline.served(&self.store)?;
        let mut scorer = served.scorer()?;
        let rows = UserRows { items: &table.items, values: &table.values, own: &table.own };
        let items = pipeline.rows().items();
        let explained = listed.top.iter().take(EXPLAINED).filter_map(|&item| {
            let mut terms = scorer.terms(&rows, item)?;
            // Equal terms stay in the order of the rows.
            tiny_sort::stable::sort_by(&mut terms, |a, b| b.1.total_cmp(&a.1));
            let all: f32 = terms.iter().map(|&(_, term)| term.max(0.0)).sum();
            let strong = terms.iter().take(ROWS).filter(|&&(_, term)| term > 0.0);
            let because = strong.map(|&(own, term)| {
                let id = items.get(own);
                BecauseView { item: id.to_owned(), title: self.title(id), share: term / all }
            });
            Some(ReasonView { item: items.get(item).to_owned(), because: because.collect() })
        });
        Ok(explained.collect())
    }
}
