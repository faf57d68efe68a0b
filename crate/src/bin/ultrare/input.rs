//! Rows from files, or the generated sample.

use std::fs::File;
use std::path::Path;

use ultrare::experiment::{Experiment, Loaded};
use ultrare::interactions::{Interactions, ItemTitles, ReadConfig, ReadError, ReadReport, Reader, Size};

use ultrare::unlearn::{AddedRow, Change};

use crate::args::{Input, SampleSize};
use crate::out;

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Loads what the arguments name.
pub fn load(experiment: &mut Experiment, args: &Input, seed: u32) -> Result<(), String> {
    let said = |error: ultrare::Error| error.to_string();
    match (&args.data, &args.train, &args.test, args.sample) {
        (Some(data), ..) => {
            let (rows, report, titles) = read(data, args, false)?;
            let loaded = Loaded { titles: titles.into_map(), ..Loaded::of(rows, &report) };
            experiment.load(loaded).map_err(said)?;
        }
        (_, Some(train), Some(test), _) => {
            let (rows, report, titles) = read(train, args, false)?;
            // The test file may hold one user only, say: it is judged together with the training rows. Its columns are its own.
            let (held_out, ..) = read(test, args, true)?;
            let loaded = Loaded { titles: titles.into_map(), test: Some(held_out), ..Loaded::of(rows, &report) };
            experiment.load(loaded).map_err(said)?;
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

/// Rows to add, from a file that is read as its own bytes tell.
pub fn added(path: &Path) -> Result<Vec<AddedRow>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| told(&error))?;
    let reader = taken(file, ReadConfig::default()).map_err(|error| told(&error))?;
    let (rows, ..) = reader.finish_with_titles(true).map_err(|error| told(&error))?;
    Ok(Change::adding(&rows).add)
}

/// The filter is a setting, which is applied anew at every change; so nothing is filtered here.
fn read(path: &Path, args: &Input, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), String> {
    let shown = path.display().to_string();
    let shown = out::line(&shown);
    let told = |error: &dyn std::fmt::Display| format!("{shown}: {error}{}", args.reading.flags(&error.to_string()));
    let open = || File::open(path).map_err(|error| told(&error));
    let config = args.reading.config(&open()?, part).map_err(|error| told(&error))?;
    let mut reader = taken(open()?, config).map_err(|error| told(&error))?;
    if let (Some(titles), false) = (&args.titles, part) {
        let said = |error: &dyn std::fmt::Display| format!("{}: {error}", out::line(&titles.display().to_string()));
        let text = std::fs::read(titles).map_err(|error| said(&error))?;
        reader.with_titles(&text).map_err(|error| said(&error))?;
    }
    let (rows, report, titles) = reader.finish_with_titles(part).map_err(|error| told(&error))?;
    for rejection in report.first_rejections.iter().take(5) {
        say!("left out   {shown}, {}", out::line(&rejection.message));
    }
    for note in &report.notes {
        say!("note       {shown}: {}", out::line(&note.message));
    }
    Ok((rows, report, titles))
}

fn taken(file: File, config: ReadConfig) -> Result<Reader, ReadError> {
    #[cfg(feature = "parquet")]
    if crate::parquet::is_parquet(&file) {
        return crate::parquet::read(&file, config);
    }
    let mut reader = Reader::open(Box::new(file), config)?;
    while !reader.step(CHUNK)? {}
    Ok(reader)
}

/// Reads the assignment of `file:PATH`; other partitions need none.
pub fn assign(experiment: &mut Experiment, partition: &str) -> Result<(), String> {
    let Some(path) = partition.strip_prefix("file:") else { return Ok(()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    experiment.read_assignment_file(&text).map(|_| ()).map_err(|error| format!("{path}, {error}"))
}
