//! `ultrare verify`.

use std::fs;

use ultrare::Digest;
use ultrare::experiment::{Experiment, Notice, settings};
use ultrare::interactions::Interactions;
use ultrare::unlearn::Receipt;
use ultrare::unlearn::receipt::check_head;
use ultrare::unlearn::receipt::sign::check_signatures;

use crate::args::Verify;
use crate::drive::Driver;
use crate::out::line;
use crate::{input, keys, out};

/// Reads receipts and rows, trains again, and says what differs and where. True if nothing does.
pub fn verify(args: &Verify) -> Result<bool, String> {
    out::check(&[args.rows.as_deref()])?;
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
    if let Some(path) = &args.rows {
        let text = text(source.rows().map_err(said)?);
        out::write(path, text.as_bytes())?;
    }
    let mut experiment = Experiment::new();
    experiment.verify_rows(&receipts, source.rows().map_err(said)?).map_err(said)?;
    let notices = Driver::new(args.threads).drive(&mut experiment)?;
    let verdict = notices.into_iter().find_map(|notice| match notice {
        Notice::Verified { verdict } => Some(verdict),
        _ => None,
    });
    let mut verdict = verdict.ok_or("the verification ended without a verdict")?;
    let by = args.signed_by.as_deref().map(keys::public).transpose()?;
    verdict = verdict.and(check_signatures(&receipts, by.as_ref()));
    if let Some(head) = &args.head {
        let head = Digest::parse(head).ok_or("--head takes the 64 hexadecimal digits of the last receipt's digest")?;
        verdict = verdict.and(check_head(&receipts, &head));
    }

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
    for left in &verdict.unchecked {
        say!("unchecked  {}: {}", left.what, left.why);
    }
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

/// One JSON array a line: user, item, value, time, fate (0 train, 1 validation, 2 test), consent (0 unsaid, 1 no, 2 yes).
fn text(rows: &Interactions) -> String {
    let line = |row: &ultrare::interactions::Row| {
        let (user, item) = (rows.users().get(row.user), rows.items().get(row.item));
        let quoted = |id: &str| serde_json::Value::from(id).to_string();
        let (fate, consent) = (row.fate as u8, row.consent as u8);
        format!("[{},{},{},{},{fate},{consent}]\n", quoted(user), quoted(item), row.value, row.time)
    };
    rows.rows().iter().map(line).collect()
}
