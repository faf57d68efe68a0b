//! JSON values with one hash each, so that a receipt's digest does not depend on who wrote its text.
//!
//! The hash of a value: one byte for its kind, then its content, integers little-endian.
//! null `0`; false `1`; true `2`; an integer `3` and 16 bytes (two's complement); any other number `4` and the 8 bytes of
//! its IEEE 754 double; a text `5`, its length in bytes (8 bytes) and its UTF-8; a list `6`, its length (8 bytes) and its
//! values; an object `7`, the number of its members (8 bytes) and, in the byte order of their names, name (as a text) and
//! value. A number is an integer when its value is one and its magnitude at most 2^53 (or it is written without point
//! and exponent), so `1` and `1.0` are the same number, as they are in JavaScript.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::numerics::digest::Digest;

/// Any JSON value. An object that names a member twice is refused: readers disagree about which one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that is an integer.
    Integer(i128),
    /// Any other number; always finite.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object, by name.
    Object(BTreeMap<String, Value>),
}

/// Doubles are exact integers up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Value {
    /// Of anything that can be written as JSON; `None` for what cannot (a map whose keys are no texts).
    pub fn of(value: &impl Serialize) -> Option<Value> {
        serde_json::from_str(&serde_json::to_string(value).ok()?).ok()
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// The text form, without spaces.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// SHA-256 of `domain` (as a text) and the value, as the head of this file says.
    pub fn digest(&self, domain: &str) -> Digest {
        let mut hasher = Sha256::new();
        Value::feed_text(domain, &mut hasher);
        self.feed(&mut hasher);
        Digest(hasher.finalize().into())
    }

    fn feed_text(text: &str, hasher: &mut Sha256) {
        hasher.update([5]);
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }

    fn feed(&self, hasher: &mut Sha256) {
        match self {
            Value::Null => hasher.update([0]),
            Value::Bool(value) => hasher.update([1 + u8::from(*value)]),
            Value::Integer(value) => {
                hasher.update([3]);
                hasher.update(value.to_le_bytes());
            }
            Value::Float(value) => {
                hasher.update([4]);
                hasher.update(value.to_bits().to_le_bytes());
            }
            Value::Text(text) => Value::feed_text(text, hasher),
            Value::List(values) => {
                hasher.update([6]);
                hasher.update((values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| value.feed(hasher));
            }
            Value::Object(members) => {
                hasher.update([7]);
                hasher.update((members.len() as u64).to_le_bytes());
                for (name, value) in members {
                    Value::feed_text(name, hasher);
                    value.feed(hasher);
                }
            }
        }
    }

    fn number(value: f64) -> Value {
        if value.floor() == value && value.abs() <= EXACT { Value::Integer(value as i128) } else { Value::Float(value) }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            // serde_json knows no i128 without a feature; everything read from it fits one of these.
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.serialize_i64(*value as i64),
            },
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(values) => serializer.collect_seq(values),
            Value::Object(members) => serializer.collect_map(members),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(i128::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(i128::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = object.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(de::Error::custom(format!("`{name}` is given twice")));
            }
            members.insert(name, object.next_value()?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_hash_is_the_one_described() {
        // "d" as the domain, then {"a":[1,0.5,null,true],"b":"x"} byte by byte.
        let mut bytes = vec![5, 1, 0, 0, 0, 0, 0, 0, 0, b'd'];
        bytes.extend([7, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([5, 1, 0, 0, 0, 0, 0, 0, 0, b'a']);
        bytes.extend([6, 4, 0, 0, 0, 0, 0, 0, 0, 3]);
        bytes.extend(1i128.to_le_bytes());
        bytes.push(4);
        bytes.extend(0.5f64.to_bits().to_le_bytes());
        bytes.extend([0, 2]);
        bytes.extend([5, 1, 0, 0, 0, 0, 0, 0, 0, b'b', 5, 1, 0, 0, 0, 0, 0, 0, 0, b'x']);
        assert_eq!(parse(r#"{"b": "x", "a": [1, 0.5, null, true]}"#).digest("d"), Digest::of(&bytes));
    }

    #[test]
    fn spelling_does_not_matter_and_values_do() {
        let digest = |text: &str| parse(text).digest("d");
        assert_eq!(digest(r#"{"a":1,"b":2.50}"#), digest("{ \"b\" : 25e-1 ,\n \"a\" : 1.0 }"));
        assert_eq!(digest("-0.0"), digest("0"));
        for (one, other) in
            [("1", "\"1\""), ("[]", "{}"), ("null", "false"), ("[[1],2]", "[1,[2]]"), ("0.1", "0.10000000000000002")]
        {
            assert_ne!(digest(one), digest(other), "{one} {other}");
        }
    }

    #[test]
    fn a_member_given_twice_is_refused() {
        let error = serde_json::from_str::<Value>(r#"{"a":{"b":1,"b":1}}"#).unwrap_err().to_string();
        assert!(error.contains("`b` is given twice"), "{error}");
    }

    proptest! {
        #[test]
        fn every_double_survives_its_text(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(parse(&text), Value::number(value));
            prop_assert_eq!(parse(&parse(&text).to_json()).digest("d"), parse(&text).digest("d"));
        }

        #[test]
        fn every_integer_survives_its_text(value in any::<u64>(), negative in any::<i64>()) {
            prop_assert_eq!(parse(&value.to_string()), Value::Integer(i128::from(value)));
            prop_assert_eq!(parse(&parse(&negative.to_string()).to_json()), Value::Integer(i128::from(negative)));
        }
    }
}
