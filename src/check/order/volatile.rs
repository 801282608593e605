//! One file of an early COPY that changes much more often than the others.

use super::super::steps::{self, fails, uses};
use super::super::{Churn, Facts, Findings, text};
use super::VOLATILE;
use crate::entry::Entry;
use crate::gopath;
use crate::plan::Step;

/// A COPY of more files than this is no early, narrow one.
const FILES: usize = 32;
/// So often at least, of a hundred commits.
const OFTEN: usize = 10;
/// So much oftener than all others together.
const OFTENER: usize = 3;

/// Files that package managers read: no install can do without them.
const MANIFESTS: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "Gemfile",
    "Gemfile.lock",
    "Pipfile",
    "Pipfile.lock",
    "build.gradle",
    "build.gradle.kts",
    "bun.lock",
    "bun.lockb",
    "composer.json",
    "composer.lock",
    "go.mod",
    "go.sum",
    "mix.exs",
    "mix.lock",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "pyproject.toml",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
];

/// Whether a rule would look at how often files changed: only then is the history worth asking for.
pub fn wants_churn(facts: &Facts<'_>) -> bool {
    facts.steps.iter().enumerate().any(|(i, s)| candidate(facts, i, s.step).is_some())
}

/// The files of a narrow COPY of the build context that a RUN of its stage follows; two at least.
fn candidate<'a>(facts: &'a Facts<'_>, index: usize, step: &Step) -> Option<Vec<&'a Entry>> {
    let (stage, here) = steps::instruction(facts, step)?;
    let followed = stage.instructions.iter().any(|i| {
        i.span.line > here.span.line && matches!(i.kind, crate::dockerfile::InstructionKind::Run(_))
    });
    let context = facts.folders.iter().position(|f| f.name == "context")?;
    if step.instruction == "RUN" || !followed || fails(facts, step) {
        return None;
    }
    let taken = steps::taken(facts, index, context)?;
    let files = taken.entries.iter().copied().flatten().filter(|e| !e.stat.is_dir());
    let files: Vec<&Entry> = files.take(FILES + 1).collect();
    (2..=FILES).contains(&files.len()).then_some(files)
}

/// Looks at each such COPY.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let Some(churn) = &facts.churn else { return };
    for (index, one) in facts.steps.iter().enumerate() {
        let Some(files) = candidate(facts, index, one.step) else { continue };
        let mut counted: Vec<(usize, &Entry)> =
            files.iter().map(|e| (changes(churn, e.path.as_bytes()), *e)).collect();
        counted.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
        let (most, file) = counted[0];
        let others: usize = counted[1..].iter().map(|(n, _)| n).sum();
        let often = most * 100 >= churn.commits * OFTEN && most >= OFTENER && most >= others * OFTENER;
        let name = text::name(gopath::base(file.path.as_bytes()));
        if !often || MANIFESTS.contains(&&*name) {
            continue;
        }
        let path = text::name(file.path.as_bytes());
        let message = format!(
            "`{path}` changed in {most} of the last {}, all other files of this {} together in {others}: each time all that follows runs anew",
            text::count(churn.commits as u64, "commit"),
            one.step.instruction
        );
        let written = uses(facts);
        let written = written.iter().find(|u| u.index == index && u.path() == file.path.as_bytes());
        let finding = found.add(&VOLATILE, message);
        finding.steps.push(one.step.name.clone());
        let word = written.map_or("", |u| u.source.written.as_str());
        finding.at(text::word(facts, one.step.span, word, "changes often"));
        finding.paths.push(file.path.as_bytes().to_vec());
        finding.help(format!(
            "copy `{path}` in an instruction of its own, below the RUN steps that can do without it"
        ));
    }
}

/// In how many commits a path changed.
fn changes(churn: &Churn, path: &[u8]) -> usize {
    churn.paths.binary_search_by(|(p, _)| p[..].cmp(path)).map_or(0, |at| churn.paths[at].1)
}
