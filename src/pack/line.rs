//! A line of tasks that are done by many threads, and whose results come out in order; only so many are under way at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The line. Threads that do the work call [`Line::work`], the one that takes the results calls [`Line::next`].
pub struct Line<I: Iterator, R> {
    state: Mutex<State<I, R>>,
    /// How many tasks may be under way or done and not taken.
    width: usize,
    /// Told when there is room for another task.
    room: Condvar,
    /// Told when the first result is there.
    ready: Condvar,
}

struct State<I, R> {
    tasks: I,
    /// The results of the tasks under way; `None` while they are being done.
    results: VecDeque<Option<R>>,
    /// The number of the task in front.
    front: usize,
    exhausted: bool,
    stopped: bool,
}

impl<I: Iterator, R> Line<I, R> {
    /// A line of these tasks.
    pub fn new(tasks: I, width: usize) -> Self {
        let state = State { tasks, results: VecDeque::new(), front: 0, exhausted: false, stopped: false };
        Self { state: Mutex::new(state), width, room: Condvar::new(), ready: Condvar::new() }
    }

    /// Does tasks until there are no more, or the line is stopped.
    pub fn work(&self, mut work: impl FnMut(I::Item) -> R) {
        // Should `work` panic, nobody may go on waiting for its result.
        let guard = StopOnDrop(self);
        while let Some((number, task)) = self.take() {
            let result = work(task);
            let mut state = self.lock();
            let place = number - state.front;
            state.results[place] = Some(result);
            if place == 0 {
                self.ready.notify_one();
            }
        }
        std::mem::forget(guard);
    }

    fn take(&self) -> Option<(usize, I::Item)> {
        let mut state = self.lock();
        while state.results.len() >= self.width && !state.stopped {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || state.exhausted {
            return None;
        }
        let Some(task) = state.tasks.next() else {
            state.exhausted = true;
            self.ready.notify_one();
            return None;
        };
        state.results.push_back(None);
        Some((state.front + state.results.len() - 1, task))
    }

    /// The next result in order; `None` after the last one, and when the line was stopped.
    pub fn next(&self) -> Option<R> {
        let mut state = self.lock();
        loop {
            if let Some(result) = state.results.front_mut().and_then(Option::take) {
                state.results.pop_front();
                state.front += 1;
                self.room.notify_one();
                return Some(result);
            }
            if state.stopped || (state.exhausted && state.results.is_empty()) {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Begins no more tasks.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.room.notify_all();
        self.ready.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<I, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops a line when it goes.
pub struct StopOnDrop<'a, I: Iterator, R>(pub &'a Line<I, R>);

impl<I: Iterator, R> Drop for StopOnDrop<'_, I, R> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_and_only_so_many_are_under_way() {
        let line = Line::new(0..500_usize, 5);
        let (begun, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    line.work(|n| {
                        let under_way =
                            begun.fetch_add(1, Ordering::SeqCst) + 1 - taken.load(Ordering::SeqCst);
                        most.fetch_max(under_way, Ordering::SeqCst);
                        if n % 7 == 0 {
                            thread::sleep(Duration::from_micros(200));
                        }
                        n * 3
                    });
                });
            }
            let mut all = Vec::new();
            while let Some(n) = line.next() {
                taken.fetch_add(1, Ordering::SeqCst);
                all.push(n);
            }
            assert_eq!(all, (0..500).map(|n| n * 3).collect::<Vec<_>>());
        });
        // A result that was handed out is counted as taken a moment later.
        assert!((2..=6).contains(&most.into_inner()));
    }

    #[test]
    fn a_line_without_tasks_ends() {
        let line = Line::new(0..0, 3);
        thread::scope(|scope| {
            scope.spawn(|| line.work(|n: i32| n));
            assert_eq!(line.next(), None);
        });
    }

    #[test]
    fn a_stopped_line_lets_everybody_go() {
        let line = Line::new(0.., 2);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| line.work(|n: u64| n));
            }
            assert_eq!(line.next(), Some(0));
            line.stop();
        });
    }

    #[test]
    fn nobody_waits_for_a_thread_that_panicked() {
        let line = Line::new(0..9, 2);
        thread::scope(|scope| {
            let worker = scope.spawn(|| line.work(|n: u64| if n == 1 { panic!("on purpose") } else { n }));
            assert_eq!(line.next(), Some(0));
            assert_eq!(line.next(), None);
            assert!(worker.join().is_err());
        });
    }
}
