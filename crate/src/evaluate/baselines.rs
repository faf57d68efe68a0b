//! What costs nothing to know: popularity and chance.

use crate::numerics::random::{Purpose, StreamKey, unit};

/// Popularity: the number of rows that hold each item, the same list for everybody.
pub fn popularity(rows: impl Iterator<Item = u32>, n_items: u32) -> Vec<f32> {
    let mut counts = vec![0u32; n_items as usize];
    for item in rows {
        if let Some(count) = counts.get_mut(item as usize) {
            *count += 1;
        }
    }
    counts.into_iter().map(|count| count as f32).collect()
}

/// Chance: uniform scores from a stream keyed by the seed and the user's index.
pub fn random_scores(seed: u64, user: u32, out: &mut [f32]) {
    let mut rng = StreamKey::new(seed, Purpose::Audit, user, 1).fast();
    out.iter_mut().for_each(|score| *score = unit(&mut rng) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_counts_rows_inside_the_catalogue() {
        assert_eq!(popularity([1, 1, 0, 9].into_iter(), 3), [1.0, 2.0, 0.0]);
    }

    #[test]
    fn chance_differs_by_user_and_repeats() {
        let draw = |user| {
            let mut out = [0.0; 8];
            random_scores(5, user, &mut out);
            out
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
