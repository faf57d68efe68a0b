//! The knobs that sub-models share, with their ranges, and their values in one training.

use crate::knob::tagged::Place;
use crate::knob::{Knob, KnobKind};

/// Length of a vector.
pub(super) const FACTORS: Knob = Knob::whole(
    "factors",
    (1, 512),
    "1 to 512",
    "Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more.",
)
.titled("Factors")
.usually(4.0, 128.0);
/// Cap on epochs.
pub(super) const EPOCHS: Knob =
    Knob::whole("epochs", (1, 10_000), "1 to 10000", "Passes over the rows at most; fewer where training converges.")
        .titled("At most epochs")
        .usually(1.0, 1000.0);
/// Weight of all pairs.
pub(super) const ALPHA: Knob = Knob::real(
    "alpha",
    (0.0, 100.0),
    "0 to 100",
    "How much every unseen item counts as a no. More of it pulls towards what is popular.",
)
.titled("Weight of the unseen (alpha)")
.usually(0.01, 10.0);
/// Strength of the penalty.
pub(super) const LAMBDA: Knob = Knob::real(
    "lambda",
    (0.0, 1e6),
    "0 to 1e6",
    "Holds numbers near zero. More of it forgets single rows and keeps what many share.",
)
.titled("Penalty (lambda)")
.usually(0.00001, 10.0);
/// Growth of the penalty.
pub(super) const NU: Knob = Knob::real(
    "nu",
    (0.0, 1.0),
    "0 to 1",
    "How far the penalty grows with a row's data: 0 not at all, 1 in proportion.",
)
.titled("Growth of the penalty (nu)");
/// Step size.
pub(super) const RATE: Knob = Knob::real(
    "rate",
    (f32::MIN_POSITIVE, 10.0),
    "above 0, to 10",
    "How far one step goes. Small is slow and sure; far too large and the training says that it diverged.",
)
.titled("Learning rate")
.usually(0.0005, 1.0);
/// Looks without improvement.
pub(super) const PATIENCE: Knob = Knob::whole(
    "patience",
    (1, 1000),
    "1 to 1000",
    "How many looks at its own held-out rows may bring nothing better before training stops.",
)
.titled("Patience")
.usually(1.0, 50.0);
/// What counts as improvement.
pub(super) const TOLERANCE: Knob =
    Knob::real("tolerance", (0.0, 1.0), "0 to 1", "Relative improvement that counts as one.")
        .titled("Improvement that counts")
        .usually(0.00001, 0.1);
/// Depth.
pub(super) const LAYERS: Knob =
    Knob::whole("layers", (1, 8), "1 to 8", "Steps that tastes travel along the graph of who liked what.")
        .titled("Layers");
/// Negatives for each row.
pub(super) const NEGATIVES: Knob = Knob::whole(
    "negatives",
    (1, 50),
    "1 to 50",
    "Unseen items drawn for each liked one. More see more of the catalogue, and cost as much more.",
)
.titled("Negatives");
/// Neighbours of an item.
pub(super) const NEIGHBOURS: Knob =
    Knob::whole("neighbours", (1, 100_000), "1 to 100000", "Most similar items kept for each item.")
        .titled("Neighbours")
        .usually(1.0, 1000.0);
/// The second fit.
pub(super) const REFIT: Knob =
    Knob::flag("refit", "Fit again on train plus validation rows for the number of epochs found.")
        .titled("Second fit")
        .defaults_to("true");
/// Checkpoints inside a shard.
pub(super) const SLICES: Knob = Knob::whole(
    "slices",
    (0, 64),
    "0 (none) to 64",
    "Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none.",
)
.titled("Checkpoints")
.usually(0.0, 16.0)
.defaults_to("0");

/// The names of all of them.
pub(super) const ALL: [&str; 13] = [
    FACTORS.name,
    EPOCHS.name,
    ALPHA.name,
    LAMBDA.name,
    NU.name,
    RATE.name,
    PATIENCE.name,
    TOLERANCE.name,
    REFIT.name,
    LAYERS.name,
    NEGATIVES.name,
    NEIGHBOURS.name,
    SLICES.name,
];

/// The values of the knobs in one training; none where the model's default holds. See [`super::ModelConfig`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Knobs {
    pub factors: Option<u32>,
    pub epochs: Option<u32>,
    pub alpha: Option<f32>,
    pub lambda: Option<f32>,
    pub nu: Option<f32>,
    pub rate: Option<f32>,
    pub patience: Option<u32>,
    pub tolerance: Option<f32>,
    pub refit: bool,
    pub layers: Option<u32>,
    pub negatives: Option<u32>,
    pub neighbours: Option<u32>,
    pub slices: u32,
}

impl Knobs {
    /// Where a knob keeps its value; none for a name that is no knob's.
    pub fn place(&mut self, name: &str) -> Option<Place<'_>> {
        Some(match name {
            "factors" => Place::AnyWhole(&mut self.factors),
            "epochs" => Place::AnyWhole(&mut self.epochs),
            "alpha" => Place::AnyReal(&mut self.alpha),
            "lambda" => Place::AnyReal(&mut self.lambda),
            "nu" => Place::AnyReal(&mut self.nu),
            "rate" => Place::AnyReal(&mut self.rate),
            "patience" => Place::AnyWhole(&mut self.patience),
            "tolerance" => Place::AnyReal(&mut self.tolerance),
            "refit" => Place::Flag(&mut self.refit),
            "layers" => Place::AnyWhole(&mut self.layers),
            "negatives" => Place::AnyWhole(&mut self.negatives),
            "neighbours" => Place::AnyWhole(&mut self.neighbours),
            "slices" => Place::Whole(&mut self.slices),
            _ => return None,
        })
    }

    /// Moves a knob that has a value by one step of an axis, within its range; numbers are rounded to two digits, as a person
    /// would type them.
    pub fn step(&mut self, axis: &Axis, step: f32) {
        let knob = axis.knob;
        match (self.place(knob.name), axis.by) {
            (Some(Place::AnyReal(Some(value))), _) => {
                let moved = *value * step;
                let rounded: f32 = format!("{moved:.1e}").parse().expect("a number that was just written");
                *value = rounded.min(knob.high as f32);
            }
            (Some(Place::AnyWhole(Some(value))), By::Times) => {
                *value = ((*value as f32 * step) as u32).clamp(knob.low as u32, knob.high as u32);
            }
            (Some(Place::AnyWhole(Some(value))), By::Plus) => {
                *value = value.saturating_add_signed(step as i32).clamp(knob.low as u32, knob.high as u32);
            }
            _ => debug_assert!(knob.kind != KnobKind::Choice, "an axis moves a number"),
        }
    }
}

/// One knob that a search moves, and how far: its own value in the middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub knob: &'static Knob,
    pub by: By,
    pub steps: &'static [f32],
}

/// How a step moves a knob.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum By {
    Times,
    Plus,
}

impl Axis {
    /// Factors of the knob's value.
    pub const fn times(knob: &'static Knob, steps: &'static [f32]) -> Axis {
        Axis { knob, by: By::Times, steps }
    }

    /// Differences to the knob's value.
    pub const fn plus(knob: &'static Knob, steps: &'static [f32]) -> Axis {
        Axis { knob, by: By::Plus, steps }
    }
}

/// A third, as it is, three times.
pub(super) const THIRDS: &[f32] = &[1.0 / 3.0, 1.0, 3.0];
/// Half, as it is, twice.
pub(super) const HALVES: &[f32] = &[0.5, 1.0, 2.0];
/// A quarter to four times.
pub(super) const WIDE: &[f32] = &[0.25, 0.5, 1.0, 2.0, 4.0];
