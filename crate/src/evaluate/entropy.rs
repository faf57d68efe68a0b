//! Entropy of a table of counts.

use crate::numerics::math;

/// Plug-in entropy of counts in bits, with the Miller-Madow term if asked.
pub(super) fn entropy(counts: &[f64], corrected: bool) -> f64 {
    let n: f64 = counts.iter().sum();
    if n <= 0.0 {
        return 0.0;
    }
    let mut sum = 0.0;
    let mut filled = 0u32;
    for &count in counts.iter().filter(|&&count| count > 0.0) {
        let share = count / n;
        sum -= share * math::log2(share);
        filled += 1;
    }
    let term = f64::from(filled - 1) / (2.0 * n) * std::f64::consts::LOG2_E;
    sum + if corrected { term } else { 0.0 }
}
