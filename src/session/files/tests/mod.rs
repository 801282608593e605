//! The service as an engine meets it.

mod hostile;
mod receiver;
mod transfers;
