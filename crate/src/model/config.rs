//! Which model, with which knobs; and what is refused.

use serde::{Deserialize, Serialize};

use super::ModelError;

/// The sub-models. See the module of each for its objective and source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    /// Weighted matrix factorisation by alternating least squares.
    #[default]
    Wmf,
    /// Matrix factorisation under Bayesian personalised ranking.
    Bpr,
    /// Rating prediction by matrix factorisation.
    Mf,
    /// LightGCN.
    Lightgcn,
    /// Generalised matrix factorisation.
    Gmf,
    /// Neural matrix factorisation.
    Neumf,
    /// Deep matrix factorisation: two towers.
    Dmf,
    /// A linear item-item model in closed form.
    Ease,
    /// Cosine neighbours of items.
    Itemknn,
}

impl ModelName {
    /// All of them.
    pub const ALL: [ModelName; 9] = [
        ModelName::Wmf,
        ModelName::Bpr,
        ModelName::Mf,
        ModelName::Lightgcn,
        ModelName::Gmf,
        ModelName::Neumf,
        ModelName::Dmf,
        ModelName::Ease,
        ModelName::Itemknn,
    ];

    /// Can it be trained in legs, with checkpoints between them?
    pub fn takes_slices(self) -> bool {
        use ModelName::{Bpr, Gmf, Lightgcn, Mf, Wmf};
        matches!(self, Wmf | Bpr | Mf | Lightgcn | Gmf)
    }

    /// Is it a function of counts, so that forgetting subtracts and needs no shards?
    pub fn is_additive(self) -> bool {
        matches!(self, ModelName::Ease | ModelName::Itemknn)
    }

    /// As written in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            ModelName::Wmf => "wmf",
            ModelName::Bpr => "bpr",
            ModelName::Mf => "mf",
            ModelName::Lightgcn => "lightgcn",
            ModelName::Gmf => "gmf",
            ModelName::Neumf => "neumf",
            ModelName::Dmf => "dmf",
            ModelName::Ease => "ease",
            ModelName::Itemknn => "itemknn",
        }
    }
}

/// A model and its knobs. What is left out gets the model's default, which may depend on the size of the shard; the
/// module of each model says how it was chosen. A knob that the model does not have is ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
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

    /// Refuses what is out of range, whichever model it is for: each knob's range stands in its description.
    pub fn check(&self) -> Result<(), ModelError> {
        whole("factors", "1 to 512", self.factors, 1, 512)?;
        whole("epochs", "1 to 10000", self.epochs, 1, 10_000)?;
        real("alpha", "0 to 100", self.alpha, 0.0, 100.0)?;
        real("lambda", "0 to 1e6", self.lambda, 0.0, 1e6)?;
        real("nu", "0 to 1", self.nu, 0.0, 1.0)?;
        real("rate", "above 0, to 10", self.rate, f32::MIN_POSITIVE, 10.0)?;
        whole("patience", "1 to 1000", self.patience, 1, 1000)?;
        real("tolerance", "0 to 1", self.tolerance, 0.0, 1.0)?;
        whole("layers", "1 to 8", self.layers, 1, 8)?;
        whole("negatives", "1 to 50", self.negatives, 1, 50)?;
        whole("neighbours", "1 to 100000", self.neighbours, 1, 100_000)?;
        whole("slices", "0 (none) to 64", Some(self.slices), 0, 64)?;
        if self.slices > 1 && !self.name.takes_slices() {
            let expected = if self.name.is_additive() {
                "0 for ease and itemknn: their counts are subtracted, which no checkpoint makes quicker"
            } else {
                "0 for neumf and dmf: their layers take all items and users as inputs, so no state goes on to a longer list"
            };
            return Err(ModelError::Parameter { name: "slices", expected, value: self.slices.to_string() });
        }
        Ok(())
    }
}

fn whole(
    name: &'static str,
    expected: &'static str,
    value: Option<u32>,
    low: u32,
    high: u32,
) -> Result<(), ModelError> {
    match value {
        Some(value) if !(low..=high).contains(&value) => {
            Err(ModelError::Parameter { name, expected, value: value.to_string() })
        }
        _ => Ok(()),
    }
}

fn real(name: &'static str, expected: &'static str, value: Option<f32>, low: f32, high: f32) -> Result<(), ModelError> {
    match value {
        // NaN is in no range.
        Some(value) if !(low..=high).contains(&value) => {
            Err(ModelError::Parameter { name, expected, value: value.to_string() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("rate", |c| c.rate = Some(0.0)),
            ("patience", |c| c.patience = Some(0)),
            ("tolerance", |c| c.tolerance = Some(f32::INFINITY)),
            ("layers", |c| c.layers = Some(9)),
            ("negatives", |c| c.negatives = Some(0)),
            ("neighbours", |c| c.neighbours = Some(0)),
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
}
