//! Files in the layouts, encodings and archives that people have, and in those that break readers: made here, each with what
//! has to come of it. The same corpus is written out for other surfaces by the example `corpus`.
#![allow(dead_code, reason = "each target that uses the corpus uses a part of it")]

pub mod archives;
pub mod known;
pub mod layouts;
pub mod refused;

use ultrare::interactions::ReadConfig;

/// A row that the files hold: user, item, rating, time.
pub type Row = (String, String, f32, i64);

/// What has to come of a file.
pub enum Outcome {
    /// These rows, ascending by user and item, and notes with these codes and no others.
    Rows(Vec<Row>, Vec<&'static str>),
    /// A refusal with this code whose sentence holds these parts.
    Refused(&'static str, Vec<&'static str>),
}

/// One file.
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    pub config: ReadConfig,
    pub outcome: Outcome,
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = layouts::cases();
    cases.extend(archives::cases());
    cases.extend(refused::cases());
    cases.extend(known::cases());
    cases
}

/// The rows that every well-formed file holds.
pub fn base() -> Vec<Row> {
    let mut rows = Vec::new();
    for user in 0..12 {
        for item in 0..8 {
            if (user * 7 + item * 3) % 4 != 0 {
                let time = 1_104_537_600 + 86_400 * (user * 10 + item);
                rows.push((
                    (11 + user).to_string(),
                    (201 + item).to_string(),
                    (1 + (user + 2 * item) % 5) as f32,
                    time,
                ));
            }
        }
    }
    rows
}

/// The base without ratings, times or both.
pub fn bare(ratings: bool, times: bool) -> Vec<Row> {
    let value = |value| if ratings { value } else { 1.0 };
    base()
        .into_iter()
        .map(|(user, item, rating, time)| (user, item, value(rating), if times { time } else { 0 }))
        .collect()
}

/// The base as text: a header if any, then what `line` makes of each row.
pub fn text(header: &str, end: &str, line: impl Fn(&Row) -> String) -> String {
    let lines = base().iter().map(|row| line(row) + end).collect::<String>();
    if header.is_empty() { lines } else { format!("{header}{end}{lines}") }
}

/// `user,item,rating,time` with another mark.
pub fn marked(mark: &'static str) -> impl Fn(&Row) -> String {
    move |(user, item, rating, time)| format!("{user}{mark}{item}{mark}{rating}{mark}{time}")
}

pub fn read(name: impl Into<String>, bytes: impl Into<Vec<u8>>, rows: Vec<Row>) -> Case {
    noted(name, bytes, rows, &[])
}

pub fn noted(name: impl Into<String>, bytes: impl Into<Vec<u8>>, rows: Vec<Row>, notes: &[&'static str]) -> Case {
    let outcome = Outcome::Rows(rows, notes.to_vec());
    Case { name: name.into(), bytes: bytes.into(), config: ReadConfig::default(), outcome }
}

pub fn refused(name: &str, bytes: impl Into<Vec<u8>>, code: &'static str, parts: &[&'static str]) -> Case {
    let outcome = Outcome::Refused(code, parts.to_vec());
    Case { name: name.into(), bytes: bytes.into(), config: ReadConfig::default(), outcome }
}

impl Case {
    pub fn with(mut self, config: ReadConfig) -> Self {
        self.config = config;
        self
    }
}
