//! Runs an experiment's jobs on threads.

use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rayon::prelude::*;
use ultrare::experiment::{Activity, Experiment, Notice};
use ultrare::pipeline::{JobOut, Runner, Step};

/// The threads and the clock.
pub struct Driver {
    pool: rayon::ThreadPool,
    threads: u32,
    began: Instant,
    bars: MultiProgress,
    runner: Runner,
}

impl Driver {
    pub fn new(threads: usize) -> Result<Self, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| error.to_string())?;
        let threads = pool.current_num_threads() as u32;
        // indicatif draws nothing when the output is no terminal.
        Ok(Driver { pool, threads, began: Instant::now(), bars: MultiProgress::new(), runner: Runner::new() })
    }

    /// Carries out one activity.
    pub fn run(&self, experiment: &mut Experiment, activity: Activity) -> Result<Vec<Notice>, String> {
        experiment.tick(self.began.elapsed().as_secs_f64());
        experiment.set_workers(self.threads);
        experiment.begin(activity).map_err(|error| error.to_string())?;
        self.drive(experiment)
    }

    /// Carries out what was begun. An activity that is refused when its turn comes ends it.
    pub fn drive(&self, experiment: &mut Experiment) -> Result<Vec<Notice>, String> {
        let mut notices = experiment.notices();
        while experiment.running() {
            experiment.tick(self.began.elapsed().as_secs_f64());
            let mut jobs = experiment.jobs();
            jobs.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.id.cmp(&b.id)));
            let bar = self.bar(&jobs);
            let outcomes: Vec<(u32, ultrare::Result<Vec<u8>>, f64)> = self.pool.install(|| {
                // One job at a time: sub-jobs of unequal size would otherwise wait for a thread that was given several.
                jobs.par_iter().with_max_len(1).map(|job| self.job(experiment, job, &bar)).collect()
            });
            bar.finish_and_clear();
            self.bars.remove(&bar);
            experiment.tick(self.began.elapsed().as_secs_f64());
            for (id, outcome, seconds) in outcomes {
                match outcome.and_then(|outcome| experiment.accept(id, &outcome, seconds)) {
                    Ok(more) => notices.extend(more),
                    Err(error) => {
                        experiment.cancel();
                        return Err(error.to_string());
                    }
                }
            }
            experiment.tick(self.began.elapsed().as_secs_f64());
            notices.extend(experiment.notices());
        }
        notices.extend(experiment.notices());
        let refused = notices.iter().find_map(|notice| match notice {
            Notice::Refused { message, .. } => Some(message.clone()),
            _ => None,
        });
        refused.map_or(Ok(notices), Err)
    }

    /// `each` of 0..n on the threads; results in order.
    pub fn map<T: Send>(&self, name: &'static str, n: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let bar = self.bars.add(ProgressBar::new(n as u64).with_message(name));
        let done = self.pool.install(|| {
            (0..n)
                .into_par_iter()
                .with_max_len(1)
                .map(|at| {
                    let done = each(at);
                    bar.inc(1);
                    done
                })
                .collect()
        });
        bar.finish_and_clear();
        self.bars.remove(&bar);
        done
    }

    fn job(&self, experiment: &Experiment, job: &JobOut, bar: &ProgressBar) -> (u32, ultrare::Result<Vec<u8>>, f64) {
        let began = Instant::now();
        let outcome = (|| {
            experiment.supply(job, &self.runner)?;
            let mut task = self.runner.task(&job.body)?;
            let mut progress = 0.0;
            loop {
                let Step { done, progress: now, .. } = task.step()?;
                bar.inc(((now - progress).max(0.0) * 100.0) as u64);
                progress = now.max(progress);
                if done {
                    return task.finish();
                }
            }
        })();
        (job.id, outcome, began.elapsed().as_secs_f64())
    }

    fn bar(&self, jobs: &[JobOut]) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(jobs.len() as u64 * 100));
        if let Ok(style) = ProgressStyle::with_template("{msg:24} [{bar:40}] {percent:>3}% {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        if let Some(job) = jobs.first() {
            bar.set_message(format!("{} {:?} x{}", job.pipeline, job.stage, jobs.len()).to_lowercase());
        }
        bar
    }
}
