//! The reader as a whole: what any cutting, ordering and damage of the bytes leads to.

use std::io::Write;

use proptest::prelude::*;

use super::archive_testing::zip;
use super::report::FIRST_REJECTIONS;
use super::*;

fn read_with(config: &ReadConfig, bytes: &[u8]) -> Result<(Interactions, ReadReport), ReadError> {
    let mut reader = Reader::new(config.clone());
    reader.push(bytes);
    reader.finish()
}

fn read(text: &str) -> Result<(Interactions, ReadReport), ReadError> {
    read_with(&ReadConfig::default(), text.as_bytes())
}

/// (user, item, value, time) of every row.
fn rows(interactions: &Interactions) -> Vec<(String, String, f32, i64)> {
    let (users, items) = (interactions.users(), interactions.items());
    let row = |row: &Row| (users.get(row.user).to_owned(), items.get(row.item).to_owned(), row.value, row.time);
    interactions.rows().iter().map(row).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn every_delimiter_with_and_without_header_bom_and_crlf_gives_the_same_rows() {
    let expected =
        vec![("a".into(), "x".into(), 5.0, 10), ("a".into(), "y".into(), 3.5, 11), ("b".into(), "x".into(), 1.0, 12)];
    for delimiter in [",", ";", "\t", "|", "::"] {
        for header in [true, false] {
            for bom in ["", "\u{feff}"] {
                for end in ["\n", "\r\n"] {
                    for tail in ["", end] {
                        let mut lines = vec!["a,x,5,10", "a,y,3.5,11", "b,x,1,12"];
                        if header {
                            lines.insert(0, "userId,movieId,rating,timestamp");
                        }
                        let text = format!("{bom}{}{tail}", lines.join(end).replace(',', delimiter));
                        let (interactions, report) = read(&text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
                        assert_eq!(rows(&interactions), expected, "{text:?}");
                        assert_eq!((report.has_header, report.rows_read), (header, 3), "{text:?}");
                        assert_eq!(
                            report.delimiter.to_string().chars().next(),
                            match delimiter {
                                "," => Some('c'),
                                ";" => Some('s'),
                                "\t" => Some('t'),
                                other => other.chars().next(),
                            }
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn quotes_decimal_commas_dates_and_other_names_are_understood() {
    let text = "Score;Product ID;Reviewer_ID;Date\n4,5;\"The \"\"Gull\"\"; part 2\";\"Ann, A.\";2020-01-01\n2;x;bo;2020-01-02\n";
    let (interactions, report) = read(text).unwrap();
    let first = ("Ann, A.".into(), "The \"Gull\"; part 2".into(), 4.5, 1_577_836_800);
    assert_eq!(rows(&interactions)[0], first);
    let roles: Vec<_> = report.columns.iter().map(|column| column.role.unwrap()).collect();
    assert_eq!(roles, [Role::Rating, Role::Item, Role::User, Role::Time]);
}

#[test]
fn without_ratings_every_value_is_one_and_a_third_column_of_times_is_no_rating() {
    let (interactions, report) = read("7,a\n8,b\n7,b\n").unwrap();
    assert!(interactions.rows().iter().all(|row| row.value == 1.0 && row.time == 0));
    assert!(!report.summary.has_ratings && !report.summary.has_times);
    let (interactions, _) = read("7,a,889751633\n8,b,889751634\n").unwrap();
    assert_eq!(rows(&interactions)[0], ("7".into(), "a".into(), 1.0, 889_751_633));
}

#[test]
fn a_tag_column_is_the_time_only_where_nothing_better_is() {
    let (tagged, report) = read("userId,movieId,tag,timestamp\n1,2,funny,5\n2,2,sad,6\n2,3,odd,7\n").unwrap();
    assert_eq!(report.columns[2].role, None);
    assert_eq!(tagged.rows()[0].time, 5);
    let (tag, _) = read("uid,iid,val,tag\n1,2,3,5\n2,2,3,6\n2,3,3,7\n").unwrap();
    assert_eq!(tag.rows()[2].time, 7);
}

#[test]
fn columns_can_be_chosen() {
    let text = "who,what,much\n1,a,5\n2,b,4\n";
    assert_eq!(read(text).unwrap_err().code(), "read.missing_column");
    let config = ReadConfig {
        user: ColumnChoice::Column(0),
        item: ColumnChoice::Column(1),
        rating: ColumnChoice::Column(2),
        ..ReadConfig::default()
    };
    let (interactions, _) = read_with(&config, text.as_bytes()).unwrap();
    assert_eq!(rows(&interactions)[1], ("2".into(), "b".into(), 4.0, 0));
    let none = ReadConfig { rating: ColumnChoice::None, ..config.clone() };
    assert_eq!(read_with(&none, text.as_bytes()).unwrap().0.rows()[0].value, 1.0);
    let beyond = ReadConfig { item: ColumnChoice::Column(3), ..config.clone() };
    let told = read_with(&beyond, text.as_bytes()).unwrap_err().to_string();
    assert_eq!(told, "column 4 was chosen for the items, but the file has only 3 columns");
    let twice = ReadConfig { item: ColumnChoice::Column(0), ..config };
    let told = read_with(&twice, text.as_bytes()).unwrap_err().to_string();
    assert_eq!(told, "column 1 was chosen for the items, but it is already the column of the users");
}

#[test]
fn bad_rows_are_counted_with_line_column_and_value() {
    let text = "uid,iid,val\n1,a,5\n2,b,NaN\n\n3,,4\n,c,4\n4,d\n5,e,lots\n6,\"f\ng\",2\n7,g,1\n";
    let (interactions, report) = read(text).unwrap();
    assert_eq!(interactions.rows().len(), 2);
    let counts: Vec<_> = report.rejected.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(
        counts,
        [("column_count", 1), ("empty_item", 1), ("empty_user", 1), ("line_break", 1), ("rating_not_a_number", 2)]
    );
    let first = &report.first_rejections;
    let message = "line 3, column `val`: expected a number such as 4 or 3.5, but there is `NaN`; the row was left out";
    assert_eq!((first[0].line, first[0].value.as_str(), first[0].message.as_str()), (3, "NaN", message));
    assert_eq!((first[1].line, first[1].column.as_deref()), (5, Some("iid")));
    assert_eq!(first[3].message, "line 7: expected 3 columns, but there are 2: `4 | d`; the row was left out");
    assert_eq!((first[4].line, first[4].value.as_str()), (8, "lots"));
    assert_eq!(first[5].line, 9);
}

#[test]
fn accented_ids_of_another_encoding_are_mended_and_what_is_no_id_is_rejected() {
    let mut bytes = b"uid,iid,note\n1,a,caf\xe9\n2,b\xff,x\n3,\"c\nd\",x\n4,e,x\n".to_vec();
    bytes.extend(format!("{},f,x\n", "9".repeat(600)).bytes());
    // Somewhere else in the file stands enough UTF-8 to tell that it is.
    bytes.extend("5,\u{e9}\u{e9}\u{e9}\u{e9},x\n".bytes());
    let (interactions, report) = read_with(&ReadConfig::default(), &bytes).unwrap();
    assert_eq!((interactions.rows().len(), report.mended_ids, report.encoding), (4, 1, Encoding::Utf8));
    assert_eq!(interactions.items().find("b\u{ff}"), Some(1));
    assert_eq!(report.rejected.keys().collect::<Vec<_>>(), ["id_too_long", "line_break"]);
    let strict = ReadConfig { encoding: Some(Encoding::Utf8), ..ReadConfig::default() };
    let (interactions, report) = read_with(&strict, &bytes).unwrap();
    assert_eq!(interactions.rows().len(), 3);
    assert_eq!(report.rejected.keys().collect::<Vec<_>>(), ["id_too_long", "line_break", "not_text"]);
    assert_eq!(report.first_rejections.iter().map(|r| r.line).collect::<Vec<_>>(), [3, 4, 7]);
}

#[test]
fn only_the_first_rejections_are_kept_and_all_are_counted() {
    let bad: String = (0..FIRST_REJECTIONS + 80).map(|n| format!("{n},a,bad\n")).collect();
    let good: String = (0..4_000).map(|n| format!("{n},{},3\n", ["a", "b"][n % 2])).collect();
    let (_, report) = read(&format!("uid,iid,val\n{good}{bad}")).unwrap();
    assert_eq!(
        (report.first_rejections.len(), report.rejected_rows()),
        (FIRST_REJECTIONS, FIRST_REJECTIONS as u32 + 80)
    );
    assert_eq!(report.rows_read, FIRST_REJECTIONS as u32 + 4_080);
}

#[test]
fn the_last_of_duplicates_decides_also_for_the_threshold() {
    let text = "uid,iid,val\na,x,5\na,y,4\nb,x,4\nb,y,5\na,x,2\n";
    let (interactions, report) = read(text).unwrap();
    assert_eq!((rows(&interactions)[0].2, report.duplicates), (2.0, 1));
    let config = ReadConfig { positive: Some(4.0), ..ReadConfig::default() };
    let (positive, report) = read_with(&config, text.as_bytes()).unwrap();
    assert_eq!(positive.rows().len(), 3);
    assert_eq!(report.filtered, Filtered { below_threshold: 1, ..Filtered::default() });
    assert_eq!(report.rejected_rows(), 0);
    let config = ReadConfig { positive: Some(4.0), k_core: 2, ..ReadConfig::default() };
    let told = read_with(&config, text.as_bytes()).unwrap_err().to_string();
    assert!(told.contains("1 are rated below 4, and no group") && told.contains("(3 rows fell)"), "{told}");
}

/// Each refusal: its code, and what the person reads.
#[test]
fn a_file_that_cannot_be_used_is_refused_in_words() {
    let cases: &[(&[u8], &str, &[&str])] = &[
        (b"", "read.empty", &["the file is empty", "`user,item,rating`"]),
        (b"\xef\xbb\xbf\r\n \n", "read.empty", &["the file is empty"]),
        (b"just some prose\nin two lines\n", "read.not_delimited", &["line 1 reads `just some prose`", "semicolon"]),
        (b"[[1,2],[2,2]]", "read.not_delimited", &["no columns found"]),
        (b"{\"user\":1}\n{\"user\":2}\n", "read.not_delimited", &["line 1 reads `{\"user\":1}`"]),
        (b"uid,iid\n1,\x002\n", "read.binary", &["byte 11 is zero", "export it as CSV"]),
        (b"\x89PNG\r\n\x1a\n", "read.binary", &["a PNG image"]),
        (b"\xff\xfeu\0i\0", "read.not_delimited", &["line 1 reads `ui`", "the encoding"]),
        (b"\x91\x92\x93,\x94\x95,\x96\n\x81,\x82,\x83\n", "read.binary", &["are not text"]),
        (
            b"user,item,val\n1,2\n3,4\n",
            "read.column_count",
            &["expected 3 (as in the header), but line 2 has 2", "comma"],
        ),
        (
            b"name,movieId,rating\nx,1,5\n",
            "read.missing_column",
            &["no column for the users", "`name`, `movieId`, `rating`", "`user`, `userid`, `uid`"],
        ),
        (b"user,thing,rating\nx,1,5\n", "read.missing_column", &["no column for the items", "`thing`", "`sku`"]),
        (b"user,item,rating\n", "read.no_rows", &["below the header there is nothing", "user in `user`"]),
        (
            b"user,item,rating\na,b,good\nc,d,bad\n",
            "read.no_rows",
            &["all 2 were left out (2 x rating_not_a_number)", "line 2, column `rating`", "`good`"],
        ),
        (b"user,item\na,b\na,b\na,b\n", "read.all_same", &["all 3 rows are the same: user `a`, item `b`"]),
        (b"user,item\na,b\na,c\n", "read.one_user", &["only one user, `a` (2 rows)"]),
        (b"user,item\na,c\nb,c\n", "read.one_item", &["only one item, `c` (2 rows)"]),
        (b"\x1f\x8b\x08\x00nonsense", "read.bad_archive", &["damaged or cut off", "download or pack it again"]),
    ];
    for (bytes, code, parts) in cases {
        let error = read_with(&ReadConfig::default(), bytes).map(|(_, report)| report).unwrap_err();
        let told = error.to_string();
        assert_eq!(error.code(), *code, "{told}");
        for part in *parts {
            assert!(told.contains(part), "{told:?} should say {part:?}");
        }
    }
}

#[test]
fn one_user_is_enough_for_a_part() {
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(b"user,item\na,b\n");
    assert_eq!(reader.finish_part().unwrap().0.rows().len(), 1);
}

#[test]
fn gzip_is_read_also_in_members_and_a_cut_one_is_refused() {
    let (plain, _) = read("uid,iid\n1,a\n2,b\n3,a\n").unwrap();
    let mut packed = gzip(b"uid,iid\n1,a\n2,");
    packed.extend(gzip(b"b\n3,a\n"));
    for size in [1, 7, 1_000] {
        let mut reader = Reader::new(ReadConfig::default());
        packed.chunks(size).for_each(|chunk| reader.push(chunk));
        let (interactions, report) = reader.finish().unwrap();
        assert_eq!((interactions, report.source.as_str()), (plain.clone(), "gzip"));
    }
    let whole = gzip(b"uid,iid\n1,a\n2,b\n3,a\n");
    for length in 2..whole.len() {
        let error = read_with(&ReadConfig::default(), &whole[..length]).unwrap_err();
        assert_eq!(error.code(), "read.bad_archive", "cut to {length} bytes: {error}");
    }
}

#[test]
fn a_decompression_bomb_is_refused() {
    let mut lines = String::from("uid,iid\n1,a\n2,b\n");
    lines.push_str(&"1,a\n".repeat(5 << 20));
    let error = read_with(&ReadConfig::default(), &gzip(lines.as_bytes())).unwrap_err();
    assert_eq!(error.code(), "read.archive_too_large", "{error}");
}

#[test]
fn a_preview_shows_columns_and_rows_even_where_they_cannot_be_read_yet() {
    let text = "who;movieId;rating\n1;a;5\n2;b;4\n";
    let shown = preview(text.as_bytes(), &ReadConfig::default()).unwrap();
    assert_eq!((shown.delimiter, shown.has_header), (Delimiter::Semicolon, true));
    let sure = Column {
        name: "movieId".into(),
        role: Some(Role::Item),
        confidence: Some(Confidence::Sure),
        reason: "by its name".into(),
    };
    assert_eq!(shown.columns[1], sure);
    assert_eq!(shown.rows, [["1", "a", "5"], ["2", "b", "4"]]);
    assert!(shown.problem.unwrap().contains("no column for the users"));
    let chosen = ReadConfig { user: ColumnChoice::Column(0), ..ReadConfig::default() };
    assert_eq!(preview(&gzip(text.as_bytes()), &chosen).unwrap().problem, None);
    let long: String = (0..50_000).map(|n| format!("{n},{n},1\n")).collect();
    for bytes in [long.as_bytes(), &gzip(long.as_bytes()), &long.as_bytes()[..100]] {
        assert_eq!(preview(bytes, &ReadConfig::default()).unwrap().rows.len(), 8);
    }
}

#[test]
fn a_file_larger_than_the_head_is_read_to_its_end() {
    let text: String = (0..40_000).map(|n| format!("{},{},{}\r\n", n / 20, n % 20, n % 5)).collect();
    let (interactions, report) = read(&text).unwrap();
    assert_eq!((interactions.rows().len(), report.rows_read), (40_000, 40_000));
    let mut spoiled = text.clone();
    spoiled.push_str("1,2\r\n");
    assert_eq!(read(&spoiled).unwrap().1.first_rejections[0].line, 40_001);
}

/// Lines that use every feature of the text.
fn line() -> impl Strategy<Value = String> {
    let id = prop_oneof![
        "[a-e]",
        "[0-9]{1,2}",
        Just("\"q,\"\"r\"".to_owned()),
        Just("\u{e9}\u{4e2d}\u{1f389}".to_owned()),
        Just(String::new()),
    ];
    let rating = prop_oneof!["[1-5]", "[0-4]\\.[0-9]", Just("bad".to_owned())];
    (id.clone(), id, rating, 0u32..100, any::<bool>()).prop_map(|(user, item, rating, time, crlf)| {
        format!("{user},{item},{rating},{time}{}", if crlf { "\r\n" } else { "\n" })
    })
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        lines in prop::collection::vec(line(), 1..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        packed: bool,
    ) {
        let text = format!("\u{feff}uid,iid,val,time\n{}", lines.concat());
        let bytes = if packed { gzip(text.as_bytes()) } else { text.into_bytes() };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut reader = Reader::new(ReadConfig::default());
        cuts.windows(2).for_each(|cut| reader.push(&bytes[cut[0]..cut[1]]));
        prop_assert_eq!(reader.finish(), read_with(&ReadConfig::default(), &bytes));
        let mut single = Reader::new(ReadConfig::default());
        bytes.iter().for_each(|byte| single.push(&[*byte]));
        prop_assert_eq!(single.finish(), read_with(&ReadConfig::default(), &bytes));
    }

    #[test]
    fn the_order_of_rows_does_not_matter(pairs in prop::collection::btree_map((0u8..30, 0u8..30), 1u8..6, 2..80), seed: u64) {
        let mut lines: Vec<String> = pairs.iter().map(|((u, i), v)| format!("{u},{i},{v}\n")).collect();
        let sorted = read(&format!("uid,iid,val\n{}", lines.concat()));
        let mut rng = crate::numerics::random::StreamKey::new(seed, crate::numerics::random::Purpose::Order, 0, 0).fast();
        crate::numerics::random::shuffle(&mut rng, &mut lines);
        let shuffled = read(&format!("uid,iid,val\n{}", lines.concat()));
        prop_assert_eq!(shuffled.as_ref().map(|read| &read.0), sorted.as_ref().map(|read| &read.0));
    }

    #[test]
    fn deleting_lines_from_the_text_equals_without(
        lines in prop::collection::vec(line(), 8..60),
        gone in "[a-e]",
        seed: u64,
    ) {
        let head = "uid,iid,val,time\n";
        let kept: String = lines.iter().filter(|line| !line.starts_with(&format!("{gone},"))).cloned().collect();
        let (all, twin) = (read(&format!("{head}{}", lines.concat())), read(&format!("{head}{kept}")));
        prop_assume!(all.is_ok() && twin.is_ok());
        let ((mut all, _), (mut twin, _)) = (all.unwrap(), twin.unwrap());
        let config = SplitConfig::default();
        prop_assume!(split(&mut all, &config, seed).is_ok() && split(&mut twin, &config, seed).is_ok());
        let user = all.users().find(&gone);
        let unlearned = all.without(|row| Some(row.user) == user);
        prop_assert_eq!(split_digest(&unlearned), split_digest(&twin));
        prop_assert_eq!(unlearned, twin);
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), zip in 0u8..4) {
        let mut bytes = bytes;
        match zip {
            0 => bytes.splice(0..0, *b"PK\x03\x04").for_each(drop),
            1 => bytes.splice(0..0, *b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03").for_each(drop),
            _ => {}
        }
        let _ = preview(&bytes, &ReadConfig::default());
        let _ = read_with(&ReadConfig::default(), &bytes);
    }

    #[test]
    fn no_text_causes_a_panic(text in "[a-c0-3,;:|\t\"\r\n. \u{e9}]{0,120}", header: Option<bool>, column in 0u32..4) {
        let config = ReadConfig { header, item: ColumnChoice::Column(column), ..ReadConfig::default() };
        for config in [ReadConfig::default(), config] {
            let _ = preview(text.as_bytes(), &config);
            if let Ok((interactions, report)) = read_with(&config, text.as_bytes()) {
                let kept = report.summary.rows + report.duplicates + report.rejected_rows();
                prop_assert_eq!(kept, report.rows_read);
                prop_assert_eq!(interactions.rows().len() as u32, report.summary.rows);
            }
        }
    }

    #[test]
    fn saved_rows_are_read_back(lines in prop::collection::vec(line(), 8..60)) {
        let read = read(&format!("uid,iid,val,time\n{}", lines.concat()));
        prop_assume!(read.is_ok());
        let (interactions, report) = read.unwrap();
        let bytes = postcard::to_stdvec(&(&interactions, &report)).unwrap();
        prop_assert_eq!(postcard::from_bytes::<(Interactions, ReadReport)>(&bytes).unwrap(), (interactions, report));
    }
}

const RATINGS: &[u8] = b"userId,movieId,rating,timestamp\n1,7,5,1\n2,7,4,2\n2,8,3,3\n";

#[test]
fn a_movielens_archive_is_read_with_its_titles() {
    let movies: &[u8] = b"movieId,title,genres\n7,\"Tide, The (1995)\",Drama|War\n8,Gull (1996),Comedy\n";
    let tags: &[u8] = &b"userId,movieId,tag,timestamp\n1,7,fine,9\n".repeat(50);
    for pack in [true, false] {
        let archive = zip(&[
            ("ml/tags.csv", tags, pack),
            ("ml/ratings.csv", RATINGS, pack),
            ("ml/README.txt", tags, pack),
            ("ml/movies.csv", movies, pack),
        ]);
        for size in [3, archive.len()] {
            let mut reader = Reader::new(ReadConfig::default());
            archive.chunks(size).for_each(|chunk| reader.push(chunk));
            let (interactions, report, titles) = reader.finish_with_titles(false).unwrap();
            assert_eq!(interactions, read_with(&ReadConfig::default(), RATINGS).unwrap().0);
            assert_eq!(report.source, "zip: ml/ratings.csv");
            assert_eq!(titles.get("7").map(|entry| entry.title.as_str()), Some("Tide, The (1995)"));
            assert_eq!(titles.get("7").unwrap().genres, ["Drama", "War"]);
        }
        assert_eq!(preview(&archive, &ReadConfig::default()).unwrap().rows[0], ["1", "7", "5", "1"]);
    }
}

#[test]
fn archives_that_cannot_be_used_are_refused_in_words() {
    let told = |archive: &[u8]| {
        let error = read_with(&ReadConfig::default(), archive).map(|(_, report)| report).unwrap_err();
        (error.code(), error.to_string())
    };
    let (code, text) = told(&zip(&[("a.png", b"x", false), ("readme.txt", b"hello", true)]));
    assert_eq!(code, "read.no_table");
    assert!(text.contains("it holds `a.png`, `readme.txt`") && text.contains(".csv"), "{text}");
    let (code, text) = told(&zip(&[("[Content_Types].xml", b"<x/>", true), ("xl/a.xml", b"<x/>", true)]));
    assert!(
        code == "read.binary" && text.contains("an Excel workbook") && text.contains("export the table as CSV"),
        "{text}"
    );
    let good = zip(&[("r.csv", RATINGS, true)]);
    let (code, text) = told(&good[..good.len() - 30]);
    assert!(code == "read.bad_archive" && text.contains("cut off"), "{text}");
    let mut locked = good.clone();
    let directory = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    locked[directory + 8] |= 1;
    assert!(told(&locked).1.contains("`r.csv` in it is protected by a password"));
    let mut odd = good.clone();
    odd[directory + 10] = 12;
    assert!(told(&odd).1.contains("method 12"));
    let (code, text) = told(&zip(&[("r.csv", b"user,thing\n1,2\n", true)]));
    assert!(code == "read.missing_column", "the reader's refusal passes through: {text}");
    let bomb = [b"uid,iid\n1,a\n2,b\n".to_vec(), b"1,a\n".repeat(5 << 20)].concat();
    assert_eq!(told(&zip(&[("r.csv", &bomb, true)])).0, "read.archive_too_large");
}

proptest! {
    #[test]
    fn a_damaged_archive_causes_no_panic(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for mut archive in [zip(&[("ml/ratings.csv", RATINGS, true), ("ml/movies.csv", RATINGS, true)]), gzip(RATINGS)] {
            for (place, value) in &places {
                let length = archive.len();
                archive[place.index(length)] = *value;
            }
            let _ = preview(&archive, &ReadConfig::default());
            let _ = read_with(&ReadConfig::default(), &archive);
        }
    }
}
