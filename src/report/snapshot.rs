//! `stowaway.snapshot/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Document, Look, PathField, Sent, WarningReport, human, json, shown};

/// What `snapshot` wrote.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotReport {
    /// The snapshot's file; `None` for standard output.
    #[serde(flatten)]
    pub path: Option<PathField>,
    /// The file's bytes.
    pub bytes: u64,
    /// The target stage's name.
    pub target: String,
    /// How many steps the target has.
    pub steps: u64,
    /// What is sent of all local contexts together.
    pub sent: Sent,
    /// Why the build would fail.
    pub warnings: Vec<WarningReport>,
}

impl Document for SnapshotReport {
    fn human(&self, out: &mut dyn Write, _: &Look) -> io::Result<()> {
        let Sent { files, bytes, .. } = self.sent;
        let to = self.path.as_ref().map_or("standard output".to_owned(), |p| shown(&p.0));
        let (files, steps) = (human::count(files, "file"), human::count(self.steps, "step"));
        let (content, size) = (human::size(bytes), human::size(self.bytes));
        writeln!(out, "snapshot of {files} ({content}) and {steps}: {to} ({size})")
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.snapshot/1", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_where_and_how_much() {
        let report = SnapshotReport {
            path: Some(PathField::new("base.snap")),
            bytes: 2048,
            target: "app".into(),
            steps: 1,
            sent: Sent { files: 2, bytes: 17, ..Sent::default() },
            warnings: Vec::new(),
        };
        let mut out = Vec::new();
        report.human(&mut out, &Look::default()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "snapshot of 2 files (17 B) and 1 step: base.snap (2.0 KiB)\n"
        );
    }
}
