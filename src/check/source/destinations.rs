//! Where sources land: folders under a file's name, folders without their names, files over each other.

use std::collections::HashMap;

use super::super::steps::{self, Use, fails};
use super::super::{Facts, Findings, Severity, text};
use super::{FOLDER_AS_FILE, MERGED, ONE_NAME};
use crate::entry::Entry;
use crate::gopath;
use crate::plan::{Op, Source, Step};

/// Endings that folders do not have.
const FILE_ENDINGS: &[&str] = &[
    "c",
    "cfg",
    "class",
    "conf",
    "cpp",
    "crt",
    "css",
    "csv",
    "env",
    "gz",
    "go",
    "h",
    "html",
    "ini",
    "jar",
    "java",
    "js",
    "json",
    "jsx",
    "key",
    "lock",
    "md",
    "mjs",
    "pem",
    "php",
    "properties",
    "ps1",
    "py",
    "rb",
    "rs",
    "sh",
    "sql",
    "tar",
    "tgz",
    "toml",
    "ts",
    "tsx",
    "txt",
    "war",
    "xml",
    "yaml",
    "yml",
    "zip",
];

/// Folders that images have.
const KNOWN_FOLDERS: &[&str] = &[
    "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc", "root", "run",
    "sbin", "srv", "sys", "tmp", "usr", "var",
];

/// Looks at each COPY and ADD.
pub(super) fn find(facts: &Facts<'_>, uses: &[Use<'_>], found: &mut Findings) {
    let Some(plan) = facts.plan else { return };
    for (index, step) in plan.steps.iter().enumerate().filter(|(_, s)| s.instruction != "RUN") {
        let of_step: Vec<&Use<'_>> = uses.iter().filter(|u| u.index == index).collect();
        let parents = steps::copy(facts, step).is_none_or(|c| !c.include_patterns.is_empty());
        if of_step.is_empty() || parents || fails(facts, step) {
            continue;
        }
        let dest = steps::copy(facts, step).map_or("", |c| c.dest.as_str());
        folder_as_file(facts, &of_step, dest, found);
        merged(facts, &of_step, found);
        one_name(facts, &of_step, dest, found);
    }
}

fn is_dir(e: &&Entry) -> bool {
    e.stat.is_dir()
}

/// `COPY src /app/main.py`
fn folder_as_file(facts: &Facts<'_>, of_step: &[&Use<'_>], dest: &str, found: &mut Findings) {
    let [one] = of_step else { return };
    let named = one.named();
    let name = gopath::base(dest.as_bytes());
    let is_file_name = !dest.ends_with('/') && ending(name).is_some_and(|e| FILE_ENDINGS.contains(&e));
    let folder = named.iter().find(|e| is_dir(e));
    let Some(folder) = folder.filter(|f| is_file_name && f.path.name() != name) else { return };
    let message = format!(
        "{} is a folder: its contents go into a folder `{dest}`, which has the name of a file",
        one.subject()
    );
    let finding = found.add(&FOLDER_AS_FILE, message);
    finding.steps.push(one.step.name.clone());
    finding.at(text::word(facts, one.step.span, &one.source.written, "a folder"));
    finding.paths.push(folder.path.as_bytes().to_vec());
    let inside = gopath::join(&[folder.path.as_bytes(), name]);
    if one.folder.context.get(&inside).is_some() {
        finding.help(format!("write `{}`, if that file is meant", text::name(&inside)));
    }
    finding.help("end the destination with `/`, if a folder is meant");
}

fn ending(name: &[u8]) -> Option<&str> {
    let (stem, ending) = std::str::from_utf8(name).ok()?.rsplit_once('.')?;
    (!stem.is_empty()).then_some(ending)
}

/// `COPY src lib /app/`: BuildKit copies what is in a folder, not the folder.
fn merged(facts: &Facts<'_>, of_step: &[&Use<'_>], found: &mut Findings) {
    let plain = of_step.iter().filter(|u| !u.is_wildcard() && !u.path().is_empty());
    let folders: Vec<&&Use<'_>> = plain.filter(|u| u.named().iter().any(is_dir)).collect();
    let [first, second, ..] = folders[..] else { return };
    let dest = steps::copy(facts, first.step).map_or("", |c| c.dest.as_str());
    let clash = clash(&folders);
    let over = match &clash {
        Some(name) => format!(", where they lie over each other (`{}`, for one)", text::name(name)),
        None => String::new(),
    };
    let message = format!(
        "COPY puts the contents of `{}` and `{}` together into `{dest}`, without the folders{over}",
        first.source.written, second.source.written
    );
    let finding = found.add(&MERGED, message.replacen("COPY", &first.step.instruction, 1));
    if clash.is_some() {
        finding.severity = Severity::Warning;
    }
    finding.steps.push(first.step.name.clone());
    finding.at(text::word(facts, first.step.span, &first.source.written, "its contents, not the folder"));
    finding.at(text::word(facts, first.step.span, &second.source.written, "its contents, not the folder"));
    finding.paths.extend(folders.iter().take(3).map(|u| u.path().to_vec()));
    finding
        .help("write one instruction for each folder, with its name in the destination, or give --parents");
}

/// A file name that two of the folders have.
fn clash(folders: &[&&Use<'_>]) -> Option<Vec<u8>> {
    let mut seen: HashMap<&[u8], usize> = HashMap::new();
    for (i, one) in folders.iter().enumerate() {
        for entry in one.below().iter().filter(|e| !e.stat.is_dir()) {
            let below = &entry.path.as_bytes()[one.path().len() + 1..];
            if *seen.entry(below).or_insert(i) != i {
                return Some(below.to_vec());
            }
        }
    }
    None
}

/// `COPY a.json b.json /app`, where nothing makes `/app`: then it becomes a file, which each source overwrites.
fn one_name(facts: &Facts<'_>, of_step: &[&Use<'_>], dest: &str, found: &mut Findings) {
    let files: Vec<Vec<u8>> = of_step
        .iter()
        .flat_map(|u| u.named())
        .filter(|e| !e.stat.is_dir())
        .map(|e| e.path.as_bytes().to_vec())
        .collect();
    let step = of_step[0].step;
    if files.len() < 2 || dest.ends_with('/') || dest.ends_with("/.") || is_folder(facts, step, dest) {
        return;
    }
    let sure = starts_empty(facts, step)
        || ending(gopath::base(dest.as_bytes())).is_some_and(|e| FILE_ENDINGS.contains(&e));
    let message = format!(
        "{} copies {} files to `{dest}`, which nothing here makes a folder: as a file it would hold the last one only",
        step.instruction,
        text::thousands(files.len() as u64)
    );
    let finding = found.add(&ONE_NAME, message);
    if sure {
        finding.severity = Severity::Warning;
    }
    finding.steps.push(step.name.clone());
    finding.at(text::instruction(facts, step.span, "several files, one name"));
    finding.paths.extend(files.into_iter().take(3));
    finding.help(format!("write `{dest}/`, with a slash at its end"));
}

/// Whether a destination is a folder for all that is known: images have it, a WORKDIR or an earlier step made it.
fn is_folder(facts: &Facts<'_>, step: &Step, dest: &str) -> bool {
    let dest = dest.trim_end_matches('/');
    let top = dest.trim_start_matches('/').split('/').next().unwrap_or_default();
    let below = |path: &str| path == dest || path.strip_prefix(dest).is_some_and(|r| r.starts_with('/'));
    let made = |s: &Step| match s.instruction.as_str() {
        "WORKDIR" | "RUN" => {
            steps::exec(facts, s).is_some_and(|e| below(&e.cwd))
                || s.text.split(|c: char| c.is_whitespace() || "\"';&".contains(c)).any(below)
                || mkdir(facts, s).any(below)
        }
        "COPY" | "ADD" => steps::copy(facts, s).is_some_and(|c| {
            below(c.dest.trim_end_matches('/')) && (c.dest.ends_with('/') || c.dest != dest)
        }),
        _ => false,
    };
    let earlier = facts.plan.into_iter().flat_map(|p| &p.steps).filter(|s| s.span.line < step.span.line);
    dest.is_empty() || KNOWN_FOLDERS.contains(&top) || earlier.into_iter().any(made)
}

/// The folders that a WORKDIR makes.
fn mkdir<'a>(facts: &Facts<'a>, step: &Step) -> impl Iterator<Item = &'a str> {
    let actions = facts.plan.map(|p| &steps::vertex(p, step).op);
    let actions = match actions {
        Some(Op::File(actions)) => actions.as_slice(),
        _ => &[],
    };
    actions.iter().filter_map(|a| match &a.kind {
        crate::plan::FileActionKind::Mkdir { path, .. } => Some(path.as_str()),
        _ => None,
    })
}

/// True when the step's stage begins with nothing, so that no folder can be there unseen.
fn starts_empty(facts: &Facts<'_>, step: &Step) -> bool {
    let Some((plan, (stage, _))) = facts.plan.zip(steps::instruction(facts, step)) else { return false };
    let image = |op: &Op| matches!(op, Op::Source(Source::Image { .. }));
    stage.base_name.eq_ignore_ascii_case("scratch") && !plan.graph.vertices.iter().any(|v| image(&v.op))
}
