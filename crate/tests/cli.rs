//! The command line's contract: keys of the JSON, refusals, receipts that are verified in another process.

mod command;

use std::process::Command;

use command::{Folder, refuses, succeeds, ultrare};
use serde_json::Value;

/// A generated file of 80 users.
fn synth(folder: &Folder) -> String {
    let file = folder.path("rows.csv");
    succeeds(&["synth", "--users", "80", "--items", "60", "--rows", "1600", "--seed", "4", &file]);
    file
}

#[test]
fn a_run_writes_the_keys_that_others_rely_on() {
    let folder = Folder::new("keys");
    let (rows, out) = (synth(&folder), folder.path("out.json"));
    let common = ["--shards", "4", "--combine", "mean", "--seed", "1", "--json", &out];
    succeeds(&[&["run", "--data", &rows, "--partition", "random", "--forget", "random:5%"], &common[..]].concat());
    let json = folder.json("out.json");
    for (part, keys) in [
        ("", "version settings data partition results change digests seconds"),
        ("/data", "users items train_rows test_rows rejected"),
        ("/partition", "method shards users_per_shard rows_per_shard within_ss iterations seconds"),
        ("/results", "original unlearned retrained"),
        ("/results/unlearned", "metrics users seconds shards_trained"),
        ("/results/unlearned/metrics", "ndcg@5 ndcg@10 ndcg@20 ndcg@50 recall@20 hit@20"),
        ("/results/unlearned/metrics/ndcg@20", "mean low high"),
        ("/change", "protocol users rows rows_added touched_shards"),
        ("/digests", "split partition shards_before shards_after ensemble_before ensemble_after"),
        ("/seconds", "read embed partition train combine evaluate unlearn retrain"),
    ] {
        for key in keys.split(' ') {
            assert!(json.pointer(part).is_some_and(|value| value.get(key).is_some()), "{part} has no {key}");
        }
    }
    assert_eq!(json["change"]["users"], 4);
    assert_eq!(json["partition"]["method"], "random");
}

#[test]
fn threads_change_no_digest() {
    let folder = Folder::new("threads");
    let rows = synth(&folder);
    let digests = |threads: &str| {
        let out = folder.path("out.json");
        succeeds(&[
            "run",
            "--data",
            &rows,
            "--shards",
            "4",
            "--forget",
            "core:5%",
            "--threads",
            threads,
            "--json",
            &out,
        ]);
        folder.json("out.json")["digests"].clone()
    };
    assert_eq!(digests("1"), digests("3"));
}

#[test]
fn requests_on_different_days_are_verified_by_somebody_else() {
    let folder = Folder::new("days");
    let rows = synth(&folder);
    let [first, second, saved] = ["first.json", "second.json", "saved.urx"].map(|name| folder.path(name));
    let common = ["--data", &rows, "--shards", "4", "--combine", "mean"];
    succeeds(&[&["run", "--forget", "users:u01,u02", "--receipt", &first, "--save", &saved], &common[..]].concat());
    succeeds(&["unlearn", "--experiment", &saved, "--forget", "users:u40", "--receipt", &second]);
    assert!(succeeds(&["verify", &first, &second, "--data", &rows]).contains("verified"));

    // One rating less than the receipts are about.
    let text = std::fs::read_to_string(&rows).unwrap();
    let shorter = folder.path("shorter.csv");
    std::fs::write(&shorter, &text[..text.trim_end().rfind('\n').unwrap() + 1]).unwrap();
    refuses(&["verify", &first, "--data", &shorter], "are not the ones the receipt is about");
    let forged = folder.path("forged.json");
    std::fs::write(&forged, std::fs::read_to_string(&first).unwrap().replacen("\"number\": 1", "\"number\": 2", 1))
        .unwrap();
    refuses(&["verify", &forged, "--data", &rows], "was changed after it was written");
    std::fs::write(&forged, r#"{"format": "ultrare receipt", "version": 1}"#).unwrap();
    refuses(&["verify", &forged, "--data", &rows], "this is a receipt of version 1");
}

#[test]
fn receipts_are_signed_and_a_head_shows_what_was_cut_off() {
    let folder = Folder::new("signed");
    let rows = synth(&folder);
    let [first, second, saved, key, other] =
        ["1.json", "2.json", "e.urx", "key", "other"].map(|name| folder.path(name));
    for key in [&key, &other] {
        for path in [key.clone(), format!("{key}.pub")] {
            let _ = std::fs::remove_file(path);
        }
        succeeds(&["keys", key]);
        refuses(&["keys", key], "is there already");
    }
    let public = format!("{key}.pub");
    let common = ["--data", &rows, "--shards", "3", "--combine", "mean", "--partition", "hash"];
    let asked = ["run", "--forget", "users:u01", "--receipt", &first, "--sign", &key, "--save", &saved];
    let said = succeeds(&[&asked[..], &common[..]].concat());
    let head = folder.json("1.json")["digest"].as_str().unwrap().to_owned();
    assert!(said.contains(&format!("head       {head}")), "{said}");
    succeeds(&["unlearn", "--experiment", &saved, "--forget", "users:u40", "--receipt", &second, "--sign", &other]);
    let digits = std::fs::read_to_string(&public).unwrap();
    for by in [public.as_str(), digits.trim()] {
        let said = succeeds(&["verify", &first, "--data", &rows, "--signed-by", by, "--head", &head]);
        assert!(said.contains("verified") && said.contains("unchecked  seconds"), "{said}");
    }
    let differs = |args: &[&str], sentence: &str| {
        let output = ultrare(args);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(sentence), "{said}");
    };
    differs(
        &["verify", &first, &second, "--data", &rows, "--signed-by", &public],
        "receipt 2, signed by: the receipt says",
    );
    differs(&["verify", &first, &second, "--data", &rows, "--head", &head], "chain, head");
    refuses(&["verify", &first, "--data", &rows, "--signed-by", "me"], "64 hexadecimal digits");
    refuses(&["run", "--sample", "small", "--sign", &key], "--receipt");
}

#[test]
fn anchors_by_consent_and_given_shards_come_from_files() {
    let folder = Folder::new("consent");
    let rows = std::fs::read_to_string(synth(&folder)).expect("the rows");
    let mut users: Vec<&str> = rows.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    users.sort_unstable();
    users.dedup();
    let agrees =
        |line: &str| line.split(',').next().is_some_and(|user| users.binary_search(&user).unwrap_or(0) % 3 == 0);
    let with = |name: &str, yes: &str| {
        let path = folder.path(name);
        let lines = rows.lines().enumerate().map(|(at, line)| match at {
            0 => format!("{line},research\n"),
            _ => format!("{line},{}\n", if agrees(line) { yes } else { "no" }),
        });
        std::fs::write(&path, lines.collect::<String>()).expect("a file");
        path
    };
    let (some, none) = (with("some.csv", "yes"), with("none.csv", "no"));
    let run = |data: &str, more: &[&str]| {
        [&["run", "--data", data, "--shards", "4", "--combine", "mean"], more]
            .concat()
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let out = folder.path("out.json");
    let consent = ["--partition", "anchored", "--anchors", "consent", "--consent", "research", "--json", &out];
    let line = run(&some, &consent);
    succeeds(&line.iter().map(String::as_str).collect::<Vec<_>>());
    let shown = folder.json("out.json");
    assert_eq!(shown["data"]["consenting"], users.len().div_ceil(3));
    assert_eq!(shown["settings"]["partition"]["consent"], true);
    let refused =
        |line: &[String], sentence: &str| refuses(&line.iter().map(String::as_str).collect::<Vec<_>>(), sentence);
    refused(&run(&none, &consent[..6]), "nobody with a training row consents");
    refused(&run(&some, &consent[..4]), "the file has no consent column");
    refused(&run(&some, &["--consent", "agreed"]), "there is no column agreed");

    let shards = folder.path("shards.csv");
    let all: String = users.iter().enumerate().map(|(at, user)| format!("{user},{}\n", at % 4)).collect();
    std::fs::write(&shards, format!("user,shard\n{all}")).expect("a file");
    let file = format!("file:{shards}");
    let given = ["--partition", file.as_str(), "--json", out.as_str()];
    let line = run(&some, &given);
    succeeds(&line.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(folder.json("out.json")["partition"]["method"], "file");
    std::fs::write(&shards, format!("user,shard\n{all}{},3\n{},2\n", users[0], users[0])).expect("a file");
    refused(&run(&some, &given), &format!("\"{}\" is in shard 3 here and in shard 0 above", users[0]));
}

#[test]
fn a_script_is_carried_out_line_by_line_and_a_request_is_rehearsed() {
    let folder = Folder::new("script");
    let rows = synth(&folder);
    let [script, receipt, json] = ["script.csv", "last.json", "out.json"].map(|name| folder.path(name));
    std::fs::write(&script, "# two people\nuser,u01\nuser,u40\n").unwrap();
    let common = ["run", "--data", &rows, "--partition", "hash", "--shards", "3", "--combine", "mean", "--slices", "3"];
    let asked = ["--sequence", &script, "--audit", "--receipt", &receipt, "--json", &json];
    let said = succeeds(&[&common[..], &asked[..]].concat());
    assert_eq!(said.matches("equal at every stage").count(), 2, "{said}");
    assert_eq!(folder.json("out.json")["sequence"]["ledger"]["steps"][1]["shards"], 1);
    assert_eq!(folder.json("last.json")["protocol"]["slices"], 3);
    assert_eq!(folder.json("last.json")["number"], 2);

    let said = succeeds(&[&common[..], &["--forget", "random:8%", "--audit"]].concat());
    assert!(said.contains("never in") && said.contains("of their training was done again"), "{said}");
    let said = succeeds(&[
        "run",
        "--data",
        &rows,
        "--model",
        "ease",
        "--combine",
        "mean",
        "--shards",
        "1",
        "--forget",
        "users:u01",
        "--confirm",
    ]);
    assert!(said.contains("are subtracted"), "{said}");
    std::fs::write(&script, "user,u01\nuser\n").unwrap();
    refuses(&["run", "--data", &rows, "--sequence", &script], "line 2: `user` takes one id");
}

#[test]
fn leaving_the_last_out_is_the_librarys_and_needs_times() {
    use ultrare::experiment::{Activity, Experiment, Loaded};
    use ultrare::interactions::{ReadConfig, Reader, SplitMethod};
    use ultrare::pipeline::{Runner, Settings, Stage};
    let folder = Folder::new("last");
    let (rows, json, receipt) = (synth(&folder), folder.path("out.json"), folder.path("receipt.json"));
    let common = ["run", "--data", &rows, "--split", "leave-last-out", "--shards", "3", "--seed", "5", "--json", &json];
    succeeds(&common);
    let mut settings = Settings { seed: 5, ..Settings::default() };
    settings.split.method = SplitMethod::LeaveLastOut;
    settings.partition.shards = 3;
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(&std::fs::read(&rows).unwrap());
    let (read, report) = reader.finish().unwrap();
    let mut experiment = Experiment::new();
    experiment.configure(settings).unwrap();
    experiment.load(Loaded::of(read, &report)).unwrap();
    for activity in [Activity::Build { until: Stage::Evaluate }, Activity::Compare] {
        experiment.begin(activity).unwrap();
        experiment.drive(&Runner::new()).unwrap();
    }
    let ours = serde_json::to_value(experiment.snapshot()).unwrap();
    let theirs = folder.json("out.json");
    assert_eq!(theirs["digests"], ours["digests"]);
    assert_eq!(theirs["results"]["original"]["metrics"], ours["results"]["original"]["metrics"]);
    assert_eq!(theirs["data"]["test_rows"], 80, "everybody's last row");
    // One row less of somebody: another of the person's rows is held out, told on the bill and verified.
    let text = std::fs::read_to_string(&rows).unwrap();
    let latest = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let latest = latest.filter(|line| line[0] == "u01").max_by_key(|line| (line[3].parse::<i64>().unwrap(), line[1]));
    let row = format!("rows:u01={}", latest.unwrap()[1]);
    let said = succeeds(&[&common[..], &["--forget", &row, "--drift", "--receipt", &receipt]].concat());
    assert!(said.contains("another row of the same person is held out"), "{said}");
    assert!(said.contains("split       equal"), "{said}");
    assert!(succeeds(&["verify", &receipt, "--data", &rows]).contains("verified"));
    let timeless = folder.path("timeless.csv");
    std::fs::write(&timeless, "user,item\na,x\na,y\na,z\nb,x\nb,y\nb,z\n").unwrap();
    refuses(&["run", "--data", &timeless, "--split", "leave-last-out"], "time");
    refuses(&["run", "--train", &rows, "--test", &rows, "--split", "leave-last-out"], "cannot be used with");
    refuses(&["run", "--data", &rows, "--split", "last"], "leave-last-out");
    assert!(succeeds(&["run", "--help"]).contains("leave-last-out"));
}

#[test]
fn scenarios_are_billed_carried_out_and_the_same_for_a_saved_experiment() {
    let folder = Folder::new("scenarios");
    let (rows, json, saved) = (synth(&folder), folder.path("out.json"), folder.path("saved.urx"));
    let common = ["--data", &rows, "--shards", "3", "--combine", "mean"];
    succeeds(&[&["run", "--save", &saved], &common[..]].concat());
    for (story, requests) in [("consent", 6), ("spam", 1), ("item", 1), ("month", 10)] {
        let asked = ["--scenario", story, "--json", &json];
        let said = succeeds(&[&["run"], &common[..], &asked[..]].concat());
        assert!(said.contains(&format!("bill       {requests} requests")), "{said}");
        assert_eq!(said.matches("may leave: partition").count(), 2 * requests, "{said}");
        let whole = folder.json("out.json");
        let steps = whole["sequence"]["ledger"]["steps"].as_array().unwrap();
        assert_eq!(steps.len(), requests);
        assert_eq!(whole["sequence"]["steps"][0]["taints"][0]["stage"], "partition");
        // The bill is what was done.
        let billed: Vec<&str> = said.lines().filter(|line| line.contains("shards to train again: ")).collect();
        for (line, step) in billed.iter().zip(steps) {
            let done = format!("; {} of {} rows", step["rows_trained"], step["rows_full"]);
            assert!(line.contains(&done) && line.contains(&format!("{} rows; ", step["rows"])), "{line}: {step}");
        }
        let again = ["unlearn", "--experiment", &saved, "--scenario", story, "--json", &json];
        succeeds(&again);
        let later = folder.json("out.json");
        assert_eq!(later["digests"]["ensemble_after"], whole["digests"]["ensemble_after"], "{story}");
    }
    let said = succeeds(&[&["run", "--partition", "hash", "--scenario", "consent", "--audit"], &common[..]].concat());
    assert_eq!(said.matches("equal at every stage").count(), 6, "{said}");
    refuses(&["run", "--data", &rows, "--scenario", "christmas"], "month");
    refuses(&["run", "--data", &rows, "--scenario", "spam", "--forget", "users:u01"], "cannot be used with");
}

#[test]
fn nonsense_is_refused_in_words() {
    let folder = Folder::new("nonsense");
    let rows = synth(&folder);
    let run = |more: &[&'static str]| -> Vec<String> {
        ["run", "--data", &rows].iter().chain(more).map(|&word| word.to_owned()).collect()
    };
    for (more, sentence) in [
        (&["--shards", "0"][..], "--shards must be a whole number from 1, not 0"),
        (&["--shards", "-3"], "--shards must be a whole number from 1, not -3"),
        (&["--shards", "900"], "900 shards cannot be filled by 80 users"),
        (&["--forget", "random:150%"], "a percentage from 0 to 100, not \"150%\""),
        (&["--forget", "everybody"], "has no colon"),
        (&["--forget", "random:100%"], "this would forget everybody"),
        (&["--partition", "magic"], "expected one of `obc`, `random`"),
        (&["--drift"], "say whom with --forget"),
        (&["--audit"], "say which with --forget"),
        (&["--forget", "rows:u01"], "USER=ITEM"),
        (&["--slices", "65"], "0 (none) to 64"),
        (&["--model", "ease", "--slices", "4"], "counts are subtracted"),
        (&["--model", "itemknn", "--factors", "8"], "itemknn has no knob factors: it has neighbours"),
        (
            &["--set", "rate=0.1"],
            "--set: wmf has no knob rate: it has factors, epochs, alpha, lambda, nu, tolerance and slices",
        ),
        (&["--partition", "random", "--anchors", "20%"], "--anchors: random has no knob anchors: it has shards"),
        (&["--partition", "hash", "--balance-strength", "1"], "hash has no knob strength: it has shards"),
        (&["--partition", "kmeans", "--solver", "exact"], "kmeans has no knob solver"),
    ] {
        let args = run(more);
        refuses(&args.iter().map(String::as_str).collect::<Vec<_>>(), sentence);
    }
    refuses(&["run"], "say what to read");
    refuses(&["unlearn", "--experiment", &rows, "--forget", "users:u01"], "are not a saved experiment");
}

#[test]
fn tuning_is_the_same_on_any_number_of_threads_and_never_sees_the_test_rows() {
    let folder = Folder::new("tune");
    let rows = std::fs::read_to_string(synth(&folder)).unwrap();
    let (head, body) = rows.split_once('\n').unwrap();
    let lines: Vec<&str> = body.lines().collect();
    let write = |name: &str, lines: &[&str]| {
        std::fs::write(folder.path(name), format!("{head}\n{}\n", lines.join("\n"))).unwrap();
        folder.path(name)
    };
    let at =
        |rest: usize| lines.iter().enumerate().filter(|(n, _)| n % 5 == rest).map(|line| *line.1).collect::<Vec<_>>();
    let train = write("train.csv", &[at(0), at(1), at(2)].concat());
    let (one, other) = (write("one.csv", &at(3)), write("other.csv", &at(4)[..20]));
    let table = |test: &str, threads: &str, out: &str, more: &[&str]| {
        let out = folder.path(out);
        let common = ["tune", "--train", &train, "--test", test, "--seed", "2", "--threads", threads, "--json", &out];
        succeeds(&[&common[..], more].concat());
        std::fs::read_to_string(out).unwrap()
    };
    for more in [
        &["--model", "wmf", "--set", "factors=8"][..],
        &["--model", "bpr", "--set", "factors=8 epochs=20", "--shards", "3"],
    ] {
        let first = table(&one, "1", "a.json", more);
        assert_eq!(first, table(&one, "3", "b.json", more), "threads matter");
        assert_eq!(first, table(&other, "2", "c.json", more), "test rows matter");
    }
    let json = folder.json("a.json");
    let settings = json["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 9);
    assert!(settings[0]["ndcg"].as_f64().unwrap() >= settings[8]["ndcg"].as_f64().unwrap());
    // What is printed can be pasted.
    let best = format!("--set={}", settings[0]["paste"][0].as_str().unwrap());
    succeeds(&["run", "--data", &folder.path("rows.csv"), "--model", "bpr", "--shards", "2", &best]);
    refuses(&["tune", "--data", &folder.path("rows.csv"), "--model", "wmff"], "wmff");
    refuses(&["tune", "--data", &folder.path("rows.csv"), "--set", "speed=3"], "speed");
    refuses(
        &["tune", "--data", &folder.path("rows.csv"), "--set", "rate=0.1"],
        "wmf has no knob rate: it has factors, epochs",
    );
    refuses(&["tune", "--data", &folder.path("rows.csv"), "--set", "rate"], "rate=0.02");
    refuses(&["tune", "--data", &folder.path("rows.csv"), "--set", "factors=0"], "1 to 512");
    refuses(&["tune", "--data", &folder.path("rows.csv"), "--shards", "0"], "--shards");
}

#[test]
fn a_sweep_prints_a_table_and_goes_on_from_what_it_kept() {
    let folder = Folder::new("sweep");
    let (rows, out, keep) = (synth(&folder), folder.path("sweep.json"), folder.path("points"));
    let _ = std::fs::remove_file(format!("{keep}.1"));
    let common = ["sweep", "--data", &rows, "--seeds", "1", "--keep", &keep, "--json", &out];
    let with = |more: &[&str]| succeeds(&[&common[..], more].concat());
    let said = with(&["--shards", "2,4", "--partitions", "random,obc", "--combiners", "mean", "--decompose"]);
    assert!(said.contains("one model on all rows: NDCG@20 0.") && said.contains("4 shards"), "{said}");
    assert!(said.contains("relevance - redundancy - combination loss"), "{said}");
    let first = folder.json("sweep.json");
    assert_eq!(first.pointer("/seeds/1/points").and_then(Value::as_array).map(Vec::len), Some(4));
    with(&["--shards", "2,4,8", "--partitions", "random", "--combiners", "mean"]);
    let second = folder.json("sweep.json");
    assert_eq!(second.pointer("/seeds/1/points").and_then(Value::as_array).map(Vec::len), Some(5));
    // Times are never measured alike twice: equal ones were kept.
    assert_eq!(second.pointer("/seeds/1/one"), first.pointer("/seeds/1/one"));
    refuses(
        &["sweep", "--data", &rows, "--shards", "2,many"],
        "--shards takes whole numbers such as 10,40,94, not \"many\"",
    );
    refuses(&["sweep", "--data", &rows, "--combiners", "best"], "--combiners: unknown variant");
    // Every test row is a training row as well, so there is nothing to measure on.
    refuses(&["sweep", "--train", &rows, "--test", &rows, "--shards", "2"], "there are none: give test rows that");
}

/// Nothing of it may reach a terminal raw: it clears the screen, forges a line and rings the bell.
const STEERING: &str = "u\u{1b}[2J\u{7}\u{9b}31m";

#[test]
fn no_control_character_of_a_file_is_printed() {
    let folder = Folder::new("control");
    let rows = folder.path("rows.csv");
    let mut text = format!("user,item,rating\n{STEERING},i1,{STEERING}\n");
    for n in 0..400 {
        text += &format!("u{},i{},{}\n", n % 20, (n * 7) % 31, 1 + n % 5);
    }
    text += &format!("\"{STEERING}\nforged\",i2,5\n");
    std::fs::write(&rows, &text).unwrap();
    let given = folder.path("given.csv");
    std::fs::write(&given, format!("{STEERING},x{STEERING}\n")).unwrap();
    let script = folder.path("script.txt");
    std::fs::write(&script, format!("user,{STEERING}\n{STEERING}\n")).unwrap();
    let receipt = folder.path("receipt.json");
    std::fs::write(&receipt, format!("{{\"{STEERING}")).unwrap();
    let unknown = format!("users:u1,{STEERING}");
    let run = ["run", "--data", &rows, "--shards", "2", "--combine", "mean"];
    let mut seen = 0;
    for args in [
        run.to_vec(),
        [&run[..], &["--positive", "2", "--forget", &unknown]].concat(),
        [&run[..], &["--partition", &format!("file:{given}")]].concat(),
        [&run[..], &["--sequence", &script]].concat(),
        [&run[..], &["--consent", STEERING]].concat(),
        vec!["verify", &receipt, "--data", &rows],
    ] {
        let output = ultrare(&args);
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said).unwrap();
            assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{args:?}: {said:?}");
            assert!(!said.lines().any(|line| line.starts_with("forged")), "{args:?}: {said:?}");
            seen += usize::from(said.contains("\\u{1b}"));
        }
    }
    assert!(seen >= 3, "what steers is shown, as text: {seen}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    use std::process::Stdio;
    let folder = Folder::new("pipe");
    let rows = synth(&folder);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ultrare"))
        .args(["run", "--data", &rows, "--shards", "2", "--combine", "mean"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(141));
}

#[test]
fn a_model_without_item_vectors_gets_a_combiner_that_works_and_says_so() {
    let folder = Folder::new("standing-in");
    let rows = synth(&folder);
    for model in ["ease", "neumf", "itemknn"] {
        let out = folder.path("out.json");
        let said = succeeds(&["run", "--data", &rows, "--shards", "2", "--model", model, "--json", &out]);
        assert!(said.contains(&format!("combiner   mean, since {model} has no item vectors")), "{said}");
        assert_eq!(folder.json("out.json")["settings"]["combine"]["method"], "mean");
    }
    let said = succeeds(&["run", "--data", &rows, "--shards", "2"]);
    assert!(!said.contains("combiner   "), "{said}");
    let said = succeeds(&["sweep", "--data", &rows, "--shards", "2", "--model", "ease"]);
    assert!(said.contains("combiner   mean"), "{said}");
    // What is asked for by name is not replaced in silence.
    refuses(
        &["run", "--data", &rows, "--shards", "2", "--model", "ease", "--combine", "joint"],
        "joint needs item vectors",
    );
    assert!(succeeds(&["run", "--help"]).contains("consensus"));
}

#[test]
#[allow(clippy::disallowed_types)] // Whoever waits for the command line has a clock.
fn every_second_of_a_run_has_a_name() {
    let folder = Folder::new("spent");
    let (out, saved, lists) = (folder.path("out.json"), folder.path("saved"), folder.path("lists.csv"));
    let timed = |args: &[&str]| {
        let began = std::time::Instant::now();
        let told = succeeds(&[args, &["--threads", "2", "--json", &out]].concat());
        (began.elapsed().as_secs_f64(), told)
    };
    let run = [
        &["run", "--sample", "medium", "--factors", "16", "--shards", "4", "--combine", "mean"][..],
        &["--seed", "1", "--forget", "random:5%", "--save", &saved, "--lists", &lists],
    ]
    .concat();
    let unlearn = ["unlearn", "--experiment", &saved, "--forget", "random:5%"];
    for args in [&run[..], &unlearn] {
        let (wall, told) = timed(args);
        let spent = folder.json("out.json")["seconds"]["spent"].as_array().unwrap().clone();
        let sum = |key: &str| spent.iter().map(|one| one[key].as_f64().unwrap()).sum::<f64>();
        // A twentieth, and what it takes a process to begin and to end.
        let missing = wall - sum("seconds");
        assert!(missing <= 0.05 * wall + 0.1, "{missing:.3} of {wall:.3} s lie in no stage: {spent:?}");
        assert!(missing >= 0.0, "{:.3} s are more than the {wall:.3} s that it took", sum("seconds"));
        // Two threads compute at most twice as long as the wall; nearly all of this run is computing.
        assert!(sum("work") > 0.0 && sum("work") <= 2.0 * wall + 0.1, "{} of {wall}", sum("work"));
        assert!(told.contains("computing") && told.contains("unlearned train"), "{told}");
    }
}
