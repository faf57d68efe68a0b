//! What serves, taken apart: who is in which shard, and the vectors that a shard's sub-model learned.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::load;

use super::{Experiment, ExperimentError};

/// Who is in which shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct AssignmentView {
    /// Number of shards.
    pub shards: u32,
    /// Per shard, the ids of the users with a row in it, ascending. Where rows and not users are divided, a user may be in
    /// several.
    pub users: Vec<Vec<String>>,
}

/// The vectors of one shard's sub-model: the inner product of a user's and an item's is the score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct VectorsView {
    /// The shard.
    pub shard: u32,
    /// Length of a vector.
    pub factors: u32,
    /// Ids of its users, ascending.
    pub users: Vec<String>,
    /// Ids of its items, ascending.
    pub items: Vec<String>,
    /// A vector for each user, one after another: f32, little-endian.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
    pub user_vectors: Vec<u8>,
    /// A vector for each item, one after another: f32, little-endian.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "ts", tsify(type = "Uint8Array"))]
    pub item_vectors: Vec<u8>,
}

impl Experiment {
    /// Who is in which shard of what was built last. O(users).
    ///
    /// Errors: nothing is divided yet.
    pub fn members(&self) -> Result<AssignmentView> {
        let early = ExperimentError::TooEarly {
            what: "the assignment",
            needs: "a partition",
            advice: "build at least as far as it",
        };
        let serving = self.serving.as_ref().ok_or_else(|| early.clone())?;
        let divided = serving.divided(&self.store).ok_or(early)?;
        let ids = serving.rows().users();
        let named = |users: &[u32]| users.iter().map(|&user| ids.get(user).to_owned()).collect();
        let users: Vec<Vec<String>> = divided.shards.iter().map(|shard| named(&shard.users)).collect();
        Ok(AssignmentView { shards: users.len() as u32, users })
    }

    /// The vectors of a shard's sub-model, read back from its weights. O(weights).
    ///
    /// Errors: nothing is trained yet; no such shard, or one without rows; a model whose scores are no inner products.
    pub fn vectors(&self, shard: u32) -> Result<VectorsView> {
        let serving = self.trained("vectors")?;
        let divided = serving.divided(&self.store).expect("a trained pipeline has shards");
        let count = divided.shards.len();
        let own = divided.shards.get(shard as usize).ok_or_else(|| {
            ExperimentError::Unusable(format!("there is no shard {shard}: there are {count}, numbered from 0"))
        })?;
        let trained = serving.sub_models(&self.store).get(shard as usize).copied().flatten();
        let trained = trained.ok_or_else(|| {
            ExperimentError::Unusable(format!("shard {shard} has no rows, so it has no sub-model and no vectors"))
        })?;
        let model = load(&trained.weights.bytes)?;
        let items = model.item_vectors().ok_or_else(|| {
            let name = model.name();
            ExperimentError::Unusable(format!(
                "{name} has no vectors: its scores are no inner products. Try wmf, or bpr"
            ))
        })?;
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let rows = serving.rows();
        Ok(VectorsView {
            shard,
            factors: items.cols() as u32,
            users: own.users.iter().map(|&user| rows.users().get(user).to_owned()).collect(),
            items: own.items.iter().map(|&item| rows.items().get(item).to_owned()).collect(),
            user_vectors: (0..own.users.len() as u32).flat_map(|user| bytes(&model.user(user))).collect(),
            item_vectors: bytes(items.data()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Activity;
    use crate::interactions::Size;
    use crate::pipeline::{Runner, Stage};

    fn trained(model: &str) -> Experiment {
        let mut experiment = Experiment::new();
        let mut settings = serde_json::to_value(experiment.settings()).unwrap();
        settings["partition"]["shards"] = 3.into();
        settings["model"] = serde_json::json!({ "name": model });
        settings["combine"] = serde_json::json!({ "method": "mean" });
        experiment.configure(serde_json::from_value(settings).unwrap()).unwrap();
        experiment.load_sample(Size::Small, 1).unwrap();
        experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
        experiment.drive(&Runner::new()).unwrap();
        experiment
    }

    fn floats(bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }

    #[test]
    fn everybody_is_in_one_shard_and_has_a_vector_there() {
        let experiment = trained("wmf");
        let assignment = experiment.members().unwrap();
        assert_eq!((assignment.shards, assignment.users.len()), (3, 3));
        let mut everybody: Vec<String> = assignment.users.concat();
        everybody.sort();
        let count = everybody.len();
        everybody.dedup();
        assert_eq!(everybody.len(), count, "a user is in one shard");
        assert_eq!(count, experiment.snapshot().partition.unwrap().users_per_shard.iter().sum::<u32>() as usize);
        for shard in 0..3 {
            let vectors = experiment.vectors(shard).unwrap();
            assert_eq!(vectors.users, assignment.users[shard as usize]);
            let (users, items) = (floats(&vectors.user_vectors), floats(&vectors.item_vectors));
            assert_eq!(users.len(), vectors.users.len() * vectors.factors as usize);
            assert_eq!(items.len(), vectors.items.len() * vectors.factors as usize);
            assert!(vectors.factors > 0 && users.iter().chain(&items).all(|value| value.is_finite()));
            assert!(users.iter().any(|&value| value != 0.0));
        }
    }

    #[test]
    fn what_is_not_there_is_refused_in_words() {
        let empty = Experiment::new();
        assert_eq!(empty.members().unwrap_err().code(), "experiment.too_early");
        assert_eq!(empty.vectors(0).unwrap_err().code(), "experiment.too_early");
        let experiment = trained("ease");
        assert!(experiment.vectors(3).unwrap_err().to_string().contains("there is no shard 3: there are 3"));
        assert!(experiment.vectors(0).unwrap_err().to_string().contains("ease has no vectors"));
    }
}
