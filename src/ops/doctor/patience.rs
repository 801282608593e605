//! Waiting no longer than one wants to.

use std::sync::mpsc;
use std::time::Duration;

/// What `work` gives, or `None` when it takes longer than `patience`. Then its thread is left behind: it ends by itself once
/// its socket's own time is over, or with the process.
pub fn within<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("question".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(work());
    });
    thread.ok()?;
    receiver.recv_timeout(patience).ok()
}
