//! Sees a Docker build context exactly as BuildKit does and computes BuildKit's cache keys without an engine.
//!
//! The rooms, from the ground floor up: [`entry`], [`gopath`], [`digest`], [`observer`]; then [`pattern`],
//! [`dockerfile`], [`image`], [`context`]; then [`plan`] (what is written) and [`cache`] (what it means);
//! at the top [`report`], [`ops`] and the command line.

pub mod cache;
#[cfg(feature = "cli")]
pub mod cli;
pub mod context;
pub mod digest;
pub mod dockerfile;
pub mod entry;
pub mod error;
pub mod gopath;
pub mod image;
pub mod observer;
pub mod ops;
pub mod pattern;
pub mod plan;
pub mod report;
