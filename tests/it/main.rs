//! The one test binary.
#![allow(missing_docs, reason = "tests are named as sentences")]

mod arrows;
mod changes;
#[allow(dead_code, reason = "the engine tests use the rest")]
mod support;
mod vectors;
