//! The front page: fit, ask, change, verify, keep; on any executor.

use std::collections::BTreeSet;
use std::sync::Mutex;

use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::execute::{Cancel, Control, Executor, Inline, Inputs, Outcome, Progress};
use ultrare::experiment::{Activity, Experiment};
use ultrare::interactions::{Fate, Interactions, Size};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{JobOut, Runner, Stage};
use ultrare::serve::Basis;
use ultrare::unlearn::Mode;
use ultrare::{Change, Query, Recommender, Rows, Settings};

fn settings() -> Settings {
    let partition = PartitionConfig { method: Method::Hash, shards: 5, ..PartitionConfig::default() };
    Settings { partition, ..Settings::default() }
}

fn fitted() -> (Rows, Recommender) {
    let rows = ultrare::sample(1).unwrap();
    let recommender = Recommender::fit(&rows, &settings()).unwrap();
    (rows, recommender)
}

fn without(rows: &Interactions, user: &str) -> Rows {
    let gone = rows.users().find(user).unwrap();
    rows.without(|row| row.user == gone).into()
}

#[test]
fn an_experiment_a_recommender_and_threads_come_to_the_same_bits() {
    let (rows, recommender) = fitted();
    let mut experiment = Experiment::new();
    experiment.configure(settings()).unwrap();
    experiment.load_sample(Size::Small, 1).unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    experiment.drive(&Runner::new()).unwrap();
    assert_eq!(experiment.snapshot().digests.ensemble_before, recommender.digest());
    assert!(recommender.digest().is_some());
    #[cfg(feature = "threads")]
    for threads in [1, 2, 7] {
        let threads = ultrare::execute::Threads::new(threads);
        let told = Mutex::new(Vec::new());
        let tell = |progress: &Progress| told.lock().unwrap().push(progress.clone());
        let control = Control::new().telling(&tell);
        let other = Recommender::fit_on(&threads, &control, &rows, &settings()).unwrap();
        assert_eq!(other.digest(), recommender.digest());
        let told = told.into_inner().unwrap();
        assert!(told.iter().any(|progress| progress.stage == Stage::Train && progress.done == 1.0), "{told:?}");
    }
    let _ = rows;
}

#[test]
fn forgotten_equals_never_there_and_the_receipt_bears_it_out() {
    let (rows, mut recommender) = fitted();
    let change = Change::forget_users(["u017"]);
    let bill = recommender.plan(&change).unwrap();
    assert_eq!(bill.touched.len(), 1);
    let receipt = recommender.apply(bill.accept()).unwrap();
    let never = without(rows.interactions(), "u017");
    let twin = Recommender::fit(&never, &settings()).unwrap();
    assert_eq!(recommender.digest(), twin.digest());
    assert_eq!(recommender.recommend("u042", 20).unwrap(), twin.recommend("u042", 20).unwrap());
    assert_eq!(recommender.recommend("u017", 20).unwrap().basis, Basis::Popularity);
    assert!(!String::from_utf8_lossy(&recommender.save()).contains("u017"));

    let verdict = receipt.verify(&rows).unwrap();
    assert!(verdict.ok && verdict.unchecked.iter().any(|left| left.what == "figures"));
    receipt.verify(&never).unwrap();
    let error = receipt.verify(&without(rows.interactions(), "u018")).unwrap_err();
    assert_ne!(error.code(), "recommender.refuted", "rows of something else are told as such: {error}");
    // A weight that is another.
    let mut lie = receipt.clone();
    lie.shards[0].after.as_mut().unwrap().weights.0[3] ^= 1;
    assert_eq!(lie.verify(&rows).unwrap_err().code(), "recommender.refuted");
}

#[test]
fn figures_are_measured_when_asked_for_and_stand_in_receipts_from_then_on() {
    let (rows, mut recommender) = fitted();
    let before = recommender.evaluate().unwrap();
    assert!(before.metrics["ndcg@20"].mean > 0.1);
    let bill = recommender.plan(&Change::forget_users(["u017"])).unwrap();
    let mut receipt = recommender.apply(bill.accept()).unwrap();
    assert!(receipt.metrics["unlearned"].contains_key("ndcg@20"));
    assert!(receipt.verify(&rows).unwrap().checks.iter().any(|check| check.name == "ndcg@20"));
    receipt.metrics.get_mut("unlearned").unwrap().get_mut("ndcg@20").unwrap().mean += 0.01;
    assert_eq!(receipt.verify(&rows).unwrap_err().code(), "recommender.refuted");

    let nothing_held_out =
        Settings { split: ultrare::interactions::SplitConfig { test: 0.0, ..Default::default() }, ..settings() };
    let mut all = Recommender::fit(&rows, &nothing_held_out).unwrap();
    assert!(all.evaluate().unwrap_err().to_string().contains("held out"));
    let receipt = all.plan(&Change::forget_users(["u017"])).map(|bill| all.apply(bill.accept())).unwrap().unwrap();
    receipt.verify(&rows).unwrap();
}

#[test]
fn lists_leave_out_what_they_must_and_nothing_else() {
    let (_, recommender) = fitted();
    let experiment = recommender.experiment();
    let rows = experiment.rows().unwrap();
    let user = rows.users().find("u042").unwrap();
    let own = |fate: fn(&Fate) -> bool| -> BTreeSet<String> {
        let rows_of = rows.rows_of(user).iter().filter(|row| fate(&row.fate));
        rows_of.map(|row| rows.items().get(row.item).to_owned()).collect()
    };
    let trained = own(|fate| *fate != Fate::Test);
    let all = recommender.recommend("u042", 1_000).unwrap();
    let listed: Vec<&str> = all.items.iter().map(|place| place.item.as_str()).collect();
    assert_eq!(all.basis, Basis::Rows);
    assert!(listed.iter().all(|item| !trained.contains(*item)));
    assert!(all.items.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert_eq!(recommender.recommend("u042", 7).unwrap().items, all.items[..7]);
    assert!(recommender.recommend("u042", 0).unwrap().items.is_empty());

    let query = Query::top(5).without([listed[0], listed[2], "no such item"]);
    let left: Vec<String> =
        recommender.recommend("u042", query).unwrap().items.into_iter().map(|place| place.item).collect();
    assert_eq!(left, [listed[1], listed[3], listed[4], listed[5], listed[6]]);
    let query = Query::top(5).among([listed[9], listed[3], "no such item"]);
    let left: Vec<String> =
        recommender.recommend("u042", query).unwrap().items.into_iter().map(|place| place.item).collect();
    assert_eq!(left, [listed[3], listed[9]]);
    let seen = recommender.recommend("u042", Query::top(1_000).with_seen()).unwrap();
    assert_eq!(seen.items.len(), listed.len() + trained.len());
    assert!(recommender.recommend("u042", Query::top(5).among(Vec::<String>::new())).unwrap().items.is_empty());
}

#[test]
fn many_one_by_one_and_visitors_with_the_same_rows_get_the_same_lists() {
    let (_, recommender) = fitted();
    let rows = recommender.experiment().rows().unwrap().clone();
    let users: Vec<&str> = rows.users().iter().collect();
    let together = recommender.recommend_all(&users, 10).unwrap();
    for (user, list) in users.iter().zip(&together) {
        assert_eq!(*list, recommender.recommend(user, 10).unwrap(), "{user}");
    }
    let user = rows.users().find("u042").unwrap();
    let own = rows.rows_of(user).iter().filter(|row| row.fate != Fate::Test);
    let mut shown: Vec<(&str, f32)> = own.map(|row| (rows.items().get(row.item), row.value)).collect();
    shown.reverse();
    shown.push(("never heard of", 1.0));
    let list = recommender.recommend_for(&shown, 10).unwrap();
    assert_eq!((list.items, list.basis), (together[user as usize].items.clone(), Basis::Rows));
    assert_eq!(list.unknown, ["never heard of"]);
}

#[test]
fn whoever_is_unknown_gets_what_is_popular_and_is_told() {
    let (_, recommender) = fitted();
    let rows = recommender.experiment().rows().unwrap();
    let count = |item: &str| {
        let item = rows.items().find(item).unwrap();
        rows.rows().iter().filter(|row| row.item == item && row.fate != Fate::Test).count() as f32
    };
    for list in [
        recommender.recommend("nobody", 10).unwrap(),
        recommender.recommend_for(&[], 10).unwrap(),
        recommender.recommend_for(&[("never heard of", 1.0)], 10).unwrap(),
    ] {
        assert_eq!(list.basis, Basis::Popularity);
        assert!(list.items.iter().all(|place| place.score == count(&place.item)), "{list:?}");
        let most = rows.items().iter().map(count).fold(0.0, f32::max);
        assert_eq!(list.items[0].score, most);
    }
    assert_eq!(recommender.similar("never heard of", 10).unwrap_err().code(), "serve.unknown_item");
    let item = recommender.recommend("u042", 1).unwrap().items.remove(0).item;
    let alike = recommender.similar(&item, 10).unwrap();
    assert!(alike.basis == Basis::Rows && alike.items.iter().all(|place| place.item != item));
}

#[test]
fn reasons_are_the_persons_own_rows_and_add_up() {
    for method in [CombineMethod::Joint, CombineMethod::Consensus] {
        let rows = ultrare::sample(1).unwrap();
        let recommender =
            Recommender::fit(&rows, &Settings { combine: CombineConfig::of(method), ..settings() }).unwrap();
        let fates = recommender.experiment().rows().unwrap();
        let user = fates.users().find("u042").unwrap();
        let own: BTreeSet<&str> = fates
            .rows_of(user)
            .iter()
            .filter(|row| row.fate != Fate::Test)
            .map(|row| fates.items().get(row.item))
            .collect();
        for place in recommender.recommend("u042", 5).unwrap().items {
            let why = recommender.explain("u042", &place.item).unwrap();
            assert!(
                (why.score - place.score).abs() < 1e-5 * place.score.abs().max(1.0),
                "{} {}",
                why.score,
                place.score
            );
            let named: BTreeSet<&str> = why.reasons.iter().map(|reason| reason.item.as_str()).collect();
            assert_eq!(named, own);
            assert!(why.reasons.windows(2).all(|pair| pair[0].share >= pair[1].share));
            // Without the strongest reason the visitor's score falls.
            let left: Vec<(&str, f32)> =
                own.iter().filter(|item| **item != why.reasons[0].item).map(|item| (*item, 1.0)).collect();
            let less = recommender.recommend_for(&left, Query::top(1).among([place.item.clone()])).unwrap();
            assert!(less.items[0].score < place.score);
        }
        assert_eq!(recommender.explain("nobody", "i001").unwrap_err().code(), "serve.unknown_user");
        assert_eq!(recommender.explain("u042", "no such item").unwrap_err().code(), "serve.unknown_item");
    }
    let mean = Settings { combine: CombineConfig::of(CombineMethod::Mean), ..settings() };
    let recommender = Recommender::fit(&ultrare::sample(1).unwrap(), &mean).unwrap();
    let item = recommender.recommend("u042", 1).unwrap().items.remove(0).item;
    let error = recommender.explain("u042", &item).unwrap_err();
    assert!(error.code() == "serve.not_additive" && error.to_string().contains("mean"), "{error}");
}

#[test]
fn only_a_bill_of_these_rows_is_carried_out() {
    let (_, mut recommender) = fitted();
    let stale = recommender.plan(&Change::forget_users(["u017"])).unwrap();
    let first = recommender.plan(&Change::forget_users(["u018"])).unwrap();
    recommender.apply(first.accept()).unwrap();
    let digest = recommender.digest();
    assert_eq!(recommender.apply(stale.accept()).unwrap_err().code(), "experiment.stale");
    for change in [Change::default(), Change::forget_users(["nobody at all"]), Change::forget_users(["u018"])] {
        let bill = recommender.plan(&change).unwrap();
        assert!(recommender.apply(bill.accept()).is_err(), "{change:?}");
    }
    assert!(recommender.plan(&Change::add_rows([("", "x")])).is_err());
    assert_eq!((recommender.digest(), recommender.receipts().len()), (digest, 1));
}

#[test]
fn adding_back_what_was_forgotten_leads_back() {
    let (rows, mut recommender) = fitted();
    let digest = recommender.digest();
    let user = rows.interactions().users().find("u017").unwrap();
    let own: Vec<(String, String, f32, i64)> = {
        let rows = rows.interactions();
        let row = |row: &ultrare::interactions::Row| {
            ("u017".to_owned(), rows.items().get(row.item).to_owned(), row.value, row.time)
        };
        rows.rows_of(user).iter().map(row).collect()
    };
    let bill = recommender.plan(&Change::forget_users(["u017"])).unwrap();
    recommender.apply(bill.accept()).unwrap();
    let bill = recommender.plan_in(&Change::add_rows(own), Mode::Frozen).unwrap();
    recommender.apply(bill.accept()).unwrap();
    assert_eq!(recommender.digest(), digest);
    ultrare::recommender::verify(&recommender.receipts(), &rows).unwrap();
    assert_eq!(recommender.shards_of("u017").unwrap().len(), 1);
    assert!(recommender.shard(recommender.shards_of("u017").unwrap()[0]).unwrap().digest.is_some());
    assert!(recommender.shard(99).is_none() && recommender.shards_of("nobody").unwrap().is_empty());
}

#[test]
fn saved_and_restored_it_says_the_same() {
    let (_, mut recommender) = fitted();
    let bill = recommender.plan(&Change::forget_users(["u017"])).unwrap();
    recommender.apply(bill.accept()).unwrap();
    let bytes = recommender.save();
    let again = Recommender::restore(&bytes).unwrap();
    assert_eq!(again.digest(), recommender.digest());
    assert_eq!(again.recommend("u042", 20).unwrap(), recommender.recommend("u042", 20).unwrap());
    assert_eq!(again.receipts(), recommender.receipts());
    assert_eq!(Recommender::restore(&bytes[..bytes.len() / 2]).unwrap_err().code(), "pipeline.damaged");
    assert_eq!(Recommender::restore(&Experiment::new().save()).unwrap_err().code(), "experiment.too_early");
}

#[test]
fn with_everybody_gone_nothing_is_left_to_ask() {
    let (rows, mut recommender) = fitted();
    let everybody: Vec<&str> = rows.interactions().users().iter().collect();
    let bill = recommender.plan(&Change::forget_users(everybody)).unwrap();
    assert!(bill.everything);
    let receipt = recommender.apply(bill.accept()).unwrap();
    assert!(recommender.digest().is_none() && recommender.recommend("u042", 5).is_err());
    receipt.verify(&rows).unwrap();
}

/// What goes wrong in one call of an executor.
enum Wrong {
    Fewer,
    Garbage,
    Swapped,
    Cancelling(Cancel),
}

/// Runs the first calls as it should, and then goes wrong.
struct Faulty {
    inner: Inline,
    good: Mutex<u32>,
    wrong: Wrong,
}

impl Executor for Faulty {
    fn run(&self, jobs: &[JobOut], inputs: &dyn Inputs, control: &Control<'_>) -> Vec<ultrare::Result<Outcome>> {
        let mut outcomes = self.inner.run(jobs, inputs, control);
        let mut good = self.good.lock().unwrap();
        if *good > 0 {
            *good -= 1;
            return outcomes;
        }
        match &self.wrong {
            Wrong::Fewer => drop(outcomes.pop()),
            Wrong::Garbage => outcomes[0] = Ok(Outcome { bytes: vec![7; 100], seconds: 0.0 }),
            Wrong::Swapped => outcomes.reverse(),
            Wrong::Cancelling(cancel) => cancel.cancel(),
        }
        outcomes
    }
}

#[test]
fn whatever_an_executor_does_nothing_half_done_stays() {
    let (_, mut recommender) = fitted();
    let digest = recommender.digest();
    let list = recommender.recommend("u042", 20).unwrap();
    let change = Change::forget_users(["u017", "u018", "u019", "u020"]);
    for good in [0, 1] {
        let cancel = Cancel::new();
        let wrongs = [
            (Wrong::Fewer, "execute.lost"),
            (Wrong::Garbage, "pipeline.foreign"),
            (Wrong::Cancelling(cancel.clone()), "execute.cancelled"),
        ];
        for (wrong, code) in wrongs {
            let control = Control::new().until(&cancel);
            let executor = Faulty { inner: Inline::new(), good: Mutex::new(good), wrong };
            let bill = recommender.plan(&change).unwrap();
            assert_eq!(recommender.apply_on(&executor, &control, bill.accept()).unwrap_err().code(), code);
            assert_eq!((recommender.digest(), recommender.receipts().len()), (digest, 0));
            assert_eq!(recommender.recommend("u042", 20).unwrap(), list);
        }
    }
    // Outcomes of one shard given for another's do not fit it.
    let executor = Faulty { inner: Inline::new(), good: Mutex::new(0), wrong: Wrong::Swapped };
    let bill = recommender.plan(&change).unwrap();
    assert!(bill.touched.len() > 1);
    assert!(recommender.apply_on(&executor, &Control::new(), bill.accept()).is_err());
    // And it still works.
    let bill = recommender.plan(&change).unwrap();
    recommender.apply(bill.accept()).unwrap();
    assert_ne!(recommender.digest(), digest);
}

#[test]
fn rows_that_are_none_are_refused_by_their_number() {
    let error = ultrare::from_rows([("a", "x"), ("a", "")]).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("row 2")), ("recommender.row", true));
    assert_eq!(ultrare::from_rows([("a", "x", f32::NAN)]).unwrap_err().code(), "recommender.row");
    let one = ultrare::from_rows([("a", "x", 1.0, 5), ("a", "x", 2.0, 6)]).unwrap();
    assert_eq!((one.len(), one.interactions().rows()[0].value), (1, 2.0));
    assert!(Recommender::fit(&one, &Settings::default()).is_err());
    assert!(Recommender::fit(&Rows::default(), &Settings::default()).is_err());
    let error = ultrare::read("/no/such/file.csv").unwrap_err();
    assert!(error.code() == "recommender.file" && error.to_string().contains("/no/such/file.csv"), "{error}");
    let path = std::env::temp_dir().join(format!("ultrare-rows-{}.csv", std::process::id()));
    std::fs::write(&path, "user,item,rating\na,x,5\na,y,3\nb,x,4\n").unwrap();
    let rows = ultrare::read(&path).unwrap();
    assert_eq!((rows.len(), rows.users(), rows.items(), rows.report().unwrap().has_header), (3, 2, 2, true));
    std::fs::remove_file(&path).unwrap();
}
