//! What `run` and `unlearn` share: finding what to forget, the rehearsal, the bill, and doing it.

use std::fs;

use ultrare::experiment::{Activity, Experiment};
use ultrare::unlearn::{Change, How, Mode, Request, Selection, Sequence};

use crate::args::Forget;
use crate::drive::Driver;
use crate::words::{percent, word};
use crate::{input, show};

/// Carries out what was asked; false if nothing was.
pub fn forget(driver: &Driver, experiment: &mut Experiment, args: &Forget) -> Result<bool, String> {
    let mode = if args.refit { Mode::Refit } else { Mode::Frozen };
    match (&args.forget, &args.sequence) {
        (what, None) if what.is_some() || args.add.is_some() => {
            let forget = what.as_ref().map(|what| request(experiment, what)).transpose()?.unwrap_or_default();
            let added = args.add.as_ref().map(|path| input::added(path)).transpose()?.unwrap_or_default();
            let change = Change { forget: Request { confirmed: args.confirm, ..forget }, add: added };
            let plan = experiment.plan(&change, mode).map_err(|error| error.to_string())?;
            show::plan(&plan);
            if args.audit {
                let activity = Activity::Audit { change: change.clone(), mode, person: None };
                driver.run(experiment, activity)?;
                show::audit(&experiment.snapshot());
            }
            driver.run(experiment, Activity::Change { change, mode })?;
        }
        (_, Some(path)) => {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let script = fs::read_to_string(path).map_err(|error| told(&error))?;
            let mut sequence = Sequence::parse(&script).map_err(|error| told(&error))?;
            sequence.changes.iter_mut().for_each(|change| change.forget.confirmed = args.confirm);
            let done = driver.run(experiment, Activity::Sequence { sequence, mode, twin: args.audit });
            show::sequence(&experiment.snapshot());
            done?;
        }
        (_, None) if args.audit => return Err("--audit rehearses a request: say which with --forget".into()),
        (_, None) => return Ok(false),
    }
    Ok(true)
}

fn request(experiment: &Experiment, what: &str) -> Result<Request, String> {
    let (how, rest) = what.split_once(':').ok_or_else(|| {
        format!(
            "--forget takes users:ID,ID,..., items:ID,ID,..., rows:USER=ITEM,..., or random:P%, core:P%, edge:P%; \"{what}\" \
             has no colon"
        )
    })?;
    let names = || rest.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let pair = |name: String| {
        let parts = name.split_once('=').map(|(user, item)| (user.trim().to_owned(), item.trim().to_owned()));
        parts.ok_or_else(|| format!("--forget rows: takes USER=ITEM, not \"{name}\""))
    };
    match how {
        "users" => Ok(Request::of_users(names())),
        "items" => Ok(Request { items: names().collect(), ..Request::default() }),
        "rows" => Ok(Request { interactions: names().map(pair).collect::<Result<_, _>>()?, ..Request::default() }),
        _ => {
            let how: How = word("--forget", how)?;
            let selection = Selection { how, percent: percent("--forget", rest)? };
            Ok(Request::of_users(experiment.select(&selection).map_err(|error| error.to_string())?))
        }
    }
}
