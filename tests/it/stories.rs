//! Three stories that people lost days to, told through the command line from one end to the other.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::cli::{Run, stowaway_in};
use crate::support::layout::base_image;
use crate::support::{entry, tree};

const PYTHON: &str = r#"
file  Dockerfile         0644  "FROM python:3.12-alpine\nWORKDIR /srv\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nRUN python -m compileall .\n"
file  requirements.txt   0644  "flask\n"
dir   app                0755
file  app/__init__.py    0644  ""
file  app/main.py        0644  "print(1)\n"
dir   app/views          0755
file  app/views/home.py  0644  "HOME = 1\n"
"#;

/// What `why` answers in JSON.
fn why(context: &Path, baseline: &Path, more: &[&str]) -> Value {
    let baseline = baseline.display().to_string();
    let arguments = ["why", "--format", "json", "--against", &baseline];
    stowaway_in(context, arguments.iter().chain(more)).expect_code(0).json().expect("a document")
}

fn human(context: &Path, baseline: &Path) -> Run {
    stowaway_in(context, ["why", "--against", &baseline.display().to_string()]).expect_code(0)
}

fn snapshot(context: &Path, file: &Path, more: &[&str]) {
    let file = file.display().to_string();
    stowaway_in(context, ["snapshot", "-q", "-o", &file].iter().chain(more)).expect_code(0);
}

/// The step of a line of the Dockerfile.
fn step(document: &Value, line: u64) -> &Value {
    let steps = document["steps"].as_array().expect("steps");
    steps.iter().find(|s| s["line"] == line).unwrap_or_else(|| panic!("no step on line {line}: {document:#}"))
}

fn paths(step: &Value) -> Vec<&str> {
    step["causes"].as_array().into_iter().flatten().filter_map(|c| c["path"].as_str()).collect()
}

#[test]
fn a_python_service_misses_because_of_pycache() {
    let context = tree::on_disk(PYTHON);
    let outside = tempfile::tempdir().expect("a temporary folder");
    let baseline = outside.path().join("base.snap");
    snapshot(context.path(), &baseline, &[]);
    for folder in ["app", "app/views"] {
        let cache = context.path().join(folder).join("__pycache__");
        fs::create_dir(&cache).expect("a folder");
        entry::set_mode(&cache, 0o755);
        for name in ["main", "home", "init"] {
            fs::write(cache.join(format!("{name}.cpython-312.pyc")), "bytecode").expect("a file");
        }
    }
    let document = why(context.path(), &baseline, &[]);
    let copy = step(&document, 5);
    assert_eq!((&copy["verdict"], &copy["first_cause"]), (&"rerun".into(), &true.into()), "{copy:#}");
    assert_eq!(paths(copy).len(), 8, "{copy:#}");
    assert!(paths(copy).iter().all(|p| p.contains("__pycache__")), "{copy:#}");
    assert_eq!(step(&document, 6)["verdict"], "rerun");
    // Nothing that stands before it is to blame.
    assert_eq!(step(&document, 4)["likely"], "cached", "{document:#}");
    let hints = document["hints"].to_string();
    assert!(hints.contains("**/__pycache__") && hints.contains("\"checked\":true"), "{hints}");
    let text = human(context.path(), &baseline);
    assert!(text.text().contains("__pycache__") && text.text().contains(".dockerignore"), "{}", text.text());
    // The hint is true: with the line on both sides nothing differs.
    fs::write(context.path().join(".dockerignore"), "**/__pycache__\n.dockerignore\n").expect("a file");
    assert_eq!(step(&why(context.path(), &baseline, &[]), 5)["likely"], "cached");
}

#[test]
fn one_commit_on_two_machines_with_other_umasks() {
    let (here, there) = (tree::on_disk(PYTHON), tree::on_disk(PYTHON));
    let outside = tempfile::tempdir().expect("a temporary folder");
    let baseline = outside.path().join("base.snap");
    snapshot(there.path(), &baseline, &[]);
    for (path, mode) in [
        ("Dockerfile", 0o664),
        ("requirements.txt", 0o664),
        ("app", 0o775),
        ("app/__init__.py", 0o664),
        ("app/main.py", 0o664),
        ("app/views", 0o775),
        ("app/views/home.py", 0o664),
    ] {
        entry::set_mode(&here.path().join(path), mode);
    }
    let document = why(here.path(), &baseline, &[]);
    let copy = step(&document, 5);
    assert_eq!(copy["verdict"], "rerun", "{copy:#}");
    let kinds: Vec<&Value> = copy["causes"]
        .as_array()
        .expect("causes")
        .iter()
        .filter(|c| c["path"].is_string())
        .map(|c| &c["kind"])
        .collect();
    assert!(kinds.len() == 7 && kinds.iter().all(|k| *k == "mode"), "{copy:#}");
    let folded = copy["folded"].to_string();
    assert!(folded.contains("0002") && folded.contains("differ only in mode"), "{folded}");
    assert_eq!(paths(step(&document, 3)), ["requirements.txt"]);
    assert!(human(here.path(), &baseline).text().contains("umask"), "people are told of the umask");
}

#[test]
fn a_base_image_that_moved() {
    let context = tree::on_disk(PYTHON);
    let outside = tempfile::tempdir().expect("a temporary folder");
    let baseline = outside.path().join("base.snap");
    let base = |name: &str| {
        let layout = base_image(&outside.path().join(name), name);
        format!("python:3.12-alpine={}", layout.dir.display())
    };
    let (old, new) = (base("old"), base("new"));
    snapshot(context.path(), &baseline, &["--base", &old]);
    let same = why(context.path(), &baseline, &["--base", &old]);
    assert_eq!(same["summary"]["rerun"], 0, "{same:#}");
    assert_eq!(same["summary"]["unknown"], 0, "{same:#}");
    let document = why(context.path(), &baseline, &["--base", &new]);
    let from = step(&document, 1);
    assert_eq!((&from["verdict"], &from["causes"][0]["kind"]), (&"rerun".into(), &"base".into()), "{from:#}");
    let next = step(&document, 2);
    assert_eq!(
        (&next["verdict"], &next["causes"][0]["kind"]),
        (&"rerun".into(), &"parent".into()),
        "{next:#}"
    );
    assert_eq!(document["summary"]["cached"], 0, "{document:#}");
}
