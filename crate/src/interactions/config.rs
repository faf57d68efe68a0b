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
    /// Blanks and tabs, any number of them together; knows no quotes.
    Spaces,
}

impl Delimiter {
    /// Those that are one mark, in the order in which ties between them are broken.
    pub(super) const MARKS: [Delimiter; 5] =
        [Delimiter::DoubleColon, Delimiter::Tab, Delimiter::Comma, Delimiter::Semicolon, Delimiter::Pipe];

    /// Reads what people type for it: its name, or the mark itself.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "," | "comma" => Delimiter::Comma,
            ";" | "semicolon" => Delimiter::Semicolon,
            "\t" | "\\t" | "tab" => Delimiter::Tab,
            "|" | "pipe" | "bar" => Delimiter::Pipe,
            "::" | "double_colon" => Delimiter::DoubleColon,
            " " | "space" | "spaces" => Delimiter::Spaces,
            _ => return None,
        })
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Delimiter::Comma => "comma",
            Delimiter::Semicolon => "semicolon",
            Delimiter::Tab => "tab",
            Delimiter::Pipe => "|",
            Delimiter::DoubleColon => "::",
            Delimiter::Spaces => "spaces",
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

/// How interactions are laid out in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A row for each interaction.
    #[default]
    Table,
    /// A row for each user: the user, then all its items (LightGCN and others).
    Lists,
    /// A line `item:` before the rows of that item (the Netflix prize).
    Blocks,
    /// A row for each user, a column for each item, ratings in the cells.
    Matrix,
    /// JSON objects, one a line or in a list.
    Json,
}

/// How characters are written as bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub enum Encoding {
    /// What nearly everything is written in.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Two bytes a character, the smaller half first (Excel's "Unicode text").
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// Two bytes a character, the larger half first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// One byte a character, Western European Windows.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// One byte a character, ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
}

impl Encoding {
    /// Reads its name in one of the usual spellings.
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match plain.to_ascii_lowercase().as_str() {
            "utf8" => Encoding::Utf8,
            "utf16" | "utf16le" => Encoding::Utf16Le,
            "utf16be" => Encoding::Utf16Be,
            "windows1252" | "cp1252" => Encoding::Windows1252,
            "latin1" | "iso88591" => Encoding::Latin1,
            _ => return None,
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
            Encoding::Windows1252 => "Windows-1252",
            Encoding::Latin1 => "Latin-1",
        })
    }
}

/// A part of the users, chosen by a keyed hash of their ids: whether a user is in it does not depend on anybody else.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct UserSample {
    /// From 0 to 1.
    pub share: f32,
    /// Another seed chooses others.
    pub seed: u32,
}

/// What to read and what to keep. The default finds out everything and keeps every row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(default, deny_unknown_fields)]
pub struct ReadConfig {
    /// Which file of an archive, by its name inside; or the one that looks most like interactions.
    pub entry: Option<String>,
    /// The encoding, or found out.
    pub encoding: Option<Encoding>,
    /// The layout, or found out.
    pub shape: Option<Shape>,
    /// The delimiter, or found out.
    pub delimiter: Option<Delimiter>,
    /// Whether the first line names the columns, or found out.
    pub header: Option<bool>,
    /// Lines to pass over before anything is read; or found out (`sep=;` is one).
    pub skip_lines: Option<u32>,
    /// Lines that begin so are passed over; empty: none; or found out (`#` and `%` at the top of the file).
    pub comment: Option<String>,
    /// Is a `"` a mark like any other, and no quote around fields?
    pub quotes_as_text: bool,
    /// In dates such as 3/4/2020: does the day stand first? Or found out.
    pub day_first: Option<bool>,
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
    /// Codes in the ratings' column that mean "no rating", such as `-1`: such rows are left out. A matrix whose cells are
    /// mostly 0 has 0 as one unless this says otherwise.
    pub missing: Option<Vec<String>>,
    /// Keep only rows whose rating is one of these words, such as `purchase`; compared without case.
    pub positive_words: Vec<String>,
    /// Keep only rows rated at least this. Applied after duplicates: the last rating of a pair decides.
    pub positive: Option<f32>,
    /// Are ids that differ only in case, spaces, invisible characters, Unicode form or leading zeros one and the same?
    pub merge_ids: bool,
    /// Read only some of the users.
    pub sample: Option<UserSample>,
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
