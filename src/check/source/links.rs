//! Symbolic links that are copied as they are and lead to what is not sent.

use super::super::steps::{fails, uses};
use super::super::{Facts, Findings, FolderFacts, text};
use super::{LINK_HIDDEN, LINK_OUTSIDE};
use crate::context::Ignored;
use crate::entry::{ContextPath, Entry, FileType};
use crate::gopath;

/// A link with where it leads to.
struct Lost<'a> {
    link: &'a Entry,
    /// The ignore entry of its target; `None` for one that leads out.
    by: Option<&'a Ignored>,
}

/// A link inside of a folder is copied as a link; only a link that is itself a source is followed.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let uses = uses(facts);
    for (index, one) in facts.steps.iter().enumerate().filter(|(_, s)| !fails(facts, s.step)) {
        for taken in &one.taken {
            let Some(folder) = facts.folders.get(taken.folder) else { continue };
            let named = |path: &[u8]| uses.iter().any(|u| u.index == index && u.path() == path);
            let links = taken.entries.iter().copied().flatten();
            let links = links.filter(|e| e.stat.file_type == FileType::Symlink && !named(e.path.as_bytes()));
            let lost: Vec<Lost<'_>> = links.filter_map(|e| lost(folder, e)).collect();
            let first = uses.iter().find(|u| u.index == index && u.place == taken.folder);
            let word = first.map_or("", |u| u.source.written.as_str());
            tell(facts, folder, (one.step, word), &lost, found);
        }
    }
}

/// Where a link leads, if not to something that is sent.
fn lost<'a>(folder: &'a FolderFacts<'_>, link: &'a Entry) -> Option<Lost<'a>> {
    let target = link.stat.linkname();
    // Absolute targets mean the image's files.
    if target.starts_with(b"/") || target.is_empty() {
        return None;
    }
    let whole = gopath::join(&[&gopath::dir(link.path.as_bytes()), target]);
    if whole == b".." || whole.starts_with(b"../") {
        return Some(Lost { link, by: None });
    }
    if whole == b"." || folder.context.get(&whole).is_some() {
        return None;
    }
    let hides = |i: &&Ignored| {
        i.path.as_bytes() == whole
            || (i.closed && ContextPath::new(&whole[..]).is_ok_and(|p| p.is_below(i.path.as_bytes())))
    };
    folder.hidden.iter().find(hides).map(|by| Lost { link, by: Some(by) })
}

/// One finding for all links of a step that lead out, one for all whose targets are hidden.
fn tell(
    facts: &Facts<'_>,
    folder: &FolderFacts<'_>,
    (step, word): (&crate::plan::Step, &str),
    lost: &[Lost<'_>],
    found: &mut Findings,
) {
    for hidden in [true, false] {
        let group: Vec<&Lost<'_>> = lost.iter().filter(|l| l.by.is_some() == hidden).collect();
        let Some(first) = group.first() else { continue };
        let paths: Vec<Vec<u8>> = group.iter().map(|l| l.link.path.as_bytes().to_vec()).collect();
        let (link, target) = (text::name(first.link.path.as_bytes()), text::name(first.link.stat.linkname()));
        let more = match group.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more like it)"),
        };
        let (rule, what) = match first.by {
            Some(_) => (&LINK_HIDDEN, format!("which `{}` hides", text::ignore_name(folder))),
            None => (&LINK_OUTSIDE, "which lies outside the context".to_owned()),
        };
        let message = format!(
            "{} takes the link `{link}`, but not its target `{target}`, {what}{more}: in the image it leads nowhere",
            step.instruction
        );
        let finding = found.add(rule, message);
        finding.steps.push(step.name.clone());
        finding.at(text::word(facts, step.span, word, "takes the link"));
        if let Some(by) = first.by {
            finding.at(text::pattern(folder, by.cause.line, "hides the target"));
        }
        finding.paths.extend(paths.into_iter().take(3));
        finding.help("send the target, too, or copy the file in the place of the link");
    }
}
