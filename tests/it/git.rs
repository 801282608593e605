//! Builds as they were at a revision, and replays of many: in repositories that git itself makes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use stowaway::cache::{Remembered, RememberedLink};
use stowaway::diff::{Verdict, lookup};
use stowaway::git::Permissions;
use stowaway::observer::Silent;
use stowaway::ops::{
    self, Analysis, AnalysisOptions, ChurnOptions, DockerfileInput, NamedInput, Read, Request,
};
use stowaway::snapshot::Snapshot;

use crate::support::cli::{self, Run};

/// A repository in a temporary folder.
struct Repo {
    dir: tempfile::TempDir,
}

/// git in a folder, as nobody in particular.
fn git_in(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "protocol.file.allow=always"]).args(args);
    let output = quiet(&mut command).stdin(Stdio::null()).output().expect("git starts");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Without the configuration of whoever runs the tests.
fn quiet(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|k| (k, "Ada")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|k| (k, "ada@example.org")))
        .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|k| (k, "2026-01-02T03:04:05Z")))
}

impl Repo {
    fn new(files: &[(&str, &str)]) -> Self {
        let repo = Self { dir: tempfile::tempdir().expect("a folder") };
        repo.git(&["init", "-q", "-b", "main", "."]);
        for (key, value) in [("core.autocrlf", "false"), ("core.hooksPath", "/dev/null")] {
            repo.git(&["config", key, value]);
        }
        if !files.is_empty() {
            files.iter().for_each(|(path, text)| repo.write(path, text));
            repo.commit("start");
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
        git_in(self.path(), args)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().expect("a folder")).expect("a folder");
        fs::write(self.at(path), text).expect("a file");
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes one file and commits.
    fn step(&self, path: &str, text: &str) -> String {
        self.write(path, text);
        self.commit(path)
    }

    fn request(&self) -> Request {
        let mut request = Request { context: self.path().to_owned(), ..Request::default() };
        request.plan.platform = Some(stowaway::image::Platform::parse("linux/amd64").expect("a platform"));
        request
    }

    fn churn(&self, args: &[&str]) -> Run {
        let mut command = cli::command();
        quiet(&mut command).current_dir(self.path()).args(["churn", "--progress", "quiet"]).args(args);
        cli::run(&mut command)
    }

    fn churned(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        self.churn(&args).expect_code(0).json().expect("a document")
    }
}

/// The keys of every step by name.
fn keys(read: &Read) -> BTreeMap<String, (Option<String>, Option<String>)> {
    let analysis = Analysis::of(read, AnalysisOptions::default(), &Silent).expect("keys");
    let keys = analysis.keys.as_ref().expect("keys");
    let key = |k: &Option<stowaway::cache::Key>| k.as_ref().map(|k| k.digest.to_string());
    let plan = read.plan.as_ref().expect("a plan");
    let steps = plan.steps.iter().zip(&keys.steps);
    steps.map(|(s, k)| (s.name.clone(), (key(&k.content_key), key(&k.cache_key)))).collect()
}

fn here(request: &Request) -> Read {
    Read::of(request, &Silent).expect("a build")
}

fn there(request: &Request, revision: &str) -> Read {
    Read::at_revision(request, revision, Permissions::HERE, &Silent).expect("a build")
}

fn snapshot(request: &Request, read: &Read) -> Snapshot {
    let analysis =
        Analysis::of(read, AnalysisOptions { fingerprints: true, ..AnalysisOptions::default() }, &Silent)
            .expect("keys");
    ops::freeze(request, &analysis)
}

const PYTHON: &[(&str, &str)] = &[
    ("Dockerfile", "FROM scratch\nCOPY requirements.txt /app/\nCOPY . /app/\nCOPY tools/x /bin/\n"),
    (".dockerignore", ".git\n*.log\n"),
    ("requirements.txt", "flask\n"),
    ("app/main.py", "print(1)\n"),
    ("tools/x", "#!/bin/sh\n"),
    ("docs/a.md", "a\n"),
];

#[test]
fn a_clean_work_tree_has_the_keys_of_its_head_whatever_its_modes_are() {
    let repo = Repo::new(PYTHON);
    for (path, mode) in [("app/main.py", 0o600), ("app", 0o711), ("requirements.txt", 0o664)] {
        fs::set_permissions(repo.at(path), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    repo.write("untracked.log", "ignored");
    let request = repo.request();
    assert_eq!(keys(&there(&request, "HEAD")), keys(&here(&request)));
    let now = here(&request);
    let analysis =
        Analysis::of(&now, AnalysisOptions { fingerprints: true, ..AnalysisOptions::default() }, &Silent)
            .expect("keys");
    let then = there(&request, "HEAD");
    then.learn_from(&analysis);
    assert_eq!(keys(&then), keys(&now), "digests of files that are here are those of their blobs");
}

#[test]
fn a_changed_file_moves_the_keys_of_the_steps_that_take_it_alone() {
    let repo = Repo::new(PYTHON);
    repo.write("app/main.py", "print(2)\n");
    let request = repo.request();
    let (before, now) = (keys(&there(&request, "HEAD")), keys(&here(&request)));
    let moved: Vec<&String> = before.keys().filter(|name| before[*name].0 != now[*name].0).collect();
    assert_eq!(moved, ["[2/3] COPY . /app/"]);
}

#[test]
fn dockerfile_ignore_file_and_named_contexts_are_those_of_the_revision() {
    let repo = Repo::new(PYTHON);
    repo.write("Dockerfile", "FROM scratch\nCOPY --from=conf a /a\nCOPY app /app\n");
    repo.write("conf/a", "old");
    repo.write("conf/.dockerignore", "b");
    repo.write("conf/b", "b");
    let old = repo.commit("old");
    for (path, text) in [("Dockerfile", "FROM scratch\n"), (".dockerignore", "app\n"), ("conf/a", "new")] {
        repo.write(path, text);
    }
    let mut request = repo.request();
    request.named.insert("conf".into(), NamedInput::Folder(repo.at("conf")));
    let read = there(&request, &old);
    assert_eq!(read.plan.as_ref().expect("a plan").steps.len(), 2);
    let frozen = snapshot(&request, &read);
    assert_eq!(frozen.subject.revision.as_deref(), Some(old.as_str()));
    assert_eq!(frozen.ignore_files["context"].bytes, b".git\n*.log\n");
    assert_eq!(frozen.ignore_files["conf"].bytes, b"b");
    let conf = frozen.sources.iter().find(|s| s.local == "conf").expect("conf");
    assert!(!conf.has_times);
    assert_eq!(conf.contents[0], Some(stowaway::digest::Digest::blake3("old")));
    // It needs not be there any more.
    fs::remove_dir_all(repo.at("conf")).expect("removed");
    assert_eq!(snapshot(&request, &there(&request, &old)).sources, frozen.sources);
}

#[test]
fn what_lies_outside_of_the_repository_is_as_it_is_now() {
    let repo = Repo::new(PYTHON);
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("Dockerfile"), "FROM scratch\nCOPY app /\n").expect("a file");
    fs::write(outside.path().join("Dockerfile.dockerignore"), "docs\n").expect("a file");
    let mut request = repo.request();
    request.dockerfile = DockerfileInput::Path(outside.path().join("Dockerfile"));
    let read = there(&request, "HEAD");
    assert_eq!(read.plan.as_ref().expect("a plan").steps.len(), 1);
    assert_eq!(read.located.ignore.bytes, b"docs\n");
}

#[test]
fn a_context_below_the_top_is_read_and_one_that_was_not_there_is_an_error() {
    let repo = Repo::new(PYTHON);
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.write("svc/Dockerfile", "FROM scratch\nCOPY a /\n");
    repo.step("svc/a", "a");
    let request = Request { context: repo.at("svc"), ..repo.request() };
    assert_eq!(keys(&there(&request, "HEAD")), keys(&here(&request)));
    let error = Read::at_revision(&request, &first, Permissions::HERE, &Silent).err().expect("no folder");
    assert!(error.to_string().starts_with("there is no folder"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

/// Whether each step runs, by the lookup that compares any two states: for a builder that has all records of what came before.
fn by_lookup(repo: &Repo, commits: &[String]) -> Vec<(usize, usize)> {
    let request = repo.request();
    let mut all = Remembered::default();
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for (i, commit) in commits.iter().enumerate() {
        let permissions = Permissions::of_clone(0o022);
        let read = Read::at_revision(&request, commit, permissions, &Silent).expect("a build");
        let now = snapshot(&request, &read);
        let found = lookup(&all, &now);
        counts.resize(now.steps.len(), (0, 0));
        for (count, step) in counts.iter_mut().zip(&now.steps).filter(|_| i > 0) {
            let vertex = &found.vertices[step.vertex];
            match (vertex.verdict, vertex.likely) {
                (Verdict::Rerun, _) | (Verdict::Unknown, Some(Verdict::Rerun)) => count.0 += 1,
                (Verdict::Unknown, None) => count.1 += 1,
                _ => {}
            }
        }
        let shift = all.records.len();
        all.records.extend(now.remembered.records.into_iter().map(|mut record| {
            let links = record.inputs.iter_mut().flatten();
            links.for_each(|l: &mut RememberedLink| l.record += shift);
            record
        }));
    }
    counts
}

/// A small generator (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn a_replay_counts_what_comparing_each_commit_with_all_before_it_counts() {
    for seed in 1..=4_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let repo = Repo::new(&[
            (
                "Dockerfile",
                "FROM base AS build\nWORKDIR /w\nCOPY a b* /w/\nRUN make\nCOPY . /w/\nRUN test\n\
              FROM other\nCOPY --from=build /w/out /\nCOPY d /d\nFROM scratch AS last\nCOPY --from=1 /d /d\nCOPY --from=build /w/a /\n",
            ),
            (".dockerignore", "skip\n"),
            ("a", "0"),
            ("b1", "0"),
            ("b2", "0"),
            ("d/x", "0"),
            ("d/y", "0"),
            ("skip/z", "0"),
        ]);
        for _ in 0..14 {
            let files = ["a", "b1", "b2", "d/x", "d/y", "skip/z", "other"];
            let file = files[dice.roll(7) as usize];
            repo.write(file, &dice.roll(3).to_string());
            repo.commit("c");
        }
        let commits: Vec<String> =
            repo.git(&["rev-list", "--reverse", "HEAD"]).lines().map(str::to_owned).collect();
        let report = ops::churn(&repo.request(), &ChurnOptions::default()).expect("a report");
        let counts: Vec<(usize, usize)> = report.steps.iter().map(|s| (s.missed, s.unknown)).collect();
        assert_eq!(report.commits, commits.len() - 1);
        assert_eq!(counts, by_lookup(&repo, &commits), "seed {seed}");
    }
}

/// 47 commits that touch what is copied: 31 the documents alone, 16 the program; and 3 that touch what is ignored.
fn documented() -> Repo {
    let repo = Repo::new(&[
        ("Dockerfile", "FROM scratch\nCOPY . .\n"),
        (".dockerignore", ".git\nnotes\n"),
        ("src/main.rs", "0"),
        ("docs/a.md", "0"),
        ("notes/n", "0"),
    ]);
    for i in 1..=16 {
        repo.step("src/main.rs", &i.to_string());
        repo.step(&format!("docs/{i}.md"), "x");
        if i <= 15 {
            repo.step("docs/a.md", &i.to_string());
        }
        if i <= 3 {
            repo.step("notes/n", &i.to_string());
        }
    }
    repo
}

#[test]
fn one_ignore_line_is_proposed_with_what_it_spares() {
    let repo = documented();
    let report = repo.churned(&[]);
    let step = &report["steps"][0];
    assert_eq!((&report["commits"], &step["missed"], &step["own"]), (&50.into(), &47.into(), &47.into()));
    let proposal = &report["proposals"][0];
    assert_eq!(proposal["kind"], "ignore");
    assert_eq!((&proposal["pattern"], &proposal["only"]), (&"docs".into(), &31.into()));
    assert_eq!((&proposal["before"], &proposal["after"]), (&47.into(), &16.into()));
    assert_eq!(step["paths"][0]["path"], "src/main.rs");
    let text = repo.churn(&[]).expect_code(0);
    assert!(
        text.text()
            .contains("`COPY . .` ran in 47 of 50 commits, 31 only because of `docs`; ignoring it: 16"),
        "{}",
        text.text()
    );
    // What it says is so: with the line in every commit nothing else runs.
    let markdown = repo.churn(&["--format", "markdown"]).expect_code(0);
    assert!(markdown.text().starts_with("### Layers over 50 commits"), "{}", markdown.text());
}

#[test]
fn documents_that_another_step_copies_are_left_out_of_the_wide_copy_alone() {
    let repo = documented();
    repo.step(
        "Dockerfile",
        "FROM scratch AS site\nCOPY docs /docs\nFROM scratch\nCOPY . .\nCOPY --from=site /docs /docs\n",
    );
    for i in 0..5 {
        repo.step("docs/a.md", &format!("later {i}"));
    }
    let report = repo.churned(&["-n", "5"]);
    let proposals = report["proposals"].as_array().expect("a list");
    assert!(proposals.iter().all(|p| p["kind"] != "ignore"), "{proposals:?}");
    let narrow = proposals.iter().find(|p| p["kind"] == "narrow").expect("a narrower COPY");
    assert_eq!(narrow["edit"][0], "COPY --exclude=docs . .");
    assert_eq!((&narrow["before"], &narrow["after"]), (&5.into(), &0.into()));
}

#[test]
fn copying_the_manifests_first_is_proposed_with_what_it_spares() {
    let repo = Repo::new(&[
        (
            "Dockerfile",
            "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"python\"]\n",
        ),
        (".dockerignore", ".git\n"),
        ("requirements.txt", "flask\n"),
        ("main.py", "0"),
    ]);
    for i in 1..=8 {
        repo.step("main.py", &i.to_string());
    }
    repo.step("requirements.txt", "flask\ndjango\n");
    let report = repo.churned(&[]);
    let proposal = &report["proposals"][0];
    assert_eq!(proposal["kind"], "manifests");
    assert_eq!(proposal["edit"][0], "COPY requirements.txt ./");
    assert_eq!((&proposal["before"], &proposal["after"]), (&9.into(), &1.into()));
}

#[test]
fn a_commit_that_brings_an_old_state_back_runs_nothing() {
    let repo = Repo::new(&[("Dockerfile", "FROM scratch\nCOPY a /\n"), ("a", "1")]);
    for text in ["2", "1", "2", "3"] {
        repo.step("a", text);
    }
    let step = repo.churned(&[])["steps"][0].clone();
    assert_eq!((&step["missed"], &step["returned"]), (&2.into(), &2.into()));
}

#[test]
fn commits_without_a_dockerfile_or_with_a_broken_one_are_left_out_and_told() {
    let repo = Repo::new(&[("a", "1")]);
    repo.step("Dockerfile", "FROM scratch\nCOPY a /\n");
    repo.step("a", "2");
    repo.step("Dockerfile", "FRM scratch\n");
    repo.step("a", "3");
    repo.step("Dockerfile", "FROM scratch\nCOPY gone /\n");
    repo.step("Dockerfile", "FROM scratch\nCOPY a /\n");
    let report = repo.churned(&[]);
    assert_eq!((&report["commits"], &report["not_counted"]), (&2.into(), &4.into()));
    assert_eq!(report["steps"][0]["missed"], 2);
    assert_eq!(report["left_out"][0]["fails"], true);
    assert!(repo.churn(&[]).expect_code(0).text().contains("4 commits can't be built and are not counted"));
}

#[test]
fn merges_count_along_the_first_parent() {
    let repo =
        Repo::new(&[("Dockerfile", "FROM scratch\nCOPY . /\n"), (".dockerignore", ".git"), ("a", "1")]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.step("s", "1");
    repo.step("s", "2");
    repo.git(&["checkout", "-q", "main"]);
    repo.step("a", "2");
    repo.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let report = repo.churned(&[]);
    assert_eq!((&report["commits"], &report["merges"]), (&2.into(), &1.into()));
    assert_eq!(report["steps"][0]["paths"][0]["commits"], 1);
}

#[test]
fn only_so_many_commits_are_counted_and_a_shallow_clone_says_how_many_there_were() {
    let repo = Repo::new(&[("Dockerfile", "FROM scratch\nCOPY a /\n"), ("a", "0")]);
    for i in 1..=9 {
        repo.step("a", &i.to_string());
    }
    assert_eq!(repo.churned(&["-n", "4"])["commits"], 4);
    assert_eq!(repo.churned(&["--since", "2030-01-01"])["commits"], 0);
    let dir = tempfile::tempdir().expect("a folder");
    git_in(dir.path(), &["clone", "-q", "--depth", "3", &format!("file://{}", repo.path().display()), "c"]);
    let mut command = cli::command();
    quiet(&mut command).current_dir(dir.path().join("c")).args(["churn", "--format", "json"]);
    let report = cli::run(&mut command).expect_code(0).json().expect("a document");
    assert_eq!((&report["commits"], &report["shallow"]), (&2.into(), &true.into()));
    assert!(report["notes"][0].as_str().expect("a note").contains("has 3 commits"));
}

#[test]
fn where_there_is_nothing_to_replay_the_status_is_2() {
    let dir = tempfile::tempdir().expect("a folder");
    let churn = |dir: &Path, args: &[&str]| {
        let mut command = cli::command();
        quiet(&mut command).current_dir(dir).arg("churn").args(args);
        cli::run(command.env("GIT_CEILING_DIRECTORIES", dir.parent().expect("a folder"))).expect_code(2)
    };
    assert!(churn(dir.path(), &[]).stderr.contains("is not in a git repository"));
    git_in(dir.path(), &["init", "-q", "."]);
    assert!(churn(dir.path(), &[]).stderr.contains("has no commits yet"));
    let repo = Repo::new(&[("a", "1")]);
    let unknown = churn(repo.path(), &["--revision", "nope"]);
    assert!(unknown.stderr.contains("no revision \"nope\"") && unknown.stderr.contains("hint:"));
    let option = churn(repo.path(), &["--revision", "--output=stolen"]);
    assert!(option.stderr.contains("no revision") && !repo.at("stolen").exists());
    assert!(churn(repo.path(), &["--umask", "9"]).stderr.contains("octal"));
}
