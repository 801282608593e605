//! Why the build would fail: what the plan, the keys and the ignore files found, joined with its cause.

mod source;

use super::analysis::{Analysis, Read};
use crate::context::ContextError;
use crate::dockerfile::ParseError;
use crate::pattern::{Matcher, PatternError};
use crate::plan::{Plan, PlanError};
use crate::report::ErrorReport;

/// Everything for which the build would fail, in the order of the Dockerfile.
pub fn all(analysis: &Analysis<'_>) -> Vec<ErrorReport> {
    with_paths(analysis).into_iter().map(|(report, _)| report).collect()
}

/// The same, each with the path that was looked up, as the engine names it; empty where no path is to blame.
pub fn with_paths(analysis: &Analysis<'_>) -> Vec<(ErrorReport, Vec<u8>)> {
    let read = analysis.read;
    let mut errors: Vec<ErrorReport> = no_dockerfile(read).into_iter().collect();
    if let Some(Err(error)) = &read.dockerfile {
        errors.push(in_syntax(error));
    }
    let folders = std::iter::once(&read.context).chain(&read.named);
    errors.extend(folders.filter_map(|f| f.as_ref().err()).map(in_ignore_file));
    let mut of_files = Vec::new();
    if let Some(plan) = &read.plan {
        errors.extend(plan.errors.iter().map(|e| in_plan(e, read)));
        errors.extend(analysis.refused.iter().map(|e| refused(e, plan, read)));
        let keys = analysis.keys.iter().flat_map(|k| &k.errors);
        of_files.extend(keys.map(|e| source::report(e, plan, read)));
    }
    let mut all: Vec<(ErrorReport, Vec<u8>)> = errors.into_iter().map(|e| (e, Vec::new())).collect();
    all.append(&mut of_files);
    all.sort_by_key(|(e, _)| e.line);
    all
}

/// There is no Dockerfile.
fn no_dockerfile(read: &Read) -> Option<ErrorReport> {
    let absent = read.located.bytes.as_ref().err()?;
    Some(ErrorReport {
        code: "dockerfile-missing".into(),
        message: format!("there is no `{}`", read.located.dockerfile),
        engine_message: absent.engine_message.clone(),
        hint: absent.hint.clone(),
        ..ErrorReport::default()
    })
}

/// A Dockerfile that can't be read.
fn in_syntax(error: &ParseError) -> ErrorReport {
    let known = |n: usize| Some(n).filter(|n| *n > 0);
    ErrorReport {
        line: known(error.span.line),
        column: known(error.span.column),
        code: "dockerfile-syntax".into(),
        message: error.message.clone(),
        engine_message: error.engine_message.clone(),
        hint: error.hint.clone(),
        source: known(error.span.line).map(|_| error.source_line.clone()),
        ..ErrorReport::default()
    }
}

/// A pattern that can't be read.
fn in_ignore_file(error: &PatternError) -> ErrorReport {
    ErrorReport {
        file: error.file.clone(),
        line: error.line,
        code: "ignore-file".into(),
        message: format!("the ignore file can't be used: {}", error.kind),
        engine_message: error.engine_message(),
        source: Some(error.pattern.clone()),
        ..ErrorReport::default()
    }
}

/// What the Dockerfile alone tells.
fn in_plan(error: &PlanError, read: &Read) -> ErrorReport {
    ErrorReport {
        line: error.span.map(|s| s.line),
        column: error.span.map(|s| s.column).filter(|c| *c > 0),
        step: error.step.clone(),
        code: error.code.to_owned(),
        message: error.message.clone(),
        engine_message: error.engine_message.clone(),
        hint: error.hint.clone(),
        source: error.span.and_then(|s| read.source_line(s.line)),
        ..ErrorReport::default()
    }
}

/// A request for a folder's files that fails.
fn refused(error: &ContextError, plan: &Plan, read: &Read) -> ErrorReport {
    match late_pattern(error, read) {
        Some(report) => report,
        None => in_request(error, plan, read),
    }
}

/// A line of an ignore file that is found to be malformed only when a name has to be compared with it.
fn late_pattern(error: &ContextError, read: &Read) -> Option<ErrorReport> {
    let ContextError::Match { list: "excludepatterns" } = error else { return None };
    let folders = std::iter::once(&read.context).chain(&read.named).filter_map(|f| f.as_ref().ok());
    let (file, line) = folders.filter_map(|f| f.context.ignore_file()).find_map(|file| {
        let broken = file.matcher().patterns().iter().position(|p| p.is_broken())?;
        Some((file.name().to_owned(), file.pattern(broken)?))
    })?;
    Some(ErrorReport {
        file: Some(file),
        line: Some(line.line),
        code: "ignore-file".into(),
        message: "the ignore file can't be used: syntax error in pattern".into(),
        engine_message: error.engine_message().unwrap_or_default(),
        source: Some(line.text.clone()),
        ..ErrorReport::default()
    })
}

/// True when the path of a source, taken as a pattern, can't be compiled.
fn is_broken(path: &str) -> bool {
    let matcher = Matcher::new(&[path.trim_start_matches('/')]);
    matcher.is_ok_and(|m| m.patterns().iter().any(|p| p.is_broken()))
}

/// A request that the engine can't make of a folder: the pattern stands in some step's sources.
fn in_request(error: &ContextError, plan: &Plan, read: &Read) -> ErrorReport {
    let pattern = match error {
        ContextError::Include { source, .. } => source.pattern.as_str(),
        ContextError::NotPrintable { path } => path,
        _ => "",
    };
    let asks = |s: &&crate::plan::StepSource| match error {
        ContextError::Match { .. } => is_broken(&s.path),
        _ => !pattern.is_empty() && s.path.trim_start_matches('/') == pattern,
    };
    let step = plan.steps.iter().find_map(|step| Some((step, step.sources.iter().find(asks)?)));
    let line = step.map(|(s, _)| s.span.line);
    let text = line.and_then(|l| read.source_line(l));
    let json = step.is_some_and(|(_, s)| s.written.starts_with('[') && !s.written.contains(']'));
    ErrorReport {
        line,
        column: text.as_deref().and_then(|t| source::column(t, &step?.1.written)),
        step: step.map(|(s, _)| s.name.clone()),
        code: "bad-pattern".into(),
        message: error.to_string(),
        engine_message: error.engine_message().unwrap_or_default(),
        hint: json
            .then(|| "the JSON form needs double quotes, as in COPY [\"a\", \"b\", \"/dest/\"]".to_owned()),
        source: text,
        ..ErrorReport::default()
    }
}
