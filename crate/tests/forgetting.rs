//! Unlearned equals never had the data: random requests on small data, for every partition, model and combiner there is.
//!
//! The twin is an experiment that reads the remaining rows only. Where the partition is frozen it is given the same shards,
//! looked up by ids here, so that nothing of the code under test is used to build it.

use std::collections::BTreeMap;

use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::experiment::{Activity, Experiment, Loaded, Notice, Phase};
use ultrare::interactions::{Interactions, ReadConfig, Reader, SyntheticConfig, Triple, synthetic, to_csv};
use ultrare::model::{ModelConfig, ModelName};
use ultrare::numerics::random::{Purpose, StreamKey, below};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{Assignment, NO_SHARD, Runner, Settings, Stage};
use ultrare::unlearn::receipt::check_alone;
use ultrare::unlearn::twin::{Finding, compare_twin};
use ultrare::unlearn::{Mode, Receipt, Request};

const SHARDS: u32 = 4;

fn sample(seed: u64) -> Vec<Triple> {
    let config = SyntheticConfig { users: 26, items: 16, rows: 190, groups: 3, seed };
    triples(&synthetic(&config).unwrap().interactions)
}

fn triples(rows: &Interactions) -> Vec<Triple> {
    let triple = |row: &ultrare::interactions::Row| Triple {
        user: rows.users().get(row.user).to_owned(),
        item: rows.items().get(row.item).to_owned(),
        value: row.value,
        time: row.time,
        fate: row.fate,
    };
    rows.rows().iter().map(triple).collect()
}

/// One pipeline to try.
#[derive(Clone, Copy, Debug)]
struct Case {
    method: Method,
    model: ModelName,
    combine: CombineMethod,
    slices: u32,
}

impl Case {
    fn config(self, seed: u32) -> Settings {
        let model =
            ModelConfig { factors: Some(3), epochs: Some(4), slices: self.slices, ..ModelConfig::of(self.model) }
                .own_knobs();
        let mut config = Settings { seed, model, combine: CombineConfig::of(self.combine), ..Settings::default() };
        config.partition =
            PartitionConfig { method: self.method, shards: SHARDS, restarts: 1, anchors: 0.6, ..Default::default() }
                .own_knobs();
        config.embedding.factors = 4;
        config
    }
}

fn drive(experiment: &mut Experiment) {
    experiment.drive(&Runner::new()).unwrap();
    assert!(!experiment.running());
}

fn build(experiment: &mut Experiment) {
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(experiment);
}

/// Through the text of a file, as anybody's rows come.
fn loaded(rows: Vec<Triple>, config: Settings) -> Experiment {
    let mut text = Vec::new();
    to_csv(&Interactions::new(rows), &mut text).unwrap();
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(&text);
    let (rows, report) = reader.finish().unwrap();
    let mut experiment = Experiment::new();
    experiment.configure(config).unwrap();
    experiment.load(Loaded::of(rows, &report)).unwrap();
    experiment
}

fn built(rows: Vec<Triple>, config: Settings) -> Experiment {
    let mut experiment = loaded(rows, config);
    build(&mut experiment);
    experiment
}

/// (user, item) -> shard, for every row that is in one.
fn shard_by_ids(experiment: &Experiment) -> BTreeMap<(String, String), u16> {
    let rows = experiment.rows().unwrap();
    let shards = experiment.assignment().unwrap().shard_of_row.clone();
    triples(rows)
        .into_iter()
        .zip(shards)
        .filter(|&(_, shard)| shard != NO_SHARD)
        .map(|(row, shard)| ((row.user, row.item), shard))
        .collect()
}

/// The experiment that reads the remaining rows only, with the shards they had.
fn frozen_twin(rows: Vec<Triple>, config: Settings, shards: &BTreeMap<(String, String), u16>) -> Experiment {
    let mut twin = loaded(rows, config);
    let shard_of = |row: Triple| shards.get(&(row.user, row.item)).copied().unwrap_or(NO_SHARD);
    let shard_of_row = triples(twin.rows().unwrap()).into_iter().map(shard_of).collect();
    twin.freeze(Assignment { shards: SHARDS, shard_of_row }).unwrap();
    build(&mut twin);
    twin
}

/// Draws requests of every kind.
struct Draw<R> {
    rng: R,
    rows: Vec<Triple>,
    shards: BTreeMap<(String, String), u16>,
}

impl<R: rand::Rng> Draw<R> {
    fn row(&mut self) -> Triple {
        let at = below(&mut self.rng, self.rows.len() as u32);
        self.rows[at as usize].clone()
    }

    fn request(&mut self) -> Request {
        let mut request = Request { confirmed: below(&mut self.rng, 8) > 0, ..Request::default() };
        match below(&mut self.rng, 8) {
            0 | 1 => self.users(&mut request),
            2 => request.items.push(self.row().item),
            3 => self.interactions(&mut request),
            4 => {
                self.users(&mut request);
                request.items.push(self.row().item);
                self.interactions(&mut request);
            }
            5 => {
                // A whole shard, by its rows, and a name that is nobody's.
                let shard = below(&mut self.rng, SHARDS) as u16;
                let inside = self.shards.iter().filter(|&(_, &of)| of == shard);
                request.interactions = inside.map(|(pair, _)| pair.clone()).collect();
                request.users.push("nobody".into());
            }
            6 => {
                // The last rows of an item: all but none.
                let item = self.row().item;
                let of_item = self.rows.iter().filter(|row| row.item == item);
                request.interactions = of_item.map(|row| (row.user.clone(), row.item.clone())).collect();
            }
            _ => {
                // The same things several times over.
                let row = self.row();
                request.users = vec![row.user.clone(), row.user.clone()];
                request.interactions = vec![(row.user.clone(), row.item.clone()), (row.user, row.item)];
            }
        }
        request
    }

    fn users(&mut self, request: &mut Request) {
        for _ in 0..1 + below(&mut self.rng, 3) {
            let row = self.row();
            request.users.push(row.user);
        }
    }

    fn interactions(&mut self, request: &mut Request) {
        for _ in 0..1 + below(&mut self.rng, 4) {
            let row = self.row();
            request.interactions.push((row.user, row.item));
        }
    }
}

fn names(request: &Request, row: &Triple) -> bool {
    request.users.contains(&row.user)
        || request.items.contains(&row.item)
        || request.interactions.iter().any(|(user, item)| *user == row.user && *item == row.item)
}

/// Every stage equal, or a panic that says which is not.
fn assert_equal(unlearned: &Experiment, twin: &Experiment, context: &str) {
    let reports = compare_twin(&unlearned.stages().unwrap(), &twin.stages().unwrap(), &[]);
    for report in &reports {
        assert_eq!(report.finding, Finding::Equal, "{context}: {report:?}");
    }
    let figures = |experiment: &Experiment, name: &str| experiment.snapshot().results[name].metrics.clone();
    assert_eq!(figures(unlearned, "unlearned"), figures(twin, "original"), "{context}: figures");
}

/// What became of the requests.
#[derive(Debug, Default)]
struct Tally {
    /// Requests in which something was saved.
    saved: u32,
    equal: u32,
    refused: u32,
    emptied: u32,
    test_only: u32,
}

/// `count` requests, each against the experiment as built; the plan's promises are checked against what happened.
fn try_requests(case: Case, count: u32, tally: &mut Tally) {
    let rows = sample(u64::from(case.method as u32) + 10);
    let config = case.config(5);
    let original = built(rows.clone(), config.clone());
    let shards = shard_by_ids(&original);
    let before = original.stages().unwrap();
    let stream = StreamKey::new(case.model as u64 * 100 + case.combine as u64, Purpose::Audit, case.method as u32, 0);
    let mut draw = Draw { rng: stream.fast(), rows: rows.clone(), shards: shards.clone() };
    for number in 0..count {
        let request = draw.request();
        let context = format!("{case:?}, request {number}: {request:?}");
        let mut experiment = original.clone();
        let plan = experiment.plan(&request.clone().into(), Mode::Frozen).unwrap();
        let begun = experiment.begin(Activity::Change { change: request.clone().into(), mode: Mode::Frozen });
        if let Err(promised) = plan.check(&request) {
            assert_eq!(begun.unwrap_err(), promised.into(), "{context}");
            drive(&mut experiment);
            assert_eq!(experiment.stages().unwrap(), before, "{context}: refused, and yet something changed");
            tally.refused += 1;
            continue;
        }
        begun.unwrap_or_else(|error| panic!("{context}: {error}"));
        drive(&mut experiment);
        let left: Vec<Triple> = rows.iter().filter(|row| !names(&request, row)).cloned().collect();
        let twin = match case.method {
            // What rests on anchors and own rows follows them.
            Method::Anchored => built(left, config.clone()),
            _ => frozen_twin(left, config.clone(), &shards),
        };
        assert_equal(&experiment, &twin, &context);
        let forgotten = experiment.snapshot().change.unwrap();
        let saving = forgotten.saving.map_or(1.0, |saving| saving.share);
        tally.saved += u32::from(saving < 1.0);
        if let Some(share) = plan.share {
            // Planned from the epochs of the last training; these may come out otherwise.
            assert!((0.0..=1.0).contains(&share) && plan.expected_share.is_some(), "{context}: {share}");
            assert_eq!(experiment.receipts().last().unwrap().protocol.slices, case.slices, "{context}");
        }
        let after = experiment.stages().unwrap();
        let planned: Vec<u32> = plan.touched.iter().map(|touched| touched.shard).collect();
        if case.method == Method::Anchored {
            tally.equal += 1;
            continue;
        }
        assert_eq!(experiment.snapshot().change.unwrap().touched_shards, planned, "{context}: touched");
        for &shard in &plan.untouched {
            assert_eq!(before.weights[shard as usize], after.weights[shard as usize], "{context}: shard {shard}");
        }
        for touched in &plan.touched {
            let weights = after.weights[touched.shard as usize];
            assert_eq!(weights.is_some(), touched.rows_after > 0, "{context}: shard {}", touched.shard);
            tally.emptied += u32::from(weights.is_none());
        }
        tally.test_only += u32::from(planned.is_empty());
        tally.equal += 1;
    }
}

const COMBINERS: [CombineMethod; 6] = [
    CombineMethod::Own,
    CombineMethod::Mean,
    CombineMethod::Joint,
    CombineMethod::Logistic,
    CombineMethod::Consensus,
    CombineMethod::Attention,
];

#[test]
fn a_thousand_requests_on_every_partition_and_combiner() {
    let mut tally = Tally::default();
    for method in Method::COMPUTED {
        for combine in COMBINERS {
            try_requests(Case { method, model: ModelName::Wmf, combine, slices: 0 }, 22, &mut tally);
        }
    }
    // Every kind of outcome must have occurred, or the draw is not what it should be.
    assert_eq!(tally.equal + tally.refused, 1056, "{tally:?}");
    assert!(tally.equal > 800 && tally.refused > 10 && tally.emptied > 50 && tally.test_only > 5, "{tally:?}");
}

#[test]
fn every_model_on_user_and_row_partitions() {
    let mut tally = Tally::default();
    for model in ModelName::ALL {
        for (method, combine) in [(Method::Hash, CombineMethod::Mean), (Method::Ibp, CombineMethod::Own)] {
            try_requests(Case { method, model, combine, slices: 0 }, 8, &mut tally);
        }
    }
    assert_eq!(tally.equal + tally.refused, 144, "{tally:?}");
    assert!(tally.equal > 100, "{tally:?}");
}

#[test]
fn slices_and_counts_save_work_and_change_no_bit() {
    let mut tally = Tally::default();
    use ModelName::{Bpr, Ease, Gmf, Itemknn, Lightgcn, Mf, Wmf};
    for model in [Wmf, Bpr, Mf, Lightgcn, Gmf, Ease, Itemknn] {
        let slices = if matches!(model, Ease | Itemknn) { 0 } else { 3 };
        for (method, combine) in
            [(Method::Hash, CombineMethod::Mean), (Method::Obc, CombineMethod::Own), (Method::Ibp, CombineMethod::Own)]
        {
            try_requests(Case { method, model, combine, slices }, 10, &mut tally);
        }
    }
    assert_eq!(tally.equal + tally.refused, 210, "{tally:?}");
    assert!(tally.equal > 150 && tally.saved > 80, "{tally:?}");
}

#[test]
fn slices_are_exact_request_after_request_across_saves_and_when_dividing_again() {
    for model in [ModelName::Wmf, ModelName::Bpr] {
        let case = Case { method: Method::Random, model, combine: CombineMethod::Mean, slices: 4 };
        let (experiment, rows) = three_days(case);
        let left = triples(experiment.rows().unwrap());
        // The last day divided again, so the twin is simply the pipeline from what is left.
        assert_equal(&experiment, &built(left, case.config(4)), "three days with slices");
        let texts: Vec<String> = experiment.receipts().iter().map(Receipt::to_json).collect();
        assert!(texts.iter().all(|text| text.contains("\"slices\": 4")), "{}", texts[0]);
        assert_eq!(failures(&texts, &rows), Vec::<String>::new(), "{model:?}");
    }
}

#[test]
fn forgetting_under_settings_that_were_not_built_is_refused() {
    let case = Case { method: Method::Hash, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 };
    let mut experiment = built(sample(3), case.config(1));
    let user = experiment.users().unwrap().ids[0].clone();
    let mut config = experiment.settings().clone();
    config.model.lambda = Some(0.5);
    experiment.configure(config.clone()).unwrap();
    let request = Activity::Change { change: Request::of_users([user]).into(), mode: Mode::Frozen };
    assert_eq!(experiment.begin(request.clone()).unwrap_err().code(), "experiment.too_early");
    build(&mut experiment);
    experiment.begin(request).unwrap();
    drive(&mut experiment);
    assert_eq!(experiment.receipts().len(), 1);
}

/// Everything an experiment stores: its file, its receipts, its snapshot.
fn stored(experiment: &Experiment) -> Vec<u8> {
    let mut all = experiment.save();
    experiment.receipts().iter().for_each(|receipt| all.extend(receipt.to_json().into_bytes()));
    all.extend(serde_json::to_vec(&experiment.snapshot()).unwrap());
    all.extend(serde_json::to_vec(&experiment.users().unwrap()).unwrap());
    all
}

fn holds(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

#[test]
fn nothing_that_is_stored_holds_the_bytes_of_what_was_forgotten() {
    let person = "someone.to.forget@example";
    let only_hers = "an-item-nobody-else-has";
    let item = "an-item-to-withdraw";
    let mut rows = sample(9);
    let row = |user: &str, item: &str| Triple { user: user.into(), item: item.into(), ..rows[0].clone() };
    let mut added: Vec<Triple> = (0..12).map(|at| row(person, &rows[at * 3].item.clone())).collect();
    added.push(row(person, only_hers));
    added.extend((0..9).map(|at| row(&rows[at * 17].user.clone(), item)));
    rows.extend(added);
    let (joint, mean) = (CombineMethod::Joint, CombineMethod::Mean);
    for (model, combine, slices) in [(ModelName::Wmf, joint, 3), (ModelName::Bpr, joint, 3), (ModelName::Ease, mean, 0)]
    {
        let case = Case { method: Method::Obc, model, combine, slices };
        let mut experiment = built(rows.clone(), case.config(2));
        assert!(
            [person, only_hers, item].iter().all(|name| holds(&stored(&experiment), name)),
            "the test must see them"
        );
        let request =
            Request { users: vec![person.into()], items: vec![item.into()], confirmed: true, ..Request::default() };
        // All that may look at the rows beforehand.
        let audit = Activity::Audit { change: request.clone().into(), mode: Mode::Frozen, person: Some(person.into()) };
        experiment.begin(audit).unwrap();
        experiment.begin(Activity::Compare).unwrap();
        experiment.begin(Activity::Twin).unwrap();
        drive(&mut experiment);
        let audited = experiment.snapshot().audit.unwrap();
        assert!(audited.person.is_some_and(|found| !found.items.is_empty()), "{model:?}");
        let sequence = ultrare::unlearn::Sequence { changes: vec![request.into()] };
        experiment.begin(Activity::Sequence { sequence, mode: Mode::Frozen, twin: true }).unwrap();
        experiment.begin(Activity::Compare).unwrap();
        drive(&mut experiment);
        for name in [person, only_hers, item] {
            assert!(!holds(&stored(&experiment), name), "{model:?}: {name} is still stored");
        }
        assert!(experiment.snapshot().audit.is_some_and(|audit| audit.ensembles.len() == 3), "the sums stay");
        // A checkpoint or a count that saw them would make the next request differ from its twin.
        let mut opened = Experiment::new();
        opened.restore(&experiment.save()).unwrap();
        let other = opened.users().unwrap().ids[4].clone();
        let places = shard_by_ids(&opened);
        opened
            .begin(Activity::Change { change: Request::of_users([other.clone()]).into(), mode: Mode::Frozen })
            .unwrap();
        drive(&mut opened);
        let left =
            rows.iter().filter(|row| row.user != person && row.item != item && row.user != other).cloned().collect();
        assert_equal(&opened, &frozen_twin(left, case.config(2), &places), "after a save");
    }
}

#[test]
fn a_rehearsal_carries_nothing_out_and_asks_three_ensembles() {
    let case = Case { method: Method::Random, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 };
    let mut experiment = built(sample(30), case.config(3));
    let (before, users) = (experiment.stages().unwrap(), experiment.users().unwrap().ids);
    let request = Request::of_users(users[3..7].to_vec());
    let audit = |request: &Request, person: Option<&str>| Activity::Audit {
        change: request.clone().into(),
        mode: Mode::Frozen,
        person: person.map(str::to_owned),
    };
    experiment.begin(audit(&request, Some(&users[4]))).unwrap();
    drive(&mut experiment);
    assert_eq!(experiment.stages().unwrap(), before);
    assert!(experiment.receipts().is_empty());
    let view = experiment.snapshot().audit.unwrap();
    assert_eq!((view.deleted, view.outsiders), (4, 4), "{view:?}");
    assert_eq!(view.ensembles.keys().map(String::as_str).collect::<Vec<_>>(), ["original", "twin", "unlearned"]);
    let counted = |arm: &str| view.histograms[arm].deleted.iter().sum::<u32>();
    assert_eq!((counted("original"), counted("twin")), (4, 4));
    let person = view.person.unwrap();
    assert_eq!(person.id, users[4]);
    assert!(
        person.items.iter().any(|item| item.ranks.len() == 3)
            && person.tops["twin"].len() == 10.min(person.tops["twin"].len())
    );
    // A second time: the same numbers.
    let mut again = built(sample(30), case.config(3));
    again.begin(audit(&request, None)).unwrap();
    drive(&mut again);
    assert_eq!(again.snapshot().audit.unwrap().ensembles, view.ensembles);
    for (request, code) in [
        (Request::default(), "request.empty"),
        (Request { interactions: vec![(users[0].clone(), "i001".into())], ..Request::default() }, "request.unknown"),
        (Request { users: users[..25].to_vec(), confirmed: true, ..Request::default() }, "experiment.unusable"),
    ] {
        let refused = experiment.begin(audit(&request, None)).unwrap_err();
        assert!(refused.code() == code || refused.code() == "experiment.unusable", "{}: {refused}", refused.code());
    }
    assert_eq!(experiment.begin(audit(&request, Some("nobody"))).unwrap_err().code(), "experiment.unknown_user");
}

/// Requests whose twin is built from scratch, partition and all: exact where section 4 of the design says so.
fn try_exact(method: Method, mode: Mode, request: impl Fn(&Experiment, &mut dyn rand::Rng) -> Request, count: u32) {
    let case = Case { method, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 };
    let rows = sample(77);
    let config = case.config(6);
    let original = built(rows.clone(), config.clone());
    let mut rng = StreamKey::new(8, Purpose::Audit, method as u32, 1).fast();
    for number in 0..count {
        let request = Request { confirmed: true, ..request(&original, &mut rng) };
        let context = format!("{method:?}, {mode:?}, request {number}: {request:?}");
        let mut experiment = original.clone();
        experiment.begin(Activity::Change { change: request.clone().into(), mode }).unwrap();
        drive(&mut experiment);
        let left: Vec<Triple> = rows.iter().filter(|row| !names(&request, row)).cloned().collect();
        assert_equal(&experiment, &built(left, config.clone()), &context);
    }
}

fn some_users(experiment: &Experiment, rng: &mut dyn rand::Rng) -> Request {
    let users = experiment.users().unwrap().ids;
    let mut rng = rng;
    Request::of_users((0..2).map(|_| users[below(&mut rng, users.len() as u32) as usize].clone()))
}

fn some_rows(experiment: &Experiment, rng: &mut dyn rand::Rng) -> Request {
    let rows = triples(experiment.rows().unwrap());
    let mut rng = rng;
    let one = |_| {
        let row = &rows[below(&mut rng, rows.len() as u32) as usize];
        (row.user.clone(), row.item.clone())
    };
    Request { interactions: (0..4).map(one).collect(), ..Request::default() }
}

#[test]
fn a_frozen_hash_partition_is_exact_from_scratch() {
    try_exact(Method::Hash, Mode::Frozen, some_users, 12);
    try_exact(Method::Hash, Mode::Frozen, some_rows, 12);
}

#[test]
fn refit_is_exact_from_scratch_for_every_partition() {
    for method in Method::COMPUTED {
        try_exact(method, Mode::Refit, some_users, 6);
        try_exact(method, Mode::Refit, some_rows, 6);
    }
}

#[test]
fn the_anchored_partition_is_exact_from_scratch() {
    for users in [some_users, some_rows] {
        try_exact(Method::Anchored, Mode::Frozen, users, 16);
    }
}

#[test]
fn an_anchor_that_goes_divides_again_leaves_no_taint_and_equals_never_having_been_there() {
    let case = Case { method: Method::Anchored, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 };
    let (rows, config) = (sample(6), case.config(3));
    let before = built(rows.clone(), config.clone());
    let dataset = before.dataset().unwrap().clone();
    let (mut anchors, mut others) = (0, 0);
    for &user in dataset.active() {
        let id = dataset.rows().users().get(user).to_owned();
        let anchor = dataset.is_anchor(user, &config.partition, config.seed);
        let mut experiment = before.clone();
        let request = Request { confirmed: true, ..Request::of_users([id.clone()]) };
        experiment.begin(Activity::Change { change: request.into(), mode: Mode::Frozen }).unwrap();
        drive(&mut experiment);
        let receipt = experiment.receipts().remove(0);
        assert_eq!((receipt.protocol.divided_again, receipt.taints.len()), (anchor, 0), "{id}");
        let left = rows.iter().filter(|row| row.user != id).cloned().collect();
        assert_equal(&experiment, &built(left, config.clone()), &id);
        *(if anchor { &mut anchors } else { &mut others }) += 1;
    }
    assert!(anchors > 5 && others > 5, "{anchors} {others}");
}

#[test]
fn forgetting_everybody_is_refused_and_when_confirmed_leaves_nothing() {
    let case = Case { method: Method::Random, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 };
    let mut experiment = built(sample(3), case.config(1));
    let mut request = Request::of_users(experiment.users().unwrap().ids);
    let refused =
        experiment.begin(Activity::Change { change: request.clone().into(), mode: Mode::Frozen }).unwrap_err();
    assert_eq!(refused.code(), "request.everybody");
    request.confirmed = true;
    experiment.begin(Activity::Change { change: request.into(), mode: Mode::Frozen }).unwrap();
    drive(&mut experiment);
    assert_eq!(experiment.rows().unwrap_err().code(), "experiment.no_data");
    assert_eq!(experiment.snapshot().phase, Phase::Empty);
    let receipt = experiment.receipts().pop().unwrap();
    assert!(receipt.shards.iter().all(|shard| shard.rows_after == 0 && shard.after.is_none()));
    assert!(check_alone(&receipt).ok);
}

/// Forgets on three days, with the experiment saved and opened again in between.
fn three_days(case: Case) -> (Experiment, Interactions) {
    let mut experiment = built(sample(21), case.config(4));
    let rows = experiment.rows().unwrap().clone();
    let mut rng = StreamKey::new(31, Purpose::Audit, case.method as u32, 0).fast();
    for day in 0..3 {
        let request = if day == 1 { some_rows(&experiment, &mut rng) } else { some_users(&experiment, &mut rng) };
        let request = Request { confirmed: true, ..request };
        let mode = if day == 2 { Mode::Refit } else { Mode::Frozen };
        experiment.begin(Activity::Change { change: request.into(), mode }).unwrap();
        drive(&mut experiment);
        let saved = experiment.save();
        experiment = Experiment::new();
        experiment.restore(&saved).unwrap();
    }
    (experiment, rows)
}

/// The whole verification, as in a fresh tab: texts and rows in, the failed checks out.
fn failures(texts: &[String], rows: &Interactions) -> Vec<String> {
    let receipts: Result<Vec<Receipt>, _> = texts.iter().map(|text| Receipt::parse(text)).collect();
    let receipts = match receipts {
        Ok(receipts) => receipts,
        Err(error) => return vec![error.code().to_owned()],
    };
    let mut experiment = Experiment::new();
    if let Err(error) = experiment.verify_rows(&receipts, rows) {
        return vec![error.code().to_owned()];
    }
    let mut verdict = None;
    for notice in experiment.drive(&Runner::new()).unwrap() {
        if let Notice::Verified { verdict: found } = notice {
            verdict = Some(found);
        }
    }
    let verdict = verdict.unwrap();
    verdict.failures().map(|check| format!("{}: {}", check.place, check.name)).collect()
}

#[test]
fn receipts_of_three_days_are_verified_from_the_first_rows_and_from_the_last() {
    for method in [Method::Obc, Method::Ibp, Method::Hash] {
        let (experiment, rows) =
            three_days(Case { method, model: ModelName::Wmf, combine: CombineMethod::Joint, slices: 0 });
        let texts: Vec<String> = experiment.receipts().iter().map(Receipt::to_json).collect();
        assert_eq!(texts.len(), 3);
        let none: Vec<String> = Vec::new();
        assert_eq!(failures(&texts, &rows), none, "{method:?}, first rows");
        assert_eq!(failures(&texts, experiment.rows().unwrap()), none, "{method:?}, last rows");
        assert_eq!(failures(&texts[..1], &rows), none, "{method:?}, first receipt");
        assert_eq!(failures(&texts[2..], experiment.rows().unwrap()), none, "{method:?}, last receipt alone");
        assert_eq!(failures(&texts[1..], &rows), ["verify.rows"], "{method:?}, a receipt is missing");
        assert_eq!(failures(&[], &rows), ["experiment.unusable"]);
    }
}

#[test]
fn two_hundred_tamperings_are_refused_each_at_its_place() {
    let (experiment, rows) =
        three_days(Case { method: Method::Obc, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 });
    let receipts = &experiment.receipts()[..1];
    let text = receipts[0].to_json();
    let mut rng = StreamKey::new(5, Purpose::Audit, 0, 9).fast();
    // One bit of the document: a digest or the syntax catches it.
    for _ in 0..80 {
        let mut bytes = text.clone().into_bytes();
        let at = below(&mut rng, bytes.len() as u32) as usize;
        bytes[at] ^= 1 << below(&mut rng, 7);
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let same = serde_json::from_str::<serde_json::Value>(&changed).ok() == serde_json::from_str(&text).ok();
        let found = failures(&[changed], &rows);
        assert!(same || found.len() == 1 && found[0].starts_with("receipt."), "byte {at}: {found:?}");
    }
    // One row of the file: changed, missing, or too much.
    for number in 0..60u32 {
        let mut changed = triples(&rows);
        let at = below(&mut rng, changed.len() as u32) as usize;
        match number % 3 {
            0 => changed[at].value += 1.0,
            1 => drop(changed.remove(at)),
            _ => changed.push(Triple { item: "new".into(), ..changed[at].clone() }),
        }
        assert_eq!(failures(std::slice::from_ref(&text), &Interactions::new(changed)), ["verify.rows"]);
    }
    // One setting, sealed again by somebody who knows how: training again tells.
    // The seed stands in two places, above and among the settings: one changed contradicts the other, both give other weights.
    let weights = "shard 0: weights";
    let settings = [
        ("  \"seed\"", "seed", 1, "settings: seed"),
        ("  \"seed\"", "seed", 2, weights),
        ("    \"embedding\"", "factors", 1, "partition: partition before"),
        ("    \"model\"", "epochs", 1, weights),
    ];
    for (line, name, times, place) in settings {
        let old = text.lines().find(|found| found.starts_with(line)).unwrap();
        let digit = old.find(&format!("\"{name}\": ")).unwrap() + name.len() + 4;
        let mut line = old.to_owned();
        line.replace_range(digit..digit + 1, "2");
        let forged = serde_json::from_str::<Receipt>(&text.replacen(old, &line, times)).unwrap().reseal();
        let found = failures(&[forged.to_json()], &rows);
        assert!(found.contains(&place.to_owned()), "{name}: {found:?}");
    }
    // One weight's digest of each shard, sealed again.
    for shard in 0..SHARDS as usize {
        for bit in 0..16 {
            let mut forged = receipts[0].clone();
            forged.shards[shard].after.as_mut().unwrap().weights.0[bit] ^= 1 << (bit % 8);
            let found = failures(&[forged.reseal().to_json()], &rows);
            assert!(found.contains(&format!("shard {shard}: weights")), "{found:?}");
        }
    }
}

#[test]
fn the_twin_from_scratch_shows_taint_and_drift_and_refit_removes_them() {
    let case = Case { method: Method::Random, model: ModelName::Wmf, combine: CombineMethod::Mean, slices: 0 };
    let stages = |mode| {
        let mut experiment = built(sample(21), case.config(4));
        let mut rng = StreamKey::new(2, Purpose::Audit, 0, 3).fast();
        let request = Request { confirmed: true, ..some_users(&experiment, &mut rng) };
        assert_eq!(experiment.twin().unwrap_err().code(), "experiment.too_early");
        experiment.begin(Activity::Change { change: request.into(), mode }).unwrap();
        experiment.begin(Activity::Twin).unwrap();
        drive(&mut experiment);
        experiment.twin().unwrap()
    };
    let frozen = stages(Mode::Frozen);
    let findings: Vec<Finding> = frozen.iter().map(|stage| stage.finding).collect();
    assert_eq!(findings[..3], [Finding::Equal, Finding::Equal, Finding::Taint]);
    assert!(!findings.contains(&Finding::Defect), "{frozen:?}");
    let drift = frozen[2].drift.unwrap();
    assert!(drift.moved > 0 && frozen[2].message.contains(&drift.moved.to_string()), "{drift:?}");
    assert!(stages(Mode::Refit).iter().all(|stage| stage.finding == Finding::Equal));
}
