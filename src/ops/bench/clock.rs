//! Where the time of a plan goes, told by its events.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::observer::{Event, Observer};
use crate::report::BenchPlan;

/// Listens to a plan, and passes on what it hears. What lies between the end of a walk or of the hashing and the next beginning
/// belongs to what begins then; what comes last is the keys'.
pub struct Clock<'a> {
    next: &'a dyn Observer,
    start: Instant,
    state: Mutex<State>,
}

struct State {
    mark: Instant,
    plan: BenchPlan,
}

impl State {
    /// The seconds since the last mark, which is now.
    fn lap(&mut self) -> f64 {
        let since = self.mark.elapsed();
        self.mark += since;
        since.as_secs_f64()
    }
}

impl<'a> Clock<'a> {
    /// Starts.
    pub fn new(next: &'a dyn Observer) -> Self {
        let start = Instant::now();
        Self { next, start, state: Mutex::new(State { mark: start, plan: BenchPlan::default() }) }
    }

    /// What was measured.
    pub fn stop(self) -> BenchPlan {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.plan.keys_seconds += state.lap();
        BenchPlan { seconds: self.start.elapsed().as_secs_f64(), ..state.plan }
    }
}

impl Observer for Clock<'_> {
    fn event(&self, event: Event) {
        self.next.event(event);
        if matches!(event, Event::Walked(_) | Event::Hashed(_)) {
            // There are many, and from several threads at once.
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lap = state.lap();
        match event {
            Event::WalkDone => state.plan.walk_seconds += lap,
            Event::HashDone => state.plan.hash_seconds += lap,
            Event::HashStarted { files, bytes } => {
                state.plan.keys_seconds += lap;
                state.plan.files_read += files;
                state.plan.bytes_read += bytes;
            }
            _ => state.plan.keys_seconds += lap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use std::time::Duration;

    #[test]
    fn time_goes_to_what_ended_and_what_is_read_is_counted() {
        let clock = Clock::new(&Silent);
        let wait = || std::thread::sleep(Duration::from_millis(2));
        wait();
        clock.event(Event::WalkDone);
        clock.event(Event::HashStarted { files: 2, bytes: 30 });
        wait();
        clock.event(Event::Hashed(30));
        clock.event(Event::HashDone);
        clock.event(Event::HashStarted { files: 1, bytes: 4 });
        clock.event(Event::HashDone);
        wait();
        let plan = clock.stop();
        assert_eq!((plan.files_read, plan.bytes_read), (3, 34));
        let parts = [plan.walk_seconds, plan.hash_seconds, plan.keys_seconds];
        assert!(parts.iter().all(|p| *p >= 0.002), "{plan:?}");
        assert!(parts.iter().sum::<f64>() <= plan.seconds, "{plan:?}");
    }
}
