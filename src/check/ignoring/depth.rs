//! Patterns that count at the top only, where gitignore would hide deeper ones as well.

use super::super::steps::{self, entries, slashes};
use super::super::usual::{is_everywhere, is_usual};
use super::super::{Amount, Facts, Findings, Severity, text};
use super::syntax::rewrite;
use super::{Lines, ROOT_ONLY};
use crate::entry::Entry;
use crate::pattern::{IgnorePattern, Pattern};

/// Looks at each pattern of one name.
pub(super) fn find(facts: &Facts<'_>, place: usize, lines: &mut Lines<'_>, found: &mut Findings) {
    let patterns = lines.file.matcher().patterns();
    for (i, (pattern, line)) in patterns.iter().zip(lines.file.patterns()).enumerate() {
        let litter = line.pattern.trim_end_matches("/**");
        let name = std::str::from_utf8(pattern.text()).unwrap_or_default().trim_end_matches("/**");
        let rooted = line.text.trim().starts_with('/');
        let git_like = !lines.reach[i].matches && lines.reach[i].closed_by.is_none() && !is_usual(name);
        let candidate = !pattern.negated() && !name.contains('/') && !name.starts_with("**") && !rooted;
        if !candidate || !(is_everywhere(litter) || git_like) {
            continue;
        }
        let deeper = Deeper::of(entries(lines.folder).iter(), pattern, name);
        if deeper.count() == 0 {
            continue;
        }
        let (step, deeper) = match most(facts, place, pattern, name) {
            Some((step, most)) => (Some(step), most),
            None => (None, deeper),
        };
        tell(lines, line, &deeper, step, is_everywhere(litter), found);
        lines.told.push(line.line);
    }
}

/// The step that takes most of them.
fn most<'a>(facts: &'a Facts<'_>, place: usize, pattern: &Pattern, name: &str) -> Option<(&'a str, Deeper)> {
    let steps = facts.steps.iter().enumerate();
    let taken = steps.filter_map(|(i, s)| Some((&*s.step.name, steps::taken(facts, i, place)?)));
    let counted =
        taken.map(|(step, t)| (step, Deeper::of(t.entries.iter().copied().flatten(), pattern, name)));
    counted.filter(|(_, d)| d.count() > 0).max_by_key(|(_, d)| d.amount.bytes)
}

/// What is sent below the top that a pattern would match there.
#[derive(Debug, Default)]
struct Deeper {
    folders: u64,
    files: u64,
    /// All that is in them.
    amount: Amount,
    paths: Vec<Vec<u8>>,
}

impl Deeper {
    fn of<'e>(entries: impl Iterator<Item = &'e Entry>, pattern: &Pattern, name: &str) -> Self {
        let mut deeper = Self::default();
        let mut inside: Option<&'e Entry> = None;
        let literal = !name.bytes().any(|b| b"*?[]\\^".contains(&b));
        for entry in entries {
            if inside.is_some_and(|folder| entry.path.is_below(folder.path.as_bytes())) {
                deeper.add(entry);
                continue;
            }
            let own = entry.path.name();
            let matches = if literal { own == name.as_bytes() } else { pattern.matches(own) == Ok(true) };
            if !matches || slashes(entry.path.as_bytes()) == 0 {
                continue;
            }
            deeper.add(entry);
            deeper.paths.extend((deeper.paths.len() < 3).then(|| entry.path.as_bytes().to_vec()));
            if entry.stat.is_dir() {
                deeper.folders += 1;
                inside = Some(entry);
            } else {
                deeper.files += 1;
            }
        }
        deeper
    }

    fn add(&mut self, entry: &Entry) {
        match entry.stat.is_dir() {
            true => self.amount.dirs += 1,
            false => self.amount.files += 1,
        }
        self.amount.bytes += if entry.hardlink.is_none() { entry.stat.size } else { 0 };
    }

    fn count(&self) -> u64 {
        self.folders + self.files
    }

    /// `14 folders`, `3 files`
    fn what(&self) -> String {
        match (self.folders, self.files) {
            (0, files) => text::count(files, "file"),
            (folders, 0) => text::count(folders, "folder"),
            (folders, files) => {
                format!("{} and {}", text::count(folders, "folder"), text::count(files, "file"))
            }
        }
    }
}

fn tell(
    lines: &Lines<'_>,
    line: &IgnorePattern,
    deeper: &Deeper,
    step: Option<&str>,
    litter: bool,
    found: &mut Findings,
) {
    let written = line.text.trim();
    let are = if deeper.count() == 1 { "is" } else { "are" };
    let sent = if step.is_some() { "sent" } else { "not hidden" };
    let message = format!(
        "`{written}` matches only the top level; {} of that name {are} {sent}, {}",
        deeper.what(),
        text::size(deeper.amount.bytes)
    );
    let finding = found.add(&ROOT_ONLY, message);
    if step.is_none() || !litter {
        finding.severity = Severity::Note;
    }
    finding.steps.extend(step.map(str::to_owned));
    finding.at(text::pattern(lines.folder, line.line, "counts at the top of the context only"));
    finding.amount = Some(deeper.amount);
    finding.paths.clone_from(&deeper.paths);
    let better = format!("**/{written}");
    finding.fix(format!("write `{better}`"), rewrite(lines, line.line, vec![better.clone()]));
}
