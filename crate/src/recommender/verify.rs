//! Receipts against rows.

use crate::error::Result;
use crate::execute::{Control, Executor, Inline};
use crate::experiment::{Experiment, Notice};
use crate::unlearn::{Receipt, Verdict};

use super::{RecommenderError, Rows};

impl Receipt {
    /// Trains again from these rows and compares every digest: rows as they were read before the change, or as they are after
    /// it. What a verification does not say anything about is listed in the verdict.
    ///
    /// Errors: a check that fails, with the verdict; rows that do not belong to the receipt; settings that this version does
    /// not know.
    pub fn verify(&self, rows: &Rows) -> Result<Verdict> {
        verify(std::slice::from_ref(self), rows)
    }
}

/// Checks a chain of receipts, the first first, as [`Receipt::verify`] does one.
///
/// Errors: as [`Receipt::verify`]; no receipt.
pub fn verify(receipts: &[Receipt], rows: &Rows) -> Result<Verdict> {
    verify_on(&Inline::new(), &Control::new(), receipts, rows)
}

/// [`verify`] on an executor.
///
/// Errors: as [`verify`]; a cancellation.
pub fn verify_on(executor: &dyn Executor, control: &Control<'_>, receipts: &[Receipt], rows: &Rows) -> Result<Verdict> {
    let mut experiment = Experiment::new();
    experiment.verify(receipts, rows.loaded.clone())?;
    let notices = experiment.drive_on(executor, control)?;
    let verdict = notices.into_iter().find_map(|notice| match notice {
        Notice::Verified { verdict } => Some(verdict),
        _ => None,
    });
    let verdict =
        verdict.ok_or_else(|| RecommenderError::Refused("the verification ended without a verdict".into()))?;
    let failed = verdict.failures().count();
    let Some(first) = verdict.failures().next() else { return Ok(verdict) };
    let first = format!("{}, {}: the receipt says {}, found {}", first.place, first.name, first.expected, first.found);
    let checks = verdict.checks.len();
    Err(RecommenderError::Refuted { failed, checks, first, verdict: Box::new(verdict) }.into())
}
