//! The transcendental functions, from the `libm` crate on every target: std's differ in their last bits.

/// e^x.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}
/// e^x, single precision.
pub(crate) fn exp_f32(x: f32) -> f32 {
    libm::expf(x)
}
/// Natural logarithm.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}
/// Logarithm to base 2.
pub(crate) fn log2(x: f64) -> f64 {
    libm::log2(x)
}
/// ln(1 + x).
pub(crate) fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}
/// x^y.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}
/// Cosine.
pub(crate) fn cos(x: f64) -> f64 {
    libm::cos(x)
}
/// 1 / (1 + e^-x) in double precision.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + exp(-x))
    } else {
        let e = exp(x);
        e / (1.0 + e)
    }
}
