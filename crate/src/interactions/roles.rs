//! Which column is what: by its name, by what stands in it, or not for certain - and then the person is asked.

use serde::{Deserialize, Serialize};

use super::dates::{day_place, is_ambiguous};
use super::names::{hints, is, is_event, normalise, recognised, weak};
use super::stats::Stats;
use super::values::parse_rating;
use super::{ColumnChoice, ReadConfig, ReadError, Role};

pub(super) const ROLES: [Role; 5] = [Role::User, Role::Item, Role::Rating, Role::Time, Role::Consent];
/// Rows below which contents prove nothing.
const ENOUGH: usize = 20;

/// The columns of user, item, rating, time and consent; how sure, and why.
pub(super) type Columns = [Option<(usize, Confidence, String)>; 5];

/// How sure it is that a column plays its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The person said so.
    Chosen,
    /// Its name says so.
    Sure,
    /// What stands in it, or its place, says so.
    Likely,
    /// It could be; a person must say.
    Guess,
}

/// One column as understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Column {
    /// Its name in the header, or `column 1` and so on.
    pub name: String,
    /// What it is used as; `None` where it is not used.
    pub role: Option<Role>,
    /// How sure that is; `None` where it is not used.
    pub confidence: Option<Confidence>,
    /// Why, in words.
    pub reason: String,
}

/// Something a person should know, or be asked, before or after a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Note {
    /// A stable name.
    pub code: String,
    /// The sentence.
    pub message: String,
}

impl Note {
    pub(crate) fn new(code: &str, message: String) -> Self {
        Note { code: code.to_owned(), message }
    }
}

/// What the columns are, and what a person should be asked.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Of user, item, rating, time and consent.
    pub(super) columns: Columns,
    pub(super) notes: Vec<Note>,
    /// The ratings are words.
    pub(super) words: bool,
    pub(super) day_first: bool,
    /// Codes that mean "no rating", where they go without saying.
    pub(super) missing: Vec<String>,
}

impl Found {
    pub(super) fn place(&self, role: Role) -> Option<usize> {
        self.columns[role as usize].as_ref().map(|(at, ..)| *at)
    }

    /// The column of a role that need not be asked for.
    pub(super) fn certain(&self, role: Role) -> Option<usize> {
        self.columns[role as usize]
            .as_ref()
            .filter(|(_, confidence, _)| *confidence != Confidence::Guess)
            .map(|(at, ..)| *at)
    }
}

/// Finds the roles of `names`; `named` where these come from the file and not from their places.
///
/// Errors: a column was chosen that is not there, or twice.
pub(super) fn find(
    names: &[String],
    named: bool,
    rows: &[Vec<String>],
    config: &ReadConfig,
) -> Result<Found, ReadError> {
    let mut columns = chosen(names.len(), config)?;
    let stats: Vec<Stats> = (0..names.len()).map(|at| Stats::of(rows, at)).collect();
    let mut notes = Vec::new();
    let plain: Vec<String> = names.iter().map(|name| normalise(name)).collect();
    let free = |columns: &Columns, at: usize| columns.iter().flatten().all(|(taken, ..)| *taken != at);
    let open =
        |columns: &Columns, role: Role| config.choice(role) == ColumnChoice::Auto && columns[role as usize].is_none();
    if named {
        for role in ROLES {
            let find = |known: &str| (0..names.len()).find(|&at| plain[at] == known && free(&columns, at));
            let strong = recognised(role).find_map(find).filter(|_| open(&columns, role));
            let fits = |&at: &usize| match role {
                Role::Rating => stats[at].most(stats[at].numbers) && !stats[at].is_time(),
                _ => stats[at].most(stats[at].dates + stats[at].numbers),
            };
            let found = strong.or_else(|| weak(role).filter_map(find).find(fits).filter(|_| open(&columns, role)));
            if let Some(at) = found {
                columns[role as usize] = Some((at, Confidence::Sure, "by its name".to_owned()));
            }
        }
        if open(&columns, Role::Rating) {
            let event = (0..names.len()).find(|&at| is_event(&names[at]) && free(&columns, at));
            columns[Role::Rating as usize] = event.map(|at| (at, Confidence::Sure, "by its name".to_owned()));
        }
    }
    // Times are told by what they are, wherever they stand.
    if open(&columns, Role::Time) {
        let time = (0..names.len()).find(|&at| free(&columns, at) && stats[at].is_time() && (named || at >= 1));
        let reason = || "dates, or seconds since 1970, stand in it".to_owned();
        columns[Role::Time as usize] = time.map(|at| (at, Confidence::Likely, reason()));
    }
    if named {
        by_content(names, &stats, rows.len(), config, &mut columns, &mut notes);
    } else {
        by_place(&stats, rows.len(), config, &mut columns, &mut notes);
    }
    let mut found = Found { columns, notes, words: false, day_first: true, missing: Vec::new() };
    found.words = words(names, &stats, &found, config);
    found.day_first = order_of_dates(rows, &mut found, config);
    ask(names, &stats, rows, config, &mut found);
    Ok(found)
}

/// The person's choices.
fn chosen(width: usize, config: &ReadConfig) -> Result<Columns, ReadError> {
    let mut columns = Columns::default();
    for (at, role) in ROLES.into_iter().enumerate() {
        if let ColumnChoice::Column(column) = config.choice(role) {
            if column as usize >= width {
                let problem = format!("the file has only {width} columns");
                return Err(ReadError::BadColumn { role, column, problem });
            }
            let taken = |other: &Option<(usize, Confidence, String)>| {
                other.as_ref().is_some_and(|(at, ..)| *at == column as usize)
            };
            if let Some(other) = columns[..at].iter().position(taken) {
                let problem = format!("it is already the column of the {}s", ROLES[other]);
                return Err(ReadError::BadColumn { role, column, problem });
            }
            columns[at] = Some((column as usize, Confidence::Chosen, "chosen".to_owned()));
        }
    }
    Ok(columns)
}

/// Without a header: user, item, rating, time in this order, unless what stands there says otherwise.
fn by_place(stats: &[Stats], rows: usize, config: &ReadConfig, columns: &mut Columns, notes: &mut Vec<Note>) {
    let auto = |role: Role| config.choice(role) == ColumnChoice::Auto;
    let is_free = |columns: &Columns, at: usize| columns.iter().flatten().all(|(taken, ..)| *taken != at);
    // A rating in front of the ids is told by its few numbers where the ids have many.
    let free: Vec<usize> = (0..stats.len()).filter(|&at| is_free(columns, at)).collect();
    let many = |at: usize| stats[at].distinct > 3 * stats[free[0]].distinct.max(7);
    let leads = rows >= ENOUGH && free.len() >= 3 && stats[free[0]].is_rating() && many(free[1]) && many(free[2]);
    if leads && auto(Role::Rating) && columns[Role::Rating as usize].is_none() {
        columns[Role::Rating as usize] =
            Some((free[0], Confidence::Likely, format!("{} different numbers stand in it", stats[free[0]].distinct)));
    }
    // What happened, in words, is neither who nor what.
    let event = (2..stats.len()).find(|&at| is_free(columns, at) && stats[at].is_event());
    for role in [Role::User, Role::Item] {
        if auto(role) {
            let place = (0..stats.len()).find(|&at| {
                is_free(columns, at)
                    && !(stats[at].counts_up && rows >= ENOUGH && stats.len() > 3 && at == 0)
                    && !(rows >= ENOUGH && stats[at].is_measured())
                    && event != Some(at)
            });
            columns[role as usize] =
                place.map(|at| (at, Confidence::Likely, "by its place: the file has no header".to_owned()));
        }
    }
    // Amazon wrote the user first once and writes the product first now.
    if let [Some((user, _, why)), Some((item, _, because)), ..] = columns
        && auto(Role::User)
        && auto(Role::Item)
        && rows >= ENOUGH
        && stats[*user].most(stats[*user].asins)
        && !stats[*item].most(stats[*item].asins)
    {
        std::mem::swap(user, item);
        *because = "numbers of products stand in it".to_owned();
        *why = "numbers of products stand in the column before".to_owned();
    }
    // In a table of four columns or fewer, row numbers aside, the place alone tells.
    let numbered = rows >= ENOUGH && stats.len() > 3 && stats[0].counts_up;
    let narrow = stats.len() - usize::from(numbered) <= 4 || rows < ENOUGH;
    let numeric = |at: usize| stats[at].most(stats[at].numbers) && !stats[at].is_time();
    if auto(Role::Rating) && columns[Role::Rating as usize].is_none() {
        let fits = |&at: &usize| is_free(columns, at) && numeric(at) && (narrow || stats[at].is_rating());
        // Nobody rates everything 0: that is a column of something else.
        let says = |at: usize| stats[at].distinct > 1 || (narrow && stats[at].high != 0.0) || rows < ENOUGH;
        let place = (2..stats.len()).filter(|&at| says(at)).find(fits);
        let place = place.filter(|_| event.is_none()).or(event);
        // Words below a place where ratings usually stand are refused row by row, with the reason.
        let place = place.or_else(|| (stats.len() == 3 && is_free(columns, 2) && stats[2].distinct > 20).then_some(2));
        columns[Role::Rating as usize] =
            place.map(|at| (at, Confidence::Likely, "by its place: the file has no header".to_owned()));
    }
    if auto(Role::Time) && columns[Role::Time as usize].is_none() && narrow {
        let rating = columns[Role::Rating as usize].as_ref().map_or(1, |(at, ..)| *at);
        let place = (rating + 1..stats.len())
            .find(|&at| is_free(columns, at) && stats[at].most(stats[at].whole + stats[at].dates));
        columns[Role::Time as usize] =
            place.map(|at| (at, Confidence::Likely, "by its place: the file has no header".to_owned()));
    }
    if let ([Some((user, ..)), Some((item, ..)), rating, ..], false) = (&*columns, narrow) {
        let rating =
            rating.as_ref().map_or("no ratings".to_owned(), |(at, ..)| format!("ratings from column {}", at + 1));
        notes.push(Note::new(
            "by_place",
            format!(
                "the file has {} columns and no header: users are taken from column {}, items from column {}, {rating}; look \
                 whether that is right",
                stats.len(),
                user + 1,
                item + 1
            ),
        ));
    }
    if let [Some((user, ..)), Some((item, ..)), ..] = columns
        && rows >= ENOUGH
    {
        let (user, item) = (&stats[*user], &stats[*item]);
        // A file is usually grouped by user.
        if item.repeats * 2 > rows && user.repeats * 5 < rows && auto(Role::User) && auto(Role::Item) {
            notes.push(Note::new(
                "order",
                "the rows are grouped by the second column and not by the first, as files sorted by user are: if the second \
                 column holds the users, choose it"
                    .to_owned(),
            ));
        }
    }
}

/// With a header whose names do not tell: what could be ids.
fn by_content(
    names: &[String],
    stats: &[Stats],
    rows: usize,
    config: &ReadConfig,
    columns: &mut Columns,
    notes: &mut Vec<Note>,
) {
    let missing =
        |columns: &Columns, role: Role| config.choice(role) == ColumnChoice::Auto && columns[role as usize].is_none();
    for role in [Role::User, Role::Item] {
        if !missing(columns, role) {
            continue;
        }
        let other = if role == Role::User { Role::Item } else { Role::User };
        let free = |at: &usize| columns.iter().flatten().all(|(taken, ..)| taken != at);
        let ids: Vec<usize> =
            (0..names.len()).filter(free).filter(|&at| stats[at].is_id() && !is(other, &names[at])).collect();
        let hinted: Vec<usize> = ids.iter().copied().filter(|&at| hints(role, &names[at])).collect();
        let repeated = |at: usize| stats[at].distinct * 10 <= rows * 9 && stats[at].distinct > 1;
        let found = if let [at] = hinted[..] {
            Some((at, Confidence::Likely, format!("its name sounds like {role}s")))
        } else if let ([at], true) = (&ids[..], rows >= ENOUGH)
            && repeated(*at)
            && !missing(columns, other)
        {
            Some((*at, Confidence::Likely, "the only other column that could be ids".to_owned()))
        } else {
            ids.first()
                .filter(|_| rows >= ENOUGH)
                .map(|&at| (at, Confidence::Guess, "the first column that could be ids".to_owned()))
        };
        if let Some((at, Confidence::Likely, reason)) = &found {
            notes.push(Note::new("by_content", format!("`{}` is taken for the {role}s: {reason}", names[*at])));
        }
        columns[role as usize] = found;
    }
    let ids = |name: &str| [Role::User, Role::Item].iter().any(|&role| is(role, name));
    if missing(columns, Role::Rating) && rows >= ENOUGH {
        let free = |at: &usize| columns.iter().flatten().all(|(taken, ..)| taken != at);
        if let Some(at) = (0..names.len())
            .filter(free)
            .find(|&at| stats[at].is_rating() && stats[at].distinct > 2 && !stats[at].counts_up && !ids(&names[at]))
        {
            notes.push(Note::new(
                "maybe_rating",
                format!(
                    "`{}` holds {} different numbers: if they are ratings, choose it",
                    names[at], stats[at].distinct
                ),
            ));
        }
    }
}

/// Are the ratings words, such as view and purchase?
fn words(names: &[String], stats: &[Stats], found: &Found, config: &ReadConfig) -> bool {
    let Some(at) = found.place(Role::Rating) else { return false };
    let none = stats[at].numbers * 2 < stats[at].filled;
    !config.positive_words.is_empty() || (none && (is_event(&names[at]) || stats[at].is_event()))
}

fn order_of_dates(rows: &[Vec<String>], found: &mut Found, config: &ReadConfig) -> bool {
    let Some(at) = found.place(Role::Time) else { return false };
    let dates = || rows.iter().filter_map(|row| row.get(at));
    let told = config.day_first.or_else(|| dates().find_map(|date| day_place(date)));
    if told.is_none() && dates().any(|date| is_ambiguous(date)) {
        found.notes.push(Note::new(
            "dates",
            "dates such as 3/4/2020 are read with the month first: choose the day first if it is so".to_owned(),
        ));
    }
    told.unwrap_or(false)
}

/// What looks wrong, although it can be read.
fn ask(names: &[String], stats: &[Stats], rows: &[Vec<String>], config: &ReadConfig, found: &mut Found) {
    let mut notes = Vec::new();
    if let (Some(user), Some(item)) = (found.place(Role::User), found.place(Role::Item)) {
        for (role, at, other) in [(Role::User, user, Role::Item), (Role::Item, item, Role::User)] {
            if is(other, &names[at]) && !is(role, &names[at]) {
                notes.push(Note::new(
                    "other_name",
                    format!("the {role}s are taken from `{}`, which is usually a name for {other}s", names[at]),
                ));
            }
        }
        let mut pairs: Vec<(&str, &str)> =
            rows.iter().filter_map(|row| Some((row.get(user)?.as_str(), row.get(item)?.as_str()))).collect();
        let all = pairs.len();
        tiny_sort::unstable::sort(&mut pairs);
        pairs.dedup();
        notes.extend(few_pairs(all as u32, pairs.len() as u32));
        notes.extend(unique_items(all as u32, stats[item].distinct as u32));
    }
    if let Some(at) = found.place(Role::Rating) {
        rating_notes(at, rows, config, found, &mut notes);
    }
    found.notes.append(&mut notes);
}

/// Rows that come again and again.
pub(super) fn few_pairs(rows: u32, pairs: u32) -> Option<Note> {
    let message = || {
        format!(
            "{rows} rows give only {pairs} different pairs of a user and an item: of each pair the last row counts. Are these \
             the right columns?"
        )
    };
    (rows >= 30 && pairs.saturating_mul(3) <= rows).then(|| Note::new("few_pairs", message()))
}

/// Items that nobody shares.
pub(super) fn unique_items(rows: u32, items: u32) -> Option<Note> {
    let message = || {
        format!(
            "there are about as many items ({items}) as rows ({rows}), so hardly anybody shares one: is the item column right?"
        )
    };
    (rows >= 50 && u64::from(items) * 10 >= u64::from(rows) * 9).then(|| Note::new("unique_items", message()))
}

fn rating_notes(at: usize, rows: &[Vec<String>], config: &ReadConfig, found: &mut Found, notes: &mut Vec<Note>) {
    let fields = || rows.iter().filter_map(|row| row.get(at)).filter(|field| !field.is_empty());
    if found.words {
        if config.positive_words.is_empty() {
            let mut words: Vec<&str> = fields().map(String::as_str).collect();
            tiny_sort::unstable::sort(&mut words);
            words.dedup();
            let words = words.iter().take(8).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            notes.push(Note::new(
                "words",
                format!("every row counts, whatever happened ({words}): name the words that count, if not all do"),
            ));
        }
        return;
    }
    let mut values: Vec<f32> = fields().filter_map(|field| parse_rating(field.as_bytes(), true)).collect();
    if values.len() < ENOUGH || config.missing.is_some() {
        return;
    }
    tiny_sort::unstable::sort_by(&mut values, f32::total_cmp);
    let groups: Vec<(f32, usize)> = values.chunk_by(|a, b| a == b).map(|group| (group[0], group.len())).collect();
    if let [(zero, _), (one, _)] = groups[..]
        && (zero, one) == (0.0, 1.0)
        && config.positive.is_none()
    {
        notes.push(Note::new(
            "zero_one",
            "the ratings are 0 and 1: if 0 means no, keep ratings of at least 1".to_owned(),
        ));
    }
    for (code, count) in [groups.first(), groups.last()].into_iter().flatten().copied() {
        let others: Vec<f32> = groups.iter().map(|(value, _)| *value).filter(|value| *value != code).collect();
        // Jokes are rated from -10 to 10.
        let least = if code.abs() >= 99.0 { -20.0 } else { f32::MIN_POSITIVE };
        let apart = others.iter().all(|value| (least..=20.0).contains(value));
        if matches!(code, 0.0 | -1.0 | 99.0 | -99.0 | 999.0) && others.len() >= 3 && apart && count * 50 >= values.len()
        {
            notes.push(Note::new(
                "missing_code",
                format!("{} in 100 ratings are {code}, apart from the others: if {code} means that nothing was rated, say so", count * 100 / values.len()),
            ));
        }
    }
}

/// Notes of a matrix, whose cells are mostly empty however that is written.
pub(super) fn zeros(rows: &[Vec<String>], config: &ReadConfig, found: &mut Found) {
    let zeros = rows
        .iter()
        .filter(|row| row.get(2).is_some_and(|cell| parse_rating(cell.as_bytes(), true) == Some(0.0)))
        .count();
    if config.missing.is_none() && zeros * 2 > rows.len() {
        found.missing = vec!["0".to_owned()];
        found.notes.retain(|note| note.code != "missing_code" && note.code != "zero_one");
        found
            .notes
            .push(Note::new("zeros", "most cells are 0: they are taken for \"nothing\", not for ratings".to_owned()));
    }
}
