//! The verbs: each is the whole flow, read top to bottom.

#[cfg(feature = "project")]
mod affected;
mod against;
mod analysis;
mod bench;
mod blobs;
#[cfg(all(feature = "engine", feature = "project"))]
pub mod build;
mod check;
mod churn;
mod churn_counts;
#[cfg(feature = "engine")]
mod doctor;
mod du;
mod explain;
mod failures;
mod freeze;
mod hints;
mod ignore;
mod images;
mod key;
mod known;
mod landing;
mod lints;
mod list;
mod local;
mod locate;
mod missing;
mod pack;
mod page;
mod plan;
#[cfg(feature = "project")]
mod projects;
mod report;
mod request;
mod revision;
mod similar;
mod snapshot;
mod surprises;
#[cfg(feature = "engine")]
pub mod transport;
mod why;

#[cfg(feature = "project")]
pub use affected::{AffectedOptions, affected};
pub use against::Against;
pub use analysis::{Analysis, AnalysisOptions, Read};
pub use bench::{BenchOptions, Client, bench};
pub use check::{CheckBuild, CheckInput, CheckOptions, check, parse_size};
#[cfg(feature = "project")]
pub use check::{CheckPaths, check_input};
pub use churn::{ChurnOptions, churn};
#[cfg(feature = "engine")]
pub use doctor::{DoctorOptions, doctor};
pub use du::{DuOptions, du};
pub use explain::explain;
pub use freeze::freeze;
pub use hints::hints;
pub use ignore::{IgnoreMode, IgnoreOptions, ignore};
pub use key::key;
pub use lints::lints;
pub use list::{ListOptions, Which, list};
pub use pack::{Blob, ContextImage, InTar, Modes, Mtime, PackOptions, PackStream, Packable, Why, pack};
pub use page::{PageOf, page};
pub use plan::plan;
#[cfg(feature = "project")]
pub use projects::{DiskFiles, Unplannable, options, requests};
pub use report::report;
pub use request::{DockerfileInput, NamedInput, Request};
pub use revision::AtRevision;
pub use snapshot::{Taken, snapshot};
pub use why::{WhyOptions, reruns, why};
