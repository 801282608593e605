//! `report`: logs of real builders, joined with plans of the Dockerfiles that they built.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::cli::{self, Run, stowaway_in};
use crate::support::tree;

/// What the recorded builds had in their contexts; of no weight for the join but that nothing is missing.
const APP: &str = r#"
    file  tools/sh       0755 "a static shell"
    file  package.json   0644 "{}"
    file  src/main.txt   0644 "main 1\n"
    file  docs/readme.md 0644 "readme\n"
"#;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/log").join(name)
}

/// A context with a recorded build's Dockerfile.
fn context(dockerfile: &str, files: &str) -> tempfile::TempDir {
    let dir = tree::on_disk(files);
    fs::copy(fixture(dockerfile), dir.path().join("Dockerfile")).expect("a Dockerfile");
    dir
}

fn report(dir: &Path, log: &str, more: &[&str]) -> Run {
    let log = fixture(log);
    let args = ["report", log.to_str().expect("a path")];
    stowaway_in(dir, args.iter().chain(more))
}

fn json(dir: &Path, log: &str, code: i32, more: &[&str]) -> Value {
    let args: Vec<&str> = ["--format", "json"].iter().chain(more).copied().collect();
    report(dir, log, &args).expect_code(code).json().unwrap()
}

/// `LINE OUTCOME first|-` of each step.
fn steps(document: &Value) -> Vec<String> {
    let step = |s: &Value| {
        let first = if s["first_miss"] == true { "first" } else { "-" };
        format!("{} {} {first}", s["line"], s["outcome"].as_str().unwrap())
    };
    document["steps"].as_array().expect("steps").iter().map(step).collect()
}

#[test]
fn a_log_of_either_client_is_joined_with_the_plan() {
    let dir = context("app.Dockerfile", APP);
    for client in ["buildctl", "buildx"] {
        let document = json(dir.path(), &format!("{client}/changed.jsonl"), 0, &[]);
        assert_eq!(document["schema"], "stowaway.report/1");
        let all = [
            "2 cached -",
            "3 cached -",
            "4 cached -",
            "5 cached -",
            "6 ran first",
            "7 ran -",
            "10 cached -",
            "13 ran -",
            "14 ran -",
        ];
        assert_eq!(steps(&document), all, "{client}");
        let summary = &document["summary"];
        assert_eq!(
            (&summary["cached"], &summary["ran"], &summary["failed"]),
            (&5.into(), &4.into(), &0.into())
        );
        let miss = &document["steps"][4];
        assert_eq!(miss["cost_seconds"], summary["missed_seconds"], "everything that ran stands on it");
        assert!(miss["cost_seconds"].as_f64() > miss["seconds"].as_f64(), "{miss}");
        assert_eq!(document["steps"][5]["after"][0], "[build 5/6] COPY src src");
        assert!(
            document["transfers"]
                .as_array()
                .unwrap()
                .iter()
                .any(|t| t["name"] == "[internal] load build context")
        );
        assert!(document["not_planned"].as_array().unwrap().is_empty());
        assert!(document["not_logged"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_failed_build_is_told_with_the_end_of_its_output_and_exits_with_1() {
    let dir = context("fail.Dockerfile", r#"file tools/sh 0755 "a static shell""#);
    for client in ["buildctl", "buildx"] {
        let document = json(dir.path(), &format!("{client}/failed.jsonl"), 1, &[]);
        assert_eq!(document["summary"]["build_failed"], true);
        let failed = document["steps"].as_array().unwrap().iter().find(|s| s["line"] == 7).unwrap();
        assert_eq!(
            (&failed["outcome"], &failed["first_miss"]),
            (&"failed".into(), &true.into()),
            "{document:#}"
        );
        // Both stages begin with the same operation, which the builder shows once.
        assert_eq!(document["steps"].as_array().unwrap().len(), 6);
        assert!(document["not_logged"].as_array().unwrap().is_empty(), "{document:#}");
        assert!(failed["output"].as_str().unwrap().contains("error: nothing fits"));
        let text = report(dir.path(), &format!("{client}/failed.jsonl"), &[]).expect_code(1);
        assert!(text.text().contains("failed: [bad 2/3] RUN echo compiling;"), "{}", text.text());
    }
}

#[test]
fn a_comparison_says_why_a_step_ran() {
    let dir = context("app.Dockerfile", APP);
    let snapshot = tempfile::NamedTempFile::new().unwrap();
    let against = snapshot.path().to_str().unwrap().to_owned();
    stowaway_in(dir.path(), ["snapshot", "-q", "-o", &against]).expect_code(0);
    fs::write(dir.path().join("src/main.txt"), "main 2\n").unwrap();
    let more = ["--against", against.as_str()];
    let document = json(dir.path(), "buildctl/changed.jsonl", 0, &more);
    assert_eq!(document["baseline"]["kind"], "snapshot");
    let copy = &document["steps"][4];
    assert_eq!((&copy["why"]["verdict"], &copy["why"]["first_cause"]), (&"rerun".into(), &true.into()));
    assert_eq!(copy["why"]["causes"][0]["path"], "src/main.txt");
    assert!(document["steps"].as_array().unwrap().iter().all(|s| s["surprise"].is_null()), "{document:#}");
    let text = report(dir.path(), "buildctl/changed.jsonl", &more).expect_code(0);
    assert!(text.text().contains("  content  src/main.txt"), "{}", text.text());
    // All of it ran in the first build, for no reason that this comparison knows.
    let document = json(dir.path(), "buildctl/first.jsonl", 0, &more);
    let first = document["steps"][0]["surprise"].as_str().unwrap();
    assert!(first.contains("the builder did not have the result"), "{first}");
    let wrong = report(dir.path(), "buildctl/first.jsonl", &["--against", "nothing.snap"]).expect_code(2);
    assert!(wrong.stderr.contains("nothing.snap"), "{}", wrong.stderr);
}

#[test]
fn each_platform_has_its_own_steps() {
    let dir = context("multi.Dockerfile", "file a.txt 0644 \"a\"\nfile b.txt 0644 \"b\"");
    let document = json(dir.path(), "buildctl/platforms.jsonl", 0, &["--platform", "linux/amd64"]);
    let platforms: Vec<String> = document["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {}", s["line"], s["platform"].as_str().unwrap()))
        .collect();
    let both = |line: usize| [format!("{line} linux/amd64"), format!("{line} linux/arm64")];
    assert_eq!(platforms, [3, 4, 7, 8].map(both).concat());
    assert!(document["not_planned"].as_array().unwrap().is_empty(), "{document:#}");
    let first: Vec<bool> =
        document["steps"].as_array().unwrap().iter().map(|s| s["first_miss"] == true).collect();
    assert_eq!(&first[..4], [true, true, false, false], "a platform stands on its own steps");
}

#[test]
fn what_named_contexts_transfer_is_told() {
    let dir = context("named.Dockerfile", "file a.txt 0644 \"a\"\nfile extra/e.txt 0644 \"e\"");
    let document = json(dir.path(), "buildx/named.jsonl", 0, &["--build-context", "extra=extra"]);
    let names: Vec<&str> =
        document["transfers"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"[context extra] load from client"), "{names:?}");
    assert!(document["summary"]["transfer_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn steps_of_another_target_are_told_apart() {
    let dir = context("app.Dockerfile", APP);
    let document = json(dir.path(), "buildctl/first.jsonl", 0, &["--target", "build"]);
    assert_eq!(steps(&document).len(), 6);
    let strangers: Vec<&str> =
        document["not_planned"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(strangers.len(), 3, "{strangers:?}");
    assert!(document["notes"][0].as_str().unwrap().contains("not in the plan"));
}

#[test]
fn a_log_that_can_not_be_meant_is_refused() {
    let dir = context("app.Dockerfile", APP);
    let other = context("named.Dockerfile", "file a.txt 0644 \"a\"\nfile extra/e.txt 0644 \"e\"");
    let refused = |run: Run, words: &str| {
        let run = run.expect_code(2);
        assert!(run.stdout.is_empty());
        assert!(run.stderr.contains(words), "{}", run.stderr);
    };
    let named = ["--build-context", "extra=extra"];
    refused(report(other.path(), "buildctl/first.jsonl", &named), "is of another build: none of its 9 steps");
    refused(report(dir.path(), "app.Dockerfile", &[]), "holds no message of a builder");
    refused(report(dir.path(), "nowhere.jsonl", &[]), "reading");
    refused(stowaway_in(dir.path(), ["report", "."]), "reading");
    refused(stowaway_in(dir.path(), ["report", "/dev/null"]), "is empty");
    refused(stowaway_in(dir.path(), ["report", "-", "-f", "-"]), "standard input");
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\nCOPPY a /\n").unwrap();
    refused(report(dir.path(), "buildctl/first.jsonl", &[]), "COPPY");
}

#[test]
fn a_log_can_come_from_standard_input_and_go_to_every_format() {
    let dir = context("app.Dockerfile", APP);
    let markdown = |input: &str| {
        let mut command = cli::command();
        command.current_dir(dir.path()).args(["report", input, "--format", "markdown"]);
        if input == "-" {
            command.stdin(fs::File::open(fixture("buildctl/changed.jsonl")).unwrap());
        }
        cli::run(&mut command).expect_code(0).text().to_owned()
    };
    let file = fixture("buildctl/changed.jsonl");
    assert_eq!(markdown("-"), markdown(file.to_str().unwrap()));
    assert!(markdown("-").starts_with("### 9 steps: 5 cached, 4 ran;"), "{}", markdown("-"));
    let github = report(dir.path(), "buildctl/changed.jsonl", &["--format", "github"]).expect_code(0);
    assert!(
        github.text().starts_with("::warning file=Dockerfile,line=6,endLine=6,title=missed"),
        "{}",
        github.text()
    );
    let refused = report(dir.path(), "buildctl/changed.jsonl", &["--format", "matrix"]).expect_code(2);
    assert!(refused.stderr.contains("human, json, markdown, github"), "{}", refused.stderr);
}

#[test]
fn a_log_cut_short_anywhere_is_still_read() {
    let dir = context("app.Dockerfile", APP);
    let whole = fs::read(fixture("buildctl/changed.jsonl")).unwrap();
    for part in 1..8 {
        let log = dir.path().join("cut.jsonl");
        fs::write(&log, &whole[..whole.len() * part / 8]).unwrap();
        stowaway_in(dir.path(), ["report", "cut.jsonl"]).expect_code(0);
    }
}
