//! Recorded answers of BuildKit's own parser and lexer (`fixtures/dockerfile`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use serde_json::{Value, json};

use super::*;

fn fixtures() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", "dockerfile"].iter().collect()
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).unwrap_or_else(|e| panic!("reading fixture {name}: {e}"))
}

fn rows(name: &str) -> Vec<Value> {
    serde_json::from_slice(&read(name)).unwrap_or_else(|e| panic!("reading fixture {name}: {e}"))
}

fn encoded(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn decoded(value: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(value.as_str().unwrap_or_default())
        .expect("fixture in base64")
}

fn list<T>(items: &[T], dump: impl Fn(&T) -> Value) -> Value {
    items.iter().map(dump).collect()
}

fn of_command(command: &CommandLine) -> Value {
    let file = |f: &InlineFile| json!({"name": f.name, "data": encoded(&f.data), "chomp": f.chomp});
    json!({"words": command.words, "shell": command.prepend_shell, "files": list(&command.files, file)})
}

fn of_copy(copy: &Copy) -> Value {
    let content = |c: &SourceContent| json!({"path": c.path, "data": encoded(&c.data), "expand": c.expand});
    json!({"sources": copy.sources, "dest": copy.destination, "contents": list(&copy.contents, content), "chown": copy.chown,
        "chmod": copy.chmod, "link": copy.link, "exclude": copy.exclude})
}

fn of_run(run: &Run) -> Value {
    json!({"cmd": of_command(&run.command), "network": run.network.as_deref().unwrap_or("default"),
        "security": run.security.as_deref().unwrap_or("sandbox"), "mounts": run.mounts,
        "devices": list(&run.devices, |d| json!([d.name, d.required]))})
}

fn of_kind(kind: &InstructionKind) -> (&'static str, Value) {
    use InstructionKind as I;
    let pairs = |pairs: &[KeyValue]| json!({"kv": list(pairs, |p| json!([p.key, p.value, p.legacy]))});
    match kind {
        I::Add(c) => (
            "ADD",
            merged(of_copy(c), json!({"keep": c.keep_git_dir, "checksum": c.checksum, "unpack": c.unpack})),
        ),
        I::Copy(c) => (
            "COPY",
            merged(of_copy(c), json!({"from": c.from.as_deref().unwrap_or_default(), "parents": c.parents})),
        ),
        I::Arg(args) => ("ARG", json!({"args": list(args, |a| json!([a.name, a.default]))})),
        I::Cmd(c) => ("CMD", json!({"cmd": of_command(c)})),
        I::Entrypoint(c) => ("ENTRYPOINT", json!({"cmd": of_command(c)})),
        I::Run(r) => ("RUN", of_run(r)),
        I::Env(p) => ("ENV", pairs(p)),
        I::Label(p) => ("LABEL", pairs(p)),
        I::Expose(w) => ("EXPOSE", json!({"words": w})),
        I::Healthcheck(w) => {
            ("HEALTHCHECK", json!({"words": w.test.clone().unwrap_or_else(|| vec!["NONE".into()])}))
        }
        I::Shell(w) => ("SHELL", json!({"words": w})),
        I::Volume(w) => ("VOLUME", json!({"words": w})),
        I::Maintainer(s) => ("MAINTAINER", json!({"one": s})),
        I::Onbuild(s) => ("ONBUILD", json!({"one": s})),
        I::Stopsignal(s) => ("STOPSIGNAL", json!({"one": s})),
        I::User(s) => ("USER", json!({"one": s})),
        I::Workdir(s) => ("WORKDIR", json!({"one": s})),
    }
}

fn merged(mut a: Value, b: Value) -> Value {
    if let (Value::Object(a), Value::Object(b)) = (&mut a, b) {
        a.extend(b);
    }
    a
}

fn of_instruction(one: &Instruction) -> Value {
    let heredoc = |h: &Heredoc| {
        json!({"name": h.name, "fd": h.file_descriptor.to_string(), "expand": h.expand, "chomp": h.chomp,
            "content": encoded(&h.content)})
    };
    let (name, kind) = of_kind(&one.kind);
    let common = json!({"k": name, "kw": one.keyword, "text": one.text, "comments": one.comments, "start": one.span.line,
        "end": one.span.end_line, "heredocs": list(&one.heredocs, heredoc)});
    merged(common, kind)
}

fn of_stage(stage: &Stage) -> Value {
    json!({"k": "FROM", "kw": stage.keyword, "text": stage.text, "comments": stage.comments, "start": stage.span.line,
        "end": stage.span.end_line, "heredocs": [], "name": stage.name.as_deref().unwrap_or_default(), "base": stage.base_name,
        "platform": stage.platform.as_deref().unwrap_or_default()})
}

/// A file as the recorded answers have it.
fn of_file(bytes: &[u8]) -> Value {
    let file = match Dockerfile::parse(bytes) {
        Ok(file) => file,
        Err(error) => return json!({"err": error.engine_message}),
    };
    let mut all: Vec<Value> = file.global_args.iter().map(of_instruction).collect();
    for stage in &file.stages {
        all.push(of_stage(stage));
        all.extend(stage.instructions.iter().map(of_instruction));
    }
    let continuations = file.warnings.iter().filter(|w| w.rule == "NoEmptyContinuation");
    let lines: Vec<Value> = continuations.map(|w| json!(w.span.line)).collect();
    let directive = |d: &Option<Directive>| d.as_ref().map(|d| json!([d.value, d.span.line]));
    json!({"escape": file.escape.to_string(), "all": all, "warn": lines,
        "syntax": directive(&file.syntax), "check": directive(&file.check)})
}

#[test]
fn files_are_read_as_buildkit_reads_them() {
    let mut seen = 0;
    for entry in std::fs::read_dir(fixtures()).expect("fixtures") {
        let path = entry.expect("fixture").path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let answer: Value =
            serde_json::from_slice(&read(&format!("{name}/result.json"))).expect("a recorded answer");
        assert_eq!(of_file(&read(&format!("{name}/Dockerfile"))), answer, "{name}");
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} fixtures found");
}

#[test]
fn mistakes_get_buildkits_error_texts() {
    for row in rows("errors.json") {
        assert_eq!(
            of_file(row["text"].as_str().expect("text").as_bytes()),
            row["answer"],
            "{}",
            row["about"]
        );
    }
}

#[test]
fn random_files_are_read_as_buildkit_reads_them() {
    for row in rows("random.json") {
        let bytes = decoded(&row["file"]);
        assert_eq!(of_file(&bytes), row["answer"], "{}", lossy(&bytes));
    }
}

#[test]
fn triggers_are_read_as_buildkit_reads_them() {
    for row in rows("triggers.json") {
        let text = row["text"].as_str().expect("text");
        let answer = match Instruction::parse_trigger(text, Span { line: 7, end_line: 8, column: 0 }) {
            Ok(one) => of_instruction(&one),
            Err(error) => json!({"err": error.engine_message}),
        };
        assert_eq!(answer, row["answer"], "{text:?}");
    }
}

fn variables(row: &Value) -> BTreeMap<String, String> {
    let env = row["env"].as_object().expect("env");
    env.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect()
}

#[test]
fn words_are_expanded_as_buildkit_expands_them() {
    for row in rows("words.json") {
        let has = |option: &str| row["options"].as_array().is_some_and(|all| all.iter().any(|o| o == option));
        let lexer = Lexer {
            escape: row["escape"].as_str().and_then(|e| e.chars().next()).expect("escape"),
            raw_quotes: has("raw_quotes"),
            raw_escapes: has("raw_escapes"),
            skip_process_quotes: has("skip_process_quotes"),
            skip_unset_env: has("skip_unset_env"),
        };
        let (word, env) = (row["word"].as_str().expect("word"), variables(&row));
        let one = match lexer.process_word(word, &env) {
            Ok(e) => json!({"result": e.result, "matched": e.matched, "unmatched": e.unmatched}),
            Err(e) => json!({"err": e.to_string()}),
        };
        let several = match lexer.process_words(word, &env) {
            Ok(words) => json!({"words": words}),
            Err(e) => json!({"werr": e.to_string()}),
        };
        assert_eq!(merged(one, several), row["answer"], "{row}");
    }
}

#[test]
fn mounts_are_read_as_buildkit_reads_them() {
    for row in rows("mounts.json") {
        let (value, env) = (row["value"].as_str().expect("value"), variables(&row));
        let expand = |word: &str| Lexer::new('\\').process_word(word, &env).map(|e| e.result);
        let answer = match (Mount::parse(value, None), Mount::parse(value, Some(&expand))) {
            (Err(error), _) => json!({"perr": error.to_string()}),
            (_, Err(error)) => json!({"err": error.to_string()}),
            (_, Ok(m)) => {
                json!({"type": format!("{:?}", m.kind).to_lowercase(), "from": m.from, "source": m.source,
                "target": m.target, "ro": m.read_only, "size": m.size.to_string(), "id": m.id,
                "sharing": format!("{:?}", m.sharing).to_lowercase(), "required": m.required, "env": m.env, "mode": m.mode,
                "uid": m.uid, "gid": m.gid})
            }
        };
        assert_eq!(answer, row["answer"], "{value:?}");
    }
}
