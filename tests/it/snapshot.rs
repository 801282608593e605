//! `snapshot`: where it writes, what it says, and what it never writes.

use std::fs;
use std::path::{Path, PathBuf};

use stowaway::digest::Digest;
use stowaway::snapshot::{Snapshot, Store, read};

use crate::support::cli::{Run, command, run, stowaway_in};
use crate::support::tree;

const TREE: &str = r##"
    file  Dockerfile     0644 "FROM scratch\nARG KEY\nCOPY a.txt src /x/\n"
    file  a.txt          0644 "alpha\n"
    file  src/b.txt      0644 "beta\n"
    file  other          0644 "unused"
"##;

fn kept_in(dir: &Path, state: &Path, args: &[&str]) -> Run {
    run(command().current_dir(dir).env("STOWAWAY_STATE_DIR", state).arg("snapshot").args(args))
}

/// The file that the last line of standard error names.
fn named(run: &Run) -> PathBuf {
    let line = run.stderr.lines().last().unwrap_or_default();
    let (_, rest) = line.rsplit_once(": ").unwrap_or_else(|| panic!("{line:?} names no file"));
    PathBuf::from(rest.rsplit_once(" (").expect("a size").0)
}

#[test]
fn without_a_file_it_is_kept_for_this_build_and_the_last_five_stay() {
    let (dir, state) = (tree::on_disk(TREE), tempfile::tempdir().unwrap());
    let first = kept_in(dir.path(), state.path(), &[]).expect_code(0);
    assert!(first.stdout.is_empty());
    assert!(first.stderr.contains("snapshot of 2 files (11 B) and 1 step: "), "{}", first.stderr);
    let snapshot = read(&named(&first)).unwrap();
    assert!(named(&first).starts_with(state.path().join("snapshots")));
    assert_eq!(snapshot.sources[0].contents[0], Some(Digest::blake3("alpha\n")));
    assert!(snapshot.subject.taken.is_some_and(|t| t > 1_700_000_000));
    for _ in 0..6 {
        kept_in(dir.path(), state.path(), &[]).expect_code(0);
    }
    assert!(!named(&first).exists());
    assert_eq!(fs::read_dir(named(&first).parent().unwrap()).unwrap().count(), 5);
    let store = Store::new(state.path().join("snapshots"));
    assert!(store.last(&snapshot.subject).unwrap().is_some());
}

#[test]
fn the_same_build_is_known_from_every_folder() {
    let (dir, state) = (tree::on_disk(TREE), tempfile::tempdir().unwrap());
    let context = dir.path().to_str().unwrap();
    let dockerfile = format!("{context}/Dockerfile");
    let mut folders: Vec<PathBuf> = Vec::new();
    for (place, args) in [
        (dir.path(), vec![]),
        (dir.path(), vec!["-f", "Dockerfile", "src/.."]),
        (Path::new("/"), vec![context]),
        (Path::new("/"), vec!["-f", &dockerfile, context]),
    ] {
        let kept = kept_in(place, state.path(), &args).expect_code(0);
        folders.push(named(&kept).parent().unwrap().to_owned());
    }
    folders.dedup();
    assert_eq!(folders.len(), 1, "{folders:?}");
    let other = kept_in(dir.path(), state.path(), &["--platform", "linux/riscv64"]).expect_code(0);
    assert_ne!(named(&other).parent().unwrap(), folders[0]);
}

#[test]
fn a_file_or_standard_output_takes_it_instead() {
    let dir = tree::on_disk(TREE);
    let said = stowaway_in(dir.path(), ["snapshot", "-o", "base.snap"]).expect_code(0);
    assert_eq!(named(&said), Path::new("base.snap"));
    let mut file = read(&dir.path().join("base.snap")).unwrap();
    let out = stowaway_in(dir.path(), ["snapshot", "-o", "-"]).expect_code(0);
    let mut stdout = Snapshot::from_bytes(&out.stdout).unwrap();
    file.subject.taken = None;
    stdout.subject.taken = None;
    assert_eq!(file, stdout);
    assert_eq!(stowaway_in(dir.path(), ["snapshot", "-q", "-o", "base.snap"]).expect_code(0).stderr, "");
    let doc = stowaway_in(dir.path(), ["snapshot", "--format", "json", "-o", "base.snap"]).expect_code(0);
    let doc = doc.json().unwrap();
    assert_eq!((&doc["schema"], &doc["path"]), (&"stowaway.snapshot/1".into(), &"base.snap".into()));
    assert_eq!((&doc["sent"]["files"], &doc["steps"]), (&2.into(), &1.into()));
    let both = stowaway_in(dir.path(), ["snapshot", "--format", "json", "-o", "-"]).expect_code(2);
    assert!(both.stderr.contains("would both write to standard output"), "{}", both.stderr);
    let nowhere = stowaway_in(dir.path(), ["snapshot", "-o", "no/such/folder/x"]).expect_code(2);
    assert!(
        nowhere.stderr.contains("writing no/such/folder/x: no such file or directory"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn a_snapshot_that_the_build_itself_would_send_is_told() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\\nCOPY . /x\\n\"");
    let told = |args: &[&str]| {
        let said = stowaway_in(dir.path(), [&["snapshot"], args].concat()).expect_code(0);
        said.stderr.contains("lies in the context and is sent with it")
    };
    assert!(told(&["-o", "base.snap"]) && told(&["-o", "base.snap"]));
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(!told(&["-o", elsewhere.path().join("s").to_str().unwrap()]));
    fs::write(dir.path().join(".dockerignore"), "*.snap\n").unwrap();
    assert!(!told(&["-o", "base.snap"]));
    fs::remove_file(dir.path().join(".dockerignore")).unwrap();
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /x\n").unwrap();
    assert!(!told(&["-o", "base.snap"]), "nobody asks for it");
}

#[test]
fn a_build_that_would_fail_is_frozen_all_the_same() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\\nCOPY nope /\\nCOPY --from=who /a /b\\n\"");
    let said = stowaway_in(dir.path(), ["snapshot", "-o", "s"]).expect_code(0);
    assert!(
        said.stderr.contains("the build would fail on line 2: COPY source `nope` does not exist"),
        "{}",
        said.stderr
    );
    let failures = read(&dir.path().join("s")).unwrap().failures;
    assert_eq!(failures[0].code, "copy-source-missing");
}

#[test]
fn of_a_dockerfile_that_is_none_there_is_no_snapshot() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\\nCOPPY a /\\n\"");
    let said = stowaway_in(dir.path(), ["snapshot", "-o", "s"]).expect_code(2);
    let message = "no plan can be made of Dockerfile: line 2: unknown instruction: COPPY";
    assert!(said.stderr.contains(message) && said.stderr.contains("hint: "), "{}", said.stderr);
    assert!(!dir.path().join("s").exists());
    let none = tree::on_disk("file a 0644 \"\"");
    let said = stowaway_in(none.path(), ["snapshot", "-o", "s"]).expect_code(2);
    assert!(said.stderr.contains("there is no `Dockerfile`"), "{}", said.stderr);
}

#[test]
fn without_a_home_a_file_has_to_be_named() {
    let dir = tree::on_disk(TREE);
    let bare = |args: &[&str]| {
        let mut command = command();
        command.current_dir(dir.path()).arg("snapshot").args(args);
        run(command.env_remove("STOWAWAY_STATE_DIR").env_remove("XDG_STATE_HOME").env_remove("HOME"))
    };
    assert!(bare(&[]).expect_code(2).stderr.contains("set STOWAWAY_STATE_DIR"));
    bare(&["-o", "s"]).expect_code(0);
}

#[test]
fn values_and_secrets_are_not_in_the_file() {
    let dir = tree::on_disk(
        r##"file Dockerfile 0644 "FROM scratch\nARG KEY\nENV E=$KEY\nCOPY a.txt /x/$KEY/\nRUN --mount=type=secret,id=s echo $KEY\n"
            file a.txt 0644 "alpha""##,
    );
    let secret = dir.path().join("outside");
    fs::write(&secret, "sEcReT-content").unwrap();
    let secret = format!("id=s,src={}", secret.display());
    let args = ["snapshot", "-o", "s", "--build-arg", "KEY=sEcReT-value", "--secret", &secret];
    stowaway_in(dir.path(), args).expect_code(0);
    let snapshot = read(&dir.path().join("s")).unwrap();
    assert_eq!(snapshot.arguments["KEY"], Digest::blake3("sEcReT-value"));
    let all = format!("{snapshot:?}");
    assert!(!all.contains("sEcReT"), "{all}");
}
