//! Jobs on threads of this process.
#![allow(clippy::disallowed_types)] // Threads have a clock; what it says enters no outcome.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use cpu_time::ProcessTime;

use crate::error::Result;
use crate::pipeline::{JobOut, Runner};

use super::idle::Idle;
use super::{Control, Executor, Inputs, Outcome, run_job};

/// Runs jobs on so many threads, the heaviest first; where jobs are fewer than threads, those that are left over help with them. The
/// threads live as long as a call does.
pub struct Threads {
    threads: usize,
    idle: Arc<Idle>,
    runner: Runner,
    began: Instant,
}

impl Threads {
    /// `threads` of them; 0 means as many as the machine has.
    pub fn new(threads: usize) -> Self {
        let there = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = if threads == 0 { there() } else { threads };
        let idle = Arc::new(Idle::new(threads));
        Threads { threads, runner: Runner::with_crew(idle.clone()), idle, began: Instant::now() }
    }

    /// `each` of `order` on the threads, begun in this order. The results are in the order of the numbers, which are 0..n in
    /// any order.
    pub fn map<T: Send>(&self, order: &[usize], each: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(order.len()));
        let workers = self.threads.min(order.len()).max(1);
        self.idle.leave(workers);
        let work = || {
            while let Some(&at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = each(at);
                done.lock().expect("nothing panics while it holds the results").push((at, result));
            }
            // Whoever still has a job may have this thread's help.
            self.idle.enter(1);
        };
        std::thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(work);
            }
            // The thread that asks is one of them.
            work();
        });
        let mut done = done.into_inner().expect("nothing panics while it holds the results");
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

impl Executor for Threads {
    fn workers(&self) -> u32 {
        self.threads as u32
    }

    fn clock(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn computed(&self) -> Option<f64> {
        Some(ProcessTime::try_now().ok()?.as_duration().as_secs_f64())
    }

    fn run(&self, jobs: &[JobOut], inputs: &dyn Inputs, control: &Control<'_>) -> Vec<Result<Outcome>> {
        let meter = control.meter(jobs);
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by(|&a, &b| jobs[b].weight.total_cmp(&jobs[a].weight).then(a.cmp(&b)));
        self.map(&order, |at| {
            let began = Instant::now();
            Idle::helped();
            let bytes = run_job(at, &jobs[at], inputs, &self.runner, &meter)?;
            Ok(Outcome { bytes, seconds: began.elapsed().as_secs_f64() + Idle::helped() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Activity, Experiment};
    use crate::interactions::Size;
    use crate::pipeline::Stage;

    #[test]
    fn one_model_is_trained_by_all_threads_and_has_the_same_digest_on_one_two_and_three() {
        let digests = |threads: usize| {
            let threads = Threads::new(threads);
            let mut experiment = Experiment::new();
            let mut settings = experiment.settings().clone();
            // Two jobs for three threads, then one for all.
            (settings.partition.shards, settings.model.factors, settings.model.epochs) = (2, Some(24), Some(3));
            experiment.configure(settings).unwrap();
            experiment.load_sample(Size::Medium, 1).unwrap();
            for activity in [Activity::Build { until: Stage::Evaluate }, Activity::Compare] {
                experiment.begin(activity).unwrap();
                while experiment.running() {
                    let jobs = experiment.jobs();
                    let outcomes = threads.run(&jobs, &experiment, &Control::new());
                    for (job, outcome) in jobs.iter().zip(outcomes) {
                        experiment.accept(job.id, &outcome.unwrap().bytes, 0.0).unwrap();
                    }
                }
            }
            experiment.snapshot().digests
        };
        let one = digests(1);
        assert!(one.retrained.is_some());
        for threads in [2, 3] {
            assert_eq!(digests(threads), one, "{threads} threads");
        }
    }
}
