//! Many causes in one line.

use std::collections::{BTreeMap, BTreeSet};

use super::litter::{self, Litter};
use super::{Cause, CauseKind, line_endings, umask};
use crate::wording::thousands;

/// So many paths below one folder, changed in one way, are better counted than listed.
const MANY: usize = 5;

/// How many paths are named of those that are folded.
const EXAMPLES: usize = 3;

/// Causes that are one and the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// What changed.
    pub kind: CauseKind,
    /// The causes that it stands for, as places in what was folded, ascending; at least two.
    pub causes: Vec<usize>,
    /// The folder or the pattern that they have in common, for people.
    pub place: Option<String>,
    /// Some of the paths.
    pub examples: Vec<Vec<u8>>,
    /// What was there before, where it is the same for all.
    pub before: Option<String>,
    /// What is there now, where it is the same for all.
    pub after: Option<String>,
    /// In words: `1,204 files differ only in mode: 0664 here, 0644 there: umask 0002`.
    pub text: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// Folds the causes of one step. What is not in an answer stands for itself.
pub fn fold(causes: &[Cause]) -> Vec<Folded> {
    let left = causes.iter().map(|c| c.path.is_some()).collect();
    let mut folder = Folder { causes, left, out: Vec::new() };
    folder.modes();
    folder.line_endings();
    folder.ignored();
    folder.litter();
    folder.by_folder();
    folder.out.sort_by_key(|f| f.causes.first().copied());
    folder.out
}

struct Folder<'c> {
    causes: &'c [Cause],
    /// Whether a cause has a path and stands for itself still.
    left: Vec<bool>,
    out: Vec<Folded>,
}

impl<'c> Folder<'c> {
    fn cause(&self, index: usize) -> &'c Cause {
        &self.causes[index]
    }

    fn path(&self, index: usize) -> &'c [u8] {
        self.causes[index].path.as_deref().unwrap_or_default()
    }

    /// Takes a group off the list; `text` gets the number of causes.
    fn push(&mut self, members: Vec<usize>, place: Option<String>, text: String, fix: Option<String>) {
        let members: Vec<usize> = members.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let Some(first) = members.first().map(|i| self.cause(*i)) else { return };
        let common = |of: fn(&Cause) -> &Option<String>| {
            members.iter().all(|i| of(self.cause(*i)) == of(first)).then(|| of(first).clone()).flatten()
        };
        let folded = Folded {
            kind: first.kind,
            place,
            examples: members.iter().take(EXAMPLES).map(|i| self.path(*i).to_vec()).collect(),
            before: common(|c| &c.before),
            after: common(|c| &c.after),
            text,
            fix,
            causes: members,
        };
        folded.causes.iter().for_each(|i| self.left[*i] = false);
        self.out.push(folded);
    }

    /// What is left, grouped.
    fn groups<K: Ord>(&self, key: impl Fn(&'c Cause) -> Option<K>) -> BTreeMap<K, Vec<usize>> {
        let mut out: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (index, cause) in self.causes.iter().enumerate().filter(|(i, _)| self.left[*i]) {
            if let Some(key) = key(cause) {
                out.entry(key).or_default().push(index);
            }
        }
        out
    }

    /// Files of which only the mode differs: by one umask for all, else by pairs of modes.
    fn modes(&mut self) {
        let mut count: BTreeMap<(&str, &[u8]), usize> = BTreeMap::new();
        for cause in self.causes {
            *count.entry((&cause.source, cause.path.as_deref().unwrap_or_default())).or_default() += 1;
        }
        let only = |c: &Cause| {
            let path = c.path.as_deref().unwrap_or_default();
            c.kind == CauseKind::Mode && count.get(&(c.source.as_str(), path)) == Some(&1)
        };
        let by_source = self.groups(|c| only(c).then_some(&c.source));
        for members in by_source.into_values().filter(|m| m.len() > 1) {
            let modes: Vec<_> = members.iter().filter_map(|i| umask::modes(self.cause(*i))).collect();
            if let Some(found) = (modes.len() == members.len()).then(|| umask::find(&modes)).flatten() {
                let text = format!("{} only in mode: {}", differ(members.len()), found.text());
                self.push(members, None, text, Some(found.fix()));
            }
        }
        let pairs = self.groups(|c| only(c).then(|| (&c.source, c.before.clone(), c.after.clone())));
        for ((_, before, after), members) in pairs.into_iter().filter(|(_, m)| m.len() >= MANY) {
            let mode = |m: Option<String>| m.unwrap_or_default();
            let text = format!(
                "{} only in mode: {} here, {} there",
                differ(members.len()),
                mode(after),
                mode(before)
            );
            self.push(members, None, text, None);
        }
    }

    /// Files of which the bytes are the same but for the ends of their lines.
    fn line_endings(&mut self) {
        let same = |c: &Cause| {
            let detail = c.detail.clone().filter(|d| d.starts_with(line_endings::PREFIX))?;
            (c.kind == CauseKind::Content).then_some(detail)
        };
        for (detail, members) in self.groups(same).into_iter().filter(|(_, m)| m.len() > 1) {
            let text = format!("{} {detail}", differ(members.len()));
            self.push(members, None, text, Some(line_endings::FIX.to_owned()));
        }
    }

    /// By the line of the ignore file.
    fn ignored(&mut self) {
        let key = |c: &'c Cause| {
            let ignore = c.kind == CauseKind::Ignore;
            ignore.then(|| (&c.source, c.line, &c.detail, c.after.is_some(), c.before.is_some()))
        };
        for ((_, line, pattern, by_new, by_old), members) in self.groups(key) {
            if members.len() < 2 {
                continue;
            }
            let pattern = pattern.clone().unwrap_or_default();
            let line = line.map(|l| format!(" (line {l})")).unwrap_or_default();
            let count = thousands(members.len());
            let text = match (by_new, by_old && pattern.starts_with('!')) {
                (true, true) => format!("{count} let in by `{pattern}`{line} of the ignore file"),
                (true, false) => format!("{count} left out by `{pattern}`{line} of the ignore file"),
                (false, _) => format!("{count} let in: `{pattern}`{line} of the ignore file is gone"),
            };
            self.push(members, Some(pattern), text, None);
        }
    }

    /// What tools left behind.
    fn litter(&mut self) {
        let key = |c: &'c Cause| {
            let litter = litter::made_by_tools(c.path.as_deref()?)?;
            word(c.kind).map(|word| (&c.source, c.kind, word, litter.line, litter.folder.is_some()))
        };
        for ((_, _, word, line, is_folder), members) in
            self.groups(key).into_iter().filter(|(_, m)| m.len() > 1)
        {
            let places: BTreeSet<&[u8]> = members.iter().map(|i| place(self.path(*i))).collect();
            let count = thousands(members.len());
            let name = line.trim_start_matches("**/");
            let text = match (places.len(), is_folder) {
                (1, true) => {
                    format!("{count} {word} under {}", shown(places.iter().next().unwrap_or(&&b""[..])))
                }
                (n, true) => format!("{count} {word} under {} folders `{name}`", thousands(n)),
                (1, false) => format!("{count} `{name}` {word}"),
                (n, false) => format!("{count} `{name}` {word} in {} folders", thousands(n)),
            };
            self.push(members, Some(line), text, None);
        }
    }

    /// Many of one kind below one folder: below the whole of it, or below each folder at the top.
    fn by_folder(&mut self) {
        let tops = |c: &'c Cause| {
            let path = c.path.as_deref()?;
            let top = path.split(|b| *b == b'/').next().unwrap_or_default();
            word(c.kind).map(|word| (c.source.clone(), c.kind, word, top.to_vec()))
        };
        for ((_, kind, word, _), members) in self.groups(tops).into_iter().filter(|(_, m)| m.len() >= MANY) {
            let folder = common_folder(members.iter().map(|i| self.path(*i)));
            // The folder itself may be one of them: it appeared with all that is in it.
            let whole = matches!(kind, CauseKind::Added | CauseKind::Removed)
                && members.iter().any(|i| self.path(*i) == folder);
            let count = thousands(members.len() - usize::from(whole));
            let text = match whole {
                true => format!("{} {word} with {count} in it", shown(folder)),
                false => format!("{count} {word} under {}", shown(folder)),
            };
            let place = shown(folder);
            self.push(members, Some(place), text, None);
        }
    }
}

/// What happened to files, for a sentence that counts them.
fn word(kind: CauseKind) -> Option<&'static str> {
    Some(match kind {
        CauseKind::Added => "added",
        CauseKind::Removed => "removed",
        CauseKind::Content => "with other content",
        CauseKind::Renamed => "renamed",
        CauseKind::Owner => "with another owner",
        CauseKind::Mode => "with another mode",
        CauseKind::Type => "of another type",
        CauseKind::Linkname => "that link elsewhere",
        CauseKind::Xattr => "with other extended attributes",
        _ => return None,
    })
}

/// The folder that litter is in: the one that a tool made, else the file's own.
fn place(path: &[u8]) -> &[u8] {
    match litter::made_by_tools(path) {
        Some(Litter { folder: Some(end), .. }) => &path[..end],
        _ => &path[..path.iter().rposition(|b| *b == b'/').unwrap_or(0)],
    }
}

/// The deepest folder that holds all of the paths, or is one of them.
fn common_folder<'p>(mut paths: impl Iterator<Item = &'p [u8]>) -> &'p [u8] {
    let Some(first) = paths.next() else { return b"" };
    paths.fold(first, |common, path| {
        let mut end = 0;
        for part in common.split_inclusive(|b| *b == b'/') {
            let name = part.strip_suffix(b"/").unwrap_or(part);
            let rest = &path[end.min(path.len())..];
            let same = rest.starts_with(name) && matches!(rest.get(name.len()), None | Some(b'/'));
            if !same {
                return common[..end].strip_suffix(b"/").unwrap_or(&common[..end]);
            }
            end += part.len();
        }
        common
    })
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

fn differ(count: usize) -> String {
    format!("{} files differ", thousands(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(kind: CauseKind, path: &str, before: &str, after: &str) -> Cause {
        let text = |t: &str| (!t.is_empty()).then(|| t.to_owned());
        Cause {
            source: "context".into(),
            path: Some(path.as_bytes().to_vec()),
            before: text(before),
            after: text(after),
            ..Cause::new(kind)
        }
    }

    fn texts(causes: &[Cause]) -> Vec<String> {
        fold(causes).into_iter().map(|f| f.text).collect()
    }

    fn many(kind: CauseKind, prefix: &str, count: usize, before: &str, after: &str) -> Vec<Cause> {
        (0..count).map(|i| cause(kind, &format!("{prefix}{i}.py"), before, after)).collect()
    }

    #[test]
    fn one_umask_that_explains_every_mode_is_named() {
        let mut causes = many(CauseKind::Mode, "src/f", 1204, "0644", "0664");
        assert_eq!(
            texts(&causes),
            ["1,204 files differ only in mode: 0664 here, 0644 there: umask 0002 here, 0022 there"]
        );
        causes.push(cause(CauseKind::Mode, "src", "0755", "0775"));
        causes.push(cause(CauseKind::Mode, "run.sh", "0755", "0775"));
        let folded = fold(&causes);
        assert_eq!(
            folded[0].text,
            "1,206 files differ only in mode: 0664 and 0775 here, 0644 and 0755 there: umask 0002 here, 0022 there"
        );
        assert!(folded[0].fix.as_ref().unwrap().contains("--chmod"));
    }

    #[test]
    fn modes_that_no_umask_explains_are_counted_by_pairs() {
        let causes = many(CauseKind::Mode, "bin/f", 6, "0644", "0755");
        assert_eq!(texts(&causes), ["6 files differ only in mode: 0755 here, 0644 there"]);
        assert_eq!(texts(&causes[..3]), [""; 0]);
    }

    #[test]
    fn a_file_that_changed_otherwise_too_does_not_differ_only_in_mode() {
        let mut causes = many(CauseKind::Mode, "f", 2, "0644", "0664");
        causes.push(cause(CauseKind::Content, "f0.py", "", ""));
        assert_eq!(texts(&causes), [""; 0]);
    }

    #[test]
    fn litter_is_counted_by_its_folder_or_pattern() {
        let mut causes = vec![cause(CauseKind::Added, "src/__pycache__", "", "")];
        causes.extend(many(CauseKind::Added, "src/__pycache__/f", 311, "", ""));
        assert_eq!(texts(&causes), ["312 added under src/__pycache__"]);
        let files = ["a/x.pyc", "b/y.pyc", "b/z.pyc"].map(|p| cause(CauseKind::Added, p, "", ""));
        let folded = fold(&files);
        assert_eq!(folded[0].text, "3 `*.pyc` added in 2 folders");
        assert_eq!(folded[0].place.as_deref(), Some("**/*.pyc"));
        assert_eq!(folded[0].causes, [0, 1, 2]);
    }

    #[test]
    fn many_of_one_kind_below_one_folder_are_counted() {
        let mut causes = many(CauseKind::Content, "src/app/f", 7, "", "");
        causes.push(cause(CauseKind::Content, "README.md", "", ""));
        let folded = fold(&causes);
        assert_eq!((folded.len(), folded[0].text.as_str()), (1, "7 with other content under src/app"));
        assert_eq!(folded[0].examples.len(), 3);
        let mut new = vec![cause(CauseKind::Added, "lib", "", "")];
        new.extend(many(CauseKind::Added, "lib/f", 5, "", ""));
        assert_eq!(texts(&new), ["lib added with 5 in it"]);
    }

    #[test]
    fn what_one_ignore_line_does_is_one_line() {
        let hide = |path: &str| Cause {
            line: Some(2),
            detail: Some("docs".into()),
            ..cause(CauseKind::Ignore, path, "", "docs")
        };
        let show = |path: &str| Cause {
            line: Some(2),
            detail: Some("docs".into()),
            ..cause(CauseKind::Ignore, path, "docs", "")
        };
        assert_eq!(
            texts(&[hide("docs"), hide("docs/a")]),
            ["2 left out by `docs` (line 2) of the ignore file"]
        );
        assert_eq!(
            texts(&[show("docs"), show("docs/a")]),
            ["2 let in: `docs` (line 2) of the ignore file is gone"]
        );
    }

    #[test]
    fn causes_without_a_path_are_left_alone() {
        let parents: Vec<Cause> = (0..9).map(|_| Cause::new(CauseKind::Parent)).collect();
        assert_eq!(fold(&parents), []);
    }

    #[test]
    fn the_common_folder_is_cut_at_components() {
        let common = |paths: &[&str]| shown(common_folder(paths.iter().map(|p| p.as_bytes())));
        assert_eq!(common(&["a/b/c", "a/b/d"]), "a/b");
        assert_eq!(common(&["a/bc", "a/b"]), "a");
        assert_eq!(common(&["a", "a/b"]), "a");
        assert_eq!(common(&["a/b", "c"]), "");
    }
}
