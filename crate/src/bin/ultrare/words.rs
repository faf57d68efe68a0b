//! Words and numbers of the command line, read as the library names them.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// One of an enum's names; serde knows them all and lists them in its refusal.
pub fn word<T: DeserializeOwned + Serialize>(option: &str, text: &str) -> Result<T, String> {
    let quoted = serde_json::Value::String(text.to_owned());
    serde_json::from_value(quoted).map_err(|error| format!("{option}: {error}"))
}

/// A share in percent, with or without its sign.
pub fn percent(option: &str, text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let value = number.parse::<f64>().map_err(|_| format!("{option} takes a percentage such as 5%, not \"{text}\""))?;
    if (0.0..=100.0).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{option} takes a percentage from 0 to 100, not \"{text}\""))
    }
}
