//! What every sub-model promises, checked in one place.

use super::rows::tests::planted;
use super::*;
use crate::numerics::kernels;

/// Trains to the end.
pub(in crate::model) fn train(rows: ShardRows, config: &ModelConfig, seed: u64) -> Box<dyn SubModel> {
    let mut trainer = trainer(rows, config, seed, 0).unwrap();
    let mut progress = 0.0;
    while trainer.stopped().is_none() {
        trainer.step().unwrap();
        assert!((progress..=1.0).contains(&trainer.progress()), "{} after {progress}", trainer.progress());
        progress = trainer.progress();
    }
    trainer.finish()
}

/// Mean share of a group's items among a user's best `n_items / groups`, over users; chance is 1 / groups.
fn taste(model: &dyn SubModel, users: &[Vec<f32>], groups: usize) -> f64 {
    let n_items = model.n_items();
    let take = n_items / groups;
    let mut scores = vec![0.0; n_items];
    let mut hits = 0;
    for (user, vector) in users.iter().enumerate() {
        model.score(vector, &mut scores);
        assert!(kernels::all_finite(&scores));
        let mut order: Vec<usize> = (0..n_items).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        hits += order[..take].iter().filter(|&&item| item % groups == user % groups).count();
    }
    hits as f64 / (users.len() * take) as f64
}

/// Learns planted taste, also for users it never saw; repeats itself; survives its own bytes; trains where there is
/// hardly anything; refuses damaged bytes.
pub(in crate::model) fn exercise(config: &ModelConfig) {
    let (n_users, n_items, groups) = (60, 36, 3);
    let rows = planted(n_users, n_items, groups, 11);
    let model = train(rows.clone(), config, 5);
    assert_eq!((model.n_users(), model.n_items()), (60, 36));
    assert_eq!(model.name(), config.name.as_str());

    let own: Vec<Vec<f32>> = (0..n_users).map(|user| model.user(user)).collect();
    let share = taste(model.as_ref(), &own, groups as usize);
    assert!(share > 0.7, "{}: own users {share}", config.name.as_str());

    let strangers = planted(n_users, n_items, groups, 12);
    let csr = strangers.csr(|_| true);
    let folded: Vec<Vec<f32>> = (0..n_users as usize)
        .map(|user| {
            let range = strangers.starts[user] as usize..strangers.starts[user + 1] as usize;
            model.fold_in(csr.row(user), &strangers.values[range])
        })
        .collect();
    let share = taste(model.as_ref(), &folded, groups as usize);
    assert!(share > 0.65, "{}: folded users {share}", config.name.as_str());

    if let Some(items) = model.item_vectors() {
        let mut scores = vec![0.0; 36];
        model.score(&folded[0], &mut scores);
        for (item, score) in scores.iter().enumerate() {
            let product = kernels::dot(&folded[0], items.row(item));
            assert!((score - product).abs() <= 1e-5 * score.abs().max(1.0), "{score} {product}");
        }
    }

    let bytes = model.to_bytes();
    assert_eq!(bytes, train(rows.clone(), config, 5).to_bytes(), "the same training twice");
    let loaded = load(&bytes).unwrap();
    assert_eq!(loaded.to_bytes(), bytes);
    assert_eq!((loaded.n_users(), loaded.n_items(), loaded.name()), (60, 36, config.name.as_str()));
    let (mut a, mut b) = (vec![0.0; 36], vec![0.0; 36]);
    for user in 0..n_users {
        model.score(&model.user(user), &mut a);
        loaded.score(&loaded.user(user), &mut b);
        let pair = [model.user(user), model.user(0)];
        let (width, mut both) = (pair[0].len(), vec![9.0; 2 * a.len()]);
        model.score_all(&pair.concat(), width, &mut both);
        assert_eq!(both[..a.len()], a, "the same in company");
        assert_eq!(a, b);
        let items = csr.row(user as usize);
        assert_eq!(model.fold_in(items, &vec![1.0; items.len()]), loaded.fold_in(items, &vec![1.0; items.len()]));
    }
    refuses_damage(&bytes);
    trains_on_hardly_anything(config);
}

fn refuses_damage(bytes: &[u8]) {
    let code = |bytes: &[u8]| load(bytes).err().map(|error| error.code());
    assert_eq!(code(b""), Some("model.weights"));
    assert_eq!(code(b"something else"), Some("model.weights"));
    assert_eq!(code(&bytes[..5]), Some("model.weights"));
    assert_eq!(code(&bytes[..bytes.len() / 2]), Some("model.weights"));
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert_eq!(code(&longer), Some("model.weights"));
    let mut unknown = bytes.to_vec();
    unknown[5] = 200;
    assert_eq!(code(&unknown), Some("model.weights"));
    // Whatever else is damaged: an error or a model, never a panic.
    for at in (6..bytes.len()).step_by(1 + bytes.len() / 200) {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 0xff;
        if let Ok(model) = load(&damaged)
            && model.n_users() > 0
        {
            let _ = (model.user(0), model.n_items());
        }
    }
}

fn trains_on_hardly_anything(config: &ModelConfig) {
    let shapes: [(&[u32], &[u32], u32, bool); 5] = [
        (&[0, 1], &[0], 1, false),
        (&[0, 3], &[0, 1, 2], 3, false),
        (&[0, 1, 2, 3], &[0, 0, 0], 1, true),
        (&[0, 0, 2], &[0, 4], 5, false),
        (&[0, 2, 4], &[0, 1, 0, 1], 2, true),
    ];
    for (index, (starts, items, n_items, validation)) in shapes.into_iter().enumerate() {
        let rows = ShardRows {
            n_users: starts.len() as u32 - 1,
            n_items,
            starts: starts.to_vec(),
            items: items.to_vec(),
            values: vec![1.0; items.len()],
            validation: vec![validation; items.len()],
            shards: 1,
        };
        let model = train(rows, config, 1);
        let mut scores = vec![0.0; n_items as usize];
        for user in 0..model.n_users() {
            model.score(&model.user(user as u32), &mut scores);
            assert!(kernels::all_finite(&scores), "shape {index}: {scores:?}");
        }
        for items in [&[][..], &[0]] {
            model.score(&model.fold_in(items, &vec![1.0; items.len()]), &mut scores);
            assert!(kernels::all_finite(&scores), "shape {index}: {scores:?}");
        }
    }
}

#[test]
fn an_empty_shard_and_a_bad_knob_are_refused() {
    let rows = ShardRows { n_users: 1, n_items: 0, starts: vec![0, 0], ..ShardRows::default() };
    let error = trainer(rows, &ModelConfig::default(), 1, 4).err().unwrap();
    assert!(error.to_string().contains("shard 4"), "{error}");
    let config = ModelConfig { factors: Some(0), ..ModelConfig::default() };
    assert_eq!(trainer(planted(3, 3, 1, 1), &config, 1, 0).err().map(|e| e.code()), Some("model.parameter"));
}

/// Whatever the knobs are within their ranges: a finite model, or an end that says in which epoch and which knob to turn.
#[test]
fn extreme_knobs_end_in_a_finite_model_or_in_advice() {
    let mut diverged = std::collections::BTreeSet::new();
    for name in ModelName::ALL {
        for (rate, lambda, alpha) in [(10.0, 0.0, 0.0), (10.0, 1.0, 100.0), (10.0, 1e6, 0.0), (1e-30, 0.0, 0.0)] {
            let config = ModelConfig {
                factors: Some(32),
                rate: Some(rate),
                lambda: Some(lambda),
                alpha: Some(alpha),
                epochs: Some(30),
                ..ModelConfig::of(name)
            }
            .own_knobs();
            let mut trainer = trainer(planted(30, 24, 2, 6), &config, 1, 0).unwrap();
            let error = loop {
                match trainer.step() {
                    Err(error) => break Some(error),
                    Ok(report) => assert!(report.loss.is_finite(), "{name:?} {report:?}"),
                }
                if trainer.stopped().is_some() {
                    break None;
                }
            };
            match error {
                Some(ModelError::Diverged { epoch, advice }) => {
                    assert!((1..=30).contains(&epoch));
                    assert!(["rate", "lambda", "alpha"].iter().any(|knob| advice.contains(knob)), "{name:?}: {advice}");
                    diverged.insert(name.as_str());
                }
                Some(other) => panic!("{name:?}: {other}"),
                None => {
                    let model = trainer.finish();
                    let mut scores = vec![0.0; 24];
                    model.score(&model.user(0), &mut scores);
                    assert!(kernels::all_finite(&scores), "{name:?}");
                    model.score(&model.fold_in(&[1, 4], &[1.0, 1.0]), &mut scores);
                    assert!(kernels::all_finite(&scores), "{name:?}");
                }
            }
        }
    }
    // Adam's steps are bounded, so the models that use it stay finite; the others can be driven off.
    for name in ["wmf", "bpr", "mf"] {
        assert!(diverged.contains(name), "{diverged:?}");
    }
}

#[test]
fn a_traced_training_gives_the_same_bytes_and_a_trace_in_every_epoch_that_has_one() {
    use super::ModelName::*;
    let rows = planted(24, 18, 3, 4);
    for name in ModelName::ALL {
        let config =
            ModelConfig { epochs: (!matches!(name, Ease | Itemknn | Toy)).then_some(3), ..ModelConfig::of(name) };
        let sliced = || Sliced { count: 2, slice_of_user: (0..24).map(|user| user % 2).collect(), resume: None };
        for start in [Start::Fresh, Start::Sliced(sliced())] {
            let run = |traced: bool| {
                let mut trainer = trainer_from(rows.clone(), &config, 5, 0, start.clone()).ok()?;
                trainer.traced(traced);
                let mut traces = Vec::new();
                while trainer.stopped().is_none() {
                    traces.push(trainer.step().unwrap().trace);
                }
                Some((traces, trainer.finish().to_bytes()))
            };
            // Some models are not trained slice by slice.
            let (Some((with, bytes)), Some((without, plain))) = (run(true), run(false)) else { continue };
            assert!(bytes == plain, "{name:?}");
            assert!(without.iter().all(Option::is_none));
            let closed = matches!(name, Ease | Itemknn | Toy);
            assert!(with.iter().all(|trace| trace.is_some() != closed), "{name:?} {with:?}");
            for trace in with.iter().flatten() {
                let UpdateTrace::Batch { before, after, rule, gradient, .. } = trace else { continue };
                assert!(before != after && after.is_finite() && *gradient > 0.0, "{name:?} {trace:?}");
                assert_eq!(*rule, if name == Mf { StepRule::Momentum } else { StepRule::Adam }, "{name:?}");
            }
        }
    }
}
