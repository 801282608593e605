//! What works, but not as most people expect.

use std::collections::BTreeMap;

use super::analysis::{Analysis, Read};
use super::local::hidden;
use super::locate::IgnoreFile;
use crate::context::{Context, ContextWarning, WarningCode};
use crate::entry::Source as _;
use crate::git::RevisionWarning;
use crate::gopath;
use crate::plan::{Op, Plan, PlanWarning, Source, Step};
use crate::report::{WarningReport, shown};

/// No more names than this are listed in one warning.
const NAMES: usize = 3;

/// Everything that surprises about a build.
pub fn all(analysis: &Analysis<'_>) -> Vec<WarningReport> {
    let read = analysis.read;
    let mut out: Vec<WarningReport> = of_ignore_file(&read.located.ignore);
    for local in read.locals() {
        out.extend(of_entries(&local.context));
    }
    out.extend(read.revision.iter().flat_map(|r| &r.warnings).map(of_revision));
    let Some(plan) = &read.plan else { return out };
    let in_dockerfile = |w: &PlanWarning| warning(w.span.map(|s| s.line), w.code, w.message.clone());
    out.extend(plan.warnings.iter().map(in_dockerfile));
    let Some(keys) = &analysis.keys else { return out };
    let fails = |step: usize| keys.errors.iter().any(|e| e.step == Some(step));
    for (_, step) in plan.steps.iter().enumerate().filter(|(i, _)| !fails(*i)) {
        out.extend(of_sources(read, plan, step));
    }
    out
}

/// What surprises about a step's sources.
fn of_sources(read: &Read, plan: &Plan, step: &Step) -> Vec<WarningReport> {
    let mut out = Vec::new();
    let vertex = &plan.graph.vertices[step.vertex.0];
    for source in &step.sources {
        let input = source.input.and_then(|i| vertex.inputs.get(i)).map(|id| &plan.graph.vertices[id.0].op);
        let Some(Op::Source(Source::Local(local))) = input else { continue };
        let (line, keyword) = (step.span.line, &step.instruction);
        if let Some(local) = read.local(&local.name) {
            out.extend(empty_wildcard(&local.context, line, keyword, source.path.as_bytes()));
        }
    }
    out
}

/// What surprises about a path of a revision.
fn of_revision(one: &RevisionWarning) -> WarningReport {
    warning(None, one.code.as_str(), format!("`{}` {}", shown(&one.path), one.code.message()))
}

fn warning(line: Option<usize>, code: &str, message: String) -> WarningReport {
    WarningReport { line, code: code.to_owned(), message }
}

/// What surprises about the choice of the ignore file.
pub fn of_ignore_file(ignore: &IgnoreFile) -> Vec<WarningReport> {
    let mut out = Vec::new();
    if let (Some(name), Some(general)) = (&ignore.name, &ignore.switched_off) {
        let message = format!("`{name}` is empty, and switches `{general}` off: nothing is ignored");
        out.push(warning(None, "ignore-file-switched-off", message));
    }
    if let Some(path) = &ignore.unread {
        let message =
            format!("`{path}` is not read: a general ignore file counts in the context's own folder only");
        out.push(warning(None, "ignore-file-not-read", message));
    }
    out
}

/// What surprises about entries, those of one kind together: a socket that is sent as an empty file, and the like.
pub fn of_entries(context: &Context) -> Vec<WarningReport> {
    let mut kinds: BTreeMap<WarningCode, Vec<&ContextWarning>> = BTreeMap::new();
    for one in context.warnings() {
        kinds.entry(one.code).or_default().push(one);
    }
    let text = |group: &[&ContextWarning]| match group {
        [one] if one.path.is_empty() => one.message.clone(),
        [one] => format!("`{}` {}", shown(&one.path), one.message),
        [one, ..] => format!("{}: each {}", list(group), one.message),
        [] => String::new(),
    };
    kinds.iter().map(|(code, group)| warning(None, code.as_str(), text(group))).collect()
}

/// `a, b, c and 4 more`.
fn list(group: &[&ContextWarning]) -> String {
    let names: Vec<String> = group.iter().take(NAMES).map(|w| format!("`{}`", shown(&w.path))).collect();
    match group.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// A wildcard without a match copies nothing, and is no error.
pub fn empty_wildcard(context: &Context, line: usize, keyword: &str, path: &[u8]) -> Option<WarningReport> {
    let pattern = path.strip_prefix(b"/").unwrap_or(path);
    let matches = |path: &[u8]| gopath::matches(pattern, path) == Ok(true);
    if !gopath::has_wildcard(pattern) || context.entries().iter().any(|e| matches(e.path.as_bytes())) {
        return None;
    }
    let on_disk = there(context, pattern);
    let blame = on_disk.iter().take(1000).find_map(|p| Some((p, hidden(context, p)?)));
    let source = format!("{keyword} source `{}`", shown(pattern));
    let what = match blame {
        Some((path, cause)) => {
            let (file, path) = (&cause.ignore_file, shown(path));
            format!("matches only what `{file}` hides (`{path}` by line {}, `{}`)", cause.line, cause.pattern)
        }
        None if on_disk.is_empty() => "matches nothing".to_owned(),
        // It matches through a link, which the engine follows.
        None => return None,
    };
    let message = format!("{source} {what}: nothing is copied, and that is no error");
    Some(warning(Some(line), "wildcard-without-match", message))
}

/// The paths that match, hidden ones among them, a component at a time, as far as folders can be listed.
fn there(context: &Context, pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    for part in pattern.split(|b| *b == b'/') {
        let mut next = Vec::new();
        for folder in &found {
            let Ok(names) = context.tree().names(folder) else { continue };
            let names = names.into_iter().map(|(name, _)| name);
            let matching = names.filter(|name| gopath::matches(part, name) == Ok(true));
            next.extend(matching.map(|name| match folder.as_slice() {
                b"" => name,
                folder => [folder, b"/", &name].concat(),
            }));
        }
        next.sort();
        found = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ContextOptions;
    use crate::observer::Silent;
    use crate::pattern;

    #[test]
    fn a_wildcard_that_the_ignore_file_empties_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.md"), "").unwrap();
        let ignore = pattern::IgnoreFile::parse(".dockerignore", b"*.md\n").unwrap();
        let context = Context::load(dir.path(), Some(ignore), &ContextOptions::default(), &Silent).unwrap();
        let message = |pattern: &[u8]| empty_wildcard(&context, 2, "COPY", pattern).map(|w| w.message);
        let hidden = message(b"/*.md").unwrap();
        assert!(hidden.contains("only what `.dockerignore` hides (`a.md` by line 1, `*.md`)"), "{hidden}");
        assert!(message(b"/*.rs").unwrap().contains("matches nothing"));
        assert_eq!(message(b"/a.md"), None);
    }

    #[test]
    fn sockets_are_told_together() {
        let dir = tempfile::tempdir().unwrap();
        let _sockets =
            ["a", "b"].map(|n| std::os::unix::net::UnixListener::bind(dir.path().join(n)).unwrap());
        let context = Context::load(dir.path(), None, &ContextOptions::default(), &Silent).unwrap();
        let warnings = of_entries(&context);
        assert_eq!((warnings.len(), warnings[0].code.as_str()), (1, "socket"));
        assert!(warnings[0].message.starts_with("`a`, `b`: each is a socket"), "{}", warnings[0].message);
    }

    #[test]
    fn an_empty_ignore_file_that_switches_another_off_is_told() {
        let ignore = IgnoreFile {
            name: Some("Dockerfile.dockerignore".into()),
            switched_off: Some(".dockerignore".into()),
            ..IgnoreFile::default()
        };
        assert!(of_ignore_file(&ignore)[0].message.contains("switches `.dockerignore` off"));
        assert_eq!(of_ignore_file(&IgnoreFile::default()), []);
    }
}
