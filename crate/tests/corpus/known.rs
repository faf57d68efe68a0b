//! Data sets that people know by name: generated rows in exactly their layouts.

use super::{Case, Row, noted, read};
use ultrare::interactions::ReadConfig;

/// A row by numbers: user, item, rating from 1 to 5, seconds since 1970 (a midnight).
type Numbers = (i64, i64, i64, i64);

/// Forty users, sixty items, the popular ones with most users; every item occurs.
fn world() -> Vec<Numbers> {
    let mut rows = Vec::new();
    for user in 0..40i64 {
        for item in 0..60i64 {
            let chance = (user * 7_919 + item * 104_729 + user * item * 31) % 97;
            if chance * (item + 4) < 500 || (user + 13 * item) % 40 == 0 {
                rows.push((user, item, 1 + (user + 3 * item + chance) % 5, day(user, item)));
            }
        }
    }
    rows
}

/// Days from 2 January 2012 on, so that every form of a date can be written without a calendar.
fn day(user: i64, item: i64) -> i64 {
    1_325_462_400 + 86_400 * ((user * 3 + item) % 28)
}

/// Day of January 2012, and of the week.
fn date(time: i64) -> (i64, &'static str) {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let passed = (time - 1_325_462_400) / 86_400;
    (passed + 2, DAYS[passed as usize % 7])
}

fn lines(header: &str, end: &str, line: impl Fn(&Numbers) -> String) -> String {
    let rows = world().iter().map(|row| line(row) + end).collect::<String>();
    if header.is_empty() { rows } else { format!("{header}{end}{rows}") }
}

/// What has to come of it.
fn rows(row: impl Fn(&Numbers) -> Option<(String, String, f32, i64)>) -> Vec<Row> {
    world().iter().filter_map(row).collect()
}

/// By number, without ratings and times.
fn plain(users: i64, items: i64) -> Vec<Row> {
    rows(|(u, i, ..)| Some(((u + users).to_string(), (i + items).to_string(), 1.0, 0)))
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

pub fn cases() -> Vec<Case> {
    let mut cases = ratings();
    cases.extend(events());
    cases.extend(places());
    cases.extend(lists());
    cases
}

fn ratings() -> Vec<Case> {
    let book = |i: &i64| format!("{:09}X", 34_545_104 + i * 7_919);
    let crossing = lines("\"User-ID\";\"ISBN\";\"Book-Rating\"", "\r\n", |(u, i, r, _)| {
        format!("\"{}\";\"{}\";\"{}\"", 276_725 + u, book(i), if r % 2 == 0 { 0 } else { r * 2 })
    });
    let crossed = rows(|(u, i, r, _)| {
        Some(((276_725 + u).to_string(), book(i), if r % 2 == 0 { 0.0 } else { (r * 2) as f32 }, 0))
    });
    let rated = crossed.iter().filter(|row| row.2 > 0.0).cloned().collect();
    let not_rated = |code: &str| ReadConfig { missing: Some(vec![code.to_owned()]), ..ReadConfig::default() };
    let anime = lines("user_id,anime_id,rating", "\n", |(u, i, r, _)| {
        format!("{},{},{}", u + 1, i + 20, if *r == 1 { -1 } else { r + 5 })
    });
    let watched = rows(|(u, i, r, _)| {
        Some(((u + 1).to_string(), (i + 20).to_string(), if *r == 1 { -1.0 } else { (r + 5) as f32 }, 0))
    });
    let shopper = |u: &i64| format!("A{:012}Z", 7_000_000 + u * 7_919);
    let product = |i: &i64| format!("B00{:07}", 10_000 + i * 977);
    let bought = rows(|(u, i, r, t)| Some((shopper(u), product(i), *r as f32, *t)));
    let shelf = lines("user_id,book_id,is_read,rating,is_reviewed", "\n", |(u, i, r, _)| {
        format!("{u},{},{},{},0", i + 900, i64::from(*r > 1), if *r == 1 { 0 } else { *r })
    });
    let shelved =
        rows(|(u, i, r, _)| Some((u.to_string(), (i + 900).to_string(), if *r == 1 { 0.0 } else { *r as f32 }, 0)));
    let stamp = |t: &i64| format!("{} Jan {:02} 00:00:00 -0000 2012", date(*t).1, date(*t).0);
    let reader = |u: &i64| format!("{:032x}", 0x8842_281e + u);
    vec![
        noted("BookCrossing", latin(&crossing), crossed, &["missing_code"]),
        read("BookCrossing, 0 as not rated", latin(&crossing), rated).with(not_rated("0")),
        noted("MyAnimeList", anime, watched, &["missing_code"]),
        read(
            "Amazon, ratings only",
            lines("", "\n", |(u, i, r, t)| format!("{},{},{r}.0,{t}", shopper(u), product(i))),
            bought.clone(),
        ),
        read(
            "Amazon, the product first",
            lines("", "\n", |(u, i, r, t)| format!("{},{},{r}.0,{t}", product(i), shopper(u))),
            bought,
        ),
        noted("Goodreads", shelf, shelved, &["missing_code"]),
        read(
            "Goodreads, JSON",
            lines("", "\n", |(u, i, r, t)| {
                format!(
                    "{{\"user_id\": \"{}\", \"book_id\": \"{i}\", \"review_id\": \"{:x}\", \"is_read\": true, \"rating\": {r}, \
                     \"review_text_incomplete\": \"\", \"date_added\": \"{}\", \"read_at\": \"\"}}",
                    reader(u),
                    u * 977 + i,
                    stamp(t)
                )
            }),
            rows(|(u, i, r, t)| Some((reader(u), i.to_string(), *r as f32, *t))),
        ),
        read(
            "Yelp",
            lines("", "\n", |(u, i, r, t)| {
                format!(
                    "{{\"review_id\":\"r{u}-{i}\",\"user_id\":\"Qu{u}\",\"business_id\":\"bS{i}\",\"stars\":{r}.0,\"useful\":0,\
                     \"funny\":0,\"cool\":0,\"text\":\"Good {{food}} \\\"here\\\"\\nreally\",\"date\":\"2012-01-{:02} 00:00:00\"}}",
                    date(*t).0
                )
            }),
            rows(|(u, i, r, t)| Some((format!("Qu{u}"), format!("bS{i}"), *r as f32, *t))),
        ),
        read(
            "Google's places",
            lines("", "\n", |(u, i, r, t)| {
                format!(
                    "{{\"user_id\": \"1{u:020}\", \"name\": \"Jane {u}\", \"time\": {t}000, \"rating\": {r}, \"text\": null, \
                     \"pics\": null, \"resp\": null, \"gmap_id\": \"0x{i:08x}:0x7\"}}"
                )
            }),
            rows(|(u, i, r, t)| Some((format!("1{u:020}"), format!("0x{i:08x}:0x7"), *r as f32, t * 1_000))),
        ),
        read(
            "Epinions",
            lines("", "\n", |(u, i, r, _)| format!("{} {} {r} ", u + 1, i + 100)),
            rows(|(u, i, r, _)| Some(((u + 1).to_string(), (i + 100).to_string(), *r as f32, 0))),
        ),
        read(
            "MovieTweetings",
            lines("", "\n", |(u, i, r, t)| format!("{}::{:07}::{}::{t}", u + 1, i + 114_508, r * 2)),
            rows(|(u, i, r, t)| Some(((u + 1).to_string(), format!("{:07}", i + 114_508), (r * 2) as f32, *t))),
        ),
        read(
            "both line ends",
            lines("user,item,rating", "\n", |(u, i, r, _)| {
                format!("{u},{i},{r}{}", if i % 2 == 0 { "\r" } else { "" })
            }),
            rows(|(u, i, r, _)| Some((u.to_string(), i.to_string(), *r as f32, 0))),
        ),
    ]
}

fn events() -> Vec<Case> {
    let game = |i: &i64| format!("The Game of {i}{}", if i % 5 == 0 { ", Part 2" } else { "" });
    let hours = |(u, i, ..): &Numbers| (u * 7 + i * 3) % 400 + 1;
    let steam = lines("", "\n", |row| {
        let (user, game) = (151_603_712 + row.0, game(&row.1));
        format!("{user},\"{game}\",purchase,1.0,0\n{user},\"{game}\",play,{}.3,0", hours(row))
    });
    let bought = rows(|(u, i, ..)| Some(((151_603_712 + u).to_string(), game(i), 1.0, 0)));
    let happened = |r: &i64| if *r > 3 { "buy" } else { "pv" };
    let behaviour = lines("", "\n", |(u, i, r, t)| {
        format!("{},{},{},{},{t}", u + 1, i + 2_268_318, 2_520_377 + i % 9, happened(r))
    });
    let shop = |u: &i64, i: &i64| ((u + 1).to_string(), (i + 2_268_318).to_string());
    let words = |word: &str| ReadConfig { positive_words: vec![word.to_owned()], ..ReadConfig::default() };
    let person = |u: &i64| format!("{:040x}", u * 7_919 + 13);
    let plays = |(u, i, r, _): &Numbers| (u + i * r) % 700 + 1;
    let rocket = lines("timestamp,visitorid,event,itemid,transactionid", "\n", |(u, i, r, t)| {
        let event = ["view", "addtocart", "transaction"][*r as usize % 3];
        format!("{t}000,{u},{event},{i},{}", if *r % 3 == 2 { "17" } else { "" })
    });
    let sessions = lines("sessionId;userId;itemId;timeframe;eventdate", "\n", |(u, i, _, t)| {
        let user = if u % 4 == 0 { "NA".to_owned() } else { u.to_string() };
        format!("{};{user};{i};{};2012-01-{:02}", u / 2 + 1, 1_000 + i * 977 + u, date(*t).0)
    });
    vec![
        noted("Steam, 200k", steam.clone(), bought.clone(), &["by_place", "words"]),
        noted("Steam, what was played", steam, bought, &["by_place"]).with(words("play")),
        noted(
            "UserBehavior of Taobao",
            behaviour.clone(),
            rows(|(u, i, _, t)| Some((shop(u, i).0, shop(u, i).1, 1.0, *t))),
            &["by_place", "words"],
        ),
        noted(
            "UserBehavior of Taobao, bought",
            behaviour,
            rows(|(u, i, r, t)| (*r > 3).then(|| (shop(u, i).0, shop(u, i).1, 1.0, *t))),
            &["by_place"],
        )
        .with(words("buy")),
        read(
            "Last.fm of hetrec",
            lines("userID\tartistID\tweight", "\n", |row| format!("{}\t{}\t{}", row.0 + 2, row.1 + 51, plays(row))),
            rows(|row| Some(((row.0 + 2).to_string(), (row.1 + 51).to_string(), plays(row) as f32, 0))),
        ),
        read(
            "Last.fm 360K",
            lines("", "\n", |row| {
                format!("{}\t{:08x}-4c10-bc6c\tthe band {}\t{}", person(&row.0), row.1 * 977, row.1, plays(row))
            }),
            rows(|row| Some((person(&row.0), format!("{:08x}-4c10-bc6c", row.1 * 977), plays(row) as f32, 0))),
        ),
        noted(
            "LFM-1b",
            lines("", "\n", |(u, i, _, t)| format!("{}\t{}\t{}\t{}\t{t}", u + 31_435_736, i + 2, i + 500, i + 4_000)),
            rows(|(u, i, _, t)| Some(((u + 31_435_736).to_string(), (i + 2).to_string(), 1.0, *t))),
            &["by_place"],
        ),
        read(
            "Million Song",
            lines("", "\n", |row| format!("{}\tSOAKIMP{:09}\t{}", person(&row.0), row.1, plays(row))),
            rows(|row| Some((person(&row.0), format!("SOAKIMP{:09}", row.1), plays(row) as f32, 0))),
        ),
        noted(
            "RetailRocket",
            rocket,
            rows(|(u, i, _, t)| Some((u.to_string(), i.to_string(), 1.0, t * 1_000))),
            &["words"],
        ),
        read(
            "Diginetica, where NA is nobody",
            sessions,
            rows(|(u, i, _, t)| (u % 4 != 0).then(|| (u.to_string(), i.to_string(), 1.0, *t))),
        ),
        read(
            "KuaiRec",
            lines(
                "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio",
                "\n",
                |(u, i, r, t)| {
                    let day = date(*t).0;
                    format!(
                        "{u},{},{},{},2012-01-{day:02} 00:00:00.438,201201{day:02},{t}.438,{r}.25",
                        i + 3_649,
                        r * 977,
                        10_867 + i
                    )
                },
            ),
            rows(|(u, i, r, t)| Some((u.to_string(), (i + 3_649).to_string(), *r as f32 + 0.25, *t))),
        ),
        read(
            "Yoochoose",
            lines("", "\n", |(u, i, _, t)| {
                format!("{},2012-01-{:02}T00:00:00.000Z,{},0", u + 1, date(*t).0, 214_536_502 + i)
            }),
            rows(|(u, i, _, t)| Some(((u + 1).to_string(), (214_536_502 + i).to_string(), 1.0, *t))),
        ),
        read(
            "Spotify",
            format!(
                "[{}]",
                lines("", "", |row| {
                    format!(
                        "{{\"ts\": \"2012-01-{:02}T00:00:00Z\", \"username\": \"u{}\", \"ms_played\": {}, \
                         \"master_metadata_track_name\": \"Song {}\", \"skipped\": null}},\n",
                        date(row.3).0,
                        row.0,
                        plays(row) * 1_000,
                        row.1
                    )
                })
                .trim_end_matches(",\n")
            ),
            rows(|row| Some((format!("u{}", row.0), format!("Song {}", row.1), (plays(row) * 1_000) as f32, row.3))),
        ),
    ]
}

fn places() -> Vec<Case> {
    let globe = |i: &i64| format!("{}.{:08}\t-{}.{:08}", 40 + i % 3, 17 * i + 1, 74 + i % 2, 19 * i + 1);
    let venue = |i: &i64| format!("{:024x}", 0x49bb_d6c0 + i);
    let stamp = |t: &i64| format!("{} Jan {:02} 00:00:00 +0000 2012", date(*t).1, date(*t).0);
    let foursquare = lines("", "\n", |(u, i, _, t)| {
        format!(
            "{}\t{}\t{:024x}\tCaf\u{e9} {}\t{}\t-240\t{}",
            u + 470,
            venue(i),
            0x4bf5 + i % 9,
            i % 9,
            globe(i),
            stamp(t)
        )
    });
    vec![
        noted(
            "Foursquare",
            latin(&foursquare),
            rows(|(u, i, _, t)| Some(((u + 470).to_string(), venue(i), 1.0, *t))),
            &["encoding", "by_place"],
        ),
        noted(
            "Gowalla",
            lines("", "\n", |(u, i, _, t)| {
                format!("{u}\t2012-01-{:02}T00:00:00Z\t{}\t{}", date(*t).0, globe(i), 22_847 + i)
            }),
            rows(|(u, i, _, t)| Some((u.to_string(), (22_847 + i).to_string(), 1.0, *t))),
            &["by_place"],
        ),
    ]
}

fn lists() -> Vec<Case> {
    let own = |user: i64| world().into_iter().filter(move |row| row.0 == user);
    let listed = |first: &dyn Fn(i64, usize) -> String| -> String {
        let line = |user| {
            let items: Vec<String> = own(user).map(|row| row.1.to_string()).collect();
            format!("{}{}\n", first(user, items.len()), items.join(" "))
        };
        (0..40).map(line).collect()
    };
    // Jokes are rated from -10 to 10; 99 is none.
    let joke = |row: &Numbers| format!("{}.{:02}", row.2 * 3 - 9, row.1 % 50);
    let jokes: String = (0..40)
        .map(|user| {
            let rated: Vec<Numbers> = own(user).collect();
            let cell = |item: i64| rated.iter().find(|row| row.1 == item).map_or("99".to_owned(), &joke);
            format!("{},{}\n", rated.len(), (0..60).map(cell).collect::<Vec<_>>().join(","))
        })
        .collect();
    let laughed =
        || rows(|row| Some(((row.0 + 1).to_string(), (row.1 + 1).to_string(), joke(row).parse().unwrap(), 0)));
    let matrix = |name: &str| -> String {
        let line = |user| {
            let rated: Vec<Numbers> = own(user).collect();
            let cell =
                |item: i64| rated.iter().find(|row| row.1 == item).map_or(String::new(), |row| row.2.to_string());
            let cells = (0..60).map(cell).collect::<Vec<_>>().join(",");
            if name.is_empty() { format!("{cells}\n") } else { format!("{name}{user},{cells}\n") }
        };
        (0..40).map(line).collect()
    };
    let cells = |name: &'static str| {
        rows(move |row| Some((format!("{name}{}", row.0), (row.1 + 1).to_string(), row.2 as f32, 0)))
    };
    let numbered = rows(|row| Some(((row.0 + 1).to_string(), (row.1 + 1).to_string(), row.2 as f32, 0)));
    let jester = ReadConfig { missing: Some(vec!["99".to_owned()]), ..ReadConfig::default() };
    vec![
        noted("LightGCN", listed(&|user, _| format!("{user} ")), plain(0, 0), &["shape"]),
        noted("CiteULike, how many and which", listed(&|_, count| format!("{count} ")), plain(1, 0), &["shape"]),
        noted("baskets of nobody", listed(&|_, _| "0 ".to_owned()).replace(" 0 ", " "), baskets(), &["shape"]),
        noted("Jester", jokes, laughed(), &["shape"]).with(jester),
        noted("matrix without a header", matrix("u"), cells("u"), &["shape"]),
        noted("matrix of numbers alone", matrix(""), numbered, &["shape"]),
    ]
}

/// Every line begins with item 0, and holds the others of its user.
fn baskets() -> Vec<Row> {
    let mut rows: Vec<Row> = plain(1, 0).into_iter().filter(|row| row.1 != "0").collect();
    rows.extend((1..=40).map(|user| (user.to_string(), "0".to_owned(), 1.0, 0)));
    rows
}
