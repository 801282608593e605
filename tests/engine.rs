//! Against a live engine: what `plan` says that an export would hold is what the engine exports, and what `why` foretells
//! is what the engine does.
//!
//! `STOWAWAY_TEST_ENGINE` says that `docker buildx` reaches an engine (`DOCKER_HOST`); `BUILDX_BUILDER` may name a builder
//! with a `buildkitd` of its own, which is taken for the newest. Without an engine the tests say that they were skipped,
//! which is a failure where `STOWAWAY_REQUIRE_ENGINE` is set. `STOWAWAY_TEST_OLD_ENGINE` is the address of an older engine, which
//! is asked part of it, too. `STOWAWAY_TEST_BUILDS` and `STOWAWAY_TEST_SEED` ask for more
//! or other builds.
#![allow(missing_docs, reason = "tests are named as sentences")]

#[path = "engine/build.rs"]
mod build;
#[path = "engine/builder.rs"]
mod builder;
#[path = "engine/change.rs"]
mod change;
#[path = "engine/compare.rs"]
mod compare;
#[path = "engine/connect.rs"]
mod connect;
#[path = "engine/doctor.rs"]
mod doctor;
#[path = "engine/faults.rs"]
mod faults;
#[path = "engine/generated.rs"]
mod generated;
#[path = "engine/outputs.rs"]
mod outputs;
#[path = "engine/pack.rs"]
mod pack;
#[path = "engine/place.rs"]
mod place;
#[path = "engine/plugin.rs"]
mod plugin;
#[path = "engine/predict.rs"]
mod predict;
#[path = "engine/projects.rs"]
mod projects;
#[path = "engine/same.rs"]
mod same;
#[path = "engine/sharing.rs"]
mod sharing;
#[allow(dead_code, reason = "the other test binary uses the rest")]
#[path = "it/support/mod.rs"]
mod support;
#[path = "engine/verify.rs"]
mod verify;
