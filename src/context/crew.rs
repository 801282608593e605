//! Threads that work off jobs in an order, where a job may bring further ones.

use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs that wait for threads; the greatest is next.
#[derive(Debug)]
pub(super) struct Crew<J> {
    state: Mutex<State<J>>,
    wake: Condvar,
    /// So much may be made before someone takes it.
    limit: usize,
}

#[derive(Debug)]
struct State<J> {
    jobs: BinaryHeap<J>,
    busy: usize,
    waiting: usize,
    stopped: bool,
    /// How much was made that nobody took so far, and how much of that lies ready to be taken.
    ahead: usize,
    ready: usize,
}

impl<J: Ord> Crew<J> {
    pub(super) fn new(first: J, limit: usize) -> Self {
        let jobs = BinaryHeap::from([first]);
        let state = State { jobs, busy: 0, waiting: 0, stopped: false, ahead: 0, ready: 0 };
        Self { state: Mutex::new(state), wake: Condvar::new(), limit }
    }

    /// Works until no job is left and none can come. `work` adds the jobs that a job brings.
    pub(super) fn work(&self, mut work: impl FnMut(J, &mut Vec<J>)) {
        let mut new = Vec::new();
        while let Some(job) = self.next() {
            let busy = Busy(self);
            work(job, &mut new);
            std::mem::forget(busy);
            let mut state = self.state();
            state.busy -= 1;
            state.jobs.extend(new.drain(..));
            // This thread takes one of them itself.
            let others = state.jobs.len().saturating_sub(1).min(state.waiting);
            (0..others).for_each(|_| self.wake.notify_one());
        }
        self.wake.notify_all();
    }

    /// Lets no further job begin.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.wake.notify_all();
    }

    /// Counts what a job made.
    pub(super) fn made(&self, count: usize) {
        if self.limit < usize::MAX {
            self.state().ahead += count;
        }
    }

    /// Counts what is ready to be taken.
    pub(super) fn ready(&self, count: usize) {
        if self.limit < usize::MAX {
            self.state().ready += count;
        }
    }

    /// Counts what was taken.
    pub(super) fn taken(&self, count: usize) {
        if self.limit < usize::MAX {
            let mut state = self.state();
            state.ahead = state.ahead.saturating_sub(count);
            state.ready = state.ready.saturating_sub(count);
            self.wake.notify_all();
        }
    }

    fn next(&self) -> Option<J> {
        let mut state = self.state();
        loop {
            if state.stopped || (state.jobs.is_empty() && state.busy == 0) {
                return None;
            }
            // With nothing in hand and nothing to be taken, what is ahead waits for the next job itself.
            let held_up = state.ahead > self.limit && (state.busy > 0 || state.ready > 0);
            if !held_up && let Some(job) = state.jobs.pop() {
                state.busy += 1;
                return Some(job);
            }
            state.waiting += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that nobody waits for a job that panicked.
struct Busy<'c, J: Ord>(&'c Crew<J>);

impl<J: Ord> Drop for Busy<'_, J> {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A job brings two of its number less one.
    fn run(threads: usize, depth: usize) -> usize {
        let crew = Crew::new(depth, usize::MAX);
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    crew.work(|job, new| {
                        done.fetch_add(1, Ordering::Relaxed);
                        new.extend((0..2).filter_map(|_| job.checked_sub(1)));
                    });
                });
            }
        });
        done.into_inner()
    }

    #[test]
    fn every_job_is_done_once_whatever_the_number_of_threads() {
        for threads in [1, 2, 7] {
            assert_eq!(run(threads, 9), 1023);
        }
    }

    #[test]
    fn one_thread_takes_the_greatest_first() {
        let crew = Crew::new(5, usize::MAX);
        let mut order = Vec::new();
        crew.work(|job, new| {
            order.push(job);
            if job == 5 {
                new.extend([1, 4, 2]);
            }
        });
        assert_eq!(order, [5, 4, 2, 1]);
    }

    #[test]
    fn what_nobody_takes_is_not_made_without_end() {
        let crew = Crew::new(100_usize, 3);
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    crew.work(|job, new| {
                        made.fetch_add(1, Ordering::SeqCst);
                        crew.made(1);
                        crew.ready(1);
                        new.extend(job.checked_sub(1));
                    });
                });
            }
            for taken in 0..=100 {
                while made.load(Ordering::SeqCst) == taken {
                    std::thread::yield_now();
                }
                assert!(made.load(Ordering::SeqCst) - taken <= 3 + 2);
                crew.taken(1);
            }
        });
        assert_eq!(made.into_inner(), 101);
    }

    #[test]
    fn a_stop_is_heard_by_those_who_wait() {
        let crew = Crew::new(usize::MAX, usize::MAX);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    crew.work(|job, new| {
                        if job < usize::MAX - 1000 {
                            crew.stop();
                        }
                        new.push(job - 1);
                    });
                });
            }
        });
        assert!(crew.next().is_none());
    }
}
