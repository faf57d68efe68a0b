//! `ultrare run`.

use std::fs;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ultrare::experiment::{Activity, Config, Experiment, Snapshot, Stage};
use ultrare::unlearn::{How, Mode, Request, Selection};

use crate::args::Run;
use crate::drive::Driver;
use crate::{input, show};

/// Carries it out and prints what came of it.
pub fn run(args: &Run) -> Result<(), String> {
    let driver = Driver::new(args.threads)?;
    let mut experiment = Experiment::new();
    experiment.configure(config(args)?).map_err(|error| error.to_string())?;
    let began = Instant::now();
    input::load(&mut experiment, args)?;
    experiment.note_read(began.elapsed().as_secs_f64());
    show::data(&experiment.snapshot());

    let go = |experiment: &mut Experiment, activity| driver.run(experiment, activity).map_err(|e| e.to_string());
    go(&mut experiment, Activity::Build { until: Stage::Evaluate })?;
    show::partition(&experiment.snapshot());
    if let Some(what) = &args.forget {
        let mut request = request(&experiment, what)?;
        request.confirmed = args.confirm;
        let mode = if args.refit { Mode::Refit } else { Mode::Frozen };
        let plan = experiment.plan(&request, mode).map_err(|error| error.to_string())?;
        show::plan(&plan);
        go(&mut experiment, Activity::Forget { request, mode })?;
    }
    go(&mut experiment, Activity::Compare)?;
    if args.drift {
        if args.forget.is_none() {
            return Err("--drift asks who would have moved without the forgotten users: say whom with --forget".into());
        }
        go(&mut experiment, Activity::Twin)?;
    }
    let snapshot = experiment.snapshot();
    show::results(&snapshot);
    show::twin(&snapshot);
    match &args.json {
        Some(path) => write(path, &snapshot),
        None => Ok(()),
    }
}

fn write(path: &std::path::Path, snapshot: &Snapshot) -> Result<(), String> {
    let text = serde_json::to_string_pretty(snapshot).map_err(|error| error.to_string())?;
    fs::write(path, text + "\n").map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

fn config(args: &Run) -> Result<Config, String> {
    let mut config = Config { seed: args.seed, ..Config::default() };
    let method = args.partition.split(':').next().unwrap_or_default();
    config.partition.method = word("--partition", method)?;
    config.partition.shards = u32::try_from(args.shards)
        .ok()
        .filter(|&shards| shards > 0)
        .ok_or_else(|| format!("--shards must be a whole number from 1, not {}", args.shards))?;
    if let Some(unit) = &args.balance {
        config.partition.balance = word("--balance", unit)?;
    }
    if let Some(strength) = args.balance_strength {
        config.partition.strength = strength;
    }
    if let Some(solver) = &args.solver {
        config.partition.solver = word("--solver", solver)?;
    }
    if let Some(restarts) = args.restarts {
        config.partition.restarts = restarts;
    }
    if let Some(anchors) = &args.anchors {
        config.partition.anchors = (percent("--anchors", anchors)? / 100.0) as f32;
    }
    config.model.name = word("--model", &args.model)?;
    config.model.factors = args.factors;
    config.combine.method = word("--combine", &args.combine)?;
    Ok(config)
}

/// One of an enum's names; serde knows them all and lists them in its refusal.
fn word<T: DeserializeOwned + Serialize>(option: &str, text: &str) -> Result<T, String> {
    let quoted = serde_json::Value::String(text.to_owned());
    serde_json::from_value(quoted).map_err(|error| format!("{option}: {error}"))
}

fn percent(option: &str, text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let value = number.parse::<f64>().map_err(|_| format!("{option} takes a percentage such as 5%, not \"{text}\""))?;
    if (0.0..=100.0).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{option} takes a percentage from 0 to 100, not \"{text}\""))
    }
}

fn request(experiment: &Experiment, what: &str) -> Result<Request, String> {
    let (how, rest) = what.split_once(':').ok_or_else(|| {
        format!("--forget takes users:ID,ID,... or random:P%, core:P%, edge:P%; \"{what}\" has no colon")
    })?;
    if how == "users" {
        let ids = rest.split(',').map(str::trim).filter(|id| !id.is_empty());
        return Ok(Request::of_users(ids));
    }
    let how: How = word("--forget", how)?;
    let selection = Selection { how, percent: percent("--forget", rest)? };
    Ok(Request::of_users(experiment.select(&selection).map_err(|error| error.to_string())?))
}
