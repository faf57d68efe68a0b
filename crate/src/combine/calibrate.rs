//! Calibration: sub-models are trained apart, so their scores run on different scales and cannot be mixed as they are.

/// Mean 0 and variance 1 over the list, so that shards whose scores run on different scales can be averaged. A list
/// without spread becomes all zero.
pub fn standardise(scores: &mut [f32]) {
    let n = scores.len().max(1) as f64;
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    for &score in scores.iter() {
        sum += f64::from(score);
    }
    let mean = sum / n;
    for &score in scores.iter() {
        let distance = f64::from(score) - mean;
        squares += distance * distance;
    }
    let deviation = (squares / n).sqrt();
    let scale = if deviation > 0.0 && deviation.is_finite() { (1.0 / deviation) as f32 } else { 0.0 };
    let mean = mean as f32;
    for score in scores {
        *score = if scale == 0.0 { 0.0 } else { (*score - mean) * scale };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mean_is_zero_variance_one_and_the_order_is_kept(
            mut scores in proptest::collection::vec(-1e3f32..1e3, 2..200), scale in 0.01f32..100.0, shift in -50.0f32..50.0
        ) {
            prop_assume!(scores.iter().any(|&score| (score - scores[0]).abs() > 1.0));
            let raw = scores.clone();
            standardise(&mut scores);
            let n = scores.len() as f64;
            let mean = scores.iter().map(|&z| f64::from(z)).sum::<f64>() / n;
            let variance = scores.iter().map(|&z| f64::from(z) * f64::from(z)).sum::<f64>() / n;
            prop_assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
            for pair in 1..raw.len() {
                prop_assert!((raw[pair - 1] <= raw[pair]) <= (scores[pair - 1] <= scores[pair]));
            }
            // The scale on which a shard happens to score does not matter.
            let mut other: Vec<f32> = raw.iter().map(|score| score * scale + shift).collect();
            standardise(&mut other);
            for (a, b) in scores.iter().zip(&other) {
                prop_assert!((a - b).abs() < 1e-2, "{a} {b}");
            }
        }
    }

    #[test]
    fn lists_without_spread_or_with_infinities_become_zero() {
        for mut scores in [vec![3.0f32; 4], vec![1.0], vec![f32::INFINITY, 1.0], vec![]] {
            standardise(&mut scores);
            assert!(scores.iter().all(|&score| score == 0.0), "{scores:?}");
        }
    }
}
