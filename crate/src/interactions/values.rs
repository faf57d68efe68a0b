//! Fields to numbers.

/// A finite number. `comma` allows `3,5`, where the comma is not the delimiter.
pub(super) fn parse_rating(field: &[u8], comma: bool) -> Option<f32> {
    match field {
        [digit @ b'0'..=b'9'] => Some(f32::from(digit - b'0')),
        [whole @ b'0'..=b'9', b'.', tenth @ b'0'..=b'9'] if *tenth == b'0' || *tenth == b'5' => {
            Some(f32::from(whole - b'0') + if *tenth == b'5' { 0.5 } else { 0.0 })
        }
        _ => {
            let text = std::str::from_utf8(field).ok()?;
            let number = if comma && text.contains(',') { text.replacen(',', ".", 1).parse() } else { text.parse() };
            number.ok().filter(|number: &f32| number.is_finite())
        }
    }
}

/// A time as a number that grows: a number as it stands (fractions cut off), or a date such as `2005-04-02` or
/// `2005-04-02 23:53:47` as seconds since 1970.
pub(super) fn parse_time(field: &[u8]) -> Option<i64> {
    if !field.is_empty() && field.len() <= 18 && field.iter().all(u8::is_ascii_digit) {
        return Some(field.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')));
    }
    let text = std::str::from_utf8(field).ok()?;
    if let Ok(number) = text.parse::<f64>() {
        return (number.abs() < 9e15).then(|| number.floor() as i64);
    }
    parse_date(field)
}

/// A yes; `None` for what is neither yes nor no. Nothing is no.
pub(super) fn parse_consent(field: &[u8]) -> Option<bool> {
    let word = std::str::from_utf8(field).ok()?.trim().to_ascii_lowercase();
    match word.as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "" | "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

fn parse_date(field: &[u8]) -> Option<i64> {
    let number = |from: usize, to: usize| {
        let digits = field.get(from..to)?;
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0i64, |n, d| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let parted = matches!((field[4], field[7]), (b'-', b'-') | (b'/', b'/'));
    if !parted || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let clock = match field.get(10) {
        None => 0,
        Some(b' ' | b'T') => number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19).unwrap_or(0),
        Some(_) => return None,
    };
    // Days from 1970 in the proleptic Gregorian calendar, the year taken to begin in March so that leap days come last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_a_clear_yes_or_a_no() {
        for (text, expected) in [
            ("1", Some(true)),
            ("Yes", Some(true)),
            ("true", Some(true)),
            ("", Some(false)),
            ("0", Some(false)),
            ("No", Some(false)),
            ("maybe", None),
            ("2", None),
        ] {
            assert_eq!(parse_consent(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse_consent(b"\xff"), None);
    }

    #[test]
    fn ratings() {
        for (text, expected) in [("5", 5.0), ("3.5", 3.5), ("0.5", 0.5), ("4.7", 4.7), ("-1", -1.0), ("1e2", 100.0)] {
            assert_eq!(parse_rating(text.as_bytes(), false), Some(expected), "{text}");
        }
        assert_eq!(parse_rating(b"3,5", true), Some(3.5));
        for text in ["", "NaN", "inf", "abc", "1e99", "3,5", "5 stars", "\u{0665}"] {
            assert_eq!(parse_rating(text.as_bytes(), false), None, "{text}");
        }
    }

    #[test]
    fn times() {
        let cases = [
            ("889751633", 889_751_633),
            ("12.9", 12),
            ("-3", -3),
            ("1970-01-01", 0),
            ("2000-03-01", 951_868_800),
            ("2005-04-02 23:53:47", 1_112_486_027),
            ("2005/04/02T23:53", 1_112_485_980),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_time(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "2005-13-01", "2005-04-02x", "NaN", "1e300", "0000-00-00"] {
            assert_eq!(parse_time(text.as_bytes()), None, "{text}");
        }
    }
}
