//! `ultrare job`: a pipeline's jobs as files, for schedulers that know nothing but commands and files.
//!
//! DIR/experiment.urx and DIR/change.json are what was asked; jobs/, inputs/ and outcomes/ hold bytes by their digests. All of
//! it is removed when the result is there: it holds people's rows, those who are forgotten included.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ultrare::Digest;
use ultrare::experiment::{Activity, Experiment, Notice};
use ultrare::pipeline::{Blob, JobOut, Parcel, Runner, Stage};
use ultrare::unlearn::{Change, Mode};

use crate::args::{Forget, Job};
use crate::forget::{self, Asked};
use crate::out;

const EXPERIMENT: &str = "experiment.urx";
const CHANGE: &str = "change.json";
const RESULT: &str = "result.urx";
const FOLDERS: [&str; 3] = ["jobs", "inputs", "outcomes"];

/// What is to happen to the experiment; nothing: it is built.
#[derive(Serialize, Deserialize)]
struct Asking {
    change: Change,
    mode: Mode,
}

pub fn job(job: &Job) -> Result<(), String> {
    match job {
        Job::Plan { dir, experiment, forget } => plan(dir, experiment, forget),
        Job::Run { jobs } => run(jobs),
        Job::Accept { dir } => accept(dir),
    }
}

fn told(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

fn plan(dir: &Path, path: &Path, args: &Forget) -> Result<(), String> {
    let experiment = open(path)?;
    let asking = match forget::asked(&experiment, args)? {
        Asked::Nothing => None,
        Asked::Change(change) => Some(Asking { change, mode: if args.refit { Mode::Refit } else { Mode::Frozen } }),
        Asked::Sequence(_) => return Err("--sequence: changes one by one are one plan each".into()),
    };
    fs::create_dir_all(dir).map_err(told(dir))?;
    if fs::read_dir(dir).map_err(told(dir))?.next().is_some() {
        return Err(format!("{} is not empty: every plan has a folder of its own", dir.display()));
    }
    for folder in FOLDERS {
        fs::create_dir(dir.join(folder)).map_err(told(dir))?;
    }
    out::write(&dir.join(EXPERIMENT), &experiment.save())?;
    if let Some(asking) = &asking {
        out::write_json(&dir.join(CHANGE), asking)?;
    }
    accept(dir)
}

fn open(path: &Path) -> Result<Experiment, String> {
    let mut experiment = Experiment::new();
    let bytes = fs::read(path).map_err(told(path))?;
    experiment.restore(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(experiment)
}

fn run(jobs: &[PathBuf]) -> Result<(), String> {
    let runner = Runner::new();
    for path in jobs {
        let said = |error: ultrare::Error| format!("{}: {error}", path.display());
        let parcel = Parcel::from_bytes(&fs::read(path).map_err(told(path))?).map_err(said)?;
        let dir = path.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let outcome = dir.join("outcomes").join(parcel.key.to_string());
        if outcome.exists() {
            say!("there      {}", path.display());
            continue;
        }
        for digest in runner.lacking(&parcel.inputs) {
            let input = dir.join("inputs").join(digest.to_string());
            let blob = Blob::new(fs::read(&input).map_err(told(&input))?);
            if blob.digest != digest {
                return Err(format!("{} is not what its name says: its bytes were changed", input.display()));
            }
            runner.put(blob.digest, blob.bytes);
        }
        let bytes = runner.run(&parcel.body).map_err(said)?;
        // Whole or not at all: another process may look at any time, and two may run the same job.
        let partial = dir.join("outcomes").join(format!("{}.{}", parcel.key, std::process::id()));
        fs::write(&partial, bytes).map_err(told(&partial))?;
        fs::rename(&partial, &outcome).map_err(told(&outcome))?;
        say!("done       {}", path.display());
    }
    Ok(())
}

fn accept(dir: &Path) -> Result<(), String> {
    let mut experiment = open(&dir.join(EXPERIMENT))?;
    let change = dir.join(CHANGE);
    let activity = if change.exists() {
        let text = fs::read_to_string(&change).map_err(told(&change))?;
        let Asking { change: asked, mode } =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", change.display()))?;
        Activity::Change { change: asked, mode }
    } else {
        Activity::Build { until: Stage::Evaluate }
    };
    let outcomes = dir.join("outcomes");
    for entry in fs::read_dir(&outcomes).map_err(told(&outcomes))? {
        let path = entry.map_err(told(&outcomes))?.path();
        // Names of something else are outcomes that are still being written.
        let key = path.file_name().and_then(|name| name.to_str()).and_then(Digest::parse);
        if let Some(key) = key {
            experiment.recall(key, fs::read(&path).map_err(told(&path))?);
        }
    }
    experiment.begin(activity).map_err(|error| error.to_string())?;
    let jobs = experiment.jobs();
    let refused = experiment.notices().into_iter().find_map(|notice| match notice {
        Notice::Refused { message, .. } => Some(message),
        _ => None,
    });
    if let Some(message) = refused {
        return Err(message);
    }
    fs::remove_dir_all(dir.join("jobs")).map_err(told(dir))?;
    fs::create_dir(dir.join("jobs")).map_err(told(dir))?;
    if jobs.is_empty() {
        return finish(dir, &experiment);
    }
    for job in &jobs {
        write(dir, &experiment, job)?;
    }
    let stage = format!("{:?}", jobs[0].stage).to_lowercase();
    say!("jobs       {} of stage {stage} in {}", jobs.len(), dir.join("jobs").display());
    Ok(())
}

fn write(dir: &Path, experiment: &Experiment, job: &JobOut) -> Result<(), String> {
    let key = job.key.to_string();
    let outcome = dir.join("outcomes").join(&key);
    if outcome.exists() {
        complain!("{} is no outcome of its job: it has to run again", outcome.display());
        fs::remove_file(&outcome).map_err(told(&outcome))?;
    }
    for digest in &job.inputs {
        let input = dir.join("inputs").join(digest.to_string());
        if !input.exists() {
            let bytes = experiment.blob(digest).ok_or("a job names bytes that are not there")?;
            out::write(&input, &bytes)?;
        }
    }
    let stage = format!("{:?}", job.stage).to_lowercase();
    out::write(&dir.join("jobs").join(format!("{stage}-{}.job", &key[..16])), &Parcel::from(job).to_bytes())
}

fn finish(dir: &Path, experiment: &Experiment) -> Result<(), String> {
    let result = dir.join(RESULT);
    out::write(&result, &experiment.save())?;
    for folder in FOLDERS {
        fs::remove_dir_all(dir.join(folder)).map_err(told(dir))?;
    }
    for file in [EXPERIMENT, CHANGE].map(|name| dir.join(name)).iter().filter(|file| file.exists()) {
        fs::remove_file(file).map_err(told(file))?;
    }
    let digests = experiment.snapshot().digests;
    let ensemble = digests.ensemble_after.or(digests.ensemble_before);
    say!(
        "finished   {}, ensemble {}",
        result.display(),
        ensemble.map_or_else(String::new, |digest| digest.to_string())
    );
    Ok(())
}
