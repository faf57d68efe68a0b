//! Files that cannot be used, and what a person is told.

use ultrare::interactions::{ColumnChoice, Delimiter, Encoding, ReadConfig};

use super::{Case, marked, noted, refused, text};

pub fn cases() -> Vec<Case> {
    let mut cases = not_text();
    cases.extend(not_a_table());
    cases.extend(not_usable());
    cases.extend(hostile());
    cases
}

fn not_text() -> Vec<Case> {
    let known: [(&str, &[u8], &'static str); 16] = [
        ("Parquet", b"PAR1\x15\x04\x15", "Parquet"),
        ("SQLite", b"SQLite format 3\0\x10\0", "SQLite"),
        ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0", "a PNG image"),
        ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        ("GIF", b"GIF89a\x01\0\x01\0", "a GIF image"),
        ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
        ("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        ("HDF5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("NumPy", b"\x93NUMPY\x01\0v\0", "a NumPy array"),
        ("Feather", b"ARROW1\0\0", "Arrow or Feather"),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive"),
        ("RAR", b"Rar!\x1a\x07\0", "a RAR archive"),
        ("bzip2", b"BZh91AY&SY\x8a\0", "a bzip2 archive"),
        ("xz", b"\xfd7zXZ\0\0\x04", "an xz archive"),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\0", "a zstd archive"),
        ("pickle", b"\x80\x04\x95\x10\0\0\0", "a Python pickle"),
    ];
    let mut cases: Vec<Case> = known
        .iter()
        .map(|(name, bytes, told)| refused(name, *bytes, "read.binary", &["this is not a text file", told]))
        .collect();
    cases.push(refused("zero bytes", b"user,item\n1,2\n\0\0,3\n".as_slice(), "read.binary", &["byte 15 is zero"]));
    let noise: Vec<u8> = (0..4_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect();
    cases.push(refused("noise", noise, "read.binary", &["are not text", "choose its encoding"]));
    cases
}

fn not_a_table() -> Vec<Case> {
    let told = |name: &str, bytes: &str, parts: &[&'static str]| refused(name, bytes, "read.not_delimited", parts);
    vec![
        refused("nothing", "", "read.empty", &["the file is empty", "`user,item,rating`"]),
        refused("a mark and nothing", "\u{feff}", "read.empty", &["the file is empty"]),
        refused("blank lines only", "\r\n \n\n", "read.empty", &["the file is empty"]),
        told(
            "prose",
            "just some prose\nin two lines\n",
            &["line 1 reads `just some prose`", "semicolon", "choose the delimiter"],
        ),
        told(
            "a web page",
            "<!DOCTYPE html>\n<html><body>user,item</body></html>\n",
            &["line 1 reads `<!DOCTYPE html>`"],
        ),
        told("XML", "<?xml version=\"1.0\"?>\n<rows><row user=\"1\"/></rows>\n", &["line 1 reads `<?xml"]),
        told("one column", "1\n2\n3\n4\n", &["line 1 reads `1`"]),
        told("lists of lists", "[[1,2],[2,2]]", &["no columns found"]),
        told("JSON with one key", "{\"user\":1}\n{\"user\":2}\n", &["line 1 reads `{\"user\":1}`"]),
        told("UTF-16 without columns", "a\nb\nc\n", &["line 1 reads `a`"]),
    ]
}

fn not_usable() -> Vec<Case> {
    let column = ColumnChoice::Column;
    let config = ReadConfig::default;
    let missing = |name: &str, header: &str, parts: &[&'static str]| {
        refused(name, text(header, "\n", marked(",")), "read.missing_column", parts)
    };
    vec![
        missing(
            "unknown names",
            "a,b,c,d",
            &[
                "no column for the users: the columns are `a`, `b`, `c`, `d`",
                "choose which column holds the users",
                "(`a` may be it)",
            ],
        ),
        refused(
            "no user, few rows",
            "name,movieId,rating\nx,1,5\n",
            "read.missing_column",
            &["no column for the users", "`user`, `userid`, `uid`"],
        ),
        refused(
            "no item, few rows",
            "user,thing,rating\nx,1,5\n",
            "read.missing_column",
            &["no column for the items", "`sku`"],
        ),
        refused(
            "a table of users",
            "userId,gender,age\n1,M,20\n2,F,31\n3,F,25\n",
            "read.missing_column",
            &["no column for the items"],
        ),
        refused(
            "a table of titles",
            "movieId,title,genres\n1,Toy,Fun\n2,Boy,Sad\n",
            "read.missing_column",
            &["no column for the users"],
        ),
        refused(
            "only a header",
            "user,item,rating\n",
            "read.no_rows",
            &["below the header there is nothing", "user in `user`"],
        ),
        refused(
            "no rating is a number",
            "user,item,rating\na,b,good\nc,d,bad\n",
            "read.no_rows",
            &["all 2 were left out (2 x rating_not_a_number)", "line 2, column `rating`", "`good`"],
        ),
        refused(
            "every row is short",
            "user,item,val\n1,2\n3,4\n",
            "read.column_count",
            &["expected 3 (as in the header), but line 2 has 2", "comma"],
        ),
        refused(
            "one pair",
            "user,item\na,b\na,b\na,b\n",
            "read.all_same",
            &["all 3 rows are the same: user `a`, item `b`"],
        ),
        refused("one user", "user,item\na,b\na,c\n", "read.one_user", &["only one user, `a` (2 rows)"]),
        refused("one item", "user,item\na,c\nb,c\n", "read.one_item", &["only one item, `c` (2 rows)"]),
        refused(
            "a column that is not there",
            "user,item\na,c\nb,d\n",
            "read.bad_column",
            &["column 4 was chosen for the items", "only 2 columns"],
        )
        .with(ReadConfig { item: column(3), ..config() }),
        refused(
            "a column twice",
            "user,item\na,c\nb,d\n",
            "read.bad_column",
            &["it is already the column of the users"],
        )
        .with(ReadConfig { user: column(1), item: column(1), ..config() }),
        refused("the wrong delimiter", "user,item\na,c\nb,d\n", "read.not_delimited", &["line 1 reads `user,item`"])
            .with(ReadConfig { delimiter: Some(Delimiter::Tab), ..config() }),
        refused("the wrong encoding", "user,item\na,c\nb,d\n", "read.not_delimited", &["no columns found"])
            .with(ReadConfig { encoding: Some(Encoding::Utf16Le), ..config() }),
        refused(
            "words that do not occur",
            text("user,item,event", "\n", |(u, i, ..)| format!("{u},{i},view")),
            "read.no_rows",
            &["have other words than those that count", "change these choices"],
        )
        .with(ReadConfig { positive_words: vec!["buy".into()], ..config() }),
        refused(
            "a threshold above all",
            text("user,item,rating,time", "\n", marked(",")),
            "read.no_rows",
            &["the filters left none", "rated below 9"],
        )
        .with(ReadConfig { positive: Some(9.0), ..config() }),
        refused(
            "everything is a code",
            text("user,item,rating", "\n", |(u, i, ..)| format!("{u},{i},0")),
            "read.no_rows",
            &["are marked as not rated"],
        )
        .with(ReadConfig { missing: Some(vec!["0".into()]), ..config() }),
    ]
}

fn hostile() -> Vec<Case> {
    let mut quote = "user,item\na,\"".to_owned();
    quote += &"b,c\n".repeat(400_000);
    let wide = format!("user,item\n{}\nb,c\n", "x,".repeat(600_000));
    let some = |user: &str, item: &str| (user.to_owned(), item.to_owned(), 1.0, 0);
    let rows = || vec![some("a", "b"), some("c", "d")];
    vec![
        refused(
            "a quote that never closes",
            quote,
            "read.long_row",
            &["the row that begins in line 2", "choose to read quotes as text"],
        ),
        refused("a row without an end", wide, "read.long_row", &["longer than"]),
        refused(
            "JSON that never closes",
            format!("{{\"user\":1,\"item\":2}}\n{{\"user\":{}", "[".repeat(2_000_000)),
            "read.long_row",
            &["the row that begins in line 2"],
        ),
        refused(
            "Python instead of JSON",
            "{'user': 1, 'item': 2}\n".repeat(30),
            "read.not_delimited",
            &["line 1 reads `{'user': 1"],
        ),
        noted("control characters in ids", "user,item\na,b\nc,d\ne\u{7},f\n".to_owned(), rows(), &[]),
        noted("an id that is a text", format!("user,item\na,b\nc,d\n{},f\n", "long ".repeat(200)), rows(), &[]),
        noted("ids that are formulas", "user,item\na,b\nc,d\n".to_owned(), rows(), &[]),
        noted("ids that are nothing", "user,item\na,b\n,x\ny,\nc,d\n".to_owned(), rows(), &[]),
        noted("lines of other lengths", "user,item\na,b\na,b,c\nz\nc,d\n".to_owned(), rows(), &[]),
        noted(
            "markup in ids",
            "user,item\n<b>,b\nc,<script>\n".to_owned(),
            vec![some("<b>", "b"), some("c", "<script>")],
            &[],
        ),
        noted(
            "names of an object's own",
            "user,item\n__proto__,constructor\ntoString,d\n".to_owned(),
            vec![some("__proto__", "constructor"), some("toString", "d")],
            &[],
        ),
        noted(
            "right to left",
            "user,item\n\u{5d0}\u{5d1},b\nc,\u{627}\n".to_owned(),
            vec![some("c", "\u{627}"), some("\u{5d0}\u{5d1}", "b")],
            &[],
        ),
        noted(
            "ratings beyond all bounds",
            "user,item,rating\na,b,1\nc,d,1\ne,f,1e99\ng,h,inf\ni,j,NaN\n".to_owned(),
            rows(),
            &[],
        ),
        noted(
            "broken lines in JSON",
            "{\"user\":\"a\",\"item\":\"b\"}\n{\"user\":\"x\n{\"user\":\"c\",\"item\":\"d\"}\n".to_owned(),
            rows(),
            &[],
        ),
    ]
}
