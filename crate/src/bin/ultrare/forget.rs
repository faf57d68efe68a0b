//! What `run` and `unlearn` share: finding what to forget, the rehearsal, the bill, and doing it.

use std::fs;

use ultrare::experiment::{Activity, Experiment, Spent};
use ultrare::unlearn::{Change, How, Mode, Request, RequestError, Scenario, Selection, Sequence};

use crate::args::Forget;
use crate::drive::Driver;
use crate::words::{percent, word};
use crate::{input, show};

/// What is to happen, as far as rows that are loaded can tell.
pub enum Asked {
    Nothing,
    Change(Change),
    Sequence(Sequence),
}

impl Forget {
    /// Is anything to change?
    pub fn changes(&self) -> bool {
        self.forget.is_some() || self.add.is_some() || self.sequence.is_some() || self.scenario.is_some()
    }
}

/// Finds out what was asked; needs rows and no training.
pub fn asked(experiment: &Experiment, args: &Forget) -> Result<Asked, String> {
    if let Some(story) = &args.scenario {
        let story: Scenario = word("--scenario", story)?;
        let mut sequence = experiment.scenario(story).map_err(|error| error.to_string())?;
        sequence.changes.iter_mut().for_each(|change| change.forget.confirmed = args.confirm);
        return Ok(Asked::Sequence(sequence));
    }
    match (&args.forget, &args.sequence) {
        (what, None) if what.is_some() || args.add.is_some() => {
            let forget = what.as_ref().map(|what| request(experiment, what)).transpose()?.unwrap_or_default();
            let add = args.add.as_ref().map(|path| input::added(path)).transpose()?.unwrap_or_default();
            let change = Change { forget: Request { confirmed: args.confirm, ..forget }, add };
            known(experiment, &change)?;
            Ok(Asked::Change(change))
        }
        (_, Some(path)) => {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let script = fs::read_to_string(path).map_err(|error| told(&error))?;
            let mut sequence = Sequence::parse(&script).map_err(|error| told(&error))?;
            sequence.changes.iter_mut().for_each(|change| change.forget.confirmed = args.confirm);
            Ok(Asked::Sequence(sequence))
        }
        (_, None) if args.audit => Err("--audit rehearses a request: say which with --forget".into()),
        (_, None) => Ok(Asked::Nothing),
    }
}

/// Refuses a change of which no name occurs.
fn known(experiment: &Experiment, change: &Change) -> Result<(), String> {
    let found = change.forget.resolve(experiment.dataset().map_err(|error| error.to_string())?.read());
    let pairs = found.unknown_interactions.iter().map(|(user, item)| format!("({user}, {item})"));
    let unknown: Vec<String> = (found.unknown_users.iter().chain(&found.unknown_items)).cloned().chain(pairs).collect();
    match unknown.first() {
        Some(first) if found.rows.is_empty() && change.add.is_empty() => {
            let unknown = RequestError::Unknown { count: unknown.len() as u32, first: first.clone() };
            Err(unknown.to_string())
        }
        _ => Ok(()),
    }
}

/// Carries out what was asked.
pub fn forget(driver: &Driver, experiment: &mut Experiment, args: &Forget, asked: Asked) -> Result<(), String> {
    let mode = if args.refit { Mode::Refit } else { Mode::Frozen };
    match asked {
        Asked::Nothing => {}
        Asked::Change(change) => {
            let plan = driver.spend(Spent::Bill, experiment, |experiment| experiment.plan(&change, mode));
            show::plan(&plan.map_err(|error| error.to_string())?);
            if args.audit {
                let activity = Activity::Audit { change: change.clone(), mode, person: None };
                driver.run(experiment, activity)?;
                show::audit(&experiment.snapshot());
            }
            driver.run(experiment, Activity::Change { change, mode })?;
        }
        Asked::Sequence(sequence) => {
            let bill = driver.spend(Spent::Bill, experiment, |experiment| experiment.bill(&sequence, mode));
            show::bill(&bill.map_err(|error| error.to_string())?);
            let done = driver.run(experiment, Activity::Sequence { sequence, mode, twin: args.audit });
            show::sequence(&experiment.snapshot());
            done?;
        }
    }
    Ok(())
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
