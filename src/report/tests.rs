//! Every document in every format, from values made by hand.

use super::*;
use crate::digest::Digest;
use crate::entry::{ContextPath, Entry, Extra, FileType, Stat};

fn human(document: &impl Document, look: &Look) -> String {
    let mut out = Vec::new();
    document.human(&mut out, look).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(document: &impl Document) -> String {
    let mut out = Vec::new();
    document.json(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn cause() -> Cause {
    Cause { ignore_file: ".dockerignore".into(), line: 4, pattern: "*.yml".into() }
}

fn step(name: &str, line: usize, key: Option<&str>, open: &[&str], reads: Reads) -> StepReport {
    StepReport {
        name: name.into(),
        stage: "app".into(),
        line,
        end_line: line,
        instruction: "COPY".into(),
        text: "COPY . .".into(),
        content_key: key.map(|k| Digest::sha256(format!("content {k}"))),
        cache_key: key.filter(|_| open.is_empty()).map(Digest::sha256),
        open: open.iter().map(ToString::to_string).collect(),
        reads,
        ignore_cache: false,
    }
}

fn plan() -> PlanReport {
    PlanReport {
        context: ContextSummary {
            path: Some(PathField::new(".")),
            ignore_file: Some(".dockerignore".into()),
            ignore_file_reason: Some("there is no Dockerfile.dockerignore beside the Dockerfile".into()),
            unlisted: false,
            files: 12,
            dirs: 3,
            symlinks: 1,
            special: 0,
            bytes: 4711,
            ignored: 40,
        },
        dockerfile: "Dockerfile".into(),
        target: "app".into(),
        steps: vec![
            step(
                "[app 1/3] FROM docker.io/library/alpine:3.19",
                1,
                None,
                &["the digest of alpine:3.19"],
                Reads::default(),
            ),
            step(
                "[app 2/3] COPY . .",
                3,
                Some("a"),
                &["the digest of alpine:3.19"],
                Reads { files: 11, bytes: 4700 },
            ),
            step("[app 3/3] COPY --from=one /a /a", 12, Some("b"), &[], Reads::default()),
        ],
        records: vec![RecordReport {
            digest: Digest::sha256("r"),
            inputs: vec![vec![LinkReport { digest: Digest::sha256("s"), selector: None, record: 0 }]],
        }],
        errors: vec![ErrorReport {
            line: Some(4),
            column: Some(6),
            step: Some("[app 3/3] COPY config/app.yml /etc/".into()),
            code: "copy-source-missing".into(),
            message: "COPY source `config/app.yml` exists but `.dockerignore` line 4 (`*.yml`) hides it"
                .into(),
            engine_message: "failed to compute cache key: \"/config/app.yml\": not found".into(),
            hint: Some("add `!config/app.yml` below line 4 of `.dockerignore`".into()),
            cause: Some(cause()),
            source: Some("COPY config/app.yml /etc/".into()),
            ..ErrorReport::default()
        }],
        warnings: vec![WarningReport {
            line: None,
            code: "socket-as-file".into(),
            message: "`run/s` is a socket: it is sent as an empty file".into(),
        }],
        sent: Sent { files: 11, dirs: 3, symlinks: 0, bytes: 4700 },
        named_contexts: Vec::new(),
    }
}

fn entry(path: &[u8], file_type: FileType, size: u64, linkname: &[u8]) -> EntryReport {
    let extra =
        (!linkname.is_empty()).then(|| Box::new(Extra { linkname: linkname.to_vec(), ..Extra::default() }));
    let stat = Stat { file_type, mode: 0o644, uid: 0, gid: 0, size, mtime_ns: 0, extra };
    EntryReport::new(&Entry { path: ContextPath::new(path).unwrap(), stat, hardlink: None })
}

fn listing() -> ListReport {
    let mut hidden = entry(b"a.yml", FileType::File, 7, b"");
    hidden.ignored = Some(cause());
    let entries = vec![
        hidden,
        entry(b"l", FileType::Symlink, 4, b"a.py"),
        entry(b"src", FileType::Dir, 0, b""),
        entry(b"src/\xff", FileType::File, 3, b""),
    ];
    ListReport { step: None, entries, warnings: vec![] }
}

fn explanation() -> ExplainReport {
    let verdict = VerdictReport {
        ignore_file: ".dockerignore".into(),
        line: 4,
        pattern: "*.yml".into(),
        negated: false,
    };
    let hidden = PathReport {
        path: PathField::new("config/app.yml"),
        exists: true,
        kind: Some("file"),
        sent: false,
        requested: Some(true),
        decided_by: Some(verdict),
        steps: vec![],
        notes: vec![],
    };
    let taken = PathReport {
        path: PathField::new("src"),
        exists: true,
        kind: Some("dir"),
        sent: true,
        requested: Some(true),
        decided_by: None,
        steps: vec![TakenBy {
            name: "[2/2] COPY src /app/".into(),
            line: 2,
            destination: Some(DestinationField(b"/app/".to_vec())),
        }],
        notes: vec![],
    };
    ExplainReport {
        ignore_file: Some(".dockerignore".into()),
        ignore_file_reason: String::new(),
        paths: vec![hidden, taken],
        steps_unknown: None,
    }
}

#[test]
fn plan_for_people() {
    insta::assert_snapshot!(human(&plan(), &Look { width: 80, ..Look::default() }), @r#"
    Dockerfile, target app: 3 steps

    line  step                            files    bytes  content       key
       1  [app 1/3] FROM docker.io/libr…      -        -  -             unknown
       3  [app 2/3] COPY . .                 11  4.6 KiB  0069ffe84817  unknown
      12  [app 3/3] COPY --from=one /a …      -        -  c4363f384691  3e23e8160039

    open, lines 1, 3: the digest of alpine:3.19

    context  .: 12 files, 3 folders, 1 link, 4.6 KiB
    sent     11 files, 3 folders, 4.6 KiB, which is what some instruction names
    ignored  40 entries by .dockerignore (there is no Dockerfile.dockerignore beside the Dockerfile)
    keys     of a clean sync: a daemon that keeps an older copy of the context may miss some changes

    warning: `run/s` is a socket: it is sent as an empty file

    error: COPY source `config/app.yml` exists but `.dockerignore` line 4 (`*.yml`) hides it
      --> Dockerfile:4:6
      4 | COPY config/app.yml /etc/
        |      ^
      engine: failed to compute cache key: "/config/app.yml": not found
      hint: add `!config/app.yml` below line 4 of `.dockerignore`
    "#);
}

#[test]
fn steps_that_run_anew_whatever_their_key_are_named() {
    let mut report = plan();
    report.steps[1].ignore_cache = true;
    let text = human(&report, &Look::default());
    assert!(text.contains("\nanew     line 3: --no-cache makes it run whatever its key is\n"), "{text}");
}

#[test]
fn plan_as_json() {
    insta::assert_snapshot!(json(&plan()), @r#"
    {
      "schema": "stowaway.plan/1",
      "context": {
        "path": ".",
        "ignore_file": ".dockerignore",
        "ignore_file_reason": "there is no Dockerfile.dockerignore beside the Dockerfile",
        "files": 12,
        "dirs": 3,
        "symlinks": 1,
        "special": 0,
        "bytes": 4711,
        "ignored": 40
      },
      "dockerfile": "Dockerfile",
      "target": "app",
      "steps": [
        {
          "name": "[app 1/3] FROM docker.io/library/alpine:3.19",
          "stage": "app",
          "line": 1,
          "end_line": 1,
          "instruction": "COPY",
          "text": "COPY . .",
          "content_key": null,
          "cache_key": null,
          "open": [
            "the digest of alpine:3.19"
          ],
          "reads": {
            "files": 0,
            "bytes": 0
          }
        },
        {
          "name": "[app 2/3] COPY . .",
          "stage": "app",
          "line": 3,
          "end_line": 3,
          "instruction": "COPY",
          "text": "COPY . .",
          "content_key": "sha256:0069ffe8481777aa403982d9e9b3fa48957015a07cfa0f66dae32050b95bda54",
          "cache_key": null,
          "open": [
            "the digest of alpine:3.19"
          ],
          "reads": {
            "files": 11,
            "bytes": 4700
          }
        },
        {
          "name": "[app 3/3] COPY --from=one /a /a",
          "stage": "app",
          "line": 12,
          "end_line": 12,
          "instruction": "COPY",
          "text": "COPY . .",
          "content_key": "sha256:c4363f384691f55ee5a5c315e1f7c37366ae232933665a93fe3bcc0d90bc937b",
          "cache_key": "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
          "open": [],
          "reads": {
            "files": 0,
            "bytes": 0
          }
        }
      ],
      "records": [
        {
          "digest": "sha256:454349e422f05297191ead13e21d3db520e5abef52055e4964b82fb213f593a1",
          "inputs": [
            [
              {
                "digest": "sha256:043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89",
                "record": 0
              }
            ]
          ]
        }
      ],
      "errors": [
        {
          "line": 4,
          "column": 6,
          "step": "[app 3/3] COPY config/app.yml /etc/",
          "code": "copy-source-missing",
          "message": "COPY source `config/app.yml` exists but `.dockerignore` line 4 (`*.yml`) hides it",
          "engine_message": "failed to compute cache key: \"/config/app.yml\": not found",
          "hint": "add `!config/app.yml` below line 4 of `.dockerignore`",
          "cause": {
            "ignore_file": ".dockerignore",
            "line": 4,
            "pattern": "*.yml"
          },
          "source": "COPY config/app.yml /etc/"
        }
      ],
      "warnings": [
        {
          "code": "socket-as-file",
          "message": "`run/s` is a socket: it is sent as an empty file"
        }
      ],
      "sent": {
        "files": 11,
        "dirs": 3,
        "symlinks": 0,
        "bytes": 4700
      }
    }
    "#);
}

#[test]
fn ls_for_people() {
    insta::assert_snapshot!(human(&listing(), &Look::default()), @r#"
    - a.yml  .dockerignore:4 (*.yml)
    + l -> a.py
    + src/
    + "src/\xff"
    "#);
}

#[test]
fn ls_for_people_with_every_column() {
    insta::assert_snapshot!(human(&listing(), &Look { verbose: true, ..Look::default() }), @r#"
    file     0644            7  - a.yml  .dockerignore:4 (*.yml)
    symlink  0644            -  + l -> a.py
    dir      0644            -  + src/
    file     0644            3  + "src/\xff"
    "#);
}

#[test]
fn ls_with_nul_writes_raw_paths() {
    let mut out = Vec::new();
    listing().human(&mut out, &Look { nul: true, ..Look::default() }).unwrap();
    assert_eq!(out, b"a.yml\0l\0src\0src/\xff\0");
}

#[test]
fn ls_as_json() {
    insta::assert_snapshot!(json(&listing()), @r#"
    {
      "schema": "stowaway.ls/1",
      "entries": [
        {
          "path": "a.yml",
          "type": "file",
          "mode": "0644",
          "size": 7,
          "ignored": {
            "ignore_file": ".dockerignore",
            "line": 4,
            "pattern": "*.yml"
          }
        },
        {
          "path": "l",
          "type": "symlink",
          "mode": "0644",
          "linkname": "a.py"
        },
        {
          "path": "src",
          "type": "dir",
          "mode": "0644"
        },
        {
          "path_b64": "c3JjL/8=",
          "type": "file",
          "mode": "0644",
          "size": 3
        }
      ]
    }
    "#);
}

#[test]
fn explain_for_people() {
    insta::assert_snapshot!(human(&explanation(), &Look::default()), @r#"
    config/app.yml: not sent
      `.dockerignore` line 4 (`*.yml`) hides it

    src: sent
      no pattern of `.dockerignore` matches it
      line 2: [2/2] COPY src /app/ -> /app/
    "#);
}

#[test]
fn explain_as_json() {
    insta::assert_snapshot!(json(&explanation()), @r#"
    {
      "schema": "stowaway.explain/1",
      "ignore_file": ".dockerignore",
      "ignore_file_reason": "",
      "paths": [
        {
          "path": "config/app.yml",
          "exists": true,
          "type": "file",
          "sent": false,
          "requested": true,
          "decided_by": {
            "ignore_file": ".dockerignore",
            "line": 4,
            "pattern": "*.yml",
            "negated": false
          },
          "steps": []
        },
        {
          "path": "src",
          "exists": true,
          "type": "dir",
          "sent": true,
          "requested": true,
          "decided_by": null,
          "steps": [
            {
              "name": "[2/2] COPY src /app/",
              "line": 2,
              "destination": "/app/"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_syntax_error_shows_its_line_with_a_caret() {
    let error = ErrorReport {
        line: Some(2),
        column: Some(1),
        code: "dockerfile-syntax".into(),
        message: "unknown instruction: COPPY".into(),
        engine_message: "dockerfile parse error on line 2: unknown instruction: COPPY (did you mean COPY?)"
            .into(),
        hint: Some("did you mean COPY?".into()),
        source: Some("COPPY\ta /o/\r".into()),
        ..ErrorReport::default()
    };
    let report = PlanReport { errors: vec![error], warnings: vec![], steps: vec![], ..plan() };
    insta::assert_snapshot!(human(&report, &Look::default()), @r#"
    Dockerfile, target app: 0 steps

    context  .: 12 files, 3 folders, 1 link, 4.6 KiB
    sent     11 files, 3 folders, 4.6 KiB, which is what some instruction names
    ignored  40 entries by .dockerignore (there is no Dockerfile.dockerignore beside the Dockerfile)
    keys     of a clean sync: a daemon that keeps an older copy of the context may miss some changes

    error: unknown instruction: COPPY
      --> Dockerfile:2:1
      2 | COPPY a /o/
        | ^
      engine: dockerfile parse error on line 2: unknown instruction: COPPY (did you mean COPY?)
      hint: did you mean COPY?
    "#);
}
