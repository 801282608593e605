//! One answer in every voice, from values made by hand.

use super::*;

fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn human(report: &WhyReport, look: &Look) -> String {
    written(|out| report.human(out, look))
}

fn cause(kind: CauseKind, path: Option<&[u8]>) -> CauseReport {
    CauseReport {
        kind,
        path: path.map(PathField::new),
        source: None,
        step: None,
        before: None,
        after: None,
        line: None,
        detail: None,
        unnoticed: false,
        hint: None,
        fold: None,
    }
}

fn changed(kind: CauseKind, path: &[u8], before: &str, after: &str) -> CauseReport {
    CauseReport { before: Some(before.into()), after: Some(after.into()), ..cause(kind, Some(path)) }
}

fn parent(step: &str) -> CauseReport {
    CauseReport { step: Some(step.into()), ..cause(CauseKind::Parent, None) }
}

fn step(name: &str, line: usize, verdict: Verdict, causes: Vec<CauseReport>) -> WhyStep {
    let first_cause = verdict == Verdict::Rerun && causes.iter().any(|c| c.kind != CauseKind::Parent);
    WhyStep {
        name: name.into(),
        stage: "build".into(),
        line,
        end_line: line,
        verdict,
        first_cause,
        causes,
        ..WhyStep::default()
    }
}

/// A COPY with causes of many kinds, and names that try to be something else.
fn copy() -> WhyStep {
    let mut causes = vec![
        cause(CauseKind::Content, Some(b"src/a.py")),
        changed(CauseKind::Mode, b"run.sh", "0644", "0755"),
        CauseReport {
            hint: Some("add `**/__pycache__` to .dockerignore".into()),
            ..cause(CauseKind::Added, Some(b"src/__pycache__/a.pyc"))
        },
        CauseReport { before: Some("old|name".into()), ..cause(CauseKind::Renamed, Some(b"new`name")) },
        cause(CauseKind::Removed, Some(b"\x1b[2J\n::error::x")),
        CauseReport {
            line: Some(4),
            detail: Some("*.md".into()),
            ..cause(CauseKind::Ignore, Some(b"readme.md"))
        },
    ];
    causes.extend((0..1204).map(|i| CauseReport {
        fold: Some(0),
        ..changed(CauseKind::Mode, format!("lib/{i}").as_bytes(), "0644", "0664")
    }));
    let fold = FoldReport {
        kind: CauseKind::Mode,
        count: 1204,
        text: "1,204 files differ only in mode: 0664 here, 0644 there: umask 0002".into(),
        hint: Some("run `umask 022` before the checkout".into()),
    };
    WhyStep {
        folded: vec![fold],
        may_be_stale: true,
        ..step("[build 4/6] COPY .    .", 7, Verdict::Rerun, causes)
    }
}

fn report() -> WhyReport {
    let cached = |i: usize| step(&format!("[build {i}/6] RUN {i}"), i, Verdict::Cached, vec![]);
    let mut unknown = step("[run 2/2] COPY --from=build /out /", 12, Verdict::Unknown, vec![]);
    unknown.open = vec!["the output of [build 5/6] RUN make".into()];
    unknown.likely = Some(Verdict::Rerun);
    let arg = CauseReport { line: Some(9), detail: Some("VERSION".into()), ..cause(CauseKind::Arg, None) };
    let steps = vec![
        cached(1),
        cached(2),
        cached(3),
        copy(),
        step("[build 5/6] RUN make", 8, Verdict::Rerun, vec![parent("[build 4/6] COPY .    .")]),
        step("[build 6/6] RUN test", 10, Verdict::Rerun, vec![arg, parent("[build 5/6] RUN make")]),
        unknown,
    ];
    WhyReport {
        baseline: BaselineReport {
            kind: "git".into(),
            name: "main".into(),
            revision: Some("3f2a1bc0d4e5f60718293a4b5c6d7e8f90a1b2c3".into()),
            ..BaselineReport::default()
        },
        dockerfile: "Dockerfile".into(),
        dockerfile_path: Some("app/Dockerfile".into()),
        target: "run".into(),
        summary: WhySummary::of(&steps),
        steps,
        hints: vec![
            HintReport {
                text: "add `**/__pycache__` to `.dockerignore`: line 7 would lose 1 of its causes".into(),
                checked: true,
                step: None,
            },
            HintReport { text: "move `COPY . .` below `RUN test`".into(), checked: false, step: None },
        ],
        notes: vec!["a checkout of main in this place is meant".into()],
    }
}

#[test]
fn why_for_people() {
    insta::assert_snapshot!(human(&report(), &Look { width: 80, ..Look::default() }), @r#"
    Dockerfile, target run, against git:main (3f2a1bc0d4)

    rerun: [build 4/6] COPY . .
      --> app/Dockerfile:7
      content  src/a.py
      mode     run.sh 0644 → 0755
      added    src/__pycache__/a.pyc
               hint: add `**/__pycache__` to .dockerignore
      renamed  old|name → new`name
      removed  "\x1b[2J\n::error::x"
      ignore   readme.md by line 4 of the ignore file *.md
      mode     1,204 files differ only in mode: 0664 here, 0644 there: umask 0002
               hint: run `umask 022` before the checkout
      then 2 steps stand on it and rerun, too: lines 8, 10
      stale: a daemon that holds this context does not notice what changed and may
             show the step cached; a clean one reruns it

    rerun: [build 6/6] RUN test
      --> app/Dockerfile:10
      arg  VERSION (line 9)

    cached                 1-3  3 steps
    rerun                    7  [build 4/6] COPY . .  (a daemon may show it cached)
    rerun                    8  [build 5/6] RUN make  (after [build 4/6])
    rerun                   10  [build 6/6] RUN test
    unknown, likely rerun   12  [run 2/2] COPY --from=build /out /

    open, line 12: the output of [build 5/6] RUN make

    note: a checkout of main in this place is meant
    hint: add `**/__pycache__` to `.dockerignore`: line 7 would lose 1 of its causes
    hint: move `COPY . .` below `RUN test` (not checked)

    3 of 7 steps rerun, 3 cached, 1 unknown (1 likely rerun); first cause: line 7 (1,210 causes)
    "#);
}

#[test]
fn why_in_colour_says_the_same() {
    let plain = human(&report(), &Look::default());
    let color = human(&report(), &Look { color: true, ..Look::default() });
    assert!(color.contains("\x1b[1;31mrerun:\x1b[0m [build 4/6] COPY . ."), "{color}");
    let codes = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    assert_eq!(codes.replace_all(&color, ""), plain);
}

#[test]
fn why_for_people_when_everything_is_cached() {
    let steps: Vec<WhyStep> = (1..=12).map(|i| step("[1/1] RUN x", i, Verdict::Cached, vec![])).collect();
    let report = WhyReport {
        dockerfile: "Dockerfile".into(),
        baseline: BaselineReport {
            name: "ci.snap".into(),
            taken: Some(1_795_268_400),
            ..BaselineReport::default()
        },
        summary: WhySummary::of(&steps),
        steps,
        ..WhyReport::default()
    };
    insta::assert_snapshot!(human(&report, &Look::default()), @r#"
    Dockerfile, against ci.snap (2026-11-21 13:40 UTC)

    cached  1-12  12 steps

    all 12 steps are cached
    "#);
}

#[test]
fn why_for_people_when_there_is_no_cache() {
    let steps = vec![step("[1/1] COPY . .", 2, Verdict::Rerun, vec![cause(CauseKind::NotRemembered, None)])];
    let report = WhyReport {
        dockerfile: "Dockerfile".into(),
        baseline: BaselineReport {
            kind: "cache".into(),
            name: "ci-cache".into(),
            usable: false,
            cache: Some(CacheAnswer::None),
            ..BaselineReport::default()
        },
        summary: WhySummary::of(&steps),
        steps,
        ..WhyReport::default()
    };
    insta::assert_snapshot!(human(&report, &Look::default()), @r#"
    Dockerfile, against cache:ci-cache
    cache: there is none that can be used: every step runs

    rerun: [1/1] COPY . .
      --> Dockerfile:2
      not-remembered  nothing of it is remembered

    rerun  2  [1/1] COPY . .

    1 of 1 step reruns; first cause: line 2 (1 cause)
    "#);
}

#[test]
fn many_causes_are_counted_and_shown_when_asked_for() {
    let causes: Vec<CauseReport> =
        (0..30).map(|i| cause(CauseKind::Content, Some(format!("f{i}").as_bytes()))).collect();
    let steps = vec![step("[1/1] COPY . .", 2, Verdict::Rerun, causes)];
    let report = WhyReport { summary: WhySummary::of(&steps), steps, ..WhyReport::default() };
    let text = human(&report, &Look::default());
    assert!(text.contains("  content  f9\n  and 20 more: 20 content\n"), "{text}");
    let text = human(&report, &Look { verbose: true, ..Look::default() });
    assert!(text.contains("  content  f29\n") && !text.contains("more"), "{text}");
}

#[test]
fn why_as_markdown() {
    insta::assert_snapshot!(written(|out| report().markdown(out)), @r#"
    ### 3 of 7 steps rerun, 3 cached, 1 unknown (1 likely rerun); first cause: line 7 (1,210 causes)

    `Dockerfile`, target `run`, against `git:main (3f2a1bc0d4)`

    | | line | step | why |
    |---|--:|---|---|
    | cached | 1-3 | 3 steps | |
    | **rerun** | 7 | `[build 4/6] COPY . .` | 1 content, 1,205 mode, 1 added, 1 renamed, 1 removed, 1 ignore; a daemon may show it cached |
    | rerun | 8 | `[build 5/6] RUN make` | after `[build 4/6]` |
    | **rerun** | 10 | `[build 6/6] RUN test` | 1 arg |
    | unknown, likely rerun | 12 | `[run 2/2] COPY --from=build /out /` |  |

    <details><summary>Line 7, <code>[build 4/6] COPY . .</code>: 1 content, 1,205 mode, 1 added, 1 renamed, 1 removed, 1 ignore</summary>

    - content: `src/a.py`
    - mode: `run.sh` `0644` → `0755`
    - added: `src/__pycache__/a.pyc` (add `**/__pycache__` to .dockerignore)
    - renamed: `old|name` → ``new`name``
    - removed: `"\x1b[2J\n::error::x"`
    - ignore: `readme.md` by line 4 of the ignore file `*.md`
    - mode: 1,204 files differ only in mode: 0664 here, 0644 there: umask 0002 (run `umask 022` before the checkout)
    - a daemon that holds this context does not notice what changed and may show the step cached

    </details>

    <details><summary>Line 10, <code>[build 6/6] RUN test</code>: 1 arg</summary>

    - arg: `VERSION` (line 9)

    </details>

    - **Open**, line 12: the output of \[build 5/6\] RUN make
    - **Hint:** add `**/__pycache__` to `.dockerignore`: line 7 would lose 1 of its causes
    - **Hint:** move `COPY . .` below `RUN test` (not checked)
    - **Note:** a checkout of main in this place is meant
    "#);
}

#[test]
fn markdown_is_never_longer_than_a_comment_may_be() {
    let causes = |n: usize| {
        (0..n)
            .map(|i| cause(CauseKind::Content, Some(format!("{i}/{}", "ü".repeat(2000)).as_bytes())))
            .collect()
    };
    let steps: Vec<WhyStep> = (0..2000)
        .map(|i| step(&format!("[{i}/2000] RUN {}", "x".repeat(i)), i, Verdict::Rerun, causes(i % 60)))
        .collect();
    let mut report = WhyReport { summary: WhySummary::of(&steps), steps, ..WhyReport::default() };
    let hint = HintReport { text: "h".repeat(900), checked: true, step: None };
    report.hints = vec![hint; 50];
    let text = written(|out| report.markdown(out));
    assert!(text.len() <= 65_536, "{}", text.len());
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    assert!(text.contains("more with causes of their own"));
}

#[test]
fn why_as_annotations() {
    insta::assert_snapshot!(written(|out| report().github(out)), @r#"
    ::warning file=app/Dockerfile,line=7,endLine=7,title=rerun%3A [build 4/6] COPY . .::content: src/a.py%0Amode: run.sh 0644 → 0755%0Aadded: src/__pycache__/a.pyc%0Arenamed: old|name → new`name%0Aremoved: "\x1b[2J\n::error::x"%0Aignore: readme.md by line 4 of the ignore file *.md%0Amode: 1,204 files differ only in mode: 0664 here, 0644 there: umask 0002%0Aa daemon that holds this context may show it cached: it does not notice what changed%0Aagainst git:main (3f2a1bc0d4)
    ::warning file=app/Dockerfile,line=10,endLine=10,title=rerun%3A [build 6/6] RUN test::arg: VERSION (line 9)%0Aagainst git:main (3f2a1bc0d4)
    ::notice file=app/Dockerfile,line=12,endLine=12,title=unknown%3A 1 step::line 12: the output of [build 5/6] RUN make
    ::notice title=what would have kept a layer::add `**/__pycache__` to `.dockerignore`: line 7 would lose 1 of its causes
    ::notice title=what would have kept a layer::move `COPY . .` below `RUN test`
    "#);
}

#[test]
fn why_as_json() {
    let mut report = report();
    report.steps.drain(4..);
    report.steps.drain(..2);
    report.steps[1].causes.truncate(7);
    insta::assert_snapshot!(written(|out| report.json(out)), @r#"
    {
      "schema": "stowaway.why/1",
      "baseline": {
        "kind": "git",
        "name": "main",
        "revision": "3f2a1bc0d4e5f60718293a4b5c6d7e8f90a1b2c3",
        "usable": true
      },
      "dockerfile": "Dockerfile",
      "dockerfile_path": "app/Dockerfile",
      "target": "run",
      "steps": [
        {
          "name": "[build 3/6] RUN 3",
          "stage": "build",
          "line": 3,
          "end_line": 3,
          "verdict": "cached",
          "first_cause": false,
          "causes": []
        },
        {
          "name": "[build 4/6] COPY .    .",
          "stage": "build",
          "line": 7,
          "end_line": 7,
          "verdict": "rerun",
          "first_cause": true,
          "may_be_stale": true,
          "causes": [
            {
              "kind": "content",
              "path": "src/a.py"
            },
            {
              "kind": "mode",
              "path": "run.sh",
              "before": "0644",
              "after": "0755"
            },
            {
              "kind": "added",
              "path": "src/__pycache__/a.pyc",
              "hint": "add `**/__pycache__` to .dockerignore"
            },
            {
              "kind": "renamed",
              "path": "new`name",
              "before": "old|name"
            },
            {
              "kind": "removed",
              "path": "\u001b[2J\n::error::x"
            },
            {
              "kind": "ignore",
              "path": "readme.md",
              "line": 4,
              "detail": "*.md"
            },
            {
              "kind": "mode",
              "path": "lib/0",
              "before": "0644",
              "after": "0664",
              "fold": 0
            }
          ],
          "folded": [
            {
              "kind": "mode",
              "count": 1204,
              "text": "1,204 files differ only in mode: 0664 here, 0644 there: umask 0002",
              "hint": "run `umask 022` before the checkout"
            }
          ]
        }
      ],
      "hints": [
        {
          "text": "add `**/__pycache__` to `.dockerignore`: line 7 would lose 1 of its causes",
          "checked": true
        },
        {
          "text": "move `COPY . .` below `RUN test`",
          "checked": false
        }
      ],
      "notes": [
        "a checkout of main in this place is meant"
      ],
      "summary": {
        "cached": 3,
        "rerun": 3,
        "unknown": 1
      }
    }
    "#);
}

#[test]
fn why_has_no_names_and_no_matrix() {
    let error = report().names(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(report().matrix(&mut Vec::new()).is_err());
}
