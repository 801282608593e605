//! CI workflows: cache settings that do nothing, and contexts that are not what people think.
//!
//! When a value hangs on an expression that decides, nothing is said.

mod build;
mod command;
mod gha;
mod inert;
mod rules;
mod sees;
#[cfg(test)]
mod tests;
mod workflow;

pub use rules::RULES;
pub use workflow::{Job, Step, Workflow};

use std::collections::BTreeMap;

use self::build::{CiBuild, How};
use super::{Findings, Label};
use crate::dockerfile::Dockerfile;
use crate::project::ProjectError;

/// The workflows of a repository.
#[derive(Debug, Default)]
pub struct CiFacts<'a> {
    /// Each of them, or why it can't be read.
    pub workflows: Vec<Result<Workflow, ProjectError>>,
    /// The Dockerfiles that [`dockerfiles`] asked for, by path from the repository's top.
    pub dockerfiles: BTreeMap<String, &'a Dockerfile>,
}

/// The Dockerfiles that the rules want to see: paths from the repository's top.
pub fn dockerfiles(workflows: &[Result<Workflow, ProjectError>]) -> Vec<String> {
    let builds = workflows.iter().flatten().flat_map(build::all);
    let mut paths: Vec<String> = builds.filter_map(|b| inert::dockerfile_of(&b)).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Looks at all workflows of a repository.
pub fn find(facts: &CiFacts<'_>, found: &mut Findings) {
    for error in facts.workflows.iter().filter_map(|w| w.as_ref().err()) {
        let finding = found.add(&rules::WORKFLOW_INVALID, error.message.clone());
        let (line, column) = (error.place.line.max(1), error.place.column);
        finding.at(match column {
            0 => Label::line(&error.place.file, line, ""),
            column => Label::word(&error.place.file, line, column, 0, ""),
        });
        finding.help.extend(error.hint.iter().map(|h| super::Help {
            message: h.clone(),
            fix: None,
            tried: false,
        }));
    }
    let all: Vec<CiBuild<'_>> = facts.workflows.iter().flatten().flat_map(build::all).collect();
    for workflow in facts.workflows.iter().flatten() {
        let own: Vec<&CiBuild<'_>> = all.iter().filter(|b| std::ptr::eq(b.workflow, workflow)).collect();
        gha::find(&own, found);
        for build in own {
            inert::find(build, &all, &facts.dockerfiles, found);
            sees::find(build, found);
        }
    }
}
