//! Which model, with which knobs; and what is refused.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::knobs::{self, Knobs};
use super::{ModelError, ModelName, ShardRows};
use crate::knob::Knob;
use crate::knob::tagged::{self, Place, Tagged};

/// A model and its knobs. What is left out gets the model's default, which may depend on the size of the shard; the
/// module of each model says how it was chosen. Written, it holds the knobs that the model has and no others:
/// `{"name":"ease","lambda":200}`. One that the model does not have is refused by name; here it stands at its default.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The model.
    pub name: ModelName,
    /// Length of a vector, 1 to 512. All but `ease` and `itemknn`.
    pub factors: Option<u32>,
    /// Cap on epochs, 1 to 10000.
    pub epochs: Option<u32>,
    /// `wmf`: weight of the squared score of every pair, 0 to 100.
    pub alpha: Option<f32>,
    /// Strength of the penalty on weights, 0 to 1e6.
    pub lambda: Option<f32>,
    /// `wmf`: how far the penalty grows with a row's data, 0 (not) to 1 (in proportion).
    pub nu: Option<f32>,
    /// Learning rate, above 0 to 10. All but `wmf`, `ease` and `itemknn`.
    pub rate: Option<f32>,
    /// Evaluations without improvement before stopping, 1 to 1000.
    pub patience: Option<u32>,
    /// Relative improvement that counts, 0 to 1.
    pub tolerance: Option<f32>,
    /// Fit again on train plus validation rows for the number of epochs found. Models that stop on validation rows.
    pub refit: bool,
    /// `lightgcn`: propagation steps. `neumf`: hidden layers. 1 to 8.
    pub layers: Option<u32>,
    /// `gmf`, `neumf`, `dmf`: sampled negatives for each row, 1 to 50.
    pub negatives: Option<u32>,
    /// `itemknn`: neighbours kept for each item, 1 to 100000.
    pub neighbours: Option<u32>,
    /// Slices of a shard's users, with a checkpoint before each: 0 or 1 is none, at most 64. Only for models that
    /// [`ModelName::takes_slices`].
    pub slices: u32,
}

impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig {
            name: ModelName::default(),
            factors: None,
            epochs: None,
            alpha: None,
            lambda: None,
            nu: None,
            rate: None,
            patience: None,
            tolerance: None,
            refit: true,
            layers: None,
            negatives: None,
            neighbours: None,
            slices: 0,
        }
    }
}

impl ModelConfig {
    /// All defaults of a model.
    pub fn of(name: ModelName) -> Self {
        ModelConfig { name, ..ModelConfig::default() }
    }

    /// Refuses what is out of range, and what the model does not have: each knob's range stands in its description.
    pub fn check(&self) -> Result<(), ModelError> {
        match self.name.entry().slices {
            Err(expected) if self.slices > 1 => {
                Err(ModelError::Parameter { name: "slices", expected, value: self.slices.to_string() })
            }
            _ => Ok(self.refused()?),
        }
    }

    /// The same with what the model does not have put back to its default: for whoever goes through models with the same values.
    pub fn own_knobs(&self) -> Self {
        self.own()
    }

    /// A knob's value as it is written; none where it was left out.
    pub(super) fn text(&self, knob: &str) -> Option<String> {
        match self.value(knob) {
            tagged::Value::Unset => None,
            value => Some(value.to_string()),
        }
    }

    /// The same with each knob that the model has filled in as training on these rows would fill it.
    pub fn filled(&self, rows: &ShardRows) -> ModelConfig {
        let mut knobs = self.knobs();
        (self.name.entry().fill)(&mut knobs, rows);
        ModelConfig::with(self.name, knobs)
    }

    /// The knobs without the model.
    pub(super) fn knobs(&self) -> Knobs {
        let ModelConfig {
            name: _,
            factors,
            epochs,
            alpha,
            lambda,
            nu,
            rate,
            patience,
            tolerance,
            refit,
            layers,
            negatives,
            neighbours,
            slices,
        } = self.clone();
        Knobs {
            factors,
            epochs,
            alpha,
            lambda,
            nu,
            rate,
            patience,
            tolerance,
            refit,
            layers,
            negatives,
            neighbours,
            slices,
        }
    }

    /// A model with these knobs.
    pub(super) fn with(name: ModelName, knobs: Knobs) -> ModelConfig {
        let Knobs {
            factors,
            epochs,
            alpha,
            lambda,
            nu,
            rate,
            patience,
            tolerance,
            refit,
            layers,
            negatives,
            neighbours,
            slices,
        } = knobs;
        ModelConfig {
            name,
            factors,
            epochs,
            alpha,
            lambda,
            nu,
            rate,
            patience,
            tolerance,
            refit,
            layers,
            negatives,
            neighbours,
            slices,
        }
    }
}

impl Tagged for ModelConfig {
    const TAG: &'static str = "name";

    fn names() -> Vec<&'static str> {
        ModelName::ALL.map(ModelName::as_str).to_vec()
    }

    fn named(name: &str) -> Option<Self> {
        ModelName::ALL.into_iter().find(|model| model.as_str() == name).map(ModelConfig::of)
    }

    fn name(&self) -> &'static str {
        self.name.as_str()
    }

    fn knobs(&self) -> &'static [Knob] {
        self.name.entry().knobs
    }

    fn all() -> &'static [&'static str] {
        &knobs::ALL
    }

    fn place(&mut self, knob: &str, see: &mut dyn FnMut(Place<'_>)) {
        let mut knobs = ModelConfig::knobs(self);
        if let Some(place) = knobs.place(knob) {
            see(place);
        }
        *self = ModelConfig::with(self.name, knobs);
    }
}

impl Serialize for ModelConfig {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        tagged::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for ModelConfig {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        tagged::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::trainer;

    #[test]
    fn each_knob_is_refused_by_name_outside_its_range() {
        type Set = fn(&mut ModelConfig);
        let cases: [(&str, Set); 14] = [
            ("factors", |c| c.factors = Some(0)),
            ("factors", |c| c.factors = Some(513)),
            ("epochs", |c| c.epochs = Some(0)),
            ("alpha", |c| c.alpha = Some(-0.1)),
            ("lambda", |c| c.lambda = Some(f32::NAN)),
            ("nu", |c| c.nu = Some(1.5)),
            ("rate", |c| (c.name, c.rate) = (ModelName::Bpr, Some(0.0))),
            ("patience", |c| (c.name, c.patience) = (ModelName::Bpr, Some(0))),
            ("tolerance", |c| c.tolerance = Some(f32::INFINITY)),
            ("layers", |c| (c.name, c.layers) = (ModelName::Neumf, Some(9))),
            ("negatives", |c| (c.name, c.negatives) = (ModelName::Gmf, Some(0))),
            ("neighbours", |c| (c.name, c.neighbours) = (ModelName::Itemknn, Some(0))),
            ("slices", |c| c.slices = 65),
            ("slices", |c| (c.name, c.slices) = (ModelName::Ease, 4)),
        ];
        assert_eq!(ModelConfig::default().check(), Ok(()));
        for (expected, set) in cases {
            let mut config = ModelConfig::default();
            set(&mut config);
            match config.check() {
                Err(ModelError::Parameter { name, .. }) => assert_eq!(name, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_knob_of_another_model_cannot_be_given() {
        let told = "itemknn has no knob factors: it has neighbours";
        let set = ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Itemknn) };
        assert_eq!(set.check().unwrap_err().to_string(), told);
        assert_eq!(set.check().unwrap_err().code(), "model.knob");
        assert!(crate::model::trainer(planted(9, 8, 2, 1), &set, 1, 0).is_err());
        let refusal = |json: &str| serde_json::from_str::<ModelConfig>(json).unwrap_err().to_string();
        assert!(refusal(r#"{"factors":8,"name":"itemknn"}"#).starts_with(told));
        assert!(refusal(r#"{"factor":3}"#).starts_with("wmf has no knob factor: it has factors, epochs, alpha"));
        assert!(refusal(r#"{"factors":-1}"#).starts_with("factors must be 1 to 512, not -1"));
        assert!(refusal(r#"{"factors":8,"factors":9}"#).starts_with("factors is given twice"));
        assert!(refusal("[1]").contains("a choice with its knobs"));
        // Null is nothing given; in bytes a knob can as little be given.
        let null = r#"{"name":"itemknn","factors":null,"neighbours":null}"#;
        assert_eq!(serde_json::from_str::<ModelConfig>(null).unwrap(), ModelConfig::of(ModelName::Itemknn));
        let text = postcard::to_stdvec(r#"{"name":"itemknn","factors":8}"#).unwrap();
        assert!(postcard::from_bytes::<ModelConfig>(&text).is_err());
        assert_eq!(set.own_knobs(), ModelConfig::of(ModelName::Itemknn));
    }

    #[test]
    fn every_knob_has_a_place() {
        for name in ModelName::ALL {
            let config = ModelConfig::of(name);
            assert!(name.entry().knobs.iter().all(|knob| knobs::ALL.contains(&knob.name)));
            assert_eq!(name.entry().knobs.iter().any(|knob| knob.name == "slices"), name.takes_slices());
            let written = serde_json::to_value(&config).unwrap();
            assert_eq!(written.as_object().unwrap().len(), 1 + name.entry().knobs.len());
        }
        let mut every = ModelConfig::default().knobs();
        assert!(knobs::ALL.iter().all(|name| every.place(name).is_some()));
    }

    #[test]
    fn names_are_the_ones_in_configurations() {
        for name in ModelName::ALL {
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{}\"", name.as_str()));
        }
    }

    #[test]
    fn goes_through_both_formats_and_refuses_unknown_fields() {
        let config = ModelConfig { factors: Some(7), refit: false, ..ModelConfig::of(ModelName::Dmf) };
        assert_eq!(postcard::from_bytes::<ModelConfig>(&postcard::to_stdvec(&config).unwrap()), Ok(config.clone()));
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).unwrap(), config);
        assert_eq!(serde_json::from_str::<ModelConfig>("{\"name\":\"dmf\"}").unwrap(), ModelConfig::of(ModelName::Dmf));
        assert!(serde_json::from_str::<ModelConfig>("{\"factor\":3}").is_err());
    }

    #[test]
    fn what_is_filled_in_trains_to_the_same_bits() {
        let rows = planted(30, 20, 2, 3);
        for name in ModelName::ALL {
            let plain = ModelConfig { epochs: Some(6), ..ModelConfig::of(name) }.own_knobs();
            let filled = plain.filled(&rows);
            assert_ne!(plain, filled, "{name:?} has knobs");
            assert_eq!(filled.filled(&rows), filled);
            let bytes = |config| {
                let mut trainer = trainer(rows.clone(), config, 1, 0).unwrap();
                while trainer.stopped().is_none() {
                    trainer.step().unwrap();
                }
                trainer.finish().to_bytes()
            };
            assert_eq!(bytes(&plain), bytes(&filled), "{name:?}");
        }
    }
}
