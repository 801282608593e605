//! Litter that steps take into the image or into their keys, folded: one finding for each kind and set of steps.

use std::collections::BTreeMap;

use super::super::text::{count, size};
use super::super::{Amount, Edit, Facts, Findings, Fix, FolderFacts, Label, Rule};
use super::markers::Markers;
use super::spots::{self, Spot};
use super::taking::{self, Taking};
use super::{
    ARCHIVES, BUILD_OUTPUT, CACHES, DEPENDENCIES, EDITOR, LEFTOVERS, UNSENT, VERSION_CONTROL, WALKED,
};
use crate::entry::{Entry, FileType, Source as _};
use crate::litter::{Kind, asks_repository};
use crate::plan::Op;

/// No more paths than this are named in a finding.
const PATHS: usize = 5;
/// Litter that no step takes is worth a word from so many bytes …
const MUCH: u64 = 10 << 20;
/// … or so many files on.
const MANY: u64 = 1000;
/// Hidden litter that is walked is worth a word from so many files on.
const WALKED_FILES: u64 = 10;
/// Archives of fewer bytes may well be a program's own data.
const LARGE_ARCHIVES: u64 = 1 << 20;

/// Looks at one folder.
pub(super) fn find(facts: &Facts<'_>, number: usize, taking: &Taking, found: &mut Findings) {
    let folder = &facts.folders[number];
    let entries = folder.context.entries();
    let markers = Markers::of(entries, node_is_built(facts));
    let spots = spots::spots(entries, &markers, &taking::named(facts, number));
    let needs_git = needs_git(facts);
    let taken = taking.taken(entries.len());
    let mut groups: BTreeMap<(Kind, Vec<usize>), Heap> = BTreeMap::new();
    for spot in spots.iter().filter(|s| !(needs_git && s.litter.kind == Kind::VersionControl)) {
        let steps = taking.steps_of(&spot.range);
        let heap = groups.entry((spot.litter.kind, steps)).or_default();
        heap.add(spot, entries, &taken);
    }
    for ((kind, steps), heap) in &groups {
        if steps.is_empty() {
            unsent(facts, folder, *kind, heap, found);
        } else if !(*kind == Kind::Archive && heap.bytes < LARGE_ARCHIVES) {
            taken_by(facts, folder, *kind, steps, heap, found);
        }
    }
    walked(folder, found);
}

/// Litter of one kind that the same steps take.
#[derive(Default)]
struct Heap {
    /// By ignore line: folders, files, whether the line means folders.
    lines: BTreeMap<String, (u64, u64, bool)>,
    files: u64,
    dirs: u64,
    bytes: u64,
    paths: Vec<Vec<u8>>,
}

impl Heap {
    /// Adds what is taken of a spot; all of it, when nothing is.
    fn add(&mut self, spot: &Spot, entries: &[Entry], taken: &[bool]) {
        let any = taken[spot.range.clone()].contains(&true);
        let counts = |at: &usize| !any || taken[*at];
        let (mut files, mut dirs) = (0, 0);
        for entry in spot.range.clone().filter(counts).map(|at| &entries[at]) {
            match entry.stat.file_type {
                FileType::Dir => dirs += 1,
                _ => files += 1,
            }
            if entry.stat.file_type == FileType::File && entry.hardlink.is_none() {
                self.bytes += entry.stat.size;
            }
        }
        self.files += files;
        self.dirs += dirs;
        let line = self.lines.entry(spot.litter.line.clone()).or_insert((0, 0, spot.folder));
        line.0 += 1;
        line.1 += files;
        if self.paths.len() < PATHS {
            self.paths.push(entries[spot.range.start].path.as_bytes().to_vec());
        }
    }

    /// ``15,901 `*.pyc` files in 1,101 `__pycache__` folders, 412.0 MiB``
    fn text(&self) -> String {
        let part = |(line, (spots, files, folder)): (&String, &(u64, u64, bool))| {
            let name = line.strip_prefix("**/").unwrap_or(line);
            match (*folder, line.as_str()) {
                (true, "**/__pycache__") => {
                    format!("{} in {}", count(*files, "`*.pyc` file"), count(*spots, "`__pycache__` folder"))
                }
                (true, _) if *spots == 1 => format!("{} in `{name}`", count(*files, "file")),
                (true, _) => {
                    format!("{} in {}", count(*files, "file"), count(*spots, &format!("`{name}` folder")))
                }
                (false, _) => count(*files, &format!("`{name}` file")),
            }
        };
        let parts: Vec<String> = self.lines.iter().map(part).collect();
        format!("{}, {}", parts.join(" and "), size(self.bytes))
    }

    fn amount(&self) -> Amount {
        Amount { files: self.files, dirs: self.dirs, bytes: self.bytes }
    }
}

/// Tells litter that steps take.
fn taken_by(
    facts: &Facts<'_>,
    folder: &FolderFacts<'_>,
    kind: Kind,
    steps: &[usize],
    heap: &Heap,
    found: &mut Findings,
) {
    let steps: Vec<_> = steps.iter().map(|i| facts.steps[*i].step).collect();
    let names: Vec<&str> = steps.iter().take(2).map(|s| s.name.as_str()).collect();
    let more = match steps.len() - names.len() {
        0 => String::new(),
        more => format!(" and {}", count(more as u64, "more step")),
    };
    let message =
        format!("{}{}: {}, taken by {}{more}", within(folder), noun(kind), heap.text(), names.join(" and "));
    let finding = found.add(rule(kind), message);
    for step in &steps {
        let span = step.span;
        let label = Label::line(
            facts.dockerfile,
            span.line,
            if step.instruction == "RUN" { "mounts them" } else { "takes them" },
        );
        finding.at(Label { end_line: span.end_line.max(span.line), ..label });
    }
    finding.steps = steps.iter().map(|s| s.name.clone()).collect();
    finding.paths.clone_from(&heap.paths);
    finding.amount = Some(heap.amount());
    let lines: Vec<String> = heap.lines.keys().cloned().collect();
    let (message, fix) = hide(folder, lines);
    finding.fix(message, fix);
}

/// Tells litter that is in view and that no step takes, when there is much of it.
fn unsent(facts: &Facts<'_>, folder: &FolderFacts<'_>, kind: Kind, heap: &Heap, found: &mut Findings) {
    // Without takings nobody knows what is sent.
    if facts.steps.is_empty() || (heap.bytes < MUCH && heap.files < MANY) {
        return;
    }
    let message = format!(
        "{}{}: {}, in view though no step takes them: every build walks them, and one without BuildKit sends them",
        within(folder),
        noun(kind),
        heap.text()
    );
    let finding = found.add(&UNSENT, message);
    finding.paths.clone_from(&heap.paths);
    finding.amount = Some(heap.amount());
    let (message, fix) = hide(folder, heap.lines.keys().cloned().collect());
    finding.fix(message, fix);
}

/// Tells hidden litter that is walked because a `!` may reach into it.
fn walked(folder: &FolderFacts<'_>, found: &mut Findings) {
    let Some(file) = folder.context.ignore_file() else { return };
    let reaching = |p: &&crate::pattern::IgnorePattern| p.negated && p.pattern.contains('*');
    let Some(reaches) = file.patterns().iter().rev().find(reaching) else { return };
    let litter = spots::walked(&folder.hidden);
    let files: u64 = litter.iter().map(|(.., files)| files).sum();
    if files < WALKED_FILES {
        return;
    }
    let part = |(litter, folders, files): &(super::kinds::Litter, u64, u64)| {
        let name = litter.line.strip_prefix("**/").unwrap_or(&litter.line);
        let noun = if name == "__pycache__" { "`*.pyc` file" } else { "file" };
        format!("{} in {}", count(*files, noun), count(*folders, &format!("`{name}` folder")))
    };
    let parts: Vec<String> = litter.iter().map(part).collect();
    let message = format!(
        "{}hidden litter that every build walks all the same: {}; a `!` pattern may reach into any folder",
        within(folder),
        parts.join(", ")
    );
    let name = folder.ignore.name.unwrap_or(file.name());
    let finding = found.add(&WALKED, message);
    finding.at(Label::line(name, reaches.line, "with this wildcard no folder can be left out"));
    finding.amount = Some(Amount { files, dirs: litter.iter().map(|(_, dirs, _)| dirs).sum(), bytes: 0 });
    finding.help("write the `!` pattern without a wildcard, or delete the litter");
}

/// `` in the named context `lib`: ``, or nothing for the context itself.
pub(super) fn within(folder: &FolderFacts<'_>) -> String {
    if folder.name == "context" { String::new() } else { format!("named context `{}`: ", folder.name) }
}

/// The edit that adds lines to a folder's ignore file, which may have to be made.
pub(super) fn hide(folder: &FolderFacts<'_>, lines: Vec<String>) -> (String, Fix) {
    let file = match folder.ignore.name {
        Some(name) => name.to_owned(),
        None => {
            let path = folder.path.trim_end_matches('/');
            let path = path.strip_prefix("./").unwrap_or(path);
            if path.is_empty() || path == "." {
                ".dockerignore".to_owned()
            } else {
                format!("{path}/.dockerignore")
            }
        }
    };
    let shown: Vec<String> = lines.iter().map(|l| format!("`{l}`")).collect();
    let message = format!("add {} to {file}", shown.join(", "));
    let bytes = folder.ignore.bytes;
    let ends = bytes.iter().filter(|b| **b == b'\n').count();
    let last = usize::from(bytes.last().is_some_and(|b| *b != b'\n'));
    (message, Fix { file, edits: vec![Edit { line: ends + last + 1, remove: 0, insert: lines }] })
}

fn rule(kind: Kind) -> &'static Rule {
    match kind {
        Kind::VersionControl => &VERSION_CONTROL,
        Kind::NodeModules | Kind::VirtualEnvironment => &DEPENDENCIES,
        Kind::BuildOutput => &BUILD_OUTPUT,
        Kind::Bytecode | Kind::Cache | Kind::Coverage | Kind::Terraform => &CACHES,
        Kind::Log | Kind::Leftover | Kind::Desktop => &LEFTOVERS,
        Kind::Editor => &EDITOR,
        Kind::Archive => &ARCHIVES,
    }
}

/// What people call it.
fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Bytecode => "compiled bytecode",
        Kind::VersionControl => "a repository",
        Kind::NodeModules => "installed packages",
        Kind::VirtualEnvironment => "a virtual environment",
        Kind::BuildOutput => "build output",
        Kind::Cache => "caches of tools",
        Kind::Coverage => "coverage data",
        Kind::Log => "logs",
        Kind::Leftover => "leftovers of editors and programs",
        Kind::Editor => "settings of editors",
        Kind::Desktop => "files of a desktop",
        Kind::Archive => "archives",
        Kind::Terraform => "terraform's working files",
    }
}

/// The commands of the target's RUN steps, in words.
fn commands(facts: &Facts<'_>) -> Vec<Vec<String>> {
    let breaks = |c: char| c.is_whitespace() || ";&|()$`\"'".contains(c);
    let words = |text: String| text.split(breaks).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    let steps =
        facts.plan.into_iter().flat_map(|p| p.steps.iter().map(move |s| &p.graph.vertices[s.vertex.0].op));
    let command = |op: &Op| match op {
        Op::Exec(exec) => Some(words(exec.args.join(" "))),
        _ => None,
    };
    steps.filter_map(command).collect()
}

/// Some step may ask about the history, so that the repository is wanted.
fn needs_git(facts: &Facts<'_>) -> bool {
    commands(facts).iter().any(|words| asks_repository(&words.join(" ")))
}

/// Some step builds a Node project, so that what lies in `dist` is made anew.
fn node_is_built(facts: &Facts<'_>) -> bool {
    const TOOLS: &[&str] = &["npm", "yarn", "pnpm", "bun", "npx", "vite", "webpack", "tsc", "next"];
    let builds = |w: &String| w.starts_with("build") || w == "tsc";
    let both =
        |words: &Vec<String>| words.iter().any(|w| TOOLS.contains(&w.as_str())) && words.iter().any(builds);
    commands(facts).iter().any(both)
}
