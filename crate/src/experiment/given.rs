//! What the person decides about the partition: a whole assignment, or who may be an anchor.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::interactions::Consent;
use crate::partition::{Method, PartitionError};

use super::{Config, Data, Experiment, ExperimentError, Stage};

/// Reads lines of `user,shard` (also `;` or a tabulator between them, the user in quotes or not); a first line that is no
/// assignment is a header, and empty lines are nothing.
///
/// Errors: a line without a shard from 0 to 65534, a user with two different shards, no assignment at all; each with its line.
pub fn read_given(text: &str) -> Result<BTreeMap<String, u16>, ExperimentError> {
    let mut given: BTreeMap<String, u16> = BTreeMap::new();
    let refuse =
        |line: usize, problem: String| Err(ExperimentError::Given { place: format!("line {}", line + 1), problem });
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (place, (at, line)) in lines.enumerate() {
        let parts =
            line.rsplit_once([',', ';', '\t']).map(|(user, shard)| (bare(user), bare(shard).parse::<u16>().ok()));
        match parts {
            Some((user, Some(shard))) if !user.is_empty() && shard < u16::MAX => {
                let before = *given.entry(user.to_owned()).or_insert(shard);
                if before != shard {
                    return refuse(at, format!("\"{user}\" is in shard {shard} here and in shard {before} above"));
                }
            }
            _ if place == 0 => {}
            _ => {
                let line: String = line.chars().take(60).collect();
                return refuse(at, format!("expected user,shard with a shard from 0 to 65534, found \"{line}\""));
            }
        }
    }
    if given.is_empty() {
        return refuse(0, "expected lines of user,shard, found none".to_owned());
    }
    Ok(given)
}

/// Without blanks and one pair of quotes around it.
fn bare(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|field| field.strip_suffix('"')).unwrap_or(field)
}

/// How many of those who could be anchors consent to it; `None` where the file has no such column.
pub(super) fn consenting(data: &Data) -> Option<u32> {
    let asked = data.interactions.rows().iter().any(|row| row.consent != Consent::Unsaid);
    asked.then(|| data.active.iter().filter(|&&user| data.interactions.consents(user, &[])).count() as u32)
}

/// Refuses anchors by consent where nobody consents, before anything is computed.
pub(super) fn check_consent(data: &Data, config: &Config) -> Result<()> {
    if config.partition.method != Method::Anchored || !config.partition.consent {
        return Ok(());
    }
    let advice = match consenting(data) {
        None => {
            "the file has no consent column; name one when reading, or let a keyed hash choose a share of the users"
        }
        Some(0) => "nobody with a training row consents to it; let a keyed hash choose a share of the users instead",
        Some(_) => return Ok(()),
    };
    Err(PartitionError::NoAnchor { advice }.into())
}

impl Experiment {
    /// Gives the `file` partition its shards, by user id. Users it does not name are an error when the partition is made.
    ///
    /// Errors: work is under way.
    pub fn set_given(&mut self, given: BTreeMap<String, u16>) -> Result<()> {
        self.idle("a given partition")?;
        self.source.given = given;
        self.stale_from(Stage::Partition);
        Ok(())
    }

    /// The same from the text of a file of lines `user,shard`; gives how many users it names, and how many shards they need.
    ///
    /// Errors: as [`read_given`]; work is under way. What was given before then stays.
    pub fn read_given(&mut self, text: &str) -> Result<(u32, u32)> {
        let given = read_given(text)?;
        let shards = given.values().max().map_or(0, |&last| u32::from(last) + 1);
        let users = given.len() as u32;
        self.set_given(given)?;
        Ok((users, shards))
    }

    /// The file partition's shard of every active user.
    pub(super) fn given_shards(&self) -> Result<Vec<u16>> {
        self.given_for(self.config.partition.method)
    }

    /// The same; nothing for a partition that is not given.
    pub(super) fn given_for(&self, method: Method) -> Result<Vec<u16>> {
        if method != Method::File {
            return Ok(Vec::new());
        }
        given_shards(
            &self.source.given,
            self.data.as_ref().ok_or(ExperimentError::NoData)?,
            self.config.partition.shards,
        )
    }
}

pub(super) fn given_shards(given: &BTreeMap<String, u16>, data: &Data, shards: u32) -> Result<Vec<u16>> {
    let users = data.interactions.users();
    let refuse = |problem: String| ExperimentError::Given { place: "the given partition".into(), problem };
    if given.is_empty() {
        return Err(refuse("there is none yet; give a file with lines of user,shard".into()).into());
    }
    let shard_of = |&user: &u32| {
        let id = users.get(user);
        match given.get(id) {
            None => Err(refuse(format!(
                "it names {} users and \"{id}\" is not among them; every user with training rows needs a shard",
                given.len()
            ))
            .into()),
            Some(&shard) if u32::from(shard) >= shards => Err(refuse(format!(
                "it puts \"{id}\" into shard {shard}, but with {shards} shards they go from 0 to {}",
                shards - 1
            ))
            .into()),
            Some(&shard) => Ok(shard),
        }
    };
    data.active.iter().map(shard_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_headers_quotes_and_blanks_are_read() {
        let text = "\u{feff}user,shard\n\nann,0\r\n\"bo,b\";1\n zoe \t 2 \nann,0\n";
        let given = read_given(text).unwrap();
        let expected = [("ann", 0), ("bo,b", 1), ("zoe", 2)].map(|(user, shard)| (user.to_owned(), shard));
        assert_eq!(given.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_no_assignment_is_refused_with_its_line() {
        for (text, expected) in [
            ("ann,0\nbob\n", "line 2: expected user,shard with a shard from 0 to 65534, found \"bob\""),
            ("ann,0\n\nbob,x", "line 3: expected user,shard"),
            ("ann,0\nbob,65535", "line 2: expected user,shard"),
            ("ann,0\nbob,-1", "line 2: expected user,shard"),
            ("ann,0\n,1", "line 2: expected user,shard"),
            ("ann,0\nann,1", "line 2: \"ann\" is in shard 1 here and in shard 0 above"),
            ("user,shard\n", "line 1: expected lines of user,shard, found none"),
            ("", "line 1: expected lines of user,shard, found none"),
        ] {
            let error = read_given(text).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
            assert_eq!(error.code(), "experiment.given");
        }
    }

    use crate::experiment::{Activity, run};
    use crate::interactions::{ReadConfig, Reader};
    use crate::unlearn::{Mode, Request};

    /// Forty users over twelve items; every third consents, user 39 says both yes and no, user 38 nothing that is clear.
    fn file(without: impl Fn(u32, u32) -> bool) -> String {
        let mut text = String::from("user,item,consent\n");
        for user in 0..40u32 {
            for item in (0..12u32).filter(|item| (item * 7 + user * 5) % 4 != 0 && !without(user, *item)) {
                let consent = match user {
                    39 => {
                        if item == 1 {
                            "no"
                        } else {
                            "yes"
                        }
                    }
                    38 => "perhaps",
                    _ => {
                        if user % 3 == 0 {
                            "yes"
                        } else {
                            "no"
                        }
                    }
                };
                text += &format!("u{user:02},i{item:02},{consent}\n");
            }
        }
        text
    }

    fn loaded(text: &str) -> Experiment {
        let mut reader = Reader::new(ReadConfig::default());
        reader.push(text.as_bytes());
        let (rows, report) = reader.finish().unwrap();
        let mut experiment = Experiment::new();
        let mut config = Config::default();
        (config.partition.method, config.partition.consent, config.partition.shards) = (Method::Anchored, true, 3);
        experiment.configure(config).unwrap();
        experiment.load(rows, None, &report, BTreeMap::new()).unwrap();
        experiment
    }

    fn drive(experiment: &mut Experiment, activity: Activity) -> Result<()> {
        experiment.begin(activity)?;
        while experiment.running() {
            for job in experiment.jobs(1) {
                experiment.accept(job.id, &run(&job.bytes)?, 0.0)?;
            }
        }
        Ok(())
    }

    fn built(text: &str) -> Experiment {
        let mut experiment = loaded(text);
        drive(&mut experiment, Activity::Build { until: Stage::Evaluate }).unwrap();
        experiment
    }

    #[test]
    fn consent_is_the_users_own_word_and_survives_saving() {
        let experiment = loaded(&file(|_, _| false));
        let data = experiment.data.clone().unwrap();
        let anchors = |data: &Data| -> Vec<String> {
            let users = data.interactions.users();
            let consents = |user: &u32| data.interactions.consents(*user, &[]);
            (0..users.len() as u32).filter(consents).map(|user| users.get(user).to_owned()).collect()
        };
        let expected: Vec<String> = (0..39).step_by(3).map(|user| format!("u{user:02}")).collect();
        assert_eq!(anchors(&data), expected, "39 says both, 38 nothing clear");
        assert_eq!(experiment.snapshot().data.unwrap().consenting, Some(13));
        let mut again = Experiment::new();
        again.restore(&experiment.save()).unwrap();
        assert_eq!(anchors(&again.data.unwrap()), expected);
        let others = data.without(&data.interactions.range_of(0).map(|row| row as u32).collect::<Vec<_>>());
        assert_eq!(anchors(&others), expected[1..], "nobody's consent hangs on u00");
    }

    #[test]
    fn with_consenting_anchors_forgetting_equals_a_file_without_the_rows() {
        let before = built(&file(|_, _| false));
        // Somebody who does not consent, an anchor, and the one row by which user 39 said no.
        let row = |user: u32, item: u32| move |u: u32, i: u32| u == user && (i == item || item == u32::MAX);
        for (user, item, mode) in [(4, u32::MAX, Mode::Frozen), (3, u32::MAX, Mode::Refit), (39, 1, Mode::Refit)] {
            let id = format!("u{user:02}");
            let request = if item == u32::MAX {
                Request::of_users([id])
            } else {
                Request { interactions: vec![(id, format!("i{item:02}"))], ..Request::default() }
            };
            let mut experiment = before.clone();
            drive(&mut experiment, Activity::Forget { request, mode }).unwrap();
            let twin = built(&file(row(user, item)));
            let (one, other) = (experiment.snapshot(), twin.snapshot());
            let (after, fresh) = (one.digests, other.digests);
            assert_eq!((after.split_after, after.partition_after), (fresh.split, fresh.partition), "user {user}");
            assert_eq!(
                (after.shards_after, after.ensemble_after),
                (fresh.shards_before, fresh.ensemble_before),
                "user {user}"
            );
        }
    }

    #[test]
    fn losing_the_row_that_said_no_touches_an_anchor() {
        let experiment = built(&file(|_, _| false));
        let plan = |user: &str, item: &str| {
            let request = Request { interactions: vec![(user.into(), item.into())], ..Request::default() };
            experiment
                .plan(&request, Mode::Frozen)
                .unwrap()
                .taints
                .iter()
                .any(|taint| taint.message.starts_with("An anchor"))
        };
        assert!(plan("u39", "i01"), "then 39 consents, and the twin has one anchor more");
        assert!(plan("u03", "i02"), "an anchor's own row");
        assert!(!plan("u04", "i01"), "whoever does not consent is none");
    }

    #[test]
    fn nobody_consenting_and_no_column_are_refused_in_words() {
        let nobody = file(|_, _| false).replace(",yes", ",no");
        let without: String =
            file(|_, _| false).lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
        for (text, expected) in [(nobody, "nobody with a training row consents"), (without, "has no consent column")] {
            let mut experiment = loaded(&text);
            let error = drive(&mut experiment, Activity::Build { until: Stage::Evaluate }).unwrap_err();
            assert_eq!(error.code(), "partition.no_anchor");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!experiment.running() && experiment.data.is_some(), "the rows are still there");
        }
    }

    #[test]
    fn a_given_partition_that_does_not_fit_is_refused_and_one_that_does_is_used() {
        let mut experiment = loaded(&file(|_, _| false));
        let mut config = experiment.config().clone();
        (config.partition.method, config.partition.shards) = (Method::File, 2);
        experiment.configure(config).unwrap();
        let build = |experiment: &mut Experiment| drive(experiment, Activity::Build { until: Stage::Evaluate });
        let all = |shard: &dyn Fn(u32) -> u32| -> String {
            (0..40).map(|user| format!("u{user:02},{}\n", shard(user))).collect()
        };
        for (text, expected) in [
            (None, "there is none yet"),
            (Some("u00,1\n".to_owned()), "\"u01\" is not among them"),
            (Some(all(&|user| user % 3)), "into shard 2, but with 2 shards they go from 0 to 1"),
        ] {
            if let Some(text) = text {
                experiment.read_given(&text).unwrap();
            }
            let error = build(&mut experiment).unwrap_err();
            assert_eq!(error.code(), "experiment.given");
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(experiment.read_given(&all(&|user| user / 20)).unwrap(), (40, 2));
        assert!(experiment.read_given("u00,0\nu00,1").is_err(), "what was given before stays");
        build(&mut experiment).unwrap();
        let view = experiment.snapshot();
        assert_eq!(view.shards.iter().map(|shard| shard.users).collect::<Vec<_>>(), [20, 20]);
    }
}
