//! One answer in every voice, from values made by hand.

use super::super::why::CauseReport;
use super::super::{PathField, WhyStep};
use super::*;
use crate::diff::{CauseKind, Verdict};

fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn step(name: &str, line: usize, outcome: StepOutcome, millis: u64) -> LogStep {
    LogStep {
        name: name.into(),
        stage: "build".into(),
        line,
        end_line: line,
        platform: None,
        outcome,
        seconds: Duration::from_millis(millis),
        bytes: 0,
        first_miss: false,
        cost_seconds: None,
        after: Vec::new(),
        why: None,
        surprise: None,
        error: None,
        output: String::new(),
    }
}

fn work(name: &str, millis: u64, bytes: u64) -> OtherWork {
    let seconds = Duration::from_millis(millis);
    OtherWork { name: name.into(), outcome: StepOutcome::Ran, seconds, bytes, error: None }
}

fn copy() -> LogStep {
    let content = CauseReport {
        kind: CauseKind::Content,
        path: Some(PathField::new("src/a|b.py")),
        source: None,
        step: None,
        before: None,
        after: None,
        line: None,
        detail: None,
        unnoticed: false,
        hint: None,
        fold: None,
    };
    let why = WhyStep {
        name: "[build 2/4] COPY . .".into(),
        verdict: Verdict::Rerun,
        first_cause: true,
        causes: vec![content],
        ..WhyStep::default()
    };
    LogStep {
        first_miss: true,
        cost_seconds: Some(Duration::from_millis(92_340)),
        why: Some(why),
        ..step("[build 2/4] COPY . .", 3, StepOutcome::Ran, 340)
    }
}

fn report() -> LogReport {
    let failed = LogStep {
        after: vec!["[build 2/4] COPY . .".into()],
        error: Some("process \"/bin/sh -c make\" did not complete successfully: exit code: 2".into()),
        output: "cc a.c\n\x1b[31merror: ``` ::error::x\n".into(),
        ..step("[build 3/4] RUN make   all", 4, StepOutcome::Failed, 92_000)
    };
    LogReport {
        log: LogSummary {
            name: "build.log".into(),
            messages: 40,
            others: 9,
            seconds: Duration::from_secs(95),
        },
        dockerfile: "Dockerfile".into(),
        dockerfile_path: Some("Dockerfile".into()),
        target: "build".into(),
        baseline: Some(BaselineReport {
            kind: "git".into(),
            name: "main".into(),
            ..BaselineReport::default()
        }),
        steps: vec![
            step("[build 1/4] WORKDIR /app", 2, StepOutcome::Cached, 0),
            copy(),
            failed,
            step("[build 4/4] RUN test", 5, StepOutcome::Waiting, 0),
        ],
        transfers: vec![work("[internal] load build context", 1200, 5 << 20)],
        other: vec![work("importing cache manifest from ref", 800, 0)],
        not_planned: vec![work("[docs 1/1] COPY docs /", 40, 0)],
        not_logged: vec!["[lint 1/1] RUN lint".into()],
        notes: vec!["1 of the log's steps is not in the plan".into()],
        summary: LogCounts {
            cached: 1,
            ran: 1,
            failed: 1,
            canceled: 0,
            waiting: 1,
            missed_seconds: Duration::from_millis(92_340),
            transfer_seconds: Duration::from_millis(1200),
            transfer_bytes: 5 << 20,
            build_failed: true,
        },
    }
}

#[test]
fn report_for_people() {
    insta::assert_snapshot!(written(|out| report().human(out, &Look { width: 80, ..Look::default() })), @r#"
    build.log: Dockerfile, target build, against git:main

    line  step                      was          time  why
       2  [build 1/4] WORKDIR /app  cached          -
       3  [build 2/4] COPY . .      ran        0.34 s  1 content
       4  [build 3/4] RUN make all  failed     92.0 s  after [build 2/4]
       5  [build 4/4] RUN test      not begun       -

    missed, line 3, 92.3 s with what stands on it: [build 2/4] COPY . .
      content  src/a|b.py

    transfer [internal] load build context: 5.0 MiB in 1.2 s
    other    importing cache manifest from ref: 0.80 s
    not in the plan [docs 1/1] COPY docs /: ran, 0.04 s
    not in the log  [lint 1/1]

    failed: [build 3/4] RUN make all
      process "/bin/sh -c make" did not complete successfully: exit code: 2
      | cc a.c
      | "\x1b[31merror: ``` ::error::x"

    note: 1 of the log's steps is not in the plan

    4 steps: 1 cached, 1 ran, 1 failed, 1 not begun; the build failed after 95.0 s; the misses cost 92.3 s
    "#);
}

#[test]
fn report_as_markdown() {
    insta::assert_snapshot!(written(|out| report().markdown(out)), @r#"
    ### 4 steps: 1 cached, 1 ran, 1 failed, 1 not begun; the build failed after 95.0 s; the misses cost 92.3 s

    `Dockerfile`, target `build`, against `git:main`

    | | line | step | time | why |
    |---|--:|---|--:|---|
    | cached | 2 | `[build 1/4] WORKDIR /app` |  |  |
    | **ran** | 3 | `[build 2/4] COPY . .` | 0.34 s | 1 content |
    | **failed** | 4 | `[build 3/4] RUN make all` | 92.0 s | after `[build 2/4]` |
    | not begun | 5 | `[build 4/4] RUN test` |  |  |

    **Failed:** `[build 3/4] RUN make all`

        process "/bin/sh -c make" did not complete successfully: exit code: 2
        cc a.c
        "\x1b[31merror: ``` ::error::x"

    <details><summary>Line 3, <code>[build 2/4] COPY . .</code>, 92.3 s with what stands on it</summary>

    - content: `src/a|b.py`

    </details>

    - Transfer: `[internal] load build context`: 5.0 MiB in 1.2 s
    - Not in the plan: `[docs 1/1] COPY docs /`
    - **Note:** 1 of the log's steps is not in the plan
    "#);
}

#[test]
fn report_as_annotations() {
    insta::assert_snapshot!(written(|out| report().github(out)), @r#"
    ::error file=Dockerfile,line=4,endLine=4,title=failed%3A [build 3/4] RUN make all::process "/bin/sh -c make" did not complete successfully: exit code: 2%0Acc a.c%0A"\x1b[31merror: ``` ::error::x"
    ::warning file=Dockerfile,line=3,endLine=3,title=missed%3A [build 2/4] COPY . .::ran for 0.34 s, 92.3 s with what stands on it%0Acontent: src/a|b.py
    "#);
}

#[test]
fn report_as_json() {
    insta::assert_snapshot!(written(|out| report().json(out)), @r#"
    {
      "schema": "stowaway.report/1",
      "log": {
        "name": "build.log",
        "messages": 40,
        "others": 9,
        "seconds": 95.0
      },
      "dockerfile": "Dockerfile",
      "dockerfile_path": "Dockerfile",
      "target": "build",
      "baseline": {
        "kind": "git",
        "name": "main",
        "usable": true
      },
      "steps": [
        {
          "name": "[build 1/4] WORKDIR /app",
          "stage": "build",
          "line": 2,
          "end_line": 2,
          "outcome": "cached",
          "seconds": 0.0,
          "first_miss": false
        },
        {
          "name": "[build 2/4] COPY . .",
          "stage": "build",
          "line": 3,
          "end_line": 3,
          "outcome": "ran",
          "seconds": 0.34,
          "first_miss": true,
          "cost_seconds": 92.34,
          "why": {
            "name": "[build 2/4] COPY . .",
            "stage": "",
            "line": 0,
            "end_line": 0,
            "verdict": "rerun",
            "first_cause": true,
            "causes": [
              {
                "kind": "content",
                "path": "src/a|b.py"
              }
            ]
          }
        },
        {
          "name": "[build 3/4] RUN make   all",
          "stage": "build",
          "line": 4,
          "end_line": 4,
          "outcome": "failed",
          "seconds": 92.0,
          "first_miss": false,
          "after": [
            "[build 2/4] COPY . ."
          ],
          "error": "process \"/bin/sh -c make\" did not complete successfully: exit code: 2",
          "output": "cc a.c\n\u001b[31merror: ``` ::error::x\n"
        },
        {
          "name": "[build 4/4] RUN test",
          "stage": "build",
          "line": 5,
          "end_line": 5,
          "outcome": "waiting",
          "seconds": 0.0,
          "first_miss": false
        }
      ],
      "transfers": [
        {
          "name": "[internal] load build context",
          "outcome": "ran",
          "seconds": 1.2,
          "bytes": 5242880
        }
      ],
      "other": [
        {
          "name": "importing cache manifest from ref",
          "outcome": "ran",
          "seconds": 0.8
        }
      ],
      "not_planned": [
        {
          "name": "[docs 1/1] COPY docs /",
          "outcome": "ran",
          "seconds": 0.04
        }
      ],
      "not_logged": [
        "[lint 1/1] RUN lint"
      ],
      "notes": [
        "1 of the log's steps is not in the plan"
      ],
      "summary": {
        "cached": 1,
        "ran": 1,
        "failed": 1,
        "canceled": 0,
        "waiting": 1,
        "missed_seconds": 92.34,
        "transfer_seconds": 1.2,
        "transfer_bytes": 5242880,
        "build_failed": true
      }
    }
    "#);
}

#[test]
fn markdown_is_never_longer_than_a_comment_may_be() {
    let mut report = report();
    let long = "x".repeat(5000);
    report.steps = (0..500)
        .flat_map(|i| [copy(), LogStep { output: format!("{long}\n").repeat(i), ..report.steps[2].clone() }])
        .collect();
    report.not_planned = vec![work(&long, 1, 1); 500];
    let text = written(|out| report.markdown(out));
    assert!(text.len() <= 65_536, "{}", text.len());
    assert!(text.contains("more that missed first"));
}

#[test]
fn times_keep_to_three_digits_or_so() {
    let shown =
        [0, 4, 999, 1000, 99_900, 100_000, 3_599_000, 7_380_000].map(|ms| time(Duration::from_millis(ms)));
    assert_eq!(
        shown,
        ["0.00 s", "0.00 s", "1.00 s", "1.0 s", "99.9 s", "1 min 40 s", "59 min 59 s", "2 h 03 min"]
    );
}
