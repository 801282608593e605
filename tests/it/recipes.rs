//! The recipes of README's section "In CI": their commands are run as they stand there, in a repository of their own, with
//! the variables that a runner sets and with stand-ins for the programs of others.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A repository with a base and a change on a branch, and a folder with the programs that the commands call.
struct Runner {
    folder: TempDir,
}

/// What a command left.
struct Ran {
    stdout: String,
    code: i32,
}

impl Runner {
    fn new() -> Self {
        let folder =
            tempfile::Builder::new().prefix("stowaway-recipe-").tempdir().expect("a temporary folder");
        let runner = Self { folder };
        for name in ["bin", "temp", "repo/src", "home"] {
            fs::create_dir_all(runner.path(name)).expect("a folder");
        }
        symlink(env!("CARGO_BIN_EXE_stowaway"), runner.path("bin/stowaway")).expect("a link");
        runner.write("repo/Dockerfile", "FROM scratch\nCOPY src /src\nCOPY package.json /\n");
        runner.write("repo/.dockerignore", ".git\n.stowaway\n");
        runner.write("repo/package.json", "{}\n");
        runner.write("repo/src/main.txt", "one\n");
        runner.shell("git init -q -b main . && git add -A && git commit -qm base", &[]);
        runner.shell("git update-ref refs/remotes/origin/main HEAD && git checkout -q -b feature", &[]);
        runner.write("repo/src/main.txt", "two, longer\n");
        runner.shell("git commit -qam change", &[]);
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// A program that keeps its arguments in `temp/NAME.args` and does `body`.
    fn stand_in(&self, name: &str, body: &str) {
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\n{body}\n",
            self.path(&format!("temp/{name}.args")).display()
        );
        self.write(&format!("bin/{name}"), &text);
        fs::set_permissions(self.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755))
            .expect("a mode");
    }

    /// Runs a command as a runner does: bash that stops at the first failure, in the checkout.
    fn shell(&self, command: &str, variables: &[(&str, &str)]) -> Ran {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command])
            .current_dir(self.path("repo"))
            .env_remove("GIT_DIR")
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("STOWAWAY_CACHE_DIR", self.path("home/cache"))
            .env("STOWAWAY_STATE_DIR", self.path("home/state"))
            .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|n| (n, "nobody")))
            .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|n| (n, "nobody@example.com")))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("GITHUB_STEP_SUMMARY", self.path("temp/summary.md"))
            .env("GITHUB_OUTPUT", self.path("temp/output"))
            .envs(variables.iter().copied())
            .output()
            .expect("bash");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked at"), "{stderr}");
        let code = output.status.code().unwrap_or(-1);
        if code != 0 {
            crate::support::say(&format!("$ {command}\n{stderr}"));
        }
        Ran { stdout: String::from_utf8_lossy(&output.stdout).into_owned(), code }
    }

    /// Runs a command that has to succeed.
    #[track_caller]
    fn succeed(&self, command: &str, variables: &[(&str, &str)]) -> String {
        let ran = self.shell(command, variables);
        assert_eq!(ran.code, 0, "$ {command}\n{}", ran.stdout);
        ran.stdout
    }
}

/// The commands of a recipe: the body of each `run: |`, and each entry of `script:`.
fn commands(recipe: &str) -> Vec<String> {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    let marker = format!("<!-- recipe: {recipe} -->\n```yaml\n");
    let (_, rest) = readme.split_once(&marker).unwrap_or_else(|| panic!("README has no recipe {recipe}"));
    let (block, _) = rest.split_once("\n```").expect("an end of the block");
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = block.lines().collect();
    let mut out = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let body = lines[i + 1..].iter().take_while(|next| indent(next) > indent(line));
        match line.trim_start().trim_start_matches("- ") {
            "run: |" => out.push(body.map(|l| l.trim_start()).collect::<Vec<_>>().join("\n")),
            "script:" => out.extend(body.map(|l| entry(l))),
            _ => {}
        }
    }
    assert!(!out.is_empty(), "the recipe {recipe} has no commands");
    for command in &out {
        assert!(!command.contains("${{"), "an expression can't be run by a shell: {command}");
    }
    out
}

/// An entry of a YAML list, perhaps in single quotes.
fn entry(line: &str) -> String {
    let text = line.trim_start().strip_prefix("- ").expect("an entry of a list");
    match text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("''", "'"),
        None => text.to_owned(),
    }
}

#[test]
fn github_why_writes_summary_annotations_and_comment() {
    let runner = Runner::new();
    runner.stand_in("gh", "");
    let commands = commands("github-why");
    let [summary, comment] = &commands[..] else { panic!("{commands:?}") };
    let variables = [("BASE", "origin/main"), ("PR", "7"), ("GH_TOKEN", "none")];
    let annotations = runner.succeed(summary, &variables);
    assert!(
        annotations.starts_with("::warning file=Dockerfile,line=2,endLine=2,title=rerun"),
        "{annotations}"
    );
    assert!(annotations.contains("content: src/main.txt"), "{annotations}");
    let summary = runner.read("temp/summary.md");
    assert!(summary.starts_with("### 2 of 2 steps rerun") && summary.contains("`src/main.txt`"), "{summary}");
    runner.succeed(comment, &variables);
    assert!(runner.read("temp/gh.args").starts_with("pr\ncomment\n7\n--body-file\n"));
    assert_eq!(runner.read("temp/why.md"), summary);
}

#[test]
fn github_report_tells_what_the_build_did() {
    let runner = Runner::new();
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/log/buildctl/first.jsonl");
    runner.stand_in(
        "docker",
        &format!(
            "sed -e '/stage-2/d;/docs/d' -e 's|\\[build 5/6\\] COPY src src|[1/2] COPY src /src|' '{}' >&2",
            log.display()
        ),
    );
    let commands = commands("github-report");
    let [build, report] = &commands[..] else { panic!("{commands:?}") };
    runner.succeed(build, &[]);
    assert!(runner.read("temp/docker.args").starts_with("buildx\nbuild\n--progress=rawjson\n"));
    let annotations = runner.succeed(report, &[]);
    assert!(annotations.contains("title=missed%3A [1/2] COPY src /src"), "{annotations}");
    let first = runner.read("temp/summary.md");
    assert!(first.starts_with("### 1 step: 1 ran;") && !first.contains("against"), "{first}");
    // The next run finds the snapshot of this one.
    runner.write("repo/src/main.txt", "three, still longer\n");
    let annotations = runner.succeed(report, &[]);
    assert!(annotations.contains("content: src/main.txt"), "{annotations}");
    assert!(runner.read("temp/summary.md")[first.len()..].contains("against `"), "the second summary");
}

#[test]
fn gitlab_compares_comments_and_keeps_a_snapshot() {
    let runner = Runner::new();
    runner.stand_in("curl", "");
    let base = runner.succeed("git rev-parse origin/main", &[]);
    let variables = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.trim()),
        ("TOKEN", "none"),
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
        ("CI_PROJECT_ID", "1"),
        ("CI_MERGE_REQUEST_IID", "2"),
    ];
    // A job's script is one shell.
    let script = commands("gitlab").join("\n");
    let first = runner.succeed(&script, &variables);
    assert_eq!(first.matches("content  src/main.txt").count(), 1, "{first}");
    assert!(runner.read("temp/curl.args").contains("body@.stowaway/why.md"));
    assert!(runner.read("repo/.stowaway/why.md").starts_with("### 2 of 2 steps rerun"));
    let json: serde_json::Value = serde_json::from_str(&runner.read("repo/.stowaway/why.json")).unwrap();
    assert_eq!(json["steps"][0]["causes"][0]["path"], "src/main.txt");
    let second = runner.succeed(&script, &variables);
    assert!(second.contains("all 2 steps are cached"), "nothing changed since the last run: {second}");
}
