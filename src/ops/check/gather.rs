//! What was read of a build → what rules look at.

use std::collections::BTreeMap;

use super::super::analysis::{Analysis, Read};
use super::super::local::Local;
use super::super::{failures, surprises};
use super::look;
use crate::check::{
    Asked, Facts, Failure, FolderFacts, Hidden, IgnoreFacts, Looked, StepFacts, Surprise, Taken,
};
use crate::entry::Source as _;
use crate::report::{Cause, ErrorReport};

/// The facts of a build; `hidden` is what is known already of what ignore files hide, by the folder's name, and `looked` what was seen before.
pub fn facts<'a>(
    analysis: &'a Analysis<'a>,
    asked: &Asked,
    mut hidden: BTreeMap<String, Hidden>,
    looked: Option<Looked>,
) -> Facts<'a> {
    let read = analysis.read;
    let failures = failures::with_paths(analysis).into_iter().map(|(report, path)| failure(report, path));
    let surprise =
        |w: crate::report::WarningReport| Surprise { line: w.line, code: w.code, message: w.message };
    Facts {
        dockerfile: &read.located.dockerfile,
        bytes: read.located.bytes.as_deref().unwrap_or_default(),
        parsed: read.dockerfile.as_ref().and_then(|d| d.as_ref().ok()),
        plan: read.plan.as_ref(),
        folders: read.locals().map(|local| folder(local, hidden.remove(&local.name))).collect(),
        steps: steps(analysis),
        failures: failures.collect(),
        lints: Vec::new(),
        // Device nodes have a rule of their own; `plan` calls an error about `RUN --device` the same.
        surprises: surprises::all(analysis)
            .into_iter()
            .filter(|w| w.code != "device")
            .map(surprise)
            .collect(),
        asked: asked.clone(),
        churn: None,
        looked: looked.unwrap_or_else(|| look::look(read)),
    }
}

/// A folder that may be sent.
fn folder(local: &Local, known: Option<Hidden>) -> FolderFacts<'_> {
    FolderFacts {
        name: &local.name,
        path: local.root.to_string_lossy().into_owned(),
        context: &local.context,
        ignore: IgnoreFacts {
            name: local.found.name.as_deref(),
            bytes: &local.found.bytes,
            reason: &local.found.reason,
            overridden: local.found.overridden.as_deref(),
            unread: local.found.unread.as_deref(),
        },
        // A pattern that can't be compiled is among the failures already.
        hidden: known.unwrap_or_else(|| local.context.hidden().unwrap_or_default()),
    }
}

/// What each step takes, when that could be told.
fn steps<'a>(analysis: &'a Analysis<'a>) -> Vec<StepFacts<'a>> {
    let Some(plan) = analysis.read.plan.as_ref().filter(|_| analysis.keys.is_some()) else {
        return Vec::new();
    };
    let of =
        |(i, step)| StepFacts { step, taken: analysis.taken(i).map(|t| taken(analysis.read, &t)).collect() };
    plan.steps.iter().enumerate().map(of).collect()
}

/// What a step takes of one folder.
fn taken<'a>(read: &Read, taken: &super::super::analysis::Taken<'a>) -> Taken<'a> {
    let entries = taken.sent.view.entries();
    Taken {
        folder: read.locals().position(|l| l.name == taken.sent.source.name).unwrap_or_default(),
        entries: taken.ranges.iter().filter_map(|range| entries.get(range.clone())).collect(),
    }
}

/// Why the build would fail.
fn failure(report: ErrorReport, path: Vec<u8>) -> Failure {
    let cause = |Cause { ignore_file, line, pattern }: Cause| (ignore_file, line, pattern);
    Failure {
        file: report.file,
        line: report.line,
        column: report.column,
        step: report.step,
        code: report.code,
        message: report.message,
        engine_message: report.engine_message,
        hint: report.hint,
        cause: report.cause.map(cause),
        path,
    }
}
