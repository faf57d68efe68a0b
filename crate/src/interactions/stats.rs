//! What stands in a column, in numbers: what ids, ratings and times are told by.

use super::dates::parse_date;
use super::values::parse_rating;

/// What the first rows of a column hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub(super) filled: usize,
    pub(super) distinct: usize,
    /// Rows that repeat the row above.
    pub(super) repeats: usize,
    pub(super) numbers: usize,
    pub(super) whole: usize,
    pub(super) dates: usize,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) long: usize,
    /// Numbers with four or more places behind the point, as places on the globe have them.
    pub(super) precise: usize,
    /// Numbers of products as Amazon writes them, the numbers of books among them.
    pub(super) asins: usize,
    /// Short words, such as `view` or `addtocart`.
    pub(super) words: usize,
    /// 0, 1, 2 ... or 1, 2, 3 ...
    pub(super) counts_up: bool,
}

impl Stats {
    pub(super) fn of(rows: &[Vec<String>], column: usize) -> Self {
        let mut stats = Stats { low: f64::INFINITY, high: f64::NEG_INFINITY, counts_up: true, ..Stats::default() };
        let mut seen: Vec<&str> = Vec::new();
        let mut previous: Option<&str> = None;
        for (at, field) in rows.iter().filter_map(|row| row.get(column)).enumerate() {
            if field.is_empty() {
                continue;
            }
            stats.filled += 1;
            stats.repeats += usize::from(previous == Some(field));
            previous = Some(field);
            seen.push(field);
            stats.long += usize::from(field.chars().count() > 40);
            stats.precise += usize::from(field.split_once('.').is_some_and(|(_, places)| places.len() >= 4));
            stats.asins += usize::from(is_asin(field.as_bytes()));
            let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
            stats.words += usize::from(field.len() <= 20 && field.bytes().all(letter));
            let number = parse_rating(field.as_bytes(), true).map(f64::from);
            if let Some(number) = field.parse::<f64>().ok().or(number) {
                stats.numbers += 1;
                stats.whole += usize::from(number.fract() == 0.0);
                stats.low = stats.low.min(number);
                stats.high = stats.high.max(number);
                let first = rows[0].get(column).and_then(|first| first.parse::<f64>().ok());
                stats.counts_up &= first.is_some_and(|first| first <= 1.0 && number == first + at as f64);
            } else {
                stats.counts_up = false;
                stats.dates += usize::from(parse_date(field, false).is_some() || parse_date(field, true).is_some());
            }
        }
        tiny_sort::unstable::sort(&mut seen);
        seen.dedup();
        stats.distinct = seen.len();
        stats
    }

    pub(super) fn most(&self, part: usize) -> bool {
        self.filled > 0 && part * 20 >= self.filled * 19
    }

    /// Dates, or whole numbers that are seconds or milliseconds of the years 1980 to 2100.
    pub(super) fn is_time(&self) -> bool {
        let inside = |low: f64, high: f64| self.low >= low && self.high < high;
        self.most(self.dates) || (self.most(self.whole) && (inside(3.1e8, 4.2e9) || inside(3.1e11, 4.2e12)))
    }

    /// A few numbers close together.
    pub(super) fn is_rating(&self) -> bool {
        let near = self.low >= -100.0 && self.high <= 200.0 && self.high - self.low <= 100.0;
        self.most(self.numbers) && self.distinct <= 21 && near
    }

    /// Places on the globe, or other measurements: neither ids nor ratings.
    pub(super) fn is_measured(&self) -> bool {
        self.most(self.numbers) && self.most(self.precise) && self.distinct > 1
    }

    /// A handful of words that come again and again: what happened, not whom or what it happened to.
    pub(super) fn is_event(&self) -> bool {
        self.most(self.words) && (2..=6).contains(&self.distinct) && self.filled >= 20 * self.distinct
    }

    /// Could it be ids? Neither times, nor long texts, nor broken numbers, nor a row number.
    pub(super) fn is_id(&self) -> bool {
        let numbered = self.counts_up && self.distinct == self.filled && self.filled > 2;
        self.filled > 0 && !self.is_time() && self.long * 5 < self.filled && self.whole == self.numbers && !numbered
    }
}

fn is_asin(field: &[u8]) -> bool {
    let body = |rest: &[u8]| rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    match field {
        [b'B', b'0', rest @ ..] => rest.len() == 8 && body(rest),
        [isbn @ .., b'0'..=b'9' | b'X'] => isbn.len() == 9 && isbn.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
