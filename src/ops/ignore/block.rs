//! The lines that this program owns in an ignore file: between two comments, so that everything else stays as people wrote it.

use std::ops::Range;

/// Whose lines they are. Each has a block of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Proposals.
    Proposed,
    /// What the `.gitignore` files say.
    Gitignore,
}

impl Owner {
    fn begin(self) -> &'static str {
        match self {
            Self::Proposed => "# >>> stowaway ignore",
            Self::Gitignore => "# >>> stowaway ignore --from-gitignore",
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Proposed => "# <<< stowaway ignore",
            Self::Gitignore => "# <<< stowaway ignore --from-gitignore",
        }
    }
}

/// A block in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its bytes, both comments and the last one's line end among them.
    place: Range<usize>,
    /// What stands between the comments.
    pub lines: Vec<String>,
}

impl Block {
    /// The block of an owner. One that was begun and not ended, or ended twice, is nobody's: whoever changed it owns it.
    pub fn find(bytes: &[u8], owner: Owner) -> Option<Self> {
        let mut start = None;
        let mut found = None;
        let mut at = 0;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let text = String::from_utf8_lossy(line);
            let text = text.trim_end_matches(['\n', '\r']);
            if text == owner.begin() {
                if start.is_some() || found.is_some() {
                    return None;
                }
                start = Some((at, Vec::new()));
            } else if text == owner.end() {
                let (from, lines) = start.take()?;
                found = Some(Self { place: from..at + line.len(), lines });
            } else if let Some((_, lines)) = &mut start {
                lines.push(text.to_owned());
            }
            at += line.len();
        }
        found.filter(|_| start.is_none())
    }
}

/// The file with `lines` as the owner's block: in place of the one that is there, else at the end. Without lines the block goes
/// away. All other bytes stay; line ends are those of the file, and a file that ended without one still does.
pub fn with(bytes: &[u8], owner: Owner, lines: &[String]) -> Vec<u8> {
    let end = if uses_crlf(bytes) { "\r\n" } else { "\n" };
    let mut text = String::new();
    if !lines.is_empty() {
        let comments = [owner.begin(), owner.end()];
        let all = comments[..1].iter().copied().chain(lines.iter().map(String::as_str)).chain([comments[1]]);
        all.for_each(|line| text.extend([line, end]));
    }
    let place = Block::find(bytes, owner).map_or(bytes.len()..bytes.len(), |b| b.place);
    let (before, after) = (&bytes[..place.start], &bytes[place.end..]);
    let mut out = before.to_vec();
    let open = !bytes.is_empty() && !bytes.ends_with(b"\n");
    if !text.is_empty() && !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(end.as_bytes());
    }
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(after);
    if open && after.is_empty() {
        let kept = out.len() - usize::from(out.ends_with(b"\n"));
        out.truncate(kept - usize::from(out[..kept].ends_with(b"\r")));
    }
    out
}

/// The number of the block's first line between the comments, counted from 1; 0 without a block.
pub fn first_line(bytes: &[u8], owner: Owner) -> usize {
    let Some(block) = Block::find(bytes, owner) else { return 0 };
    bytes[..block.place.start].iter().filter(|b| **b == b'\n').count() + 2
}

/// The lines of a text that are no comments and not blank.
pub fn patterns(lines: &[String]) -> Vec<String> {
    lines.iter().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).cloned().collect()
}

fn uses_crlf(bytes: &[u8]) -> bool {
    bytes.iter().position(|b| *b == b'\n').is_some_and(|at| bytes[..at].ends_with(b"\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str, lines: &[&str]) -> String {
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        String::from_utf8(with(text.as_bytes(), Owner::Proposed, &lines)).unwrap()
    }

    #[test]
    fn the_block_goes_to_the_end_and_is_found_again() {
        let once = put("*.log\n", &["docs"]);
        assert_eq!(once, "*.log\n# >>> stowaway ignore\ndocs\n# <<< stowaway ignore\n");
        assert_eq!(Block::find(once.as_bytes(), Owner::Proposed).unwrap().lines, ["docs"]);
        assert_eq!(Block::find(once.as_bytes(), Owner::Gitignore), None);
        assert_eq!(put(&once, &["docs"]), once);
        assert_eq!(put(&once, &[]), "*.log\n");
    }

    #[test]
    fn what_people_wrote_around_it_stays() {
        let once = put("*.log\n", &["docs"]) + "!docs/keep\n";
        let twice = put(&once, &["docs", "tests"]);
        assert_eq!(twice, "*.log\n# >>> stowaway ignore\ndocs\ntests\n# <<< stowaway ignore\n!docs/keep\n");
    }

    #[test]
    fn line_ends_and_a_missing_last_one_are_kept() {
        assert_eq!(
            put("a\r\nb\r\n", &["c"]),
            "a\r\nb\r\n# >>> stowaway ignore\r\nc\r\n# <<< stowaway ignore\r\n"
        );
        let open = put("a\r\nb", &["c"]);
        assert_eq!(open, "a\r\nb\r\n# >>> stowaway ignore\r\nc\r\n# <<< stowaway ignore");
        assert_eq!(put(&open, &["c"]), open);
        assert_eq!(put("", &["c"]), "# >>> stowaway ignore\nc\n# <<< stowaway ignore\n");
    }

    #[test]
    fn a_block_that_somebody_opened_is_left_alone() {
        let broken = "# >>> stowaway ignore\nmine\n";
        assert_eq!(Block::find(broken.as_bytes(), Owner::Proposed), None);
        assert!(put(broken, &["x"]).starts_with(broken));
    }
}
