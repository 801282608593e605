//! Values → bytes: what a command found, as text for people or as JSON, one file per format.
//!
//! The types here are the documents that `--format json` writes; their field names are a promise (`docs/json.md`).
//! Nothing here looks at a file, a terminal or the environment: [`Look`] says how wide and whether in colour.

mod explain;
mod human;
mod json;
mod listing;
mod path;
mod plan;

pub use explain::{ExplainReport, PathReport, TakenBy, VerdictReport};
pub use human::Look;
pub use listing::{EntryReport, ListReport, type_name};
pub use path::{DestinationField, LinkField, PathField, shown};
pub use plan::{
    Cause, ContextSummary, ErrorReport, LinkReport, NamedSummary, PlanReport, Reads, RecordReport, Sent,
    StepReport, WarningReport,
};

use std::io::{self, Write};

/// A document that can be written for people and for programs.
pub trait Document {
    /// Writes the document as text for people.
    ///
    /// # Errors
    /// What `out` says.
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()>;

    /// Writes the document as JSON, indented by two spaces, with a newline at its end.
    ///
    /// # Errors
    /// What `out` says.
    fn json(&self, out: &mut dyn Write) -> io::Result<()>;
}

#[cfg(test)]
mod tests;
