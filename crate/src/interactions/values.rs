//! Fields to numbers.

use super::dates::parse_date;

/// A finite number. `comma` allows `3,5`, where the comma is not the delimiter.
pub(super) fn parse_rating(field: &[u8], comma: bool) -> Option<f32> {
    match field {
        [digit @ b'0'..=b'9'] => Some(f32::from(digit - b'0')),
        [whole @ b'0'..=b'9', b'.', tenth @ b'0'..=b'9'] if *tenth == b'0' || *tenth == b'5' => {
            Some(f32::from(whole - b'0') + if *tenth == b'5' { 0.5 } else { 0.0 })
        }
        _ => {
            let text = std::str::from_utf8(field).ok()?;
            let number = match (comma, text.rfind(','), text.rfind('.')) {
                // 1.234,5
                (true, Some(at), Some(dot)) if at > dot => text.replace('.', "").replacen(',', ".", 1).parse(),
                (true, Some(_), None) => text.replacen(',', ".", 1).parse(),
                _ => text.parse(),
            };
            number.ok().filter(|number: &f32| number.is_finite())
        }
    }
}

/// A time as a number that grows: a number as it stands (fractions cut off), or a date as seconds since 1970.
pub(super) fn parse_time(field: &[u8], day_first: bool) -> Option<i64> {
    if !field.is_empty() && field.len() <= 18 && field.iter().all(u8::is_ascii_digit) {
        return Some(field.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')));
    }
    let text = std::str::from_utf8(field).ok()?;
    if let Ok(number) = text.parse::<f64>() {
        return (number.abs() < 9e15).then(|| number.floor() as i64);
    }
    parse_date(text, day_first)
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
            ("2.4.2005 23:53", 1_112_485_980),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_time(text.as_bytes(), false), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "2005-13-01", "2005-04-02x", "NaN", "1e300", "0000-00-00"] {
            assert_eq!(parse_time(text.as_bytes(), false), None, "{text}");
        }
    }
}
