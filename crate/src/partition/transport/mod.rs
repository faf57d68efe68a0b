//! Optimal transport onto a few columns: the inner problem of balanced clustering, usable on its own.
//!
//! n rows, each with a supply, are carried to K columns at a given cost per unit; columns say how much they take
//! ([`Capacity`]). K is small and n large, and everything here uses that: the dual problem has K unknowns.
//! [`exact`] returns a vertex of the transport polytope, [`entropic`] the smoothed plan of Sinkhorn's problem;
//! [`kl_columns`] makes columns whose capacity may be exceeded for a price.
//!
//! ```
//! use ultrare::partition::transport::{capacities, exact};
//!
//! // Three rows all prefer column 0, which takes two; the one that loses least by moving moves.
//! let costs = [0.0, 5.0, 0.0, 1.0, 0.0, 9.0, 7.0, 0.0];
//! let plan = exact(&costs, &capacities(4, 2), None, None)?;
//! assert_eq!(plan.assignment, [0, 1, 0, 1]);
//! assert_eq!(plan.cost, 1.0);
//! # Ok::<(), ultrare::partition::transport::TransportError>(())
//! ```

mod entropic;
mod error;
mod exact;
#[cfg(test)]
mod exact_tests;
mod exponential;
mod moves;
mod network;
mod outside;
mod scan;
mod tree;
mod unbalanced;

pub use entropic::plan_row;
pub use entropic::{Entropic, EntropicPlan, entropic, ladder};
pub use error::TransportError;
pub use exact::{ExactPlan, Split, exact};
pub(crate) use unbalanced::loose_capacities;
pub use unbalanced::{capacities, kl_columns, tau_of_strength};

/// How much a column takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capacity {
    /// Between `lower` and `upper` units, at no price. Equal bounds are a fixed capacity.
    Range {
        /// At least this many units.
        lower: u64,
        /// At most this many units.
        upper: u64,
    },
    /// Any number of units L, at the price tau (L ln(L / target) - L + target): the Kullback-Leibler penalty of
    /// unbalanced transport. The price of the next unit is tau ln((L + 1/2) / target), its midpoint value.
    Penalty {
        /// The load without a price, in units; above 0.
        target: f64,
        /// Cost per unit; above 0 and finite.
        tau: f64,
    },
}

impl Capacity {
    /// The penalty at a load, 0 for a range.
    pub fn price(&self, load: u64) -> f64 {
        match *self {
            Capacity::Range { .. } => 0.0,
            Capacity::Penalty { target, tau } => {
                let load = load as f64;
                let entropy = if load > 0.0 { load * crate::numerics::math::ln(load / target) } else { 0.0 };
                tau * (entropy - load + target)
            }
        }
    }
}
