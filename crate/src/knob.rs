//! A setting as data: its name, range and default, from which checks, help and a page's controls are made.

pub(crate) mod tagged;

use serde::Serialize;

/// What kind of value a knob takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum KnobKind {
    /// A whole number.
    Whole,
    /// A number.
    Real,
    /// Yes or no.
    Flag,
    /// One of a few words.
    Choice,
}

/// One knob of a model, a partition or a combiner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Knob {
    /// As written in configurations.
    pub name: &'static str,
    /// As a person reads it.
    pub title: &'static str,
    /// What it takes.
    pub kind: KnobKind,
    /// The least value of a number.
    pub low: f64,
    /// The greatest value of a number.
    pub high: f64,
    /// Where values usually lie, within the range: what a slider goes over.
    pub usual: (f64, f64),
    /// The range in words, as a refusal says it.
    pub range: &'static str,
    /// The words of a choice.
    pub choices: &'static [&'static str],
    /// Its default in words: a number, or where the number comes from.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
}

impl Knob {
    /// A whole number from `low` to `high`.
    pub const fn whole(name: &'static str, (low, high): (u32, u32), range: &'static str, about: &'static str) -> Knob {
        let (low, high) = (low as f64, high as f64);
        Knob { low, high, usual: (low, high), range, ..Knob::plain(name, KnobKind::Whole, about) }
    }

    /// A number from `low` to `high`.
    pub const fn real(name: &'static str, (low, high): (f32, f32), range: &'static str, about: &'static str) -> Knob {
        let (low, high) = (low as f64, high as f64);
        Knob { low, high, usual: (low, high), range, ..Knob::plain(name, KnobKind::Real, about) }
    }

    /// Yes or no.
    pub const fn flag(name: &'static str, about: &'static str) -> Knob {
        Knob { range: "true or false", ..Knob::plain(name, KnobKind::Flag, about) }
    }

    /// One of a few words.
    pub const fn choice(
        name: &'static str,
        choices: &'static [&'static str],
        range: &'static str,
        about: &'static str,
    ) -> Knob {
        Knob { choices, range, ..Knob::plain(name, KnobKind::Choice, about) }
    }

    const fn plain(name: &'static str, kind: KnobKind, about: &'static str) -> Knob {
        let (low, high, usual) = (0.0, 0.0, (0.0, 0.0));
        Knob { name, title: name, kind, low, high, usual, range: "", choices: &[], default: "", about }
    }

    /// The same with this default, in words.
    pub const fn defaults_to(self, default: &'static str) -> Knob {
        Knob { default, ..self }
    }

    /// The same with this title.
    pub const fn titled(self, title: &'static str) -> Knob {
        Knob { title, ..self }
    }

    /// The same with values that usually lie here.
    pub const fn usually(self, low: f64, high: f64) -> Knob {
        Knob { usual: (low, high), ..self }
    }

    /// The same with another sentence on what it does.
    pub const fn explained(self, about: &'static str) -> Knob {
        Knob { about, ..self }
    }

    /// Is the number in the range? NaN is in none.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// One line of help: `rate: above 0, to 10; default 0.01. Learning rate.`
    pub fn help(&self) -> String {
        format!("{}: {}; default {}. {}", self.name, self.range, self.default, self.about)
    }
}
