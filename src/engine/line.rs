//! A connection that the runtime drives, for those who have to say why it broke.

use std::sync::{Arc, OnceLock};

/// Where a connection goes, and what it ended with.
pub(super) struct Line {
    /// The address and who named it.
    pub(super) place: String,
    end: OnceLock<hyper::Error>,
}

impl Line {
    /// Has the runtime drive a connection until it ends.
    pub(super) fn drive(
        place: &str,
        connection: impl Future<Output = Result<(), hyper::Error>> + Send + 'static,
    ) -> Arc<Self> {
        let line = Arc::new(Self { place: place.to_owned(), end: OnceLock::new() });
        let told = Arc::clone(&line);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                let _ = told.end.set(error);
            }
        });
        line
    }

    /// Why a request on it failed: a request knows no more than that the connection has gone.
    pub(super) fn reason<'a>(&'a self, error: &'a hyper::Error) -> &'a hyper::Error {
        let gone = error.is_canceled() || error.is_closed();
        self.end.get().filter(|_| gone).unwrap_or(error)
    }

    /// Whether it broke.
    pub(super) fn has_ended(&self) -> bool {
        self.end.get().is_some()
    }
}
