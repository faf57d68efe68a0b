//! The command line towards other programs: recommendations, jobs as files, results on the standard output, exit codes.
#![allow(clippy::disallowed_types)] // Refusals have to come before the work: that is measured.

mod command;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use command::{Folder, refuses, succeeds, ultrare};
use serde_json::Value;

/// Paths of what lies in a folder of the folder.
fn files(folder: &Folder, name: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder.0.join(name)).unwrap();
    files.map(|file| file.unwrap().path().to_str().unwrap().to_owned()).collect()
}

/// A generated file of 80 users, and a saved experiment of it.
fn saved(folder: &Folder) -> (String, String) {
    let (rows, saved) = (folder.path("rows.csv"), folder.path("saved.urx"));
    succeeds(&["synth", "--users", "80", "--items", "60", "--rows", "1600", "--seed", "4", &rows]);
    succeeds(&["run", "--data", &rows, "--shards", "4", "--partition", "hash", "--save", &saved]);
    (rows, saved)
}

#[test]
fn people_visitors_and_strangers_are_recommended_to() {
    let folder = Folder::new("serving-recommend");
    let (_, saved) = saved(&folder);
    let [json, csv, lines, only] = ["out.json", "out.csv", "out.jsonl", "only.txt"].map(|name| folder.path(name));
    let asked = ["recommend", "--experiment", &saved, "--users", "u01,u02,stranger", "--top", "5", "--explain"];
    let said = succeeds(&[&asked[..], &["--out", &json]].concat());
    assert!(said.contains("because of") && said.contains("stranger, nothing is known"), "{said}");
    let answers = folder.json("out.json");
    assert_eq!(answers[0]["user"], "u01");
    assert_eq!(answers[0]["items"].as_array().unwrap().len(), 5);
    assert_eq!(answers[0]["items"][0]["reasons"].as_array().unwrap().len(), 3);
    assert_eq!((&answers[0]["basis"], &answers[2]["basis"]), (&"rows".into(), &"popularity".into()));
    let first = answers[0]["items"][0]["item"].as_str().unwrap().to_owned();

    succeeds(&["recommend", "--experiment", &saved, "--everybody", "--top", "2", "--out", &csv]);
    let text = std::fs::read_to_string(&csv).unwrap();
    assert_eq!((text.lines().count(), text.lines().next()), (161, Some("user,rank,item,score,basis")));
    std::fs::write(&only, format!("{first}\nno such item\n")).unwrap();
    let visitor = ["recommend", "--experiment", &saved, "--items", "i05,i06,never", "--only", &only, "--out", &lines];
    assert!(succeeds(&visitor).contains("never occurs in no row"));
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&lines).unwrap()).unwrap();
    assert_eq!((&line["user"], &line["items"][0]["item"]), (&Value::Null, &first.into()));
    assert_eq!(line["items"].as_array().unwrap().len(), 1);

    refuses(&["recommend", "--experiment", &saved], "--users");
    refuses(&["recommend", "--experiment", &saved, "--users", "u01", "--out", "list.txt"], ".csv or .jsonl");
    refuses(&["recommend", "--experiment", &folder.path("rows.csv"), "--users", "u01"], "not a saved experiment");
}

#[test]
fn jobs_as_files_come_to_the_same_digests_whatever_happens_to_them() {
    let folder = Folder::new("serving-jobs");
    let (rows, saved) = saved(&folder);
    let [prepared, plan, other] = ["prepared.urx", "plan", "other"].map(|name| folder.path(name));
    succeeds(&["run", "--data", &rows, "--shards", "4", "--partition", "hash", "--prepare", &prepared]);
    refuses(&["recommend", "--experiment", &prepared, "--users", "u01"], "train");
    let mut said = succeeds(&["job", "plan", &plan, "--experiment", &prepared]);
    refuses(&["job", "plan", &plan, "--experiment", &prepared], "is not empty");
    let mut rounds = 0;
    while !said.contains("finished") {
        rounds += 1;
        assert!(rounds < 30, "{said}");
        let jobs = files(&folder, "plan/jobs");
        // One process runs them, another runs them again, and the first of them is run by a third alone.
        let all: Vec<&str> = jobs.iter().map(String::as_str).collect();
        succeeds(&["job", "run", all[0]]);
        let again = succeeds(&[&["job", "run"], &all[..]].concat());
        assert_eq!(again.matches("there").count(), 1, "{again}");
        if rounds == 2 {
            // One is lost and one is damaged: both are asked for again.
            let outcomes = files(&folder, "plan/outcomes");
            std::fs::write(&outcomes[0], b"something else").unwrap();
            std::fs::remove_file(&outcomes[1]).unwrap();
        }
        said = succeeds(&["job", "accept", &plan]);
    }
    let built = folder.path("plan/result.urx");
    assert_eq!(digests(&folder, &built, None), digests(&folder, &saved, None));
    assert_eq!(files(&folder, "plan"), std::slice::from_ref(&built), "what held people's rows is gone");

    // A change in another folder; and a job of another version.
    said = succeeds(&["job", "plan", &other, "--experiment", &built, "--forget", "users:u05"]);
    let foreign = folder.path("other/jobs/foreign.job");
    let mut bytes = std::fs::read(&files(&folder, "other/jobs")[0]).unwrap();
    bytes[5] = b'9';
    std::fs::write(&foreign, bytes).unwrap();
    refuses(&["job", "run", &foreign], "use one version");
    std::fs::remove_file(&foreign).unwrap();
    while !said.contains("finished") {
        files(&folder, "other/jobs").iter().for_each(|job| drop(succeeds(&["job", "run", job])));
        said = succeeds(&["job", "accept", &other]);
    }
    let (result, unlearned) = (folder.path("other/result.urx"), folder.path("unlearned.urx"));
    succeeds(&["unlearn", "--experiment", &saved, "--forget", "users:u05", "--save", &unlearned]);
    assert_eq!(digests(&folder, &result, Some("u06")), digests(&folder, &unlearned, Some("u06")));
    let bytes = std::fs::read(&result).unwrap();
    assert!(!bytes.windows(3).any(|part| part == b"u05"), "the forgotten are nowhere");
    refuses(&["job", "plan", &folder.path("third"), "--experiment", &built, "--forget", "users:nobody"], "nobody");
}

/// The digests after one more change, which is the same for both.
fn digests(folder: &Folder, experiment: &str, forget: Option<&str>) -> Value {
    let out = folder.path("digests.json");
    let who = format!("users:{}", forget.unwrap_or("u07"));
    succeeds(&["unlearn", "--experiment", experiment, "--forget", &who, "--json", &out]);
    folder.json("digests.json")["digests"].clone()
}

#[test]
fn results_on_the_standard_output_are_alone_there() {
    let folder = Folder::new("serving-stdout");
    let (rows, saved) = saved(&folder);
    let run = ["run", "--data", &rows, "--shards", "3", "--combine", "mean"];
    let text = succeeds(&[&run[..], &["--json", "-"]].concat());
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["partition"]["shards"], 3);
    assert_eq!(succeeds(&[&run[..], &["--quiet"]].concat()), "");
    let text = succeeds(&["recommend", "--experiment", &saved, "--users", "u01", "--out", "-"]);
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["user"], "u01");
}

#[test]
fn lists_and_figures_of_everybody_are_tables() {
    let folder = Folder::new("serving-tables");
    let (rows, _) = saved(&folder);
    let [lists, figures, out] = ["lists.jsonl", "figures.csv", "out.json"].map(|name| folder.path(name));
    let run = ["run", "--data", &rows, "--shards", "3", "--forget", "users:u05"];
    succeeds(&[&run[..], &["--lists", &lists, "--per-user", &figures, "--json", &out]].concat());
    let text = std::fs::read_to_string(&figures).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(names[..4], ["pipeline", "user", "test", "ndcg@5"]);
    let at = names.iter().position(|name| *name == "ndcg@20").unwrap();
    let values: Vec<f64> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields[0] == "unlearned" && !fields[at].is_empty())
        .map(|fields| fields[at].parse().unwrap())
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let told = folder.json("out.json")["results"]["unlearned"]["metrics"]["ndcg@20"]["mean"].as_f64().unwrap();
    assert!((mean - told).abs() < 1e-12, "{mean} {told}");
    let text = std::fs::read_to_string(&lists).unwrap();
    let of: BTreeSet<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["pipeline"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of.into_iter().collect::<Vec<_>>(), ["original", "retrained", "unlearned"]);
    assert!(!text.contains("\"u05\""));
    refuses(&[&run[..], &["--lists", &folder.path("lists.txt")]].concat(), ".csv or .jsonl");
}

#[test]
fn what_cannot_end_well_is_refused_before_any_work() {
    let folder = Folder::new("serving-early");
    let (rows, saved) = saved(&folder);
    // A million rows would train for seconds; none of these may take one.
    let large = folder.path("large.csv");
    succeeds(&["synth", "--users", "3000", "--items", "1500", "--rows", "200000", &large]);
    let began = Instant::now();
    succeeds(&["run", "--data", &large, "--prepare", &folder.path("read.urx")]);
    let reading = began.elapsed();
    let nowhere = folder.path("no/such/folder/out.json");
    for (more, sentence) in [
        (vec!["--forget", "users:nobody,noone"], "nobody"),
        (vec!["--forget", "items:nothing"], "nothing"),
        (vec!["--forget", "rows:nobody=nothing"], "nobody"),
        (vec!["--json", &nowhere], "cannot be written"),
        (vec!["--save", &nowhere], "cannot be written"),
        (vec!["--forget", "random:5%", "--receipt", &nowhere], "cannot be written"),
        (vec!["--receipt", "receipt.json"], "there will be no receipt"),
        (vec!["--drift"], "--forget"),
        (vec!["--model", "neumf", "--combine", "joint"], "joint"),
    ] {
        let began = Instant::now();
        refuses(&[&["run", "--data", &large], &more[..]].concat(), sentence);
        let spent = began.elapsed();
        assert!(
            spent < 3 * reading + std::time::Duration::from_secs(1),
            "{more:?} took {spent:?}, reading {reading:?}"
        );
    }
    // What was to be written is not there, and what was there is as it was.
    let out = folder.path("kept.json");
    std::fs::write(&out, "mine").unwrap();
    refuses(&["unlearn", "--experiment", &saved, "--forget", "users:nobody", "--json", &out], "nobody");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    let new = folder.path("new.json");
    refuses(&["run", "--data", &rows, "--forget", "users:nobody", "--json", &new], "nobody");
    assert!(!Path::new(&new).exists());
}

#[test]
fn verify_answers_with_its_exit_code() {
    let folder = Folder::new("serving-codes");
    let (rows, saved) = saved(&folder);
    let receipt = folder.path("receipt.json");
    succeeds(&["unlearn", "--experiment", &saved, "--forget", "users:u05", "--receipt", &receipt]);
    let code = |args: &[&str]| ultrare(args).status.code();
    assert_eq!(code(&["verify", &receipt, "--data", &rows]), Some(0));
    assert_eq!(code(&["verify", &receipt, "--data", &rows, "--head", &"0".repeat(64)]), Some(1));
    assert_eq!(code(&["verify", &receipt, "--sample", "small"]), Some(2));
    let help = succeeds(&["--help"]);
    assert!(help.contains("Exit codes: 0 done"), "{help}");
}

#[test]
fn shells_are_told_the_words() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = succeeds(&["completions", shell]);
        assert!(script.contains("unlearn") && script.contains("recommend"), "{shell}: {script}");
    }
}
