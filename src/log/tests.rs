//! Logs of real builders, and logs that nobody would write.

use std::fmt::Write as _;
use std::path::Path;

use super::*;

fn recorded(name: &str) -> BuildLog {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/log").join(name);
    read(std::io::BufReader::new(std::fs::File::open(path).unwrap())).unwrap()
}

/// Every vertex in a line, without what differs from run to run.
fn shown(log: &BuildLog) -> String {
    let mut out = String::new();
    for v in &log.vertices {
        let error = v.error.as_deref().map_or_else(String::new, |e| format!(" ! {e}"));
        writeln!(out, "{:<8} {}{error}", format!("{:?}", v.outcome), v.name).unwrap();
    }
    out
}

fn text(lines: &[&str]) -> BuildLog {
    read(lines.join("\n").as_bytes()).unwrap()
}

fn vertex(fields: &str) -> String {
    format!(r#"{{"vertexes":[{{"digest":"sha256:a","name":"[1/1] RUN x"{fields}}}]}}"#)
}

#[test]
fn a_first_build_runs_every_step() {
    insta::assert_snapshot!(shown(&recorded("buildctl/first.jsonl")), @r#"
    Ran      [internal] load build definition from Dockerfile
    Ran      [internal] load .dockerignore
    Ran      [stage-2 2/2] COPY --from=docs /docs /docs
    Ran      [docs 1/1] COPY docs /docs
    Ran      [stage-2 1/2] COPY --from=build /app/out.txt /
    Ran      [build 6/6] RUN cp src/main.txt out.txt; echo built
    Ran      [build 5/6] COPY src src
    Ran      [build 4/6] RUN mkdir modules; echo installed > modules/list; echo installed
    Ran      [build 3/6] COPY package.json .
    Ran      [build 2/6] WORKDIR /app
    Ran      [build 1/6] COPY tools/sh /bin/sh
    Ran      [internal] load build context
    "#);
}

#[test]
fn a_changed_file_reruns_what_stands_on_it() {
    insta::assert_snapshot!(shown(&recorded("buildctl/changed.jsonl")), @r#"
    Ran      [internal] load build definition from Dockerfile
    Ran      [internal] load .dockerignore
    Ran      [stage-2 2/2] COPY --from=docs /docs /docs
    Cached   [docs 1/1] COPY docs /docs
    Ran      [stage-2 1/2] COPY --from=build /app/out.txt /
    Ran      [build 6/6] RUN cp src/main.txt out.txt; echo built
    Ran      [build 5/6] COPY src src
    Cached   [build 4/6] RUN mkdir modules; echo installed > modules/list; echo installed
    Cached   [build 3/6] COPY package.json .
    Cached   [build 2/6] WORKDIR /app
    Cached   [build 1/6] COPY tools/sh /bin/sh
    Ran      [internal] load build context
    "#);
}

#[test]
fn buildx_says_the_same_as_buildctl() {
    let steps = |name| {
        let log = recorded(name);
        let steps = log.vertices.iter().filter(|v| StepName::parse(&v.name).is_some());
        let mut steps: Vec<_> = steps.map(|v| (v.name.clone(), v.outcome)).collect();
        steps.sort();
        steps
    };
    assert_eq!(steps("buildx/changed.jsonl"), steps("buildctl/changed.jsonl"));
    assert_eq!(steps("buildx/changed.jsonl").len(), 9);
    assert!(steps("buildx/again.jsonl").iter().all(|(_, outcome)| *outcome == Outcome::Cached));
}

#[test]
fn a_failed_step_has_its_error_and_the_end_of_what_it_printed() {
    for name in ["buildctl/failed.jsonl", "buildx/failed.jsonl"] {
        let log = recorded(name);
        let failed: Vec<&Vertex> = log.vertices.iter().filter(|v| v.outcome == Outcome::Failed).collect();
        let [failed] = failed[..] else { panic!("{failed:?}") };
        assert_eq!(failed.name, r#"[bad 2/3] RUN echo compiling; echo "error: nothing fits"; fail"#);
        assert!(failed.error.as_deref().unwrap().ends_with("exit code: 1"));
        let tail = String::from_utf8_lossy(&failed.tail);
        assert!(tail.contains("error: nothing fits"), "{tail}");
        assert_eq!(log.others, 9, "{name}: the client's own lines");
        let waiting = log.vertices.iter().filter(|v| v.outcome == Outcome::Waiting).count();
        assert!(waiting >= 2, "{name}: {}", shown(&log));
    }
}

#[test]
fn transfers_are_counted_in_bytes() {
    let log = recorded("buildctl/first.jsonl");
    let context = log.vertices.iter().find(|v| v.name == "[internal] load build context").unwrap();
    assert!(context.bytes > 40_000 && context.bytes < 60_000, "{}", context.bytes);
    assert!(!context.duration.is_zero());
}

#[test]
fn several_platforms_are_told_apart() {
    insta::assert_snapshot!(shown(&recorded("buildctl/platforms.jsonl")), @r#"
    Ran      [internal] load build definition from Dockerfile
    Ran      [internal] load .dockerignore
    Ran      [linux/arm64 stage-1 2/2] COPY b.txt /
    Ran      [linux/arm64 stage-1 1/2] COPY --from=build /a /a
    Ran      [linux/arm64 build 2/2] WORKDIR /b
    Ran      [linux/arm64 build 1/2] COPY a.txt /a/arm64/
    Ran      [internal] load build context
    Ran      [linux/amd64 stage-1 2/2] COPY b.txt /
    Ran      [linux/amd64 stage-1 1/2] COPY --from=build /a /a
    Ran      [linux/amd64 build 2/2] WORKDIR /b
    Ran      [linux/amd64 build 1/2] COPY a.txt /a/amd64/
    "#);
}

#[test]
fn a_vertex_that_starts_several_times_took_the_sum() {
    let log = text(&[
        &vertex(r#","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01.5Z""#),
        &vertex(r#","started":"2026-01-01T00:01:00Z""#),
        &vertex(r#","started":"2026-01-01T00:01:00Z","completed":"2026-01-01T00:01:02Z""#),
        // Another client of the same work: what overlaps counts once.
        &vertex(r#","started":"2026-01-01T02:01:01+02:00","completed":"2026-01-01T02:01:03+02:00""#),
    ]);
    assert_eq!(log.vertices[0].duration.as_secs_f64(), 4.5);
    assert_eq!(log.vertices[0].outcome, Outcome::Ran);
    assert_eq!(log.duration.as_secs(), 63);
}

#[test]
fn the_last_start_decides_whether_it_was_cached() {
    let ran = vertex(r#","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z""#);
    let cached =
        vertex(r#","started":"2026-01-01T00:00:02Z","completed":"2026-01-01T00:00:02Z","cached":true"#);
    assert_eq!(text(&[&ran, &cached, &vertex("")]).vertices[0].outcome, Outcome::Cached);
    assert_eq!(text(&[&cached, &ran]).vertices[0].outcome, Outcome::Ran);
}

#[test]
fn a_log_that_breaks_off_leaves_a_step_unfinished() {
    let log = text(&[&vertex(r#","started":"2026-01-01T00:00:00Z""#), r#"{"vertexes":[{"dig"#]);
    assert_eq!(log.vertices[0].outcome, Outcome::Canceled);
    assert_eq!((log.messages, log.others), (1, 1));
}

#[test]
fn a_group_is_one_step() {
    let group = r#""progressGroup":{"id":"g","name":"[2/2] COPY --link a /"}"#;
    let sub = |digest: &str, more: &str| {
        format!(
            r#"{{"vertexes":[{{"digest":"{digest}","name":"{digest}",{group},"started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z"{more}}}]}}"#
        )
    };
    let log = text(&[&sub("a", r#","cached":true"#), &sub("b", "")]);
    assert_eq!(log.vertices.len(), 1);
    assert_eq!(
        (log.vertices[0].name.as_str(), log.vertices[0].outcome),
        ("[2/2] COPY --link a /", Outcome::Ran)
    );
    assert_eq!(log.vertices[0].duration.as_secs(), 1);
    assert_eq!(
        text(&[&sub("a", r#","cached":true"#), &sub("b", r#","cached":true"#)]).vertices[0].outcome,
        Outcome::Cached
    );
}

#[test]
fn lines_of_others_are_passed_over() {
    let log = text(&[
        "#1 [internal] load build definition",
        "",
        "{}",
        r#"{"stream":"x"}"#,
        "[1,2]",
        r#"{"vertexes":null,"statuses":null}"#,
        r#"{"vertexes":[{"digest":"sha256:a","name":"x","started":"yesterday","inputs":null}]}"#,
        r#"2026-11-21T13:48:31.7367398Z {"vertexes":[{"digest":"sha256:b","name":"after a prefix"}]}"#,
        r#"{"logs":[{"vertex":"sha256:never","data":"!!"}],"statuses":[{"vertex":"sha256:never","id":"x"}]}"#,
        r#"{"vertexes":"no list"}"#,
    ]);
    assert_eq!((log.messages, log.others), (3, 6));
    assert_eq!(log.vertices.len(), 2);
    assert_eq!(log.vertices[0].outcome, Outcome::Waiting, "a moment that can't be read is none");
}

#[test]
fn what_a_step_prints_is_kept_to_its_end() {
    let start = vertex(r#","started":"2026-01-01T00:00:00Z""#);
    // 4,500 times `x`, then `end`.
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "x".repeat(1500));
    let line = format!(r#"{{"logs":[{{"vertex":"sha256:a","data":"{data}"}}]}}"#);
    let end = r#"{"logs":[{"vertex":"sha256:a","data":"ZW5k"}]}"#;
    let failed = vertex(
        r#","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z","error":"exit code: 1""#,
    );
    let log = text(&[&start, &line, &line, &line, end, &failed]);
    assert_eq!(log.vertices[0].tail.len(), 4096);
    assert!(log.vertices[0].tail.ends_with(b"xend"));
}

#[test]
fn what_was_printed_is_text_without_colours() {
    let mut vertex = recorded("buildctl/failed.jsonl").vertices.remove(0);
    vertex.tail = b"\x1b[1;31merror:\x1b[0m no\r\n10%\r99%\rdone\n\xff\x1b[".to_vec();
    assert_eq!(vertex.printed(), "error: no\ndone\n\u{fffd}");
}

#[test]
fn any_bytes_are_a_log() {
    let mut random = fastrand::Rng::with_seed(7);
    let real = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/log/buildctl/first.jsonl"))
        .unwrap();
    for _ in 0..200 {
        let mut bytes = real.clone();
        for _ in 0..random.usize(1..50) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(..bytes.len()));
        read(&bytes[..]).unwrap();
    }
}
