//! e^x for many x at once.
//!
//! `libm::exp` branches and cannot be vectorised; the entropic solver calls nothing else. This one is plain arithmetic
//! (multiply, add, shift, no fused operation), so every target gives the same bits, like libm's.

/// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has 32 zero bits at its end, so its product with a small integer is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// e^x for x <= 0, with a relative error below 1e-14; below -700 it is e^-700 (about 1e-304).
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; Taylor's polynomial of degree 12 in r; 2^n by the exponent bits.
#[inline]
pub(super) fn exp_nonpositive(x: f64) -> f64 {
    // Not `max`, which is a call in wasm and would keep the loop around this from becoming SIMD.
    let x = if x > -700.0 { x } else { -700.0 };
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut sum = 1.0 / 479_001_600.0;
    for coefficient in [
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + coefficient;
    }
    sum * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::math;

    #[test]
    fn agrees_with_libm() {
        for i in 0..200_000 {
            let x = -f64::from(i) * 0.003_500_1;
            let expected = math::exp(x.max(-700.0));
            assert!((exp_nonpositive(x) - expected).abs() <= 1e-14 * expected, "{x}");
        }
        assert_eq!(exp_nonpositive(0.0), 1.0);
        assert!(exp_nonpositive(f64::NEG_INFINITY) < 1e-300);
    }
}
