//! The room as a whole, on files in memory: limits and bad input.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::*;

fn read(files: &[(&str, &str)]) -> Project {
    let all = files.iter().map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec()));
    let memory = MemoryFiles(all.collect());
    match find(&memory, Path::new("."), &BTreeMap::new()).unwrap().expect("files") {
        Found::Bake(paths) => bake(&memory, &paths, &Surroundings::default()),
        Found::Compose(paths) => compose(&memory, &paths, &Surroundings::default()),
        Found::Dockerfile(path) => panic!("only {}", path.display()),
    }
}

fn errors(project: &Project) -> Vec<String> {
    project.errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_thousand_services_are_a_thousand_builds() {
    let mut text = "services:\n".to_owned();
    for i in 0..1000 {
        writeln!(text, "  s{i}:\n    build:\n      context: s{i}\n      args: [\"N=${{N:-{i}}}\"]").unwrap();
    }
    let project = read(&[("compose.yaml", &text)]);
    assert_eq!((project.builds.len(), errors(&project).len()), (1000, 0));
    assert_eq!(project.builds[999].args["N"].value.as_deref(), Some("999"));
}

#[test]
fn services_that_extend_each_other_in_a_long_circle_are_errors_and_hide_no_other() {
    let mut text = "services:\n  fine:\n    build: .\n".to_owned();
    for i in 0..1000 {
        writeln!(text, "  s{i}:\n    build: .\n    extends: s{}", (i + 1) % 1000).unwrap();
    }
    let project = read(&[("compose.yaml", &text)]);
    assert_eq!((project.builds.len(), project.errors.len()), (1, 1000));
    assert!(project.errors.iter().all(|e| e.build.is_some() && e.message.contains("extend each other")));
}

#[test]
fn files_that_include_each_other_or_lie_outside_are_errors_with_their_places() {
    let circle =
        read(&[("compose.yaml", "include: [a.yaml]\n"), ("a.yaml", "include:\n  - path: compose.yaml\n")]);
    assert_eq!(
        errors(&circle),
        ["a.yaml:2:11: files include each other: compose.yaml → a.yaml → compose.yaml"]
    );
    let outside = read(&[("compose.yaml", "include:\n  - ../other/compose.yaml\n")]);
    assert_eq!(
        errors(&outside),
        ["compose.yaml:2:5: ../other/compose.yaml lies outside of ., and is not read"]
    );
}

#[test]
fn functions_and_variables_without_an_end_are_errors_and_hide_no_other() {
    let mut text =
        "variable \"v0\" { default = \"x\" }\nfunction \"f\" {\n  params = [x]\n  result = f(x)\n}\n"
            .to_owned();
    for i in 1..3000 {
        writeln!(text, "variable \"v{i}\" {{ default = v{} }}", i - 1).unwrap();
    }
    text.push_str("target \"endless\" { args = { A = f(\"x\") } }\n");
    text.push_str("target \"much\" { args = { A = join(\"\", [for i in range(1000) : join(\"\", [for j in range(1000) : join(\"\", [for k in range(1000) : k])])]) } }\n");
    text.push_str("target \"fine\" {}\n");
    let project = read(&[("docker-bake.hcl", &text)]);
    let names: Vec<&str> = project.builds.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["fine"]);
    for name in ["endless", "much"] {
        let error = project.errors.iter().find(|e| e.build.as_deref() == Some(name)).expect(name);
        assert!(error.message.contains("too many steps"), "{error}");
    }
}

#[test]
fn what_is_no_text_of_its_kind_is_an_error_with_line_and_column() {
    for (name, text, begins) in [
        ("compose.yaml", "services:\n  a: [\n", "compose.yaml:3:1: this is not YAML"),
        ("docker-bake.hcl", "target \"a\" {\n  args = {\n", "docker-bake.hcl:2:3: this is not HCL"),
        ("docker-bake.json", "{\n  \"target\": }\n", "docker-bake.json:2:13: this is not JSON"),
        (
            "docker-bake.json",
            "{\"target\": {\"a\": {\"args\": {\"X\": \"${\"}}}}",
            "docker-bake.json:1:33: \"${\" is not a template",
        ),
    ] {
        let project = read(&[(name, text)]);
        assert!(project.builds.is_empty());
        assert!(errors(&project)[0].starts_with(begins), "{:?}", errors(&project));
    }
}

#[test]
fn deep_nesting_ends_in_an_error() {
    for (name, open) in [
        ("compose.yaml", "["),
        ("compose.yaml", "- "),
        ("docker-bake.hcl", "a = ["),
        ("docker-bake.json", "{\"a\":"),
    ] {
        let project = read(&[(name, &open.repeat(50_000))]);
        assert_eq!(project.errors.len(), 1, "{name} {open}");
    }
}
