//! How to divide, as a person sets it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::PartitionError;
use crate::knob::Knob;
use crate::knob::tagged::{self, Place, Tagged, Word};

const SHARDS: Knob = Knob::whole(
    "shards",
    (1, 1024),
    "from 1 to 1024",
    "More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide.",
)
.titled("Shards")
.usually(2.0, 100.0)
.defaults_to("10");
const RESTARTS: Knob = Knob::whole("restarts", (1, 100), "from 1 to 100", "Seeded starts, of which the best is kept.")
    .titled("Starts")
    .usually(1.0, 20.0)
    .defaults_to("3");
const MAX_ITERATIONS: Knob = Knob::whole("max_iterations", (1, 1000), "from 1 to 1000", "Rounds of a start at most.")
    .titled("At most rounds")
    .defaults_to("100");
const SOLVER: Knob = Knob::choice(
    "solver",
    &["exact", "entropic"],
    "exact or entropic",
    "How the transport problem is solved: the optimum itself, or smoothed by entropy so that it can be watched.",
)
.titled("Transport")
.defaults_to("exact");
const BALANCE: Knob = Knob::choice(
    "balance",
    &["users", "interactions"],
    "users or interactions",
    "What every shard has equally much of.",
)
.titled("Equal in")
.defaults_to("users");
const STRENGTH: Knob = Knob::real(
    "strength",
    (0.0, 1.0),
    "from 0 (k-means) to 1 (exact balance)",
    "How hard shards are held to equal sizes: from k-means (0) to exactly equal (1).",
)
.titled("Balance")
.defaults_to("1");
const SLACK: Knob =
    Knob::real("slack", (0.0, 1.0), "from 0 to 1", "How far a shard may exceed the even share, as a share of it.")
        .titled("Slack")
        .defaults_to("0");
const NORMALISE: Knob =
    Knob::flag("normalise", "Scale every vector to unit length first, so that taste counts and activity does not.")
        .titled("Taste alone")
        .defaults_to("true");
const ANCHORS: Knob = Knob::real(
    "anchors",
    (f32::MIN_POSITIVE, 1.0),
    "a share above 0 and at most 1",
    "The share of users on whose rows the division rests, chosen by a keyed hash of the id.",
)
.titled("Anchors")
.usually(0.05, 1.0)
.defaults_to("0.2");
const CONSENT: Knob =
    Knob::flag("consent", "Only users who say yes in the file's consent column are anchors, whatever others say.")
        .titled("Anchors by consent")
        .defaults_to("false");
const EPSILON: Knob = Knob::real(
    "epsilon",
    (1e-4, 10.0),
    "from 0.0001 to 10 (times the data's variance)",
    "How blurred the entropic solver's plan stays, as a multiple of the data's variance. With more of it people near a border \
     are carried to several shards.",
)
.titled("Smoothing")
.usually(0.005, 0.5)
.defaults_to("0.005");

/// A partition: what it is, what it needs, what it does to people, and its knobs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct PartitionCard {
    /// Its name in configurations.
    pub name: Method,
    /// As a person reads it.
    pub title: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Does it cluster the vectors of users?
    pub needs_users: bool,
    /// Does it cluster the vectors of items?
    pub needs_items: bool,
    /// Can one person's rows end up in several shards?
    pub divides_users: bool,
    /// Can forgetting one person move another who stays? `anchored`: only if the one who goes is an anchor.
    pub may_drift: bool,
    /// Can it be made again from the remaining rows? Not one that the person gave.
    pub can_refit: bool,
    /// Its knobs.
    pub knobs: &'static [Knob],
}

/// All partitions, in the order of [`Method::ALL`].
pub fn catalogue() -> Vec<PartitionCard> {
    let card = |name: Method| PartitionCard {
        name,
        title: name.title(),
        about: name.about(),
        needs_users: name.needs_users(),
        needs_items: name.needs_items(),
        divides_users: name.divides_users(),
        may_drift: name.may_drift(),
        can_refit: name != Method::File,
        knobs: name.knobs(),
    };
    Method::ALL.into_iter().map(card).collect()
}

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
    /// Those that decide by themselves, in the order of [`Method::ALL`]: all but `file`.
    pub const COMPUTED: [Method; 8] = [
        Method::Obc,
        Method::Random,
        Method::Hash,
        Method::Kmeans,
        Method::Ubp,
        Method::Ibp,
        Method::Inbp,
        Method::Anchored,
    ];

    /// All of them.
    pub const ALL: [Method; 9] = [
        Method::Obc,
        Method::Random,
        Method::Hash,
        Method::File,
        Method::Kmeans,
        Method::Ubp,
        Method::Ibp,
        Method::Inbp,
        Method::Anchored,
    ];

    /// As written in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Obc => "obc",
            Method::Random => "random",
            Method::Hash => "hash",
            Method::File => "file",
            Method::Kmeans => "kmeans",
            Method::Ubp => "ubp",
            Method::Ibp => "ibp",
            Method::Inbp => "inbp",
            Method::Anchored => "anchored",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Method::Obc => "Optimal balanced (UltraRE)",
            Method::Random => "Random (SISA)",
            Method::Hash => "Hash",
            Method::File => "From a file",
            Method::Kmeans => "k-means",
            Method::Ubp => "RecEraser, users",
            Method::Ibp => "RecEraser, items",
            Method::Inbp => "RecEraser, interactions",
            Method::Anchored => "Anchored",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Method::Obc => {
                "People of like taste together, in shards of equal size: optimal balanced clustering (UltraRE)."
            }
            Method::Random => "People in the order of a keyed hash, cut into equal parts (SISA).",
            Method::Hash => "A keyed hash of each person's id decides: nobody else has a say, sizes vary.",
            Method::File => "As a file gives it.",
            Method::Kmeans => "People of like taste together, without balance.",
            Method::Ubp => "RecEraser's balanced partition by users.",
            Method::Ibp => "RecEraser's balanced partition by items: rows follow their items.",
            Method::Inbp => "RecEraser's balanced partition by interactions.",
            Method::Anchored => {
                "Clustered on anchors; everybody else's shard follows from them and the own rows alone."
            }
        }
    }

    fn knobs(self) -> &'static [Knob] {
        match self {
            Method::Obc => &[SHARDS, RESTARTS, SOLVER, BALANCE, STRENGTH, SLACK, NORMALISE, MAX_ITERATIONS, EPSILON],
            Method::Anchored => &[
                SHARDS,
                ANCHORS,
                CONSENT,
                RESTARTS,
                SOLVER,
                BALANCE,
                STRENGTH,
                SLACK,
                NORMALISE,
                MAX_ITERATIONS,
                EPSILON,
            ],
            Method::Kmeans => &[SHARDS, RESTARTS, NORMALISE, MAX_ITERATIONS],
            Method::Ubp | Method::Ibp | Method::Inbp => &[SHARDS, NORMALISE, MAX_ITERATIONS],
            Method::Random | Method::Hash | Method::File => &[SHARDS],
        }
    }

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

/// How to divide. Unchecked until [`clustering`](super::clustering) takes it. Written, it holds the knobs that the partition has
/// and no others: `{"method":"hash","shards":10}`. One that it does not have is refused by name; here it stands at its default.
#[derive(Clone, Debug, PartialEq)]
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
    /// The defaults of a partition.
    pub fn of(method: Method) -> Self {
        PartitionConfig { method, ..Self::default() }
    }

    /// Checks every setting against its range, and refuses those that the partition does not have.
    ///
    /// # Errors
    /// [`PartitionError::Parameter`] for the first that is out of range, [`PartitionError::Knob`] for one that there is not.
    pub fn check(&self) -> Result<(), PartitionError> {
        Ok(self.refused()?)
    }

    /// The same with what the partition does not have put back to its default: for whoever goes through partitions with the same values.
    pub fn own_knobs(&self) -> Self {
        self.own()
    }
}

impl Word for Solver {
    fn word(&self) -> &'static str {
        SOLVER.choices[*self as usize]
    }

    fn set(&mut self, word: &str) -> bool {
        let found = [Solver::Exact, Solver::Entropic].into_iter().find(|solver| solver.word() == word);
        *self = found.unwrap_or(*self);
        found.is_some()
    }
}

impl Word for Balance {
    fn word(&self) -> &'static str {
        BALANCE.choices[*self as usize]
    }

    fn set(&mut self, word: &str) -> bool {
        let found = [Balance::Users, Balance::Interactions].into_iter().find(|balance| balance.word() == word);
        *self = found.unwrap_or(*self);
        found.is_some()
    }
}

impl Tagged for PartitionConfig {
    const TAG: &'static str = "method";

    fn names() -> Vec<&'static str> {
        Method::ALL.map(Method::as_str).to_vec()
    }

    fn named(name: &str) -> Option<Self> {
        Method::ALL.into_iter().find(|method| method.as_str() == name).map(PartitionConfig::of)
    }

    fn name(&self) -> &'static str {
        self.method.as_str()
    }

    fn knobs(&self) -> &'static [Knob] {
        self.method.knobs()
    }

    /// Those of `anchored`, which has them all.
    fn all() -> &'static [&'static str] {
        &[
            SHARDS.name,
            ANCHORS.name,
            CONSENT.name,
            RESTARTS.name,
            SOLVER.name,
            BALANCE.name,
            STRENGTH.name,
            SLACK.name,
            NORMALISE.name,
            MAX_ITERATIONS.name,
            EPSILON.name,
        ]
    }

    fn place(&mut self, knob: &str, see: &mut dyn FnMut(Place<'_>)) {
        match knob {
            "shards" => see(Place::Whole(&mut self.shards)),
            "restarts" => see(Place::Whole(&mut self.restarts)),
            "solver" => see(Place::Word(&mut self.solver)),
            "balance" => see(Place::Word(&mut self.balance)),
            "strength" => see(Place::Real(&mut self.strength)),
            "slack" => see(Place::Real(&mut self.slack)),
            "normalise" => see(Place::Flag(&mut self.normalise)),
            "anchors" => see(Place::Real(&mut self.anchors)),
            "consent" => see(Place::Flag(&mut self.consent)),
            "max_iterations" => see(Place::Whole(&mut self.max_iterations)),
            "epsilon" => see(Place::AnyReal(&mut self.epsilon)),
            _ => {}
        }
    }
}

impl Serialize for PartitionConfig {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        tagged::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for PartitionConfig {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        tagged::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_out_of_range_is_named() {
        let good = PartitionConfig::default();
        assert_eq!(good.check(), Ok(()));
        let anchored = PartitionConfig::of(Method::Anchored);
        let cases: [(&str, PartitionConfig); 11] = [
            ("shards", PartitionConfig { shards: 0, ..good.clone() }),
            ("shards", PartitionConfig { shards: 1025, ..good.clone() }),
            ("restarts", PartitionConfig { restarts: 0, ..good.clone() }),
            ("max_iterations", PartitionConfig { max_iterations: 0, ..good.clone() }),
            ("strength", PartitionConfig { strength: -0.1, ..good.clone() }),
            ("strength", PartitionConfig { strength: f32::NAN, ..good.clone() }),
            ("slack", PartitionConfig { slack: 1.5, ..good.clone() }),
            ("anchors", PartitionConfig { anchors: 0.0, ..anchored.clone() }),
            ("anchors", PartitionConfig { anchors: 1.5, ..anchored.clone() }),
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
        let config = PartitionConfig { method: Method::Anchored, epsilon: Some(0.5), ..Default::default() };
        let config = PartitionConfig { solver: Solver::Entropic, consent: true, ..config };
        let bytes = postcard::to_stdvec(&config).unwrap();
        assert_eq!(postcard::from_bytes::<PartitionConfig>(&bytes).unwrap(), config);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<PartitionConfig>(&json).unwrap(), config);
        let json = serde_json::to_string(&PartitionConfig::of(Method::Hash)).unwrap();
        assert_eq!(json, r#"{"method":"hash","shards":10}"#);
        let partial: PartitionConfig = serde_json::from_str(r#"{"method":"anchored","shards":4}"#).unwrap();
        assert_eq!((partial.method, partial.shards, partial.restarts), (Method::Anchored, 4, 3));
        assert!(serde_json::from_str::<PartitionConfig>(r#"{"shard":4}"#).is_err());
    }

    #[test]
    fn a_knob_of_another_partition_cannot_be_given() {
        let told = "random has no knob strength: it has shards";
        let set = PartitionConfig { strength: 0.5, ..PartitionConfig::of(Method::Random) };
        assert_eq!(set.check().unwrap_err().to_string(), told);
        // Written, not even at its default.
        let refusal = |json: &str| serde_json::from_str::<PartitionConfig>(json).unwrap_err().to_string();
        assert!(refusal(r#"{"strength":1.0,"method":"random"}"#).starts_with(told));
        assert!(refusal(r#"{"solver":"quick"}"#).starts_with("solver must be exact or entropic, not quick"));
        assert!(refusal(r#"{"method":"best"}"#).starts_with("there is no method best: there are obc, random"));
        assert!(refusal(r#"{"shards":2.5}"#).starts_with("shards must be from 1 to 1024, not 2.5"));
        assert_eq!(set.own_knobs(), PartitionConfig::of(Method::Random));
    }

    /// One of them has every knob that there is, and its defaults are all the defaults.
    #[test]
    fn every_knob_has_a_place() {
        let all = Method::Anchored.knobs().iter().map(|knob| knob.name);
        assert!(all.eq(PartitionConfig::all().iter().copied()));
        for method in Method::ALL {
            assert_eq!(PartitionConfig::named(method.as_str()), Some(PartitionConfig::of(method)));
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            assert!(method.knobs().iter().all(|knob| PartitionConfig::all().contains(&knob.name)));
        }
    }

    #[test]
    fn the_catalogue_says_what_the_configuration_does() {
        let cards = catalogue();
        assert_eq!(cards.len(), Method::ALL.len());
        let computed = Method::ALL.into_iter().filter(|&method| method != Method::File);
        assert!(computed.eq(Method::COMPUTED));
        for card in cards {
            let json = serde_json::to_value(PartitionConfig::of(card.name)).unwrap();
            for knob in card.knobs {
                // The last smoothing is left out of the default configuration, which says where it comes from.
                let default = if knob.name == "epsilon" { DEFAULT_EPSILON.into() } else { json[knob.name].clone() };
                let same = match (default.as_f64(), knob.default.parse::<f64>()) {
                    (Some(value), Ok(told)) => (value - told).abs() < 1e-6,
                    _ => default.to_string().trim_matches('"') == knob.default,
                };
                assert!(same, "{:?}: {knob:?} {default}", card.name);
            }
        }
    }
}
