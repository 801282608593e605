//! The room as a whole, on repositories made by git itself. A checkout by git judges what a revision lists.

use sha2::Digest as _;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::entry::{FileType, Source as _};

/// A repository in a temporary folder.
struct Repo {
    dir: tempfile::TempDir,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { dir: tempfile::tempdir().unwrap() };
        repo.git(&["init", "-q", "-b", "main", "."]);
        for (key, value) in
            [("core.autocrlf", "false"), ("commit.gpgsign", "false"), ("core.hooksPath", "/dev/null")]
        {
            repo.git(&["config", key, value]);
        }
        repo
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn git(&self, args: &[&str]) -> String {
        run(self.path(), args)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
        self
    }

    fn commit(&self, message: &str) -> Oid {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        Oid::parse(self.git(&["rev-parse", "HEAD"]).trim().as_bytes()).unwrap()
    }

    fn open(&self) -> Arc<Repository> {
        Arc::new(Repository::find(self.path()).unwrap())
    }

    fn revision(&self, commit: Oid, permissions: Permissions) -> Revision {
        Revision::read(&self.open(), commit, permissions).unwrap()
    }
}

fn run(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|k| (k, "Ada")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|k| (k, "ada@example.org")))
        .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|k| (k, "2026-01-02T03:04:05Z")))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Path, type, mode and content (or target) of everything.
fn listed(listing: &Listing) -> BTreeMap<String, (FileType, u16, Vec<u8>)> {
    let content = |entry: &crate::entry::Entry| {
        let mut bytes = Vec::new();
        listing.open(entry).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let one = |e: &crate::entry::Entry| {
        let bytes =
            if e.stat.file_type == FileType::Symlink { e.stat.linkname().to_vec() } else { content(e) };
        assert!(e.stat.is_dir() || e.stat.size == bytes.len() as u64, "{}", e.path);
        (e.path.to_string(), (e.stat.file_type, e.stat.mode, bytes))
    };
    listing.entries.iter().map(one).collect()
}

/// The same of a folder on disk, without `.git`.
fn on_disk(root: &Path) -> BTreeMap<String, (FileType, u16, Vec<u8>)> {
    fn walk(root: &Path, at: &Path, out: &mut BTreeMap<String, (FileType, u16, Vec<u8>)>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let meta = fs::symlink_metadata(&path).unwrap();
            let mode = (meta.permissions().mode() & 0o7777) as u16;
            if path.file_name().unwrap() == ".git" {
                continue;
            }
            if meta.is_dir() {
                out.insert(name, (FileType::Dir, mode, Vec::new()));
                walk(root, &path, out);
            } else if meta.is_symlink() {
                let target = fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
                out.insert(name, (FileType::Symlink, mode, target));
            } else {
                out.insert(name, (FileType::File, mode, fs::read(&path).unwrap()));
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(root, root, &mut out);
    out
}

fn umask_here() -> u16 {
    let probe = tempfile::tempdir().unwrap();
    fs::write(probe.path().join("f"), "").unwrap();
    let mode = fs::metadata(probe.path().join("f")).unwrap().permissions().mode();
    (!mode & 0o666) as u16 | if mode & 0o006 == 0 { 1 } else { 0 }
}

#[test]
fn a_revision_lists_what_a_new_clone_has() {
    let repo = Repo::new();
    repo.write("a.txt", "alpha\n")
        .write("src/deep/er/b", "")
        .write("run.sh", "#!/bin/sh\n")
        .write("src-x", "x");
    fs::set_permissions(repo.at("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../a.txt", repo.at("src/link")).unwrap();
    repo.write("new\nline", "n").write("tab\tand \"quote\"", "q");
    let commit = repo.commit("one");
    let clone = tempfile::tempdir().unwrap();
    run(clone.path(), &["clone", "-q", &repo.path().to_string_lossy(), "c"]);
    let revision = repo.revision(commit, Permissions::of_clone(umask_here()));
    assert_eq!(listed(&revision.below(b"").unwrap()), on_disk(&clone.path().join("c")));
    assert_eq!(listed(&revision.below(b"src").unwrap()), on_disk(&clone.path().join("c/src")));
    assert!(revision.below(b"nope").is_none() && revision.below(b"a.txt").is_none());
}

#[test]
fn names_that_are_not_utf8_are_kept() {
    use std::os::unix::ffi::OsStrExt as _;
    let repo = Repo::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.txt");
    fs::write(repo.path().join(name), "x").unwrap();
    let commit = repo.commit("odd");
    let listing = repo.revision(commit, Permissions::HERE).below(b"").unwrap();
    assert_eq!(listing.entries[0].path.as_bytes(), b"\xff\xfe.txt");
}

#[test]
fn filters_give_what_a_checkout_writes() {
    let repo = Repo::new();
    repo.write(
        ".gitattributes",
        "*.bat text eol=crlf\n*.id ident\n*.u16 text working-tree-encoding=UTF-16LE\n*.up filter=up\n",
    );
    repo.write("a.bat", "one\r\ntwo\r\n").write("v.id", "$Id$\n").write("plain", "one\r\ntwo\n");
    repo.write("w.u16", [b'h', 0, b'i', 0, b'\n', 0])
        .write("s.up", "shout\n")
        .write("dir/.gitattributes", "*.bat -text\n");
    repo.write("dir/b.bat", "one\ntwo\n").write("empty.bat", "");
    repo.git(&["config", "filter.up.smudge", "tr a-z A-Z"]);
    repo.git(&["config", "filter.up.clean", "tr A-Z a-z"]);
    let commit = repo.commit("one");
    // The attributes of the revision count, not those of the work tree.
    repo.write(".gitattributes", "");
    let other = tempfile::tempdir().unwrap();
    let there = other.path().join("w");
    repo.git(&["worktree", "add", "-q", "--detach", &there.to_string_lossy(), &commit.to_string()]);
    let revision = repo.revision(commit, Permissions::of_clone(umask_here()));
    let found = listed(&revision.below(b"").unwrap());
    assert_eq!(found, on_disk(&there));
    assert_eq!(found["s.up"].2, b"SHOUT\n");
    assert_eq!(found["a.bat"].2, b"one\r\ntwo\r\n");
    assert!(found["v.id"].2.starts_with(b"$Id: "));
    assert_eq!(found["dir/b.bat"].2, b"one\ntwo\n");
}

#[test]
fn a_filter_that_fails_makes_the_content_unknown() {
    let repo = Repo::new();
    repo.write(".gitattributes", "*.x filter=bad\n").write("a.x", "abc").write("b.x", "abcd").write("c", "c");
    repo.git(&["config", "filter.bad.smudge", "exit 3"]);
    repo.git(&["config", "filter.bad.required", "true"]);
    repo.git(&["config", "filter.bad.clean", "cat"]);
    let commit = repo.commit("one");
    let revision = repo.revision(commit, Permissions::HERE);
    let codes: Vec<_> = revision.warnings().iter().map(|w| (w.code.as_str(), w.path.clone())).collect();
    assert_eq!(codes, [("filter-failed", b"a.x".to_vec()), ("filter-failed", b"b.x".to_vec())]);
    let listing = revision.below(b"").unwrap();
    let at = listing.position(b"a.x").unwrap();
    assert!(matches!(listing.content_name(at), Some(ContentName::Unknown(_))));
    assert!(listing.open(&listing.entries[at]).unwrap().read(&mut [0; 8]).is_err());
    assert_eq!(listed_one(&listing, "c"), b"c");
}

fn listed_one(listing: &Listing, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let entry = &listing.entries[listing.position(path.as_bytes()).unwrap()];
    listing.open(entry).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_pointer_stands_for_its_content_where_that_is_here() {
    let sha = |text: &str| -> String {
        sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let pointer = |text: &str| {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", sha(text), text.len())
    };
    let repo = Repo::new();
    repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
        .write("not.bin", "no pointer");
    for name in ["store", "here", "gone", "same"] {
        repo.write(&format!("{name}.bin"), pointer(&format!("content of {name}")));
    }
    let commit = repo.commit("one");
    let stored = sha("content of store");
    repo.write(&format!(".git/lfs/objects/{}/{}/{stored}", &stored[..2], &stored[2..4]), "content of store");
    repo.write("here.bin", "content of here").write("store.bin", "other").write("gone.bin", "other");
    let revision = repo.revision(commit, Permissions::HERE);
    let listing = revision.below(b"").unwrap();
    assert_eq!(listed_one(&listing, "store.bin"), b"content of store");
    assert_eq!(listed_one(&listing, "here.bin"), b"content of here");
    assert_eq!(listed_one(&listing, "not.bin"), b"no pointer");
    assert_eq!(listed_one(&listing, "same.bin"), pointer("content of same").as_bytes());
    let gone = listing.position(b"gone.bin").unwrap();
    assert_eq!(listing.content_name(gone), Some(ContentName::Unknown(sha("content of gone").into())));
    assert_eq!(listing.entries[gone].stat.size, 15);
    assert_eq!(revision.warnings().len(), 1);
    assert_eq!(revision.warnings()[0].code, RevisionWarningCode::LfsMissing);
}

#[test]
fn submodules_are_read_where_their_commit_is() {
    let inner = Repo::new();
    inner.write("lib/i.c", "inner 1\n");
    inner.commit("inner 1");
    let repo = Repo::new();
    repo.write("a", "a");
    repo.git(&["submodule", "--quiet", "add", &inner.path().to_string_lossy(), "third/party"]);
    let first = repo.commit("with submodule");
    let found = listed(&repo.revision(first, Permissions::HERE).below(b"").unwrap());
    assert_eq!(found["third/party/lib/i.c"].2, b"inner 1\n");
    assert_eq!(found["third/party"].0, FileType::Dir);
    assert!(!found.contains_key("third/party/.git"));
    // In `.git/modules` alone.
    repo.git(&["submodule", "--quiet", "deinit", "-f", "third/party"]);
    let revision = repo.revision(first, Permissions::HERE);
    assert_eq!(listed_one(&revision.below(b"third").unwrap(), "party/lib/i.c"), b"inner 1\n");
    // Nowhere.
    fs::remove_dir_all(repo.at(".git/modules")).unwrap();
    let revision = repo.revision(first, Permissions::HERE);
    let found = listed(&revision.below(b"").unwrap());
    assert!(found.contains_key("third/party") && !found.contains_key("third/party/lib"));
    assert_eq!(revision.warnings()[0].code, RevisionWarningCode::SubmoduleMissing);
    assert!(revision.below(b"third/party").unwrap().entries.is_empty());
}

#[test]
fn a_file_that_is_unchanged_keeps_its_bits_and_others_get_those_of_the_umask_here() {
    let repo = Repo::new();
    repo.write("kept", "1")
        .write("changed", "1")
        .write("d/x", "1")
        .write("run", "1")
        .write("gone", "1")
        .write("z", "z");
    fs::set_permissions(repo.at("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let commit = repo.commit("one");
    for (path, mode) in
        [("kept", 0o600), ("changed", 0o600), ("d/x", 0o640), ("z", 0o640), ("d", 0o700), ("run", 0o644)]
    {
        fs::set_permissions(repo.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    repo.write("changed", "22");
    fs::remove_file(repo.at("gone")).unwrap();
    let found = listed(&repo.revision(commit, Permissions::HERE).below(b"").unwrap());
    let modes: Vec<(&str, u16)> = found.iter().map(|(path, (_, mode, _))| (path.as_str(), *mode)).collect();
    let wanted = [
        ("changed", 0o640),
        ("d", 0o700),
        ("d/x", 0o640),
        ("gone", 0o640),
        ("kept", 0o600),
        ("run", 0o750),
        ("z", 0o640),
    ];
    assert_eq!(modes, wanted);
    let clone = repo.revision(commit, Permissions::of_clone(0o077));
    assert_eq!(listed(&clone.below(b"").unwrap())["run"].1, 0o700);
    let given = repo.revision(commit, Permissions { keep: true, umask: Some(0o002) });
    assert_eq!(listed(&given.below(b"").unwrap())["gone"].1, 0o664);
}

#[test]
fn going_from_commit_to_commit_gives_what_reading_each_gives() {
    let repo = Repo::new();
    let mut commits = Vec::new();
    repo.write("a", "1").write("d/b", "1").write("d/e/c", "1");
    commits.push(repo.commit("1"));
    repo.write("a", "2");
    fs::remove_file(repo.at("d/e/c")).unwrap();
    commits.push(repo.commit("2"));
    repo.write(".gitattributes", "*.t eol=crlf\n").write("x.t", "1\n2\n");
    commits.push(repo.commit("3"));
    repo.write("x.t", "1\n2\n3\n").write("y.t", "y\n");
    fs::remove_file(repo.at("a")).unwrap();
    symlink("d", repo.at("a")).unwrap();
    commits.push(repo.commit("4"));
    commits.push(repo.commit("5, empty"));
    let opened = repo.open();
    let permissions = Permissions::of_clone(0o022);
    let changes = opened.changes(&commits).unwrap();
    assert_eq!(changes.len(), 4);
    assert!(changes[3].is_empty());
    let mut now = Revision::read(&opened, commits[0], permissions).unwrap();
    for (commit, changes) in commits[1..].iter().zip(&changes) {
        now.advance(*commit, changes).unwrap();
        let read = Revision::read(&opened, *commit, permissions).unwrap();
        assert_eq!(listed(&now.below(b"").unwrap()), listed(&read.below(b"").unwrap()));
    }
}

#[test]
fn revisions_are_resolved_and_never_taken_for_options() {
    let repo = Repo::new();
    repo.write("a", "1");
    let commit = repo.commit("one");
    repo.git(&["tag", "-a", "v1", "-m", "v1"]);
    let opened = repo.open();
    for name in ["HEAD", "main", "v1", "refs/heads/main", "HEAD~0", &commit.to_string()] {
        assert_eq!(opened.resolve(name).unwrap(), commit, "{name}");
    }
    let touched = repo.at("touched");
    let output = format!("--output={}", touched.display());
    for name in [
        "",
        "nope",
        "-n",
        "--all",
        "--help",
        &output,
        "HEAD:a",
        "HEAD..HEAD",
        "HEAD\n",
        "a b",
        &"0".repeat(40),
    ] {
        let error = opened.resolve(name).unwrap_err();
        assert!(matches!(&error, GitError::UnknownRevision { revision, .. } if revision == name), "{error}");
        assert!(error.hint().is_some());
    }
    assert!(!touched.exists());
}

#[test]
fn a_branch_of_the_remote_is_proposed() {
    let repo = Repo::new();
    repo.write("a", "1");
    let commit = repo.commit("one");
    repo.git(&["update-ref", "refs/remotes/origin/develop", &commit.to_string()]);
    let error = repo.open().resolve("develop").unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean origin/develop?");
}

#[test]
fn a_shallow_clone_says_so() {
    let repo = Repo::new();
    let old = repo.commit("old");
    repo.commit("new");
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["clone", "-q", "--depth", "1", &format!("file://{}", repo.path().display()), "c"]);
    let shallow = Repository::find(&dir.path().join("c")).unwrap();
    let error = shallow.resolve(&old.to_string()).unwrap_err();
    assert!(error.to_string().contains("shallow clone"), "{error}");
    assert!(error.hint().unwrap().contains("fetch-depth: 0"));
    let head = shallow.resolve("HEAD").unwrap();
    let options = LogOptions { limit: 100, since: None, first_parent: true };
    assert_eq!(shallow.log(head, &options).unwrap().len(), 1);
}

#[test]
fn what_is_no_work_tree_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::find(dir.path()), Err(GitError::NotARepository { .. })));
    run(dir.path(), &["init", "-q", "--bare", "b.git"]);
    assert!(matches!(Repository::find(&dir.path().join("b.git")), Err(GitError::NoWorkTree { .. })));
    let repo = Repo::new();
    assert!(matches!(Repository::find(&repo.at(".git")), Err(GitError::NoWorkTree { .. })));
    assert!(matches!(repo.open().resolve("HEAD"), Err(GitError::NoCommits { .. })));
}

#[test]
fn linked_work_trees_and_folders_below_the_top_are_found() {
    let repo = Repo::new();
    repo.write("svc/api/a", "1");
    let commit = repo.commit("one");
    let other = tempfile::tempdir().unwrap();
    let linked = other.path().join("linked");
    repo.git(&["worktree", "add", "-q", "--detach", &linked.to_string_lossy()]);
    let opened = Repository::find(&linked.join("svc/api")).unwrap();
    assert_eq!(opened.resolve("HEAD").unwrap(), commit);
    assert_eq!(opened.below(&linked.join("svc/api")).unwrap(), b"svc/api");
    assert_eq!(opened.below(&linked).unwrap(), b"");
    assert_eq!(opened.below(&linked.join("svc/gone/../x")).unwrap(), b"svc/x");
    assert_eq!(opened.below(other.path()), None);
}

#[test]
fn a_log_follows_first_parents_and_stops_where_it_is_told() {
    let repo = Repo::new();
    let one = repo.commit("one");
    repo.git(&["checkout", "-q", "-b", "side"]);
    let side = repo.write("s", "1").commit("side");
    repo.git(&["checkout", "-q", "main"]);
    let two = repo.write("m", "1").commit("two");
    repo.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let opened = repo.open();
    let head = opened.resolve("HEAD").unwrap();
    let ids = |first_parent, limit| -> Vec<Oid> {
        let options = LogOptions { limit, since: None, first_parent };
        opened.log(head, &options).unwrap().into_iter().map(|c| c.id).collect()
    };
    assert_eq!(ids(true, 10), [one, two, head]);
    assert_eq!(ids(true, 2), [two, head]);
    assert!(ids(false, 10).contains(&side));
    let merge = opened.log(head, &LogOptions { limit: 1, since: None, first_parent: true }).unwrap();
    assert_eq!((merge[0].parents, merge[0].subject.as_str()), (2, "merge"));
    let since = LogOptions { limit: 9, since: Some("2030-01-01".into()), first_parent: true };
    assert!(opened.log(head, &since).unwrap().is_empty());
}

#[test]
fn blobs_are_read_by_many_threads_and_one_that_is_missing_is_an_error() {
    let repo = Repo::new();
    let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    repo.write("big", &content).write("small", "s");
    let commit = repo.commit("one");
    let listing = repo.revision(commit, Permissions::HERE).below(b"").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(listed_one(&listing, "big").len(), content.len());
                    assert_eq!(listed_one(&listing, "small"), b"s");
                    // One that is left half read spoils nothing.
                    let entry = &listing.entries[listing.position(b"big").unwrap()];
                    listing.open(entry).unwrap().read_exact(&mut [0; 10]).unwrap();
                }
            });
        }
    });
    let opened = repo.open();
    let absent = Oid::parse("ab".repeat(20).as_bytes()).unwrap();
    assert!(matches!(opened.blob(absent, "x"), Err(GitError::MissingObject { .. })));
}

#[test]
fn nothing_in_the_repository_is_touched() {
    let repo = Repo::new();
    repo.write("a", "1").write("b", "2");
    let commit = repo.commit("one");
    repo.write("a", "1").write("b", "3");
    let before = fs::read(repo.at(".git/index")).unwrap();
    repo.revision(commit, Permissions::HERE).below(b"").unwrap();
    assert_eq!(fs::read(repo.at(".git/index")).unwrap(), before);
    assert!(!repo.at(".git/index.lock").exists());
}

#[test]
fn a_sparse_checkout_leaves_out_what_it_would() {
    let repo = Repo::new();
    repo.write("in/a", "1").write("out/b", "1").write("top", "1");
    let commit = repo.commit("one");
    repo.git(&["sparse-checkout", "set", "--cone", "in"]);
    let revision = repo.revision(commit, Permissions::HERE);
    let paths: Vec<String> = listed(&revision.below(b"").unwrap()).into_keys().collect();
    assert_eq!(paths, ["in", "in/a", "top"]);
    assert_eq!(revision.warnings()[0].code, RevisionWarningCode::Sparse);
    let clone = repo.revision(commit, Permissions::of_clone(0o022));
    assert!(clone.below(b"out").is_some());
}
