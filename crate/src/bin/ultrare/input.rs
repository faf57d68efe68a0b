//! Rows from files, or the generated sample.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ultrare::experiment::{Experiment, Loaded};
use ultrare::interactions::{ColumnChoice, Interactions, ReadConfig, ReadReport, Reader, Size, preview};

use ultrare::unlearn::{AddedRow, Change};

use crate::args::{Input, SampleSize};
use crate::out;

/// Loads what the arguments name.
pub fn load(experiment: &mut Experiment, args: &Input, seed: u32) -> Result<(), String> {
    let mut config = ReadConfig { positive: args.positive, ..ReadConfig::default() };
    if let (Some(name), Some(path)) = (&args.consent, args.data.as_ref().or(args.train.as_ref())) {
        config.consent = ColumnChoice::Column(column(path, name)?);
    }
    let said = |error: ultrare::Error| error.to_string();
    match (&args.data, &args.train, &args.test, args.sample) {
        (Some(data), ..) => {
            let (rows, report) = read(data, &config, false)?;
            experiment.load(Loaded::of(rows, &report)).map_err(said)?;
        }
        (_, Some(train), Some(test), _) => {
            let (rows, report) = read(train, &config, false)?;
            // The test file may hold one user only, say: it is judged together with the training rows.
            let (held_out, _) = read(test, &ReadConfig { k_core: 0, consent: ColumnChoice::Auto, ..config }, true)?;
            experiment.load(Loaded { test: Some(held_out), ..Loaded::of(rows, &report) }).map_err(said)?;
        }
        (.., Some(size)) => {
            let size = match size {
                SampleSize::Small => Size::Small,
                SampleSize::Medium => Size::Medium,
                SampleSize::Large => Size::Large,
            };
            experiment.load_sample(size, seed).map_err(said)?;
        }
        _ => return Err("say what to read: --data FILE, --train FILE --test FILE, or --sample small".into()),
    }
    Ok(())
}

/// Rows to add.
pub fn added(path: &Path) -> Result<Vec<AddedRow>, String> {
    let (rows, _) = read(path, &ReadConfig::default(), true)?;
    Ok(Change::adding(&rows).add)
}

/// The column with this name, as the file's first line has it.
fn column(path: &Path, name: &str) -> Result<u32, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| told(&error))?;
    file.take(1 << 16).read_to_end(&mut head).map_err(|error| told(&error))?;
    let shown = preview(&head, &ReadConfig::default()).map_err(|error| told(&error))?;
    let names: Vec<&str> = shown.columns.iter().map(|column| column.name.as_str()).collect();
    let at = names.iter().position(|found| *found == name);
    at.map(|at| at as u32).ok_or_else(|| told(&format!("there is no column {name}; there are {}", names.join(", "))))
}

fn read(path: &Path, config: &ReadConfig, part: bool) -> Result<(Interactions, ReadReport), String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(|error| told(&error))?;
    let mut reader = Reader::new(config.clone());
    let mut buffer = vec![0; 1 << 18];
    loop {
        let length = file.read(&mut buffer).map_err(|error| told(&error))?;
        if length == 0 || reader.failed().is_some() {
            break;
        }
        reader.push(&buffer[..length]);
    }
    let read = if part { reader.finish_part() } else { reader.finish() };
    let (rows, report) = read.map_err(|error| told(&error))?;
    for rejection in report.first_rejections.iter().take(5) {
        say!(
            "left out   {}, line {}: {}",
            out::line(&path.display().to_string()),
            rejection.line,
            out::line(&rejection.message)
        );
    }
    Ok((rows, report))
}

/// Reads the assignment of `file:PATH`; other partitions need none.
pub fn assign(experiment: &mut Experiment, partition: &str) -> Result<(), String> {
    let Some(path) = partition.strip_prefix("file:") else { return Ok(()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    experiment.read_assignment_file(&text).map(|_| ()).map_err(|error| format!("{path}, {error}"))
}
