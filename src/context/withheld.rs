//! Files that are listed and not opened.
//!
//! BuildKit's client reads the exclude patterns twice: from folder to folder when it lists, and for a path alone when the engine asks for
//! its content (`fsutil/filter.go`, `filterFS.Open`). The first passes over a pattern that would hide a folder which is hidden already, and
//! forgets it for what is in there. After `*`, `!*/*`, `*` the file `a/b` is listed, and its content is refused: the engine gets it empty
//! under its real size.

use rayon::prelude::*;

use super::error::WarningCode;
use super::walk::warning;
use super::{Context, ContextWarning};
use crate::entry::{ContextPath, Entry, FileType};
use crate::pattern::Matcher;

/// Whether a client refuses the content of a listed file. A list without negations reads the same either way.
pub fn is_withheld(excludes: &Matcher, path: &[u8]) -> bool {
    excludes.has_exclusions() && excludes.matches_or_parent(path).unwrap_or(true)
}

/// What is said of the listed files that are withheld, sorted.
pub(super) fn warnings(entries: &[Entry], excludes: &Matcher) -> Vec<ContextWarning> {
    if !excludes.has_exclusions() {
        return Vec::new();
    }
    let found = below_hidden(entries, excludes);
    let withheld = found.into_par_iter().filter(|entry| is_withheld(excludes, entry.path.as_bytes()));
    withheld.map(|entry| warning(entry.path.as_bytes(), WarningCode::Withheld)).collect()
}

/// The files below a folder that some pattern would hide: for all others both readings are the same.
fn below_hidden<'e>(entries: &'e [Entry], excludes: &Matcher) -> Vec<&'e Entry> {
    let hides = |path: &[u8]| {
        let mut positive = excludes.patterns().iter().filter(|pattern| !pattern.negated());
        positive.any(|pattern| pattern.matches(path).unwrap_or(true))
    };
    let mut folder: Option<&ContextPath> = None;
    let mut found = Vec::new();
    for entry in entries {
        if folder.is_some_and(|above| entry.path.is_below(above.as_bytes())) {
            let has_content = entry.stat.file_type == FileType::File && entry.hardlink.is_none();
            found.extend(has_content.then_some(entry));
        } else if entry.stat.file_type == FileType::Dir && hides(entry.path.as_bytes()) {
            folder = Some(&entry.path);
        }
    }
    found
}

impl Context {
    /// Whether the content of a listed file is refused.
    pub(super) fn withholds(&self, path: &[u8]) -> bool {
        let at = |w: &ContextWarning| ContextPath::compare(&w.path, path);
        self.withheld.binary_search_by(at).is_ok()
    }

    /// The files that are listed and arrive empty, since the ignore file hides them from whoever asks for one alone.
    pub fn withheld(&self) -> &[ContextWarning] {
        &self.withheld
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ContextOptions;
    use crate::entry::Source as _;
    use crate::observer::Silent;
    use crate::pattern::IgnoreFile;

    fn context(dir: &tempfile::TempDir, ignore: &str) -> Context {
        for path in ["a/z.py", "a/deep/f", "b/f", "top"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "content").unwrap();
        }
        let ignore = IgnoreFile::parse(".dockerignore", ignore.as_bytes()).unwrap();
        Context::load(dir.path(), Some(ignore), &ContextOptions::default(), &Silent).unwrap()
    }

    fn empty(context: &Context) -> Vec<String> {
        let mut empty = Vec::new();
        for entry in context.entries().iter().filter(|e| e.stat.file_type == FileType::File) {
            assert_eq!(context.file(entry).unwrap().is_none(), context.open(entry).is_err());
            empty.extend(context.open(entry).is_err().then(|| entry.path.to_string()));
        }
        let told: Vec<String> =
            context.withheld().iter().map(|w| String::from_utf8_lossy(&w.path).into_owned()).collect();
        assert_eq!(told, empty);
        empty
    }

    #[test]
    fn a_file_below_a_folder_that_is_hidden_twice_is_listed_and_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(empty(&context(&dir, "*\n!*/*\n*")), ["a/deep/f", "a/z.py", "b/f"]);
        assert_eq!(empty(&context(&dir, "a\n!a/z.py\na\n")), ["a/z.py"]);
    }

    #[test]
    fn usual_ignore_files_withhold_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for ignore in ["*\n!a", "*\n!a\n**/deep", "a\n!a/deep", "**/f\n!b/f", "b", "*\n!a/**\n!top"] {
            assert_eq!(empty(&context(&dir, ignore)), [""; 0], "{ignore}");
        }
    }
}
