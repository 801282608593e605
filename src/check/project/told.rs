//! What the reader of projects itself tells.

use std::collections::BTreeSet;

use super::{Findings, ProjectFacts, Rule, Severity, rules};
use crate::project::{Build, Note, NoteKind, Place, ProjectError};

/// Errors and notes of the files.
pub(super) fn find(facts: &ProjectFacts<'_>, found: &mut Findings) {
    facts.project.errors.iter().for_each(|error| tell_error(facts, error, found));
    let places = of_builds(facts);
    for note in &facts.project.notes {
        tell_note(facts, note, &places, found);
    }
}

fn tell_error(facts: &ProjectFacts<'_>, error: &ProjectError, found: &mut Findings) {
    let (rule, message) = match &error.build {
        Some(build) => (&rules::BUILD_INVALID, format!("{build} can't be built: {}", error.message)),
        None => (&rules::FILE_INVALID, whole(&error.place, &error.message)),
    };
    let finding = found.add(rule, message);
    finding.builds.extend(error.build.clone());
    if let Some(label) = facts.label_at(&error.place, "") {
        finding.at(label);
    }
    if let Some(hint) = &error.hint {
        finding.help(hint.clone());
    }
}

/// A message about a file as a whole names it.
fn whole(place: &Place, message: &str) -> String {
    if place.line == 0 { format!("{}: {message}", place.file) } else { message.to_owned() }
}

fn tell_note(facts: &ProjectFacts<'_>, note: &Note, places: &BTreeSet<&Place>, found: &mut Findings) {
    let rule = rule_of(note.kind);
    let finding = found.add(rule, whole(&note.place, &note.message));
    if note.kind == NoteKind::UnsetVariable && !places.contains(&note.place) {
        // What a container gets when it runs is no build's concern.
        finding.severity = Severity::Note;
    }
    if let Some(label) = facts.label_at(&note.place, "") {
        finding.at(label);
    }
    if let Some(help) = help_of(note.kind) {
        finding.help(help);
    }
}

fn rule_of(kind: NoteKind) -> &'static Rule {
    match kind {
        NoteKind::ObsoleteVersion => &rules::VERSION_OBSOLETE,
        NoteKind::UnsetVariable => &rules::VARIABLE_UNSET,
        NoteKind::Volatile => &rules::VALUE_VOLATILE,
        NoteKind::Unread => &rules::PART_UNREAD,
        NoteKind::Cycle => &rules::INHERITS_ITSELF,
        NoteKind::AbsolutePath => &rules::PATH_ABSOLUTE,
    }
}

fn help_of(kind: NoteKind) -> Option<&'static str> {
    match kind {
        NoteKind::ObsoleteVersion => Some("take the line away"),
        NoteKind::UnsetVariable => Some("give it a default: ${NAME:-value}, or demand it: ${NAME:?}"),
        NoteKind::Volatile => {
            Some("pass the value in when it is wanted, and keep it out of arguments of early steps")
        }
        NoteKind::Cycle => Some("take the target's own name out of what it inherits"),
        NoteKind::AbsolutePath => Some("write it relative to the project's folder"),
        NoteKind::Unread => None,
    }
}

/// The places of everything that builds hang on.
fn of_builds<'a>(facts: &ProjectFacts<'a>) -> BTreeSet<&'a Place> {
    facts.project.builds.iter().flat_map(places).collect()
}

fn places(build: &Build) -> Vec<&Place> {
    let mut all = vec![&build.context.place, &build.dockerfile.place];
    all.extend(build.target.as_ref().map(|t| &t.place));
    all.extend(build.args.values().map(|v| &v.place));
    all.extend(build.named.values().map(|v| &v.place));
    all.extend(build.labels.values().map(|v| &v.place));
    all.extend(build.settings.values().map(|v| &v.place));
    all.extend(build.cache_from.iter().map(|c| &c.place));
    all.extend(build.secrets.iter().map(|s| &s.place));
    let lists = [&build.platforms, &build.no_cache_filter, &build.ssh];
    all.extend(lists.into_iter().flatten().map(|v| &v.place));
    all
}
