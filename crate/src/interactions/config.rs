//! How a file is to be read, where the person knows better than the sniffer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What stands between two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// The tabulator.
    Tab,
    /// `|`
    Pipe,
    /// `::`, as in older MovieLens files; knows no quotes.
    DoubleColon,
}

impl Delimiter {
    /// All, in the order in which ties between them are broken.
    pub(super) const ALL: [Delimiter; 5] =
        [Delimiter::DoubleColon, Delimiter::Tab, Delimiter::Comma, Delimiter::Semicolon, Delimiter::Pipe];
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Delimiter::Comma => "comma",
            Delimiter::Semicolon => "semicolon",
            Delimiter::Tab => "tab",
            Delimiter::Pipe => "|",
            Delimiter::DoubleColon => "::",
        })
    }
}

/// What a column is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who.
    User,
    /// What.
    Item,
    /// How much.
    Rating,
    /// When.
    Time,
    /// Whether the user agrees to be an anchor of the partition.
    Consent,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::User => "user",
            Role::Item => "item",
            Role::Rating => "rating",
            Role::Time => "time",
            Role::Consent => "consent",
        })
    }
}

/// Which column plays a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum ColumnChoice {
    /// By its name in the header, or by position where there is none.
    #[default]
    Auto,
    /// No column (rating, time and consent only): every value is 1, every time 0, nobody asked.
    None,
    /// This one, counted from 0.
    Column(u32),
}

/// What to read and what to keep. The default finds out everything and keeps every row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct ReadConfig {
    /// The delimiter, or found out.
    pub delimiter: Option<Delimiter>,
    /// Whether the first line names the columns, or found out.
    pub header: Option<bool>,
    /// The users' column.
    pub user: ColumnChoice,
    /// The items' column.
    pub item: ColumnChoice,
    /// The ratings' column.
    pub rating: ColumnChoice,
    /// The times' column.
    pub time: ColumnChoice,
    /// The column that says who agrees to be an anchor; found out by its name only.
    pub consent: ColumnChoice,
    /// Keep only rows rated at least this. Applied after duplicates: the last rating of a pair decides.
    pub positive: Option<f32>,
    /// Keep only users and items with at least this many rows, repeated until all have them; 0 and 1 keep everything.
    pub k_core: u32,
}

impl ReadConfig {
    /// The choice for a role.
    pub fn choice(&self, role: Role) -> ColumnChoice {
        match role {
            Role::User => self.user,
            Role::Item => self.item,
            Role::Rating => self.rating,
            Role::Time => self.time,
            Role::Consent => self.consent,
        }
    }
}
