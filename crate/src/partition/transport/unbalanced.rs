//! Columns between "take what comes" and "take exactly this": capacities and Kullback-Leibler penalties.

use super::{Capacity, TransportError};

/// `units` divided over `columns` as evenly as integers allow: each takes floor or ceil of units / columns, and the
/// solver chooses which take one more.
pub fn capacities(units: u64, columns: usize) -> Vec<Capacity> {
    let lower = units / columns.max(1) as u64;
    let upper = units.div_ceil(columns.max(1) as u64);
    vec![Capacity::Range { lower, upper }; columns]
}

/// The same with room: no column takes more than (1 + slack) times the even share (rounded up), and none must take
/// anything.
pub(crate) fn loose_capacities(units: u64, columns: usize, slack: f64) -> Vec<Capacity> {
    let even = units as f64 / columns.max(1) as f64;
    // A hair less, so that a slack of 0.2 written in single precision (slightly more than 0.2) does not gain a unit.
    let upper = (even * (1.0 + slack.max(0.0)) * (1.0 - 1e-7)).ceil() as u64;
    vec![Capacity::Range { lower: 0, upper: upper.max(units.div_ceil(columns.max(1) as u64)) }; columns]
}

/// Columns that take any number of units at the Kullback-Leibler penalty `tau` against an even division.
///
/// # Errors
/// `tau` not above 0 or not finite; nothing to divide.
pub fn kl_columns(units: u64, columns: usize, tau: f64) -> Result<Vec<Capacity>, TransportError> {
    if !(tau.is_finite() && tau > 0.0) {
        return Err(TransportError::Parameter { name: "tau", expected: "above 0 and finite", value: tau });
    }
    if units == 0 {
        return Err(TransportError::Parameter { name: "units", expected: "at least 1", value: 0.0 });
    }
    Ok(vec![Capacity::Penalty { target: units as f64 / columns.max(1) as f64, tau }; columns])
}

/// One slider for the whole range: tau = `scale` * s / (1 - s), so that strength 0 is no penalty (k-means), 1/2 prices
/// a column e times too full at one `scale` per unit, and 1 is an exact balance (infinite tau).
///
/// `scale` is a cost typical of the data; the clustering passes the mean squared distance to the overall mean.
pub fn tau_of_strength(strength: f64, scale: f64) -> f64 {
    if strength >= 1.0 { f64::INFINITY } else { scale * strength / (1.0 - strength) }
}
