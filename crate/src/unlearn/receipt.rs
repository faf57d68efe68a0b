//! The machine-checkable record of a request.
//!
//! A receipt is a JSON document (`receipt.schema.json`). It ends with its own digest, which is the hash of the document
//! without that member, as [`json`](super::json) defines it; so it does not depend on spaces, on the order of members or
//! on how numbers are spelled. Each receipt holds the digest of the one before: a chain.
//!
//! It proves that these weights come from these rows under this configuration. It does not prove which model a service
//! runs, nor the times and names it states.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use thiserror::Error;

use super::evidence::{DataRecord, Forgotten};
use super::json::Value;
use super::places::Places;
use super::{Mode, Taint};
use crate::evaluate::Interval;
use crate::model::StopReason;
use crate::numerics::digest::Digest;

/// The first member of every receipt.
pub const FORMAT: &str = "ultrare receipt";
/// The version written and read here.
pub const VERSION: u32 = 1;

/// A receipt. Its parts are public so that whoever carried the request out can fill them in; [`Receipt::seal`] closes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name and version of the code that wrote it.
    pub code: String,
    /// Its place in the chain, from 1.
    pub number: u32,
    /// Digest of the receipt before; `null` for the first.
    pub previous: Option<Digest>,
    /// The experiment's seed.
    pub seed: u64,
    /// Every setting, as JSON.
    pub config: Value,
    /// How the request was carried out.
    pub protocol: Protocol,
    /// What was forgotten, by salted hashes.
    pub request: Forgotten,
    /// The rows before and after.
    pub data: DataRecord,
    /// Who is in which shard afterwards.
    pub partition: PartitionRecord,
    /// Every shard, in order.
    pub shards: Vec<ShardRecord>,
    /// The combiner's digests; `null` where none was made.
    pub combiner: Change,
    /// Figures: arm, then metric.
    pub metrics: BTreeMap<String, BTreeMap<String, Interval>>,
    /// Wall times by name. Nobody can check them.
    pub seconds: BTreeMap<String, f64>,
    /// Stages that may still depend on what was forgotten.
    pub taints: Vec<Taint>,
    /// Hash of all of the above.
    pub digest: Digest,
}

/// How a request was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Alone, or together with others.
    pub order: Order,
    /// What happened to the partition.
    pub mode: Mode,
    /// Slices per shard; 0 where there are no checkpoints and every touched shard began from initialisation.
    pub slices: u32,
}

/// How several requests are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each by itself, as they arrive.
    #[default]
    OneByOne,
    /// All at once.
    Batch,
}

/// Who is in which shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionRecord {
    /// Its name in the configuration.
    pub method: String,
    /// Before the request.
    pub before: Division,
    /// After it.
    pub after: Division,
}

/// The partition at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Division {
    /// Its digest, as the experiment computes it.
    pub digest: Digest,
    /// The shards of the users (or rows) in the order of their ids, without the ids.
    pub places: Places,
}

/// One shard and its sub-model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardRecord {
    /// Its number.
    pub shard: u32,
    /// Was it trained again?
    pub touched: bool,
    /// Training and validation rows before.
    pub rows_before: u32,
    /// Training and validation rows after.
    pub rows_after: u32,
    /// SHA-256 of its weights, before and after; `null` where it has no rows.
    pub weights: Change,
    /// Epochs trained.
    pub epochs: u32,
    /// Why training stopped.
    pub stop: Option<StopReason>,
}

/// A digest before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Before the request.
    pub before: Option<Digest>,
    /// After it.
    pub after: Option<Digest>,
}

/// Why a text is not a receipt that can be trusted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It ends too early.
    #[error("the receipt is cut off: it ends in line {line}, column {column}. Get the whole file again")]
    Truncated {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
    /// No JSON.
    #[error("this is no receipt: line {line}, column {column} is no JSON ({reason})")]
    Syntax {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// In the parser's words.
        reason: String,
    },
    /// JSON of another kind.
    #[error("this is no receipt: `format` must be \"{FORMAT}\", not {found}")]
    Foreign {
        /// What stands there.
        found: String,
    },
    /// Another version.
    #[error("this is a receipt of version {found}; this code ({}) reads version {VERSION}", code_version())]
    Version {
        /// What stands there.
        found: String,
    },
    /// A member is missing, too much, or not of its kind.
    #[error("this is no valid receipt: {reason} (line {line}, column {column})")]
    Member {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// Which member, and what is wrong.
        reason: String,
    },
    /// Something was changed after it was sealed.
    #[error("the receipt was changed after it was written: its digest says {stated}, its content gives {found}")]
    Changed {
        /// The digest it holds.
        stated: Digest,
        /// The digest of its content.
        found: Digest,
    },
    /// It cannot be written as JSON: a figure is not finite.
    #[error("a receipt cannot be written: {reason}")]
    Unwritable {
        /// Which figure.
        reason: String,
    },
}

impl ReceiptError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ReceiptError::Truncated { .. } => "receipt.truncated",
            ReceiptError::Syntax { .. } => "receipt.syntax",
            ReceiptError::Foreign { .. } => "receipt.foreign",
            ReceiptError::Version { .. } => "receipt.version",
            ReceiptError::Member { .. } => "receipt.member",
            ReceiptError::Changed { .. } => "receipt.changed",
            ReceiptError::Unwritable { .. } => "receipt.unwritable",
        }
    }

    fn of(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line() as u32, error.column() as u32);
        // The place follows in our own words.
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
        match error.classify() {
            Category::Eof => ReceiptError::Truncated { line, column },
            Category::Data => ReceiptError::Member { line, column, reason },
            Category::Syntax | Category::Io => ReceiptError::Syntax { line, column, reason },
        }
    }
}

/// Name and version of this code, as receipts state it.
pub fn code_version() -> String {
    concat!("ultrare ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// A receipt in short, for showing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ReceiptView {
    /// Name and version of the code that wrote it.
    pub code: String,
    /// Its place in the chain, from 1.
    pub number: u32,
    /// The experiment's seed.
    pub seed: u32,
    /// Rows before the request and after it.
    pub rows: (u32, u32),
    /// Users named, by hash.
    pub users: u32,
    /// Items named, by hash.
    pub items: u32,
    /// Single rows named, by hash.
    pub interactions: u32,
    /// What happened to the partition.
    pub mode: Mode,
    /// Slices per shard; 0 where there were no checkpoints.
    pub slices: u32,
    /// Shards that lost rows, and all of them.
    pub shards: (u32, u32),
    /// Its name in the configuration.
    pub partition: String,
    /// Stages that may still depend on what was forgotten.
    pub taints: Vec<Taint>,
    /// Its digest.
    #[cfg_attr(feature = "ts", tsify(type = "string"))]
    pub digest: Digest,
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
            digest: self.digest,
        }
    }

    /// Hash of everything but `digest`.
    pub fn own_digest(&self) -> Digest {
        content_digest(Value::of(self).unwrap_or_default())
    }

    /// Closes a filled-in receipt: sets format, version and digest.
    ///
    /// Errors: [`ReceiptError::Unwritable`] when a figure is not finite, since JSON has no such number.
    pub fn seal(mut self) -> Result<Receipt, ReceiptError> {
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
        self.format = FORMAT.to_owned();
        self.version = VERSION;
        self.digest = self.own_digest();
        Ok(self)
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
        if value.get("version") != Some(&Value::Integer(i128::from(VERSION))) {
            return Err(ReceiptError::Version { found: member("version") });
        }
        let receipt: Receipt = serde_json::from_str(text).map_err(|error| ReceiptError::of(&error))?;
        let found = content_digest(value);
        if found != receipt.digest {
            return Err(ReceiptError::Changed { stated: receipt.digest, found });
        }
        Ok(receipt)
    }
}

/// New lines for the two outer levels of objects, none inside.
#[derive(Default)]
struct Outline {
    depth: usize,
}

impl Outline {
    fn line<W: ?Sized + std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        if self.depth <= 2 {
            writer.write_all(b"\n")?;
            (0..self.depth).try_for_each(|_| writer.write_all(b"  "))?;
        }
        Ok(())
    }
}

impl serde_json::ser::Formatter for Outline {
    fn begin_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.depth -= 1;
        if self.depth < 2 {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if !first {
            writer.write_all(if self.depth <= 2 { b"," } else { b", " })?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_array<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        // What is in a list is never an outer level.
        self.depth += 2;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.depth -= 2;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b",") }
    }
}

fn content_digest(mut value: Value) -> Digest {
    if let Value::Object(members) = &mut value {
        members.remove("digest");
    }
    value.digest("ultrare receipt 1")
}

fn shorten(text: String) -> String {
    if text.chars().count() <= 40 { text } else { text.chars().take(40).chain("...".chars()).collect() }
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
