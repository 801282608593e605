//! The verbs: each is the whole flow, read top to bottom.

mod against;
mod analysis;
mod blobs;
mod churn;
mod explain;
mod failures;
mod freeze;
mod hints;
mod images;
mod key;
mod known;
mod landing;
mod list;
mod local;
mod locate;
mod missing;
mod plan;
mod report;
#[cfg(feature = "project")]
mod projects;
mod request;
mod revision;
mod similar;
mod snapshot;
mod surprises;
mod why;

pub use against::Against;
pub use analysis::{Analysis, AnalysisOptions, Read};
pub use churn::{ChurnOptions, churn};
pub use explain::explain;
pub use freeze::freeze;
pub use hints::hints;
pub use key::key;
pub use list::{ListOptions, Which, list};
pub use plan::plan;
pub use report::report;
#[cfg(feature = "project")]
pub use projects::{DiskFiles, Unplannable, options, requests};
pub use request::{DockerfileInput, NamedInput, Request};
pub use revision::AtRevision;
pub use snapshot::{Taken, snapshot};
pub use why::{WhyOptions, reruns, why};
