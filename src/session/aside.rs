//! Work that blocks, on a thread of its own: nothing waits for a thread whose answer nobody wants any more.

use tonic::Status;

/// Runs something that blocks and waits for its value without holding up the session.
///
/// A thread rather than the runtime's pool: when the build ends, a runtime waits for its pool, and a credential helper or a
/// named pipe may take for ever.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("session".into()).spawn(move || {
        let _ = send.send(work());
    });
    thread.map_err(|e| Status::resource_exhausted(format!("starting a thread: {e}")))?;
    receive.await.map_err(|_| Status::internal("a thread of the session ended early"))
}
