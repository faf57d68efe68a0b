use std::sync::{Arc, Mutex};

use super::*;
use crate::model::rows::tests::planted;
use crate::numerics::kernels::scores;
use crate::numerics::math;
use crate::numerics::matrix::Matrix;

/// A learner whose model ranks perfectly from epoch `good` on and at random before; counts what it was given.
struct Scripted {
    rows: usize,
    good: u32,
    epoch: u32,
    log: Arc<Mutex<Vec<(usize, u32)>>>,
}

struct Ranked(Matrix, u32);

impl SubModel for Ranked {
    fn name(&self) -> &'static str {
        "scripted"
    }
    fn n_users(&self) -> usize {
        6
    }
    fn n_items(&self) -> usize {
        self.0.rows()
    }
    fn user(&self, local_user: u32) -> Vec<f32> {
        let mut out = vec![0.0; 2];
        out[local_user as usize % 2] = if self.1 == 0 { -1.0 } else { 1.0 };
        out
    }
    fn fold_in(&self, _: &[u32], _: &[f32]) -> Vec<f32> {
        vec![0.0; 2]
    }
    fn score(&self, user: &[f32], out: &mut [f32]) {
        scores(user, &self.0, out);
    }
    fn item_vectors(&self) -> Option<&Matrix> {
        Some(&self.0)
    }
    fn to_bytes(&self) -> Vec<u8> {
        vec![self.1 as u8]
    }
}

impl Learner for Scripted {
    fn epoch(&mut self, epoch: u32, _traced: bool) -> Epoch {
        self.epoch = epoch;
        self.log.lock().unwrap().push((self.rows, epoch));
        Epoch { loss: if epoch == 90 { f64::NAN } else { 1.0 }, updates: self.rows as u64, trace: None }
    }
    fn is_finite(&self) -> bool {
        true
    }
    fn model(&self) -> Box<dyn SubModel> {
        let items = Matrix::from_vec(60, 2, (0..120).map(|x| f32::from(x % 2 == (x / 2) % 2)).collect());
        Box::new(Ranked(items.unwrap(), u32::from(self.epoch >= self.good) * self.epoch.min(self.good)))
    }
}

fn run(good: u32, refit: bool, cap: u32, validation: bool) -> (StopReason, Vec<(usize, u32)>, u8) {
    let mut rows = planted(6, 60, 2, 3);
    if !validation {
        rows.validation.fill(false);
    }
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = log.clone();
    let stopping = Stopping { every: 2, patience: 3, tolerance: 1e-3, cap, without: 7, refit, warm: 0 };
    let make: Make = Box::new(move |rows, _| {
        Box::new(Scripted { rows: rows.values.len(), good, epoch: 0, log: seen.clone() }) as Box<dyn Learner>
    });
    let mut trainer = Validated::new(rows, stopping, "turn the knob", make);
    let mut progress = 0.0;
    while trainer.stopped().is_none() {
        trainer.step().unwrap();
        assert!(trainer.progress() >= progress);
        progress = trainer.progress();
    }
    let reason = trainer.stopped().unwrap();
    if validation && cap > 5 {
        let best = trainer.best().unwrap();
        assert_eq!(best.epoch, 4);
        assert!(best.metric > 0.0);
    } else if !validation {
        assert_eq!(trainer.best(), None);
    }
    let model = Box::new(trainer).finish();
    let log = log.lock().unwrap().clone();
    (reason, log, model.to_bytes()[0])
}

#[test]
fn stops_after_patience_keeps_the_best_and_refits_on_all_rows() {
    let all = planted(6, 60, 2, 3).items.len();
    let (reason, log, model) = run(4, false, 100, true);
    // Better at epoch 4, looked at every second epoch, three looks more.
    assert_eq!((reason, log.len(), model), (StopReason::Converged, 10, 4));
    assert!(log[0].0 < all);
    let (reason, log, model) = run(4, true, 100, true);
    assert_eq!((reason, log.len(), model), (StopReason::Converged, 14, 4));
    assert_eq!(log[10..].iter().map(|entry| entry.1).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(log[10..].iter().all(|entry| entry.0 == all));
}

#[test]
fn the_cap_and_missing_validation_rows_are_reasons_of_their_own() {
    assert_eq!(run(4, false, 5, true).0, StopReason::EpochCap);
    let (reason, log, _) = run(4, true, 100, false);
    assert_eq!((reason, log.len()), (StopReason::NoValidation, 7));
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_with_epoch_and_advice() {
    let mut rows = planted(6, 60, 2, 3);
    rows.validation.fill(false);
    let log = Arc::new(Mutex::new(Vec::new()));
    let make: Make = Box::new(move |rows, _| {
        Box::new(Scripted { rows: rows.values.len(), good: 1, epoch: 0, log: log.clone() }) as Box<dyn Learner>
    });
    let stopping = Stopping { every: 1, patience: 1, tolerance: 0.0, cap: 100, without: 100, refit: true, warm: 0 };
    let mut trainer = Validated::new(rows, stopping, "turn the knob", make);
    let error = (0..90).find_map(|_| trainer.step().err()).unwrap();
    assert_eq!(error, ModelError::Diverged { epoch: 90, advice: "turn the knob" });
}

#[test]
fn the_metric_by_hand_on_both_paths() {
    struct NoVectors(Ranked);
    impl SubModel for NoVectors {
        fn name(&self) -> &'static str {
            "scripted"
        }
        fn n_users(&self) -> usize {
            1
        }
        fn n_items(&self) -> usize {
            self.0.n_items()
        }
        fn user(&self, local_user: u32) -> Vec<f32> {
            self.0.user(local_user)
        }
        fn fold_in(&self, _: &[u32], _: &[f32]) -> Vec<f32> {
            Vec::new()
        }
        fn score(&self, user: &[f32], out: &mut [f32]) {
            self.0.score(user, out);
        }
        fn item_vectors(&self) -> Option<&Matrix> {
            None
        }
        fn to_bytes(&self) -> Vec<u8> {
            Vec::new()
        }
    }
    // Scores 4, 3, 2, 1, 0; item 0 masked; 1 and 3 wanted: ranks 1 and 3.
    let items = Matrix::from_vec(5, 2, (0..10).map(|x| if x % 2 == 0 { 4.0 - x as f32 / 2.0 } else { 0.0 }).collect());
    let model = Ranked(items.unwrap(), 1);
    let train = Csr { starts: vec![0, 1], columns: vec![0] };
    let held = Csr { starts: vec![0, 2], columns: vec![1, 3] };
    let expected = (1.0 + 0.5) / (1.0 + 1.0 / math::log2(3.0));
    assert!((ndcg(&model, &train, &held) - expected).abs() < 1e-12);
    assert!((ndcg(&NoVectors(model), &train, &held) - expected).abs() < 1e-12);
}
