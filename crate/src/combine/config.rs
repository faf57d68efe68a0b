//! Which combiner, and its settings.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CombineError, Ensemble};
use crate::knob::Knob;
use crate::knob::tagged::{self, Place, Tagged};
use crate::model::ModelName;

const ALPHA: Knob = Knob::real(
    "alpha",
    (f32::MIN_POSITIVE, f32::MAX),
    "a number above 0",
    "Weight of the items that a user has not touched, against 1 for those touched.",
)
.titled("Weight of the unseen (alpha)")
.usually(0.01, 10.0);
const LAMBDA: Knob = Knob::real(
    "lambda",
    (f32::MIN_POSITIVE, f32::MAX),
    "a number above 0",
    "Weight of the user vector's squared length.",
)
.titled("Penalty (lambda)")
.usually(0.1, 1000.0);
const NEGATIVES: Knob =
    Knob::whole("negatives", (1, 100), "from 1 to 100", "Sampled untouched items for each validation row.")
        .titled("Negatives")
        .defaults_to("4");
const HIDDEN: Knob =
    Knob::whole("attention", (1, 256), "from 1 to 256", "Width of the attention network's hidden layer.")
        .titled("Width of the attention")
        .defaults_to("16");
const EPOCHS: Knob =
    Knob::whole("epochs", (1, 1000), "from 1 to 1000", "Epochs at most.").titled("At most epochs").defaults_to("16");
const JOINT: &[Knob] = &[ALPHA.defaults_to("1"), LAMBDA.defaults_to("0.6 / density x (1 + 2 / shards)")];
const CONSENSUS: &[Knob] = &[ALPHA.defaults_to("1"), LAMBDA.defaults_to("ten times what joint would use")];

/// The combiners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum CombineMethod {
    /// The shards that hold the user's rows, nobody else: what the released peers evaluate. Somebody without a shard is
    /// served by `mean`.
    Own,
    /// The user folded into every shard that knows one of the user's items; scores standardised per shard, averaged.
    Mean,
    /// One fold-in over all shards' item vectors side by side. Needs models with item vectors.
    #[default]
    Joint,
    /// UltraRE's: logistic regression on the shards' standardised scores, trained on validation rows.
    Logistic,
    /// Ours: `joint` with a user's vector held to the coordinates on which the shards' item vectors agree.
    Consensus,
    /// RecEraser's: transferred vectors weighted by attention, trained with Adagrad. Needs models with item vectors.
    Attention,
}

/// A combiner: what it is, what it needs, and its knobs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct CombinerCard {
    /// Its name in configurations.
    pub name: CombineMethod,
    /// As a person reads it.
    pub title: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Does it work on one vector per item?
    pub needs_item_vectors: bool,
    /// Does it learn from validation rows?
    pub learns_from_validation: bool,
    /// The sub-models that it can combine.
    pub models: Vec<ModelName>,
    /// Its knobs.
    pub knobs: &'static [Knob],
}

/// All combiners, in the order of [`CombineMethod::ALL`].
pub fn catalogue() -> Vec<CombinerCard> {
    let card = |name: CombineMethod| CombinerCard {
        name,
        title: name.title(),
        about: name.about(),
        needs_item_vectors: name.needs_item_vectors(),
        learns_from_validation: matches!(name, CombineMethod::Logistic | CombineMethod::Attention),
        models: ModelName::ALL.into_iter().filter(|&model| name.works_with(model)).collect(),
        knobs: name.knobs(),
    };
    CombineMethod::ALL.into_iter().map(card).collect()
}

impl CombineMethod {
    /// All of them.
    pub const ALL: [CombineMethod; 6] = [
        CombineMethod::Own,
        CombineMethod::Mean,
        CombineMethod::Joint,
        CombineMethod::Logistic,
        CombineMethod::Consensus,
        CombineMethod::Attention,
    ];

    fn title(self) -> &'static str {
        match self {
            CombineMethod::Own => "Own shard only",
            CombineMethod::Mean => "Mean of all",
            CombineMethod::Joint => "Joint fold-in",
            CombineMethod::Logistic => "Logistic (UltraRE)",
            CombineMethod::Consensus => "Consensus",
            CombineMethod::Attention => "Attention (RecEraser)",
        }
    }

    fn about(self) -> &'static str {
        match self {
            CombineMethod::Own => "The shard that holds a person serves that person alone.",
            CombineMethod::Mean => "Every shard folds the person in; standardised scores are averaged.",
            CombineMethod::Joint => "One fold-in over all shards' item vectors at once.",
            CombineMethod::Logistic => "A logistic regression weighs the sub-models' scores (UltraRE).",
            CombineMethod::Consensus => "Joint, held to the coordinates on which the shards agree.",
            CombineMethod::Attention => "Transferred vectors, weighted by attention (RecEraser).",
        }
    }

    fn knobs(self) -> &'static [Knob] {
        match self {
            CombineMethod::Own | CombineMethod::Mean => &[],
            CombineMethod::Joint => JOINT,
            CombineMethod::Consensus => CONSENSUS,
            CombineMethod::Logistic => &[NEGATIVES],
            CombineMethod::Attention => &[HIDDEN, EPOCHS],
        }
    }

    /// Can it combine sub-models of this kind? Those that need a vector per item do not work with every model.
    pub fn works_with(self, model: ModelName) -> bool {
        model.has_item_vectors() || !self.needs_item_vectors()
    }

    /// Does it work on one vector per item?
    pub fn needs_item_vectors(self) -> bool {
        matches!(self, CombineMethod::Joint | CombineMethod::Consensus | CombineMethod::Attention)
    }

    /// As written in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            CombineMethod::Own => "own",
            CombineMethod::Mean => "mean",
            CombineMethod::Joint => "joint",
            CombineMethod::Logistic => "logistic",
            CombineMethod::Consensus => "consensus",
            CombineMethod::Attention => "attention",
        }
    }
}

/// A combiner and its settings. Written, it holds those that the combiner has and no others: `{"method":"logistic","negatives":4}`.
/// One that it does not have is refused by name; here it stands at its default.
#[derive(Clone, Debug, PartialEq)]
pub struct CombineConfig {
    /// Which.
    pub method: CombineMethod,
    /// `joint`, `consensus`: weight of the items that a user has not touched, against 1 for those touched. `None`: the default formula.
    pub alpha: Option<f32>,
    /// `joint`, `consensus`: weight of the user vector's squared length. `None`: the default formula.
    pub lambda: Option<f32>,
    /// `logistic`: sampled untouched items per validation row.
    pub negatives: u32,
    /// `attention`: width of the attention network's hidden layer.
    pub attention: u32,
    /// `attention`: epochs at most.
    pub epochs: u32,
}

impl Default for CombineConfig {
    fn default() -> Self {
        CombineConfig {
            method: CombineMethod::Joint,
            alpha: None,
            lambda: None,
            negatives: 4,
            attention: 16,
            epochs: 16,
        }
    }
}

impl CombineConfig {
    /// The default settings of a method.
    pub fn of(method: CombineMethod) -> Self {
        CombineConfig { method, ..Self::default() }
    }

    /// Refuses what is out of range, and what the combiner does not have.
    pub fn check(&self) -> Result<(), CombineError> {
        Ok(self.refused()?)
    }

    /// The same with what the combiner does not have put back to its default: for whoever goes through combiners with the same values.
    pub fn own_knobs(&self) -> Self {
        self.own()
    }

    /// alpha and lambda of `joint` and `consensus`: as set, or functions of the ensemble's shape alone (how many shards, and how
    /// much of the catalogue a person has), so that serving depends on no validation rows.
    ///
    /// Measured on seven generated sets and MovieLens 100K with 10 and 40 random shards of `wmf`: with alpha 1 the best lambda of
    /// `joint` is about .6 / density, from 5 where a person has an eighth of the items to 60 where it is a hundredth, and less
    /// than doubles where shards are few. `consensus` wants about ten times as much.
    pub(super) fn joint_strengths(&self, ensemble: &Ensemble) -> (f32, f32) {
        let shards = ensemble.n_shards() as f64;
        let flat = 0.6 / ensemble.density() * (1.0 + 2.0 / shards);
        let lambda = match self.method {
            CombineMethod::Consensus => 10.0 * flat,
            _ => flat,
        };
        (self.alpha.unwrap_or(1.0), self.lambda.unwrap_or(lambda as f32))
    }
}

impl Tagged for CombineConfig {
    const TAG: &'static str = "method";

    fn names() -> Vec<&'static str> {
        CombineMethod::ALL.map(CombineMethod::as_str).to_vec()
    }

    fn named(name: &str) -> Option<Self> {
        CombineMethod::ALL.into_iter().find(|method| method.as_str() == name).map(CombineConfig::of)
    }

    fn name(&self) -> &'static str {
        self.method.as_str()
    }

    fn knobs(&self) -> &'static [Knob] {
        self.method.knobs()
    }

    fn all() -> &'static [&'static str] {
        &[ALPHA.name, LAMBDA.name, NEGATIVES.name, HIDDEN.name, EPOCHS.name]
    }

    fn place(&mut self, knob: &str, see: &mut dyn FnMut(Place<'_>)) {
        match knob {
            "alpha" => see(Place::AnyReal(&mut self.alpha)),
            "lambda" => see(Place::AnyReal(&mut self.lambda)),
            "negatives" => see(Place::Whole(&mut self.negatives)),
            "attention" => see(Place::Whole(&mut self.attention)),
            "epochs" => see(Place::Whole(&mut self.epochs)),
            _ => {}
        }
    }
}

impl Serialize for CombineConfig {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        tagged::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for CombineConfig {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        tagged::deserialize(from)
    }
}

/// The rows a combiner may learn from: everybody's training and validation rows, never test rows.
#[derive(Clone, Debug, Default)]
pub struct CombinerRows<'a> {
    /// Users in the order of their ids.
    pub users: Vec<CombinerUser<'a>>,
}

/// One user's part of [`CombinerRows`].
#[derive(Clone, Copy, Debug)]
pub struct CombinerUser<'a> {
    /// Catalogue indices of the training rows, ascending.
    pub items: &'a [u32],
    /// Their values.
    pub values: &'a [f32],
    /// Catalogue indices of the validation rows, ascending.
    pub validation: &'a [u32],
    /// As in [`super::UserRows`].
    pub own: &'a [(u16, u32)],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_out_of_range_is_named() {
        let (good, of) = (CombineConfig::default(), CombineConfig::of);
        assert_eq!(good.check(), Ok(()));
        let cases = [
            ("alpha must be a number above 0, not 0", CombineConfig { alpha: Some(0.0), ..good.clone() }),
            ("alpha must be a number above 0, not NaN", CombineConfig { alpha: Some(f32::NAN), ..good.clone() }),
            ("lambda must be a number above 0, not inf", CombineConfig { lambda: Some(f32::INFINITY), ..good.clone() }),
            ("negatives must be from 1 to 100, not 0", CombineConfig { negatives: 0, ..of(CombineMethod::Logistic) }),
            (
                "attention must be from 1 to 256, not 257",
                CombineConfig { attention: 257, ..of(CombineMethod::Attention) },
            ),
            ("epochs must be from 1 to 1000, not 0", CombineConfig { epochs: 0, ..of(CombineMethod::Attention) }),
            ("joint has no knob epochs: it has alpha and lambda", CombineConfig { epochs: 9, ..good.clone() }),
            ("mean has no knob alpha: it has none", CombineConfig { alpha: Some(2.0), ..of(CombineMethod::Mean) }),
        ];
        for (told, config) in cases {
            assert_eq!(config.check().unwrap_err().to_string(), told);
        }
    }

    #[test]
    fn the_catalogue_says_what_the_configuration_does() {
        let cards = catalogue();
        assert_eq!(cards.len(), CombineMethod::ALL.len());
        for card in &cards {
            let json = serde_json::to_value(CombineConfig::of(card.name)).unwrap();
            assert_eq!(serde_json::to_value(card.name).unwrap(), card.name.as_str());
            assert_eq!(card.models.len() == ModelName::ALL.len(), !card.needs_item_vectors, "{:?}", card.name);
            for knob in card.knobs {
                let default = &json[knob.name];
                let told: Option<f64> = knob.default.parse().ok();
                assert!(default.is_null() || default.as_f64() == told, "{knob:?}");
            }
        }
    }
}
