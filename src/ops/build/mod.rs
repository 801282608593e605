//! A build with an engine.

pub mod failure;
pub mod status;
