//! Bind mounts of the whole context.

use super::super::steps::{fails, uses};
use super::super::{Facts, Findings, text};
use super::WHOLE_MOUNT;

/// A bind mount's content is part of the RUN's key as that of a COPY is of its own (`dockerfile2llb/convert_runmount.go`).
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    for one in uses(facts) {
        let whole = one.step.instruction == "RUN" && one.path().is_empty() && one.folder.name == "context";
        if !whole || fails(facts, one.step) {
            continue;
        }
        let files = one.folder.context.counts().files;
        let message = format!(
            "a bind mount shows this RUN the whole context: a change of any of {} runs it anew",
            text::count(files, "file")
        );
        let finding = found.add(&WHOLE_MOUNT, message);
        finding.steps.push(one.step.name.clone());
        finding.at(text::instruction(facts, one.step.span, "mounts all that is sent"));
        finding.help("name the folder or the file that the command reads with source=");
    }
}
