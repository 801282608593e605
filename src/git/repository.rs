//! [`Repository`]: the repository of a folder, and what its revisions are.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::command::{complaint, git, output, read};
use super::config::Config;
use super::known::Known;
use super::objects::Pool;
use super::{GitError, Oid};

/// A repository with a work tree.
#[derive(Debug)]
pub struct Repository {
    top: PathBuf,
    git_folder: PathBuf,
    common_folder: PathBuf,
    shallow: bool,
    /// The git folder has to be named: a submodule without a work tree.
    named: bool,
    config: OnceLock<Config>,
    pub(super) pool: Pool,
    pub(super) known: Known,
}

/// A commit of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: Oid,
    /// How many parents it has; more than one for a merge.
    pub parents: usize,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// The first line of its message, broken UTF-8 replaced.
    pub subject: String,
}

/// Which commits a log lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// At most so many, the newest.
    pub limit: usize,
    /// None that is older: a date in any form that git reads.
    pub since: Option<String>,
    /// Only the first parent of a merge is followed.
    pub first_parent: bool,
}

impl Repository {
    /// The repository that `folder` lies in. Its work tree may be a linked one.
    ///
    /// # Errors
    /// [`GitError`] when there is none, when it has no work tree, and when git refuses it.
    pub fn find(folder: &Path) -> Result<Self, GitError> {
        let asked =
            output(git(folder).args(["rev-parse", "--is-inside-work-tree", "--is-shallow-repository"]))?;
        if !asked.status.success() {
            return Err(refusal(folder, &complaint(&asked), &asked.stderr));
        }
        let flags: Vec<&[u8]> = asked.stdout.split(|b| *b == b'\n').collect();
        if flags.first() != Some(&&b"true"[..]) {
            return Err(GitError::NoWorkTree { folder: folder.to_owned() });
        }
        let path = |option: &str| {
            let mut command = git(folder);
            command.args(["rev-parse", "--path-format=absolute", option]);
            read(&mut command, "finding the git repository")
                .map(|line| PathBuf::from(OsString::from_vec(chomp(line))))
        };
        Ok(Self {
            top: path("--show-toplevel")?,
            git_folder: path("--absolute-git-dir")?,
            common_folder: path("--git-common-dir")?,
            shallow: flags.get(1) == Some(&&b"true"[..]),
            named: false,
            config: OnceLock::new(),
            pool: Pool::default(),
            known: Known::default(),
        })
    }

    /// A repository without looking for its work tree: that of a submodule, by its git folder.
    pub(super) fn of_git_folder(git_folder: PathBuf) -> Self {
        Self {
            top: git_folder.clone(),
            common_folder: git_folder.clone(),
            git_folder,
            shallow: false,
            named: true,
            config: OnceLock::new(),
            pool: Pool::default(),
            known: Known::default(),
        }
    }

    /// The top of the work tree, as an absolute path.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The folder with the objects that all work trees share.
    pub fn common_folder(&self) -> &Path {
        &self.common_folder
    }

    /// Whether history is cut off.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Where a folder lies below the top: empty for the top itself, `None` outside of it. Links on the way are followed; the
    /// last components need not exist.
    pub fn below(&self, path: &Path) -> Option<Vec<u8>> {
        let absolute = std::path::absolute(path).ok()?;
        let absolute = crate::gopath::clean(absolute.as_os_str().as_bytes());
        let absolute = Path::new(OsStr::from_bytes(&absolute));
        // `..` behind a link leads elsewhere than its text says; only the part that exists can have links.
        let resolved = match path.canonicalize() {
            Ok(resolved) => resolved,
            Err(_) => absolute.ancestors().find_map(|a| {
                let rest = absolute.strip_prefix(a).ok()?;
                a.canonicalize().ok().map(|a| a.join(rest))
            })?,
        };
        let top = self.top.canonicalize().ok()?;
        resolved.strip_prefix(top).ok().map(|rest| rest.as_os_str().as_bytes().to_vec())
    }

    /// A git command in this repository.
    pub(super) fn git(&self) -> Command {
        let mut command = git(&self.top);
        if self.named {
            // Its configuration may name a work tree that isn't there.
            command.arg("--git-dir").arg(&self.git_folder).arg("--work-tree").arg(&self.git_folder);
        }
        command
    }

    /// True for one whose work tree is unknown.
    pub(super) fn is_bare(&self) -> bool {
        self.named
    }

    /// The configuration in force.
    pub(super) fn config(&self) -> Result<&Config, GitError> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let listed = read(self.git().args(["config", "--list", "-z"]), "reading git's configuration")?;
        Ok(self.config.get_or_init(|| Config::parse(&listed)))
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// [`GitError::UnknownRevision`], [`GitError::NoCommits`].
    pub fn resolve(&self, revision: &str) -> Result<Oid, GitError> {
        if let Some(commit) = self.commit_of(revision)? {
            return Ok(commit);
        }
        if self.commit_of("HEAD")?.is_none() {
            let any = read(self.git().args(["rev-list", "--all", "-n", "1"]), "looking for commits")?;
            if any.is_empty() {
                return Err(GitError::NoCommits { folder: self.top.clone() });
            }
        }
        let remote = format!("origin/{revision}");
        let similar = self.commit_of(&remote)?.map(|_| remote);
        Err(GitError::UnknownRevision { revision: revision.to_owned(), shallow: self.shallow, similar })
    }

    fn commit_of(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        // An option is no revision, and no ref may begin with a dash.
        if revision.is_empty() || revision.starts_with('-') || revision.contains(['\0', '\n']) {
            return Ok(None);
        }
        let commit = format!("{revision}^{{commit}}");
        let asked =
            output(self.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]))?;
        let named = asked.stdout.strip_suffix(b"\n").and_then(Oid::parse);
        Ok(named.filter(|_| asked.status.success()))
    }

    /// True when the object is there.
    pub(super) fn has(&self, object: Oid) -> Result<bool, GitError> {
        Ok(output(self.git().args(["cat-file", "-e", &object.to_string()]))?.status.success())
    }

    /// The commits that lead to `tip`, oldest first.
    ///
    /// # Errors
    /// [`GitError`] when git can't read them, or not the date.
    pub fn log(&self, tip: Oid, options: &LogOptions) -> Result<Vec<Commit>, GitError> {
        let mut command = self.git();
        command.args(["log", "-z", "--no-show-signature", "--topo-order", "--format=%H%x1f%P%x1f%ct%x1f%s"]);
        command.arg(format!("--max-count={}", options.limit));
        if let Some(since) = &options.since {
            command.arg(format!("--since={since}"));
        }
        if options.first_parent {
            command.arg("--first-parent");
        }
        command.args(["--end-of-options", &tip.to_string(), "--"]);
        let listed = read(&mut command, "reading git's log")?;
        let records = listed.split(|b| *b == 0).filter(|r| !r.is_empty());
        let mut commits: Vec<Commit> = records
            .map(|r| {
                commit(r).ok_or_else(|| GitError::failed("reading git's log", "a line is not understood"))
            })
            .collect::<Result<_, _>>()?;
        commits.reverse();
        Ok(commits)
    }
}

fn commit(record: &[u8]) -> Option<Commit> {
    let mut fields = record.splitn(4, |b| *b == 0x1f);
    let id = Oid::parse(fields.next()?.trim_ascii_start())?;
    let parents = fields.next()?.split(|b| *b == b' ').filter(|p| !p.is_empty()).count();
    let time = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let subject = String::from_utf8_lossy(fields.next()?).into_owned();
    Some(Commit { id, parents, time, subject })
}

fn chomp(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    line
}

/// Why git doesn't take a folder.
fn refusal(folder: &Path, why: &str, stderr: &[u8]) -> GitError {
    let folder = folder.to_owned();
    let text = String::from_utf8_lossy(stderr);
    if why.contains("dubious ownership") {
        let asked =
            text.lines().map(str::trim).find(|l| l.starts_with("git config --global --add safe.directory"));
        let hint = asked.unwrap_or("git config --global --add safe.directory <folder>");
        return GitError::Refused { folder, hint: format!("if you trust it: `{hint}`") };
    }
    if why.contains("not a git repository") {
        return GitError::NotARepository { folder };
    }
    GitError::failed("finding the git repository", why)
}
