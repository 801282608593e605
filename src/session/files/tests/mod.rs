//! The service as an engine meets it.

mod hostile;
mod random;
mod receiver;
mod slow;
mod transfers;
mod walked;
