//! `affected`, on repositories made by git itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::cli::{self, Run};

/// A repository in a temporary folder.
struct Repo(tempfile::TempDir);

impl Repo {
    /// A repository with these files in one commit, tagged `base`.
    fn new(files: &[(&str, &str)]) -> Self {
        let repo = Self(tempfile::tempdir().expect("a temporary folder"));
        repo.git(&["init", "-q", "-b", "main", "."]);
        repo.write(files).commit("base");
        repo.git(&["tag", "base"]);
        repo
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(identity).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let output = command.output().expect("git");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, files: &[(&str, &str)]) -> &Self {
        for (name, text) in files {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        self
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = cli::command();
        command.current_dir(self.path()).args(["affected", "--base", "base"]).args(args);
        for name in ["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "TAG", "VERSION"] {
            command.env_remove(name);
        }
        cli::run(&mut command)
    }

    /// The names of affected builds.
    #[track_caller]
    fn names(&self, args: &[&str]) -> Vec<String> {
        let run = self.run(&[&["--format", "names"], args].concat()).expect_code(0);
        run.text().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        self.run(&[&["--format", "json"], args].concat()).expect_code(0).json().expect("a document")
    }
}

fn build<'a>(doc: &'a Value, name: &str) -> &'a Value {
    let builds = doc["builds"].as_array().expect("builds");
    builds.iter().find(|b| b["name"] == name).unwrap_or_else(|| panic!("no build {name} in {doc}"))
}

fn reasons(build: &Value) -> Vec<&str> {
    build["reasons"].as_array().expect("reasons").iter().map(|r| r["text"].as_str().expect("text")).collect()
}

const DOCKERFILE: &str = "FROM alpine:3.20\n# install\nCOPY . /app\nRUN make\nCMD [\"run\"]\n";

/// Three services; `web` stands on `api`.
fn services() -> Repo {
    Repo::new(&[
        (
            "compose.yaml",
            "services:\n  api:\n    build: services/api\n  web:\n    build:\n      context: services/web\n      additional_contexts:\n        api: service:api\n      args:\n        VERSION: ${VERSION:-1}\n  worker:\n    build:\n      context: services/worker\n      args: {LEVEL: info}\n  redis:\n    image: redis:7\n",
        ),
        ("services/api/Dockerfile", DOCKERFILE),
        ("services/api/main.py", "print('api')\n"),
        ("services/api/.dockerignore", "docs\n"),
        ("services/api/docs/readme.md", "hello\n"),
        ("services/web/Dockerfile", "FROM api\nARG VERSION\nCOPY . /web\nRUN echo $VERSION\n"),
        ("services/web/index.html", "<html>\n"),
        ("services/worker/Dockerfile", "FROM alpine:3.20\nARG LEVEL\nCOPY . /w\nRUN echo $LEVEL\n"),
        ("services/worker/main.py", "print('worker')\n"),
        ("README.md", "hello\n"),
    ])
}

#[test]
fn nothing_is_affected_when_nothing_changed() {
    let repo = services();
    assert!(repo.names(&[]).is_empty());
    assert_eq!(repo.run(&["--format", "matrix"]).expect_code(0).text(), "{\"include\":[]}\n");
}

#[test]
fn what_no_build_sees_touches_nothing() {
    let repo = services();
    repo.write(&[("README.md", "other\n"), ("services/api/docs/readme.md", "other\n")]).commit("docs");
    assert!(repo.names(&[]).is_empty());
    assert!(repo.names(&["--head", "HEAD"]).is_empty());
}

#[test]
fn a_change_touches_the_build_that_sees_it_and_those_that_stand_on_it() {
    let repo = services();
    repo.write(&[("services/api/main.py", "print('API')\n"), ("services/api/new.py", "\n")]);
    for args in [&[][..], &["compose.yaml"], &["."]] {
        assert_eq!(repo.names(args), ["api", "web"], "{args:?}");
    }
    let doc = repo.json(&[]);
    assert_eq!(doc["schema"], "stowaway.affected/1");
    assert_eq!(doc["summary"], serde_json::json!({"affected": 2, "unaffected": 1, "gone": 0}));
    let api = build(&doc, "api");
    assert_eq!(api["change"], "changed");
    let causes = api["reasons"][0]["causes"].as_array().expect("causes");
    let mut causes: Vec<(&str, &str)> =
        causes.iter().map(|c| (c["kind"].as_str().unwrap(), c["path"].as_str().unwrap())).collect();
    causes.sort_unstable();
    assert_eq!(causes, [("added", "new.py"), ("content", "main.py")]);
    assert_eq!(api["reasons"][0]["line"], 3);
    assert_eq!(reasons(build(&doc, "web")), ["it stands on api"]);
    repo.commit("api");
    assert_eq!(repo.names(&["--head", "main"]), ["api", "web"]);
    assert!(repo.json(&["--head", "main"])["head"]["revision"].as_str().is_some_and(|r| r.len() == 40));
}

#[test]
fn a_comment_in_a_dockerfile_touches_nothing_and_a_command_does() {
    let repo = services();
    let comment = DOCKERFILE.replace("# install", "# install all of it");
    // The Dockerfile itself is in the context, and is taken by the copy unless it is hidden.
    repo.write(&[("services/api/.dockerignore", "docs\nDockerfile\n.dockerignore\n")]).commit("hide");
    repo.git(&["tag", "-f", "base"]);
    repo.write(&[("services/api/Dockerfile", &comment)]);
    assert!(repo.names(&[]).is_empty());
    repo.write(&[("services/api/Dockerfile", &comment.replace("\"run\"", "\"serve\""))]);
    assert_eq!(repo.names(&[]), ["api", "web"]);
    let doc = repo.json(&[]);
    assert_eq!(build(&doc, "api")["reasons"][0]["kind"], "image");
    repo.write(&[("services/api/Dockerfile", &comment.replace("make", "make all"))]);
    let doc = repo.json(&[]);
    assert_eq!(build(&doc, "api")["reasons"][0]["line"], 4);
}

#[test]
fn a_changed_argument_touches_the_build_that_uses_it() {
    let repo = services();
    let compose = fs::read_to_string(repo.path().join("compose.yaml")).unwrap();
    repo.write(&[("compose.yaml", &compose.replace("LEVEL: info", "LEVEL: debug"))]);
    assert_eq!(repo.names(&[]), ["worker"]);
    // Other lines, order and arguments that nothing uses change nothing.
    repo.write(&[(
        "compose.yaml",
        &format!("# services\n{}", compose.replace("LEVEL: info", "LEVEL: info, UNUSED: 1")),
    )]);
    assert!(repo.names(&[]).is_empty());
}

#[test]
fn a_file_of_variables_that_git_does_not_keep_is_the_same_in_both_states() {
    let repo = services();
    repo.write(&[(".gitignore", ".env\n")]).commit("ignore");
    repo.git(&["tag", "-f", "base"]);
    repo.write(&[(".env", "VERSION=2\n")]);
    assert!(repo.names(&[]).is_empty());
    repo.git(&["add", "-f", ".env"]);
    repo.commit("keep it");
    assert_eq!(repo.names(&[]), ["web"]);
}

#[test]
fn builds_come_and_go() {
    let repo = services();
    let compose = fs::read_to_string(repo.path().join("compose.yaml")).unwrap();
    let other = compose.replace("  worker:", "  batch:").replace("services/worker", "services/batch");
    repo.write(&[("compose.yaml", &other), ("services/batch/Dockerfile", DOCKERFILE)]);
    let doc = repo.json(&[]);
    assert_eq!(
        (&build(&doc, "batch")["change"], &build(&doc, "batch")["affected"]),
        (&"new".into(), &true.into())
    );
    assert_eq!(
        (&build(&doc, "worker")["change"], &build(&doc, "worker")["affected"]),
        (&"gone".into(), &false.into())
    );
    assert_eq!(repo.names(&[]), ["batch"]);
}

#[test]
fn a_build_that_cannot_be_planned_counts_as_affected_and_hides_no_other() {
    let repo = services();
    let compose = fs::read_to_string(repo.path().join("compose.yaml")).unwrap();
    repo.write(&[("compose.yaml", &compose.replace("LEVEL: info", "LEVEL: \"${LEVEL:?set it}\""))]);
    let doc = repo.json(&[]);
    assert_eq!(repo.names(&[]), ["worker"]);
    assert_eq!(build(&doc, "worker")["change"], "unknown");
    assert!(reasons(build(&doc, "worker"))[0].contains("set it"), "{doc}");
    repo.write(&[("compose.yaml", &compose), ("services/worker/Dockerfile", "FROM scratch\nCOPY nope /\n")]);
    assert_eq!(repo.names(&[]), ["worker"]);
    repo.write(&[("compose.yaml", "services: [\n")]);
    assert_eq!(repo.names(&[]), ["api", "web", "worker"]);
    let run = repo.run(&[]).expect_code(0);
    assert!(run.text().contains("this is not YAML"), "{}", run.text());
    repo.write(&[("new/compose.yaml", "services: [\n")]);
    let run = repo.run(&["new/compose.yaml"]).expect_code(2);
    assert!(run.stderr.contains("new/compose.yaml:2:1: this is not YAML"), "{}", run.stderr);
}

#[test]
fn a_bake_file_with_a_matrix_is_taken_apart() {
    let bake = "variable \"TAG\" { default = \"1\" }\n\
        group \"default\" { targets = [\"app\", \"site\"] }\n\
        target \"_base\" { args = { TAG = TAG } }\n\
        target \"app\" {\n  inherits = [\"_base\"]\n  name = \"app-${item.name}\"\n  matrix = { item = [{ name = \"a\", dir = \"apps/a\" }, { name = \"b\", dir = \"apps/b\" }] }\n  context = item.dir\n}\n\
        target \"site\" {\n  context = \"site\"\n  contexts = { app = \"target:app-a\" }\n  target = \"out\"\n}\n";
    let repo = Repo::new(&[
        ("docker-bake.hcl", bake),
        ("apps/a/Dockerfile", "FROM scratch\nCOPY a.txt /\n"),
        ("apps/a/a.txt", "a\n"),
        ("apps/b/Dockerfile", "FROM alpine\nARG TAG\nRUN echo $TAG\n"),
        ("site/Dockerfile", "FROM scratch AS out\nCOPY --from=app / /\nFROM scratch\n"),
    ]);
    assert!(repo.names(&[]).is_empty());
    repo.write(&[("apps/a/a.txt", "b\n")]);
    assert_eq!(repo.names(&[]), ["app-a", "site"]);
    let matrix = repo.run(&["--format", "matrix"]).expect_code(0);
    assert_eq!(matrix.text().lines().count(), 1);
    assert_eq!(
        matrix.json().unwrap(),
        serde_json::json!({"include": [
            {"name": "app-a", "context": "apps/a", "dockerfile": "apps/a/Dockerfile", "target": ""},
            {"name": "site", "context": "site", "dockerfile": "site/Dockerfile", "target": "out"},
        ]})
    );
    repo.write(&[("apps/a/a.txt", "a\n"), ("docker-bake.hcl", &bake.replace("\"1\"", "\"2\""))]);
    assert_eq!(repo.names(&["docker-bake.hcl"]), ["app-b"]);
    repo.write(&[(
        "docker-bake.hcl",
        &bake.replace("site\"\n  contexts", "site\"\n  labels = { x = \"1\" }\n  contexts"),
    )]);
    assert_eq!(reasons(build(&repo.json(&[]), "site")), ["label x is new"]);
}

#[test]
fn dockerfiles_and_folders_can_be_listed() {
    let repo = Repo::new(&[
        ("a/Dockerfile", "FROM scratch\nCOPY a.txt /\n"),
        ("a/a.txt", "a\n"),
        ("b/Prod.Dockerfile", "FROM scratch\nCOPY b.txt /\n"),
        ("b/b.txt", "b\n"),
        ("b.txt", "top\n"),
    ]);
    repo.write(&[("a/a.txt", "b\n")]);
    assert_eq!(repo.names(&["a", "b/Prod.Dockerfile"]), ["a"]);
    repo.write(&[("b.txt", "other\n")]);
    assert_eq!(repo.names(&["b/Prod.Dockerfile", "a/"]), ["a"]);
    assert_eq!(repo.names(&["-C", ".", "b/Prod.Dockerfile"]), ["b/Prod.Dockerfile"]);
}

#[test]
fn the_answer_is_the_same_from_a_folder_below() {
    let repo = services();
    repo.write(&[("services/api/main.py", "other\n")]);
    let mut command = cli::command();
    command.current_dir(repo.path().join("services")).args([
        "affected",
        "--base",
        "base",
        "--format",
        "names",
        "../compose.yaml",
    ]);
    assert_eq!(cli::run(&mut command).expect_code(0).text(), "api\nweb\n");
}

#[test]
fn people_and_pull_requests_get_words() {
    let repo = services();
    repo.write(&[("services/api/main.py", "other\n")]);
    let human = repo.run(&[]).expect_code(0);
    for words in
        ["2 of 3 builds are affected", "api", "content main.py", "it stands on api", "not affected: worker"]
    {
        assert!(human.text().contains(words), "{words} in:\n{}", human.text());
    }
    let markdown = repo.run(&["--format", "markdown"]).expect_code(0);
    for words in ["### 2 of 3 builds", "| `api` |", "Not affected: `worker`"] {
        assert!(markdown.text().contains(words), "{words} in:\n{}", markdown.text());
    }
}

#[test]
fn wrong_use_has_exit_status_2_and_says_what_to_do() {
    let repo = services();
    let missing = repo.run(&["nowhere.yaml"]).expect_code(2);
    assert!(missing.stderr.contains("nowhere.yaml"), "{}", missing.stderr);
    let mut command = cli::command();
    command.current_dir(repo.path()).args(["affected", "--base", "no-such-revision"]);
    let run = cli::run(&mut command).expect_code(2);
    assert!(run.stderr.contains("no-such-revision"), "{}", run.stderr);
    let folder = tempfile::tempdir().unwrap();
    let mut command = cli::command();
    command.current_dir(folder.path()).args(["affected", "--base", "main"]);
    command.env("GIT_CEILING_DIRECTORIES", folder.path());
    cli::run(&mut command).expect_code(2);
    fs::remove_file(repo.path().join("compose.yaml")).unwrap();
    let gone = repo.json(&[]);
    assert_eq!(gone["summary"]["gone"], 3);
}
