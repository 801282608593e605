//! Where BuildKit does what most people would not expect, `plan` and `ls` say so in words.

use crate::support::cli::{Run, stowaway_in};
use crate::support::tree;

/// Runs `plan` for people in a tree and gives everything that it said.
#[track_caller]
fn said(text: &str, code: i32) -> String {
    let dir = tree::on_disk(text);
    everything(stowaway_in(dir.path(), ["plan"]).expect_code(code))
}

fn everything(run: Run) -> String {
    format!("{}{}", run.text(), run.stderr)
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not said:\n{text}");
    }
}

#[test]
fn a_socket_becomes_an_empty_file() {
    let tree = "file Dockerfile 0644 \"FROM scratch\\nCOPY . /\\n\"\nsock run/app.sock 0755\n";
    assert_says(&said(tree, 0), &["run/app.sock", "socket", "empty"]);
    let dir = tree::on_disk(tree);
    assert_says(&everything(stowaway_in(dir.path(), ["ls"]).expect_code(0)), &["run/app.sock", "empty"]);
}

#[test]
fn a_source_above_the_context_is_clamped_to_it() {
    let there = "file Dockerfile 0644 \"FROM scratch\\nCOPY ../a.txt /\\n\"\nfile a.txt 0644\n";
    assert_says(&said(there, 0), &["../a.txt", "out of the context", "looked up as"]);
    let gone = "file Dockerfile 0644 \"FROM scratch\\nCOPY ../x /\\n\"\n";
    assert_says(&said(gone, 1), &["../x", "outside the context"]);
}

#[test]
fn of_two_sources_below_one_link_only_the_first_is_sent() {
    let text = said(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY ln/b.txt ln/a.txt /o/\\n\"\nfile real/a.txt 0644\nfile real/b.txt 0644\nlink ln -> real\n",
        1,
    );
    assert_says(&text, &["ln/b.txt", "link", "sorts first"]);
}

#[test]
fn a_wildcard_that_the_ignore_file_empties_copies_nothing() {
    let text = said(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY *.md /o/\\n\"\nfile .dockerignore 0644 \"**/*.md\\n\"\nfile a.md 0644\n",
        0,
    );
    assert_says(&text, &["*.md", ".dockerignore", "line 1", "nothing is copied"]);
    let text = said("file Dockerfile 0644 \"FROM scratch\\nCOPY *.rs /o/\\n\"\n", 0);
    assert_says(&text, &["*.rs", "matches nothing"]);
}

#[test]
fn an_empty_ignore_file_of_the_dockerfile_switches_the_general_one_off() {
    let tree = "file Dockerfile 0644 \"FROM scratch\\nCOPY . /\\n\"\nfile Dockerfile.dockerignore 0644\nfile .dockerignore 0644 \"*.log\\n\"\nfile a.log 0644\n";
    assert_says(&said(tree, 0), &["Dockerfile.dockerignore", "empty", ".dockerignore"]);
    let dir = tree::on_disk(tree);
    assert!(everything(stowaway_in(dir.path(), ["ls"]).expect_code(0)).contains("a.log"));
}

#[test]
fn a_name_that_differs_only_in_case_is_found() {
    let text = said("file Dockerfile 0644 \"FROM scratch\\nCOPY Readme.MD /\\n\"\nfile README.md 0644\n", 1);
    assert_says(&text, &["Readme.MD", "README.md", "case"]);
}

#[test]
fn a_missing_source_that_looks_like_another_gets_a_hint() {
    let text = said(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY requirement.txt /\\n\"\nfile requirements.txt 0644\n",
        1,
    );
    assert_says(&text, &["requirement.txt", "did you mean", "requirements.txt"]);
}

#[test]
fn an_ignore_pattern_that_is_malformed_names_file_and_line() {
    let text = said(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY a /\\n\"\nfile a 0644\nfile .dockerignore 0644 \"# x\\na[\\n\"\n",
        1,
    );
    assert_says(&text, &[".dockerignore", "2", "a["]);
}

#[test]
fn a_pattern_that_only_fails_when_it_is_tested_is_an_error_of_the_build() {
    // Go accepts `[~-z]` up front and rejects the expression that it becomes.
    let text = said("file Dockerfile 0644 \"FROM scratch\\nADD [~-z]* /\\n\"\nfile a 0644\n", 1);
    assert_says(&text, &["error from sender: failed to match includepatterns: syntax error in pattern"]);
}

#[test]
fn a_wildcard_below_a_folder_that_the_stage_lacks_fails_whatever_the_base_is() {
    for (first, source) in
        [("", "--from=s /x/*"), ("WORKDIR /q\\n", "--from=s /x/*"), ("WORKDIR /q\\n", "/x/*")]
    {
        let tree = format!(
            "file Dockerfile 0644 \"FROM scratch AS s\\n{first}FROM alpine\\nCOPY {source} /o/\\n\"\n"
        );
        assert_says(&said(&tree, 1), &["lstat /x: no such file or directory"]);
    }
}

#[test]
fn a_user_by_name_on_an_empty_base_fails_whatever_is_copied() {
    let tree = "file Dockerfile 0644 \"FROM alpine AS s\\nRUN make\\nFROM scratch\\nCOPY --from=s --chown=app /out /o/\\n\"\n";
    assert_says(&said(tree, 1), &["invalid user index: -1"]);
}
