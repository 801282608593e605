//! What a commit holds, and what differs between two.

use super::command::{read, read_with};
use super::{GitError, Oid, Repository};

/// A leaf of a tree: a file, a link or a submodule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// What it is.
    pub kind: LeafKind,
    /// The blob, or the submodule's commit.
    pub object: Oid,
}

/// The kinds of [`Leaf`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeafKind {
    /// A regular file.
    File,
    /// One that may be executed.
    Executable,
    /// A symbolic link.
    Link,
    /// A submodule.
    Submodule,
}

impl LeafKind {
    /// git's modes: 100644 (long ago also 100664), 100755, 120000, 160000.
    pub(super) fn of_mode(mode: &[u8]) -> Option<Self> {
        let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
        match mode & 0o170_000 {
            0o100_000 if mode & 0o100 != 0 => Some(Self::Executable),
            0o100_000 => Some(Self::File),
            0o120_000 => Some(Self::Link),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// One path that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path below the top of the work tree.
    pub path: Vec<u8>,
    /// What is there now; `None` when it is gone.
    pub now: Option<Leaf>,
}

impl Repository {
    /// All leaves of a commit with their paths, in git's order.
    ///
    /// # Errors
    /// [`GitError`] when the tree can't be read.
    pub fn tree(&self, commit: Oid) -> Result<Vec<(Vec<u8>, Leaf)>, GitError> {
        let mut command = self.git();
        // `--` ends the options; without paths all is listed, from the top.
        command.args(["ls-tree", "-r", "-z", "--full-tree", &commit.to_string(), "--"]);
        let doing = "listing a revision";
        let listed = read(&mut command, doing)?;
        let records = listed.split(|b| *b == 0).filter(|r| !r.is_empty());
        records.map(|r| tree_line(r).ok_or_else(|| not_understood(doing, r))).collect()
    }

    /// What differs between each commit and the one before it in the list: one list of changes for every commit but the
    /// first.
    ///
    /// # Errors
    /// [`GitError`] when a tree can't be read.
    pub fn changes(&self, commits: &[Oid]) -> Result<Vec<Vec<Change>>, GitError> {
        if commits.len() < 2 {
            return Ok(Vec::new());
        }
        // Only object names are understood on standard input.
        let names = self.trees(commits)?;
        let pairs: Vec<u8> =
            names.windows(2).flat_map(|w| format!("{} {}\n", w[0], w[1]).into_bytes()).collect();
        let mut command = self.git();
        command.args(["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"]);
        let doing = "comparing revisions";
        let listed = read_with(&mut command, &pairs, doing)?;
        let lists =
            parse_changes(&listed).ok_or_else(|| GitError::failed(doing, "a line is not understood"))?;
        let changes =
            spread(lists, &names).ok_or_else(|| GitError::failed(doing, "git left out a commit"))?;
        // Whoever goes from commit to commit needs the sizes, and asking once is cheaper than asking at each.
        let leaves = changes.iter().flatten().filter_map(|c| c.now);
        self.know_sizes(leaves.filter(|l| l.kind != LeafKind::Submodule).map(|l| l.object))?;
        Ok(changes)
    }

    /// The trees of commits.
    fn trees(&self, commits: &[Oid]) -> Result<Vec<Oid>, GitError> {
        let question: String = commits.iter().map(|c| format!("{c}^{{tree}}\n")).collect();
        let mut command = self.git();
        command.args(["cat-file", "--batch-check=%(objectname)", "--buffer"]);
        let answer = read_with(&mut command, question.as_bytes(), "reading commits")?;
        let lines = answer.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        let trees: Option<Vec<Oid>> = lines.map(Oid::parse).collect();
        trees
            .filter(|t| t.len() == commits.len())
            .ok_or_else(|| GitError::failed("reading commits", "a tree is missing"))
    }
}

fn not_understood(doing: &str, record: &[u8]) -> GitError {
    GitError::failed(doing, format!("{:?} is not understood", String::from_utf8_lossy(record)))
}

/// `100644 blob OID TAB path`
fn tree_line(record: &[u8]) -> Option<(Vec<u8>, Leaf)> {
    let tab = record.iter().position(|b| *b == b'\t')?;
    let mut words = record[..tab].split(|b| *b == b' ');
    let kind = LeafKind::of_mode(words.next()?)?;
    let object = Oid::parse(words.nth(1)?)?;
    Some((record[tab + 1..].to_vec(), Leaf { kind, object }))
}

/// A pair of trees and what differs.
type Pair = ((Oid, Oid), Vec<Change>);

/// `TREE TREE LF`, then `:OLDMODE NEWMODE OLDOID NEWOID STATUS NUL path NUL` for each change. A pair without changes may be
/// left out.
fn parse_changes(listed: &[u8]) -> Option<Vec<Pair>> {
    let mut rest = listed;
    let mut out: Vec<Pair> = Vec::new();
    while let Some(first) = rest.first() {
        if *first != b':' {
            let end = rest.iter().position(|b| matches!(b, b'\n' | 0))?;
            let mut words = rest[..end].split(|b| *b == b' ');
            out.push(((Oid::parse(words.next()?)?, Oid::parse(words.next()?)?), Vec::new()));
            rest = &rest[end + 1..];
            continue;
        }
        let end = rest.iter().position(|b| *b == 0)?;
        let path_end = end + 1 + rest[end + 1..].iter().position(|b| *b == 0)?;
        let words: Vec<&[u8]> = rest[1..end].split(|b| *b == b' ').collect();
        let now = match words.get(4)?.first()? {
            b'D' => None,
            _ => Some(Leaf { kind: LeafKind::of_mode(words[1])?, object: Oid::parse(words[3])? }),
        };
        out.last_mut()?.1.push(Change { path: rest[end + 1..path_end].to_vec(), now });
        rest = &rest[path_end + 1..];
    }
    Some(out)
}

/// One list for each neighbouring pair of `trees`.
fn spread(lists: Vec<Pair>, trees: &[Oid]) -> Option<Vec<Vec<Change>>> {
    let mut lists = lists.into_iter().peekable();
    let mut out = Vec::with_capacity(trees.len().saturating_sub(1));
    for pair in trees.windows(2) {
        let is_it = |l: &Pair| l.0 == (pair[0], pair[1]);
        match lists.next_if(is_it) {
            Some((_, changes)) => out.push(changes),
            None if pair[0] == pair[1] => out.push(Vec::new()),
            None => return None,
        }
    }
    lists.next().is_none().then_some(out)
}
