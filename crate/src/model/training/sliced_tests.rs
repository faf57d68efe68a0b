use super::*;
use crate::model::rows::tests::planted;
use crate::model::{ModelConfig, ModelName, Start, load, trainer_from};

const COUNT: u32 = 4;

fn slices(n_users: u32) -> Vec<u32> {
    (0..n_users).map(|user| user * 7 % COUNT).collect()
}

fn config(name: ModelName) -> ModelConfig {
    ModelConfig { factors: Some(5), epochs: Some(6), slices: COUNT, ..ModelConfig::of(name) }.own_knobs()
}

/// Weights, and what is left, of a training in rounds.
fn trained(
    rows: &ShardRows,
    slices: &[u32],
    name: ModelName,
    resume: Option<SliceCheckpoint>,
) -> (Vec<u8>, TrainingExtras) {
    let sliced = Sliced { count: COUNT, slice_of_user: slices.to_vec(), resume };
    let mut trainer = trainer_from(rows.clone(), &config(name), 3, 1, Start::Sliced(sliced)).unwrap();
    let mut epochs = 0;
    while trainer.stopped().is_none() {
        epochs += 1;
        trainer.step().unwrap();
        assert!(epochs < 200);
    }
    let left = trainer.extras();
    (trainer.finish().to_bytes(), left)
}

/// The rows without one user, and the others' slices; items nobody has any more are gone from the numbers.
fn without(rows: &ShardRows, slices: &[u32], user: u32) -> (ShardRows, Vec<u32>) {
    let mut marked = slices.to_vec();
    marked[user as usize] = COUNT;
    let prefix = Prefix::new(rows, &marked, COUNT - 1);
    (prefix.rows, prefix.users.iter().map(|&user| slices[user as usize]).collect())
}

const MODELS: [ModelName; 5] = [ModelName::Wmf, ModelName::Bpr, ModelName::Mf, ModelName::Lightgcn, ModelName::Gmf];

#[test]
fn a_checkpoint_is_a_function_of_its_legs_rows_and_leads_to_the_twin() {
    let rows = planted(24, 18, 3, 5);
    let slices = slices(24);
    for name in MODELS {
        let (_, before) = trained(&rows, &slices, name, None);
        assert_eq!(before.checkpoints.len(), COUNT as usize - 1, "{name:?}");
        for user in [0, 5, 11, 17, 23] {
            let (rest, rest_slices) = without(&rows, &slices, user);
            let (twin, fresh) = trained(&rest, &rest_slices, name, None);
            let hit = slices[user as usize];
            for rounds in 1..COUNT {
                let (mine, other) = (&before.checkpoints[rounds as usize - 1], &fresh.checkpoints[rounds as usize - 1]);
                assert_eq!(
                    mine.state == other.state,
                    rounds <= hit,
                    "{name:?}, user {user} of slice {hit}, {rounds} rounds"
                );
            }
            if hit > 0 {
                let resume = before.checkpoints[hit as usize - 1].clone();
                let (unlearned, left) = trained(&rest, &rest_slices, name, Some(resume));
                assert!(unlearned == twin, "{name:?}, user {user}");
                let (work, whole) = (left.work.unwrap(), fresh.work.unwrap());
                assert_eq!(work.whole, whole.whole, "{name:?}");
                assert!(work.done < work.whole && whole.done == whole.whole, "{name:?} {work:?}");
                assert_eq!(left.checkpoints.len(), (COUNT - 1 - hit) as usize);
            }
        }
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_is_passed_over() {
    let rows = planted(24, 18, 3, 5);
    let slices = slices(24);
    for name in MODELS {
        let (expected, left) = trained(&rows, &slices, name, None);
        let good = left.checkpoints[1].clone();
        let mut cut = good.clone();
        cut.state.truncate(good.state.len() / 2);
        let other = trained(&planted(20, 18, 3, 5), &slices[..20], name, None).1.checkpoints[1].clone();
        for (what, wrong) in [
            ("cut off", cut),
            ("of other rows", other),
            ("after no round", SliceCheckpoint { rounds: 0, ..good.clone() }),
            ("after more rounds than it is", SliceCheckpoint { rounds: 3, ..good.clone() }),
            ("after the last round", SliceCheckpoint { rounds: COUNT, ..good }),
        ] {
            let (bytes, left) = trained(&rows, &slices, name, Some(wrong));
            assert!(bytes == expected && left.epochs_before == 0, "{name:?}: {what}");
        }
    }
}

#[test]
fn slices_without_users_cost_nothing_and_break_nothing() {
    let rows = planted(12, 10, 2, 4);
    for slices in [vec![3; 12], vec![0; 12], (0..12).map(|user| if user < 6 { 1 } else { 3 }).collect()] {
        for name in MODELS {
            let (bytes, _) = trained(&rows, &slices, name, None);
            assert_eq!(load(&bytes).unwrap().n_users(), 12, "{name:?}");
        }
    }
}

#[test]
fn slices_that_are_not_of_these_users_are_refused() {
    for slice_of_user in [vec![0; 3], vec![COUNT; 12]] {
        let sliced = Sliced { count: COUNT, slice_of_user, resume: None };
        let error =
            trainer_from(planted(12, 10, 2, 4), &config(ModelName::Wmf), 3, 1, Start::Sliced(sliced)).err().unwrap();
        assert!(error.to_string().contains("slices"), "{error}");
    }
}

#[test]
fn the_legs_of_a_schedule_pass_over_about_as_many_rows_as_one_training() {
    for count in 2..20u32 {
        let each = epochs_per_round(150, count);
        let passes: f64 = (1..=count).map(|round| f64::from(each * round) / f64::from(count)).sum();
        assert!((passes / 150.0 - 1.0).abs() < 0.1, "{count}: {passes}");
    }
}
