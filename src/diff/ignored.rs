//! Files that come into view or go out of it because the ignore rules changed.

use super::{Cause, CauseKind};
use crate::pattern::IgnoreFile;
use crate::snapshot::{IgnoreRules, Snapshot};

/// The ignore rules of one local source, before and now.
pub(super) struct Rules {
    source: String,
    before: Option<IgnoreFile>,
    now: Option<IgnoreFile>,
}

/// A line of an ignore file.
struct Line {
    number: usize,
    pattern: String,
    hides: bool,
}

impl Rules {
    /// Of a local source; `None` when they did not change, or can't be read (then the build fails, and for that reason).
    pub fn of(source: &str, before: &Snapshot, now: &Snapshot) -> Option<Self> {
        let bytes =
            |s: &Snapshot| s.ignore_files.get(source).filter(|r| r.name.is_some()).map(|r| r.bytes.clone());
        if bytes(before).unwrap_or_default() == bytes(now).unwrap_or_default() {
            return None;
        }
        let parse = |s: &Snapshot| s.ignore_files.get(source).and_then(parse);
        Some(Self { source: source.to_owned(), before: parse(before), now: parse(now) })
    }

    /// Why `path` came into view: the old rules would have hidden it.
    pub fn let_in(&self, path: &[u8]) -> Option<Cause> {
        let old = line(self.before.as_ref(), path).filter(|l| l.hides)?;
        // A new `!` line is what people look for; otherwise a line is gone.
        let new = line(self.now.as_ref(), path).filter(|l| !l.hides);
        let decides = new.as_ref().unwrap_or(&old);
        Some(Cause {
            line: Some(decides.number),
            detail: Some(decides.pattern.clone()),
            after: new.as_ref().map(|l| l.pattern.clone()),
            before: Some(old.pattern.clone()),
            ..self.cause(path)
        })
    }

    /// Why `path` went out of view: the new rules hide it.
    pub fn kept_out(&self, path: &[u8]) -> Option<Cause> {
        let new = line(self.now.as_ref(), path).filter(|l| l.hides)?;
        let old = line(self.before.as_ref(), path).map(|l| l.pattern);
        Some(Cause {
            line: Some(new.number),
            detail: Some(new.pattern.clone()),
            before: old,
            after: Some(new.pattern),
            ..self.cause(path)
        })
    }

    fn cause(&self, path: &[u8]) -> Cause {
        Cause { source: self.source.clone(), path: Some(path.to_vec()), ..Cause::new(CauseKind::Ignore) }
    }
}

/// Reads an ignore file as it was.
pub(super) fn parse(rules: &IgnoreRules) -> Option<IgnoreFile> {
    IgnoreFile::parse(rules.name.clone()?, &rules.bytes).ok()
}

/// The line that decides over a path on a walk from the top.
///
/// A walk does not enter a hidden folder that no `!` pattern reaches into (`fsutil/filter.go`). Going down to the path pattern
/// by pattern gives the same: a pattern without special characters that matches below such a folder reaches into it, and with
/// one that has some, every folder is entered.
fn line(rules: Option<&IgnoreFile>, path: &[u8]) -> Option<Line> {
    let rules = rules?;
    let decision = rules.explain(path).ok()?.decision;
    let pattern = rules.pattern(decision.by?)?;
    Some(Line { number: pattern.line, pattern: pattern.text.trim().to_owned(), hides: decision.matched })
}
