//! The same text in archives.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ultrare::interactions::ReadConfig;

#[path = "../../src/interactions/archive_testing.rs"]
mod archive_testing;

pub use archive_testing::zip;

use super::layouts::{accents, utf16};
use super::{Case, base, marked, noted, read, refused, text};

pub fn cases() -> Vec<Case> {
    let plain = text("user,item,rating,time", "\n", marked(","));
    let rows = plain.as_bytes();
    let tabs = text("", "\n", marked("\t"));
    let colons = text("", "\n", marked("::"));
    let items = "201|First (1995)|01-Jan-1995||x|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n".repeat(3);
    let asked = |name: &str| ReadConfig { entry: Some(name.to_owned()), ..ReadConfig::default() };
    let packed = gzip(rows);
    let (first, second) = rows.split_at(200);
    let prose = "This is a long text about the data, and nothing of the data itself.\n".repeat(400);
    let zipped = zip(&[("r.csv", rows, true)]);
    let split = || zip(&[("ds/train.csv", rows, true), ("ds/test.csv", b"user,item,rating,time\n11,299,4,1\n", true)]);
    let mut locked = zipped.clone();
    let directory = zipped.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    locked[directory + 8] |= 1;
    let mut odd = zipped.clone();
    odd[directory + 10] = 12;
    let mut spoiled = packed.clone();
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 0x55;
    let bomb = [b"uid,iid\n1,a\n2,b\n".to_vec(), b"1,a\n".repeat(5 << 20)].concat();
    let tarred = tar(&[("ds/README.txt", prose.as_bytes()), ("ds/ratings.csv", rows)]);
    vec![
        read("gzip", packed.clone(), base()),
        read("gzip in two members", [gzip(first), gzip(second)].concat(), base()),
        read("gzip with zero padding", [packed.clone(), vec![0; 1_000]].concat(), base()),
        noted("gzip with garbage behind", [packed.clone(), b"garbage".to_vec()].concat(), base(), &["garbage"]),
        noted(
            "gzip of UTF-16",
            gzip(&utf16(&text("user,item,rating,time", "\n", marked(",")), false)),
            base(),
            &["encoding"],
        ),
        read(
            "gzip of JSON",
            gzip(
                text("", "\n", |(u, i, r, t)| format!("{{\"user\":{u},\"item\":{i},\"rating\":{r},\"time\":{t}}}"))
                    .as_bytes(),
            ),
            base(),
        ),
        read("zip, packed", zipped.clone(), base()),
        read("zip, stored", zip(&[("r.csv", rows, false)]), base()),
        read("zip with a file without an ending", zip(&[("ratings", rows, true)]), base()),
        read("zip with a comment", commented(&zipped), base()),
        read(
            "MovieLens 100K",
            zip(&[
                ("ml-100k/", b"", false),
                ("ml-100k/README", prose.as_bytes(), true),
                ("ml-100k/u.item", items.as_bytes(), true),
                ("ml-100k/u.data", tabs.as_bytes(), true),
                ("ml-100k/u.user", b"1|24|M|technician|85711\n", true),
            ]),
            base(),
        ),
        read(
            "MovieLens 1M",
            zip(&[
                ("ml-1m/movies.dat", b"201::First (1995)::Drama\n", true),
                ("ml-1m/ratings.dat", colons.as_bytes(), true),
                ("ml-1m/README", prose.as_bytes(), true),
            ]),
            base(),
        ),
        read(
            "MovieLens latest",
            zip(&[
                ("ml/links.csv", b"movieId,imdbId\n201,1\n", true),
                ("ml/tags.csv", b"userId,movieId,tag,timestamp\n11,201,fun,1\n", true),
                ("ml/ratings.csv", rows, true),
                ("ml/movies.csv", b"movieId,title,genres\n201,First (1995),Drama|War\n", true),
            ]),
            base(),
        ),
        read(
            "zip with Mac leftovers",
            zip(&[("__MACOSX/._r.csv", prose.as_bytes(), true), ("r.csv", rows, true)]),
            base(),
        ),
        read("train of train and test", split(), base()).with(asked("ds/train.csv")),
        read("train by itself", split(), base()),
        read("tar", tarred.clone(), base()),
        read("tar.gz", gzip(&tarred), base()),
        read("tar.gz, the file chosen", gzip(&tarred), base()).with(asked("ds/ratings.csv")),
        refused("a file that is not in the zip", split(), "read.no_entry", &["no file `x.csv`", "`ds/train.csv`"])
            .with(asked("x.csv")),
        refused(
            "a file that is not in the tar",
            tarred.clone(),
            "read.no_entry",
            &["no file `x.csv`", "`ds/ratings.csv`"],
        )
        .with(asked("x.csv")),
        refused(
            "gzip cut off",
            packed[..packed.len() - 9].to_vec(),
            "read.bad_archive",
            &["damaged or cut off", "download or pack it again"],
        ),
        refused("gzip spoiled", spoiled, "read.bad_archive", &["damaged or cut off"]),
        refused("gzip bomb", gzip(&bomb), "read.archive_too_large", &["unpacks to more than"]),
        refused("zip bomb", zip(&[("r.csv", &bomb, true)]), "read.archive_too_large", &["unpacks to more than"]),
        refused(
            "zip cut off",
            zipped[..zipped.len() - 30].to_vec(),
            "read.bad_archive",
            &["list of contents is missing", "cut off"],
        ),
        refused("zip with a password", locked, "read.bad_archive", &["`r.csv` in it is protected by a password"]),
        refused("zip packed oddly", odd, "read.bad_archive", &["method 12", "ordinary .zip"]),
        refused(
            "zip of pictures",
            zip(&[("a.png", b"x", false), ("readme.txt", b"hello", true)]),
            "read.no_table",
            &["`a.png`", ".csv"],
        ),
        refused(
            "an Excel workbook",
            zip(&[("[Content_Types].xml", b"<x/>", true), ("xl/a.xml", b"<x/>", true)]),
            "read.binary",
            &["Excel", "export the table as CSV"],
        ),
        refused("an empty zip", zip(&[]), "read.no_table", &["no file of interactions"]),
        refused("tar cut off", tarred[..tarred.len() - 2_600].to_vec(), "read.bad_archive", &["cut off"]),
        refused(
            "zip of a table without users",
            zip(&[("r.csv", b"name,thing,n\nx,y,1\n", true)]),
            "read.missing_column",
            &["no column for the users"],
        ),
        noted(
            "zip of Windows-1252",
            zip(&[("r.csv", &accents().chars().map(|c| c as u8).collect::<Vec<u8>>(), true)]),
            accented_rows(),
            &["encoding"],
        ),
    ]
}

fn accented_rows() -> Vec<super::Row> {
    let mut rows: Vec<super::Row> =
        base().into_iter().map(|(u, i, r, t)| (format!("Jos\u{e9} {u}"), format!("\u{dc}ber {i}"), r, t)).collect();
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    rows
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn commented(zip: &[u8]) -> Vec<u8> {
    let mut zip = zip.to_vec();
    let length = zip.len();
    zip[length - 2..].copy_from_slice(&5u16.to_le_bytes());
    zip.extend(b"hello");
    zip
}

/// A minimal tar file.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in files {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        header[154] = 0;
        out.extend(header);
        out.extend(*content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1_024, 0);
    out
}
