//! Dates as people and programs write them, as seconds since 1970.

/// Seconds since 1970 of `2005-04-02`, `2005-04-02 23:53:47.5Z`, `2005-04-02T23:53:47+02:00`, `2.4.2005`, `4/2/2005 11:53 PM`,
/// `02-Apr-2005`, `Apr 2, 2005`, `Sat, 2 Apr 2005 23:53:47`, `Sat Apr 02
/// 23:53:47 +0000 2005` or `04 2, 2005`. Where both may be meant, `day_first` decides.
/// A zone that is named with numbers is taken off, another is not known and passed over.
pub(super) fn parse_date(text: &str, day_first: bool) -> Option<i64> {
    let text = text.trim();
    if text.len() > 48 || !text.is_ascii() {
        return None;
    }
    // `Tue Apr 03 18:00:09 +0000 2012`: the year stands behind the time of day.
    let late = text.rsplit_once(' ').filter(|(before, year)| {
        year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) && before.contains(':')
    });
    let dated;
    let (date, clock) = match late {
        None => parts(text),
        Some((before, year)) => {
            let (date, clock) = parts(before);
            dated = format!("{date} {year}");
            (dated.as_str(), clock)
        }
    };
    let (year, month, day) = calendar(date, day_first)?;
    Some(days(year, month, day) * 86_400 + clock_seconds(clock)?)
}

/// Which of the first two numbers of a date such as 3/4/2020 is too large for a month: the first, the second, or neither.
pub(super) fn day_place(text: &str) -> Option<bool> {
    let mut numbers = text.trim().split(['/', '.', '-']);
    let (a, b) = (numbers.next()?.parse::<u32>().ok()?, numbers.next()?.parse::<u32>().ok()?);
    match (a, b) {
        (13..=31, 1..=12) => Some(true),
        (1..=12, 13..=31) => Some(false),
        _ => None,
    }
}

/// Is it a date whose day and month could be exchanged?
pub(super) fn is_ambiguous(text: &str) -> bool {
    let first = text.trim().split(['/', '-', ' ']).next().unwrap_or_default();
    matches!(first.len(), 1 | 2) && text.contains(['/', '-']) && parse_date(text, true) != parse_date(text, false)
}

/// The date, and the time of day behind it (if any).
fn parts(text: &str) -> (&str, &str) {
    // The time of day is what holds the first colon, from the blank or `T` before it on.
    let Some(colon) = text.find(':') else { return (text, "") };
    let start = text[..colon].rfind([' ', 'T']).map_or(0, |at| at + 1);
    (text[..start].trim_end_matches(['T', ' ', ',']), &text[start..])
}

fn calendar(date: &str, day_first: bool) -> Option<(i64, i64, i64)> {
    let mut numbers = [0i64; 3];
    let (mut found, mut month, mut year_at) = (0, None, None);
    let mut month_at = 0;
    for word in date.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            if found == 3 || word.len() > 4 {
                return None;
            }
            if word.len() == 4 {
                year_at = Some(found);
            }
            numbers[found] = word.parse().ok()?;
            found += 1;
        } else if let Some(number) = month_of(word) {
            month_at = found;
            if month.replace(number).is_some() {
                return None;
            }
        } else if !is_weekday(word) {
            return None;
        }
    }
    let (year, month, day) = match (month, found, year_at) {
        (Some(month), 2, Some(1)) => (numbers[1], month, numbers[0]),
        (Some(month), 2, Some(0)) => (numbers[0], month, numbers[1]),
        // 02-Apr-05
        (Some(month), 2, None) if month_at == 1 => (century(numbers[1]), month, numbers[0]),
        (None, 3, Some(0)) => (numbers[0], numbers[1], numbers[2]),
        (None, 3, Some(2)) => two(numbers[0], numbers[1], numbers[2], day_first || date.contains('.'), date),
        (None, 3, None) if !date.contains('-') => {
            two(numbers[0], numbers[1], century(numbers[2]), day_first || date.contains('.'), date)
        }
        _ => return None,
    };
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && (1..=9_999).contains(&year);
    valid.then_some((year, month, day))
}

fn two(a: i64, b: i64, year: i64, day_first: bool, date: &str) -> (i64, i64, i64) {
    // `09 13, 2009`, as in Amazon's reviews, has the month first.
    let day_first = day_first && !date.contains(',');
    let day_first = if a > 12 {
        true
    } else if b > 12 {
        false
    } else {
        day_first
    };
    if day_first { (year, b, a) } else { (year, a, b) }
}

fn century(year: i64) -> i64 {
    if year < 70 { 2_000 + year } else { 1_900 + year }
}

fn month_of(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let short = word.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == short).map(|at| at as i64 + 1)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    word.get(..3).is_some_and(|short| DAYS.contains(&short.to_ascii_lowercase().as_str()))
        || matches!(word, "st" | "nd" | "rd" | "th" | "of")
}

/// Seconds of `23:53`, `23:53:47.5`, `11:53 PM`, each with a zone or without.
fn clock_seconds(clock: &str) -> Option<i64> {
    if clock.is_empty() {
        return Some(0);
    }
    let end = clock.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(clock.len());
    let mut numbers = clock[..end].split(':').map(str::parse::<i64>);
    let (mut hour, minute) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let second = numbers.next().unwrap_or(Ok(0)).ok()?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = clock[end..].trim_start_matches('.').trim_start_matches(|c: char| c.is_ascii_digit()).trim();
    let upper = rest.to_ascii_uppercase();
    if upper.starts_with("PM") && hour < 12 {
        hour += 12;
    } else if upper.starts_with("AM") && hour == 12 {
        hour = 0;
    }
    let zone = match rest.as_bytes() {
        [sign @ (b'+' | b'-'), ..] => {
            let digits: String = rest[1..].chars().take(5).filter(char::is_ascii_digit).collect();
            let number: i64 = digits.parse().ok()?;
            let seconds = if digits.len() <= 2 { number * 3_600 } else { number / 100 * 3_600 + number % 100 * 60 };
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => 0,
    };
    Some(hour * 3_600 + minute * 60 + second - zone)
}

/// Days from 1970 in the proleptic Gregorian calendar, the year taken to begin in March so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_in_every_form() {
        let moment = 1_112_486_027; // 2005-04-02 23:53:47
        let day = 1_112_400_000;
        for (text, expected) in [
            ("2005-04-02 23:53:47", moment),
            ("2005-04-02T23:53:47Z", moment),
            ("2005-04-02T23:53:47.123456", moment),
            ("2005-04-03T01:53:47+02:00", moment),
            ("2005-04-02 18:53:47 -0500", moment),
            ("2005-04-02 23:53:47 UTC", moment),
            ("2005/04/02T23:53", moment - 47),
            ("2.4.2005 23:53:47", moment),
            ("4/2/2005 11:53 PM", moment - 47),
            ("Sat Apr 02 23:53:47 2005", moment),
            ("Sat Apr 02 23:53:47 +0000 2005", moment),
            ("Sat, 2 Apr 2005 23:53:47 GMT", moment),
            ("02-Apr-2005", day),
            ("2-Apr-05", day),
            ("Apr 2, 2005", day),
            ("2nd April 2005", 0),
            ("04 2, 2005", day),
            ("2005-4-2", day),
            ("02.04.05", day),
            ("4/2/05", day),
            ("1970-01-01", 0),
        ] {
            // Words that are joined are not understood: said so, not guessed.
            let understood = (expected != 0 || text.starts_with("1970")).then_some(expected);
            assert_eq!(parse_date(text, false), understood, "{text}");
        }
        assert_eq!(parse_date("4/2/2005", true), Some(1_107_475_200), "the fourth of February");
        assert_eq!(parse_date("13/2/2005", false), parse_date("13/2/2005", true));
        for text in [
            "",
            "yesterday",
            "2005-13-01",
            "2005-04-02x",
            "0000-00-00",
            "5",
            "4.5",
            "1-2",
            "31/31/2005",
            "2005-04-02 25:00",
        ] {
            assert_eq!(parse_date(text, false), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_told_by_large_numbers() {
        assert_eq!(
            (day_place("13/2/2005"), day_place("2/13/2005"), day_place("2/3/2005")),
            (Some(true), Some(false), None)
        );
        assert!(
            is_ambiguous("2/3/2005")
                && !is_ambiguous("13/2/2005")
                && !is_ambiguous("2005-02-03")
                && !is_ambiguous("2.3.2005")
        );
    }
}
