//! What a transport solver refuses.

use thiserror::Error;

/// Why a transport problem has no answer.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TransportError {
    /// Lists whose lengths do not fit together.
    #[error("{name} must have {expected} values (rows x columns), not {found}")]
    Shape {
        /// Which list.
        name: &'static str,
        /// How many it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Capacities that cannot take the supply.
    #[error(
        "the capacities take between {lower} and {upper} units, but {supply} units must be placed: make them add up"
    )]
    Capacities {
        /// Sum of the lower bounds.
        lower: u64,
        /// Sum of the upper bounds.
        upper: u64,
        /// Sum of the supplies.
        supply: u64,
    },
    /// A column whose lower bound exceeds its upper bound.
    #[error("column {column}: the lower bound {lower} exceeds the upper bound {upper}")]
    Range {
        /// From 0.
        column: usize,
        /// Its lower bound.
        lower: u64,
        /// Its upper bound.
        upper: u64,
    },
    /// A cost that is not a number or infinite.
    #[error("the cost of row {row} in column {column} is {value}; costs must be finite")]
    Cost {
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
        /// What was given.
        value: f64,
    },
    /// A row that supplies nothing.
    #[error("row {row} supplies 0 units; leave it out")]
    Supply {
        /// From 0.
        row: usize,
    },
    /// A parameter out of its range.
    #[error("{name} must be {expected}, not {value}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// The range.
        expected: &'static str,
        /// What was given.
        value: f64,
    },
}

impl TransportError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            TransportError::Shape { .. } => "transport.shape",
            TransportError::Capacities { .. } => "transport.capacities",
            TransportError::Range { .. } => "transport.range",
            TransportError::Cost { .. } => "transport.cost",
            TransportError::Supply { .. } => "transport.supply",
            TransportError::Parameter { .. } => "transport.parameter",
        }
    }
}
