//! What a builder said while it built: BuildKit's `--progress=rawjson`, from buildx, buildctl or any other client.
//!
//! A log is a line of JSON for each `SolveStatus` (`client/graph.go`), with lines of the client's own in between. It is read
//! once, in memory that grows with the vertices and not with the lines. What comes from an engine directly is gathered in the same way.

mod name;
mod read;
mod vertex;

pub use name::StepName;
pub use read::{BuildLog, Recorder, read};
pub use vertex::{Outcome, Vertex};

#[cfg(test)]
mod tests;
