//! One rehearsal that is known to be honest: rows without those who are never in, the pipeline on them, the same after the
//! request and its twin.

use std::sync::Arc;

use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::interactions::{Interactions, Row, SyntheticConfig, synthetic};
use ultrare::model::ModelConfig;
use ultrare::pipeline::{Dataset, Hints, Pipeline, Run, Runner, Settings, Shards, Stage, Store, trains};
use ultrare::unlearn::audit::{Visit, outsiders, visits};
use ultrare::unlearn::{Change, How, Mode, Rates, Request, Selection, propose, select};

/// Of the users, in percent: how many the request names.
const FORGOTTEN: f64 = 10.0;

/// What a laboratory is set up with.
#[derive(Clone, Debug)]
pub struct Setup {
    pub sample: SyntheticConfig,
    pub settings: Settings,
}

impl Setup {
    /// The generated sample of that seed, divided by optimal transport and kept as the papers do. The knobs of the model are
    /// given, since who goes on from old weights needs them.
    pub fn new(sample: SyntheticConfig, shards: u32, factors: u32, seed: u32) -> Setup {
        let mut settings = Settings { seed, ..Settings::default() };
        settings.model =
            ModelConfig { factors: Some(factors), alpha: Some(0.2), lambda: Some(0.01), ..ModelConfig::default() };
        settings.partition.shards = shards;
        Setup { sample: SyntheticConfig { seed: seed.into(), ..sample }, settings }
    }
}

/// A pipeline and where its outcomes are.
#[derive(Clone)]
pub struct Built {
    pub pipeline: Pipeline,
    pub store: Store,
}

impl Built {
    /// Trains what is missing, up to the combiner.
    pub fn new(pipeline: Pipeline, mut store: Store) -> ultrare::Result<Built> {
        let (runner, mut ids) = (Runner::new(), 0);
        let mut run = Run::new(pipeline, Stage::Combine, Hints::default())?;
        while !run.done(&store) {
            for job in run.jobs(&mut store, &mut ids)? {
                for digest in runner.lacking(&job.inputs) {
                    runner.put(digest, run.blob(&digest, &store).expect("a job names what is there"));
                }
                let outcome = runner.run(&job.body)?;
                run.accept(job.id, &outcome, 0.0, &mut store)?;
            }
        }
        Ok(Built { pipeline: run.pipeline, store })
    }

    /// The pipeline after a change, nobody moved.
    pub fn changed(&self, change: &Change) -> ultrare::Result<Built> {
        let proposal = propose(&self.pipeline, &self.store, change, Mode::Frozen, &Rates::default())?;
        Built::new(proposal.after, self.store.clone())
    }

    /// The same rows from nothing, or from what other twins of these rows left.
    pub fn twin(&self, store: Store) -> ultrare::Result<Built> {
        Built::new(self.pipeline.with_shards(Shards::Computed), store)
    }
}

/// What an audit compares, and what an operator who cheats has at hand.
pub struct World {
    /// The rows as they were read: people who are never in left out.
    pub read: Interactions,
    pub settings: Settings,
    /// People to be forgotten, and as many others, equally active, whom somebody could forget instead.
    pub users: Vec<String>,
    pub others: Vec<String>,
    /// The item that most of them have: a second request names it too.
    pub item: String,
    pub before: Built,
    pub after: Built,
    pub twin: Built,
    /// The visits of those to be forgotten, then of those who are never in.
    pub visits: Vec<Visit>,
    pub deleted: usize,
}

/// A request that was confirmed.
pub fn request(users: &[String], items: &[String]) -> Change {
    let forget = Request { items: items.to_vec(), confirmed: true, ..Request::of_users(users.iter().cloned()) };
    forget.into()
}

impl World {
    /// One world for every combiner; what does not hang on the combiner is trained once.
    pub fn of_each(setup: &Setup, combiners: &[CombineMethod]) -> ultrare::Result<Vec<World>> {
        let (all, seed) = (synthetic(&setup.sample)?.interactions, u64::from(setup.settings.seed));
        let whole = Dataset::new(all.clone(), false, &setup.settings)?;
        let rows = whole.rows();
        let of = |id: &String| rows.users().find(id).expect("it was drawn from these");
        let several = |id: &String| rows.rows_of(of(id)).iter().filter(|row| trains(row)).count() > 1;
        let selection = Selection { how: How::Random, percent: FORGOTTEN };
        let users: Vec<String> = select(rows, &selection, seed)?.into_iter().filter(several).collect();
        let numbers = |users: &[String]| {
            let mut numbers: Vec<u32> = users.iter().map(of).collect();
            numbers.sort_unstable();
            numbers
        };
        let gone = numbers(&users);
        let never = outsiders(&whole, &gone, gone.len(), seed);
        let names = |users: &[u32]| users.iter().map(|&user| rows.users().get(user).to_owned()).collect::<Vec<_>>();
        let mut both = [&gone[..], &never[..]].concat();
        both.sort_unstable();
        let others = names(&outsiders(&whole, &both, gone.len(), seed));
        let left_out = names(&never);
        let people = gone.iter().chain(&never).enumerate();
        let visits: Vec<Visit> = people.flat_map(|(whose, &user)| visits(rows, whose, user, seed)).collect();
        let read = all.without(|row: &Row| left_out.iter().any(|id| id == all.users().get(row.user)));
        let mut holders = vec![0u32; rows.items().len()];
        gone.iter().flat_map(|&user| rows.rows_of(user)).for_each(|row| holders[row.item as usize] += 1);
        let most = (0..holders.len()).max_by_key(|&item| (holders[item], std::cmp::Reverse(item)));
        let item = rows.items().get(most.expect("there are items") as u32).to_owned();
        let dataset = Arc::new(Dataset::new(read.clone(), false, &setup.settings)?);

        let (mut store, mut after_store, mut twin_store) = (Store::default(), Store::default(), Store::default());
        let mut worlds = Vec::new();
        for &method in combiners {
            let settings = Settings { combine: CombineConfig::of(method), ..setup.settings.clone() };
            let pipeline = Pipeline::new(dataset.clone(), Arc::new(settings.clone()), Shards::Computed);
            let before = Built::new(pipeline, std::mem::take(&mut store))?;
            let proposal =
                propose(&before.pipeline, &before.store, &request(&users, &[]), Mode::Frozen, &Rates::default())?;
            let known = if worlds.is_empty() { before.store.clone() } else { std::mem::take(&mut after_store) };
            let after = Built::new(proposal.after, known)?;
            let twin = after.twin(std::mem::take(&mut twin_store))?;
            store = before.store.clone();
            after_store = after.store.clone();
            twin_store = twin.store.clone();
            let (visits, deleted) = (visits.clone(), gone.len());
            let (read, users, others, item) = (read.clone(), users.clone(), others.clone(), item.clone());
            worlds.push(World { read, settings, users, others, item, before, after, twin, visits, deleted });
        }
        Ok(worlds)
    }
}
