//! The machine-checkable record of a change.
//!
//! A receipt is a JSON document (`docs/receipt.md`, `docs/receipt.schema.json`). It ends with its own digest, which is the
//! hash of the document without that member and the signature, as [`json`](super::json) defines it; so it does not depend on
//! spaces, on the order of members or on how numbers are spelled. Each receipt holds the digest of the one before: a chain.
//!
//! It proves that these weights come from these rows under these settings. It does not prove which model a service runs; what
//! nobody can check is listed in it as [`stated`](Receipt::stated).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::assignment::Assigned;
use super::change::{Asked, Exchange};
use super::error::ReceiptError;
use super::evidence::DataRecord;
use super::json::Value;
use super::outline::Outline;
use super::salt::Salt;
use super::side::SubModel;
use super::version::{FORMAT, VERSION};
use crate::evaluate::Interval;
use crate::numerics::digest::Digest;
use crate::unlearn::{Mode, Taint};

/// The arm whose figures are measured again by whoever verifies; all others are stated.
pub(crate) const MEASURED: &str = "unlearned";

/// Figures: arm, then metric.
pub type Metrics = BTreeMap<String, BTreeMap<String, Interval>>;

/// A receipt. [`Draft`](super::Draft) makes one; its parts are public to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// `ultrare receipt`.
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name and version of the code that wrote it.
    pub code: String,
    /// Its place in the chain, from 1.
    pub number: u32,
    /// Digest of the receipt before; `null` for the first.
    pub previous: Option<Digest>,
    /// The seed.
    pub seed: u64,
    /// Every setting as resolved, as JSON.
    pub settings: Value,
    /// How the files were read: columns, threshold, filters.
    pub reading: Value,
    /// How the change was carried out.
    pub protocol: Protocol,
    /// What was asked for, by salted hashes.
    pub request: Asked,
    /// What went and what came, by salted hashes.
    pub change: Exchange,
    /// The rows before and after.
    pub data: DataRecord,
    /// Who is in which shard.
    pub partition: PartitionRecord,
    /// Every shard, in order.
    pub shards: Vec<ShardRecord>,
    /// The combiner's digests; `null` where none was made.
    pub combiner: Combiner,
    /// Figures: arm, then metric.
    pub metrics: Metrics,
    /// Wall times by name.
    pub seconds: BTreeMap<String, f64>,
    /// Stages that may still depend on what was forgotten.
    pub taints: Vec<Taint>,
    /// Members that are stated, and that nobody can check.
    pub stated: Vec<String>,
    /// All of the above, bound to the salt: who has not the rows cannot change any of it unnoticed.
    pub bound: Digest,
    /// Hash of all of the above.
    pub digest: Digest,
    /// Over the digest, if somebody signed it.
    #[serde(default)]
    pub signature: Option<Signature>,
}

/// How a change was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Alone, or together with others.
    pub order: Order,
    /// What was asked to happen to the partition.
    pub mode: Mode,
    /// Was the partition made again?
    pub divided_again: bool,
    /// Slices per shard; 0 where there are no checkpoints and every touched shard began from initialisation.
    pub slices: u32,
}

/// How several names are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One name at most.
    #[default]
    OneByOne,
    /// Several at once.
    Batch,
}

/// Who is in which shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionRecord {
    /// Its name in the settings.
    pub method: String,
    /// Before the change.
    pub before: Assigned,
    /// After it.
    pub after: Assigned,
}

/// One shard and its sub-model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardRecord {
    /// Its number.
    pub shard: u32,
    /// Did its rows change? Only then was it trained again.
    pub touched: bool,
    /// Training and validation rows before.
    pub rows_before: u32,
    /// Training and validation rows after.
    pub rows_after: u32,
    /// Its sub-model before; `null` where it had no rows.
    pub before: Option<SubModel>,
    /// Its sub-model after; `null` where it has no rows.
    pub after: Option<SubModel>,
}

/// The combiner's digest before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combiner {
    /// Before the change.
    pub before: Option<Digest>,
    /// After it.
    pub after: Option<Digest>,
}

/// An Ed25519 signature (RFC 8032) over the digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The signer's public key: 64 hexadecimal digits.
    pub key: Digest,
    /// 128 hexadecimal digits.
    pub signature: String,
}

/// A receipt in short, for showing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ReceiptView {
    /// Name and version of the code that wrote it.
    pub code: String,
    /// Its place in the chain, from 1.
    pub number: u32,
    /// The seed.
    pub seed: u32,
    /// Rows before the change and after it.
    pub rows: (u32, u32),
    /// Users asked for, by hash.
    pub users: u32,
    /// Items asked for, by hash.
    pub items: u32,
    /// Single rows asked for, by hash.
    pub interactions: u32,
    /// What was asked to happen to the partition.
    pub mode: Mode,
    /// Slices per shard; 0 where there were no checkpoints.
    pub slices: u32,
    /// Shards whose rows changed, and all of them.
    pub shards: (u32, u32),
    /// Its name in the settings.
    pub partition: String,
    /// Stages that may still depend on what was forgotten.
    pub taints: Vec<Taint>,
    /// Members that nobody can check.
    pub stated: Vec<String>,
    /// Its digest: of the last receipt of a chain, what to keep elsewhere.
    #[cfg_attr(feature = "ts", tsify(type = "string"))]
    pub digest: Digest,
    /// Who signed it: the public key.
    #[cfg_attr(feature = "ts", tsify(type = "string | undefined"))]
    pub signed_by: Option<Digest>,
}

impl Receipt {
    /// What it says, in short.
    pub fn view(&self) -> ReceiptView {
        ReceiptView {
            code: self.code.clone(),
            number: self.number,
            seed: u32::try_from(self.seed).unwrap_or(u32::MAX),
            rows: (self.data.before.rows(), self.data.after.rows()),
            users: self.request.users.len() as u32,
            items: self.request.items.len() as u32,
            interactions: self.request.interactions.len() as u32,
            mode: self.protocol.mode,
            slices: self.protocol.slices,
            shards: (self.shards.iter().filter(|shard| shard.touched).count() as u32, self.shards.len() as u32),
            partition: self.partition.method.clone(),
            taints: self.taints.clone(),
            stated: self.stated.clone(),
            digest: self.digest,
            signed_by: self.signature.as_ref().map(|signature| signature.key),
        }
    }

    /// Hash of everything but `digest` and `signature`.
    pub fn own_digest(&self) -> Digest {
        content_digest(Value::of(self).unwrap_or_default())
    }

    /// What binds it to its salt: everything but `bound`, `digest` and `signature`.
    pub fn own_bound(&self, salt: &Salt) -> Digest {
        let mut value = Value::of(self).unwrap_or_default();
        without(&mut value, &["bound", "digest", "signature"]);
        salt.bind(&value.digest("ultrare bound content 2"))
    }

    /// The members that nobody can check, as its content asks for.
    pub fn what_is_stated(&self) -> Vec<String> {
        let arms = self.metrics.keys().filter(|arm| *arm != MEASURED).map(|arm| format!("metrics.{arm}"));
        let mut stated: Vec<String> = arms.collect();
        stated.extend(["code", "protocol.mode", "reading", "request", "seconds", "settings"].map(str::to_owned));
        tiny_sort::unstable::sort(&mut stated);
        stated
    }

    /// Closes a filled-in receipt with the salt: `stated`, `bound`, `digest`. A signature is taken off.
    ///
    /// Errors: [`ReceiptError::Unwritable`] when a figure is not finite, since JSON has no such number.
    pub fn seal(mut self, salt: &Salt) -> Result<Receipt, ReceiptError> {
        let figures =
            self.metrics.iter().flat_map(|(arm, metrics)| metrics.iter().map(move |(name, m)| (arm, name, m)));
        for (arm, name, metric) in figures {
            if ![metric.mean, metric.low, metric.high].iter().all(|value| value.is_finite()) {
                return Err(ReceiptError::Unwritable { reason: format!("{name} of {arm} is not finite") });
            }
        }
        if let Some((name, seconds)) = self.seconds.iter().find(|(_, seconds)| !seconds.is_finite()) {
            return Err(ReceiptError::Unwritable { reason: format!("the time of `{name}` is {seconds}") });
        }
        self.stated = self.what_is_stated();
        self.bound = self.own_bound(salt);
        Ok(self.reseal())
    }

    /// Sets the digest to that of the content and takes a signature off. All that somebody without the rows can do who
    /// changed something: [`verify`](super::verify) finds it out.
    pub fn reseal(mut self) -> Receipt {
        self.signature = None;
        self.digest = self.own_digest();
        self
    }

    /// The document: members of the two outer levels each on its own line so that people can read it, the rest compact.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let written = self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Outline::default()));
        text.push(b'\n');
        // Writing into memory cannot fail, and every map here has texts for keys.
        written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default()
    }

    /// Reads and checks format, version, every member, and the digest. Whether it is *true* is asked of
    /// [`verify`](super::verify).
    pub fn parse(text: &str) -> Result<Receipt, ReceiptError> {
        let value: Value = serde_json::from_str(text).map_err(|error| ReceiptError::of(&error))?;
        let member = |name| value.get(name).map_or("missing".to_owned(), |value| shorten(value.to_json()));
        if value.get("format") != Some(&Value::Text(FORMAT.to_owned())) {
            return Err(ReceiptError::Foreign { found: member("format") });
        }
        match value.get("version") {
            Some(&Value::Integer(version)) if version == i128::from(VERSION) => {}
            Some(&Value::Integer(1)) => return Err(ReceiptError::Old),
            _ => return Err(ReceiptError::Version { found: member("version") }),
        }
        let receipt: Receipt = serde_json::from_str(text).map_err(|error| ReceiptError::of(&error))?;
        let found = content_digest(value);
        if found != receipt.digest {
            return Err(ReceiptError::Changed { stated: receipt.digest, found });
        }
        Ok(receipt)
    }
}

fn content_digest(mut value: Value) -> Digest {
    without(&mut value, &["digest", "signature"]);
    value.digest("ultrare receipt 2")
}

fn without(value: &mut Value, names: &[&str]) {
    if let Value::Object(members) = value {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
}

fn shorten(text: String) -> String {
    if text.chars().count() <= 40 { text } else { text.chars().take(40).chain("...".chars()).collect() }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
