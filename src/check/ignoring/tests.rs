//! Each rule with an ignore file that breaks it and one that doesn't.

use super::super::trial::Trial;
use super::super::{Facts, Failure, Finding, Findings, Severity};
use super::find;

const COPY_ALL: &str = "FROM scratch\nCOPY . /\n";

fn all(files: &[&str], ignore: &str) -> Vec<Finding> {
    Trial { files, ignore, dockerfile: COPY_ALL, ..Trial::default() }.find(find)
}

fn codes(files: &[&str], ignore: &str) -> Vec<&'static str> {
    all(files, ignore).iter().map(|f| f.rule.code).collect()
}

fn one(files: &[&str], ignore: &str) -> Finding {
    let found = all(files, ignore);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

fn fixes(finding: &Finding) -> Vec<(usize, usize, Vec<&str>)> {
    let edits = finding.help.iter().filter_map(|h| h.fix.as_ref()).flat_map(|f| &f.edits);
    edits.map(|e| (e.line, e.remove, e.insert.iter().map(String::as_str).collect())).collect()
}

#[test]
fn a_healthy_file_is_quiet() {
    let ignore = "# comment\n\n.git\n.gitignore\n**/node_modules\n*.log\n.env*\n!.env.example\nDockerfile*\n.dockerignore\n**/__pycache__\n*.py[cod]\ndist/\n";
    assert_eq!(codes(&["src/a.js", "web/node_modules/x", "Dockerfile", ".dockerignore"], ignore), [""; 0]);
}

#[test]
fn an_allowlist_is_quiet() {
    assert_eq!(codes(&["src/a", "go.mod", "x", "src/b/c"], "*\n!src\n!go.mod\nsrc/b\n"), [""; 0]);
    assert_eq!(codes(&["src/a.rs", "x"], "**\n!**/*.rs\n"), [""; 0]);
}

#[test]
fn a_line_that_matches_nothing_is_a_note_unless_everybody_writes_it() {
    let found = one(&["legacy-frontend/a"], "legacy-frontned\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-pattern-dead", Severity::Note));
    assert_eq!((found.labels[0].line, found.labels[0].column), (1, 1));
    assert!(codes(&["a"], "node_modules\n*.log\n.env\n**/cython_debug/\ndata/*.parquet\n").is_empty());
    let found = one(&["a"], "legacy/x\nb\nlegacy/y\nlegacy/z\n");
    assert_eq!(
        (&*found.message, found.labels.len()),
        ("`legacy/x` and 3 more lines match nothing that is there", 3)
    );
}

#[test]
fn another_case_is_told_with_the_right_one() {
    let found = one(&["Assets/raw"], "assets\n");
    assert_eq!(found.rule.code, "ignore-pattern-case");
    assert_eq!(fixes(&found), [(1, 1, vec!["Assets"])]);
    assert!(codes(&["Assets/raw", "README.md"], "Assets\nREADME.md\nreadme.md\n").is_empty());
}

#[test]
fn a_line_that_another_one_makes_needless_is_told_once() {
    let found = one(&["README.md", "a.md"], "*.md\nREADME.md\n");
    assert_eq!(
        (found.rule.code, found.labels[0].line, found.labels[1].line),
        ("ignore-pattern-shadowed", 2, 1)
    );
    assert_eq!(fixes(&found), [(2, 1, vec![])]);
    assert_eq!(codes(&["a", "b"], "a\na\n"), ["ignore-pattern-shadowed"]);
    assert_eq!(codes(&["docs/a", "docs/b"], "docs\ndocs/a\n"), ["ignore-pattern-shadowed"]);
    assert_eq!(codes(&["README.md", "a.md"], "**/*.md\n*.md\n"), ["ignore-pattern-shadowed"]);
    assert!(codes(&["README.md", "a.md", "docs/b"], "*.md\ndocs\n").is_empty());
    // Today all of these lie in such folders; tomorrow they may not.
    assert!(codes(&["t/tests/test_a.py", "b"], "**/tests\n**/test_*.py\n!**/*.keep\n").is_empty());
}

#[test]
fn with_exclusions_a_line_that_hides_again_matters() {
    assert!(codes(&["docs/a", "docs/b"], "docs\n!docs/a\n").is_empty());
    assert!(codes(&["src/a", "src/x/b"], "*\n!src\nsrc/x\n").is_empty());
    assert_eq!(codes(&["src/a", "lib/b"], "*\n!src\nlib\n"), ["ignore-pattern-shadowed"]);
}

#[test]
fn a_name_that_counts_at_the_top_only_is_told_with_numbers() {
    let files = ["node_modules/a", "web/node_modules/b", "api/node_modules/c/d", "api/x"];
    let found = one(&files, "node_modules\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-pattern-root-only", Severity::Warning));
    assert_eq!(
        found.message,
        "`node_modules` matches only the top level; 2 folders of that name are sent, 2 B"
    );
    assert_eq!((found.amount.unwrap().files, found.amount.unwrap().dirs), (2, 3));
    assert_eq!(found.steps, ["[1/1] COPY . /"]);
    assert_eq!(fixes(&found), [(1, 1, vec!["**/node_modules"])]);
    assert_eq!(codes(&["src/a.pyc"], "*.pyc\n"), ["ignore-pattern-root-only"]);
}

#[test]
fn a_name_that_means_the_top_is_quiet() {
    assert!(codes(&["node_modules/a", "web/x"], "node_modules\n").is_empty());
    assert!(codes(&["node_modules/a", "web/node_modules/b"], "/node_modules\n").is_empty());
    assert!(codes(&["README.md", "web/README.md"], "README.md\n").is_empty());
    let found = one(&["web/generated/a"], "generated/\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-pattern-root-only", Severity::Note));
}

#[test]
fn a_negation_that_a_later_line_undoes_is_told_with_that_line() {
    let found = one(&["config/a.yml", "b.yml"], "!config/a.yml\n**/*.yml\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-negation-ineffective", Severity::Warning));
    assert_eq!(found.labels[1].line, 2);
    assert_eq!(fixes(&found), [(1, 1, vec![]), (3, 0, vec!["!config/a.yml"])]);
    assert!(codes(&["config/a.yml", "b.yml"], "**/*.yml\n!config/a.yml\n").is_empty());
}

#[test]
fn a_negation_with_nothing_to_bring_back_is_a_note() {
    let found = one(&["src/a", "b.txt"], "*.txt\n!src\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-negation-ineffective", Severity::Note));
}

#[test]
fn gitignore_and_shell_syntax_is_told() {
    let found = one(&["file1", "filea"], "file[!0-9]\n");
    assert_eq!(found.rule.code, "ignore-git-syntax");
    assert_eq!(fixes(&found), [(1, 1, vec!["file[^0-9]"])]);
    let found = one(&["a.jpg"], "*.{jpg,png}\n");
    assert_eq!(fixes(&found), [(1, 1, vec!["*.jpg", "*.png"])]);
    assert!(codes(&["file1", "filea", "{a,b}"], "file[^0-9]\n{a,b}\n").is_empty());
}

#[test]
fn a_comment_behind_a_pattern_is_part_of_it() {
    let found = one(&["secrets/a"], "secrets/  # never\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-comment", Severity::Warning));
    assert_eq!(fixes(&found), [(1, 1, vec!["# never", "secrets/"])]);
    let found = one(&["a"], "  # indented\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-comment", Severity::Note));
    assert!(codes(&["a#b", "c #d"], "# x\na#b\nc #d\n").is_empty());
}

#[test]
fn what_can_not_be_seen_is_told_once() {
    let found = one(&["a", "b"], "\u{feff}a \r\nb\t\r\n");
    assert_eq!((found.rule.code, found.severity), ("ignore-white-space", Severity::Note));
    assert!(
        found.message.contains("byte order mark, has 2 lines that end in CR LF, has 2 lines"),
        "{}",
        found.message
    );
    assert!(codes(&["a", "b"], "a\nb\n").is_empty());
}

#[test]
fn a_file_that_is_not_read_is_told() {
    let trial = Trial {
        files: &["a"],
        dockerfile: COPY_ALL,
        unread: Some("docker/.dockerignore"),
        ..Trial::default()
    };
    assert_eq!(trial.codes(find), ["ignore-file-not-read"]);
    assert!(Trial { unread: None, ..trial }.codes(find).is_empty());
}

#[test]
fn one_file_in_the_place_of_another_is_a_note_and_an_empty_one_a_warning() {
    let trial = |ignore| {
        let overridden = Some(".dockerignore");
        Trial { files: &["a"], ignore, dockerfile: COPY_ALL, overridden, ..Trial::default() }.codes(find)
    };
    assert_eq!(trial("a\n"), ["ignore-file-overridden"]);
    assert_eq!(trial(" \n"), ["ignore-file-switched-off"]);
}

#[test]
fn nearly_the_name_of_an_ignore_file_counts_only_without_one() {
    assert_eq!(codes(&["dockerignore"], ""), ["ignore-file-misnamed"]);
    assert_eq!(codes(&[".docker-ignore"], ""), ["ignore-file-misnamed"]);
    assert!(codes(&["dockerignore", "a"], "a\n").is_empty());
}

#[test]
fn an_ignore_file_without_its_dockerfile_is_a_note() {
    assert_eq!(
        codes(&["x/Dockerfile.dev.dockerignore", "x/Dockerfile"], ""),
        ["ignore-file-without-dockerfile"]
    );
    assert!(
        codes(&["x/Dockerfile.dockerignore", "x/Dockerfile", ".dockerignore"], "x/Dockerfile\n").is_empty()
    );
}

#[test]
fn a_line_that_can_not_be_read_is_an_error_at_its_place() {
    let failure = Failure {
        file: Some(".dockerignore".into()),
        line: Some(2),
        column: None,
        step: None,
        code: "ignore-file".into(),
        message: "the ignore file can't be used: syntax error in pattern".into(),
        engine_message: "syntax error in pattern".into(),
        hint: None,
        cause: None,
        path: Vec::new(),
    };
    let facts = Facts { failures: vec![failure], ..Facts::default() };
    let mut found = Findings::default();
    find(&facts, &mut found);
    assert_eq!((found.0[0].rule.code, found.0[0].labels[0].line), ("ignore-file", 2));
    assert_eq!(fixes(&found.0[0]), [(2, 1, vec![])]);
}
