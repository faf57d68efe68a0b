//! `ultrare verify`.

use std::fs;

use ultrare::experiment::{Experiment, Notice, settings};
use ultrare::unlearn::Receipt;

use crate::args::Verify;
use crate::drive::Driver;
use crate::input;
use crate::out::line;

/// Reads receipts and rows, trains again, and says what differs and where. True if nothing does.
pub fn verify(args: &Verify) -> Result<bool, String> {
    let said = |error: ultrare::Error| error.to_string();
    let mut receipts = Vec::new();
    for path in &args.receipts {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| told(&error))?;
        receipts.push(Receipt::parse(&text).map_err(|error| told(&error))?);
    }
    let config = settings(&receipts[0]).map_err(said)?;
    let seed = config.seed;
    let mut source = Experiment::new();
    source.configure(config).map_err(said)?;
    input::load(&mut source, &args.input, seed)?;
    let mut experiment = Experiment::new();
    experiment.verify_rows(&receipts, source.rows().map_err(said)?).map_err(said)?;
    let notices = Driver::new(args.threads)?.drive(&mut experiment)?;
    let verdict = notices.into_iter().find_map(|notice| match notice {
        Notice::Verified { verdict } => Some(verdict),
        _ => None,
    });
    let verdict = verdict.ok_or("the verification ended without a verdict")?;

    for check in verdict.failures() {
        say!(
            "differs    {}, {}: the receipt says {}, found {}",
            line(&check.place),
            line(&check.name),
            line(&check.expected),
            line(&check.found)
        );
    }
    let failed = verdict.failures().count();
    let total = verdict.checks.len();
    if verdict.ok {
        say!(
            "verified   {total} checks: these weights come from these rows, and the forgotten ones are not among them"
        );
        say!("           (it does not show which model a service runs)");
    } else {
        say!("refused    {failed} of {total} checks failed");
    }
    Ok(verdict.ok)
}
