//! How files are to be read, where the person knows better: flags to settings.

use std::fs::File;

use clap::Args;
use ultrare::interactions::{
    ColumnChoice, Delimiter, Encoding, Preview, ReadConfig, ReadError, Role, Shape, UserSample, preview_of,
};

/// What the reader would otherwise find out by itself. Holds for each file that is read; what is not given is found out for
/// each file on its own.
#[derive(Args, Clone)]
pub struct Reading {
    /// The column of the users: its name, or its number from 1.
    #[arg(long, value_name = "COLUMN")]
    pub user_column: Option<String>,
    /// The column of the items.
    #[arg(long, value_name = "COLUMN")]
    pub item_column: Option<String>,
    /// The column of the ratings; `none` if what looks like one is none.
    #[arg(long, value_name = "COLUMN")]
    pub rating_column: Option<String>,
    /// The column of the times; or `none`.
    #[arg(long, value_name = "COLUMN")]
    pub time_column: Option<String>,
    /// The column that says which users consent to being anchors (yes or no), if its name does not tell.
    #[arg(long, value_name = "COLUMN")]
    pub consent: Option<String>,
    /// comma, semicolon, tab, pipe, ::, spaces, or the mark itself.
    #[arg(long, value_name = "MARK")]
    pub delimiter: Option<String>,
    /// The first line is a row and no header.
    #[arg(long, conflicts_with = "header")]
    pub no_header: bool,
    /// The first line is a header.
    #[arg(long)]
    pub header: bool,
    /// Lines to pass over before the header or first row.
    #[arg(long, value_name = "LINES")]
    pub skip_lines: Option<u32>,
    /// Lines that begin so are comments; "" if none is.
    #[arg(long, value_name = "PREFIX")]
    pub comment: Option<String>,
    /// utf-8, utf-16le, utf-16be, windows-1252 or latin-1.
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<String>,
    /// table, lists (user item item ...), blocks (item: above its rows), matrix (users x items) or json.
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,
    /// A quote is a mark like any other.
    #[arg(long)]
    pub quotes_as_text: bool,
    /// In dates such as 3/4/2020 the day stands first.
    #[arg(long)]
    pub day_first: bool,
    /// Keep only rows whose rating is at least this; or only those with one of these words: purchase,like.
    #[arg(long, value_name = "RATING|WORDS")]
    pub positive: Option<String>,
    /// Ratings that mean "not rated", such as -1 or 0: those rows are left out. "" if none does.
    #[arg(long, value_name = "CODES", allow_hyphen_values = true)]
    pub missing: Option<String>,
    /// Ids that differ only in case, spaces, invisible characters, Unicode form or leading zeros are one.
    #[arg(long)]
    pub merge_ids: bool,
    /// Read only this share of the users, chosen by a keyed hash.
    #[arg(long, value_name = "P%")]
    pub sample_users: Option<String>,
    /// The file of an archive that is to be read.
    #[arg(long, value_name = "NAME")]
    pub entry: Option<String>,
    /// The file of the test archive that is to be read, where train and test stand in one.
    #[arg(long, value_name = "NAME")]
    pub test_entry: Option<String>,
}

impl Reading {
    /// The settings for a file; `test` for the second of two. Columns given by name are looked for in it.
    pub fn config(&self, file: &File, test: bool) -> Result<ReadConfig, String> {
        let mut config = self.layout()?;
        config.entry = if test { self.test_entry.clone().or(self.entry.clone()) } else { self.entry.clone() };
        config.missing = self.missing.as_ref().map(|codes| words(codes));
        if let Some(positive) = &self.positive {
            match positive.parse::<f32>() {
                Ok(threshold) => config.positive = Some(threshold),
                Err(_) => config.positive_words = words(positive),
            }
        }
        config.sample = self.sample_users.as_deref().map(sample).transpose()?;
        let flags = [
            (Role::User, "--user-column", &self.user_column),
            (Role::Item, "--item-column", &self.item_column),
            (Role::Rating, "--rating-column", &self.rating_column),
            (Role::Time, "--time-column", &self.time_column),
            (Role::Consent, "--consent", &self.consent),
        ];
        if flags.iter().all(|(.., asked)| asked.is_none()) {
            return Ok(config);
        }
        let shown = shown(file, &config).map_err(|error| error.to_string())?;
        for (role, flag, asked) in flags {
            // People of a test file are not asked for consent.
            let Some(asked) = asked.as_ref().filter(|_| !(test && role == Role::Consent)) else { continue };
            let choice = column(&shown, flag, asked)?;
            match role {
                Role::User => config.user = choice,
                Role::Item => config.item = choice,
                Role::Rating => config.rating = choice,
                Role::Time => config.time = choice,
                Role::Consent => config.consent = choice,
            }
        }
        Ok(config)
    }

    fn layout(&self) -> Result<ReadConfig, String> {
        let known = |flag: &str, given: &str, known: &str| format!("{flag} {given} is not known; there are {known}");
        let delimiter = match &self.delimiter {
            None => None,
            Some(mark) => Some(
                Delimiter::parse(mark)
                    .ok_or_else(|| known("--delimiter", mark, "comma, semicolon, tab, pipe, :: and spaces"))?,
            ),
        };
        let encoding = match &self.encoding {
            None => None,
            Some(name) => Some(
                Encoding::parse(name)
                    .ok_or_else(|| known("--encoding", name, "utf-8, utf-16le, utf-16be, windows-1252 and latin-1"))?,
            ),
        };
        let shape = match self.layout.as_deref() {
            None => None,
            Some("table") => Some(Shape::Table),
            Some("lists") => Some(Shape::Lists),
            Some("blocks") => Some(Shape::Blocks),
            Some("matrix") => Some(Shape::Matrix),
            Some("json") => Some(Shape::Json),
            Some(other) => return Err(known("--layout", other, "table, lists, blocks, matrix and json")),
        };
        Ok(ReadConfig {
            delimiter,
            encoding,
            shape,
            header: if self.no_header { Some(false) } else { self.header.then_some(true) },
            skip_lines: self.skip_lines,
            comment: self.comment.clone(),
            quotes_as_text: self.quotes_as_text,
            day_first: self.day_first.then_some(true),
            merge_ids: self.merge_ids,
            ..ReadConfig::default()
        })
    }

    /// Which flags help with a refusal that speaks of choosing.
    pub fn flags(&self, refusal: &str) -> &'static str {
        if refusal.contains("which column") || refusal.contains("right columns") || refusal.contains("column right") {
            " (--user-column, --item-column)"
        } else if refusal.contains("choose the delimiter") {
            " (--delimiter, --skip-lines, --encoding)"
        } else if refusal.contains("read quotes as text") {
            " (--quotes-as-text)"
        } else {
            ""
        }
    }
}

fn shown(file: &File, config: &ReadConfig) -> Result<Preview, ReadError> {
    #[cfg(feature = "parquet")]
    if crate::parquet::is_parquet(file) {
        return crate::parquet::preview(file, config);
    }
    preview_of(file, config)
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn sample(text: &str) -> Result<UserSample, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.parse::<f32>().ok());
    match percent {
        Some(percent) if percent > 0.0 && percent <= 100.0 => Ok(UserSample { share: percent / 100.0, seed: 0 }),
        _ => Err(format!("--sample-users {text}: expected a share of the users, such as 10%")),
    }
}

fn column(shown: &Preview, flag: &str, asked: &str) -> Result<ColumnChoice, String> {
    let names: Vec<&str> = shown.columns.iter().map(|column| column.name.as_str()).collect();
    if let Some(at) = names.iter().position(|name| *name == asked) {
        return Ok(ColumnChoice::Column(at as u32));
    }
    if asked == "none" {
        return Ok(ColumnChoice::None);
    }
    match asked.parse::<usize>() {
        Ok(number) if (1..=names.len()).contains(&number) => Ok(ColumnChoice::Column(number as u32 - 1)),
        _ => Err(format!("there is no column {asked} ({flag}); there are {}", names.join(", "))),
    }
}
