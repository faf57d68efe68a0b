//! Rows from files, or the generated sample.

use std::fs::File;
use std::path::Path;

use ultrare::experiment::Experiment;
use ultrare::interactions::{Interactions, ItemTitles, ReadConfig, ReadError, ReadReport, Reader, Size};

use crate::args::{Input, SampleSize};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Loads what the arguments name.
pub fn load(experiment: &mut Experiment, args: &Input, seed: u32) -> Result<(), String> {
    let said = |error: ultrare::Error| error.to_string();
    match (&args.data, &args.train, &args.test, args.sample) {
        (Some(data), ..) => {
            let (rows, report, titles) = read(data, args, args.k_core, false)?;
            experiment.load(rows, None, &report, titles.into_map()).map_err(said)?;
        }
        (_, Some(train), Some(test), _) => {
            let (rows, report, titles) = read(train, args, args.k_core, false)?;
            // The test file may hold one user only, say: it is judged together with the training rows. Its columns are its own.
            let (held_out, ..) = read(test, args, 0, true)?;
            experiment.load(rows, Some(held_out), &report, titles.into_map()).map_err(said)?;
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

fn read(path: &Path, args: &Input, k_core: u32, part: bool) -> Result<(Interactions, ReadReport, ItemTitles), String> {
    let shown = clean(&path.display().to_string());
    let told =
        |error: &dyn std::fmt::Display| clean(&format!("{shown}: {error}{}", args.reading.flags(&error.to_string())));
    let open = || File::open(path).map_err(|error| told(&error));
    let config = ReadConfig { k_core, ..args.reading.config(&open()?, part).map_err(|error| told(&error))? };
    let reader = taken(open()?, config).map_err(|error| told(&error))?;
    let (rows, report, titles) = reader.finish_with_titles(part).map_err(|error| told(&error))?;
    for rejection in report.first_rejections.iter().take(5) {
        println!("left out   {shown}, {}", clean(&rejection.message));
    }
    for note in &report.notes {
        println!("note       {shown}: {}", clean(&note.message));
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

/// Without control characters, which a file may hold and a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Reads the assignment of `file:PATH`; other partitions need none.
pub fn assign(experiment: &mut Experiment, partition: &str) -> Result<(), String> {
    let Some(path) = partition.strip_prefix("file:") else { return Ok(()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    experiment.read_given(&text).map(|_| ()).map_err(|error| format!("{path}, {error}"))
}
