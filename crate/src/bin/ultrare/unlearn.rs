//! `ultrare unlearn`.

use std::fs;

use ultrare::experiment::{Activity, Experiment};

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
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut experiment = Experiment::new();
    experiment.restore(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    let driver = Driver::new(args.out.threads);
    let asked = forget::asked(&experiment, &args.forget)?;
    forget::forget(&driver, &mut experiment, &args.forget, asked)?;
    driver.run(&mut experiment, Activity::Compare)?;
    show::results(&experiment.snapshot());
    run::write(&experiment, &args.out)
}
