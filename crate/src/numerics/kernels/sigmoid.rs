//! The logistic function inside training loops: additions, multiplications and one division, no branch to guess wrong.
//!
//! The same bits everywhere because nothing but IEEE operations enters; within 3e-7 of the exact value.

/// Adding and taking away 1.5 * 2^23 rounds to the nearest integer.
const ROUND: f32 = 12_582_912.0;

/// e^x for x <= 0; below -87 as at -87. Range reduction by the two parts of ln 2 (Cody and Waite 1980), then Taylor to r^7.
#[inline(always)]
pub(crate) fn exp_of_negative(x: f32) -> f32 {
    // Not `max`, which would hide a NaN.
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let power = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail))));
    // The low bits of `rounded` are n itself, so 2^n needs no conversion.
    power * f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let e = exp_of_negative(-x.abs());
    let above = if x >= 0.0 { 1.0 } else { e };
    above / (1.0 + e)
}

/// ln(1 + e^x): with t = e^-|x| it is max(x, 0) + ln(1 + t), and ln(1 + t) = 2 artanh(t / (2 + t)), whose argument is at most 1/3.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let t = exp_of_negative(-x.abs());
    let s = t / (2.0 + t);
    let q = s * s;
    let series =
        1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0)))));
    // Not `max`, which would hide a NaN.
    let above = if x < 0.0 { 0.0 } else { x };
    above + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::math;

    #[test]
    fn softplus_agrees_with_the_exact_function_over_its_range() {
        for step in -90_000..=90_000 {
            let x = step as f32 * 1e-3;
            let exact = math::ln_1p(math::exp(-f64::from(x.abs()))) + f64::from(x.max(0.0));
            assert!((f64::from(softplus(x)) - exact).abs() <= 4e-7 * exact + 1e-37, "{x}: {} {exact}", softplus(x));
        }
        assert!(softplus(f32::NAN).is_nan() && softplus(f32::INFINITY) == f32::INFINITY);
    }

    #[test]
    fn agrees_with_the_exact_function_over_its_range() {
        for step in -90_000..=90_000 {
            let x = step as f32 * 1e-3;
            let exact = math::sigmoid(f64::from(x));
            let error = (f64::from(sigmoid(x)) - exact).abs();
            // Relative where the value is small, down to where single precision ends.
            assert!(error <= 3e-7 * exact + 1e-37, "{x}: {} {exact}", sigmoid(x));
        }
        assert_eq!((sigmoid(1e30), sigmoid(0.0)), (1.0, 0.5));
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37 && sigmoid(f32::NAN).is_nan());
    }
}
