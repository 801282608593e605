//! `pack`: the same bytes everywhere, a tar that every reader reads alike, and nothing half-written.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::cli::{self, Run, command, run, stowaway_in};
use crate::support::{entry, machine, tree};

/// Everything that a tar has to hold.
const ODD: &str = r##"
    file  Dockerfile        0644 "FROM scratch\nCOPY . /\n"
    dir   empty             0700
    dir   d                 1777
    file  d/exec            0755 "#!/bin/sh\n"
    file  d/setuid          4755 "x"
    file  d/none            0644
    file  d/block           0644 "b" * 512
    file  d/big             0640 "0123456789" * 100001
    file  "name with space" 0644 "1"
    file  "gr\xc3\xbcn"     0644 "2"
    file  "bad\xff\xfe"     0644 "3"
    file  "line\nbreak"     0644 "4"
    link  "to\xff"          -> "bad\xff\xfe"
    link  up                -> ../outside
    link  dangling          -> "gr\xc3\xbcn/nowhere"
    hard  second            = d/exec
    hard  "third\xff"       = d/exec
    fifo  pipe              0600
    sock  socket            0755
"##;

/// What is at a path, as far as a tar keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    kind: &'static str,
    mode: u32,
    content: Vec<u8>,
    /// The first name of the same file.
    first: Option<Vec<u8>>,
    mtime: i64,
}

/// A folder with [`ODD`] and names of 200 and more bytes, and attributes if the file system has them.
fn odd() -> tempfile::TempDir {
    let dir = tree::on_disk(ODD);
    let deep = dir.path().join("a".repeat(120)).join("b".repeat(100)).join("c".repeat(255));
    entry::make_parents(&deep);
    fs::write(&deep, "deep").expect("a file");
    entry::set_mode(&deep, 0o644);
    std::os::unix::fs::symlink("t".repeat(200), dir.path().join("long-target")).expect("a link");
    if has_xattrs() {
        entry::set_xattr(&dir.path().join("d/none"), "user.one", b"a\0b=\xff");
        entry::set_xattr(&dir.path().join("empty"), "user.of.folder", b"1");
    }
    dir
}

fn has_xattrs() -> bool {
    machine::lacks(&["xattr".to_owned()]).is_none()
}

/// What is below a folder; a socket counts as the empty file that an engine gets.
fn nodes(root: &Path) -> BTreeMap<Vec<u8>, Node> {
    let mut nodes = BTreeMap::new();
    let mut firsts: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut paths = paths(root, root);
    paths.sort_by(|a, b| stowaway::entry::ContextPath::compare(a, b));
    for path in paths {
        let at = root.join(OsStr::from_bytes(&path));
        let meta = fs::symlink_metadata(&at).expect("a stat");
        let kind = match meta.file_type() {
            t if t.is_dir() => "dir",
            t if t.is_symlink() => "link",
            t if t.is_fifo() => "fifo",
            _ => "file",
        };
        let content = match kind {
            "link" => fs::read_link(&at).expect("a link").into_os_string().into_vec(),
            "file" if meta.is_file() => fs::read(&at).expect("a file"),
            _ => Vec::new(),
        };
        let shared = kind == "file" && meta.nlink() > 1;
        let first = shared.then(|| firsts.entry(meta.ino()).or_insert_with(|| path.clone()).clone());
        let mode = meta.mode() & 0o7777;
        nodes.insert(path.clone(), Node { kind, mode, content, first, mtime: meta.mtime() });
    }
    nodes
}

fn paths(root: &Path, folder: &Path) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for child in fs::read_dir(folder).expect("a folder") {
        let path = child.expect("an entry").path();
        out.push(path.strip_prefix(root).expect("below").as_os_str().as_bytes().to_vec());
        if fs::symlink_metadata(&path).expect("a stat").is_dir() {
            out.extend(paths(root, &path));
        }
    }
    out
}

/// Fails with the paths that differ.
#[track_caller]
fn assert_same(found: &BTreeMap<Vec<u8>, Node>, expected: &BTreeMap<Vec<u8>, Node>) {
    let brief = |node: Option<&Node>| {
        node.map(|n| format!("{} {:o} {} {:?} {} bytes", n.kind, n.mode, n.mtime, n.first, n.content.len()))
    };
    let paths: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differs = |path: &&&Vec<u8>| found.get(**path) != expected.get(**path);
    let bad: Vec<String> = paths
        .iter()
        .filter(differs)
        .map(|p| {
            format!("{}: {:?}, not {:?}", p.escape_ascii(), brief(found.get(*p)), brief(expected.get(*p)))
        })
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Packs a folder to standard output.
#[track_caller]
fn packed(dir: &Path, args: &[&str]) -> Vec<u8> {
    run(command().current_dir(dir).arg("pack").args(args)).expect_code(0).stdout
}

/// Unpacks with a program, and says what is there then.
fn unpacked(program: &str, args: &[&str], tar: &[u8]) -> BTreeMap<Vec<u8>, Node> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(program);
    command.current_dir(dir.path()).args(args).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
    child.stdin.take().expect("a pipe").write_all(tar).expect("the tar is read");
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{program}: {said}");
    let found = nodes(dir.path());
    if has_xattrs() && machine::is_root() {
        let value = |path: &str, name: &str| {
            let mut value = vec![0; 64];
            rustix::fs::lgetxattr(dir.path().join(path), name, &mut value[..]).map(|n| value[..n].to_vec())
        };
        assert_eq!(value("d/none", "user.one").as_deref(), Ok(&b"a\0b=\xff"[..]), "{program}");
        assert_eq!(value("empty", "user.of.folder").as_deref(), Ok(&b"1"[..]), "{program}");
    }
    found
}

/// The nodes of a folder with all times 0.
fn without_times(root: &Path) -> BTreeMap<Vec<u8>, Node> {
    nodes(root).into_iter().map(|(path, node)| (path, Node { mtime: 0, ..node })).collect()
}

#[test]
fn gnu_tar_unpacks_the_same_tree() {
    let dir = odd();
    let tar = packed(dir.path(), &[]);
    let args = ["-xpf", "-", "--xattrs", "--xattrs-include=*", "--warning=no-unknown-keyword"];
    assert_same(&unpacked("tar", &args, &tar), &without_times(dir.path()));
}

#[test]
fn bsdtar_unpacks_the_same_tree() {
    if !cli::has("bsdtar") {
        return;
    }
    let dir = odd();
    let tar = packed(dir.path(), &[]);
    assert_same(&unpacked("bsdtar", &["-xpf", "-", "--xattrs"], &tar), &without_times(dir.path()));
}

#[test]
fn pythons_tarfile_unpacks_the_same_tree() {
    if !cli::has("python3") {
        return;
    }
    let dir = odd();
    let tar = packed(dir.path(), &["--compress", "gzip"]);
    let script = "import sys, tarfile\ntar = tarfile.open(fileobj=sys.stdin.buffer, mode='r|gz')\n\
                  for member in tar:\n  tar.extract(member, **({'filter': 'fully_trusted'} if hasattr(tarfile, 'data_filter') else {}))\n\
                  assert member.pax_headers is not None";
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new("python3")
        .current_dir(out.path())
        .args(["-c", script])
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3");
    child.stdin.take().expect("a pipe").write_all(&tar).expect("the tar is read");
    assert!(child.wait().expect("its end").success());
    // Member by member a folder's time moves again when it is filled, and it sets none of a link.
    let times = |mut nodes: BTreeMap<Vec<u8>, Node>| {
        nodes.values_mut().filter(|n| matches!(n.kind, "dir" | "link")).for_each(|n| n.mtime = 0);
        nodes
    };
    assert_same(&times(nodes(out.path())), &without_times(dir.path()));
}

#[test]
fn rusts_tar_lists_the_same_tree() {
    let dir = odd();
    let tar = packed(dir.path(), &[]);
    let mut archive = tar::Archive::new(&tar[..]);
    let mut found = BTreeMap::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("a member");
        let path = entry.path_bytes().strip_suffix(b"/").unwrap_or(&entry.path_bytes()).to_vec();
        let link = entry.link_name_bytes().unwrap_or_default().into_owned();
        let header = entry.header();
        let (mode, mtime) = (header.mode().expect("a mode"), header.mtime().expect("a time"));
        assert_eq!((header.uid().expect("a number"), header.gid().expect("a number"), mtime), (0, 0, 0));
        let kind = match header.entry_type() {
            tar::EntryType::Directory => "dir",
            tar::EntryType::Symlink => "link",
            tar::EntryType::Fifo => "fifo",
            tar::EntryType::Regular | tar::EntryType::Link => "file",
            other => panic!("{other:?}"),
        };
        let hard = header.entry_type() == tar::EntryType::Link;
        let mut content = if kind == "link" { link.clone() } else { Vec::new() };
        entry.read_to_end(&mut content).expect("its content");
        assert!(found.insert(path, (kind, mode, content, hard.then_some(link))).is_none(), "twice");
    }
    let expected = nodes(dir.path()).into_iter().map(|(path, node)| {
        let hard = node.first.filter(|first| *first != path);
        // The content stands with the first name.
        let content = if hard.is_some() { Vec::new() } else { node.content };
        (path, (node.kind, node.mode, content, hard))
    });
    assert_eq!(found, expected.collect::<BTreeMap<_, _>>());
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let dir = odd();
    let once = packed(dir.path(), &[]);
    for threads in ["1", "2", "7"] {
        let again = run(command().current_dir(dir.path()).arg("pack").env("RAYON_NUM_THREADS", threads));
        assert!(again.expect_code(0).stdout == once, "with {threads} threads");
    }
    for (i, path) in nodes(dir.path()).into_keys().enumerate() {
        entry::set_mtime(&dir.path().join(OsStr::from_bytes(&path)), 1_000_000_000_000 * (i as i128 + 1));
    }
    assert!(packed(dir.path(), &[]) == once, "other times");
    assert!(packed(odd().path(), &[]) == once, "another folder");
    for compression in ["gzip", "zstd", "zstd:19"] {
        let one = packed(dir.path(), &["--compress", compression]);
        let threads = |n: &str| {
            let mut command = command();
            command
                .current_dir(dir.path())
                .args(["pack", "--compress", compression])
                .env("RAYON_NUM_THREADS", n);
            run(&mut command).expect_code(0).stdout
        };
        assert!(threads("1") == one && threads("5") == one, "{compression}");
        assert!(one.len() < once.len() / 4, "{compression} does not compress");
    }
}

#[test]
fn a_checkout_under_another_umask_gives_the_same_bytes_when_modes_are_normalised() {
    let make = |file: u32, exec: u32, dir: u32| {
        let text = format!(
            "file Dockerfile {file:04o} \"FROM scratch\"\nfile d/x {exec:04o} \"x\"\nfile d/y {file:04o} \"y\"\ndir d {dir:04o}\n"
        );
        tree::on_disk(&text)
    };
    let (one, other) = (make(0o644, 0o755, 0o755), make(0o600, 0o700, 0o2700));
    assert!(packed(one.path(), &[]) != packed(other.path(), &[]));
    for how in ["git", "umask", "umask:002"] {
        let args = ["--normalize-modes", how];
        assert!(packed(one.path(), &args) == packed(other.path(), &args), "{how}");
    }
    let modes = |how: &str| -> Vec<u32> {
        let tar = packed(other.path(), &["--normalize-modes", how]);
        let mut archive = tar::Archive::new(&tar[..]);
        archive.entries().unwrap().map(|e| e.unwrap().header().mode().unwrap()).collect()
    };
    assert_eq!(modes("git"), [0o644, 0o755, 0o755, 0o644]);
    assert_eq!(modes("umask:002"), [0o664, 0o775, 0o775, 0o664]);
}

/// The times of a tar's members, by their names.
fn times(tar: &[u8]) -> BTreeMap<String, u64> {
    let mut archive = tar::Archive::new(tar);
    let entry = |e: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let e = e.expect("a member");
        let path = String::from_utf8_lossy(&e.path_bytes()).trim_end_matches('/').to_owned();
        (path, e.header().mtime().expect("a time"))
    };
    archive.entries().expect("a tar").map(entry).collect()
}

fn git(dir: &Path, time: u64, args: &[&str]) {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@b");
        command.env(format!("GIT_{who}_DATE"), format!("{time} +0000"));
    }
    let output = command.output().expect("git");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Commits everything at a time.
fn commit(dir: &Path, time: u64) {
    git(dir, time, &["add", "-A"]);
    git(dir, time, &["commit", "-q", "-m", "-"]);
}

#[test]
fn times_of_git_are_those_of_the_last_commits_that_touched_the_paths() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\"\nfile app/old 0644 \"1\"\nfile app/new/x 0644 \"1\"\nfile changed 0644 \"1\"\n",
    );
    git(dir.path(), 1_000_000_000, &["init", "-q", "-b", "main"]);
    commit(dir.path(), 1_000_000_000);
    fs::write(dir.path().join("app/new/x"), "2").unwrap();
    commit(dir.path(), 1_100_000_000);
    git(dir.path(), 1_000_000_000, &["checkout", "-q", "-b", "side", "HEAD~1"]);
    fs::write(dir.path().join("side"), "1").unwrap();
    commit(dir.path(), 1_050_000_000);
    git(dir.path(), 1_000_000_000, &["checkout", "-q", "main"]);
    git(dir.path(), 1_200_000_000, &["merge", "-q", "--no-edit", "side"]);
    fs::write(dir.path().join("untracked"), "1").unwrap();
    fs::write(dir.path().join("changed"), "2").unwrap();
    fs::write(dir.path().join(".dockerignore"), ".git\n").unwrap();
    let found = times(&packed(dir.path(), &["--mtime", "git"]));
    let expected = [
        (".dockerignore", 1_200_000_000),
        ("Dockerfile", 1_000_000_000),
        ("app", 1_100_000_000),
        ("app/new", 1_100_000_000),
        ("app/new/x", 1_100_000_000),
        ("app/old", 1_000_000_000),
        ("changed", 1_200_000_000),
        ("side", 1_050_000_000),
        ("untracked", 1_200_000_000),
    ];
    assert_eq!(found, expected.map(|(path, time)| (path.to_owned(), time)).into());
    // The same of a folder below the top.
    fs::write(dir.path().join("app/Dockerfile"), "FROM scratch").unwrap();
    let below = times(&packed(&dir.path().join("app"), &["--mtime", "git"]));
    assert_eq!(
        (below["new/x"], below["old"], below["Dockerfile"]),
        (1_100_000_000, 1_000_000_000, 1_200_000_000)
    );
}

#[test]
fn modes_of_git_are_those_of_its_index() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\"\nfile run 0755 \"x\"\nfile .dockerignore 0644 \".git\"\n",
    );
    git(dir.path(), 1_000_000_000, &["init", "-q"]);
    commit(dir.path(), 1_000_000_000);
    entry::set_mode(&dir.path().join("run"), 0o600);
    entry::set_mode(&dir.path().join("Dockerfile"), 0o777);
    let tar = packed(dir.path(), &["--normalize-modes", "git"]);
    let mut archive = tar::Archive::new(&tar[..]);
    let modes: Vec<u32> = archive.entries().unwrap().map(|e| e.unwrap().header().mode().unwrap()).collect();
    assert_eq!(modes, [0o644, 0o644, 0o755]);
}

#[test]
fn without_a_repository_there_are_no_times_of_git() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\n");
    let run = stowaway_in(dir.path(), ["pack", "--mtime", "git"]).expect_code(2);
    assert!(run.stdout.is_empty() && run.stderr.contains("git"), "{}", run.stderr);
}

#[test]
fn a_time_of_a_content_moves_with_the_content_alone() {
    let dir =
        tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\nfile d/a 0644 \"1\"\nfile d/b 0644 \"2\"\n");
    let before = times(&packed(dir.path(), &["--mtime", "content"]));
    entry::set_mtime(&dir.path().join("d/a"), 5);
    assert_eq!(times(&packed(dir.path(), &["--mtime", "content"])), before);
    // Of the same size.
    fs::write(dir.path().join("d/a"), "3").unwrap();
    let after = times(&packed(dir.path(), &["--mtime", "content"]));
    assert_ne!(after["d/a"], before["d/a"]);
    assert_eq!(after["d/b"], before["d/b"]);
    assert_eq!(after["d"], after["d/a"].max(after["d/b"]));
}

#[test]
fn a_time_is_a_number_or_that_of_the_environment() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\n");
    assert_eq!(times(&packed(dir.path(), &["--mtime", "1700000000"]))["Dockerfile"], 1_700_000_000);
    let with = |value: Option<&str>| {
        let mut command = command();
        command.current_dir(dir.path()).args(["pack", "--mtime", "SOURCE_DATE_EPOCH"]);
        if let Some(value) = value {
            command.env("SOURCE_DATE_EPOCH", value);
        }
        run(&mut command)
    };
    assert_eq!(times(&with(Some("1600000000")).expect_code(0).stdout)["Dockerfile"], 1_600_000_000);
    for (value, word) in [(None, "is not set"), (Some("yesterday"), "`yesterday`"), (Some(""), "no time")] {
        let run = with(value).expect_code(2);
        assert!(run.stdout.is_empty() && run.stderr.contains(word), "{}", run.stderr);
    }
}

/// The names in a tar.
fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let name = |e: std::io::Result<tar::Entry<'_, &[u8]>>| {
        String::from_utf8_lossy(&e.expect("a member").path_bytes()).into_owned()
    };
    archive.entries().expect("a tar").map(name).collect()
}

#[test]
fn only_what_steps_read_is_packed_when_asked() {
    let dir = tree::on_disk(
        r#"
        file Dockerfile     0644 "FROM scratch AS base\nCOPY app/src /s\nCOPY *.txt /t/\nFROM scratch AS other\nCOPY other /\nFROM base\nRUN --mount=type=bind,source=bound,target=/m x\n"
        file app/src/a      0644 "1"
        file app/unused     0644 "1"
        file one.txt        0644 "1"
        file one.md         0644 "1"
        file other          0644 "1"
        file bound/b        0644 "1"
        dir  lonely
        "#,
    );
    let used = packed(dir.path(), &["--used"]);
    assert_eq!(names(&used), ["Dockerfile", "app/", "app/src/", "app/src/a", "bound/", "bound/b", "one.txt"]);
    assert!(names(&packed(dir.path(), &[])).len() > 7);
    let target = packed(dir.path(), &["--used", "--target", "other"]);
    assert_eq!(names(&target), ["Dockerfile", "other"]);
    fs::remove_dir_all(dir.path().join("app/src")).unwrap();
    let run = stowaway_in(dir.path(), ["pack", "--used"]).expect_code(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("`app/src`"), "{}", run.stderr);
}

#[test]
fn a_file_whose_first_name_is_not_used_is_packed_under_the_next() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY b c /\\n\"\nfile a 0644 \"text\"\nhard b = a\nhard c = a\n",
    );
    let tar = packed(dir.path(), &["--used"]);
    let found = unpacked_plainly(&tar);
    assert_eq!(found["b"], "text");
    assert_eq!(found["c"], "text");
    assert_eq!(found.len(), 3);
}

/// The files of a tar of plain names.
fn unpacked_plainly(tar: &[u8]) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    tar::Archive::new(tar).unpack(dir.path()).expect("a tar");
    let text = |p: &Path| fs::read_to_string(p).unwrap_or_default();
    let files = paths(dir.path(), dir.path()).into_iter();
    files
        .map(|p| String::from_utf8(p).expect("plain"))
        .map(|p| (p.clone(), text(&dir.path().join(&p))))
        .collect()
}

#[test]
fn what_is_ignored_is_left_out_and_a_hidden_dockerfile_is_put_in() {
    let dir = tree::on_disk(
        r#"
        file Dockerfile        0600 "FROM scratch\nCOPY a /\n"
        file .dockerignore     0644 "Dockerfile\n.dockerignore\nsecret\n"
        file a                 0644 "1"
        file secret            0644 "1"
        "#,
    );
    let run = stowaway_in(dir.path(), ["pack"]).expect_code(0);
    assert_eq!(names(&run.stdout), ["Dockerfile", "a"]);
    assert!(run.stderr.contains("hidden by the ignore file"), "{}", run.stderr);
    let run = stowaway_in(dir.path(), ["pack", "--context-only"]).expect_code(0);
    assert_eq!(names(&run.stdout), ["a"]);
}

#[test]
fn a_dockerfile_from_elsewhere_is_put_in_under_a_name_that_is_free() {
    let outside = tree::on_disk("file my.Dockerfile 0644 \"FROM scratch\\nCOPY a /\\n\"\n");
    let file = outside.path().join("my.Dockerfile");
    let file = file.to_str().unwrap();
    let dir = tree::on_disk("file a 0644 \"1\"\n");
    let run = stowaway_in(dir.path(), ["pack", "-f", file]).expect_code(0);
    assert_eq!(names(&run.stdout), ["Dockerfile", "a"]);
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let taken = stowaway_in(dir.path(), ["pack", "-f", file]).expect_code(0);
    let added = names(&taken.stdout)[0].clone();
    assert!(added.starts_with(".dockerfile."), "{added}");
    assert!(taken.stderr.contains(&format!("docker build -f {added} -")), "{}", taken.stderr);
    assert_eq!(unpacked_plainly(&taken.stdout)[&added], "FROM scratch\nCOPY a /\n");
    // One in the context that has another name stays where it is.
    fs::write(dir.path().join("b.Dockerfile"), "FROM scratch\n").unwrap();
    let inside = stowaway_in(dir.path(), ["pack", "-f", "b.Dockerfile"]).expect_code(0);
    assert_eq!(names(&inside.stdout), ["Dockerfile", "a", "b.Dockerfile"]);
    assert!(inside.stderr.contains("docker build -f b.Dockerfile -"), "{}", inside.stderr);
}

#[test]
fn without_a_dockerfile_the_context_alone_is_packed_and_that_is_said() {
    let dir = tree::on_disk("file a 0644 \"1\"\n");
    let run = stowaway_in(dir.path(), ["pack"]).expect_code(0);
    assert_eq!(names(&run.stdout), ["a"]);
    assert!(run.stderr.contains("there is no `Dockerfile`"), "{}", run.stderr);
}

#[test]
fn what_was_packed_is_told_beside_the_tar() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\nfile d/a 0644 \"12345\"\n");
    let run = stowaway_in(dir.path(), ["pack", "--format", "json", "--digest", "sha256"]).expect_code(0);
    let told: serde_json::Value = serde_json::from_str(&run.stderr).expect("JSON on standard error");
    assert_eq!(told["schema"], "stowaway.pack/1");
    assert_eq!(
        (told["files"].as_u64(), told["dirs"].as_u64(), told["bytes"].as_u64()),
        (Some(2), Some(1), Some(17))
    );
    assert_eq!(told["digest"], stowaway::digest::Digest::sha256(&run.stdout).to_string());
    assert_eq!(told["written"].as_u64(), Some(run.stdout.len() as u64));
    let out = dir.path().parent().unwrap().join(format!("{}.tar.zst", std::process::id()));
    let to_file = [
        OsStr::new("pack"),
        "--compress=zstd".as_ref(),
        "--format=json".as_ref(),
        "-o".as_ref(),
        out.as_os_str(),
    ];
    let to_file = stowaway_in(dir.path(), to_file).expect_code(0);
    let file = fs::read(&out).expect("the file");
    fs::remove_file(&out).unwrap();
    let told = to_file.json().expect("JSON on standard output");
    assert_eq!(told["digest"], stowaway::digest::Digest::blake3(&file).to_string());
    assert_eq!(told["tar_digest"], stowaway::digest::Digest::blake3(&run.stdout).to_string());
    let quiet = stowaway_in(dir.path(), ["pack", "-q"]).expect_code(0);
    assert!(quiet.stderr.is_empty() && quiet.stdout == run.stdout);
}

#[test]
fn the_tar_of_an_earlier_run_is_not_packed() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\n");
    stowaway_in(dir.path(), ["pack", "-o", "out.tar"]).expect_code(0);
    let first = fs::read(dir.path().join("out.tar")).unwrap();
    let again = stowaway_in(dir.path(), ["pack", "-o", "out.tar"]).expect_code(0);
    assert_eq!(fs::read(dir.path().join("out.tar")).unwrap(), first);
    assert!(again.stderr.contains("`out.tar` is the tar itself"), "{}", again.stderr);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let dir =
        tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\nfile big 0644 \"0123456789abcdef\" * 262144\n");
    for compression in ["none", "gzip"] {
        let mut command = command();
        command.current_dir(dir.path()).args(["pack", "--compress", compression]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(141), "{compression}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_half_written_stays() {
    let dir =
        tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\nfile big 0644 \"0123456789abcdef\" * 262144\n");
    let run = stowaway_in(dir.path(), ["pack", "-o", "/dev/full"]).expect_code(2);
    assert!(run.stderr.contains("writing /dev/full: no space left"), "{}", run.stderr);
    let Some(small) = SmallDisk::new() else { return };
    let out = small.path.join("out.tar");
    let run = stowaway_in(dir.path(), [OsStr::new("pack"), "-o".as_ref(), out.as_os_str()]).expect_code(2);
    assert!(run.stderr.contains("no space left"), "{}", run.stderr);
    assert_eq!(fs::read_dir(&small.path).unwrap().count(), 0, "something half-written stays");
}

/// A disk of 1 MiB in memory, where one can be mounted.
struct SmallDisk {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl SmallDisk {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).stderr(Stdio::null());
        let mounted = machine::is_root() && mount.status().is_ok_and(|s| s.success());
        mounted.then(|| Self { path: dir.path().to_owned(), _dir: dir })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

#[test]
fn a_file_that_may_not_be_read_is_named_and_no_tar_is_left() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\"\nfile sub/secret 0000 \"key\"\n");
    let run: Option<Run> = cli::without_rights(dir.path(), &["pack", "-q"]);
    if let Some(run) = run {
        let run = run.expect_code(2);
        assert!(
            run.stderr.contains("sub/secret") && run.stderr.contains("may not be read"),
            "{}",
            run.stderr
        );
    }
    let out = tempfile::tempdir().expect("a temporary folder");
    entry::set_mode(out.path(), 0o777);
    let file = out.path().join("out.tar");
    if let Some(run) = cli::without_rights(dir.path(), &["pack", "-o", file.to_str().unwrap()]) {
        run.expect_code(2);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}

/// Packs into a pipe that nobody reads at first, does something then, and reads to the end.
fn disturbed(dir: &Path, disturb: impl FnOnce()) -> Run {
    let mut command = command();
    command.current_dir(dir).args(["pack", "-q"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut start = [0];
    stdout.read_exact(&mut start).expect("the tar begins");
    disturb();
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).expect("a pipe");
    let output = child.wait_with_output().expect("its end");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Run { code: output.status.code().unwrap_or(-1), stdout: rest, stderr }
}

#[test]
fn a_file_that_shrinks_grows_or_vanishes_meanwhile_is_named() {
    let many = || {
        let dir = tree::on_disk(
            "file Dockerfile 0644 \"FROM scratch\"\nfile a 0644 \"0123456789abcdef\" * 262144\n",
        );
        for i in 0..200 {
            let file = fs::File::create(dir.path().join(format!("m{i:03}"))).expect("a file");
            file.set_len(1 << 20).expect("a sparse file");
        }
        dir
    };
    let last = |dir: &Path| fs::File::options().write(true).open(dir.join("m199")).expect("the last file");
    let dir = many();
    let run = disturbed(dir.path(), || last(dir.path()).set_len(17).expect("truncated")).expect_code(2);
    assert!(run.stderr.contains("m199") && run.stderr.contains("changed"), "{}", run.stderr);
    let dir = many();
    let run = disturbed(dir.path(), || last(dir.path()).set_len(2 << 20).expect("extended")).expect_code(2);
    assert!(run.stderr.contains("m199") && run.stderr.contains("changed"), "{}", run.stderr);
    let dir = many();
    let run =
        disturbed(dir.path(), || fs::remove_file(dir.path().join("m199")).expect("removed")).expect_code(2);
    assert!(
        run.stderr.contains("m199") && run.stderr.contains("no such file"),
        "{}",
        run.stderr.to_lowercase()
    );
}
