//! Options, exit statuses and shapes of the answers: what scripts rely on.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::cli::{self, Run, stowaway_in};
use crate::support::tree;

const TREE: &str = r##"
    file  Dockerfile     0644 "FROM scratch AS one\nCOPY a.txt /x/\nFROM scratch AS two\nCOPY --from=one /x /y\nCOPY src /src/\n"
    file  .dockerignore  0644 "# what stays\n*.log\nsecret\n!keep.log\n"
    file  a.txt          0644 "hello\n"
    file  b.log          0644 "noise"
    file  keep.log       0600 "kept"
    file  secret/key     0600 "k"
    dir   src            0750
    file  src/main.py    0755 "print()"
    hard  src/same       =    src/main.py
    link  src/latest     -> main.py
"##;

fn json(dir: &Path, args: &[&str]) -> Value {
    stowaway_in(dir, args).expect_code(0).json().unwrap()
}

fn paths(doc: &Value) -> Vec<&str> {
    doc["entries"].as_array().expect("entries").iter().map(|e| e["path"].as_str().expect("a path")).collect()
}

#[test]
fn plan_gives_every_field_that_the_contract_names() {
    let dir = tree::on_disk(TREE);
    let doc = json(dir.path(), &["plan", "--format", "json"]);
    assert_eq!(doc["schema"], "stowaway.plan/1");
    assert_eq!(doc["dockerfile"], "Dockerfile");
    assert_eq!(doc["target"], "two");
    let context = &doc["context"];
    assert_eq!((&context["path"], &context["ignore_file"]), (&".".into(), &".dockerignore".into()));
    // Dockerfile, .dockerignore, a.txt, keep.log, src/main.py, src/same; src; src/latest.
    assert_eq!(
        (&context["files"], &context["dirs"], &context["symlinks"]),
        (&6.into(), &1.into(), &1.into())
    );
    assert!(context["bytes"].is_u64() && context["ignored"].as_u64() >= Some(2), "{context}");
    let steps = doc["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["[one 1/1] COPY a.txt /x/", "[two 1/2] COPY --from=one /x /y", "[two 2/2] COPY src /src/"]
    );
    let first = &steps[0];
    assert_eq!((&first["stage"], &first["line"], &first["end_line"]), (&"one".into(), &2.into(), &2.into()));
    assert_eq!((&first["instruction"], &first["text"]), (&"COPY".into(), &"COPY a.txt /x/".into()));
    assert_eq!((&first["reads"]["files"], &first["reads"]["bytes"]), (&1.into(), &6.into()));
    for step in steps {
        for key in ["content_key", "cache_key"] {
            let key = step[key].as_str().unwrap();
            assert!(key.len() == 71 && key.starts_with("sha256:"), "{step}");
        }
        assert_eq!(step["open"], Value::Array(Vec::new()));
    }
    assert_eq!(doc["errors"], Value::Array(Vec::new()));
    assert!(!doc["records"].as_array().unwrap().is_empty());
}

#[test]
fn ls_lists_what_the_engine_sees_in_its_order() {
    let dir = tree::on_disk(TREE);
    let doc = json(dir.path(), &["ls", "--format", "json", "--hash", "sha256"]);
    assert_eq!(doc["schema"], "stowaway.ls/1");
    let want =
        [".dockerignore", "Dockerfile", "a.txt", "keep.log", "src", "src/latest", "src/main.py", "src/same"];
    assert_eq!(paths(&doc), want);
    let entry =
        |path: &str| doc["entries"].as_array().unwrap().iter().find(|e| e["path"] == path).unwrap().clone();
    let hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    let file = entry("a.txt");
    assert_eq!((&file["type"], &file["mode"], &file["size"]), (&"file".into(), &"0644".into(), &6.into()));
    assert_eq!(file["sha256"].as_str().unwrap().trim_start_matches("sha256:"), hello);
    assert_eq!(entry("src")["mode"], "0750");
    assert_eq!(
        (&entry("src/latest")["type"], &entry("src/latest")["linkname"]),
        (&"symlink".into(), &"main.py".into())
    );
    assert_eq!(
        (&entry("src/same")["type"], &entry("src/same")["linkname"]),
        (&"hardlink".into(), &"src/main.py".into())
    );
}

#[test]
fn ls_with_blake3_gives_blake3() {
    let dir = tree::on_disk("file a.txt 0644 \"hello\\n\"");
    let doc = json(dir.path(), &["ls", "--format", "json", "--hash", "blake3"]);
    let digest = doc["entries"][0]["blake3"].as_str().unwrap();
    assert_eq!(digest.trim_start_matches("blake3:"), blake3::hash(b"hello\n").to_hex().as_str());
}

#[test]
fn ls_separates_paths_with_nul_and_keeps_their_bytes() {
    let dir = tree::on_disk("file \"a\\nb\" 0644\nfile \"\\xff\" 0644\ndir d\n");
    let run = stowaway_in(dir.path(), ["ls", "-0"]).expect_code(0);
    assert_eq!(run.stdout, b"a\nb\0d\0\xff\0");
}

#[test]
fn ls_for_people_escapes_what_a_terminal_must_not_see() {
    let dir = tree::on_disk("file \"a\\x1b[31m\" 0644\n");
    let run = stowaway_in(dir.path(), ["ls"]).expect_code(0);
    assert!(!run.stdout.contains(&0x1b), "{:?}", run.text());
}

#[test]
fn names_that_are_not_utf8_appear_in_base64() {
    let dir = tree::on_disk("file \"\\xff\" 0644\n");
    let doc = json(dir.path(), &["ls", "--format", "json"]);
    assert_eq!(doc["entries"][0]["path_b64"], "/w==");
    assert!(doc["entries"][0].get("path").is_none());
}

#[test]
fn ls_can_list_what_is_ignored_or_everything() {
    let dir = tree::on_disk(TREE);
    let ignored = json(dir.path(), &["ls", "--ignored", "--format", "json"]);
    assert!(paths(&ignored).contains(&"b.log") && paths(&ignored).contains(&"secret"), "{ignored}");
    assert!(!paths(&ignored).contains(&"a.txt") && !paths(&ignored).contains(&"keep.log"), "{ignored}");
    let all = json(dir.path(), &["ls", "--all", "--format", "json"]);
    for path in ["b.log", "secret", "a.txt", "keep.log", "src/main.py"] {
        assert!(paths(&all).contains(&path), "{path}: {all}");
    }
}

#[test]
fn ls_of_a_step_lists_its_sources_and_where_they_land() {
    let dir = tree::on_disk(TREE);
    for step in ["5", "Dockerfile:5"] {
        let run = stowaway_in(dir.path(), ["ls", "--step", step]).expect_code(0);
        let text = run.text();
        assert!(text.contains("src/main.py") && text.contains("/src/main.py"), "{text}");
        assert!(!text.contains("a.txt"), "{text}");
    }
    let run = stowaway_in(dir.path(), ["ls", "--step", "77"]).expect_code(2);
    assert!(run.stderr.contains("77"), "{}", run.stderr);
}

#[test]
fn explain_names_the_pattern_and_its_line() {
    let dir = tree::on_disk(TREE);
    let doc = json(dir.path(), &["explain", "b.log", "keep.log", "a.txt", "--format", "json"]);
    let text = doc.to_string();
    assert_eq!(doc["schema"], "stowaway.explain/1");
    assert!(text.contains("*.log") && text.contains("!keep.log"), "{text}");
    let run = stowaway_in(dir.path(), ["explain", "b.log"]).expect_code(0);
    let text = run.text();
    assert!(text.contains("*.log") && text.contains(".dockerignore") && text.contains('2'), "{text}");
}

#[test]
fn a_build_that_would_fail_exits_with_1_and_names_the_cause() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY config/app.yml /etc/\\n\"\n\
         file .dockerignore 0644 \"a\\nb\\nc\\n*.yml\\n**/*.yml\\n\"\nfile config/app.yml 0644\n",
    );
    let run = stowaway_in(dir.path(), ["plan"]).expect_code(1);
    let both = format!("{}{}", run.text(), run.stderr);
    assert!(
        both.contains("COPY source `config/app.yml` exists but `.dockerignore` line 5 (`**/*.yml`) hides it"),
        "{both}"
    );
    let run = stowaway_in(dir.path(), ["plan", "--format", "json"]).expect_code(1);
    let doc = run.json().unwrap();
    let error = &doc["errors"][0];
    assert_eq!((&error["line"], &error["code"]), (&2.into(), &"copy-source-missing".into()));
    assert_eq!(error["step"], "[1/1] COPY config/app.yml /etc/");
    let cause = &error["cause"];
    assert_eq!((&cause["ignore_file"], &cause["line"]), (&".dockerignore".into(), &5.into()));
    assert_eq!(cause["pattern"], "**/*.yml");
    assert!(error["engine_message"].as_str().unwrap().ends_with("\"/config/app.yml\": not found"), "{error}");
}

#[test]
fn a_broken_dockerfile_still_gives_a_whole_document() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\\nCOPPY a /\\n\"\n");
    let run = stowaway_in(dir.path(), ["plan", "--format", "json"]).expect_code(1);
    let doc = run.json().unwrap();
    assert_eq!(doc["errors"][0]["line"], 2);
    assert!(doc["steps"].is_array() && doc["records"].is_array() && doc["context"].is_object());
}

#[test]
fn wrong_use_exits_with_2_and_says_what_was_meant() {
    let dir = tree::on_disk(TREE);
    for (args, word) in [
        (&["plan", "--frobnicate"][..], "--frobnicate"),
        (&["plna"], "plan"),
        (&["plan", "--platform", "a/b/c/d"], "a/b/c/d"),
        (&["plan", "--build-context", "nameless"], "nameless"),
        (&["ls", "--hash", "md5"], "md5"),
        (&["explain"], "PATH"),
        (&["plan", "--target"], "--target"),
    ] {
        let run = stowaway_in(dir.path(), args).expect_code(2);
        assert!(run.stderr.contains(word), "{args:?}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{args:?}: data on stdout: {}", run.text());
    }
}

#[test]
fn help_and_version_are_answers() {
    let dir = tree::on_disk("");
    for args in [&["--help"][..], &["plan", "--help"], &["ls", "-h"], &["explain", "--help"], &["--version"]]
    {
        let run = stowaway_in(dir.path(), args).expect_code(0);
        assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{args:?}");
    }
    let version = stowaway_in(dir.path(), ["--version"]);
    assert!(version.text().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn output_goes_to_a_file_at_once_or_not_at_all() {
    let dir = tree::on_disk(TREE);
    let plain = stowaway_in(dir.path(), ["plan", "--format", "json"]).expect_code(0);
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("plan.json");
    fs::write(&file, "what was there before").unwrap();
    let target = file.to_str().unwrap();
    let run = stowaway_in(dir.path(), ["plan", "--format", "json", "-o", target]).expect_code(0);
    assert!(run.stdout.is_empty(), "{}", run.text());
    assert_eq!(fs::read(&file).unwrap(), plain.stdout);
    // A run that comes to nothing leaves the file, and nothing else, as it was.
    let run = stowaway_in(dir.path(), ["plan", "-o", target, "no-such-context"]).expect_code(2);
    assert!(run.stderr.contains("no-such-context"), "{}", run.stderr);
    assert_eq!(fs::read(&file).unwrap(), plain.stdout);
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1, "something half-written is left");
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_that_names_it() {
    let dir = tree::on_disk(TREE);
    let run = stowaway_in(dir.path(), ["plan", "-o", "no/such/folder/x"]).expect_code(2);
    assert!(run.stderr.contains("no/such/folder"), "{}", run.stderr);
}

#[test]
fn the_same_question_gives_the_same_bytes() {
    let dir = tree::on_disk(TREE);
    for args in [&["plan"][..], &["plan", "--format", "json"], &["ls"], &["ls", "--all", "--hash", "sha256"]]
    {
        let ask = || stowaway_in(dir.path(), args).expect_code(0).stdout;
        assert_eq!(ask(), ask(), "{args:?}");
    }
}

#[test]
fn the_dockerfile_may_lie_outside_the_context() {
    let dir = tree::on_disk(TREE);
    let outside = tree::on_disk(
        "file app.Dockerfile 0644 \"FROM scratch\\nCOPY . /\\n\"\nfile app.Dockerfile.dockerignore 0644 \"*\\n!a.txt\\n\"\n",
    );
    let file = outside.path().join("app.Dockerfile");
    let file = file.to_str().unwrap();
    let doc = json(dir.path(), &["ls", "--format", "json", "-f", file]);
    assert_eq!(paths(&doc), ["a.txt"]);
    let doc = json(dir.path(), &["plan", "--format", "json", "-f", file]);
    assert_eq!(doc["steps"][0]["reads"]["files"], 1);
}

#[test]
fn a_target_limits_the_steps_and_a_wrong_one_is_an_error() {
    let dir = tree::on_disk(TREE);
    let doc = json(dir.path(), &["plan", "--format", "json", "--target", "one"]);
    assert_eq!(doc["steps"].as_array().unwrap().len(), 1);
    let run = stowaway_in(dir.path(), ["plan", "--target", "onne"]).expect_code(1);
    let both = format!("{}{}", run.text(), run.stderr);
    assert!(both.contains("onne") && both.contains("one"), "{both}");
}

#[test]
fn build_args_move_keys_and_secrets_do_not() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nARG WHERE=a\\nCOPY f /$WHERE/\\nRUN --mount=type=secret,id=s [\\\"/f\\\"]\\n\"\nfile f 0755 \"x\"\n",
    );
    let key = |args: &[&str]| {
        let args = [&["plan", "--format", "json"], args].concat();
        json(dir.path(), &args)["steps"][0]["cache_key"].clone()
    };
    assert_eq!(key(&[]), key(&["--build-arg", "WHERE=a"]));
    assert_ne!(key(&[]), key(&["--build-arg", "WHERE=b"]));
    assert_eq!(key(&[]), key(&["--secret", "id=s,src=/nonexistent", "--ssh", "default"]));
}

#[test]
fn a_build_arg_without_a_value_takes_the_environments() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nARG WHERE=a\\nCOPY f /$WHERE/\\n\"\nfile f 0644\n",
    );
    let name = |run: Run| run.expect_code(0).json().unwrap()["steps"][0]["name"].clone();
    let args = ["plan", "--format", "json", "--build-arg", "WHERE"];
    let with = cli::run(cli::command().current_dir(dir.path()).env("WHERE", "b").args(args));
    assert_eq!(name(with), "[1/1] COPY f /b/");
    let without = cli::run(cli::command().current_dir(dir.path()).env_remove("WHERE").args(args));
    assert_eq!(name(without), "[1/1] COPY f /a/");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    use std::process::Stdio;
    let dir = tree::on_disk("");
    for i in 0..5000 {
        fs::write(dir.path().join(format!("a-file-with-a-rather-long-name-{i}")), "").unwrap();
    }
    let mut child = cli::command()
        .current_dir(dir.path())
        .arg("ls")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let dir = tree::on_disk(TREE);
    let plain = stowaway_in(dir.path(), ["plan"]).expect_code(0);
    assert!(!plain.stdout.contains(&0x1b));
    let never = stowaway_in(dir.path(), ["plan", "--color", "never"]).expect_code(0);
    assert_eq!(plain.stdout, never.stdout);
}
