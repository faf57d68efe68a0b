//! Ids that are written differently and may well mean the same: forgetting one and leaving its twin would break the promise.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::compose::composed;
use super::intern::Interner;
use super::{Alike, Ids};

/// Groups that are told; the others are counted.
const TOLD: usize = 100;

/// What an id is once case, spaces, invisible characters, Unicode form and leading zeros are taken off. Depends on the id
/// alone, so that making ids one lets no row decide about another.
pub(super) fn key(id: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-';
    if id.bytes().all(|byte| plain(byte) || byte.is_ascii_digit()) && !id.starts_with('0') {
        return Cow::Borrowed(id);
    }
    let visible: String = id.chars().filter(|&c| !is_invisible(c)).collect();
    let whole = if visible.is_ascii() { visible } else { composed(&visible) };
    let spaced = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = spaced.to_lowercase();
    Cow::Owned(number(&lower).map_or_else(|| lower.clone(), str::to_owned))
}

/// `7` of `07` and `7.0`.
fn number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || fraction.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let short = whole.trim_start_matches('0');
    Some(if short.is_empty() { &whole[..1] } else { short })
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The groups of ids with one key, the first of them told, and how many there are. O(ids log ids).
pub(super) fn alike(ids: &Ids, users: bool) -> (Vec<Alike>, u32) {
    // Of two ids with one key at least one is not the key itself.
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for id in ids.iter() {
        if let Cow::Owned(key) = key(id)
            && key != id
        {
            groups.entry(key).or_default().push(id);
        }
    }
    let (mut told, mut count) = (Vec::new(), 0);
    for (key, mut group) in groups {
        if let Some(at) = ids.find(&key) {
            group.insert(0, ids.get(at));
        }
        if group.len() > 1 {
            count += 1;
            if told.len() < TOLD {
                let reason = reason(&group).to_owned();
                told.push(Alike { users, ids: group.into_iter().map(str::to_owned).collect(), reason });
            }
        }
    }
    (told, count)
}

/// What the ids of a group differ in, as far as one thing explains it.
fn reason(group: &[&str]) -> &'static str {
    let same = |change: &dyn Fn(&str) -> String| group.iter().all(|id| change(id) == change(group[0]));
    if same(&|id| id.to_lowercase()) {
        "upper and lower case"
    } else if same(&|id| id.split_whitespace().collect()) {
        "spaces"
    } else if same(&|id| id.chars().filter(|&c| !is_invisible(c)).collect()) {
        "invisible characters"
    } else if same(&composed) {
        "the Unicode form of the same letters"
    } else if same(&|id| number(id).unwrap_or(id).to_owned()) {
        "how the same number is written"
    } else {
        "more than one way of writing"
    }
}

/// The ids with those that have one key made one, and for each of the old ones its number among them.
pub(super) fn merged(ids: &Interner) -> (Interner, Vec<u32>) {
    let mut keys = Interner::default();
    let place = |number| keys.number(key(ids.get(number)).as_bytes()).expect("the key of a text is a text");
    let at = (0..ids.len() as u32).map(place).collect();
    (keys, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_found_with_what_they_differ_in_and_others_are_not() {
        let ids = [
            "Anna",
            "anna",
            "bo lee",
            "bo  lee",
            "7",
            "07",
            "7.0",
            "c\u{200b}c",
            "cc",
            "Jos\u{e9}",
            "Jose\u{301}",
            "x1",
            "x01",
            "70",
            "0",
            "7.5",
            "",
            "00",
        ];
        let ids = Ids::new(ids.map(str::to_owned).to_vec());
        let (told, count) = alike(&ids, true);
        let found: Vec<(Vec<&str>, &str)> =
            told.iter().map(|group| (group.ids.iter().map(String::as_str).collect(), group.reason.as_str())).collect();
        assert_eq!(
            found,
            [
                (vec!["0", "00"], "how the same number is written"),
                (vec!["7", "07", "7.0"], "how the same number is written"),
                (vec!["anna", "Anna"], "upper and lower case"),
                (vec!["bo lee", "bo  lee"], "spaces"),
                (vec!["cc", "c\u{200b}c"], "invisible characters"),
                (vec!["Jose\u{301}", "Jos\u{e9}"], "the Unicode form of the same letters"),
            ]
        );
        assert_eq!(count, 6);
    }

    #[test]
    fn made_one_they_share_a_place() {
        let mut ids = Interner::default();
        ["B", "a", "b", "07", "A "].iter().for_each(|id| assert!(ids.number(id.as_bytes()).is_some()));
        let (keys, at) = merged(&ids);
        assert_eq!((0..3).map(|number| keys.get(number)).collect::<Vec<_>>(), ["b", "a", "7"]);
        assert_eq!((keys.len(), at), (3, vec![0, 1, 0, 2, 1]));
    }
}
