//! Fixes are tried before they are told: applied in memory, and the build checked again.

use std::collections::{BTreeMap, HashMap};

use super::super::Request;
use super::super::analysis::{CONTEXT, Read, resolve};
use super::super::locate::{Absent, IgnoreFile};
use super::super::{lints, local};
use super::{Checker, names};
use crate::check::{Edit, Finding, Fix, Help, Severity};
use crate::context::GENERAL;
use crate::dockerfile::{Dockerfile, ParseError};
use crate::error::Error;
use crate::observer::Silent;
use crate::plan::Plan;

/// So many fixes of a build are tried one by one at most; the others are tried all at once.
const MOST: usize = 8;

/// So many entries are looked at again at most, over all tries of a build.
const ENTRIES: u64 = 150_000;

/// The same over all builds that are checked together.
const ENTRIES_IN_ALL: u64 = 600_000;

/// What was tried, and what may still be spent on tries.
pub struct Tries {
    /// Whether a fix of a finding worked, for builds that share files.
    known: HashMap<String, bool>,
    entries: u64,
}

impl Default for Tries {
    fn default() -> Self {
        Self { known: HashMap::new(), entries: ENTRIES_IN_ALL }
    }
}

/// Tries every fix, and drops those that don't work.
pub fn attempt(checker: &mut Checker<'_>, tries: &mut Tries, findings: &mut [Finding]) {
    let before = Tally::of(checker, findings);
    let mut budget = Budget { tries: MOST, entries: ENTRIES.min(tries.entries) };
    let mut waiting = Vec::new();
    for (at, help) in proposed(findings) {
        let Some(fix) = findings[at].help[help].fix.clone() else { continue };
        let name = format!("{} {:?} {fix:?}", findings[at].rule.code, findings[at].message);
        if let Some(worked) = tries.known.get(&name) {
            findings[at].help[help].tried = *worked;
        } else if budget.take(checker, &fix) {
            let worked = works(checker, &before, &[(&findings[at], &fix)]);
            findings[at].help[help].tried = worked;
            tries.known.insert(name, worked);
        } else {
            waiting.push((at, help, fix));
        }
    }
    tries.entries -= ENTRIES.min(tries.entries) - budget.entries;
    together(checker, tries, &before, &waiting, findings);
    let kept = |help: &Help| help.fix.is_none() || help.tried;
    findings.iter_mut().for_each(|f| f.help.retain(kept));
}

/// Tries all at once what there was no time for one by one.
fn together(
    checker: &mut Checker<'_>,
    tries: &mut Tries,
    before: &Tally,
    waiting: &[(usize, usize, Fix)],
    findings: &mut [Finding],
) {
    let cost = checker.entries();
    if waiting.is_empty() || tries.entries < cost {
        return;
    }
    tries.entries -= cost;
    let all: Vec<(&Finding, &Fix)> = waiting.iter().map(|(at, _, fix)| (&findings[*at], fix)).collect();
    if works(checker, before, &all) {
        waiting.iter().for_each(|(at, help, _)| findings[*at].help[*help].tried = true);
    }
}

/// The fixes, those of the worst findings first.
fn proposed(findings: &[Finding]) -> Vec<(usize, usize)> {
    let fixes = |(at, f): (usize, &Finding)| (0..f.help.len()).map(|h| (at, h)).collect::<Vec<_>>();
    let mut all: Vec<(usize, usize)> = findings.iter().enumerate().flat_map(fixes).collect();
    all.retain(|(at, help)| findings[*at].help[*help].fix.is_some() && !findings[*at].help[*help].tried);
    all.sort_by_key(|(at, _)| std::cmp::Reverse(findings[*at].severity));
    all
}

/// What may still be spent.
struct Budget {
    tries: usize,
    entries: u64,
}

impl Budget {
    /// Whether a try can be afforded; then it is paid for. Where an ignore file changes, the folder is walked again, hidden entries
    /// among the others.
    fn take(&mut self, checker: &Checker<'_>, fix: &Fix) -> bool {
        let weight = if fix.file == checker.read.located.dockerfile { 1 } else { 4 };
        let cost = checker.entries() * weight;
        if self.tries == 0 || cost > self.entries {
            return false;
        }
        self.tries -= 1;
        self.entries -= cost;
        true
    }
}

/// Whether findings go away with their fixes, and nothing as bad comes in their place.
fn works(checker: &mut Checker<'_>, before: &Tally, fixes: &[(&Finding, &Fix)]) -> bool {
    let Some(texts) = applied(checker, fixes.iter().map(|(_, fix)| *fix)) else { return false };
    let Some(after) = with_texts(checker, texts) else { return false };
    let better = |(finding, fix): &(&Finding, &Fix)| {
        let same = identity(finding);
        let lines = before.masked.then_some(*fix);
        after.count(&same) < before.count(&same) && !after.has_new(before, finding.severity, lines)
    };
    fixes.iter().all(better)
}

/// The files with the fixes applied; `None` when one of them can't be.
fn applied<'f>(
    checker: &Checker<'_>,
    fixes: impl Iterator<Item = &'f Fix>,
) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut edits: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for fix in fixes {
        edits.entry(&fix.file).or_default().extend(&fix.edits);
    }
    let edited = |(file, edits): (&str, Vec<&Edit>)| {
        let bytes = checker.text(file)?;
        Some((file.to_owned(), edited(&bytes, edits)?))
    };
    edits.into_iter().map(edited).collect()
}

/// `bytes` with edits, which must not lie over each other; its line ends stay what they are.
pub fn edited(bytes: &[u8], mut edits: Vec<&Edit>) -> Option<Vec<u8>> {
    let end: &[u8] = if bytes.windows(2).any(|w| w == b"\r\n") { b"\r\n" } else { b"\n" };
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    edits.sort_by_key(|e| (e.line, e.remove));
    edits.dedup();
    let overlap = edits.windows(2).any(|w| w[0].line + w[0].remove > w[1].line);
    let outside = edits.iter().any(|e| e.line == 0 || e.line - 1 + e.remove > lines.len());
    if overlap || outside {
        return None;
    }
    for edit in edits.iter().rev() {
        let first = edit.line - 1;
        if let Some(before) =
            first.checked_sub(1).and_then(|at| lines.get_mut(at)).filter(|l| !l.ends_with(b"\n"))
        {
            before.extend_from_slice(end);
        }
        let insert = edit.insert.iter().map(|line| [line.as_bytes(), end].concat());
        lines.splice(first..first + edit.remove, insert);
    }
    Some(lines.concat())
}

/// What a build is like with other texts; `None` when they can't take the place of its files, and when it can't be read then.
fn with_texts(checker: &mut Checker<'_>, texts: BTreeMap<String, Vec<u8>>) -> Option<Tally> {
    let mut changed = Changed::default();
    let put = changed.put(checker, texts);
    let tally = match put {
        Ok(true) => checker.find().ok().map(|found| Tally::of(checker, &found.findings)),
        _ => None,
    };
    changed.restore(checker);
    tally
}

/// What was there before a fix was applied.
#[derive(Default)]
struct Changed {
    dockerfile: Option<OtherDockerfile>,
    folders: Vec<(usize, local::Loaded)>,
    ignore: Option<IgnoreFile>,
    named: Option<usize>,
}

/// The bytes, what they say and what the target runs, as [`Read`] has them.
type OtherDockerfile = (Result<Vec<u8>, Absent>, Option<ParsedDockerfile>, Option<Plan>);

/// As [`Read::dockerfile`] has it.
type ParsedDockerfile = Result<Dockerfile, ParseError>;

impl Changed {
    /// Puts texts in the places of files; false when one of them is no file of the build.
    fn put(&mut self, checker: &mut Checker<'_>, texts: BTreeMap<String, Vec<u8>>) -> Result<bool, Error> {
        for (file, bytes) in texts {
            let read = &mut checker.read;
            if file == read.located.dockerfile {
                self.put_dockerfile(checker.request, read, bytes)?;
            } else if let Some(at) = folder_of(checker.request, read, &file) {
                self.put_ignore_file(checker, at, file, bytes)?;
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put_dockerfile(&mut self, request: &Request, read: &mut Read, bytes: Vec<u8>) -> Result<(), Error> {
        let parsed = lints::parse(request, &bytes);
        let ignore = &read.located.ignore;
        let plan = parsed.as_ref().ok().map(|file| resolve(request, ignore, file)).transpose()?;
        self.named = Some(read.named.len());
        self.dockerfile = Some((
            std::mem::replace(&mut read.located.bytes, Ok(bytes)),
            read.dockerfile.replace(parsed),
            std::mem::replace(&mut read.plan, plan),
        ));
        read.load_named(request, names::general, &Silent)
    }

    /// Lists a folder again, with another ignore file.
    fn put_ignore_file(
        &mut self,
        checker: &mut Checker<'_>,
        at: usize,
        file: String,
        bytes: Vec<u8>,
    ) -> Result<(), Error> {
        let folder = loaded(&mut checker.read, at);
        let (name, root, found) = match folder {
            Ok(local) => (local.name.clone(), local.root.clone(), local.found.clone()),
            // Its ignore file can't be read: that is what may be put right.
            Err(_) => {
                (CONTEXT.to_owned(), checker.request.context.clone(), checker.read.located.ignore.clone())
            }
        };
        let found = IgnoreFile { name: Some(file), bytes, ..found };
        if at == 0 {
            self.ignore = Some(std::mem::replace(&mut checker.read.located.ignore, found.clone()));
        }
        let walked = match loaded(&mut checker.read, at) {
            // Where nothing was hidden, everything is listed already.
            Ok(local) if local.context.counts().ignored == 0 => local.with_ignore_file(found)?,
            _ => local::load(&name, &root, found, None, &Silent)?,
        };
        self.folders.push((at, std::mem::replace(loaded(&mut checker.read, at), walked)));
        checker.hidden.remove(&name);
        checker.looked = None;
        Ok(())
    }

    /// Puts everything back.
    fn restore(self, checker: &mut Checker<'_>) {
        for (at, folder) in self.folders.into_iter().rev() {
            if let Ok(local) = &folder {
                checker.hidden.remove(&local.name);
            }
            checker.looked = None;
            *loaded(&mut checker.read, at) = folder;
        }
        if let Some(ignore) = self.ignore {
            checker.read.located.ignore = ignore;
        }
        if let Some((bytes, dockerfile, plan)) = self.dockerfile {
            checker.read.located.bytes = bytes;
            checker.read.dockerfile = dockerfile;
            checker.read.plan = plan;
        }
        if let Some(count) = self.named {
            checker.read.named.truncate(count);
        }
    }
}

/// The context, or a named context.
fn loaded(read: &mut Read, at: usize) -> &mut local::Loaded {
    match at.checked_sub(1) {
        None => &mut read.context,
        Some(at) => &mut read.named[at],
    }
}

/// The folder whose ignore file has that name: 0 for the context, else a named context. Where the context has none, a general one may come.
fn folder_of(request: &Request, read: &Read, file: &str) -> Option<usize> {
    let located = &read.located.ignore;
    if located.name.as_deref() == Some(file) {
        return Some(0);
    }
    if located.name.is_none() && names::below(&request.context, GENERAL).to_string_lossy() == file {
        return Some(0);
    }
    let is = |l: &local::Loaded| l.as_ref().is_ok_and(|l| l.found.name.as_deref() == Some(file));
    read.named.iter().position(is).map(|at| at + 1)
}

/// Findings by what they are, whatever numbers they tell.
struct Tally {
    found: BTreeMap<Identity, Known>,
    /// The Dockerfile or an ignore file can't be used as a whole, so that there may be more to be found.
    masked: bool,
}

/// What makes a finding the same before and after an edit: the rule, and the message without its numbers.
type Identity = (&'static str, String);

/// Findings of one identity.
struct Known {
    count: usize,
    severity: Severity,
    /// Where the first label of each stands.
    places: Vec<(String, usize)>,
}

impl Tally {
    fn of(checker: &Checker<'_>, findings: &[Finding]) -> Self {
        let mut found = BTreeMap::new();
        for finding in findings {
            let new = || Known { count: 0, severity: finding.severity, places: Vec::new() };
            let known: &mut Known = found.entry(identity(finding)).or_insert_with(new);
            known.count += 1;
            known.places.extend(finding.labels.first().map(|l| (l.file.clone(), l.line)));
        }
        Self { found, masked: checker.masked() }
    }

    fn count(&self, identity: &Identity) -> usize {
        self.found.get(identity).map_or(0, |known| known.count)
    }

    /// Whether something came that is of that severity or worse. When not all was seen before, only what comes on the lines of the fix counts.
    fn has_new(&self, before: &Self, severity: Severity, lines: Option<&Fix>) -> bool {
        let here = |(file, line): &(String, usize)| {
            let on = |e: &Edit| e.line <= *line && *line < e.line + e.insert.len().max(1);
            lines.is_none_or(|fix| fix.file == *file && fix.edits.iter().any(on))
        };
        let new = |(identity, known): (&Identity, &Known)| {
            let counts = lines.is_none() || known.places.iter().any(here);
            known.severity >= severity && known.count > before.count(identity) && counts
        };
        self.found.iter().any(new)
    }
}

fn identity(finding: &Finding) -> Identity {
    (finding.rule.code, finding.message.chars().filter(|c| !c.is_ascii_digit()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(line: usize, remove: usize, insert: &[&str]) -> Edit {
        Edit { line, remove, insert: insert.iter().map(|l| (*l).to_owned()).collect() }
    }

    fn text(bytes: &[u8], edits: &[Edit]) -> Option<String> {
        edited(bytes, edits.iter().collect()).map(|b| String::from_utf8(b).unwrap())
    }

    #[test]
    fn lines_are_replaced_inserted_and_added_at_the_end() {
        let edits = [edit(4, 0, &["d"]), edit(2, 1, &["B", "C"]), edit(1, 0, &["0"])];
        assert_eq!(text(b"a\nb\nc", &edits).unwrap(), "0\na\nB\nC\nc\nd\n");
        assert_eq!(text(b"", &[edit(1, 0, &["a"])]).unwrap(), "a\n");
        assert_eq!(text(b"a\r\nb\r\n", &[edit(1, 1, &["x"])]).unwrap(), "x\r\nb\r\n");
        assert_eq!(text(b"a\nb\n", &[edit(2, 1, &[])]).unwrap(), "a\n");
    }

    #[test]
    fn edits_that_lie_over_each_other_or_outside_are_no_fix() {
        assert_eq!(text(b"a\nb\n", &[edit(1, 2, &[]), edit(2, 1, &[])]), None);
        assert_eq!(text(b"a\n", &[edit(3, 0, &["x"])]), None);
        assert_eq!(text(b"a\n", &[edit(0, 0, &["x"])]), None);
    }
}
