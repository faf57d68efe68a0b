//! Runs an experiment's jobs on threads, and shows how far they are.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ultrare::execute::{Control, Executor as _, Progress, Threads};
use ultrare::experiment::{Activity, Experiment, Moment, Notice, Spent};

use crate::out;

/// Places of a bar.
const WHOLE: u64 = 1000;

/// The threads and the clock.
pub struct Driver {
    threads: Threads,
}

impl Driver {
    pub fn new(threads: usize) -> Self {
        Driver { threads: Threads::new(threads) }
    }

    /// Something beside driving, that time is spent on: the time that goes by for it gets this name.
    pub fn spend<T>(&self, what: Spent, experiment: &mut Experiment, on: impl FnOnce(&mut Experiment) -> T) -> T {
        self.tick(experiment);
        let done = on(experiment);
        experiment.doing(what);
        self.tick(experiment);
        done
    }

    /// The reading.
    pub fn read<T>(&self, experiment: &mut Experiment, on: impl FnOnce(&mut Experiment) -> T) -> T {
        let began = self.threads.clock();
        let done = on(experiment);
        experiment.note_read(self.threads.clock() - began);
        done
    }

    fn tick(&self, experiment: &mut Experiment) {
        experiment.tick(Moment::of(&self.threads));
    }

    /// Carries out one activity.
    pub fn run(&self, experiment: &mut Experiment, activity: Activity) -> Result<Vec<Notice>, String> {
        self.tick(experiment);
        experiment.begin(activity).map_err(|error| error.to_string())?;
        self.drive(experiment)
    }

    /// Carries out what was begun. An activity that is refused when its turn comes ends it.
    pub fn drive(&self, experiment: &mut Experiment) -> Result<Vec<Notice>, String> {
        let notices = self.shown(|control| experiment.drive_on(&self.threads, control)).map_err(|e| e.to_string())?;
        let refused = notices.iter().find_map(|notice| match notice {
            Notice::Refused { message, .. } => Some(message.clone()),
            _ => None,
        });
        refused.map_or(Ok(notices), Err)
    }

    /// Shows how far `work` is while it goes on.
    pub fn shown<T>(&self, work: impl FnOnce(&Control<'_>) -> T) -> T {
        let bar = bar(WHOLE);
        let now = Mutex::new(String::new());
        let tell = |progress: &Progress| {
            let stage = format!("{:?}", progress.stage).to_lowercase();
            let message = format!("{} {stage} x{}", progress.pipeline, progress.jobs);
            let mut now = now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if *now != message {
                bar.reset();
                bar.set_message(message.clone());
                *now = message;
            }
            bar.set_position((f64::from(progress.done) * WHOLE as f64) as u64);
        };
        let done = work(&Control::new().telling(&tell));
        bar.finish_and_clear();
        done
    }

    /// `each` of 0..n on the threads; results in order.
    pub fn map<T: Send>(&self, name: &'static str, n: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let bar = bar(n as u64).with_message(name);
        let order: Vec<usize> = (0..n).collect();
        let done = self.threads.map(&order, |at| {
            let done = each(at);
            bar.inc(1);
            done
        });
        bar.finish_and_clear();
        done
    }
}

/// indicatif draws nothing when the output is no terminal.
fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if out::is_quiet() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{msg:24} [{bar:40}] {percent:>3}% {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
