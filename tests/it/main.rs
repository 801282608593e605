//! The one test binary.
#![allow(missing_docs, reason = "tests are named as sentences")]

mod affected;
mod arrows;
mod bad_input;
mod baselines;
mod bench;
mod build;
#[cfg(unix)]
mod build_faults;
mod causes;
mod changes;
mod check;
mod check_project;
mod doctor;
mod du;
mod git;
mod ignore;
mod image_config;
mod imported;
mod index;
mod key;
mod lints;
mod pack;
mod peers;
#[cfg(unix)]
mod plugin;
mod pollution;
mod projects;
mod recipes;
mod report;
mod rules;
mod same;
mod snapshot;
mod stories;
#[allow(dead_code, reason = "the engine tests use the rest")]
mod support;
mod surprises;
mod usage;
mod vectors;
mod versions;
mod voices;
mod why;
