//! Recorded builds and what BuildKit's own displays say about them: fixtures/progress.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Display, Message, Plain, PlainOptions, RawJson, TICK, Tty, TtyOptions};

/// A message, and how many nanoseconds after the first moment it came.
#[derive(Deserialize)]
struct Line {
    at: i64,
    status: Message,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/progress")
}

fn builds() -> Vec<(String, Vec<Line>)> {
    let mut paths: Vec<_> =
        fs::read_dir(folder()).expect("fixtures").map(|f| f.expect("a file").path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let lines = |path: &Path| {
        let text = fs::read_to_string(path).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a message")).collect()
    };
    paths.iter().map(|path| (name(path), lines(path))).collect()
}

/// Shows a build as if its messages came now, with the ticks between them.
fn replay(mut display: impl Display, lines: &[Line]) -> Vec<u8> {
    let start: Timestamp = "2000-01-01T00:00:00Z".parse().expect("a moment");
    let (mut out, mut last) = (Vec::new(), start);
    for line in lines {
        let at = start + SignedDuration::from_nanos(line.at);
        last += TICK;
        while last < at {
            out.extend(display.tick(last));
            last += TICK;
        }
        out.extend(display.update(&line.status, at));
        last = at;
    }
    out.extend(display.finish(last));
    out
}

/// Compares with an answer, and shows where they part.
fn judge(name: &str, kind: &str, got: &[u8]) {
    let wanted = fs::read(folder().join(format!("{name}.{kind}"))).expect("an answer");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string().replace("\\n", "\n");
    let (got, wanted) = (text(got), text(&wanted));
    for (i, (got, wanted)) in got.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(got, wanted, "{name}.{kind}, line {}", i + 1);
    }
    assert_eq!(got.lines().count(), wanted.lines().count(), "{name}.{kind}");
}

#[test]
fn plain_lines_are_those_of_buildkit() {
    for (name, lines) in builds() {
        judge(&name, "plain", &replay(Plain::new(PlainOptions::default()), &lines));
    }
}

#[test]
fn a_terminal_shows_what_it_shows_with_buildkit() {
    for (name, lines) in builds() {
        let options = TtyOptions { width: 80, height: 24, ..TtyOptions::default() };
        judge(&name, "tty", &replay(Tty::new(options), &lines));
    }
}

#[test]
fn raw_json_is_written_as_go_writes_it() {
    for (name, lines) in builds() {
        judge(&name, "rawjson", &replay(RawJson::default(), &lines));
    }
}
