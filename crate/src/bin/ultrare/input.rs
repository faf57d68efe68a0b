//! Rows from files, or the generated sample.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ultrare::experiment::Experiment;
use ultrare::interactions::{Interactions, ReadConfig, ReadReport, Reader, Size};

use crate::args::{Input, SampleSize};

/// Loads what the arguments name.
pub fn load(experiment: &mut Experiment, args: &Input, seed: u32) -> Result<(), String> {
    let config = ReadConfig { positive: args.positive, k_core: args.k_core, ..ReadConfig::default() };
    let said = |error: ultrare::Error| error.to_string();
    match (&args.data, &args.train, &args.test, args.sample) {
        (Some(data), ..) => {
            let (rows, report) = read(data, &config, false)?;
            experiment.load(rows, None, &report, BTreeMap::new()).map_err(said)?;
        }
        (_, Some(train), Some(test), _) => {
            let (rows, report) = read(train, &config, false)?;
            // The test file may hold one user only, say: it is judged together with the training rows.
            let (held_out, _) = read(test, &ReadConfig { k_core: 0, ..config }, true)?;
            experiment.load(rows, Some(held_out), &report, BTreeMap::new()).map_err(said)?;
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
        println!("left out   {}, line {}: {}", path.display(), rejection.line, rejection.message);
    }
    Ok((rows, report))
}

/// Reads the assignment of `file:PATH`; other partitions need none.
pub fn assign(experiment: &mut Experiment, partition: &str) -> Result<(), String> {
    match partition.strip_prefix("file:") {
        Some(path) => experiment.set_given(given(Path::new(path))?).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// Lines of `user,shard`; a first line that is no assignment counts as a header.
fn given(path: &Path) -> Result<BTreeMap<String, u16>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut given = BTreeMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let assignment = line.rsplit_once([',', ';', '\t']).map(|(user, shard)| (user.trim(), shard.trim().parse()));
        match assignment {
            Some((user, Ok(shard))) => {
                given.insert(user.to_owned(), shard);
            }
            _ if index == 0 => {}
            _ => {
                let place = format!("{}, line {}", path.display(), index + 1);
                return Err(format!("{place}: expected user,shard with a shard from 0 to 65534, found \"{line}\""));
            }
        }
    }
    Ok(given)
}
