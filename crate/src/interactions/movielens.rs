//! Titles and genres as the MovieLens archives write them, and in lists of items of other making.

use super::names::{is, normalise};
use super::records::{Dialect, Record, Records};
use super::{Delimiter, ItemTitle, ItemTitles, Role};

/// The genre flags of `u.item`, in the order of its columns.
const GENRES_100K: [&str; 19] = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];
/// Columns of `u.item` before the flags: id, title, two dates, address.
const FLAGS_FROM: usize = 5;

/// How a list of titles is written: the mark between columns, and where id, title and genres stand.
#[derive(Clone, Copy)]
struct Form {
    delimiter: Delimiter,
    header: bool,
    id: usize,
    title: usize,
    genres: Genres,
}

#[derive(Clone, Copy)]
enum Genres {
    None,
    /// A column of flags for each.
    Flags,
    /// All in one column.
    At(usize),
    Last,
}

/// Reads `u.item`, `movies.dat` or `movies.csv` (lower-case base name); lines that do not fit are passed over.
pub(super) fn titles(name: &str, text: &[u8]) -> ItemTitles {
    let form = |delimiter, header, genres| Form { delimiter, header, id: 0, title: 1, genres };
    let form = match name {
        "u.item" => form(Delimiter::Pipe, false, Genres::Flags),
        "movies.dat" => form(Delimiter::DoubleColon, false, Genres::Last),
        _ => form(Delimiter::Comma, true, Genres::Last),
    };
    read(form, text)
}

/// The titles in a file that lists items: those of MovieLens, or any table whose header names an item, a title and no user.
/// Empty for any other file, told by its first line; lines that do not fit are passed over.
pub fn titles_of(text: &[u8]) -> ItemTitles {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let first = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    first.and_then(|line| form(&decode(line))).map(|form| read(form, text)).unwrap_or_default()
}

fn form(line: &str) -> Option<Form> {
    let flags: Vec<&str> = line.split('|').skip(FLAGS_FROM).collect();
    if flags.len() == GENRES_100K.len() && flags.iter().all(|flag| matches!(*flag, "0" | "1")) {
        return Some(Form { delimiter: Delimiter::Pipe, header: false, id: 0, title: 1, genres: Genres::Flags });
    }
    let parts: Vec<&str> = line.split("::").collect();
    if let [_, title, _] = parts[..]
        && title.parse::<f64>().is_err()
        && title.contains(char::is_alphabetic)
    {
        return Some(Form { delimiter: Delimiter::DoubleColon, header: false, id: 0, title: 1, genres: Genres::Last });
    }
    let marks = [(',', Delimiter::Comma), (';', Delimiter::Semicolon), ('\t', Delimiter::Tab)];
    let (mark, delimiter) = marks.into_iter().max_by_key(|(mark, _)| line.matches(*mark).count())?;
    let names: Vec<String> = line.split(mark).map(normalise).collect();
    let is_title = |name: &str| name.contains("title") || name.ends_with("name");
    let title = names.iter().position(|name| is_title(name))?;
    let id = names.iter().position(|name| is(Role::Item, name) && !is_title(name))?;
    let genres = names.iter().position(|name| name.starts_with("genre")).map_or(Genres::None, Genres::At);
    let user = names.iter().any(|name| is(Role::User, name));
    (!user).then_some(Form { delimiter, header: true, id, title, genres })
}

fn read(form: Form, text: &[u8]) -> ItemTitles {
    let mut skip = form.header;
    let mut entries = Vec::new();
    let mut sink = |record: &Record<'_>| {
        if !record.is_blank() && !std::mem::take(&mut skip) && record.len() > form.id.max(form.title) {
            let genres = match form.genres {
                Genres::Flags => flagged(record),
                Genres::At(at) if at < record.len() => listed(record, at),
                Genres::Last if record.len() >= 3 => listed(record, record.len() - 1),
                Genres::None | Genres::At(_) | Genres::Last => Vec::new(),
            };
            entries.push(ItemTitle {
                id: decode(record.field(form.id)),
                title: decode(record.field(form.title)),
                genres,
            });
        }
        Ok(())
    };
    let mut records = Records::new(&Dialect::new(form.delimiter));
    // A row that never ends only ends the titles: they are for display.
    if records.push(text, &mut sink).is_ok() {
        let _ = records.finish(&mut sink);
    }
    ItemTitles::new(entries)
}

fn flagged(record: &Record<'_>) -> Vec<String> {
    let set = |at: &usize| FLAGS_FROM + at < record.len() && record.field(FLAGS_FROM + at) == b"1";
    (0..GENRES_100K.len()).filter(set).map(|at| GENRES_100K[at].to_owned()).collect()
}

fn listed(record: &Record<'_>, at: usize) -> Vec<String> {
    let genres = decode(record.field(at));
    let plain = genres.split(['|', ',']).map(|genre| genre.trim_matches(|c| " []'\"".contains(c)));
    plain.filter(|genre| !genre.is_empty() && !genre.starts_with('(')).map(str::to_owned).collect()
}

/// UTF-8, or Latin-1 as in the older archives.
fn decode(field: &[u8]) -> String {
    match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => field.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms() {
        let flags = "0|1|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0";
        let old = format!("7|Caf\u{e9} of Tides (1995)|01-Jan-1995||http://nowhere.example|{flags}\n");
        let latin: Vec<u8> = old.chars().map(|c| c as u8).collect();
        let expected = |genres: &[&str]| ItemTitle {
            id: "7".into(),
            title: "Caf\u{e9} of Tides (1995)".into(),
            genres: genres.iter().map(|genre| (*genre).to_owned()).collect(),
        };
        assert_eq!(titles("u.item", &latin).get("7"), Some(&expected(&["Action", "Comedy"])));
        let middle: Vec<u8> = "7::Caf\u{e9} of Tides (1995)::Action|Drama\n".chars().map(|c| c as u8).collect();
        assert_eq!(titles("movies.dat", &middle).get("7"), Some(&expected(&["Action", "Drama"])));
        let new = "movieId,title,genres\n7,\"Caf\u{e9} of Tides (1995)\",(no genres listed)\nbroken\n";
        for new in [titles("movies.csv", new.as_bytes()), titles_of(new.as_bytes())] {
            assert_eq!((new.get("7"), new.iter().len()), (Some(&expected(&[])), 1));
        }
        assert_eq!(titles_of(&latin), titles("u.item", &latin));
        assert_eq!(titles_of(&middle), titles("movies.dat", &middle));
    }

    #[test]
    fn lists_of_items_are_told_from_rows_by_their_first_line() {
        let books = "\"ISBN\";\"Book-Title\";\"Book-Author\"\r\n\"034X\";\"Tides; a novel\";\"A. Gull\"\r\n";
        let anime = "\u{feff}anime_id,name,genre,type\n32,Caf\u{e9},\"Drama, Romance\",TV\n";
        let entry = |id: &str, title: &str, genres: &[&str]| ItemTitle {
            id: id.into(),
            title: title.into(),
            genres: genres.iter().map(|genre| (*genre).to_owned()).collect(),
        };
        assert_eq!(titles_of(books.as_bytes()).get("034X"), Some(&entry("034X", "Tides; a novel", &[])));
        assert_eq!(titles_of(anime.as_bytes()).get("32"), Some(&entry("32", "Caf\u{e9}", &["Drama", "Romance"])));
        for rows in [
            "userId,movieId,title,rating\n1,2,x,3\n",
            "1::2::5::9\n",
            "1::2::5\n",
            "196\t242\t3\n",
            "user,item\n",
            "",
            "\n\n",
        ] {
            assert!(titles_of(rows.as_bytes()).is_empty(), "{rows:?}");
        }
    }
}
