//! Bad input gives a clear error with path and reason: no panic, nothing half-written, a clear exit status.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::support::cli::{Run, stowaway_in, without_rights};
use crate::support::{entry, tree};

const COPY_ALL: &str = "file Dockerfile 0644 \"FROM scratch\\nCOPY . /\\n\"\n";

#[track_caller]
fn assert_says(run: &Run, words: &[&str]) {
    let text = format!("{}{}", run.text(), run.stderr);
    for word in words {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "{word:?} is not said:\n{text}");
    }
}

#[test]
fn a_missing_context_is_named() {
    let dir = tree::on_disk("");
    for verb in ["plan", "ls"] {
        let run = stowaway_in(dir.path(), [verb, "nowhere/at-all"]).expect_code(2);
        assert_says(&run, &["nowhere/at-all", "no such file or directory"]);
        assert!(run.stdout.is_empty(), "{}", run.text());
    }
}

#[test]
fn a_context_that_is_a_file_is_named() {
    let dir = tree::on_disk("file f 0644\n");
    let run = stowaway_in(dir.path(), ["plan", "f"]).expect_code(2);
    assert_says(&run, &["reading f", "not a"]);
}

#[test]
fn a_missing_dockerfile_is_named() {
    let dir = tree::on_disk("file a 0644\n");
    let run = stowaway_in(dir.path(), ["plan"]);
    assert!(run.code == 1 || run.code == 2, "exit {}", run.code);
    assert_says(&run, &["Dockerfile", "no such file or directory"]);
    let run = stowaway_in(dir.path(), ["plan", "-f", "docker/app.Dockerfile"]);
    assert!(run.code == 1 || run.code == 2, "exit {}", run.code);
    assert_says(&run, &["docker/app.Dockerfile"]);
    assert!(!run.stderr.contains("panicked"));
}

#[test]
fn an_unreadable_folder_is_named_with_the_reason() {
    let dir = tree::on_disk(&format!("{COPY_ALL}file locked/f 0644\ndir locked 0000\n"));
    let run = without_rights(dir.path(), &["plan"]);
    entry::set_mode(&dir.path().join("locked"), 0o755);
    if let Some(run) = run {
        assert_says(&run.expect_code(2), &["locked", "permission denied"]);
    }
}

#[test]
fn an_unreadable_folder_that_is_ignored_does_no_harm() {
    let dir = tree::on_disk(&format!(
        "{COPY_ALL}file .dockerignore 0644 \"locked\\n\"\nfile locked/f 0644\ndir locked 0000\n"
    ));
    let run = without_rights(dir.path(), &["plan"]);
    entry::set_mode(&dir.path().join("locked"), 0o755);
    if let Some(run) = run {
        run.expect_code(0);
    }
}

#[test]
fn an_unreadable_file_is_never_passed_over_in_silence() {
    let dir = tree::on_disk(&format!("{COPY_ALL}file secret.key 0000 \"key\"\n"));
    if let Some(run) = without_rights(dir.path(), &["plan"]) {
        // The engine gets it empty, and so does the plan.
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.text().contains("`secret.key` can't be opened"), "{}", run.text());
    }
}

#[test]
fn an_unreadable_dockerfile_is_named_with_the_reason() {
    let dir = tree::on_disk("file Dockerfile 0000 \"FROM scratch\\n\"\n");
    if let Some(run) = without_rights(dir.path(), &["plan"]) {
        assert!(run.code == 1 || run.code == 2, "exit {}", run.code);
        assert_says(&run, &["Dockerfile", "permission denied"]);
    }
}

#[test]
fn loops_of_links_end() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY a /\\n\"\nlink a -> b\nlink b -> a\nlink self -> self\nlink up -> .\n",
    );
    let run = stowaway_in(dir.path(), ["plan"]).expect_code(1);
    assert_says(&run, &["Dockerfile:2", "`a`", "links"]);
    stowaway_in(dir.path(), ["ls"]).expect_code(0);
    let whole = tree::on_disk(&format!("{COPY_ALL}link a -> b\nlink b -> a\nlink up -> .\n"));
    stowaway_in(whole.path(), ["plan"]).expect_code(0);
}

#[test]
fn a_dockerfile_that_is_not_text_is_an_error_on_a_line() {
    for bytes in [
        &b"\x7fELF\x02\x01\x01\0\0\0\0\0"[..],
        b"\xff\xfeF\0R\0O\0M\0",
        b"FROM scratch\nCOPY \xff\xfe /\n",
        b"\0\0\0\0",
    ] {
        let dir = tree::on_disk("");
        fs::write(dir.path().join("Dockerfile"), bytes).unwrap();
        let run = stowaway_in(dir.path(), ["plan"]);
        assert!(run.code == 1 || run.code == 2, "{bytes:?}: exit {}\n{}{}", run.code, run.text(), run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert_says(&run, &["Dockerfile"]);
    }
}

#[test]
fn a_line_of_100_mb_is_an_answer_in_seconds() {
    let dir = tree::on_disk("file a 0644\n");
    for (start, fill, end) in [
        ("FROM scratch\nCOPY ", "a", " /\n"),
        ("FROM scratch\nENV A=", "x", "\nCOPY a /\n"),
        ("# ", "c", "\nFROM scratch\nCOPY a /\n"),
    ] {
        let text = format!("{start}{}{end}", fill.repeat(100 << 20));
        fs::write(dir.path().join("Dockerfile"), text).unwrap();
        let begin = Instant::now();
        let run = stowaway_in(dir.path(), ["plan", "--format", "json"]);
        assert!(matches!(run.code, 0..=2), "exit {}: {}", run.code, &run.stderr[..run.stderr.len().min(500)]);
        assert!(!run.stderr.contains("panicked"));
        assert!(begin.elapsed().as_secs() < 30, "it took {:?}", begin.elapsed());
    }
}

#[test]
fn ten_thousand_copy_lines_are_planned_in_seconds() {
    let dir = tree::on_disk("file a 0644 \"x\"\n");
    let lines: String = (0..10_000).map(|i| format!("COPY a /{i}/\n")).collect();
    fs::write(dir.path().join("Dockerfile"), format!("FROM scratch\n{lines}")).unwrap();
    let begin = Instant::now();
    let doc = stowaway_in(dir.path(), ["plan", "--format", "json"]).expect_code(0).json().unwrap();
    assert_eq!(doc["steps"].as_array().unwrap().len(), 10_000);
    assert!(begin.elapsed().as_secs() < 60, "it took {:?}", begin.elapsed());
}

#[test]
fn a_deep_tree_does_not_exhaust_the_stack() {
    let dir = tree::on_disk(COPY_ALL);
    let mut path = dir.path().to_path_buf();
    // Close to the longest path that the system takes at once.
    for _ in 0..1900 {
        path.push("d");
    }
    fs::create_dir_all(&path).unwrap();
    let doc = stowaway_in(dir.path(), ["plan", "--format", "json"]).expect_code(0).json().unwrap();
    assert_eq!(doc["context"]["dirs"], 1900);
}

#[test]
fn an_ignore_file_with_a_line_too_long_fails_as_the_engine_does() {
    let dir = tree::on_disk(&format!("{COPY_ALL}file .dockerignore 0644 \"x\" * 70000\n"));
    let run = stowaway_in(dir.path(), ["plan"]);
    assert!(run.code == 1 || run.code == 2, "exit {}", run.code);
    assert_says(&run, &[".dockerignore"]);
}

#[test]
fn files_that_change_and_vanish_while_they_are_read_never_give_a_panic() {
    let dir = tree::on_disk(COPY_ALL);
    let root = dir.path().to_path_buf();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| churn(&root, &stop));
        for _ in 0..20 {
            let run = stowaway_in(&root, ["plan", "--format", "json"]);
            assert!(matches!(run.code, 0..=2), "exit {}: {}", run.code, run.stderr);
            assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
            // Either a whole document, or a reason with a path.
            if run.code == 2 {
                assert!(run.stdout.is_empty() && run.stderr.contains("churn-"), "{}", run.stderr);
            } else {
                run.json().unwrap();
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// Writes, shortens, lengthens and deletes files until it is stopped.
fn churn(root: &Path, stop: &std::sync::atomic::AtomicBool) {
    for i in 0.. {
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
        let file = root.join(format!("churn-{}", i % 50));
        let folder = root.join(format!("churn-dir-{}", i % 7));
        let _ = match i % 4 {
            0 => fs::write(&file, vec![b'x'; (i * 7919) % 200_000]),
            1 => fs::remove_file(root.join(format!("churn-{}", (i + 25) % 50))),
            2 => fs::create_dir(&folder).and_then(|()| fs::write(folder.join("f"), "y")),
            _ => fs::remove_dir_all(root.join(format!("churn-dir-{}", (i + 3) % 7))),
        };
    }
}
