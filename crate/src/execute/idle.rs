//! Threads that have no job, lent to those that have one.

use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Instant;

use crate::numerics::crew::Crew;

/// How many of a process's threads have nothing to do.
pub(super) struct Idle(AtomicIsize);

thread_local! {
    /// Seconds that others have helped this thread's job.
    static HELPED: Cell<f64> = const { Cell::new(0.0) };
}

impl Idle {
    pub fn new(threads: usize) -> Self {
        Idle(AtomicIsize::new(threads as isize))
    }

    /// So many begin to work on jobs.
    pub fn leave(&self, threads: usize) {
        self.0.fetch_sub(threads as isize, Ordering::Relaxed);
    }

    /// So many have no job any more.
    pub fn enter(&self, threads: usize) {
        self.0.fetch_add(threads as isize, Ordering::Relaxed);
    }

    /// Seconds that others have helped the calling thread since it last asked.
    pub fn helped() -> f64 {
        HELPED.take()
    }
}

impl Crew for Idle {
    fn hands(&self) -> usize {
        1 + self.0.load(Ordering::Relaxed).max(0) as usize
    }

    fn work(&self, hand: &(dyn Fn() + Sync)) {
        let mut lent = 0;
        // Two that ask at once do not get the same threads.
        while self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle| (idle > 0).then(|| idle - 1)).is_ok() {
            lent += 1;
        }
        let helped: f64 = std::thread::scope(|scope| {
            let timed = || {
                let began = Instant::now();
                hand();
                began.elapsed().as_secs_f64()
            };
            let others: Vec<_> = (0..lent).map(|_| scope.spawn(timed)).collect();
            hand();
            let joined = others.into_iter().map(|other| other.join());
            joined.map(|seconds| seconds.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
        });
        HELPED.set(HELPED.get() + helped);
        self.enter(lent);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn threads_without_a_job_help_and_come_back() {
        let idle = Idle::new(3);
        idle.leave(1);
        for _ in 0..2 {
            let (calls, all) = (AtomicUsize::new(0), std::sync::Barrier::new(3));
            assert_eq!(idle.hands(), 3);
            idle.work(&|| {
                calls.fetch_add(1, Ordering::Relaxed);
                // All three are there at once, or nobody goes on.
                all.wait();
                assert_eq!(idle.hands(), 1);
                all.wait();
            });
            assert_eq!(calls.into_inner(), 3);
            assert!(Idle::helped() > 0.0 && Idle::helped() == 0.0);
        }
        idle.leave(2);
        let calls = AtomicUsize::new(0);
        idle.work(&|| {
            calls.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!((calls.into_inner(), idle.hands()), (1, 1));
    }
}
