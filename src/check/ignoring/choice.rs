//! Which ignore file is read, and which look as if they were.

use std::collections::BTreeSet;

use super::super::steps::entries;
use super::super::{Edit, Facts, Findings, Fix, FolderFacts, Label, text};
use super::{INVALID, MISNAMED, NOT_READ, ORPHAN, OVERRIDDEN, SWITCHED_OFF};

/// The name of the general ignore file.
const GENERAL: &str = ".dockerignore";

/// Looks at the choice of each folder's ignore file.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    invalid(facts, found);
    for folder in &facts.folders {
        not_read(facts, folder, found);
        overridden(folder, found);
        if folder.name == "context" {
            misnamed(folder, found);
            orphans(folder, found);
        }
    }
}

/// A line for which every build fails that reads the context.
fn invalid(facts: &Facts<'_>, found: &mut Findings) {
    for failure in facts.failures.iter().filter(|f| f.code == "ignore-file") {
        let finding = found.add(&INVALID, failure.message.clone());
        finding.engine_message = Some(failure.engine_message.clone()).filter(|m| !m.is_empty());
        if let (Some(file), Some(line)) = (&failure.file, failure.line) {
            finding.at(Label::line(file, line, "this line"));
            let edits = vec![Edit { line, remove: 1, insert: Vec::new() }];
            finding.fix(format!("remove line {line} of `{file}`"), Fix { file: file.clone(), edits });
        }
        if let Some(hint) = &failure.hint {
            finding.help(hint.clone());
        }
    }
}

/// `.dockerignore` beside a Dockerfile that isn't at the top of the context (`dockerui/config.go`: the general file is that of the context).
fn not_read(facts: &Facts<'_>, folder: &FolderFacts<'_>, found: &mut Findings) {
    let Some(unread) = folder.ignore.unread else { return };
    let message =
        format!("`{unread}` is not read: a general ignore file counts in the context's own folder only");
    let finding = found.add(&NOT_READ, message);
    finding.at(Label::line(unread, 1, "no build reads this"));
    let file = facts.dockerfile;
    finding.help(format!("rename it to `{file}{GENERAL}`, or move it to the top of the context"));
}

/// `Dockerfile.dockerignore` takes the place of `.dockerignore`; they are not added up.
fn overridden(folder: &FolderFacts<'_>, found: &mut Findings) {
    let (Some(general), Some(name)) = (folder.ignore.overridden, folder.ignore.name) else { return };
    if folder.ignore.bytes.iter().all(u8::is_ascii_whitespace) {
        let message = format!("`{name}` is empty, and switches `{general}` off: nothing is ignored");
        let finding = found.add(&SWITCHED_OFF, message);
        finding.at(Label::line(name, 1, "empty, but in force"));
        finding.help(format!("remove `{name}`, or write the lines into it that are meant"));
        return;
    }
    let message = format!("`{general}` is not read: `{name}` takes its place, and the two are not added up");
    found.add(&OVERRIDDEN, message).at(Label::line(name, 1, "this file is in force"));
}

/// `dockerignore`, `.docker-ignore`: without the right name nothing is ignored.
fn misnamed(folder: &FolderFacts<'_>, found: &mut Findings) {
    if folder.ignore.name.is_some() {
        return;
    }
    let like = |name: &str| {
        let letters: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let known = [
            "dockerignore",
            "dockerignores",
            "dockeringore",
            "dockerigonre",
            "dockerignoretxt",
            "dockerignor",
        ];
        known.contains(&letters.as_str()) && name != GENERAL
    };
    let top = folder.context.children(b"").filter(|e| !e.stat.is_dir());
    for entry in top.filter(|e| e.path.as_str().is_some_and(like)) {
        let name = text::name(entry.path.as_bytes());
        let message = format!("`{name}` is not read, and nothing is ignored: the name is `{GENERAL}`");
        let finding = found.add(&MISNAMED, message);
        finding.at(Label::line(&name, 1, "no build reads this"));
        finding.paths.push(entry.path.as_bytes().to_vec());
        finding.help(format!("rename it to `{GENERAL}`"));
    }
}

/// `Dockerfile.dev.dockerignore` without a `Dockerfile.dev` beside it.
fn orphans(folder: &FolderFacts<'_>, found: &mut Findings) {
    let hidden = folder.hidden.iter().map(|i| i.path.as_bytes());
    let all = || entries(folder).iter().map(|e| e.path.as_bytes()).chain(hidden.clone());
    let owner = |path: &[u8]| Some(path.strip_suffix(GENERAL.as_bytes())?.to_vec());
    let named = |owner: &Vec<u8>| !owner.is_empty() && !owner.ends_with(b"/");
    let mut owners: BTreeSet<Vec<u8>> = all().filter_map(owner).filter(named).collect();
    if owners.is_empty() {
        return;
    }
    all().for_each(|path| {
        owners.remove(path);
    });
    for owner in owners.iter().take(3) {
        let file = [owner, GENERAL.as_bytes()].concat();
        let (file, owner) = (text::name(&file), text::name(owner));
        let message = format!("`{file}` belongs to a Dockerfile `{owner}`, which is not there");
        found.add(&ORPHAN, message).at(Label::line(&file, 1, "read only for that Dockerfile"));
    }
}
