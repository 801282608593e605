//! `COPY . .` before the dependencies are installed.

use super::super::steps::{self, Use, fails};
use super::super::{Edit, Facts, Findings, Fix, Severity, text};
use super::INSTALL;
use super::tools::{Install, install};
use crate::dockerfile::{CommandLine, Instruction, InstructionKind, Stage};
use crate::gopath;
use crate::plan::{ExecMountKind, Step};

/// A RUN that installs, behind a COPY that brings it its manifests together with everything else.
struct Case<'a> {
    copy: &'a Use<'a>,
    copied: &'a Instruction,
    run: &'a Instruction,
    step: &'a Step,
    install: Install,
    /// The manifests that are there, below the context.
    manifests: Vec<Vec<u8>>,
}

/// Looks at each stage: only its first install counts.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let (Some(plan), Some(parsed)) = (facts.plan, facts.parsed) else { return };
    let uses = steps::uses(facts);
    for stage in &parsed.stages {
        let runs = stage.instructions.iter().filter_map(|i| {
            let step = plan
                .steps
                .iter()
                .find(|s| s.span.line == i.span.line && s.instruction == "RUN" && !s.onbuild)?;
            let InstructionKind::Run(run) = &i.kind else { return None };
            let (folder, install) = install(&script(&run.command))?;
            Some((i, step, folder, install))
        });
        let Some((run, step, folder, install)) = runs.into_iter().next() else { continue };
        let case = case(facts, &uses, stage, (run, step), (&folder, install));
        if let Some(case) = case {
            tell(facts, stage, &case, found);
        }
    }
}

/// All that a RUN gives to its shell.
fn script(command: &CommandLine) -> String {
    let files = command.files.iter().map(|f| String::from_utf8_lossy(&f.data).into_owned());
    std::iter::once(command.words.join(" ")).chain(files).collect::<Vec<_>>().join("\n")
}

fn case<'a>(
    facts: &'a Facts<'a>,
    uses: &'a [Use<'a>],
    stage: &'a Stage,
    (run, step): (&'a Instruction, &'a Step),
    (folder, install): (&str, Install),
) -> Option<Case<'a>> {
    let exec = steps::exec(facts, step)?;
    // A cache that lives on makes a second installation cheap, and a bind mount may bring the manifests.
    let mounted = |k: &ExecMountKind| matches!(k, ExecMountKind::Cache { .. });
    if exec.mounts.iter().any(|m| mounted(&m.kind)) || uses.iter().any(|u| u.step.span.line == run.span.line)
    {
        return None;
    }
    let work = gopath::join(&[exec.cwd.as_bytes(), folder.as_bytes()]);
    let before: Vec<&Use<'_>> = uses
        .iter()
        .filter(|u| {
            u.step.span.line < run.span.line && u.step.span.line > stage.span.line && !fails(facts, u.step)
        })
        .collect();
    let (copy, manifests) = before.iter().rev().find_map(|u| {
        let found = manifests(facts, u, &work, &install);
        (!found.is_empty()).then_some((*u, found))
    })?;
    let (_, copied) = steps::instruction(facts, copy.step)?;
    let narrower = uses.iter().any(|u| {
        let other = u.step.span.line != copy.step.span.line && u.step.span.line < run.span.line;
        other
            && steps::taken(facts, u.index, u.place)
                .is_some_and(|t| manifests.iter().any(|m| steps::takes(t, m)))
    });
    (!narrower && is_broad(facts, copy, &manifests)).then_some(Case {
        copy,
        copied,
        run,
        step,
        install,
        manifests,
    })
}

/// The manifests that a COPY brings to the folder where the command runs.
fn manifests(facts: &Facts<'_>, one: &Use<'_>, work: &[u8], install: &Install) -> Vec<Vec<u8>> {
    let Some(copy) = steps::copy(facts, one.step).filter(|c| c.include_patterns.is_empty()) else {
        return Vec::new();
    };
    let Some(taken) = steps::taken(facts, one.index, one.place) else { return Vec::new() };
    let dest = gopath::clean(copy.dest.as_bytes());
    let below = match work.strip_prefix(&dest[..]) {
        Some(rest) if rest.is_empty() || rest.starts_with(b"/") || dest == b"/" => rest,
        _ => return Vec::new(),
    };
    let folder = gopath::join(&[one.path(), below]);
    let folder = folder.strip_prefix(b"/").unwrap_or(&folder);
    let named = |name: &str| gopath::clean(&[folder, b"/", name.as_bytes()].concat());
    let at = |name: &str| named(name).strip_prefix(b"/").map_or_else(|| named(name), <[u8]>::to_vec);
    let mut found: Vec<Vec<u8>> = Vec::new();
    for name in &install.manifests {
        match name.strip_prefix('*') {
            None => found.extend(Some(at(name)).filter(|p| steps::takes(taken, p))),
            Some(end) => {
                let here = one.folder.context.children(folder).map(|e| e.path.as_bytes());
                found.extend(
                    here.filter(|p| p.ends_with(end.as_bytes()) && steps::takes(taken, p))
                        .map(<[u8]>::to_vec),
                );
            }
        }
    }
    if !found.is_empty() {
        found.extend(install.beside.iter().map(|n| at(n)).filter(|p| steps::takes(taken, p)));
    }
    found
}

/// True for a COPY that takes more than the manifests and what lies about them: sources that change.
fn is_broad(facts: &Facts<'_>, copy: &Use<'_>, manifests: &[Vec<u8>]) -> bool {
    let folder =
        copy.path().is_empty() || copy.folder.context.get(copy.path()).is_some_and(|e| e.stat.is_dir());
    let Some(taken) = steps::taken(facts, copy.index, copy.place).filter(|_| folder) else { return false };
    let about = |path: &[u8]| {
        let name = gopath::base(path);
        name.starts_with(b".")
            || name.starts_with(b"Dockerfile")
            || name.ends_with(b".md")
            || name == b"LICENSE"
    };
    let others = taken.entries.iter().copied().flatten().filter(|e| !e.stat.is_dir());
    others
        .map(|e| e.path.as_bytes())
        .filter(|p| !about(p) && !manifests.iter().any(|m| m == p))
        .take(2)
        .count()
        == 2
}

fn tell(facts: &Facts<'_>, stage: &Stage, case: &Case<'_>, found: &mut Findings) {
    let Case { copy, copied, run, step, install, manifests } = case;
    let message = format!(
        "`{}` runs anew with every change of any file: `{}` above it takes them all, though it needs only {}",
        install.command,
        text::name(copied.text.as_bytes()),
        text::list(manifests, manifests.len())
    );
    let finding = found.add(&INSTALL, message);
    let several = has_several(case);
    if several || !install.alone {
        finding.severity = Severity::Note;
    }
    finding.steps.extend([copy.step.name.clone(), step.name.clone()]);
    finding.at(text::instruction(facts, copied.span, "takes everything"));
    finding.at(text::instruction(facts, run.span, "installs dependencies"));
    finding.paths.extend(manifests.iter().take(3).cloned());
    let first = format!("copy {} first, install, then copy the rest", text::list(manifests, manifests.len()));
    match fix(facts, stage, case).filter(|_| install.alone && !several) {
        Some(fix) => finding.fix(first, fix),
        None => finding.help(first),
    };
}

/// Workspaces: further manifests below the first one are needed, too.
fn has_several(case: &Case<'_>) -> bool {
    let Some(first) = case.manifests.first() else { return false };
    let name = gopath::base(first);
    let litter =
        |path: &[u8]| path.split(|b| *b == b'/').any(|part| part == b"node_modules" || part == b"vendor");
    let all = steps::entries(case.copy.folder).iter().map(|e| e.path.as_bytes());
    all.filter(|p| gopath::base(p) == name && *p != &first[..]).any(|p| !litter(p))
}

/// Writes the manifests' COPY and the RUN above the COPY of everything, when nothing between them could matter to the RUN.
fn fix(facts: &Facts<'_>, stage: &Stage, case: &Case<'_>) -> Option<Fix> {
    let (copied, run) = (case.copied.span, case.run.span);
    let between = |i: &&Instruction| i.span.line > copied.line && i.span.line < run.line;
    if stage.instructions.iter().any(|i| between(&i)) {
        return None;
    }
    let InstructionKind::Copy(copy) = &case.copied.kind else { return None };
    let [_] = copy.sources[..] else { return None };
    let paths: Vec<&str> =
        case.manifests.iter().map(|m| std::str::from_utf8(m).ok()).collect::<Option<_>>()?;
    let source_folder = case.copy.path();
    let flat = case
        .manifests
        .iter()
        .all(|m| gopath::dir(m) == source_folder || (source_folder.is_empty() && gopath::dir(m) == b"."));
    if !flat || paths.iter().any(|p| p.contains(char::is_whitespace)) {
        return None;
    }
    let chown = if copy.chown.is_empty() { String::new() } else { format!("--chown={} ", copy.chown) };
    let dest = format!("{}/", copy.destination.trim_end_matches('/'));
    let mut insert = vec![format!("COPY {chown}{} {dest}", paths.join(" "))];
    for line in run.line..=run.end_line {
        insert.push(std::str::from_utf8(text::line_of(facts.bytes, line)).ok()?.to_owned());
    }
    let edits = vec![
        Edit { line: copied.line, remove: 0, insert },
        Edit { line: run.line, remove: run.end_line - run.line + 1, insert: Vec::new() },
    ];
    Some(Fix { file: facts.dockerfile.to_owned(), edits })
}
