//! What the person decides about the partition: a whole assignment in a file, or who may be an anchor.

use std::collections::BTreeMap;

use crate::partition::{Method, PartitionError};

use super::{Dataset, PipelineError, Settings};

/// Reads lines of `user,shard` (also `;` or a tabulator between them, the user in quotes or not); a first line that is no
/// assignment is a header, and empty lines are nothing.
///
/// Errors: a line without a shard from 0 to 65534, a user with two different shards, no assignment at all; each with its line.
pub fn read_assignment_file(text: &str) -> Result<BTreeMap<String, u16>, PipelineError> {
    let mut given: BTreeMap<String, u16> = BTreeMap::new();
    let refuse = |line: usize, problem: String| {
        Err(PipelineError::AssignmentFile { place: format!("line {}", line + 1), problem })
    };
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

/// Refuses anchors by consent where nobody consents, before anything is computed.
pub(super) fn check_consent(dataset: &Dataset, settings: &Settings) -> Result<(), PartitionError> {
    if settings.partition.method != Method::Anchored || !settings.partition.consent {
        return Ok(());
    }
    let advice = match dataset.consenting() {
        None => {
            "the file has no consent column; name one when reading, or let a keyed hash choose a share of the users"
        }
        Some(0) => "nobody with a training row consents to it; let a keyed hash choose a share of the users instead",
        Some(_) => return Ok(()),
    };
    Err(PartitionError::NoAnchor { advice })
}

/// The shard of every active user.
pub(super) fn shards_of(dataset: &Dataset, shards: u32) -> Result<Vec<u16>, PipelineError> {
    let (users, given) = (dataset.rows().users(), dataset.assignment_file());
    let refuse = |problem: String| PipelineError::AssignmentFile { place: "the assignment file".into(), problem };
    if given.is_empty() {
        return Err(refuse("there is none yet; give a file with lines of user,shard".into()));
    }
    let shard_of = |&user: &u32| {
        let id = users.get(user);
        match given.get(id) {
            None => Err(refuse(format!(
                "it names {} users and \"{id}\" is not among them; every user with training rows needs a shard",
                given.len()
            ))),
            Some(&shard) if u32::from(shard) >= shards => Err(refuse(format!(
                "it puts \"{id}\" into shard {shard}, but with {shards} shards they go from 0 to {}",
                shards - 1
            ))),
            Some(&shard) => Ok(shard),
        }
    };
    dataset.active().iter().map(shard_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_headers_quotes_and_blanks_are_read() {
        let text = "\u{feff}user,shard\n\nann,0\r\n\"bo,b\";1\n zoe \t 2 \nann,0\n";
        let given = read_assignment_file(text).unwrap();
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
            let error = read_assignment_file(text).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
            assert_eq!(error.code(), "pipeline.assignment_file");
        }
    }
}
