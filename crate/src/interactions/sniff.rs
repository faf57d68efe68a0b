//! What the beginning of a file tells: is it text, which delimiter, is there a header, which column is what.

use serde::{Deserialize, Serialize};

use super::records::{Record, Records};
use super::values::{parse_rating, parse_time};
use super::{ColumnChoice, Delimiter, ReadConfig, ReadError, Role};

/// Bytes looked at before the first row is read.
pub(super) const HEAD: usize = 64 << 10;
/// Rows looked at to tell delimiter and header.
const ROWS: usize = 64;
/// Rows shown in a preview.
const PREVIEW_ROWS: usize = 8;

/// Names taken for a role, compared without case, blanks and punctuation; earlier ones win.
const USER: &[&str] = &[
    "user",
    "userid",
    "uid",
    "users",
    "username",
    "customer",
    "customerid",
    "reviewer",
    "reviewerid",
    "visitor",
    "visitorid",
    "member",
    "memberid",
    "account",
    "accountid",
    "client",
    "clientid",
    "person",
    "personid",
    "buyer",
    "reader",
    "listener",
    "player",
    "session",
    "sessionid",
];
const ITEM: &[&str] = &[
    "item",
    "itemid",
    "iid",
    "movie",
    "movieid",
    "sku",
    "product",
    "productid",
    "items",
    "mid",
    "film",
    "filmid",
    "pid",
    "asin",
    "parentasin",
    "book",
    "bookid",
    "isbn",
    "track",
    "trackid",
    "song",
    "songid",
    "artist",
    "artistid",
    "anime",
    "animeid",
    "game",
    "gameid",
    "article",
    "articleid",
    "business",
    "businessid",
    "recipe",
    "recipeid",
    "video",
    "videoid",
    "app",
    "appid",
    "title",
];
const RATING: &[&str] = &[
    "rating",
    "ratings",
    "val",
    "value",
    "score",
    "stars",
    "star",
    "overall",
    "bookrating",
    "starrating",
    "userrating",
    "preference",
    "plays",
    "playcount",
    "count",
    "weight",
];
const TIME: &[&str] =
    &["timestamp", "time", "unixtime", "unixreviewtime", "ts", "datetime", "date", "reviewtime", "createdat", "tag"];

const CONSENT: &[&str] = &["consent", "consents", "consented", "anchor", "anchors", "isanchor", "optin", "agreed"];

/// The names a role is recognised by, as far as worth showing.
pub(super) fn recognised(role: Role) -> &'static [&'static str] {
    match role {
        Role::User => USER,
        Role::Item => ITEM,
        Role::Rating => RATING,
        Role::Time => TIME,
        Role::Consent => CONSENT,
    }
}

/// One column as understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Column {
    /// Its name in the header, or `column 1` and so on.
    pub name: String,
    /// What it is used as; `None` where it is not used.
    pub role: Option<Role>,
}

/// What a reader would make of a file, before it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Preview {
    /// What stands between columns.
    pub delimiter: Delimiter,
    /// Does the first line name the columns?
    pub has_header: bool,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The first rows below the header, cut to 80 characters a field.
    pub rows: Vec<Vec<String>>,
    /// What is still wrong with the columns, as a sentence: the rows can be shown, but not yet read.
    pub problem: Option<String>,
}

/// How to read the rest of the file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) delimiter: Delimiter,
    pub(super) has_header: bool,
    pub(super) names: Vec<String>,
    pub(super) user: usize,
    pub(super) item: usize,
    pub(super) rating: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) consent: Option<usize>,
}

impl Layout {
    /// The columns with their roles.
    pub(super) fn columns(&self) -> Vec<Column> {
        let roles = [
            (Role::User, Some(self.user)),
            (Role::Item, Some(self.item)),
            (Role::Rating, self.rating),
            (Role::Time, self.time),
            (Role::Consent, self.consent),
        ];
        columns(&self.names, roles)
    }
}

/// Delimiter, header and the first rows: what both a preview and a reader need.
struct Table {
    delimiter: Delimiter,
    has_header: bool,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Says what a file's first bytes look like. `whole` if they are the entire file. UTF-8 BOM already removed or not.
pub(super) fn layout(head: &[u8], whole: bool, config: &ReadConfig) -> Result<Layout, ReadError> {
    let table = table(head, whole, config)?;
    let [user, item, rating, time, consent] = roles(&table, config)?;
    let missing = |role| missing(&table, role);
    Ok(Layout {
        user: user.ok_or_else(|| missing(Role::User))?,
        item: item.ok_or_else(|| missing(Role::Item))?,
        rating,
        time,
        consent,
        delimiter: table.delimiter,
        has_header: table.has_header,
        names: table.names,
    })
}

/// Shows what a reader would make of a file that begins with these bytes (a few kilobytes suffice). Columns that are missing
/// or badly chosen are not an error here but the preview's `problem`, so that they can be chosen while looking at it.
///
/// Errors: not text, empty, or no delimiter.
pub(super) fn preview(head: &[u8], config: &ReadConfig) -> Result<Preview, ReadError> {
    // The last line may be cut; it is needed only where there are few.
    let few = head.iter().filter(|&&byte| byte == b'\n').count() <= PREVIEW_ROWS;
    let table = table(head, few, config)?;
    let (found, mut problem) = match roles(&table, config) {
        Ok(found) => (found, None),
        Err(error) => ([None; 5], Some(error.to_string())),
    };
    let [user, item, rating, time, consent] = found;
    if problem.is_none() {
        let absent = [(user, Role::User), (item, Role::Item)].into_iter().find(|(column, _)| column.is_none());
        problem = absent.map(|(_, role)| missing(&table, role).to_string());
    }
    let roles =
        [(Role::User, user), (Role::Item, item), (Role::Rating, rating), (Role::Time, time), (Role::Consent, consent)];
    let skip = usize::from(table.has_header);
    let cut = |field: &String| field.chars().take(80).collect();
    Ok(Preview {
        delimiter: table.delimiter,
        has_header: table.has_header,
        columns: columns(&table.names, roles),
        rows: table.rows.iter().skip(skip).take(PREVIEW_ROWS).map(|row| row.iter().map(cut).collect()).collect(),
        problem,
    })
}

pub(super) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn columns(names: &[String], roles: [(Role, Option<usize>); 5]) -> Vec<Column> {
    let role = |at| roles.iter().find(|(_, column)| *column == Some(at)).map(|(role, _)| *role);
    names.iter().enumerate().map(|(at, name)| Column { name: name.clone(), role: role(at) }).collect()
}

fn missing(table: &Table, role: Role) -> ReadError {
    let recognised = recognised(role).iter().take(8).map(|&name| name.to_owned()).collect();
    ReadError::MissingColumn { role, found: table.names.clone(), recognised }
}

fn table(head: &[u8], whole: bool, config: &ReadConfig) -> Result<Table, ReadError> {
    refuse_binary(head)?;
    let head = without_bom(head);
    let Some(first) = head.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return Err(ReadError::Empty);
    };
    let text = &head[first..];
    let not_delimited = || {
        let line = 1 + head[..first].iter().filter(|&&byte| byte == b'\n').count() as u32;
        let end = text.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(text.len()).min(240);
        ReadError::NotDelimited { line, text: String::from_utf8_lossy(&text[..end]).chars().take(60).collect() }
    };
    let markup = matches!(text[0], b'{' | b'<') || text.starts_with(b"[{") || text.starts_with(b"[[");
    if markup && config.delimiter.is_none() {
        return Err(not_delimited());
    }
    let candidates = config.delimiter.map_or(Delimiter::ALL.to_vec(), |delimiter| vec![delimiter]);
    // The delimiter under which most rows agree on a number of columns; of equals the one with more columns.
    let mut best: Option<(usize, usize, Delimiter, Vec<Vec<String>>)> = None;
    for delimiter in candidates {
        let rows = records(head, whole, delimiter);
        let (width, agreeing) = common_width(&rows);
        let share = agreeing * 1_000 / rows.len().max(1);
        let better = best.as_ref().is_none_or(|(share_now, width_now, ..)| (share, width) > (*share_now, *width_now));
        if width >= 2 && better {
            best = Some((share, width, delimiter, rows));
        }
    }
    let Some((_, width, delimiter, rows)) = best else {
        return Err(not_delimited());
    };
    let has_header = config.header.unwrap_or_else(|| looks_like_header(&rows));
    let names = match rows.first() {
        Some(header) if has_header => header.clone(),
        _ => (1..=width).map(|number| format!("column {number}")).collect(),
    };
    Ok(Table { delimiter, has_header, names, rows })
}

fn records(head: &[u8], whole: bool, delimiter: Delimiter) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut sink = |record: Record<'_>| {
        if rows.len() < ROWS && !record.is_blank() {
            rows.push((0..record.len()).map(|at| String::from_utf8_lossy(record.field(at)).into_owned()).collect());
        }
        Ok(())
    };
    let mut records = Records::new(delimiter);
    // A row too long to be one is reported when it is read, with its line; here it only ends the look at the head.
    if records.push(head, &mut sink).is_ok() && whole {
        let _ = records.finish(&mut sink);
    }
    rows
}

/// The number of columns that most rows have (the larger of equals), and how many have it.
fn common_width(rows: &[Vec<String>]) -> (usize, usize) {
    let count = |width| rows.iter().filter(|row| row.len() == width).count();
    rows.iter().map(|row| (count(row.len()), row.len())).max().map_or((0, 0), |(agreeing, width)| (width, agreeing))
}

/// A header names a user or an item, or is words where the rows below have numbers.
fn looks_like_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    if first.iter().any(|name| [USER, ITEM].iter().any(|names| names.contains(&normalise(name).as_str()))) {
        return true;
    }
    let numeric = |field: &str| parse_rating(field.as_bytes(), true).is_some();
    if first.iter().any(|field| numeric(field) || field.is_empty()) || rest.is_empty() {
        return false;
    }
    (0..first.len()).any(|at| {
        let numbers = rest.iter().filter(|row| row.get(at).is_some_and(|field| numeric(field))).count();
        numbers * 10 >= rest.len() * 8
    })
}

fn normalise(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The columns of user, item, rating, time and consent.
fn roles(table: &Table, config: &ReadConfig) -> Result<[Option<usize>; 5], ReadError> {
    const ROLES: [Role; 5] = [Role::User, Role::Item, Role::Rating, Role::Time, Role::Consent];
    let mut columns = [None; 5];
    for (place, role) in columns.iter_mut().zip(ROLES) {
        if let ColumnChoice::Column(column) = config.choice(role) {
            if column as usize >= table.names.len() {
                let problem = format!("the file has only {} columns", table.names.len());
                return Err(ReadError::BadColumn { role, column, problem });
            }
            *place = Some(column as usize);
        }
    }
    for (at, role) in ROLES.into_iter().enumerate() {
        if let Some(other) = (0..at).find(|&other| columns[at].is_some() && columns[other] == columns[at]) {
            let column = columns[at].unwrap_or_default() as u32;
            let problem = format!("it is already the column of the {}s", ROLES[other]);
            return Err(ReadError::BadColumn { role, column, problem });
        }
    }
    for (at, role) in ROLES.into_iter().enumerate() {
        if config.choice(role) == ColumnChoice::Auto {
            columns[at] = guess(table, role, at, &columns);
        }
    }
    Ok(columns)
}

fn guess(table: &Table, role: Role, position: usize, taken: &[Option<usize>; 5]) -> Option<usize> {
    let free = |column: &usize| !taken.contains(&Some(*column));
    if table.has_header {
        let names: Vec<String> = table.names.iter().map(|name| normalise(name)).collect();
        return recognised(role).iter().find_map(|name| (0..names.len()).find(|at| names[*at] == *name && free(at)));
    }
    let column = Some(position).filter(|column| *column < table.names.len() && free(column));
    // Without a header a third column of large whole numbers is a time and not a rating.
    let large = |column: usize| {
        let mut fields = table.rows.iter().filter_map(|row| row.get(column)).peekable();
        fields.peek().is_some()
            && fields.all(|field| parse_time(field.as_bytes()).is_some_and(|time| !(-1..100_000_000).contains(&time)))
    };
    match role {
        Role::Rating => column.filter(|&column| !large(column)),
        Role::Time => column.or_else(|| (table.names.len() == 3 && free(&2)).then_some(2)),
        Role::User | Role::Item => column,
        // Consent is never supposed.
        Role::Consent => None,
    }
}

/// Refuses what is not text, and names it where its first bytes are known.
fn refuse_binary(head: &[u8]) -> Result<(), ReadError> {
    const KNOWN: &[(&[u8], &str, &str)] = &[
        (b"\xff\xfe", "UTF-16", "save it again as UTF-8"),
        (b"\xfe\xff", "UTF-16", "save it again as UTF-8"),
        (b"PAR1", "Parquet", "export it as CSV"),
        (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
        (b"\x89PNG", "a PNG image", "choose another file"),
        (b"\xff\xd8\xff", "a JPEG image", "choose another file"),
        (b"GIF8", "a GIF image", "choose another file"),
        (b"%PDF", "a PDF document", "export the table as CSV"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook or Office document", "export the table as CSV"),
        (b"\x89HDF", "HDF5", "export the table as CSV"),
        (b"\x93NUMPY", "a NumPy array", "export it as CSV"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, or pack it as .zip or .gz"),
        (b"Rar!", "a RAR archive", "unpack it, or pack it as .zip or .gz"),
        (b"BZh", "a bzip2 archive", "unpack it, or pack it as .zip or .gz"),
        (b"\xfd7zXZ", "an xz archive", "unpack it, or pack it as .zip or .gz"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it, or pack it as .zip or .gz"),
    ];
    if let Some((_, what, advice)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        // Three letters alone could begin a text.
        let bzip = *what != "a bzip2 archive" || head.iter().take(16).any(|&byte| byte >= 0x80 || byte == 0);
        if bzip {
            return Err(ReadError::Binary { what: (*what).to_owned(), advice: (*advice).to_owned() });
        }
    }
    let advice = || "if it comes from a spreadsheet or database, export it as CSV".to_owned();
    if let Some(at) = head.iter().position(|&byte| byte == 0) {
        return Err(ReadError::Binary { what: format!("byte {} is zero", at + 1), advice: advice() });
    }
    // Latin-1 text has a few bytes that are not UTF-8; compressed or encrypted data is full of them.
    let odd = head.utf8_chunks().map(|chunk| {
        let controls = chunk.valid().bytes().filter(|byte| *byte < 32 && !byte.is_ascii_whitespace()).count();
        controls + chunk.invalid().len()
    });
    let odd: usize = odd.sum();
    if odd * 5 > head.len() {
        return Err(ReadError::Binary {
            what: format!("{odd} of the first {} bytes are not text", head.len()),
            advice: advice(),
        });
    }
    Ok(())
}
