//! Titles and genres as the MovieLens archives write them.

use super::records::{Dialect, Record, Records};
use super::{Delimiter, ItemTitle, ItemTitles};

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

/// Reads `u.item`, `movies.dat` or `movies.csv` (lower-case base name); lines that do not fit are passed over.
pub(super) fn titles(name: &str, text: &[u8]) -> ItemTitles {
    let (delimiter, header) = match name {
        "u.item" => (Delimiter::Pipe, false),
        "movies.dat" => (Delimiter::DoubleColon, false),
        _ => (Delimiter::Comma, true),
    };
    let mut skip = header;
    let mut entries = Vec::new();
    let mut sink = |record: &Record<'_>| {
        if !record.is_blank() && !std::mem::take(&mut skip) && record.len() >= 2 {
            let genres = if delimiter == Delimiter::Pipe { flagged(record) } else { listed(record) };
            entries.push(ItemTitle { id: decode(record.field(0)), title: decode(record.field(1)), genres });
        }
        Ok(())
    };
    let mut records = Records::new(&Dialect::new(delimiter));
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

fn listed(record: &Record<'_>) -> Vec<String> {
    if record.len() < 3 {
        return Vec::new();
    }
    let genres = decode(record.field(record.len() - 1));
    genres.split('|').filter(|genre| !genre.is_empty() && !genre.starts_with('(')).map(str::to_owned).collect()
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
        let new = titles("movies.csv", new.as_bytes());
        assert_eq!((new.get("7"), new.iter().len()), (Some(&expected(&[])), 1));
    }
}
