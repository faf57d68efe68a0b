//! Jobs on threads of this process.
#![allow(clippy::disallowed_types)] // Threads have a clock; what it says enters no outcome.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use cpu_time::ProcessTime;

use crate::error::Result;
use crate::pipeline::{JobOut, Runner};

use super::{Control, Executor, Inputs, Outcome, run_job};

/// Runs jobs on so many threads, the heaviest first. The threads live as long as a call does.
pub struct Threads {
    threads: usize,
    runner: Runner,
    began: Instant,
}

impl Threads {
    /// `threads` of them; 0 means as many as the machine has.
    pub fn new(threads: usize) -> Self {
        let there = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = if threads == 0 { there() } else { threads };
        Threads { threads, runner: Runner::new(), began: Instant::now() }
    }

    /// `each` of `order` on the threads, begun in this order. The results are in the order of the numbers, which are 0..n in
    /// any order.
    pub fn map<T: Send>(&self, order: &[usize], each: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(order.len()));
        let work = || {
            while let Some(&at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = each(at);
                done.lock().expect("nothing panics while it holds the results").push((at, result));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(order.len()) {
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
            let bytes = run_job(at, &jobs[at], inputs, &self.runner, &meter)?;
            Ok(Outcome { bytes, seconds: began.elapsed().as_secs_f64() })
        })
    }
}
