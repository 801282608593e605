//! What lies about in a context: `check` tells litter, secrets, odd modes and what was asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::cli::{Run, stowaway_in};
use crate::support::{project, tree};

const PYTHON: &str = r#"
    file  Dockerfile     0644 "FROM scratch\nCOPY requirements.txt /\nCOPY . /app\n"
    file  .dockerignore  0644 "Dockerfile\n.dockerignore\n"
    file  requirements.txt 0644 "flask\n"
    file  app/main.py    0644 "print()"
"#;

fn check(dir: &Path, more: &[&str]) -> Run {
    stowaway_in(dir, ["check", "--format", "json"].iter().chain(more))
}

/// The findings of these codes.
fn found<'a>(document: &'a Value, code: &str) -> Vec<&'a Value> {
    document["findings"].as_array().expect("findings").iter().filter(|f| f["code"] == code).collect()
}

#[test]
fn litter_is_told_with_its_counts_and_the_step_that_takes_it() {
    let dir = tree::on_disk(PYTHON);
    for folder in ["app", "app/views", "lib"] {
        let cache = dir.path().join(folder).join("__pycache__");
        fs::create_dir_all(&cache).expect("a folder");
        for i in 0..400 {
            fs::write(cache.join(format!("m{i}.cpython-312.pyc")), "12345678").expect("a file");
        }
    }
    let document = check(dir.path(), &[]).expect_code(0).json().unwrap();
    let litter = found(&document, "context-caches");
    assert_eq!(litter.len(), 1, "{document:#}");
    let message = litter[0]["message"].as_str().unwrap();
    assert!(message.contains("1,200 `*.pyc` files in 3 `__pycache__` folders, 9.4 KiB"), "{message}");
    assert!(message.ends_with("taken by [2/2] COPY . /app"), "{message}");
    assert_eq!((&litter[0]["severity"], &litter[0]["labels"][0]["line"]), (&"warning".into(), &3.into()));
    fs::write(dir.path().join(".dockerignore"), "**/__pycache__\n").expect("a file");
    let document = check(dir.path(), &[]).expect_code(0).json().unwrap();
    assert_eq!(found(&document, "context-caches").len(), 0, "{document:#}");
}

#[test]
fn a_secret_in_the_image_is_an_error_and_never_printed() {
    let dir = tree::on_disk(PYTHON);
    fs::write(dir.path().join(".env"), "DB_PASSWORD=hunter2hunter\n").expect("a file");
    let run = check(dir.path(), &[]).expect_code(1);
    let document = run.json().unwrap();
    let secret = found(&document, "secret-in-image");
    assert_eq!((secret.len(), &secret[0]["severity"]), (1, &"error".into()), "{document:#}");
    assert_eq!(secret[0]["steps"], serde_json::json!(["[2/2] COPY . /app"]));
    let human = stowaway_in(dir.path(), ["check"]).expect_code(1);
    for text in [run.text(), human.text(), &human.stderr] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    fs::write(dir.path().join(".dockerignore"), ".env\n").expect("a file");
    check(dir.path(), &[]).expect_code(0);
}

#[test]
fn what_is_asked_for_is_an_error_where_it_is_not_so() {
    let dir = tree::on_disk(PYTHON);
    check(dir.path(), &["--max-context", "1MB", "--require", "app/main.py"]).expect_code(0);
    let document = check(dir.path(), &["--max-context", "3B"]).expect_code(1).json().unwrap();
    assert_eq!(found(&document, "context-too-large").len(), 1, "{document:#}");
    let document = check(dir.path(), &["--require", "Dockerfile"]).expect_code(1).json().unwrap();
    let missing = found(&document, "required-path-missing");
    let message = missing[0]["message"].as_str().unwrap();
    assert!(message.contains("`Dockerfile` is required, and is hidden by line 1 of"), "{message}");
}

#[test]
fn modes_of_another_umask_are_told_where_git_says_so() {
    let dir = tree::on_disk(PYTHON);
    let set = |path: &str, mode| {
        fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    set("app/main.py", 0o664);
    let odd = || {
        let document = check(dir.path(), &[]).expect_code(0).json().unwrap();
        found(&document, "odd-modes")
            .iter()
            .map(|f| f["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(odd(), [""; 0], "without git nobody knows what a checkout has");
    for args in [&["init", "-q", "."][..], &["add", "."]] {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(dir.path())
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        assert!(git.status().expect("git starts").success());
    }
    set("app", 0o775);
    let said = odd();
    assert_eq!(said.len(), 1);
    let kinds = "1 0664 here, 0644 there; 1 0775 here, 0755 there";
    assert!(
        said[0].starts_with("1 file and 1 folder have other modes") && said[0].contains(kinds),
        "{}",
        said[0]
    );
    set("app", 0o755);
    set("app/main.py", 0o644);
    assert_eq!(odd(), [""; 0]);
}

#[test]
fn nothing_lies_about_in_the_projects() {
    for one in project::ALL {
        let disk = project::OnDisk::new(one.name);
        for build in one.builds {
            let args = [vec!["check".to_owned(), "--format".into(), "json".into()], disk.options(build, "")]
                .concat();
            let document = stowaway_in(&disk.context(), args).json().expect("JSON");
            let bad = document["findings"]
                .as_array()
                .expect("findings")
                .iter()
                .filter(|f| f["group"] == "context" && f["severity"] != "note");
            assert_eq!(bad.count(), 0, "{} {}: {document:#}", one.name, build.dockerfile);
        }
    }
}
