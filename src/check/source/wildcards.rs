//! Wildcards that take other things than they seem to.

use super::super::steps::{self, Use, fails, slashes};
use super::super::{Facts, Finding, Findings, Rule, text};
use super::{DOUBLE_STAR, EXCLUDE, FLATTENS, NO_MATCH};
use crate::context::Ignored;
use crate::entry::{Entry, FileType};
use crate::gopath;
use crate::pattern::Matcher;
use crate::plan::CopyAction;

/// Looks at every source of COPY and ADD. With --parents other rules hold: these patterns are Moby's.
pub(super) fn find(facts: &Facts<'_>, uses: &[Use<'_>], found: &mut Findings) {
    for one in uses.iter().filter(|u| !u.path().is_empty() && !fails(facts, u.step)) {
        let copy = steps::copy(facts, one.step).filter(|c| c.include_patterns.is_empty());
        let Some(copy) = copy else { continue };
        let named = one.named();
        if !one.is_wildcard() {
            not_excluded(facts, one, copy, &named, found);
            continue;
        }
        double_star(facts, one, found);
        if named.is_empty() {
            no_match(facts, uses, one, found);
        }
        flattens(facts, one, copy, &named, found);
        not_excluded(facts, one, copy, &named, found);
    }
}

fn add<'f>(
    facts: &Facts<'_>,
    one: &Use<'_>,
    found: &'f mut Findings,
    (rule, message, said): (&'static Rule, String, &str),
) -> &'f mut Finding {
    let finding = found.add(rule, message);
    finding.steps.push(one.step.name.clone());
    finding.at(text::word(facts, one.step.span, &one.source.written, said))
}

/// `filepath.Match` knows no `**` (`fsutil/copy`, `ResolveWildcards`).
fn double_star(facts: &Facts<'_>, one: &Use<'_>, found: &mut Findings) {
    if one.source.written.split('/').any(|part| part.contains("**")) {
        let message = format!("`**` in `{}` is one level only", one.source.written);
        add(facts, one, found, (&DOUBLE_STAR, message, "counts like `*`"))
            .help("give --parents, with which `**` is any number of levels");
    }
}

/// Nothing matches. A name that only ends in a wildcard, beside another source that is there, is how optional files are written.
fn no_match(facts: &Facts<'_>, uses: &[Use<'_>], one: &Use<'_>, found: &mut Findings) {
    let optional = is_optional(one.path())
        && uses.iter().any(|u| u.index == one.index && (u.path().is_empty() || !u.named().is_empty()));
    if optional || goes_through_link(one) {
        return;
    }
    let matches = |i: &&Ignored| {
        let path = i.path.as_bytes();
        slashes(path) == slashes(one.path()) && gopath::matches(one.path(), path) == Ok(true)
    };
    let hidden: Vec<&Ignored> = one.folder.hidden.iter().filter(matches).collect();
    let what = match hidden.first() {
        Some(_) => format!("matches only what `{}` hides", text::ignore_name(one.folder)),
        None => "matches nothing".to_owned(),
    };
    let message = format!("{} {what}: nothing is copied, and that is no error", one.subject());
    let finding = add(facts, one, found, (&NO_MATCH, message, "matches nothing that is sent"));
    if let Some(first) = hidden.first() {
        let said = format!("hides `{}`", text::name(first.path.as_bytes()));
        finding.at(text::pattern(one.folder, first.cause.line, said));
        finding.paths.extend(hidden.iter().take(3).map(|i| i.path.as_bytes().to_vec()));
    }
}

/// `yarn.lock*`, `tsconfig.jso[n]`: the name of one file, made optional.
fn is_optional(path: &[u8]) -> bool {
    let name = gopath::base(path);
    let stem = name.strip_suffix(b"*").unwrap_or(name);
    let plain = stem.len() < name.len() && !gopath::has_wildcard(stem) && stem.contains(&b'.');
    let one_letter = |open: usize| name.len() > open + 2 && name.get(open + 2) == Some(&b']');
    plain || name.iter().position(|b| *b == b'[').is_some_and(one_letter)
}

/// A link on the way, which the engine follows: then the listing alone doesn't tell.
fn goes_through_link(one: &Use<'_>) -> bool {
    let path = one.path();
    let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| &path[..i]);
    let links: Vec<&Entry> =
        steps::entries(one.folder).iter().filter(|e| e.stat.file_type == FileType::Symlink).collect();
    let is_link = |end: &[u8]| links.iter().any(|e| gopath::matches(end, e.path.as_bytes()) == Ok(true));
    !links.is_empty() && ends.into_iter().any(is_link)
}

/// `COPY src/* /x/` where `src` has folders: `dir_copy_contents` holds for each match.
fn flattens(facts: &Facts<'_>, one: &Use<'_>, copy: &CopyAction, named: &[&Entry], found: &mut Findings) {
    let folders: Vec<Vec<u8>> =
        named.iter().filter(|e| e.stat.is_dir()).map(|e| e.path.as_bytes().to_vec()).collect();
    if folders.is_empty() {
        return;
    }
    let (what, their) = match folders.len() {
        1 => (format!("the folder {}", text::list(&folders, 1)), "its contents"),
        n => (format!("the folders {}", text::list(&folders, n)), "their contents"),
    };
    let message = format!(
        "{} matches {what}: {their} go straight into `{}`, without the folder",
        one.subject(),
        copy.dest
    );
    let finding = add(facts, one, found, (&FLATTENS, message, "matches folders"));
    finding.paths.extend(folders.iter().take(3).cloned());
    let folder = gopath::dir(one.path());
    let folder = if folder == b"." { ".".to_owned() } else { text::name(&folder) };
    finding.help(format!("copy the folder that holds them: `{} {folder} …`", one.step.instruction));
}

/// `--exclude` is asked about what is below a source, not about the source itself (`fsutil/copy`, `copier.exclude`).
fn not_excluded(facts: &Facts<'_>, one: &Use<'_>, copy: &CopyAction, named: &[&Entry], found: &mut Findings) {
    let Ok(matcher) = Matcher::new(&copy.exclude_patterns) else { return };
    let excluded = |e: &&&Entry| {
        (one.is_wildcard() || !e.stat.is_dir()) && matcher.matches_or_parent(e.path.name()) == Ok(true)
    };
    let kept: Vec<Vec<u8>> = named.iter().filter(excluded).map(|e| e.path.as_bytes().to_vec()).collect();
    if kept.is_empty() {
        return;
    }
    let message = format!(
        "{} takes {}, which --exclude does not leave out: it works below folders only",
        one.subject(),
        text::list(&kept, kept.len())
    );
    let finding = add(facts, one, found, (&EXCLUDE, message, "what it matches itself is copied"));
    finding.paths.extend(kept.iter().take(3).cloned());
    finding.help("copy the folder instead of what is in it, or write a narrower wildcard");
}
