//! `check` on the command line: what is told, what is not, and the exit status.

use std::fs;
use std::path::Path;

use serde_json::Value;
use stowaway::check::{Group, RULES};

use crate::support::cli::stowaway_in;
use crate::support::tree;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tree::on_disk("");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

/// The document of `check` with these arguments.
#[track_caller]
fn checked(dir: &Path, arguments: &[&str], code: i32) -> Value {
    let arguments = ["check", "--format", "json"].iter().chain(arguments);
    stowaway_in(dir, arguments).expect_code(code).json().expect("a document")
}

/// The codes of a document's findings.
fn codes(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().expect("findings");
    findings.iter().map(|f| f["code"].as_str().expect("a code")).collect()
}

/// A finding of that code.
#[track_caller]
fn finding<'a>(document: &'a Value, code: &str) -> &'a Value {
    let findings = document["findings"].as_array().expect("findings");
    findings.iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("no {code} in {document:#}"))
}

const UNKNOWN_CODE: &str = "FROM scratch\n# stowaway ignore=link-ignord\nCOPY a.txt /\n";

#[test]
fn a_build_that_works_has_no_findings() {
    let dir = folder(&[("Dockerfile", "FROM scratch\nCOPY a.txt /\n"), ("a.txt", "a")]);
    let document = checked(dir.path(), &[], 0);
    assert_eq!(document["schema"], "stowaway.check/1");
    assert_eq!(codes(&document), [""; 0]);
    assert_eq!(document["builds"][0]["dockerfile"], "Dockerfile");
    let run = stowaway_in(dir.path(), ["check"]).expect_code(0);
    assert_eq!(run.text(), "Dockerfile: nothing found\n");
}

#[test]
fn an_error_makes_the_exit_status_1_and_a_note_only_with_the_threshold() {
    let broken = folder(&[("Dockerfile", "FROM scratch\nCOPPY a /\n")]);
    let document = checked(broken.path(), &[], 1);
    assert_eq!(codes(&document), ["dockerfile-syntax"]);
    assert_eq!(document["counts"]["errors"], 1);
    let odd = folder(&[("Dockerfile", UNKNOWN_CODE), ("a.txt", "a")]);
    assert_eq!(codes(&checked(odd.path(), &[], 0)), ["unknown-ignored-code"]);
    checked(odd.path(), &["--threshold", "warning"], 0);
    let document = checked(odd.path(), &["--threshold", "note"], 1);
    assert_eq!(document["threshold"], "note");
}

#[test]
fn what_plan_reports_as_an_error_has_its_place_and_the_engines_words() {
    let dir = folder(&[("web/Dockerfile", "FROM scratch AS a\nCOPY --from=7 /x /x\n")]);
    let document = checked(dir.path(), &["web"], 1);
    let found = finding(&document, "unknown-stage");
    assert_eq!(found["engine_message"], "invalid stage index 7");
    let label = &found["labels"][0];
    assert_eq!(label["file"], "web/Dockerfile");
    assert_eq!((label["line"].as_u64(), &label["source"][0]), (Some(2), &"COPY --from=7 /x /x".into()));
}

#[test]
fn a_missing_dockerfile_is_a_finding() {
    let dir = folder(&[("docker/api.Dockerfile", "FROM scratch\n")]);
    // Without -f a folder stands for the Dockerfiles in it.
    let document = checked(dir.path(), &["-f", "Dockerfile"], 1);
    let help = &finding(&document, "dockerfile-missing")["help"][0]["message"];
    assert!(help.as_str().is_some_and(|h| h.contains("docker/api.Dockerfile")), "{help}");
}

#[test]
fn a_context_that_is_not_there_is_wrong_use() {
    let dir = folder(&[]);
    stowaway_in(dir.path(), ["check", "nowhere"]).expect_code(2);
    stowaway_in(dir.path(), ["check", "--threshold", "fatal"]).expect_code(2);
}

#[test]
fn a_fix_is_told_because_it_was_tried() {
    let dir = folder(&[("Dockerfile", UNKNOWN_CODE), ("a.txt", "a")]);
    let document = checked(dir.path(), &[], 0);
    let help = &finding(&document, "unknown-ignored-code")["help"][0];
    assert_eq!((&help["tried"], &help["message"]), (&true.into(), &"did you mean `link-ignored`?".into()));
    let edit = &help["fix"]["edits"][0];
    assert_eq!((&edit["line"], &edit["insert"][0]), (&2.into(), &"# stowaway ignore=link-ignored".into()));
    let unlike = UNKNOWN_CODE.replace("link-ignord", "nothing-like-it");
    let dir = folder(&[("Dockerfile", &unlike), ("a.txt", "a")]);
    let document = checked(dir.path(), &[], 0);
    let help = &finding(&document, "unknown-ignored-code")["help"][0];
    assert_eq!((&help["tried"], help.get("fix")), (&false.into(), None));
    assert_eq!(fs::read_to_string(dir.path().join("Dockerfile")).expect("unchanged"), unlike);
}

#[test]
fn a_fix_that_puts_one_line_right_is_told_although_another_is_wrong() {
    let text = "FROM scratch\n# stowaway ignore=link-ignord\nCOPY a.txt /\nCOPY --from=7 /x /x\n";
    let dir = folder(&[("Dockerfile", text), ("a.txt", "a")]);
    let document = checked(dir.path(), &[], 1);
    assert_eq!(finding(&document, "unknown-ignored-code")["help"][0]["tried"], true);
}

#[test]
fn comments_switch_findings_off_and_are_counted() {
    let linked = "COPY --link --chmod=0644 a.txt /\n";
    let with = |head: &str, above: &str| {
        let dir = folder(&[("Dockerfile", &format!("{head}FROM scratch\n{above}{linked}")), ("a.txt", "a")]);
        let document = checked(dir.path(), &[], 0);
        let told = codes(&document).contains(&"link-ignored");
        (told, document["counts"]["suppressed"].as_u64().expect("a number"))
    };
    assert_eq!(with("", ""), (true, 0));
    assert_eq!(with("", "# stowaway ignore=link-ignored because\n").1, 0);
    assert_eq!(with("", "# stowaway ignore=link-ignored # because\n"), (false, 1));
    assert_eq!(with("", "# stowaway ignore=dockerfile-syntax,link-ignored\n"), (false, 1));
    assert_eq!(with("", "# stowaway ignore=dockerfile-syntax\n"), (true, 0));
    assert_eq!(with("# stowaway global ignore=link-ignored\n", ""), (false, 1));
    assert_eq!(with("# stowaway ignore=link-ignored\n", ""), (true, 0), "that is FROM's");
}

#[test]
fn a_comment_in_an_ignore_file_is_read_and_checked() {
    let dir = folder(&[
        ("Dockerfile", "FROM scratch\nCOPY a.txt /\n"),
        ("a.txt", "a"),
        ("x.md", "x"),
        (".dockerignore", "# stowaway ignore=no-such-code\n*.md\n"),
    ]);
    let document = checked(dir.path(), &[], 0);
    let label = &finding(&document, "unknown-ignored-code")["labels"][0];
    assert_eq!((&label["file"], &label["line"]), (&".dockerignore".into(), &1.into()));
}

#[test]
fn the_configuration_sets_severities_and_the_threshold() {
    let configured = |text: &str, code: i32| {
        let dir = folder(&[("Dockerfile", UNKNOWN_CODE), ("a.txt", "a"), (".stowaway.toml", text)]);
        let document = checked(dir.path(), &[], code);
        let severity = document["findings"].get(0).map(|f| f["severity"].as_str().expect("text").to_owned());
        (severity, document["counts"]["suppressed"].as_u64().expect("a number"))
    };
    let severity = |s: &str| format!("[check.severity]\nunknown-ignored-code = \"{s}\"\n");
    assert_eq!(configured(&severity("error"), 1), (Some("error".into()), 0));
    assert_eq!(configured(&severity("warning"), 0), (Some("warning".into()), 0));
    assert_eq!(configured(&severity("off"), 0), (None, 1));
    assert_eq!(configured("[check]\nthreshold = \"note\"\n", 1), (Some("note".into()), 0));
}

#[test]
fn the_repositorys_configuration_counts_for_contexts_in_it() {
    let dir = folder(&[
        ("web/Dockerfile", UNKNOWN_CODE),
        ("web/a.txt", "a"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".stowaway.toml", "[check]\nthreshold = \"note\"\n"),
    ]);
    checked(dir.path(), &["web"], 1);
    fs::write(dir.path().join("other.toml"), "").expect("a file");
    checked(dir.path(), &["web", "--config", "other.toml"], 0);
}

#[test]
fn a_configuration_that_can_t_be_understood_is_told_with_line_and_column() {
    let dir =
        folder(&[("Dockerfile", "FROM scratch\n"), (".stowaway.toml", "[check]\nthreshhold = \"note\"\n")]);
    let run = stowaway_in(dir.path(), ["check"]).expect_code(2);
    assert!(
        run.stderr.contains(".stowaway.toml: line 2, column 1: unknown key `threshhold`"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("did you mean `threshold`?"), "{}", run.stderr);
}

#[test]
fn findings_are_told_as_a_compiler_does() {
    let dir = folder(&[("Dockerfile", "FROM scratch\nCOPPY \u{1b}[31ma /\n")]);
    let run = stowaway_in(dir.path(), ["check"]).expect_code(1);
    let text = run.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "error[dockerfile-syntax]: unknown instruction: COPPY", "{text}");
    assert_eq!(lines[1].trim(), "--> Dockerfile:2:1", "{text}");
    assert!(lines[3].starts_with("2 | COPPY "), "{text}");
    assert_eq!(lines[4].trim(), "| ^^^^^", "{text}");
    assert!(text.contains("= engine: dockerfile parse error on line 2"), "{text}");
    assert!(text.ends_with("Dockerfile: 1 error\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "no escapes, neither own nor the file's");
    let colored = stowaway_in(dir.path(), ["check", "--color", "always"]).expect_code(1);
    assert!(colored.text().contains("\u{1b}[1m"), "{}", colored.text());
}

#[test]
fn every_rule_has_a_page_and_a_code_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for rule in RULES.iter().copied().flatten() {
        assert!(seen.insert(rule.code), "{} stands twice in the table", rule.code);
        assert!(!rule.page.trim().is_empty() && !rule.summary.is_empty(), "{} has no page", rule.code);
        assert!(!rule.summary.ends_with('.'), "{}: a summary has no full stop", rule.code);
    }
}

/// The Dockerfiles of a page: the first one fires, the last one doesn't.
fn examples(page: &str) -> Vec<&str> {
    let open = "```dockerfile\n";
    page.split(open).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn the_examples_of_pages_about_builds_fire_and_those_put_right_do_not() {
    let mut count = 0;
    for rule in RULES.iter().copied().flatten().filter(|r| r.group == Group::Build) {
        let [fires, right] = examples(rule.page)[..] else { continue };
        for (text, expected) in [(fires, true), (right, false)] {
            let dir = folder(&[("Dockerfile", text), ("a.txt", "a")]);
            let run = stowaway_in(dir.path(), ["check", "--format", "json"]);
            let document = run.json().expect("a document");
            let told = codes(&document).contains(&rule.code);
            assert_eq!(told, expected, "{}:\n{text}\n{document:#}", rule.code);
            assert!(expected || run.code == 0, "{} put right fails:\n{text}\n{document:#}", rule.code);
        }
        count += 1;
    }
    assert!(count >= 20, "{count} pages with examples");
}

#[test]
fn every_code_that_plan_gives_has_a_rule() {
    let known = |code: &str| RULES.iter().copied().flatten().any(|r| r.code == code);
    let mut unknown = Vec::new();
    for file in ["src/plan", "src/ops/failures"].iter().flat_map(|f| rust_files(Path::new(f))) {
        let text = fs::read_to_string(&file).expect("source text");
        for (at, start) in text.match_indices("Fail::new(").chain(text.match_indices("code: \"")) {
            let rest = text[at + start.len()..].trim_start().trim_start_matches('"');
            let code: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if rest[code.len()..].starts_with('"') && !known(&code) {
                unknown.push(code);
            }
        }
    }
    assert!(unknown.is_empty(), "codes that no rule has: {unknown:?}");
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(whole).expect("a folder").map(|e| e.expect("an entry").path());
    entries.filter(|p| p.extension().is_some_and(|e| e == "rs") && !p.ends_with("tests.rs")).collect()
}
