//! A tenth model, for tests alone: this file and its lines in the registry are all that it takes.
//!
//! An item's vector is (how many users have it, 1) over the number of users; a user's is (1, 0), whoever it is.

use serde::{Deserialize, Serialize};

use crate::model::entry::{ModelEntry, Training};
use crate::model::knobs::{Axis, LAMBDA, THIRDS};
use crate::model::vectors::{self, FoldRule, Vectors};
use crate::model::{EpochReport, ModelError, StopReason, SubModel, Trainer};
use crate::numerics::Matrix;

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: "toy",
    title: "Toy",
    about: "Popularity as an inner product.",
    code: 9,
    knobs: &[LAMBDA.defaults_to("2")],
    additive: false,
    slices: Err("0 for toy: it counts, and counting is quick"),
    item_vectors: true,
    stops_on_validation: false,
    search: &[Axis::times(&LAMBDA, THIRDS)],
    fill: |knobs, _| {
        knobs.lambda.get_or_insert(2.0);
    },
    train,
    load,
};

fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let lambda = training.knobs.lambda.unwrap_or(2.0);
    let rows = training.rows;
    let n = rows.n_users as f32;
    let mut items = Matrix::zeros(rows.n_items as usize, 2);
    for (item, values) in items.data_mut().chunks_exact_mut(2).enumerate() {
        let users = rows.items.iter().filter(|&&other| other as usize == item).count() as f32;
        values.copy_from_slice(&[users / (n + lambda), 1.0 / n]);
    }
    let users = Matrix::from_vec(rows.n_users as usize, 2, [1.0, 0.0].repeat(rows.n_users as usize));
    Ok(Box::new(Toy { users: users.expect("two values a user"), items, done: false }))
}

struct Toy {
    users: Matrix,
    items: Matrix,
    done: bool,
}

impl Trainer for Toy {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        self.done = true;
        Ok(EpochReport { epoch: 1, loss: 0.0, metric: None, refit: false, updates: 1, trace: None })
    }

    fn stopped(&self) -> Option<StopReason> {
        self.done.then_some(StopReason::Closed)
    }

    fn progress(&self) -> f32 {
        if self.done { 1.0 } else { 0.0 }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        Vectors::boxed(&ENTRY, self.users, self.items, Everybody { share: 1.0 })
    }
}

/// Folding in: a stranger is like anybody else.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Everybody {
    share: f32,
}

impl FoldRule for Everybody {
    fn fold_in(&self, _items: &[u32], _values: &[f32]) -> Option<Vec<f32>> {
        Some(vec![self.share, 0.0])
    }

    fn save(&self) -> Vec<u8> {
        vectors::saved_rule(99, self)
    }
}

fn load(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (users, items, rule) = vectors::read::<Everybody>(bytes, 99)?;
    Ok(Vectors::boxed(&ENTRY, users, items, rule))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::combine::{CombineConfig, CombineMethod, CombinerRows, Ensemble, Member, Scorer, UserRows, prepare};
    use crate::model::rows::tests::planted;
    use crate::model::tests::train;
    use crate::model::{ModelConfig, ModelName, catalogue, load, tune};

    #[test]
    fn a_tenth_model_trains_travels_folds_in_and_is_served_by_joint() {
        let config: ModelConfig = serde_json::from_str(r#"{"name":"toy","lambda":1}"#).unwrap();
        let members = (0..3).map(|shard| {
            let trained = train(planted(20, 15, 3, shard), &config, 1);
            let model = load(&trained.to_bytes()).unwrap();
            assert_eq!((model.name(), model.to_bytes()), ("toy", trained.to_bytes()));
            assert_eq!(model.fold_in(&[1, 2], &[1.0, 1.0]), [1.0, 0.0]);
            Member { model: Arc::from(model), items: (0..15).collect(), rows: 30 }
        });
        let ensemble = Ensemble::new(members.collect(), 15).unwrap();
        assert!(CombineMethod::Joint.works_with(ModelName::Toy));
        let joint = CombineConfig::of(CombineMethod::Joint);
        let prepared = prepare(&ensemble, &joint, 1, &CombinerRows::default()).unwrap();
        let mut scores = vec![0.0; 15];
        let user = UserRows { items: &[0, 3], values: &[1.0, 1.0], own: &[] };
        Scorer::new(&ensemble, &prepared).unwrap().score(&user, &mut scores);
        assert!(scores.iter().all(|score| score.is_finite() && *score > 0.0), "{scores:?}");

        let cards = catalogue();
        let card = cards.iter().find(|card| card.name == ModelName::Toy).unwrap();
        assert!(card.item_vectors && !card.takes_slices && !card.additive);
        assert_eq!((cards.len(), card.knobs.len(), card.knobs[0].default), (10, 1, "2"));
        assert_eq!(tune::grid(&config).len(), 3);
        let sliced = ModelConfig { slices: 4, ..config };
        assert_eq!(
            sliced.check().unwrap_err().to_string(),
            "slices must be 0 for toy: it counts, and counting is quick, not 4"
        );
    }
}
