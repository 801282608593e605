//! What a client tells an engine of the repository that a context is in: the commit, where it was cloned from, the top of the work tree
//! (buildx `build/git.go` and `util/gitutil`).

use std::path::{Path, PathBuf};
use std::process::Output;

use super::GitError;
use super::command::{complaint, git, output};

/// A work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree {
    /// Its top, as git names it.
    pub root: PathBuf,
    /// The commit that is checked out; `None` before the first one. It ends in `-dirty` when that was asked for and the work tree has
    /// anything that isn't committed, ignored files among it.
    pub commit: Option<String>,
    /// The URL of the branch's remote, of `origin` or of `upstream`, without credentials.
    pub remote: Option<String>,
}

impl WorkTree {
    /// The work tree that `folder` is in; `None` where there is none, and no `.git` in `folder` that promises one.
    ///
    /// # Errors
    /// [`GitError`] where there should be one and git doesn't tell.
    pub fn of(folder: &Path, dirty: bool) -> Result<Option<Self>, GitError> {
        let ask = |args: &[&str]| -> Result<Result<String, String>, GitError> {
            // Signatures are shown between what is asked for where the configuration says so.
            let mut command = git(folder);
            Ok(answer(&output(command.args(["-c", "log.showSignature=false"]).args(args))?))
        };
        let promised = || folder.join(".git").is_dir();
        match ask(&["rev-parse", "--is-inside-work-tree"]) {
            Ok(Ok(yes)) if yes == "true" => {}
            Ok(answer) if promised() => {
                let why = answer.err().unwrap_or_else(|| "it says that this is no work tree".into());
                return Err(GitError::failed("asking for the work tree", why));
            }
            Err(e) if promised() => return Err(e),
            _ => return Ok(None),
        }
        let root = ask(&["rev-parse", "--show-toplevel"])?;
        let root = root.map_err(|why| GitError::failed("asking for the top of the work tree", why))?;
        let mut commit = match ask(&["show", "--format=%H", "HEAD", "--quiet", "--"])? {
            Ok(commit) => Some(commit).filter(|c| !c.is_empty()),
            Err(why) if is_unborn(&why) => None,
            Err(why) => return Err(GitError::failed("asking for the commit", why)),
        };
        if let Some(commit) = commit.as_mut().filter(|_| dirty) {
            // What git can't tell is taken for dirty.
            let status = ask(&["status", "--porcelain", "--ignored"])?;
            if status.map_or(true, |first| !first.trim().is_empty()) {
                commit.push_str("-dirty");
            }
        }
        let branch = ask(&["symbolic-ref", "-q", "HEAD"])?.unwrap_or_default();
        let tracked = match branch.as_str() {
            "" => None,
            branch => ask(&["for-each-ref", "--format=%(upstream:remotename)", branch])?.ok(),
        };
        let mut remote = None;
        for name in tracked.iter().map(String::as_str).filter(|n| !n.is_empty()).chain(["origin", "upstream"])
        {
            remote = ask(&["remote", "get-url", name])?.ok().filter(|url| !url.is_empty());
            if remote.is_some() {
                break;
            }
        }
        Ok(Some(Self { root: root.into(), commit, remote: remote.map(|url| without_credentials(&url)) }))
    }
}

/// The first line of what git printed, without quotes; or what it complained of.
fn answer(output: &Output) -> Result<String, String> {
    if !output.status.success() {
        return Err(complaint(output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split('\n').next().unwrap_or_default().replace('\'', ""))
}

/// What git says of a repository without a commit (`IsUnknownRevision`).
fn is_unborn(complaint: &str) -> bool {
    let complaint = complaint.to_lowercase();
    complaint.contains("unknown revision or path not in the working tree")
        || complaint.contains("bad revision")
}

/// A URL without name and password; anything else, such as `git@host:path`, as it is.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}{path}", scheme.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, args: &[&str]) {
        let mut command = git(folder);
        command.args(["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]).args(args);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn a_folder_without_a_repository_has_no_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(WorkTree::of(folder.path(), true).unwrap(), None);
        assert_eq!(WorkTree::of(&folder.path().join("-"), true).unwrap(), None);
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        assert!(WorkTree::of(folder.path(), true).is_err(), "one is promised");
    }

    #[test]
    fn commit_remote_and_top_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        run(&top, &["init", "-q", "-b", "main"]);
        let tree = |dirty| WorkTree::of(&top, dirty).unwrap().unwrap();
        assert_eq!(tree(true), WorkTree { root: top.clone(), commit: None, remote: None });
        std::fs::create_dir(top.join("sub")).unwrap();
        std::fs::write(top.join("sub/a"), "a").unwrap();
        run(&top, &["add", "."]);
        run(&top, &["commit", "-q", "-m", "one"]);
        let commit = tree(true).commit.unwrap();
        assert_eq!((commit.len(), commit.ends_with("-dirty")), (40, false));
        run(&top, &["remote", "add", "upstream", "git@host:up.git"]);
        assert_eq!(tree(false).remote.as_deref(), Some("git@host:up.git"));
        run(&top, &["remote", "add", "origin", "https://user:hunter2@host.tld/path.git"]);
        assert_eq!(tree(false).remote.as_deref(), Some("https://host.tld/path.git"));
        run(&top, &["remote", "add", "mine", "ssh://me@host/mine"]);
        run(&top, &["config", "branch.main.remote", "mine"]);
        run(&top, &["config", "branch.main.merge", "refs/heads/main"]);
        assert_eq!(tree(false).remote.as_deref(), Some("ssh://host/mine"));
        assert_eq!(WorkTree::of(&top.join("sub"), false).unwrap().unwrap().root, top);
        std::fs::write(top.join("new"), "b").unwrap();
        assert_eq!(tree(false).commit.unwrap(), commit);
        assert_eq!(tree(true).commit.unwrap(), format!("{commit}-dirty"));
    }

    #[test]
    fn credentials_stay_here() {
        for (url, want) in [
            ("https://a:b@h/p", "https://h/p"),
            ("HTTPS://token@h:8/p?x=a@b#c@d", "https://h:8/p?x=a@b#c@d"),
            ("https://h", "https://h"),
            ("git@h:p", "git@h:p"),
            ("/local/path", "/local/path"),
        ] {
            assert_eq!(without_credentials(url), want);
        }
    }
}
