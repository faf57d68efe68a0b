//! A choice with the knobs that it has and no others: how the settings of a model, a partition and a combiner are written, read
//! and checked.
//!
//! Written, it is the choice's name beside its knobs: `{"name":"ease","lambda":null}`; null, or nothing, is the default. A knob that
//! belongs to another choice cannot be given: reading refuses it by name and says which there are. In memory, where one struct has
//! room for all of them, what the choice does not have stands at its default, and [`Tagged::refused`] tells where it does not.

use std::fmt::{self, Display};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Knob;

/// Where settings keep a knob's value.
pub(crate) enum Place<'a> {
    Whole(&'a mut u32),
    Real(&'a mut f32),
    /// Left out, it follows from the data.
    AnyWhole(&'a mut Option<u32>),
    /// Left out, it follows from the data.
    AnyReal(&'a mut Option<f32>),
    Flag(&'a mut bool),
    Word(&'a mut dyn Word),
}

/// One of a few words.
pub(crate) trait Word {
    /// As written.
    fn word(&self) -> &'static str;
    /// Becomes this one, if there is such a word.
    fn set(&mut self, word: &str) -> bool;
}

/// A knob's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// The default.
    Unset,
    Whole(u32),
    Real(f32),
    Flag(bool),
    Word(String),
}

impl Value {
    fn number(&self) -> Option<f64> {
        match self {
            Value::Whole(value) => Some(f64::from(*value)),
            Value::Real(value) => Some(f64::from(*value)),
            _ => None,
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unset => f.write_str("null"),
            Value::Whole(value) => value.fmt(f),
            Value::Real(value) => value.fmt(f),
            Value::Flag(value) => value.fmt(f),
            Value::Word(word) => f.write_str(word),
        }
    }
}

/// Why settings are refused. Each room makes its own error of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// A knob that the choice does not have.
    Foreign {
        /// The choice.
        of: &'static str,
        /// The knob.
        name: String,
        /// What it has, in words.
        has: String,
    },
    /// A value out of its range.
    Range { name: &'static str, expected: &'static str, value: String },
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Foreign { of, name, has } => write!(f, "{of} has no knob {name}: it has {has}"),
            Refusal::Range { name, expected, value } => write!(f, "{name} must be {expected}, not {value}"),
        }
    }
}

/// Settings that are a choice and its knobs.
pub(crate) trait Tagged: Default + Clone {
    /// The member that names the choice.
    const TAG: &'static str;
    /// The names of all choices.
    fn names() -> Vec<&'static str>;
    /// The defaults of a choice.
    fn named(name: &str) -> Option<Self>;
    /// The choice's name.
    fn name(&self) -> &'static str;
    /// The choice's knobs.
    fn knobs(&self) -> &'static [Knob];
    /// The names of the knobs of all choices.
    fn all() -> &'static [&'static str];
    /// Shows the place of a knob's value; must have one for every knob of [`Tagged::all`].
    fn place(&mut self, knob: &str, see: &mut dyn FnMut(Place<'_>));

    /// What a knob is set to.
    #[inline(never)]
    fn value(&self, knob: &str) -> Value {
        let mut value = Value::Unset;
        self.clone().place(knob, &mut |place| {
            value = match place {
                Place::Whole(value) => Value::Whole(*value),
                Place::Real(value) => Value::Real(*value),
                Place::AnyWhole(value) => value.map_or(Value::Unset, Value::Whole),
                Place::AnyReal(value) => value.map_or(Value::Unset, Value::Real),
                Place::Flag(value) => Value::Flag(*value),
                Place::Word(word) => Value::Word(word.word().to_owned()),
            };
        });
        value
    }

    /// Sets a knob that the choice has; unset, to its default. Its range is looked at by [`Tagged::refused`].
    #[inline(never)]
    fn put(&mut self, name: &str, value: Value) -> Result<(), Refusal> {
        let Some(knob) = self.knobs().iter().find(|knob| knob.name == name) else {
            return Err(self.foreign(name));
        };
        let value = match value {
            Value::Unset => Self::named(self.name()).unwrap_or_default().value(name),
            value => value,
        };
        let mut fits = true;
        self.place(name, &mut |place| match (place, &value) {
            (Place::Whole(place), Value::Whole(value)) => *place = *value,
            (Place::Real(place), value) if value.number().is_some() => {
                *place = value.number().unwrap_or_default() as f32
            }
            (Place::AnyWhole(place), Value::Whole(value)) => *place = Some(*value),
            (Place::AnyReal(place), value) if value.number().is_some() => {
                *place = value.number().map(|value| value as f32)
            }
            (Place::AnyWhole(place), Value::Unset) => *place = None,
            (Place::AnyReal(place), Value::Unset) => *place = None,
            (Place::Flag(place), Value::Flag(value)) => *place = *value,
            (Place::Word(place), Value::Word(word)) => fits = place.set(word),
            _ => fits = false,
        });
        let range = || Refusal::Range { name: knob.name, expected: knob.range, value: value.to_string() };
        if fits { Ok(()) } else { Err(range()) }
    }

    fn foreign(&self, name: &str) -> Refusal {
        let has: Vec<&str> = self.knobs().iter().map(|knob| knob.name).collect();
        Refusal::Foreign { of: self.name(), name: name.to_owned(), has: in_words(&has, "none") }
    }

    /// The first knob that is set though the choice does not have it, or out of its range.
    fn refused(&self) -> Result<(), Refusal> {
        for knob in self.knobs() {
            let value = self.value(knob.name);
            if value.number().is_some_and(|value| !knob.holds(value)) {
                return Err(Refusal::Range { name: knob.name, expected: knob.range, value: value.to_string() });
            }
        }
        let plain = Self::default();
        let own = |name: &str| self.knobs().iter().any(|knob| knob.name == name);
        match Self::all().iter().find(|name| !own(name) && self.value(name) != plain.value(name)) {
            Some(name) => Err(self.foreign(name)),
            None => Ok(()),
        }
    }

    /// The same with what the choice does not have put back to its default.
    fn own(&self) -> Self {
        let mut own = Self::named(self.name()).unwrap_or_default();
        for knob in self.knobs() {
            own.put(knob.name, self.value(knob.name)).expect("a choice's own knob takes the value that it had");
        }
        own
    }
}

/// `a, b and c`.
fn in_words(names: &[&str], none: &str) -> String {
    match names {
        [] => none.to_owned(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A choice and its knobs on their way out: one type for all, so that it is compiled once for each format.
struct Written {
    tag: &'static str,
    name: &'static str,
    knobs: Vec<(&'static str, Value)>,
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            let text = Text(self);
            let text = serde_json::to_string(&text).map_err(|_| serde::ser::Error::custom("settings have no text"))?;
            return to.serialize_str(&text);
        }
        Text(self).serialize(to)
    }
}

struct Text<'a>(&'a Written);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Written { tag, name, knobs } = self.0;
        let mut map = to.serialize_map(Some(knobs.len() + 1))?;
        map.serialize_entry(tag, name)?;
        for (name, value) in knobs {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Unset => to.serialize_none(),
            Value::Whole(value) => to.serialize_u32(*value),
            Value::Real(value) => to.serialize_f32(*value),
            Value::Flag(value) => to.serialize_bool(*value),
            Value::Word(word) => to.serialize_str(word),
        }
    }
}

#[inline(never)]
fn written<T: Tagged>(settings: &T) -> Written {
    let knobs = settings.knobs().iter().map(|knob| (knob.name, settings.value(knob.name))).collect();
    Written { tag: T::TAG, name: settings.name(), knobs }
}

/// Writes settings: the choice, and each of its knobs. Where what is written cannot be told apart by looking at it, as text.
pub(crate) fn serialize<T: Tagged, S: Serializer>(settings: &T, to: S) -> Result<S::Ok, S::Error> {
    written(settings).serialize(to)
}

/// Reads what [`serialize`] wrote, or a part of it. Refuses knobs that the choice does not have, by name.
pub(crate) fn deserialize<'de, T: Tagged, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let Given(given) = Given::deserialize(from)?;
    read(given).map_err(D::Error::custom)
}

#[inline(never)]
fn read<T: Tagged>(given: Vec<(String, Value)>) -> Result<T, String> {
    let mut settings = match given.iter().find(|(name, _)| name == T::TAG) {
        None => T::default(),
        Some((_, value)) => {
            let found = if let Value::Word(name) = value { T::named(name) } else { None };
            let told = || format!("there is no {} {value}: there are {}", T::TAG, in_words(&T::names(), "none"));
            found.ok_or_else(told)?
        }
    };
    for (at, (name, value)) in given.iter().enumerate() {
        if given[..at].iter().any(|(other, _)| other == name) {
            return Err(format!("{name} is given twice"));
        }
        // Nothing given is nothing given, whoever has such a knob.
        let foreign = || T::all().contains(&name.as_str()) && !settings.knobs().iter().any(|knob| knob.name == name);
        if name != T::TAG && !(*value == Value::Unset && foreign()) {
            settings.put(name, value.clone()).map_err(|refusal| refusal.to_string())?;
        }
    }
    Ok(settings)
}

/// Names with values, in the order of the text.
struct Given(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Given;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a choice with its knobs")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut given = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    given.push(entry);
                }
                Ok(Given(given))
            }
        }
        if !from.is_human_readable() {
            return serde_json::from_str(&String::deserialize(from)?).map_err(D::Error::custom);
        }
        from.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a word, true, false or null")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Flag(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(number(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(number(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(number(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Word(value.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Unset)
            }
            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Unset)
            }
        }
        from.deserialize_any(Any)
    }
}

/// A whole number where it is one that can be held.
fn number(value: f64) -> Value {
    let whole = value as u32;
    if f64::from(whole) == value { Value::Whole(whole) } else { Value::Real(value as f32) }
}
