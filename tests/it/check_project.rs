//! `check` on whole projects: everything in a folder in one go, and files that can't be meant.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::cli::{self, Run};
use crate::support::project::OnDisk;

fn check(folder: &Path, args: &[&str]) -> Run {
    let mut command = cli::command();
    command.current_dir(folder).arg("check").args(args);
    for name in ["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "GIT_SHA"] {
        command.env_remove(name);
    }
    cli::run(&mut command)
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

/// Code, file, line, column and message of every finding.
fn findings(run: &Run) -> Vec<(String, String, u64, u64, String)> {
    let json = run.json().expect("JSON");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let of = |f: &Value| {
        let label = &f["labels"][0];
        let number = |name: &str| label[name].as_u64().unwrap_or_default();
        (text(&f["code"]), text(&label["file"]), number("line"), number("column"), text(&f["message"]))
    };
    json["findings"].as_array().expect("findings").iter().map(of).collect()
}

fn codes(run: &Run) -> Vec<String> {
    findings(run).into_iter().map(|f| f.0).collect()
}

#[test]
fn everything_in_alpine_services_is_checked_in_one_go() {
    let disk = OnDisk::new("alpine-services");
    let run = check(&disk.context(), &[".", "--format", "json"]).expect_code(1);
    let json = run.json().expect("JSON");
    let names: Vec<&str> =
        json["builds"].as_array().expect("builds").iter().filter_map(|b| b["dockerfile"].as_str()).collect();
    for entry in fs::read_dir(disk.context().join("dockerfiles")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        assert!(names.contains(&format!("dockerfiles/{name}").as_str()), "{name} is not checked: {names:?}");
    }
    let rows: Vec<[&str; 3]> = json["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|f| f.get("reference"))
        .map(|r| [&r["written"], &r["found"][0], &r["fix"]].map(|v| v.as_str().unwrap_or_default()))
        .collect();
    let moved =
        |name| ["docker/", "dockerfiles/", "dockerfiles/"].map(|f| format!("{f}{name}.staging.Dockerfile"));
    let [backend, auth, frontend] = ["backend", "auth", "frontend"].map(moved);
    let expected =
        [&backend, &auth, &frontend].map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]);
    assert_eq!(rows, [&expected[..], &[["docker/load-tester.Dockerfile", "", ""]]].concat());
    let errors: Vec<&Value> =
        json["findings"].as_array().expect("findings").iter().filter(|f| f["severity"] == "error").collect();
    assert_eq!(errors.len(), 5, "{errors:#?}");
    let hidden = errors.last().expect("an error");
    assert_eq!(hidden["labels"][0]["file"], "dockerfiles/migration.alpine.Dockerfile");
    assert!(hidden["labels"].as_array().is_some_and(|l| l.iter().any(|l| l["file"] == ".dockerignore")));
    let all = run.text();
    assert!(!all.contains("netra:netra") && !all.contains("package*.json"), "{all}");
}

/// The litter that a team lost days to: 15,901 compiled files in 1,101 folders, in a context whose ignore file forgot them.
#[test]
fn the_litter_of_alpine_services_is_told_with_its_counts() {
    let disk = OnDisk::new("alpine-services");
    let context = disk.context();
    for folder in 0..1101 {
        let cache = context.join(format!("netra_backend/app/m{folder}/__pycache__"));
        fs::create_dir_all(&cache).expect("a folder");
        for file in 0..(14 + usize::from(folder < 487)) {
            fs::write(cache.join(format!("f{file}.cpython-312.pyc")), "x").expect("a file");
        }
    }
    let codes_of = || {
        let run = check(&context, &[".", "--format", "json"]).expect_code(1);
        findings(&run).into_iter().filter(|f| f.0.starts_with("context-")).collect::<Vec<_>>()
    };
    let counted = "15,901 `*.pyc` files in 1,101 `__pycache__` folders";
    let told = codes_of();
    assert!(matches!(told.as_slice(), [one] if one.0 == "context-walked-litter" && one.4.contains(counted)));
    let ignore = fs::read_to_string(context.join(".dockerignore")).expect("an ignore file");
    let forgetful = |line: &&str| !line.contains("__pycache__") && !line.contains("pyc");
    let lines: Vec<&str> = ignore.lines().filter(forgetful).collect();
    fs::write(context.join(".dockerignore"), lines.join("\n")).expect("an ignore file");
    let told = codes_of();
    assert!(told.iter().any(|f| f.0 == "context-caches" && f.4.contains(counted)), "{told:#?}");
}

#[test]
fn a_proposed_path_was_tried() {
    let disk = OnDisk::new("alpine-services");
    let run = check(&disk.context(), &["docker-compose.staging.yml", "--format", "json"]).expect_code(1);
    let json = run.json().expect("JSON");
    let first = &json["findings"][0];
    assert_eq!((&first["labels"][0]["line"], &first["labels"][0]["column"]), (&7.into(), &19.into()));
    assert_eq!(first["help"][0]["tried"], true);
    let insert = &first["help"][0]["fix"]["edits"][0]["insert"][0];
    assert_eq!(insert, "      dockerfile: dockerfiles/backend.staging.Dockerfile");
}

#[test]
fn paths_that_lead_nowhere_are_a_table_for_people() {
    let disk = OnDisk::new("alpine-services");
    let run = check(&disk.context(), &["docker-compose.staging.yml"]).expect_code(1);
    let text = run.text();
    let rows: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("build ")).take(5).collect();
    assert_eq!(rows.len(), 5, "{text}");
    assert!(rows[0].contains("referenced as") && rows[0].contains("resolved to"), "{text}");
    assert!(rows[4].starts_with("load-tester") && rows[4].contains("nowhere"), "{text}");
}

#[test]
fn a_folder_with_a_dockerfile_is_a_context_unless_all_is_asked_for() {
    let dir = folder(&[
        ("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n"),
        ("compose.yaml", "services:\n  a:\n    build: ./gone\n"),
    ]);
    assert_eq!(codes(&check(dir.path(), &["--format", "json"]).expect_code(0)), [""; 0]);
    let run = check(dir.path(), &["--all", "--format", "json"]).expect_code(1);
    assert!(codes(&run).contains(&"project-context-missing".to_owned()), "{:?}", codes(&run));
}

#[test]
fn a_dockerfile_is_checked_with_the_context_arguments_and_target_of_its_build() {
    let dir = folder(&[
        (
            "compose.yaml",
            "services:\n  a:\n    build: {context: app, dockerfile: ../docker/a.Dockerfile, target: one, args: {F: x}}\n",
        ),
        ("docker/a.Dockerfile", "FROM scratch AS one\nARG F\nCOPY $F /\nFROM scratch\nCOPY nowhere /\n"),
        ("app/x", "x"),
    ]);
    let run = check(dir.path(), &["--format", "json"]).expect_code(0);
    assert_eq!(run.json().expect("JSON")["builds"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_wrong_with_one_file_or_build_hides_no_other() {
    let dir = folder(&[
        (
            "compose.yaml",
            "services:\n  a:\n    extends: b\n  b:\n    extends: a\n  c:\n    extends: {file: ../../x.yml, service: q}\n  ok:\n    build: .\n",
        ),
        ("docker-compose.broken.yml", "services:\n  a:\n   build: [\n x"),
        ("docker-bake.hcl", "target \"x\" {\n  a = \n}\n"),
        ("Dockerfile", "FROM scratch\nCOPY nothing /\n"),
    ]);
    let run = check(dir.path(), &["--all", "--format", "json"]).expect_code(1);
    let found = findings(&run);
    let of = |code: &str| -> Vec<(&str, u64, u64)> {
        found.iter().filter(|f| f.0 == code).map(|f| (f.1.as_str(), f.2, f.3)).collect()
    };
    assert_eq!(
        of("project-build-invalid"),
        [("compose.yaml", 2, 3), ("compose.yaml", 4, 3), ("compose.yaml", 7, 21)]
    );
    assert_eq!(of("project-file-invalid"), [("docker-bake.hcl", 2, 7), ("docker-compose.broken.yml", 4, 2)]);
    assert!(found.iter().any(|f| f.1 == "Dockerfile" && f.2 == 2), "{found:?}");
}

#[test]
fn a_thousand_services_over_one_context_are_checked() {
    let mut text = "services:\n".to_owned();
    for i in 0..1000 {
        text.push_str(&format!("  s{i}:\n    build: {{context: ., args: {{N: {}}}}}\n", i % 4));
    }
    let dir = folder(&[("compose.yaml", &text), ("Dockerfile", "FROM scratch\nARG N\nCOPY gone /\n")]);
    let run = check(dir.path(), &["compose.yaml", "--format", "json"]).expect_code(1);
    let json = run.json().expect("JSON");
    assert_eq!(json["builds"].as_array().map(Vec::len), Some(1000));
    assert_eq!(json["counts"]["errors"], 1, "told once");
    let of_error = json["findings"].as_array().and_then(|f| f.iter().find(|f| f["severity"] == "error"));
    assert_eq!(of_error.and_then(|f| f["builds"].as_array()).map(Vec::len), Some(1000));
}

#[test]
fn workflows_of_the_folder_are_checked_with_it() {
    let workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - uses: docker/setup-buildx-action@v3\n      - uses: docker/build-push-action@v6\n        with:\n          context: .\n          cache-to: type=gha\n";
    let dir = folder(&[
        (".github/workflows/build.yml", workflow),
        ("Dockerfile", "FROM alpine AS build\nRUN make\nFROM scratch\nCOPY --from=build /x /x\n"),
        (".dockerignore", ".github\n"),
    ]);
    let run = check(dir.path(), &["--format", "json"]).expect_code(0);
    let found = findings(&run);
    let ci: Vec<_> = found
        .iter()
        .filter(|f| f.0.starts_with("ci-"))
        .map(|f| (f.0.as_str(), f.1.as_str(), f.2, f.3))
        .collect();
    assert_eq!(ci, [("ci-cache-mode-min", ".github/workflows/build.yml", 11, 21)]);
    fs::write(
        dir.path().join(".github/workflows/build.yml"),
        workflow.replace("type=gha", "type=gha,mode=max"),
    )
    .expect("a file");
    let run = check(dir.path(), &["--format", "json"]).expect_code(0);
    assert!(!codes(&run).iter().any(|c| c.starts_with("ci-")), "{:?}", codes(&run));
}

#[test]
fn paths_that_are_not_there_and_options_of_one_build_for_several_are_wrong_use() {
    let dir = folder(&[("Dockerfile", "FROM scratch\n")]);
    assert!(check(dir.path(), &["gone"]).expect_code(2).stderr.contains("reading gone: "));
    assert!(check(dir.path(), &[".", "gone"]).expect_code(2).stderr.contains("reading gone: "));
    assert!(check(dir.path(), &[".", ".", "--target", "x"]).expect_code(2).stderr.contains("one build"));
}
