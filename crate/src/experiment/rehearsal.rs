//! A rehearsal of a request, to see what an attacker could tell: nothing of it is carried out, and of what it saw only
//! aggregates are kept.
//!
//! Can somebody who asks the service tell forgotten users from users who were never in? For that somebody must never have
//! been in: as many others as are to be forgotten, equally active, are left out from the beginning. The pipeline is run
//! without them; the request is carried out there; the twin is made. To each of the three ensembles everybody of both groups
//! comes as a visitor, four times: each time somebody who shows three quarters of the training rows (a keyed hash deals them
//! out), and the scores of the other quarter are compared with those of unseen items of like popularity
//! ([`crate::evaluate::membership`]). Three whole pipelines, then three passes over the two groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::Digest;

use crate::error::Result;
use crate::evaluate::{Asked, Interval, Membership, auc_difference, membership, place_between};
use crate::interactions::{Interactions, Row};
use crate::pipeline::{
    AuditJob, Body, Event, Hints, JobOut, Outcome, Pipeline, PipelineError, Run, Settings, Shards, Stage, Store,
    UserTable, decode, encode, trains,
};
use crate::unlearn::audit::{ROUNDS, Visit, outsiders, rows_of, visits};
use crate::unlearn::{Change, Mode, Proposal, Rates, Request, propose};

use super::{Experiment, ExperimentError};

/// What its pipelines are called.
const NAME: &str = "audit";
/// The ensembles asked, in order.
const ENSEMBLES: [&str; 3] = ["original", "unlearned", "twin"];
/// Bins of a histogram.
const BINS: usize = 20;

/// What a rehearsed request would leave for an attacker. Aggregates only, but for `person`, which goes when a request is
/// carried out and is never saved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct AuditView {
    /// Users to be forgotten who were compared.
    pub deleted: u32,
    /// Users left out from the beginning who were compared.
    pub outsiders: u32,
    /// How well the two are told apart, by ensemble: `original`, `unlearned`, `twin`. The yardstick is the twin.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, Membership>"))]
    pub ensembles: BTreeMap<String, Membership>,
    /// How the statistic lies in both groups, by ensemble; all on the same bins.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, AuditHistogram>"))]
    pub histograms: BTreeMap<String, AuditHistogram>,
    /// AUC of the unlearned ensemble minus that of the twin, over the same people ([`auc_difference`]).
    pub difference: Option<Interval>,
    /// Where the unlearned ensemble stands on the way from the twin (0) to the original (1), over the same people
    /// ([`place_between`]); none where these two cannot be told apart at all.
    pub place: Option<Interval>,
    /// The verdict: does the interval of the place hold 0, the twin's? Where there is none, that of the difference. Of fakes it sees
    /// more than the difference does, and of honest requests it cries at fewer (the example `fakes`).
    pub within: bool,
    /// One person's forgotten items, where asked for.
    pub person: Option<AuditPerson>,
}

/// Counts in equal bins from `low` to `high`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[allow(missing_docs)]
pub struct AuditHistogram {
    pub low: f64,
    pub high: f64,
    pub deleted: Vec<u32>,
    pub outsiders: Vec<u32>,
}

/// Where one person's items would stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct AuditPerson {
    /// External id.
    pub id: String,
    /// Rows that the person shows in a visit.
    pub shown: u32,
    /// All rows, each with its rank in the visit that asks about it, among the items not shown.
    pub items: Vec<AuditItem>,
    /// Top of the list by ensemble, best first: titles, or ids where there are none.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string[]>"))]
    pub tops: BTreeMap<String, Vec<String>>,
}

/// One item and its rank by ensemble, from 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct AuditItem {
    /// External id.
    pub item: String,
    /// Title, or the id.
    pub title: String,
    /// Rank; an ensemble is missing where its catalogue does not hold the item.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, number>"))]
    pub ranks: BTreeMap<String, u32>,
}

/// The rehearsal under way: a pipeline without the outsiders, the same after the change, and the twin of that.
#[derive(Clone, Debug)]
pub(super) struct Rehearsal {
    /// The pipeline under way or asked.
    run: Run,
    /// Its outcomes; the twin begins with none.
    store: Store,
    change: Change,
    mode: Mode,
    /// Of those to be forgotten, then of the outsiders.
    visits: Vec<Visit>,
    deleted: usize,
    person: Option<(usize, AuditPerson)>,
    /// How many ensembles were asked.
    asked: usize,
    /// The job that asks, while it is out.
    asking: Option<u32>,
    gaps: Vec<Vec<Option<f64>>>,
}

impl Experiment {
    /// Checks a rehearsal and sets it up.
    ///
    /// Errors: those of the change; nobody is forgotten as a whole; nobody is left to compare with.
    pub(super) fn rehearsal(&self, change: &Change, mode: Mode, person: Option<&str>) -> Result<Rehearsal> {
        let serving = self.trained("an audit")?;
        let proposal = self.propose(change, mode)?;
        self.may_change(&proposal)?;
        let (dataset, rows) = (serving.dataset(), serving.rows());
        let gone = |user: &u32| proposal.after.rows().users().find(rows.users().get(*user)).is_none();
        let gone: Vec<u32> = dataset.active().iter().copied().filter(gone).collect();
        let seed = u64::from(self.settings.seed);
        // One row leaves nothing to show.
        let several = |user: &u32| rows_of(rows, *user).count() > 1;
        let gone_there: Vec<u32> = gone.iter().copied().filter(several).collect();
        if gone_there.is_empty() {
            return Err(ExperimentError::Unusable(
                "an audit compares people: forget at least one user as a whole who has two training rows or more"
                    .into(),
            )
            .into());
        }
        let outsiders = outsiders(dataset, &gone, gone_there.len(), seed);
        let left_out =
            |row: &Row| outsiders.iter().any(|&user| rows.users().get(user) == dataset.read().users().get(row.user));
        let read = dataset.read().rows();
        let out: Vec<u32> = (0..read.len() as u32).filter(|&row| left_out(&read[row as usize])).collect();
        if outsiders.is_empty() || rows.users().len() - outsiders.len() <= gone_there.len() + 2 {
            return Err(ExperimentError::Unusable(
                "an audit needs others to compare with: forget fewer people, so that as many can be left out".into(),
            )
            .into());
        }
        let deleted = gone_there.len();
        let person = person.map(|id| {
            let at = rows.users().find(id).and_then(|user| gone_there.binary_search(&user).ok());
            at.map(|at| (at, id)).ok_or_else(|| ExperimentError::UnknownUser(id.to_owned()))
        });
        let people = gone_there.iter().chain(&outsiders).enumerate();
        let visits: Vec<Visit> = people.flat_map(|(whose, &user)| visits(rows, whose, user, seed)).collect();
        let person = person.transpose()?.map(|(at, id)| (at, self.audit_person(id, &visits, at)));
        let inner = dataset.changed(&out, &Interactions::default(), serving.settings())?;
        let pipeline = Pipeline::new(Arc::new(inner), serving.settings().clone(), Shards::Computed);
        let run = Run::new(pipeline, Stage::Combine, self.hints(NAME))?;
        let forget = Request { confirmed: true, ..change.forget.clone() };
        let change = Change { forget, add: change.add.clone() };
        let (store, gaps) = (Store::default(), Vec::new());
        Ok(Rehearsal { run, store, change, mode, visits, deleted, person, asked: 0, asking: None, gaps })
    }

    fn audit_person(&self, id: &str, visits: &[Visit], at: usize) -> AuditPerson {
        let item = |item: &String| AuditItem { item: item.clone(), title: self.title(item), ranks: BTreeMap::new() };
        let own = || visits.iter().filter(|visit| visit.whose == at);
        let items = own().flat_map(|visit| visit.asked.iter().map(item)).collect();
        let shown = own().next().map_or(0, |visit| visit.shown.len() as u32);
        AuditPerson { id: id.to_owned(), shown, items, tops: BTreeMap::new() }
    }

    /// The rehearsal's result becomes part of the experiment.
    pub(super) fn conclude(&mut self, rehearsal: Rehearsal) {
        let mut view = rehearsal.view(&self.settings);
        if let Some(person) = &mut view.person {
            let titled = |list: &Vec<String>| list.iter().map(|item| self.title(item)).collect();
            person.tops = person.tops.iter().map(|(name, list)| (name.clone(), titled(list))).collect();
        }
        self.history.audit = Some(view);
    }
}

impl Rehearsal {
    pub fn done(&self) -> bool {
        self.asked == ENSEMBLES.len()
    }

    pub fn blob(&self, digest: &Digest) -> Option<Arc<ByteBuf>> {
        self.run.blob(digest, &self.store)
    }

    /// Jobs that can run now: those of the pipeline under way, or the one that asks it when it stands.
    ///
    /// Errors: those of a pipeline that cannot be made.
    pub fn jobs(&mut self, ids: &mut u32) -> Result<Vec<JobOut>> {
        if self.asking.is_some() || self.done() {
            return Ok(Vec::new());
        }
        if !self.run.done(&self.store) {
            return self.run.jobs(&mut self.store, ids);
        }
        let id = *ids;
        *ids += 1;
        self.asking = Some(id);
        let (body, inputs) = self.question();
        let key = Digest::of(&body);
        let (stage, pipeline) = (Stage::Evaluate, NAME.to_owned());
        Ok(vec![JobOut { id, key, stage, pipeline, shard: None, weight: 1.0, body, inputs }])
    }

    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64) -> Result<Vec<Event>> {
        if let Some(asked) = self.asking {
            if asked != id {
                return Err(PipelineError::UnknownJob { id }.into());
            }
            let Outcome::Audit { gaps, ranks, top } = decode(outcome, "a result")? else {
                let reason = "it is the outcome of another kind of job".to_owned();
                return Err(PipelineError::Damaged { what: "a result", reason }.into());
            };
            self.asking = None;
            self.note(gaps, &ranks, &top);
            self.asked += 1;
            self.next()?;
            return Ok(Vec::new());
        }
        let (_, mut events) = self.run.accept(id, outcome, seconds, &mut self.store)?;
        events.retain(|event| matches!(event, Event::Stage { .. }));
        Ok(events)
    }

    /// After the original comes the change, after that the twin.
    fn next(&mut self) -> Result<()> {
        let before = self.run.pipeline.clone();
        let hints = Hints { name: NAME.to_owned(), ..Hints::default() };
        if self.asked == 1 {
            let proposal: Proposal = propose(&before, &self.store, &self.change, self.mode, &Rates::default())?;
            let hints = Hints { previous: Some(Box::new(before)), ..hints };
            self.run = Run::new(proposal.after, Stage::Combine, hints)?;
        } else if self.asked == 2 {
            self.run = Run::new(before.with_shards(Shards::Computed), Stage::Combine, hints)?;
            self.store = Store::default();
        }
        Ok(())
    }

    /// Visitors in the ensemble's numbers; what its catalogue does not hold is left out.
    fn question(&self) -> (Vec<u8>, Vec<Digest>) {
        let pipeline = &self.run.pipeline;
        let (ensemble, prepared, inputs) = pipeline.serving_inputs(&self.store).expect("the pipeline is built");
        let items = pipeline.rows().items();
        let mut popularity = vec![0u32; items.len()];
        for row in pipeline.rows().rows().iter().filter(|row| trains(row)) {
            popularity[row.item as usize] += 1;
        }
        let mut users = UserTable::empty();
        for visitor in &self.visits {
            let find = |(item, value): &(String, f32)| Some((items.find(item)?, *value));
            let mut shown: Vec<(u32, f32)> = visitor.shown.iter().filter_map(find).collect();
            tiny_sort::stable::sort_by_key(&mut shown, |&(item, _)| item);
            users.items.extend(shown.iter().map(|&(item, _)| item));
            users.values.extend(shown.iter().map(|&(_, value)| value));
            users.validation.resize(users.items.len(), false);
            let mut asked: Vec<u32> = visitor.asked.iter().filter_map(|item| items.find(item)).collect();
            asked.sort_unstable();
            users.test_items.extend(asked);
            users.starts.push(users.items.len() as u32);
            users.test_starts.push(users.test_items.len() as u32);
            users.own_starts.push(0);
        }
        let job = AuditJob {
            ensemble,
            prepared,
            users,
            popularity,
            rounds: ROUNDS,
            seed: pipeline.settings().seed.into(),
            people: self.visits.iter().map(|visit| visit.whose as u32).collect(),
            person: self.person.as_ref().map(|(at, _)| *at as u32),
        };
        (encode(&Body::Audit(job)), inputs)
    }

    fn note(&mut self, gaps: Vec<Option<f64>>, ranks: &[(u32, u32)], top: &[u32]) {
        self.gaps.push(gaps);
        let name = ENSEMBLES[self.asked].to_owned();
        let items = self.run.pipeline.rows().items();
        let Some((_, person)) = &mut self.person else { return };
        for item in &mut person.items {
            let local = items.find(&item.item);
            if let Some((_, rank)) = ranks.iter().find(|(item, _)| Some(*item) == local) {
                item.ranks.insert(name.clone(), *rank);
            }
        }
        let top = top.iter().filter(|&&item| (item as usize) < items.len());
        let list = top.map(|&item| items.get(item).to_owned()).collect();
        person.tops.insert(name, list);
    }

    fn view(self, settings: &Settings) -> AuditView {
        let deleted = self.deleted;
        let groups = |gaps: &[Option<f64>]| {
            let (inside, outside) = gaps.split_at(deleted.min(gaps.len()));
            let some = |gaps: &[Option<f64>]| gaps.iter().flatten().copied().collect::<Vec<f64>>();
            (some(inside), some(outside))
        };
        let both: Vec<(Vec<f64>, Vec<f64>)> = self.gaps.iter().map(|gaps| groups(gaps)).collect();
        let all = || both.iter().flat_map(|(inside, outside)| inside.iter().chain(outside));
        let (low, high) =
            (all().copied().fold(f64::INFINITY, f64::min), all().copied().fold(f64::NEG_INFINITY, f64::max));
        let bins = |values: &[f64]| {
            let mut bins = vec![0u32; BINS];
            for value in values {
                let at = (value - low) / (high - low).max(f64::MIN_POSITIVE) * BINS as f64;
                bins[(at as usize).min(BINS - 1)] += 1;
            }
            bins
        };
        let (resamples, confidence) = (settings.evaluate.bootstrap, settings.evaluate.confidence);
        let mut view = AuditView {
            deleted: both.first().map_or(0, |(inside, _)| inside.len() as u32),
            outsiders: both.first().map_or(0, |(_, outside)| outside.len() as u32),
            person: self.person.map(|(_, person)| person),
            ..AuditView::default()
        };
        for (name, (inside, outside)) in ENSEMBLES.iter().zip(&both) {
            if let Some(found) = membership(inside, outside, resamples, confidence, settings.seed.into()) {
                view.ensembles.insert((*name).to_owned(), found);
            }
            let histogram = AuditHistogram { low, high, deleted: bins(inside), outsiders: bins(outside) };
            view.histograms.insert((*name).to_owned(), histogram);
        }
        let same = of_the_same(&self.gaps, deleted);
        if let [original, unlearned, twin] = &same[..] {
            let [original, unlearned, twin] =
                [original, unlearned, twin].map(|(deleted, outsiders)| Asked { deleted, outsiders });
            let seed = u64::from(settings.seed);
            view.difference = auc_difference(unlearned, twin, resamples, confidence, seed);
            view.place = place_between(unlearned, twin, original, resamples, confidence, seed);
        }
        view.within = view.place.or(view.difference).is_some_and(|found| (found.low..=found.high).contains(&0.0));
        view
    }
}

/// The three ensembles' statistics of the people whom each could be asked about: those to be forgotten, and the others.
fn of_the_same(gaps: &[Vec<Option<f64>>], deleted: usize) -> Vec<(Vec<f64>, Vec<f64>)> {
    let everywhere = |person: &usize| gaps.iter().all(|gaps| gaps.get(*person).is_some_and(Option::is_some));
    let people: Vec<usize> = (0..gaps.first().map_or(0, Vec::len)).filter(everywhere).collect();
    let (inside, outside) = people.split_at(people.partition_point(|&person| person < deleted));
    let of = |gaps: &[Option<f64>], people: &[usize]| people.iter().filter_map(|&person| gaps[person]).collect();
    gaps.iter().map(|gaps| (of(gaps, inside), of(gaps, outside))).collect()
}
