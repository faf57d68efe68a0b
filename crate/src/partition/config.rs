//! How to divide, as a person sets it.

use serde::{Deserialize, Serialize};

use super::PartitionError;

/// The ways to divide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Optimal balanced clustering of users (UltraRE, Li et al. 2023).
    #[default]
    Obc,
    /// Users in the order of a keyed hash, cut into equal parts (SISA, Bourtoule et al. 2021).
    Random,
    /// Keyed hash of the user's id modulo the number of shards: depends on nobody else, sizes vary.
    Hash,
    /// As given by the person.
    File,
    /// Lloyd's k-means: no balance.
    Kmeans,
    /// RecEraser's user-based balanced partition (Chen et al. 2022).
    Ubp,
    /// RecEraser's item-based balanced partition: rows follow their items.
    Ibp,
    /// RecEraser's interaction-based balanced partition.
    Inbp,
    /// Optimal balanced clustering of an anchor subset; every other user's shard follows from the anchors and the
    /// user's own rows, so that deleting a user who is no anchor moves nobody.
    Anchored,
}

impl Method {
    /// Does it cluster user embeddings?
    pub fn needs_users(self) -> bool {
        !matches!(self, Method::Random | Method::Hash | Method::File | Method::Ibp)
    }

    /// Does it cluster item embeddings?
    pub fn needs_items(self) -> bool {
        matches!(self, Method::Ibp | Method::Inbp)
    }

    /// Can one user's rows end up in several shards?
    pub fn divides_users(self) -> bool {
        matches!(self, Method::Ibp | Method::Inbp)
    }

    /// Can removing one user move another user who stays? `anchored` only if the removed one is an anchor.
    pub fn may_drift(self) -> bool {
        !matches!(self, Method::Hash | Method::File)
    }
}

/// How the inner transport problem is solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Solver {
    /// The optimum itself.
    #[default]
    Exact,
    /// Smoothed by entropy, with epsilon annealed: the plan can be watched while it sharpens.
    Entropic,
}

/// What every shard should have equally much of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Users.
    #[default]
    Users,
    /// Training rows: shards cost the same to retrain.
    Interactions,
}

/// How to divide. Unchecked until [`clustering`](super::clustering) takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct PartitionConfig {
    /// Which way.
    pub method: Method,
    /// Number of shards K: 1 to 1024, and no more than there are units to divide. Memory grows with K^2.
    pub shards: u32,
    /// `obc`, `kmeans`, `anchored`: how many seeded starts, of which the best is kept; 1 to 100.
    pub restarts: u32,
    /// `obc`, `anchored`.
    pub solver: Solver,
    /// `obc`, `anchored`.
    pub balance: Balance,
    /// `obc`, `anchored`: from 0 (no balance: k-means) to 1 (exact balance). In between, a shard's load is penalised by
    /// tau KL(load | even share) with tau = v s / (1 - s), v being the mean squared distance of the vectors to their
    /// mean: at 1/2 a shard e times too full costs one v per further unit.
    pub strength: f32,
    /// `obc`, `anchored` at strength 1 with the exact solver: how far a shard may exceed the even share, as a share of it;
    /// 0 to 1. Above 0, shards have no lower bound. RecEraser's cap is 0.2.
    pub slack: f32,
    /// Scale every vector to unit length first (a zero vector stays zero).
    pub normalise: bool,
    /// `anchored`: the share of users who are anchors, above 0 and at most 1; unused if the anchors are named.
    pub anchors: f32,
    /// `anchored`: the anchors are the users who consent to it in the file's consent column, and no others.
    pub consent: bool,
    /// Rounds per start; 1 to 1000.
    pub max_iterations: u32,
    /// `entropic`: the last epsilon as a multiple of v; 1e-4 to 10. `None` is 0.005.
    pub epsilon: Option<f32>,
}

impl Default for PartitionConfig {
    fn default() -> Self {
        PartitionConfig {
            method: Method::Obc,
            shards: 10,
            restarts: 3,
            solver: Solver::Exact,
            balance: Balance::Users,
            strength: 1.0,
            slack: 0.0,
            normalise: true,
            anchors: 0.2,
            consent: false,
            max_iterations: 100,
            epsilon: None,
        }
    }
}

/// Epsilon where the configuration names none, as a multiple of the vectors' mean squared distance to their mean.
pub const DEFAULT_EPSILON: f32 = 0.005;

impl PartitionConfig {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`PartitionError::Parameter`] for the first that is out of range.
    pub fn check(&self) -> Result<(), PartitionError> {
        let refuse = |name, expected: &str, value: String| {
            Err(PartitionError::Parameter { name, expected: expected.to_owned(), value })
        };
        if !(1..=1024).contains(&self.shards) {
            return refuse("shards", "from 1 to 1024", self.shards.to_string());
        }
        if !(1..=100).contains(&self.restarts) {
            return refuse("restarts", "from 1 to 100", self.restarts.to_string());
        }
        if !(1..=1000).contains(&self.max_iterations) {
            return refuse("max_iterations", "from 1 to 1000", self.max_iterations.to_string());
        }
        if !(0.0..=1.0).contains(&self.strength) {
            return refuse("strength", "from 0 (k-means) to 1 (exact balance)", self.strength.to_string());
        }
        if !(0.0..=1.0).contains(&self.slack) {
            return refuse("slack", "from 0 to 1", self.slack.to_string());
        }
        if !(self.anchors > 0.0 && self.anchors <= 1.0) {
            return refuse("anchors", "a share above 0 and at most 1", self.anchors.to_string());
        }
        if let Some(epsilon) = self.epsilon
            && !(1e-4..=10.0).contains(&epsilon)
        {
            return refuse("epsilon", "from 0.0001 to 10 (times the data's variance)", epsilon.to_string());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_out_of_range_is_named() {
        let good = PartitionConfig::default();
        assert_eq!(good.check(), Ok(()));
        let cases: [(&str, PartitionConfig); 11] = [
            ("shards", PartitionConfig { shards: 0, ..good.clone() }),
            ("shards", PartitionConfig { shards: 1025, ..good.clone() }),
            ("restarts", PartitionConfig { restarts: 0, ..good.clone() }),
            ("max_iterations", PartitionConfig { max_iterations: 0, ..good.clone() }),
            ("strength", PartitionConfig { strength: -0.1, ..good.clone() }),
            ("strength", PartitionConfig { strength: f32::NAN, ..good.clone() }),
            ("slack", PartitionConfig { slack: 1.5, ..good.clone() }),
            ("anchors", PartitionConfig { anchors: 0.0, ..good.clone() }),
            ("anchors", PartitionConfig { anchors: 1.5, ..good.clone() }),
            ("epsilon", PartitionConfig { epsilon: Some(0.0), ..good.clone() }),
            ("epsilon", PartitionConfig { epsilon: Some(f32::INFINITY), ..good.clone() }),
        ];
        for (expected, config) in cases {
            let Err(error) = config.check() else { panic!("{config:?} was accepted") };
            assert_eq!(error.code(), "partition.parameter");
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn survives_postcard_and_json() {
        let config = PartitionConfig { method: Method::Inbp, epsilon: Some(0.5), ..Default::default() };
        let bytes = postcard::to_stdvec(&config).unwrap();
        assert_eq!(postcard::from_bytes::<PartitionConfig>(&bytes).unwrap(), config);
        let partial: PartitionConfig = serde_json::from_str(r#"{"method":"anchored","shards":4}"#).unwrap();
        assert_eq!((partial.method, partial.shards, partial.restarts), (Method::Anchored, 4, 3));
        assert!(serde_json::from_str::<PartitionConfig>(r#"{"shard":4}"#).is_err());
    }
}
