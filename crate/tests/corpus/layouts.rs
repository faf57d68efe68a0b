//! Text in every layout, with every header, date and encoding.

use ultrare::interactions::{ColumnChoice, Encoding, ReadConfig, UserSample};

use super::{Case, Row, bare, base, marked, noted, read, text};

pub fn cases() -> Vec<Case> {
    let mut cases = delimited();
    cases.extend(headers());
    cases.extend(orders());
    cases.extend(dates());
    cases.extend(encodings());
    cases.extend(shapes());
    cases.extend(oddities());
    cases.extend(asked());
    cases
}

fn delimited() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, mark) in
        [("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|"), ("double colon", "::"), ("blanks", "  ")]
    {
        for header in [true, false] {
            for (ending, end) in [("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")] {
                let head = if header { "userId,movieId,rating,timestamp".replace(',', mark) } else { String::new() };
                let title = format!("{name}, {}, {ending}", if header { "header" } else { "no header" });
                cases.push(read(title, text(&head, end, marked(mark)), base()));
            }
        }
        let bom = format!("\u{feff}{}", text("", "\n", marked(mark)));
        cases.push(read(format!("{name}, byte order mark"), bom, base()));
    }
    cases
}

fn headers() -> Vec<Case> {
    let known = [
        ("MovieLens", "userId,movieId,rating,timestamp"),
        ("RecBole", "user_id:token,item_id:token,rating:float,timestamp:float"),
        ("Amazon", "reviewerID,asin,overall,unixReviewTime"),
        ("Yelp", "user_id,business_id,stars,date"),
        ("Goodreads", "user_id,book_id,rating,date_added"),
        ("MyAnimeList", "user_id,anime_id,rating,ts"),
        ("LastFM", "userID,artistID,weight,time"),
        ("Online retail", "CustomerID,StockCode,Quantity,InvoiceDate"),
        ("German", "Benutzer,Artikel,Bewertung,Datum"),
        ("German shop", "Kundennummer,Artikelnummer,Menge,Zeitpunkt"),
        ("French", "Utilisateur,Produit,\u{c9}valuation,Horodatage"),
        ("Spanish", "usuario,pel\u{ed}cula,puntuaci\u{f3}n,fecha"),
        ("Italian", "utente,articolo,valutazione,data"),
        ("Portuguese", "usu\u{e1}rio,produto,avalia\u{e7}\u{e3}o,data"),
        ("Dutch", "gebruiker,artikel,beoordeling,tijd"),
        ("Polish", "u\u{17c}ytkownik,produkt,ocena,czas"),
        ("Swedish", "anv\u{e4}ndare,produkt,betyg,tid"),
        ("Shouting", "USER ID,ITEM ID,RATING,TIMESTAMP"),
        ("Quoted", "\"User-ID\",\"ISBN\",\"Book-Rating\",\"Date\""),
        ("Spaced", " user , item , rating , time "),
    ];
    let named = known.map(|(name, header)| read(format!("header of {name}"), text(header, "\n", marked(",")), base()));
    let mut cases: Vec<Case> = named.into();
    for (name, header) in
        [("a customer's key", "customer_key_v2,sku,score,ts"), ("a product's key", "uid,product_key_v2,score,ts")]
    {
        cases.push(noted(format!("header with {name}"), text(header, "\n", marked(",")), base(), &["by_content"]));
    }
    cases.push(noted(
        "header with one unknown name",
        text("uid,thing,score,ts", "\n", marked(",")),
        base(),
        &["by_content"],
    ));
    cases
}

fn orders() -> Vec<Case> {
    let numbered = |numbered: &str, first: usize| {
        let rows = base()
            .iter()
            .enumerate()
            .map(|(at, row)| format!("{},{}\n", at + first, marked(",")(row)))
            .collect::<String>();
        format!("{numbered}{rows}")
    };
    vec![
        read(
            "time first",
            text("timestamp,visitorid,itemid,rating", "\n", |(u, i, r, t)| format!("{t},{u},{i},{r}")),
            base(),
        ),
        read(
            "item first",
            text("movieId,userId,rating,timestamp", "\n", |(u, i, r, t)| format!("{i},{u},{r},{t}")),
            base(),
        ),
        read(
            "rating first",
            text("rating,userId,itemId,time", "\n", |(u, i, r, t)| format!("{r},{u},{i},{t}")),
            base(),
        ),
        read("rating first, no header", text("", "\n", |(u, i, r, t)| format!("{r},u{u},i{i},{t}")), prefixed()).many(),
        read("pandas index", numbered(",user,item,rating,time\n", 0), base()),
        read("named index", numbered("Unnamed: 0,user,item,rating,time\n", 0), base()),
        read("index, no header", numbered("", 1), base()),
        read("R row names", numbered("user,item,rating,time\n", 1), base()),
        read(
            "texts between",
            text("user,review,item,rating,time", "\n", |(u, i, r, t)| {
                format!("{u},\"good, \"\"really\"\"\",{i},{r},{t}")
            }),
            base(),
        ),
        read("three columns with a time", text("", "\n", |(u, i, _, t)| format!("{u},{i},{t}")), bare(false, true)),
        read("three columns with a rating", text("", "\n", |(u, i, r, _)| format!("{u}\t{i}\t{r}")), bare(true, false)),
        read("two columns", text("", "\n", |(u, i, ..)| format!("{u};{i}")), bare(false, false)),
        read("times in milliseconds", text("", "\n", |(u, i, r, t)| format!("{u},{i},{r},{t}000")), scaled()),
    ]
}

/// More users than ratings have values, so that contents tell.
trait Many {
    fn many(self) -> Case;
}

impl Many for Case {
    fn many(mut self) -> Case {
        let mut lines = String::new();
        let mut rows: Vec<Row> = Vec::new();
        for user in 0..60 {
            for item in 0..40 {
                if (user + item) % 3 == 0 {
                    let row =
                        (format!("u{user}"), format!("i{item}"), (1 + (user + item) % 5) as f32, 1_104_537_600 + item);
                    lines += &format!("{},{},{},{}\n", row.2, row.0, row.1, row.3);
                    rows.push(row);
                }
            }
        }
        self.bytes = lines.into_bytes();
        self.outcome = super::Outcome::Rows(rows, Vec::new());
        self
    }
}

fn prefixed() -> Vec<Row> {
    base().into_iter().map(|(u, i, r, t)| (format!("u{u}"), format!("i{i}"), r, t)).collect()
}

fn scaled() -> Vec<Row> {
    base().into_iter().map(|(u, i, r, t)| (u, i, r, t * 1_000)).collect()
}

/// Year, month, day of the base's times, which are midnights from 1 January 2005 on.
fn date(time: i64) -> (i64, i64, i64) {
    let mut day = (time - 1_104_537_600) / 86_400;
    for (month, length) in [31, 28, 31, 30, 31].into_iter().enumerate() {
        if day < length {
            return (2005, month as i64 + 1, day + 1);
        }
        day -= length;
    }
    unreachable!("the base ends in April")
}

/// Writes a year, month and day.
type Form = fn((i64, i64, i64)) -> String;

fn dates() -> Vec<Case> {
    const MONTHS: [&str; 5] = ["Jan", "Feb", "Mar", "Apr", "May"];
    let forms: [(&str, Form); 12] = [
        ("2005-01-02", |(y, m, d)| format!("{y}-{m:02}-{d:02}")),
        ("2005/01/02", |(y, m, d)| format!("{y}/{m:02}/{d:02}")),
        ("2005-01-02 00:00:00", |(y, m, d)| format!("{y}-{m:02}-{d:02} 00:00:00")),
        ("2005-01-02T00:00:00Z", |(y, m, d)| format!("{y}-{m:02}-{d:02}T00:00:00Z")),
        ("2005-01-02T00:00:00.123+00:00", |(y, m, d)| format!("{y}-{m:02}-{d:02}T00:00:00.123+00:00")),
        ("02.01.2005", |(y, m, d)| format!("{d:02}.{m:02}.{y}")),
        ("2/1/2005", |(y, m, d)| format!("{d}/{m}/{y}")),
        ("1/2/2005", |(y, m, d)| format!("{m}/{d}/{y}")),
        ("01/02/2005 12:00 AM", |(y, m, d)| format!("{m:02}/{d:02}/{y} 12:00 AM")),
        ("02-Jan-2005", |(y, m, d)| format!("{d:02}-{}-{y}", MONTHS[m as usize - 1])),
        ("Jan 2, 2005", |(y, m, d)| format!("\"{} {d}, {y}\"", MONTHS[m as usize - 1])),
        ("01 2, 2005", |(y, m, d)| format!("\"{m:02} {d}, {y}\"")),
    ];
    forms
        .into_iter()
        .map(|(name, form)| {
            let line = move |(u, i, r, t): &Row| format!("{u},{i},{r},{}", form(date(*t)));
            read(format!("dates as {name}"), text("user,item,rating,date", "\n", line), base())
        })
        .collect()
}

/// Everybody's name has an accent that is in every encoding here.
fn accented() -> Vec<Row> {
    let mut rows: Vec<Row> =
        base().into_iter().map(|(u, i, r, t)| (format!("Jos\u{e9} {u}"), format!("\u{dc}ber {i}"), r, t)).collect();
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    rows
}

pub fn accents() -> String {
    text("user,item,rating,time", "\r\n", |(u, i, r, t)| format!("Jos\u{e9} {u},\u{dc}ber {i},{r},{t}"))
}

pub fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn encodings() -> Vec<Case> {
    let plain = accents();
    let marked = format!("\u{feff}{plain}");
    let single: Vec<u8> = plain.chars().map(|c| c as u8).collect();
    let chosen = |encoding| ReadConfig { encoding: Some(encoding), ..ReadConfig::default() };
    let mut mixed = plain.clone().into_bytes();
    let place = mixed.windows(2).rposition(|pair| pair == "\u{e9}".as_bytes()).unwrap();
    mixed.splice(place..place + 2, [0xe9]);
    vec![
        read("UTF-8", plain.clone(), accented()),
        read("UTF-8 with a mark", marked.clone(), accented()),
        noted("UTF-16LE with a mark", utf16(&marked, false), accented(), &["encoding"]),
        noted("UTF-16LE", utf16(&plain, false), accented(), &["encoding"]),
        noted("UTF-16BE with a mark", utf16(&marked, true), accented(), &["encoding"]),
        noted("UTF-16BE", utf16(&plain, true), accented(), &["encoding"]),
        noted("Windows-1252", single.clone(), accented(), &["encoding"]),
        read("Latin-1, chosen", single.clone(), accented()).with(chosen(Encoding::Latin1)),
        read("Windows-1252, chosen", single, accented()).with(chosen(Encoding::Windows1252)),
        read("UTF-16LE, chosen", utf16(&plain, false), accented()).with(chosen(Encoding::Utf16Le)),
        noted("UTF-8 with one foreign byte", mixed, accented(), &["mended"]),
    ]
}

fn shapes() -> Vec<Case> {
    let users = || (0..12).map(|user| (11 + user).to_string());
    let items_of = |user: &str| base().into_iter().filter(|row| row.0 == user).collect::<Vec<Row>>();
    let lists = |mark: &str, after: &str| -> String {
        let line = |user: String| {
            let items: Vec<String> = items_of(&user).into_iter().map(|row| row.1).collect();
            format!("{user}{after}{mark}{}\n", items.join(mark))
        };
        // One user has one item less, as lists of real people differ in length.
        users().map(line).collect()
    };
    let blocks = |line: &dyn Fn(&Row) -> String| -> String {
        let block = |item: i64| {
            let rows =
                base().into_iter().filter(|row| row.1 == item.to_string()).map(|row| line(&row)).collect::<String>();
            format!("{item}:\n{rows}")
        };
        (201..209).map(block).collect()
    };
    let iso = |time| {
        let (y, m, d) = date(time);
        format!("{y}-{m:02}-{d:02}")
    };
    let matrix = |mark: &str, corner: &str, nothing: &str, comma: bool| -> String {
        let head: Vec<String> = (201..209).map(|item| item.to_string()).collect();
        let mut out = format!("{corner}{mark}{}\n", head.join(mark));
        for user in users() {
            let own = items_of(&user);
            let cell = |item: &String| {
                let value = own.iter().find(|row| row.1 == *item).map(|row| format!("{:.1}", row.2));
                let value = value.unwrap_or_else(|| nothing.to_owned());
                if comma { value.replace('.', ",") } else { value }
            };
            let cells: Vec<String> = head.iter().map(cell).collect();
            out += &format!("{user}{mark}{}\n", cells.join(mark));
        }
        out
    };
    let object = |(u, i, r, t): &Row| {
        format!(
            "{{\"user_id\":\"{u}\",\"business_id\":\"{i}\",\"stars\":{r},\"text\":\"a \\\"b\\\" {{c}}\",\"unixReviewTime\":{t}}}"
        )
    };
    let objects: Vec<String> = base().iter().map(object).collect();
    let nested: Vec<String> = base()
        .iter()
        .map(|(u, i, r, t)| format!("{{\"user\":{{\"id\":{u}}},\"item\":{i},\"rating\":{r},\"time\":{t}}}"))
        .collect();
    let streams: Vec<String> = base()
        .iter()
        .map(|(u, i, r, t)| format!("{{\"username\":\"{u}\",\"trackName\":\"{i}\",\"plays\":{r},\"ts\":{t}}}"))
        .collect();
    let none = || bare(false, false);
    vec![
        read(
            "RecBole .inter",
            text("user_id:token\titem_id:token\trating:float\ttimestamp:float", "\n", |(u, i, r, t)| {
                format!("{u}\t{i}\t{r}.0\t{t}.0")
            }),
            base(),
        ),
        noted("lists with blanks", uneven(&lists(" ", "")), short(none()), &["shape"]),
        noted("lists with tabs", uneven(&lists("\t", "")), short(none()), &["shape"]),
        noted("lists with commas", uneven(&lists(",", "")), short(none()), &["shape"]),
        noted("lists with a colon", uneven(&lists(" ", ":")), short(none()), &["shape"]),
        noted("blocks of Netflix", blocks(&|(u, _, r, t)| format!("{u},{r},{}\n", iso(*t))), base(), &["shape"]),
        noted("blocks without dates", blocks(&|(u, _, r, _)| format!("{u},{r}\n")), bare(true, false), &["shape"]),
        noted("blocks of users only", blocks(&|(u, ..)| format!("{u},\n")).replace(",\n", ",1\n"), none(), &["shape"]),
        noted("matrix with empty cells", matrix(",", "", "", false), bare(true, false), &["shape"]),
        noted("matrix with NA", matrix(";", "user", "NA", false), bare(true, false), &["shape"])
            .with(ReadConfig { shape: Some(ultrare::interactions::Shape::Matrix), ..ReadConfig::default() }),
        noted("matrix with decimal commas", matrix(";", "person", "", true), bare(true, false), &["shape"]),
        noted("matrix with tabs", matrix("\t", "", "", false), bare(true, false), &["shape"]),
        read("JSON lines", objects.join("\n"), base()),
        read("JSON lines, CRLF", objects.join("\r\n") + "\r\n", base()),
        read("JSON list", format!("[{}]", objects.join(",\n")), base()),
        read("JSON list in one line", format!("[{}]", objects.join(",")), base()),
        read("JSON list in an object", format!("{{\"total\":63,\"reviews\":[{}]}}", objects.join(",")), base()),
        read("JSON with objects inside", nested.join("\n"), base()),
        read("JSON of listening", format!("[\n  {}\n]\n", streams.join(",\n  ")), base()),
        read("indented JSON", format!("[{}]", objects.join(",").replace(",\"", ",\n    \"")), base()),
        read("JSON in UTF-8 with a mark", format!("\u{feff}{}", objects.join("\n")), base()),
    ]
}

/// Lists of unequal length: the last item of the first users is cut off.
fn uneven(lists: &str) -> String {
    let cut = |(at, line): (usize, &str)| {
        let end = if at % 2 == 0 { line.rfind([' ', '\t', ',']).unwrap() } else { line.len() };
        format!("{}\n", &line[..end])
    };
    lists.lines().enumerate().map(cut).collect()
}

fn short(rows: Vec<Row>) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    for user in 11..23 {
        let own: Vec<Row> = rows.iter().filter(|row| row.0 == user.to_string()).cloned().collect();
        out.extend(own[..own.len() - usize::from((user - 11) % 2 == 0)].iter().cloned());
    }
    out
}

fn oddities() -> Vec<Case> {
    let plain = text("user,item,rating,time", "\n", marked(","));
    let half = |row: &Row| (row.0.clone(), row.1.clone(), row.2 + 0.5, row.3);
    let halves: Vec<Row> = base().iter().map(half).collect();
    let skip = |lines| ReadConfig { skip_lines: Some(lines), ..ReadConfig::default() };
    let comma = |mark: &'static str| move |(u, i, r, t): &Row| format!("{u}{mark}{i}{mark}{r},5{mark}{t}");
    vec![
        read("decimal commas", text("user;item;rating;time", "\n", comma(";")), halves.clone()),
        read("decimal commas and tabs", text("user\titem\trating\ttime", "\n", comma("\t")), halves.clone()),
        read("decimal commas, no header", text("", "\n", comma(";")), halves.clone()),
        read(
            "decimal commas in quotes",
            text("user;item;rating;time", "\n", |(u, i, r, t)| format!("\"{u}\";\"{i}\";\"{r},5\";\"{t}\"")),
            halves,
        ),
        read("Excel's line", format!("sep=;\r\n{}", text("user;item;rating;time", "\r\n", marked(";"))), base()),
        read("Excel's line with a comma", format!("sep=,\n{plain}"), base()),
        noted("comments with #", format!("# made by hand\n# on a Monday\n{plain}"), base(), &["comments"]),
        noted("comments with %", format!("% bip weighted\n{}", text("", "\n", marked(" "))), base(), &["comments"]),
        read("header behind a #", format!("#{plain}"), base()),
        read("lines to skip", format!("Report of January\nall shops, all days\n{plain}"), base()).with(skip(2)),
        read("blank lines", plain.replace('\n', "\n\n"), base()),
        read("blank lines first", format!("\n\n{plain}"), base()),
        read(
            "everything in quotes",
            text("\"user\",\"item\",\"rating\",\"time\"", "\n", |(u, i, r, t)| {
                format!("\"{u}\",\"{i}\",\"{r}\",\"{t}\"")
            }),
            base(),
        ),
        read("no last line end", plain.trim_end().to_owned(), base()),
        read("trailing commas", text("user,item,rating,time", "\n", |row| marked(",")(row) + ","), base()),
        read(
            "blanks around",
            text("user , item , rating , time", "\n", |(u, i, r, t)| format!(" {u} , {i} ,\t{r} , {t} ")),
            base(),
        ),
        read(
            "ratings with a point and zero",
            text("user,item,rating,time", "\n", |(u, i, r, t)| format!("{u},{i},{r}.0,{t}")),
            base(),
        ),
        read(
            "ratings in science",
            text("user,item,rating,time", "\n", |(u, i, r, t)| format!("{u},{i},{r}e0,{t}")),
            base(),
        ),
        read(
            "names with blanks and tabs between",
            text("user\titem\trating\ttime", "\n", |(u, i, r, t)| format!("{u}\t{i}\t{r}\t{t}")),
            base(),
        ),
    ]
}

fn asked() -> Vec<Case> {
    let config = ReadConfig::default;
    let events = text("timestamp,visitorid,event,itemid", "\n", |(u, i, r, t)| {
        format!("{t},{u},{},{i}", if *r > 3.0 { "transaction" } else { "view" })
    });
    let bought: Vec<Row> = base().into_iter().filter(|row| row.2 > 3.0).map(|(u, i, _, t)| (u, i, 1.0, t)).collect();
    let coded = |code: i64| {
        text("user,item,rating,time", "\n", move |(u, i, r, t)| {
            let rating = if *r == 2.0 { code } else { *r as i64 };
            format!("{u},{i},{rating},{t}")
        })
    };
    let kept = |code: f32| {
        base().into_iter().map(|(u, i, r, t)| (u, i, if r == 2.0 { code } else { r }, t)).collect::<Vec<Row>>()
    };
    let rated: Vec<Row> = base().into_iter().filter(|row| row.2 != 2.0).collect();
    let missing = |code: &str| ReadConfig { missing: Some(vec![code.to_owned()]), ..config() };
    let zero_one =
        text("user,item,liked_score,rating", "\n", |(u, i, r, _)| format!("{u},{i},x,{}", i64::from(*r > 3.0)));
    let both: Vec<Row> = base().into_iter().map(|(u, i, r, _)| (u, i, if r > 3.0 { 1.0 } else { 0.0 }, 0)).collect();
    let twins = |merged: bool| -> Vec<Row> {
        let mut rows: Vec<Row> = base()
            .into_iter()
            .map(|(u, i, r, t)| (if !merged && i == "204" { format!("0{u}") } else { u }, i, r, t))
            .collect();
        rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        rows
    };
    let leading = text("user,item,rating,time", "\n", |(u, i, r, t)| {
        format!("{}{u},{i},{r},{t}", if i == "204" { "0" } else { "" })
    });
    let column = ColumnChoice::Column;
    let unknown = text("who,what,much,then", "\n", marked(","));
    let ambiguous = "user,item,date\n".to_owned()
        + &(0..30).map(|n| format!("{},{},3/{}/2020\n", n % 5, n % 7, 1 + n % 9)).collect::<String>();
    let mut months: Vec<Row> =
        (0..30).map(|n| ((n % 5).to_string(), (n % 7).to_string(), 1.0, 1_583_020_800 + 86_400 * (n % 9))).collect();
    months.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let quoted = text("user,item,rating,time", "\n", |(u, i, r, t)| {
        format!("{u},{}{i},{r},{t}", if (u.as_str(), i.as_str()) == ("12", "203") { "\"" } else { "" })
    });
    let mut as_text = base();
    as_text.iter_mut().find(|row| row.0 == "12" && row.1 == "203").unwrap().1 = "\"203".to_owned();
    as_text.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let swallowed: Vec<Row> = base().into_iter().take_while(|row| !(row.0 == "12" && row.1 == "203")).collect();
    vec![
        noted("events, all", events.clone(), bare(false, true), &["words"]),
        read("events that count", events, bought)
            .with(ReadConfig { positive_words: vec!["Transaction".into()], ..config() }),
        noted("0 among ratings", coded(0), kept(0.0), &["missing_code"]),
        noted("-1 among ratings", coded(-1), kept(-1.0), &["missing_code"]),
        noted("99 among ratings", coded(99), kept(99.0), &["missing_code"]),
        read("0 as not rated", coded(0), rated.clone()).with(missing("0")),
        read("-1 as not rated", coded(-1), rated).with(missing("-1")),
        read("0 as a rating", coded(0), kept(0.0)).with(ReadConfig { missing: Some(Vec::new()), ..config() }),
        noted("0 and 1", zero_one, both, &["zero_one"]),
        noted("leading zeros", leading.clone(), twins(false), &["alike"]),
        read("leading zeros made one", leading, twins(true)).with(ReadConfig { merge_ids: true, ..config() }),
        read("unknown names, chosen", unknown, base()).with(ReadConfig {
            user: column(0),
            item: column(1),
            rating: column(2),
            time: column(3),
            ..config()
        }),
        noted("dates that may be read both ways", ambiguous, months, &["dates"]),
        noted("a quote that swallows lines", quoted.clone(), swallowed, &["swallowed"]),
        read("quotes as text", quoted, as_text).with(ReadConfig { quotes_as_text: true, ..config() }),
        read("everybody in the sample", text("user,item,rating,time", "\n", marked(",")), base())
            .with(ReadConfig { sample: Some(UserSample { share: 1.0, seed: 3 }), ..config() }),
        noted(
            "few pairs",
            "user,item\n".to_owned() + &"1,2\n3,4\n1,4\n".repeat(20),
            vec![("1".into(), "2".into(), 1.0, 0), ("1".into(), "4".into(), 1.0, 0), ("3".into(), "4".into(), 1.0, 0)],
            &["few_pairs"],
        ),
        noted(
            "items nobody shares",
            "user,item\n".to_owned() + &(0..60).map(|n| format!("{},x{n:02}\n", n / 6)).collect::<String>(),
            (0..60).map(|n| ((n / 6).to_string(), format!("x{n:02}"), 1.0, 0)).collect(),
            &["unique_items"],
        ),
    ]
}
