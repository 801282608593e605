//! Sees a Docker build context exactly as BuildKit does and computes BuildKit's cache keys without an engine.
//!
//! The rooms, from the ground floor up: [`entry`], [`gopath`], [`digest`], [`observer`]; then [`pattern`],
//! [`dockerfile`], `project` (Compose and Bake files), [`image`], [`context`]; then [`plan`] (what is written) and [`cache`] (what it means);
//! at the top [`report`], [`ops`] and the command line.
//!
//! # The whole flow
//!
//! A folder with an ignore file and a Dockerfile goes in, the keys under which BuildKit looks its steps up come out:
//!
//! ```
//! use stowaway::cache::{self, Inputs};
//! use stowaway::context::{Context, ContextOptions, IgnoreSource, find_dockerfile};
//! use stowaway::dockerfile::Dockerfile;
//! use stowaway::entry::Source as _;
//! use stowaway::image::ImageStore;
//! use stowaway::observer::Silent;
//! use stowaway::plan::{Op, Plan, PlanOptions, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let root = folder.path();
//! std::fs::write(root.join("a.txt"), "alpha\n")?;
//! std::fs::write(root.join("notes.md"), "not for the engine\n")?;
//! std::fs::write(root.join(".dockerignore"), "*.md\n")?;
//! std::fs::write(root.join("Dockerfile"), "FROM scratch\nCOPY a.txt /x/\n")?;
//! # use std::os::unix::fs::PermissionsExt as _;
//! # std::fs::set_permissions(root.join("a.txt"), std::fs::Permissions::from_mode(0o644))?;
//!
//! // What the engine may see: everything but what the ignore file hides.
//! let ignore = IgnoreSource::find(root, &root.join("Dockerfile"))?.parse()?;
//! let context = Context::load(root, Some(ignore), &ContextOptions::default(), &Silent)?;
//! assert!(context.get(b"a.txt").is_some() && context.get(b"notes.md").is_none());
//!
//! // What is written: stages, steps, and from which folder they take which files.
//! let found = find_dockerfile(&root.join("Dockerfile"))?.ok_or("no Dockerfile")?;
//! let dockerfile = Dockerfile::parse(&found.bytes)?;
//! let plan = Plan::resolve(&dockerfile, &PlanOptions::default(), &ImageStore::new())?;
//! assert_eq!(plan.steps[0].name, "[1/1] COPY a.txt /x/");
//!
//! // What the engine asks for: the paths that some step names.
//! let mut views = Vec::new();
//! for vertex in &plan.graph.vertices {
//!     if let Op::Source(Source::Local(local)) = &vertex.op {
//!         views.push((local, context.view(&local.follow_paths)?));
//!     }
//! }
//! let mut inputs = Inputs::new();
//! for (local, view) in &views {
//!     inputs.add(local, view);
//! }
//! assert_eq!(views[0].1.entries().len(), 1);
//!
//! // What it means: keys, each with what it was made from, and the records of a cache export. A real BuildKit has this one, too.
//! let keys = cache::keys(&plan, &inputs, &Silent)?;
//! let content = keys.steps[0].content_key.as_ref().ok_or("unknown")?;
//! assert_eq!(content.digest.to_string(), "sha256:d9887b8c1d21b3b1cafd75b153d61478fc040b7280a694762e1f227e9559f0bf");
//! # Ok(())
//! # }
//! ```
//!
//! [`ops`] has the same for every verb of the command line.

pub mod buildkit;
pub mod cache;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod context;
#[cfg(feature = "registry")]
pub mod credentials;
pub mod diff;
pub mod digest;
pub mod dockerfile;
#[cfg(feature = "engine")]
pub mod engine;
pub mod entry;
pub mod error;
pub mod git;
pub mod gopath;
pub mod image;
pub mod imported;
pub mod index;
mod litter;
pub mod log;
pub mod observer;
pub mod ops;
pub mod pack;
pub mod pattern;
pub mod plan;
pub mod progress;
#[cfg(feature = "project")]
pub mod project;
pub mod report;
#[cfg(feature = "engine")]
pub mod session;
pub mod snapshot;
mod wording;
