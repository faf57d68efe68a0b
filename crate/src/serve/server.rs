//! The ensemble read back, and its answers.

use std::fmt;
use std::sync::Arc;

use crate::combine::{Scorer, UserRows};
use crate::error::Result;
use crate::evaluate::{popularity, rank};
use crate::interactions::Ids;
use crate::pipeline::{Dataset, Divided, Pipeline, PipelineError, Served, Store, trains, user_table};

use super::{Basis, Explanation, List, Query, Reason, Recommended, ServeError};

/// Users whose scores are computed together: the combiner's matrix passes through the caches once for all of them.
const TOGETHER: usize = 8;

/// Serves one trained pipeline. Large: the combiner's matrix is in it. Shared by as many threads as there are.
pub struct Server {
    dataset: Arc<Dataset>,
    divided: Arc<Divided>,
    served: Served,
    /// Training rows of every item.
    popular: Vec<f32>,
}

/// A person's rows in catalogue numbers.
struct Person {
    items: Vec<u32>,
    values: Vec<f32>,
    own: Vec<(u16, u32)>,
    /// Items of the visitor's that occur in no row.
    unknown: Vec<String>,
}

impl Person {
    fn rows(&self) -> UserRows<'_> {
        UserRows { items: &self.items, values: &self.values, own: &self.own }
    }
}

/// A query in catalogue numbers.
struct Wanted<'a> {
    query: &'a Query,
    exclude: Vec<u32>,
    /// Per item, may it be listed?
    only: Option<Vec<bool>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shards = self.served.ensemble.n_shards();
        out.debug_struct("Server").field("items", &self.items().len()).field("shards", &shards).finish_non_exhaustive()
    }
}

impl Server {
    /// Reads the ensemble of a pipeline that is trained and combined. O(weights).
    ///
    /// Errors: something is missing; weights that are none.
    pub fn new(pipeline: &Pipeline, store: &Store) -> Result<Self> {
        let missing = || PipelineError::Unusable("the ensemble is not built yet".to_owned());
        let served = pipeline.served(store)?;
        let divided = pipeline.divided(store).ok_or_else(missing)?;
        let training = pipeline.rows().rows().iter().filter(|row| trains(row));
        let popular = popularity(training.map(|row| row.item), pipeline.n_items());
        Ok(Server { dataset: pipeline.dataset().clone(), divided, served, popular })
    }

    fn items(&self) -> &Ids {
        self.dataset.rows().items()
    }

    /// The best items of somebody in the rows. Whoever is not there, or has no training row, gets what is popular, and the
    /// list says so. Rows that were held out for measuring are unknown to the ensemble, and may be listed: that is what
    /// measuring looks at.
    ///
    /// Errors: weights that cannot score.
    pub fn recommend(&self, user: &str, query: &Query) -> Result<List> {
        Ok(self.lists(&[self.person(user)], query)?.remove(0))
    }

    /// [`Server::recommend`] of many, in their order and with the same bits; sooner than one by one.
    pub fn recommend_all(&self, users: &[&str], query: &Query) -> Result<Vec<List>> {
        let people: Vec<Person> = users.iter().map(|user| self.person(user)).collect();
        self.lists(&people, query)
    }

    /// The best items of a visitor who shows some: (item, value), of equal items the last. Nothing of it is kept.
    ///
    /// Errors: as [`Server::recommend`].
    pub fn recommend_for(&self, rows: &[(&str, f32)], query: &Query) -> Result<List> {
        Ok(self.lists(&[self.visitor(rows)], query)?.remove(0))
    }

    /// What goes with an item: what somebody would be told of whom nothing else is known.
    ///
    /// Errors: an item that nobody has.
    pub fn similar(&self, item: &str, query: &Query) -> Result<List> {
        let visitor = self.visitor(&[(item, 1.0)]);
        if !self.known(&visitor) {
            return Err(ServeError::UnknownItem(item.to_owned()).into());
        }
        Ok(self.lists(&[visitor], query)?.remove(0))
    }

    /// Which rows of somebody lead to an item, and how much each adds.
    ///
    /// Errors: nobody of that id; an item that nobody has; a combiner whose scores are no sum over rows.
    pub fn explain(&self, user: &str, item: &str) -> Result<Explanation> {
        if self.dataset.rows().users().find(user).is_none() {
            return Err(ServeError::UnknownUser(user.to_owned()).into());
        }
        self.reasons(&self.person(user), item)
    }

    /// [`Server::explain`] for a visitor's rows.
    ///
    /// Errors: as [`Server::explain`].
    pub fn explain_for(&self, rows: &[(&str, f32)], item: &str) -> Result<Explanation> {
        self.reasons(&self.visitor(rows), item)
    }

    /// Nobody, where the id is not there.
    fn person(&self, user: &str) -> Person {
        let user = self.dataset.rows().users().find(user);
        let table = user_table(&self.dataset, Some(&self.divided), user.into_iter());
        Person { items: table.items, values: table.values, own: table.own, unknown: Vec::new() }
    }

    fn visitor(&self, rows: &[(&str, f32)]) -> Person {
        let mut found = std::collections::BTreeMap::new();
        let mut unknown = Vec::new();
        for &(item, value) in rows {
            match self.items().find(item) {
                Some(at) => drop(found.insert(at, value)),
                None => unknown.push(item.to_owned()),
            }
        }
        let (items, values) = found.into_iter().unzip();
        Person { items, values, own: Vec::new(), unknown }
    }

    fn known(&self, person: &Person) -> bool {
        person.items.iter().any(|&item| self.served.ensemble.knows(item))
    }

    fn wanted<'a>(&self, query: &'a Query) -> Wanted<'a> {
        let exclude = query.exclude.iter().filter_map(|id| self.items().find(id)).collect();
        let only = query.only.as_ref().map(|ids| {
            let mut only = vec![false; self.items().len()];
            ids.iter().filter_map(|id| self.items().find(id)).for_each(|item| only[item as usize] = true);
            only
        });
        Wanted { query, exclude, only }
    }

    fn lists(&self, people: &[Person], query: &Query) -> Result<Vec<List>> {
        let wanted = self.wanted(query);
        let n_items = self.items().len();
        let mut scorer = self.served.scorer()?;
        let mut lists = Vec::with_capacity(people.len());
        let mut scores = vec![0.0; n_items * TOGETHER.min(people.len())];
        for people in people.chunks(TOGETHER) {
            let rows: Vec<UserRows<'_>> = people.iter().map(Person::rows).collect();
            let scores = &mut scores[..n_items * people.len()];
            scorer.score_all(&rows, scores);
            let of_each = people.iter().zip(scores.chunks_exact_mut(n_items.max(1)));
            lists.extend(of_each.map(|(person, scores)| self.list(person, &wanted, scores)));
        }
        Ok(lists)
    }

    fn list(&self, person: &Person, wanted: &Wanted<'_>, scores: &mut [f32]) -> List {
        let basis = if self.known(person) { Basis::Rows } else { Basis::Popularity };
        if basis == Basis::Popularity {
            // An item that no shard has seen has no training row, and is not popular either.
            let popular = self.popular.iter().map(|&rows| if rows > 0.0 { rows } else { f32::NEG_INFINITY });
            scores.iter_mut().zip(popular).for_each(|(score, rows)| *score = rows);
        }
        if let Some(only) = &wanted.only {
            scores
                .iter_mut()
                .zip(only)
                .filter(|(_, listed)| !**listed)
                .for_each(|(score, _)| *score = f32::NEG_INFINITY);
        }
        wanted.exclude.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
        let seen = if wanted.query.seen { &[][..] } else { &person.items };
        let top = rank(scores, seen, (wanted.query.top as usize).min(scores.len()));
        let place = |item: u32| Recommended { item: self.items().get(item).to_owned(), score: scores[item as usize] };
        List { items: top.into_iter().map(place).collect(), basis, unknown: person.unknown.clone() }
    }

    fn reasons(&self, person: &Person, item: &str) -> Result<Explanation> {
        let unknown = || ServeError::UnknownItem(item.to_owned());
        let at = self.items().find(item).filter(|&at| self.served.ensemble.knows(at)).ok_or_else(unknown)?;
        let mut scorer: Scorer<'_> = self.served.scorer()?;
        let combiner = scorer.method().as_str();
        let terms = scorer.terms(&person.rows(), at).ok_or(ServeError::NotAdditive { combiner })?;
        let score = terms.iter().map(|&(_, share)| share).sum();
        let reason = |(item, share): (u32, f32)| Reason { item: self.items().get(item).to_owned(), share };
        let mut reasons: Vec<Reason> = terms.into_iter().map(reason).collect();
        // Rows come in the order of their ids, and equal ones stay in it.
        tiny_sort::stable::sort_by(&mut reasons, |a, b| b.share.total_cmp(&a.share));
        Ok(Explanation { item: item.to_owned(), score, reasons })
    }
}
