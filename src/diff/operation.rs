//! What changed in an operation itself: words of the instruction, variables, the base image, its place.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, CauseKind, words};
use crate::digest::Digest;
use crate::snapshot::{Snapshot, StepState, Variable, VertexKind, VertexState};

/// A step with its snapshot.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub snapshot: &'a Snapshot,
    pub step: &'a StepState,
}

impl<'a> Side<'a> {
    /// The step of that number.
    pub fn of(snapshot: &'a Snapshot, step: usize) -> Self {
        Self { snapshot, step: &snapshot.steps[step] }
    }

    fn vertex(&self) -> Option<&'a VertexState> {
        self.snapshot.vertices.get(self.step.vertex)
    }

    fn kind(&self) -> Option<VertexKind> {
        self.vertex().map(|v| v.kind)
    }

    fn fields(&self) -> BTreeMap<&'a str, Digest> {
        let fields = self.vertex().map_or(&[][..], |v| &v.fields);
        fields.iter().map(|f| (f.name.as_str(), f.digest)).collect()
    }
}

/// The parts of the operation that differ, sorted.
pub(super) fn changed_fields<'a>(before: Side<'a>, now: Side<'a>) -> BTreeSet<&'a str> {
    let (old, new) = (before.fields(), now.fields());
    let names = old.keys().chain(new.keys()).copied();
    names.filter(|name| old.get(name) != new.get(name)).collect()
}

/// Why the operations differ; empty when nothing that is kept of them does.
pub(super) fn causes(before: Side<'_>, now: Side<'_>) -> Vec<Cause> {
    let fields = changed_fields(before, now);
    let hunks = words::diff(&before.step.text, &now.step.text);
    let reworded = !hunks.is_empty();
    if now.kind() == Some(VertexKind::Image) {
        return base(before, now, &fields);
    }
    let mut out: Vec<Cause> = hunks
        .into_iter()
        .map(|h| Cause {
            before: h.before,
            after: h.after,
            line: line(now),
            ..Cause::new(CauseKind::Instruction)
        })
        .collect();
    let variables = variables(before, now, &fields, reworded);
    let explained: BTreeSet<String> = variables.iter().filter_map(|c| c.detail.clone()).collect();
    let by_variable = !explained.is_empty();
    out.extend(variables);
    let others = fields.iter().filter(|f| !is_explained(f, &explained, reworded, by_variable));
    let mut settings: Vec<&str> = others.filter_map(|f| setting(f)).collect();
    settings.dedup();
    out.extend(settings.into_iter().map(|s| Cause {
        detail: Some(s.to_owned()),
        line: line(now),
        ..Cause::new(CauseKind::Instruction)
    }));
    out
}

fn line(now: Side<'_>) -> Option<usize> {
    (now.step.line > 0).then_some(now.step.line)
}

/// Whether a part that differs is said already.
fn is_explained(field: &str, explained: &BTreeSet<String>, reworded: bool, by_variable: bool) -> bool {
    if let Some(name) = field.strip_prefix("env ") {
        return explained.contains(name) || name == "order" && by_variable;
    }
    let comes_from_elsewhere = matches!(field, "cwd" | "user" | "hostname" | "platform");
    (reworded || by_variable) && !comes_from_elsewhere
}

/// A part of an operation in people's words; `None` for parts that follow from others.
fn setting(field: &str) -> Option<&str> {
    Some(match field {
        "cwd" => "the working directory (WORKDIR)",
        "user" => "the user (USER)",
        "platform" => "the platform",
        "args" => "what is run: the shell (SHELL) or the body of a heredoc",
        "indexes" => return None,
        _ if field.ends_with(" order") => return None,
        _ if field.starts_with("mkfile ") && field.ends_with(" data") => "the body of a heredoc",
        _ if field.starts_with("copy ") && field.ends_with(" destination") => {
            "the destination, which hangs on the working directory (WORKDIR)"
        }
        _ if field.ends_with(" timestamp") || field == "env SOURCE_DATE_EPOCH" => "SOURCE_DATE_EPOCH",
        other => other,
    })
}

/// The variables that changed and that enter this operation.
fn variables(before: Side<'_>, now: Side<'_>, fields: &BTreeSet<&str>, reworded: bool) -> Vec<Cause> {
    let (old, new) = (in_force(before.step), in_force(now.step));
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let value = |side: &BTreeMap<&str, &Variable>, name: &str| side.get(name).and_then(|v| v.value);
    let changed = |name: &&str| value(&old, name) != value(&new, name);
    let argument_moved = names.iter().any(|n| changed(n) && new.get(n).is_some_and(|v| v.argument));
    let other_field = fields.iter().any(|f| !f.starts_with("env "));
    let enters = |name: &&str| {
        let mentioned = mentions(&now.step.text, name) || mentions(&before.step.text, name);
        fields.contains(format!("env {name}").as_str()) || other_field && mentioned && !reworded
    };
    let cause = |name: &str| {
        let variable = new.get(name).or_else(|| old.get(name));
        // What the base image sets changes with the image.
        let kind = match variable {
            Some(v) if v.argument => CauseKind::Arg,
            Some(v) if v.line.is_none() => CauseKind::Base,
            // An ENV whose value holds an argument is not what changed.
            Some(_) if argument_moved => CauseKind::Arg,
            _ => CauseKind::Instruction,
        };
        let here = new.get(name).and_then(|v| v.line);
        let state = |is: bool| (!is).then(|| "not set".to_owned());
        Cause {
            detail: Some(name.to_owned()),
            line: here,
            before: state(value(&old, name).is_some()),
            after: state(value(&new, name).is_some()),
            ..Cause::new(kind)
        }
    };
    names.iter().filter(|n| changed(n)).filter(|n| enters(n)).map(|n| cause(n)).collect()
}

/// The variables of a step, the nearest of each name.
fn in_force(step: &StepState) -> BTreeMap<&str, &Variable> {
    step.variables.iter().map(|v| (v.name.as_str(), v)).collect()
}

/// Whether a text uses `$NAME` or `${NAME…}`.
fn mentions(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices('$').any(|(at, _)| {
        let rest = &text[at + 1..];
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(name).is_some_and(ends)
    })
}

/// FROM: another name, or another image behind the name.
fn base(before: Side<'_>, now: Side<'_>, fields: &BTreeSet<&str>) -> Vec<Cause> {
    let mut out = variables(before, now, fields, false);
    let reference = |side: Side<'_>| {
        let words = side.step.text.split_whitespace().skip(1);
        words.into_iter().find(|w| !w.starts_with("--")).map(str::to_owned)
    };
    let (old, new) = (reference(before), reference(now));
    let renamed = old != new;
    let detail = if renamed {
        None
    } else if fields.contains("reference") || fields.contains("digest") {
        Some("the name stands for another one".to_owned())
    } else {
        new.as_ref().map(|name| format!("{name} is another image now"))
    };
    out.push(Cause {
        before: old.filter(|_| renamed),
        after: new.filter(|_| renamed),
        detail,
        line: line(now),
        ..Cause::new(CauseKind::Base)
    });
    out
}

/// An operation that is the same in all that is written, and stands on something else.
pub(super) fn moved(before: Option<&str>, now: Option<&str>, step: &StepState) -> Cause {
    let text = |name: Option<&str>| Some(name.map_or_else(|| "nothing".to_owned(), str::to_owned));
    Cause {
        before: text(before),
        after: text(now),
        line: (step.line > 0).then_some(step.line),
        detail: Some("it stands on another step than before".to_owned()),
        ..Cause::new(CauseKind::Instruction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_in_both_spellings() {
        for text in ["COPY ${V}.txt /", "COPY $V /", "COPY a/$V/b /", "RUN ${V:-x}"] {
            assert!(mentions(text, "V"), "{text}");
        }
        for text in ["COPY V /", "COPY $VV /", "COPY ${VV} /"] {
            assert!(!mentions(text, "V"), "{text}");
        }
    }
}
