//! What can be said of every sub-model without training one: for help, and for a page that draws its controls.

use serde::Serialize;

use super::ModelName;

use crate::knob::Knob;

/// One sub-model: what it is, what it can do, and its knobs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ModelCard {
    /// Its name in configurations.
    pub name: ModelName,
    /// As a person reads it.
    pub title: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Is it a function of counts, so that forgetting subtracts and needs no shards?
    pub additive: bool,
    /// Can it be trained slice by slice, with checkpoints?
    pub takes_slices: bool,
    /// Has it one vector per item? `joint`, `consensus` and `attention` need that.
    pub item_vectors: bool,
    /// Does it stop on the shard's validation rows?
    pub stops_on_validation: bool,
    /// The knobs it has; others are refused.
    pub knobs: &'static [Knob],
}

/// All sub-models, in the order of [`ModelName::ALL`].
pub fn catalogue() -> Vec<ModelCard> {
    let card = |name: ModelName| {
        let entry = name.entry();
        ModelCard {
            name,
            title: entry.title,
            about: entry.about,
            additive: entry.additive,
            takes_slices: entry.slices.is_ok(),
            item_vectors: entry.item_vectors,
            stops_on_validation: entry.stops_on_validation,
            knobs: entry.knobs,
        }
    };
    ModelName::ALL.into_iter().map(card).collect()
}

impl ModelName {
    /// A line of help for each knob of the model.
    pub fn help(self) -> String {
        self.entry().knobs.iter().map(|knob| format!("  {}\n", knob.help())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::rows::tests::planted;
    use crate::model::tests::train;
    use crate::model::{ModelConfig, Start, trainer_from};

    #[test]
    fn names_and_numbers_are_the_ones_in_configurations_and_weights() {
        for (index, name) in ModelName::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(name.entry().code), index, "{name:?}");
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{}\"", name.as_str()));
        }
        let names: BTreeSet<&str> = ModelName::ALL.into_iter().map(ModelName::as_str).collect();
        assert_eq!(names.len(), ModelName::ALL.len());
    }

    /// What a card says is what a training does: item vectors, slices, looks at validation rows, defaults.
    #[test]
    fn every_card_is_true() {
        let rows = planted(40, 30, 2, 3);
        for card in catalogue() {
            let config = ModelConfig { epochs: Some(4), ..ModelConfig::of(card.name) }.own_knobs();
            let model = train(rows.clone(), &config, 1);
            assert_eq!(model.item_vectors().is_some(), card.item_vectors, "{:?}", card.name);
            let mut changed = rows.clone();
            changed.validation.iter_mut().for_each(|held_out| *held_out = !*held_out);
            let config = ModelConfig { refit: false, ..config }.own_knobs();
            let differs = train(rows.clone(), &config, 1).to_bytes() != train(changed, &config, 1).to_bytes();
            assert_eq!(differs, card.stops_on_validation, "{:?}", card.name);
            let slice_of_user = (0..40).map(|user| user % 2).collect();
            let sliced = super::super::Sliced { count: 2, slice_of_user, resume: None };
            let begun = trainer_from(rows.clone(), &config, 1, 0, Start::Sliced(sliced));
            assert_eq!(begun.is_ok(), card.takes_slices, "{:?}", card.name);
        }
    }

    /// A knob's default in words is the value that is filled in, wherever it is a number; and every knob that is filled in is
    /// on the card.
    #[test]
    fn defaults_are_told_as_they_are() {
        // Large enough that no default is cut to the size of the shard.
        let rows = planted(90, 80, 2, 3);
        for card in catalogue() {
            let filled = ModelConfig::of(card.name).filled(&rows);
            for knob in card.knobs {
                let text = filled.text(knob.name);
                if let (Ok(told), Some(text)) = (knob.default.parse::<f32>(), &text) {
                    assert_eq!(Ok(told), text.parse(), "{:?} {}", card.name, knob.name);
                }
                assert!(!knob.default.is_empty() && !knob.about.is_empty(), "{:?} {}", card.name, knob.name);
            }
            assert_eq!(filled.check(), Ok(()), "what is filled in is on the card");
            assert!(card.name.help().contains(card.knobs[0].name));
        }
    }

    #[test]
    fn travels_as_json() {
        let json = serde_json::to_value(catalogue()).unwrap();
        assert_eq!(json[0]["name"], "wmf");
        assert_eq!(json[0]["knobs"][0]["name"], "factors");
        assert_eq!((&json[0]["knobs"][0]["kind"], &json[0]["knobs"][0]["high"]), (&"whole".into(), &512.0.into()));
    }
}
