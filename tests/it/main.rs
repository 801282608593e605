//! The one test binary.
#![allow(missing_docs, reason = "tests are named as sentences")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod arrows;
mod changes;
mod support;
mod vectors;
