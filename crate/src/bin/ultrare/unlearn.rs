//! `ultrare unlearn`.

use std::fs;

use ultrare::experiment::{Activity, Experiment, Spent};

use crate::args::Unlearn;
use crate::drive::Driver;
use crate::{forget, run, show};

/// Forgets from, or adds to, a saved experiment.
pub fn unlearn(args: &Unlearn) -> Result<(), String> {
    if !args.forget.changes() {
        return Err("say what to change: --forget WHAT, --add FILE, --sequence FILE, or --scenario STORY".into());
    }
    run::check(&args.out, true)?;
    let path = &args.experiment;
    let driver = Driver::new(args.out.threads);
    let mut experiment = Experiment::new();
    driver.spend(Spent::Read, &mut experiment, |experiment| {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let bytes = fs::read(path).map_err(|error| told(&error))?;
        experiment.restore(&bytes).map_err(|error| told(&error))
    })?;
    let asked = driver.spend(Spent::Bill, &mut experiment, |experiment| forget::asked(experiment, &args.forget))?;
    forget::forget(&driver, &mut experiment, &args.forget, asked)?;
    driver.run(&mut experiment, Activity::Compare)?;
    driver.spend(Spent::Show, &mut experiment, |experiment| show::results(&experiment.snapshot()));
    run::write(&driver, experiment, &args.out)
}
