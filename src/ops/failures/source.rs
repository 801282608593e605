//! What is wrong with the sources of COPY, ADD and bind mounts, told by the files.

use super::super::analysis::Read;
use super::super::local::Local;
use super::super::missing::{Folder, Reason};
use crate::cache::{KeyError, KeyErrorKind};
use crate::dockerfile::{InstructionKind, Span};
use crate::plan::{Op, Plan, Source, Step, StepSource};
use crate::report::{ErrorReport, shown};

/// An error that looking at files brought up.
struct Failure<'a> {
    error: &'a KeyError,
    /// The step that fails.
    step: Option<&'a Step>,
    /// The source that is to blame, where it can be told.
    source: Option<&'a StepSource>,
    /// The path that is missing: the error's own, or the one that a failing `lstat` names.
    path: Vec<u8>,
    plan: &'a Plan,
    read: &'a Read,
}

/// The report of an error that looking at files brought up, and the path that was looked up.
pub fn report(error: &KeyError, plan: &Plan, read: &Read) -> (ErrorReport, Vec<u8>) {
    let failure = Failure::new(error, plan, read);
    let step = failure.step;
    let (code, reason) = failure.judge();
    let line = step.map(|s| s.span.line);
    let text = line.and_then(|l| read.source_line(l));
    let report = ErrorReport {
        line,
        column: text.as_deref().and_then(|t| column(t, &failure.source?.written)),
        step: step.map(|s| s.name.clone()),
        code: code.to_owned(),
        message: reason.message,
        engine_message: error.engine_message.clone(),
        hint: reason.hint,
        cause: reason.cause,
        source: text,
        ..ErrorReport::default()
    };
    (report, failure.path)
}

/// Where a source stands in a line, in bytes from 1.
pub fn column(text: &str, written: &str) -> Option<usize> {
    let alone = |i: &usize| {
        let (before, after) = (text[..*i].chars().next_back(), text[i + written.len()..].chars().next());
        let edge = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"'=,[]".contains(c));
        edge(before) && edge(after)
    };
    text.match_indices(written).map(|(i, _)| i).filter(alone).map(|i| i + 1).next()
}

impl<'a> Failure<'a> {
    fn new(error: &'a KeyError, plan: &'a Plan, read: &'a Read) -> Self {
        let step = error.step.and_then(|i| plan.steps.get(i));
        let mut failure = Self { error, step, source: None, path: error.path.clone(), plan, read };
        if error.kind == KeyErrorKind::Run {
            failure.path = lstat(&error.engine_message).unwrap_or_default();
        }
        failure.source = step.and_then(|s| failure.blame(&s.sources));
        failure
    }

    /// The source that has the path, that lies below it, or that is a loop of links.
    fn blame(&self, sources: &'a [StepSource]) -> Option<&'a StepSource> {
        if self.error.kind == KeyErrorKind::TooManyLinks {
            let folder = self.folder()?;
            return sources.iter().find(|s| Folder(&folder.context).is_loop(s.path.as_bytes()));
        }
        let is = |s: &&StepSource| s.path.as_bytes() == self.path;
        let below = |s: &&StepSource| {
            !self.path.is_empty()
                && s.path.as_bytes().strip_prefix(&self.path[..]).is_some_and(|r| r.starts_with(b"/"))
        };
        sources.iter().find(is).or_else(|| sources.iter().find(below))
    }

    /// The folder of the client's that was looked into, if it was one.
    fn folder(&self) -> Option<&'a Local> {
        let vertex = &self.plan.graph.vertices[self.error.vertex.0];
        let input = match (self.error.input, self.source) {
            (Some(i), _) => Some(i),
            (None, Some(source)) => source.input,
            (None, None) => self.step.and_then(|s| s.sources.first()).and_then(|s| s.input),
        }?;
        let Op::Source(Source::Local(local)) = &self.plan.graph.vertices[vertex.inputs.get(input)?.0].op
        else {
            return None;
        };
        self.read.local(&local.name)
    }

    /// Code, message, hint and cause.
    fn judge(&self) -> (&'static str, Reason) {
        let (code, mut reason) = match self.error.kind {
            KeyErrorKind::Missing => ("copy-source-missing", self.missing()),
            KeyErrorKind::TooManyLinks => ("copy-source-links", plain("is a loop of links")),
            KeyErrorKind::BadPattern => ("bad-pattern", plain("is a wildcard that can't be read")),
            KeyErrorKind::Run if self.source.is_some() => ("copy-source-missing", self.missing()),
            KeyErrorKind::Run => {
                return ("step-fails", plain(&format!("the step would fail: {}", self.error.engine_message)));
            }
        };
        reason.message = format!("{} {}", self.subject(), reason.message);
        (code, reason)
    }

    /// ``COPY source `x` ``.
    fn subject(&self) -> String {
        let keyword = self.step.map_or("", |s| &s.instruction);
        let what = if keyword == "RUN" { "bind mount source" } else { "source" };
        let path = String::from_utf8_lossy(&self.path);
        let written = self.source.map_or(&*path, |s| &s.written);
        match written {
            "" => format!("a {keyword} {what}"),
            written => format!("{keyword} {what} `{}`", shown(written.as_bytes())).trim_start().to_owned(),
        }
    }

    /// Asks the folder, or tells which stage was looked into.
    fn missing(&self) -> Reason {
        let written = self.source.map_or("", |s| &s.written);
        let Some(local) = self.folder() else { return self.missing_in_stage() };
        let mut reason = Folder(&local.context).why(written, &self.path);
        if self.source.is_some_and(|s| s.path.as_bytes() != self.path) {
            let folder = shown(self.path.strip_prefix(b"/").unwrap_or(&self.path));
            reason.message = format!("lies below `{folder}`, which {}", reason.message);
        }
        if reason.cause.is_none() {
            let better = self.one_name_in_two(local).or_else(|| reason.hint.take());
            reason.hint = better.or_else(|| self.other_stage(written));
        }
        reason
    }

    fn missing_in_stage(&self) -> Reason {
        let relative = self.path.strip_prefix(b"/").unwrap_or(&self.path);
        let in_context = self.read.context.as_ref().is_ok_and(|c| c.context.get(relative).is_some());
        let hint = "it exists in the build context: leave --from out to copy it from there";
        let message = "does not exist in the stage or image that it is copied from".to_owned();
        Reason { message, hint: in_context.then(|| hint.to_owned()), cause: None }
    }

    /// `COPY a file.txt /x/` where `a file.txt` is meant.
    fn one_name_in_two(&self, local: &Local) -> Option<String> {
        let sources = &self.step?.sources;
        let here = sources.iter().position(|s| Some(s) == self.source)?;
        let pairs = sources.windows(2).enumerate().filter(|(i, _)| *i == here || i + 1 == here);
        let mut names = pairs.map(|(_, pair)| format!("{} {}", pair[0].written, pair[1].written));
        let name = names.find(|n| local.context.get(n.trim_start_matches('/').as_bytes()).is_some())?;
        let keyword = &self.step?.instruction;
        Some(format!("for `{name}` write the JSON form, {keyword} [\"{name}\", …]: a blank ends a name"))
    }

    /// A stage that has a folder of that name, when the source is meant to come from there.
    fn other_stage(&self, written: &str) -> Option<String> {
        let step = self.step.filter(|s| s.instruction == "COPY" && written.starts_with('/'))?;
        let file = self.read.dockerfile.as_ref()?.as_ref().ok()?;
        let holds = |folder: &str| {
            let folder = folder.trim_end_matches('/');
            folder.len() > 1 && folder.starts_with('/') && written.starts_with(folder)
        };
        let before = |span: &Span| span.line < step.span.line;
        let stages = file.stages.iter().enumerate().filter(|(_, s)| before(&s.span)).rev().skip(1);
        let mut holding = stages.filter(|(_, stage)| {
            stage.instructions.iter().any(|i| match &i.kind {
                InstructionKind::Workdir(folder) => holds(folder),
                InstructionKind::Copy(copy) | InstructionKind::Add(copy) => holds(&copy.destination),
                _ => false,
            })
        });
        let (index, stage) = holding.next()?;
        let name = stage.name.clone().unwrap_or_else(|| index.to_string());
        Some(format!("did you mean `COPY --from={name} {written}`?"))
    }
}

fn plain(message: &str) -> Reason {
    Reason { message: message.to_owned(), hint: None, cause: None }
}

/// The path in `lstat PATH: no such file or directory`.
fn lstat(message: &str) -> Option<Vec<u8>> {
    let path = message.strip_prefix("lstat ")?.strip_suffix(": no such file or directory")?;
    Some(path.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_in_its_line_where_it_stands_alone() {
        assert_eq!(column("COPY data.txt a /a", "a"), Some(15));
        assert_eq!(column("COPY [\"a b\", \"/x\"]", "a b"), Some(8));
        assert_eq!(column("RUN --mount=source=x,target=/y true", "x"), Some(20));
        assert_eq!(column("COPY ${A} /x", "b"), None);
    }

    #[test]
    fn a_failing_lstat_names_its_path() {
        assert_eq!(lstat("lstat /a b: no such file or directory").unwrap(), b"/a b");
        assert_eq!(lstat("invalid user index: -1"), None);
    }
}
