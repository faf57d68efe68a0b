//! What there is to choose from, as data: models, partitions and combiners with their knobs. A page draws its controls from it,
//! so that no surface repeats a name, a range or what goes with what.

use serde::Serialize;

use crate::combine::{self, CombinerCard};
use crate::knob::Knob;
use crate::model::{self, ModelCard};
use crate::partition::{self, PartitionCard};

/// All that can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Catalogue {
    /// The sub-models.
    pub models: Vec<ModelCard>,
    /// The ways to divide.
    pub partitions: Vec<PartitionCard>,
    /// The combiners.
    pub combiners: Vec<CombinerCard>,
    /// The seed, which belongs to all of them.
    pub seed: Knob,
}

const SEED: Knob = Knob::whole(
    "seed",
    (0, u32::MAX),
    "from 0 to 4294967295",
    "Same data, settings and seed: the same bytes, on any machine.",
)
.titled("Seed")
.defaults_to("0");

/// What there is to choose from.
pub fn catalogue() -> Catalogue {
    let (models, partitions) = (model::catalogue(), partition::catalogue());
    Catalogue { models, partitions, combiners: combine::catalogue(), seed: SEED }
}

/// The settings of a model, a partition and a combiner in TypeScript: one type for each choice, with its knobs and no others.
#[cfg(feature = "ts")]
#[wasm_bindgen::prelude::wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("settings.d.ts");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::combine::CombineConfig;
    use crate::knob::KnobKind;
    use crate::knob::tagged::{Tagged, Value};
    use crate::model::ModelConfig;
    use crate::partition::PartitionConfig;

    /// One line per knob: what it takes, and what it does.
    fn typescript<T: Tagged>(name: &str, about: &str) -> String {
        let mut text = format!("/** {about} */\nexport type {name} =\n");
        for choice in T::names().into_iter().filter(|&choice| choice != "toy") {
            let settings = T::named(choice).unwrap();
            text += &format!("    | {{\n        {}: \"{choice}\";\n", T::TAG);
            for knob in settings.knobs() {
                let takes = match knob.kind {
                    KnobKind::Whole | KnobKind::Real => "number".to_owned(),
                    KnobKind::Flag => "boolean".to_owned(),
                    KnobKind::Choice => {
                        knob.choices.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" | ")
                    }
                };
                let or = if settings.value(knob.name) == Value::Unset { " | null" } else { "" };
                text += &format!("        /** {} {}; default {}. */\n", knob.about, knob.range, knob.default);
                text += &format!("        {}: {takes}{or};\n", knob.name);
            }
            text += "    }\n";
        }
        text.truncate(text.len() - 1);
        text + ";\n\n"
    }

    /// The file is written by this test's other side: what it should hold stands in the failure.
    #[test]
    fn typescript_has_each_choice_with_its_knobs() {
        let text = typescript::<ModelConfig>("ModelConfig", "A model and its knobs; null follows from the data.")
            + &typescript::<PartitionConfig>("PartitionConfig", "A partition and its knobs.")
            + &typescript::<CombineConfig>(
                "CombineConfig",
                "A combiner and its knobs; null follows from the ensemble.",
            );
        assert!(text.trim() == include_str!("settings.d.ts").trim(), "settings.d.ts should be:\n{text}");
    }

    #[test]
    fn every_card_can_be_drawn() {
        let Catalogue { models, partitions, combiners, seed } = catalogue();
        let titles = models.iter().map(|card| card.title).chain(partitions.iter().map(|card| card.title));
        assert!(titles.chain(combiners.iter().map(|card| card.title)).all(|title| !title.is_empty()));
        let knobs = models.iter().map(|card| card.knobs).chain(partitions.iter().map(|card| card.knobs));
        for knob in knobs.chain(combiners.iter().map(|card| card.knobs)).flatten().chain([&seed]) {
            assert!(knob.title != knob.name && !knob.default.is_empty(), "{knob:?}");
            if matches!(knob.kind, KnobKind::Whole | KnobKind::Real) {
                let (from, to) = knob.usual;
                assert!(from < to && knob.holds(from) && knob.holds(to), "{knob:?}");
            }
        }
    }
}
