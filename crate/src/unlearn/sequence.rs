//! Changes one after another: a script, and what it costs against one full retrain.

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::receipt::Order;
use super::{AddedRow, Change, Request};

/// Changes in the order in which they arrive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Sequence {
    /// One after another.
    pub changes: Vec<Change>,
}

/// Why a script was not understood. Nothing of it is carried out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptError {
    /// No request in it.
    #[error("the script holds no request: write one a line, such as `user,17`, `interaction,17,50` or `add,99,50`")]
    Empty,
    /// A story without anybody.
    #[error("there are too few people in these rows for this story: read more rows, or write the requests yourself")]
    Nobody,
    /// A rating that is no number.
    #[error("line {line}: the rating is no number: `{value}`")]
    Value {
        /// From 1.
        line: u64,
        /// As given.
        value: String,
    },
    /// A first word that is none of the four.
    #[error("line {line}: expected `user`, `item`, `interaction` or `add` first, not `{value}`")]
    Kind {
        /// From 1.
        line: u64,
        /// As given.
        value: String,
    },
    /// Too few or too many columns.
    #[error("line {line}: `{kind}` takes {expected}, but {found} values follow")]
    Columns {
        /// From 1.
        line: u64,
        /// The first word.
        kind: String,
        /// Such as `one id`.
        expected: &'static str,
        /// How many there are.
        found: u32,
    },
    /// An id without a character.
    #[error("line {line}: the id in column {column} is empty")]
    NoId {
        /// From 1.
        line: u64,
        /// From 1.
        column: u32,
    },
    /// A `+` with nothing before it.
    #[error("line {line}: `+` adds to the request above, but this is the first")]
    Join {
        /// From 1.
        line: u64,
    },
}

impl ScriptError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            ScriptError::Empty => "script.empty",
            ScriptError::Nobody => "script.nobody",
            ScriptError::Value { .. } => "script.value",
            ScriptError::Kind { .. } => "script.kind",
            ScriptError::Columns { .. } => "script.columns",
            ScriptError::NoId { .. } => "script.no_id",
            ScriptError::Join { .. } => "script.join",
        }
    }
}

impl Sequence {
    /// Each user by itself.
    pub fn one_by_one<S: Into<String>>(users: impl IntoIterator<Item = S>) -> Self {
        Sequence { changes: users.into_iter().map(|user| Change::forget_users([user])).collect() }
    }

    /// Reads a script: comma separated, a request a line, quotes where an id holds a comma, `#` for remarks.
    ///
    /// ```text
    /// # kind,id
    /// user,17
    /// + item,50                 the line above and this one are one request
    /// interaction,17,1042
    /// add,99,1042               a row that comes; a rating may follow
    /// ```
    ///
    /// Errors: [`ScriptError`], with the line. A script is understood as a whole or not at all.
    pub fn parse(script: &str) -> Result<Sequence, ScriptError> {
        let mut changes: Vec<Change> = Vec::new();
        for (line, fields) in records(script) {
            let (first, ids) = match fields.split_first() {
                Some((first, ids)) => (first.trim(), ids),
                None => continue,
            };
            let (joins, kind) = match first.strip_prefix('+') {
                Some(kind) => (true, kind.trim()),
                None => (false, first),
            };
            let (mut request, mut add) = (Request::default(), Vec::new());
            let id = |at: usize| match ids[at].trim() {
                "" => Err(ScriptError::NoId { line, column: at as u32 + 2 }),
                id => Ok(id.to_owned()),
            };
            match (kind, ids.len()) {
                ("user", 1) => request.users.push(id(0)?),
                ("item", 1) => request.items.push(id(0)?),
                ("interaction", 2) => request.interactions.push((id(0)?, id(1)?)),
                ("add", 2) => add.push(AddedRow { user: id(0)?, item: id(1)?, value: 1.0, time: 0 }),
                ("add", 3) => {
                    let value = id(2)?.parse().ok().filter(|value: &f32| value.is_finite());
                    let value = value.ok_or(ScriptError::Value { line, value: ids[2].clone() })?;
                    add.push(AddedRow { user: id(0)?, item: id(1)?, value, time: 0 });
                }
                ("user" | "item" | "interaction" | "add", found) => {
                    let expected = match kind {
                        "interaction" => "a user and an item",
                        "add" => "a user, an item and, if it has one, a rating",
                        _ => "one id",
                    };
                    return Err(ScriptError::Columns { line, kind: kind.to_owned(), expected, found: found as u32 });
                }
                _ => return Err(ScriptError::Kind { line, value: kind.to_owned() }),
            }
            let change = Change { forget: request, add };
            if joins {
                let last = changes.last_mut().ok_or(ScriptError::Join { line })?;
                *last = last.merge(&change);
            } else {
                changes.push(change);
            }
        }
        if changes.is_empty() { Err(ScriptError::Empty) } else { Ok(Sequence { changes }) }
    }

    /// As it is carried out: one by one, or everything at once.
    pub fn ordered(&self, order: Order) -> Sequence {
        match order {
            Order::OneByOne => self.clone(),
            Order::Batch => Sequence {
                changes: self.changes.iter().cloned().reduce(|all, next| all.merge(&next)).into_iter().collect(),
            },
        }
    }
}

/// Records of comma separated text with their line numbers; remarks and empty lines left out.
fn records(script: &str) -> Vec<(u64, Vec<String>)> {
    let mut reader = ReaderBuilder::new().comment(Some(b'#')).build();
    let (mut input, mut records) = (script.as_bytes(), Vec::new());
    // Unquoting only shortens, and a field needs at least one byte, so neither buffer can be too small.
    let mut output = vec![0; script.len() + 1];
    let mut ends = vec![0; script.len() + 2];
    loop {
        let (result, read, written, fields) = reader.read_record(input, &mut output, &mut ends);
        let consumed = &input[..read];
        input = &input[read..];
        match result {
            // The end of the input is told by handing in nothing.
            ReadRecordResult::InputEmpty if !consumed.is_empty() => {
                let (rest, _, more, more_fields) = reader.read_record(&[], &mut output[written..], &mut ends[fields..]);
                if rest == ReadRecordResult::Record {
                    records
                        .push((lines(script, input), split(&output[..written + more], &ends[..fields + more_fields])));
                }
                return records;
            }
            ReadRecordResult::Record => {
                records.push((lines(script, input), split(&output[..written], &ends[..fields])));
            }
            _ => return records,
        }
    }
}

/// The line on which the text before `rest` ends.
fn lines(script: &str, rest: &[u8]) -> u64 {
    let done = script.as_bytes()[..script.len() - rest.len()].strip_suffix(b"\n");
    let done = done.unwrap_or(&script.as_bytes()[..script.len() - rest.len()]);
    1 + done.iter().filter(|&&byte| byte == b'\n').count() as u64
}

fn split(bytes: &[u8], ends: &[usize]) -> Vec<String> {
    let mut begin = 0;
    let field = |&end: &usize| {
        let text = String::from_utf8_lossy(&bytes[begin..end]).into_owned();
        begin = end;
        text
    };
    ends.iter().map(field).collect()
}

/// What a sequence has cost so far, against full retrains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Ledger {
    /// One line per request.
    pub steps: Vec<StepCost>,
    /// From how many requests on (counted from 1) one full retrain at the end would have cost less than all of them
    /// together; `None` while it would not.
    pub one_retrain_is_cheaper_from: Option<u32>,
}

/// What one request cost. Work is counted in rows trained on (each shard's remaining rows once), which no clock blurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct StepCost {
    /// Rows forgotten.
    pub rows: u32,
    /// Shards trained again.
    pub shards: u32,
    /// Rows trained on again.
    pub rows_trained: u64,
    /// Rows that one full retrain would have had after this request.
    pub rows_full: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Seconds of one full retrain, where measured.
    pub full_seconds: Option<f64>,
    /// Rows trained on by this request and all before it.
    pub rows_trained_in_all: u64,
    /// Seconds of this request and all before it.
    pub seconds_in_all: f64,
}

impl Ledger {
    /// Books a request. The cumulative fields of `cost` are filled in here.
    pub fn book(&mut self, cost: StepCost) -> &StepCost {
        let before = self.steps.last().copied().unwrap_or_default();
        let step = StepCost {
            rows_trained_in_all: before.rows_trained_in_all + cost.rows_trained,
            seconds_in_all: before.seconds_in_all + cost.seconds,
            ..cost
        };
        // Seconds decide where both were measured, else rows do.
        let cheaper = match step.full_seconds {
            Some(full) => full < step.seconds_in_all,
            None => step.rows_full < step.rows_trained_in_all,
        };
        self.steps.push(step);
        if cheaper && self.one_retrain_is_cheaper_from.is_none() {
            self.one_retrain_is_cheaper_from = Some(self.steps.len() as u32);
        }
        let last = self.steps.len() - 1;
        &self.steps[last]
    }

    /// How many times cheaper than retraining fully at every request, in rows; `None` before anything was trained.
    pub fn rows_saved_against_each(&self) -> Option<f64> {
        let full: u64 = self.steps.iter().map(|step| step.rows_full).sum();
        let trained = self.steps.last()?.rows_trained_in_all;
        (trained > 0).then(|| full as f64 / trained as f64)
    }
}

/// How many of `shards` equal shards a batch of `users` drawn evenly touches on average: K (1 - (1 - 1/K)^n), as each
/// shard is missed by all n with probability (1 - 1/K)^n.
pub fn expected_touched(shards: u32, users: u32) -> f64 {
    let shards = f64::from(shards.max(1));
    shards * (1.0 - crate::numerics::math::pow(1.0 - 1.0 / shards, f64::from(users)))
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
