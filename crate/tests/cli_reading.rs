//! Files through the command line: the flags that say how they are to be read, and what is said where that is not enough.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

#[path = "corpus/mod.rs"]
mod corpus;

use corpus::archives::{gzip, tar, zip};
use corpus::{marked, text};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("a name").to_owned()
    }

    /// Users, items and all rows of a run with these words, and what it printed.
    fn run(&self, words: &[&str]) -> (u64, u64, u64, String) {
        let out = self.0.join("out.json");
        let output = ultrare(words, &out);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        let shown: Value = serde_json::from_slice(&std::fs::read(&out).expect("a snapshot")).expect("JSON");
        let number = |name: &str| shown["data"][name].as_u64().expect("a number");
        let rows = number("train_rows") + number("test_rows");
        (number("users"), number("items"), rows, String::from_utf8(output.stdout).expect("text"))
    }

    fn refused(&self, words: &[&str], sentence: &str) {
        let output = ultrare(words, &self.0.join("none.json"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(sentence), "{words:?}: {said}");
    }
}

fn ultrare(words: &[&str], out: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ultrare"));
    command.args([
        "run",
        "--shards",
        "2",
        "--partition",
        "random",
        "--combine",
        "mean",
        "--model",
        "itemknn",
        "--json",
    ]);
    command.arg(out).args(words).output().expect("the command line")
}

#[test]
fn every_flag_settles_what_the_file_leaves_open() {
    let folder = Folder::new("reading flags");
    let unknown = folder.file("unknown.csv", text("who,what,much,then", "\n", marked(",")));
    let columns = ["--user-column", "who", "--item-column", "2", "--rating-column", "much", "--time-column", "none"];
    let (users, items, rows, _) = folder.run(&[&["--data", &unknown], &columns[..]].concat());
    assert_eq!((users, items, rows), (12, 8, 72));
    let (_, _, kept, _) = folder.run(&[&["--data", &unknown, "--positive", "4"], &columns[..]].concat());
    assert!(kept < 40, "{kept} rows rated 4 and more");
    folder.refused(&["--data", &unknown], "choose which column holds the users");
    folder.refused(&["--data", &unknown], "--user-column");
    folder.refused(
        &["--data", &unknown, "--user-column", "whom"],
        "there is no column whom (--user-column); there are who, what",
    );

    let report =
        folder.file("report.txt", format!("a report\nof two lines\n{}", text("", "\n", marked("^"))).replace('^', " "));
    let (users, _, rows, _) =
        folder.run(&["--data", &report, "--skip-lines", "2", "--delimiter", "spaces", "--no-header"]);
    assert_eq!((users, rows), (12, 72));
    folder.refused(&["--data", &report, "--delimiter", "dots"], "--delimiter dots is not known; there are comma");
    folder.refused(&["--data", &report, "--encoding", "ebcdic"], "--encoding ebcdic is not known");

    let events = folder.file(
        "events.csv",
        text("visitorid,event,itemid", "\n", |(u, i, r, _)| {
            format!("{u},{},{i}", if *r > 2.0 { "buy" } else { "view" })
        }),
    );
    let (.., all, said) = folder.run(&["--data", &events]);
    assert!(said.contains("name the words that count"), "{said}");
    let (.., bought, _) = folder.run(&["--data", &events, "--positive", "buy,like"]);
    assert!(all == 72 && bought < 60, "{bought} of {all}");

    let latin: Vec<u8> =
        text("user,item", "\n", |(u, i, ..)| format!("Jos\u{e9} {u},{i}")).chars().map(|c| c as u8).collect();
    let latin = folder.file("latin.csv", latin);
    assert_eq!(folder.run(&["--data", &latin, "--encoding", "latin-1"]).0, 12);
    let twins = folder.file(
        "twins.csv",
        text("user,item", "\n", |(u, i, ..)| format!("{}{u},{i}", if i == "204" { "0" } else { "" })),
    );
    let (apart, .., said) = folder.run(&["--data", &twins]);
    assert!(apart > 12 && said.contains("unless they are made one"), "{apart} {said}");
    assert_eq!(folder.run(&["--data", &twins, "--merge-ids"]).0, 12);
    let (some, ..) = folder.run(&["--data", &twins, "--merge-ids", "--sample-users", "60%"]);
    assert!((2..12).contains(&some), "{some} users");
}

#[test]
fn archives_are_read_where_they_lie_each_file_with_its_own_columns_and_titles_are_told() {
    let folder = Folder::new("reading archives");
    let rows = text("userId,movieId,rating,timestamp", "\n", marked(","));
    let movies = (201..209).map(|n| format!("{n},Film {n} (1995),Drama|War\n")).collect::<String>();
    let movies = format!("movieId,title,genres\n{movies}");
    let prose = "Not a row.\n".repeat(20_000);
    let files: [(&str, &[u8], bool); 3] = [
        ("ml/README.txt", prose.as_bytes(), false),
        ("ml/ratings.csv", rows.as_bytes(), true),
        ("ml/movies.csv", movies.as_bytes(), true),
    ];
    let archive = folder.file("ml.zip", zip(&files));
    assert_eq!(folder.run(&["--data", &archive]).2, 72);
    let packed =
        folder.file("ml.tar.gz", gzip(&tar(&[("a/readme", prose.as_bytes()), ("a/ratings.csv", rows.as_bytes())])));
    assert_eq!(folder.run(&["--data", &packed]).2, 72);
    let test = (0..12)
        .map(|n| format!("{{\"stars\":4,\"item_id\":\"new {n}\",\"user_id\":{}}}\n", 11 + n))
        .collect::<String>();
    let both =
        folder.file("both.zip", zip(&[("train.csv", rows.as_bytes(), true), ("test.json", test.as_bytes(), true)]));
    let (users, items, all, _) =
        folder.run(&["--train", &both, "--test", &both, "--entry", "train.csv", "--test-entry", "test.json"]);
    assert_eq!((users, items, all), (12, 20, 84));
    folder.refused(&["--data", &both, "--entry", "rows.csv"], "the archive holds no file `rows.csv`");
}

#[test]
fn what_a_file_holds_cannot_command_the_terminal() {
    let folder = Folder::new("reading controls");
    let rows = text("user,item,rating", "\n", |(u, i, r, _)| format!("{u},{i},{r}"));
    let hostile = folder.file("hostile.csv", format!("{rows}9,9,\u{1b}[31mred\u{7}\n"));
    let (.., said) = folder.run(&["--data", &hostile]);
    assert!(said.contains("left out") && said.contains("[31mred"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "{said:?}");
}
