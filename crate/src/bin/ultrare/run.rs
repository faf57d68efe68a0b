//! `ultrare run`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::experiment::{Activity, Experiment, Spent};
use ultrare::interactions::SplitMethod;
use ultrare::model::{ModelConfig, ModelName};
use ultrare::partition::{Balance, Method, PartitionConfig, Solver};
use ultrare::pipeline::{Settings, Stage};

use crate::args::{Output, Run, Split};
use crate::drive::Driver;
use crate::words::{percent, word};
use crate::{figures, forget, input, keys, lists, out, show};

/// Carries it out and prints what came of it.
pub fn run(args: &Run) -> Result<(), String> {
    check(&args.out, args.forget.changes())?;
    out::check(&[args.prepare.as_deref()])?;
    if args.drift && !args.forget.changes() {
        return Err("--drift asks who would have moved without the forgotten users: say whom with --forget".into());
    }
    let driver = Driver::new(args.out.threads);
    let mut experiment = Experiment::new();
    experiment.configure(settings(args)?).map_err(|error| error.to_string())?;
    driver.read(&mut experiment, |experiment| {
        input::load(experiment, &args.input, args.seed)?;
        input::assign(experiment, &args.partition)
    })?;
    driver.spend(Spent::Show, &mut experiment, |experiment| show::data(&experiment.snapshot()));
    if let Some(path) = &args.prepare {
        return out::write(path, &experiment.save());
    }
    // A name that nobody has is told now, not after the training.
    let asked = driver.spend(Spent::Bill, &mut experiment, |experiment| forget::asked(experiment, &args.forget))?;

    let go = |experiment: &mut Experiment, activity| driver.run(experiment, activity);
    go(&mut experiment, Activity::Build { until: Stage::Evaluate })?;
    driver.spend(Spent::Show, &mut experiment, |experiment| {
        let snapshot = experiment.snapshot();
        show::partition(&snapshot);
        show::training(&snapshot);
    });
    forget::forget(&driver, &mut experiment, &args.forget, asked)?;
    go(&mut experiment, Activity::Compare)?;
    if args.baselines {
        go(&mut experiment, Activity::Baselines)?;
    }
    if args.decompose {
        go(&mut experiment, Activity::Decompose)?;
    }
    if args.drift {
        go(&mut experiment, Activity::Twin)?;
    }
    driver.spend(Spent::Show, &mut experiment, |experiment| {
        let snapshot = experiment.snapshot();
        show::results(&snapshot);
        figures::show(&snapshot);
        show::twin(&snapshot);
    });
    write(&driver, experiment, &args.out)
}

/// Refuses what cannot be written, before any work.
pub fn check(out: &Output, changes: bool) -> Result<(), String> {
    let paths = [&out.json, &out.receipt, &out.save, &out.lists, &out.per_user];
    out::check(&paths.map(Option::as_deref))?;
    for path in [&out.lists, &out.per_user].into_iter().flatten() {
        lists::Form::of(path)?;
    }
    if let Some(key) = &out.sign {
        keys::read(key)?;
    }
    let unasked = out.receipt.is_some() && !changes;
    if unasked { Err("--receipt: nothing is to change, so there will be no receipt".into()) } else { Ok(()) }
}

/// The files that were asked for, and where the time went. The end of the experiment.
pub fn write(driver: &Driver, mut experiment: Experiment, out: &Output) -> Result<(), String> {
    driver.spend(Spent::Write, &mut experiment, |experiment| write_files(experiment, out))?;
    let snapshot = driver.spend(Spent::Show, &mut experiment, |experiment| experiment.snapshot());
    show::spent(&snapshot);
    // Last, so that it holds the time of the others.
    if let Some(path) = &out.json {
        out::write_json(path, &snapshot)?;
    }
    // The process ends here: to give every row back to it would take longer than ending it.
    std::mem::forget(experiment);
    Ok(())
}

fn write_files(experiment: &Experiment, out: &Output) -> Result<(), String> {
    if let Some(path) = &out.lists {
        lists::write_lists(path, experiment)?;
    }
    if let Some(path) = &out.per_user {
        lists::write_figures(path, experiment)?;
    }
    if let Some(path) = &out.receipt {
        let last = experiment.receipts().pop().ok_or("--receipt: nothing was changed, so there is no receipt")?;
        let last = match &out.sign {
            Some(key) => keys::read(key)?.sign(last),
            None => last,
        };
        out::write(path, last.to_json().as_bytes())?;
        say!("head       {} (keep it elsewhere: it shows that no later receipt was cut off)", last.digest);
    }
    if let Some(path) = &out.save {
        out::write(path, &experiment.save())?;
    }
    Ok(())
}

fn settings(args: &Run) -> Result<Settings, String> {
    let mut config = Settings { seed: args.seed, k_core: args.input.k_core, ..Settings::default() };
    config.partition = partition(args)?;
    config.split.method = match args.split {
        Split::HoldOut => SplitMethod::HoldOut,
        Split::LeaveLastOut => SplitMethod::LeaveLastOut,
    };
    let mut knobs = args.knobs.clone();
    knobs.extend(args.factors.map(|factors| format!("factors={factors}")));
    config.model = model(&args.model, &knobs)?;
    // The model says itself why it takes none.
    config.model.slices = args.slices.max(config.model.slices);
    config.combine = CombineConfig::of(match &args.combine {
        Some(combiner) => word("--combine", combiner)?,
        None => standing_in(config.model.name, config.combine.method),
    });
    Ok(config)
}

/// How many shards, as it was asked for.
pub fn shards(asked: i64) -> Result<u32, String> {
    let told = || format!("--shards must be a whole number from 1, not {asked}");
    u32::try_from(asked).ok().filter(|&shards| shards > 0).ok_or_else(told)
}

/// The partition with the knobs that options name, and no others: the configuration's own reader refuses what the partition does
/// not have.
fn partition(args: &Run) -> Result<PartitionConfig, String> {
    let method: Method = word("--partition", args.partition.split(':').next().unwrap_or_default())?;
    let anchors = match args.anchors.as_deref() {
        None | Some("consent") => None,
        Some(share) => Some(percent("--anchors", share)? / 100.0),
    };
    let consent = (args.anchors.as_deref() == Some("consent")).then_some(true);
    let balance: Option<Balance> = args.balance.as_deref().map(|unit| word("--balance", unit)).transpose()?;
    let solver: Option<Solver> = args.solver.as_deref().map(|solver| word("--solver", solver)).transpose()?;
    let asked = [
        ("--shards", "shards", json!(shards(args.shards)?)),
        ("--balance", "balance", json!(balance)),
        ("--balance-strength", "strength", json!(args.balance_strength)),
        ("--solver", "solver", json!(solver)),
        ("--restarts", "restarts", json!(args.restarts)),
        ("--anchors", "anchors", json!(anchors)),
        ("--anchors", "consent", json!(consent)),
    ];
    let mut config = PartitionConfig::of(method);
    for (option, knob, value) in asked.into_iter().filter(|(_, _, value)| !value.is_null()) {
        config = with(&config, knob, value).map_err(|error| format!("{option}: {error}"))?;
    }
    Ok(config)
}

/// A part of the settings with one knob more, as its own reader takes it.
fn with<T: Serialize + DeserializeOwned>(config: &T, knob: &str, value: Value) -> serde_json::Result<T> {
    let mut fields = serde_json::to_value(config)?;
    fields[knob] = value;
    serde_json::from_value(fields)
}

/// The usual combiner, or the mean of scores where the model has nothing that it could work on.
pub fn standing_in(model: ModelName, usual: CombineMethod) -> CombineMethod {
    if usual.works_with(model) {
        return usual;
    }
    let stand_in = CombineMethod::Mean;
    say!(
        "combiner   {}, since {} has no item vectors for {} to work on",
        stand_in.as_str(),
        model.as_str(),
        usual.as_str()
    );
    stand_in
}

/// A model with the knobs that `--set` and other options name; the configuration's own reader knows which the model has and lists
/// them in its refusal.
pub fn model(name: &str, knobs: &[String]) -> Result<ModelConfig, String> {
    let name: ModelName = word("--model", name)?;
    let mut config = ModelConfig::of(name);
    for knob in knobs.iter().flat_map(|knobs| knobs.split([' ', ',']).filter(|knob| !knob.is_empty())) {
        let told = || format!("--set takes a knob and a value such as rate=0.02, not \"{knob}\"");
        let (key, value) = knob.split_once('=').ok_or_else(told)?;
        let value = serde_json::from_str(value).map_err(|_| told())?;
        config = with(&config, key.trim(), value).map_err(|error| format!("--set: {error}"))?;
    }
    config.check().map_err(|error| format!("--set: {error}"))?;
    Ok(config)
}
